"""The forms of inspections."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from huqing.access.models import User
from huqing.access.scope import code_range, visible
from huqing.office import places
from huqing.office.ledger_forms import PeopleField, PeopleForm, day_field
from huqing.registry.models import Region
from huqing.standards.codelists import codelist
from huqing.teams.models import Staff

PER_TOWN, TOTAL = "per_town", "total"


class RoundForm(PeopleForm):
    """What is drawn: villages of the chosen towns, by whom, how many."""

    title = forms.CharField(label="名称", max_length=100, help_text="例如：2024 年第三轮驻村夜查")
    towns = forms.MultipleChoiceField(label="哪些乡镇的村", required=False, widget=forms.CheckboxSelectMultiple)
    how = forms.ChoiceField(
        label="怎样抽",
        choices=[(PER_TOWN, "每个乡镇抽几个村"), (TOTAL, "全部村里一共抽几个")],
        widget=forms.RadioSelect,
    )
    number = forms.IntegerField(label="抽几个", min_value=1, max_value=500)
    kinds = forms.MultipleChoiceField(
        label="检查人员：哪几类", required=False, widget=forms.CheckboxSelectMultiple, choices=[]
    )
    named = PeopleField(
        label="检查人员：另外点名", required=False, help_text="姓名用顿号隔开；只点名的，上面不选类别。"
    )
    each = forms.IntegerField(label="每个村几名检查人员", min_value=1, max_value=10, initial=2)
    most = forms.IntegerField(label="每人最多去几个村", min_value=1, max_value=50, initial=1)
    rounds_apart = forms.IntegerField(label="几轮之内不去同一个村", min_value=0, max_value=20, initial=2)
    shown_on = day_field(
        "哪天公开抽中的村", "暗访夜查的，填检查结束的日期：在这之前，被查的村和公众都看不到。不填就抽取后马上公开。",
        required=False,
    )  # fmt: skip

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        self.by = by
        self.fields["towns"].choices = [(place.code[:9], place.name) for place in places.towns(by.region_code)]
        self.fields["towns"].help_text = "都不选表示全部乡镇。"
        self.fields["kinds"].choices = codelist("staff_kind").items

    def clean(self) -> dict[str, Any]:
        """Inspectors have to come from somewhere."""
        data = super().clean() or {}
        if not data.get("kinds") and not data.get("named"):
            raise forms.ValidationError("请选检查人员的类别，或者点名。")
        return data

    def question(self) -> dict[str, Any]:
        """What ``inspections.commit`` asks."""
        data = self.cleaned_data
        people = visible(Staff.objects.filter(left_on=None, kind__in=data["kinds"]), self.by)
        return {
            "title": data["title"],
            "villages": self._villages(data["towns"]),
            "inspectors": [*people, *data["named"]],
            "per_town": data["number"] if data["how"] == PER_TOWN else 0,
            "total": data["number"] if data["how"] == TOTAL else 0,
            "each": data["each"],
            "most": data["most"],
            "rounds_apart": data["rounds_apart"],
            "shown_on": data["shown_on"],
        }

    def _villages(self, towns: list[str]) -> QuerySet[Region]:
        rows = visible(Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None), self.by)
        if not towns:
            return rows
        wanted = code_range(towns[0], "code")
        for town in towns[1:]:
            wanted |= code_range(town, "code")
        return rows.filter(wanted)


class DrawForm(forms.Form):
    """What the witnesses say, and who they are."""

    witnesses = forms.CharField(
        label="在场监督人", max_length=100, help_text="姓名和身份，例如：纪委李某、群众代表张某"
    )
    said = forms.CharField(
        label="监督人现场报出的文字或数字",
        max_length=200,
        help_text="例如现场掷出的点数、报出的数字；抽取之前谁也不知道。",
    )


class CancelForm(forms.Form):
    """Why a round is given up."""

    reason = forms.CharField(label="取消原因", max_length=100)


class VisitForm(forms.Form):
    """What a village was like when it was inspected."""

    on = day_field("检查日期")
    result = forms.CharField(
        label="检查情况",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="没有发现问题也要写，例如“队员都在村，未发现问题”。",
    )


class FindingForm(forms.Form):
    """What was found."""

    text = forms.CharField(label="问题", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
    responsible = forms.CharField(label="整改责任单位", max_length=100)
    found_on = day_field("发现日期")
    due_on = day_field("整改期限")


class StepForm(forms.Form):
    """What was done or seen."""

    text = forms.CharField(label="说明", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
