"""The pool of evaluators of a village: who is in it, and who may not be drawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import has_number, hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Evaluator
from huqing.registry.models import Person, Region
from huqing.standards.text import clean, clean_name
from huqing.teams.models import Responsibility, Staff

NAME_LENGTH = 60
OFFICER_KIND = "5"
# Duties of the ledger that keep somebody out of the pool, and how a refusal calls them.
BARRED = {"village_officer": "村干部", "representative": "村民代表"}


def barred(village: Region, day: dt.date) -> dict[str, str]:
    """Names of the village's officers and representatives, by the ledger of duties: name → what they are."""
    lines = Responsibility.objects.filter(
        Q(village=village) | Q(grid__village=village) | Q(household__village=village), role__in=BARRED, since__lte=day
    ).filter(Q(until=None) | Q(until__gte=day))
    found = {name: BARRED[role] for name, role in lines.values_list("staff__name", "role").distinct()}
    officers = Staff.objects.filter(kind=OFFICER_KIND, region_code=village.code, left_on=None)
    return found | dict.fromkeys(officers.values_list("name", flat=True), BARRED["village_officer"])


def must_keep_out(cases: Sequence[Case], pool: Sequence[Evaluator], day: dt.date) -> dict[int, str]:
    """Who of a pool cannot be drawn for these cases, and why: officers by now, and members of the households."""
    if not cases:
        return {}
    officers = barred(cases[0].household.village, day)
    members = dict(
        Person.objects.filter(household__in=[case.household_id for case in cases]).values_list(
            "name", "household__head_name"
        )
    )
    found = {one.pk: f"{members[one.name]}户的家庭成员" for one in pool if one.name in members}
    return found | {one.pk: officers[one.name] for one in pool if one.name in officers}


@transaction.atomic
def add_evaluators(*, village: Region, people: Iterable[tuple[str, str]], by: User | None) -> int:
    """Add (group, name) to a village's pool; CaseError names who is doubled, or an officer or representative."""
    if by is not None:
        require(by, "handle_cases")
    if (by is not None and not sees(by, village)) or village.level != Region.Level.VILLAGE:
        raise Refused("这个村不在您的管辖范围内。")
    officers, added = barred(village, today()), 0
    for group, name in people:
        group_name, told = clean(group), clean_name(name)
        if not group_name or not told:
            raise CaseError("每名评议员都要写推荐小组和姓名。")
        if has_number(told) or has_number(group_name) or len(told) > NAME_LENGTH:
            raise CaseError(f"“{hide_numbers(told)[:20]}”不像姓名，请只写姓名，不写号码。")
        if told in officers:
            raise CaseError(
                f"{told}在责任台账里是本村{officers[told]}，不能进评议员库。同名的另一人请写成“{told}（{group_name}）”。"
            )
        try:
            with transaction.atomic():
                Evaluator.objects.create(
                    village=village, region_code=village.code, group_name=group_name[:40], name=told
                )
        except IntegrityError:
            raise CaseError(f"{group_name}的{told}已在评议员库里。同名的请在姓名后加以区分。") from None
        added += 1
    audit.record(by=by, action="evaluators_add", subject=village, region_code=village.code, detail={"people": added})
    return added


@transaction.atomic
def remove_evaluator(*, evaluator: Evaluator, by: User) -> None:
    """Take somebody out of the pool from today; earlier draws keep the name."""
    require(by, "handle_cases")
    if not sees(by, evaluator):
        raise Refused("这个村不在您的管辖范围内。")
    Evaluator.objects.filter(pk=evaluator.pk, left_on=None).update(left_on=today())
    audit.record(by=by, action="evaluator_remove", subject=evaluator, region_code=evaluator.region_code)


def reasons(excluded: Mapping[int, str], pool: Sequence[Evaluator]) -> list[list[str]]:
    """[[name, reason], …] of those who keep out; CaseError if a reason is missing."""
    names = {one.pk: str(one) for one in pool}
    told = [[names[key], hide_numbers(clean(why))[:100]] for key, why in excluded.items() if key in names]
    nameless = [name for name, why in told if not why]
    if nameless:
        raise CaseError(f"请写明{nameless[0]}为什么回避。")
    return told
