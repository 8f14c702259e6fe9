"""Meetings that talk about several matters of a village at once; what is agreed goes on, the rest stays in the talk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers, sees
from huqing.matters.actions import LEVELS, lock, obstacles
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter, MatterMeeting, MeetingItem
from huqing.matters.procedure import procedure_of
from huqing.matters.steps import record
from huqing.matters.texts import optional, written
from huqing.registry.models import Region

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.access.scope import ScopedQuerySet

TALK = ("raised", "discussing")
MOST, MOST_PRESENT, LEAST_PRESENT = 50, 2000, 3


@dataclass(frozen=True)
class Said:
    """What a meeting said about one matter, and whether it decided to act."""

    matter: Matter
    text: str
    agreed: bool


def waiting(user: User, village: Region) -> ScopedQuerySet[Matter]:
    """The matters of a village that a meeting of the user's may talk about, the oldest first."""
    levels = LEVELS[: LEVELS.index(user.role) + 1] if user.role in LEVELS else ()
    found = Matter.objects.visible_to(user).filter(
        village=village, finding=None, state__key__in=TALK, closed_on=None, level__in=levels
    )
    return found.select_related("state", "household").order_by("raised_on", "pk")


@transaction.atomic
def hold(
    *,
    village: Region,
    on: dt.date,
    place: str,
    host: str,
    present: int,
    said: Sequence[Said],
    by: User,
    notes: str = "",
) -> MatterMeeting:
    """Record a meeting and what it said; matters it agreed on go on, those just raised are taken up with it."""
    require(by, "handle_matters")
    if not covers(by.region_code, village.code):
        raise Refused("这个村不在您的管辖范围内。")
    if on > today():
        raise MatterError("开会日期不能晚于今天。")
    if not LEAST_PRESENT <= present <= MOST_PRESENT:
        raise MatterError(f"到会人数应在 {LEAST_PRESENT} 到 {MOST_PRESENT} 之间。")
    if not 1 <= len(said) <= MOST:
        raise MatterError(f"请选 1 到 {MOST} 件这次商议的事。")
    meeting = MatterMeeting.objects.create(
        village=village,
        region_code=village.code,
        held_on=on,
        place=written(place, "地点", most=60),
        host=written(host, "主持人", most=60),
        present=present,
        notes=optional(notes, "会议记录", most=2000, lines=True),
        created_at=timezone.now(),
        created_by=by,
    )
    for one in said:
        _talked(meeting, one, by)
    audit.record(
        by=by, action="matter_meeting", subject=meeting, region_code=meeting.region_code, detail={"matters": len(said)}
    )
    return meeting


def _talked(meeting: MatterMeeting, said: Said, by: User) -> None:
    matter, day = lock(said.matter), meeting.held_on
    if not sees(by, matter) or matter.village_id != meeting.village_id:
        raise Refused("有的事不是这个村的，或不在您的管辖范围内。")
    if matter.state.key not in TALK or matter.finding is not None:
        raise MatterError(f"{matter.number} 现在是“{matter.state.title}”，不用商议。请刷新页面。")
    if day < matter.raised_on:
        raise MatterError(f"{matter.number} 是 {matter.raised_on:%Y-%m-%d} 反映的，开会日期不能比它早。")
    text, made = written(said.text, f"{matter.number} 的商议意见", most=500), procedure_of(matter.procedure)
    if matter.state.key == TALK[0]:
        _allowed(matter, "accept", by, day)
        record(matter, made.move("accept"), by=by, day=max(day, matter.entered_on), text="提交议事会")
    MeetingItem.objects.create(meeting=meeting, matter=matter, turn=matter.turn, agreed=said.agreed, text=text)
    if said.agreed:
        _allowed(matter, "agree", by, day)
        record(matter, made.move("agree"), by=by, day=max(day, matter.entered_on), text=text)


def _allowed(matter: Matter, key: str, by: User, day: dt.date) -> None:
    stopped = obstacles(matter, procedure_of(matter.procedure).move(key), by=by, day=max(day, matter.entered_on))
    if stopped:
        raise MatterError(f"{matter.number}：{' '.join(stopped)}")
