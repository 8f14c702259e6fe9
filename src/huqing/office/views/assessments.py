"""Assessments: one's own results and appeal; for superiors the people of the area, their grades and the closing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import sees, visible
from huqing.office import paging
from huqing.office.ledger_forms import day_field
from huqing.office.views.shared import attempt
from huqing.packs.manifest import Method
from huqing.packs.shipped import shipped, shipped_keys
from huqing.teams import assessments as actions
from huqing.teams.models import Assessment, AssessmentLine
from huqing.visits.methods import in_use


def methods() -> dict[str, Method]:
    """The working methods with an assessment: those in use, and the shipped ones."""
    told = {one.told.key: one.told for one in in_use()}
    for key in shipped_keys():
        told.setdefault(key, shipped(key).method)
    return {key: method for key, method in told.items() if method.assessments}


class AssessmentForm(forms.Form):
    """An assessment to make."""

    title = forms.CharField(label="名称", max_length=100, help_text="例如：2024 年上半年考核")
    plan = forms.ChoiceField(label="考核办法", choices=[], help_text="各项指标和分值写在工作法里。")
    first = day_field("第一天")
    last = day_field("最后一天", "考核期要已经结束；按月的只算整月。")

    def __init__(self, *args: Any, known: dict[str, Method], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = known
        self.fields["plan"].choices = [
            (method.title, [(f"{key}/{plan.key}", plan.title) for plan in method.assessments])
            for key, method in known.items()
        ]

    def asked(self) -> dict[str, Any]:
        """What ``assessments.make`` asks."""
        data = self.cleaned_data
        key, plan = data["plan"].split("/")
        return {**{name: data[name] for name in ("title", "first", "last")}, "method": self.known[key], "plan": plan}


class GradeForm(forms.Form):
    """A grade and why."""

    grade = forms.ChoiceField(label="等次", choices=AssessmentLine.Grade.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label="评语", max_length=200, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class AppealForm(forms.Form):
    """An appeal."""

    text = forms.CharField(label="申诉理由", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


class AnswerForm(forms.Form):
    """The answer to an appeal, perhaps with another grade."""

    text = forms.CharField(label="答复", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
    grade = forms.ChoiceField(label="等次", choices=[("", "维持原等次"), *AssessmentLine.Grade.choices], required=False)


@requires("see_assessment")
def my_assessments(request: HttpRequest) -> HttpResponse:
    """One's own results."""
    lines = AssessmentLine.objects.filter(staff__user=request.user).select_related("assessment").order_by("-pk")
    return render(request, "office/assessments/mine.html", {"lines": lines[:50]})


@requires("grade_members")
def assessments(request: HttpRequest) -> HttpResponse:
    """All assessments with people of the area, and the form for another."""
    form = AssessmentForm(request.POST if request.method == "POST" else None, known=methods())
    if form.is_valid():
        made = attempt(form, lambda: actions.make(region=request.user.region_code, by=request.user, **form.asked()))
        if made:
            messages.success(request, "已由记录算出，请逐人评定等次。")
            return redirect("office:assessment", pk=made.pk)
    context = {"form": form, "rows": _assessments(request)[:50]}
    return render(request, "office/assessments/list.html", context, status=422 if form.is_bound else 200)


def _assessments(request: HttpRequest) -> QuerySet[Assessment]:
    """Those of the area, and of the county with people of the area."""
    lines = visible(AssessmentLine.objects.all(), request.user)
    own = visible(Assessment.objects.all(), request.user)
    return Assessment.objects.filter(pk__in=lines.values("assessment")) | own


def _assessment(request: HttpRequest, pk: int) -> Assessment:
    found = _assessments(request).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@requires("grade_members")
def assessment(request: HttpRequest, pk: int) -> HttpResponse:
    """The people of one assessment by place; no ranking, no points in the list."""
    found = _assessment(request, pk)
    lines = visible(found.lines.select_related("staff__unit").defer("scores"), request.user)
    page = paging.page(
        lines,
        query=request.GET,
        path=request.path,
        orders={"place": ["region_code", "id"]},
        default="place",
        sortable=False,
    )
    context = {
        "assessment": found,
        "page": page,
        "whole": sees(request.user, found),
        "share": actions.share_of(found),
        "left": lines.filter(grade="").count(),
        "appeals": lines.exclude(appeal="").filter(answer="").count(),
    }
    template = "office/assessments/rows.html" if request.htmx else "office/assessments/detail.html"
    return render(request, template, context)


@requires("grade_members")
@require_POST
def assessment_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an assessment."""
    found = _assessment(request, pk)
    try:
        actions.close(assessment=found, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, "考核已完成。")
    return redirect("office:assessment", pk=pk)


@requires("see_assessment")
def assessment_line(request: HttpRequest, pk: int) -> HttpResponse:
    """One person's result with the records behind every number; grade, no objection, appeal, answer."""
    line = actions.lines_seen(request.user).filter(pk=pk).first()
    if line is None:
        raise Http404
    mine = line.staff.user_id == request.user.pk
    what = request.POST.get("what", "") if request.method == "POST" else ""
    posted = {name: request.POST if what == name else None for name in ("grade", "appeal", "answer")}
    own: dict[str, forms.Form] = {
        "grade": GradeForm(posted["grade"], initial={"grade": line.grade, "reason": line.reason}),
        "appeal": AppealForm(posted["appeal"], prefix="a"),
        "answer": AnswerForm(posted["answer"], prefix="w"),
    }
    acts: dict[str, Any] = {"grade": actions.grade, "appeal": actions.appeal, "answer": actions.answer}
    form = forms.Form(request.POST) if what == "accept" else own.get(what)
    acts["accept"] = actions.accept
    if form is not None and form.is_valid():
        if attempt(form, lambda: acts[what](line=line, by=request.user, **form.cleaned_data)):
            messages.success(request, "已登记。")
            return redirect("office:assessment-line", pk=pk)
        if what == "accept":
            messages.error(request, "；".join(map(str, form.non_field_errors())))
            return redirect("office:assessment-line", pk=pk)
        line = actions.lines_seen(request.user).get(pk=pk)
    context = {
        "line": line,
        "mine": mine,
        "forms": own,
        "scores": [(score, _records(request, score, mine)) for score in line.scores],
        "until": actions.appeal_until(line),
        "share": actions.share_of(line.assessment),
        "today": actions.today(),
    }
    return render(request, "office/assessments/line.html", context, status=422 if what else 200)


def _records(request: HttpRequest, score: dict[str, Any], mine: bool) -> list[tuple[str, str]]:
    """The records behind a number with the address of each that the reader may look up."""
    told = []
    for record in score["records"]:
        text, link = (record, "") if isinstance(record, str) else (record["text"], record["link"])
        told.append((text, _address(request, link, mine)))
    return told


def _address(request: HttpRequest, link: str, mine: bool) -> str:
    kind, _, rest = link.partition(":")
    if kind == "household" and may(request.user, "view_household"):
        return reverse("office:household", args=[int(rest)])
    if kind == "finding" and may(request.user, "view_inspections"):
        return reverse("office:finding", args=[int(rest)])
    if kind == "month":
        staff, _, month = rest.partition(":")
        if mine:
            return f"{reverse('office:my-residency')}?month={month}"
        if may(request.user, "confirm_presence"):
            return f"{reverse('office:resident', args=[int(staff)])}?month={month}"
    return ""


urlpatterns = [
    path("my-assessments/", my_assessments, name="my-assessments"),
    path("assessments/", assessments, name="assessments"),
    path("assessments/<int:pk>/", assessment, name="assessment"),
    path("assessments/<int:pk>/close/", assessment_close, name="assessment-close"),
    path("assessments/lines/<int:pk>/", assessment_line, name="assessment-line"),
]
