"""Workbooks written row by row: shared strings, merged cells over rows already written, one pass, little memory.

XlsxWriter in constant-memory mode writes 0.26 million cells a second and cannot merge cells downwards; a county has
some 50 million cells and rosters with merged cells. This writer does the few things the demo needs, several times as
fast (bench/bench_demo.py compares them).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

# None, text, a number, or (Excel serial,) for a date.
Cell = str | int | float | tuple[int] | None
PLAIN, BOLD, DATE, TITLE = 0, 1, 2, 3
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="3"><font><sz val="11"/><name val="宋体"/></font>'
    '<font><b/><sz val="11"/><name val="宋体"/></font><font><b/><sz val="16"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" xfId="0" applyFont="1" applyAlignment="1">'
    '<alignment horizontal="center" vertical="center" wrapText="1"/></xf>'
    '<xf numFmtId="14" fontId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="2" xfId="0" applyFont="1" applyAlignment="1">'
    '<alignment horizontal="center"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_FLUSH_ROWS = 400


def letters(index: int) -> str:
    """The letters of column ``index`` (0 → A, 26 → AA)."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def _part(name: str) -> ZipInfo:
    info = ZipInfo(name, (2024, 1, 1, 0, 0, 0))  # a fixed time: the same county gives the same bytes
    info.compress_type = ZIP_DEFLATED
    return info


class Sheet:
    """One sheet being written; rows and columns count from 1 and 0."""

    def __init__(self, strings: dict[str, int], stream: IO[bytes], columns: int) -> None:
        self._strings = strings
        self._stream = stream
        self._letters = [letters(i) for i in range(columns)]
        self._buffer: list[str] = []
        self._merges: list[str] = []
        self.rows = 0
        stream.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())

    def row(self, cells: Sequence[Cell], style: int = PLAIN) -> int:
        """Append a row; returns its number as Excel shows it."""
        self.rows = number = self.rows + 1
        strings = self._strings
        styled = f' s="{style}"' if style else ""
        parts = [f'<row r="{number}">']
        for letter, value in zip(self._letters, cells, strict=False):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                index = strings.get(value)
                if index is None:
                    index = strings[value] = len(strings)
                parts.append(f'<c r="{letter}{number}"{styled} t="s"><v>{index}</v></c>')
            elif isinstance(value, tuple):
                parts.append(f'<c r="{letter}{number}" s="{DATE}"><v>{value[0]}</v></c>')
            else:
                parts.append(f'<c r="{letter}{number}"{styled}><v>{value}</v></c>')
        parts.append("</row>")
        self._buffer.append("".join(parts))
        if len(self._buffer) >= _FLUSH_ROWS:
            self._flush()
        return number

    def merge(self, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
        """Merge a block of cells; its value is that of the top left cell."""
        self._merges.append(f"{letters(first_column)}{first_row}:{letters(last_column)}{last_row}")

    def _flush(self) -> None:
        self._stream.write("".join(self._buffer).encode())
        self._buffer.clear()

    def close(self) -> None:
        """Finish the sheet."""
        self._flush()
        merges = ""
        if self._merges:
            cells = "".join(f'<mergeCell ref="{ref}"/>' for ref in self._merges)
            merges = f'<mergeCells count="{len(self._merges)}">{cells}</mergeCells>'
        self._stream.write(f"</sheetData>{merges}</worksheet>".encode())
        self._stream.close()


class Workbook:
    """A workbook being written; close a sheet before opening the next."""

    def __init__(self, path: Path) -> None:
        self._zip = ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1)
        self._names: list[str] = []
        self._strings: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._zip.close()

    def sheet(self, name: str, columns: int) -> Sheet:
        """Open the next sheet."""
        self._names.append(name)
        stream = self._zip.open(_part(f"xl/worksheets/sheet{len(self._names)}.xml"), "w", force_zip64=True)
        return Sheet(self._strings, stream, columns)

    def _finish(self) -> None:
        numbers = range(1, len(self._names) + 1)
        sheets = "".join(
            f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>'
            for i, name in zip(numbers, self._names, strict=True)
        )
        relations = "".join(
            f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in numbers
        )
        count = len(self._names)
        relations += f'<Relationship Id="rId{count + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        relations += f'<Relationship Id="rId{count + 2}" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}.worksheet+xml"/>' for i in numbers
        )
        package = f'<Relationships xmlns="{_PACKAGE}/relationships">'
        parts = {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}'
            f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>'
            f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>',
            "_rels/.rels": f'{package}<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f"{package}{relations}</Relationships>",
        }
        for name, text in parts.items():
            self._zip.writestr(_part(name), _XML + text, compresslevel=1)
        self._zip.writestr(_part("xl/styles.xml"), _STYLES, compresslevel=1)
        self._write_strings()

    def _write_strings(self) -> None:
        with self._zip.open(_part("xl/sharedStrings.xml"), "w", force_zip64=True) as stream:
            head = f'{_XML}<sst xmlns="{_MAIN}" uniqueCount="{len(self._strings)}">'
            stream.write(head.encode())
            batch: list[str] = []
            for text in self._strings:
                space = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
                batch.append(f"<si><t{space}>{escape(text)}</t></si>")
                if len(batch) >= 5000:
                    stream.write("".join(batch).encode())
                    batch.clear()
            stream.write(("".join(batch) + "</sst>").encode())
