"""Double-random inspections: commit, draw before witnesses, note what was found, put it right, check again, close."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import sees, visible
from huqing.access.seal import seal, unseal
from huqing.matching.draws import (
    DrawError,
    Question,
    commitment,
    draw,
    new_seed,
    question_of,
    record,
)
from huqing.registry.models import Region
from huqing.standards.text import clean
from huqing.teams.events import finding_added, finding_stepped
from huqing.teams.inspection_question import (
    answering,
    candidates,
    counts,
    listed,
    listed_people,
    met,
    named_places,
    refuse_exchanged,
)
from huqing.teams.ledger_queries import today
from huqing.teams.models import (
    FindingStep,
    InspectionDuty,
    InspectionFinding,
    InspectionRound,
    InspectionTarget,
    Staff,
)

TOWN_DIGITS = 9
TRIAL = "试抽"
S, F = InspectionRound.State, InspectionFinding.State
# Who may bring a finding from one state into which: the village or town puts right, the county looks again.
STEPS: dict[tuple[str, str], str] = {
    (F.OPEN, F.DONE): "fix_findings",
    (F.DONE, F.CLOSED): "manage_inspections",
    (F.DONE, F.OPEN): "manage_inspections",
}


@transaction.atomic
def commit(
    *,
    title: str,
    villages: Iterable[Region],
    inspectors: Iterable[Staff],
    per_town: int = 0,
    total: int = 0,
    each: int,
    most: int,
    rounds_apart: int,
    by: User,
    shown_on: dt.date | None = None,
) -> InspectionRound:
    """Fix the question of a round, and publish its commitment before anything is drawn.

    ``per_town`` villages of every town (all, where a town has fewer), or ``total`` of all together; ``each`` inspectors
    to a village, nobody to more than ``most``, nobody again where they were in the last ``rounds_apart`` rounds, nobody
    in their own town, where their own unit helps or where they answer for something. Villages and the public learn the
    result on ``shown_on``, when the visits are over; None: at the draw. ValidationError says why it cannot be drawn.
    """
    require(by, "manage_inspections")
    title = clean(title).strip()
    if not title:
        raise ValidationError({"title": "请写名称，例如“2024 年第三轮夜查”。"})
    if shown_on is not None and shown_on < today():
        raise ValidationError({"shown_on": "公布结果的日期已经过去，请改正；检查完再公布的，填检查结束的日期。"})
    _refuse_open(title, rounds_apart, by)
    places = named_places(visible(Region.objects.filter(pk__in=[one.pk for one in villages]), by))
    people = listed_people(visible(Staff.objects.filter(pk__in=[one.pk for one in inspectors]), by))
    question = Question(
        title=title,
        candidates=candidates(places, stratified=bool(per_town)),
        count=counts(places, per_town, total),
        inspectors=listed(people),
        each=each,
        most=most,
        met=met(people, places, rounds_apart, by) | answering(people, places),
    )
    seed = new_seed()
    try:
        # Who cannot be drawn must show before the commitment is published; what this draws is thrown away.
        draw(question, new_seed(), TRIAL)
        made = commitment(seed, question)
    except DrawError as error:
        raise ValidationError(str(error)) from error
    round_ = InspectionRound.objects.create(
        title=title,
        region_code=by.region_code,
        question=json.loads(question.canonical()),
        people={name: one.pk for name, one in people.items()},
        villages={name: one.code for name, one in places.items()},
        seed_sealed=seal(seed),
        commitment=made,
        public=True,
        shown_on=shown_on,
        created_at=timezone.now(),
        created_by=by,
    )
    detail = {"title": title, "villages": len(places), "inspectors": len(people), "commitment": made}
    audit.record(by=by, action="inspection_commit", subject=round_, detail=detail)
    return round_


def _refuse_open(title: str, rounds_apart: int, by: User) -> None:
    """Whom a round that is still to be drawn will send where is not known: nobody could be kept from going again."""
    # A form that was sent twice waits here for itself.
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=by.pk)
    open_ = visible(InspectionRound.objects.filter(state=S.COMMITTED), by)
    if open_.filter(title=title).exists():
        raise ValidationError({"title": f"“{title}”已经公布，还没有抽取。请到那一轮里抽取，或换一个名称。"})
    waiting = open_.first() if rounds_apart else None
    if waiting is not None:
        told = f"“{waiting.title}”还没有抽取，近几轮去过哪里还不确定"
        raise ValidationError({"rounds_apart": f"{told}。请先抽取或取消那一轮，再公布这一轮。"})


@transaction.atomic
def draw_round(*, round_: InspectionRound, said: str, witnesses: str, by: User) -> InspectionRound:
    """Draw with the words of the witnesses; the record and the duties are written together."""
    round_ = _locked(round_, by)
    if round_.state != S.COMMITTED:
        raise ValidationError(f"这一轮{round_.get_state_display()}，不能再抽。一次承诺只抽一次。")
    witnesses = hide_numbers(clean(witnesses).strip())[:100]
    if not witnesses:
        raise ValidationError({"witnesses": "请写在场监督人的姓名。"})
    try:
        told = record(question_of(round_.question), unseal(bytes(round_.seed_sealed)), said.strip())
    except DrawError as error:
        raise ValidationError({"said": str(error)}) from error
    if told["commitment"] != round_.commitment:
        raise ValidationError("名单或种子与公布的承诺不符，数据被改动过。请停止抽取并核查审计日志。")
    refuse_exchanged(round_)
    villages = {one.code: one for one in Region.objects.filter(code__in=round_.villages.values(), valid_to=None)}
    for name in told["drawn"]:
        village = villages.get(round_.villages[name])
        if village is None:
            raise ValidationError(f"{name} 的区划已变更，请取消这一轮，重新公布。")
        target = InspectionTarget.objects.create(round=round_, village=village, region_code=village.code)
        InspectionDuty.objects.bulk_create(
            InspectionDuty(target=target, staff_id=round_.people[person]) for person in told["inspectors"].get(name, ())
        )
    round_.record, round_.witnesses, round_.state = told, witnesses, S.DRAWN
    round_.drawn_at, round_.drawn_by = timezone.now(), by
    round_.save()
    detail = {"title": round_.title, "drawn": told["drawn"], "witnesses": witnesses}
    audit.record(by=by, action="inspection_draw", subject=round_, detail=detail)
    return round_


@transaction.atomic
def cancel(*, round_: InspectionRound, reason: str, by: User) -> InspectionRound:
    """Give a round up before it is drawn; the commitment stays on record, so that nobody draws until they like it."""
    round_ = _locked(round_, by)
    if round_.state != S.COMMITTED:
        raise ValidationError("只有还没有抽取的一轮可以取消。")
    reason = hide_numbers(clean(reason).strip())
    if not reason:
        raise ValidationError({"reason": "请写取消的原因。"})
    round_.state, round_.cancel_reason = S.CANCELLED, reason[:100]
    round_.save(update_fields=["state", "cancel_reason"])
    audit.record(by=by, action="inspection_cancel", subject=round_, detail={"title": round_.title, "reason": reason})
    return round_


def must_inspect(target: InspectionTarget, by: User) -> None:
    """Raise Refused unless an account was drawn to inspect a village, or manages the inspections there."""
    if by.is_active and may(by, "inspect") and target.duties.filter(staff__user=by).exists():
        return
    if not may(by, "manage_inspections"):
        raise Refused("您不是抽中检查这个村的人员，不能登记检查情况。")
    if not sees(by, target):
        raise Refused("这个村不在您的管辖范围内。")


@transaction.atomic
def note_visit(*, target: InspectionTarget, on: dt.date, result: str, by: User) -> InspectionTarget:
    """Say when a village was inspected and what it was like, with or without findings."""
    must_inspect(target, by)
    target = InspectionTarget.objects.select_for_update(of=("self",)).select_related("round").get(pk=target.pk)
    drawn = _drawn_on(target)
    if not drawn <= on <= today():
        raise ValidationError({"on": f"检查日期要在抽取（{drawn}）之后、今天之前。"})
    result = hide_numbers(clean(result).strip())
    if not result:
        raise ValidationError({"result": "请写检查情况；没有发现问题也要写。"})
    target.inspected_on, target.result, target.inspected_by = on, result[:300], by
    target.save(update_fields=["inspected_on", "result", "inspected_by"])
    detail = {"round": target.round.title, "village": target.region_code, "on": on}
    audit.record(by=by, action="inspection_visit", subject=target, detail=detail)
    return target


def _drawn_on(target: InspectionTarget) -> dt.date:
    """The day of the draw; a demonstration stands still on its day, so what it draws is drawn "later"."""
    return min(timezone.localdate(target.round.drawn_at), today())


@transaction.atomic
def add_finding(
    *, target: InspectionTarget, text: str, responsible: str, found_on: dt.date, due_on: dt.date, by: User
) -> InspectionFinding:
    """Note what was found in a drawn village and by when it is to be put right."""
    must_inspect(target, by)
    text, responsible = hide_numbers(clean(text).strip()), hide_numbers(clean(responsible).strip())
    drawn = _drawn_on(target)
    if not drawn <= found_on <= today():
        raise ValidationError({"found_on": f"发现日期要在抽取（{drawn}）之后、今天之前，请改正。"})
    finding = InspectionFinding(
        target=target,
        region_code=target.region_code,
        text=text,
        responsible=responsible,
        found_on=found_on,
        due_on=due_on,
        found_by=by,
    )
    finding.full_clean()
    finding.save()
    if target.inspected_on is None or target.inspected_on < found_on:
        target.inspected_on = found_on
        target.save(update_fields=["inspected_on"])
    audit.record(by=by, action="finding_add", subject=finding, detail={"due": due_on, "responsible": responsible})
    finding_added.send(InspectionFinding, finding=finding)
    return finding


@transaction.atomic
def step(*, finding: InspectionFinding, state: str, text: str, by: User) -> InspectionFinding:
    """Put right, close after the re-check, or send back; each with words. Who put it right does not close it."""
    finding = InspectionFinding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
    permission = STEPS.get((finding.state, state))
    if permission is None:
        raise ValidationError(f"这个问题现在是“{finding.get_state_display()}”，不能这样办理。")
    require(by, permission)
    if not sees(by, finding):
        raise Refused("这个问题不在您的管辖范围内。")
    text = hide_numbers(clean(text).strip())[:300]
    if not text:
        raise ValidationError({"text": "请写明做了什么，或复查看到了什么。"})
    last = finding.steps.last()
    if state == F.CLOSED and last is not None and last.by_id == by.pk:
        raise Refused("整改是您登记的，请另一个人复查销号。")
    finding.state = state
    finding.save(update_fields=["state"])
    taken = FindingStep.objects.create(finding=finding, state=state, text=text, on=today(), by=by)
    audit.record(by=by, action="finding_step", subject=finding, detail={"state": finding.get_state_display()})
    finding_stepped.send(InspectionFinding, finding=finding, step=taken)
    return finding


def is_shown(round_: InspectionRound) -> bool:
    """Whether villages and the public may see the result."""
    return round_.state == S.DRAWN and (round_.shown_on is None or round_.shown_on <= today())


def record_file(round_: InspectionRound) -> bytes:
    """The record as the file that ``huqing draw verify`` reads."""
    return json.dumps(round_.record, ensure_ascii=False, indent=1).encode()


def _locked(round_: InspectionRound, by: User) -> InspectionRound:
    require(by, "manage_inspections")
    if not sees(by, round_):
        raise Refused("这一轮抽查不在您的管辖范围内。")
    return InspectionRound.objects.select_for_update(of=("self",)).get(pk=round_.pk)
