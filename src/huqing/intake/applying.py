"""Bringing checked rows into the registry: one import at a time, one transaction, nothing half-done."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence

import pyarrow as pa
from django.db import DatabaseError, IntegrityError, connection
from django.utils import timezone

from huqing.access.locks import exclusive
from huqing.access.models import User
from huqing.intake.checking import Problem, Problems
from huqing.intake.departments import DepartmentRecords
from huqing.intake.errors import IntakeError, WrongState
from huqing.intake.households import HouseholdRoster
from huqing.intake.linking import forget_people
from huqing.intake.loading import Loaded, load
from huqing.intake.members import MemberRoster
from huqing.intake.memory import give_back
from huqing.intake.models import Import, Missing, PriorState, RowProblem
from huqing.intake.plan import Batch, Plan, Report, Work, Written, constant, no_report
from huqing.intake.signals import applied
from huqing.intake.states import move
from huqing.intake.villages import KIND as VILLAGE
from huqing.intake.villages import VillageRecords
from huqing.registry import bulk
from huqing.registry.models import Source
from huqing.standards.fields import RecordKind

LOCK = "imports"
LOCK_MILLISECONDS = 120_000
MOST_PROBLEMS = 100_000
PREVIEW_ROWS = 20
_ROSTERS: dict[str, type[Work]] = {"household": HouseholdRoster, "person": MemberRoster}
_TABLES = (
    "registry_household",
    "registry_person",
    "registry_membership",
    "registry_label",
    "registry_departmentrecord",
)

logger = logging.getLogger("huqing.intake")


def plan_of(kind: RecordKind, batch: Batch) -> Plan:
    """The plan for a sheet of this kind, not yet worked out."""
    if kind.key in _ROSTERS:
        return _ROSTERS[kind.key](batch)
    if kind.key == VILLAGE:
        return VillageRecords(batch, kind=kind)
    return DepartmentRecords(batch, kind=kind)


def check_now(intake: Import, *, by: User | None, preview: bool = True, progress: Report | None = None) -> Loaded:
    """Read and check the file and say what taking it in would do; the import goes to ``CHECKED``, or to ``FAILED``."""
    report = _Progress(intake, progress or no_report)
    with exclusive(f"import-{intake.pk}"):
        try:
            move(intake, Import.State.CHECKING, by=by, progress=0, message="")
            loaded = load(intake, report)
            counts, shown, more = dict(loaded.checked.counts), {}, []
            if preview:
                report("与现有档案比对", 0.6)
                plan = plan_of(loaded.kind, loaded.batch)
                plan.work_out()
                counts = _counts(loaded, plan)
                more = plan.problems
                shown = plan.sample(PREVIEW_ROWS)
            with bulk.writer() as writer:
                _store_problems(writer, intake, loaded.checked.problems, more)
                counts = {name: int(value) for name, value in counts.items()}
                move(intake, Import.State.CHECKED, by=by, detail=counts, counts=counts, preview=shown, progress=100)
        except WrongState:
            raise
        except BaseException as error:
            fail(intake, by=by, error=error)
            raise for_people(error) from error
    return loaded


def apply_now(
    intake: Import, *, by: User | None, loaded: Loaded | None = None, progress: Report | None = None
) -> Import:
    """Write a queued import into the registry; waits while another import is being written.

    ``loaded`` spares reading the file again. Raises ``IntakeError``; the import is then ``FAILED`` with the reason and
    the registry is as it was.
    """
    report = _Progress(intake, progress or no_report)
    with exclusive(LOCK):
        try:
            move(intake, Import.State.APPLYING, by=by, progress=0, message="")
            loaded = loaded or load(intake, report)
            _write(intake, loaded, by, report)
        except WrongState:
            raise
        except BaseException as error:
            fail(intake, by=by, error=error)
            raise for_people(error) from error
        finally:
            give_back()
    report("完成", 1.0)
    return intake


def _write(intake: Import, loaded: Loaded, by: User | None, report: Report) -> None:
    now = timezone.now()
    with bulk.writer() as writer:
        lock_registry()
        if loaded.kind.key in _ROSTERS:
            forget_people()
        report("与现有档案比对", 0.6)
        plan = plan_of(loaded.kind, loaded.take_batch())
        plan.work_out()
        report("写入", 0.75)
        source = Source.objects.create(
            kind=Source.Kind.ROSTER if loaded.kind.key in _ROSTERS else Source.Kind.DEPARTMENT,
            record_kind=loaded.kind.key,
            title=str(intake)[:200],
            on=intake.data_date,
            region_code=intake.region_code,
            created_at=now,
            created_by=by,
        )
        Missing.objects.filter(intake=intake).delete()
        PriorState.objects.filter(intake=intake).delete()
        plan.write(Written(writer=writer, source=source, intake=intake, now=now))
        _store_problems(writer, intake, loaded.checked.problems, plan.problems)
        report("建立索引", 0.95)
        writer.finish()
        counts = _counts(loaded, plan)
        move(
            intake,
            Import.State.APPLIED,
            by=by,
            detail=counts,
            counts=counts,
            source=source,
            applied_at=now,
            undone_at=None,
            undo_source=None,
            progress=100,
            message="",
        )
        # A listener that fails is logged; it must not cost the county its import.
        applied.send_robust(sender=Import, intake=intake)


def lock_registry() -> None:
    """Keep others from changing files until the transaction ends: edits wait, reading goes on.

    SQLite's transactions exclude each other anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MILLISECONDS}ms"])
            cursor.execute(f"LOCK TABLE {', '.join(_TABLES)} IN SHARE ROW EXCLUSIVE MODE")


def _counts(loaded: Loaded, plan: Plan) -> dict[str, int]:
    found = loaded.checked
    refused = {problem.row for problem in plan.problems if problem.severity == "refused"}
    warned = {problem.row for problem in plan.problems if problem.severity == "warning"}
    warned |= set(found.problems.rows[found.problems.of_severity("warning")].tolist())
    counts = {
        **found.counts,
        **plan.counts,
        "refused": found.counts["refused"] + len(refused),
        "good": found.counts["good"] - len(refused),
        "warnings": len(warned - refused - set(found.refused_rows)),
    }
    return {name: int(value) for name, value in counts.items()}


def _store_problems(writer: bulk.BulkWriter, intake: Import, found: Problems, more: Sequence[Problem] = ()) -> None:
    RowProblem.objects.filter(intake=intake).delete()
    limits = {name: RowProblem._meta.get_field(name).max_length for name in ("column", "value", "message", "remedy")}
    own = pa.table(
        {
            "row_number": pa.array([problem.row for problem in more], pa.int32()),
            "severity": pa.array([problem.severity for problem in more], pa.string()),
            **{
                name: pa.array([getattr(problem, name)[:limit] for problem in more], pa.string())
                for name, limit in limits.items()
            },
        }
    )
    read = pa.table({name: found.table()[name].cast(own.schema.field(name).type) for name in own.column_names})
    kept = pa.concat_tables([read, own]).slice(0, MOST_PROBLEMS)
    writer.insert(RowProblem, constant(kept, intake_id=intake.pk))


def fail(intake: Import, *, by: User | None, error: BaseException) -> None:
    """Mark an import as failed with a reason a clerk understands; nothing of it is in the registry."""
    _give_up(intake, Import.State.FAILED, by, error, explain(error))


def undo_failed(intake: Import, *, by: User | None, error: BaseException) -> None:
    """An undo that did not happen leaves the import applied, with the reason."""
    reason = explain(error).replace("没有写入", "没有撤销").replace("重新提交", "重新撤销")
    _give_up(intake, Import.State.APPLIED, by, error, reason)


def _give_up(intake: Import, to: Import.State, by: User | None, error: BaseException, message: str) -> None:
    if not isinstance(error, IntakeError):
        logger.error("import %s did not finish: %s", intake.pk, type(error).__name__)
    try:
        move(intake, to, by=by, detail={"failed": type(error).__name__}, message=message, progress=0)
    except (DatabaseError, OSError):
        # With a full disk or a lost database not even this can be written; the next start finds the import half-way
        # and puts it back.
        logger.error("the state of import %s could not be written", intake.pk)


# The words of the databases and of the system, or the kind of error, and what to tell the person; first match counts.
_EXPLANATIONS: tuple[tuple[tuple[str, ...], tuple[type[BaseException], ...], str], ...] = (
    (
        ("disk is full", "no space left", "could not extend file", "disk full"),
        (),
        "磁盘空间不足，数据没有写入，原有档案未受影响。请清理磁盘后重新提交。",
    ),
    (
        ("read-only file system", "readonly database", "permission denied"),
        (),
        "数据文件夹或数据库不能写入，数据没有写入，原有档案未受影响。请检查文件夹权限后重新提交。",
    ),
    (
        ("locked", "lock timeout", "deadlock"),
        (),
        "数据库正忙，等待超时，数据没有写入，原有档案未受影响。请稍后重新提交。",
    ),
    (
        ("out of memory",),
        (MemoryError,),
        "内存不足，数据没有写入。请按乡镇拆成几个文件，或在内存更大的机器上导入。",
    ),
    ((), (KeyboardInterrupt, SystemExit), "导入被中止，数据没有写入。可以重新提交。"),
    ((), (IntegrityError,), "数据与现有档案的约束冲突，没有写入。请把导入编号告诉管理员查看日志。"),
    ((), (DatabaseError,), "数据库出错，数据没有写入，原有档案未受影响。请检查数据库服务后重新提交。"),
)


def explain(error: BaseException) -> str:
    """What happened, in words for the person who has to act. Never quotes values of rows."""
    if isinstance(error, IntakeError):
        return str(error)
    text = " ".join(str(one) for one in (error, error.__cause__) if one).lower()
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        text += " no space left"
    for words, kind, message in _EXPLANATIONS:
        if any(word in text for word in words) or (kind and isinstance(error, kind)):
            return message
    return f"程序出错（{type(error).__name__}），数据没有写入。请把导入编号告诉管理员查看日志。"


def for_people(error: BaseException) -> BaseException:
    """Expected failures become an ``IntakeError``; a programming error or an interrupt stays what it is."""
    if isinstance(error, DatabaseError | OSError | MemoryError) and not isinstance(error, IntakeError):
        return IntakeError(explain(error))
    return error


class _Progress:
    """Passes progress on and keeps it with the import, in steps of five per cent."""

    def __init__(self, intake: Import, report: Report) -> None:
        self.intake = intake
        self.report = report
        self.last = -5

    def __call__(self, message: str, fraction: float) -> None:
        self.report(message, fraction)
        percent = int(fraction * 100)
        # Inside the writing transaction nobody else would see the update; it would only cost.
        if percent - self.last >= 5 and not connection.in_atomic_block:
            self.last = percent
            Import.objects.filter(pk=self.intake.pk).update(progress=min(percent, 100))
