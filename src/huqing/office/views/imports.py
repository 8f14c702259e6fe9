"""Files on their way in: list, upload, matching columns, what will change, problems to correct, undo."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access import audit
from huqing.access.permissions import require, requires
from huqing.intake import actions, files, permissions, tasks
from huqing.intake import queries as intake_queries
from huqing.intake.errors import IntakeError
from huqing.intake.models import Import
from huqing.intake.problem_list import Problem
from huqing.intake.problems import write_correction
from huqing.intake.reading import ReadError, read_sheet
from huqing.office import paging, places
from huqing.office.household_file import shown
from huqing.papers.sheets import Marking
from huqing.standards.fields import Field, RecordKind, record_kinds

ORDERS = {"new": ["id"]}
PROBLEM_ORDERS = {"row": ["row_number", "id"]}
MISSING_SHOWN = 200
S = Import.State
BUSY = frozenset({S.CHECKING, S.QUEUED, S.APPLYING, S.UNDOING})
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

audit.name_actions({"intake.export_problems": "导出待更正的行"})


@requires("view_imports")
def import_list(request: HttpRequest) -> HttpResponse:
    """All imports of the user's area, newest first, and the upload form."""
    wanted = {
        "state": request.GET.get("state", "") if request.GET.get("state") in S.values else "",
        "kind": request.GET.get("kind", "") if request.GET.get("kind") in record_kinds() else "",
    }
    found = intake_queries.imports(request.user, **wanted)
    page = paging.page(found, query=request.GET, path=request.path, orders=ORDERS, default="-new", sortable=False)
    return render(
        request,
        "office/imports/results.html" if request.htmx else "office/imports/list.html",
        {"page": page, "wanted": wanted, "states": S.choices, "kinds": _kinds(request)},
    )


def _kinds(request: HttpRequest) -> list[RecordKind]:
    return permissions.kinds_for(request.user)


@requires("view_imports")
def import_add(request: HttpRequest) -> HttpResponse:
    """Upload one file."""
    wrong, given = "", {"kind": request.GET.get("kind", ""), "region": "", "on": timezone.localdate().isoformat()}
    if request.method == "POST":
        given = {key: request.POST.get(key, "").strip() for key in given}
        try:
            made = _upload(request, given)
        except IntakeError as error:
            wrong = str(error)
        else:
            return redirect("office:import", pk=made.pk)
    prefix = request.user.region_code
    context = {
        "wrong": wrong,
        "given": given,
        "kinds": _kinds(request),
        "places": [place for code, place in places.below(prefix).items() if code.startswith(prefix)][:1]
        + [place for place in places.towns(prefix) if place.code != prefix],
        "today": timezone.localdate().isoformat(),
    }
    return render(request, "office/imports/add.html", context, status=422 if wrong else 200)


def _upload(request: HttpRequest, given: dict[str, str]) -> Import:
    content = request.FILES.get("file")
    if content is None:
        raise IntakeError("请先选择要上传的文件。")
    try:
        on = date.fromisoformat(given["on"])
    except ValueError as error:
        raise IntakeError(f"数据日期“{given['on']}”不是日期。请写成 2026-03-31 这样。") from error
    return actions.upload(
        content=content, name=content.name, by=request.user, data_date=on, region=given["region"], kind=given["kind"]
    )


def _find(request: HttpRequest, pk: int) -> Import:
    found = intake_queries.import_of(request.user, pk)
    if found is None:
        raise Http404("没有这份导入，或它不在您的管辖范围内。")
    return found


@requires("view_imports")
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Where one import stands, what it will do or did, and the next step."""
    intake = _find(request, pk)
    if intake.state == S.UPLOADED and not request.htmx:
        return redirect("office:import-columns", pk=pk)
    return _page(request, intake)


def _page(request: HttpRequest, intake: Import, wrong: str = "") -> HttpResponse:
    steps = {step.action: step for step in intake_queries.steps(request.user, intake)}
    waiting = tasks.waiting(intake)
    busy = bool(waiting) or intake.state in BUSY
    summary = intake_queries.problem_summary(intake)
    context = {
        "intake": intake,
        "kind": record_kinds().get(intake.record_kind),
        "place": places.name_of(intake.region_code.rstrip("0").ljust(6, "0")) if intake.region_code else "",
        "steps": steps,
        "busy": busy,
        "doing": intake.get_state_display() if intake.state in BUSY else waiting,
        "wrong": wrong,
        "preview": _preview(intake) if intake.state == S.CHECKED and not busy else None,
        "problems": summary,
        "refused": sum(item["count"] for item in summary if item["severity"] == "refused"),
        "earlier": intake_queries.earlier_uploads(request.user, intake)[:1],
        "missing": intake_queries.missing(intake)[:MISSING_SHOWN] if intake.counts.get("missing") else [],
        "stages": _stages(intake, checking=intake.state == S.MAPPED and busy),
    }
    status = 422 if wrong else 200
    return render(
        request, "office/imports/body.html" if request.htmx else "office/imports/detail.html", context, status=status
    )


def _preview(intake: Import) -> dict[str, Any]:
    """What will be added and changed, every value as the household page writes it."""
    told = intake_queries.preview(intake)
    kind = record_kinds().get(intake.record_kind)
    fields = {field.label: field for field in kind.fields} if kind else {}
    changed = [
        {**row, "changes": [(label, *(_words(fields.get(label), value) for value in pair)) for label, *pair in changes]}
        for row, changes in ((row, row["changes"]) for row in told["changed"])
    ]
    return {**told, "changed": changed}


def _words(field: Field | None, value: Any) -> str:
    if field is None or field.sealed or value in (None, ""):
        return "" if value is None else str(value)
    return f"{shown(field, value)} {field.unit}".rstrip()


def _stages(intake: Import, *, checking: bool) -> list[tuple[str, str]]:
    """The steps of the way with how far this import is: done, now or ahead."""
    order = [
        ("上传", {S.UPLOADED}),
        ("对应列", {S.MAPPED}),
        ("检查", {S.CHECKING, S.CHECKED}),
        ("入库", {S.QUEUED, S.APPLYING, S.APPLIED}),
    ]
    now = next((number for number, (_, states) in enumerate(order) if intake.state in states), len(order))
    if checking:
        now += 1
    if intake.state in (S.FAILED, S.DISCARDED, S.UNDOING, S.UNDONE):
        return []
    done = intake.state == S.APPLIED
    return [
        (name, "done" if number < now or done else "now" if number == now else "ahead")
        for number, (name, _) in enumerate(order)
    ]


@requires("view_imports")
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Which sheet, which kind of data, and which column is which field."""
    intake = _find(request, pk)
    query = request.POST if request.method == "POST" else request.GET
    wrong = ""
    try:
        shown = intake_queries.sheets(intake, kind=query.get("kind", ""))
    except IntakeError as error:
        return render(request, "office/imports/unreadable.html", {"intake": intake, "reason": str(error)}, status=422)
    names = [item.sheet.sheet for item in shown]
    wanted = query.get("sheet") or intake.sheet
    position = names.index(wanted) if wanted in names else next((n for n, s in enumerate(shown) if s.sheet.chosen), 0)
    current = shown[position]
    kind_key = query.get("kind") or intake.record_kind or current.sheet.kind
    kind = record_kinds().get(kind_key)
    if request.method == "POST":
        try:
            _choose(request, intake, current.sheet, kind_key)
        except (IntakeError, PermissionDenied) as error:
            wrong = str(error)
        else:
            actions.check(intake=intake, by=request.user)
            return redirect("office:import", pk=pk)
    columns = []
    chosen = {match.column: match for match in current.proposal.columns} if current.proposal else {}
    for number, name in enumerate(current.sheet.columns):
        match = chosen.get(name)
        field = request.POST.get(f"column-{number}", match.field if match else "")
        if (
            request.method != "POST"
            and intake.mapping
            and intake.record_kind == kind_key
            and intake.sheet == current.sheet.sheet
        ):
            field = intake.mapping.get(name, "")
        samples = list(
            dict.fromkeys(cells[number] for _, cells in current.rows if number < len(cells) and cells[number])
        )
        columns.append(
            {
                "number": number,
                "name": name,
                "field": field,
                "note": match.note if match else "",
                "samples": samples[:3],
            }
        )
    context = {
        "intake": intake,
        "names": names,
        "current": current,
        "kind": kind,
        "kinds": _kinds(request),
        "fields": kind.fields if kind else (),
        "missing": current.proposal.missing if current.proposal and request.method != "POST" else (),
        "columns": columns,
        "matched": sum(bool(column["field"]) for column in columns),
        "unmatched": sum(not column["field"] for column in columns),
        "wrong": wrong,
        "earlier": _earlier(request, intake, current.sheet.sheet),
    }
    return render(request, "office/imports/columns.html", context, status=422 if wrong else 200)


def _earlier(request: HttpRequest, intake: Import, sheet: str) -> QuerySet[Import]:
    """The import that already took in the sheet on show, before a sheet has been chosen."""
    same = intake_queries.imports(request.user, state=S.APPLIED).filter(file_hash=intake.file_hash, sheet=sheet)
    return same.exclude(pk=intake.pk)[:1]


def _choose(request: HttpRequest, intake: Import, sheet: Any, kind: str) -> None:
    mapping = {
        name: request.POST[f"column-{number}"]
        for number, name in enumerate(sheet.columns)
        if request.POST.get(f"column-{number}")
    }
    actions.choose(
        intake=intake,
        by=request.user,
        kind=kind,
        mapping=mapping,
        sheet=sheet.sheet,
        header_row=sheet.header_row,
        encoding=sheet.encoding,
        save_as=request.POST.get("save_as", "").replace("\0", "").strip(),
        columns=sheet.columns,
    )


@requires("view_imports")
@require_POST
def import_step(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """One of the buttons: check again, queue, undo, discard."""
    intake = _find(request, pk)
    steps = {"check": actions.check, "queue": actions.queue, "undo": actions.undo, "discard": actions.discard}
    done = {
        "check": "正在检查，完成后本页自动更新。",
        "queue": "已提交入库，完成后本页自动更新。",
        "undo": "正在撤销，完成后本页自动更新。",
        "discard": "已放弃这份导入，没有数据入库。",
    }
    if action not in steps:
        raise Http404("没有这个操作。")
    try:
        steps[action](intake=intake, by=request.user)
    except IntakeError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done[action])
    return redirect(
        "office:imports" if action == "discard" else "office:import", **({} if action == "discard" else {"pk": pk})
    )


@requires("view_imports")
def import_problems(request: HttpRequest, pk: int) -> HttpResponse:
    """Every row that was refused or needs a look: sheet, row, column, value, and what to write instead."""
    intake = _find(request, pk)
    severity = request.GET.get("severity", "")
    severity = severity if severity in ("refused", "warning") else ""
    column = request.GET.get("column", "")[:100]
    found = intake_queries.problems(intake, severity=severity, column=column)
    page = paging.page(
        found, query=request.GET, path=request.path, orders=PROBLEM_ORDERS, default="row", sortable=False
    )
    columns = sorted({item["column"] for item in intake_queries.problem_summary(intake)})
    context = {
        "intake": intake,
        "page": page,
        "severity": severity,
        "column": column,
        "columns": columns,
        "any_refused": intake.problems.filter(severity="refused").exists(),
    }
    return render(
        request, "office/imports/problem_rows.html" if request.htmx else "office/imports/problems.html", context
    )


@requires("view_imports")
@require_POST
def import_correction(request: HttpRequest, pk: int) -> HttpResponse:
    """The refused rows as a workbook to correct and upload again; audited, since it holds numbers in full."""
    intake = _find(request, pk)
    require(request.user, "import_roster" if intake.record_kind in permissions.ROSTERS else "import_department")
    kind = record_kinds()[intake.record_kind]
    try:
        sheet = read_sheet(
            files.path_of(intake.stored_as),
            intake.sheet,
            intake.header_row,
            name=intake.file_name,
            encoding=intake.encoding,
        )
    except (ReadError, FileNotFoundError) as error:
        messages.error(request, f"原文件读不出来，不能生成待更正的表：{error}")
        return redirect("office:import-problems", pk=pk)
    problems = [
        Problem(row.severity, row.row_number, row.column, row.value, row.message, row.remedy)
        for row in intake_queries.problems(intake, severity="refused")
    ]
    with TemporaryDirectory() as folder:
        target = Path(folder) / "correction.xlsx"
        count = write_correction(
            target,
            sheet.table,
            sheet.columns,
            problems,
            kind=kind,
            mapping=intake.mapping,
            sheet=intake.sheet,
            marking=Marking(by=request.user.display_name, at=timezone.localtime()),
        )
        content = target.read_bytes()
    audit.record(
        by=request.user,
        action="intake.export_problems",
        subject=intake,
        region_code=intake.region_code,
        detail={"rows": count},
    )
    response = HttpResponse(content, content_type=XLSX)
    stem = intake.file_name.rsplit(".", 1)[0]
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"待更正_{stem}.xlsx")
    return response


urlpatterns = [
    path("imports/", import_list, name="imports"),
    path("imports/add/", import_add, name="import-add"),
    path("imports/<int:pk>/", import_page, name="import"),
    path("imports/<int:pk>/columns/", import_columns, name="import-columns"),
    path("imports/<int:pk>/problems/", import_problems, name="import-problems"),
    path("imports/<int:pk>/correction/", import_correction, name="import-correction"),
    path("imports/<int:pk>/<str:action>/", import_step, name="import-step"),
]
