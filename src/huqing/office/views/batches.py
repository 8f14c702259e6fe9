"""One step for many cases: look it over, start it, see how far it is, read what was refused and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import quote

from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.cases import batches
from huqing.cases.errors import CaseError
from huqing.cases.models import Batch, BatchLine, Case
from huqing.cases.tasks import work_off
from huqing.office import case_list, paging, places
from huqing.office.views.alert_export import XLSX
from huqing.packs.procedures.declaration import NEEDS
from huqing.papers.sheets import Cell, Column, Marking, Sheet, write_workbook

SHOWN = 20
ORDERS = {"new": ["id"]}
COLUMNS = [
    Column("受理编号"),
    Column("户主"),
    Column("村"),
    Column("组"),
    Column("结果"),
    Column("说明", width=60),
]


def _chosen(request: HttpRequest) -> QuerySet[Case]:
    """The ticked cases, or all that the list's filters leave."""
    found = case_list.found(request.user, case_list.wanted_of(request))
    ticked = [key for key in request.POST.getlist("case") if key.isdecimal() and len(key) < SHOWN]
    return found.filter(pk__in=ticked) if ticked else found


@requires("handle_cases")
@require_POST
def batch_new(request: HttpRequest) -> HttpResponse:
    """Look over which cases take which step, then start."""
    found = _chosen(request)
    offered = {move.key: (move, count) for move, count in batches.moves_of(found, request.user)}
    key, reason, wrong = request.POST.get("move", ""), request.POST.get("reason", ""), ""
    move, count = offered.get(key, (None, 0))
    able = found.filter(state__key__in=move.start) if move else found.none()
    listed = list(able.order_by("pk").values_list("pk", "turn")[: batches.MOST + 1])
    seen = hashlib.sha256(repr(listed).encode()).hexdigest()
    if move is None:
        wrong = "所选事项都不能由您办理这一步，请返回重新选择。"
    elif request.POST.get("do") == "start" and request.POST.get("seen") != seen:
        wrong = "您查看以后名单有变化：有的事项刚刚转入或办走。下面是现在的名单，请看过再办。"
    elif request.POST.get("do") == "start":
        try:
            made = batches.ask_step(cases=able, move=key, reason=reason, by=request.user)
        except CaseError as error:
            wrong = str(error)
        else:
            work_off.enqueue(made.pk)
            return redirect("office:batch", pk=made.pk)
    context = {
        "move": move,
        "count": count,
        "total": found.count(),
        "first": able.order_by("press_on", "pk")[:SHOWN],
        "seen": seen,
        "needs": [NEEDS[need] for need in move.needs] if move else [],
        "ticked": request.POST.getlist("case"),
        "reason": reason,
        "most": batches.MOST,
        "wrong": wrong,
        "query": request.GET.urlencode(),
        "back": f"{reverse('office:cases')}?{request.GET.urlencode()}",
    }
    return render(request, "office/cases/batch_new.html", context, status=422 if wrong else 200)


@requires("view_cases")
def batch_list(request: HttpRequest) -> HttpResponse:
    """Batches of one's area, the newest first."""
    lines = BatchLine.State
    found = Batch.objects.visible_to(request.user).annotate(
        done=Count("lines", filter=Q(lines__state=lines.DONE)),
        refused=Count("lines", filter=Q(lines__state=lines.REFUSED)),
    )
    page = paging.page(
        found.select_related("created_by"),
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="-new",
        sortable=False,
        size=20,
    )
    return render(request, "office/cases/batches.html", {"page": page})


def _find(request: HttpRequest, pk: int) -> Batch:
    found = Batch.objects.visible_to(request.user).select_related("created_by").filter(pk=pk).first()
    if found is None:
        raise Http404("没有这次批量办理，或它不在您的管辖区划内。")
    return found


@requires("view_cases")
def batch_view(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a batch is, and its lines: what was refused first."""
    batch = _find(request, pk)
    counts = dict(batches.progress(batch))
    state = request.GET.get("state", "")
    if state not in BatchLine.State.values:
        state = "refused" if counts.get("refused") else "done"
    lines = _lines(request, batch).filter(state=state)
    page = paging.page(
        lines, query=request.GET, path=request.path, orders=ORDERS, default="new", sortable=False, ids_first=True
    )
    ready = counts.get("done", 0) + counts.get("refused", 0)
    context = {
        "batch": batch,
        "counts": counts,
        "ready": ready,
        "busy": batch.state != Batch.State.DONE,
        "state": state,
        "states": [(key, title, counts.get(key, 0)) for key, title in BatchLine.State.choices if counts.get(key)],
        "page": page,
    }
    template = "office/cases/batch_body.html" if request.htmx else "office/cases/batch.html"
    return render(request, template, context)


def _lines(request: HttpRequest, batch: Batch) -> QuerySet[BatchLine]:
    rows = BatchLine.objects.visible_to(request.user).filter(batch=batch)
    return rows.select_related("case__state", "household")


@requires("view_cases")
def batch_workbook(request: HttpRequest, pk: int) -> HttpResponse:
    """The results of a batch as a workbook."""
    batch, now, target = _find(request, pk), timezone.localtime(), BytesIO()
    marking = Marking(by=request.user.display_name, at=now, note=f"{batch.title}的结果")
    write_workbook(target, [Sheet("结果", COLUMNS, _rows(_lines(request, batch)))], marking=marking)
    name = quote(f"{batch.title}_结果_{now:%Y%m%d_%H%M}.xlsx")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return HttpResponse(target.getvalue(), content_type=XLSX, headers=headers)


def _rows(lines: QuerySet[BatchLine]) -> Iterator[list[Cell]]:
    for line in lines.order_by("pk").iterator(chunk_size=500):
        yield [
            line.case.number if line.case else "",
            line.household.head_name,
            places.name_of(line.region_code),
            line.household.group_name,
            line.get_state_display(),
            line.told,
        ]


urlpatterns = [
    path("cases/batch/", batch_new, name="batch-new"),
    path("cases/batches/", batch_list, name="batches"),
    path("cases/batches/<int:pk>/", batch_view, name="batch"),
    path("cases/batches/<int:pk>/results.xlsx", batch_workbook, name="batch-workbook"),
]
