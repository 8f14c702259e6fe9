"""What villagers do without an account: apply, print the form, ask how far an application is, take it back.

Every page works without scripts. Receipt and phone travel in the body only, so that no address or log holds them, and a
wrong receipt is answered like a wrong phone.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from huqing.access import public_forms
from huqing.access.adapters import client_address
from huqing.access.permissions import public
from huqing.access.public_forms import REFUSED, TOO_MANY, FormRefused, Replayed
from huqing.access.seal import token
from huqing.applications import actions, receipts
from huqing.applications.errors import ApplicationError
from huqing.applications.kinds import declared
from huqing.applications.models import Application
from huqing.applications.progress import progress, said
from huqing.applications.texts import WORDS_LENGTH
from huqing.cases.calendar import today
from huqing.office import places
from huqing.office.views.public import answer, village_of
from huqing.registry.models import Household, Region
from huqing.standards.regioncodes import spoken_name
from huqing.visits.links import app_qr

GROUPS_SHOWN = 60
ECHOED = 2 * WORDS_LENGTH
# Many people may share one address of their carrier; a receipt has one holder.
WRONG_FROM_ADDRESS, WRONG_FOR_RECEIPT = 30, 5
_NUMBER = re.compile(r"\d+")
_PLAIN_GROUP = re.compile(r"第?[0-9一二三四五六七八九十]{1,3}(?:村民)?小?[组社队]")


@csrf_exempt  # no session, nothing of the visitor's is at stake; the signed token of the form takes its place
@public
def apply(request: HttpRequest, code: str) -> HttpResponse:
    """Apply; a page with the receipt follows at once."""
    village = village_of(code)
    wrong: dict[str, str] = {}
    message, status = "", 200
    if request.method == "POST":
        try:
            return _receipt(request, village, _taken(request, village))
        except Replayed as again:
            made = _made_before(request, again.result)
            if made is not None:
                return _receipt(request, village, made)
            message, status = str(again), again.status
        except FormRefused as error:
            message, status = str(error), error.status
        except ApplicationError as error:
            message, wrong, status = str(error), error.fields, REFUSED
    context = {
        **form_context(village, request.POST, wrong),
        "message": message,
        "form_token": public_forms.token_for(request, form="application", place=code),
    }
    return _answer(render(request, "office/public/apply.html", context, status=status))


@transaction.atomic
def _taken(request: HttpRequest, village: Region) -> Application:
    posted = public_forms.received(request, form="application", place=village.code)
    told = request.POST
    return actions.submit(
        village=village,
        kind=told.get("kind", ""),
        name=told.get("name", ""),
        group=told.get("group", ""),
        phone=told.get("phone", ""),
        difficulties=told.getlist("difficulty"),
        words=told.get("words", ""),
        consent=told.get("consent") == "1",
        posted=posted,
    )


def _made_before(request: HttpRequest, receipt: str) -> Application | None:
    """The application the first press of the button made, for whoever has the same phone."""
    phone = request.POST.get("phone", "")[:40]
    same = token("phone", phone)
    return Application.objects.filter(receipt=receipt, phone_token=same).first() if same else None


def form_context(village: Region, told: Any, wrong: dict[str, str]) -> dict[str, Any]:
    """What the fields of an application need, on the public page as in the office."""
    made = declared()
    ticked = told.getlist("difficulty") if hasattr(told, "getlist") else told.get("difficulty", [])
    return {
        "village": village,
        "kinds": [(kind, told.get("kind") == kind.key) for kind in made.kinds.values()],
        "difficulties": [(one, one.key in ticked) for one in made.difficulties.values()],
        "groups": groups_of(village.code),
        "told": {
            **{name: told.get(name, "")[:100] for name in ("name", "group", "phone", "on", "channel")},
            "words": told.get("words", "")[:ECHOED],
        },
        "consented": told.get("consent") == "1",
        "notice": made.notice_for(
            spoken_name(village.name), spoken_name(village.parent.name if village.parent else "乡镇")
        ),
        "consent": made.consent,
        "wrong": wrong,
        "most_words": WORDS_LENGTH,
    }


def groups_of(code: str) -> list[str]:
    """The names of a village's groups in their natural order, to choose from; empty if any is more than a number.

    Clerks write remarks about people into that column, and this page is public: then the name is typed instead.
    """
    return places.kept(f"groups {code}", lambda: _groups(code))


def _groups(code: str) -> list[str]:
    rows = Household.objects.filter(region_code=code, status=Household.Status.ACTIVE).exclude(group_name="")
    names = list(rows.order_by().values_list("group_name", flat=True).distinct()[: GROUPS_SHOWN + 1])
    if len(names) > GROUPS_SHOWN or not all(map(_PLAIN_GROUP.fullmatch, names)):
        return []
    return sorted(names, key=lambda name: (int((_NUMBER.findall(name) or ["0"])[0][:9]), name))


def _receipt(request: HttpRequest, village: Region, made: Application) -> HttpResponse:
    context = {"village": village, "application": made, **receipt_context(request, made)}
    return _answer(render(request, "office/public/receipt.html", context))


def receipt_context(request: HttpRequest, made: Application) -> dict[str, Any]:
    """What a receipt says: the number, until when there is an answer, and where to ask."""
    where = request.build_absolute_uri(reverse("office:public-status", args=[made.region_code]))
    return {
        "receipt": receipts.spoken(made.receipt),
        "kind": declared().kinds[made.kind],
        "due": said(made.due_on),
        "received": said(made.received_on),
        "status_url": where,
        "status_qr": app_qr(where),
    }


@public
def paper(request: HttpRequest, code: str) -> HttpResponse:
    """The form on A4 with the village filled in, for whoever rather writes by hand; staff enter it."""
    village = village_of(code)
    where = request.build_absolute_uri(reverse("office:public-apply", args=[code]))
    context = {**form_context(village, {}, {}), "apply_url": where, "apply_qr": app_qr(where)}
    return _answer(render(request, "office/public/paper.html", context))


@csrf_exempt  # as above
@public
def status(request: HttpRequest, code: str) -> HttpResponse:
    """How far an application is, by receipt and the last four digits of the phone; taking it back."""
    village = village_of(code)
    context: dict[str, Any] = {"village": village, "receipt": "", "tail": "", "message": "", "done": ""}
    if request.method != "POST":
        return _answer(render(request, "office/public/status.html", context))
    number, tail = request.POST.get("receipt", "")[:40], request.POST.get("tail", "")[:40]
    context |= {"receipt": number, "tail": tail}
    found, context["message"], code_ = _found(request, number, tail)
    if found is None:
        return _answer(render(request, "office/public/status.html", context, status=code_))
    if request.POST.get("do") == "withdraw":
        try:
            over = _withdrawn(request, village, found)
            context["done"] = "已撤回。" if over else "已告诉经办人您要撤回，会和您联系。"
        except Replayed:
            context["done"] = "已收到您的撤回要求。"
        except (FormRefused, ApplicationError) as error:
            context["message"], code_ = str(error), getattr(error, "status", REFUSED)
        found = receipts.find(number, tail) or found
    context |= {
        "application": found,
        "spoken": receipts.spoken(found.receipt),
        "kind": declared().kinds[found.kind],
        "progress": progress(found, today()),
        "form_token": public_forms.token_for(request, form="withdraw", place=code),
    }
    return _answer(render(request, "office/public/progress.html", context, status=code_))


def _found(request: HttpRequest, number: str, tail: str) -> tuple[Application | None, str, int]:
    """The application, or why there is none; a try counts before it is looked at, and a right one is taken back."""
    receipt = receipts.digits(number)
    if len(receipt) != receipts.LENGTH or len(receipts.digits(tail)) != receipts.TAIL:
        return None, f"请写回执上的 {receipts.LENGTH} 位编号，和电话的最后 {receipts.TAIL} 位。", REFUSED
    address = [public_forms.network_of(client_address(request))]
    may = public_forms.guess("status address", address, most=WRONG_FROM_ADDRESS)
    if not may or not public_forms.guess("status receipt", [receipt], most=WRONG_FOR_RECEIPT):
        return None, "查得太多次了，请过 15 分钟再查，或到村委会问。", TOO_MANY
    found = receipts.find(receipt, tail)
    if found is None:
        return None, "没有查到。请对照回执核对编号和电话最后 4 位；回执丢了，可到村委会问。", REFUSED
    public_forms.right("status address", address)
    public_forms.right("status receipt", [receipt])
    return found, "", 200


@transaction.atomic
def _withdrawn(request: HttpRequest, village: Region, found: Application) -> bool:
    posted = public_forms.received(request, form="withdraw", place=village.code)
    return actions.withdraw(application=found, posted=posted)


def _answer(response: HttpResponse) -> HttpResponse:
    """Never kept by anybody, and with a time to come back where there were too many."""
    if response.status_code == TOO_MANY:
        response["Retry-After"] = str(int(dt.timedelta(minutes=15).total_seconds()))
    return answer(response)


urlpatterns = [
    path("public/<str:code>/apply/", apply, name="public-apply"),
    path("public/<str:code>/apply/paper/", paper, name="public-paper"),
    path("public/<str:code>/status/", status, name="public-status"),
]
