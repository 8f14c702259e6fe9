"""The submissions of a form as a file: xlsx for clerks, CSV for other programs, Parquet for analysis.

Workbooks and CSV hold words and neutralised cells; Parquet holds numbers, days and codes as they were sent, with labels
in the metadata. Every file says who made it and when, and every export is in the audit log.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import require
from huqing.papers.sheets import Column, Marking, Sheet, write_csv, write_workbook
from huqing.visits.models import Form, Submission
from huqing.visits.queries import Wanted, listed
from huqing.visits.tables import Head, Layout, PlaceName, Table, layout_of, rows_of

if TYPE_CHECKING:
    import pyarrow

    from huqing.access.models import User

MOST = 20_000
KINDS = {"xlsx": "Excel 工作簿", "csv": "CSV", "parquet": "Parquet"}
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}
_INTEGER = re.compile(r"-?\d{1,18}")


class ExportError(Exception):
    """There is nothing to export, or too much; the message says what to do."""


@dataclass(frozen=True)
class Exported:
    """A finished file."""

    name: str
    kind: str
    content: bytes
    rows: int


@transaction.atomic
def export(*, form: Form, wanted: Wanted, kind: str, by: User, place: PlaceName = str) -> Exported:
    """All submissions of a form that ``wanted`` leaves and ``by`` may see, repeats as further sheets or files.

    ``kind`` is xlsx, csv or parquet; several files come as one zip. ExportError says why there is none.
    """
    require(by, "export_visits")
    if kind not in KINDS:
        raise ExportError("请选择导出格式：xlsx、csv 或 parquet。")
    found = listed(by, wanted).filter(form=form).select_related("version").order_by("visited_on", "pk")
    total = found.count()
    if not total:
        raise ExportError("没有可以导出的走访记录。请放宽条件后再导出。")
    if total > MOST:
        raise ExportError(f"有 {total:,} 条，一次最多导出 {MOST:,} 条。请按乡镇、村或日期分几次导出。")
    submissions = list(found)
    layout, now = layout_of(form), timezone.localtime()
    marking = Marking(by=by.display_name, at=now, note=f"{form.title}走访记录")
    name = f"{_safe(form.title)}_{now:%Y%m%d_%H%M}"
    made = _WRITERS[kind](layout, submissions, by, place, marking)
    if len(made) == 1:
        exported = Exported(f"{name}.{kind}", TYPES[kind], made[0][1], total)
    else:
        exported = Exported(f"{name}.zip", TYPES["zip"], _zipped(made, kind), total)
    detail = {"form": form.form_id, "type": kind, "rows": total, **_told(wanted)}
    audit.record(by=by, action="export_visits", subject=form, region_code=by.region_code, detail=detail)
    return exported


def _told(wanted: Wanted) -> dict[str, Any]:
    told = {"state": wanted.state, "region_code": wanted.region, "since": wanted.since, "until": wanted.until}
    return {key: value for key, value in told.items() if value}


def _safe(title: str) -> str:
    return re.sub(r"[^\w（）()-]+", "_", title).strip("_") or "走访记录"


def _zipped(files: Sequence[tuple[str, bytes]], kind: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (title, content) in enumerate(files, start=1):
            archive.writestr(f"{number}_{_safe(title)}.{kind}", content)
    return target.getvalue()


def _sheet(layout: Layout, table: Table, submissions: Sequence[Submission], by: User, place: PlaceName) -> Sheet:
    columns = [Column(head.title, _column_kind(head)) for head in table.heads]
    rows = (
        [_cell(head, value) for head, value in zip(table.heads, row.text, strict=True)]
        for row in rows_of(layout, table, submissions, by, place=place)
    )
    return Sheet(table.title, columns, rows)


def _column_kind(head: Head) -> Any:
    return head.kind if head.kind in ("integer", "decimal", "date") else "text"


def _cell(head: Head, value: Any) -> Any:
    """Numbers and days as such where they read as such, everything else as it is."""
    if isinstance(value, dt.datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    return value if not isinstance(value, str) or not value else _typed(head.kind, value, value)


def _typed(kind: str, text: str, otherwise: Any) -> Any:
    if kind == "integer":
        return int(text) if _INTEGER.fullmatch(text) else otherwise
    if kind == "decimal":
        try:
            number = Decimal(text)
        except InvalidOperation:
            return otherwise
        return number if number.is_finite() else otherwise
    if kind == "date":
        try:
            return dt.date.fromisoformat(text[:10])
        except ValueError:
            return otherwise
    return text


def _workbook(
    layout: Layout, submissions: Sequence[Submission], by: User, place: PlaceName, marking: Marking
) -> list[tuple[str, bytes]]:
    target = io.BytesIO()
    sheets = (_sheet(layout, table, submissions, by, place) for table in layout.tables)
    write_workbook(target, sheets, marking=marking)
    return [(layout.main.title, target.getvalue())]


def _csv(
    layout: Layout, submissions: Sequence[Submission], by: User, place: PlaceName, marking: Marking
) -> list[tuple[str, bytes]]:
    made = []
    for table in layout.tables:
        target = io.BytesIO()
        write_csv(target, _sheet(layout, table, submissions, by, place), marking=marking)
        made.append((table.title, target.getvalue()))
    return made


def _parquet(
    layout: Layout, submissions: Sequence[Submission], by: User, place: PlaceName, marking: Marking
) -> list[tuple[str, bytes]]:
    import pyarrow as pa
    from pyarrow import parquet

    made = []
    for table in layout.tables:
        rows = [row.raw for row in rows_of(layout, table, submissions, by, place=place)]
        columns = [_array(pa, head, [row[index] for row in rows]) for index, head in enumerate(table.heads)]
        fields = [
            pa.field(head.key, column.type, metadata=_metadata(head))
            for head, column in zip(table.heads, columns, strict=True)
        ]
        schema = pa.schema(fields, metadata={"title": table.title, "marking": marking.line})
        target = io.BytesIO()
        parquet.write_table(pa.Table.from_arrays(columns, schema=schema), target)
        made.append((table.title, target.getvalue()))
    return made


def _array(pa: Any, head: Head, values: list[Any]) -> pyarrow.Array:
    """A column; where one answer does not read as its type all stay text, so that nothing is lost."""
    if head.key == "visit:received_at":
        return pa.array(values, pa.timestamp("us", tz="UTC"))
    types = {"integer": pa.int64(), "decimal": pa.float64(), "date": pa.date32()}
    plain = [None if value == "" else value for value in values]
    if head.kind in types:
        missed = object()
        read = [_typed(head.kind, value, missed) if isinstance(value, str) else value for value in plain]
        if missed not in read:
            numbers = [float(value) if isinstance(value, Decimal) else value for value in read]
            return pa.array(numbers, types[head.kind])
    return pa.array([None if value is None else str(value) for value in plain], pa.string())


def _metadata(head: Head) -> dict[str, str]:
    told = {"label": head.title}
    if head.question and head.question.choices:
        told["choices"] = json.dumps(dict(head.question.choices), ensure_ascii=False)
    return told


_Writer = Callable[[Layout, Sequence[Submission], "User", PlaceName, Marking], list[tuple[str, bytes]]]
_WRITERS: dict[str, _Writer] = {"xlsx": _workbook, "csv": _csv, "parquet": _parquet}


audit.name_actions({"export_visits": "导出走访记录"})
