"""Our rosters against the departments': the last comparison, every difference, which roster holds, export."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import visible
from huqing.office import paging, places, roster_exports
from huqing.office.review_forms import SettleForm
from huqing.office.roster_filters import place_of
from huqing.office.views.shared import attempt
from huqing.papers.sheets import Cell, Column
from huqing.rosters import differences, tasks
from huqing.rosters.comparing import ROSTERS, WHYS
from huqing.rosters.models import RosterComparison, RosterDifference
from huqing.standards.fields import record_kinds

S, K = RosterDifference.State, RosterDifference.Kind
COLUMNS = [
    Column("名册"),
    Column("种类"),
    Column("户编号"),
    Column("户主"),
    Column("对象"),
    Column("乡镇和村"),
    Column("本县", width=40),
    Column("部门", width=40),
    Column("可能的原因"),
    Column("状态"),
    Column("发现日期", "date"),
    Column("处理"),
    Column("说明", width=40),
]


@requires("view_rosters")
def difference_list(request: HttpRequest) -> HttpResponse:
    """The last comparison by roster, and the differences that the filters leave."""
    wanted = _wanted(request)
    page = paging.page(
        _rows(request, wanted),
        query=request.GET,
        path=request.path,
        orders={"place": ["region_code", "id"]},
        default="place",
        sortable=False,
    )
    county = request.user.region_code[:6]
    last = RosterComparison.objects.filter(region_code=county).select_related("made_by").first() if county else None
    context = {
        "page": page,
        "wanted": wanted,
        "last": last,
        "waiting": bool(county) and tasks.queued(county),
        "sums": _sums(last),
        "rosters": [(key, one.title) for key, one in ROSTERS.items()],
        "kinds": K.choices,
        "states": S.choices,
        "whys": list(WHYS.items()),
        "titles": {key: one.title for key, one in ROSTERS.items()},
        "query": request.GET.urlencode(),
        "narrowed": any(wanted[key] for key in ("roster", "kind", "why", "region")) or wanted["state"] != S.OPEN,
    }
    template = "office/differences/results.html" if request.htmx else "office/differences/list.html"
    return render(request, template, context)


def _sums(last: RosterComparison | None) -> list[dict[str, Any]]:
    """What the last comparison counted in the whole county; a roster without a department's file says so."""
    kinds = record_kinds()
    return [
        {
            "key": key,
            "title": one.title,
            "file": kinds[one.record_kind].name,
            "counts": last.counts.get(key) if last else None,
        }
        for key, one in ROSTERS.items()
    ]


@requires("compare_rosters")
@require_POST
def difference_run(request: HttpRequest) -> HttpResponse:
    """Ask for a comparison; the background worker does it."""
    county = request.user.region_code[:6]
    if tasks.queued(county):
        messages.info(request, "已有一次比对在排队，不用重复发起。")
    else:
        tasks.compare_rosters.enqueue(county, request.user.pk)
        messages.success(request, "比对已排队，一般一分钟内完成，请稍后刷新。")
    return redirect("office:differences")


@requires("view_rosters")
def difference(request: HttpRequest, pk: int) -> HttpResponse:
    """One difference: both sides, the likely reason, and which one holds."""
    rows = RosterDifference.objects.select_related("household", "person", "record__source", "decided_by")
    found = visible(rows, request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    open_ = found.state == S.OPEN and may(request.user, "settle_differences")
    posted = request.POST if request.method == "POST" and open_ else None
    form = SettleForm(posted)
    if form.is_valid() and attempt(
        form, lambda: differences.settle(difference=found, by=request.user, **form.cleaned_data)
    ):
        messages.success(request, "已处理。数值再有变化时会重新提示。")
        return redirect("office:difference", pk=pk)
    context = {
        "difference": found,
        "roster": ROSTERS[found.roster].title,
        "file": record_kinds()[ROSTERS[found.roster].record_kind].name,
        "why": WHYS.get(found.why, ""),
        "form": form if open_ else None,
        "not_theirs": differences.why_not_theirs(found) if open_ else "",
    }
    return render(request, "office/differences/detail.html", context, status=422 if posted is not None else 200)


@requires("settle_differences")
@require_POST
def difference_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an explanation back."""
    found = visible(RosterDifference.objects.all(), request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    try:
        differences.reopen(difference=found, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, "已重开，待处理。")
    return redirect("office:difference", pk=pk)


@requires("export")
@require_POST
def difference_export(request: HttpRequest) -> HttpResponse:
    """The differences that the filters leave, as a workbook."""
    rows = _rows(request, _wanted(request)).order_by("region_code", "pk")
    if not rows.exists():
        messages.error(request, "没有可以导出的差异。请放宽条件后再导出。")
        return redirect("office:differences")
    return roster_exports.workbook(
        request,
        name="名册差异",
        note="名册比对差异",
        columns=COLUMNS,
        rows=(_cells(row) for row in rows[: roster_exports.MOST].iterator(2_000)),
        action="difference_export",
        detail={"filters": request.GET.urlencode()[:200]},
    )


def _cells(row: RosterDifference) -> list[Cell]:
    return [
        ROSTERS[row.roster].title,
        row.get_kind_display(),
        row.household.number if row.household else "",
        row.household.head_name if row.household else "",
        row.person.name if row.person else row.subject_name or "全户",
        places.name_of(row.region_code),
        "；".join(f"{title}：{ours}" for title, ours, _ in row.values),
        "；".join(f"{title}：{theirs}" for title, _, theirs in row.values),
        WHYS.get(row.why, ""),
        row.get_state_display(),
        row.opened_on,
        row.get_decision_display() if row.decision else "",
        row.reason,
    ]


def _wanted(request: HttpRequest) -> dict[str, Any]:
    query = request.GET

    def one_of(name: str, known: Any, first: str = "") -> str:
        asked = query.get(name, first)
        return asked if asked in known else first

    return {
        "roster": one_of("roster", ROSTERS),
        "kind": one_of("kind", K.values),
        "why": one_of("why", WHYS),
        "state": one_of("state", S.values, str(S.OPEN)),
        **place_of(request),
    }


def _rows(request: HttpRequest, wanted: dict[str, Any]) -> Any:
    rows = visible(RosterDifference.objects.filter(state=wanted["state"]), request.user, within=wanted["region"])
    chosen = {key: wanted[key] for key in ("roster", "kind", "why") if wanted[key]}
    return rows.filter(**chosen).select_related("household", "person")


urlpatterns = [
    path("differences/", difference_list, name="differences"),
    path("differences/run/", difference_run, name="difference-run"),
    path("differences/export/", difference_export, name="difference-export"),
    path("differences/<int:pk>/", difference, name="difference"),
    path("differences/<int:pk>/reopen/", difference_reopen, name="difference-reopen"),
]
