"""Villagers' matters without an account: what was done in the village, raising one, its answer and rating.

The list is the same for everybody and kept for half a minute, like the postings. Number, code and words travel in the
body only, so that no address or log holds them; every page works without scripts.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from huqing.access import public_forms
from huqing.access.adapters import client_address
from huqing.access.permissions import public
from huqing.access.public_forms import REFUSED, TOO_MANY, FormRefused, Posted, Replayed
from huqing.matters import queries, raising, rating
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter
from huqing.office.views.public import KEEP_SECONDS, MOST_KEPT, answer, village_of
from huqing.registry.models import Region
from huqing.visits.links import app_qr

FORM, RATING_FORM = "matter", "matter rating"
ECHOED = 2 * raising.TEXT_LENGTH
FIELDS = {"kind": 20, "group": 40, "name": 60, "contact": 40}
_KEPT: dict[str, tuple[float, bytes]] = {}


def forget() -> None:
    """Drop the kept pages: between tests."""
    _KEPT.clear()


@public
def matter_list(request: HttpRequest, code: str) -> HttpResponse:
    """What was raised and done in a village, in the words a person approved."""
    now = time.monotonic()
    until, content = _KEPT.get(code, (0.0, b""))
    if until < now:
        context = {"village": village_of(code), "rows": queries.public_of(code)}
        content = render(request, "office/public/matters.html", context).content
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        until = now + KEEP_SECONDS
        _KEPT[code] = (until, content)
    return answer(HttpResponse(content), seconds=max(0, int(until - now)))


@csrf_exempt  # no session, nothing of the visitor's is at stake; the signed token of the form takes its place
@public
def matter_raise(request: HttpRequest, code: str) -> HttpResponse:
    """Raise a matter; a page with the receipt follows at once."""
    village = village_of(code)
    message, status = "", 200
    if request.method == "POST":
        try:
            return _receipt(request, village, _raised(request, village))
        except Replayed as again:
            made = _made_before(request, again.result)
            if made is not None:
                return _receipt(request, village, made)
            message, status = str(again), again.status
        except FormRefused as error:
            message, status = str(error), error.status
        except MatterError as error:
            message, status = str(error), REFUSED
    told = request.POST if request.method == "POST" else request.GET
    context = {
        "village": village,
        "kinds": Matter.Kind.choices,
        "told": {name: told.get(name, "")[:most] for name, most in FIELDS.items()},
        "text": request.POST.get("text", "")[:ECHOED],
        "past": request.POST.get("past") == "1",
        "message": message,
        "most": raising.TEXT_LENGTH,
        "form_token": public_forms.token_for(request, form=FORM, place=code),
    }
    return answer(render(request, "office/public/matter_raise.html", context, status=status))


@transaction.atomic
def _raised(request: HttpRequest, village: Region) -> Matter:
    posted = public_forms.received(request, form=FORM, place=village.code)
    told = request.POST
    matter = raising.raise_matter(
        village=village,
        kind=told.get("kind", ""),
        text=told.get("text", ""),
        by=None,
        group=told.get("group", ""),
        name=told.get("name", ""),
        contact=told.get("contact", ""),
        past_village=told.get("past") == "1",
    )
    # Four digits somebody chose are nobody's phone: many would share a count.
    phone = told.get("contact", "") if matter.phone_sealed else ""
    public_forms.spend(posted, phone=phone, result=matter.number)
    return matter


def _made_before(request: HttpRequest, number: str) -> Matter | None:
    """The matter the first press of the button made, for whoever has the same code."""
    code = request.POST.get("contact", "").strip()[-raising.CODE_DIGITS :]
    return Matter.objects.filter(number=number, code_token=raising.code_token(number, code)).first()


def _receipt(request: HttpRequest, village: Region, matter: Matter) -> HttpResponse:
    context = {"village": village, **receipt_context(request, matter)}
    return answer(render(request, "office/public/matter_receipt.html", context))


def receipt_context(request: HttpRequest, matter: Matter) -> dict[str, Any]:
    """What a receipt says: the number, until when somebody takes it up, where to ask."""
    where = request.build_absolute_uri(reverse("office:public-matter-status", args=[matter.village.code]))
    return {"matter": matter, "spoken": spoken(matter.number), "status_url": where, "status_qr": app_qr(where)}


def spoken(number: str) -> str:
    """A number in two groups, as people read it to each other."""
    return f"{number[:4]} {number[4:]}"


@csrf_exempt  # as above
@public
def matter_status(request: HttpRequest, code: str) -> HttpResponse:
    """How far a matter is, its answer, and the rating; by number and four digits."""
    village = village_of(code)
    number, four = request.POST.get("number", "")[:40], request.POST.get("code", "")[:40]
    context: dict[str, Any] = {"village": village, "number": number, "code": four, "message": "", "thanks": False}
    if request.method != "POST":
        return answer(render(request, "office/public/matter_status.html", context))
    try:
        address = public_forms.network_of(client_address(request))
        found = rating.look_up(number=number, code=four, address=address)
    except rating.Unknown as error:
        context["message"] = str(error)
        status = TOO_MANY if error.too_many else REFUSED
        return answer(render(request, "office/public/matter_status.html", context, status=status))
    status = 200
    if request.POST.get("rating"):
        try:
            found = _rated(request, code, found)
            context["thanks"] = True
        except Replayed:
            context["thanks"] = True
        except FormRefused as error:
            context["message"], status = str(error), error.status
        except MatterError as error:
            context["message"], status = str(error), REFUSED
    context |= {
        "status": found,
        "spoken": spoken(found.own.number),
        "steps": found.leading.steps.exclude(move__in=("hand_up", "hand_down")).only("title", "on", "after", "actor"),
        "ratings": Matter.Rating.choices,
        "form_token": public_forms.token_for(request, form=RATING_FORM, place=code),
    }
    return answer(render(request, "office/public/matter_answer.html", context, status=status))


@transaction.atomic
def _rated(request: HttpRequest, code: str, found: rating.Status) -> rating.Status:
    posted: Posted = public_forms.received(request, form=RATING_FORM, place=code)
    after = rating.rate(status=found, rating=request.POST.get("rating", ""), text=request.POST.get("words", ""))
    public_forms.spend(posted, result=found.own.number)
    return after


urlpatterns = [
    path("public/<str:code>/matters/", matter_list, name="public-matters"),
    path("public/<str:code>/matters/new/", matter_raise, name="public-matter-raise"),
    path("public/<str:code>/matters/status/", matter_status, name="public-matter-status"),
]
