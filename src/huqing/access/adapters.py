"""How the sign-in library is fitted in: no self-registration, our lockout, sealed second-factor secrets."""

from __future__ import annotations

import math
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.http import HttpRequest
from django.utils import timezone

from huqing.access import audit, lockout
from huqing.access.instance import is_demo
from huqing.access.models import SECOND_FACTOR, User
from huqing.access.seal import seal, unseal

RECENTLY = 300  # seconds


def client_address(request: HttpRequest | None) -> str:
    """The network address a request came from, behind as many proxies as ``HUQING_PROXIES`` says; "" if unknown."""
    if request is None or "REMOTE_ADDR" not in request.META:
        return ""
    try:
        return DefaultAccountAdapter().get_client_ip(request)
    except (PermissionDenied, ImproperlyConfigured):
        return ""


def needs_second_factor(user: User) -> bool:
    """Whether the account may not work without a second factor; a demonstration does not insist."""
    return user.role in SECOND_FACTOR and not is_demo(settings.DATA)


def count_attempt(request: HttpRequest, username: str) -> None:
    """Count a sign-in attempt; ValidationError when account or address is locked."""
    until = lockout.begin(username=username, address=client_address(request))
    if until is not None:
        minutes = max(1, math.ceil((until - timezone.now()).total_seconds() / 60))
        raise ValidationError(
            f"连续输错次数过多，已暂停登录，请 {minutes} 分钟后再试。忘记密码请联系安全管理员。",
            code="too_many_login_attempts",
        )


def failure(request: HttpRequest, user: User | None) -> dict[str, Any]:
    """What the log says of a failed attempt: from where, and whether it locked the account."""
    locked = user is not None and lockout.locked_until(user.username) is not None
    return {"address": client_address(request), "locked": locked}


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by the security administrator; everything about email stays off."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "用户名或密码不对，请重新输入。连续输错会暂停登录。",
        "incorrect_password": "密码不对，请重新输入。",
        "enter_current_password": "当前密码不对，请重新输入。",
        "account_inactive": "该账号已停用，请联系安全管理员。",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody registers themselves."""
        return False

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail is sent: accounts have no address, and the audit log tells what happened."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse locked accounts and addresses before the password is looked at."""
        count_attempt(request, credentials.get("username", ""))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check the password; what was right takes the counted attempt back."""
        user = super().authenticate(request, **credentials)
        if user is not None:
            lockout.succeeded(username=user.username, address=client_address(request))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Audit the failure; a name that is no account is not written down, it may be a password or a number."""
        user = User.objects.filter(username=credentials.get("username", "").strip().lower()).first()
        audit.record(by=None, action="sign_in_failed", subject=user, detail=failure(request, user))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever signed in less than five minutes ago is not asked for the password again."""
        if not super().is_reauthentication_required(app=app, **kwargs):
            return False
        records = get_authentication_records(self.request, self.request.user)
        latest = max((record["at"] for record in records), default=0)
        return timezone.now().timestamp() - latest > RECENTLY


class MfaAdapter(DefaultMFAAdapter):
    """Second-factor secrets are sealed like every other secret; required ones cannot be switched off."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "动态码不对或已过期，请输入身份验证器当前显示的 6 位数字。",
        "cannot_delete_authenticator": "您的身份必须使用动态码登录，不能停用。换手机请联系安全管理员重置。",
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret for the database."""
        return seal(text).hex()

    def decrypt(self, encrypted_text: str) -> str:
        """Read a sealed secret."""
        return unseal(bytes.fromhex(encrypted_text))

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Where a second factor is required it stays."""
        return not needs_second_factor(authenticator.user)
