"""From a stored file to checked rows: read, check, and what bounds the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from huqing.access.scope import prefix_of
from huqing.intake import files
from huqing.intake.checking import Checked, MappingError, check
from huqing.intake.errors import IntakeError
from huqing.intake.models import Import
from huqing.intake.plan import Batch, Report
from huqing.intake.reading import ROW, ReadError, plain, read_sheet
from huqing.standards.fields import RecordKind, record_kinds

# Within one file a person may be listed by two households (then both rows count and a finding tells), and may hold two
# insurances in a year; only the same thing said twice is refused.
_IDENTITY = {
    "person": ("household_number", "id_number", "name"),
    "insured": ("id_number", "year", "insurance_kind"),
}
# What identifies a row among those the registry holds, for rows that are refused but are in the file all the same.
_KEYS = {"household": "number", "person": "household_number"}


@dataclass
class Loaded:
    """A file's sheet, checked. Its rows are there for one plan, which takes them over."""

    kind: RecordKind
    checked: Checked
    batch: Batch

    def take_batch(self) -> Batch:
        """The rows and what bounds them; they are not kept here any longer, because a plan may let go of them."""
        batch, empty = self.batch, self.batch.rows.schema.empty_table()
        self.checked, self.batch = replace(self.checked, table=empty), replace(batch, rows=empty)
        return batch


def load(intake: Import, report: Report) -> Loaded:
    """Read and check the sheet of ``intake``. Raises ``IntakeError`` when the file cannot be read."""
    kind = record_kinds()[intake.record_kind]
    kind = replace(kind, identity=_IDENTITY.get(kind.key, kind.identity))
    report("读取文件", 0.05)
    try:
        sheet = read_sheet(
            files.path_of(intake.stored_as),
            intake.sheet,
            intake.header_row,
            name=intake.file_name,
            encoding=intake.encoding,
        )
    except ReadError as error:
        raise IntakeError(str(error)) from error
    except FileNotFoundError as error:
        raise IntakeError(f"{intake.file_name}：原文件已不在服务器上。请重新上传。") from error
    report("检查各单元格", 0.35)
    try:
        checked = check(sheet.table, kind, intake.mapping, as_of=intake.data_date)
    except MappingError as error:
        raise IntakeError(str(error)) from error
    refused = frozenset(_refused_keys(sheet.table, checked, kind, intake.mapping))
    return Loaded(
        kind=kind,
        checked=checked,
        batch=Batch(
            rows=checked.table, prefix=prefix_of(intake.region_code), on=intake.data_date, refused_keys=refused
        ),
    )


def _refused_keys(table: pa.Table, checked: Checked, kind: RecordKind, mapping: dict[str, str]) -> list[str]:
    key = _KEYS.get(kind.key)
    column = next((name for name, field in mapping.items() if field == key), None)
    if not checked.refused_rows or column is None or column not in table.column_names:
        return []
    refused = table.filter(pc.is_in(table[ROW], pa.array(checked.refused_rows, table[ROW].type)))
    return [plain(value).strip() for value in refused[column].to_pylist() if value]
