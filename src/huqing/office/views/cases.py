"""Cases: the list, opening one, its page with steps and papers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, requires
from huqing.cases import actions, queries
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Evidence, ProcedureVersion
from huqing.cases.procedure import procedure_of
from huqing.office import case_list, case_page, case_rows, clues, paging, places
from huqing.office.case_forms import OpenForm, paper_form
from huqing.packs.procedures.declaration import NEEDS, ROLES
from huqing.registry.models import Household
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist

DIGITS = 12
ORDERS = {"due": ["press_on", "id"]}


@requires("view_cases")
def case_list_page(request: HttpRequest) -> HttpResponse:
    """The open cases of one's area, the earliest deadline first; as a list or by state side by side."""
    user, day, prefix = request.user, today(), request.user.region_code
    wanted = case_list.wanted_of(request)
    board = request.GET.get("view") == "board"
    seen = case_list.overview(user, wanted, day)
    context: dict[str, Any] = {
        "board": board,
        "wanted": wanted,
        "states": [(key, f"{title}（{sum(seen.counts[pk] for pk in held)}）") for key, title, held in seen.titled()],
        "late": sum(seen.late.values()),
        "towns": places.towns(prefix),
        "villages": places.villages(prefix, wanted["town"]),
        "narrowed": any(wanted.values()),
        "query": urlencode({key: value for key, value in wanted.items() if value}),
    }
    if board:
        context["columns"] = case_list.columns(user, wanted, seen, day)
    else:
        listed = queries.listed(case_list.found(user, wanted, day, seen.states))
        page = paging.page(
            listed, query=request.GET, path=request.path, orders=ORDERS, default="due", sortable=False, ids_first=True
        )
        may_batch = queries.may_handle(user) and page.rows
        moves = seen.narrowed(user, wanted).moves(user) if may_batch else []
        context["page"] = page
        context["moves"] = [(move.key, f"{move.title}（{count} 件）") for move, count in moves]
        context["rows"] = case_rows.list_html(case_rows.rows_of(page.rows, seen.states, day), ticks=bool(moves))
    return render(request, "office/cases/results.html" if request.htmx else "office/cases/list.html", context)


@requires("handle_cases")
def case_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Register a clue about a household."""
    household = Household.objects.visible_to(request.user).filter(pk=pk).first()
    if household is None:
        raise Http404("没有这一户，或它不在您的管辖区划内。")
    alerts = Alert.objects.filter(household=household, state=Alert.State.OPEN)
    running = Case.objects.filter(household=household, closed_on=None).first()
    if running is not None and request.method != "POST":
        return redirect("office:case", pk=running.pk)
    clue = clues.asked(household, request.user, request.GET.dict())
    initial = {"source": clue.source or ("3" if alerts else ""), "clue": clue.text}
    form = OpenForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        chosen = alerts.filter(pk__in=[key for key in request.POST.getlist("alert") if key.isdecimal()])
        try:
            case = actions.open_case(
                household=household,
                by=request.user,
                alerts=chosen,
                record=clue.record,
                submission=clue.submission,
                **form.cleaned_data,
            )
        except (CaseError, Refused) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已登记，受理编号 {case.number}。")
            return redirect("office:case", pk=case.pk)
    ticked = request.POST.getlist("alert") or [str(alert.pk) for alert in alerts]
    context = {"household": household, "form": form, "alerts": alerts, "ticked": ticked, "from": clue}
    return render(request, "office/cases/add.html", context, status=422 if form.errors else 200)


def find(request: HttpRequest, pk: int) -> Case:
    """A case the user sees; 404 otherwise."""
    found = (
        Case.objects.visible_to(request.user)
        .select_related("household", "state", "procedure")
        .defer("household__items", "procedure__declaration")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404("没有这件事项，或它不在您的管辖区划内。")
    return found


@requires("view_cases")
def case_view(request: HttpRequest, pk: int) -> HttpResponse:
    """One case."""
    return _page(request, find(request, pk))


def _page(request: HttpRequest, case: Case, status: int = 200, **more: Any) -> HttpResponse:
    told = {
        **case_page.context(case, request.user, today(), more.pop("form", None), more.pop("kind", "")),
        "source": codelist("clue_source").label(case.clue_source),
        **more,
    }
    return render(request, "office/cases/detail.html", told, status=status)


SHEETS = {"authorisation": "承诺授权书", "receipt": "受理回执"}


@requires("view_cases")
def case_sheet(request: HttpRequest, pk: int, sheet: str) -> HttpResponse:
    """The authorisation for the household to sign, or the receipt it is given."""
    if sheet not in SHEETS:
        raise Http404("没有这种表。")
    case = find(request, pk)
    made = procedure_of(case.procedure)
    context = {
        "case": case,
        "sheet": sheet,
        "title": SHEETS[sheet],
        "procedure": made,
        "members": case_page.people(case, today()),
        "ahead": [title for title, tone in case_page.stages(case, made, list(case.steps.all())) if not tone],
        "day": today(),
    }
    return render(request, "office/cases/sheet.html", context)


@requires("view_cases")
def procedure(request: HttpRequest, pk: int) -> HttpResponse:
    """A procedure as cases follow it: states, deadlines, who may do what, with which papers."""
    version = ProcedureVersion.objects.filter(pk=pk).first()
    if version is None:
        raise Http404("没有这个办理程序。")
    made = procedure_of(version)
    states = [
        (
            state,
            ROLES.get(state.late, ""),
            [
                (
                    move,
                    "、".join(ROLES[role] for role in move.by) or "系统",
                    "、".join(NEEDS[need] for need in move.needs),
                    made.state(move.to).title,
                )
                for move in made.moves_from(state.key)
            ],
        )
        for state in made.states
    ]
    later = ROLES[made.escalate.to] if made.escalate else ""
    return render(request, "office/cases/procedure.html", {"made": made, "states": states, "later": later})


@requires("handle_cases")
@require_POST
def case_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a step."""
    case, turn, reason = find(request, pk), request.POST.get("turn", ""), request.POST.get("reason", "")
    try:
        step = actions.take(
            case=case,
            move=request.POST.get("move", ""),
            by=request.user,
            turn=int(turn) if turn.isdecimal() and len(turn) < 9 else -1,
            reason=reason,
        )
    except CaseError as error:
        case.refresh_from_db()
        return _page(request, case, 422, wrong=str(error), wrong_move=request.POST.get("move", ""), reason=reason)
    messages.success(request, f"已办理“{step.title}”，现在是“{case.state.title}”。")
    meeting = request.POST.get("back", "").removeprefix("evaluation-")
    if meeting.isdecimal() and len(meeting) < DIGITS:
        return redirect("office:evaluation", pk=int(meeting))
    return redirect("office:case", pk=case.pk)


@requires("handle_cases")
@require_POST
def case_paper(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Record a paper."""
    case = find(request, pk)
    if kind not in NEEDS:
        raise Http404("没有这种材料。")
    form = paper_form(kind, case, request.POST)
    if form.is_valid():
        try:
            actions.record_evidence(
                case=case, kind=kind, on=form.cleaned_data["on"], content=form.content(), by=request.user
            )
        except CaseError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已登记{NEEDS[kind]}。")
            return redirect("office:case", pk=case.pk)
    return _page(request, case, 422, form=form, kind=kind, wrong=f"没有登记{NEEDS[kind]}，请看下面标出的地方。")


@requires("handle_cases")
@require_POST
def paper_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a paper back."""
    paper = Evidence.objects.visible_to(request.user).select_related("case").filter(pk=pk).first()
    if paper is None:
        raise Http404("没有这份材料。")
    try:
        actions.withdraw_evidence(evidence=paper, by=request.user, reason=request.POST.get("reason", ""))
    except CaseError as error:
        return _page(request, find(request, paper.case_id), 422, wrong=str(error))
    messages.success(request, "已撤下，办理记录里仍可看到。")
    return redirect("office:case", pk=paper.case_id)


@requires("decide_cases")
@require_POST
def case_emergency(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the green channel."""
    case = find(request, pk)
    try:
        actions.start_emergency(case=case, by=request.user, reason=request.POST.get("reason", ""))
    except CaseError as error:
        return _page(request, case, 422, wrong=str(error))
    messages.success(request, "绿色通道已启动：先落实帮扶，程序照常补办。")
    return redirect("office:case", pk=case.pk)


urlpatterns = [
    path("cases/", case_list_page, name="cases"),
    path("households/<int:pk>/case/", case_add, name="case-add"),
    path("cases/<int:pk>/", case_view, name="case"),
    path("cases/<int:pk>/sheets/<slug:sheet>/", case_sheet, name="case-sheet"),
    path("procedures/<int:pk>/", procedure, name="procedure"),
    path("cases/<int:pk>/take/", case_take, name="case-take"),
    path("cases/<int:pk>/papers/<slug:kind>/", case_paper, name="case-paper"),
    path("case-papers/<int:pk>/withdraw/", paper_withdraw, name="paper-withdraw"),
    path("cases/<int:pk>/emergency/", case_emergency, name="case-emergency"),
]
