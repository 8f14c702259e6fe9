"""Every step of an import that a person takes: upload, match columns, check, queue, apply, undo, discard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import has_number, hide_numbers
from huqing.access.scope import prefix_of
from huqing.intake import files, permissions, tasks
from huqing.intake.errors import IntakeError
from huqing.intake.mapping import columns_hash, missing_fields
from huqing.intake.models import Import, MappingTemplate
from huqing.intake.states import move
from huqing.standards.fields import record_kinds
from huqing.standards.text import clean

NAME_LENGTH = 200
REGION_DIGITS = 12
audit.name_actions({"intake.upload": "上传导入文件", "intake.save_template": "保存列对应模板"})


def upload(
    *, content: BinaryIO, name: str, by: User | None, data_date: date, region: str = "", kind: str = ""
) -> Import:
    """Keep an uploaded file and open an import for it. ``region`` defaults to the user's own.

    ``kind`` may be left open until the columns are matched. Raises ``IntakeError`` (wrong type, too large, empty) and
    ``NotAllowed``.
    """
    name = hide_numbers(clean(name.replace("\\", "/").rsplit("/", 1)[-1]).strip() or "未命名")[-NAME_LENGTH:]
    region = region or (by.region_code if by else "")
    if not region:
        raise IntakeError("请写明文件所属的区划，例如 500236。")
    try:
        prefix = prefix_of(region)
    except ValueError as error:
        raise IntakeError(str(error)) from error
    permissions.require(permissions.region_refusal(by, region))
    if kind:
        permissions.require(_kind_refusal(by, kind))
    elif not permissions.kinds_for(by):
        permissions.require(permissions.upload_refusal(by, "household"))
    if data_date > timezone.localdate():
        raise IntakeError(f"数据日期 {data_date} 在今天之后。请填写数据截止的日期。")
    stored = files.store(content, name)
    with transaction.atomic():
        intake = Import.objects.create(
            record_kind=kind,
            file_name=name,
            file_hash=stored.hash,
            file_size=stored.size,
            stored_as=stored.path,
            data_date=data_date,
            region_code=prefix.ljust(REGION_DIGITS, "0"),
            created_at=timezone.now(),
            created_by=by,
        )
        detail = {"file": name, "hash": stored.hash, "size": stored.size, "kind": kind}
        audit.record(by=by, action="intake.upload", subject=intake, region_code=intake.region_code, detail=detail)
    return intake


def another_sheet(*, intake: Import, by: User | None) -> Import:
    """A second import for another sheet of the same file."""
    permissions.require(permissions.work_refusal(by, intake))
    with files.path_of(intake.stored_as).open("rb") as content:
        return upload(
            content=content, name=intake.file_name, by=by, data_date=intake.data_date, region=intake.region_code
        )


def choose(
    *,
    intake: Import,
    by: User | None,
    kind: str,
    mapping: Mapping[str, str],
    sheet: str = "",
    header_row: int | None = None,
    encoding: str = "",
    save_as: str = "",
    columns: tuple[str, ...] = (),
) -> Import:
    """Say which sheet, which kind and which column is which field (file column → field key; others are left out).

    ``save_as`` keeps the matching under that name for files with the same ``columns`` (all labels in file order).
    """
    permissions.require(_kind_refusal(by, kind))
    permissions.require(permissions.work_refusal(by, intake))
    declared = record_kinds()[kind]
    chosen = {column: key for column, key in mapping.items() if key}
    _check_mapping(chosen, kind)
    if any(map(has_number, (sheet, *chosen))):
        raise IntakeError("工作表名或列名里有证件号码、电话或银行账号。请选对表头所在的行，或改掉名称后重新上传。")
    save_as = hide_numbers(clean(save_as))
    with transaction.atomic():
        move(
            intake,
            Import.State.MAPPED,
            by=by,
            detail={"kind": kind, "sheet": sheet, "columns": len(chosen)},
            record_kind=kind,
            mapping=chosen,
            sheet=sheet,
            header_row=header_row,
            encoding=encoding,
            progress=0,
            message="",
        )
        if save_as:
            labels = columns or tuple(chosen)
            template, _ = MappingTemplate.objects.update_or_create(
                record_kind=kind,
                columns_hash=columns_hash(labels),
                defaults={"name": save_as[:100], "mapping": chosen, "created_at": timezone.now(), "created_by": by},
            )
            detail = {"name": save_as, "kind": declared.name}
            audit.record(by=by, action="intake.save_template", subject=template, detail=detail)
    return intake


def _check_mapping(mapping: Mapping[str, str], kind: str) -> None:
    declared = record_kinds()[kind]
    unknown = [key for key in mapping.values() if key not in declared.by_key]
    if unknown:
        raise IntakeError(f"{declared.name}没有字段 {'、'.join(unknown)}。请重新选择。")
    doubled = sorted({declared[key].label for key in mapping.values() if list(mapping.values()).count(key) > 1})
    if doubled:
        raise IntakeError(f"有两列都对应到{'、'.join(doubled)}。一个字段只能对应一列。")
    missing = missing_fields(declared, set(mapping.values()))
    if missing:
        raise IntakeError(f"必填字段没有对应的列：{'、'.join(missing)}。请指定列，或在文件中补上。")


def _kind_refusal(by: User | None, kind: str) -> str:
    if kind not in record_kinds():
        raise IntakeError(f"没有“{kind}”这种数据。请从列表中选择数据种类。")
    return permissions.upload_refusal(by, kind)


def check(*, intake: Import, by: User | None) -> Import:
    """Check all cells and compare with the registry in the background; the import then is ``CHECKED`` or ``FAILED``."""
    permissions.require(permissions.work_refusal(by, intake))
    _must_be_able(intake, Import.State.CHECKING)
    tasks.start(tasks.check_import, intake, by)
    intake.refresh_from_db()
    return intake


@transaction.atomic
def queue(*, intake: Import, by: User | None, background: bool = True) -> Import:
    """Hand a checked import over for writing; it waits its turn. ``background`` False: the caller writes it itself."""
    permissions.require(permissions.work_refusal(by, intake))
    if not intake.counts.get("good") and intake.state == Import.State.CHECKED:
        raise IntakeError("没有一行可以入库。请按行问题更正文件后重新上传。")
    move(intake, Import.State.QUEUED, by=by, progress=0, message="")
    if background:
        transaction.on_commit(lambda: tasks.start(tasks.apply_import, intake, by))
    return intake


def unqueue(*, intake: Import, by: User | None) -> Import:
    """Take an import back from the queue before its writing has begun."""
    permissions.require(permissions.work_refusal(by, intake))
    return move(intake, Import.State.CHECKED, by=by)


def undo(*, intake: Import, by: User | None, background: bool = True) -> Import:
    """Take back what an import did, as a change of its own; refused when later changes build on it.

    Raises ``UndoRefused`` at once when run in the foreground; in the background the reason is the import's message.
    """
    permissions.require(permissions.undo_refusal(by, intake))
    _must_be_able(intake, Import.State.UNDOING)
    if background:
        tasks.start(tasks.undo_import, intake, by)
        intake.refresh_from_db()
        return intake
    from huqing.intake.undoing import undo_now

    return undo_now(intake, by=by)


@transaction.atomic
def discard(*, intake: Import, by: User | None) -> Import:
    """Give up an import that is not in the registry; its file goes unless another import uses it too."""
    permissions.require(permissions.work_refusal(by, intake))
    move(intake, Import.State.DISCARDED, by=by, preview={})
    intake.problems.all().delete()
    if not Import.objects.filter(stored_as=intake.stored_as).exclude(state=Import.State.DISCARDED).exists():
        transaction.on_commit(lambda: files.remove(intake.stored_as))
    return intake


def _must_be_able(intake: Import, to: Import.State) -> None:
    from huqing.intake.errors import WrongState
    from huqing.intake.states import refusal

    reason = refusal(intake, to)
    if reason:
        raise WrongState(reason)
