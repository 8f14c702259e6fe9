"""Links for phones: one's own with its QR codes, and for county and town those of the people in their area."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from huqing.access.models import User
from huqing.access.permissions import TABLE, Refused, may, requires
from huqing.access.scope import code_range
from huqing.office import paging
from huqing.visits import links
from huqing.visits.models import AccessLink

ORDERS = {"name": ["display_name", "id"]}
LOCAL = ("localhost", "127.0.0.1", "[::1]")


@requires("visit")
def phone(request: HttpRequest) -> HttpResponse:
    """How to put the app on one's phone; a POST makes a link and shows its codes, once."""
    if request.method == "POST":
        return _issue(request, request.user, _mine)
    return _mine(request, request.user)


def _mine(request: HttpRequest, user: User, **more: Any) -> HttpResponse:
    context = {
        "phones": AccessLink.objects.filter(user=user, revoked_at=None),
        "old": AccessLink.objects.filter(user=user).exclude(revoked_at=None)[:20],
        "label": f"{user.display_name}的手机"[:60],
        "insecure": _insecure(request),
        **more,
    }
    return render(request, "office/phones/mine.html", context, status=422 if more.get("wrong") else 200)


@requires("manage_links")
def phone_list(request: HttpRequest) -> HttpResponse:
    """The people of one's area who visit, with the phones they have."""
    text = request.GET.get("text", "").strip()[:50]
    page = paging.page(
        _people(request, text), query=request.GET, path=request.path, orders=ORDERS, default="name", sortable=False
    )
    phones: dict[int, int] = {}
    for user in AccessLink.objects.filter(user__in=page.rows, revoked_at=None).values_list("user", flat=True):
        phones[user] = phones.get(user, 0) + 1
    context = {"page": page, "rows": [(user, phones.get(user.pk, 0)) for user in page.rows], "text": text}
    return render(request, "office/phones/rows.html" if request.htmx else "office/phones/list.html", context)


@requires("manage_links")
def phones_of(request: HttpRequest, pk: int) -> HttpResponse:
    """One person's phones; a POST makes a link for a further one."""
    user = _people(request).filter(pk=pk).first()
    if user is None:
        raise Http404("没有这个账号，或它不在您的管辖范围内。")
    if request.method == "POST":
        return _issue(request, user, _theirs)
    return _theirs(request, user)


def _theirs(request: HttpRequest, user: User, **more: Any) -> HttpResponse:
    context = {
        "person": user,
        "phones": AccessLink.objects.filter(user=user, revoked_at=None).select_related("created_by"),
        "old": AccessLink.objects.filter(user=user).exclude(revoked_at=None)[:20],
        "label": f"{user.display_name}的手机"[:60],
        "insecure": _insecure(request),
        **more,
    }
    return render(request, "office/phones/theirs.html", context, status=422 if more.get("wrong") else 200)


def _issue(request: HttpRequest, user: User, page: Callable[..., HttpResponse]) -> HttpResponse:
    """Make a link and show it: the only time that its token leaves the server."""
    label = request.POST.get("label", "").replace("\0", "").strip()
    try:
        link, token = links.create_link(user=user, label=label, by=request.user)
    except (ValidationError, Refused) as error:
        wrong = "；".join(getattr(error, "messages", [str(error)]))
        return page(request, user, wrong=wrong, label=label)
    address = request.build_absolute_uri(f"/field/#{token}")
    made = {
        "made": link,
        "address": address,
        "app_code": links.app_qr(address),
        "collect_code": links.settings_qr(request.build_absolute_uri(f"/key/{token}")),
        "collect_address": request.build_absolute_uri(f"/key/{token}"),
    }
    return page(request, user, **made)


def _people(request: HttpRequest, text: str = "") -> QuerySet[User]:
    """Active accounts of the user's area that visit."""
    found = User.objects.filter(code_range(request.user.region_code), is_active=True, role__in=TABLE["visit"][1])
    return found.filter(Q(display_name__icontains=text) | Q(username__icontains=text) | Q(unit__icontains=text))


@requires("visit")
@require_POST
def phone_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a link useless: the phone is lost, or belongs to somebody else now."""
    reach = Q(user=request.user)
    if may(request.user, "manage_links"):
        reach |= Q(user__in=_people(request))
    link = AccessLink.objects.select_related("user").filter(reach, pk=pk).first()
    if link is None:
        raise Http404("没有这部手机。")
    try:
        links.revoke_link(link=link, by=request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"“{link.label}”已作废，那部手机从现在起取不到也传不了资料。")
    mine = link.user_id == request.user.pk
    return redirect(reverse("office:phone") if mine else reverse("office:phones-of", args=[link.user_id]))


def _insecure(request: HttpRequest) -> bool:
    """Whether phones could not work offline with this address: browsers keep that to https."""
    return not request.is_secure() and request.get_host().rsplit(":", 1)[0] not in LOCAL


urlpatterns = [
    path("phone/", phone, name="phone"),
    path("phone/<int:pk>/revoke/", phone_revoke, name="phone-revoke"),
    path("phones/", phone_list, name="phones"),
    path("phones/<int:pk>/", phones_of, name="phones-of"),
]
