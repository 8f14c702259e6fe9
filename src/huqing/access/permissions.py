"""Who may do what: one readable table, the reason of every refusal, and the decorators that views carry.

This is about roles only. Which rows somebody sees is ``scope``; what a state allows is each app's own policy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.loader import render_to_string

from huqing.access.models import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from huqing.access.models import User

View = Callable[..., HttpResponseBase]

# Characters: shorter texts are typed again sooner than copied; no number of a person or account has so many.
LONG, MOST_SHOWN, MOST_TEXTS = 20, 5_000, 20

PUBLIC = "public"
SIGNED_IN = "signed_in"
CLOSED = "closed"

_SYSTEM, _SECURITY, _AUDIT = Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN
_COUNTY, _TOWN, _VILLAGE, _GRID = Role.COUNTY, Role.TOWN, Role.VILLAGE, Role.GRID
_DEPARTMENT, _READER, _VISITOR = Role.DEPARTMENT, Role.READER, Role.VISITOR
_FIELD = (_COUNTY, _TOWN, _VILLAGE, _GRID)

# permission: (what it is called in a refusal, the roles that have it)
TABLE: dict[str, tuple[str, tuple[Role, ...]]] = {
    "view_household": ("查看农户档案", (*_FIELD, _READER, _VISITOR)),
    "edit_household": ("修改农户档案", _FIELD),
    "show_sealed": ("查看完整号码", _FIELD),
    "view_alerts": ("查看预警", (*_FIELD, _READER)),
    "waive": ("确认预警无误", (_COUNTY, _TOWN)),
    "screen": ("发起筛查", (_COUNTY,)),
    "view_screening": ("查看筛查记录", (_COUNTY, _TOWN, _READER)),
    "import_roster": ("导入花名册", (_COUNTY, _TOWN)),
    "import_department": ("导入部门数据", (_COUNTY, _DEPARTMENT)),
    "view_imports": ("查看导入", (_COUNTY, _TOWN, _DEPARTMENT)),
    "undo_import": ("撤销导入", (_COUNTY,)),
    "review_links": ("判定疑似同一人", (_COUNTY, _TOWN)),
    "export": ("导出", (_COUNTY, _TOWN)),
    "print": ("打印档案", (_COUNTY, _TOWN, _VILLAGE)),
    "visit": ("走访填表", (*_FIELD, _VISITOR)),
    "view_visits": ("查看走访记录", (*_FIELD, _READER, _VISITOR)),
    "review_visits": ("审核走访记录", (_COUNTY, _TOWN, _VILLAGE)),
    "export_visits": ("导出走访记录", (_COUNTY, _TOWN)),
    "view_cases": ("查看办理事项", (*_FIELD, _READER)),
    "handle_cases": ("办理事项", _FIELD),
    "decide_cases": ("启动绿色通道", (_COUNTY, _TOWN)),
    "view_rosters": ("查看动态管理", (*_FIELD, _READER)),
    "close_rosters": ("给月度名单封账", (_COUNTY,)),
    "manage_rechecks": ("组织回头看", (_COUNTY,)),
    "verify_households": ("登记回头看核查", (*_FIELD, _VISITOR)),
    "decide_rechecks": ("判定核查差异", (_COUNTY, _TOWN)),
    "manage_reviews": ("组织定期复核", (_COUNTY,)),
    "decide_reviews": ("作出复核决定", (_COUNTY, _TOWN)),
    "confirm_reviews": ("确认退出和恢复", (_COUNTY,)),
    "compare_rosters": ("比对名册", (_COUNTY,)),
    "settle_differences": ("处理名册差异", (_COUNTY, _TOWN)),
    "view_matters": ("查看村民事项", (*_FIELD, _READER, _VISITOR)),
    "raise_matters": ("代报村民事项", (*_FIELD, _VISITOR)),
    "handle_matters": ("办理村民事项", (_COUNTY, _TOWN, _VILLAGE)),
    "view_applications": ("查看农户申请", _FIELD),
    "take_applications": ("代农户提交申请", _FIELD),
    "answer_applications": ("答复农户申请", (_COUNTY, _TOWN, _VILLAGE)),
    "view_plans": ("查看帮扶计划", (*_FIELD, _READER, _VISITOR)),
    "make_plans": ("制定帮扶计划", _FIELD),
    "report_measures": ("登记措施进展", (*_FIELD, _VISITOR)),
    "manage_methods": ("启用工作法和发布表单", (_COUNTY,)),
    "view_duties": ("查看责任台账", (*_FIELD, _READER, _VISITOR)),
    "declare_presence": ("申报驻村日历", (_COUNTY, _TOWN, _VILLAGE, _VISITOR)),
    "confirm_presence": ("确认驻村日历", (_COUNTY, _TOWN, _VILLAGE)),
    "approve_absence": ("批准请假外出", (_COUNTY, _TOWN, _VILLAGE)),
    "pay_allowances": ("核算驻村补助", (_COUNTY,)),
    "view_inspections": ("查看抽查", (_COUNTY, _TOWN, _VILLAGE, _READER)),
    "manage_inspections": ("组织抽查和复查", (_COUNTY,)),
    "inspect": ("登记本人的检查任务", (_COUNTY, _TOWN, _VILLAGE, _VISITOR)),
    "fix_findings": ("登记整改", (_COUNTY, _TOWN, _VILLAGE)),
    "see_assessment": ("查看本人考核", (_COUNTY, _TOWN, _VILLAGE, _VISITOR)),
    "grade_members": ("考核驻村队员", (_COUNTY, _TOWN)),
    "manage_duties": ("安排责任", (_COUNTY, _TOWN)),
    "manage_links": ("发放手机链接", (_COUNTY, _TOWN)),
    "view_rules": ("查看规则", tuple(Role)),
    "simulate": ("试算参数", (_COUNTY,)),
    "view_regions": ("查看区划与网格", (_SYSTEM, *_FIELD, _READER)),
    "manage_regions": ("维护区划", (_SYSTEM,)),
    "manage_grids": ("维护网格", (_SYSTEM, _COUNTY, _TOWN)),
    "view_users": ("查看用户", (_SECURITY, _AUDIT)),
    "manage_users": ("管理用户", (_SECURITY,)),
    "view_audit": ("查看审计日志", (_AUDIT,)),
    "manage_system": ("管理系统运行", (_SYSTEM,)),
}

# Pages of the sign-in library. Closed ones do not exist for anybody: accounts are made by the security administrator.
LIBRARY_PAGES: dict[str, str] = {
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_inactive": PUBLIC,
    "mfa_authenticate": PUBLIC,
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "mfa_index": SIGNED_IN,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
    "account_signup": CLOSED,
    "account_email": CLOSED,
    "account_email_verification_sent": CLOSED,
    "account_confirm_email": CLOSED,
    "account_set_password": CLOSED,
    "account_reset_password": CLOSED,
    "account_reset_password_done": CLOSED,
    "account_reset_password_from_key": CLOSED,
    "account_reset_password_from_key_done": CLOSED,
    "account_confirm_login_code": CLOSED,
}


class Refused(PermissionDenied):
    """Somebody may not do something; the message is the reason, for the 403 page."""


def refusal(user: User | AnonymousUser | None, permission: str) -> str:
    """Why ``user`` may not do this, for a tooltip or the 403 page; "" when they may. KeyError: no such permission."""
    name, roles = TABLE[permission]
    if user is None or not user.is_authenticated:
        return f"请先登录，再{name}。"
    if not user.is_active:
        return "您的账号已停用，请联系安全管理员。"
    if user.role in roles:
        return ""
    able = "、".join(role.label for role in roles)
    return f"您的身份是{Role(user.role).label}，不能{name}。此项由{able}办理。"


def may(user: User | AnonymousUser | None, permission: str) -> bool:
    """Whether the user's role has the permission."""
    return not refusal(user, permission)


def require(user: User | AnonymousUser | None, permission: str) -> None:
    """Raise Refused with the reason unless the user's role has the permission."""
    reason = refusal(user, permission)
    if reason:
        raise Refused(reason)


def permissions_of(user: User | AnonymousUser | None) -> set[str]:
    """All permissions of the user's role: what templates ask to decide which buttons to draw."""
    return {permission for permission in TABLE if may(user, permission)}


def refusals(user: User | AnonymousUser | None) -> dict[str, str]:
    """For every permission the reason it is refused, "" where it is granted: tooltips of disabled buttons."""
    return {permission: refusal(user, permission) for permission in TABLE}


def declared_permission(view: Any, url_name: str | None = None) -> str | None:
    """What a view declares: a permission, PUBLIC, SIGNED_IN or CLOSED; None when it declares nothing."""
    declared = getattr(view, "permission", None)
    if declared is None:
        declared = getattr(getattr(view, "view_class", None), "permission", None)
    if declared is None and getattr(view, "__module__", "").startswith("allauth."):
        return LIBRARY_PAGES.get(url_name or "")
    return declared


def requires(permission: str) -> Callable[[View], View]:
    """Let only roles with the permission into a view; the others get the sign-in page or a 403 with the reason."""
    if permission not in TABLE:
        raise KeyError(f"no permission {permission!r} in huqing.access.permissions.TABLE")

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            require(request.user, permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def signed_in(view: View) -> View:
    """Let everybody with an account into a view."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        return view(request, *args, **kwargs)

    guarded.permission = SIGNED_IN  # type: ignore[attr-defined]
    return guarded


def public(view: View) -> View:
    """Say that a view is meant for everybody, signed in or not."""

    @functools.wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    opened.permission = PUBLIC  # type: ignore[attr-defined]
    return opened


def _written(request: HttpRequest) -> list[str]:
    """What somebody wrote into a form; not choices, numbers of people or passwords, which are short or named so."""
    if request.method != "POST":
        return []
    sent = [(name, value) for name, values in request.POST.lists() for value in values]
    texts = [text for name, text in sent if name != "csrfmiddlewaretoken" and "password" not in name]
    return [text[:MOST_SHOWN] for text in texts if len(text) >= LONG][:MOST_TEXTS]


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back afterwards; a fragment request makes the whole page go there.

    Whoever wrote at length until the session was over gets the words shown, to copy them: they are kept nowhere.
    """
    login = resolve_url(settings.LOGIN_URL)
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=204)
        response["HX-Redirect"] = login
        return response
    written = _written(request)
    if written:
        page = render_to_string("office/signed_out.html", {"written": written, "login": login}, request)
        return HttpResponse(page, status=403, headers={"Cache-Control": "no-store"})
    back = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    return HttpResponseRedirect(f"{login}?{urlencode({'next': back})}" if back else login)
