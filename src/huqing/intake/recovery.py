"""After a crash: imports that a killed process left half-way go back to where they can be taken up again."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import gettempdir

from huqing.access.locks import Busy, exclusive
from huqing.intake import tasks
from huqing.intake.applying import LOCK
from huqing.intake.models import Import
from huqing.intake.plan import SPILL
from huqing.intake.states import move

S = Import.State
INTERRUPTED = "上次运行被中断，数据没有写入。"


def recover(*, waiting: bool = True) -> int:
    """Put half-way imports back and queue the waiting ones again; returns how many were half-way.

    The transaction of a killed process never happened, so only the state is wrong. An import whose worker lives holds
    its lock and is left alone. A database server may hold the lock of a killed client a little longer, so the clock
    asks again, with ``waiting`` False: then only what was half-way is queued, the others have their tasks.
    """
    _remove_spill()
    writing = _recover_writing()
    recovered = len(writing) + _recover_checking()
    queued = Import.objects.filter(state=S.QUEUED).order_by("id")
    for intake in queued if waiting else queued.filter(pk__in=writing):
        tasks.start(tasks.apply_import, intake, intake.created_by)
    return recovered


def _remove_spill() -> None:
    """What killed imports had put on the disk for want of memory."""
    for folder in Path(gettempdir()).glob(f"{SPILL}*"):
        process = folder.name.removeprefix(SPILL).partition("-")[0]
        if Path("/proc/self").exists() and not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _recover_writing() -> list[int]:
    try:
        with exclusive(LOCK, wait=False):
            found = list(Import.objects.filter(state__in=[S.APPLYING, S.UNDOING]))
            for intake in found:
                if intake.state == S.APPLYING:
                    move(intake, S.QUEUED, by=None, detail={"recovered": True}, message=INTERRUPTED, progress=0)
                else:
                    move(
                        intake,
                        S.APPLIED,
                        by=None,
                        detail={"recovered": True},
                        message="撤销被中断，没有撤销。可以重新撤销。",
                    )
            return [intake.pk for intake in found]
    except Busy:
        return []


def _recover_checking() -> int:
    recovered = 0
    for intake in Import.objects.filter(state=S.CHECKING):
        try:
            with exclusive(f"import-{intake.pk}", wait=False):
                move(
                    intake,
                    S.MAPPED,
                    by=None,
                    detail={"recovered": True},
                    message="检查被中断，请重新检查。",
                    progress=0,
                )
                recovered += 1
        except Busy:
            continue
    return recovered
