"""The forms of resident teams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from huqing.office.ledger_forms import day_field
from huqing.standards.codelists import codelist
from huqing.teams import presence
from huqing.teams.models import Provision, Staff, TeamNote
from huqing.teams.team_notes import CARE, OWN

GROUPS = {"3": "请假", "4": "出差、培训", "2": "外出"}


def _long(label: str, longest: int, rows: int = 3, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label, max_length=longest, widget=forms.Textarea(attrs={"rows": rows}), help_text=help_text
    )


class DeclareForm(forms.Form):
    """Where one was, from day to day."""

    kind = forms.ChoiceField(label="类别", choices=[], widget=forms.RadioSelect)
    first = day_field("从")
    last = day_field("到")
    note = forms.CharField(label="说明", max_length=100, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = codelist("presence_kind")
        self.fields["kind"].choices = [(code, kinds.label(code)) for code in presence.DECLARABLE]


class AskForm(forms.Form):
    """Leave, a trip, training or an outing."""

    kind = forms.ChoiceField(label="种类", choices=[])
    first = day_field("第一天")
    last = day_field("最后一天")
    reason = forms.CharField(label="事由", max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        items = codelist("absence_kind").items
        self.fields["kind"].choices = [
            (title, [(code, label) for code, label in items if code[0] == first]) for first, title in GROUPS.items()
        ]


class BackForm(forms.Form):
    """The day somebody came back early."""

    on = day_field("哪天回村")


class NoteForm(forms.Form):
    """A diary entry, or a problem."""

    kind = forms.ChoiceField(label="类别", choices=[], widget=forms.RadioSelect)
    on = day_field("日期")
    text = _long("内容", 500, 4, "不写身份证号、电话和银行卡号。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in OWN]


class CareForm(forms.Form):
    """A leader's visit to one or several members."""

    staff = forms.MultipleChoiceField(label="看望了谁", choices=[], widget=forms.CheckboxSelectMultiple)
    kind = forms.ChoiceField(label="谁来看望", choices=[], widget=forms.RadioSelect)
    who = forms.CharField(label="领导姓名和职务", max_length=60)
    on = day_field("日期")
    text = _long("谈了什么、解决了什么", 500)

    def __init__(self, *args: Any, team: Iterable[Staff], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = list(team)
        self.fields["staff"].choices = [(str(one.pk), one.name) for one in self.team]
        self.fields["kind"].choices = [(kind.value, TeamNote.Kind(kind).label) for kind in CARE]

    def clean_staff(self) -> list[Staff]:
        """The people themselves."""
        wanted = self.cleaned_data["staff"]
        return [one for one in self.team if str(one.pk) in wanted]


class ProvisionForm(forms.Form):
    """Check-up or insurance of a member in a year."""

    year = forms.IntegerField(label="年度", min_value=2013, max_value=2100)
    kind = forms.ChoiceField(label="哪一项", choices=Provision.Kind.choices, widget=forms.RadioSelect)
    planned_on = day_field("计划日期", required=False)
    done_on = day_field("办理日期", "体检或投保的日期；还没有办的不填。", required=False)
    until = day_field("保障到期", "保险必填。", required=False)
    provider = forms.CharField(label="医院或保险公司", max_length=60, required=False)
    policy = forms.CharField(
        label="保单号",
        max_length=60,
        required=False,
        help_text="加密保存，只显示后几位；不改就空着。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    note = forms.CharField(label="说明", max_length=200, required=False, help_text="不写检查结果和病情。")


class AssignForm(forms.Form):
    """Who solves a problem by when."""

    responsible = forms.CharField(label="由谁解决", max_length=60, help_text="例如：朱衣镇政府、派出单位")
    due_on = day_field("解决期限")


class SolveForm(forms.Form):
    """How a problem was solved."""

    on = day_field("解决日期")
    solution = _long("怎样解决的", 500)


class RotaForm(forms.Form):
    """A member for a day."""

    staff = forms.ChoiceField(label="队员", choices=[])
    day = day_field("哪一天")

    def __init__(self, *args: Any, team: Iterable[Staff], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = {str(one.pk): one for one in team}
        self.fields["staff"].choices = [(pk, one.name) for pk, one in self.team.items()]

    def clean_staff(self) -> Staff:
        """The person."""
        return self.team[self.cleaned_data["staff"]]


class TurnsForm(forms.Form):
    """From when to when turns are taken."""

    first = day_field("从")
    last = day_field("到", "这段时间里没有人值班的日子，按队员轮流排；已批准外出的不排。")


class MonthForm(forms.Form):
    """A month to compute."""

    month = forms.RegexField(
        label="月份",
        regex=r"^20\d\d-(0[1-9]|1[0-2])$",
        widget=forms.TextInput(attrs={"type": "month"}),
        error_messages={"invalid": "请写成 2024-06 这样的月份。", "required": "请选月份。"},
    )
