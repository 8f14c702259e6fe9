"""What a password must be like, and that the last ones are not used again."""

from __future__ import annotations

import datetime as dt
import secrets
import string
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils import timezone

if TYPE_CHECKING:
    from huqing.access.models import User

MINIMUM_LENGTH = 10
MINIMUM_CLASSES = 3
REMEMBERED = 3
EXPIRES_AFTER = dt.timedelta(days=90)
SHORTEST_NAME = 3

RULES = (
    f"至少 {MINIMUM_LENGTH} 位；大写字母、小写字母、数字、符号四类中至少有 {MINIMUM_CLASSES} 类；"
    f"不含用户名和姓名；不用常见密码；不与最近 {REMEMBERED} 次相同。"
)


class ShapeRule:
    """Length and kinds of characters."""

    def validate(self, password: str, user: User | None = None) -> None:
        """ValidationError when too short or of too few kinds."""
        if len(password) < MINIMUM_LENGTH:
            raise ValidationError(
                f"密码只有 {len(password)} 位，请写至少 {MINIMUM_LENGTH} 位。", code="password_too_short"
            )
        classes = (
            any(c.islower() for c in password),
            any(c.isupper() for c in password),
            any(c.isdigit() for c in password),
            any(not c.isalnum() for c in password),
        )
        if sum(classes) < MINIMUM_CLASSES:
            raise ValidationError(
                f"密码太单一：大写字母、小写字母、数字、符号四类中请至少用 {MINIMUM_CLASSES} 类。",
                code="password_too_plain",
            )

    def get_help_text(self) -> str:
        """All rules in one sentence, for the form."""
        return RULES


class NotTheNameRule:
    """The password does not hold the user name or the display name."""

    def validate(self, password: str, user: User | None = None) -> None:
        """ValidationError when a name of the account is part of the password."""
        if user is None:
            return
        names = [user.username, user.username[::-1], user.display_name]
        if any(len(name) >= SHORTEST_NAME and name.lower() in password.lower() for name in names):
            raise ValidationError("密码里不能含有用户名或姓名，请换一个。", code="password_is_name")

    def get_help_text(self) -> str:
        """Said by the first rule already."""
        return ""


class HistoryRule:
    """The last passwords of an account are not used again; keeps their hashes."""

    def validate(self, password: str, user: User | None = None) -> None:
        """ValidationError when the password is one of the last three."""
        if user is None or user.pk is None:
            return
        hashes = list(user.past_passwords.values_list("password", flat=True)[:REMEMBERED])
        if not hashes and user.has_usable_password():
            hashes = [user.password]
        if any(check_password(password, encoded) for encoded in hashes):
            raise ValidationError(f"这个密码最近 {REMEMBERED} 次内用过，请换一个新的。", code="password_used_before")

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Note the new hash and the day; Django calls this after it has saved a new password."""
        if user is None or user.pk is None or not user.has_usable_password():
            return
        now = timezone.now()
        user.past_passwords.create(password=user.password, at=now)
        kept = list(user.past_passwords.values_list("pk", flat=True)[:REMEMBERED])
        user.past_passwords.exclude(pk__in=kept).delete()
        user.password_changed_at = now
        type(user).objects.filter(pk=user.pk).update(password_changed_at=now)

    def get_help_text(self) -> str:
        """Said by the first rule already."""
        return ""


def expired(user: User, now: dt.datetime) -> bool:
    """Whether the password is older than ninety days."""
    return user.password_changed_at is not None and now - user.password_changed_at > EXPIRES_AFTER


def make_password() -> str:
    """A random first password of 14 characters that keeps the rules and has no look-alike characters."""
    alphabet = "".join(c for c in string.ascii_letters + string.digits if c not in "0O1lIo")
    symbols = "-+=@#"
    while True:
        password = "".join(secrets.choice(alphabet) for _ in range(13)) + secrets.choice(symbols)
        if any(c.islower() for c in password) and any(c.isupper() for c in password):
            return password
