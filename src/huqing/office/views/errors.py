"""What users see when a page is refused, not found or broken: the reason and what to do, never any data."""

from __future__ import annotations

import sys

from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults

from huqing.access.permissions import Refused

# How the databases say that somebody else is writing, or that all connections are taken.
_BUSY = ("locked", "lock timeout", "deadlock detected", "too many clients", "connection slots")
RETRY_SECONDS = 30


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """403: why the account may not do this."""
    reason = str(exception) if isinstance(exception, Refused) else "您的账号不能打开这个页面或做这个操作。"
    return _page(
        request,
        403,
        icon="lock",
        title="没有权限",
        reason=reason,
        remedy="确有需要，请联系本县安全管理员调整账号的角色或管辖区划。",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no such page, or a household outside the account's area, which must look the same."""
    return _page(
        request,
        404,
        icon="search",
        title="没有找到这个页面",
        reason="地址可能有误，内容可能已经删除，也可能不在您的管辖范围内。",
        remedy="请从首页或查找框重新进入。",
    )


def unusable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; but a session that could not be saved because the database is busy is no fault of the request."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent) and request.path_info.startswith("/public/"):
        return HttpResponse(render_to_string("office/public/too_long.html"), status=413)
    return busy(request) if _waited_in_vain(exception) else defaults.bad_request(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """500: a page without any data, whatever went wrong; 503 when the database was only busy."""
    if _waited_in_vain(sys.exception()):
        return busy(request)
    if request.headers.get("HX-Request") == "true":
        content = render_to_string(
            "office/parts/reason_fragment.html",
            {"title": "系统出错了。", "reason": "刚才的操作可能没有完成，请刷新后核对。", "remedy": ""},
        )
    else:
        content = render_to_string("500.html")
    return HttpResponse(content, status=500)


def busy(request: HttpRequest) -> HttpResponse:
    """503: another program has been writing for too long; nothing was changed, and trying again is all there is."""
    if request.headers.get("HX-Request") == "true":
        content = render_to_string(
            "office/parts/reason_fragment.html",
            {
                "title": "数据库正忙。",
                "reason": "刚才的操作没有保存，原有数据未受影响。",
                "remedy": "请稍等半分钟再试。",
            },
        )
    else:
        content = render_to_string("503.html")
    return HttpResponse(content, status=503, headers={"Retry-After": str(RETRY_SECONDS)})


def _waited_in_vain(error: BaseException | None) -> bool:
    """Whether a database that is busy is behind this error, however it was wrapped on its way."""
    while error is not None:
        if isinstance(error, OperationalError) and any(word in str(error).lower() for word in _BUSY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _page(request: HttpRequest, status: int, *, icon: str, title: str, reason: str, remedy: str) -> HttpResponse:
    words = {"icon": icon, "title": title, "reason": reason, "remedy": remedy}
    if request.headers.get("HX-Request") == "true":
        return render(request, "office/parts/reason_fragment.html", words, status=status)
    signed_in = getattr(request, "user", None) is not None and request.user.is_authenticated
    layout = "office/base.html" if signed_in else "office/entrance.html"
    return render(request, "office/reason.html", {**words, "layout": layout}, status=status)
