"""What the ledger refuses: dates the wrong way round, the same duty twice at a time, one person in two villages."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.db.models import Q

from huqing.standards.codelists import codelist
from huqing.teams.models import ProposedPair, Responsibility, Staff

# Whoever holds one of these lives or works in the village: nobody holds it in two villages at once.
LOCAL_ROLES = frozenset({"grid_worker", "village_officer", "resident"})
NAMED = 3
COUNTY_DIGITS = 6

GOALS = ("person", "household", "grid", "village")
Goal = tuple[str, int]
Span = tuple[dt.date, dt.date | None]


def goal_of(line: Responsibility | ProposedPair) -> Goal:
    """What a line is for: the person, household, grid or village."""
    for name in GOALS:
        key = getattr(line, f"{name}_id", None)
        if key is not None:
            return name, key
    raise ValidationError("责任没有对象：请选择一个村、一个网格或一户。")


def words(line: Responsibility) -> str:
    """A line in words, for a refusal."""
    name, _ = goal_of(line)
    goal = getattr(line, name)
    what = f"{goal.number}（{goal}）" if name == "household" else str(goal)
    return f"{line.staff.name}“{codelist('duty_role').label(line.role)}”{what}"


def overlap(one: Span, other: Span) -> bool:
    """Whether two stretches (first day, last day or None) have a day in common."""
    last = dt.date.max
    return one[0] <= (other[1] or last) and other[0] <= (one[1] or last)


def locked(keys: Iterable[int]) -> dict[int, Staff]:
    """These people, locked until the end of the transaction: what is said of one person is said one thing at a time.

    Always in one order, so that two requests about the same people wait for each other only once.
    """
    people = Staff.objects.select_for_update(no_key=True).filter(pk__in=set(keys)).order_by("pk")
    return {person.pk: person for person in people}


def refuse(lines: Sequence[Responsibility], *, leaving_out: Iterable[int] = ()) -> None:
    """ValidationError if one of these new lines cannot stand; ``leaving_out`` are lines that end with them.

    The rows of the people are locked, so that two requests cannot both add the same duty.
    """
    if not lines:
        raise ValidationError("没有要登记的责任。")
    staff = locked(line.staff_id for line in lines)
    wrong: list[str] = []
    known_roles = codelist("duty_role")
    for line in lines:
        person = staff[line.staff_id]
        if line.role not in known_roles:
            wrong.append(
                f"责任类别 {line.role} 不存在，应为 {'、'.join(label for _, label in known_roles.items)} 之一。"
            )
        elif line.until is not None and line.until < line.since:
            wrong.append(f"{words(line)}：终止日期 {line.until} 早于起始日期 {line.since}，请改正日期。")
        elif person.left_on is not None and (line.until is None or line.until > person.left_on):
            wrong.append(f"{person.name} 已于 {person.left_on} 离任，之后不能再负责。请换一个人，或改终止日期。")
        elif person.region_code[:COUNTY_DIGITS] != line.region_code[:COUNTY_DIGITS]:
            wrong.append(f"{person.name} 不是本县登记的人员，请换一个人。")
    if not wrong:
        wrong = [told for told in clashes_of(lines, leaving_out) if told]
    if wrong:
        told = list(dict.fromkeys(wrong))
        more = [f"另有 {len(told) - NAMED} 处同样的问题。"] if len(told) > NAMED else []
        raise ValidationError([*told[:NAMED], *more])


def clashes_of(lines: Sequence[Responsibility], leaving_out: Iterable[int] = ()) -> list[str]:
    """For each line why it cannot stand beside what is in the ledger and the lines before it; "" where it can."""
    earliest = min((line.since for line in lines), default=dt.date.max)
    ending = set(leaving_out)
    by_goal: dict[tuple[int, str, Goal], list[Span]] = defaultdict(list)
    local: dict[tuple[int, str], list[tuple[str, Span]]] = defaultdict(list)
    held = Responsibility.objects.filter(staff__in={line.staff_id for line in lines}).filter(
        Q(until=None) | Q(until__gte=earliest)
    )
    for pk, staff, role, place, since, until, *goals in held.values_list(
        "pk", "staff", "role", "region_code", "since", "until", *GOALS
    ):
        if pk not in ending:
            goal = next((name, key) for name, key in zip(GOALS, goals, strict=True) if key is not None)
            by_goal[staff, role, goal].append((since, until))
            if role in LOCAL_ROLES:
                local[staff, role].append((place, (since, until)))
    return [_clash(line, by_goal, local) for line in lines]


def _clash(
    line: Responsibility,
    by_goal: dict[tuple[int, str, Goal], list[Span]],
    local: dict[tuple[int, str], list[tuple[str, Span]]],
) -> str:
    span, same = (line.since, line.until), by_goal[line.staff_id, line.role, goal_of(line)]
    if any(overlap(span, other) for other in same):
        return f"{words(line)}：同一责任的日期重叠，此人那时已经负责。请改日期，或不用再登记。"
    others = local[line.staff_id, line.role]
    if line.role in LOCAL_ROLES and any(place != line.region_code and overlap(span, other) for place, other in others):
        return f"{words(line)}：{line.staff.name} 同一时间已在另一个村，一个人不能同时在两处。请先结束那一处。"
    same.append(span)
    others.append((line.region_code, span))
    return ""
