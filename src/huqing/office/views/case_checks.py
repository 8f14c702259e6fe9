"""What a case's comparison with departments and its removal conditions show, and a person's confirmation of each."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from huqing.access.permissions import requires
from huqing.cases import confirming, needs
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.office.views.cases import find
from huqing.plans import removal
from huqing.plans.comparison import compare


@requires("handle_cases")
def case_comparison(request: HttpRequest, pk: int) -> HttpResponse:
    """Each department's facts about the household beside what it said; confirmed with a word on the differences."""
    case, wrong = find(request, pk), ""
    signed = "authorisation" in needs.present(case)
    if request.method == "POST":
        try:
            confirming.confirm_comparison(case=case, by=request.user, note=request.POST.get("note", ""))
        except CaseError as error:
            wrong = str(error)
        else:
            messages.success(request, "已登记部门信息比对结果。")
            return redirect("office:case", pk=case.pk)
    context: dict[str, Any] = {
        "case": case,
        "signed": signed,
        "found": compare(case.household, today()) if signed else None,
        "wrong": wrong,
        "note": request.POST.get("note", ""),
    }
    return render(request, "office/cases/comparison.html", context, status=422 if wrong else 200)


@requires("handle_cases")
def case_conditions(request: HttpRequest, pk: int) -> HttpResponse:
    """Each removal condition met, not met or unknown, with the values looked at; confirmed by a person."""
    case, wrong = find(request, pk), ""
    if request.method == "POST":
        try:
            confirming.confirm_conditions(case=case, by=request.user, note=request.POST.get("note", ""))
        except CaseError as error:
            wrong = str(error)
        else:
            messages.success(request, "已登记核对结果。没有全部达到的，消除这一步仍不能办理。")
            return redirect("office:case", pk=case.pk)
    found = removal.conditions(case.household, today())
    context = {
        "case": case,
        "conditions": found,
        "standing": sum(one.state != removal.MET for one in found),
        "wrong": wrong,
        "note": request.POST.get("note", ""),
    }
    return render(request, "office/cases/conditions.html", context, status=422 if wrong else 200)


urlpatterns = [
    path("cases/<int:pk>/comparison/", case_comparison, name="case-comparison"),
    path("cases/<int:pk>/conditions/", case_conditions, name="case-conditions"),
]
