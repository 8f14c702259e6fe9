"""The forms of resident teams."""

from __future__ import annotations

from typing import Any

from django import forms

from huqing.office.ledger_forms import day_field
from huqing.standards.codelists import codelist
from huqing.teams import presence
from huqing.teams.models import TeamNote
from huqing.teams.team_notes import OWN


def _kinds(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(code, codelist("presence_kind").label(code)) for code in codes]


class DeclareForm(forms.Form):
    """Where one was, from day to day."""

    kind = forms.ChoiceField(label="类别", choices=[], widget=forms.RadioSelect)
    first = day_field("从")
    last = day_field("到")
    note = forms.CharField(label="说明", max_length=100, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = _kinds(presence.DECLARABLE)


class AskForm(forms.Form):
    """Leave, or a reported trip or training."""

    kind = forms.ChoiceField(label="类别", choices=[], widget=forms.RadioSelect)
    first = day_field("第一天")
    last = day_field("最后一天")
    reason = forms.CharField(label="事由", max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = _kinds(presence.ASKABLE)


class NoteForm(forms.Form):
    """A note: the member's own kinds, or those that others write."""

    kind = forms.ChoiceField(label="类别", choices=[])
    on = day_field("日期")
    until = day_field("有效期至", "只有保险需要填。", required=False)
    text = forms.CharField(label="内容", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, own: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [
            (value, label) for value, label in TeamNote.Kind.choices if (value in OWN) is own
        ]
        if own:
            del self.fields["until"]


class SolveForm(forms.Form):
    """How a problem was solved."""

    on = day_field("解决日期")
    solution = forms.CharField(label="怎样解决的", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class RotaForm(forms.Form):
    """A day on the rota."""

    day = day_field("值班日期")


class MonthForm(forms.Form):
    """A month to compute."""

    month = forms.RegexField(
        label="月份",
        regex=r"^20\d\d-(0[1-9]|1[0-2])$",
        widget=forms.TextInput(attrs={"type": "month"}),
        error_messages={"invalid": "请写成 2024-06 这样的月份。", "required": "请选月份。"},
    )
