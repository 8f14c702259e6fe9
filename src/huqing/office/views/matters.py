"""Villagers' matters in the office: the board, one matter with all that may be done about it, raising one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.actions import show_sealed
from huqing.access.calendar import today
from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import covers
from huqing.matters import actions, queries, raising
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter
from huqing.office import matter_page, paging, places
from huqing.office.matter_forms import RaiseForm, origin_of
from huqing.office.matter_page import as_key
from huqing.office.views.public_matters import receipt_context

ORDERS = {"due": ["due_on", "id"], "new": ["id"]}


@requires("view_matters")
def matter_list(request: HttpRequest) -> HttpResponse:
    """The matters of one's area and those given to oneself, what is late first."""
    day, wanted = today(), wanted_of(request)
    page = paging.page(
        queries.listed(request.user, wanted, day).select_related("state", "village", "handler", "unit"),
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="-new" if wanted.closed else "due",
        sortable=False,
        ids_first=True,
    )
    states = queries.by_state(request.user, day)
    prefix = request.user.region_code
    town = wanted.region[: places.TOWN_DIGITS]
    if len(places.towns(prefix)) == 1:
        town = places.towns(prefix)[0].code
    context = {
        "page": page,
        "rows": [(matter, *queries.left(matter, day)) for matter in page.rows],
        "wanted": wanted,
        "states": states,
        "late": sum(row[3] for row in states),
        "total": sum(row[2] for row in states),
        "kinds": Matter.Kind.choices,
        "channels": Matter.Channel.choices,
        "towns": places.towns(prefix),
        "town": town,
        "villages": places.villages(prefix, town),
        "village": wanted.region if len(wanted.region) == places.VILLAGE_DIGITS else "",
        "narrowed": wanted != queries.Wanted(),
    }
    return render(request, "office/matters/results.html" if request.htmx else "office/matters/list.html", context)


def wanted_of(request: HttpRequest) -> queries.Wanted:
    """The filters of the address; what is unknown or out of reach is left out."""
    query, prefix = request.GET, request.user.region_code
    town, village = query.get("town", ""), query.get("village", "")
    region = village if village and village.startswith(town) else town
    state = query.get("state", "")
    return queries.Wanted(
        state=state if state.isascii() and state.isidentifier() and len(state) <= 40 else "",
        kind=query.get("kind", "") if query.get("kind") in Matter.Kind.values else "",
        channel=query.get("channel", "") if query.get("channel") in Matter.Channel.values else "",
        region=region if region in places.below(prefix) and covers(prefix, region) else "",
        late=query.get("late") == "1",
        mine=query.get("mine") == "1",
        closed=query.get("closed") == "1",
    )


def find(request: HttpRequest, pk: int) -> Matter:
    """A matter the user sees; 404 otherwise."""
    found = queries.find(request.user, pk)
    if found is None:
        raise Http404("没有这件事，或它不在您的管辖区划内。")
    return found


@requires("view_matters")
def matter_view(request: HttpRequest, pk: int) -> HttpResponse:
    """One matter in one column."""
    return _page(request, find(request, pk))


def _page(request: HttpRequest, matter: Matter, *, status: int = 200, wrong: str = "", **more: Any) -> HttpResponse:
    posted = request.POST if wrong else None
    context = {**matter_page.context(matter, request.user, today(), posted, wrong), "phone": "", **more}
    response = render(request, "office/matters/detail.html", context, status=status)
    if more:
        response["Cache-Control"] = "no-store"
    return response


@requires("view_matters")
@require_POST
def matter_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a step; whoever it was given to may do so as well, so the action decides who may."""
    matter, turn = find(request, pk), as_key(request.POST.get("turn", ""))
    try:
        brought = matter_page.given(request.POST, matter, request.user)
        taken = actions.take(
            matter=matter,
            move=request.POST.get("move", ""),
            by=request.user,
            turn=-1 if turn is None else turn,
            given=brought,
        )
    except (MatterError, Refused) as error:
        return _page(request, find(request, pk), status=422, wrong=str(error))
    messages.success(request, f"已办理，现在是“{taken.state.title}”。")
    return redirect("office:matter", pk=pk)


@requires("handle_matters")
@require_POST
def matter_hand(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a matter to another level."""
    matter, turn = find(request, pk), as_key(request.POST.get("turn", ""))
    try:
        actions.hand(
            matter=matter,
            level=request.POST.get("level", ""),
            by=request.user,
            turn=-1 if turn is None else turn,
            text=request.POST.get("text", ""),
        )
    except (MatterError, Refused) as error:
        return _page(request, find(request, pk), status=422, wrong=str(error))
    messages.success(request, "已转交，办理时限照常计算。")
    return redirect("office:matter", pk=pk)


@requires("handle_matters")
@require_POST
def matter_unpublish(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the public text down."""
    try:
        actions.unpublish(matter=find(request, pk), by=request.user, reason=request.POST.get("text", ""))
    except (MatterError, Refused) as error:
        return _page(request, find(request, pk), status=422, wrong=str(error))
    messages.success(request, "已撤下，最多半分钟后村民就看不到了。")
    return redirect("office:matter", pk=pk)


@requires("show_sealed")
@require_POST
def matter_phone(request: HttpRequest, pk: int) -> HttpResponse:
    """The raiser's phone, after a reason that is audited."""
    matter = find(request, pk)
    try:
        phone = show_sealed(by=request.user, subject=matter, field="phone", reason=request.POST.get("text", ""))
    except (ValidationError, Refused) as error:
        return _page(request, matter, status=422, wrong="；".join(getattr(error, "messages", [str(error)])))
    return _page(request, matter, phone=phone)


@requires("raise_matters")
def matter_add(request: HttpRequest) -> HttpResponse:
    """Take a matter down for somebody, from a visit, or from a resident's note."""
    origin = origin_of(request)
    form = RaiseForm(request.POST if request.method == "POST" else None, origin=origin, by=request.user)
    if form.is_valid():
        try:
            made = raising.raise_matter(by=request.user, **origin.given(), **form.told())
        except (MatterError, Refused) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已登记，受理编号 {made.number}。")
            return redirect("office:matter-receipt", pk=made.pk)
    context = {"form": form, "origin": origin}
    return render(request, "office/matters/add.html", context, status=422 if form.errors else 200)


@requires("raise_matters")
def matter_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """The slip for whoever raised it: number, how to ask."""
    matter = find(request, pk)
    context = {**receipt_context(request, matter), "can_handle": may(request.user, "handle_matters")}
    return render(request, "office/matters/receipt.html", context)


urlpatterns = [
    path("matters/", matter_list, name="matters"),
    path("matters/new/", matter_add, name="matter-add"),
    path("matters/<int:pk>/", matter_view, name="matter"),
    path("matters/<int:pk>/take/", matter_take, name="matter-take"),
    path("matters/<int:pk>/hand/", matter_hand, name="matter-hand"),
    path("matters/<int:pk>/unpublish/", matter_unpublish, name="matter-unpublish"),
    path("matters/<int:pk>/phone/", matter_phone, name="matter-phone"),
    path("matters/<int:pk>/receipt/", matter_receipt, name="matter-receipt"),
]
