"""Our rosters against the departments': one snapshot, a few joins over whole tables, every difference with its values.

A roster is compared only if the department has sent one that covers the day: no file is never "nobody is entitled".
"""

# ruff: noqa: S608 - every path is our own and quoted, every name is a constant of this package

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from huqing.rosters import comparing_sql as sql
from huqing.rosters.comparing_sql import Roster
from huqing.rosters.models import RosterDifference
from huqing.rules.engine import quoted
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text

K = RosterDifference.Kind
# Why there may be a difference; the first that fits is told.
WHYS = {
    "dead": "人已去世",
    "moved": "人已迁出或转出",
    "case": "有未办结的事项",
    "waiting": "有疑似同一人待判定",
    "stopped": "部门已停止",
    "new": "一个月内的新变化",
    "unlinked": "人不在本县档案里，或证件号有误",
    "unknown": "原因不明，请核实",
}
GONE = ("dead", "moved")
ROSTERS = {
    one.key: one
    for one in (
        Roster("dibao", "低保", "civil_affairs", "dibao", "dibao", "1"),
        Roster("tekun", "特困", "civil_affairs", "tekun", "tekun", "2"),
        Roster("dibao_marginal", "低保边缘", "civil_affairs", "dibao_marginal", "", "3"),
        Roster("rigid_expense", "刚性支出困难", "civil_affairs", "rigid_expense", "", "4"),
        Roster("disability", "持证残疾人", "disability"),
        Roster("insured", "基本医保参保", "insured"),
    )
}
INSURANCES = (("1", "resident_insurance", "城乡居民医保"), ("2", "employee_insurance", "城镇职工医保"))
Row = Mapping[str, Any]


@dataclass
class Found:
    """One difference as a comparison finds it."""

    roster: str
    kind: str
    identity: str
    household_id: int | None
    person_id: int | None
    record_id: int | None
    region_code: str
    name: str
    values: list[list[str]]
    why: str


@dataclass
class Beside:
    """What the snapshot does not hold: open cases, people waiting to be linked, rows nobody was found for.

    ``unlinked`` are (id, record kind, kind of aid, name, region code, fingerprint).
    """

    cases: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    unlinked: list[tuple[int, str, str, str, str, str]] = field(default_factory=list)


def compare(snapshot: Path, beside: Beside, day: dt.date) -> tuple[dict[str, list[Found]], dict[str, int]]:
    """The differences by roster, and how many are in both; a roster without a department's file is in neither."""
    told: dict[str, list[Found]] = {}
    both: dict[str, int] = {}
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        _open(db, snapshot, beside, day)
        for roster in ROSTERS.values():
            if not _covered(db, roster, snapshot, day):
                continue
            for name, query in sql.tables(roster, _file(snapshot, roster.record_kind), day).items():
                db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
            told[roster.key] = [
                *_differences(db, roster, day),
                *_amounts(db, roster, snapshot, day),
                *_unlinked(db, roster),
            ]
            row = db.execute("SELECT count(*) FROM ours JOIN theirs USING (person_id)").fetchone()
            both[roster.key] = int(row[0]) if row else 0
    return told, both


def _file(snapshot: Path, name: str) -> str:
    return f"read_parquet('{quoted(snapshot / f'{name}.parquet')}')"


def _has(snapshot: Path, name: str) -> bool:
    return (snapshot / f"{name}.parquet").exists()


def _open(db: Any, snapshot: Path, beside: Beside, day: dt.date) -> None:
    db.execute("CREATE TEMP TABLE open_case (household_id BIGINT)")
    db.execute("CREATE TEMP TABLE waiting (person_id BIGINT)")
    db.execute("CREATE TEMP TABLE loose (id BIGINT, kind TEXT, aid TEXT, name TEXT, region_code TEXT, hash TEXT)")
    for table, rows in (
        ("open_case", [(one,) for one in beside.cases]),
        ("waiting", [(one,) for one in beside.waiting]),
        ("loose", beside.unlinked),
    ):
        if rows:
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    died = _file(snapshot, "death") if _has(snapshot, "death") else "(SELECT NULL::BIGINT AS person_id) AS nobody"
    label = _file(snapshot, "label") if _has(snapshot, "label") else sql.NO_LABELS
    db.execute(f"CREATE TEMP TABLE died AS SELECT DISTINCT person_id FROM {died}")
    db.execute(f"CREATE TEMP TABLE person AS {sql.PERSON.format(person=_file(snapshot, 'person'))}")
    db.execute(f"CREATE TEMP TABLE label AS {sql.LABEL.format(label=label, day=day)}")
    households = _file(snapshot, "household")
    db.execute(f"CREATE TEMP VIEW household AS SELECT id, region_code, dibao_amount FROM {households}")


def _covered(db: Any, roster: Roster, snapshot: Path, day: dt.date) -> bool:
    """Whether the department has sent rows of this kind (for insurance: of this year)."""
    if not _has(snapshot, roster.record_kind):
        return False
    where = f"WHERE year = {day.year}" if roster.key == "insured" else ""
    found = db.execute(f"SELECT count(*) FROM {_file(snapshot, roster.record_kind)} {where}").fetchone()
    return bool(found and found[0])


def _differences(db: Any, roster: Roster, day: dt.date) -> Iterator[Found]:
    found = db.execute(sql.ROWS.format(day=day, differs=sql.DIFFERS.get(roster.key, sql.AID_DIFFERS)))
    names = [column[0] for column in found.description]
    for values in found.fetchall():
        row = dict(zip(names, values, strict=True))
        yield Found(
            roster.key,
            K.DETAIL if row["in_ours"] and row["in_theirs"] else K.OURS if row["in_ours"] else K.THEIRS,
            f"p{row['person_id']}",
            row["household_id"],
            row["person_id"],
            row["record_id"],
            row["region_code"],
            "",
            _VALUES.get(roster.key, _aid_values)(roster, row),
            row["why"],
        )


def _aid_values(roster: Roster, row: Row) -> list[list[str]]:
    theirs = f"{row['their_since']} 起" if row["in_theirs"] else _stopped(row)
    values = [["标签", f"{row['our_since']} 起" if row["our_since"] else "没有", theirs]]
    if roster.flag and row["flagged"] is not None:
        ours = "是" if row["flagged"] else "否"
        values.append([f"成员表是否{roster.title}", ours, "在册" if row["in_theirs"] else "不在册"])
    if row["in_theirs"] and row["why"] in GONE:
        values.append(["人员状态", WHYS[row["why"]], "仍在册"])
    return values


def _disability_values(roster: Roster, row: Row) -> list[list[str]]:
    values = []
    for title, key, theirs in (("残疾类别", "disability_type", "class"), ("残疾等级", "disability_grade", "grade")):
        codes = codelist(key)
        ours, told = (codes.label(value) if value else "没有" for value in (row[key], row[theirs]))
        if ours != told:
            values.append([title, ours, told if row["in_theirs"] else _stopped(row)])
    if row["in_ours"] and row["disability_type"] is None:
        values.append(["健康状况", "残疾", "持证" if row["in_theirs"] else _stopped(row)])
    return values


def _insured_values(roster: Roster, row: Row) -> list[list[str]]:
    values = []
    for code, column, title in INSURANCES:
        ours, theirs = row[column], code in (row["class"] or "")
        if bool(ours) != theirs:
            said = "没有登记" if ours is None else "参加" if ours else "没有参加"
            values.append([title, said, "在参保名单" if theirs else "不在参保名单"])
    return values


_VALUES: dict[str, Callable[[Roster, Row], list[list[str]]]] = {
    "disability": _disability_values,
    "insured": _insured_values,
}


def _stopped(row: Row) -> str:
    return f"{row['stopped']} 停止" if row["stopped"] else "没有"


def _amounts(db: Any, roster: Roster, snapshot: Path, day: dt.date) -> Iterator[Found]:
    if roster.key != "dibao":
        return
    query = sql.AMOUNTS.format(rows=_file(snapshot, roster.record_kind), aid=roster.aid, day=day)
    for home, code, ours, theirs, record in db.execute(query).fetchall():
        values = [["一年的低保金", f"{_yuan(ours)} 元", f"{_yuan(int(theirs))} 元（月保障金×12）"]]
        yield Found(roster.key, K.DETAIL, f"h{home}", home, None, record, code, "", values, "unknown")


def _yuan(fen: int) -> str:
    return yuan_text(fen, grouped=True)


def _unlinked(db: Any, roster: Roster) -> Iterator[Found]:
    for pk, name, code, fingerprint in db.execute(sql.LOOSE, [roster.record_kind, roster.aid, roster.aid]).fetchall():
        values = [["姓名", "没有对上", name]]
        yield Found(roster.key, K.UNLINKED, f"f{fingerprint}", None, None, pk, code, name, values, "unlinked")
