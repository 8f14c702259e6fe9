"""Plans: the county's list with its gaps, a household's plan, measures, versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.calendar import today
from huqing.access.permissions import may, requires
from huqing.office import paging, places
from huqing.office.plan_forms import MeasureForm, PlanForm, ProgressForm, ReviseForm, TakeUpForm
from huqing.office.views.shared import attempt
from huqing.plans import actions, queries
from huqing.plans.declarations import declared, labels
from huqing.plans.errors import PlanError
from huqing.plans.lines import Line, lines_of, matches
from huqing.plans.models import Plan, PlannedMeasure, PlanVersion
from huqing.plans.proposals import propose
from huqing.plans.removal import conditions
from huqing.registry.models import DepartmentRecord, Household, Label
from huqing.registry.record_actions import in_force

ORDERS = {"place": ["region_code", "number", "id"]}


@requires("view_plans")
def plan_list(request: HttpRequest) -> HttpResponse:
    """Monitored households and plans of one's area, with what is lacking."""
    user, day = request.user, today()
    prefix = user.region_code
    known = places.below(prefix)
    wanted = {
        "gap": request.GET.get("gap", "") if request.GET.get("gap") in queries.GAPS else "",
        "town": request.GET.get("town", "") if request.GET.get("town") in known else "",
        "village": "",
    }
    villages = places.villages(prefix, wanted["town"])
    asked = request.GET.get("village", "")
    if any(place.code == asked for place in villages):
        wanted["village"] = asked
    region = wanted["village"] or wanted["town"]
    page = paging.page(
        queries.listed(user, day=day, gap=wanted["gap"], region=region),
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="place",
        sortable=False,
        ids_first=True,
    )
    told = queries.summaries(page.rows, day)
    counts = queries.gap_counts(user, day=day, region=region)
    context = {
        "page": page,
        "rows": [(household, told[household.pk]) for household in page.rows],
        "wanted": wanted,
        "gaps": [(key, f"{title}（{counts[key]}）") for key, title in queries.GAPS.items()],
        "gap_title": queries.GAPS.get(wanted["gap"], ""),
        "towns": places.towns(prefix),
        "villages": villages,
        "narrowed": any(wanted.values()),
    }
    return render(request, "office/plans/results.html" if request.htmx else "office/plans/list.html", context)


def find_household(request: HttpRequest, pk: int) -> Household:
    """A household the user sees; 404 otherwise."""
    found = Household.objects.visible_to(request.user).select_related("village__parent").filter(pk=pk).first()
    if found is None:
        raise Http404("没有这一户，或它不在您的管辖区划内。")
    return found


def find_plan(request: HttpRequest, pk: int) -> Plan:
    """A plan the user sees; 404 otherwise."""
    found = (
        Plan.objects.visible_to(request.user)
        .select_related("household__village__parent", "made_by", "closed_by")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404("没有这份计划，或它不在您的管辖区划内。")
    return found


@requires("view_plans")
def household_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """A household's plan: risks and what answers them, measures, what only the ledger has, versions."""
    return _page(request, find_household(request, pk))


def _page(request: HttpRequest, household: Household, status: int = 200, **more: Any) -> HttpResponse:
    day, plan = today(), queries.open_plan(household)
    lines = lines_of(household, plan, day)
    risks = plan.risks if plan else household.items.get("risks", [])
    label = Label.objects.filter(household=household, kind=queries.MONITOR).order_by("-valid_from").first()
    watched = label is not None and (label.valid_to is None or label.valid_to > day)
    context = {
        "household": household,
        "plan": plan,
        "causes": labels("poverty_cause", plan.causes) if plan else "",
        "matches": matches(risks, lines),
        "own": [line for line in lines if line.planned],
        "others": [line for line in lines if not line.planned],
        "goes_on": [line for line in lines if line.planned and line.open and line.lasts],
        "label": label,
        "watched": watched,
        "versions": plan.versions.select_related("by") if plan else [],
        "past": Plan.objects.filter(household=household).exclude(closed_on=None).select_related("closed_by"),
        "lasting_source": declared().lasting_source,
        "day": day,
        **more,
    }
    return render(request, "office/plans/detail.html", context, status=status)


@requires("view_plans")
def plan_removal(request: HttpRequest, pk: int) -> HttpResponse:
    """How the removal conditions stand; a part of the plan's page, because the rules have to be asked, or a page."""
    household = find_household(request, pk)
    found = conditions(household, today())
    template = "office/plans/conditions.html" if request.htmx else "office/plans/removal.html"
    return render(request, template, {"conditions": found, "household": household})


@requires("make_plans")
def plan_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a plan, prefilled with what is known."""
    household = find_household(request, pk)
    draft = propose(household, today())
    whys = {one.code: one.why for one in draft.risks}
    initial = {"risks": list(whys), "causes": draft.causes}
    form = PlanForm(request.POST if request.method == "POST" else None, initial=initial, whys=whys)
    if form.is_valid():
        made = _tried(form, lambda: actions.make_plan(household=household, by=request.user, **form.cleaned_data))
        if made:
            messages.success(request, "计划已制定。现在逐项安排措施，每项写明责任人。")
            return redirect("office:household-plan", pk=household.pk)
    context = {"household": household, "form": form, "draft": draft}
    return render(request, "office/plans/new.html", context, status=422 if form.errors else 200)


@requires("make_plans")
def plan_revise(request: HttpRequest, pk: int) -> HttpResponse:
    """Change causes, risks, situation and aim."""
    plan = find_plan(request, pk)
    initial = {"risks": plan.risks, "causes": plan.causes, "situation": plan.situation, "aim": plan.aim}
    form = ReviseForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        made = _tried(form, lambda: actions.revise_plan(plan=plan, by=request.user, **form.cleaned_data))
        if made:
            messages.success(request, f"计划已修订，现在是第 {made.version} 版。")
            return redirect("office:household-plan", pk=plan.household_id)
    context = {"household": plan.household, "form": form, "plan": plan}
    return render(request, "office/plans/new.html", context, status=422 if form.errors else 200)


@requires("make_plans")
def measure_add(request: HttpRequest, pk: int) -> HttpResponse:
    """A new measure."""
    plan = find_plan(request, pk)
    day = today()
    draft = propose(plan.household, day)
    chosen = {"risks": request.GET.getlist("risk"), "item": request.GET.get("item", ""), "state": "1"}
    form = MeasureForm(
        request.POST if request.method == "POST" else None,
        by=request.user,
        people=queries.people_of(plan.household, day),
        risks=plan.risks,
        initial=chosen,
    )
    if form.is_valid():
        own = form.own()
        own.pop("lasts")
        made = _tried(form, lambda: actions.add_measure(plan=plan, by=request.user, values=form.values(), **own))
        if made:
            messages.success(request, "措施已列入计划，并写入帮扶措施台账。")
            return redirect("office:household-plan", pk=plan.household_id)
    context = {"plan": plan, "household": plan.household, "form": form, "title": "增加措施", "draft": draft}
    return render(request, "office/plans/measure.html", context, status=422 if form.errors else 200)


@requires("make_plans")
def measure_take_up(request: HttpRequest, pk: int, record: int) -> HttpResponse:
    """Make a measure of the ledger part of the plan."""
    plan = find_plan(request, pk)
    row = (
        DepartmentRecord.objects.filter(pk=record, household=plan.household, kind="measure", retired_by=None)
        .select_related("source")
        .first()
    )
    if row is None:
        raise Http404("没有这条措施，或它已经失效。")
    day = today()
    form = TakeUpForm(
        request.POST if request.method == "POST" else None,
        by=request.user,
        people=queries.people_of(plan.household, day),
    )
    if form.is_valid():
        planned = form.cleaned_data["planned"]
        made = _tried(
            form,
            lambda: actions.take_up_measure(
                plan=plan,
                record=row,
                by=request.user,
                staff=form.responsible(),
                planned=int(planned * 100) if planned is not None else None,
                lasts_until=form.cleaned_data["lasts_until"],
            ),
        )
        if made:
            messages.success(request, "已纳入计划。")
            return redirect("office:household-plan", pk=plan.household_id)
    line = Line(row, None, day)
    context = {
        "plan": plan,
        "household": plan.household,
        "form": form,
        "title": f"纳入计划：{line.title}",
        "line": line,
    }
    return render(request, "office/plans/measure.html", context, status=422 if form.errors else 200)


def _measure(request: HttpRequest, pk: int) -> PlannedMeasure:
    found = (
        PlannedMeasure.objects.visible_to(request.user)
        .select_related("plan__household__village__parent", "staff__unit")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404("没有这项措施，或它不在您的管辖区划内。")
    return found


@requires("report_measures")
def measure_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """How a measure goes; who may make plans also changes responsibility, money and term."""
    measure = _measure(request, pk)
    plan, day = measure.plan, today()
    line = Line(in_force(plan.household, "measure", measure.fingerprint), measure, day)
    data = request.POST if request.method == "POST" else None
    whole = may(request.user, "make_plans")
    form: MeasureForm | ProgressForm
    if whole:
        form = MeasureForm(
            data,
            by=request.user,
            people=queries.people_of(plan.household, day),
            chosen=measure.staff,
            risks=plan.risks,
            line=line,
        )
    else:
        form = ProgressForm(data, line=line)
    if form.is_valid():
        own = form.own() if isinstance(form, MeasureForm) else {}
        if _tried(form, lambda: actions.change_measure(measure=measure, by=request.user, values=form.values(), **own)):
            messages.success(request, "已登记。")
            return redirect("office:household-plan", pk=plan.household_id)
    context = {
        "plan": plan,
        "household": plan.household,
        "form": form,
        "title": line.title,
        "line": line,
        "measure": measure,
        "can_drop": whole and plan.closed_on is None and measure.dropped_on is None,
    }
    return render(request, "office/plans/measure.html", context, status=422 if form.errors else 200)


@requires("make_plans")
@require_POST
def measure_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a measure out of the plan."""
    measure = _measure(request, pk)
    form = Form(request.POST)
    form.full_clean()
    done = _tried(
        form,
        lambda: (actions.drop_measure(measure=measure, by=request.user, reason=request.POST.get("reason", "")), True),
    )
    if not done:
        return _page(request, measure.plan.household, 422, wrong=_wrong(form))
    messages.success(request, "已移出计划。")
    return redirect("office:household-plan", pk=measure.plan.household_id)


@requires("make_plans")
@require_POST
def plan_close(request: HttpRequest, pk: int) -> HttpResponse:
    """End the plan."""
    plan = find_plan(request, pk)
    form = Form(request.POST)
    form.full_clean()
    if not _tried(form, lambda: actions.close_plan(plan=plan, by=request.user, reason=request.POST.get("reason", ""))):
        return _page(request, plan.household, 422, wrong=_wrong(form), reason=request.POST.get("reason", ""))
    messages.success(request, "计划已结束，历史版本仍可查看。")
    return redirect("office:household-plan", pk=plan.household_id)


@requires("view_plans")
def plan_version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A version as it was."""
    plan = find_plan(request, pk)
    version = PlanVersion.objects.filter(plan=plan, number=number).select_related("by").first()
    if version is None:
        raise Http404("没有这一版。")
    told = version.content
    context = {
        "plan": plan,
        "version": version,
        "risks": labels("risk_type", told.get("risks", [])),
        "causes": labels("poverty_cause", told.get("causes", [])),
        "measures": [(one, labels("risk_type", one.get("risks", []))) for one in told.get("measures", [])],
    }
    return render(request, "office/plans/version.html", context)


def _tried(form: Form, act: Callable[[], Any]) -> Any:
    """Do it, or put what was refused beside the fields."""

    def acted() -> Any:
        try:
            return act()
        except PlanError as error:
            form.add_error(None, str(error))
            return None

    found = attempt(form, acted)
    return None if form.errors else found


def _wrong(form: Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


urlpatterns = [
    path("plans/", plan_list, name="plans"),
    path("households/<int:pk>/plan/", household_plan, name="household-plan"),
    path("households/<int:pk>/plan/new/", plan_new, name="plan-new"),
    path("households/<int:pk>/plan/removal/", plan_removal, name="plan-removal"),
    path("plans/<int:pk>/revise/", plan_revise, name="plan-revise"),
    path("plans/<int:pk>/close/", plan_close, name="plan-close"),
    path("plans/<int:pk>/versions/<int:number>/", plan_version, name="plan-version"),
    path("plans/<int:pk>/measures/add/", measure_add, name="measure-add"),
    path("plans/<int:pk>/measures/take-up/<int:record>/", measure_take_up, name="measure-take-up"),
    path("plan-measures/<int:pk>/", measure_edit, name="plan-measure"),
    path("plan-measures/<int:pk>/drop/", measure_drop, name="measure-drop"),
]
