"""The forms of re-verification rounds: what is drawn, who verifies, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from huqing.access.models import User
from huqing.access.scope import visible
from huqing.office import edits, places
from huqing.office.ledger_forms import PeopleField, PeopleForm, day_field
from huqing.registry.models import Household, Person
from huqing.registry.values import raw_text
from huqing.rosters import rechecks
from huqing.rosters.drawing import STATUSES, STRATA, Frame, offered_fields
from huqing.rosters.models import RecheckItem
from huqing.standards.codelists import codelist
from huqing.teams.models import Staff

SHARE, NUMBER = "share", "number"
OF = {"household": "户", "person": "成员"}


class RoundForm(forms.Form):
    """Which households, in which strata, how many, what is looked at."""

    title = forms.CharField(label="名称", max_length=100, help_text="例如：2026 年第四季度回头看")
    label = forms.ChoiceField(label="查哪些户", required=False)
    status = forms.ChoiceField(label="在册情况", choices=list(STATUSES.items()), initial="on")
    since = day_field("起始日期不早于", "按标签的起止日期；不限的不填。", required=False)
    until = day_field("不晚于", required=False)
    towns = forms.MultipleChoiceField(label="哪些乡镇", required=False, widget=forms.CheckboxSelectMultiple)
    stratum = forms.ChoiceField(label="按什么分层", choices=list(STRATA.items()), initial="town")
    how = forms.ChoiceField(
        label="每层抽多少",
        choices=[(SHARE, "按比例（%）"), (NUMBER, "按户数")],
        widget=forms.RadioSelect,
        initial=SHARE,
    )
    size = forms.IntegerField(label="比例或户数", min_value=1, max_value=10_000, initial=5)
    fields_asked = forms.MultipleChoiceField(label="核查栏目", widget=forms.CheckboxSelectMultiple)
    due_on = day_field("核查期限")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["label"].choices = [("", "全部农户"), *codelist("label_kind").items]
        self.fields["towns"].choices = [(place.code, place.name) for place in places.towns(by.region_code)]
        self.fields["towns"].help_text = "都不选表示全部乡镇。"
        offered = offered_fields()
        self.fields["fields_asked"].choices = [(f"{of}:{one.key}", f"{OF[of]}：{one.label}") for of, one in offered]
        self.fields["fields_asked"].initial = [f"{of}:{one.key}" for of, one in offered[:4]]

    def clean(self) -> dict[str, Any]:
        """A share is at most the whole."""
        data = super().clean() or {}
        if data.get("how") == SHARE and (data.get("size") or 0) > 100:
            self.add_error("size", "比例最多 100。")
        if data.get("since") and data.get("until") and data["until"] < data["since"]:
            self.add_error("until", "不能早于起始日期。")
        return data

    def question(self) -> dict[str, Any]:
        """What ``drawing.commit`` asks."""
        data = self.cleaned_data
        return {
            "title": data["title"],
            "frame": Frame(
                label=data["label"],
                status=data["status"],
                since=data["since"],
                until=data["until"],
                towns=data["towns"],
                stratum=data["stratum"],
            ),
            "fields": [one.split(":", 1) for one in data["fields_asked"]],
            "share": data["size"] if data["how"] == SHARE else 0,
            "number": data["size"] if data["how"] == NUMBER else 0,
            "due_on": data["due_on"],
        }


class AssignForm(PeopleForm):
    """Who verifies: kinds of staff, or people by name."""

    kinds = forms.MultipleChoiceField(
        label="哪几类人员", required=False, widget=forms.CheckboxSelectMultiple, choices=[]
    )
    named = PeopleField(label="另外点名", required=False, help_text="姓名用顿号隔开；只点名的，上面不选类别。")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        self.by = by
        self.fields["kinds"].choices = codelist("staff_kind").items

    def staff(self) -> list[Staff]:
        """The chosen people."""
        data = self.cleaned_data
        people = visible(Staff.objects.filter(left_on=None, kind__in=data["kinds"]), self.by) if data["kinds"] else []
        return [*people, *data["named"]]


class ReassignForm(PeopleForm):
    """Another verifier for one household."""

    staff = PeopleField(label="换成谁")
    staff.single = True


class FoundForm(forms.Form):
    """What is said of the visit as a whole; the fields of the file stand beside it."""

    outcome = forms.ChoiceField(
        label="见到这一户了吗",
        choices=[(RecheckItem.Outcome.MET, "见到了，已核查"), (RecheckItem.Outcome.ABSENT, "没有见到")],
        widget=forms.RadioSelect,
    )
    verdict = forms.ChoiceField(
        label="这一户符合条件吗（见到了的要选）",
        choices=[one for one in RecheckItem.Verdict.choices if one[0]],
        widget=forms.RadioSelect,
        required=False,
    )
    visited_on = day_field("核查日期")
    note = forms.CharField(label="说明", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))


def questions(
    item: RecheckItem, posted: QueryDict | None, problems: dict[str, str], found: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The fields of a household and of its people, each with its control, prefilled from the file or as typed.

    ``found``: what a record from a phone says, to begin with that.
    """
    groups, before = [], rechecks.found_before(item)
    for row, declared in rechecks.asked(item):
        asked = []
        for one in declared:
            name = rechecks.key_of(row, one)
            control, options = edits.control(one)
            typed = posted.getlist(name) if posted is not None and name in posted else None
            if typed is None and posted is None and found is not None and name in found:
                value = raw_text(found[name]) if one.type != "codes" else found[name] or []
                typed = value if isinstance(value, list) else [str(value)]
            if typed is None and name in before:
                value = rechecks.as_written(one, before[name])
                typed = value if isinstance(value, list) else [value]
            asked.append(
                {
                    "name": name,
                    "field": one,
                    "control": control,
                    "options": options,
                    "value": edits.typed_value(
                        one, row, [text for text in typed if text] if typed is not None else None
                    ),
                    "problem": problems.get(name, ""),
                }
            )
        title = "本户" if isinstance(row, Household) else _told(row)
        if asked:
            groups.append({"title": title, "asked": asked})
    return groups


def _told(person: Person) -> str:
    relation = codelist("relation_to_head").label(person.relation) if person.relation else ""
    return f"{person.name}（{relation}）" if relation else person.name


def typed_values(item: RecheckItem, posted: QueryDict) -> dict[str, Any]:
    """What was sent back of the fields asked; one that was not sent is left out."""
    values: dict[str, Any] = {}
    for row, declared in rechecks.asked(item):
        for one in declared:
            name = rechecks.key_of(row, one)
            if name in posted:
                typed = [text for text in posted.getlist(name) if text]
                values[name] = typed if one.type == "codes" else "".join(typed)
    return values
