"""A file taken in from start to end by one call: for the command line, the demo county and tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from django.db import DatabaseError

from huqing.access.models import User
from huqing.intake import actions
from huqing.intake.applying import apply_now, check_now, explain
from huqing.intake.errors import IntakeError, WrongState
from huqing.intake.mapping import columns_hash, propose
from huqing.intake.models import Import, MappingTemplate
from huqing.intake.plan import Report, no_report
from huqing.intake.reading import ReadError, SheetPreview, read_tables
from huqing.standards.fields import record_kinds


def take_in(
    path: Path,
    *,
    kind: str | None = None,
    by: User | None,
    data_date: date,
    region: str = "",
    progress: Report | None = None,
) -> list[Import]:
    """Upload, match columns, check and apply every data sheet of a file; returns the imports, one per sheet.

    The steps and their rules are those of the pages. Good rows go in, refused rows are listed with each import.
    Raises ``IntakeError`` when the file or one of its sheets cannot be taken in; sheets before it stay applied.
    """
    report = progress or no_report
    report("识别工作表", 0.0)
    try:
        sheets = [sheet for sheet in read_tables(path, name=path.name) if sheet.chosen]
    except ReadError as error:
        raise IntakeError(str(error)) from error
    if not sheets:
        raise IntakeError(f"{path.name}：没有找到可以导入的数据。请检查表头，或另存为 xlsx 后再试。")
    done = []
    for number, sheet in enumerate(sheets):

        def step(message: str, fraction: float, number: int = number) -> None:
            report(message, (number + fraction) / len(sheets))

        try:
            done.append(_take_sheet(path, sheet, kind, by, data_date, region, step))
        except (DatabaseError, OSError) as error:
            raise IntakeError(f"{path.name}：{explain(error)}") from error
    return done


def _take_sheet(
    path: Path, sheet: SheetPreview, kind: str | None, by: User | None, data_date: date, region: str, report: Report
) -> Import:
    chosen = kind or sheet.kind
    if not chosen:
        raise IntakeError(f"{path.name}［{sheet.sheet}］：认不出是哪种数据。请指明数据种类。")
    with path.open("rb") as content:
        intake = actions.upload(content=content, name=path.name, by=by, data_date=data_date, region=region, kind=chosen)
    proposal = propose(sheet.columns, record_kinds()[chosen], saved=saved_mapping(chosen, sheet.columns))
    if proposal.missing:
        lacking = "、".join(proposal.missing)
        raise IntakeError(f"{path.name}［{sheet.sheet}］：缺少必填列 {lacking}。请补上这些列，或在页面上指定对应的列。")
    actions.choose(
        intake=intake,
        by=by,
        kind=chosen,
        mapping=proposal.fields,
        sheet=sheet.sheet,
        header_row=sheet.header_row,
        encoding=sheet.encoding,
    )
    loaded = check_now(intake, by=by, preview=False, progress=report)
    actions.queue(intake=intake, by=by, background=False)
    try:
        return apply_now(intake, by=by, loaded=loaded, progress=report)
    except WrongState:
        # A worker that starts up takes over whatever is queued: then it is done, by another hand.
        intake.refresh_from_db()
        if intake.state != Import.State.APPLIED:
            raise
        return intake


def saved_mapping(kind: str, columns: tuple[str, ...]) -> dict[str, str] | None:
    """The saved matching for a file with exactly these columns."""
    template = MappingTemplate.objects.filter(record_kind=kind, columns_hash=columns_hash(columns)).first()
    return template.mapping if template else None
