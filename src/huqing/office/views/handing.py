"""Duties that change hands: handover with its printed list, standing in, moving, leaving."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone

from huqing.access.permissions import requires
from huqing.access.scope import visible
from huqing.office import paging, places
from huqing.office.ledger_forms import HandoverForm, LeaveForm, MoveForm, StandInForm
from huqing.office.views.shared import attempt, region_choices
from huqing.standards.codelists import codelist
from huqing.teams import handing_over, ledger_queries, postings
from huqing.teams.models import Staff

ORDERS = {"new": ["id"]}
# A request takes a thousand fields; whoever holds more hands all over at once.
MOST_BOXES = 900


@requires("manage_duties")
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the duties, name the receivers, hand over."""
    person = _person(request, pk)
    day = ledger_queries.today()
    lines = [
        line
        for line in ledger_queries.of_staff(person, request.user)
        if (line.until is None or line.until >= day) and line.stands_in_for_id is None
    ]
    posted = request.method == "POST"
    form = HandoverForm(request.POST if posted else None, by=request.user, initial={"on": timezone.localdate()})
    chosen = set(request.POST.getlist("line")) if posted else {str(line.pk) for line in lines}
    if form.is_valid():
        picked = lines if request.POST.get("all") else [line for line in lines if str(line.pk) in chosen]
        data = form.cleaned_data
        done = attempt(
            form,
            lambda: handing_over.hand_over(
                staff=person,
                to=handing_over.spread(picked, data["to"]),
                on=data["on"],
                reason=data["reason"],
                by=request.user,
            ),
        )
        if done:
            messages.success(request, f"{done.lines.count()} 条责任已交接。请打印交接清单，双方签字。")
            return redirect("office:handover", pk=done.pk)
    grouped = [
        (places.name_of(code), [(line, codelist("duty_role").label(line.role)) for line in part])
        for code, part in groupby(lines, key=lambda line: line.region_code)
    ]
    context = {"person": person, "form": form, "groups": grouped, "total": len(lines), "chosen": chosen}
    context["many"] = len(lines) > MOST_BOXES
    return render(request, "office/ledger/hand_over.html", context, status=422 if posted else 200)


@requires("view_duties")
def handover_list(request: HttpRequest) -> HttpResponse:
    """All handovers of the area, newest first."""
    page = paging.page(
        ledger_queries.handovers_seen(request.user),
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="-new",
        sortable=False,
    )
    template = "office/ledger/handover_rows.html" if request.htmx else "office/ledger/handovers.html"
    return render(request, template, {"page": page})


@requires("view_duties")
def handover(request: HttpRequest, pk: int) -> HttpResponse:
    """The list of one handover, to print and sign."""
    done = ledger_queries.handovers_seen(request.user).filter(pk=pk).first()
    if done is None:
        raise Http404
    lines = ledger_queries.handed_over(done, request.user)
    groups = [
        (receiver, [(line, codelist("duty_role").label(line.role)) for line in part])
        for receiver, part in groupby(lines, key=lambda line: line.successor)
    ]
    return render(request, "office/ledger/handover.html", {"handover": done, "groups": groups})


@requires("manage_duties")
def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Standing in, moving to another post, leaving; which one is told by the button."""
    person = _person(request, pk)
    what = request.POST.get("what", "") if request.method == "POST" else ""
    forms: dict[str, Form] = {
        "stand_in": StandInForm(request.POST if what == "stand_in" else None, by=request.user, prefix="s"),
        "move": MoveForm(request.POST if what == "move" else None, person=person, prefix="m"),
        "leave": LeaveForm(request.POST if what == "leave" else None, prefix="l"),
    }
    form = forms.get(what)
    if form is not None and form.is_valid():
        said = _ACTS[what](request, person, form)
        if said:
            messages.success(request, said)
            return redirect("office:staff-member", pk=pk)
    context = {
        "person": person,
        "forms": forms,
        "postings": ledger_queries.postings_of(person),
        "regions": region_choices(),
    }
    return render(request, "office/ledger/changes.html", context, status=422 if request.method == "POST" else 200)


def _stand_in(request: HttpRequest, person: Staff, form: Form) -> str:
    data: dict[str, Any] = form.cleaned_data
    done = attempt(
        form,
        lambda: handing_over.stand_in(
            staff=person, substitute=data["substitute"][0], since=data["since"], until=data["until"], by=request.user
        ),
    )
    return f"{data['substitute'][0].name} 从 {data['since']} 到 {data['until']} 代理 {done} 条责任。" if done else ""


def _move(request: HttpRequest, person: Staff, form: Form) -> str:
    done = attempt(form, lambda: postings.move(staff=person, by=request.user, **form.cleaned_data))
    return "调动已登记。责任没有变，需要时请办理交接。" if done else ""


def _leave(request: HttpRequest, person: Staff, form: Form) -> str:
    done = attempt(form, lambda: postings.leave(staff=person, by=request.user, **form.cleaned_data))
    return f"{person.name} 的离任已登记。" if done else ""


_ACTS = {"stand_in": _stand_in, "move": _move, "leave": _leave}


def _person(request: HttpRequest, pk: int) -> Staff:
    found = visible(Staff.objects.select_related("unit"), request.user).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这个人，或他不在您的管辖范围内。")
    return found


urlpatterns = [
    path("staff/<int:pk>/handover/", hand_over, name="hand-over"),
    path("staff/<int:pk>/changes/", changes, name="staff-changes"),
    path("ledger/handovers/", handover_list, name="handovers"),
    path("ledger/handovers/<int:pk>/", handover, name="handover"),
]
