"""Double-random inspections: rounds, the draw, its record to verify, findings put right, the notice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import may, requires
from huqing.access.scope import covers, visible
from huqing.office import paging
from huqing.office.inspection_forms import CancelForm, DrawForm, FindingForm, RoundForm, StepForm
from huqing.office.views.shared import attempt
from huqing.teams import inspection_papers
from huqing.teams import inspections as actions
from huqing.teams.models import InspectionFinding, InspectionRound, InspectionTarget

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
S, F = InspectionRound.State, InspectionFinding.State
ROUNDS_SHOWN = 10
FILTERS: dict[str, Callable[[dt.date], Q]] = {
    "open": lambda today: Q(state=F.OPEN),
    "late": lambda today: Q(state=F.OPEN, due_on__lt=today),
    "done": lambda today: Q(state=F.DONE),
    "closed": lambda today: Q(state=F.CLOSED),
}
LABELS = {F.DONE: "登记整改", F.CLOSED: "复查通过，销号", F.OPEN: "复查不通过，退回"}


@requires("view_inspections")
def inspections(request: HttpRequest) -> HttpResponse:
    """The board: findings by state, the most pressing first, and the newest rounds."""
    today = actions.today()
    found = visible(InspectionFinding.objects.all(), request.user)
    wanted = request.GET.get("state", "")
    rows = found.filter(FILTERS[wanted](today)) if wanted in FILTERS else found.exclude(state=F.CLOSED)
    page = paging.page(
        rows.select_related("target__round"),
        query=request.GET,
        path=request.path,
        orders={"due": ["due_on", "id"]},
        default="due",
        sortable=False,
    )
    context = {"findings": page, "today": today, "wanted": wanted if wanted in FILTERS else ""}
    if request.htmx:
        return render(request, "office/inspections/finding_rows.html", context)
    counts = found.aggregate(**{name: Count("pk", filter=made(today)) for name, made in FILTERS.items()})
    context |= {"numbers": counts, "rounds": _rounds(request)[:ROUNDS_SHOWN]}
    return render(request, "office/inspections/list.html", context)


@requires("view_inspections")
def inspection_rounds(request: HttpRequest) -> HttpResponse:
    """All rounds of the county, the newest first."""
    page = paging.page(
        _rounds(request), query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    return render(request, f"office/inspections/{'rows' if request.htmx else 'rounds'}.html", {"page": page})


@requires("manage_inspections")
def inspection_new(request: HttpRequest) -> HttpResponse:
    """Fix the question and publish the commitment."""
    form = RoundForm(request.POST if request.method == "POST" else None, by=request.user, initial={"how": "per_town"})
    if form.is_valid():
        made = attempt(form, lambda: actions.commit(by=request.user, **form.question()))
        if made:
            messages.success(request, "承诺已公布。请监督人抄下或拍下承诺，再抽取。")
            return redirect("office:inspection", pk=made.pk)
    return render(request, "office/inspections/new.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("view_inspections")
def inspection(request: HttpRequest, pk: int) -> HttpResponse:
    """A round: commitment and question before the draw; villages, inspectors and findings after it."""
    round_ = _round(request, pk)
    what = request.POST.get("what", "") if request.method == "POST" and may(request.user, "manage_inspections") else ""
    forms: dict[str, Form] = {
        "draw": DrawForm(request.POST if what == "draw" else None, prefix="d"),
        "cancel": CancelForm(request.POST if what == "cancel" else None, prefix="c"),
    }
    form = forms.get(what)
    if form is not None and form.is_valid():
        act: Callable[..., Any] = {"draw": actions.draw_round, "cancel": actions.cancel}[what]
        if attempt(form, lambda: act(round_=round_, by=request.user, **form.cleaned_data)):
            messages.success(request, "抽取完成，记录可以下载验证。" if what == "draw" else "这一轮已取消。")
            return redirect("office:inspection", pk=pk)
    shown = actions.is_shown(round_) or may(request.user, "manage_inspections")
    targets = visible(round_.targets.all(), request.user).select_related("village__parent")
    context = {
        "round": round_,
        "forms": forms,
        "shown": shown,
        "targets": targets.prefetch_related("duties__staff__unit", "findings").order_by("region_code")
        if shown
        else targets.none(),
        "candidates": len(round_.question["candidates"]),
        "inspectors": len(round_.question["inspectors"]),
        "total": sum(round_.question["count"].values()),
        "whole": covers(request.user.region_code, round_.region_code),
    }
    return render(request, "office/inspections/detail.html", context, status=422 if what else 200)


@requires("view_inspections")
def inspection_record(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of the draw as a file."""
    round_ = _round(request, pk)
    if round_.record is None or not _may_read(request, round_):
        raise Http404
    answer = HttpResponse(actions.record_file(round_), content_type="application/json; charset=utf-8")
    name = f"抽取记录_{round_.pk}.json"
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return answer


@requires("view_inspections")
def inspection_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """The notice (通报) of a round on A4, for those who see the whole round."""
    round_ = _round(request, pk)
    if round_.state != S.DRAWN or not _may_read(request, round_):
        raise Http404
    context = {
        "round": round_,
        "targets": inspection_papers.targets_of(round_),
        "findings": inspection_papers.findings_of(round_),
        "today": actions.today(),
    }
    return render(request, "office/inspections/notice.html", context)


@requires("view_inspections")
@require_POST
def inspection_letter(request: HttpRequest, pk: int) -> HttpResponse:
    """The notice of a round as a Word file."""
    round_ = _round(request, pk)
    if round_.state != S.DRAWN or not _may_read(request, round_):
        raise Http404
    return _word(inspection_papers.notice(round_=round_, by=request.user), f"通报_{round_.title}")


@requires("view_inspections")
@require_POST
def target_letter(request: HttpRequest, pk: int) -> HttpResponse:
    """The order to put right what was found in one village, as a Word file."""
    targets = visible(InspectionTarget.objects.select_related("round", "village__parent"), request.user)
    target = targets.filter(pk=pk).first()
    if target is None or not target.findings.exists():
        raise Http404
    return _word(inspection_papers.order(target=target, by=request.user), f"整改通知书_{target.village.name}")


def _word(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=WORD)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{name}.docx")
    return answer


def _may_read(request: HttpRequest, round_: InspectionRound) -> bool:
    """Whether an account may have the whole result of a round."""
    whole = covers(request.user.region_code, round_.region_code)
    return whole and (actions.is_shown(round_) or may(request.user, "manage_inspections"))


@requires("manage_inspections")
def finding_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Note what was found in a drawn village."""
    targets = visible(InspectionTarget.objects.select_related("round", "village__parent"), request.user)
    target = targets.filter(pk=pk).first()
    if target is None:
        raise Http404
    town = target.village.parent.name if target.village.parent else ""
    first = {"found_on": actions.today(), "responsible": f"{town}政府" if town else ""}
    form = FindingForm(request.POST if request.method == "POST" else None, initial=first)
    if form.is_valid() and attempt(
        form, lambda: actions.add_finding(target=target, by=request.user, **form.cleaned_data)
    ):
        messages.success(request, "问题已登记，责任单位可以看到。")
        return redirect("office:inspection", pk=target.round_id)
    context = {"form": form, "target": target}
    return render(request, "office/inspections/finding_new.html", context, status=422 if form.is_bound else 200)


@requires("view_inspections")
def finding(request: HttpRequest, pk: int) -> HttpResponse:
    """A finding: what happened so far, and the next step."""
    rows = InspectionFinding.objects.select_related("target__round", "target__village", "found_by")
    found = visible(rows, request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    form = StepForm(request.POST if request.method == "POST" else None)
    state = request.POST.get("state", "")
    if form.is_valid() and attempt(
        form,
        lambda: actions.step(finding=found, state=state, text=form.cleaned_data["text"], by=request.user),
    ):
        messages.success(request, "已登记。")
        return redirect("office:finding", pk=pk)
    steps = [
        (state, LABELS[F(state)])
        for (now, state), permission in actions.STEPS.items()
        if now == found.state and may(request.user, permission)
    ]
    context = {
        "finding": found,
        "form": form,
        "steps": steps,
        "done": found.steps.select_related("by"),
        "today": actions.today(),
    }
    return render(request, "office/inspections/finding.html", context, status=422 if form.is_bound else 200)


def _rounds(request: HttpRequest) -> Any:
    """The rounds of one's county: everybody who may look sees that they take place and their commitment."""
    county = request.user.region_code[:6]
    return InspectionRound.objects.filter(region_code__startswith=county).select_related("created_by")


def _round(request: HttpRequest, pk: int) -> InspectionRound:
    found = _rounds(request).filter(pk=pk).first() if request.user.region_code else None
    if found is None:
        raise Http404
    return found


urlpatterns = [
    path("inspections/", inspections, name="inspections"),
    path("inspections/rounds/", inspection_rounds, name="inspection-rounds"),
    path("inspections/new/", inspection_new, name="inspection-new"),
    path("inspections/<int:pk>/", inspection, name="inspection"),
    path("inspections/<int:pk>/record/", inspection_record, name="inspection-record"),
    path("inspections/<int:pk>/notice/", inspection_notice, name="inspection-notice"),
    path("inspections/<int:pk>/letter/", inspection_letter, name="inspection-letter"),
    path("inspections/targets/<int:pk>/letter/", target_letter, name="target-letter"),
    path("inspections/targets/<int:pk>/finding/", finding_new, name="finding-new"),
    path("inspections/findings/<int:pk>/", finding, name="finding"),
]
