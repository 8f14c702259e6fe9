"""Every change of a case: opening it, taking a step, recording and withdrawing papers, helping before the procedure."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import has_number
from huqing.cases import needs, steps
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, CaseStep, Evidence
from huqing.cases.procedure import frozen_for, procedure_of
from huqing.cases.steps import TEXT_LENGTH
from huqing.cases.texts import written
from huqing.packs.procedures.declaration import NEEDS
from huqing.registry.models import DepartmentRecord, Household
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist
from huqing.visits.models import Submission

REASON_LENGTH = 300


@transaction.atomic
def open_case(
    *,
    household: Household,
    source: str,
    clue: str,
    by: User | None,
    alerts: Iterable[Alert] = (),
    record: DepartmentRecord | None = None,
    submission: Submission | None = None,
    on: dt.date | None = None,
) -> Case:
    """Register a clue about a household; CaseError if one is open already or no procedure is in force there.

    ``alerts``, a department's ``record`` or a visit's ``submission`` are what the clue was found in.
    """
    _may(by, "handle_cases", household)
    if source not in codelist("clue_source"):
        raise CaseError("请选线索来源。")
    text = written(clue, "线索内容", most=TEXT_LENGTH)
    day = on or today()
    if day > today():
        raise CaseError("登记日期不能晚于今天。")
    if household.status != Household.Status.ACTIVE:
        raise CaseError("这一户已注销，不能登记线索。")
    version = frozen_for(household.region_code, day)
    made = procedure_of(version)
    linked = list(alerts)
    if any(alert.household_id != household.pk for alert in linked):
        raise CaseError("所选预警不是这一户的，请重新选择。")
    for origin in (record, submission):
        if origin is not None and origin.household_id != household.pk:
            raise CaseError("所选部门数据或走访记录不是这一户的，请重新选择。")
    try:
        with transaction.atomic():
            case = Case.objects.create(
                number=f"new-{uuid.uuid4().hex[:12]}",
                household=household,
                region_code=household.region_code,
                procedure=version,
                state=version.states.get(key=made.start.key),
                clue_source=source,
                clue=text,
                record=record,
                submission=submission,
                opened_on=day,
                opened_by=by,
                entered_on=day,
                free_from=day,
            )
    except IntegrityError:
        number = Case.objects.filter(household=household, closed_on=None).values_list("number", flat=True).first()
        raise CaseError(f"这一户已有未办结的事项 {number or ''}，请在原事项中办理。") from None
    case.number = f"{day.year}{case.pk:08d}"
    steps.enter(case, case.state, day)
    case.save()
    case.alerts.set(linked)
    _record(by, "case_open", case, {"source": source, "alerts": len(linked)})
    return case


@transaction.atomic
def link_alerts(*, case: Case, alerts: Iterable[Alert], by: User | None) -> int:
    """Add further alerts of the household to its open case; how many were new."""
    _may(by, "handle_cases", case.household)
    linked = list(alerts)
    if any(alert.household_id != case.household_id for alert in linked):
        raise CaseError("所选预警不是这一户的，请重新选择。")
    known = set(case.alerts.values_list("pk", flat=True))
    new = [alert for alert in linked if alert.pk not in known]
    if new:
        case.alerts.add(*new)
        _record(by, "case_alerts", case, {"alerts": len(new)})
    return len(new)


def take(*, case: Case, move: str, by: User | None, turn: int, reason: str = "") -> CaseStep:
    """Take a step of the procedure; ``turn`` is the one the person saw.

    Moved: somebody was faster. CaseError: it may not be taken now, with every reason. Refused: not by this person.
    """
    with transaction.atomic():
        taken = steps.step_of(case=case, move=move, by=by, turn=turn, reason=reason)
    case.refresh_from_db()
    return taken


@transaction.atomic
def record_evidence(*, case: Case, kind: str, on: dt.date, content: Mapping[str, Any], by: User) -> Evidence:
    """Record a paper of the step at hand; CaseError says what is wrong with it."""
    _may(by, "handle_cases", case.household)
    if kind not in NEEDS or kind in needs.COMPUTED:
        raise CaseError("请选材料种类。")
    locked = Case.objects.select_for_update().select_related("state", "household").get(pk=case.pk)
    if locked.closed_on is not None:
        raise CaseError("事项已办结，不能再登记材料。")
    if not locked.opened_on <= on <= today():
        raise CaseError(f"材料日期应在登记日期（{locked.opened_on:%Y-%m-%d}）和今天之间。")
    wrong = needs.problems(kind, content, locked)
    if wrong:
        raise CaseError(" ".join(wrong))
    if has_number(" ".join(_texts(content))):
        raise CaseError("材料里有证件号码、电话或账号，请删去后再登记。")
    paper = Evidence.objects.create(
        case=locked, kind=kind, turn=locked.turn, on=on, content=dict(content), by=by, at=timezone.now()
    )
    _record(by, "case_evidence", locked, {"kind": kind, "paper": paper.pk})
    return paper


@transaction.atomic
def withdraw_evidence(*, evidence: Evidence, by: User, reason: str) -> None:
    """Take a paper back that was wrong; it stays in the history. Not after the step it was for has been taken."""
    _may(by, "handle_cases", evidence.case.household)
    text = written(reason, "原因", most=REASON_LENGTH)
    case = Case.objects.select_for_update().get(pk=evidence.case_id)
    paper = Evidence.objects.select_for_update().get(pk=evidence.pk)
    if paper.withdrawn_at is not None:
        raise CaseError("这份材料已经撤下。")
    if paper.turn != case.turn:
        raise CaseError("这一步已经办理，材料不能撤下；办错了的请退回后重新办理。")
    paper.withdrawn_at, paper.withdrawn_by, paper.withdrawn_reason = timezone.now(), by, text
    paper.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    _record(by, "case_evidence_withdraw", case, {"kind": paper.kind, "paper": paper.pk})


@transaction.atomic
def start_emergency(*, case: Case, by: User, reason: str) -> None:
    """Open the green channel: help first, procedure after. The deadlines of the procedure go on."""
    _may(by, "decide_cases", case.household)
    text = written(reason, "理由", most=TEXT_LENGTH)
    locked = Case.objects.select_for_update().select_related("state").get(pk=case.pk)
    if locked.emergency:
        raise CaseError("绿色通道已经启动。")
    if procedure_of(locked.procedure).state(locked.state.key).part != "recognition":
        raise CaseError(f"现在是“{locked.state.title}”，不需要绿色通道。")
    locked.emergency = True
    locked.save(update_fields=["emergency"])
    case.emergency = True
    _record(by, "case_emergency", locked, {"reason": text})


def _may(by: User | None, permission: str, household: Household) -> None:
    if by is not None:
        steps.may_handle(by, household, permission)


def _texts(content: Any) -> list[str]:
    if isinstance(content, Mapping):
        # Seeds and commitments of draws are hexadecimal numbers of nobody.
        return [text for key, value in content.items() if key != "record" for text in _texts(value)]
    if isinstance(content, list):
        return [text for value in content for text in _texts(value)]
    return [content] if isinstance(content, str) else []


def _record(by: User | None, action: str, case: Case, detail: dict[str, Any]) -> None:
    audit.record(by=by, action=action, subject=case, region_code=case.region_code, detail=detail)
