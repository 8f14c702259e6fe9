"""Every change of a plan: making it, revising it, measures in and out and how they go, ending it.

What a measure is and how far it is goes into the ledger of measures through the registry, where rules and imports see
it; here stays what only the plan knows. A version is what the plan was at the end of a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.plans import checks
from huqing.plans.declarations import declared
from huqing.plans.errors import PlanError
from huqing.plans.lines import KIND, WAITING, Line, lines_of
from huqing.plans.models import Plan, PlannedMeasure, PlanVersion
from huqing.registry.actions import set_values
from huqing.registry.models import DepartmentRecord, Household
from huqing.registry.record_actions import in_force, put_record, withdraw_record
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams.models import Staff

MAKE, REPORT = "make_plans", "report_measures"
SOURCE = "一户一策"
REASON = 300
# What somebody who carries a measure out may write of it; the rest is the plan's.
PROGRESS = frozenset({"state", "started_on", "ended_on", "amount", "result", "measure_note"})


@transaction.atomic
def make_plan(
    *,
    household: Household,
    by: User | None,
    risks: Sequence[str],
    causes: Sequence[str] = (),
    situation: str = "",
    aim: str = "",
    take_up: Mapping[str, Staff] | None = None,
) -> Plan:
    """Make the household's plan; ``take_up`` names the measures of the ledger (by fingerprint) that become part of it.

    Risks that the file lacks are written into it. PlanError: there is one already, or the household is cancelled.
    """
    _may(by, MAKE, household)
    day = today()
    if household.status != Household.Status.ACTIVE:
        raise PlanError("这一户已注销，不能制定计划。")
    chosen = checks.content(risks, causes, situation, aim)
    try:
        with transaction.atomic():
            plan = Plan.objects.create(household=household, made_on=day, made_by=by, **chosen)
    except IntegrityError:
        raise PlanError("这一户已有一份没有结束的计划，请在原计划上修订。") from None
    _into_file(plan, by, day)
    for mark, staff in (take_up or {}).items():
        row = in_force(household, KIND, mark)
        if row is not None:
            _take_up(plan, row, by, staff=staff, day=day)
    _version(plan, by, day, "制定计划")
    _record(by, "plan_make", plan, {"risks": len(chosen["risks"]), "measures": plan.measures.count()})
    return plan


@transaction.atomic
def revise_plan(
    *,
    plan: Plan,
    by: User | None,
    risks: Sequence[str],
    reason: str,
    causes: Sequence[str] = (),
    situation: str = "",
    aim: str = "",
) -> Plan:
    """Change causes, risks, situation and aim; on a later day than the present version this begins the next one."""
    locked = _locked(plan, by, MAKE)
    why = _reason(reason)
    for name, value in checks.content(risks, causes, situation, aim).items():
        setattr(locked, name, value)
    locked.save()
    _into_file(locked, by, today())
    _version(locked, by, today(), why)
    _record(by, "plan_revise", locked, {"version": locked.version, "reason": why})
    return locked


@transaction.atomic
def add_measure(
    *,
    plan: Plan,
    by: User | None,
    values: Mapping[str, Any],
    staff: Staff | None,
    risks: Sequence[str] = (),
    planned: int | None = None,
    lasts: str = "",
    lasts_until: dt.date | None = None,
) -> PlannedMeasure:
    """Put a new measure into the plan and the ledger. ``values`` are fields of the ledger as written (yuan)."""
    locked, day = _locked(plan, by, MAKE), today()
    told = {
        "registered_on": day.isoformat(),
        "state": WAITING,
        **{k: v for k, v in values.items() if v not in (None, "")},
    }
    checks.check_item(told)
    checks.check_course(told)
    row = put_record(kind=KIND, household=locked.household, values=told, by=by, on=day, reason=SOURCE, permission=MAKE)
    made = _take_up(
        locked, row, by, staff=staff, day=day, risks=risks, planned=planned, lasts=lasts, lasts_until=lasts_until
    )
    _version(locked, by, day, "增加措施")
    _record(by, "measure_add", locked, {"measure": made.pk, "item": row.items.get("measure_item", "")})
    return made


@transaction.atomic
def take_up_measure(
    *,
    plan: Plan,
    record: DepartmentRecord,
    by: User | None,
    staff: Staff | None,
    risks: Sequence[str] = (),
    planned: int | None = None,
    lasts: str = "",
    lasts_until: dt.date | None = None,
) -> PlannedMeasure:
    """Make a measure that the ledger has already (imported) part of the plan; it is not entered again."""
    locked, day = _locked(plan, by, MAKE), today()
    if record.kind != KIND or record.household_id != locked.household_id or record.retired_by_id is not None:
        raise PlanError("这条措施已有变化，请刷新页面。")
    made = _take_up(
        locked, record, by, staff=staff, day=day, risks=risks, planned=planned, lasts=lasts, lasts_until=lasts_until
    )
    _version(locked, by, day, "纳入已有措施")
    _record(by, "measure_add", locked, {"measure": made.pk, "item": record.items.get("measure_item", "")})
    return made


@transaction.atomic
def change_measure(
    *,
    measure: PlannedMeasure,
    by: User | None,
    values: Mapping[str, Any],
    staff: Staff | None = None,
    risks: Sequence[str] | None = None,
    planned: int | None = None,
    lasts: str | None = None,
    lasts_until: dt.date | None = None,
) -> PlannedMeasure:
    """How a measure goes, in the ledger; who may make plans may also change the plan's side (``risks`` given).

    ValidationError names what does not fit: finished without a result, ended before its contract does.
    """
    permission = REPORT if risks is None else MAKE
    plan = _locked(measure.plan, by, permission)
    day = today()
    own = PlannedMeasure.objects.select_for_update().get(pk=measure.pk)
    row = in_force(plan.household, KIND, own.fingerprint)
    if own.dropped_on is not None or row is None:
        raise PlanError("这项措施已移出计划，或台账里的记录已撤下，请刷新页面。")
    if risks is not None:
        own.staff, own.risks, own.planned = (
            checks.staff_of(staff, plan, by),
            checks.codes("risk_type", risks),
            checks.fen(planned),
        )
        own.lasts, own.lasts_until = checks.lasting(lasts or "", lasts_until)
        own.save()
    elif unknown := set(values) - PROGRESS:
        raise Refused(f"您可以登记进展和成效，不能改{'、'.join(sorted(unknown))}。")
    checks.check_course({**row.items, **values}, own)
    written = {key: hide_numbers(value) if isinstance(value, str) else value for key, value in values.items()}
    put_record(
        kind=KIND,
        household=plan.household,
        values=written,
        by=by,
        on=day,
        reason=SOURCE,
        permission=permission,
        fingerprint=own.fingerprint,
    )
    if risks is not None:
        _version(plan, by, day, "调整措施")
    _record(by, "measure_change", plan, {"measure": own.pk, "state": str(values.get("state", ""))})
    return own


@transaction.atomic
def drop_measure(*, measure: PlannedMeasure, by: User | None, reason: str) -> None:
    """Take a measure out of the plan. One that was written here and never begun leaves the ledger with it."""
    plan, day = _locked(measure.plan, by, MAKE), today()
    why = _reason(reason)
    own = PlannedMeasure.objects.select_for_update().get(pk=measure.pk)
    if own.dropped_on is not None:
        raise PlanError("这项措施已移出计划，请刷新页面。")
    row = in_force(plan.household, KIND, own.fingerprint)
    line = Line(row, own, day)
    if row is not None and not line.imported:
        if line.state != WAITING:
            raise PlanError("已经实施的措施不能移出；做完了的登记完成日期和成效。")
        withdraw_record(row=row, by=by, on=day, reason=f"{SOURCE}：{why}", permission=MAKE)
    own.dropped_on, own.drop_reason = day, why
    own.save(update_fields=["dropped_on", "drop_reason"])
    _version(plan, by, day, f"移出措施：{why}"[:REASON])
    _record(by, "measure_drop", plan, {"measure": own.pk, "reason": why})


@transaction.atomic
def close_plan(*, plan: Plan, by: User | None, reason: str) -> Plan:
    """End the plan. PlanError while a measure goes on: help lasts to the end of contract, post or school stage."""
    locked, day = _locked(plan, by, MAKE), today()
    why = _reason(reason)
    left = [line for line in lines_of(locked.household, locked, day) if line.planned and line.open]
    if left:
        told = "；".join(f"{line.title}{'，到' + line.lasting if line.lasting else ''}" for line in left)
        raise PlanError(f"还有 {len(left)} 项措施没有完成：{told}。做完或移出后再结束计划。")
    locked.closed_on, locked.closed_by, locked.close_reason = day, by, why
    locked.save(update_fields=["closed_on", "closed_by", "close_reason"])
    _record(by, "plan_close", locked, {"reason": why})
    return locked


def _take_up(
    plan: Plan,
    row: DepartmentRecord,
    by: User | None,
    *,
    staff: Staff | None,
    day: dt.date,
    risks: Sequence[str] = (),
    planned: int | None = None,
    lasts: str = "",
    lasts_until: dt.date | None = None,
) -> PlannedMeasure:
    group, item = str(row.items.get("measure_group", "")), str(row.items.get("measure_item", ""))
    answered = [risk for risk in plan.risks if group in _groups(risk)]
    kind, until = checks.lasting(lasts or declared().lasts(group, item), lasts_until)
    try:
        with transaction.atomic():
            return PlannedMeasure.objects.create(
                plan=plan,
                fingerprint=row.fingerprint,
                risks=checks.codes("risk_type", risks or answered),
                staff=checks.staff_of(staff, plan, by),
                planned=checks.fen(planned),
                lasts=kind,
                lasts_until=until,
                added_on=day,
                added_by=by,
            )
    except IntegrityError:
        raise PlanError("这项措施已在计划中，请刷新页面。") from None


def _groups(risk: str) -> tuple[str, ...]:
    answer = declared().answers.get(risk)
    return answer.groups if answer else ()


def _into_file(plan: Plan, by: User | None, day: dt.date) -> None:
    """The file names the same risks as the plan; nobody enters them twice."""
    if sorted(plan.household.items.get("risks", [])) == sorted(plan.risks):
        return
    names = [codelist("risk_type").label(code) for code in plan.risks]
    set_values(household=plan.household, values={"risks": names}, by=by, on=day, reason=SOURCE)
    plan.household.refresh_from_db()


def _version(plan: Plan, by: User | None, day: dt.date, reason: str) -> None:
    content = {
        "causes": plan.causes,
        "risks": plan.risks,
        "situation": plan.situation,
        "aim": plan.aim,
        "measures": [_frozen(line) for line in lines_of(plan.household, plan, day) if line.planned is not None],
    }
    latest = plan.versions.order_by("-number").first()
    if latest is not None and latest.on == day:
        reasons = list(dict.fromkeys([*latest.reason.split("；"), reason]))
        latest.content, latest.reason, latest.at, latest.by = content, "；".join(reasons)[:REASON], timezone.now(), by
        latest.save()
        return
    plan.version = latest.number + 1 if latest else 1
    plan.save(update_fields=["version"])
    PlanVersion.objects.create(
        plan=plan, number=plan.version, on=day, at=timezone.now(), by=by, reason=reason, content=content
    )


def _frozen(line: Line) -> dict[str, Any]:
    planned = line.planned
    return {
        "title": f"{line.group_title}：{line.title}",
        "state": line.state_title,
        "staff": planned.staff.name if planned and planned.staff else "",
        "planned": planned.planned if planned else None,
        "fund": line.fund,
        "from": line.items.get("started_on", ""),
        "to": line.items.get("ended_on", ""),
        "risks": planned.risks if planned else [],
    }


def _locked(plan: Plan, by: User | None, permission: str) -> Plan:
    locked = Plan.objects.select_for_update(of=("self",)).select_related("household").get(pk=plan.pk)
    _may(by, permission, locked.household)
    if locked.closed_on is not None:
        raise PlanError("计划已结束，不能再改；需要继续帮扶的请重新制定。")
    return locked


def _reason(text: str) -> str:
    found = hide_numbers(clean(text))
    if not 4 <= len(found) <= REASON:
        raise ValidationError({"reason": f"请写明原因（4 至 {REASON} 个字），现在有 {len(found)} 个字。"})
    return found


def _may(by: User | None, permission: str, household: Household) -> None:
    if by is None:
        return
    require(by, permission)
    if not sees(by, household):
        raise Refused("这一户不在您的管辖范围内。")


def _record(by: User | None, action: str, plan: Plan, detail: dict[str, Any]) -> None:
    audit.record(by=by, action=action, subject=plan, region_code=plan.household.region_code, detail=detail)
