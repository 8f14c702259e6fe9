"""Handing duties over: all or some of a person's, to one or several others, on one day, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers, sees, visible
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams import duty_checks
from huqing.teams.models import Handover, Responsibility, Staff

if TYPE_CHECKING:
    from huqing.access.models import User

ONE_DAY = dt.timedelta(days=1)
BATCH = 500


def running(staff: Staff, on: dt.date, *, by: User | None = None) -> QuerySet[Responsibility]:
    """A person's lines that hold on a day or later; with ``by`` only those this account may see."""
    lines = Responsibility.objects.filter(staff=staff).filter(Q(until=None) | Q(until__gte=on))
    return visible(lines, by) if by is not None else lines


def spread(lines: Sequence[Responsibility], to: Sequence[Staff]) -> dict[int, Staff]:
    """Who gets which line when several share: equal numbers, neighbours together; keys are those of the lines."""
    ordered = sorted(lines, key=lambda line: (line.region_code, line.household_id or 0, line.pk))
    return {line.pk: to[place * len(to) // len(ordered)] for place, line in enumerate(ordered)}


@transaction.atomic
def hand_over(*, staff: Staff, to: Mapping[int, Staff], on: dt.date, reason: str, by: User | None) -> Handover:
    """End these lines the day before ``on`` and let their new holders begin on it.

    ``to`` maps the keys of lines of ``staff`` to who takes each. A receiver who holds the same duty already only keeps
    it. ValidationError names what cannot be handed over; nothing is written then.
    """
    if by is not None:
        require(by, "manage_duties")
    reason = clean(reason).strip()
    if len(reason) < 2:
        raise ValidationError({"reason": "请写明交接原因，例如“工作调动”。"})
    lines = _locked(staff, to, by)
    _check(staff, lines, to, on, by)
    for line in lines:
        _reaches(to[line.pk], line)
    handover = Handover.objects.create(
        staff=staff,
        on=on,
        reason=reason,
        region_code=staff.region_code,
        created_at=timezone.now(),
        created_by=by,
    )
    held = _held_already(lines, to, on)
    fresh = [_continued(line, to[line.pk], on) for line in lines if line.pk not in held]
    end_stand_ins([line.pk for line in lines], on - ONE_DAY)
    if fresh:
        duty_checks.refuse(fresh)
    by_receiver: dict[int, list[int]] = {}
    for line in lines:
        by_receiver.setdefault(to[line.pk].pk, []).append(line.pk)
    for receiver, keys in by_receiver.items():
        for start in range(0, len(keys), BATCH):
            Responsibility.objects.filter(pk__in=keys[start : start + BATCH]).update(
                until=on - ONE_DAY, handover=handover, successor_id=receiver
            )
    Responsibility.objects.bulk_create(fresh, batch_size=BATCH)
    names = codelist("duty_role")
    detail = {
        "giver": staff.name,
        "receivers": sorted({person.name for person in to.values()}),
        "begins": on,
        "lines": len(lines),
        "roles": {names.label(role): count for role, count in Counter(line.role for line in lines).items()},
        "reason": reason,
    }
    audit.record(by=by, action="duty_hand_over", subject=handover, detail=detail)
    return handover


@transaction.atomic
def stand_in(
    *, staff: Staff, substitute: Staff, since: dt.date, until: dt.date, by: User | None, lines: Iterable[int] = ()
) -> int:
    """Let somebody stand in for all (or these) duties of a person from one day to another; returns how many.

    The person's own lines go on; those of the substitute end by themselves.
    """
    if by is not None:
        require(by, "manage_duties")
    if until < since:
        raise ValidationError({"until": "代理结束的日期早于开始的日期，请改正。"})
    if staff.pk == substitute.pk:
        raise ValidationError({"substitute": "代理人不能是本人，请选另一个人。"})
    if by is not None and not sees(by, substitute):
        raise Refused(f"{substitute.name} 不在您的管辖范围内，不能代理。")
    wanted = set(lines)
    held = [
        line
        for line in running(staff, since, by=by).select_related("household", "village", "grid", "person")
        if (not wanted or line.pk in wanted) and line.since <= until
    ]
    for line in held:
        _reaches(substitute, line)
    if not held:
        raise ValidationError(f"{staff.name} 在这段时间没有可以代理的责任。")
    keys = {line.pk: substitute for line in held}
    already = _held_already(held, keys, since)
    fresh = []
    for line in held:
        if line.pk in already:
            continue
        copy = _continued(line, substitute, max(since, line.since))
        copy.until = min(until, line.until) if line.until else until
        copy.stands_in_for = line
        fresh.append(copy)
    if not fresh:
        raise ValidationError(f"{substitute.name} 本来就负责这些对象，不用代理。")
    duty_checks.refuse(fresh)
    Responsibility.objects.bulk_create(fresh, batch_size=BATCH)
    detail = {"giver": staff.name, "substitute": substitute.name, "since": since, "until": until, "lines": len(fresh)}
    audit.record(by=by, action="duty_stand_in", subject=staff, detail=detail)
    return len(fresh)


def end_stand_ins(lines: Sequence[int], last: dt.date) -> None:
    """Whoever stands in for duties (by their keys) that end on ``last`` does so no longer than that."""
    for start in range(0, len(lines), BATCH):
        running = Responsibility.objects.filter(stands_in_for__in=lines[start : start + BATCH], since__lte=last)
        running.filter(Q(until=None) | Q(until__gt=last)).update(until=last)


def _locked(staff: Staff, to: Mapping[int, Staff], by: User | None) -> list[Responsibility]:
    """The lines to be handed over, locked, in the order in which the list is printed."""
    found = [
        line
        for line in visible_or_all(Responsibility.objects.filter(staff=staff), by).select_for_update(of=("self",))
        if line.pk in to
    ]
    if not found:
        raise ValidationError("没有选中要交接的责任。请先勾选。")
    if len(found) < len(to):
        raise ValidationError(f"选中的责任里有 {len(to) - len(found)} 条不属于 {staff.name}，请刷新页面重选。")
    return sorted(found, key=lambda line: (line.region_code, line.household_id or 0, line.pk))


def visible_or_all(lines: QuerySet[Responsibility], by: User | None) -> QuerySet[Responsibility]:
    """What an account may see; everything for the system itself."""
    return visible(lines, by) if by is not None else lines


def _check(
    staff: Staff, lines: Sequence[Responsibility], to: Mapping[int, Staff], on: dt.date, by: User | None
) -> None:
    for receiver in {person.pk: person for person in to.values()}.values():
        if receiver.pk == staff.pk:
            raise ValidationError({"to": f"接收人不能是 {staff.name} 本人，请选另一个人。"})
        if by is not None and not sees(by, receiver):
            raise Refused(f"{receiver.name} 不在您的管辖范围内，不能接收。")
    ended = sum(1 for line in lines if line.until is not None and line.until < on)
    if ended:
        raise ValidationError({"on": f"有 {ended} 条责任在 {on} 之前已经结束，不用交接，请取消勾选。"})
    late = [line for line in lines if line.since >= on]
    if late:
        day = max(line.since for line in late)
        raise ValidationError({"on": f"有 {len(late)} 条责任 {day} 才开始，交接日期要在开始日期之后，请改日期。"})


def _reaches(receiver: Staff, line: Responsibility) -> None:
    """ValidationError if the receiver's account would not show what they are made responsible for."""
    if receiver.user is not None and not covers(receiver.user.region_code, line.region_code):
        told = f"{receiver.name}的账号 {receiver.user.username} 管辖不到{duty_checks.words(line)}所在的地方"
        raise ValidationError(f"{told}。请安全管理员先调整账号的管辖区划，或换一个人。")


def _held_already(lines: Sequence[Responsibility], to: Mapping[int, Staff], on: dt.date) -> set[int]:
    """The lines whose receiver holds the same duty for good already."""
    held = {
        (line.staff_id, line.role, duty_checks.goal_of(line))
        for line in Responsibility.objects.filter(
            staff__in={person.pk for person in to.values()}, until=None, since__lte=on
        )
    }
    return {line.pk for line in lines if (to[line.pk].pk, line.role, duty_checks.goal_of(line)) in held}


def _continued(line: Responsibility, staff: Staff, on: dt.date) -> Responsibility:
    return Responsibility(
        staff=staff,
        role=line.role,
        region_code=line.region_code,
        village_id=line.village_id,
        grid_id=line.grid_id,
        household_id=line.household_id,
        person_id=line.person_id,
        since=on,
        until=line.until,
    )
