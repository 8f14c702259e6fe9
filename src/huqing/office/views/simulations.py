"""Simulations: what other parameters would change, before anybody decides. Nothing here touches an alert."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access import audit
from huqing.access.permissions import requires
from huqing.office import bill_cost_page, places, simulation_page
from huqing.office.views.alert_export import XLSX
from huqing.office.views.shared import county_of
from huqing.papers.sheets import Marking, write_workbook
from huqing.rules.library import library
from huqing.screening import outcomes, simulation
from huqing.screening.actions import ScreeningError
from huqing.screening.models import Simulation
from huqing.screening.proposals import MOST_CHANGES, ProposalError
from huqing.screening.value_texts import LONGEST

PAGE = 50


@requires("simulate")
def simulation_list(request: HttpRequest) -> HttpResponse:
    """The county's latest simulations."""
    found = list(Simulation.objects.visible_to(request.user).select_related("created_by"))
    context = {
        "simulations": found,
        "busy": any(simulated.state in simulation.PENDING for simulated in found),
        "keep": simulation.KEEP,
        "ready": simulation.last_run(county_of(request.user.region_code)) is not None,
    }
    return render(request, "office/simulations/rows.html" if request.htmx else "office/simulations/list.html", context)


@requires("simulate")
def simulation_new(request: HttpRequest) -> HttpResponse:
    """Choose parameters, type other values, start."""
    if request.method != "POST":
        return _form(request, request.GET.getlist("parameter"))
    keys = request.POST.getlist("parameter")[: MOST_CHANGES + 1]
    typed = {key: request.POST.get(f"value-{key}", "")[: LONGEST + 1] for key in keys}
    note = request.POST.get("note", "")[:100]
    try:
        asked = simulation.ask(by=request.user, region=county_of(request.user.region_code), texts=typed, note=note)
    except ProposalError as error:
        return _form(request, keys, typed=typed, note=note, wrong={error.parameter: str(error)}, status=422)
    except ScreeningError as error:
        return _form(request, keys, typed=typed, note=note, trouble=str(error), status=422)
    messages.success(request, "试算已排队，算完后本页自动更新。")
    return redirect("office:simulation", pk=asked.pk)


def _form(
    request: HttpRequest,
    keys: list[str],
    *,
    typed: dict[str, str] | None = None,
    note: str = "",
    wrong: dict[str, str] | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    rules, county = library(), county_of(request.user.region_code)
    chosen = simulation_page.fields(rules, keys[:MOST_CHANGES], county=county, typed=typed or {}, wrong=wrong or {})
    shown = {field.parameter.key for field in chosen}
    context: dict[str, Any] = {
        "fields": chosen,
        "choices": simulation_page.choices(rules, sorted(shown)) if len(chosen) < MOST_CHANGES else [],
        "note": note,
        "trouble": trouble or next((text for key, text in (wrong or {}).items() if key not in shown), ""),
        "as_of": simulation.as_of_now(county) if county else None,
        "most": MOST_CHANGES,
    }
    return render(request, "office/simulations/new.html", context, status=status)


def _find(request: HttpRequest, pk: int) -> Simulation:
    found = Simulation.objects.visible_to(request.user).select_related("created_by").filter(pk=pk).first()
    if found is None:
        raise Http404("没有这次试算，或它已被清理。")
    return found


@requires("simulate")
def simulation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One simulation: what was changed, who would enter or leave by finding and town, what it would cost."""
    simulated = _find(request, pk)
    done = simulated.state == Simulation.State.DONE
    context = {
        "simulated": simulated,
        "busy": simulated.state in simulation.PENDING,
        "done": done,
        "findings": simulation_page.by_finding(simulated) if done else [],
        "towns": simulation_page.by_town(simulated) if done else [],
        "costs": simulation_page.costs(simulated) if done else [],
        "bills": bill_cost_page.told(simulated) if done else None,
        "again": "&".join(f"parameter={change['parameter']}" for change in simulated.changes),
    }
    return render(
        request, "office/simulations/body.html" if request.htmx else "office/simulations/detail.html", context
    )


@requires("simulate")
def simulation_movers(request: HttpRequest, pk: int) -> HttpResponse:
    """Who would enter or leave, a page at a time, with filters."""
    simulated = _find(request, pk)
    query = request.GET
    findings, towns = simulation_page.findings_of(simulated), simulation_page.towns_of(simulated)
    wanted = {
        "direction": query.get("direction", "") if query.get("direction") in outcomes.DIRECTIONS else "",
        "finding": query.get("finding", "") if query.get("finding") in dict(findings) else "",
        "town": query.get("town", "") if query.get("town") in dict(towns) else "",
    }
    offset = int(query["from"]) if query.get("from", "").isdecimal() and len(query["from"]) < 9 else 0
    found, total = outcomes.movers(
        simulation.folder_of(simulated),
        direction=wanted["direction"],
        finding=wanted["finding"],
        region=wanted["town"],
        offset=offset,
        limit=PAGE,
    )
    links = "&".join(f"{key}={value}" for key, value in wanted.items() if value)
    context = {
        "simulated": simulated,
        "lines": simulation_page.lines(found, request.user),
        "total": total,
        "wanted": wanted,
        "directions": list(outcomes.DIRECTIONS.items()),
        "findings": findings,
        "towns": towns,
        "first": offset + 1,
        "last": offset + len(found),
        "previous": f"?{links}&from={max(0, offset - PAGE)}" if offset else "",
        "next": f"?{links}&from={offset + PAGE}" if offset + PAGE < total else "",
        "narrowed": any(wanted.values()),
    }
    return render(
        request, "office/simulations/mover_rows.html" if request.htmx else "office/simulations/movers.html", context
    )


@requires("simulate")
@require_POST
def simulation_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole result as a workbook; audited, every sheet and row marked as a simulation."""
    simulated = _find(request, pk)
    if simulated.state != Simulation.State.DONE:
        messages.error(request, "这次试算没有结果可以导出。请等它算完，或重新试算。")
        return redirect("office:simulation", pk=pk)
    now = timezone.localtime()
    target = BytesIO()
    marking = Marking(by=request.user.display_name, at=now, note=f"{simulation_page.MARK}，试算第 {pk} 号")
    rows = write_workbook(target, simulation_page.sheets(simulated, request.user), marking=marking)
    with transaction.atomic():
        audit.record(by=request.user, action="simulation_export", subject=simulated, detail={"rows": rows})
    response = HttpResponse(target.getvalue(), content_type=XLSX)
    name = f"模拟试算{pk}_{places.name_of(simulated.region_code)}_{now:%Y%m%d}.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


@requires("simulate")
@require_POST
def simulation_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a simulation away."""
    simulated = _find(request, pk)
    try:
        simulation.delete(simulation=simulated, by=request.user)
    except ScreeningError as error:
        messages.error(request, str(error))
        return redirect("office:simulation", pk=pk)
    messages.success(request, "试算已删除。")
    return redirect("office:simulations")


urlpatterns = [
    path("simulations/", simulation_list, name="simulations"),
    path("simulations/new/", simulation_new, name="simulation-new"),
    path("simulations/<int:pk>/", simulation_detail, name="simulation"),
    path("simulations/<int:pk>/list/", simulation_movers, name="simulation-movers"),
    path("simulations/<int:pk>/export/", simulation_export, name="simulation-export"),
    path("simulations/<int:pk>/delete/", simulation_delete, name="simulation-delete"),
]
