"""Check-up and insurance of resident team members: one record a member, year and kind; who has none is a gap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.access.seal import seal, unseal
from huqing.standards.text import clean
from huqing.teams.ledger_queries import today
from huqing.teams.models import Provision, Responsibility, Staff
from huqing.teams.presence import RESIDENT

if TYPE_CHECKING:
    from huqing.access.models import User

K = Provision.Kind
PLANNED, DONE, NONE, OVER, LATE = "planned", "done", "none", "over", "late"
WORDS = {PLANNED: "已安排", DONE: "已办", NONE: "没有", OVER: "已到期", LATE: "过期未办"}
FIRST_YEAR, SHOWN = 2013, 4


@transaction.atomic
def save(
    *,
    staff: Staff,
    year: int,
    kind: str,
    by: User,
    planned_on: dt.date | None = None,
    done_on: dt.date | None = None,
    until: dt.date | None = None,
    provider: str = "",
    policy: str = "",
    note: str = "",
) -> Provision:
    """Write or correct the record of a member, year and kind; an empty ``policy`` leaves the number as it is."""
    require(by, "confirm_presence")
    line = _line(staff, year)
    if not sees(by, line):
        raise Refused("这名队员不在您的管辖范围内。")
    if kind not in K.values:
        raise ValidationError({"kind": "请选体检或保险。"})
    if done_on is not None and done_on > today():
        raise ValidationError({"done_on": "日期还没有到。还没有办的，填计划日期。"})
    if kind == K.INSURANCE and done_on is not None and until is None:
        raise ValidationError({"until": "办了保险要填保障到期的日期。"})
    if kind == K.CHECKUP and done_on is not None and done_on.year != year:
        raise ValidationError({"done_on": f"{done_on} 不在 {year} 年度里，请改日期或年度。"})
    policy = clean(policy).strip()
    if policy and kind != K.INSURANCE:
        raise ValidationError({"policy": "体检没有保单号，请不要填。"})
    row = Provision.objects.select_for_update().filter(staff=staff, year=year, kind=kind).first()
    row = row or Provision(staff=staff, year=year, kind=kind)
    row.region_code, row.by = line.region_code, by
    row.planned_on, row.done_on, row.until = planned_on, done_on, until
    row.provider = hide_numbers(clean(provider).strip())[:60]
    row.note = hide_numbers(clean(note).strip())[:200]
    if policy:
        row.policy_sealed, row.policy_shown = seal(policy), _masked(policy)
    row.validate_constraints()
    row.save()
    detail = {"staff": staff.name, "year": year, "kind": row.get_kind_display(), "done": done_on is not None}
    audit.record(by=by, action="provision_save", subject=row, detail=detail)
    return row


@transaction.atomic
def policy_number(*, provision: Provision, by: User) -> str:
    """The whole number of a policy, for the member or who looks after the team; every look is in the log."""
    own = provision.staff.user_id == by.pk
    if not own:
        require(by, "confirm_presence")
        if not sees(by, provision):
            raise Refused("这名队员不在您的管辖范围内。")
    if provision.policy_sealed is None:
        raise ValidationError("没有登记保单号。")
    audit.record(by=by, action="provision_show", subject=provision, detail={"staff": provision.staff.name})
    return unseal(bytes(provision.policy_sealed))


@dataclass(frozen=True)
class Standing:
    """How one kind of provision stands for a member in a year; ``row`` if there is a record."""

    kind: str
    title: str
    state: str
    row: Provision | None

    @property
    def words(self) -> str:
        """The state in words."""
        return WORDS[self.state]

    @property
    def lacking(self) -> bool:
        """Whether something is still to be done."""
        return self.state in (NONE, OVER, LATE)


def standings(staff: Iterable[int], year: int, on: dt.date) -> dict[int, list[Standing]]:
    """Check-up and insurance of many members in a year, with two queries at most."""
    wanted = list(staff)
    rows = {(row.staff_id, row.kind): row for row in Provision.objects.filter(staff__in=wanted, year=year)}
    # An insurance taken out last year may still run.
    older = Provision.objects.filter(staff__in=wanted, year=year - 1, kind=K.INSURANCE, until__gte=on)
    for row in older:
        rows.setdefault((row.staff_id, row.kind), row)
    return {
        pk: [
            Standing(kind, str(K(kind).label), _state(rows.get((pk, kind)), on), rows.get((pk, kind)))
            for kind in K.values
        ]
        for pk in wanted
    }


def _state(row: Provision | None, on: dt.date) -> str:
    if row is None:
        return NONE
    if row.done_on is None:
        return LATE if row.planned_on is not None and row.planned_on < on else PLANNED
    return OVER if row.until is not None and row.until < on else DONE


def _line(staff: Staff, year: int) -> Responsibility:
    if not FIRST_YEAR <= year <= today().year + 1:
        raise ValidationError({"year": f"年度写 {FIRST_YEAR} 到 {today().year + 1}。"})
    lines = Responsibility.objects.filter(staff=staff, role=RESIDENT, since__lte=dt.date(year, 12, 31))
    line = lines.exclude(until__lt=dt.date(year, 1, 1)).order_by("-since").first()
    if line is None:
        raise ValidationError({"year": f"{staff.name} {year} 年不是驻村工作队员。请先在责任台账里登记所驻的村。"})
    return line


def _masked(number: str) -> str:
    hidden = max(len(number) - SHOWN, len(number) // 2)
    return ("*" * hidden + number[hidden:])[-60:]
