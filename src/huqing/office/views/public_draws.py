"""Draws of inspections for everybody, without an account: the commitment before, seed, record and result after.

Villages are named; inspectors only by number, surname and unit, which is all the record holds. A round whose result is
not to be known before the visits are over shows it from that day on. Pages are kept in the process for half a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.http import content_disposition_header

from huqing.access.permissions import public
from huqing.matching.draws import verify
from huqing.office import paging, places
from huqing.office.views.public import KEEP_SECONDS, MOST_KEPT, answer
from huqing.teams import inspections
from huqing.teams.models import InspectionRound

_KEPT: dict[str, tuple[float, bytes]] = {}
PAGE_SIZE = 30


def forget() -> None:
    """Drop the kept pages: between tests."""
    _KEPT.clear()


@public
def draws(request: HttpRequest) -> HttpResponse:
    """All rounds that may be shown, the newest first."""
    after = request.GET.get("after", "")[:60]
    return _kept(f"list {after}", lambda: _list(request))


@public
def public_draw(request: HttpRequest, pk: int) -> HttpResponse:
    """One round: commitment and lists; after the draw what was drawn, the seed, and whether it repeats."""
    return _kept(f"draw {pk}", lambda: _one(request, pk))


@public
def public_record(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of a draw as the file that ``huqing draw verify`` reads."""
    kept = _kept(f"record {pk}", lambda: _record(pk))
    kept["Content-Type"] = "application/json; charset=utf-8"
    name = f"抽取记录_{pk}.json"
    kept["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return kept


def _kept(key: str, make: Callable[[], bytes]) -> HttpResponse:
    now = time.monotonic()
    until, content = _KEPT.get(key, (0.0, b""))
    if until < now:
        content = make()
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        until = now + KEEP_SECONDS
        _KEPT[key] = (until, content)
    return answer(HttpResponse(content), seconds=max(0, int(until - now)))


def _list(request: HttpRequest) -> bytes:
    rounds = InspectionRound.objects.filter(public=True)
    page = paging.page(
        rounds,
        query=request.GET,
        path=request.path,
        orders={"new": ["id"]},
        default="-new",
        sortable=False,
        size=PAGE_SIZE,
    )
    rows = [(one, places.name_of(one.region_code[:6])) for one in page.rows]
    return render(request, "office/public/draws.html", {"page": page, "rows": rows}).content


def _one(request: HttpRequest, pk: int) -> bytes:
    round_ = _round(pk)
    shown = inspections.is_shown(round_)
    question = round_.question
    context = {
        "round": round_,
        "place": places.name_of(round_.region_code[:6]),
        "shown": shown,
        "hidden_until": round_.shown_on if round_.state == InspectionRound.State.DRAWN and not shown else None,
        "count": sum(question["count"].values()),
        "strata": [
            (name, many, sum(1 for one in question["candidates"] if one["stratum"] == name))
            for name, many in sorted(question["count"].items())
        ],
        "wrong": verify(round_.record, round_.commitment) if shown else [],
    }
    if shown and round_.record:
        drawn = round_.record["drawn"]
        context["drawn"] = [(name, round_.record["inspectors"].get(name, ())) for name in drawn]
    return render(request, "office/public/draw.html", context).content


def _record(pk: int) -> bytes:
    round_ = _round(pk)
    if not inspections.is_shown(round_):
        raise Http404("抽取记录还没有公开。")
    return inspections.record_file(round_)


def _round(pk: int) -> InspectionRound:
    round_ = InspectionRound.objects.filter(pk=pk, public=True).first()
    if round_ is None:
        raise Http404("没有这一次抽取。")
    return round_


urlpatterns = [
    path("draws/", draws, name="public-draws"),
    path("draws/<int:pk>/", public_draw, name="public-draw"),
    path("draws/<int:pk>/record/", public_record, name="public-record"),
]
