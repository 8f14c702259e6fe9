"""Reads about accounts and the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from huqing.access import lockout, passwords
from huqing.access.models import AuditEvent, SignInFailure, User
from huqing.access.permissions import require


def users(*, by: User, text: str = "", role: str = "", active: bool | None = None) -> QuerySet[User]:
    """The accounts, each with ``has_second_factor`` and ``is_locked``; text looks in name, user name and unit."""
    require(by, "view_users")
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    lock = SignInFailure.objects.filter(
        kind=SignInFailure.Kind.ACCOUNT, key=OuterRef("username"), locked_until__gt=timezone.now()
    )
    found = User.objects.annotate(has_second_factor=Exists(factor), is_locked=Exists(lock)).order_by("role", "username")
    if text:
        found = found.filter(Q(username__icontains=text) | Q(display_name__icontains=text) | Q(unit__icontains=text))
    if role:
        found = found.filter(role=role)
    if active is not None:
        found = found.filter(is_active=active)
    return found


def user_state(user: User) -> dict[str, Any]:
    """What the account page shows beside the fields: lock, password age, second factor."""
    now = timezone.now()
    return {
        "locked_until": lockout.locked_until(user.username),
        "password_expired": passwords.expired(user, now),
        "has_second_factor": Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists(),
    }


def audit_events(
    *,
    by: User,
    action: str = "",
    actor: str = "",
    subject: tuple[str, str] | None = None,
    region_code: str = "",
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> QuerySet[AuditEvent]:
    """The audit log, newest first; ``actor`` looks in the names, ``subject`` is (kind, id), dates are inclusive."""
    require(by, "view_audit")
    found = AuditEvent.objects.select_related("actor").order_by("-id")
    if action:
        found = found.filter(action=action)
    if actor:
        found = found.filter(actor_name__icontains=actor)
    if subject:
        found = found.filter(subject_kind=subject[0], subject_id=subject[1])
    if region_code:
        found = found.filter(region_code__startswith=region_code)
    zone = timezone.get_current_timezone()
    if since:
        found = found.filter(at__gte=dt.datetime.combine(since, dt.time.min, tzinfo=zone))
    if until:
        found = found.filter(at__lt=dt.datetime.combine(until + dt.timedelta(days=1), dt.time.min, tzinfo=zone))
    return found
