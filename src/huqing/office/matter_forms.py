"""Forms of villagers' matters, and where one that is being raised comes from: entered once, linked from then on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest

from huqing.access.models import User
from huqing.access.scope import visible
from huqing.matters import raising
from huqing.matters.models import Matter
from huqing.office import places
from huqing.office.ledger_forms import day_field
from huqing.office.matter_page import as_key
from huqing.registry.models import Household, Region
from huqing.teams.models import TeamNote
from huqing.visits.answers import read
from huqing.visits.models import Submission

# Questions of the shipped methods' forms by which problems are told; "解决" asks about earlier ones.
PROBLEM_WORDS = ("什么事", "问题", "困难", "诉求", "想办的事", "具体情况")
SOLVED = "解决"
UNSOLVED = ("没有", "无", "0")


@dataclass(frozen=True)
class Origin:
    """What a matter is raised from: a household, a visit record or a resident's note; nothing for somebody's words."""

    household: Household | None = None
    submission: Submission | None = None
    note: TeamNote | None = None
    village: Region | None = None
    text: str = ""

    def given(self) -> dict[str, Any]:
        """What the action is told of it."""
        return {"household": self.household, "submission": self.submission, "team_note": self.note}

    @property
    def query(self) -> str:
        """The origin as it stands in the address."""
        for name, row in (("submission", self.submission), ("note", self.note), ("household", self.household)):
            if row is not None:
                return f"{name}={row.pk}"
        return ""


def origin_of(request: HttpRequest) -> Origin:
    """The origin the address names; 404 when it is not the user's to see or has been raised already."""
    user, query = request.user, request.GET
    key = as_key(query.get("submission", ""))
    if key is not None:
        rows = visible(Submission.objects.select_related("household__village", "form", "version"), user)
        visit = _there(rows.filter(pk=key).first())
        village = visit.household.village if visit.household else _village(visit.region_code)
        return Origin(visit.household, visit, None, village, found_on(visit, user))
    key = as_key(query.get("note", ""))
    if key is not None:
        notes = visible(TeamNote.objects.filter(kind=TeamNote.Kind.PROBLEM, matter=None), user)
        note = _there(notes.filter(pk=key).first())
        return Origin(None, None, note, _village(note.region_code), note.text)
    key = as_key(query.get("household", ""))
    if key is not None:
        household = _there(visible(Household.objects.select_related("village"), user).filter(pk=key).first())
        return Origin(household, village=household.village)
    return Origin(village=_village(query.get("village") or user.region_code))


def _there(row: Any) -> Any:
    if row is None:
        raise Http404("没有这条记录，或它不在您的管辖范围内，或已经转为事项。")
    return row


def _village(code: str) -> Region | None:
    return Region.objects.filter(code=code, level=Region.Level.VILLAGE, valid_to=None).first()


def found_on(visit: Submission, user: Any) -> str:
    """The words of a visit's answers about problems, for the clerk to shorten; "" where it has none."""
    lines = read(visit, user).lines
    told = [
        line.text
        for line in lines
        if not line.heading
        and line.text
        and any(word in line.label for word in PROBLEM_WORDS)
        and SOLVED not in line.label
    ]
    kept = [text for text in told if not text.strip("。").isdecimal() and text not in UNSOLVED]
    return "\n".join(dict.fromkeys(kept))[: raising.TEXT_LENGTH]


class RaiseForm(forms.Form):
    """What somebody told a member of staff."""

    village = forms.ChoiceField(label="行政村")
    kind = forms.ChoiceField(label="类别", choices=[("", "请选择"), *Matter.Kind.choices])
    text = forms.CharField(
        label="要反映的事",
        max_length=raising.TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4, "maxlength": raising.TEXT_LENGTH}),
        help_text="什么地方、什么事、多久了。不写证件号码和账号。",
    )
    group = forms.CharField(label="村民小组", max_length=40, required=False)
    name = forms.CharField(label="反映人", max_length=raising.NAME_LENGTH, required=False)
    contact = forms.CharField(
        label="手机号码，或四位查询码",
        max_length=30,
        required=False,
        help_text="加密保存。反映人凭受理编号和后四位查答复；没有手机的，请他说四个数字。不写就查不了。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    past = forms.BooleanField(label="反映的是村干部，直接交给乡镇（村里看不到）", required=False)

    def __init__(self, *args: Any, origin: Origin, by: User, **kwargs: Any) -> None:
        household = origin.household
        kwargs.setdefault("initial", {}).update(
            village=origin.village.code if origin.village else "",
            text=origin.text,
            group=household.group_name if household else "",
            name=household.head_name if household else "",
        )
        super().__init__(*args, **kwargs)
        if len(by.region_code) == places.VILLAGE_DIGITS:
            # Whoever sees one village only would not see it again; the villagers' page is there for it.
            del self.fields["past"]
        self.order_fields(["kind", "text", "village", "group", "name", "contact", "past"])
        if origin.village is not None:
            choices = [(origin.village.code, places.name_of(origin.village.code))]
        else:
            choices = [("", "请选择"), *_grouped(by.region_code)]
        self.fields["village"].choices = choices

    def told(self) -> dict[str, Any]:
        """What the action is told."""
        data = self.cleaned_data
        return {
            "village": Region.objects.get(code=data["village"], level=Region.Level.VILLAGE, valid_to=None),
            "kind": data["kind"],
            "text": data["text"],
            "group": data["group"],
            "name": data["name"],
            "contact": data["contact"],
            "past_village": data.get("past", False),
        }


def _grouped(prefix: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The villages of an area under their towns."""
    return [
        (town.name, [(place.code, place.name) for place in places.villages(prefix, town.code)])
        for town in places.towns(prefix)
    ]


class MeetingForm(forms.Form):
    """When and where a meeting was, who came."""

    held_on = day_field("开会日期")
    place = forms.CharField(label="地点", max_length=60, initial="村委会")
    host = forms.CharField(label="主持人", max_length=60)
    present = forms.IntegerField(label="到会人数", min_value=3, max_value=2000)
    notes = forms.CharField(
        label="会议记录",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "maxlength": 2000}),
        help_text="到会的人、主要意见。不写证件号码和电话。",
    )
