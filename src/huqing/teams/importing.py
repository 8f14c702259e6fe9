"""Units, staff and duties from a table: good rows are taken in, each other one is told what to write instead."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import require
from huqing.papers.sheets import Column, Marking, Row, Sheet, write_workbook
from huqing.standards.codelists import codelist
from huqing.teams.duty_checks import GOALS, clashes_of, goal_of
from huqing.teams.importing_rows import COLUMNS, Book, Read, Told, read_row
from huqing.teams.models import Posting, Responsibility, Staff, StaffImport, Unit
from huqing.teams.tables import Line, read_table

if TYPE_CHECKING:
    from huqing.access.models import User

BATCH = 500
COUNTY_DIGITS = 6
NAME_LENGTH = 200


@dataclass
class _Counts:
    rows: int = 0
    units: int = 0
    staff: int = 0
    changed: int = 0
    duties: int = 0
    known: int = 0
    refused: int = 0


@dataclass
class _Taken:
    """The good rows by person, and the others with their remedies."""

    people: dict[tuple[str, ...], list[Read]] = field(default_factory=dict)
    refused: list[Told] = field(default_factory=list)


def import_staff(*, content: BinaryIO, name: str, by: User | None, region: str = "", on: dt.date) -> StaffImport:
    """Take in a table of people, their units and perhaps one duty a row (columns: see ``COLUMNS``).

    ``on`` is from when duties without a date run. A row that contradicts an earlier row of the same person (another
    unit or place: one person in two places), or a duty that overlaps, is refused by itself. ValidationError if the file
    cannot be read or has none of the columns needed.
    """
    if by is not None:
        require(by, "manage_duties")
    place = region or (by.region_code if by else "")
    labels, rows = _read(content, name)
    with transaction.atomic():
        book = Book(place, on)
        taken = _sorted_out(rows, book)
        counts = _Counts(rows=len(rows))
        people = _save_people(taken, book, counts)
        _save_duties(taken, people, counts)
        counts.refused = len(taken.refused)
        done = StaffImport.objects.create(
            file_name=hide_numbers(name.replace("\\", "/").rsplit("/", 1)[-1])[-NAME_LENGTH:],
            region_code=place,
            columns=labels,
            counts=vars(counts),
            refused=[[told.number, told.values, told.faults] for told in sorted(taken.refused, key=lambda x: x.number)],
            created_at=timezone.now(),
            created_by=by,
        )
        audit.record(by=by, action="staff_import", subject=done, detail={"file": done.file_name, **vars(counts)})
    return done


def problems_workbook(done: StaffImport, *, by: User) -> bytes:
    """The rows that were not taken in, wrong cells coloured, with what to write instead."""
    out = io.BytesIO()
    places = {label: place for place, label in enumerate(done.columns)}
    rows = [
        Row(values, {places.get(label, 0): f"{label}：{remedy}" for label, remedy in faults.items()})
        for _, values, faults in done.refused
    ]
    sheet = Sheet("未入库人员", [Column(label) for label in done.columns], rows, remedies=True)
    write_workbook(out, [sheet], marking=Marking(by=by.display_name, at=timezone.localtime(), note="人员导入未入库行"))
    return out.getvalue()


def template_workbook() -> bytes:
    """An empty table with the columns and two rows as examples."""
    out = io.BytesIO()
    titles = [names[0] for names in COLUMNS.values()]
    example = {
        "number": "BF0001",
        "name": "张三",
        "unit": "县教育局",
        "unit_kind": "教育",
        "kind": "帮扶干部",
        "rank": "科级",
        "position": "科员",
        "role": "帮扶责任人",
        "goal": "（户编号、网格名称、村名或村代码）",
        "since": "2024-01-01",
        "member": "（只负责户里一个人的写，例如结对的学生）",
    }
    row = [example.get(key, "") for key in COLUMNS]
    listed = {"人员类别": "staff_kind", "责任": "duty_role", "单位类别": "unit_kind", "职级": "cadre_rank"}
    notes = [(title, "、".join(label for _, label in codelist(key).items)) for title, key in listed.items()]
    sheets = [
        Sheet("人员和责任", [Column(title) for title in titles], [row]),
        Sheet("可填的值", [Column("列"), Column("可填")], notes),
    ]
    write_workbook(out, sheets)
    return out.getvalue()


def _read(content: BinaryIO, name: str) -> tuple[list[str], list[Line]]:
    labels, rows = read_table(content, name, COLUMNS, needed=("name", "kind"))
    if not rows:
        raise ValidationError(f"{name}：表里没有人员。请确认选对了文件。")
    return labels, rows


def _sorted_out(rows: Sequence[tuple[int, dict[str, str], list[str]]], book: Book) -> _Taken:
    book.look_up([cells for _, cells, _ in rows])
    taken = _Taken()
    users: dict[int, tuple[str, ...]] = {}
    for number, cells, values in rows:
        found = read_row(number, cells, values, book)
        if isinstance(found, Told):
            taken.refused.append(found)
            continue
        if found.account is not None and users.setdefault(found.account.pk, found.key) != found.key:
            told = f"前面的行已把账号“{found.account.username}”写给另一个人，一个账号只属于一个人。"
            taken.refused.append(found.told("account", told))
            continue
        same = taken.people.setdefault(found.key, [])
        if same and same[0].values["name"] != found.values["name"]:
            told = f"第 {same[0].number} 行用同一编号写的是{same[0].values['name']}，一个编号只属于一个人，请核对。"
            taken.refused.append(found.told("number", told))
            continue
        other = next((one for one in same if one.place != found.place), None)
        if other is not None:
            told = f"与第 {other.number} 行是同一人，所在区划却不同。一个人只能在一处任职，请核对后改正。"
            taken.refused.append(found.told("region", told))
            continue
        same.append(found)
    return taken


def _save_people(taken: _Taken, book: Book, counts: _Counts) -> dict[tuple[str, ...], Staff]:
    people: dict[tuple[str, ...], Staff] = {}
    fresh: list[Staff] = []
    for key, rows in taken.people.items():
        row = rows[0]
        unit, staff = _unit(row, book, counts), row.staff
        account = next((one.account for one in rows if one.account is not None), None)
        values = {**row.values, "unit": unit, "region_code": row.place, "user": account}
        if staff is None:
            staff = Staff(**values)
            fresh.append(staff)
        elif _changed(staff, values):
            staff.save()
            counts.changed += 1
        people[key] = staff
    Staff.objects.bulk_create(fresh, batch_size=BATCH)
    Posting.objects.bulk_create(
        [
            Posting(staff=staff, unit=staff.unit, position=staff.position, region_code=staff.region_code, since=book.on)
            for staff in fresh
        ],
        batch_size=BATCH,
    )
    counts.staff = len(fresh)
    return people


def _changed(staff: Staff, values: Mapping[str, object]) -> bool:
    """Write what the file says and the row lacks or says otherwise; empty cells change nothing."""
    differing = {name: value for name, value in values.items() if value and getattr(staff, name) != value}
    # Another unit or place is a move with a date, not a correction.
    for name in ("unit", "region_code"):
        differing.pop(name, None)
    for name, value in differing.items():
        setattr(staff, name, value)
    return bool(differing)


def _unit(row: Read, book: Book, counts: _Counts) -> Unit | None:
    if not row.unit:
        return None
    found = book.units.get(row.unit)
    if found is None:
        found = Unit.objects.create(name=row.unit, kind=row.unit_kind, region_code=row.place[:COUNTY_DIGITS])
        book.units[row.unit] = found
        counts.units += 1
    elif row.unit_kind and not found.kind:
        found.kind = row.unit_kind
        found.save(update_fields=["kind"])
    return found


def _save_duties(taken: _Taken, people: Mapping[tuple[str, ...], Staff], counts: _Counts) -> None:
    """Write the duties that can stand; one that runs already is only counted, so a file may be sent again."""
    open_lines, ended = set(), set()
    for staff, role, since, until, *goals in Responsibility.objects.filter(
        staff__in=[staff.pk for staff in people.values()]
    ).values_list("staff", "role", "since", "until", *GOALS):
        goal = next(pair for pair in zip(GOALS, goals, strict=True) if pair[1] is not None)
        if until is None:
            open_lines.add((staff, role, goal))
        else:
            ended.add((staff, role, goal, since, until))
    lines: list[tuple[Read, Responsibility]] = []
    for key, rows in taken.people.items():
        for row in rows:
            if row.duty is None:
                continue
            row.duty.staff = people[key]
            same = (row.duty.staff_id, row.duty.role, goal_of(row.duty))
            if same in open_lines or (*same, row.duty.since, row.duty.until) in ended:
                counts.known += 1
            else:
                lines.append((row, row.duty))
    good = []
    for (row, line), told in zip(lines, clashes_of([line for _, line in lines]), strict=True):
        if told:
            taken.refused.append(row.told("goal", told))
        else:
            good.append(line)
    Responsibility.objects.bulk_create(good, batch_size=BATCH)
    counts.duties = len(good)
