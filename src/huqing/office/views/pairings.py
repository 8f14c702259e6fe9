"""The pairing workbench: ask, watch it being computed, look at before and after, change pairs, accept, publish."""

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
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, requires
from huqing.access.scope import code_range, covers, visible
from huqing.office import paging, pairing_page, places
from huqing.office.pairing_forms import (
    USES,
    AvoidanceFileForm,
    AvoidanceForm,
    PairingForm,
    PairStaffForm,
    PublishForm,
    initial_of,
)
from huqing.office.views.shared import attempt
from huqing.standards.codelists import codelist
from huqing.teams import avoiding, pair_rows, pairing_jobs
from huqing.teams import pairing_actions as actions
from huqing.teams.models import Avoidance, PairingProposal, ProposedPair

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DONE = {
    "accepted": "方案已同意，可以发布。",
    "draft": "已退回草案，可以再改。",
    "discarded": "方案已作废。",
    "cancelled": "已取消，台账没有变动。",
    "queued": "已重新排队。",
}
S = PairingProposal.State


@requires("manage_duties")
def pairings(request: HttpRequest) -> HttpResponse:
    """All proposals of the area and the pairs to avoid."""
    found = visible(PairingProposal.objects.select_related("created_by"), request.user)
    page = paging.page(
        found, query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    context = {"page": page, "busy": any(one.state in actions.PENDING for one in page.rows), "uses": USES}
    return render(request, "office/pairings/rows.html" if request.htmx else "office/pairings/list.html", context)


@requires("manage_duties")
def pairing_new(request: HttpRequest) -> HttpResponse:
    """Ask for a pairing; begins with what a county usually asks, or with an earlier proposal's conditions."""
    posted = request.method == "POST"
    form = PairingForm(
        request.POST if posted else None, request.FILES if posted else None, by=request.user, initial=_initial(request)
    )
    if form.is_valid():
        data = form.cleaned_data
        made = attempt(
            form,
            lambda: pairing_jobs.propose(
                title=data["title"],
                question=form.question(),
                by=request.user,
                fixed=data["fixed_pairs"],
                banned=data["banned_pairs"],
            ),
        )
        if made:
            return redirect("office:pairing", pk=made.pk)
    context = {"form": form, "uses": USES}
    return render(request, "office/pairings/new.html", context, status=422 if form.is_bound else 200)


def _initial(request: HttpRequest) -> dict[str, Any]:
    if request.GET.get("use") in USES:
        return USES[request.GET["use"]]
    start = request.GET.get("from", "")
    if start.isdecimal() and len(start) < 10:
        before = visible(PairingProposal.objects.all(), request.user).filter(pk=int(start)).first()
        return initial_of(before) if before is not None else {}
    return {}


@requires("manage_duties")
def pairing(request: HttpRequest, pk: int) -> HttpResponse:
    """A proposal: how far it is, obstacles in words, or before and after with filters."""
    return _detail(request, _proposal(request, pk))


def _detail(request: HttpRequest, proposal: PairingProposal, **forms: Form) -> HttpResponse:
    notice = pairing_jobs.notice_of(proposal)
    wanted = {key: request.GET.get(key, "").strip()[:30] for key in ("change", "region", "role", "text")}
    rows = proposal.pairs.select_related("staff__unit", "household", "person", "village")
    if wanted["change"] == "edited":
        rows = rows.filter(pk__in=proposal.edits.filter(undone=False).values("pair"))
    elif wanted["change"] in ProposedPair.Change.values:
        rows = rows.filter(change=wanted["change"])
    if wanted["region"].isdigit() and covers(request.user.region_code, wanted["region"]):
        rows = rows.filter(code_range(wanted["region"]))
    if wanted["role"]:
        rows = rows.filter(role=wanted["role"])
    if wanted["text"]:
        text = wanted["text"]
        rows = rows.filter(
            Q(staff__name__contains=text)
            | Q(household__head_name__contains=text)
            | Q(household__number=text)
            | Q(person__name__contains=text)
            | Q(village__name__contains=text)
        )
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"new": ["region_code", "id"]}, default="new", sortable=False
    )
    counts = dict(proposal.pairs.values_list("change").annotate(n=Count("pk")).order_by())
    names = codelist("duty_role")
    draft = proposal.state == S.DRAFT
    context: dict[str, Any] = {
        "proposal": proposal,
        "notice": notice,
        "busy": proposal.state in actions.PENDING,
        "again": proposal.state in (S.FAILED, S.CANCELLED),
        "page": page,
        "rows": [(pair, names.label(pair.role)) for pair in page.rows],
        "wanted": wanted,
        "changes": [(value, label, counts.get(value, 0)) for value, label in ProposedPair.Change.choices],
        "roles": [(slot["role"], names.label(slot["role"])) for slot in proposal.question["slots"]],
        "towns": places.towns(request.user.region_code),
        "edits": proposal.edits.filter(undone=False).count(),
        "off": len(pairing_page.off_quota(proposal)) if draft and counts else 0,
        "asked": pairing_page.asked(proposal),
        "draft": draft,
        "accepted": proposal.state == S.ACCEPTED,
        "publish_form": PublishForm(initial={"on": timezone.localdate()}),
        **forms,
    }
    template = "office/pairings/detail.html"
    if request.htmx:
        template = "office/pairings/pairs.html" if request.htmx.target == "rows" else "office/pairings/body.html"
    return render(request, template, context, status=422 if forms else 200)


@requires("manage_duties")
def pairing_people(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody's load before and after, and whose numbers are not what was asked."""
    proposal = _proposal(request, pk)
    wanted = {key: request.GET.get(key, "").strip()[:30] for key in ("only", "text")}
    people = pairing_page.people(proposal)
    off = pairing_page.off_quota(proposal)
    if wanted["only"] == "off":
        people = people.filter(pk__in=off)
    if wanted["text"]:
        people = people.filter(Q(name__contains=wanted["text"]) | Q(unit__name__contains=wanted["text"]))
    page = paging.page(
        people, query=request.GET, path=request.path, orders={"name": ["name", "id"]}, default="name", sortable=False
    )
    context = {
        "proposal": proposal,
        "page": page,
        "loads": pairing_page.loads(proposal, page.rows),
        "wanted": wanted,
        "off": len(off),
    }
    template = "office/pairings/people_rows.html" if request.htmx else "office/pairings/people.html"
    return render(request, template, context)


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
    context = {
        "form": form,
        "pair": pair,
        "role": codelist("duty_role").label(pair.role),
        "suggestions": pairing_page.suggestions(pair, request.user),
    }
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
    """Accept, send back to draft, discard, cancel or compute again."""
    state, proposal = request.POST.get("state", ""), _proposal(request, pk)
    try:
        if state == S.QUEUED:
            pairing_jobs.again(proposal=proposal, by=request.user)
        else:
            actions.move(proposal=proposal, state=state, by=request.user)
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, DONE[state])
    return redirect("office:pairing", pk=pk)


@requires("manage_duties")
@require_POST
def pairing_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the proposal written into the ledger."""
    proposal = _proposal(request, pk)
    form = PublishForm(request.POST)
    if form.is_valid() and attempt(
        form, lambda: pairing_jobs.publish(proposal=proposal, on=form.cleaned_data["on"], by=request.user)
    ):
        return redirect("office:pairing", pk=pk)
    return _detail(request, proposal, publish_form=form)


@requires("manage_duties")
def avoidances(request: HttpRequest) -> HttpResponse:
    """Pairs to avoid: list, add one, take many in from a table."""
    many = request.method == "POST" and request.POST.get("what") == "file"
    form = AvoidanceForm(request.POST if request.method == "POST" and not many else None, by=request.user)
    files = AvoidanceFileForm(request.POST if many else None, request.FILES if many else None)
    if form.is_valid() and _avoided(request, form):
        messages.success(request, "回避关系已登记，生成方案时不会结对。")
        return redirect("office:avoidances")
    if files.is_valid():
        made = attempt(files, lambda: _avoid_file(request, files))
        if made is not None:
            messages.success(request, f"已登记 {made} 对回避关系。" if made else "表里的回避关系都已登记过。")
            return redirect("office:avoidances")
    rows = visible(Avoidance.objects.select_related("staff__unit", "household"), request.user)
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    context = {"form": form, "files": files, "page": page}
    if request.htmx:
        return render(request, "office/pairings/avoidance_rows.html", context)
    status = 422 if form.is_bound or files.is_bound else 200
    return render(request, "office/pairings/avoidances.html", context, status=status)


def _avoided(request: HttpRequest, form: AvoidanceForm) -> Avoidance | None:
    data = form.cleaned_data
    told = {"staff": data["staff"][0], "household": data["household"], "reason": data["reason"]}
    done: Avoidance | None = attempt(form, lambda: avoiding.avoid(by=request.user, **told))
    return done


def _avoid_file(request: HttpRequest, form: AvoidanceFileForm) -> int:
    file = form.cleaned_data["file"]
    found = pair_rows.understand(pair_rows.from_file(file, file.name, pair_rows.AVOID), by=request.user)
    found.refuse("file")
    return avoiding.avoid_many(named=[one for one in found.pairs if one.row.what == pair_rows.AVOID], by=request.user)


@requires("manage_duties")
@require_POST
def avoidance_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Two may be paired again."""
    row = visible(Avoidance.objects.select_related("staff", "household"), request.user).filter(pk=pk).first()
    if row is None:
        raise Http404
    avoiding.lift(avoidance=row, by=request.user)
    messages.success(request, "回避关系已取消。")
    return redirect("office:avoidances")


@requires("manage_duties")
def pair_template(request: HttpRequest) -> HttpResponse:
    """An empty table for fixed pairs and pairs to avoid."""
    answer = HttpResponse(pair_rows.template(), content_type=XLSX)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename="指定和回避模板.xlsx")
    return answer


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
    path("pairings/avoid/<int:pk>/lift/", avoidance_lift, name="avoidance-lift"),
    path("pairings/template/", pair_template, name="pair-template"),
    path("pairings/<int:pk>/", pairing, name="pairing"),
    path("pairings/<int:pk>/people/", pairing_people, name="pairing-people"),
    path("pairings/<int:pk>/undo/", pairing_undo, name="pairing-undo"),
    path("pairings/<int:pk>/state/", pairing_state, name="pairing-state"),
    path("pairings/<int:pk>/publish/", pairing_publish, name="pairing-publish"),
    path("pairings/pairs/<int:pk>/", pair_edit, name="pair-edit"),
]
