"""What-if: the rules on the last snapshot with proposed parameters, to see whom a decision would concern.

Nothing of it touches an alert: both the outcome of today's parameters and that of the proposed ones are computed into
a folder of the simulation's own, ``DATA/simulations/<id>``, which appears whole when it is done.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.instance import private_folder
from huqing.access.locks import Busy, exclusive
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers
from huqing.registry import snapshot
from huqing.rules import engine
from huqing.rules.library import Library, library
from huqing.rules.parameters import own_folders
from huqing.screening import bill_costs, outcomes, proposals
from huqing.screening.actions import COUNTY_DIGITS, ScreeningError, reason_of
from huqing.screening.models import Simulation
from huqing.screening.queries import last_run
from huqing.standards.text import clean

KEEP = 20
MOST_WAITING = 3
LOCK = "simulation"
UNFINISHED = ".unfinished-"
PENDING = (Simulation.State.QUEUED, Simulation.State.RUNNING)
BROKEN = "试算被中断（进程退出），没有结果，预警没有变动。请重新试算。"


def root() -> Path:
    """Where the results of simulations lie."""
    return Path(settings.DATA) / "simulations"


def folder_of(simulation: Simulation) -> Path:
    """The folder with a finished simulation's lists."""
    return root() / str(simulation.pk)


def affected(rules: Library, parameters: set[str]) -> list[str]:
    """The findings that depend on one of the parameters."""
    return [key for key in rules.findings if parameters & set(rules.parameters_of(key))]


@transaction.atomic
def ask(*, by: User, region: str, texts: Mapping[str, str], note: str = "") -> Simulation:
    """Put a simulation of the county ``region`` in the queue; ``texts`` maps parameters to proposed values as typed.

    Raises Refused, ProposalError (a value that cannot be used) or ScreeningError (there is nothing to compute on).
    """
    require(by, "simulate")
    region = region[:COUNTY_DIGITS]
    if len(region) < COUNTY_DIGITS or not covers(by.region_code, region):
        raise Refused("您的管辖区划不是全县，不能做全县试算。请由县级经办办理。")
    run = last_run(region)
    if run is None:
        raise ScreeningError("本县还没有筛查过，没有数据可算。请先完成一次筛查，再来试算。")
    rules = library()
    changes = proposals.read(rules, texts, as_of=run.as_of, region=region)
    asked_for = {change.parameter for change in changes}
    if not affected(rules, asked_for) and not asked_for & bill_costs.parameters(rules):
        titles = "、".join(f"“{change.title}”" for change in changes)
        raise proposals.ProposalError(
            changes[0].parameter, f"没有筛查规则和住院账单用到{titles}，改动它不影响任何人。请换一个参数。"
        )
    if Simulation.objects.filter(region_code=region, state__in=PENDING).count() >= MOST_WAITING:
        raise ScreeningError(f"已有 {MOST_WAITING} 次试算在排队。请等前面的算完再发起。")
    asked = Simulation.objects.create(
        region_code=region,
        note=hide_numbers(clean(note)).strip()[:100],
        changes=[change.to_dict() for change in changes],
        created_at=timezone.now(),
        created_by=by,
    )
    audit.record(
        by=by,
        action="simulation_ask",
        subject=asked,
        region_code=region,
        detail={change.parameter: f"{change.now} → {change.then}" for change in changes},
    )
    from huqing.screening.tasks import simulate

    transaction.on_commit(lambda: simulate.enqueue(asked.pk))
    return asked


def perform(pk: int) -> Simulation | None:
    """Compute a queued simulation; another one waits for it. None if it is gone or no longer queued.

    A failure is kept with its reason. A killed process leaves nothing but a hidden folder, which ``recover`` removes.
    """
    with exclusive(LOCK):
        _mark_broken()
        simulation = Simulation.objects.filter(pk=pk, state=Simulation.State.QUEUED).first()
        if simulation is None:
            return None
        simulation.state = Simulation.State.RUNNING
        simulation.save(update_fields=["state"])
        work = private_folder(root()) / f"{UNFINISHED}{simulation.pk}"
        shutil.rmtree(work, ignore_errors=True)
        try:
            _compute(simulation, private_folder(work))
            target = folder_of(simulation)
            shutil.rmtree(target, ignore_errors=True)
            work.rename(target)
            simulation.state = Simulation.State.DONE
        except Exception as error:
            simulation.state = Simulation.State.FAILED
            simulation.message = reason_of(error, "试算")
            if not isinstance(error, ScreeningError | OSError):
                raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
            if simulation.state == Simulation.State.RUNNING:
                simulation.state, simulation.message = Simulation.State.FAILED, BROKEN
            simulation.finished_at = timezone.now()
            simulation.save()
        _forget_old(simulation.region_code)
        return simulation


def _compute(simulation: Simulation, work: Path) -> None:
    run = last_run(simulation.region_code)
    taken = snapshot.folder(simulation.region_code, run.snapshot) if run else None
    if run is None or taken is None or not (taken / snapshot.MANIFEST).exists():
        raise ScreeningError("最近一次筛查的快照已不在。请重新筛查一次，再来试算。")
    rules = library()
    findings = affected(rules, {change["parameter"] for change in simulation.changes})
    proposed = work / "parameters"
    proposals.write(
        proposed,
        rules,
        simulation.changes,
        as_of=run.as_of,
        region=simulation.region_code,
        source=f"模拟试算第 {simulation.pk} 号",
    )
    if findings:
        common: dict[str, Any] = {
            "as_of": run.as_of,
            "region": simulation.region_code,
            "findings": findings,
            "cache": work / "cache",
        }
        now = engine.screen(taken, work / "now", **common)
        then = engine.screen(taken, work / "then", parameter_folders=(*own_folders(), proposed), **common)
        simulation.counts = outcomes.compare(work, taken, now=now, then=then, findings=findings)
    else:
        simulation.counts = {}
    simulation.as_of, simulation.snapshot = run.as_of, run.snapshot
    simulation.rules_version = engine.rules_version()
    simulation.counts["costs"] = outcomes.costs(
        work, taken, simulation.changes, as_of=run.as_of, region=simulation.region_code
    )
    simulation.counts["bills"] = bill_costs.costs(
        work, taken, rules, simulation.changes, as_of=run.as_of, region=simulation.region_code, proposed=proposed
    )
    for part in ("now", "then", "cache", "parameters"):
        shutil.rmtree(work / part, ignore_errors=True)


def recover() -> int:
    """Mark simulations whose process was killed as failed and remove what they left; returns how many.

    Queued ones whose task died with its process are queued again. While one is really being computed, nothing is
    touched.
    """
    try:
        with exclusive(LOCK, wait=False):
            broken = _mark_broken()
            _queue_again()
            return broken
    except Busy:
        return 0


def _queue_again() -> None:
    if settings.TASKS["default"]["BACKEND"] != "django_tasks_db.DatabaseBackend":
        return
    from django_tasks_db.models import DBTaskResult

    from huqing.screening.tasks import simulate

    waiting = DBTaskResult.objects.ready().filter(task_path=simulate.module_path)
    known = {result.args_kwargs["args"][0] for result in waiting}
    for pk in (
        Simulation.objects.filter(state=Simulation.State.QUEUED).exclude(pk__in=known).values_list("pk", flat=True)
    ):
        simulate.enqueue(pk)


def _mark_broken() -> int:
    """What counts as running while we hold the lock belongs to a process that is no more."""
    if root().exists():
        for left in root().glob(f"{UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
    broken = Simulation.objects.filter(state=Simulation.State.RUNNING)
    for simulation in broken:
        shutil.rmtree(folder_of(simulation), ignore_errors=True)
    return broken.update(state=Simulation.State.FAILED, finished_at=timezone.now(), message=BROKEN)


def _forget_old(region: str) -> None:
    """Keep the last results of a county; older ones go with their lists."""
    for old in Simulation.objects.filter(region_code=region).exclude(state__in=PENDING).order_by("-pk")[KEEP:]:
        shutil.rmtree(folder_of(old), ignore_errors=True)
        old.delete()


@transaction.atomic
def delete(*, simulation: Simulation, by: User) -> None:
    """Throw a finished simulation away."""
    require(by, "simulate")
    simulation = Simulation.objects.visible_to(by).select_for_update().get(pk=simulation.pk)
    if simulation.state in PENDING:
        raise ScreeningError("这次试算还没有算完，不能删除。请等它算完。")
    audit.record(by=by, action="simulation_delete", subject=simulation, region_code=simulation.region_code)
    folder = folder_of(simulation)
    simulation.delete()
    transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def as_of_now(region: str) -> date | None:
    """The day of the data a simulation would be computed on."""
    run = last_run(region)
    return run.as_of if run else None
