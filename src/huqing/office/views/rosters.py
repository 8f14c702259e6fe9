"""Monthly lists: who entered and left a label's list in a month and why, closing a month, print and export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, may, requires
from huqing.office import paging, places, roster_exports
from huqing.office.roster_filters import label_asked, month_asked, months_offered, place_of, unit_of
from huqing.papers.sheets import Cell, Column
from huqing.rosters import closing, months
from huqing.rosters.models import RosterChange
from huqing.rosters.months import IN, OUT, Line, MonthList
from huqing.rosters.reasons import REASONS, Why
from huqing.standards.codelists import codelist

CHANGES = {"in": "纳入", "out": "退出", "again": "更正"}
PRINTED = 3_000
COLUMNS = [
    Column("变动"),
    Column("更正"),
    Column("户编号"),
    Column("户主"),
    Column("对象"),
    Column("乡镇和村"),
    Column("组"),
    Column("变动日期", "date"),
    Column("原因"),
    Column("依据", width=45),
]


@requires("view_rosters")
def roster_list(request: HttpRequest) -> HttpResponse:
    """A month of a label: sums with their check, by place, and the list of changes."""
    told = _asked(request)
    change = request.GET.get("change", "")
    if change not in CHANGES:
        # Without a wish, the first list that has something in it.
        change = next((key for key in CHANGES if _count(told["list"], key)), "in")
    page, lines = _page(request, told["list"], change, told["place"]["region"])
    context = {
        **told,
        "page": page,
        "lines": lines,
        "change": change,
        "changes": [(key, title, _count(told["list"], key)) for key, title in CHANGES.items()],
        "query": request.GET.urlencode(),
    }
    if request.htmx and request.GET.get("after"):
        return render(request, "office/rosters/rows.html", context)
    return render(request, "office/rosters/list.html", context)


@requires("view_rosters")
def roster_print(request: HttpRequest) -> HttpResponse:
    """The month on paper: the sums and every change."""
    told = _asked(request)
    lines = list(_lines(request, told["list"], told["place"]["region"]))
    context = {**told, "lines": lines[:PRINTED], "more": max(0, len(lines) - PRINTED)}
    return render(request, "office/rosters/print.html", context)


@requires("export")
@require_POST
def roster_export(request: HttpRequest) -> HttpResponse:
    """The changes of a month as a workbook."""
    told = _asked(request)
    found: MonthList = told["list"]
    sums = found.sums
    total = sums.entered + sums.left + sums.corrected_in + sums.corrected_out
    if not total or total > roster_exports.MOST:
        messages.error(request, "这个月没有变动，不用导出。" if not total else "变动太多，请按乡镇分别导出。")
        return redirect(f"{reverse('office:rosters')}?{request.GET.urlencode()}")
    label = codelist("label_kind").label(found.kind)
    return roster_exports.workbook(
        request,
        name="名单变动",
        note=f"{found.span.first:%Y年%m月}{label}名单变动",
        columns=COLUMNS,
        rows=(_cells(line) for line in _lines(request, found, told["place"]["region"])),
        action="roster_export",
        detail={"label": found.kind, "month": found.span.first, "region": told["place"]["region"]},
    )


@requires("close_rosters")
@require_POST
def roster_close(request: HttpRequest) -> HttpResponse:
    """Freeze the month's list of the whole county."""
    kind, span = label_asked(request), month_asked(request)
    try:
        made = closing.close(kind=kind, span=span, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, f"已封账，月末在册 {made.closing:,}。以后发现的差错记在下一个月的“更正”里。")
    return redirect(f"{reverse('office:rosters')}?label={kind}&month={span.first:%Y-%m}")


@requires("view_rosters")
@require_POST
def roster_verify(request: HttpRequest) -> HttpResponse:
    """Compute the digest of a closed month again."""
    kind, span = label_asked(request), month_asked(request)
    closed = months.closed_month(kind, span, request.user.region_code[:6])
    if closed is None:
        messages.error(request, "这个月还没有封账。")
    elif closing.verify(closed):
        messages.success(request, "核对无误：名单、数字和封账时的摘要一致。")
    else:
        messages.error(request, "与封账时的摘要不一致，数据被改动过。请保留现场，核查审计日志。")
    return redirect(f"{reverse('office:rosters')}?label={kind}&month={span.first:%Y-%m}")


def _asked(request: HttpRequest) -> dict[str, Any]:
    kind, span, place = label_asked(request), month_asked(request), place_of(request)
    found = months.month_list(kind, span, user=request.user, region=place["region"])
    user = request.user
    stopped = closing.may_close(kind, span, user.region_code[:6]) if may(user, "close_rosters") else ""
    return {
        "list": found,
        "place": place,
        "month": f"{span.first:%Y-%m}",
        "span": span,
        "months": months_offered(span),
        "labels": codelist("label_kind").items,
        "label": kind,
        "label_name": codelist("label_kind").label(kind),
        "unit": unit_of(kind),
        "places": [(code, places.name_of(code), sums) for code, sums in found.places.items()],
        "stopped": stopped,
        "place_name": places.name_of(place["region"] or user.region_code),
    }


def _count(found: MonthList, change: str) -> int:
    sums = found.sums
    return {"in": sums.entered, "out": sums.left, "again": sums.corrected_in + sums.corrected_out}[change]


def _page(request: HttpRequest, found: MonthList, change: str, region: str) -> tuple[Any, list[Line]]:
    """One page of the changes: of the frozen lines of a closed month, else of the labels as they are now."""
    more: dict[str, Any] = {"query": request.GET, "path": request.path, "sortable": False}
    if found.closed is not None:
        rows = months.changes_of(found.closed, user=request.user, region=region)
        rows = rows.filter(correction=True) if change == "again" else rows.filter(correction=False, direction=change)
        page = paging.page(
            rows.select_related("household", "person"), orders={"place": ["region_code", "id"]}, default="place", **more
        )
        return page, [_frozen(row) for row in page.rows]
    if change == "again":
        lines = months.correction_lines(
            found.kind, found.span, user=request.user, county=request.user.region_code[:6], region=region
        )
        return None, lines[:PRINTED]
    rows = months.live_rows(found.kind, found.span, change, user=request.user, region=region)
    order = "valid_from" if change == "in" else "valid_to"
    page = paging.page(rows, orders={"day": [order, "id"]}, default="day", **more)
    return page, months.lines_of(page.rows, change)


def _lines(request: HttpRequest, found: MonthList, region: str) -> Iterator[Line]:
    """Every change of a month."""
    if found.closed is not None:
        rows = months.changes_of(found.closed, user=request.user, region=region).select_related("household", "person")
        for row in rows.order_by("correction", "direction", "region_code", "pk").iterator(months.AT_ONCE):
            yield _frozen(row)
        return
    for direction in (IN, OUT):
        rows = months.live_rows(found.kind, found.span, direction, user=request.user, region=region)
        part: list[Any] = []
        for label in rows.order_by("household__region_code", "pk").iterator(months.AT_ONCE):
            part.append(label)
            if len(part) == months.AT_ONCE:
                yield from months.lines_of(part, direction)
                part = []
        yield from months.lines_of(part, direction)
    yield from months.correction_lines(
        found.kind, found.span, user=request.user, county=request.user.region_code[:6], region=region
    )


def _frozen(row: RosterChange) -> Line:
    code = row.reason if row.reason in REASONS else "unknown"
    return Line(
        row.direction, row.correction, row.household, row.person, row.region_code, row.on, Why(code, row.detail)
    )


def _cells(line: Line) -> list[Cell]:
    return [
        "纳入" if line.direction == IN else "退出",
        "更正" if line.correction else "",
        line.household.number,
        line.household.head_name,
        line.person.name if line.person else "全户",
        places.name_of(line.region_code),
        line.household.group_name,
        line.on,
        line.why.title,
        line.why.detail,
    ]


urlpatterns = [
    path("rosters/", roster_list, name="rosters"),
    path("rosters/print/", roster_print, name="roster-print"),
    path("rosters/export/", roster_export, name="roster-export"),
    path("rosters/close/", roster_close, name="roster-close"),
    path("rosters/verify/", roster_verify, name="roster-verify"),
]
