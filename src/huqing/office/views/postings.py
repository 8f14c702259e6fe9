"""Postings: what waits to be published, one posting as the public sees it and as it is printed, objections."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.cases import postings
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Objection, PublicPosting
from huqing.office import paging
from huqing.registry.models import Region

ORDERS = {"new": ["id"]}
MOST = 500


@requires("view_cases")
def posting_list(request: HttpRequest) -> HttpResponse:
    """Postings of one's area, and the villages with cases that wait for one."""
    day = today()
    open_ = Count("objections", filter=Q(objections__state=Objection.State.OPEN))
    found = PublicPosting.objects.visible_to(request.user).select_related("village").annotate(open_objections=open_)
    page = paging.page(found, query=request.GET, path=request.path, orders=ORDERS, default="-new", sortable=False)
    rows = [(posting, state_of(posting)) for posting in page.rows]
    context = {"page": page, "rows": rows, "waiting": _waiting(request), "day": day}
    return render(request, "office/postings/list.html", context)


def state_of(posting: PublicPosting) -> tuple[str, str]:
    """A posting's state in words, and its tone."""
    if posting.stopped_on is not None:
        return "提前撤下", "past"
    return ("公示中", "ok") if posting.ends_on >= today() else ("已期满", "past")


def _waiting(request: HttpRequest) -> list[tuple[Region, int]]:
    cases = Case.objects.visible_to(request.user).filter(closed_on=None)
    found = []
    for village in Region.objects.filter(pk__in=cases.values("household__village").distinct()).order_by("code")[:MOST]:
        count = postings.waiting(request.user, village).count()
        if count:
            found.append((village, count))
    return found


@requires("handle_cases")
def posting_add(request: HttpRequest, code: str) -> HttpResponse:
    """Preview exactly what the public will see, then publish it."""
    village = Region.objects.visible_to(request.user).filter(code=code, level=Region.Level.VILLAGE).first()
    if village is None:
        raise Http404("没有这个村，或它不在您的管辖区划内。")
    waiting = list(postings.waiting(request.user, village)[:MOST])
    levels = list(dict.fromkeys(case.state.title for case in waiting))
    asked = request.GET.get("level") or request.POST.get("level")
    level = asked if asked in levels else (levels[0] if levels else "")
    chosen = [case for case in waiting if case.state.title == level]
    wrong, rows = "", []
    try:
        rows = postings.rows_of(chosen)
        if request.method == "POST" and chosen:
            made = postings.publish(cases=chosen, by=request.user)
            messages.success(request, f"已发布，公示到 {made.ends_on:%Y-%m-%d}。")
            return redirect("office:posting", pk=made.pk)
    except CaseError as error:
        wrong = str(error)
    context = {
        "village": village,
        "levels": levels,
        "level": level,
        "columns": list(postings.FIELDS.values()),
        "rows": rows,
        "wrong": wrong,
    }
    return render(request, "office/postings/add.html", context, status=422 if wrong else 200)


def _find(request: HttpRequest, pk: int) -> PublicPosting:
    found = (
        PublicPosting.objects.visible_to(request.user).select_related("village__parent", "published_by").filter(pk=pk)
    )
    posting = found.first()
    if posting is None:
        raise Http404("没有这次公示，或它不在您的管辖区划内。")
    return posting


@requires("view_cases")
def posting_view(request: HttpRequest, pk: int) -> HttpResponse:
    """One posting with its objections; prints as the notice."""
    return _page(request, _find(request, pk))


def _page(request: HttpRequest, posting: PublicPosting, *, wrong: str = "", status: int = 200) -> HttpResponse:
    state, tone = state_of(posting)
    context = {
        "posting": posting,
        "state": state,
        "tone": tone,
        "running": state == "公示中",
        "objections": posting.objections.select_related("case__household", "answered_by"),
        "lines": posting.lines.select_related("case__household"),
        "wrong": wrong,
    }
    return render(request, "office/postings/detail.html", context, status=status)


@requires("handle_cases")
@require_POST
def posting_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a posting down before its time."""
    posting = _find(request, pk)
    try:
        postings.stop(posting=posting, by=request.user, reason=request.POST.get("reason", ""))
    except CaseError as error:
        return _page(request, posting, wrong=str(error), status=422)
    messages.success(request, "已撤下。改正后须重新公示，天数重新计算。")
    return redirect("office:posting", pk=pk)


@requires("handle_cases")
@require_POST
def objection_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down an objection somebody came with."""
    posting = _find(request, pk)
    key = request.POST.get("case", "")
    line = posting.lines.filter(case=key).select_related("case").first() if key.isdecimal() and len(key) < 12 else None
    try:
        postings.object_to(
            posting=posting,
            text=request.POST.get("text", ""),
            case=line.case if line else None,
            contact=request.POST.get("contact", ""),
            by=request.user,
        )
    except CaseError as error:
        return _page(request, posting, wrong=str(error), status=422)
    messages.success(request, "异议已登记，处理完之前这些事项不能进入下一步。")
    return redirect("office:posting", pk=pk)


@requires("handle_cases")
@require_POST
def objection_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer an objection."""
    objection = Objection.objects.visible_to(request.user).select_related("posting").filter(pk=pk).first()
    if objection is None:
        raise Http404("没有这件异议，或它不在您的管辖区划内。")
    try:
        postings.answer(
            objection=objection,
            upheld=request.POST.get("upheld") == "1",
            text=request.POST.get("answer", ""),
            by=request.user,
        )
    except CaseError as error:
        return _page(request, _find(request, objection.posting_id), wrong=str(error), status=422)
    messages.success(request, "已答复。")
    return redirect("office:posting", pk=objection.posting_id)


urlpatterns = [
    path("postings/", posting_list, name="postings"),
    path("postings/<int:pk>/", posting_view, name="posting"),
    path("postings/new/<str:code>/", posting_add, name="posting-add"),
    path("postings/<int:pk>/stop/", posting_stop, name="posting-stop"),
    path("postings/<int:pk>/objections/", objection_add, name="objection-add"),
    path("objections/<int:pk>/answer/", objection_answer, name="objection-answer"),
]
