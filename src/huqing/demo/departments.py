"""The files of the departments, each in its own format, with its own dirt.

A town writes its share of every file as a part; ``assemble`` puts the parts of one file together in town order. The
truth says of every dirty row whom it is about.
"""

from __future__ import annotations

import marshal
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from huqing.demo import dirt
from huqing.demo.adjust import Town
from huqing.demo.cells import Style, renderer
from huqing.demo.draw import Weighted
from huqing.demo.model import Fields, Household, Person, add_months
from huqing.demo.pensions import pension
from huqing.demo.rosters import COUNTY, TextTable
from huqing.demo.xlsx import BOLD, TITLE, Cell, Workbook
from huqing.standards.fields import RecordKind, department_kinds

Link = tuple[str, int, str, str, int | None]  # file key, row among its part's rows, what, household number, order
_PERSON_HEADERS = {"name": "人员姓名", "id_number": "公民身份号码"}
_DIRTY_SHARE = 0.012
_DIRT: Weighted[str] = Weighted(
    {
        "id_15": 2,
        "id_wide": 1.5,
        "id_lower_x": 1,
        "id_spaces": 1.5,
        "name_spaces": 1.5,
        "id_typo": 1,
        "id_swapped": 0.5,
        "id_missing": 1,
        "name_variant": 1.2,
        "number_missing": 2,
        "doubled": 1,
        "stranger": 1.5,
    }
)


@dataclass(frozen=True)
class DepartmentFile:
    """One file: which kind of rows, its name, and how it is written. ``form`` is xlsx, gbk or utf8 (with BOM)."""

    key: str
    kind: str
    name: str
    form: str
    style: Style
    headers: dict[str, str] = field(default_factory=dict, hash=False, compare=False)
    title: str = ""

    @property
    def header_rows(self) -> int:
        return (1 if self.title else 0) + 1


def department_files(as_of: date) -> list[DepartmentFile]:
    """Every department file of the county, in the order they should be taken in."""
    dots, compact = Style(date="dot", money="comma", yes="有", no="无"), Style(date="compact", money="text")
    files = [
        DepartmentFile(
            "insured1", "insured", f"城乡居民医保参保名单_{as_of.year}年.csv", "gbk", compact, _PERSON_HEADERS
        ),
        DepartmentFile("insured2", "insured", f"城镇职工医保参保名单_{as_of.year}年.xlsx", "xlsx", Style()),
        DepartmentFile(
            "school_enrolment",
            "school_enrolment",
            "学籍名册.xlsx",
            "xlsx",
            Style(),
            {"name": "学生姓名", "school": "学校名称"},
            f"{COUNTY}学籍名册",
        ),
        DepartmentFile("disability", "disability", "持证残疾人名册.xlsx", "xlsx", Style(date="dot", yes="√", no="×")),
        DepartmentFile(
            "civil_affairs", "civil_affairs", "社会救助对象名册.csv", "utf8", Style(date="slash", money="comma")
        ),
        DepartmentFile("housing", "housing", "住房安全鉴定台账.xlsx", "xlsx", Style(date="excel", yes="Y", no="N")),
        DepartmentFile(
            "water", "water", "农村饮水安全评价台账.csv", "utf8", Style(date="compact", money="text", yes="1", no="0")
        ),
        DepartmentFile("unemployment", "unemployment", "失业与务工中断名单.xlsx", "xlsx", Style(date="words")),
        DepartmentFile("pension", "pension", "居民养老保险待遇领取名单.csv", "utf8", Style(date="iso", money="text")),
        DepartmentFile(
            "work", "work", "务工监测台账.csv", "gbk", Style(date="dot", month="words"), {"job_income": "月收入"}
        ),
        DepartmentFile(
            "death", "death", "死亡人口信息.csv", "gbk", compact, {"id_number": "公民身份号码", "died_on": "死亡时间"}
        ),
        DepartmentFile("asset", "asset", "车辆房产工商及财政供养比对名单.xlsx", "xlsx", dots),
        DepartmentFile(
            "disaster",
            "disaster",
            "灾害损失核定表.xlsx",
            "xlsx",
            Style(date="excel", money="comma"),
            {"loss": "直接经济损失"},
            f"{COUNTY}灾害损失核定表",
        ),
        DepartmentFile(
            "home_visit",
            "home_visit",
            "走访记录台账.csv",
            "gbk",
            Style(date="iso", money="text"),
            {"visited_on": "走访时间"},
        ),
    ]
    files += [
        DepartmentFile(
            "measure", "measure", "帮扶措施台账.xlsx", "xlsx", Style(date="dot"), {"started_on": "开始时间"}
        ),
        DepartmentFile("village", "village", "行政村信息表.xlsx", "xlsx", Style(), {}, f"{COUNTY}行政村信息表"),
    ]
    month = add_months(as_of.replace(day=1), -13)
    for turn in range(14):
        form = "xlsx" if turn % 3 == 0 else "gbk"
        style = Style(date="excel") if form == "xlsx" else Style(date="iso", money="comma")
        headers = {"name": "患者姓名", "hospital": "医院名称"} if turn % 2 else {}
        name = f"医保结算明细_{month.year}年{month.month:02d}月.{'xlsx' if form == 'xlsx' else 'csv'}"
        files.append(DepartmentFile(f"medical_bill{month:%Y%m}", "medical_bill", name, form, style, headers))
        month = add_months(month, 1)
    return files


def _file_key(kind: str, row: Fields) -> str:
    if kind == "medical_bill":
        return f"{kind}{row['settled_on']:%Y%m}"
    return f"{kind}{row['insurance_kind']}" if kind == "insured" else kind


@dataclass
class PartResult:
    """How many rows a town gave to each file, and whom its dirty rows are about."""

    rows: dict[str, int] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)


class _Part:
    """A town's rows of one file on their way to the disk."""

    def __init__(self, folder: Path, file: DepartmentFile) -> None:
        self.file = file
        kind = department_kinds()[file.kind]
        self._renders = [(f.key, renderer(f, file.style)) for f in kind.fields]
        self._path = folder / file.key
        self._text = TextTable(self._path, _encoding(file)) if file.form != "xlsx" else None
        self._rows: list[list[Cell]] = []
        self.count = 0

    def add(self, values: Fields) -> int:
        get = values.get
        cells: list[Cell] = [None if (value := get(key)) is None else render(value) for key, render in self._renders]
        if self._text is not None:
            self._text.row(cells)
        else:
            self._rows.append(cells)
        self.count += 1
        return self.count

    def close(self) -> None:
        if self._text is not None:
            self._text.close()
        else:
            self._path.write_bytes(marshal.dumps(self._rows))


def _encoding(file: DepartmentFile) -> str:
    return "gb18030" if file.form == "gbk" else "utf-8"


class _Clerk:
    """Writes one town's department rows, now and then badly."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.parts = {file.key: _Part(folder, file) for file in department_files(town.as_of)}
        self.kinds = department_kinds()
        self.links: list[Link] = []
        self.names = Counter(p.fields["name"] for h in town.households for p in h.members)
        self.bills = 0

    def write(self) -> PartResult:
        """Write every row and let go of it: the rosters that follow need the memory."""
        for h in self.town.households:
            for kind, rows in h.records.items():
                for row in rows:
                    self._row(kind, row, h, h.head)
            for p in h.members:
                for kind, rows in p.records.items():
                    for row in rows:
                        self._row(kind, row, h, p)
                paid = pension(p, self.town.as_of)
                if paid is not None:
                    self._row("pension", paid, h, p, clean=True)
                p.records.clear()
            h.records.clear()
        for place, row in self.town.villages:
            names = {"village_code": place.code, "town_name": place.town, "village_name": place.name}
            self.parts["village"].add(row | names)
        for part in self.parts.values():
            part.close()
        return PartResult({key: part.count for key, part in self.parts.items()}, self.links)

    def _row(self, kind: str, row: Fields, h: Household, p: Person, *, clean: bool = False) -> None:
        part = self.parts[_file_key(kind, row)]
        declared = self.kinds[kind]
        values = {
            **row,
            "name": p.fields["name"],
            "id_number": p.true_id or p.fields["id_number"],
            "town_name": h.village.town,
            "village_name": h.village.name,
        }
        if declared.subject == "household":
            values["household_number"] = h.number
        elif kind == "disability":
            values["card_number"] = f"{values['id_number']}{row['disability_type']}{row['disability_grade']}"
        elif kind == "medical_bill":
            values["bill_number"] = self._bill_number(row)
        if p.true_id:
            self.links.append((part.file.key, part.count + 1, "roster_id_wrong", h.number, self._order(declared, p)))
        elif not clean and self.town.draw.chance(_DIRTY_SHARE) and not p.moved:
            self._dirty_row(part, declared, values, h, p)
            return
        part.add(values)

    def _bill_number(self, row: Fields) -> str:
        self.bills += 1
        return f"YB{row['settled_on']:%Y%m}{self.town.numbers.slot:02d}{self.bills:07d}"

    @staticmethod
    def _order(kind: RecordKind, p: Person) -> int | None:
        return p.order if kind.subject == "person" else None

    def _dirty_row(self, part: _Part, kind: RecordKind, values: Fields, h: Household, p: Person) -> None:
        what = self.town.draw.of(_DIRT)
        order = self._order(kind, p)
        if what in ("doubled", "stranger"):
            part.add(values)
            if what == "doubled":
                self.links.append((part.file.key, part.add(values), what, h.number, order))
            elif kind.subject == "person":
                self.links.append((part.file.key, part.add(self._of_a_stranger(kind, values, p)), what, "", None))
            return
        if self._spoil(what, kind, values, p):
            self.links.append((part.file.key, part.add(values), what, h.number, order))
        else:
            part.add(values)

    def _spoil(self, what: str, kind: RecordKind, values: Fields, p: Person) -> bool:
        """Apply one sort of dirt in place; False when it does not fit this row.

        A row without a usable ID number must still say who is meant: the name is the only one in the town.
        """
        draw, number, name = self.town.draw, values["id_number"], values["name"]
        unique = self.names[name] == 1
        if what in dirt.COSMETIC:
            odd = dirt.cosmetic(draw, what, number, name)
            if odd:
                values["id_number"], values["name"] = odd
            return odd is not None
        if what == "name_variant":
            other = dirt.variant(draw, name)
            values["name"] = other or name
            return other is not None
        if what == "number_missing":
            return values.pop("household_number", None) is not None
        if not unique:
            return False
        if what == "id_missing":
            values.pop("card_number", None)
            del values["id_number"]
            return True
        wrong = dirt.mistyped(draw, number, what)
        if wrong is not None:
            values["id_number"] = wrong
            values.pop("card_number", None)
        return wrong is not None

    def _of_a_stranger(self, kind: RecordKind, values: Fields, p: Person) -> Fields:
        town = self.town
        sex = p.fields["sex"]
        name = town.names.full(town.names.surname(), sex, 45)
        while self.names[name]:
            name = town.names.full(town.names.surname(), sex, 45)
        other = {**values, "name": name, "id_number": dirt.stranger(town.draw, sex, town.as_of)}
        if "card_number" in other:
            other["card_number"] = f"{other['id_number']}{values['disability_type']}{values['disability_grade']}"
        if kind.key == "medical_bill":
            other["bill_number"] = self._bill_number(values)
        return other


def write_parts(town: Town, folder: Path) -> PartResult:
    """Write the town's share of every department file into ``folder``."""
    folder.mkdir(parents=True)
    return _Clerk(town, folder).write()


def assemble(file: DepartmentFile, parts: list[Path], target: Path) -> None:
    """Make the file from the towns' parts, in the order given."""
    kind = department_kinds()[file.kind]
    labels = [file.headers.get(f.key, f.label) for f in kind.fields]
    if file.form != "xlsx":
        encoding = _encoding(file)
        with (target / file.name).open("wb") as out:
            if file.form == "utf8":
                out.write(b"\xef\xbb\xbf")
            out.write((",".join(labels) + "\r\n").encode(encoding))
            for part in parts:
                with (part / file.key).open("rb") as rows:
                    shutil.copyfileobj(rows, out, 1 << 20)
        return
    with Workbook(target / file.name) as book:
        sheet = book.sheet("Sheet1", len(labels))
        if file.title:
            sheet.merge(sheet.row([file.title], TITLE), 0, 1, len(labels) - 1)
        sheet.row(labels, BOLD)
        for part in parts:
            for cells in marshal.loads((part / file.key).read_bytes()):  # noqa: S302 - our own file, written above
                sheet.row(cells)
        sheet.close()
