"""What matters leave on paper and in files: minutes, the poster with the QR code, monthly figures, the list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.permissions import Refused, requires
from huqing.access.scope import visible
from huqing.matters import meetings, queries
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter, MatterMeeting
from huqing.office import places
from huqing.office.matter_forms import MeetingForm
from huqing.office.views.matters import wanted_of
from huqing.office.views.public_applications import groups_of
from huqing.papers.sheets import Cell, Column, Marking, Sheet, write_workbook
from huqing.registry.models import Region
from huqing.visits.links import app_qr

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST, MONTHS = 5_000, 13
COLUMNS = [
    Column("受理编号"),
    Column("村"),
    Column("小组"),
    Column("类别"),
    Column("来源"),
    Column("反映日期", "date"),
    Column("反映的问题", width=45),
    Column("环节"),
    Column("层级"),
    Column("承办人"),
    Column("承办单位"),
    Column("本环节截止", "date"),
    Column("答复", width=45),
    Column("答复日期", "date"),
    Column("评价"),
    Column("办结日期", "date"),
]


def _village(request: HttpRequest, code: str) -> Region:
    found = Region.objects.visible_to(request.user).filter(code=code, level=Region.Level.VILLAGE, valid_to=None)
    village = found.select_related("parent").first()
    if village is None:
        raise Http404("没有这个村，或它不在您的管辖区划内。")
    return village


@requires("handle_matters")
def meeting_add(request: HttpRequest, code: str) -> HttpResponse:
    """Take down what a meeting said about the matters of a village, several at once."""
    village = _village(request, code)
    waiting = list(meetings.waiting(request.user, village)[: meetings.MOST])
    form = MeetingForm(request.POST if request.method == "POST" else None, initial={"held_on": today()})
    ticked = {
        one.pk for one in waiting if request.POST.get(f"agreed-{one.pk}") or request.GET.get("matter") == str(one.pk)
    }
    if form.is_valid():
        said = [
            meetings.Said(one, request.POST.get(f"text-{one.pk}", ""), request.POST[f"agreed-{one.pk}"] == "1")
            for one in waiting
            if request.POST.get(f"agreed-{one.pk}") in ("0", "1")
        ]
        data: dict[str, Any] = {**form.cleaned_data, "on": form.cleaned_data["held_on"]}
        del data["held_on"]
        try:
            made = meetings.hold(village=village, said=said, by=request.user, **data)
        except (MatterError, Refused) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "议事会已登记。决定办理的，请接着交办。")
            return redirect("office:matter-minutes", pk=made.pk)
    rows = [
        (one, request.POST.get(f"agreed-{one.pk}", ""), request.POST.get(f"text-{one.pk}", ""), one.pk in ticked)
        for one in waiting
    ]
    context = {"village": village, "form": form, "rows": rows}
    return render(request, "office/matters/meeting_add.html", context, status=422 if form.errors else 200)


@requires("view_matters")
def minutes(request: HttpRequest, pk: int) -> HttpResponse:
    """The minutes of a meeting, to read and to print for signing."""
    meeting = visible(MatterMeeting.objects.select_related("village", "created_by"), request.user).filter(pk=pk).first()
    if meeting is None:
        raise Http404("没有这次议事会，或它不在您的管辖区划内。")
    seen = queries.seen(request.user).values("pk")
    items = meeting.items.filter(matter__in=seen).select_related("matter").order_by("-agreed", "pk")
    return render(request, "office/matters/minutes.html", {"meeting": meeting, "items": items})


@requires("view_matters")
def poster(request: HttpRequest, code: str) -> HttpResponse:
    """The poster of a village or of one group, with the code that opens the villagers' page."""
    village, group = _village(request, code), request.GET.get("group", "").replace("\0", "")[:40]
    address = request.build_absolute_uri(reverse("office:public-matter-raise", args=[code]))
    if group:
        address = f"{address}?{urlencode({'group': group})}"
    context = {
        "village": village,
        "group": group,
        "groups": groups_of(code),
        "address": address,
        "list_address": request.build_absolute_uri(reverse("office:public-matters", args=[code])),
        "code": app_qr(address),
    }
    return render(request, "office/matters/poster.html", context)


@requires("view_matters")
def figures(request: HttpRequest) -> HttpResponse:
    """What was raised in a month by kind and by place, and what became of it."""
    months = _months(today())
    asked = request.GET.get("month", "")
    month = next((one for one in months if one[0] == asked), months[0])
    first = dt.date.fromisoformat(f"{month[0]}-01")
    last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    kinds = queries.figures(request.user, first, last, by="kind", day=today())
    found = queries.figures(request.user, first, last, by="place", day=today())
    context = {
        "months": months,
        "month": month[0],
        "title": month[1],
        "tables": [
            ("按类别", "类别", kinds, _sum(kinds)),
            ("按地方", "地方", [(places.name_of(row.name), row) for row in found], _sum(found)),
        ],
    }
    return render(request, "office/matters/figures.html", context)


def _sum(rows: list[queries.Figures]) -> queries.Figures:
    names = ("raised", "answered", "open", "late", "good", "fair", "bad", "unrated")
    return queries.Figures("合计", *(sum(getattr(row, name) for row in rows) for name in names))


def _months(day: dt.date) -> list[tuple[str, str]]:
    """The last months, this one first: as the address has them and as they are said."""
    found = []
    for back in range(MONTHS):
        year, month = divmod(day.year * 12 + day.month - 1 - back, 12)
        found.append((f"{year}-{month + 1:02d}", f"{year} 年 {month + 1} 月"))
    return found


@requires("export")
@require_POST
def matter_export(request: HttpRequest) -> HttpResponse:
    """The matters the filters leave, as a workbook; audited and marked with who made it. Phones are not in it."""
    wanted = wanted_of(request)
    found = queries.listed(request.user, wanted, today())
    total = found.count()
    if not total or total > MOST:
        words = f"有 {total:,} 件，一次最多导出 {MOST:,} 件。请先按乡镇、村或类别筛选，再导出。"
        messages.error(request, words if total else "没有可以导出的事项。请放宽条件后再导出。")
        return redirect(f"{reverse('office:matters')}?{request.GET.urlencode()}")
    rows = list(found.select_related("state", "village", "handler", "unit").order_by("region_code", "pk"))
    now, target = timezone.localtime(), BytesIO()
    marking = Marking(by=request.user.display_name, at=now, note="村民事项")
    count = write_workbook(target, [Sheet("村民事项", COLUMNS, _rows(rows))], marking=marking)
    with transaction.atomic():
        region = request.user.region_code
        audit.record(by=request.user, action="matter_export", region_code=region, detail={"rows": count})
    response = HttpResponse(target.getvalue(), content_type=XLSX)
    name = f"村民事项_{now:%Y%m%d_%H%M}.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def _rows(matters: list[Matter]) -> Iterator[list[Cell]]:
    for matter in matters:
        yield [
            matter.number,
            places.name_of(matter.village.code),
            matter.group_name,
            matter.get_kind_display(),
            matter.get_channel_display(),
            matter.raised_on,
            matter.text,
            matter.state.title,
            matter.get_level_display(),
            matter.handler.name if matter.handler else "",
            matter.unit.name if matter.unit else "",
            matter.due_on if matter.has_deadline else None,
            matter.answer,
            matter.answered_on,
            matter.get_rating_display(),
            matter.closed_on,
        ]


urlpatterns = [
    path("matters/meetings/new/<str:code>/", meeting_add, name="matter-meeting"),
    path("matters/meetings/<int:pk>/", minutes, name="matter-minutes"),
    path("matters/poster/<str:code>/", poster, name="matter-poster"),
    path("matters/figures/", figures, name="matter-figures"),
    path("matters/export/", matter_export, name="matter-export"),
]
