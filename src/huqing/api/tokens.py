"""The one gate of the phone endpoints: the token in the address says who asks; a refusal says why in Chinese."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from huqing.access import lockout
from huqing.access.adapters import client_address
from huqing.access.keys import PREFIX
from huqing.access.models import User
from huqing.access.permissions import PUBLIC, refusal
from huqing.api.answers import said_in_json
from huqing.visits import links

Answer = Callable[[int, str], HttpResponse]
# No scheme a client would answer with a password: the link is the only way in.
CHALLENGE = 'Link realm="huqing"'
KEPT = "手机里的记录都还在。"


def with_token(*methods: str, answer: Answer = said_in_json) -> Callable[[Callable[..., HttpResponseBase]], Any]:
    """Let a view answer below ``/key/<key>/`` for the person whose token it is.

    The view gets the request without the key; ``request.user`` is the person and ``request.key_base`` the secret
    address (``/key/<token>``) for links in the answer. Unknown and revoked links, stopped accounts, accounts that must
    change their password and roles that do not visit get 403; other methods than ``methods`` 405. Nothing of the body
    has been read by then. What goes wrong inside is answered by ``answer`` too, never by a page.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Any:
        @csrf_exempt
        @functools.wraps(view)
        def guarded(request: HttpRequest, key: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                refused = _refused(request, key, methods, answer)
                if refused is not None:
                    return refused
                request.key_base = f"{PREFIX}{key}"  # type: ignore[attr-defined]
                return view(request, *args, **kwargs)
            except Http404 as error:
                return answer(404, str(error) or "没有这个地址。请检查手机链接，或重新扫码。")
            except PermissionDenied as error:
                return answer(403, str(error) or "您无权进行此项操作。")
            except SuspiciousOperation:
                return answer(400, "收到的内容不完整或格式不对，请重试。")
            except Exception:
                logging.getLogger("huqing").exception("手机请求出错")
                return answer(500, f"服务器出错，没有收下。{KEPT}请稍后再试，仍不行请联系系统管理员。")

        guarded.permission = PUBLIC  # type: ignore[attr-defined]
        guarded.checks_token = True  # type: ignore[attr-defined]
        return guarded

    return decorate


def without_token(answer: Answer) -> Any:
    """A view for addresses that lack the link altogether: 401, with a challenge that asks for no password."""

    @csrf_exempt
    def refused(request: HttpRequest) -> HttpResponse:
        told = answer(401, "缺少手机链接。请在电脑上登录户情，打开“我的手机”，用手机扫码。")
        told.headers["WWW-Authenticate"] = CHALLENGE
        return told

    refused.permission = PUBLIC  # type: ignore[attr-defined]
    return refused


def _refused(request: HttpRequest, key: str, methods: tuple[str, ...], answer: Answer) -> HttpResponse | None:
    """The refusal of a request, None when the token opens; sets ``request.user``.

    A right token is never refused for the wrong ones others tried from the same address: it has 384 random bits, and
    one office shares one address.
    """
    link = links.find_link(key)
    if link is None:
        until = lockout.wrong_link(address=client_address(request))
        if until is not None:
            told = answer(429, "此网络多次使用无效的手机链接，请稍后再试，或重新扫码。")
            told.headers["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds())))
            return told
        return answer(403, f"手机链接无效。{KEPT}请在电脑上登录户情，打开“我的手机”重新扫码。")
    if link.revoked_at is not None:
        return answer(403, f"手机链接已作废。{KEPT}请在电脑上登录户情，打开“我的手机”重新扫码。")
    reason = _why_not(link.user)
    if reason:
        return answer(403, reason)
    if methods and request.method not in {*methods, *({"HEAD"} if "GET" in methods else set())}:
        told = answer(405, "此地址不接受这种请求。")
        told.headers["Allow"] = ", ".join(methods)
        return told
    request.user = link.user
    links.note_use(link)
    return None


def _why_not(user: User) -> str:
    """Why the account may not work from a phone now, "" when it may."""
    if user.is_active and user.must_change_password:
        return f"请先在电脑上登录户情并修改初始密码，再用手机。{KEPT}"
    return refusal(user, "visit")
