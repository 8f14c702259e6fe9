"""The forms with which a household's people, head, labels and grid are changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone

from huqing.office.edits import REASONS
from huqing.registry.member_actions import HEAD, JOINING, LEAVING
from huqing.registry.models import Grid, Household, Person
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value

Choices = list[tuple[str, str]]


def _codes(name: str, only: tuple[str, ...] = ()) -> Choices:
    return [("", "请选择"), *((code, label) for code, label in codelist(name).items if not only or code in only)]


def _relations() -> Choices:
    return [(code, label) for code, label in _codes("relation_to_head") if code != HEAD]


class DatedForm(forms.Form):
    """What every change of a file says: since when, and how it is known."""

    on = forms.DateField(label="哪天起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.ChoiceField(label="依据", choices=[("", "请选择"), *((text, text) for text in REASONS)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("on", timezone.localdate())
        super().__init__(*args, **kwargs)
        self.order_fields([*(name for name in self.fields if name not in ("on", "reason")), "on", "reason"])

    def clean_on(self) -> dt.date:
        """A change of the future is not recorded yet."""
        on: dt.date = self.cleaned_data["on"]
        if on > timezone.localdate():
            raise forms.ValidationError("日期不能晚于今天。")
        return on

    @property
    def dated(self) -> dict[str, Any]:
        """Day and reason as the actions take them."""
        return {"on": self.cleaned_data["on"], "reason": self.cleaned_data["reason"]}


class AddMemberForm(DatedForm):
    """Somebody joins the household."""

    join_reason = forms.ChoiceField(label="加入原因")
    name = forms.CharField(label="姓名", max_length=60)
    relation = forms.ChoiceField(label="与户主关系")
    id_number = forms.CharField(
        label="证件号码",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="身份证号。系统里已有这个人、现在不在任何一户的，会接上原来的档案。新生儿还没有的先不填。",
    )
    sex = forms.ChoiceField(label="性别", required=False)
    birth_date = forms.DateField(
        label="出生日期",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="填了身份证号可以不填。",
    )

    def __init__(self, *args: Any, headless: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["join_reason"].choices = _codes("member_change", JOINING)
        self.fields["relation"].choices = _codes("relation_to_head") if headless else _relations()
        self.fields["sex"].choices = _codes("sex")

    def values(self) -> dict[str, str]:
        """The member's fields as written; what was left blank is not said."""
        told = {key: self.cleaned_data[key] for key in ("name", "relation", "id_number", "sex")}
        born = self.cleaned_data["birth_date"]
        told["birth_date"] = born.isoformat() if born else ""
        return {key: value for key, value in told.items() if value}

    def doubts(self) -> list[str]:
        """What was taken as written and yet looks wrong, such as an ID number whose check digit does not fit."""
        kind, on = record_kinds()["person"], self.cleaned_data["on"]
        checked = ((kind[key], check_value(kind[key], text, as_of=on)) for key, text in self.values().items())
        return [f"{field.label}：{value}" for field, value in checked if isinstance(value, Problem) and value.warning]


class LeaveForm(DatedForm):
    """Somebody leaves the household for good."""

    leave_reason = forms.ChoiceField(label="离开原因")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["leave_reason"].choices = _codes("member_change", LEAVING)


class TransferForm(DatedForm):
    """Somebody moves into another household that has a file."""

    number = forms.CharField(
        label="转入的户编号",
        max_length=40,
        help_text="打开那一户的档案，户编号在最上面一栏。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    relation = forms.ChoiceField(label="与那一户户主的关系")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["relation"].choices = _relations()


class RelationsForm(DatedForm):
    """Everybody's relation to a head that is chosen among them; with ``staying`` people may also stay as they are."""

    head = forms.ChoiceField(label="新户主")

    def __init__(self, *args: Any, people: list[Person], staying: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in people}
        self.fields["head"].choices = [("", "请选择"), *((key, person.name) for key, person in self.people.items())]
        kept = "留在原户" if staying else "不变"
        for key, person in self.people.items():
            choices = [("", kept), *_relations()[1:]]
            now = codelist("relation_to_head").label(person.relation) if person.relation else "未填"
            label = f"{person.name}（现在：{now}）"
            self.fields[f"relation_{key}"] = forms.ChoiceField(label=label, choices=choices, required=False)
        self.order_fields(["head", *(f"relation_{key}" for key in self.people), "on", "reason"])

    @property
    def chosen_head(self) -> Person:
        """Who becomes head."""
        return self.people[self.cleaned_data["head"]]

    def relations(self) -> dict[int, str]:
        """The relations that were chosen, by person; the head's own is left out."""
        told = {person.pk: self.cleaned_data[f"relation_{key}"] for key, person in self.people.items()}
        return {pk: code for pk, code in told.items() if code and pk != self.chosen_head.pk}


class LabelForm(forms.Form):
    """What a household or one of its people counts as, and since when."""

    kind = forms.ChoiceField(label="标签")
    person = forms.ChoiceField(label="给谁", required=False)
    valid_from = forms.DateField(label="从哪天起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    valid_to = forms.DateField(
        label="到哪天止", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="没有期限的不填。"
    )
    note = forms.CharField(label="说明", max_length=200, required=False, help_text="例如批准文号。不要写号码。")
    reason = forms.ChoiceField(label="依据", choices=[("", "请选择"), *((text, text) for text in REASONS)])

    def __init__(self, *args: Any, household: Household, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("valid_from", timezone.localdate())
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in household.members.order_by("relation", "pk")}
        self.fields["kind"].choices = _codes("label_kind")
        self.fields["person"].choices = [("", "整户"), *((key, person.name) for key, person in self.people.items())]

    def told(self) -> dict[str, Any]:
        """As the action takes it."""
        data = {key: self.cleaned_data[key] for key in ("kind", "valid_from", "valid_to", "note", "reason")}
        return {**data, "person": self.people.get(self.cleaned_data["person"])}


class GridForm(forms.Form):
    """The grid of one household."""

    grid = forms.ModelChoiceField(label="网格", queryset=Grid.objects.none(), required=False, empty_label="不划入网格")

    def __init__(self, *args: Any, household: Household, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["grid"].queryset = Grid.objects.filter(village=household.village_id).order_by("number")
