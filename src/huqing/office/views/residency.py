"""One's own residency: the calendar, requests, diary, problems, what is provided and paid; and requests to decide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import visible
from huqing.office import paging
from huqing.office.residency_forms import AskForm, BackForm, DeclareForm, NoteForm
from huqing.office.residency_page import WEEKDAYS, month_of, month_page
from huqing.office.views.shared import attempt
from huqing.standards.codelists import codelist
from huqing.teams import absences, presence, provisions, residency_queries, team_notes
from huqing.teams.models import (
    Absence,
    AllowanceLine,
    AllowanceRun,
    PresenceDay,
    Provision,
    Responsibility,
    Staff,
    TeamNote,
)

DONE = {"declare": "已申报，等村或乡镇确认。", "note": "已记下。"}
SHOWN = 20


def told(error: Exception) -> str:
    """What was refused, in one line."""
    return "；".join(getattr(error, "messages", [str(error)]))


@requires("declare_presence")
def my_residency(request: HttpRequest) -> HttpResponse:
    """One's own month: declaring days on the calendar, asking leave, diary and problems."""
    staff = Staff.objects.filter(user=request.user).first()
    if staff is None:
        return render(request, "office/residency/nobody.html")
    today = presence.today()
    month = month_of(request.GET.get("month", ""), today)
    what = request.POST.get("what", "") if request.method == "POST" else ""
    if what == "days":
        return _declare_ticked(request, staff)
    posted = {name: request.POST if what == name else None for name in ("declare", "ask", "note")}
    forms: dict[str, Form] = {
        "declare": DeclareForm(posted["declare"], prefix="d", initial={"kind": "1", "first": today, "last": today}),
        "ask": AskForm(posted["ask"], prefix="a"),
        "note": NoteForm(posted["note"], prefix="n", initial={"on": today, "kind": "diary"}),
    }
    form = forms.get(what)
    if form is not None and form.is_valid():
        acts: dict[str, Callable[..., Any]] = {
            "declare": presence.declare,
            "ask": absences.ask,
            "note": team_notes.note,
        }
        made = attempt(form, lambda: (acts[what](staff=staff, by=request.user, **form.cleaned_data),))
        if made:
            if what == "ask":
                days = absences.days_of(made[0])
                messages.success(request, f"已提交，{days} 天，由{absences.decided_at(made[0])}批。")
            else:
                messages.success(request, DONE[what])
            return redirect("office:my-residency")
    lines = presence.holding(Responsibility.objects.filter(staff=staff, role=presence.RESIDENT), today)
    post = lines.select_related("village").order_by("-since").first()
    region = post.region_code if post else staff.region_code
    context = {
        **member_month(request, staff, region, month),
        "forms": forms,
        "own": True,
        "post": post,
        "declared_today": PresenceDay.objects.filter(staff=staff, day=today).exists(),
        "paid": _paid(staff),
    }
    return render(request, "office/residency/mine.html", context, status=422 if what else 200)


def _declare_ticked(request: HttpRequest, staff: Staff) -> HttpResponse:
    days = [day for day in map(_day, request.POST.getlist("day")) if day is not None]
    try:
        count = presence.declare_days(staff=staff, days=days, kind=request.POST.get("kind", ""), by=request.user)
        messages.success(request, f"已申报 {count} 天，等村或乡镇确认。" if count else "这些日期已经这样申报过。")
    except (ValidationError, Refused) as error:
        messages.error(request, told(error))
    month = request.POST.get("month", "")
    return redirect(f"{reverse('office:my-residency')}?month={month}" if month else "office:my-residency")


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _paid(staff: Staff) -> list[AllowanceLine]:
    lines = AllowanceLine.objects.filter(staff=staff, run__state=AllowanceRun.State.APPROVED)
    return list(lines.select_related("run").order_by("-run__month")[:12])


@requires("declare_presence")
def my_notes(request: HttpRequest) -> HttpResponse:
    """All one's own diary entries, problems and care visits."""
    staff = Staff.objects.filter(user=request.user).first()
    if staff is None:
        return render(request, "office/residency/nobody.html")
    return notes_page(request, staff, own=True)


def notes_page(request: HttpRequest, staff: Staff, *, own: bool) -> HttpResponse:
    """The notes about a member a page at a time, perhaps of one kind."""
    kind = request.GET.get("kind", "")
    rows = team_notes.notes_of(staff, request.user)
    if kind in TeamNote.Kind.values:
        rows = rows.filter(kind=kind)
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"new": ["on", "id"]}, default="-new", sortable=False
    )
    context = {
        "staff": staff,
        "own": own,
        "page": page,
        "kind": kind,
        "kinds": TeamNote.Kind.choices,
        "today": presence.today(),
    }
    return render(request, f"office/residency/{'note_rows' if request.htmx else 'note_list'}.html", context)


def member_month(request: HttpRequest, staff: Staff, region: str, month: dt.date) -> dict[str, Any]:
    """What the member's own page and that of those who confirm have in common."""
    today = presence.today()
    kinds = codelist("presence_kind")
    page = month_page(staff, region, month, today)
    asked = absences.asked_for(staff.absences.all())[:SHOWN]
    refused = staff.presence.filter(state=PresenceDay.State.REFUSED).order_by("-day")
    taken, most = absences.leave_days(staff, month.year, region)
    return {
        "staff": staff,
        "month": page,
        "weekdays": WEEKDAYS,
        "counts": list(page.counts.items()),
        "year": month.year,
        "year_counted": residency_queries.counted_in_year(staff.pk, month.year),
        "year_least": residency_queries.least_in_year(region, month),
        "leave_taken": taken,
        "leave_most": most,
        "requests": [shown_request(absence, request) for absence in asked],
        "refused": [(row, kinds.label(row.kind)) for row in refused[:SHOWN]],
        "care": team_notes.care_in(staff, month, region),
        "provisions": provisions.standings([staff.pk], month.year, today)[staff.pk],
        "notes": team_notes.notes_of(staff, request.user)[:SHOWN],
        "rota": staff.rota.filter(day__gte=today).order_by("day")[:SHOWN],
        "today": today,
    }


def shown_request(absence: Absence, request: HttpRequest) -> dict[str, Any]:
    """A request with what the reader may do about it."""
    may_decide = may(request.user, "approve_absence")
    today = presence.today()
    return {
        "absence": absence,
        "kind": codelist("absence_kind").label(absence.kind),
        "days": absences.days_of(absence),
        "level": absences.decided_at(absence) if absence.state == Absence.State.ASKED else "",
        "why_not": absences.decision_refusal(absence, request.user) if may_decide else " ",
        "mine": absence.staff.user_id == request.user.pk,
        "late": absence.first < today and absence.state == Absence.State.ASKED,
        "running": absence.state == Absence.State.APPROVED and absence.first < today <= absences.last_away(absence),
    }


@requires("approve_absence")
@require_POST
def absence_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or refuse a request."""
    absence = visible(Absence.objects.select_related("staff"), request.user).filter(pk=pk).first()
    if absence is None:
        raise Http404
    approve = request.POST.get("what") == "approve"
    try:
        absences.decide(absence=absence, approve=approve, by=request.user, answer=request.POST.get("answer", ""))
    except (ValidationError, Refused) as error:
        messages.error(request, told(error))
    else:
        messages.success(request, "已批准，记入日历。" if approve else "已退回申请。")
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The page the button was on, if it is one of ours."""
    came = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(came, {request.get_host()}, require_https=request.is_secure())
    return came if ours else reverse("office:residency")


def _own_absence(request: HttpRequest, pk: int) -> Absence:
    absence = Absence.objects.select_related("staff").filter(pk=pk, staff__user=request.user).first()
    if absence is None:
        raise Http404
    return absence


@requires("declare_presence")
@require_POST
def absence_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own request back."""
    absence = _own_absence(request, pk)
    try:
        absences.cancel(absence=absence, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, told(error))
    else:
        messages.success(request, "申请已撤回。")
    return redirect("office:my-residency")


@requires("declare_presence")
def absence_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that one came back earlier than asked for."""
    absence = _own_absence(request, pk)
    form = BackForm(request.POST if request.method == "POST" else None, initial={"on": presence.today()})
    if form.is_valid() and attempt(
        form, lambda: absences.come_back(absence=absence, by=request.user, **form.cleaned_data)
    ):
        messages.success(request, "已销假。从那天起照常申报。")
        return redirect("office:my-residency")
    context = {"form": form, "absence": absence, "kind": codelist("absence_kind").label(absence.kind)}
    return render(request, "office/residency/back.html", context, status=422 if form.is_bound else 200)


@requires("declare_presence")
@require_POST
def policy_show(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole number of an insurance policy, once, with a line in the log."""
    row = Provision.objects.select_related("staff").filter(pk=pk).first()
    own = row is not None and row.staff.user_id == request.user.pk
    seen = own or (row is not None and visible(Provision.objects.filter(pk=pk), request.user).exists())
    if row is None or not (own or (seen and may(request.user, "confirm_presence"))):
        raise Http404
    try:
        number = provisions.policy_number(provision=row, by=request.user)
    except ValidationError as error:
        raise Http404(told(error)) from error
    answer = render(request, "office/residency/policy.html", {"row": row, "number": number, "own": own})
    answer["Cache-Control"] = "no-store"
    return answer


urlpatterns = [
    path("my-residency/", my_residency, name="my-residency"),
    path("my-residency/notes/", my_notes, name="my-notes"),
    path("residency/absences/<int:pk>/decide/", absence_decide, name="absence-decide"),
    path("residency/absences/<int:pk>/cancel/", absence_cancel, name="absence-cancel"),
    path("residency/absences/<int:pk>/back/", absence_back, name="absence-back"),
    path("residency/provisions/<int:pk>/policy/", policy_show, name="policy-show"),
]
