"""Spreadsheets and text files in: previews with what was recognised, and whole sheets as Arrow tables of strings.

Nothing of a foreign file is parsed in the calling process: a helper process with limited memory and time does it, so
that a hostile or broken file costs one clear message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from huqing.intake.reading.shapes import (
    CELL_ERROR,
    LONG_NUMBER,
    ROW,
    TEXTS,
    WORKBOOKS,
    Limits,
    ReadError,
    Sheet,
    SheetPreview,
    plain,
)

__all__ = [
    "CELL_ERROR",
    "LONG_NUMBER",
    "ROW",
    "Limits",
    "ReadError",
    "Sheet",
    "SheetPreview",
    "plain",
    "read_sheet",
    "read_tables",
]

PACKED = (".zip", ".rar", ".7z", ".gz", ".bz2", ".tar", ".xz")
HEAD_ROWS = 80
TOP_ROWS = 15
SAMPLES = 20


def read_tables(
    path: Path | str, *, limit: int | None = None, name: str = "", limits: Limits | None = None
) -> list[SheetPreview]:
    """Every sheet of a file with its first rows (`limit`, default 20), header, kind and whether to take it in.

    `name` is the name the user gave the file (uploads are stored under another one); messages use it and its words
    help to recognise the kind. Raises `ReadError`.
    """
    limits = limits or Limits()
    path, name = _admitted(path, name, limits)
    from huqing.intake.reading.helper import parse, read_error

    samples = SAMPLES if limit is None else limit
    answer, _ = parse(path, name, limits, head=max(HEAD_ROWS, samples + TOP_ROWS))
    faults = [told["fault"] for told in answer["sheets"] if told["fault"]]
    if faults and len(faults) == len(answer["sheets"]):
        raise read_error(name, faults[0])
    return [_preview(told, name, samples) for told in answer["sheets"]]


def read_sheet(
    path: Path | str,
    sheet: str = "",
    header_row: int | None = None,
    *,
    name: str = "",
    encoding: str = "",
    delimiter: str = "",
    limits: Limits | None = None,
) -> Sheet:
    """One sheet in full (`sheet` "" means the first one that holds data). `header_row` is the last header row, None
    detects it.

    Raises `ReadError`.
    """
    limits = limits or Limits()
    path, name = _admitted(path, name, limits)
    from huqing.intake.reading.detecting import recognise
    from huqing.intake.reading.helper import parse
    from huqing.intake.reading.layout import lay_out

    if not sheet and path.suffix.lower() not in TEXTS:
        previews = read_tables(path, limit=1, name=name, limits=limits)
        sheet = next((preview.sheet for preview in previews if preview.chosen), previews[0].sheet if previews else "")
    answer, table = parse(path, name, limits, sheet=sheet, encoding=encoding, delimiter=delimiter)
    told = answer["sheets"][0]
    place = f"{name}，工作表「{told['name']}」" if told["name"] else name
    if table is None or not table.num_columns:
        raise ReadError(place, "没有数据。", "请确认选对了工作表。")
    columns = [column.combine_chunks() for column in table.columns]
    merges = [tuple(merge) for merge in told["merges"]]
    head = _cells(columns, HEAD_ROWS)
    fixed = None if header_row is None else header_row - 1
    if fixed is not None and not (0 <= fixed < len(head) and any(cell.strip() for cell in head[fixed])):
        raise ReadError(
            f"{place}，第 {header_row} 行", "这一行没有列名。", f"请把表头行写成前 {HEAD_ROWS} 行中写着列名的那一行。"
        )
    found = recognise(head, merges, left=told["left"], hints=f"{name} {told['name']}", header_row=fixed)
    laid = lay_out(columns, merges, left=told["left"], header_rows=found.header_rows, labels=found.labels)
    if not laid.columns:
        raise ReadError(place, "没有找到列名。", "请指定表头所在行，或在数据上方写一行列名。")
    return Sheet(
        sheet=told["name"],
        columns=laid.columns,
        header_row=found.header_rows[-1] + 1,
        header_rows=tuple(row + 1 for row in found.header_rows),
        table=laid.table,
        dropped=tuple(laid.dropped),
        notes=(*told["notes"], *laid.notes),
        encoding=_encoding_name(told["encoding"]),
        delimiter=told["delimiter"],
    )


def _admitted(path: Path | str, name: str, limits: Limits) -> tuple[Path, str]:
    path = Path(path)
    name = name or path.name
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ReadError(name, "文件打不开。", "请确认文件还在原处并且允许读取。") from error
    if not path.is_file():
        raise ReadError(name, "不是文件。", "请选择一个表格文件（.xlsx、.xls、.csv）。")
    if size > limits.file_bytes:
        most = limits.file_bytes // 2**20
        raise ReadError(name, f"文件有 {size // 2**20} MB，超出 {most} MB 的上限。", "请分成几个文件后再上传。")
    if size == 0:
        raise ReadError(name, "文件是空的。", "请确认选对了文件，再上传。")
    suffix = Path(name).suffix.lower()
    if suffix in PACKED:
        raise ReadError(name, "这是压缩文件。", "请解压后上传里面的表格。")
    if suffix and suffix not in (*WORKBOOKS, *TEXTS):
        raise ReadError(name, f"不认识后缀为 {suffix} 的文件。", "请另存为 .xlsx 或 .csv，再上传。")
    return path, name


def _preview(told: dict[str, Any], name: str, samples: int) -> SheetPreview:
    from huqing.intake.reading.detecting import recognise, refusal
    from huqing.intake.reading.layout import lay_out

    if told["fault"]:
        return SheetPreview(
            told["name"],
            0,
            (),
            0,
            (),
            (),
            (),
            (),
            "",
            (),
            chosen=False,
            reason=told["fault"]["what"],
            visible=told["visible"],
        )
    cells = told["cells"]
    merges = [tuple(merge) for merge in told["merges"]]
    found = recognise(cells, merges, left=told["left"], hints=f"{name} {told['name']}")
    width = max(map(len, cells), default=0)
    columns = [
        pa.array([row[index] or None for row in cells], pa.string()).dictionary_encode() for index in range(width)
    ]
    laid = lay_out(columns, merges, left=told["left"], header_rows=found.header_rows, labels=found.labels)
    rows = laid.table.slice(0, samples).to_pylist()
    reason = refusal(told["name"], found, data_rows=laid.table.num_rows, visible=told["visible"])
    return SheetPreview(
        sheet=told["name"],
        rows=told["rows"],
        columns=laid.columns,
        header_row=found.header_rows[-1] + 1 if found.header_rows else 0,
        header_rows=tuple(row + 1 for row in found.header_rows),
        samples=tuple(tuple(plain(row[column]) for column in laid.columns) for row in rows),
        sample_rows=tuple(row[ROW] for row in rows),
        top=tuple((number, tuple(map(plain, row))) for number, row in enumerate(cells[:TOP_ROWS], 1) if any(row)),
        kind=found.kind,
        scores=found.scores,
        chosen=not reason,
        reason=reason,
        visible=told["visible"],
        encoding=_encoding_name(told["encoding"]),
        delimiter=told["delimiter"],
        notes=(*told["notes"], *laid.notes),
    )


def _cells(columns: list[pa.DictionaryArray], rows: int) -> list[list[str]]:
    texts = [[cell or "" for cell in column.slice(0, rows).cast(pa.string()).to_pylist()] for column in columns]
    return [list(row) for row in zip(*texts, strict=True)]


def _encoding_name(encoding: str) -> str:
    names = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "gbk": "GBK", "gb18030": "GB18030"}
    return names.get(encoding, "UTF-16" if encoding.startswith("utf-16") else encoding)
