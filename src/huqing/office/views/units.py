"""Units: their kind, their people, and what they as such are responsible for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from huqing.access.permissions import may, requires
from huqing.access.scope import visible
from huqing.office import paging
from huqing.office.ledger_forms import day_field
from huqing.office.views.shared import attempt, region_choices
from huqing.standards.codelists import codelist
from huqing.teams import units
from huqing.teams.models import Unit, UnitDuty

PEOPLE_SHOWN = 100


class UnitForm(forms.Form):
    """A unit's name and kind."""

    name = forms.CharField(label="单位名称", max_length=100)
    kind = forms.ChoiceField(label="单位类别", required=False, help_text="党群、政法等，选派和结对时对口用。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "没有登记"), *codelist("unit_kind").items]


class UnitDutyForm(forms.Form):
    """What a unit is responsible for."""

    role = forms.ChoiceField(label="责任", initial="backing_unit")
    goal = forms.CharField(
        label="负责哪里",
        max_length=60,
        widget=forms.TextInput(attrs={"list": "region-list", "autocomplete": "off"}),
        help_text="村名或 12 位村代码；也可以写网格名称或户编号。",
    )
    since = day_field("从哪天起")
    until = day_field("到哪天止", "没有期限的不填。", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("since", timezone.localdate())
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = codelist("duty_role").items


class UnitEndForm(forms.Form):
    """The last day of a unit's duty."""

    on = day_field("最后一天")


@requires("view_duties")
def unit_list(request: HttpRequest) -> HttpResponse:
    """The units of the county."""
    wanted = {key: request.GET.get(key, "").strip()[:50] for key in ("text", "kind")}
    if wanted["kind"] not in codelist("unit_kind"):
        wanted["kind"] = ""
    page = paging.page(
        units.units_seen(request.user, **wanted),
        query=request.GET,
        path=request.path,
        orders={"name": ["name", "id"]},
        default="name",
        sortable=False,
    )
    kinds = codelist("unit_kind")
    context = {
        "page": page,
        "rows": [(unit, kinds.label(unit.kind) if unit.kind in kinds else "") for unit in page.rows],
        "wanted": wanted,
        "kinds": kinds.items,
    }
    return render(request, "office/units/rows.html" if request.htmx else "office/units/list.html", context)


@requires("manage_duties")
def unit_add(request: HttpRequest) -> HttpResponse:
    """Register a unit."""
    form = UnitForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = attempt(form, lambda: units.save_unit(by=request.user, **form.cleaned_data))
        if made:
            messages.success(request, f"{made.name}已登记。")
            return redirect("office:unit", pk=made.pk)
    return render(request, "office/units/add.html", {"form": form}, status=422 if form.is_bound else 200)


def _unit(request: HttpRequest, pk: int) -> Unit:
    found = Unit.objects.filter(pk=pk).first()
    if found is None or not units.in_county(found, request.user):
        raise Http404("没有这个单位，或它不在本县。")
    return found


@requires("view_duties")
def unit_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One unit: its people and its duties; forms for those who manage duties."""
    return _page(request, _unit(request, pk))


def _page(request: HttpRequest, unit: Unit, **bound: forms.Form) -> HttpResponse:
    people = units.people_of(unit, request.user)
    kinds, roles = codelist("unit_kind"), codelist("duty_role")
    context: dict[str, Any] = {
        "unit": unit,
        "kind": kinds.label(unit.kind) if unit.kind in kinds else "",
        "people": people[:PEOPLE_SHOWN],
        "people_total": people.count(),
        "duties": [(line, roles.label(line.role)) for line in units.duties_of(unit, request.user)[:200]],
        "today": units.today(),
    }
    if may(request.user, "manage_duties"):
        context["form"] = UnitForm(initial={"name": unit.name, "kind": unit.kind})
        context["duty_form"] = UnitDutyForm()
        context["regions"] = region_choices()
    return render(request, "office/units/detail.html", {**context, **bound}, status=422 if bound else 200)


@requires("manage_duties")
@require_POST
def unit_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct a unit."""
    unit, form = _unit(request, pk), UnitForm(request.POST)
    if form.is_valid() and attempt(form, lambda: units.save_unit(by=request.user, unit=unit, **form.cleaned_data)):
        messages.success(request, "已保存。")
        return redirect("office:unit", pk=pk)
    return _page(request, _unit(request, pk), form=form)


@requires("manage_duties")
@require_POST
def unit_duty_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a unit a village, a grid or a household."""
    unit, form = _unit(request, pk), UnitDutyForm(request.POST)

    def act() -> UnitDuty:
        data = dict(form.cleaned_data)
        return units.give(unit=unit, by=request.user, **units.goal_of(data.pop("goal"), request.user), **data)

    if form.is_valid() and attempt(form, act):
        messages.success(request, "单位责任已安排。")
        return redirect("office:unit", pk=pk)
    return _page(request, unit, duty_form=form)


@requires("manage_duties")
def unit_duty_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The last day of a unit's duty."""
    lines = UnitDuty.objects.select_related("unit", "village", "grid", "household")
    line = visible(lines, request.user).filter(pk=pk).first()
    if line is None:
        raise Http404
    form = UnitEndForm(request.POST if request.method == "POST" else None, initial={"on": timezone.localdate()})
    if form.is_valid() and attempt(form, lambda: units.end(duty=line, by=request.user, **form.cleaned_data)):
        messages.success(request, "单位责任已终止，记录保留。")
        return redirect("office:unit", pk=line.unit_id)
    context = {"form": form, "line": line, "role": codelist("duty_role").label(line.role)}
    return render(request, "office/units/end.html", context, status=422 if form.is_bound else 200)


urlpatterns = [
    path("units/", unit_list, name="units"),
    path("units/add/", unit_add, name="unit-add"),
    path("units/<int:pk>/", unit_page, name="unit"),
    path("units/<int:pk>/edit/", unit_edit, name="unit-edit"),
    path("units/<int:pk>/duties/", unit_duty_add, name="unit-duty-add"),
    path("units/duties/<int:pk>/end/", unit_duty_end, name="unit-duty-end"),
]
