"""Staff enter what a villager handed in on paper or said: for a village, or for a household from its page."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from huqing.access.permissions import requires
from huqing.applications import actions
from huqing.applications.errors import ApplicationError
from huqing.applications.models import Application
from huqing.cases.calendar import today
from huqing.office.views.public_applications import form_context
from huqing.registry.models import Household, Region

CHANNELS = ((Application.Channel.PAPER, "交来纸质申请表"), (Application.Channel.STAFF, "当面或打电话说的"))


@requires("take_applications")
def application_add(request: HttpRequest, code: str) -> HttpResponse:
    """Enter an application from a village."""
    village = Region.objects.visible_to(request.user).filter(code=code, level=Region.Level.VILLAGE, valid_to=None)
    found = village.select_related("parent").first()
    if found is None:
        raise Http404("没有这个村，或它不在您的管辖区划内。")
    return _entry(request, found, None)


@requires("take_applications")
def household_application(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter an application of a household: who it is need not be looked for."""
    household = (
        Household.objects.visible_to(request.user)
        .filter(pk=pk, status=Household.Status.ACTIVE)
        .select_related("village__parent")
        .first()
    )
    if household is None:
        raise Http404("没有这一户，或它不在您的管辖区划内。")
    return _entry(request, household.village, household)


def _entry(request: HttpRequest, village: Region, household: Household | None) -> HttpResponse:
    told: dict[str, str] | object = request.POST
    wrong: dict[str, str] = {}
    message = ""
    if request.method == "POST":
        sent = request.POST
        try:
            on = sent.get("on", "")
            made = actions.submit(
                village=village,
                household=household,
                kind=sent.get("kind", ""),
                name=sent.get("name", ""),
                group=sent.get("group", ""),
                phone=sent.get("phone", ""),
                difficulties=sent.getlist("difficulty"),
                words=sent.get("words", ""),
                consent=sent.get("consent") == "1",
                channel=sent.get("channel") if sent.get("channel") in dict(CHANNELS) else Application.Channel.STAFF,
                on=_day(on),
                by=request.user,
            )
        except ApplicationError as error:
            message, wrong = str(error), error.fields
        else:
            messages.success(request, "已登记，请把回执打印或抄给申请人。")
            return redirect("office:application-receipt", pk=made.pk)
    else:
        told = {"on": today().isoformat(), "channel": Application.Channel.PAPER}
        if household is not None:
            told |= {"name": household.head_name, "group": household.group_name, "channel": Application.Channel.STAFF}
    context = {
        **form_context(village, told, wrong),
        "household": household,
        "message": message,
        "channels": CHANNELS,
        "phone_optional": True,
        "today": today(),
    }
    return render(request, "office/applications/add.html", context, status=422 if message else 200)


def _day(text: str) -> dt.date:
    """The typed day; one that is none is refused like one too early."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return dt.date.min


urlpatterns = [
    path("applications/new/<str:code>/", application_add, name="application-add"),
    path("households/<int:pk>/application/", household_application, name="household-application"),
]
