"""Pairs that people name themselves: fixed ones, and ones to avoid, typed line by line or sent as a table."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Q

from huqing.access.scope import visible
from huqing.papers.sheets import Column, Sheet, write_workbook
from huqing.registry.models import Household, Person, Region
from huqing.standards.text import fold
from huqing.teams.models import Staff
from huqing.teams.tables import read_table

if TYPE_CHECKING:
    from huqing.access.models import User

COLUMNS: dict[str, tuple[str, ...]] = {
    "staff": ("责任人", "姓名", "人员编号"),
    "unit": ("单位", "工作单位"),
    "goal": ("对象", "户编号", "责任对象", "村"),
    "member": ("对象姓名", "学生姓名", "成员姓名"),
    "what": ("要求",),
    "reason": ("原因", "说明"),
}
FIX, AVOID = "指定", "回避"
MOST_ROWS = 5_000
NAMED = 5
CHUNK = 500


class Row(NamedTuple):
    """One line as it was written."""

    number: int
    staff: str
    unit: str
    goal: str
    member: str = ""
    what: str = ""
    reason: str = ""


class Named(NamedTuple):
    """One line understood: who, and which household, person or village."""

    row: Row
    staff: Staff
    of: str
    goal: Household | Person | Region

    @property
    def wanted(self) -> tuple[int, str, int]:
        """As a question for a pairing takes it."""
        return (self.staff.pk, self.of, self.goal.pk)


@dataclass
class Found:
    """The lines understood, and what is wrong with the others."""

    pairs: list[Named] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def refuse(self, name: str) -> None:
        """ValidationError on the field ``name`` with the first faults, if there are any."""
        if self.wrong:
            more = len(self.wrong) - NAMED
            raise ValidationError({name: [*self.wrong[:NAMED], *([f"另有 {more} 行有问题。"] if more > 0 else [])]})


def typed(text: str, what: str) -> list[Row]:
    """Lines as people type them: 姓名 户编号, 姓名 户编号 学生姓名, or 姓名 村名."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.replace("，", " ").replace(",", " ").split()
        if not parts:
            continue
        name, _, unit = parts[0].replace("(", "（").rstrip(")）").partition("（")
        goal, member = [*parts, "", ""][1:3]
        rows.append(Row(number, name, unit, goal, member, what))
    return rows


def from_file(content: BinaryIO, name: str, what: str = "") -> list[Row]:
    """The lines of a table (columns: see ``COLUMNS``); ValidationError if it cannot be read.

    ``what`` is meant by every row where the table has no column that says it.
    """
    rows = [
        Row(line.number, **{"unit": "", **line.values, "what": line.values.get("what") or what})
        for line in read_table(content, name, COLUMNS, needed=("staff", "goal"))[1]
        if any(line.cells)
    ]
    if not rows:
        raise ValidationError(f"{name}：表里没有内容。请确认选对了文件。")
    if len(rows) > MOST_ROWS:
        raise ValidationError(f"{name}：有 {len(rows)} 行，一次最多 {MOST_ROWS} 行，请分几个文件。")
    return rows


def template() -> bytes:
    """An empty table with its columns and two examples."""
    out = io.BytesIO()
    titles = [Column(names[0]) for names in COLUMNS.values()]
    examples = [
        ["张三", "县教育局", "（户编号、村名或村代码）", "", FIX, "群众要求"],
        ["李四", "县教育局", "（户编号）", "（只指户里一个人时写姓名）", AVOID, "亲属"],
    ]
    write_workbook(out, [Sheet("指定和回避", titles, examples)])
    return out.getvalue()


def understand(rows: Sequence[Row], *, by: User) -> Found:
    """Who and what each line means among what an account sees."""
    found, people, goals = Found(), _people(rows, by), _Goals(rows, by)
    for row in rows:
        if row.what not in (FIX, AVOID):
            found.wrong.append(f"第 {row.number} 行：要求写“{FIX}”或“{AVOID}”，现在是“{row.what[:10]}”。")
            continue
        same = [one for one in people[row.staff] if not row.unit or (one.unit and one.unit.name == row.unit)]
        if len(same) != 1:
            found.wrong.append(f"第 {row.number} 行：{_who(row, same)}")
            continue
        goal, wrong = goals.of(row)
        if goal is None:
            found.wrong.append(f"第 {row.number} 行：{wrong}")
            continue
        of = {Household: "household", Person: "person", Region: "village"}[type(goal)]
        found.pairs.append(Named(row, same[0], of, goal))
    return found


def _who(row: Row, same: Sequence[Staff]) -> str:
    if same:
        listed = "、".join(f"{one.name}（{one.unit or one.number or '未填单位'}）" for one in same[:3])
        return f"有几个人叫“{row.staff}”：{listed}。请写明单位，或写人员编号。"
    return f"没有找到“{row.staff[:20]}”。请写在任人员的姓名、“姓名（单位）”或人员编号。"


def _people(rows: Iterable[Row], by: User) -> dict[str, list[Staff]]:
    wanted = sorted({row.staff for row in rows if row.staff})
    found: dict[str, list[Staff]] = defaultdict(list)
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        said = Staff.objects.filter(Q(name__in=part) | Q(number__in=part), left_on=None).select_related("unit")
        for person in visible(said, by):
            for mark in {person.name, person.number} & set(part):
                found[mark].append(person)
    return found


class _Goals:
    """Households by number, people of them by name, villages by name or code."""

    def __init__(self, rows: Sequence[Row], by: User) -> None:
        wanted = sorted({row.goal for row in rows if row.goal})
        self.households: dict[str, Household] = {}
        self.people: dict[int, list[Person]] = defaultdict(list)
        active = Household.objects.filter(status=Household.Status.ACTIVE)
        for start in range(0, len(wanted), CHUNK):
            some = visible(active.filter(number__in=wanted[start : start + CHUNK]), by)
            self.households |= {household.number: household for household in some}
        with_member = {row.goal for row in rows if row.member} & set(self.households)
        homes = sorted(self.households[number].pk for number in with_member)
        for start in range(0, len(homes), CHUNK):
            for person in Person.objects.filter(household__in=homes[start : start + CHUNK]):
                self.people[person.household_id or 0].append(person)
        self.villages: dict[str, list[Region]] = defaultdict(list)
        if set(wanted) - set(self.households):
            for village in visible(Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None), by):
                for mark in {village.code, fold(village.name)}:
                    self.villages[mark].append(village)

    def of(self, row: Row) -> tuple[Household | Person | Region | None, str]:
        """What a line is about, or why that is not clear."""
        household = self.households.get(row.goal)
        if household is None:
            places = self.villages.get(row.goal) or self.villages.get(fold(row.goal), [])
            if len(places) == 1:
                return places[0], ""
            if places:
                return None, f"有 {len(places)} 个村都叫“{row.goal}”，请写 12 位村代码。"
            return None, f"没有找到“{row.goal[:30]}”。请写有效户的户编号、村名或 12 位村代码。"
        if not row.member:
            return household, ""
        same = [person for person in self.people[household.pk] if person.name == row.member]
        if len(same) == 1:
            return same[0], ""
        return None, f"{household.head_name}户{'有几个人' if same else '没有人'}叫“{row.member[:20]}”，请核对。"
