"""The resident teams of an area: what waits, a member's month, the rota, care visits, check-up and insurance."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, requires
from huqing.access.scope import covers, visible
from huqing.office import paging, places
from huqing.office.residency_forms import (
    AssignForm,
    CareForm,
    NoteForm,
    ProvisionForm,
    RotaForm,
    SolveForm,
    TurnsForm,
)
from huqing.office.residency_page import WEEKDAYS, Month, month_of, weeks_of
from huqing.office.views.residency import member_month, notes_page, shown_request, told
from huqing.office.views.shared import attempt
from huqing.teams import absences, presence, presence_export, provisions, residency_queries, rota, team_notes
from huqing.teams.models import Absence, PresenceDay, Provision, Responsibility, RotaDay, TeamNote
from huqing.teams.residency_queries import CARED, SHORT, WAITING, last_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ONLY = {WAITING: "有待确认的", SHORT: "天数不够的", CARED: "看望不够的"}
ORDERS = {"village": ["region_code", "staff_id", "id"]}
MOST = 50


@requires("confirm_presence")
def teams(request: HttpRequest) -> HttpResponse:
    """The residents of the area by village with their month: what waits, and whether there are enough days."""
    today = presence.today()
    month = month_of(request.GET.get("month", ""), today)
    wanted = {"place": request.GET.get("place", "")[:12], "only": request.GET.get("only", "")}
    lines = residency_queries.month_lines(request.user, month, **wanted)
    page = paging.page(lines, query=request.GET, path=request.path, orders=ORDERS, default="village", sortable=False)
    care = team_notes.care_of([line.staff_id for line in page.rows], month, request.user.region_code)
    context = {
        "month": Month(month),
        "page": page,
        "rows": [(line, [one for one in care[line.staff_id] if one.lacking]) for line in page.rows],
        "least": residency_queries.least_days(request.user.region_code, month),
        "wanted": wanted,
        "only": list(ONLY.items()),
        "towns": places.towns(request.user.region_code),
    }
    if request.htmx:
        return render(request, "office/residency/rows.html", context)
    asked = absences.asked_for(visible(Absence.objects.filter(state=Absence.State.ASKED), request.user))
    context |= {
        "asked": [shown_request(absence, request) for absence in asked[:MOST]],
        "problems": team_notes.open_problems(request.user)[:MOST],
        "today": today,
    }
    return render(request, "office/residency/teams.html", context)


@requires("export")
@require_POST
def presence_file(request: HttpRequest) -> HttpResponse:
    """The month's calendar of the area as a workbook."""
    month = month_of(request.POST.get("month", ""), presence.today())
    answer = HttpResponse(presence_export.month_workbook(month=month, by=request.user), content_type=XLSX)
    name = f"驻村日历_{month:%Y%m}.xlsx"
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return answer


@requires("confirm_presence")
def member_notes(request: HttpRequest, pk: int) -> HttpResponse:
    """All that was written by and about a member, the newest first."""
    line = _line(request, pk)
    return notes_page(request, line.staff, own=False)


@requires("confirm_presence")
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """A member's month: confirm or send back days, decide requests, raise problems for them."""
    line = _line(request, pk)
    today = presence.today()
    month = month_of(request.GET.get("month", ""), today)
    posted = request.POST if request.method == "POST" else None
    form = NoteForm(posted, prefix="n", initial={"on": today, "kind": "problem"})
    form.fields["kind"].choices = [(TeamNote.Kind.PROBLEM.value, TeamNote.Kind.PROBLEM.label)]
    if form.is_valid() and attempt(
        form, lambda: team_notes.note(staff=line.staff, by=request.user, **form.cleaned_data)
    ):
        messages.success(request, "已登记。")
        return redirect("office:resident", pk=pk)
    context = {**member_month(request, line.staff, line.region_code, month), "form": form, "line": line, "own": False}
    return render(request, "office/residency/member.html", context, status=422 if form.is_bound else 200)


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
        messages.error(request, told(error))
    return redirect(f"{reverse('office:resident', args=[pk])}?month={month:%Y-%m}")


@requires("confirm_presence")
def problem(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a member's problem to somebody with a deadline, and say how it was solved."""
    rows = TeamNote.objects.filter(kind=TeamNote.Kind.PROBLEM).select_related("staff", "by")
    found = visible(rows, request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    what = request.POST.get("what", "") if request.method == "POST" else ""
    today = presence.today()
    forms: dict[str, Form] = {
        "assign": AssignForm(
            request.POST if what == "assign" else None,
            prefix="a",
            initial={"responsible": found.responsible, "due_on": found.due_on},
        ),
        "solve": SolveForm(request.POST if what == "solve" else None, prefix="s", initial={"on": today}),
    }
    acts: dict[str, Any] = {"assign": team_notes.assign, "solve": team_notes.solve}
    form = forms.get(what)
    ready = form is not None and form.is_valid()
    if (
        form is not None
        and ready
        and attempt(form, lambda: acts[what](problem=found, by=request.user, **form.cleaned_data))
    ):
        messages.success(request, "已交办。" if what == "assign" else "解决情况已登记。")
        return redirect("office:residency")
    context = {"forms": forms, "problem": found, "today": today}
    return render(request, "office/residency/problem.html", context, status=422 if what else 200)


@requires("confirm_presence")
def village_rota(request: HttpRequest, code: str) -> HttpResponse:
    """The rota of a village's team for a month: who is on duty, and the days without anybody."""
    if not covers(request.user.region_code, code) or len(code) != places.VILLAGE_DIGITS:
        raise Http404
    today = presence.today()
    month = month_of(request.GET.get("month", ""), today)
    team = rota.team_of(code, min(max(today, month), last_of(month)))
    what = request.POST.get("what", "") if request.method == "POST" else ""
    first = max(today, month)
    forms: dict[str, Form] = {
        "one": RotaForm(request.POST if what == "one" else None, team=team, prefix="o", initial={"day": first}),
        "turns": TurnsForm(
            request.POST if what == "turns" else None, prefix="t", initial={"first": first, "last": last_of(month)}
        ),
    }
    form = forms.get(what)
    if form is not None and form.is_valid():
        if what == "one":
            done = attempt(form, lambda: rota.set_rota(by=request.user, **form.cleaned_data))
            words = "已排上。"
        else:
            done = attempt(form, lambda: rota.take_turns(village=code, by=request.user, **form.cleaned_data))
            words = _turns_told(*done) if done else ""
        if done:
            messages.success(request, words)
            return redirect(f"{request.path}?month={month:%Y-%m}")
    context = {
        "code": code,
        "month": Month(month),
        "weekdays": WEEKDAYS,
        "weeks": _rota_weeks(code, month),
        "team": team,
        "forms": forms,
        "today": today,
    }
    return render(request, "office/residency/rota.html", context, status=422 if what else 200)


def _turns_told(filled: int, nobody: list[dt.date]) -> str:
    if not nobody:
        return f"已排 {filled} 天。"
    days = "、".join(f"{day.month}月{day.day}日" for day in nobody[:10])
    return f"已排 {filled} 天；{days} 队员都在外，没有人可排（共 {len(nobody)} 天）。"


def _rota_weeks(code: str, month: dt.date) -> list[list[dict[str, Any] | None]]:
    rows: dict[dt.date, list[RotaDay]] = {}
    within = RotaDay.objects.filter(region_code=code, day__range=(month, last_of(month)))
    for row in within.select_related("staff").order_by("staff"):
        rows.setdefault(row.day, []).append(row)
    return [[{"day": day, "rows": rows.get(day, [])} if day else None for day in week] for week in weeks_of(month)]


@requires("confirm_presence")
@require_POST
def rota_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take somebody off the rota of a day."""
    row = visible(RotaDay.objects.select_related("staff"), request.user).filter(pk=pk).first()
    if row is None:
        raise Http404
    address = f"{reverse('office:rota', args=[row.region_code])}?month={row.day:%Y-%m}"
    try:
        rota.drop_rota(row=row, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, told(error))
    else:
        messages.success(request, "已取消这一天的值班。")
    return redirect(address)


@requires("confirm_presence")
def village_care(request: HttpRequest, code: str) -> HttpResponse:
    """Register a leader's visit to the members of a village's team, all at once."""
    if not covers(request.user.region_code, code) or len(code) != places.VILLAGE_DIGITS:
        raise Http404
    today = presence.today()
    team = rota.team_of(code, today)
    if not team:
        raise Http404("这个村现在没有驻村工作队。")
    first = {"on": today, "staff": [str(one.pk) for one in team], "kind": TeamNote.Kind.CARE_MAIN.value}
    form = CareForm(request.POST if request.method == "POST" else None, team=team, initial=first)
    if form.is_valid() and attempt(form, lambda: team_notes.care_visit(by=request.user, **form.cleaned_data)):
        messages.success(request, "看望已登记。")
        return redirect("office:residency")
    context = {"form": form, "code": code}
    return render(request, "office/residency/care.html", context, status=422 if form.is_bound else 200)


@requires("confirm_presence")
def provision_gaps(request: HttpRequest) -> HttpResponse:
    """Who has no check-up or no insurance in a year."""
    today = presence.today()
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isdecimal() and 2013 <= int(asked) <= today.year else today.year
    kind = request.GET.get("kind", "")
    kind = kind if kind in Provision.Kind.values else Provision.Kind.CHECKUP.value
    lines = residency_queries.without_provision(request.user, year, kind)
    page = paging.page(lines, query=request.GET, path=request.path, orders=ORDERS, default="village", sortable=False)
    known = provisions.standings([line.staff_id for line in page.rows], year, today)
    context = {
        "page": page,
        "rows": [(line, next(one for one in known[line.staff_id] if one.kind == kind)) for line in page.rows],
        "year": str(year),
        "years": [str(one) for one in range(today.year, today.year - 5, -1)],
        "kind": kind,
        "kinds": Provision.Kind.choices,
        "numbers": [
            (label, residency_queries.without_provision(request.user, year, value).count())
            for value, label in Provision.Kind.choices
        ],
    }
    template = "office/residency/gap_rows.html" if request.htmx else "office/residency/gaps.html"
    return render(request, template, context)


@requires("confirm_presence")
def member_provisions(request: HttpRequest, pk: int) -> HttpResponse:
    """Check-ups and insurance of a member over the years, and the form for one of them."""
    line = _line(request, pk)
    today = presence.today()
    rows = line.staff.provisions.select_related("by")
    chosen = rows.filter(pk=request.GET.get("row")).first() if request.GET.get("row", "").isdecimal() else None
    first: dict[str, Any] = {"year": today.year, "kind": Provision.Kind.CHECKUP.value}
    if chosen is not None:
        names = ("year", "kind", "planned_on", "done_on", "until", "provider", "note")
        first = {name: getattr(chosen, name) for name in names}
    form = ProvisionForm(request.POST if request.method == "POST" else None, initial=first)
    if form.is_valid() and attempt(
        form, lambda: provisions.save(staff=line.staff, by=request.user, **form.cleaned_data)
    ):
        messages.success(request, "已登记。")
        return redirect("office:resident-provisions", pk=pk)
    context = {"form": form, "line": line, "rows": rows, "chosen": chosen}
    return render(request, "office/residency/provisions.html", context, status=422 if form.is_bound else 200)


def _line(request: HttpRequest, pk: int) -> Responsibility:
    """The newest line that makes somebody a resident of a village the account sees."""
    lines = visible(Responsibility.objects.filter(staff=pk, role=presence.RESIDENT), request.user)
    line = lines.select_related("staff__unit", "village").order_by("-since").first()
    if line is None:
        raise Http404
    return line


urlpatterns = [
    path("residency/", teams, name="residency"),
    path("residency/members/<int:pk>/", member, name="resident"),
    path("residency/export/", presence_file, name="presence-export"),
    path("residency/members/<int:pk>/notes/", member_notes, name="resident-notes"),
    path("residency/members/<int:pk>/days/", days_decide, name="resident-days"),
    path("residency/members/<int:pk>/provisions/", member_provisions, name="resident-provisions"),
    path("residency/problems/<int:pk>/solve/", problem, name="problem-solve"),
    path("residency/villages/<str:code>/rota/", village_rota, name="rota"),
    path("residency/villages/<str:code>/care/", village_care, name="care"),
    path("residency/rota/<int:pk>/drop/", rota_drop, name="rota-drop"),
    path("residency/provisions/", provision_gaps, name="provision-gaps"),
]
