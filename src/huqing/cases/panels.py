"""The pool of evaluators of a village, and the draw of a panel from it that anybody can verify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import has_number, hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.access.seal import seal, unseal
from huqing.cases import actions
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Evaluator, Evidence, PanelDraw
from huqing.cases.needs import PANEL_AT_LEAST, panel_title
from huqing.cases.procedure import procedure_of
from huqing.matching.draws import Candidate, DrawError, Question, commitment, draw, new_seed, question_of, record
from huqing.registry.models import Region

NAME_LENGTH = 60


@transaction.atomic
def add_evaluators(*, village: Region, people: Iterable[tuple[str, str]], by: User) -> int:
    """Add (group, name) to a village's pool, where village officers do not belong; CaseError names who is doubled."""
    require(by, "handle_cases")
    if not sees(by, village) or village.level != Region.Level.VILLAGE:
        raise Refused("这个村不在您的管辖范围内。")
    added = 0
    for group, name in people:
        group_name, told = " ".join(group.split()), " ".join(name.split())
        if not group_name or not told:
            raise CaseError("每名评议员都要写推荐小组和姓名。")
        if has_number(told) or has_number(group_name) or len(told) > NAME_LENGTH:
            raise CaseError(f"“{hide_numbers(told)[:20]}”不像姓名，请只写姓名，不写号码。")
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


@transaction.atomic
def prepare(*, case: Case, size: int, excluded: Mapping[int, str], by: User) -> PanelDraw:
    """Fix who can be drawn for a case and the secret seed, and show the commitment.

    ``excluded`` maps evaluators to why they must keep out (relatives of the applicant …). An earlier draw of the same
    step that was not held is replaced; one that was held stands.
    """
    actions.may_handle(by, case.household)
    locked = Case.objects.select_for_update().select_related("state", "procedure", "household").get(pk=case.pk)
    if not any("panel" in move.needs for move in procedure_of(locked.procedure).moves_from(locked.state.key)):
        raise CaseError(f"现在是“{locked.state.title}”，不需要抽取评议小组。")
    if locked.panel_draws.filter(turn=locked.turn).exclude(record=None).exists():
        raise CaseError("这一步已经抽取，结果不能重抽。评议小组有人不能到会的，按实到人数登记。")
    pool = list(Evaluator.objects.filter(village=locked.household.village_id, left_on=None))
    names = {one.pk: str(one) for one in pool}
    told = [
        [names[key], hide_numbers(" ".join(reason.split()))[:100]] for key, reason in excluded.items() if key in names
    ]
    if any(not reason for _, reason in told):
        raise CaseError("请写明每个人为什么回避。")
    question = Question(
        title=panel_title(locked),
        candidates=tuple(Candidate(str(one)) for one in pool if one.pk not in excluded),
        count={"": size},
        odd=True,
        at_least=PANEL_AT_LEAST,
    )
    seed = new_seed()
    try:
        draw(question, seed, "试算")  # whether it can be drawn at all; what comes out is thrown away
    except DrawError as error:
        raise CaseError(str(error)) from error
    locked.panel_draws.filter(turn=locked.turn).delete()
    made = PanelDraw.objects.create(
        case=locked,
        turn=locked.turn,
        question=record(question, seed, "试算")["question"],
        excluded=told,
        seed_sealed=seal(seed),
        commitment=commitment(seed, question),
        prepared_at=timezone.now(),
        prepared_by=by,
    )
    audit.record(
        by=by,
        action="panel_prepare",
        subject=locked,
        region_code=locked.region_code,
        detail={"pool": len(question.candidates), "excluded": len(told), "size": size},
    )
    return made


@transaction.atomic
def hold(*, prepared: PanelDraw, said: str, by: User) -> Evidence:
    """Draw with the words of the witnesses; the record becomes the panel's paper. Only once."""
    actions.may_handle(by, prepared.case.household)
    locked = PanelDraw.objects.select_for_update(of=("self",)).select_related("case").get(pk=prepared.pk)
    if locked.record is not None:
        raise CaseError("已经抽取，结果不能重抽。")
    if locked.turn != locked.case.turn:
        raise CaseError("事项已有变化，这次准备作废，请重新准备。")
    try:
        made = record(question_of(locked.question), unseal(bytes(locked.seed_sealed)), " ".join(said.split()))
    except DrawError as error:
        raise CaseError(str(error)) from error
    if has_number(made["said"]):
        raise CaseError("现场报出的文字里有证件号码、电话或账号，请换一个。")
    locked.record, locked.drawn_at, locked.drawn_by = made, timezone.now(), by
    locked.save(update_fields=["record", "drawn_at", "drawn_by"])
    return actions.record_evidence(case=locked.case, kind="panel", on=today(), content={"record": made}, by=by)
