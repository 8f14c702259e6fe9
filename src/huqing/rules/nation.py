"""Many counties on one machine: screened county by county from a lake by a few processes, each within its memory.

``<out>/county=<6 digits>/`` holds a county's ``findings.parquet`` and ``county.json`` (see ``engine.screen``) and
``record.json``: its counts, and of which day, rules and snapshot they are. The folder comes there whole, by renaming.
A county whose record fits is not done again, so a run that was stopped, however it was stopped, goes on where it was.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from huqing.rules import lake
from huqing.rules.engine import FINDINGS_FILE, USUAL_MEMORY, default_cache, rules_version
from huqing.rules.errors import TableError
from huqing.rules.nation_pool import WORKER, Died, Pool
from huqing.rules.nation_worker import FULL, GIB, Settings, is_full, reason_of

RECORD_FILE, SUMMARY_FILE, LOCK_FILE = "record.json", "summary.json", ".lock"
DONE, KEPT, FAILED, LEFT = "done", "kept", "failed", "left"
MEMORY_OF_EACH = GIB
CHANGED = "快照在筛查时被替换了。请等快照放好，再运行一次"
Json = dict[str, Any]


class NationError(ValueError):
    """A national run cannot begin; the message says why and what to do."""


@dataclass(frozen=True)
class County:
    """What became of one county.

    ``state`` is DONE, KEPT (done by an earlier run), FAILED or LEFT (not begun); ``reason`` says why and what to do.
    ``memory`` is the most the process held, in bytes; ``detail`` is for who maintains the program.
    """

    county: str
    state: str
    households: int = 0
    persons: int = 0
    found: int = 0
    unknown: int = 0
    not_run: int = 0
    seconds: float = 0.0
    memory: int = 0
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Summary:
    """A whole run: with what it was done, and every county in order of its code. ``summary.json`` holds the same."""

    lake: str
    day: str
    rules_version: str
    processes: int
    threads: int
    memory: int
    seconds: float
    interrupted: bool
    counties: tuple[County, ...]

    @property
    def complete(self) -> bool:
        """Whether every county has its answer."""
        return all(county.state in (DONE, KEPT) for county in self.counties)


Told = Callable[[County, int, int], None]


@dataclass
class _Run:
    """The state of a run: what it is made with, what is to be done, and what has become of every county."""

    out: Path
    work: Path
    version: str
    settings: Settings
    tell: Told | None
    total: int
    places: dict[str, Path] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    counties: dict[str, County] = field(default_factory=dict)
    told: int = 0
    full: bool = False

    def made_from(self, county: str, version: str) -> Json:
        """What a county's answer depends on; the version covers the rules and all amounts."""
        day, findings = self.settings.as_of, self.settings.findings
        return {"day": day, "rules": version, "snapshot": self.marks[county], "findings": findings}

    def settle(self, county: County) -> County:
        self.counties[county.county] = county
        return county

    def tell_of(self, county: County) -> None:
        self.told += 1
        if self.tell:
            self.tell(county, self.told, self.total)


def run(
    source: Path,
    out: Path,
    *,
    day: datetime.date | None = None,
    counties: Sequence[str] | None = None,
    processes: int | None = None,
    memory: int | None = None,
    again: bool = False,
    findings: list[str] | None = None,
    cache: Path | None = None,
    tell: Told | None = None,
    worker: Sequence[str] = WORKER,
) -> Summary:
    """Screen counties (all by default) of the lake ``source`` as of ``day`` (its newest by default) into ``out``.

    ``processes`` (by default one per core, if memory allows) share ``memory`` bytes (by default half of the machine's).
    A county that cannot be screened is reported with the reason and does not stop the others; a full disk stops them.
    With ``again`` finished counties are done again. ``tell`` hears of each county, how many have been told of, and of
    how many. When interrupted nothing is left half-written and no process running; KeyboardInterrupt then goes on.

    Raises NationError if there is nothing to do or another run writes to ``out``, RuleError if own amounts are wrong.
    """
    asked = list(counties) if counties else lake.counties(source)
    if not asked:
        raise NationError(f"数据湖 {source} 里没有县。请核对 --lake 的路径；湖里应有 county=县代码/day=日期 的文件夹。")
    chosen = day or _newest(source, asked)
    number, threads, each = shares(len(asked), processes, memory)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)  # it tells of households
    with _alone(out):
        began = time.perf_counter()
        for left in out.glob(f"{lake.UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        work = out / f"{lake.UNFINISHED}{uuid.uuid4().hex}"
        work.mkdir()
        settings = Settings(chosen.isoformat(), str((cache or default_cache()).absolute()), threads, each, findings)
        state = _Run(out, work, rules_version(), settings, tell, total=len(asked))
        interrupted = True
        try:
            waiting = _to_do(state, source, asked, again=again)
            _work_off(state, waiting, Pool([*worker, json.dumps(asdict(settings))], number, work))
            interrupted = False
        finally:
            shutil.rmtree(work, ignore_errors=True)
            why = "磁盘满了，没有开始做" if state.full else "运行被中止，没有做完"
            for county in asked:
                state.counties.setdefault(county, County(county, LEFT, reason=why))
            summary = Summary(
                str(source),
                settings.as_of,
                state.version,
                number,
                threads,
                each,
                time.perf_counter() - began,
                interrupted,
                tuple(state.counties[county] for county in sorted(state.counties)),
            )
            write_json(out / SUMMARY_FILE, asdict(summary))
    return summary


def shares(counties: int, processes: int | None = None, memory: int | None = None) -> tuple[int, int, int]:
    """How many processes, and of each the threads and bytes of memory; NationError if that is too little."""
    cores = len(os.sched_getaffinity(0))
    total = memory or machine_memory() // 2
    number = processes or min(cores, max(1, total // MEMORY_OF_EACH))
    number = max(1, min(number, counties))
    if total // number < USUAL_MEMORY:
        raise NationError(
            f"{number} 个进程共用 {total / GIB:.1f} GB 内存，每个不到 {USUAL_MEMORY / GIB:.2f} GB，不够用。"
            "请减小 --processes 或加大 --memory。"
        )
    return number, max(1, cores // number), total // number


def machine_memory() -> int:
    """The bytes of memory this process may use: the machine's, or less where the system gives its group less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return machine


def mark(partition: Path) -> tuple[str, int]:
    """What tells a snapshot from another one of the same day, and its size in bytes."""
    files = [(file.name, file.stat()) for file in sorted(partition.iterdir())]
    listed = [[name, status.st_size, status.st_mtime_ns] for name, status in files]
    size = sum(status.st_size for _, status in files)
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16], size


def read_record(out: Path, county: str) -> Json:
    """What the last screening of a county noted of itself; {} if it was never finished."""
    try:
        record: Json = json.loads((_folder(out, county) / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """``write_text`` of an object."""
    write_text(file, json.dumps(content, ensure_ascii=False, indent=1))


def write_text(file: Path, text: str) -> None:
    """Write a file that is there whole or not at all, and stays when the power fails."""
    beside = file.with_name(f"{lake.UNFINISHED}{file.name}")
    beside.write_text(text, encoding="utf-8")
    lake.to_disk(beside)
    beside.replace(file)


def _folder(out: Path, county: str) -> Path:
    return out / f"{lake.COUNTY}{county}"


def _newest(source: Path, counties: Sequence[str]) -> datetime.date:
    days = [day for county in counties for day in lake.days(source, county)[-1:]]
    if not days:
        raise NationError(f"数据湖 {source} 里没有任何一天的快照。请先为各县取快照放进湖里。")
    return max(days)


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder for the block; NationError if another run holds it. A killed run holds nothing."""
    with (out / LOCK_FILE).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            who = lock.read().strip() or "进程号不明"
            raise NationError(f"另一次运行（{who}）正在写 {out}。请等它结束，或用 --out 换一个文件夹。") from error
        lock.truncate(0)
        lock.write(f"进程 {os.getpid()}")
        lock.flush()
        yield


def _to_do(state: _Run, source: Path, asked: Sequence[str], *, again: bool) -> deque[str]:
    """The counties to screen, the largest first so that the last ones end together; the others are settled."""
    sizes: dict[str, int] = {}
    for county in asked:
        try:
            place = lake.find(source, county=county, day=state.settings.day)
            state.marks[county], size = mark(place)
        except (TableError, OSError) as error:
            state.tell_of(state.settle(County(county, FAILED, reason=str(error).rstrip("。"))))
            continue
        record = {} if again else read_record(state.out, county)
        whole = (_folder(state.out, county) / FINDINGS_FILE).exists()
        if whole and record.get("made_from") == state.made_from(county, state.version):
            state.tell_of(state.settle(County(**{**record["counts"], "state": KEPT})))
        else:
            state.places[county], sizes[county] = place.absolute(), size
    return deque(sorted(sizes, key=lambda county: (-sizes[county], county)))


def _work_off(state: _Run, waiting: deque[str], pool: Pool) -> None:
    """Hand counties to the processes until none is left; they have the next one before the last one is told of."""
    settled: list[County] = []
    with pool:
        while True:
            while waiting and pool.free and not state.full:
                county = waiting.popleft()
                fresh = (state.work / county).absolute()
                pool.give({"county": county, "snapshot": str(state.places[county]), "out": str(fresh)})
            for done in settled:
                state.tell_of(done)
            if not pool.busy:
                return
            settled = [state.settle(_taken(state, task["county"], answer)) for task, answer in pool.answers()]


def _taken(state: _Run, county: str, answer: Json | Died) -> County:
    """What has become of a county for which a process has answered or died; what it found is put into its place."""
    fresh = state.work / county
    try:
        if isinstance(answer, Died):
            return County(county, FAILED, reason=answer.reason, detail=answer.log)
        state.full = state.full or answer.get("error") == FULL
        if mark(state.places[county])[0] != state.marks[county]:
            return County(county, FAILED, reason=CHANGED)
        if "error" in answer:
            return County(county, FAILED, memory=answer["memory"], reason=answer["reason"], detail=answer["detail"])
        counts = answer["counts"]
        done = County(
            county,
            DONE,
            households=counts["households"],
            persons=counts["persons"],
            found=sum(counts["found"].values()),
            unknown=sum(counts["unknown"].values()),
            not_run=len(counts["not_run"]),
            seconds=answer["seconds"],
            memory=answer["memory"],
        )
        _publish(state, done, counts)
    except OSError as error:
        state.full = state.full or is_full(error)
        reason = reason_of(error, state.places[county], state.settings)[1]
        return County(county, FAILED, reason=reason, detail=repr(error))
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return done


def _publish(state: _Run, done: County, counts: Json) -> None:
    """Put a county's answer into its place, whole and on the disk; the earlier one goes."""
    fresh, place = state.work / done.county, _folder(state.out, done.county)
    old = state.work / f"old-{done.county}"
    record = {
        "made_from": state.made_from(done.county, counts["rules_version"]),
        "screened_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "counts": asdict(done),
        "found": counts["found"],
        "unknown": counts["unknown"],
    }
    write_json(fresh / RECORD_FILE, record)
    for file in (*fresh.iterdir(), fresh):
        lake.to_disk(file)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    lake.to_disk(state.out)
    shutil.rmtree(old, ignore_errors=True)
