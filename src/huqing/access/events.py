"""Sign-ins, sign-outs and second factors leave audit events; the sign-in library tells us of them by signals."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import password_changed, user_logged_in
from allauth.mfa.signals import authentication_failed as code_failed
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from huqing.access import audit
from huqing.access.adapters import client_address, failure
from huqing.access.models import User

ACTION_NAMES = {
    "sign_in": "登录",
    "sign_out": "退出",
    "sign_in_failed": "登录失败",
    "sign_in_code_failed": "动态码错误",
    "idle_sign_out": "超时退出",
    "password_change": "修改密码",
    "second_factor_add": "启用动态码",
    "second_factor_remove": "停用动态码",
    "second_factor_renew": "更换备用码",
    "user_create": "新建用户",
    "user_edit": "修改用户",
    "user_role": "变更角色",
    "user_disable": "停用用户",
    "user_enable": "启用用户",
    "user_password_reset": "重置密码",
    "user_second_factor_reset": "重置动态码",
    "user_unlock": "解除锁定",
    "show_sealed": "查看完整号码",
}


def connect() -> None:
    """Listen to the sign-in library; called once when the app is ready."""
    audit.name_actions(ACTION_NAMES)
    user_logged_in.connect(_signed_in, dispatch_uid="huqing-sign-in")
    user_logged_out.connect(_signed_out, dispatch_uid="huqing-sign-out")
    password_changed.connect(_password_changed, dispatch_uid="huqing-password")
    code_failed.connect(_code_failed, dispatch_uid="huqing-code")
    authenticator_added.connect(_factor_added, dispatch_uid="huqing-factor-add")
    authenticator_removed.connect(_factor_removed, dispatch_uid="huqing-factor-remove")
    authenticator_reset.connect(_factor_renewed, dispatch_uid="huqing-factor-renew")


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    audit.record(by=user, action="sign_in", subject=user, detail={"address": client_address(request)})


def _signed_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        action = "idle_sign_out" if getattr(request, "idle_sign_out", False) else "sign_out"
        audit.record(by=user, action=action, subject=user)


def _password_changed(user: User, **_: Any) -> None:
    user.must_change_password = False
    user.save(update_fields=["must_change_password"])
    audit.record(by=user, action="password_change", subject=user)


def _code_failed(request: HttpRequest, user: User, **_: Any) -> None:
    audit.record(by=None, action="sign_in_code_failed", subject=user, detail=failure(request, user))


def _factor_added(user: User, authenticator: Any, **_: Any) -> None:
    audit.record(by=user, action="second_factor_add", subject=user, detail={"type": str(authenticator.type)})


def _factor_removed(user: User, authenticator: Any, **_: Any) -> None:
    audit.record(by=user, action="second_factor_remove", subject=user, detail={"type": str(authenticator.type)})


def _factor_renewed(user: User, authenticator: Any, **_: Any) -> None:
    audit.record(by=user, action="second_factor_renew", subject=user, detail={"type": str(authenticator.type)})
