"""What was worked out for a person's phone, kept in the database until something it was worked out from changes.

It is served only after ``stamps`` has said that the very households that are in the person's care now are unchanged
since: never a household of before, never a value of before. Links and accounts that end take it with them. It holds
no number of anybody, and nothing that the tables beside it do not hold as plainly.
"""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from huqing.access.permissions import may
from huqing.visits import stamps
from huqing.visits.models import AccessLink, Prepared

if TYPE_CHECKING:
    from huqing.access.models import User

PACKET, LISTS = "packet", "lists"
# Fast: it is written in the request that found something changed.
LEVEL = 1
OLD = dt.timedelta(days=30)
_ENTRY = Struct("<qqI")  # household, stamp, bytes of its piece


def pieces(
    user: User, households: Sequence[int], basis: str, make: Callable[[Sequence[int]], Mapping[int, bytes]]
) -> dict[int, bytes]:
    """What is told of each household, in this order: kept pieces where nothing has changed, ``make`` for the others.

    ``basis`` stands for everything besides the households that the pieces are made of.
    """
    if not stamps.supported():
        made = make(households)
        return {household: made[household] for household in households}
    now = stamps.of_packet(households)
    basis = stamps.digest(basis, now.pop(stamps.SHARED, 0))
    kept = _pieces(user, basis)
    same = {household: kept[household][1] for household in households if _same(kept, now, household)}
    missing = [household for household in households if household not in same]
    found = {**same, **(make(missing) if missing else {})}
    told = {household: found[household] for household in households}
    if missing or len(kept) > len(told):
        index = b"".join(_ENTRY.pack(pk, now[pk], len(piece)) for pk, piece in told.items())
        _keep(user, PACKET, basis, index, zlib.compress(b"".join(told.values()), LEVEL))
    return told


def _same(kept: Mapping[int, tuple[int, bytes]], now: Mapping[int, int], household: int) -> bool:
    return household in kept and kept[household][0] == now.get(household)


def _pieces(user: User, basis: str) -> dict[int, tuple[int, bytes]]:
    row = Prepared.objects.filter(user=user, name=PACKET, basis=basis).first()
    if row is None:
        return {}
    content, at, found = zlib.decompress(row.content), 0, {}
    for household, stamp, length in _ENTRY.iter_unpack(row.index):
        found[household] = (stamp, content[at : at + length])
        at += length
    return found


def index(user: User, name: str, basis: str) -> dict[str, list[int | str]] | None:
    """The parts of a prepared content as ``whole`` takes them: key → check, place, length; None: not (any more) so."""
    raw = Prepared.objects.filter(user=user, name=name, basis=basis).values_list("index", flat=True).first()
    return None if raw is None else json.loads(bytes(raw))


def part(user: User, name: str, basis: str, key: str) -> bytes | None:
    """One part of a prepared content; None when it is not there (any more)."""
    row = Prepared.objects.filter(user=user, name=name, basis=basis).first()
    entry = json.loads(bytes(row.index)).get(key) if row is not None else None
    if row is None or entry is None:
        return None
    _, at, length = entry
    return zlib.decompress(bytes(row.content[at : at + length]))


def keep_parts(user: User, name: str, basis: str, parts: Mapping[str, tuple[str, bytes]]) -> None:
    """Keep a content of several parts; key → check and bytes. Each is packed by itself: they are fetched one by one."""
    entries, at, packed = {}, 0, []
    for key, (check, content) in parts.items():
        packed.append(zlib.compress(content, LEVEL))
        entries[key] = (check, at, len(packed[-1]))
        at += len(packed[-1])
    _keep(user, name, basis, json.dumps(entries).encode(), b"".join(packed))


def _keep(user: User, name: str, basis: str, index: bytes, content: bytes) -> None:
    if not AccessLink.objects.filter(user=user, revoked_at=None).exists():
        return
    values = {
        "basis": basis,
        "index": index,
        "content": content,
        "made_at": timezone.now(),
    }
    Prepared.objects.bulk_create(
        [Prepared(user=user, name=name, **values)],
        update_conflicts=True,
        unique_fields=["user", "name"],
        update_fields=list(values),
    )


def forget_unless_visiting(user: User) -> None:
    """Remove what is prepared for somebody who may not visit any more or has no link that opens."""
    if not may(user, "visit") or not AccessLink.objects.filter(user=user, revoked_at=None).exists():
        Prepared.objects.filter(user=user).delete()


def sweep() -> int:
    """Remove what nobody will fetch: of people without an open link, or that has not held for a month."""
    with_link = AccessLink.objects.filter(revoked_at=None).values("user")
    old = Q(made_at__lt=timezone.now() - OLD)
    return Prepared.objects.filter(~Q(user__in=with_link) | Q(user__is_active=False) | old).delete()[0]
