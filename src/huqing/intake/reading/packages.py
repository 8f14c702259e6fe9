"""What the XML of an xlsx says beside its values: merged ranges, and numbers too long for a double.

The reader that gives the values hides whether a cell was a number, so one streaming pass over the sheet's XML looks for
the few cells for which that matters. The pass holds a few megabytes and never parses the XML as a tree. It
also cuts a sheet after its first rows, which makes the preview of a large workbook as quick as that of a small one.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from xml.etree import ElementTree

from huqing.intake.reading.faults import Fault

BLOCK = 4 * 2**20
MOST_TAIL = 64 * 2**20
MOST_MARKS = 5_000_000
Merge = tuple[int, int, int, int]

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_RUN = b"0" * 16
_ROW_END = re.compile(rb"</(?:\w+:)?row\s*>|<(?:\w+:)?row\b[^>]*/>")
_LAST_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br=[\"'](\d{1,7})[\"']")
_PREFIX = re.compile(rb"<(\w+:)?sheetData\b")
_DATA_END = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)>")
_LONG = re.compile(rb"\d{16,}(?:\.0*)?|\d(?:\.\d+)?[eE]\+?\d{2}")
_REF = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_TYPE = re.compile(rb"\bt=[\"'](?!n[\"'])")
_MERGE = re.compile(rb"mergeCell\b[^>]*?\bref=[\"']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})[\"']")


@dataclass
class SheetFacts:
    """What one pass over a sheet's XML found, counted from 0; `unplaced` says that a long number has no address."""

    rows: int = 0
    merges: list[Merge] = field(default_factory=list)
    long_numbers: list[tuple[int, int, str]] = field(default_factory=list)
    unplaced: bool = False
    head: bytes | None = None


def column_index(letters: bytes | str) -> int:
    """The 0-based index of a column's letters: A → 0, XFD → 16383."""
    index = 0
    for letter in letters if isinstance(letters, bytes) else letters.encode():
        index = index * 26 + letter - 64
    return index - 1


def open_package(path: str, *, most_bytes: int) -> zipfile.ZipFile:
    """The zip package at `path`, or a Fault when it is broken, locked or declares more than `most_bytes` of content."""
    try:
        package = zipfile.ZipFile(path)
        entries = package.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
        raise Fault("文件不完整或已损坏，无法打开。", "请在 Excel 或 WPS 中打开后另存为 .xlsx，再上传。") from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise Fault("文件加了密码。", "请打开文件，去掉密码后另存，再上传。")
    if sum(entry.file_size for entry in entries) > most_bytes or len(entries) > 20_000:
        raise Fault(
            "文件展开后超出上限（可能是损坏的压缩包）。",
            "请只保留要导入的工作表，另存为新的 .xlsx 后再上传；数据很多时请分成几个文件。",
        )
    return package


def book_part(package: zipfile.ZipFile) -> str:
    """The name of the workbook's own part, "" when the package says of none (the usual place is only a habit)."""
    names = _names(package)
    try:
        root = _tree(package, names.get("_rels/.rels", ""))
    except (ElementTree.ParseError, zipfile.BadZipFile, KeyError, ValueError, OSError):
        root = None
    for node in root if root is not None else ():
        if node.get("Type", "").endswith("/officeDocument"):
            return names.get(node.get("Target", "").replace("\\", "/").lstrip("/").lower(), "")
    return names.get("xl/workbook.xml", "")


def sheet_parts(package: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name → name of its XML part; sheets whose part cannot be found are left out."""
    names = _names(package)
    book = book_part(package)
    folder = posixpath.dirname(book.replace("\\", "/").lstrip("/"))
    rels = names.get(posixpath.join(folder, "_rels", f"{posixpath.basename(book)}.rels").lower())
    if not book or not rels:
        return {}
    try:
        targets = {
            node.get("Id", ""): node.get("Target", "")
            for node in _tree(package, rels)
            if node.tag.endswith("Relationship")
        }
        sheets = [node for node in _tree(package, book).iter() if node.tag.endswith("}sheet")]
    except (ElementTree.ParseError, zipfile.BadZipFile, KeyError, ValueError, OSError):
        return {}
    parts = {}
    for node in sheets:
        link = next((value for key, value in node.attrib.items() if key.endswith("}id")), "")
        target = targets.get(link, "").replace("\\", "/")
        full = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        if full.lower() in names:
            parts[node.get("name", "")] = names[full.lower()]
    return parts


def _names(package: zipfile.ZipFile) -> dict[str, str]:
    """Lower-case path → name as stored: producers differ in case, slashes and a leading slash."""
    return {name.replace("\\", "/").lstrip("/").lower(): name for name in package.namelist()}


def _tree(package: zipfile.ZipFile, part: str) -> ElementTree.Element:
    if package.getinfo(part).file_size > 8 * 2**20:
        raise ValueError(part)
    return ElementTree.fromstring(package.read(part))  # noqa: S314 - expat refuses entity bombs; the process is bounded


def scan(package: zipfile.ZipFile, part: str, *, head_rows: int = 0, most_bytes: int) -> SheetFacts:
    """One pass over the XML `part`.

    With `head_rows`, `head` is the part cut after that many rows (None if shorter) and long numbers are not looked for.
    """
    facts = SheetFacts()
    head = bytearray()
    ends = ended = 0
    keeping = head_rows > 0
    for block, last in _blocks(package, part, most_bytes):
        if last:
            for c0, r0, c1, r1 in _MERGE.findall(block):
                facts.merges.append((int(r0) - 1, column_index(c0), int(r1) - 1, column_index(c1)))
        if not head_rows:
            _marks(block, facts)
        found = _last(_LAST_ROW, block, max(0, len(block) - 2 * 65536), len(block))
        ended += block.count(b"</row>") + block.count(b":row>")
        facts.rows = max(facts.rows, ended, int(found[1]) if found else 0)
        if keeping and not last:
            for end in _ROW_END.finditer(block):
                ends += 1
                if ends == head_rows:
                    keeping = False
                    head += block[: end.end()]
                    name = (_PREFIX.search(bytes(head[:65536])) or [b"", b""])[1] or b""
                    facts.head = bytes(head) + b"</%ssheetData></%sworksheet>" % (name, name)
                    break
            else:
                head += block
            if len(head) > MOST_TAIL:
                keeping = False
    return facts


def _blocks(package: zipfile.ZipFile, part: str, most_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """The part in blocks that end with a whole row; the last block is everything after the last row."""
    rest = b""
    total = 0
    try:
        with package.open(part) as stream:
            while chunk := stream.read(BLOCK):
                total += len(chunk)
                if total > most_bytes:
                    raise Fault("工作表展开后超出上限（可能是损坏的压缩包）。", "请另存为新的 .xlsx 后再上传。")
                rest += chunk
                cut = max(rest.rfind(b"</row>"), rest.rfind(b":row>"))
                if cut >= 0:
                    cut = rest.index(b">", cut) + 1
                    yield rest[:cut], False
                    rest = rest[cut:]
                if len(rest) > MOST_TAIL:
                    return
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError) as error:
        raise Fault("文件不完整或已损坏，无法读完。", "请在 Excel 或 WPS 中打开后另存为 .xlsx，再上传。") from error
    yield rest, True


def _marks(block: bytes, facts: SheetFacts) -> None:
    if len(facts.long_numbers) > MOST_MARKS:
        return
    digits = block.translate(_DIGITS)
    for start in (
        *_positions(digits, _RUN),
        *_positions(block, b"E+1"),
        *_positions(block, b"E17"),
        *_positions(block, b"E18"),
    ):
        value_start = block.rfind(b">", max(0, start - 24), start) + 1
        number = _LONG.match(block, value_start) if value_start else None
        if not number or block[number.end() : number.end() + 1] != b"<":
            continue
        opened = _last(_CELL, block, max(0, value_start - 400), value_start)
        place = _REF.search(opened[1]) if opened else None
        if not opened or _TYPE.search(opened[1]):
            continue
        if not place:
            facts.unplaced = True
            continue
        value = int(Decimal(number[0].decode()))
        if value >= 10**15:
            text = str(int(Decimal(f"{value:.14E}")) if value < 10**300 else value)
            facts.long_numbers.append((int(place[2]) - 1, column_index(place[1]), text))


def _last(pattern: re.Pattern[bytes], block: bytes, start: int, end: int) -> re.Match[bytes] | None:
    """The last match of `pattern` between two positions."""
    return deque(pattern.finditer(block, start, end), maxlen=1).pop() if pattern.search(block, start, end) else None


def _positions(block: bytes, needle: bytes) -> Iterator[int]:
    at = block.find(needle)
    while at >= 0:
        yield at
        end = block.find(b"<", at)
        at = block.find(needle, end if end > at else at + 1)


def shortened(package: zipfile.ZipFile, heads: dict[str, bytes]) -> bytes:
    """The package with the parts of `heads` replaced by their first rows."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as short:
        for entry in package.infolist():
            if entry.filename in heads:
                short.writestr(entry.filename, heads[entry.filename])
            elif entry.filename.lower().endswith((".xml", ".rels")):
                short.writestr(entry.filename, package.read(entry))
    return out.getvalue()
