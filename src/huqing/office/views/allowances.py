"""Allowances of resident teams: compute a month, look at every line, approve, export for payment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, requires
from huqing.access.scope import visible
from huqing.office import paging
from huqing.office.residency_forms import MonthForm
from huqing.office.residency_page import month_of
from huqing.office.views.shared import attempt
from huqing.teams import allowances as actions
from huqing.teams.models import AllowanceRun
from huqing.teams.presence import today

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@requires("pay_allowances")
def allowances(request: HttpRequest) -> HttpResponse:
    """All computations, and the form for another month."""
    form = MonthForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        month = month_of(form.cleaned_data["month"], today())
        run = attempt(form, lambda: actions.compute(region=request.user.region_code, month=month, by=request.user))
        if run:
            return redirect("office:allowance", pk=run.pk)
    runs = visible(AllowanceRun.objects.select_related("created_by", "approved_by"), request.user)
    numbers = runs.annotate(people=Count("lines"), fen=Sum("lines__total"))[:60]
    context = {"form": form, "runs": numbers}
    return render(request, "office/residency/allowances.html", context, status=422 if form.is_bound else 200)


@requires("pay_allowances")
def allowance(request: HttpRequest, pk: int) -> HttpResponse:
    """One month with every member's amounts and how they came about."""
    run = _run(request, pk)
    page = paging.page(
        run.lines.select_related("staff__unit"),
        query=request.GET,
        path=request.path,
        orders={"village": ["region_code", "id"]},
        default="village",
        sortable=False,
    )
    if request.htmx:
        return render(request, "office/residency/allowance_rows.html", {"page": page})
    sums = run.lines.aggregate(people=Count("pk"), fen=Sum("total"), unknown=Count("pk", filter=Q(total=None)))
    context = {"run": run, "page": page, **sums, "mine": run.created_by_id == request.user.pk}
    return render(request, "office/residency/allowance.html", context)


@requires("pay_allowances")
@require_POST
def allowance_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The workbook for payment."""
    run = _run(request, pk)
    try:
        content = actions.export(run=run, by=request.user)
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect("office:allowance", pk=pk)
    answer = HttpResponse(content, content_type=XLSX)
    name = f"驻村补助_{run.month:%Y%m}.xlsx"
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return answer


def _command(action: Callable[..., Any], done: str) -> Callable[..., HttpResponse]:
    @requires("pay_allowances")
    @require_POST
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        try:
            action(run=_run(request, pk), by=request.user)
        except (ValidationError, Refused) as error:
            messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
        else:
            messages.success(request, done)
        return redirect("office:allowance", pk=pk)

    return view


def _run(request: HttpRequest, pk: int) -> AllowanceRun:
    runs = visible(AllowanceRun.objects.select_related("created_by", "approved_by"), request.user)
    run = runs.filter(pk=pk).first()
    if run is None:
        raise Http404
    return run


urlpatterns = [
    path("residency/allowances/", allowances, name="allowances"),
    path("residency/allowances/<int:pk>/", allowance, name="allowance"),
    path("residency/allowances/<int:pk>/export/", allowance_export, name="allowance-export"),
    path(
        "residency/allowances/<int:pk>/approve/",
        _command(actions.approve, "已审核，可以导出发放表。"),
        name="allowance-approve",
    ),
    path(
        "residency/allowances/<int:pk>/discard/",
        _command(actions.discard, "已作废，可以重新核算。"),
        name="allowance-discard",
    ),
]
