"""Secret addresses for phones: given out, looked up, revoked, and shown as QR codes.

A link belongs to one person. Its token is told once and kept only as an HMAC, so the database gives away none. What
somebody may do with it is what their account may do at that moment: stopping the account stops the phone.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import zlib
from typing import TYPE_CHECKING

import segno
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import has_number
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers
from huqing.access.seal import token as lookup
from huqing.visits import stamps
from huqing.visits.models import AccessLink
from huqing.visits.prepared import forget_unless_visiting

if TYPE_CHECKING:
    from huqing.access.models import User

TOKEN_BYTES = 48  # 64 URL-safe characters
LONGEST_LABEL = 60


@transaction.atomic
def create_link(*, user: User, label: str, by: User) -> tuple[AccessLink, str]:
    """A new link for a person's phone, and its token, which nobody can read again.

    Whoever visits makes their own; for others it takes the permission, and the other's region within one's own.
    ValidationError names a bad label; Refused says who may do it instead.
    """
    label = label.strip()
    if not label:
        raise ValidationError({"label": "请写明是哪部手机，例如“张三的手机”。"})
    if len(label) > LONGEST_LABEL:
        raise ValidationError({"label": f"不要超过 {LONGEST_LABEL} 个字。"})
    if has_number(label):
        raise ValidationError({"label": "不要写手机号，只写是谁的哪部手机。"})
    _may_manage(by, user)
    require(user, "visit")
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    link = AccessLink.objects.create(
        user=user, token=_kept(secret), label=label, created_at=timezone.now(), created_by=by
    )
    audit.record(by=by, action="link_create", subject=link, region_code=user.region_code, detail=_described(link))
    transaction.on_commit(lambda: _prepare(user.pk))
    return link, secret


@transaction.atomic
def revoke_link(*, link: AccessLink, by: User) -> AccessLink:
    """Make a link useless at once; what waits on its phone stays there until a new link is scanned. Twice is once."""
    _may_manage(by, link.user)
    link = AccessLink.objects.select_for_update(of=("self",)).select_related("user").get(pk=link.pk)
    if link.revoked_at is None:
        link.revoked_at = timezone.now()
        link.save(update_fields=["revoked_at"])
        region = link.user.region_code
        audit.record(by=by, action="link_revoke", subject=link, region_code=region, detail=_described(link))
        forget_unless_visiting(link.user)
    return link


def find_link(token: str) -> AccessLink | None:
    """The link with this token, revoked ones included, with its user; None when there never was one."""
    kept = _kept(token)
    link = AccessLink.objects.select_related("user").filter(token=kept).first() if token else None
    return link if link is not None and hmac.compare_digest(link.token, kept) else None


def user_of(token: str) -> User | None:
    """Whose token this is; None when it is unknown or revoked."""
    link = find_link(token)
    return link.user if link is not None and link.revoked_at is None else None


def note_use(link: AccessLink) -> None:
    """Keep the day a link was last used; at most one write a day."""
    today = timezone.localdate()
    if link.used_on != today:
        AccessLink.objects.filter(pk=link.pk).update(used_on=today)
        link.used_on = today


def collect_settings(url: str) -> str:
    """What ODK Collect reads from a QR code to work with this server: base64 of compressed JSON.

    https://docs.getodk.org/collect-import-export/ names the keys. ``url`` is the secret address without a last slash.
    """
    settings = {
        "general": {
            "protocol": "odk_default",
            "server_url": url.rstrip("/"),
            "app_language": "zh",
            "form_update_mode": "match_exactly",
            "autosend": "wifi_and_cellular",
        },
        "admin": {},
        "project": {"name": "户情", "icon": "户", "color": "#1f5f8b"},
    }
    packed = json.dumps(settings, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(packed, 9)).decode("ascii")


def settings_qr(url: str) -> str:
    """The settings of ODK Collect for a secret address as a QR code (SVG)."""
    return _svg(collect_settings(url))


def app_qr(url: str) -> str:
    """The address of our own phone app, token included, as a QR code (SVG)."""
    return _svg(url)


def _svg(content: str) -> str:
    return segno.make(content, error="m", micro=False).svg_inline(scale=4, border=4, omitsize=True)


def _prepare(account: int) -> None:
    """Have ready what the new phone will ask for: many are set up in one room at one time."""
    from huqing.visits.background import prepare_phone

    if stamps.supported():
        prepare_phone.enqueue(account)


def _kept(token: str) -> str:
    return lookup("", f"link:{token}")


def _described(link: AccessLink) -> dict[str, object]:
    return {"username": link.user.username, "label": link.label}


def _may_manage(by: User, user: User) -> None:
    if by.pk == user.pk:
        require(by, "visit")
        return
    require(by, "manage_links")
    if not covers(by.region_code, user.region_code):
        raise Refused(f"{user.display_name}不在您的管辖范围内，手机链接请由其所在乡镇或县级办理。")
