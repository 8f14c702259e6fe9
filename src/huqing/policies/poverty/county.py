"""Poverty measures of a county: incomes against a line and deprivations, of every living member, by town.

Everybody shares the income and the deprivations of the household. Income per head and findings come from the rules, so
that they are the figures of screening; what the rules call unknown stays unknown here. Over a whole county there is no
sampling error; for a sample of households, weights, strata and clusters come from a file.
"""
# ruff: noqa: S608 - DuckDB takes no bound names; every name comes from declarations and plans, every path is quoted

from __future__ import annotations

import csv
import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from huqing.policies.poverty import deprivation, income
from huqing.policies.poverty.deprivation import Indicator, Missing, Profile
from huqing.policies.poverty.income import IncomeMeasures
from huqing.policies.poverty.profile import SHIPPED, Deprivation, Deprivations, read
from huqing.policies.poverty.samples import Design, SampleError, census, sample
from huqing.rules.engine import check_snapshot, open_snapshot, plan_for, quoted, table_sizes
from huqing.rules.entities import HOUSEHOLD, PERSON
from huqing.rules.plans import FLAG, Plan
from huqing.standards.fields import department_kinds

INCOME, INCOME_FINDING, MEMBERS = "net_income_per_head", "income_below_line", "members"
SAMPLE_COLUMNS = ("户编号", "权数", "层", "群", "总体单位数")
WHOLE = "全县"


@dataclass(frozen=True)
class CountyMeasures:
    """Incomes by town code and last of the county; the deprivation profile, its file and what could not be measured.

    ``not_measured`` maps an indicator to the reason it is left out for everybody (no department file, no parameter).
    """

    households: int
    people: int
    line: int
    incomes: tuple[IncomeMeasures, ...]
    deprivations: Deprivations
    not_measured: dict[str, str]
    profile: Profile


@dataclass(frozen=True)
class _People:
    towns: NDArray[Any]
    numbers: NDArray[Any]
    incomes: NDArray[np.float64]
    lacks: NDArray[np.float64]


def measure(
    snapshot: Path,
    *,
    as_of: datetime.date,
    region: str,
    line: int,
    deprivations: Path = SHIPPED,
    missing: Missing = "drop_person",
    tolerated: float = 0.0,
    sample_file: Path | None = None,
    cache: Path | None = None,
) -> CountyMeasures:
    """All measures of a snapshot's living people; ``line`` is in fen per head and year.

    Raises SampleError for a sample file, line or data that cannot be measured, ProfileError for the profile's file,
    TableError for a snapshot that lacks a table.
    """
    asked = read(deprivations)
    plan = _plan(snapshot, asked, as_of=as_of, region=region, cache=cache)
    left_out = {item.indicator.key: plan.not_run[item.finding] for item in asked.items if item.finding in plan.not_run}
    used = [item for item in asked.items if item.indicator.key not in left_out]
    if not used:
        raise SampleError(f"没有一项指标能计算：{'；'.join(dict.fromkeys(left_out.values()))}。")
    households = _households(snapshot, plan, used)
    households, weights = _sampled(households, sample_file)
    people = _expand(households, used)
    design = _design(people, weights)
    return CountyMeasures(
        households=len(households["number"]),
        people=len(people.incomes),
        line=line,
        incomes=tuple(income.measure(people.incomes, line, design, groups=people.towns, whole=WHOLE)),
        deprivations=asked,
        not_measured=left_out,
        profile=deprivation.profile(
            people.lacks,
            _of_weight_one([item.indicator for item in used]),
            asked.cutoff,
            design,
            groups=people.towns,
            missing=missing,
            tolerated=tolerated,
        ),
    )


def _plan(snapshot: Path, asked: Deprivations, *, as_of: datetime.date, region: str, cache: Path | None) -> Plan:
    sizes = table_sizes(snapshot)
    empty = frozenset(table for table in department_kinds() if not sizes.get(table))
    wanted = [INCOME_FINDING, *(item.finding for item in asked.items if item.finding)]
    plan = plan_for(
        as_of=as_of,
        region=region,
        findings=list(dict.fromkeys(wanted)),
        empty=empty,
        keep_values=True,
        cache=cache,
    )
    if INCOME_FINDING in plan.not_run:
        raise SampleError(f"人均纯收入无法计算：{plan.not_run[INCOME_FINDING]}。")
    return plan


def _of_weight_one(indicators: Sequence[Indicator]) -> list[Indicator]:
    total = sum((indicator.weight for indicator in indicators), Fraction(0))
    return [Indicator(i.key, i.title, i.dimension, i.weight / total) for i in indicators]


def _households(snapshot: Path, plan: Plan, used: Sequence[Deprivation]) -> dict[str, NDArray[Any]]:
    """Per household: number, town, living members, income per head (fen, NaN), and per indicator 1, 0 or NaN."""
    with duckdb.connect() as connection:
        check_snapshot(connection, snapshot, plan)
        open_snapshot(connection, snapshot, plan, None)
        for step in plan.steps:
            kind = "TEMP TABLE" if step.whole else "TEMP VIEW"
            connection.execute(f'CREATE {kind} "{step.name}" AS {step.sql}')
        relation, names = plan.values[HOUSEHOLD]
        subjects = {outcome.finding: subject for subject, found in plan.outcomes.items() for outcome in found}
        columns, joins = [], []
        for place, item in enumerate(used):
            if item.column:
                listed = ", ".join(_literal(value) for value in item.values)
                columns.append(f'CAST(h."{item.column}" IN ({listed}) AS DOUBLE) AS "i{place}"')
            elif subjects[item.finding] == HOUSEHOLD:
                columns.append(f'CAST(v."{FLAG}{item.finding}" AS DOUBLE) AS "i{place}"')
            else:
                columns.append(f'CAST(p."i{place}" AS DOUBLE) AS "i{place}"')
                joins.append((place, item.finding))
        rows = connection.execute(
            f'SELECT h.number, h.town_code AS town, v."{names[MEMBERS]}" AS members, '
            f'CAST(v."{names[INCOME]}" AS DOUBLE) AS income, {", ".join(columns)} '
            f"FROM read_parquet('{quoted(snapshot / 'household.parquet')}') h JOIN \"{relation}\" v ON v.id = h.id "
            f'{_members(plan, joins)} WHERE v."{names[MEMBERS]}" > 0 ORDER BY h.number'
        ).fetchnumpy()
    return {name: _plain(column) for name, column in rows.items()}


def _members(plan: Plan, joins: Sequence[tuple[int, str]]) -> str:
    """The findings of people brought to their household: found for anybody, else unknown of anybody, else not."""
    if not joins:
        return ""
    relation, _ = plan.values[PERSON]
    flags = ", ".join(
        f'CASE WHEN bool_or("{FLAG}{finding}") THEN 1 WHEN bool_or("{FLAG}{finding}" IS NULL) THEN NULL ELSE 0 END '
        f'AS "i{place}"'
        for place, finding in joins
    )
    return f'JOIN (SELECT household_id, {flags} FROM "{relation}" GROUP BY household_id) p ON p.household_id = h.id'


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + str(value).replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _plain(column: Any) -> NDArray[Any]:
    """A column with NaN for what is missing; texts as texts."""
    if isinstance(column, np.ma.MaskedArray):
        if column.dtype.kind == "f":
            return np.asarray(column.filled(math.nan))
        return np.where(np.ma.getmaskarray(column), "", column.filled("") if column.dtype.kind == "O" else column.data)
    return np.asarray(column)


def _expand(households: dict[str, NDArray[Any]], used: Sequence[Deprivation]) -> _People:
    """One row per living member instead of one per household."""
    members = households["members"].astype(np.int64)
    lacks = np.stack([households[f"i{place}"] for place in range(len(used))], axis=1)
    return _People(
        towns=np.repeat(households["town"].astype(str), members),
        numbers=np.repeat(households["number"].astype(str), members),
        incomes=np.repeat(households["income"], members),
        lacks=np.repeat(lacks, members, axis=0),
    )


def _sampled(
    households: dict[str, NDArray[Any]], file: Path | None
) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, str]] | None]:
    """The households of a sample file only, and the file's rows by household number."""
    if file is None:
        return households, None
    rows = _read_sample(file)
    chosen = np.array([number in rows for number in households["number"].astype(str)], bool)
    unknown = sorted(set(rows) - set(households["number"][chosen].astype(str)))
    if unknown:
        raise SampleError(
            f"抽样文件中有 {len(unknown)} 户不在快照里或没有在世成员，例如户编号 {unknown[0]}。请核对户编号。"
        )
    return {name: column[chosen] for name, column in households.items()}, rows


def _read_sample(file: Path) -> dict[str, dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            header, rows = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SampleError(f"抽样文件 {file.name} 读不出来（{error}）。请存为 UTF-8 编码的 CSV。") from error
    extra = [name for name in header if name not in SAMPLE_COLUMNS]
    if "户编号" not in header or extra:
        raise SampleError(
            f"抽样文件 {file.name} 的表头是 {'、'.join(header) or '空'}。"
            "须有“户编号”，另可有“权数”“层”“群”“总体单位数”。"
        )
    found: dict[str, dict[str, str]] = {}
    for line, row in enumerate(rows, 2):
        number = (row["户编号"] or "").strip()
        if number in found or not number:
            reason = "重复" if number else "空白"
            raise SampleError(f"抽样文件 {file.name} 第 {line} 行的户编号“{number}”{reason}。请每户只写一行。")
        for name in ("权数", "总体单位数"):
            if name in header and not _is_number(row[name]):
                raise SampleError(f"抽样文件 {file.name} 第 {line} 行的{name}“{row[name]}”不是数。请填数字。")
        found[number] = row
    if not found:
        raise SampleError(f"抽样文件 {file.name} 没有一户。请每行写一户。")
    return found


def _is_number(text: str | None) -> bool:
    try:
        return math.isfinite(float(text or ""))
    except ValueError:
        return False


def _design(people: _People, rows: dict[str, dict[str, str]] | None) -> Design:
    """A census, or the sample's design with the household as cluster unless the file names another."""
    if rows is None:
        return census(len(people.incomes))
    header = next(iter(rows.values()))

    def column(name: str) -> list[str] | None:
        return [rows[number][name].strip() for number in people.numbers] if name in header else None

    weights, sizes = column("权数"), column("总体单位数")
    return sample(
        len(people.incomes),
        weights=None if weights is None else [float(weight) for weight in weights],
        strata=column("层"),
        clusters=column("群") or people.numbers,
        population=None if sizes is None else [float(size) for size in sizes],
    )
