"""Reviews of social aid: start one, decide lines one by one or in batches, confirm leaving, undo, progress, export."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import covers, visible
from huqing.office import paging, places, roster_exports
from huqing.office.review_forms import DecideForm, RestoreForm, StartForm
from huqing.office.roster_filters import place_of
from huqing.office.views.shared import attempt
from huqing.papers.sheets import Cell, Column
from huqing.rosters import reviews
from huqing.rosters.models import ReviewLine, ReviewRound
from huqing.rosters.proposing import CATEGORIES
from huqing.standards.codelists import codelist

S, X = ReviewLine.State, ReviewLine.Outcome
PROPOSED = [one for one in X.choices if one[0] != X.RESTORE]
COLUMNS = [
    Column("户编号"),
    Column("户主"),
    Column("对象"),
    Column("乡镇和村"),
    Column("组"),
    Column("类别"),
    Column("上次复核", "date"),
    Column("应复核", "date"),
    Column("建议"),
    Column("理由", width=50),
    Column("现月保障金", "money"),
    Column("状态"),
    Column("决定"),
    Column("日期", "date"),
    Column("新月保障金", "money"),
    Column("决定理由", width=30),
]


@requires("view_rosters")
def review_list(request: HttpRequest) -> HttpResponse:
    """The reviews of the county with their progress."""
    rows = _rounds(request).annotate(
        total=Count("lines"),
        done=Count("lines", filter=Q(lines__state=S.DONE)),
        waiting=Count("lines", filter=Q(lines__state=S.WAITING)),
    )
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    template = "office/reviews/round_rows.html" if request.htmx else "office/reviews/list.html"
    return render(request, template, {"page": page, "labels": codelist("label_kind")})


@requires("manage_reviews")
def review_new(request: HttpRequest) -> HttpResponse:
    """Begin a review: the rules propose, people decide."""
    form = StartForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = attempt(form, lambda: reviews.start(by=request.user, **form.cleaned_data))
        if made:
            messages.success(request, f"已列出 {made.lines.count():,} 个对象，每个都有建议和理由，请逐个或分批决定。")
            return redirect("office:review", pk=made.pk)
    return render(request, "office/reviews/new.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("view_rosters")
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review: progress by place, the lines with proposals, the form that decides the chosen ones."""
    round_ = _find(request, pk)
    wanted = _wanted(request)
    page = paging.page(
        _lines(request, round_, wanted),
        query=request.GET,
        path=request.path,
        orders={"place": ["region_code", "id"]},
        default="place",
        sortable=False,
    )
    digits = places.TOWN_DIGITS if len(request.user.region_code) < places.TOWN_DIGITS and not wanted["town"] else 12
    rows = [row for row in reviews.progress(round_, request.user, digits) if row["place"].startswith(wanted["region"])]
    context = {
        "round": round_,
        "label": codelist("label_kind").label(round_.kind),
        "page": page,
        "wanted": wanted,
        "states": S.choices,
        "proposals": PROPOSED,
        "categories": CATEGORIES,
        "places": [(places.name_of(row["place"]), row) for row in rows],
        "sums": {name: sum(row[name] for row in rows) for name in ("lines", "open", "waiting", "done", "leaving")},
        "form": DecideForm(),
        "can_decide": may(request.user, "decide_reviews") and wanted["state"] == S.OPEN,
        "can_confirm": may(request.user, "confirm_reviews") and wanted["state"] == S.WAITING,
        "query": request.GET.urlencode(),
    }
    return render(request, "office/reviews/detail.html", context)


@requires("decide_reviews")
@require_POST
def review_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide the chosen lines alike."""
    round_ = _find(request, pk)
    form = DecideForm(request.POST)
    if not form.is_valid():
        messages.error(request, "；".join(text for told in form.errors.values() for text in told))
    else:
        data = form.cleaned_data
        _try(
            request,
            lambda: reviews.decide(lines=_chosen(request, round_), by=request.user, **data),
            "已决定 {} 个。" + ("退出要由另一人确认后才生效。" if data["decision"] == X.LEAVE else ""),
        )
    return _back(request, round_)


@requires("confirm_reviews")
@require_POST
def review_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm the chosen decisions, or send them back."""
    round_ = _find(request, pk)
    if request.POST.get("what") == "return":
        reason = request.POST.get("reason", "")
        _try(
            request,
            lambda: reviews.send_back(lines=_chosen(request, round_), reason=reason, by=request.user),
            "已退回 {} 个。",
        )
    else:
        _try(
            request,
            lambda: reviews.confirm(lines=_chosen(request, round_), by=request.user),
            "已确认 {} 个，标签已按日期变更。",
        )
    return _back(request, round_)


@requires("manage_reviews")
@require_POST
def review_close(request: HttpRequest, pk: int) -> HttpResponse:
    """End a review."""
    round_ = _find(request, pk)
    _try(request, lambda: reviews.close(round_=round_, by=request.user), "这次复核已结束。")
    return redirect("office:review", pk=pk)


@requires("view_rosters")
def review_line(request: HttpRequest, pk: int) -> HttpResponse:
    """One holder: every reason, the decision and who made it; a wrong leaving can be undone here."""
    rows = ReviewLine.objects.select_related(
        "round", "household", "person", "decided_by", "second_by", "replaces", "replaced_by"
    )
    line = visible(rows, request.user).filter(pk=pk).first()
    if line is None:
        raise Http404
    replacement = getattr(line, "replaced_by", None)
    restorable = line.state == S.DONE and line.decision == X.LEAVE and replacement is None
    posted = request.POST if request.method == "POST" and may(request.user, "decide_reviews") and restorable else None
    form = RestoreForm(posted)
    if form.is_valid() and attempt(form, lambda: reviews.restore(line=line, by=request.user, **form.cleaned_data)):
        messages.success(request, "已提出恢复，由另一人确认后生效。")
        return redirect("office:review-line", pk=pk)
    context = {
        "line": line,
        "replacement": replacement,
        "label": codelist("label_kind").label(line.round.kind),
        "category": CATEGORIES.get(line.category, ""),
        "form": form if restorable and may(request.user, "decide_reviews") else None,
    }
    return render(request, "office/reviews/line.html", context, status=422 if posted is not None else 200)


@requires("export")
@require_POST
def review_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The lines that the filters leave, as a workbook."""
    round_ = _find(request, pk)
    rows = _lines(request, round_, _wanted(request)).order_by("region_code", "pk")
    return roster_exports.workbook(
        request,
        name="复核对象",
        note=f"定期复核：{round_.title}",
        columns=COLUMNS,
        rows=(_cells(line) for line in rows.iterator(2_000)),
        action="review_export",
        detail={"round": round_.pk},
    )


def _cells(line: ReviewLine) -> list[Cell]:
    return [
        line.household.number,
        line.household.head_name,
        line.person.name if line.person else "全户",
        places.name_of(line.region_code),
        line.household.group_name,
        CATEGORIES.get(line.category, ""),
        line.last_on,
        line.due_on,
        line.get_proposal_display(),
        "".join(line.reasons),
        line.amount,
        line.get_state_display(),
        line.get_decision_display() if line.decision else "",
        line.effective_on,
        line.amount_new,
        line.reason,
    ]


def _wanted(request: HttpRequest) -> dict[str, Any]:
    query = request.GET
    state, proposal = query.get("state", S.OPEN), query.get("proposal", "")
    return {
        "state": state if state in S.values or state == "all" else str(S.OPEN),
        "proposal": proposal if proposal in dict(PROPOSED) else "",
        **place_of(request),
    }


def _lines(request: HttpRequest, round_: ReviewRound, wanted: dict[str, Any]) -> Any:
    rows = visible(round_.lines.all(), request.user, within=wanted["region"])
    if wanted["state"] != "all":
        rows = rows.filter(state=wanted["state"])
    if wanted["proposal"]:
        rows = rows.filter(proposal=wanted["proposal"])
    return rows.select_related("household", "person", "decided_by")


def _chosen(request: HttpRequest, round_: ReviewRound) -> list[int]:
    """The ticked lines, or all that the filters leave when the person said so."""
    if request.POST.get("all"):
        wanted = _wanted(request)
        wanted["state"] = S.WAITING if "confirm" in request.path else S.OPEN
        found = _lines(request, round_, wanted).order_by("region_code", "pk").values_list("pk", flat=True)
        return list(found[: reviews.MOST_AT_ONCE])
    chosen = {int(text) for text in request.POST.getlist("line") if text.isdecimal()}
    return list(round_.lines.filter(pk__in=chosen).values_list("pk", flat=True))


def _try(request: HttpRequest, act: Any, done: str) -> None:
    try:
        count = act()
    except (ValidationError, Refused) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, done.format(count))


def _back(request: HttpRequest, round_: ReviewRound) -> HttpResponse:
    return redirect(f"{reverse('office:review', args=[round_.pk])}?{request.GET.urlencode()}")


def _rounds(request: HttpRequest) -> Any:
    """The reviews of one's county."""
    county = request.user.region_code[:6]
    rows = ReviewRound.objects.filter(region_code__startswith=county) if county else ReviewRound.objects.none()
    return rows.select_related("created_by")


def _find(request: HttpRequest, pk: int) -> ReviewRound:
    found: ReviewRound | None = _rounds(request).filter(pk=pk).first()
    if found is None or not covers(request.user.region_code[:6], found.region_code):
        raise Http404
    return found


urlpatterns = [
    path("reviews/", review_list, name="reviews"),
    path("reviews/new/", review_new, name="review-new"),
    path("reviews/<int:pk>/", review, name="review"),
    path("reviews/<int:pk>/decide/", review_decide, name="review-decide"),
    path("reviews/<int:pk>/confirm/", review_confirm, name="review-confirm"),
    path("reviews/<int:pk>/close/", review_close, name="review-close"),
    path("reviews/<int:pk>/export/", review_export, name="review-export"),
    path("reviews/lines/<int:pk>/", review_line, name="review-line"),
]
