"""Locking after failed sign-ins, per account and per network address, counted in the database.

An attempt is counted before the password is looked at and taken back when it was right, so that many attempts at once
cannot slip through. An address may fail more often than an account, because one office often shares one address.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access.models import SignInFailure, UsedCode, User
from huqing.access.seal import token

Kind = SignInFailure.Kind
LOCKED_FOR = dt.timedelta(minutes=15)
CODE_LIVES = dt.timedelta(minutes=2)  # a code is accepted in its own half minute and the ones before and after
FORGOTTEN_AFTER = dt.timedelta(days=1)


def limits() -> dict[str, int]:
    """How many failures lock an account and an address."""
    return {
        Kind.ACCOUNT: settings.HUQING_ACCOUNT_FAILURES,
        Kind.ADDRESS: settings.HUQING_ADDRESS_FAILURES,
    }


def account_key(username: str) -> str:
    """What failures are counted under; a name that is no account is not kept in clear, it may be a person's number."""
    name = username.strip().lower()
    if User.objects.filter(username=name).exists():
        return name[:64]
    return token("", name or "-")


def begin(*, username: str, address: str) -> dt.datetime | None:
    """Count an attempt; returns until when account or address is locked, None when it may go on."""
    return _count(_keys(username, address))


def wrong_link(*, address: str) -> dt.datetime | None:
    """Count a phone's link that does not exist; returns until when its address is not answered, None while it is.

    Counted apart from sign-ins: a phone that tries an old link all day must not lock its office out.
    """
    return _count([(Kind.ADDRESS, f"link {address}"[:64])])


def _count(keys: list[tuple[str, str]]) -> dt.datetime | None:
    now = timezone.now()
    with transaction.atomic():
        rows = [_row(kind, key, now) for kind, key in keys]
        locked = [row.locked_until for row in rows if row.locked_until and row.locked_until > now]
        if locked:
            return max(locked)
        for row in rows:
            row.count += 1
            if row.count >= limits()[row.kind]:
                row.locked_until = now + LOCKED_FOR
            row.save()
    return None


def succeeded(*, username: str, address: str) -> None:
    """Take the attempt back: the account starts afresh, the address is one attempt better off."""
    with transaction.atomic():
        SignInFailure.objects.filter(kind=Kind.ACCOUNT, key=account_key(username)).delete()
        row = SignInFailure.objects.select_for_update().filter(kind=Kind.ADDRESS, key=address[:64]).first()
        if row is not None:
            row.count = max(row.count - 1, 0)
            row.locked_until = None
            row.save()


def locked_until(username: str) -> dt.datetime | None:
    """Until when the account is locked; None when it is not."""
    row = SignInFailure.objects.filter(kind=Kind.ACCOUNT, key=account_key(username)).first()
    return row.locked_until if row and row.locked_until and row.locked_until > timezone.now() else None


def unlock(username: str) -> int:
    """Forget the failures of an account; returns how many there were."""
    return SignInFailure.objects.filter(kind=Kind.ACCOUNT, key=account_key(username)).delete()[0]


def use_code(user: User, code: str) -> bool:
    """Note that a one-time code was used; False when it had been used already and must be refused."""
    now = timezone.now()
    UsedCode.objects.filter(at__lt=now - CODE_LIVES).delete()
    try:
        with transaction.atomic():
            UsedCode.objects.create(user=user, token=token("", f"{user.pk}:{code.strip()}"), at=now)
    except IntegrityError:
        return False
    return True


def _keys(username: str, address: str) -> list[tuple[str, str]]:
    # Always in the same order, so that two attempts cannot wait for each other.
    return [(Kind.ACCOUNT, account_key(username)), (Kind.ADDRESS, address[:64])]


def _row(kind: str, key: str, now: dt.datetime) -> SignInFailure:
    """The locked row of a key; counting starts again when its lock or its quarter of an hour is over."""
    row, created = SignInFailure.objects.select_for_update().get_or_create(
        kind=kind, key=key, defaults={"first_at": now}
    )
    if created:
        SignInFailure.objects.filter(first_at__lt=now - FORGOTTEN_AFTER).delete()
    over = row.locked_until is not None and row.locked_until <= now
    if over or (row.locked_until is None and now - row.first_at > LOCKED_FOR):
        row.count, row.first_at, row.locked_until = 0, now, None
    return row
