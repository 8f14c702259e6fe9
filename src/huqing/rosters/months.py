"""A month's list of one label: opening, entries, exits, closing and their check; closed months stay as they were."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from huqing.access.scope import visible
from huqing.registry.models import Household, Label, Person, RegionCode
from huqing.rosters import freezing, spells
from huqing.rosters.models import RosterChange, RosterMonth
from huqing.rosters.reasons import Why, why_entered, why_left

if TYPE_CHECKING:
    from huqing.access.models import User

IN, OUT = RosterChange.Direction.IN, RosterChange.Direction.OUT
AT_ONCE = 2_000
COUNTY = 6
Member = tuple[int, int]  # household, person (0: the household itself)


@dataclass(frozen=True)
class Span:
    """A month's first and last day."""

    first: dt.date
    last: dt.date

    @property
    def before(self) -> Span:
        """The month before."""
        return month_of(self.first - spells.DAY)


@dataclass(frozen=True)
class Line:
    """One line of a month's list."""

    direction: str
    correction: bool
    household: Household
    person: Person | None
    region_code: str
    on: dt.date
    why: Why


@dataclass
class Sums:
    """The numbers of a place: opening + corrections + entered − left must be closing."""

    opening: int = 0
    corrected_in: int = 0
    corrected_out: int = 0
    entered: int = 0
    left: int = 0
    closing: int = 0

    @property
    def expected(self) -> int:
        """What closing should be."""
        return self.opening + self.corrected_in - self.corrected_out + self.entered - self.left

    @property
    def off(self) -> int:
        """By how much it is not; for a place below the county these are households that moved between places."""
        return self.closing - self.expected


@dataclass
class MonthList:
    """A month of one label as an account sees it; ``closed`` when somebody closed it."""

    kind: str
    span: Span
    sums: Sums
    places: dict[str, Sums] = field(default_factory=dict)
    closed: RosterMonth | None = None
    carried: bool = False  # the opening is what the month before was closed with


def month_of(day: dt.date) -> Span:
    """The month a day lies in."""
    return Span(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def closed_month(kind: str, span: Span, county: str) -> RosterMonth | None:
    """The closed list of a month, without its members."""
    rows = RosterMonth.objects.filter(region_code=county, kind=kind, month=span.first).defer("members")
    return rows.select_related("closed_by").first()


def month_list(kind: str, span: Span, *, user: User, region: str = "") -> MonthList:
    """The sums of a month for what an account sees, in all and by the places one level below."""
    county = user.region_code[:COUNTY]
    prefix = region or user.region_code
    digits = 9 if len(prefix) < 9 else 12
    closed = closed_month(kind, span, county)
    told = MonthList(kind, span, Sums(), closed=closed)
    parts = _closed_parts(closed, user, region, digits) if closed else _live_parts(told, user, region, digits)
    for name, counts in parts.items():
        for place, count in counts.items():
            sums = told.places.setdefault(place, Sums())
            setattr(sums, name, getattr(sums, name) + count)
            setattr(told.sums, name, getattr(told.sums, name) + count)
    told.places = dict(sorted(told.places.items()))
    return told


def _live_parts(told: MonthList, user: User, region: str, digits: int) -> dict[str, dict[str, int]]:
    kind, span = told.kind, told.span
    where: dict[str, Any] = {"user": user, "region": region}
    parts = {
        "opening": spells.by_place(spells.on_list(kind, span.before.last, **where), digits),
        "entered": spells.by_place(spells.entered(kind, span.first, span.last, **where), digits),
        "left": spells.by_place(spells.left(kind, span.first, span.last, **where), digits),
        "closing": spells.by_place(spells.on_list(kind, span.last, **where), digits),
    }
    # One subject may come and go twice in a month: changes are counted as changes, not as subjects.
    for name in ("entered", "left"):
        rows = getattr(spells, name)(kind, span.first, span.last, **where)
        parts[name] = dict(Counter(code[:digits] for code in rows.values_list("household__region_code", flat=True)))
    before = closed_month(kind, span.before, user.region_code[:COUNTY])
    if before is not None:
        told.carried = True
        frozen = _narrowed(frozen_members(before), user, region)
        parts["opening"] = dict(Counter(code[:digits] for code in frozen.values()))
        added, removed = _corrections(kind, span, frozen, user, region)
        parts["corrected_in"] = dict(Counter(code[:digits] for code in added.values()))
        parts["corrected_out"] = dict(Counter(code[:digits] for code in removed.values()))
    return parts


def _closed_parts(closed: RosterMonth, user: User, region: str, digits: int) -> dict[str, dict[str, int]]:
    content = freezing.unpack(RosterMonth.objects.values_list("members", flat=True).get(pk=closed.pk))
    closing = Counter(code[:digits] for code in _narrowed(_current(content["members"]), user, region).values())
    opening = Counter(code[:digits] for code in _narrowed(_current(content["opening"]), user, region).values())
    parts: dict[str, dict[str, int]] = {"opening": dict(opening), "closing": dict(closing)}
    for line in changes_of(closed, user=user, region=region).values_list("direction", "correction", "region_code"):
        name = {(IN, False): "entered", (OUT, False): "left", (IN, True): "corrected_in", (OUT, True): "corrected_out"}[
            line[0], line[1]
        ]
        counts = parts.setdefault(name, {})
        counts[line[2][:digits]] = counts.get(line[2][:digits], 0) + 1
    return parts


def changes_of(closed: RosterMonth, *, user: User, region: str = "") -> Any:
    """The lines of a closed month that an account sees."""
    return visible(RosterChange.objects.filter(month=closed), user, within=region)


def frozen_members(closed: RosterMonth) -> dict[Member, str]:
    """Everybody on a closed list and the village of each, by today's codes."""
    packed = RosterMonth.objects.values_list("members", flat=True).get(pk=closed.pk)
    return _current(freezing.unpack(packed)["members"])


def _current(members: Sequence[Sequence[Any]]) -> dict[Member, str]:
    """Villages that have another code by now are told by that one."""
    codes = {str(code) for *_, code in members}
    renamed = dict(
        RegionCode.objects.filter(code__in=codes, region__valid_to=None)
        .exclude(region__code__in=codes)
        .values_list("code", "region__code")
    )
    return {(int(household), int(person)): renamed.get(code, code) for household, person, code in members}


def _narrowed(members: dict[Member, str], user: User | None, region: str) -> dict[Member, str]:
    """The members an account may see, of one region perhaps."""
    if user is None:
        return members
    prefix = region or user.region_code
    near = {
        member: code
        for member, code in members.items()
        if code.startswith((prefix,)) and code.startswith(user.region_code)
    }
    if user.grid_id is None and user.role not in ("grid", "visitor"):
        return near
    seen = set(
        visible(Household.objects.filter(pk__in={household for household, _ in near}), user).values_list(
            "pk", flat=True
        )
    )
    return {member: code for member, code in near.items() if member[0] in seen}


def members_now(kind: str, day: dt.date, user: User | None, region: str) -> dict[Member, str]:
    """Everybody on the list on a day, as the labels say it today."""
    rows = spells.on_list(kind, day, user=user, region=region)
    listed = rows.values_list("household_id", "person_id", "household__region_code")
    return {(household, person or 0): code for household, person, code in listed.iterator(AT_ONCE * 10)}


def _corrections(
    kind: str, span: Span, frozen: dict[Member, str], user: User | None, region: str
) -> tuple[dict[Member, str], dict[Member, str]]:
    """Who should have been on the list the month before was closed with and was not, and the other way round."""
    now = members_now(kind, span.before.last, user, region)
    added = {member: code for member, code in now.items() if member not in frozen}
    return added, {member: code for member, code in frozen.items() if member not in now}


def live_rows(kind: str, span: Span, direction: str, *, user: User | None, region: str = "") -> Any:
    """The labels behind a month's entries or exits, to be paged by day."""
    rows = (spells.entered if direction == IN else spells.left)(kind, span.first, span.last, user=user, region=region)
    return rows.select_related("household", "person")


def lines_of(labels: Sequence[Label], direction: str) -> list[Line]:
    """Labels as lines of the list, with their reasons."""
    whys = (why_entered if direction == IN else why_left)(labels)
    return [
        Line(
            direction,
            False,
            label.household,
            label.person,
            label.household.region_code,
            label.valid_from if direction == IN else (label.valid_to or label.valid_from) + spells.DAY,
            whys[label.pk],
        )
        for label in labels
    ]


def correction_lines(kind: str, span: Span, *, user: User | None, county: str, region: str = "") -> list[Line]:
    """What has become known since the month before was closed, as lines of this month."""
    before = closed_month(kind, span.before, county)
    if before is None:
        return []
    frozen = _narrowed(frozen_members(before), user, region)
    added, removed = _corrections(kind, span, frozen, user, region if user else county)
    return [
        line
        for direction, members in ((IN, added), (OUT, removed))
        for line in _correction_part(kind, span, direction, members)
    ]


def _correction_part(kind: str, span: Span, direction: str, members: dict[Member, str]) -> Iterator[Line]:
    listed = sorted(members)
    for start in range(0, len(listed), AT_ONCE):
        part = listed[start : start + AT_ONCE]
        homes = Household.objects.in_bulk([household for household, _ in part])
        people = Person.objects.in_bulk([person for _, person in part if person])
        labels = Label.objects.filter(kind=kind, household__in=homes).select_related("household", "person")
        last: dict[Member, Label] = {}
        for label in labels.order_by("valid_from", "pk"):
            last[label.household_id, label.person_id or 0] = label
        if direction == IN:
            whys = why_entered(list(last.values()))
        else:
            whys = why_left([label for label in last.values() if label.valid_to])
        for member in part:
            if member[0] not in homes:
                continue
            label = last.get(member)
            why = whys.get(label.pk, Why("unknown", "")) if label else Why("removed", "")
            yield Line(direction, True, homes[member[0]], people.get(member[1]), members[member], span.first, why)
