"""Resident teams: one's own calendar, the teams of an area, a member's month to confirm, requests, notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import visible
from huqing.office.residency_forms import AskForm, DeclareForm, NoteForm, RotaForm, SolveForm
from huqing.office.residency_page import last_of, made, month_of, month_page
from huqing.office.views.shared import attempt
from huqing.rules.library import library
from huqing.standards.codelists import codelist
from huqing.teams import presence, team_notes
from huqing.teams.models import Absence, PresenceDay, Responsibility, RotaDay, Staff, TeamNote

WEEKDAYS = "一二三四五六日"
DONE = {"declare": "已申报，等村或乡镇确认。", "ask": "已提交，等批准。", "note": "已记下。"}


@requires("declare_presence")
def my_residency(request: HttpRequest) -> HttpResponse:
    """One's own month: the calendar, declaring, asking leave, diary and problems."""
    staff = Staff.objects.filter(user=request.user).first()
    today = presence.today()
    what = request.POST.get("what", "") if request.method == "POST" else ""
    posted = request.POST
    forms: dict[str, Form] = {
        "declare": DeclareForm(
            posted if what == "declare" else None, prefix="d", initial={"kind": "1", "first": today, "last": today}
        ),
        "ask": AskForm(posted if what == "ask" else None, prefix="a", initial={"kind": "3"}),
        "note": NoteForm(posted if what == "note" else None, own=True, prefix="n", initial={"on": today}),
    }
    if staff is None:
        return render(request, "office/residency/nobody.html")
    form = forms.get(what)
    if form is not None and form.is_valid():
        act = {"declare": presence.declare, "ask": presence.ask, "note": team_notes.note}[what]
        if attempt(form, lambda: (act(staff=staff, by=request.user, **form.cleaned_data),)):
            messages.success(
                request, {"declare": "已申报，等村或乡镇确认。", "ask": "已提交，等批准。", "note": "已记下。"}[what]
            )
            return redirect("office:my-residency")
    month = month_of(request.GET.get("month", ""), today)
    context = {
        **_member(request, staff, month),
        "forms": forms,
        "own": True,
        "post": presence.holding(Responsibility.objects.filter(staff=staff, role=presence.RESIDENT), today)
        .select_related("village")
        .first(),
    }
    return render(request, "office/residency/mine.html", context, status=422 if what else 200)


@requires("confirm_presence")
def teams(request: HttpRequest) -> HttpResponse:
    """The residents of the area by village with their month: what waits, and whether there are enough days."""
    month = month_of(request.GET.get("month", ""), presence.today())
    lines = list(presence.members(request.user, on=min(last_of(month), presence.today())))
    days: dict[int, list[PresenceDay]] = {}
    found = PresenceDay.objects.filter(staff__in={line.staff_id for line in lines}, day__range=(month, last_of(month)))
    for row in found:
        days.setdefault(row.staff_id, []).append(row)
    rows = [
        {
            "line": line,
            "month": made(month, days.get(line.staff_id, [])),
            "care": [care for care in team_notes.care_in(line.staff, month, line.region_code) if care.lacking],
        }
        for line in lines
    ]
    asked = visible(Absence.objects.filter(state=Absence.State.ASKED).select_related("staff"), request.user)
    problems = visible(
        TeamNote.objects.filter(kind=TeamNote.Kind.PROBLEM, solved_on=None).select_related("staff"), request.user
    )
    rota = RotaDay.objects.filter(day__gte=presence.today()).select_related("staff")
    context = {
        "month": made(month, []),
        "rows": rows,
        "least": _least(request.user.region_code, month),
        "asked": [_request(absence, request) for absence in asked],
        "problems": problems,
        "rota": visible(rota, request.user).order_by("day", "region_code")[:30],
    }
    return render(request, "office/residency/teams.html", context)


@requires("confirm_presence")
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """A member's month: confirm or send back days, decide requests, write notes, set the rota."""
    line = _line(request, pk)
    today = presence.today()
    month = month_of(request.GET.get("month", ""), today)
    what = request.POST.get("what", "") if request.method == "POST" else ""
    forms: dict[str, Form] = {
        "note": NoteForm(request.POST if what == "note" else None, own=False, prefix="n", initial={"on": today}),
        "rota": RotaForm(request.POST if what == "rota" else None, prefix="r", initial={"day": today}),
    }
    form = forms.get(what)
    if form is not None and form.is_valid():
        act: Callable[..., Any] = {"note": team_notes.note, "rota": presence.set_rota}[what]
        if attempt(form, lambda: act(staff=line.staff, by=request.user, **form.cleaned_data)):
            messages.success(request, "已登记。")
            return redirect("office:resident", pk=pk)
    context = {**_member(request, line.staff, month), "forms": forms, "line": line, "own": False}
    return render(request, "office/residency/member.html", context, status=422 if what else 200)


def _member(request: HttpRequest, staff: Staff, month: Any) -> dict[str, Any]:
    page = month_page(staff, month)
    kinds = codelist("presence_kind")
    return {
        "staff": staff,
        "month": page,
        "weekdays": WEEKDAYS,
        "counts": list(page.counts.items()),
        "least": _least(staff.region_code, month),
        "requests": [_request(absence, request) for absence in staff.absences.select_related("decided_by")[:20]],
        "refused": [
            (row, kinds.label(row.kind))
            for row in staff.presence.filter(state=PresenceDay.State.REFUSED).order_by("-day")[:10]
        ],
        "care": team_notes.care_in(staff, month, staff.region_code),
        "notes": team_notes.notes_of(staff, request.user),
        "rota": staff.rota.filter(day__gte=presence.today()).order_by("day")[:10],
    }


def _request(absence: Absence, request: HttpRequest) -> dict[str, Any]:
    return {
        "absence": absence,
        "kind": codelist("presence_kind").label(absence.kind),
        "days": presence.days_of(absence),
        "why_not": presence.decision_refusal(absence, request.user) if may(request.user, "approve_absence") else " ",
        "mine": absence.staff.user_id == request.user.pk,
    }


def _least(region: str, month: Any) -> int:
    return int(library().parameters.require("presence_days", month, region).value)


@requires("confirm_presence")
@require_POST
def days_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm the chosen days of a member, all that wait, or send the chosen ones back."""
    line = _line(request, pk)
    month = month_of(request.POST.get("month", ""), presence.today())
    rows = PresenceDay.objects.filter(staff=line.staff, day__range=(month, last_of(month)))
    what = request.POST.get("what", "")
    if what != "all":
        rows = rows.filter(pk__in=[key for key in request.POST.getlist("day") if key.isdigit()])
    try:
        if what == "refuse":
            count = presence.refuse(days=rows, reason=request.POST.get("reason", ""), by=request.user)
            messages.success(request, f"{count} 天已退回，本人可以重新申报。")
        else:
            count = presence.confirm(days=rows, by=request.user)
            messages.success(request, f"{count} 天已确认。")
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    return redirect(f"{reverse('office:resident', args=[pk])}?month={month:%Y-%m}")


@requires("approve_absence")
@require_POST
def absence_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or refuse a request."""
    absence = visible(Absence.objects.select_related("staff"), request.user).filter(pk=pk).first()
    if absence is None:
        raise Http404
    approve = request.POST.get("what") == "approve"
    try:
        presence.decide(absence=absence, approve=approve, by=request.user, answer=request.POST.get("answer", ""))
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, "已批准，记入日历。" if approve else "已退回申请。")
    return redirect("office:residency")


@requires("declare_presence")
@require_POST
def absence_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own request back."""
    absence = Absence.objects.select_related("staff").filter(pk=pk, staff__user=request.user).first()
    if absence is None:
        raise Http404
    try:
        presence.cancel(absence=absence, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, "申请已撤回。")
    return redirect("office:my-residency")


@requires("confirm_presence")
def problem_solve(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how a problem was solved."""
    rows = TeamNote.objects.filter(kind=TeamNote.Kind.PROBLEM, solved_on=None).select_related("staff")
    problem = visible(rows, request.user).filter(pk=pk).first()
    if problem is None:
        raise Http404
    form = SolveForm(request.POST if request.method == "POST" else None, initial={"on": presence.today()})
    if form.is_valid() and attempt(
        form, lambda: team_notes.solve(problem=problem, by=request.user, **form.cleaned_data)
    ):
        messages.success(request, "解决情况已登记。")
        return redirect("office:residency")
    context = {"form": form, "problem": problem}
    return render(request, "office/residency/solve.html", context, status=422 if form.is_bound else 200)


def _line(request: HttpRequest, pk: int) -> Responsibility:
    """The newest line that makes somebody a resident of a village the account sees."""
    lines = visible(Responsibility.objects.filter(staff=pk, role=presence.RESIDENT), request.user)
    line = lines.select_related("staff__unit", "village").order_by("-since").first()
    if line is None:
        raise Http404
    return line


urlpatterns = [
    path("residency/", teams, name="residency"),
    path("my-residency/", my_residency, name="my-residency"),
    path("residency/members/<int:pk>/", member, name="resident"),
    path("residency/members/<int:pk>/days/", days_decide, name="resident-days"),
    path("residency/absences/<int:pk>/decide/", absence_decide, name="absence-decide"),
    path("residency/absences/<int:pk>/cancel/", absence_cancel, name="absence-cancel"),
    path("residency/problems/<int:pk>/solve/", problem_solve, name="problem-solve"),
]
