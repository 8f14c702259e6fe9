"""Comparing rosters and working the differences off: kept until gone, quiet once a person has explained them."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.locks import exclusive
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import code_range, sees
from huqing.cases.models import Case
from huqing.intake.models import LinkCandidate
from huqing.registry import snapshot
from huqing.registry.actions import RegistryError, set_label, set_values
from huqing.registry.file_actions import manual_source
from huqing.registry.models import DepartmentRecord, Label
from huqing.rosters import freezing, reviews, spells
from huqing.rosters.comparing import GONE, ROSTERS, Beside, Found, compare
from huqing.rosters.models import RosterComparison, RosterDifference
from huqing.standards.text import clean

if TYPE_CHECKING:
    from huqing.access.models import User

S, K, D = RosterDifference.State, RosterDifference.Kind, RosterDifference.Decision
AT_ONCE = 2_000
COUNTY = 6


def run(*, region: str, by: User | None, day: dt.date | None = None) -> RosterComparison:
    """Compare all rosters of a county as they are now; differences open, change, come back or close."""
    if by is not None:
        require(by, "compare_rosters")
    county, day, began = region[:COUNTY], day or today(), time.perf_counter()
    with exclusive(f"rosters-{county}"):
        taken = snapshot.take(region=county, as_of=day)
        found, both = compare(taken, _beside(county, day), day)
        snapshot.prune(but=taken)
        with transaction.atomic():
            counts = {
                roster: _sync(county, roster, rows, day) | {"both": both[roster]} for roster, rows in found.items()
            }
            made = RosterComparison.objects.create(
                region_code=county,
                as_of=day,
                counts=counts,
                seconds=round(time.perf_counter() - began, 3),
                made_at=timezone.now(),
                made_by=by,
            )
            told = {roster: sum(one[kind] for kind in K.values) for roster, one in counts.items()}
            audit.record(by=by, action="roster_compare", subject=made, region_code=county, detail=told)
    return made


def _beside(county: str, day: dt.date) -> Beside:
    kinds = sorted({roster.record_kind for roster in ROSTERS.values()})
    rows = DepartmentRecord.objects.in_region(county).filter(kind__in=kinds, person=None, retired_by=None)
    loose = []
    for pk, kind, items, name, code, fingerprint in rows.values_list(
        "pk", "kind", "items", "subject_name", "region_code", "fingerprint"
    ).iterator(AT_ONCE):
        if _running(kind, items, day):
            loose.append((pk, kind, items.get("aid_kind") or "", name, code, fingerprint))
    candidates = LinkCandidate.objects.in_region(county).filter(state=LinkCandidate.State.OPEN, record__kind__in=kinds)
    return Beside(
        cases=list(Case.objects.in_region(county).filter(closed_on=None).values_list("household_id", flat=True)),
        waiting=list(candidates.values_list("person_id", flat=True).distinct()),
        unlinked=loose,
    )


def _running(kind: str, items: dict[str, Any], day: dt.date) -> bool:
    """Whether a department's row counts on the day."""
    if kind == "insured":
        return bool(items.get("year") == day.year)
    first, last = ("aid_from", "aid_to") if kind == "civil_affairs" else ("issued_on", "expires_on")
    begun = not items.get(first) or items[first] <= day.isoformat()
    return begun and (not items.get(last) or items[last] >= day.isoformat())


def _sync(county: str, roster: str, rows: list[Found], day: dt.date) -> dict[str, int]:
    """Bring the stored differences of one roster in line with those found; returns the counts by kind and state."""
    known = {
        (one.kind, one.identity): one
        for one in RosterDifference.objects.filter(code_range(county), roster=roster)
        .exclude(state=S.CLOSED)
        .iterator(AT_ONCE)
    }
    fresh, changed, settled = [], [], 0
    for found in rows:
        hashed = freezing.digest([found.values, found.why])
        held = known.pop((found.kind, found.identity), None)
        if held is None:
            fresh.append(_row(found, hashed, day))
            continue
        now = (hashed, found.record_id, found.household_id, found.region_code)
        if now == (held.values_hash, held.record_id, held.household_id, held.region_code):
            settled += held.state == S.SETTLED
            continue
        if held.values_hash != hashed and held.state == S.SETTLED:
            held.state, held.opened_on = S.OPEN, day
        settled += held.state == S.SETTLED
        held.values, held.why = found.values, found.why
        held.values_hash, held.record_id, held.household_id, held.region_code = now
        changed.append(held)
    RosterDifference.objects.bulk_create(fresh, batch_size=AT_ONCE)
    names = ("values", "values_hash", "why", "state", "opened_on", "record", "household", "region_code")
    RosterDifference.objects.bulk_update(changed, names, batch_size=500)
    gone = [one.pk for one in known.values()]
    for start in range(0, len(gone), AT_ONCE):
        part = RosterDifference.objects.filter(pk__in=gone[start : start + AT_ONCE])
        part.update(state=S.CLOSED, closed_on=day)
    RosterDifference.objects.filter(code_range(county), roster=roster).exclude(state=S.CLOSED).update(seen_on=day)
    kinds = Counter(str(found.kind) for found in rows)
    return {**{kind: kinds[kind] for kind in K.values}, "settled": settled, "closed": len(gone)}


def _row(found: Found, hashed: str, day: dt.date) -> RosterDifference:
    return RosterDifference(
        region_code=found.region_code,
        roster=found.roster,
        kind=found.kind,
        identity=found.identity,
        household_id=found.household_id,
        person_id=found.person_id,
        record_id=found.record_id,
        subject_name=found.name,
        values=found.values,
        values_hash=hashed,
        why=found.why,
        opened_on=day,
        seen_on=day,
    )


@transaction.atomic
def settle(*, difference: RosterDifference, decision: str, reason: str, by: User) -> RosterDifference:
    """Say which roster holds, with the reason. If the department's does, our file is corrected in the same step;
    somebody who has to leave a list leaves it only when a second person agrees (``reviews``)."""
    require(by, "settle_differences")
    if not sees(by, difference):
        raise Refused("这项差异不在您的管辖范围内。")
    difference = (
        RosterDifference.objects.select_for_update(of=("self",))
        .select_related("household", "person", "record")
        .get(pk=difference.pk)
    )
    if difference.state != S.OPEN:
        raise ValidationError(f"这项差异{difference.get_state_display()}，请刷新页面。")
    if decision not in D.values:
        raise ValidationError({"decision": "请选怎样处理。"})
    reason = hide_numbers(clean(reason).strip())[:300]
    if not reason:
        raise ValidationError({"reason": "请写明理由，例如“已电话核实，民政下月更正”。"})
    if decision == D.THEIRS:
        stopped = why_not_theirs(difference)
        if stopped:
            raise ValidationError({"decision": stopped})
        try:
            _follow(difference, reason, by)
        except RegistryError as error:
            raise ValidationError(str(error)) from error
    elif decision == D.OURS and difference.why in GONE:
        _let_leave(difference, reason, by)
    difference.state, difference.decision, difference.reason = S.SETTLED, decision, reason
    difference.decided_at, difference.decided_by = timezone.now(), by
    difference.save()
    detail = {"roster": difference.roster, "kind": difference.kind, "decision": decision}
    audit.record(by=by, action="difference_settle", subject=difference, detail=detail)
    return difference


@transaction.atomic
def reopen(*, difference: RosterDifference, by: User) -> RosterDifference:
    """Take an explanation back: the difference is open again."""
    require(by, "settle_differences")
    if not sees(by, difference):
        raise Refused("这项差异不在您的管辖范围内。")
    difference = RosterDifference.objects.select_for_update(of=("self",)).get(pk=difference.pk)
    if difference.state != S.SETTLED:
        raise ValidationError("只有已说明的差异可以重开。")
    difference.state = S.OPEN
    difference.save(update_fields=["state"])
    audit.record(by=by, action="difference_reopen", subject=difference, detail={"roster": difference.roster})
    return difference


def why_not_theirs(difference: RosterDifference) -> str:
    """Why our file cannot simply follow the department's roster; "" when it can."""
    if difference.kind == K.UNLINKED:
        return "这一行还没有对上人。请先在“疑似同一人”里判定，或补建档案。"
    if difference.person is None:
        return "金额请在农户档案里核实更正，再在这里说明。"
    if difference.kind == K.DETAIL and difference.why in GONE:
        return "两边都在册，但人已去世或迁出：请选“以本县名册为准”，会提出退出，由另一人确认。"
    if difference.person.household_id is None or difference.household is None:
        return "此人已不在任何一户，请先办理转入或结束标签。"
    return ""


def _let_leave(difference: RosterDifference, reason: str, by: User) -> None:
    """Whoever died or left and still has the label leaves the list, once a second person agrees."""
    roster = ROSTERS[difference.roster]
    held = Label.objects.filter(spells.holding_on(today()), person=difference.person_id, kind=roster.label).first()
    if roster.label and held is not None:
        reviews.propose_leaving(label=held, reason=f"名册比对：{roster.title}（{reason}）", by=by)


def _follow(difference: RosterDifference, reason: str, by: User) -> None:
    """Correct our file after the department's roster, with the comparison as its source."""
    roster, person = ROSTERS[difference.roster], difference.person
    assert person is not None and person.household is not None  # noqa: S101, PT018  asked before
    items = difference.record.items if difference.record else {}
    title = f"名册比对：{roster.title}（{reason}）"
    values: dict[str, Any] = {}
    if roster.key == "disability":
        values = {key: items.get(key) or "" for key in ("disability_type", "disability_grade")}
    elif roster.key == "insured":
        for code, key in (("1", "resident_insurance"), ("2", "employee_insurance")):
            if difference.kind != K.THEIRS or items.get("insurance_kind") == code:
                values[key] = "是" if difference.kind != K.OURS and items.get("insurance_kind") == code else "否"
    else:
        held = Label.objects.filter(spells.holding_on(today()), person=person, kind=roster.label).first()
        if difference.kind == K.OURS and held is not None:
            reviews.propose_leaving(label=held, reason=title, by=by)
        elif difference.kind != K.OURS and held is None:
            since = dt.date.fromisoformat(items["aid_from"]) if items.get("aid_from") else today()
            set_label(
                household=person.household, person=person, kind=roster.label, valid_from=since, by=by, reason=title
            )
        if roster.flag:
            values[roster.flag] = "否" if difference.kind == K.OURS else "是"
    if values:
        source = manual_source(by=by, on=today(), reason=title, region_code=difference.region_code)
        set_values(
            household=person.household, person=person, values=values, by=by, on=today(), reason=title, source=source
        )
