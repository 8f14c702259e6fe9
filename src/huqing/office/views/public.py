"""What villagers see without an account: the postings of one village that run today, and where to object.

No search, nothing about a single person, not to be indexed. The page is kept in the process for half a minute and never
over midnight, so a posting that is taken down is gone within that time and one that ends with its day. Whoever keeps
copies downstream is told to drop them when ours is dropped.
"""

from __future__ import annotations

import datetime as dt
import time
from http import HTTPStatus

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from huqing.access import public_forms
from huqing.access.permissions import public
from huqing.cases import postings
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import PublicPosting
from huqing.registry.models import Region

KEEP_SECONDS = 30
MOST_KEPT = 2000
VILLAGE_DIGITS = 12
_KEPT: dict[str, tuple[float, dt.date, bytes]] = {}


def forget() -> None:
    """Drop the kept pages: between tests, and after somebody published or took down a posting in this process."""
    _KEPT.clear()


@public
def village_postings(request: HttpRequest, code: str) -> HttpResponse:
    """The running postings of a village."""
    now, day = time.monotonic(), today()
    until, of_day, content = _KEPT.get(code, (0.0, day, b""))
    if until < now or of_day != day:
        content = _made(request, code)
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        until = now + KEEP_SECONDS
        _KEPT[code] = (until, day, content)
    return answer(HttpResponse(content), seconds=max(0, int(until - now)))


def _made(request: HttpRequest, code: str) -> bytes:
    village = village_of(code)
    shown = [(posting, rows) for posting in postings.shown(code, today()) if (rows := postings.rows_shown(posting))]
    context = {"village": village, "postings": shown, "day": today()}
    return render(request, "office/public/village.html", context).content


def village_of(code: str) -> Region:
    """The village of a public address; 404 when there is none."""
    village = None
    if len(code) == VILLAGE_DIGITS and code.isascii() and code.isdecimal():
        found = Region.objects.filter(code=code, level=Region.Level.VILLAGE, valid_to=None)
        village = found.select_related("parent").first()
    if village is None:
        raise Http404("没有这个村的公示页面。")
    return village


@csrf_exempt  # no session, nothing of the visitor's is at stake; the page is the same for everybody and kept
@public
def village_objection(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Object to a posting."""
    village = village_of(code)
    posting = postings.shown(code, today()).filter(pk=number).first()
    if posting is None:
        raise Http404("公示已经结束。")
    place, wrong, done, status = f"{code}/{number}", "", False, 200
    if request.method == "POST":
        try:
            posted = public_forms.received(request, form="objection", place=place)
            _object(request, posting, posted)
            done = True
        except public_forms.Replayed:
            done = True
        except public_forms.FormRefused as error:
            wrong, status = str(error), error.status
        except CaseError as error:
            wrong, status = str(error), public_forms.REFUSED
    context = {
        "village": village,
        "posting": posting,
        "wrong": wrong,
        "done": done,
        "text": request.POST.get("text", "")[: 2 * postings.TEXT_LENGTH],
        "contact": request.POST.get("contact", "")[: postings.CONTACT_LENGTH],
        "form_token": "" if done else public_forms.token_for(request, form="objection", place=place),
    }
    return answer(render(request, "office/public/objection.html", context, status=status))


@transaction.atomic
def _object(request: HttpRequest, posting: PublicPosting, posted: public_forms.Posted) -> None:
    """Take the objection and use its form up, both or neither."""
    postings.object_to(posting=posting, text=request.POST.get("text", ""), contact=request.POST.get("contact", ""))
    public_forms.spend(posted, village=posting.region_code)


def answer(response: HttpResponse, *, seconds: int = 0) -> HttpResponse:
    """Not to be indexed; kept by others for ``seconds``, and not at all if it holds a form or is no page."""
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    kept = seconds if response.status_code == HTTPStatus.OK else 0
    response["Cache-Control"] = f"public, max-age={kept}" if kept else "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


@public
def robots(request: HttpRequest) -> HttpResponse:
    """Nothing here is for search engines."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")


urlpatterns = [
    path("robots.txt", robots, name="robots"),
    path("public/<str:code>/", village_postings, name="public-village"),
    path("public/<str:code>/objections/<int:number>/", village_objection, name="public-objection"),
]
