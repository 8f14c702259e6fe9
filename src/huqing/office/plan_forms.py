"""The forms of plans: what a plan says, a measure, how a measure goes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from huqing.access.models import User
from huqing.office.ledger_forms import PeopleField, PeopleForm, day_field
from huqing.plans.declarations import declared, group_of
from huqing.plans.lines import Line
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.values import display
from huqing.teams.models import Staff

OTHER = "other"
LEDGER = ("state", "started_on", "ended_on", "amount", "fund_source", "provider", "result", "measure_note")


def _area(rows: int, most: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "maxlength": most})


class PlanForm(forms.Form):
    """Causes, risks, situation and aim. ``whys`` say beside each risk from where it is known."""

    risks = forms.MultipleChoiceField(
        label="风险",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请至少选一项风险；都不是的选“其他”并写明情况。"},
        help_text="与户档案不同的，保存时一并写入户档案。",
    )
    causes = forms.MultipleChoiceField(label="致贫原因", required=False, widget=forms.CheckboxSelectMultiple)
    situation = forms.CharField(
        label="家庭情况和困难",
        max_length=500,
        required=False,
        widget=_area(3, 500),
        help_text="不写证件号码、电话和账号。",
    )
    aim = forms.CharField(label="帮扶目标", max_length=300, required=False, widget=_area(2, 300))

    def __init__(self, *args: Any, whys: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = whys or {}
        self.fields["risks"].choices = [
            (code, f"{label}（{told[code]}）" if code in told else label) for code, label in codelist("risk_type").items
        ]
        self.fields["causes"].choices = codelist("poverty_cause").items


class ReviseForm(PlanForm):
    """The same with a reason."""

    reason = forms.CharField(
        label="修订原因", max_length=300, widget=_area(2, 300), error_messages={"required": "请写明修订原因。"}
    )


class StaffForm(PeopleForm):
    """Somebody responsible: one of those who look after the household, or somebody else by name."""

    staff = forms.ChoiceField(label="责任人", error_messages={"required": "请选责任人，或在下面写姓名。"})
    other = PeopleField(label="其他责任人", required=False, help_text="上面没有的，写姓名、“姓名（单位）”或人员编号。")
    other.single = True

    def __init__(self, *args: Any, by: User, people: list[Staff], chosen: Staff | None = None, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        self.people = {str(one.pk): one for one in [*people, *([chosen] if chosen else [])]}
        names = [(pk, f"{one.name}（{one.unit.name}）" if one.unit else one.name) for pk, one in self.people.items()]
        self.fields["staff"].choices = [("", "请选择"), *names]
        if chosen:
            self.initial.setdefault("staff", str(chosen.pk))

    def clean(self) -> dict[str, Any]:
        """A name that is written stands for the choice."""
        data = super().clean() or {}
        if data.get("other") and "staff" in self.errors:
            del self.errors["staff"]
        return data

    def responsible(self) -> Staff | None:
        """Who was chosen; the name written counts before the list."""
        named = self.cleaned_data.get("other")
        return named[0] if named else self.people.get(self.cleaned_data.get("staff", ""))


class MeasureForm(StaffForm):
    """A measure of a plan: all of it when it is new, all but what it is afterwards."""

    item = forms.ChoiceField(label="措施")
    risks = forms.MultipleChoiceField(label="针对的风险", required=False, widget=forms.CheckboxSelectMultiple)
    planned = forms.DecimalField(
        label="计划金额（元）", min_value=Decimal(0), max_digits=10, decimal_places=2, required=False
    )
    fund_source = forms.ChoiceField(label="资金来源", required=False)
    provider = forms.CharField(label="实施单位", max_length=100, required=False)
    state = forms.ChoiceField(label="实施状态")
    started_on = day_field("开始日期", "还没有实施的不填。", required=False)
    ended_on = day_field("结束日期", "做完的那一天；还没有做完的填计划结束的日期。", required=False)
    amount = forms.DecimalField(
        label="已落实金额（元）", min_value=Decimal(0), max_digits=10, decimal_places=2, required=False
    )
    result = forms.CharField(
        label="成效",
        max_length=300,
        required=False,
        widget=_area(2, 300),
        help_text="做完以后，这一户的情况有什么变化。",
    )
    measure_note = forms.CharField(
        label="说明", max_length=300, required=False, widget=_area(2, 300), help_text="选“其他”的写明是什么。"
    )
    lasts = forms.ChoiceField(
        label="自然期限", required=False, help_text="贷款、岗位、助学一类，消除风险后也要帮到期满。"
    )
    lasts_until = day_field("期限到期日", "合同、岗位协议或学段到哪一天。", required=False)
    order = (
        "item",
        "risks",
        "staff",
        "other",
        "state",
        "started_on",
        "ended_on",
        "planned",
        "fund_source",
        "provider",
        "amount",
        "result",
        "lasts",
        "lasts_until",
        "measure_note",
    )

    def __init__(self, *args: Any, risks: list[str], line: Line | None = None, **kwargs: Any) -> None:
        if line is not None:
            kwargs["initial"] = {**_initial(line), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.order_fields(self.order)
        shown = list(dict.fromkeys([*risks, *(line.planned.risks if line and line.planned else [])]))
        self.fields["risks"].choices = [(code, codelist("risk_type").label(code)) for code in shown]
        self.fields["state"].choices = codelist("measure_state").items
        self.fields["fund_source"].choices = [("", "没有资金或还没有定"), *codelist("fund_source").items]
        self.fields["lasts"].choices = [("", "没有"), *declared().lasting_titles.items()]
        self.fields["item"].choices = [("", "请选择"), *_items()]
        if line is not None:
            del self.fields["item"]
        else:
            for name in ("amount", "result", "lasts"):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """Something called “other” says what it is."""
        data = super().clean() or {}
        item = data.get("item", "")
        if codelist("measure").label(item).startswith("其他") and not data.get("measure_note"):
            self.add_error("measure_note", "选了“其他”的，请写明是什么措施。")
        return data

    def values(self) -> dict[str, Any]:
        """The fields of the ledger, as written."""
        data = self.cleaned_data
        told = {key: _written(data.get(key)) for key in LEDGER if key in self.fields}
        if "item" in self.fields:
            told |= {"measure_item": data["item"], "measure_group": group_of(data["item"])}
        return told

    def own(self) -> dict[str, Any]:
        """The plan's side."""
        data = self.cleaned_data
        planned = data.get("planned")
        return {
            "staff": self.responsible(),
            "risks": data.get("risks", []),
            "planned": int(planned * 100) if planned is not None else None,
            "lasts": data.get("lasts", ""),
            "lasts_until": data.get("lasts_until"),
        }


class ProgressForm(forms.Form):
    """How a measure goes, for whoever carries it out."""

    state = forms.ChoiceField(label="实施状态")
    started_on = day_field("开始日期", required=False)
    ended_on = day_field("结束日期", "做完的那一天；还没有做完的填计划结束的日期。", required=False)
    amount = forms.DecimalField(
        label="已落实金额（元）", min_value=Decimal(0), max_digits=10, decimal_places=2, required=False
    )
    result = forms.CharField(label="成效", max_length=300, required=False, widget=_area(2, 300))
    measure_note = forms.CharField(label="说明", max_length=300, required=False, widget=_area(2, 300))

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        kwargs.setdefault("initial", _initial(line))
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = codelist("measure_state").items

    def values(self) -> dict[str, Any]:
        """The fields of the ledger, as written."""
        return {key: _written(self.cleaned_data.get(key)) for key in self.fields}


class TakeUpForm(StaffForm):
    """Who is to be responsible for a measure that the ledger has already."""

    planned = forms.DecimalField(
        label="计划金额（元）", min_value=Decimal(0), max_digits=10, decimal_places=2, required=False
    )
    lasts_until = day_field("期限到期日", "贷款、岗位、助学一类填，消除风险后也要帮到期满。", required=False)


def _items() -> list[tuple[str, list[tuple[str, str]]]]:
    """The items of all groups, for a list with headings."""
    known, groups = codelist("measure"), codelist("measure_group")
    return [
        (label, [(code, text) for code, text in known.items if known.parents.get(code) == group])
        for group, label in groups.items
    ]


def _initial(line: Line) -> dict[str, Any]:
    kind = record_kinds()["measure"]
    told: dict[str, Any] = {key: line.items.get(key) for key in LEDGER}
    if told.get("amount") is not None:
        told["amount"] = display(kind["amount"], told["amount"])
    planned = line.planned
    if planned is not None:
        told |= {
            "risks": planned.risks,
            "planned": Decimal(planned.planned) / 100 if planned.planned is not None else None,
            "lasts": planned.lasts,
            "lasts_until": planned.lasts_until,
        }
    return told


def _written(value: Any) -> str:
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
