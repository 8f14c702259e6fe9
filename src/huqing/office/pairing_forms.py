"""The form that asks for a pairing, and those that change one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField

from huqing.access.models import User
from huqing.access.scope import visible
from huqing.office import places
from huqing.office.ledger_forms import COUNTY_DIGITS, PeopleField, PeopleForm, day_field
from huqing.registry.models import Household
from huqing.standards.codelists import codelist
from huqing.teams.ledger_queries import named_people
from huqing.teams.models import Unit
from huqing.teams.pairing_question import SUBJECTS, rules_offered

RANGE = re.compile(r"(\d{1,3})(?:\s*[-—~至]\s*(\d{1,3}))?")
WITHIN = [("", "不限"), ("county", "只结本县"), ("town", "只结本乡镇"), ("village", "只结本村")]


class RangeField(forms.CharField):
    """How many somebody takes: "4" exactly, "2-5" a range, empty none; cleaned to [least, most]."""

    def clean(self, value: Any) -> list[int]:
        """The two ends."""
        text = super().clean(value).strip()
        if not text:
            return [0, 0]
        found = RANGE.fullmatch(text)
        if not found:
            raise forms.ValidationError("写一个数，例如 4；或一个范围，例如 2-5。")
        least = int(found[1])
        most = int(found[2]) if found[2] else least
        if most < least:
            raise forms.ValidationError("范围写反了，小的数写在前面。")
        return [least, most]


class PairingForm(forms.Form):
    """Who helps whom: two roles at most, quotas by rank, wishes."""

    title = forms.CharField(label="方案名称", max_length=100, help_text="例如：2024 年下半年结对调整")
    region = forms.ChoiceField(label="范围")
    kinds = forms.MultipleChoiceField(
        label="哪些人", widget=forms.CheckboxSelectMultiple, choices=[], error_messages={"required": "请选人员类别。"}
    )
    unit = forms.ModelChoiceField(
        label="只用这个单位的人", queryset=Unit.objects.none(), required=False, empty_label="不限"
    )
    role1 = forms.ChoiceField(label="第一种责任")
    whom1 = forms.ChoiceField(label="给谁")
    role2 = forms.ChoiceField(
        label="第二种责任", required=False, help_text="例如重点帮扶之外再加联系；两种都符合的对象归第一种。"
    )
    whom2 = forms.ChoiceField(label="给谁（第二种）", required=False)
    keep = forms.BooleanField(label="尽量沿用原来的结对", required=False, initial=True)
    within = forms.ChoiceField(label="地方限制", choices=WITHIN, required=False)
    fixed = forms.CharField(
        label="指定结对",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="一行一对：姓名 户编号。没有就留空。",
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        towns = [(place.code[:9], place.name) for place in places.towns(by.region_code)]
        self.fields["region"].choices = [
            (by.region_code, places.scope_of(by)),
            *(x for x in towns if x[0] != by.region_code),
        ]
        self.fields["kinds"].choices = codelist("staff_kind").items
        units = Unit.objects.filter(region_code__startswith=by.region_code[:COUNTY_DIGITS])
        self.fields["unit"].queryset = units.order_by("name")
        roles = codelist("duty_role").items
        self.fields["role1"].choices = roles
        self.fields["role2"].choices = [("", "没有"), *roles]
        whom = _whom()
        self.fields["whom1"].choices = whom
        self.fields["whom2"].choices = [("", "没有"), *whom]
        for rank, name in codelist("cadre_rank").items:
            for place, what in ((1, "第一种"), (2, "第二种")):
                self.fields[f"q{rank}_{place}"] = RangeField(label=f"{name}每人{what}", required=False, max_length=9)

    def quota_fields(self) -> Iterator[tuple[str, BoundField, BoundField]]:
        """The numbers by rank: rank, first role, second role."""
        for rank, name in codelist("cadre_rank").items:
            yield name, self[f"q{rank}_1"], self[f"q{rank}_2"]

    def main_fields(self) -> Iterator[BoundField]:
        """Everything but the numbers."""
        return (field for field in self if not field.name.startswith("q"))

    def clean(self) -> dict[str, Any]:
        """Both or neither of the second role; some quota; lines of fixed pairs."""
        data = super().clean() or {}
        if bool(data.get("role2")) != bool(data.get("whom2")):
            self.add_error("whom2", "第二种责任和对象要一起选，或者都不选。")
        if data.get("role2") and data.get("role2") == data.get("role1"):
            self.add_error("role2", "两种责任不能相同。")
        numbers = [data.get(f"q{rank}_{place}", [0, 0]) for rank, _ in codelist("cadre_rank").items for place in (1, 2)]
        if not any(most for _, most in numbers):
            raise forms.ValidationError("请至少给一个职级写上名额；没有登记职级的人按“其他”算。")
        if "fixed" in data:
            data["pairs"] = tuple(self._pairs(data["fixed"]))
        return data

    def _pairs(self, text: str) -> Iterator[tuple[int, int]]:
        for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
            name, _, household = line.rpartition(" ")
            people, wrong = named_people(name, self.by)
            found = visible(Household.objects.filter(number=household.strip()), self.by).first()
            if wrong or len(people) != 1:
                self.add_error("fixed", f"第 {number} 行：{wrong[0] if wrong else '请写“姓名 户编号”。'}")
            elif found is None:
                self.add_error("fixed", f"第 {number} 行：没有找到户编号 {household}。")
            else:
                yield people[0].pk, found.pk

    def question(self) -> dict[str, Any]:
        """What ``pairing_actions.make`` asks."""
        data = self.cleaned_data
        slots = [_slot(data["role1"], data["whom1"])]
        if data["role2"]:
            slots.append(_slot(data["role2"], data["whom2"]))
        quotas = {}
        for rank, _ in codelist("cadre_rank").items:
            numbers = [data[f"q{rank}_{place}"] for place in range(1, len(slots) + 1)]
            if any(most for _, most in numbers):
                quotas[rank] = numbers
        return {
            "region": data["region"],
            "slots": slots,
            "kinds": data["kinds"],
            "unit": data["unit"].pk if data["unit"] else None,
            "quotas": quotas,
            "wishes": {"keep": 50 if data["keep"] else 0, "within": data["within"], "balance": 2},
        }


def _whom() -> list[tuple[str, str]]:
    labels = codelist("label_kind").items
    return [
        ("household|", "全部农户"),
        *((f"household|label:{kind}", f"有“{name}”标签的户") for kind, name in labels),
        *((f"person|label:{kind}", f"有“{name}”标签的人") for kind, name in labels),
        *(
            (f"{subject}|rule:{name}", f"工作法“{title}”的{SUBJECTS[subject]}")
            for name, (subject, title) in rules_offered().items()
            if subject in ("household", "person")
        ),
        ("village|", "全部行政村"),
    ]


def _slot(role: str, whom: str) -> dict[str, str]:
    of, _, chosen = whom.partition("|")
    return {"role": role, "of": of, "whom": chosen}


class PairStaffForm(PeopleForm):
    """Who goes into a pair instead."""

    staff = PeopleField(label="换成", error_messages={"required": "请写姓名。"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff"].single = True


class PublishForm(forms.Form):
    """From which day a proposal holds."""

    on = day_field("起始日期", "新结对从这一天起负责，要解除的责任到前一天为止。")


class AvoidanceForm(PeopleForm):
    """Two that must not be paired."""

    staff = PeopleField(label="责任人", error_messages={"required": "请写姓名。"})
    household = forms.CharField(label="户编号", max_length=40)
    reason = forms.CharField(label="原因", max_length=60, help_text="例如：亲属")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        self.by = by
        self.fields["staff"].single = True

    def clean_household(self) -> Household:
        """The household of the number."""
        found = visible(Household.objects.filter(number=self.cleaned_data["household"].strip()), self.by).first()
        if found is None:
            raise forms.ValidationError("没有找到这个户编号。")
        return found
