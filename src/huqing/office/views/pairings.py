"""The pairing workbench: ask, look at before and after, change single pairs, accept, publish."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, requires
from huqing.access.scope import code_range, covers, visible
from huqing.office import paging, places
from huqing.office.pairing_forms import AvoidanceForm, PairingForm, PairStaffForm, PublishForm
from huqing.office.views.shared import attempt
from huqing.standards.codelists import codelist
from huqing.teams import pairing_actions as actions
from huqing.teams.models import Avoidance, PairingProposal, ProposedPair

ORDERS = {"place": ["region_code", "household_id", "id"], "new": ["id"]}
DONE = {"accepted": "方案已同意，可以发布。", "draft": "已退回草案，可以再改。", "discarded": "方案已作废。"}
S = PairingProposal.State


@requires("manage_duties")
def pairings(request: HttpRequest) -> HttpResponse:
    """All proposals of the area and the pairs to avoid."""
    found = visible(PairingProposal.objects.select_related("created_by"), request.user)
    page = paging.page(
        found, query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    return render(request, "office/pairings/rows.html" if request.htmx else "office/pairings/list.html", {"page": page})


@requires("manage_duties")
def pairing_new(request: HttpRequest) -> HttpResponse:
    """Ask for a pairing."""
    form = PairingForm(request.POST if request.method == "POST" else None, by=request.user)
    if form.is_valid():
        made = attempt(
            form,
            lambda: actions.make(
                title=form.cleaned_data["title"],
                question=form.question(),
                by=request.user,
                fixed=form.cleaned_data["pairs"],
            ),
        )
        if made:
            return redirect("office:pairing", pk=made.pk)
    return render(request, "office/pairings/new.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("manage_duties")
def pairing(request: HttpRequest, pk: int) -> HttpResponse:
    """A proposal: obstacles in words, or before and after with filters."""
    return _detail(request, _proposal(request, pk))


def _detail(request: HttpRequest, proposal: PairingProposal, **forms: Form) -> HttpResponse:
    wanted = {key: request.GET.get(key, "").strip()[:30] for key in ("change", "region", "text")}
    rows = proposal.pairs.select_related("staff__unit", "household", "person", "village")
    if wanted["change"] in ProposedPair.Change.values:
        rows = rows.filter(change=wanted["change"])
    if wanted["region"].isdigit() and covers(request.user.region_code, wanted["region"]):
        rows = rows.filter(code_range(wanted["region"]))
    if wanted["text"]:
        text = wanted["text"]
        rows = rows.filter(Q(staff__name__contains=text) | Q(household__head_name__contains=text))
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"new": ["region_code", "id"]}, default="new", sortable=False
    )
    counts = dict(proposal.pairs.values_list("change").annotate(n=Count("pk")).order_by())
    names = codelist("duty_role")
    context: dict[str, Any] = {
        "proposal": proposal,
        "page": page,
        "rows": [(pair, names.label(pair.role)) for pair in page.rows],
        "wanted": wanted,
        "changes": [(value, label, counts.get(value, 0)) for value, label in ProposedPair.Change.choices],
        "towns": places.towns(request.user.region_code),
        "edits": proposal.edits.filter(undone=False).count(),
        "asked": _asked(proposal),
        "draft": proposal.state == S.DRAFT,
        "accepted": proposal.state == S.ACCEPTED,
        "publish_form": PublishForm(initial={"on": timezone.localdate()}),
        **forms,
    }
    template = "office/pairings/pairs.html" if request.htmx else "office/pairings/detail.html"
    return render(request, template, context, status=422 if forms else 200)


def _asked(proposal: PairingProposal) -> list[tuple[str, str]]:
    """What was asked, in words."""
    asked, ranks = proposal.question, codelist("cadre_rank")
    roles = [codelist("duty_role").label(slot["role"]) for slot in asked["slots"]]
    told = [("范围", places.name_of(asked["region"]))]
    for rank, numbers in asked["quotas"].items():
        shares = (
            f"{role} {least if least == most else f'{least} 至 {most}'}"
            for role, (least, most) in zip(roles, numbers, strict=False)
        )
        told.append((f"{ranks.label(rank)}每人", "，".join(shares)))
    told.append(("原来的结对", "尽量沿用" if asked["wishes"]["keep"] else "不考虑"))
    return told


@requires("manage_duties")
def pair_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Put another person into one pair."""
    pairs = ProposedPair.objects.select_related("proposal", "staff__unit", "household", "person", "village")
    pair = visible(pairs, request.user).filter(pk=pk).first()
    if pair is None:
        raise Http404
    form = PairStaffForm(request.POST if request.method == "POST" else None, by=request.user)
    if form.is_valid():
        done = attempt(form, lambda: actions.edit_pair(pair=pair, staff=form.cleaned_data["staff"][0], by=request.user))
        if done:
            messages.success(request, f"已换成 {done.after.name}。换错了可以撤销。")
            return redirect("office:pairing", pk=pair.proposal_id)
    context = {"form": form, "pair": pair, "role": codelist("duty_role").label(pair.role)}
    return render(request, "office/pairings/edit.html", context, status=422 if form.is_bound else 200)


@requires("manage_duties")
@require_POST
def pairing_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back the last change by hand."""
    try:
        edit = actions.undo_edit(proposal=_proposal(request, pk), by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, f"已撤销：{edit.after.name} 换回 {edit.before.name}。")
    return redirect("office:pairing", pk=pk)


@requires("manage_duties")
@require_POST
def pairing_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept, send back to draft, or discard."""
    state = request.POST.get("state", "")
    try:
        actions.move(proposal=_proposal(request, pk), state=state, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, DONE[state])
    return redirect("office:pairing", pk=pk)


@requires("manage_duties")
@require_POST
def pairing_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the proposal into the ledger."""
    proposal = _proposal(request, pk)
    form = PublishForm(request.POST)
    if form.is_valid() and attempt(
        form, lambda: actions.publish(proposal=proposal, on=form.cleaned_data["on"], by=request.user)
    ):
        messages.success(request, "方案已发布，责任台账已更新。")
        return redirect("office:pairing", pk=pk)
    return _detail(request, proposal, publish_form=form)


@requires("manage_duties")
def avoidances(request: HttpRequest) -> HttpResponse:
    """Pairs to avoid: list and add."""
    form = AvoidanceForm(request.POST if request.method == "POST" else None, by=request.user)
    if form.is_valid():
        data = form.cleaned_data
        if attempt(
            form,
            lambda: actions.avoid(
                staff=data["staff"][0], household=data["household"], reason=data["reason"], by=request.user
            ),
        ):
            messages.success(request, "回避关系已登记，生成方案时不会结对。")
            return redirect("office:avoidances")
    rows = visible(Avoidance.objects.select_related("staff", "household"), request.user).order_by("-pk")
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    context = {"form": form, "page": page}
    if request.htmx:
        return render(request, "office/pairings/avoidance_rows.html", context)
    return render(request, "office/pairings/avoidances.html", context, status=422 if form.is_bound else 200)


def _proposal(request: HttpRequest, pk: int) -> PairingProposal:
    found = visible(PairingProposal.objects.select_related("created_by", "accepted_by"), request.user)
    proposal = found.filter(pk=pk).first()
    if proposal is None:
        raise Http404
    return proposal


urlpatterns = [
    path("pairings/", pairings, name="pairings"),
    path("pairings/new/", pairing_new, name="pairing-new"),
    path("pairings/avoid/", avoidances, name="avoidances"),
    path("pairings/<int:pk>/", pairing, name="pairing"),
    path("pairings/<int:pk>/undo/", pairing_undo, name="pairing-undo"),
    path("pairings/<int:pk>/state/", pairing_state, name="pairing-state"),
    path("pairings/<int:pk>/publish/", pairing_publish, name="pairing-publish"),
    path("pairings/pairs/<int:pk>/", pair_edit, name="pair-edit"),
]
