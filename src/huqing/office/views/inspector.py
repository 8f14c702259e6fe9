"""What somebody drawn as inspector sees: the villages to go to, who should be there, and what was found."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from huqing.access.permissions import requires
from huqing.office import paging
from huqing.office.inspection_forms import FindingForm, VisitForm
from huqing.office.views.shared import attempt
from huqing.standards.codelists import codelist
from huqing.teams import inspections as actions
from huqing.teams import rota
from huqing.teams.absences import away_on, last_away
from huqing.teams.models import Absence, InspectionRound, InspectionTarget, PresenceDay, RotaDay


@requires("inspect")
def my_inspections(request: HttpRequest) -> HttpResponse:
    """The villages one was drawn to inspect, the newest first."""
    page = paging.page(
        _mine(request), query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    template = "office/inspections/mine_rows.html" if request.htmx else "office/inspections/mine.html"
    return render(request, template, {"page": page})


@requires("inspect")
def my_inspection(request: HttpRequest, pk: int) -> HttpResponse:
    """One village: who said to be there, noting the visit, noting findings."""
    target = _mine(request).filter(pk=pk).first()
    if target is None:
        raise Http404
    today = actions.today()
    what = request.POST.get("what", "") if request.method == "POST" else ""
    town = target.village.parent.name if target.village.parent else ""
    seen = {"on": target.inspected_on or today, "result": target.result}
    found = {"found_on": today, "responsible": f"{town}政府" if town else ""}
    forms: dict[str, Form] = {
        "visit": VisitForm(request.POST if what == "visit" else None, prefix="v", initial=seen),
        "finding": FindingForm(request.POST if what == "finding" else None, prefix="f", initial=found),
    }
    acts: dict[str, Any] = {"visit": actions.note_visit, "finding": actions.add_finding}
    form = forms.get(what)
    ready = form is not None and form.is_valid()
    if (
        form is not None
        and ready
        and attempt(form, lambda: acts[what](target=target, by=request.user, **form.cleaned_data))
    ):
        messages.success(request, "检查情况已登记。" if what == "visit" else "问题已登记，责任单位可以看到。")
        return redirect("office:my-inspection", pk=pk)
    context = {
        "target": target,
        "forms": forms,
        "team": _team(target.region_code, today),
        "findings": target.findings.order_by("pk"),
        "today": today,
    }
    return render(request, "office/inspections/my_one.html", context, status=422 if what else 200)


def _done(form: Form, act: Any, target: InspectionTarget, request: HttpRequest) -> Any:
    return attempt(form, lambda: act(target=target, by=request.user, **form.cleaned_data))


def _mine(request: HttpRequest) -> QuerySet[InspectionTarget]:
    drawn = InspectionTarget.objects.filter(duties__staff__user=request.user, round__state=InspectionRound.State.DRAWN)
    return drawn.select_related("round", "village__parent")


def _team(code: str, day: dt.date) -> list[tuple[str, str, str]]:
    """The resident team today: name, position, and where they said they are."""
    team = rota.team_of(code, day)
    ids = [one.pk for one in team]
    said = {row.staff_id: row for row in PresenceDay.objects.filter(staff__in=ids, day=day)}
    away = {one.staff_id: one for one in away_on(day, day).filter(staff__in=ids, state=Absence.State.APPROVED)}
    duty = set(RotaDay.objects.filter(staff__in=ids, day=day).values_list("staff", flat=True))
    told = []
    for one in team:
        words = []
        if one.pk in away:
            absence = away[one.pk]
            kind = codelist("absence_kind").label(absence.kind)
            words.append(f"已批准{kind} {absence.first} 至 {last_away(absence)}")
        elif one.pk in said:
            words.append(codelist("presence_kind").label(said[one.pk].kind))
        else:
            words.append("今天还没有申报")
        if one.pk in duty:
            words.append("今天值班")
        told.append((one.name, one.position, "；".join(words)))
    return told


urlpatterns = [
    path("my-inspections/", my_inspections, name="my-inspections"),
    path("my-inspections/<int:pk>/", my_inspection, name="my-inspection"),
]
