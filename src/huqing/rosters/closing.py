"""Closing a month: its list, reasons and numbers are frozen with a digest; nothing of it changes afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.permissions import Refused, require
from huqing.registry.models import Label
from huqing.rosters import freezing, spells
from huqing.rosters.models import RosterChange, RosterMonth
from huqing.rosters.months import (
    AT_ONCE,
    COUNTY,
    IN,
    OUT,
    Line,
    Member,
    Span,
    closed_month,
    correction_lines,
    frozen_members,
    lines_of,
    live_rows,
    members_now,
    month_of,
)
from huqing.standards.codelists import codelist

if TYPE_CHECKING:
    from huqing.access.models import User


def may_close(kind: str, span: Span, county: str) -> str:
    """Why a month cannot be closed; "" when it can."""
    if span.last >= today():
        return "这个月还没有过完，下个月再封账。"
    if closed_month(kind, span, county):
        return "这个月的名单已经封账。"
    months = RosterMonth.objects.filter(region_code=county, kind=kind)
    if months.filter(month__gt=span.first).exists():
        return "后面的月份已经封账，不能再补封这个月。"
    last = months.order_by("-month").values_list("month", flat=True).first()
    if last is not None and last != span.before.first:
        following = month_of(month_of(last).last + spells.DAY)
        return f"请先封 {following.first:%Y 年 %-m 月}，一个月接一个月。"
    return ""


@transaction.atomic
def close(*, kind: str, span: Span, by: User) -> RosterMonth:
    """Close a month of the county: its list stays as it is now; what becomes known later counts in the next month."""
    require(by, "close_rosters")
    county = by.region_code[:COUNTY]
    if len(by.region_code) != COUNTY or kind not in codelist("label_kind"):
        raise Refused("由县级经办按全县封账。")
    stopped = may_close(kind, span, county)
    if stopped:
        raise ValidationError(stopped)
    before = closed_month(kind, span.before, county)
    opening = frozen_members(before) if before else members_now(kind, span.before.last, None, county)
    members = members_now(kind, span.last, None, county)
    lines = [
        *lines_of_all(kind, span, county),
        *correction_lines(kind, span, user=None, county=county),
    ]
    counted = Counter((line.direction, line.correction) for line in lines)
    content = {
        "region": county,
        "kind": kind,
        "month": f"{span.first:%Y-%m}",
        "opening": _listed(opening),
        "members": _listed(members),
        "changes": sorted(_plain(line) for line in lines),
    }
    try:
        with transaction.atomic():
            made = RosterMonth.objects.create(
                region_code=county,
                kind=kind,
                month=span.first,
                opening=len(opening),
                corrected_in=counted[IN, True],
                corrected_out=counted[OUT, True],
                entered=counted[IN, False],
                left=counted[OUT, False],
                closing=len(members),
                members=freezing.pack(content),
                digest=freezing.digest(content),
                closed_at=timezone.now(),
                closed_by=by,
            )
    except IntegrityError:
        raise ValidationError(
            "封账没有成功：名单已由别人封账，或者刚刚有变动、前后数不相等。请刷新页面后再试。"
        ) from None
    RosterChange.objects.bulk_create((_row(made, line) for line in lines), batch_size=AT_ONCE)
    detail = {"label": kind, "month": span.first, "closing": len(members), "digest": made.digest}
    audit.record(by=by, action="roster_close", subject=made, region_code=county, detail=detail)
    return made


def lines_of_all(kind: str, span: Span, county: str) -> Iterator[Line]:
    """Every entry and exit of a county's month, read in parts."""
    for direction in (IN, OUT):
        found = live_rows(kind, span, direction, user=None, region=county).order_by("pk")
        part: list[Label] = []
        for label in found.iterator(AT_ONCE):
            part.append(label)
            if len(part) == AT_ONCE:
                yield from lines_of(part, direction)
                part = []
        yield from lines_of(part, direction)


def verify(closed: RosterMonth) -> bool:
    """Whether a closed month is still what was closed: its packed list, its numbers and its lines."""
    content = freezing.unpack(RosterMonth.objects.values_list("members", flat=True).get(pk=closed.pk))
    rows = closed.changes.values_list("direction", "correction", "household_id", "person_id", "on", "reason")
    lines = sorted([way, bool(again), home, who or 0, on.isoformat(), why] for way, again, home, who, on, why in rows)
    same_lines = lines == sorted([*one[:4], one[5], one[6]] for one in content["changes"])
    counted = Counter((line[0], line[1]) for line in lines)
    numbers = (closed.opening, closed.closing, closed.entered, closed.left)
    told = (len(content["opening"]), len(content["members"]), counted[IN, False], counted[OUT, False])
    return freezing.digest(content) == closed.digest and same_lines and numbers == told


def _listed(members: dict[Member, str]) -> list[list[Any]]:
    return sorted([household, person, code] for (household, person), code in members.items())


def _plain(line: Line) -> list[Any]:
    person = line.person.pk if line.person else 0
    return [
        str(line.direction), line.correction, line.household.pk, person, line.region_code, line.on.isoformat(),
        line.why.code,
    ]  # fmt: skip


def _row(made: RosterMonth, line: Line) -> RosterChange:
    return RosterChange(
        month=made,
        direction=line.direction,
        correction=line.correction,
        household=line.household,
        person=line.person,
        region_code=line.region_code,
        on=line.on,
        reason=line.why.code,
        detail=line.why.detail,
    )
