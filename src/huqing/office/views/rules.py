"""The rule catalogue: what is looked for, on what basis, with which parameters, computed from what."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from huqing.access.models import User
from huqing.access.permissions import may, requires
from huqing.office import rule_page, wording
from huqing.office.views.shared import county_of
from huqing.rules.language import Rule
from huqing.rules.library import library
from huqing.screening import queries as screening
from huqing.screening.models import Alert
from huqing.screening.schedule import counties


@requires("view_rules")
def rule_list(request: HttpRequest) -> HttpResponse:
    """All rules by topic, with the number of open alerts in the user's area."""
    text = request.GET.get("text", "").strip()[:40]
    severity = request.GET.get("severity", "")
    severity = severity if severity in wording.SEVERITY else ""
    found = [rule for rule in library().findings.values() if _fits(rule, text, severity)]
    counted = may(request.user, "view_alerts") and bool(request.user.region_code)
    context = {
        "topics": rule_page.by_topic(found),
        "found": len(found),
        "total": len(library().findings),
        "counts": screening.open_by_finding(request.user) if counted else {},
        "counted": counted,
        "subjects": rule_page.SUBJECTS,
        "text": text,
        "severity": severity,
        "severities": list(wording.SEVERITY.items()),
    }
    return render(request, "office/rules/results.html" if request.htmx else "office/rules/list.html", context)


def _fits(rule: Rule, text: str, severity: str) -> bool:
    if severity and rule.severity != severity:
        return False
    return not text or any(text in words for words in (rule.title, rule.sentence, rule.basis))


@requires("view_rules")
def rule_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One rule: when it holds, its basis, its parameters over time, what it is computed from, how many it holds for."""
    rules = library()
    rule = rules.findings.get(key)
    if rule is None:
        raise Http404("没有这条规则。")
    user, today = request.user, timezone.localdate()
    parameters = rule_page.parameters_of(rules, key, day=today, county=county_in_sight(user))
    context = {
        "rule": rule,
        "topic": rule_page.TOPICS.get(rule_page.topic_of(rule), rule_page.OTHER),
        "subject": rule_page.SUBJECTS.get(rule.of, rule.of),
        "evidence": rule_page.evidence_titles(rules, key),
        "files": rule_page.files_of(rules, key),
        "countywide": key in rules.countywide,
        "parameters": parameters,
        "has_charts": any(shown.drawable for shown in parameters),
        "dependencies": rule_page.dependencies(rules, key),
        "cases": rule_page.cases_of(key),
        "to_try": rule_page.to_try(rules, key) if may(user, "simulate") else "",
        "numbers": _numbers(user, key) if may(user, "view_alerts") and user.region_code else None,
        "today": today,
    }
    return render(request, "office/rules/detail.html", context)


def county_in_sight(user: User) -> str:
    """The county whose parameters count: the user's own, or the only one of the installation."""
    if user.region_code:
        return county_of(user.region_code)
    known = counties()
    return known[0] if len(known) == 1 else ""


def _numbers(user: User, key: str) -> dict[str, object]:
    """How many households or villages and alerts the rule concerns now, and what the last screening could not judge."""
    mine = Alert.objects.visible_to(user).filter(finding=key)
    still_open = mine.filter(state=Alert.State.OPEN)
    run = screening.last_run(user.region_code)
    return {
        "households": still_open.values("household_id", "village_id").distinct().count(),
        "open": still_open.count(),
        "waived": mine.filter(state=Alert.State.WAIVED).count(),
        "unknown": screening.unknown_counts(run, user).get(key, 0) if run else None,
        "run": run,
        "not_run": run.counts.get("not_run", {}).get(key, "") if run else "",
    }


urlpatterns = [
    path("rules/", rule_list, name="rules"),
    path("rules/<str:key>/", rule_detail, name="rule"),
]
