"""What stands between a form anybody may fill in and the database: no account, no third party, no puzzle.

A page gets a signed token (``token_for``), shown with an empty trap field by ``office/public/guard.html``. ``received``
looks at what came back without touching the database; ``spend`` is called inside the caller's transaction, after what
was sent has been found good and written: it uses the token up and counts the post against its network address, its
village and its phone. Refused posts leave no row, so ten thousand of them cost no disk. Counts are in the database and
hold for all processes; addresses and phones are counted under HMAC tokens and forgotten when their time is over.

    posted = public_forms.received(request, form="application", place=village.code)
    with transaction.atomic():
        row = ...create...
        public_forms.spend(posted, phone=phone, result=str(row.pk))

``FormRefused`` carries words for the page and its status; ``Replayed`` is the second press of one button and carries
the ``result`` of the first. Limits are our own suggestion (status L): a village's phones may share one address of
their carrier, so an address may send more than one family would.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from huqing.access.adapters import client_address
from huqing.access.models import FormCount, UsedFormToken
from huqing.access.seal import token as keyed

TOKEN_FIELD = "form_token"  # noqa: S105  the name of a field
TRAP_FIELD = "website"
LIVES = dt.timedelta(hours=24)
# A server clock that was set back makes tokens of the future; they are renewed rather than called too fast.
SLACK = dt.timedelta(minutes=2)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
LOCKED_FOR = dt.timedelta(minutes=15)
_SALT = "huqing.public-form"
_MOST_TOKEN = 400
_NETWORK = 64  # bits of an IPv6 address that belong to one line

REFUSED, TOO_MANY = 422, 429


class FormRefused(ValueError):
    """A post is not taken; the message says what to do, ``status`` is the answer's."""

    def __init__(self, message: str, status: int = REFUSED) -> None:
        super().__init__(message)
        self.status = status


class Replayed(FormRefused):
    """The form has been sent already; ``result`` is what the caller noted then."""

    def __init__(self, result: str) -> None:
        super().__init__("这份表已经提交过了，不用再交。")
        self.result = result


@dataclass(frozen=True)
class Limits:
    """How many posts of a form are taken: an hour from one address, a day for one village and from one phone."""

    address: int = 20
    village: int = 200
    phone: int = 3

    @staticmethod
    def usual() -> Limits:
        """The installation's limits, from its settings."""
        return Limits(*settings.HUQING_FORM_LIMITS)


@dataclass(frozen=True)
class Posted:
    """A post that may be looked at: which form, for which place, from where, under which token."""

    form: str
    place: str
    address: str
    nonce: str


def issue(form: str, place: str) -> str:
    """A token for one filling-in of ``form`` at ``place`` (a village code, or what else the address names)."""
    return signing.dumps([form, place, secrets.token_hex(12), int(timezone.now().timestamp())], salt=_SALT)


def token_for(request: HttpRequest, *, form: str, place: str) -> str:
    """The token to show: the one that was posted while it is still good, so that a correction need not wait again."""
    posted = request.POST.get(TOKEN_FIELD, "")
    try:
        nonce, age = _read(posted, form, place)
    except FormRefused:
        return issue(form, place)
    if not -SLACK <= age <= LIVES or UsedFormToken.objects.filter(nonce=nonce).exists():
        return issue(form, place)
    return posted


def received(request: HttpRequest, *, form: str, place: str) -> Posted:
    """Look at a post: FormRefused for a filled trap, an upload, a token that is wrong, too young or too old."""
    if request.POST.get(TRAP_FIELD):
        raise FormRefused("没有提交成功，请重新打开页面再填。")
    if request.FILES:
        raise FormRefused("这里不收文件。请只填文字，材料交到村委会。")
    nonce, age = _read(request.POST.get(TOKEN_FIELD, ""), form, place)
    if not -SLACK <= age <= LIVES:
        raise FormRefused("页面打开太久了，填的内容还在，请核对后再按一次提交。")
    if age < dt.timedelta(seconds=settings.HUQING_FORM_SECONDS):
        raise FormRefused("提交得太快了，填的内容还在，请核对后再按一次提交。")
    return Posted(form=form, place=place, address=network_of(client_address(request)), nonce=nonce)


def _read(token: str, form: str, place: str) -> tuple[str, dt.timedelta]:
    wrong = FormRefused("页面已经失效，填的内容还在，请核对后再按一次提交。")
    if not token or len(token) > _MOST_TOKEN:
        raise wrong
    try:
        named, where, nonce, at = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise wrong from None
    if (named, where) != (form, place):
        raise wrong
    return nonce, timezone.now() - dt.datetime.fromtimestamp(at, tz=dt.UTC)


def spend(
    posted: Posted, *, village: str = "", phone: str = "", result: str = "", limits: Limits | None = None
) -> None:
    """Use the token up and count the post; Replayed or FormRefused roll the caller's transaction back.

    ``village`` is the place of the token unless given; ``result`` is what a second press of the button gets to know.
    """
    most, now = limits or Limits.usual(), timezone.now()
    try:
        with transaction.atomic():
            UsedFormToken.objects.create(nonce=posted.nonce, at=now, result=result[:60])
    except IntegrityError:
        raise Replayed(UsedFormToken.objects.get(nonce=posted.nonce).result) from None
    counted: list[tuple[str, str, int, dt.timedelta, str]] = [
        (
            "address",
            posted.address,
            most.address,
            HOUR,
            "这个网络一小时内提交的太多了，请过一小时再试，或到村委会办理。",
        ),
        (
            "village",
            village or posted.place,
            most.village,
            DAY,
            "这个村今天网上提交的太多了，请明天再试，或到村委会办理。",
        ),
        ("phone", phone, most.phone, DAY, "这个电话今天提交的太多了，请明天再试，或到村委会办理。"),
    ]
    for kind, key, limit, within, words in counted:
        if key and _add(f"{posted.form} {kind}", key, within, now).count > limit:
            raise FormRefused(words, TOO_MANY)


def earlier(posted: Posted) -> str | None:
    """The result of an earlier post with this token; None when it has not been used."""
    found = UsedFormToken.objects.filter(nonce=posted.nonce).first()
    return found.result if found else None


def guess(what: str, keys: Sequence[str], *, most: int, within: dt.timedelta = LOCKED_FOR) -> bool:
    """Count one try at something secret under each key; False when one of them has had too many and waits.

    Counted before the answer is looked at, so that many tries at once cannot slip through; ``right`` takes it back.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = [_add(f"{what} guess", key, within, now, step=0) for key in sorted(filter(None, keys))]
        if any(row.count >= most for row in rows):
            return False
        for row in rows:
            row.count += 1
            row.save(update_fields=["count"])
    return True


def right(what: str, keys: Sequence[str]) -> None:
    """Take one counted try back under each key: it was right."""
    with transaction.atomic():
        for key in sorted(filter(None, keys)):
            row = FormCount.objects.select_for_update().filter(kind=f"{what} guess", key=_hidden(key)).first()
            if row is not None and row.count:
                row.count -= 1
                row.save(update_fields=["count"])


def forget_old(now: dt.datetime | None = None) -> int:
    """Drop counts and tokens whose time is over; returns how many."""
    moment = now or timezone.now()
    counts = FormCount.objects.filter(until__lt=moment).delete()[0]
    return counts + UsedFormToken.objects.filter(at__lt=moment - LIVES - DAY).delete()[0]


def network_of(address: str) -> str:
    """What an address is counted under: an IPv6 line has more addresses than anybody could count."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, _NETWORK), strict=False))


def _add(kind: str, key: str, within: dt.timedelta, now: dt.datetime, *, step: int = 1) -> FormCount:
    """The locked count of a key, one further; it starts again when its time is over or the clock was set back."""
    row, created = FormCount.objects.select_for_update().get_or_create(
        kind=kind, key=_hidden(key), defaults={"until": now + within}
    )
    if created:
        FormCount.objects.filter(until__lt=now - DAY).delete()
    elif not now < row.until <= now + within:
        row.count, row.until = 0, now + within
    if step or row.count == 0:
        row.count += step
        row.save(update_fields=["count", "until"])
    return row


def _hidden(key: str) -> str:
    return keyed("", f"form {key}")
