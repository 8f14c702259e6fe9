"""What stands before every view: declared permissions, idle time-out, the steps before work, response headers."""

from __future__ import annotations

from collections.abc import Callable
from time import time as seconds
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone

from huqing.access import passwords
from huqing.access.adapters import needs_second_factor
from huqing.access.keys import PREFIX
from huqing.access.models import User
from huqing.access.permissions import CLOSED, PUBLIC, Refused, declared_permission, to_sign_in

SEEN = "huqing_seen_at"
BEGAN = "huqing_began_at"
# Bytes; uploads are for people who have signed in.
MOST_FROM_STRANGERS = 100_000
NOTED_EVERY = 60  # seconds between two writes of the time of the last activity

# Pages somebody may open who still has to change the password or to add a second factor.
PASSWORD_PAGES = frozenset({"account_change_password", "account_logout"})
FACTOR_PAGES = PASSWORD_PAGES | {
    "mfa_activate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_reauthenticate",
    "account_reauthenticate",
}


class GuardMiddleware:
    """No view without a declared permission; nobody works with an expired password or without a required factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Sign out after idle time, then on to the view.

        Below a phone's secret address there are no sessions: the view looks at the token before it reads a byte.
        """
        if request.path_info.startswith(PREFIX):
            if _has_null(request):
                raise BadRequest("a null character in a phone's address")
            return self.get_response(request)
        if not request.user.is_authenticated and _length(request) > MOST_FROM_STRANGERS:
            raise RequestDataTooBig("somebody who is not signed in sent more than a form")
        if _has_null(request):
            raise BadRequest("a null character, which no keyboard types and no database column of text takes")
        over = self._over(request) if request.user.is_authenticated else ""
        if over:
            request.idle_sign_out = True  # type: ignore[attr-defined]
            logout(request)
            messages.info(request, f"{over}，为安全起见已退出，请重新登录。")
            return to_sign_in(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Refuse what is undeclared or closed; send people to the step that comes first."""
        name = request.resolver_match.url_name if request.resolver_match else None
        declared = declared_permission(view, name)
        if declared is None:
            raise Refused("此页面没有声明谁可以访问，已拒绝。请联系系统管理员。")
        if declared == CLOSED:
            raise Http404
        if request.path_info.startswith(PREFIX):
            if not getattr(view, "checks_token", False):
                raise Refused("此地址没有核对手机链接，已拒绝。请联系系统管理员。")
            return None
        if request.method == "POST" and _holds_null(request.POST):
            raise BadRequest("a null character in a form")
        user = request.user
        if not isinstance(user, User):
            return None if declared == PUBLIC else to_sign_in(request)
        return self._first_step(request, user, name)

    def _first_step(self, request: HttpRequest, user: User, name: str | None) -> HttpResponseBase | None:
        if user.must_change_password or passwords.expired(user, timezone.now()):
            if name in PASSWORD_PAGES:
                return None
            reason = "请先修改初始密码。" if user.must_change_password else "您的密码已超过 90 天，请先修改。"
            return _go(request, "account_change_password", reason)
        if name not in FACTOR_PAGES and needs_second_factor(user) and not _has_factor(user):
            return _go(request, "mfa_activate_totp", "您的身份须使用动态码登录，请先绑定身份验证器。")
        return None

    def _over(self, request: HttpRequest) -> str:
        """Why the session is over, "" while it is not: left alone, or older than a working day; notes the activity.

        A page that asks for news by itself sends ``X-Background: 1``: that is no activity.
        """
        now, session = seconds(), request.session
        if SEEN not in session:
            session[BEGAN] = session[SEEN] = now
        idle = now - session[SEEN]
        if idle > settings.HUQING_IDLE_MINUTES * 60:
            return f"您已有 {settings.HUQING_IDLE_MINUTES} 分钟没有操作"
        if now - session[BEGAN] > settings.SESSION_COOKIE_AGE:
            return f"本次登录已满 {settings.SESSION_COOKIE_AGE // 3600} 小时"
        if idle > NOTED_EVERY and request.headers.get("X-Background") != "1":
            session[SEEN] = now
        return ""


class HeadersMiddleware:
    """What a browser may do with our pages: load from us only, never frame them, never keep them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the headers that Django itself does not."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _has_null(request: HttpRequest) -> bool:
    """Whether the address holds a null character."""
    return "\0" in request.path or _holds_null(request.GET)


def _holds_null(sent: QueryDict) -> bool:
    """Not all that is sent goes through a form's fields, which would refuse it; PostgreSQL takes none in a text."""
    return any("\0" in value for _, values in sent.lists() for value in values)


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _has_factor(user: User) -> bool:
    return is_mfa_enabled(user, [Authenticator.Type.TOTP])


def _go(request: HttpRequest, name: str, reason: str) -> HttpResponse:
    address = reverse(name)
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    messages.info(request, reason)
    return HttpResponseRedirect(address)
