"""Running the rules, waiving alerts, and checking one household again."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa
from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.instance import working_day
from huqing.access.locks import Busy, exclusive
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers
from huqing.registry import snapshot
from huqing.registry.models import Household
from huqing.rules import engine
from huqing.rules.recheck import Found, Rechecker
from huqing.screening.applying import Changes, apply_findings, apply_to_household
from huqing.screening.engines import Engine
from huqing.screening.models import Alert, Run
from huqing.screening.signals import screened
from huqing.standards.text import clean

COUNTY_DIGITS = 6
REASON_LENGTH = 4
KEEP_RUNS = 10
LOCK_PATIENCE = 10.0
Report = Callable[[str, float], None]


class ScreeningError(Exception):
    """A screening could not be done; the message says why and what to do."""


def run(
    *,
    by: User | None,
    region: str,
    as_of: date,
    trigger: Run.Trigger,
    progress: Report | None = None,
    on: Engine | None = None,
) -> Run:
    """Screen every household of the county ``region`` as of ``as_of`` and bring its alerts up to date.

    One screening runs at a time; another waits. The alerts change in one transaction: a killed run changes nothing.
    ``on`` is the engine, DuckDB on this machine unless said otherwise; the answers are the same to the last digest.
    Raises ``ScreeningError`` or the rules' own errors; the run is then marked failed with the reason.
    """
    report = progress or (lambda message, fraction: None)
    if len(region) < COUNTY_DIGITS:
        raise ScreeningError(f"“{region}”不是县代码。请写 6 位县级区划代码，例如 500236。")
    region = region[:COUNTY_DIGITS]
    if by is not None:
        require(by, "screen")
        if not covers(by.region_code, region):
            raise Refused("您的管辖区划不是全县，不能发起全县筛查。请由县级经办发起。")
    with exclusive("screening"):
        _mark_broken()
        started = Run.objects.create(
            trigger=trigger,
            as_of=as_of,
            region_code=region,
            rules_version=engine.rules_version(),
            started_at=timezone.now(),
            started_by=by,
        )
        try:
            return _run(started, report, on or Engine())
        except BaseException as error:
            reason = reason_of(error)
            Run.objects.filter(pk=started.pk).update(state=Run.State.FAILED, finished_at=timezone.now(), message=reason)
            shutil.rmtree(results_folder(started), ignore_errors=True)
            if isinstance(error, OSError | OperationalError | duckdb.IOException):
                raise ScreeningError(reason) from error
            raise


def reason_of(error: BaseException, what: str = "筛查") -> str:
    """Why ``what`` was not finished and what to do, for the county office."""
    full = any(words in str(error).lower() for words in ("no space left", "disk is full", "could not extend file"))
    if full or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return f"磁盘空间已满，{what}没有完成，预警没有变动。请清理磁盘后重新{what}。"
    if isinstance(error, OSError | duckdb.IOException):
        detail = getattr(error, "strerror", "") or type(error).__name__
        return f"数据文件夹读写失败（{detail}），预警没有变动。请检查磁盘和权限后重新{what}。"
    if isinstance(error, OperationalError):
        return f"数据库正被占用或连接中断，{what}没有完成，预警没有变动。请稍后重新{what}。"
    return str(error) or f"{what}意外中止（{type(error).__name__}），预警没有变动。"


def _run(run: Run, report: Report, on: Engine) -> Run:
    report("取快照", 0.05)
    taken = on.snapshot(region=run.region_code, as_of=run.as_of)
    report("运行规则", 0.4)
    out = results_folder(run)
    # A folder of this number can only be left from a database that was put back from a backup.
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    counts = on.screen(taken, out, as_of=run.as_of, region=run.region_code)
    report("更新预警", 0.7)
    with transaction.atomic():
        changes = apply_findings(
            run=run,
            findings=out / engine.FINDINGS_FILE,
            snapshot=taken,
            not_run=counts.not_run,
        )
        run.state = Run.State.DONE
        run.snapshot = taken.name
        run.finished_at = timezone.now()
        run.counts = {
            "engine": on.name,
            "households": counts.households,
            "persons": counts.persons,
            "found": counts.found_total,
            "unknown": counts.unknown_total,
            "by_finding": counts.found,
            "unknown_by_finding": counts.unknown,
            "not_run": counts.not_run,
            "opened": changes.opened,
            "kept": changes.kept,
            "reopened": changes.reopened,
            "closed": changes.closed,
        }
        run.save()
        audit.record(
            by=run.started_by,
            action="screening_run",
            subject=run,
            region_code=run.region_code,
            detail={key: value for key, value in run.counts.items() if isinstance(value, int)},
        )
    _forget_old_runs(run.region_code)
    snapshot.prune(but=taken)
    screened.send_robust(sender=Run, run=run)
    report("完成", 1.0)
    return run


def results_folder(run: Run) -> Path:
    """Where a run's findings file lies."""
    return results_of(run.pk)


def results_of(run_id: int) -> Path:
    """The same by the run's id."""
    return Path(settings.DATA) / "screening" / str(run_id)


def _forget_old_runs(region: str) -> None:
    old = Run.objects.filter(region_code=region, state=Run.State.DONE).order_by("-pk")[KEEP_RUNS:]
    for past in old:
        shutil.rmtree(results_folder(past), ignore_errors=True)


def recover() -> int:
    """Mark runs whose process was killed as failed; returns how many. Nothing else of them remains.

    A database server may take a moment to notice that its client was killed and to let go of its lock, so a held lock
    is asked for again for a few seconds before it counts as a screening that is really going on.
    """
    until = time.monotonic() + LOCK_PATIENCE if Run.objects.filter(state=Run.State.RUNNING).exists() else 0.0
    while True:
        try:
            with exclusive("screening", wait=False):
                return _mark_broken()
        except Busy:
            if time.monotonic() >= until:
                return 0
            time.sleep(0.2)


def _mark_broken() -> int:
    """What still counts as running while we hold the lock belongs to a process that is no more."""
    broken = list(Run.objects.filter(state=Run.State.RUNNING))
    for run in broken:
        shutil.rmtree(results_folder(run), ignore_errors=True)
        run.state = Run.State.FAILED
        run.finished_at = timezone.now()
        run.message = "筛查被中断（进程退出），预警没有变动。请重新筛查。"
        run.save()
    return len(broken)


def _may_decide(by: User, alert: Alert) -> None:
    require(by, "waive")
    if not Alert.objects.visible_to(by).filter(pk=alert.pk).exists():
        raise Refused("这条预警不在您的管辖区划内。")


@transaction.atomic
def waive(*, alert: Alert, by: User, reason: str) -> Alert:
    """Put an alert to rest with a reason (确认无误); it comes back when a value it looked at changes."""
    _may_decide(by, alert)
    reason = hide_numbers(clean(reason)).strip()
    if len(reason) < REASON_LENGTH:
        raise ScreeningError(f"请写明确认无误的理由，至少 {REASON_LENGTH} 个字，例如“已入户核实，新房已入住”。")
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    if alert.state != Alert.State.OPEN:
        raise ScreeningError(f"这条预警现在是“{alert.get_state_display()}”，不能再确认。请刷新页面。")
    alert.state = Alert.State.WAIVED
    alert.waived_at = timezone.now()
    alert.waived_by = by
    alert.waive_reason = reason[: Alert._meta.get_field("waive_reason").max_length]
    alert.save()
    audit.record(
        by=by,
        action="alert_waive",
        subject=alert,
        region_code=alert.region_code,
        detail={"finding": alert.finding, "reason": reason},
    )
    return alert


@transaction.atomic
def withdraw_waiver(*, alert: Alert, by: User) -> Alert:
    """Bring a waived alert back."""
    _may_decide(by, alert)
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    if alert.state != Alert.State.WAIVED:
        raise ScreeningError(f"这条预警现在是“{alert.get_state_display()}”，没有可撤回的确认。请刷新页面。")
    alert.state = Alert.State.OPEN
    alert.save()
    audit.record(
        by=by,
        action="alert_withdraw_waiver",
        subject=alert,
        region_code=alert.region_code,
        detail={"finding": alert.finding},
    )
    return alert


_recheck_lock = threading.Lock()


@lru_cache(maxsize=4)
def _rechecker(as_of: date, region: str, last_run: int | None) -> Rechecker:
    county = engine.read_county(results_of(last_run)) if last_run else None
    return Rechecker(as_of=as_of, region=region, county=county)


def findings_of(household: Household, *, as_of: date) -> tuple[list[Found], frozenset[str]]:
    """What the rules say of one household now, and which findings they could decide, without touching its alerts."""
    return check_tables(snapshot.one_household(household.pk), as_of=as_of, region=household.region_code)


def check_tables(tables: Mapping[str, pa.Table], *, as_of: date, region: str) -> tuple[list[Found], frozenset[str]]:
    """What the rules say of the households whose rows are given, typed as in a snapshot, with what the last screening
    knows of the county; and which findings they could decide. No alert is touched."""
    county = region[:COUNTY_DIGITS]
    last = (
        Run.objects.filter(region_code=county, state=Run.State.DONE)
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
    )
    with _recheck_lock:
        rechecker = _rechecker(as_of, county, last)
        return rechecker.check(tables), rechecker.findings


@transaction.atomic
def recheck(*, household: Household, as_of: date | None = None) -> Changes:
    """Bring one household's alerts up to date after one of its values changed.

    Findings that compare households with each other (a telephone number used twice) wait for the next screening.
    No audit event of its own: the change that led here has one.
    """
    as_of = as_of or working_day(timezone.localdate())
    fresh, decided = findings_of(household, as_of=as_of)
    return apply_to_household(household=household, as_of=as_of, fresh=fresh, decided=decided)
