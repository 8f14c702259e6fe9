"""Every change of an application: taking it, finding the household, answering, looking again, withdrawing, blanking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import audit, public_forms
from huqing.access.calendar import today
from huqing.access.models import Role, User
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers, sees
from huqing.access.seal import seal, token
from huqing.applications import receipts
from huqing.applications.errors import ApplicationError
from huqing.applications.kinds import declared
from huqing.applications.models import Application, ApplicationStep
from huqing.applications.texts import filled, reason, spoken_difficulties
from huqing.applications.timing import answer_due
from huqing.cases import actions as case_actions
from huqing.cases.errors import CaseError
from huqing.cases.models import Case
from huqing.cases.steps import may_handle
from huqing.registry.models import Household, Region
from huqing.standards.regioncodes import spoken_name

State, Match = Application.State, Application.Match
STEPS = {
    "received": "收到申请",
    "matched": "核对农户",
    "accepted": "受理",
    "refused": "不予受理",
    "looked_at": "乡镇复看",
    "returned": "乡镇退回重办",
    "moved": "转到另一个村",
    "joined": "并入另一申请",
    "withdrawn": "农户撤回",
    "wants_out": "农户要求撤回",
    "blanked": "按期删去个人信息",
}
TRIES = 5
OLDEST_PAPER = dt.timedelta(days=60)
SENIOR = (Role.TOWN, Role.COUNTY)


@transaction.atomic
def submit(
    *,
    village: Region,
    kind: str,
    name: str,
    group: str = "",
    phone: str = "",
    difficulties: Sequence[str] = (),
    words: str = "",
    consent: bool,
    channel: str = Application.Channel.PAGE,
    household: Household | None = None,
    on: dt.date | None = None,
    posted: public_forms.Posted | None = None,
    by: User | None = None,
) -> Application:
    """Take an application; from the public page ``posted`` is used up with it, from staff ``by`` sees the village.

    ``on`` is the day a paper was handed in. ApplicationError names the fields; FormRefused is the guard's.
    """
    if by is not None:
        require(by, "take_applications")
        if not sees(by, household or village):
            raise Refused("这个村不在您的管辖范围内。")
    told = filled(
        kind=kind,
        name=name,
        group=group,
        phone=phone,
        difficulties=difficulties,
        words=words,
        need_phone=by is None,
    )
    if not consent:
        raise ApplicationError(
            "还有地方没填好，填过的都在，请改好后再提交。", {"consent": "请看过告知内容后打勾同意。"}
        )
    now, day = timezone.now(), on or today()
    if not today() - OLDEST_PAPER <= day <= today():
        raise ApplicationError("收到日期不对。", {"on": "请写收到纸质表的日期，不晚于今天，不早于 60 天前。"})
    made = _with_receipt(
        Application(
            kind=told.kind,
            village=village,
            region_code=village.code,
            name=told.name,
            group_name=told.group_name,
            phone_sealed=seal(told.phone, "phone") if told.phone else None,
            phone_token=token("phone", told.phone),
            difficulties=list(told.difficulties),
            words=told.words,
            channel=channel,
            notice=declared().notice_digest,
            received_at=now,
            received_on=day,
            due_on=answer_due(village.code, day),
            taken_by=by,
            household=household,
            match=Match.FOUND if household else Match.OPEN,
        )
    )
    _step(made, "received", by)
    if posted is not None:
        public_forms.spend(posted, village=village.code, phone=told.phone, result=made.receipt)
    _record(by, "application_receive", made, {"channel": channel, "kind": told.kind})
    return made


def _with_receipt(made: Application) -> Application:
    for _ in range(TRIES):
        made.receipt, made.pk = receipts.fresh(), None
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            if not Application.objects.filter(receipt=made.receipt).exists():
                raise
        else:
            return made
    raise ApplicationError("回执编号没有生成，请再提交一次。")


@transaction.atomic
def match(*, application: Application, household: Household | None, by: User) -> None:
    """Say which household applied, or that the register has none of it; a person decides, whatever was proposed."""
    locked = _open(application, by)
    if household is not None:
        if not sees(by, household):
            raise Refused("这一户不在您的管辖范围内。")
        if household.status != Household.Status.ACTIVE:
            raise ApplicationError("这一户已注销，请选别的户。")
    locked.household, locked.match = household, Match.FOUND if household else Match.NONE
    locked.save(update_fields=["household", "match"])
    _step(locked, "matched", by, "" if household else "档案中没有这一户")
    _record(by, "application_match", locked, {"found": household is not None})
    _refresh(application, locked)


@transaction.atomic
def accept(*, application: Application, by: User) -> Case:
    """Accept: a case opens with the application as its clue, or the household's open case takes it."""
    locked = _open(application, by)
    household = locked.household
    if household is None:
        raise ApplicationError("还没有核对是哪一户，请先核对农户。")
    case = Case.objects.select_for_update().filter(household=household, closed_on=None).first()
    attached = case is not None
    if case is None:
        try:
            case = case_actions.open_case(
                household=household, source=declared().kinds[locked.kind].clue_source, clue=clue_of(locked), by=by
            )
        except CaseError as error:
            raise ApplicationError(str(error)) from error
    else:
        may_handle(by, household)
    _decide(locked, State.ACCEPTED, by)
    locked.case = case
    locked.save()
    _step(locked, "accepted", by, "这一户已有事项在办，并入一起办理" if attached else "")
    _record(by, "application_accept", locked, {"case": case.number, "attached": attached})
    _refresh(application, locked)
    return case


def clue_of(application: Application) -> str:
    """What a case's clue says of an application."""
    parts = [declared().kinds[application.kind].clue]
    if application.difficulties:
        parts.append(f"困难：{spoken_difficulties(application.difficulties)}")
    if application.words:
        parts.append(f"本人说：{' '.join(application.words.split())}")
    return "。".join(parts)[: case_actions.TEXT_LENGTH]


@transaction.atomic
def refuse(*, application: Application, text: str, by: User) -> None:
    """Do not accept, with the reason the applicant reads; a village's refusal waits for the town to look at it."""
    locked = _open(application, by)
    _decide(locked, State.REFUSED, by, reason(text, "不予受理的理由，申请人会看到"))
    locked.looked_at_by = by if by.role in SENIOR else None
    locked.save()
    _step(locked, "refused", by, locked.reason)
    _record(by, "application_refuse", locked, {"reason": locked.reason})
    _refresh(application, locked)


@transaction.atomic
def look(*, application: Application, agrees: bool, by: User, text: str = "") -> None:
    """The town's second look at a refusal: it stands, or the application goes back to be handled again."""
    locked = _locked(application, by)
    if by.role not in SENIOR:
        raise Refused("不予受理由乡镇或县里复看。")
    if locked.state != State.REFUSED or locked.looked_at_by_id or locked.blanked_on:
        raise ApplicationError("这件申请不需要复看，或别人已经复看。请刷新页面。")
    if agrees:
        locked.looked_at_by = by
        _step(locked, "looked_at", by)
    else:
        why = reason(text, "退回的理由")
        locked.state, locked.reason, locked.decided_on, locked.decided_by = State.RECEIVED, "", None, None
        locked.due_on = answer_due(locked.region_code, today())
        _step(locked, "returned", by, why)
    locked.save()
    _record(by, "application_look" if agrees else "application_return", locked, {})
    _refresh(application, locked)


@transaction.atomic
def join(*, application: Application, into: Application, by: User) -> None:
    """Join an application to another one of the same phone and village; the applicant is told under both receipts."""
    locked = _open(application, by)
    other = Application.objects.select_for_update().filter(pk=into.pk).first()
    same = other is not None and other.pk != locked.pk and other.region_code == locked.region_code
    if other is None or not same or not locked.phone_token or other.phone_token != locked.phone_token:
        raise ApplicationError("只能并入同一个村、同一个电话的另一件申请。")
    if other.state not in (State.RECEIVED, State.ACCEPTED):
        raise ApplicationError("那件申请已经结束，不能并入；请单独答复这一件。")
    _decide(locked, State.JOINED, by)
    locked.joined_to = other
    locked.save()
    _step(locked, "joined", by)
    _record(by, "application_join", locked, {"into": other.pk})
    _refresh(application, locked)


@transaction.atomic
def move(*, application: Application, village: Region, text: str, by: User) -> None:
    """Move an application made in the wrong village; receipt and the day it must be answered by stay as promised.

    Applications joined to it move along. Refused where the mover is not responsible for both villages.
    """
    locked = _open(application, by)
    if by.role not in SENIOR:
        raise Refused("申请转到别的村，由乡镇或县里办理。")
    if village.level != Region.Level.VILLAGE or village.valid_to is not None:
        raise ApplicationError("请选一个现有的行政村。")
    name = spoken_name(village.name)
    if not covers(by.region_code, village.code):
        raise Refused(f"{name}不在您的管辖范围内，不能转过去。请报上级转，或请申请人向{name}重新申请。")
    if village.pk == locked.village_id:
        raise ApplicationError(f"这件申请就在{name}，不用转。")
    why = reason(text, "转到别的村的理由")
    before = locked.region_code
    told = f"从{spoken_name(locked.village.name)}转到{name}。{why}"[:500]
    for one in [locked, *Application.objects.select_for_update().filter(joined_to=locked).order_by("pk")]:
        one.village, one.region_code, one.household, one.match = village, village.code, None, Match.OPEN
        one.save(update_fields=["village", "region_code", "household", "match"])
        _step(one, "moved", by, told)
        _record(by, "application_move", one, {"before": before, "after": village.code, "reason": why})
    _refresh(application, locked)


@transaction.atomic
def withdraw(*, application: Application, posted: public_forms.Posted | None = None, by: User | None = None) -> bool:
    """The applicant takes it back (``by`` None: by receipt). True if it is over, False if staff must end the case.

    Whoever holds the receipt and knows the phone's end may; staff do it when the applicant says so.
    """
    locked = Application.objects.select_for_update(of=("self",)).select_related("case").get(pk=application.pk)
    if by is not None:
        require(by, "answer_applications")
        if not sees(by, locked):
            raise Refused("这件申请不在您的管辖范围内。")
    over = locked.state == State.RECEIVED
    if over:
        _decide(locked, State.WITHDRAWN, by)
        locked.looked_at_by = None
        _step(locked, "withdrawn", by)
    elif locked.state == State.ACCEPTED and locked.case and locked.case.closed_on is None and not locked.wants_out_on:
        locked.wants_out_on = today()
        _step(locked, "wants_out", by)
    else:
        raise ApplicationError("这件申请已经办完，或已经要求过撤回，不用再撤。")
    locked.save()
    if posted is not None:
        public_forms.spend(posted, village=locked.region_code, result=locked.receipt)
    _record(by, "application_withdraw" if over else "application_wants_out", locked, {})
    _refresh(application, locked)
    return over


@transaction.atomic
def blank_old(day: dt.date | None = None) -> int:
    """Take everything about a person out of applications that were not accepted, when their time is over."""
    last = (day or today()) - dt.timedelta(days=declared().kept_days)
    ended = (State.REFUSED, State.WITHDRAWN, State.JOINED)
    rows = list(
        Application.objects.select_for_update()
        .filter(decided_on__lt=last, blanked_on=None, state__in=ended)
        .values_list("pk", flat=True)[:5000]
    )
    if not rows:
        return 0
    Application.objects.filter(pk__in=rows).update(
        name="",
        group_name="",
        phone_sealed=None,
        phone_token="",
        difficulties=[],
        words="",
        reason="",
        household=None,
        match=Match.OPEN,
        blanked_on=day or today(),
    )
    ApplicationStep.objects.filter(application__in=rows).update(text="")
    audit.record(by=None, action="application_blank", detail={"applications": len(rows)})
    return len(rows)


def _open(application: Application, by: User) -> Application:
    """The locked row, still waiting for its answer."""
    locked = _locked(application, by)
    if locked.state != State.RECEIVED:
        who = locked.decided_by.display_name if locked.decided_by else "申请人"
        raise ApplicationError(f"这件申请已是“{locked.get_state_display()}”（{who}），请刷新页面。")
    return locked


def _locked(application: Application, by: User) -> Application:
    require(by, "answer_applications")
    locked = Application.objects.select_for_update().get(pk=application.pk)
    if not sees(by, locked):
        raise Refused("这件申请不在您的管辖范围内。")
    return locked


def _decide(locked: Application, state: str, by: User | None, text: str = "") -> None:
    locked.state, locked.reason, locked.decided_on, locked.decided_by = state, text, today(), by


def _step(application: Application, what: str, by: User | None, text: str = "") -> None:
    ApplicationStep.objects.create(application=application, what=what, on=today(), at=timezone.now(), by=by, text=text)


def _record(by: User | None, action: str, application: Application, detail: dict[str, Any]) -> None:
    audit.record(by=by, action=action, subject=application, region_code=application.region_code, detail=detail)


def _refresh(given: Application, locked: Application) -> None:
    """Let the caller's row show what was written."""
    for field in locked._meta.concrete_fields:
        setattr(given, field.attname, getattr(locked, field.attname))
