"""One step for many cases: asked for by a person, each case judged for itself and with an audit event of its own.

What a killed worker left is taken up again: lines and their steps are one transaction, so no case is decided twice.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import OperationalError, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.locks import exclusive
from huqing.access.permissions import Refused, require
from huqing.cases import actions, states, steps
from huqing.cases.errors import CaseError
from huqing.cases.models import Batch, BatchLine, Case
from huqing.cases.texts import written
from huqing.screening.models import Alert

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.packs.procedures import Move

MOST = 2_000
# Cases decided in one transaction: so many wait for each other, and so often the progress moves.
CHUNK = 200
TOLD_LENGTH = 500
BROKEN = "办理时系统出错，这一件没有办。请打开它单独办理；还不行的，请告诉系统管理员。"
logger = logging.getLogger("huqing")
RULES = "3"  # clue_source: found by screening


def moves_of(cases: QuerySet[Case], user: User) -> list[tuple[Move, int]]:
    """The steps the user's role may take for some of the cases, each with how many cases stand where it starts."""
    standing = cases.order_by().select_related(None).values_list("state").annotate(count=Count("pk"))
    return states.offered(user.role, states.every(), dict(standing.values_list("state", "count")))


@transaction.atomic
def ask_step(*, cases: QuerySet[Case], move: str, reason: str, by: User) -> Batch:
    """Ask for a step of many cases; each is judged when its turn comes, as it stood when this was asked."""
    require(by, "handle_cases")
    rows = list(
        cases.visible_to(by)
        .filter(closed_on=None)
        .order_by("pk")
        .values_list("pk", "household", "region_code", "turn")[: MOST + 1]
    )
    if not 0 < len(rows) <= MOST:
        raise CaseError(
            f"一次办理 1 至 {MOST:,} 件，现在选了 {len(rows):,} 件以上。请分批。" if rows else "请选要办理的事项。"
        )
    known = {one.key: one for one, _ in moves_of(Case.objects.filter(pk__in=[row[0] for row in rows]), by)}
    if move not in known:
        raise CaseError("所选事项都不能由您办理这一步，请重新选择。")
    told = written(reason, "理由", most=actions.TEXT_LENGTH) if known[move].reason or reason.strip() else ""
    made = _made(Batch.Kind.TAKE, known[move].title, len(rows), by, move=move, reason=told)
    BatchLine.objects.bulk_create(
        (
            BatchLine(batch=made, household_id=household, region_code=region, case_id=case, turn=turn)
            for case, household, region, turn in rows
        ),
        batch_size=500,
    )
    return made


@transaction.atomic
def ask_cases(*, alerts: QuerySet[Alert], clue: str, by: User) -> Batch:
    """Ask for cases of the households of many open alerts: one case a household, with all its chosen alerts."""
    require(by, "handle_cases")
    told = written(clue, "线索内容", most=actions.TEXT_LENGTH)
    households: dict[int, tuple[str, list[int]]] = {}
    seen = alerts.visible_to(by).filter(state=Alert.State.OPEN, household__isnull=False)
    for pk, household, region in seen.order_by("household", "pk").values_list("pk", "household", "region_code"):
        households.setdefault(household, (region, []))[1].append(pk)
        if len(households) > MOST:
            raise CaseError(f"一次登记最多 {MOST:,} 户，所选预警涉及的户更多。请按乡镇、村或规则筛选后再办。")
    if not households:
        raise CaseError("请选农户的待处理预警（行政村的预警不立事项）。")
    made = _made(Batch.Kind.OPEN, "按预警登记线索", len(households), by, reason=told)
    BatchLine.objects.bulk_create(
        (
            BatchLine(batch=made, household_id=household, region_code=region, alerts=listed)
            for household, (region, listed) in households.items()
        ),
        batch_size=500,
    )
    return made


def _made(kind: str, title: str, total: int, by: User, *, move: str = "", reason: str = "") -> Batch:
    made = Batch.objects.create(
        kind=kind,
        move=move,
        title=title,
        reason=reason,
        region_code=by.region_code,
        total=total,
        created_at=timezone.now(),
        created_by=by,
    )
    audit.record(
        by=by,
        action="batch_start",
        subject=made,
        region_code=by.region_code,
        detail={"title": title, "total": total, "reason": reason},
    )
    return made


def perform(pk: int) -> None:
    """Work a batch off, or what is left of it; a second worker with the same batch waits and finds nothing to do."""
    with exclusive(f"batch-{pk}"):
        batch = Batch.objects.select_related("created_by").filter(pk=pk).exclude(state=Batch.State.DONE).first()
        if batch is None:
            return
        Batch.objects.filter(pk=pk).update(state=Batch.State.RUNNING)
        last = 0
        while True:
            lines = batch.lines.filter(state=BatchLine.State.WAITING, pk__gt=last).order_by("pk")
            chunk = list(lines.select_related(*_WITH)[:CHUNK])
            if not chunk:
                break
            last = chunk[-1].pk
            if batch.kind == Batch.Kind.OPEN or not _together(batch, chunk):
                for line in chunk:
                    _work(batch, line)
        _end(batch)


_WITH = ("case", "household")


def _together(batch: Batch, lines: Sequence[BatchLine]) -> bool:
    """A chunk in one transaction, each case judged for itself; False, with nothing done, if the whole was refused."""
    turns = {line.case_id: line.turn or 0 for line in lines if line.case_id is not None}
    try:
        with transaction.atomic():
            taken = steps.steps_of(turns=turns, move=batch.move, by=batch.created_by, reason=batch.reason)
            told: dict[str, list[int]] = defaultdict(list)
            for line in lines:
                told[str(taken.refused.get(line.case_id or 0, ""))[:TOLD_LENGTH]].append(line.pk)
            for text, pks in told.items():
                state = BatchLine.State.REFUSED if text else BatchLine.State.DONE
                BatchLine.objects.filter(pk__in=pks).update(state=state, told=text)
    except (CaseError, OperationalError) as error:
        # One household's file did not take it, or somebody else's lock crossed ours: each for itself then.
        logger.info("批量办理 %s 的一组改为逐件办理：%s", batch.pk, error)
        return False
    except Exception:
        logger.exception("批量办理 %s 的一组出错，改为逐件办理", batch.pk)
        return False
    return True


def _work(batch: Batch, line: BatchLine) -> None:
    """One line: the step and the note that it was taken stand or fall together; a refusal is a note alone.

    A line that nobody foresaw is noted too: the others must not wait for it, nor the batch begin with it for ever.
    """
    done = BatchLine.State.DONE
    try:
        with transaction.atomic():
            if batch.kind == Batch.Kind.OPEN:
                case, told = _open(batch, line)
            else:
                case, told = _take(batch, line), ""
            BatchLine.objects.filter(pk=line.pk).update(state=done, case=case, told=told)
    except (CaseError, Refused) as error:
        told = str(error)[:TOLD_LENGTH]
        BatchLine.objects.filter(pk=line.pk).update(state=BatchLine.State.REFUSED, told=told)
    except Exception:
        logger.exception("批量办理 %s 的第 %s 行出错", batch.pk, line.pk)
        BatchLine.objects.filter(pk=line.pk).update(state=BatchLine.State.REFUSED, told=BROKEN)


def _take(batch: Batch, line: BatchLine) -> Case | None:
    if line.case is not None:
        steps.step_of(case=line.case, move=batch.move, by=batch.created_by, turn=line.turn or 0, reason=batch.reason)
    return line.case


def _open(batch: Batch, line: BatchLine) -> tuple[Case, str]:
    alerts = list(Alert.objects.filter(pk__in=line.alerts, household=line.household, state=Alert.State.OPEN))
    if not alerts:
        raise CaseError("预警已经消除或确认无误，不用再登记。")
    running = Case.objects.filter(household=line.household, closed_on=None).select_related("household").first()
    if running is None:
        made = actions.open_case(
            household=line.household, source=RULES, clue=batch.reason, by=batch.created_by, alerts=alerts
        )
        return made, f"受理编号 {made.number}"
    if actions.link_alerts(case=running, alerts=alerts, by=batch.created_by):
        return running, f"已有未办结的事项 {running.number}，预警并入其中"
    raise CaseError(f"这些预警已在未办结的事项 {running.number} 中。")


@transaction.atomic
def _end(batch: Batch) -> None:
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.DONE, finished_at=timezone.now())
    counts = progress(batch)
    audit.record(
        by=batch.created_by,
        action="batch_end",
        subject=batch,
        region_code=batch.region_code,
        detail={"done": counts.get("done", 0), "refused": counts.get("refused", 0)},
    )


def progress(batch: Batch) -> Mapping[str, int]:
    """How many lines of a batch are waiting, done and refused."""
    return dict(batch.lines.order_by().values_list("state").annotate(count=Count("pk")))


def unfinished() -> Iterable[int]:
    """Batches that nobody has finished, the oldest first."""
    return Batch.objects.exclude(state=Batch.State.DONE).order_by("pk").values_list("pk", flat=True)
