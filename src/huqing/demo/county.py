"""The demo county on disk: plan, towns in parallel, department files assembled, truth beside them."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from huqing.demo import truth
from huqing.demo.departments import DepartmentFile, PartResult, assemble, department_files, write_parts
from huqing.demo.figures import REGION
from huqing.demo.households import Mover
from huqing.demo.places import settle
from huqing.demo.plants import planned_counts
from huqing.demo.plants.registry import MOVED_RATE, fewest
from huqing.demo.rosters import Written, write_rosters
from huqing.demo.town import TownPlan, TownTruth, make_town
from huqing.demo.villages import village_counts

Progress = Callable[[str, float], None]
Result = TypeVar("Result")
_IN_PROCESS = 6000  # below this size starting processes takes longer than the work
_EARLIEST = date(2021, 1, 1)
_OWN = frozenset({"files", "truth", "parts", "README.txt"})
_README = """奉节县演示数据（虚构）

本文件夹由 huqing demo 生成，人员、证件号码、电话、银行卡均为虚构：
证件号码以 99 开头（国家行政区划代码中没有），电话号段未分配给任何运营商，银行卡号前缀不属于任何银行。
行政村名称和代码为国家统计局 2023 年公布的奉节县区划。

files/   县里手头有的表：各乡镇户信息表、家庭成员信息表（Excel 或 CSV），各部门数据（医保、教育、残联、民政、
         住建、水利、人社、公安、大数据、应急、乡村振兴）。表中故意留有常见毛病：错号、漏号、全角数字、15 位旧证号、
         重复行、一人登记在两户、查无此人，以及应当退回的行。
truth/   答案：哪些户、哪些人应当被发现什么问题（expected），哪些行应当退回（refused），写坏的行说的是谁（links）。
         只供核对，不要导入。

户数 {households}，人数 {people}，种子 {seed}，数据日期 {as_of}。
导入顺序：先户信息表，再家庭成员信息表，最后部门数据。
"""


@dataclass(frozen=True)
class FileInfo:
    """One file of the county: its name in ``files/``, its record kind, its data rows."""

    name: str
    kind: str
    rows: int


@dataclass(frozen=True)
class Summary:
    """What was written. ``files`` are in the order they should be taken in."""

    folder: Path
    households: int
    people: int
    seed: int
    as_of: date
    region: str
    files: tuple[FileInfo, ...]
    planted: dict[str, int] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    dirty: int = 0


@dataclass(frozen=True)
class _TownJob:
    plan: TownPlan
    turn: int
    files: str
    parts: str


@dataclass
class _TownResult:
    turn: int
    people: int
    truth: TownTruth
    rosters: Written
    parts: PartResult


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector out while objects are made that all stay: it took a quarter of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


def _run_town(job: _TownJob) -> _TownResult:
    with _no_collection():
        return _town(job)


def _town(job: _TownJob) -> _TownResult:
    town, found = make_town(job.plan)
    folder = Path(job.parts) / f"{job.turn:02d}"
    parts = write_parts(town, folder)
    rosters = write_rosters(town, Path(job.files), job.turn)
    people = [
        (
            h.number,
            p.order,
            p.fields["name"],
            p.fields["id_number"],
            p.fields["birth_date"],
            h.village.town,
            h.village.code,
        )
        for h in town.households
        for p in h.members
    ]
    pq.write_table(truth.table("people", people), folder / "people.parquet")
    return _TownResult(job.turn, len(people), found, rosters, parts)


def _run_assembly(file: DepartmentFile, parts: list[Path], target: Path) -> None:
    assemble(file, parts, target)


def _plans(households: int, seed: int, as_of: date) -> list[TownPlan]:
    settlement = settle(households, seed)
    shares = [sum(counts.values()) for counts in settlement.values()]
    plants = planned_counts(households, shares)
    in_villages = village_counts([len(counts) for counts in settlement.values()], fewest(households))
    plants = [of_households | of_villages for of_households, of_villages in zip(plants, in_villages, strict=True)]
    movers: list[list[Mover]] = [[] for _ in shares]
    for number in range(max(fewest(households), round(households * MOVED_RATE))):
        movers[number * 2 % len(shares)].append(Mover(number, seed, old=True))
        movers[(number * 2 + 1) % len(shares)].append(Mover(number, seed, old=False))
    return [
        TownPlan(code, seed, as_of, counts, planted, tuple(moved))
        for (code, counts), planted, moved in zip(settlement.items(), plants, movers, strict=True)
    ]


class _Here:
    """Runs jobs one after the other, in this process, behind the little of the pool's interface that is used."""

    def run(self, call: Callable[..., Result], jobs: list[tuple[Any, ...]]) -> Iterator[Result]:
        return (call(*job) for job in jobs)


class _Pool:
    """Runs jobs on several processes; results come as they are ready."""

    def __init__(self, processes: int) -> None:
        self.executor = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))

    def run(self, call: Callable[..., Result], jobs: list[tuple[Any, ...]]) -> Iterator[Result]:
        for future in as_completed([self.executor.submit(call, *job) for job in jobs]):
            yield future.result()


@contextmanager
def _workers(processes: int) -> Iterator[_Here | _Pool]:
    if processes <= 1:
        yield _Here()
        return
    pool = _Pool(processes)
    try:
        yield pool
    finally:
        pool.executor.shutdown(cancel_futures=True)


def _prepare(folder: Path) -> None:
    """Empty the folder of an earlier county; refuse one that holds anything else."""
    if folder.exists():
        strange = sorted(entry.name for entry in folder.iterdir() if entry.name not in _OWN)
        if strange:
            raise ValueError(f"文件夹 {folder} 里有其他内容（{strange[0]} 等），请换一个空文件夹。")
        for name in ("files", "truth", "parts"):
            shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("files", "truth", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)


def write(
    folder: Path,
    *,
    households: int,
    seed: int = 20260101,
    as_of: date,
    region: str = REGION,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Write a demo county of ``households`` households (500 to 309,800) as it stands on ``as_of``.

    The same households, seed and date give the same bytes, however many ``processes`` there are (default: one per core,
    one in all for small counties); with several, a calling script needs the usual ``if __name__ == "__main__"`` guard.
    ``progress`` gets a message and the share done. Raises ValueError, in words for the user, when the size, date,
    region or folder will not do.
    """
    if region != REGION:
        raise ValueError(f"演示县只有奉节县（{REGION}），收到 {region}。")
    if as_of < _EARLIEST:
        raise ValueError(f"演示数据的日期应不早于 {_EARLIEST}，收到 {as_of}。")
    plans = _plans(households, seed, as_of)
    _prepare(folder)
    report = progress or (lambda message, share: None)
    cores = processes or (1 if households < _IN_PROCESS else os.cpu_count() or 1)
    jobs = [_TownJob(plan, turn, str(folder / "files"), str(folder / "parts")) for turn, plan in enumerate(plans)]
    jobs.sort(key=lambda job: -sum(job.plan.settlement.values()))
    files = department_files(as_of)
    steps = len(jobs) + len(files)
    with _workers(cores) as workers:
        towns: list[_TownResult] = []
        for done, result in enumerate(workers.run(_run_town, [(job,) for job in jobs]), start=1):
            towns.append(result)
            report(f"生成乡镇数据 {done}/{len(jobs)}", 0.95 * done / steps)
        towns.sort(key=lambda result: result.turn)
        parts = [folder / "parts" / f"{result.turn:02d}" for result in towns]
        files = [file for file in files if any(town.parts.rows[file.key] for town in towns)]
        large_first = sorted(files, key=lambda file: (file.form != "xlsx", -sum(t.parts.rows[file.key] for t in towns)))
        for done, _ in enumerate(
            workers.run(_run_assembly, [(f, parts, folder / "files") for f in large_first]), start=1
        ):
            report(f"生成部门数据 {done}/{len(files)}", 0.95 * (len(jobs) + done) / steps)
    summary = _write_truth(folder, plans[0], households, towns, files)
    shutil.rmtree(folder / "parts")
    report("演示数据已生成", 1.0)
    return summary


def _write_truth(
    folder: Path, plan: TownPlan, households: int, towns: list[_TownResult], files: list[DepartmentFile]
) -> Summary:
    people = pa.concat_tables([pq.read_table(folder / "parts" / f"{t.turn:02d}" / "people.parquet") for t in towns])
    twice = [("id03", number, order) for number, order in _listed_twice(people)]
    expected = [entry for t in towns for entry in t.truth.expected] + twice
    planted = [entry for t in towns for entry in t.truth.planted] + twice
    links = _links(towns, files)
    refused = [row for t in towns for row in t.rosters.refused]
    odd = [row for t in towns for row in t.rosters.odd]
    tables = {
        "expected": truth.table("expected", sorted(expected, key=str)),
        "planted": truth.table("planted", sorted(planted, key=str)),
        "people": people,
        "refused": truth.table("refused", refused),
        "links": truth.table("links", links),
        "dirt": truth.table("dirt", odd),
    }
    for name, rows in tables.items():
        pq.write_table(rows, folder / "truth" / f"{name}.parquet")
    rosters = [FileInfo(*entry) for t in towns for entry in t.rosters.files]
    rosters.sort(key=lambda info: info.kind)
    departments = [FileInfo(f.name, f.kind, sum(t.parts.rows[f.key] for t in towns)) for f in files]
    summary = Summary(
        folder=folder,
        households=households,
        people=people.num_rows,
        seed=plan.seed,
        as_of=plan.as_of,
        region=REGION,
        files=(*rosters, *departments),
        planted=dict(sorted(Counter(key for key, *_ in planted).items())),
        expected=dict(sorted(Counter(key for key, *_ in expected).items())),
        refused=len(refused),
        dirty=len(links) + len(odd),
    )
    told = {key: value for key, value in asdict(summary).items() if key != "folder"} | {"as_of": plan.as_of.isoformat()}
    text = json.dumps(told, ensure_ascii=False, indent=1)
    (folder / "truth" / "summary.json").write_text(text, encoding="utf-8")
    (folder / "README.txt").write_text(_README.format(**asdict(summary)), encoding="utf-8")
    return summary


def _listed_twice(people: Any) -> list[tuple[str, int]]:
    """Household and order of everybody whose ID number stands in two places (id03)."""
    counted = people["id_number"].value_counts()
    twice = counted.filter(pc.greater(counted.field("counts"), 1)).field("values")
    rows = people.filter(pc.is_in(people["id_number"], value_set=twice)).to_pylist()
    return [(row["household_number"], row["member"]) for row in rows]


def _links(towns: list[_TownResult], files: list[DepartmentFile]) -> list[tuple[str, int, str, str, int | None]]:
    """The towns' dirty rows with the row numbers they have in the assembled files."""
    by_key = {file.key: file for file in files}
    offset = {file.key: file.header_rows for file in files}
    rows = []
    for town in towns:
        for key, row, what, number, order in town.parts.links:
            rows.append((by_key[key].name, offset[key] + row, what, number, order))
        for key, count in town.parts.rows.items():
            if count:
                offset[key] += count
    return rows
