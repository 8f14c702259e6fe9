"""Meetings of evaluators: prepared, drawn so that anybody can verify it, attended, voted, closed with minutes.

The draw and the counts become papers of every case of the meeting; the step that follows is a person's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import has_number, hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.access.seal import seal, unseal
from huqing.cases import actions, needs, panels, steps
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Evaluation, EvaluationCase, Evaluator
from huqing.cases.needs import PANEL_AT_LEAST, panel_title
from huqing.cases.procedure import procedure_of
from huqing.cases.states import asking
from huqing.matching.draws import Candidate, DrawError, Question, commitment, new_seed, question_of, record
from huqing.registry.models import Household, Region
from huqing.standards.text import clean, clean_lines

if TYPE_CHECKING:
    from huqing.access.models import User

PLACE, NAME, OPINION, MINUTES = 100, 60, 300, 2000
MOST_CASES = 60
AHEAD = dt.timedelta(days=60)


def evaluating_states() -> list[int]:
    """The states in which a panel has to vote."""
    return asking(("panel",))


def waiting(user: User, village: Region | None = None) -> QuerySet[Case]:
    """The cases that wait for a meeting: none is called for them at the step at hand, or the last one has ended."""
    cases = Case.objects.visible_to(user).filter(closed_on=None, state__in=evaluating_states())
    cases = cases.filter(household__status=Household.Status.ACTIVE)
    if village is not None:
        cases = cases.filter(region_code=village.code)
    return cases.exclude(pk__in=_in_meetings())


def _in_meetings() -> QuerySet[EvaluationCase]:
    from django.db.models import F

    # A meeting of the village a household has moved away from is none of its new one's.
    here = EvaluationCase.objects.filter(evaluation__village=F("case__household__village"))
    return here.filter(turn=F("case__turn")).values("case")


@transaction.atomic
def prepare(
    *,
    cases: Sequence[Case],
    size: int,
    excluded: Mapping[int, str],
    by: User,
    held_on: dt.date | None = None,
    place: str = "",
) -> Evaluation:
    """Call a meeting: fix who can be drawn and the secret seed, and show the commitment.

    ``excluded`` maps evaluators to why they keep out (relatives of an applicant …); officers and members of the
    households are kept out in any case. A meeting of the same step that was not drawn yet is replaced.
    """
    chosen = _of_one_village(cases, by)
    if any(needs.revisits(case) for case in chosen):
        raise CaseError("异议复核由原来的评议小组表决，不重新抽取。")
    _not_yet_drawn(chosen)
    pool = list(Evaluator.objects.filter(village=chosen[0].household.village_id, left_on=None))
    day, out = _day(held_on), {**excluded, **panels.must_keep_out(chosen, pool, today())}
    told = panels.reasons(out, pool)
    question = Question(
        title=panel_title(*chosen),
        candidates=tuple(Candidate(str(one)) for one in pool if one.pk not in out),
        count={"": size},
        odd=True,
        at_least=PANEL_AT_LEAST,
    )
    seed = new_seed()
    try:
        tried = record(question, seed, "试算")  # whether it can be drawn at all; what comes out is thrown away
    except DrawError as error:
        raise CaseError(str(error)) from error
    _replace(chosen)
    made = Evaluation.objects.create(
        village=chosen[0].household.village,
        region_code=chosen[0].region_code,
        held_on=day,
        place=_name(place, "地点", PLACE),
        question=tried["question"],
        excluded=told,
        seed_sealed=seal(seed),
        commitment=commitment(seed, question),
        prepared_at=timezone.now(),
        prepared_by=by,
    )
    EvaluationCase.objects.bulk_create(EvaluationCase(evaluation=made, case=case, turn=case.turn) for case in chosen)
    _log(by, "panel_prepare", made, pool=len(question.candidates), excluded=len(told), size=size, cases=len(chosen))
    return made


@transaction.atomic
def call_again(*, case: Case, by: User, held_on: dt.date | None = None, place: str = "") -> Evaluation:
    """Call the panel that evaluated a case once more, after it re-visited the household because of an objection."""
    chosen = _of_one_village([case], by)
    if not needs.revisits(chosen[0]):
        raise CaseError(f"现在是“{chosen[0].state.title}”，不需要复核表决。")
    if "revisit" not in needs.present(chosen[0]):
        raise CaseError("评议小组还没有入户复核。请先登记入户复核记录。")
    _not_yet_drawn(chosen)
    earlier = Evaluation.objects.filter(lines__case=case, record__isnull=False).first()
    if earlier is None or earlier.record is None:
        raise CaseError("找不到原来的评议小组。请办理“重新抽取评议小组评议”。")
    made = Evaluation.objects.create(
        village=earlier.village,
        region_code=earlier.region_code,
        held_on=_day(held_on),
        place=_name(place, "地点", PLACE),
        again_of=earlier,
        question=earlier.question,
        excluded=earlier.excluded,
        commitment=earlier.commitment,
        prepared_at=timezone.now(),
        prepared_by=by,
        record=earlier.record,
        drawn_at=timezone.now(),
        drawn_by=by,
    )
    EvaluationCase.objects.create(evaluation=made, case=chosen[0], turn=chosen[0].turn)
    actions.record_evidence(case=chosen[0], kind="panel", on=today(), content={"record": earlier.record}, by=by)
    _log(by, "panel_again", made, of=earlier.pk)
    return made


@transaction.atomic
def hold(*, prepared: Evaluation, said: str, by: User) -> Evaluation:
    """Draw with the words of the witnesses; the record becomes the panel's paper of every case. Only once."""
    locked = _locked(prepared, by)
    if locked.record is not None or locked.seed_sealed is None:
        raise CaseError("已经抽取，结果不能重抽。")
    lines = standing(locked)
    if len(lines) != locked.lines.count():
        raise CaseError("有的事项已有变化，这次准备作废，请重新准备。")
    try:
        made = record(question_of(locked.question), unseal(bytes(locked.seed_sealed)), clean(said))
    except DrawError as error:
        raise CaseError(str(error)) from error
    if has_number(made["said"]):
        raise CaseError("现场报出的文字里有证件号码、电话或账号，请换一个。")
    locked.record, locked.drawn_at, locked.drawn_by = made, timezone.now(), by
    locked.save(update_fields=["record", "drawn_at", "drawn_by"])
    for line in lines:
        actions.record_evidence(case=line.case, kind="panel", on=today(), content={"record": made}, by=by)
    _log(by, "panel_hold", locked, drawn=len(made["drawn"]))
    return locked


@transaction.atomic
def attend(*, evaluation: Evaluation, present: Sequence[str], by: User) -> None:
    """Note who of the panel came; until the meeting is closed it can be put right."""
    locked = _locked(evaluation, by)
    panel = locked.panel
    if not panel:
        raise CaseError("还没有抽取评议小组，请先抽取。")
    if locked.closed_at is not None:
        raise CaseError("评议会已经结束，不能再改签到。")
    came = set(present)
    if came - set(panel):
        raise CaseError(f"{min(came - set(panel))}不在抽中的名单里。")
    if not came:
        raise CaseError("请勾选到会的人。")
    locked.attended = [name for name in panel if name in came]
    locked.save(update_fields=["attended"])
    _log(by, "panel_attend", locked, present=len(came))


@dataclass(frozen=True)
class Vote:
    """The counts about one case."""

    agree: int
    against: int
    abstain: int
    opinion: str = ""


@transaction.atomic
def close(
    *,
    evaluation: Evaluation,
    votes: Mapping[int, Vote],
    method: str,
    by: User,
    host: str = "",
    supervisor: str = "",
    recorder: str = "",
    minutes: str = "",
) -> list[Case]:
    """End the meeting: the counts, by case, become the papers of the cases; returns the cases that were carried.

    Counts of every case that still waits are needed; votes may be fewer than those present only where the opinion says
    who stood aside. A case that took another way meanwhile (withdrawn, sent back, moved) is left out.
    """
    locked = _locked(evaluation, by)
    if locked.closed_at is not None:
        raise CaseError("评议会已经结束。")
    if locked.attended is None:
        raise CaseError("还没有签到，请先登记到会人员。")
    if method not in Evaluation.Method.values:
        raise CaseError("请选无记名投票或举手表决。")
    names = [
        _name(text, what, NAME, least=1)
        for text, what in ((host, "主持人"), (supervisor, "监督人"), (recorder, "记录人"))
    ]
    told = hide_numbers(clean_lines(minutes[: 10 * MINUTES]).strip())
    if len(told) > MINUTES:
        raise CaseError(f"会议记录不能超过 {MINUTES} 个字，现在有 {len(told)} 个字。")
    carried, came = [], len(locked.attended)
    for line in standing(locked):
        vote = votes.get(line.case_id)
        if vote is None:
            raise CaseError(f"还没有登记{line.case.household.head_name}户的票数。")
        opinion = _name(vote.opinion, "主要意见", OPINION)
        count = vote.agree + vote.against + vote.abstain
        content = {
            "method": method,
            "present": count,
            "agree": vote.agree,
            "against": vote.against,
            "abstain": vote.abstain,
            "aside": came - count,
            "attended": locked.attended,
            "evaluation": locked.pk,
            "text": opinion,
        }
        head = line.case.household.head_name
        if count > came:
            raise CaseError(f"{head}户共 {count} 票，多于到会的 {came} 人。请核对。")
        if count < came and not opinion:
            raise CaseError(
                f"{head}户共 {count} 票，比到会的 {came} 人少 {came - count} 票。漏计的请补上，没有表态的记弃权；"
                "有人对这一户回避的，请在主要意见里写明谁回避。"
            )
        paper = actions.record_evidence(case=line.case, kind="ballot", on=today(), content=content, by=by)
        line.agree, line.against, line.abstain, line.opinion = vote.agree, vote.against, vote.abstain, opinion
        line.save()
        if needs.carried(paper.content):
            carried.append(line.case)
    locked.method, locked.minutes = method, told
    locked.host, locked.supervisor, locked.recorder = names
    locked.closed_at, locked.closed_by = timezone.now(), by
    locked.save()
    _log(by, "panel_close", locked, cases=len(locked.lines.all()), carried=len(carried))
    return carried


def _of_one_village(cases: Sequence[Case], by: User) -> list[Case]:
    require(by, "handle_cases")
    rows = Case.objects.select_for_update(of=("self",)).filter(pk__in=[case.pk for case in cases])
    chosen = list(rows.select_related("state", "procedure", "household__village").order_by("pk"))
    if not chosen or len(chosen) > MOST_CASES:
        raise CaseError(f"请选要评议的事项，一次 1 至 {MOST_CASES} 件。")
    for case in chosen:
        if not sees(by, case.household):
            raise Refused("有的农户不在您的管辖范围内。")
        if case.household.village_id != chosen[0].household.village_id:
            raise CaseError("一次评议会只评议一个村的事项，请分开。")
        moves = procedure_of(case.procedure).moves_from(case.state.key)
        if not any("panel" in move.needs for move in moves):
            raise CaseError(f"{case.number} 现在是“{case.state.title}”，不需要抽取评议小组。")
    return chosen


def _not_yet_drawn(cases: Sequence[Case]) -> None:
    for case in cases:
        held = case.evaluations.filter(turn=case.turn, evaluation__village=case.household.village_id)
        if held.filter(evaluation__record__isnull=False).exists():
            raise CaseError(f"{case.number} 这一步已经抽取，结果不能重抽。评议小组有人不能到会的，按实到人数登记。")


def _replace(cases: Sequence[Case]) -> None:
    """Drop meetings of these cases that were called and not drawn; those of their other cases must be called anew."""
    Evaluation.objects.filter(lines__case__in=cases, record__isnull=True).delete()


def _locked(evaluation: Evaluation, by: User) -> Evaluation:
    """The meeting, locked after its cases: whoever calls another one locks them in that order too."""
    require(by, "handle_cases")
    cases = EvaluationCase.objects.filter(evaluation=evaluation).values("case")
    list(Case.objects.select_for_update().filter(pk__in=cases).order_by("pk").values_list("pk"))
    locked = Evaluation.objects.select_for_update().filter(pk=evaluation.pk).first()
    if locked is None:
        raise CaseError("这次评议会已由别人重新准备，请回到民主评议重新打开。")
    if not sees(by, locked):
        raise Refused("这个村不在您的管辖范围内。")
    for line in standing(locked):
        steps.may_handle(by, line.case.household)
    return locked


def standing(evaluation: Evaluation) -> list[EvaluationCase]:
    """The cases of a meeting that still wait for it: none that took another step, ended, or moved to another village.

    The others must not wait for these, nor may a vote count for a step it was not held for.
    """
    lines = evaluation.lines.select_related("case__household", "case__state", "case__procedure")
    return [
        line
        for line in lines
        if line.case.turn == line.turn
        and line.case.closed_on is None
        and line.case.household.village_id == evaluation.village_id
    ]


def _day(held_on: dt.date | None) -> dt.date:
    day = held_on or today()
    if not today() <= day <= today() + AHEAD:
        raise CaseError(f"评议日期应在今天（{today():%Y-%m-%d}）以后的 {AHEAD.days} 天之内。")
    return day


def _name(text: str, what: str, most: int, *, least: int = 0) -> str:
    found = hide_numbers(clean(text[: 10 * most]))
    if not least <= len(found) <= most:
        raise CaseError(f"请写明{what}（不超过 {most} 个字）。")
    return found


def _log(by: User, action: str, evaluation: Evaluation, **detail: int) -> None:
    audit.record(by=by, action=action, subject=evaluation, region_code=evaluation.region_code, detail=detail)
