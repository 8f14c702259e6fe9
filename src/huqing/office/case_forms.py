"""The forms of a case's pages: opening one, and the papers a step rests on."""

from __future__ import annotations

from typing import Any

from django import forms

from huqing.cases.calendar import today
from huqing.cases.models import Case
from huqing.cases.needs import last_panel
from huqing.packs.procedures.declaration import NEEDS
from huqing.standards.codelists import codelist

AREA = {"rows": 3, "maxlength": 2000}


class OpenForm(forms.Form):
    """A clue about a household."""

    source = forms.ChoiceField(label="线索来源")
    clue = forms.CharField(
        label="线索内容",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": 500}),
        help_text="写明什么情况、怎么知道的。不写证件号码、电话和账号。",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [("", "请选择"), *codelist("clue_source").items]


class PaperForm(forms.Form):
    """What every paper has: its day. ``content`` is what the action stores."""

    on = forms.DateField(label="材料日期", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("on", today().isoformat())
        super().__init__(*args, **kwargs)
        self.case = case

    def content(self) -> dict[str, Any]:
        """The paper as plain data."""
        return {key: value for key, value in self.cleaned_data.items() if key != "on"}


class TextForm(PaperForm):
    """A paper that is told in words."""

    text = forms.CharField(label="内容", max_length=2000, widget=forms.Textarea(attrs=AREA))


class AuthorisationForm(PaperForm):
    """The household's signed consent to have its data compared."""

    signed_by = forms.ChoiceField(label="签字人")
    text = forms.CharField(
        label="说明", max_length=2000, required=False, widget=forms.Textarea(attrs=AREA), help_text="例如代签的理由"
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        members = case.household.members.order_by("relation", "pk").values_list("pk", "name")
        self.fields["signed_by"].choices = [("", "请选择"), *((str(pk), name) for pk, name in members)]

    def content(self) -> dict[str, Any]:
        """The signer by key."""
        return {**super().content(), "signed_by": int(self.cleaned_data["signed_by"])}


class RevisitForm(PaperForm):
    """Which of the panel went to the household after an objection, and what they found."""

    people = forms.MultipleChoiceField(label="入户的评议员", widget=forms.CheckboxSelectMultiple)
    text = forms.CharField(label="复核情况", max_length=2000, widget=forms.Textarea(attrs=AREA))

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        self.fields["people"].choices = [(name, name) for name in last_panel(case)]


FORMS: dict[str, type[PaperForm]] = {"authorisation": AuthorisationForm, "revisit": RevisitForm}
HINTS = {
    "revisit": "异议说了什么，入户看到什么，和上次评议有什么不同。",
    "home_check": "谁、什么时候入户，看到什么，核实了哪些收入、支出和三保障情况。",
    "notice": "公告在哪里、从哪天起。",
}


def paper_form(kind: str, case: Case, posted: Any = None) -> PaperForm:
    """The form of one kind of paper; KeyError if there is no such kind."""
    title = NEEDS[kind]
    form = FORMS.get(kind, TextForm)(posted, case=case, prefix=kind)
    if "text" in form.fields and kind in HINTS:
        form.fields["text"].help_text = HINTS[kind]
    form.title = title  # type: ignore[attr-defined]
    return form
