"""From alerts to cases: one alert at a click, many at once in the background."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.cases import actions, batches
from huqing.cases.errors import CaseError
from huqing.cases.models import Case
from huqing.cases.tasks import work_off
from huqing.office import clues, wording
from huqing.office.views.alerts import wanted_of
from huqing.screening import queries as screening
from huqing.screening.models import Alert

SHOWN = 20


@requires("handle_cases")
@require_POST
def alert_case(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a case for an alert's household with all that is known; where one is open, the alert joins it."""
    rows = Alert.objects.visible_to(request.user).select_related("household", "person")
    alert = rows.filter(pk=pk, household__isnull=False).first()
    if alert is None or alert.household is None:
        raise Http404("没有这条预警，或它不在您的管辖区划内。")
    running = Case.objects.filter(household=alert.household, closed_on=None).select_related("household").first()
    try:
        if running is not None:
            actions.link_alerts(case=running, alerts=[alert], by=request.user)
            messages.info(request, "这一户已有未办结的事项，预警已并入。")
            return redirect("office:case", pk=running.pk)
        clue = clues.of_alert(alert)
        together = [alert, *alert.household.alerts.filter(state=Alert.State.OPEN).exclude(pk=alert.pk)]
        made = actions.open_case(
            household=alert.household, source=clue.source, clue=clue.text, alerts=together, by=request.user
        )
    except CaseError as error:
        messages.error(request, str(error))
        return redirect("office:alert", pk=pk)
    messages.success(request, f"已登记，受理编号 {made.number}。")
    return redirect("office:case", pk=made.pk)


def _chosen(request: HttpRequest) -> QuerySet[Alert]:
    """The ticked alerts, or all that the list's filters leave."""
    wanted = wanted_of(request)
    found = screening.alerts(
        request.user,
        state=Alert.State.OPEN,
        finding=wanted["finding"],
        severity=wanted["severity"],
        region=wanted["village"] or wanted["town"],
    ).filter(household__isnull=False)
    ticked = [key for key in request.POST.getlist("alert") if key.isdecimal() and len(key) < SHOWN]
    return found.filter(pk__in=ticked) if ticked else found


@requires("handle_cases")
@require_POST
def alerts_cases(request: HttpRequest) -> HttpResponse:
    """Look over what is about to be opened, then open it in the background."""
    found = _chosen(request)
    clue, wrong = request.POST.get("clue", ""), ""
    if request.POST.get("do") == "start":
        try:
            made = batches.ask_cases(alerts=found, clue=clue, by=request.user)
        except CaseError as error:
            wrong = str(error)
        else:
            work_off.enqueue(made.pk)
            return redirect("office:batch", pk=made.pk)
    wanted = wanted_of(request)
    if not clue:
        kind = wording.finding_title(wanted["finding"]) if wanted["finding"] else "筛查预警"
        clue = f"{kind}，待入户核实"
    context = {
        "alerts": found.count(),
        "households": found.order_by().values("household").distinct().count(),
        "first": found[:SHOWN],
        "ticked": request.POST.getlist("alert"),
        "clue": clue,
        "most": batches.MOST,
        "wrong": wrong,
        "query": request.GET.urlencode(),
        "back": f"{reverse('office:alerts')}?{urlencode({k: v for k, v in wanted.items() if v})}",
    }
    return render(request, "office/alerts/cases.html", context, status=422 if wrong else 200)


urlpatterns = [
    path("alerts/<int:pk>/case/", alert_case, name="alert-case"),
    path("alerts/cases/", alerts_cases, name="alerts-cases"),
]
