"""Assessments: one's own results and appeal; for superiors the members of the area, their grades and the closing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, requires
from huqing.access.scope import visible
from huqing.office.ledger_forms import day_field
from huqing.office.views.shared import attempt
from huqing.teams import assessments as actions
from huqing.teams.models import Assessment, AssessmentLine


class AssessmentForm(forms.Form):
    """An assessment to make."""

    title = forms.CharField(label="名称", max_length=100, help_text="例如：2024 年上半年考核")
    first = day_field("第一天")
    last = day_field("最后一天", "考核期要已经结束；只算整月。")


class GradeForm(forms.Form):
    """A grade and why."""

    grade = forms.ChoiceField(label="等次", choices=AssessmentLine.Grade.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label="评语", max_length=200, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class TextForm(forms.Form):
    """An appeal or its answer."""

    text = forms.CharField(label="内容", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


@requires("see_assessment")
def my_assessments(request: HttpRequest) -> HttpResponse:
    """One's own results."""
    lines = AssessmentLine.objects.filter(staff__user=request.user).select_related("assessment").order_by("-pk")
    return render(request, "office/assessments/mine.html", {"lines": lines})


@requires("grade_members")
def assessments(request: HttpRequest) -> HttpResponse:
    """All assessments of the area, and the form for another."""
    form = AssessmentForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = attempt(
            form, lambda: actions.make(region=request.user.region_code, by=request.user, **form.cleaned_data)
        )
        if made:
            return redirect("office:assessment", pk=made.pk)
    rows = visible(Assessment.objects.select_related("created_by"), request.user)[:50]
    context = {"form": form, "rows": rows}
    return render(request, "office/assessments/list.html", context, status=422 if form.is_bound else 200)


@requires("grade_members")
def assessment(request: HttpRequest, pk: int) -> HttpResponse:
    """The members of one assessment by village; no ranking."""
    found = visible(Assessment.objects.all(), request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    lines = visible(found.lines.select_related("staff__unit"), request.user).order_by("region_code", "pk")
    return render(request, "office/assessments/detail.html", {"assessment": found, "lines": lines})


@requires("grade_members")
@require_POST
def assessment_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an assessment."""
    found = visible(Assessment.objects.all(), request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    try:
        actions.close(assessment=found, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, "考核已完成。")
    return redirect("office:assessment", pk=pk)


@requires("see_assessment")
def assessment_line(request: HttpRequest, pk: int) -> HttpResponse:
    """One member's result with the records behind every number; grade, appeal, answer."""
    line = actions.lines_seen(request.user).filter(pk=pk).first()
    if line is None:
        raise Http404
    mine = line.staff.user_id == request.user.pk
    what = request.POST.get("what", "") if request.method == "POST" else ""
    own: dict[str, forms.Form] = {
        "grade": GradeForm(
            request.POST if what == "grade" else None, initial={"grade": line.grade, "reason": line.reason}
        ),
        "appeal": TextForm(request.POST if what == "appeal" else None, prefix="a"),
        "answer": TextForm(request.POST if what == "answer" else None, prefix="w"),
    }
    acts: dict[str, Any] = {"grade": actions.grade, "appeal": actions.appeal, "answer": actions.answer}
    form = own.get(what)
    if form is not None and form.is_valid():
        if attempt(form, lambda: acts[what](line=line, by=request.user, **form.cleaned_data)):
            messages.success(request, "已登记。")
            return redirect("office:assessment-line", pk=pk)
        line.refresh_from_db()
    context = {"line": line, "mine": mine, "forms": own}
    return render(request, "office/assessments/line.html", context, status=422 if what else 200)


urlpatterns = [
    path("my-assessments/", my_assessments, name="my-assessments"),
    path("assessments/", assessments, name="assessments"),
    path("assessments/<int:pk>/", assessment, name="assessment"),
    path("assessments/<int:pk>/close/", assessment_close, name="assessment-close"),
    path("assessments/lines/<int:pk>/", assessment_line, name="assessment-line"),
]
