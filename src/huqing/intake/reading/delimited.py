"""Text files in the helper process: encoding, delimiter and records, however they were written."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.compute as pc

from huqing.intake.reading.faults import Fault
from huqing.intake.reading.workbooks import RawSheet, encoded

CHUNK = 2**20
BATCH = 20_000
LONGEST_CELL = 131_072
DELIMITERS = (",", "\t", ";", "|", "，")
_CODECS = {"UTF-8": "utf-8-sig", "GBK": "gbk", "GB2312": "gbk", "GB18030": "gb18030"}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SEP_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


def encoding_of(path: str) -> str:
    """The encoding of a text file: by its mark, by the zero bytes of UTF-16, else the first of UTF-8, GBK and GB18030
    that decodes all of it. A Fault names the line that none of them decodes."""
    with open(path, "rb") as stream:
        start = stream.read(4096)
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) >= max(2, len(start) // 100) and min(even, odd) * 8 < max(even, odd):
        # Commas, digits and line breaks of UTF-16 text have their zero byte always on the same side.
        name = "utf-16-le" if odd > even else "utf-16-be"
        if not _first_bad_line(path, name):
            return name
    line = 0
    for name in ("utf-8", "gbk", "gb18030"):
        bad = _first_bad_line(path, name)
        if not bad:
            return name
        line = max(line, bad)
    raise Fault(
        "有无法识别的文字编码。", "请用 Excel 或 WPS 打开核对文字，另存为“CSV UTF-8”或 .xlsx，再上传。", row=line
    )


def _chosen(path: str, encoding: str) -> str:
    """The codec of an encoding the clerk chose, "" for UTF-16 (whose byte order has to be found) and for none."""
    codec = _CODECS.get(encoding.upper(), "")
    bad = _first_bad_line(path, codec) if codec else 0
    if bad:
        raise Fault(f"不是 {encoding} 编码的文字。", "请改选别的编码，或另存为“CSV UTF-8”后再上传。", row=bad)
    return codec


def _first_bad_line(path: str, encoding: str) -> int:
    """The line on which `path` stops being `encoding`, 0 when all of it decodes."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with open(path, "rb") as stream:
        while True:
            chunk = stream.read(CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return lines + chunk[: error.start].count(b"\n")
            if not chunk:
                return 0
            lines += chunk.count(b"\n")


def delimiter_of(sample: str) -> str:
    """The delimiter that splits `sample` into the most, and the most regular, columns; "," by default."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        try:
            widths = [len(row) for row in islice(csv.reader(_lines(sample), delimiter=delimiter), 200) if any(row)]
        except csv.Error:
            continue
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=1)
        score = (usual - 1) * widths.count(usual) / max(len(widths), 1)
        if usual > 1 and score > best_score * 1.05:
            best, best_score = delimiter, score
    return best


def _lines(text: str) -> Iterator[str]:
    return iter(re.split(r"(?<=\n)|(?<=\r)(?!\n)", text))


class TextFile:
    """One delimited text file; `encoding` and `delimiter` may be given when the clerk knows better."""

    def __init__(self, path: str, *, rows: int, columns: int, encoding: str = "", delimiter: str = "") -> None:
        self.path = path
        self.most_rows = rows
        self.most_columns = columns
        self.encoding = _chosen(path, encoding) or encoding_of(path)
        self.first_row = 1
        self.start = 0
        with self._open() as stream:
            sample = stream.read(65536)
        said = _SEP_LINE.match(sample)
        if said:
            self.first_row, self.start = 2, said.end()
        self.delimiter = delimiter or (said[1] if said else delimiter_of(sample[: sample.rfind("\n") + 1] or sample))

    def _open(self) -> TextIO:
        return open(self.path, encoding=self.encoding, newline="")

    @property
    def delimited(self) -> bool:
        """Whether the delimiter occurs at all: otherwise a file that calls itself a workbook is just a text."""
        with self._open() as stream:
            return self.delimiter in stream.read(65536)

    def head(self, most_rows: int) -> RawSheet:
        """The first records; `rows` counts the lines of the whole file."""
        raw = self._read(most_rows)
        breaks = 0
        with self._open() as stream:
            while chunk := stream.read(CHUNK):
                breaks += max(chunk.count("\n"), chunk.count("\r"))
        raw.rows = max(raw.rows, breaks) if len(raw.columns) and len(raw.columns[0]) >= most_rows else raw.rows
        return raw

    def sheet(self) -> RawSheet:
        """All records."""
        return self._read(None)

    def _read(self, most_rows: int | None) -> RawSheet:
        chunks: list[list[pa.DictionaryArray]] = []
        lengths: list[int] = []
        total = self.first_row - 1
        if total:
            lengths.append(total)
            chunks.append([])
        notes: list[str] = []
        with self._open() as stream:
            stream.read(self.start)
            records = self._records(stream)
            while batch := list(islice(records, BATCH if most_rows is None else max(0, most_rows - total))):
                width = max(map(len, batch))
                if width > self.most_columns:
                    row = total + 1 + next(i for i, record in enumerate(batch) if len(record) > self.most_columns)
                    raise Fault(
                        f"有 {width} 列，超出 {self.most_columns} 列的上限。",
                        "请核对分隔符，或删去多余的列，再上传。",
                        row=row,
                    )
                total += len(batch)
                if total > self.most_rows:
                    raise Fault(f"超出 {self.most_rows} 行的上限。", "请分成几个文件上传。", row=self.most_rows + 1)
                padded = [record if len(record) == width else record + [""] * (width - len(record)) for record in batch]
                chunks.append(
                    [pc.dictionary_encode(pa.array(column, pa.string())) for column in zip(*padded, strict=True)]
                )
                lengths.append(len(batch))
        width = max(map(len, chunks), default=0)
        columns = []
        for index in range(width):
            pieces = [
                chunk[index] if index < len(chunk) else pa.nulls(length, pa.dictionary(pa.int32(), pa.string()))
                for chunk, length in zip(chunks, lengths, strict=True)
            ]
            columns.append(encoded(pa.chunked_array(pieces).unify_dictionaries().combine_chunks()))
        return RawSheet("", columns, rows=total, notes=notes, encoding=self.encoding, delimiter=self.delimiter)

    def _records(self, stream: TextIO) -> Iterator[list[str]]:
        csv.field_size_limit(LONGEST_CELL)
        reader = csv.reader(stream, delimiter=self.delimiter)
        row = self.first_row
        previous = 0
        record: list[str] = []
        try:
            for record in reader:
                yield [cell.replace("\x00", "") for cell in record] if "\x00" in "".join(record) else record
                row += 1
                span, previous = reader.line_num - previous, reader.line_num
        except csv.Error as error:
            raise Fault(
                "有一个单元格过长或引号没有成对。", '请检查这一行的英文双引号 " 是否成对，改正后再上传。', row=row
            ) from error
        except UnicodeError as error:
            raise Fault("有无法识别的文字编码。", "请另存为“CSV UTF-8”或 .xlsx，再上传。", row=row) from error
        if record and span > 1 and "\n" in record[-1].rstrip("\r\n") and not self._ends_with_quote():
            raise Fault(
                "有一个引号没有成对，后面的行都被并进了同一格。",
                '请检查这一行的英文双引号 " 是否成对，改正后再上传。',
                row=row - 1,
            )

    def _ends_with_quote(self) -> bool:
        tail = Path(self.path).read_bytes()[-16:].replace(b"\x00", b"").rstrip()
        return tail.endswith(b'"')
