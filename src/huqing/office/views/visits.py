"""Visits that were reported: the list, one submission with its answers and files, accepting and returning."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access import audit
from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import covers, sees
from huqing.office import landing_words, paging, places
from huqing.standards.codelists import codelist
from huqing.visits import answers, queries, review
from huqing.visits.models import Attachment, Form, Submission

ORDERS = {"new": ["newest"]}
State = Submission.State
REASONS = ["走访日期不对，请核对后重传", "收入数字和上次差得多，请核实", "有题漏填，请补上", "照片看不清，请重拍"]

audit.name_actions({"visit_photo_show": "查看走访照片原图"})


@requires("view_visits")
def visit_list(request: HttpRequest) -> HttpResponse:
    """What was reported in the user's area, newest first, with filters."""
    wanted = wanted_of(request)
    found = queries.listed(request.user, wanted)
    page = paging.page(
        found, query=request.GET, path=request.path, orders=ORDERS, default="-new", sortable=False, ids_first=True
    )
    context = {"page": page, **filters(request, wanted)}
    return render(request, "office/visits/results.html" if request.htmx else "office/visits/list.html", context)


def wanted_of(request: HttpRequest) -> queries.Wanted:
    """The filters of the address; what is unknown or out of reach is left out."""
    query, prefix = request.GET, request.user.region_code
    known = places.below(prefix)
    town, village = query.get("town", ""), query.get("village", "")
    region = village if village.startswith(town) and village else town
    form = query.get("form", "")
    return queries.Wanted(
        state=query.get("state", "") if query.get("state") in State.values else "",
        form=int(form) if form.isascii() and form.isdecimal() and len(form) < 18 else None,
        kind=query.get("kind", "") if query.get("kind") in codelist("visit_kind") else "",
        region=region if region in known and covers(prefix, region) else "",
        since=date_of(query.get("since", "")),
        until=date_of(query.get("until", "")),
        mine=query.get("mine") == "1",
    )


def date_of(text: str) -> dt.date | None:
    """A day as the browser sends it; None for anything else."""
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def filters(request: HttpRequest, wanted: queries.Wanted) -> dict[str, Any]:
    """What the filter bar offers and what is chosen."""
    prefix = request.user.region_code
    town = wanted.region[: places.TOWN_DIGITS]
    towns = places.towns(prefix)
    if len(towns) == 1:
        town = towns[0].code
    return {
        "wanted": wanted,
        "chosen_form": str(wanted.form or ""),
        "narrowed": wanted != queries.Wanted(),
        "states": State.choices,
        "kinds": codelist("visit_kind").items,
        "forms": [(str(pk), title) for pk, title in Form.objects.order_by("title").values_list("pk", "title")],
        "towns": towns,
        "town": town,
        "villages": places.villages(prefix, town),
        "village": wanted.region if len(wanted.region) == places.VILLAGE_DIGITS else "",
    }


def find(request: HttpRequest, pk: int) -> Submission:
    """The submission, if the account may see it; Http404 otherwise."""
    found = queries.submission(request.user, pk)
    if found is None:
        raise Http404("没有这条走访记录，或它不在您的管辖范围内。")
    return found


@requires("view_visits")
def visit_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One submission: answers, what became of them in the file, files, review."""
    return _page(request, find(request, pk))


def _page(request: HttpRequest, visit: Submission, *, wrong: str = "", reason: str = "") -> HttpResponse:
    user = request.user
    reviewer = may(user, "review_visits")
    household = visit.household if visit.household and sees(user, visit.household) else None
    context = {
        "visit": visit,
        "household": household,
        "reading": answers.read(visit, user),
        "landing": landing_words.told(visit),
        "files": list(visit.attachments.order_by("name")),
        "newer": getattr(visit, "replaced_by", None),
        "times": landing_words.phone_times(visit),
        "reviewer": reviewer,
        "why_not_accept": review.why_not(visit, user, State.ACCEPTED) if reviewer else "",
        "why_not_return": review.why_not(visit, user, State.RETURNED) if reviewer else "",
        "own": visit.user_id == user.pk,
        "next": queries.next_waiting(user, visit) if reviewer else None,
        "reasons": REASONS,
        "wrong": wrong,
        "reason": reason,
    }
    return render(request, "office/visits/detail.html", context, status=422 if wrong else 200)


@requires("review_visits")
@require_POST
def visit_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a submission as it is."""
    visit = find(request, pk)
    try:
        review.accept(submission=visit, by=request.user)
    except (review.ReviewError, Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已采纳。")
        following = queries.next_waiting(request.user, visit) if request.POST.get("next") else None
        if following:
            return redirect("office:visit", pk=following)
    return redirect("office:visit", pk=pk)


@requires("review_visits")
@require_POST
def visit_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a submission back with the reason."""
    visit, reason = find(request, pk), request.POST.get("reason", "").replace("\0", "")
    try:
        review.return_(submission=visit, by=request.user, reason=reason)
    except (review.ReviewError, Refused) as error:
        return _page(request, find(request, pk), wrong=str(error), reason=reason)
    messages.success(request, "已退回。走访人打开手机就能看到原因，改好后会重传。")
    return redirect("office:visit", pk=pk)


@requires("view_visits")
def visit_file(request: HttpRequest, pk: int) -> HttpResponse:
    """A file of a submission in full; who opened it is in the audit log."""
    found = _attachment(request, pk)
    with transaction.atomic():
        audit.record(
            by=request.user,
            action="visit_photo_show",
            subject=found.submission,
            region_code=found.submission.region_code,
            detail={"attachment": found.pk, "type": found.kind},
        )
    return _served(found, thumbnail=False)


@requires("view_visits")
def visit_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """The small copy of a picture, as the page shows it."""
    found = _attachment(request, pk)
    if not found.kind.startswith("image/"):
        raise Http404
    return _served(found, thumbnail=True)


def _attachment(request: HttpRequest, pk: int) -> Attachment:
    found = queries.attachment(request.user, pk)
    if found is None or not found.sha256:
        raise Http404("没有这个附件，或它还没有传完。")
    return found


def _served(found: Attachment, *, thumbnail: bool) -> HttpResponse:
    from huqing.visits import photos

    try:
        with photos.open_photo(found.sha256, thumbnail=thumbnail) as file:
            content = file.read()
    except (FileNotFoundError, photos.NoPicture) as error:
        raise Http404("这个附件的文件不在服务器上，请联系系统管理员从备份恢复。") from error
    picture = thumbnail or found.kind in ("image/jpeg", "image/png")
    kind = "image/jpeg" if thumbnail else found.kind if picture else "application/octet-stream"
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = content_disposition_header(as_attachment=not picture, filename=found.name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    path("visits/", visit_list, name="visits"),
    path("visits/<int:pk>/", visit_page, name="visit"),
    path("visits/<int:pk>/accept/", visit_accept, name="visit-accept"),
    path("visits/<int:pk>/return/", visit_return, name="visit-return"),
    path("visits/files/<int:pk>/", visit_file, name="visit-file"),
    path("visits/files/<int:pk>/small/", visit_thumbnail, name="visit-thumbnail"),
]
