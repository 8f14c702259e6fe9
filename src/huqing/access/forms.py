"""The sign-in forms, in plain Chinese and under our lockout."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, LoginForm, ReauthenticateForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as CodeAgainForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.core.exceptions import ValidationError

from huqing.access import lockout
from huqing.access.adapters import client_address, count_attempt
from huqing.access.passwords import RULES


class SignInForm(LoginForm):
    """User name and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "login", "用户名")
        _say(self, "password", "密码", help_text="忘记密码请联系安全管理员重置。")
        self.fields["login"].widget.attrs.update(autofocus=True, autocapitalize="none", spellcheck="false")


class PasswordAgainForm(ReauthenticateForm):
    """The password once more, before something sensitive."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "password", "密码", help_text="为了安全，请再输入一次您的登录密码。")


class NewPasswordForm(ChangePasswordForm):
    """The old password and a new one, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "oldpassword", "当前密码")
        _say(self, "password1", "新密码", help_text=RULES)
        _say(self, "password2", "再输一次新密码")

    def clean_oldpassword(self) -> str:
        """Guessing the old password counts like guessing at the sign-in."""
        request, user = context.request, self.user
        count_attempt(request, user.username)
        if not user.check_password(self.cleaned_data.get("oldpassword", "")):
            raise get_adapter().validation_error("enter_current_password")
        lockout.succeeded(username=user.username, address=client_address(request))
        return self.cleaned_data["oldpassword"]


class _CountedCode:
    """Wrong codes count like wrong passwords: six digits are soon guessed otherwise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "code", "动态码", help_text="身份验证器显示的 6 位数字，或一个备用码。")
        self.fields["code"].widget.attrs.update(inputmode="numeric", autofocus=True)

    def clean_code(self) -> str:
        request = context.request
        count_attempt(request, self.user.username)
        code = super().clean_code()
        if not lockout.use_code(self.user, code):
            raise ValidationError("这个动态码刚用过，请等身份验证器显示下一个。", code="code_used")
        lockout.succeeded(username=self.user.username, address=client_address(request))
        return code


class CodeForm(_CountedCode, AuthenticateForm):
    """The second step of signing in."""


class CodeOnceMoreForm(_CountedCode, CodeAgainForm):
    """A code before something sensitive."""


class ActivateCodeForm(_CountedCode, ActivateTOTPForm):
    """The first code of a newly added authenticator."""


def _say(form: Any, name: str, label: str, help_text: str = "") -> None:
    field = form.fields[name]
    field.label = label
    field.help_text = help_text
    field.widget.attrs.pop("placeholder", None)
