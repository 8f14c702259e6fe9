"""Villagers' applications in the office: the inbox, which household it is, the answer, the town's second look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from huqing.access.actions import show_sealed
from huqing.access.permissions import Refused, may, requires
from huqing.access.seal import mask, unseal
from huqing.applications import actions, queries, receipts
from huqing.applications.errors import ApplicationError
from huqing.applications.kinds import declared
from huqing.applications.models import Application
from huqing.applications.texts import spoken_difficulties
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case
from huqing.cases.queries import left, pressing
from huqing.office import paging, places
from huqing.office.views.public_applications import receipt_context
from huqing.registry.models import Household, Region
from huqing.standards.regioncodes import spoken_name
from huqing.visits.links import app_qr

ORDERS = {"new": ["id"], "due": ["due_on", "id"]}
# What the inbox shows under each heading.
VIEWS = {"": "待受理", "late": "已超期", "look": "待复看", "out": "要求撤回", "all": "全部"}


@requires("view_applications")
def application_list(request: HttpRequest) -> HttpResponse:
    """The inbox of one's area; what must be answered first stands first."""
    day, prefix = today(), request.user.region_code
    wanted = request.GET.get("view", "") if request.GET.get("view") in VIEWS else ""
    town = request.GET.get("town", "") if request.GET.get("town") in places.below(prefix) else ""
    found = queries.inbox(
        request.user,
        state=Application.State.RECEIVED if wanted == "" else "",
        late=wanted == "late",
        look=wanted == "look",
        out=wanted == "out",
        region=town,
        day=day,
    )
    order = "-new" if wanted in ("all", "look", "out") else "due"
    page = paging.page(found, query=request.GET, path=request.path, orders=ORDERS, default=order, sortable=False)
    waits = queries.waiting(request.user, day)
    numbers = {"": waits.open, "late": waits.late, "look": waits.look, "out": waits.out, "all": None}
    context = {
        "page": page,
        "rows": [(one, *_short(one), left(one.due_on, day), pressing(one.due_on, day)) for one in page.rows],
        "views": [(key, title, numbers[key]) for key, title in VIEWS.items()],
        "wanted": wanted,
        "town": town,
        "towns": places.towns(prefix),
        "villages": places.villages(prefix, town or _town_of(prefix)),
    }
    return render(request, "office/applications/list.html", context)


def _town_of(prefix: str) -> str:
    return prefix[: places.TOWN_DIGITS] if len(prefix) >= places.TOWN_DIGITS else ""


def _short(one: Application) -> tuple[str, str]:
    return declared().kinds[one.kind].title, spoken_difficulties(one.difficulties)


def _find(request: HttpRequest, pk: int) -> Application:
    found = (
        Application.objects.visible_to(request.user)
        .select_related(
            "household", "case__state", "village__parent", "taken_by", "decided_by", "looked_at_by", "joined_to"
        )
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404("没有这件申请，或它不在您的管辖范围内。")
    return found


@requires("view_applications")
def application_view(request: HttpRequest, pk: int) -> HttpResponse:
    """One application."""
    return _page(request, _find(request, pk))


def _page(request: HttpRequest, application: Application, status: int = 200, **more: Any) -> HttpResponse:
    user, day, open_ = request.user, today(), application.state == Application.State.RECEIVED
    answers = may(user, "answer_applications")
    search = request.GET.get("search", "")[:30]
    choosing = open_ and answers and (application.match != Application.Match.FOUND or "search" in request.GET)
    running = (
        Case.objects.filter(household=application.household_id, closed_on=None).select_related("state").first()
        if open_ and application.household_id
        else None
    )
    context = {
        "application": application,
        "receipt": receipts.spoken(application.receipt),
        "kind": declared().kinds[application.kind],
        "difficulties": spoken_difficulties(application.difficulties),
        "phone": mask("phone", unseal(bytes(application.phone_sealed), "phone")) if application.phone_sealed else "",
        "open": open_,
        "left": left(application.due_on, day) if open_ else "",
        "pressing": pressing(application.due_on, day) if open_ else "",
        "choosing": choosing,
        "proposals": queries.proposals(application, user, search) if choosing else [],
        "search": search,
        "twins": queries.twins(application, user) if open_ else [],
        "running": running,
        "joined": application.joined.order_by("pk"),
        "steps": [(step, actions.STEPS[step.what]) for step in application.steps.select_related("by")],
        "can_look": user.role in actions.SENIOR
        and application.state == Application.State.REFUSED
        and application.looked_at_by_id is None
        and application.blanked_on is None,
        "move_to": _other_villages(request, application) if open_ and user.role in actions.SENIOR else [],
        **more,
    }
    return render(request, "office/applications/detail.html", context, status=status)


def _other_villages(request: HttpRequest, application: Application) -> list[tuple[str, list[places.Place]]]:
    """The villages of one's area by town, without the application's own; its own town first."""
    prefix, code = request.user.region_code, application.region_code
    towns = sorted(places.towns(prefix), key=lambda town: (not code.startswith(town.code), town.code))
    found = [(town.name, [one for one in places.villages(prefix, town.code) if one.code != code]) for town in towns]
    return [(name, villages) for name, villages in found if villages]


def _do(request: HttpRequest, pk: int, act: Callable[[Application], str], **typed: str) -> HttpResponse:
    """Do it and go back to the page, or show the page with the reason it was not done and what was ``typed``."""
    application = _find(request, pk)
    try:
        messages.success(request, act(application))
    except (ApplicationError, CaseError) as error:
        return _page(request, _find(request, pk), 422, wrong=str(error), **typed)
    return redirect("office:application", pk=pk)


@requires("answer_applications")
@require_POST
def application_match(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which household it is, or that there is none."""

    def act(application: Application) -> str:
        key = request.POST.get("household", "")
        household = None
        if key != "none":
            rows = Household.objects.visible_to(request.user)
            household = rows.filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
            if household is None:
                raise ApplicationError("请选一户，或选“档案中没有这一户”。")
        actions.match(application=application, household=household, by=request.user)
        return f"已核对为{household.head_name}户。" if household else "已记下：档案中没有这一户。"

    return _do(request, pk, act)


@requires("answer_applications")
@require_POST
def application_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept it: a case opens, or the open one takes it."""

    def act(application: Application) -> str:
        case = actions.accept(application=application, by=request.user)
        return f"已受理，受理编号 {case.number}。申请人凭回执能看到进展。"

    return _do(request, pk, act)


@requires("answer_applications")
@require_POST
def application_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse it with a reason the applicant reads."""

    def act(application: Application) -> str:
        actions.refuse(application=application, text=request.POST.get("reason", ""), by=request.user)
        return "已答复不予受理，申请人凭回执能看到理由。"

    return _do(request, pk, act, text=request.POST.get("reason", "")[:600])


@requires("answer_applications")
@require_POST
def application_look(request: HttpRequest, pk: int) -> HttpResponse:
    """The second look at a refusal."""

    def act(application: Application) -> str:
        agrees = request.POST.get("agrees") == "1"
        actions.look(application=application, agrees=agrees, by=request.user, text=request.POST.get("reason", ""))
        return "已复看，同意不予受理。" if agrees else "已退回重新办理。"

    return _do(request, pk, act)


@requires("answer_applications")
@require_POST
def application_join(request: HttpRequest, pk: int) -> HttpResponse:
    """Join it to another one of the same phone."""

    def act(application: Application) -> str:
        key = request.POST.get("into", "")
        rows = Application.objects.visible_to(request.user)
        other = rows.filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
        if other is None:
            raise ApplicationError("请选要并入的申请。")
        actions.join(application=application, into=other, by=request.user)
        return f"已并入 {receipts.spoken(other.receipt)}，两个回执查到的进展一样。"

    return _do(request, pk, act)


@requires("answer_applications")
@require_POST
def application_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move it to the village it belongs to."""
    code, why = request.POST.get("village", "")[: places.VILLAGE_DIGITS], request.POST.get("reason", "")

    def act(application: Application) -> str:
        village = Region.objects.filter(code=code, valid_to=None).first()
        if village is None:
            raise ApplicationError("请选要转到的村。")
        actions.move(application=application, village=village, text=why, by=request.user)
        return f"已转到{spoken_name(village.name)}，回执编号不变，申请人凭回执能看到新的村。"

    return _do(request, pk, act, moving=code, move_text=why[:600])


@requires("answer_applications")
@require_POST
def application_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the applicant took it back in person."""

    def act(application: Application) -> str:
        over = actions.withdraw(application=application, by=request.user)
        return "已撤回。" if over else "已记下农户要求撤回，请在办理事项中办结。"

    return _do(request, pk, act)


@requires("show_sealed")
@require_POST
def application_phone(request: HttpRequest, pk: int) -> HttpResponse:
    """The full phone number, after a reason, which is audited."""
    application, shown, wrong = _find(request, pk), "", ""
    try:
        shown = show_sealed(by=request.user, subject=application, field="phone", reason=request.POST.get("reason", ""))
    except ValidationError as error:
        wrong = " ".join(error.messages)
    except Refused as error:
        wrong = str(error)
    response = _page(request, application, 422 if wrong else 200, shown=shown, wrong=wrong)
    response["Cache-Control"] = "no-store"
    return response


@requires("view_applications")
def application_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """The receipt, to print for somebody who came in person."""
    application = _find(request, pk)
    context = {"application": application, **receipt_context(request, application)}
    return render(request, "office/applications/receipt.html", context)


@requires("view_applications")
def poster(request: HttpRequest, code: str) -> HttpResponse:
    """A sheet for the notice board: the code of the village's page, what it is good for."""
    village = Region.objects.visible_to(request.user).filter(code=code, level=Region.Level.VILLAGE).first()
    if village is None:
        raise Http404("没有这个村，或它不在您的管辖区划内。")
    where = request.build_absolute_uri(reverse("office:public-village", args=[code]))
    return render(
        request, "office/applications/poster.html", {"village": village, "where": where, "code": app_qr(where)}
    )


urlpatterns = [
    path("applications/", application_list, name="applications"),
    path("applications/<int:pk>/", application_view, name="application"),
    path("applications/<int:pk>/match/", application_match, name="application-match"),
    path("applications/<int:pk>/accept/", application_accept, name="application-accept"),
    path("applications/<int:pk>/refuse/", application_refuse, name="application-refuse"),
    path("applications/<int:pk>/look/", application_look, name="application-look"),
    path("applications/<int:pk>/join/", application_join, name="application-join"),
    path("applications/<int:pk>/move/", application_move, name="application-move"),
    path("applications/<int:pk>/withdraw/", application_withdraw, name="application-withdraw"),
    path("applications/<int:pk>/phone/", application_phone, name="application-phone"),
    path("applications/<int:pk>/receipt/", application_receipt, name="application-receipt"),
    path("applications/poster/<str:code>/", poster, name="application-poster"),
]
