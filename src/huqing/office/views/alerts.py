"""Alerts: the list, one alert with its explanation and waiver, what could not be judged, and screenings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from huqing.access.instance import working_day
from huqing.access.permissions import Refused, refusal, requires
from huqing.access.scope import covers
from huqing.intake.models import Import
from huqing.office import paging, places, rule_page, wording
from huqing.office.views.shared import county_of
from huqing.registry.models import Household, Person, Region
from huqing.rules.errors import RuleError
from huqing.rules.library import library
from huqing.screening import actions, origins
from huqing.screening import queries as screening
from huqing.screening.models import Alert, Run
from huqing.screening.schedule import queued
from huqing.screening.tasks import screen

ORDERS = {"new": ["id"]}
# What the list shows: of a household and a person alone there are 130 columns more.
SHOWN = (
    "finding", "severity", "state", "region_code", "opened_on", "closed_on", "waive_reason", "waived_at",
    "household__head_name", "household__group_name", "person__name", "village__name", "waived_by__display_name",
)  # fmt: skip
UNKNOWN_PAGE = 50
RUNS_SHOWN = 30


@requires("view_alerts")
def alert_list(request: HttpRequest) -> HttpResponse:
    """Alerts of the user's area, newest first, with filters."""
    wanted = wanted_of(request)
    found = screening.alerts(
        request.user,
        state=wanted["state"],
        finding=wanted["finding"],
        severity=wanted["severity"],
        region=wanted["village"] or wanted["town"],
    )
    page = paging.page(
        found,
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="-new",
        sortable=False,
        read_from=Alert.objects.select_related("household", "person", "village", "waived_by").only(*SHOWN),
    )
    prefix = request.user.region_code
    context = {
        "page": page,
        "wanted": wanted,
        "states": Alert.State.choices,
        "severities": list(wording.SEVERITY.items()),
        "findings": sorted(wording.finding_titles().items(), key=lambda item: item[1]),
        "towns": places.towns(prefix),
        "villages": places.villages(prefix, wanted["town"]),
        "narrowed": any(wanted[key] for key in ("finding", "severity", "town", "village")),
        "run": screening.last_run(prefix) if prefix else None,
        "query": request.GET.urlencode(),
    }
    return render(request, "office/alerts/results.html" if request.htmx else "office/alerts/list.html", context)


def wanted_of(request: HttpRequest) -> dict[str, str]:
    """The filters of the list as the address asks for them; what the user may not choose is left out."""
    query = request.GET
    region = query.get("region", "")
    town = query.get("town") or region[: places.TOWN_DIGITS]
    village = query.get("village") or (region if len(region) == places.VILLAGE_DIGITS else "")
    known = places.below(request.user.region_code)
    reachable = {code for code in (town, village) if code in known and (covers(request.user.region_code, code))}
    if not village.startswith(town):
        village = ""
    return {
        "state": query.get("state") if query.get("state") in Alert.State.values else Alert.State.OPEN.value,
        "severity": query.get("severity", "") if query.get("severity") in wording.SEVERITY else "",
        "finding": query.get("finding", "") if query.get("finding") in wording.finding_titles() else "",
        "town": town if town in reachable else "",
        "village": village if village in reachable else "",
    }


def _find(request: HttpRequest, pk: int) -> Alert:
    found = (
        Alert.objects.visible_to(request.user)
        .select_related("household", "person", "village", "waived_by")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404("没有这条预警，或它不在您的管辖区划内。")
    return found


@requires("view_alerts")
def alert_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One alert: the rule, its basis, every value it looked at, and what can be done about it."""
    return _page(request, _find(request, pk))


def _page(request: HttpRequest, alert: Alert, *, wrong: str = "", reason: str = "", status: int = 200) -> HttpResponse:
    day = alert.seen_on if alert.state == Alert.State.CLOSED else max(alert.seen_on, working_day(timezone.localdate()))
    decision, trouble = None, ""
    try:
        if alert.village:
            told = screening.explain_village(alert.village, as_of=day, finding=alert.finding)
        else:
            told = screening.explain_household(alert.household, as_of=day, finding=alert.finding)
    except RuleError as error:
        trouble = str(error)
    else:
        decision = next((item for item in told.decisions if item.person_id == alert.person_id), None)
        trouble = told.not_run.get(alert.finding, "")
    found = decision is not None and decision.state == "found"
    files = origins.of_alert(alert, as_of=day) if found else []
    about = screening.of_village(alert.village) if alert.village else screening.of_household(alert.household)
    others = about.filter(state=Alert.State.OPEN).exclude(pk=alert.pk)
    context = {
        "alert": alert,
        "decision": decision,
        "files": [(file, _import_link(request, file)) for file in files],
        "names": dict(alert.household.members.values_list("pk", "name")) if alert.household else {},
        "heads": _heads(alert),
        "trouble": trouble,
        "day": day,
        "others": others[:20],
        "wrong": wrong,
        "reason": reason,
        "reasons": WAIVE_REASONS,
        "place": places.name_of(alert.region_code),
    }
    return render(request, "office/alerts/detail.html", context, status=status)


def _heads(alert: Alert) -> dict[int, str]:
    """Who lives in the village's households, where an explanation lists them."""
    if not alert.village and alert.finding not in library().countywide:
        return {}
    return dict(Household.objects.filter(region_code=alert.region_code).values_list("pk", "head_name"))


def _import_link(request: HttpRequest, file: origins.FileRows) -> str:
    """The address of the import a file came with, for those who may see it."""
    if file.intake is None or refusal(request.user, "view_imports"):
        return ""
    seen = Import.objects.visible_to(request.user).filter(pk=file.intake.pk).exists()
    return reverse("office:import", args=[file.intake.pk]) if seen else ""


WAIVE_REASONS = [
    "已入户核实，情况不属实",
    "已入户核实，情况属实但不构成风险",
    "部门数据有误，已反馈部门更正",
    "已享受其他政策，风险已控制",
]


@requires("waive")
@require_POST
def alert_waive(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an alert to rest with a reason."""
    alert = _find(request, pk)
    reason = request.POST.get("reason", "")[:300]
    try:
        actions.waive(alert=alert, by=request.user, reason=reason)
    except (actions.ScreeningError, Refused) as error:
        return _page(request, alert, wrong=str(error), reason=reason, status=422)
    messages.success(request, "已确认无误。以后数值有变化，这条预警会再次提示。")
    return redirect("office:alert", pk=pk)


@requires("waive")
@require_POST
def alert_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring a waived alert back."""
    alert = _find(request, pk)
    try:
        actions.withdraw_waiver(alert=alert, by=request.user)
    except (actions.ScreeningError, Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已撤回确认，预警重新待处理。")
    return redirect("office:alert", pk=pk)


@requires("view_alerts")
def unknown_page(request: HttpRequest) -> HttpResponse:
    """What the last screening could not judge because a value is missing: by rule, and the households of one rule."""
    user = request.user
    run = screening.last_run(user.region_code) if user.region_code else None
    counts = screening.unknown_counts(run, user) if run else {}
    finding = request.GET.get("finding", "")
    offset = int(request.GET["from"]) if request.GET.get("from", "").isdecimal() else 0
    listed: list[dict[str, Any]] = []
    if run and finding in counts:
        rows = screening.unknown_list(run, user, finding, offset=offset, limit=UNKNOWN_PAGE)
        households = Household.objects.visible_to(user).in_bulk([row.household_id for row in rows])
        people = Person.objects.in_bulk([row.person_id for row in rows if row.person_id])
        villages = Region.objects.in_bulk([row.village_id for row in rows if row.village_id])
        listed = [
            {
                "household": households.get(row.household_id),
                "person": people.get(row.person_id),
                "village": villages.get(row.village_id),
            }
            for row in rows
            if row.household_id in households or row.village_id in villages
        ]
    context = {
        "run": run,
        "counts": [(key, wording.finding_title(key), count) for key, count in counts.items()],
        "finding": finding if finding in counts else "",
        "title": wording.finding_title(finding) if finding in counts else "",
        "sentence": library().findings[finding].sentence if finding in library().findings else "",
        "needs": rule_page.needs_of(library(), finding),
        "total": counts.get(finding, 0),
        "listed": listed,
        "first": offset + 1,
        "last": offset + len(listed),
        "next": offset + UNKNOWN_PAGE if offset + UNKNOWN_PAGE < counts.get(finding, 0) else None,
        "previous": max(0, offset - UNKNOWN_PAGE) if offset else None,
    }
    return render(request, "office/alerts/unknown.html", context)


@requires("view_alerts")
def unknown_why(request: HttpRequest, pk: int, finding: str) -> HttpResponse:
    """What is missing of one household (and which member) to decide one rule."""
    household = Household.objects.visible_to(request.user).filter(pk=pk).first()
    if household is None or finding not in library().findings:
        raise Http404("没有这户，或没有这条规则。")
    told, day = [], working_day(timezone.localdate())
    names = dict(household.members.values_list("pk", "name"))
    try:
        decisions = screening.explain_household(household, as_of=day, finding=finding).decisions
    except RuleError as error:
        decisions, told = (), [str(error)]
    for item in decisions:
        if item.state == "unknown" and item.missing:
            told.append(f"{names.get(item.person_id, '')} {wording.missing_text(item.missing)}".strip())
    context = {"told": told, "household": household, "title": wording.finding_title(finding)}
    return render(request, "office/alerts/missing.html" if request.htmx else "office/alerts/missing_page.html", context)


@requires("view_screening")
def run_list(request: HttpRequest) -> HttpResponse:
    """The latest screenings of the county, and the button that starts one."""
    region = county_of(request.user.region_code)
    runs = list(Run.objects.filter(region_code=region).select_related("started_by")[:RUNS_SHOWN]) if region else []
    waiting = bool(region) and queued(region)
    context = {
        "runs": runs,
        "waiting": waiting,
        "busy": waiting or any(run.state == Run.State.RUNNING for run in runs),
        "not_run": _not_run(runs),
        "outdated": next((screening.outdated(run) for run in runs if run.state == Run.State.DONE), False),
        "why_not": refusal(request.user, "screen"),
    }
    return render(request, "office/alerts/run_rows.html" if request.htmx else "office/alerts/runs.html", context)


def _not_run(runs: list[Run]) -> list[tuple[str, str]]:
    """The rules that the latest finished screening had to leave out, each with the reason."""
    latest = next((run for run in runs if run.state == Run.State.DONE), None)
    left_out = latest.counts.get("not_run", {}) if latest else {}
    return [(wording.finding_title(key), reason) for key, reason in left_out.items()]


@requires("screen")
@require_POST
def run_start(request: HttpRequest) -> HttpResponse:
    """Ask for a screening; the background worker does it."""
    region = county_of(request.user.region_code)
    if queued(region):
        messages.info(request, "已有一次筛查在排队，不用重复发起。")
    else:
        screen.enqueue(region, working_day(timezone.localdate()).isoformat(), Run.Trigger.MANUAL.value, request.user.pk)
        messages.success(request, "筛查已排队，完成后本页自动更新。")
    return redirect("office:screenings")


urlpatterns = [
    path("alerts/", alert_list, name="alerts"),
    path("alerts/<int:pk>/", alert_page, name="alert"),
    path("alerts/<int:pk>/waive/", alert_waive, name="alert-waive"),
    path("alerts/<int:pk>/withdraw/", alert_withdraw, name="alert-withdraw"),
    path("alerts/unknown/", unknown_page, name="unknown"),
    path("alerts/unknown/<int:pk>/<str:finding>/", unknown_why, name="unknown-why"),
    path("alerts/screenings/", run_list, name="screenings"),
    path("alerts/screenings/start/", run_start, name="screening-start"),
]
