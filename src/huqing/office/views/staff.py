"""Who works for households, and who answers for which of them since when."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.access.scope import visible
from huqing.office import paging
from huqing.office.staff_forms import DutyForm, EndDutyForm, StaffForm
from huqing.office.views.shared import attempt, region_choices
from huqing.standards.codelists import codelist
from huqing.teams import actions, ledger_queries
from huqing.teams.models import Responsibility, Staff

ORDERS = {"name": ["name", "id"]}
DUTIES_SHOWN = 200


@requires("manage_duties")
def staff_list(request: HttpRequest) -> HttpResponse:
    """The staff of one's area with how much each answers for."""
    wanted = {key: request.GET.get(key, "").strip()[:50] for key in ("text", "kind", "left")}
    found = _staff(request).filter(left_on__isnull=wanted["left"] != "1")
    if wanted["kind"] in codelist("staff_kind"):
        found = found.filter(kind=wanted["kind"])
    if wanted["text"]:
        named = Q(name__icontains=wanted["text"]) | Q(unit__name__icontains=wanted["text"])
        found = found.filter(named | Q(number=wanted["text"]))
    page = paging.page(
        found, query=request.GET, path=request.path, orders=ORDERS, default="name", sortable=False, ids_first=True
    )
    open_ = dict(
        _running(Responsibility.objects.filter(staff__in=page.rows))
        .values_list("staff")
        .annotate(n=Count("pk"))
        .order_by()
    )
    rows = [(person, _kind(person), open_.get(person.pk, 0)) for person in page.rows]
    context = {"page": page, "rows": rows, "wanted": wanted, "kinds": codelist("staff_kind").items}
    return render(request, "office/staff/rows.html" if request.htmx else "office/staff/list.html", context)


def _staff(request: HttpRequest) -> QuerySet[Staff]:
    return visible(Staff.objects.select_related("unit", "user"), request.user)


def _running(lines: QuerySet[Responsibility]) -> QuerySet[Responsibility]:
    return lines.filter(Q(until=None) | Q(until__gte=timezone.localdate()))


def _kind(person: Staff) -> str:
    return codelist("staff_kind").label(person.kind) if person.kind in codelist("staff_kind") else person.kind


def _find(request: HttpRequest, pk: int) -> Staff:
    found = _staff(request).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这个人，或他不在您的管辖范围内。")
    return found


@requires("manage_duties")
def staff_add(request: HttpRequest) -> HttpResponse:
    """Register somebody."""
    posted = request.POST if request.method == "POST" else None
    form = StaffForm(posted, by=request.user, initial={"region_code": request.user.region_code})
    if form.is_valid():
        made = attempt(form, lambda: actions.save_staff(by=request.user, **form.values()))
        if made:
            messages.success(request, f"{made.name}已登记，现在可以安排责任。")
            return redirect("office:staff-member", pk=made.pk)
    context = {"form": form, "regions": region_choices()}
    return render(request, "office/staff/add.html", context, status=422 if form.is_bound else 200)


@requires("manage_duties")
def staff_member(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they answer for now and before."""
    return _page(request, _find(request, pk))


def _page(request: HttpRequest, person: Staff, **forms: Any) -> HttpResponse:
    lines = visible(Responsibility.objects.filter(staff=person), request.user)
    lines = lines.select_related("village", "grid", "household", "person").order_by("role", "region_code", "pk")
    now = list(_running(lines)[:DUTIES_SHOWN])
    known = {line.pk for line in now}
    context = {
        "person": person,
        "kind": _kind(person),
        "duties": [(line, codelist("duty_role").label(line.role)) for line in now],
        "duty_total": _running(lines).count(),
        "past": [
            (line, codelist("duty_role").label(line.role)) for line in lines[:DUTIES_SHOWN] if line.pk not in known
        ],
        "form": StaffForm(by=request.user, initial=_initial(person)),
        "duty_form": DutyForm(by=request.user),
        "regions": region_choices(),
        **forms,
    }
    return render(request, "office/staff/detail.html", context, status=422 if forms else 200)


def _initial(person: Staff) -> dict[str, Any]:
    return {
        "name": person.name,
        "kind": person.kind,
        "unit": person.unit.name if person.unit else "",
        "position": person.position,
        "region_code": person.region_code,
        "user": person.user_id,
        "unit_kind": person.unit.kind if person.unit else "",
        **{name: getattr(person, name) for name in ("rank", "number", "languages", "phone")},
    }


@requires("manage_duties")
def staff_history(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything somebody was ever responsible for, newest first, to read or print, with where they worked."""
    person = _find(request, pk)
    page = paging.page(
        ledger_queries.of_staff(person, request.user),
        query=request.GET,
        path=request.path,
        orders={"new": ["since", "id"]},
        default="-new",
        sortable=False,
    )
    names = codelist("duty_role")
    context = {
        "person": person,
        "page": page,
        "rows": [(line, names.label(line.role)) for line in page.rows],
        "postings": ledger_queries.postings_of(person),
    }
    template = "office/staff/history_rows.html" if request.htmx else "office/staff/history.html"
    return render(request, template, context)


@requires("manage_duties")
@require_POST
def staff_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct an entry."""
    person = _find(request, pk)
    form = StaffForm(request.POST, by=request.user)
    saved = (
        attempt(form, lambda: actions.save_staff(by=request.user, staff=person, **form.values()))
        if form.is_valid()
        else None
    )
    if saved:
        messages.success(request, "已保存。")
        return redirect("office:staff-member", pk=pk)
    return _page(request, _find(request, pk), form=form)


@requires("manage_duties")
@require_POST
def duty_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody answers for a village, a grid or some households from a day on; all or none."""
    person = _find(request, pk)
    form = DutyForm(request.POST, by=request.user)

    def act() -> int:
        goals = form.goals()
        told = {key: form.cleaned_data[key] for key in ("role", "since", "until")}
        with transaction.atomic():
            for goal in goals:
                actions.give_duty(by=request.user, staff=person, **told, **goal)
        return len(goals)

    done = attempt(form, act) if form.is_valid() else None
    if done:
        messages.success(request, f"已安排 {done} 项责任。" if done > 1 else "责任已安排。")
        return redirect("office:staff-member", pk=pk)
    return _page(request, person, duty_form=form)


@requires("manage_duties")
def duty_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The last day of a duty."""
    line = (
        visible(Responsibility.objects.all(), request.user)
        .select_related("staff", "village", "grid", "household", "person")
        .filter(pk=pk)
        .first()
    )
    if line is None:
        raise Http404("没有这项责任，或它不在您的管辖范围内。")
    form = EndDutyForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and attempt(form, lambda: actions.end_duty(by=request.user, duty=line, **form.cleaned_data)):
        messages.success(request, "责任已终止，记录保留在以往责任里。")
        return redirect("office:staff-member", pk=line.staff_id)
    context = {"form": form, "line": line, "role": codelist("duty_role").label(line.role)}
    return render(request, "office/staff/end.html", context, status=422 if form.is_bound else 200)


urlpatterns = [
    path("staff/", staff_list, name="staff"),
    path("staff/add/", staff_add, name="staff-add"),
    path("staff/<int:pk>/", staff_member, name="staff-member"),
    path("staff/<int:pk>/history/", staff_history, name="staff-history"),
    path("staff/<int:pk>/edit/", staff_edit, name="staff-edit"),
    path("staff/<int:pk>/duties/", duty_add, name="duty-add"),
    path("staff/duties/<int:pk>/end/", duty_end, name="duty-end"),
]
