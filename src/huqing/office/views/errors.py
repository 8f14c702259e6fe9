"""What users see when a page is refused, not found or broken: the reason and what to do, never any data."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from huqing.access.permissions import Refused


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


def broken(request: HttpRequest) -> HttpResponse:
    """500: a page without any data, whatever went wrong."""
    if request.headers.get("HX-Request") == "true":
        content = render_to_string(
            "office/parts/reason_fragment.html",
            {"title": "系统出错了。", "reason": "刚才的操作可能没有完成，请刷新后核对。", "remedy": ""},
        )
    else:
        content = render_to_string("500.html")
    return HttpResponse(content, status=500)


def _page(request: HttpRequest, status: int, *, icon: str, title: str, reason: str, remedy: str) -> HttpResponse:
    words = {"icon": icon, "title": title, "reason": reason, "remedy": remedy}
    if request.headers.get("HX-Request") == "true":
        return render(request, "office/parts/reason_fragment.html", words, status=status)
    signed_in = getattr(request, "user", None) is not None and request.user.is_authenticated
    layout = "office/base.html" if signed_in else "office/entrance.html"
    return render(request, "office/reason.html", {**words, "layout": layout}, status=status)
