"""What became of a submission in the household file, and what the phone said of itself, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.dateparse import parse_datetime
from django.utils.timezone import localtime

from huqing.packs.telling import field_text
from huqing.registry.models import Person
from huqing.visits.models import Submission

PHONE_TIMES = {"start": "开始填写", "end": "填写结束", "today": "手机日期"}
_FIELD = re.compile(r"(household|person|village)(?:\.(\d{1,18}))?\.(\w+)")


# What landing tells apart (visits.landing), in the order in which a reader cares.
OUTCOMES = {
    "applied": ("已写入", ""),
    "cleared": ("已清空", "走访人看到了原来的值，特意删掉了。"),
    "withdrawn": ("已撤回", "上一稿写入、修改稿不再这样填的，恢复成走访以前的值。"),
    "elsewhere": ("已从原来选的那一户撤回", "上一稿选错了户，写入那一户的内容恢复成走访以前的值。"),
    "older": ("只记入历史", "户档案里已有日期更近的值，没有改动。"),
    "differs": ("与档案不一致", "没有改动档案，由另一个人判定哪一个正确。"),
    "retracted": ("已撤回登记", "上一稿选错了户，那一户重新等待核查。"),
    "same": ("与档案相同", ""),
}


@dataclass
class Landed:
    """What became of the answers: (outcome, what that means, fields), and the refused fields with the reason."""

    outcomes: list[tuple[str, str, list[str]]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        """What was refused, each in one phrase."""
        return [f"{name}：{why}" for name, why in self.refused]

    @property
    def any(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.outcomes or self.refused)


def told(submission: Submission) -> Landed:
    """The outcome of landing in words."""
    landing = submission.landing or {}
    names = dict(Person.objects.filter(pk__in=_people(submission)).values_list("pk", "name"))
    outcomes = [
        (title, meaning, [_name(str(key), names) for key in landing[outcome]])
        for outcome, (title, meaning) in OUTCOMES.items()
        if landing.get(outcome)
    ]
    refused = landing.get("refused") or {}
    return Landed(outcomes, [(_name(str(key), names), str(why)) for key, why in refused.items()])


def _people(submission: Submission) -> Iterator[int]:
    """The people named in the outcome, as far as they are of this household."""
    landing = submission.landing or {}
    if submission.household_id is None:
        return
    members = set(submission.household.members.values_list("pk", flat=True))
    members |= {submission.person_id} if submission.person_id else set()
    for outcome in (*OUTCOMES, "refused"):
        for key in landing.get(outcome) or ():
            found = _FIELD.fullmatch(str(key))
            if found and found[2] and int(found[2]) in members:
                yield int(found[2])


def _name(key: str, names: dict[int, str]) -> str:
    found = _FIELD.fullmatch(key)
    if not found:
        return key
    label = field_text(f"{found[1]}.{found[3]}") or found[3]
    return f"{names[int(found[2])]}：{label}" if found[2] and int(found[2]) in names else label


def phone_times(submission: Submission) -> list[tuple[str, str]]:
    """The phone's own times; they prove nothing, since anybody can set a phone's clock."""
    shown = []
    for key, label in PHONE_TIMES.items():
        text = str((submission.phone_times or {}).get(key) or "")[:40]
        if text:
            try:
                moment = parse_datetime(text)
            except ValueError:
                moment = None
            shown.append((label, f"{localtime(moment):%Y-%m-%d %H:%M}" if moment and moment.tzinfo else text))
    return shown
