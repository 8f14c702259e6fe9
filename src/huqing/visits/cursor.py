"""What a phone already has, written so that the phone can hand it back: the packet's cursor.

A cursor holds the ids of the phone's households and a digest of what was sent about them, in buckets. The server makes
the whole packet anew each time and leaves out the buckets whose digest has not changed. So no clock decides what is
new, a changed label, age or deadline is found like any other change, a database put back from a backup does no harm,
and nothing about phones needs to be kept on the server. A cursor that cannot be read, or that was made for another
account, leads to a full packet.

Layout, zlib-compressed and in URL-safe base64: version, account's check, number of buckets, digest bytes, ids as the
differences between them; 4 bytes of checksum in front.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

FORMAT = 1
DIGEST = 5  # bytes: a change that hashes to the same is missed once in a million million
# An address may have some 4,000 characters; these keep the cursor of a large village under 3,000.
MOST_BUCKETS = 256
MOST_LENGTH = 100_000


@dataclass(frozen=True)
class Cursor:
    """The households a phone has and the digest of each bucket of them."""

    ids: tuple[int, ...]
    buckets: tuple[bytes, ...]

    def bucket(self, household: int) -> int:
        """The bucket a household belongs to."""
        return household % len(self.buckets)


def made(contents: Mapping[int, bytes]) -> Cursor:
    """The cursor for these households with what is sent about each."""
    ids = tuple(sorted(contents))
    count = min(max(len(ids), 1), MOST_BUCKETS)
    sums = [blake2b(digest_size=DIGEST) for _ in range(count)]
    for household in ids:
        sums[household % count].update(household.to_bytes(8, "big") + blake2b(contents[household]).digest())
    return Cursor(ids, tuple(item.digest() for item in sums))


def changed(before: Cursor, contents: Mapping[int, bytes]) -> list[int]:
    """The households whose bucket is no longer as it was."""
    count = len(before.buckets)
    sums = [blake2b(digest_size=DIGEST) for _ in range(count)]
    for household in sorted(contents):
        sums[household % count].update(household.to_bytes(8, "big") + blake2b(contents[household]).digest())
    differing = {number for number, item in enumerate(sums) if item.digest() != before.buckets[number]}
    return [household for household in contents if household % count in differing]


def written(cursor: Cursor, account: int) -> str:
    """The cursor as text."""
    body = bytearray([FORMAT])
    for number in (account, len(cursor.buckets), len(cursor.ids), *_steps(cursor.ids)):
        body += _varint(number)
    body += b"".join(cursor.buckets)
    packed = zlib.compress(bytes(body), 9)
    return base64.urlsafe_b64encode(zlib.crc32(packed).to_bytes(4, "big") + packed).rstrip(b"=").decode()


def read(text: str, account: int) -> Cursor | None:
    """The cursor in ``text``; None if it is none of ours or another account's."""
    if not text or len(text) > MOST_LENGTH:
        return None
    try:
        return _parsed(_opened(text), account)
    except (ValueError, zlib.error, IndexError):
        return None


def _opened(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    packed = raw[4:]
    if zlib.crc32(packed).to_bytes(4, "big") != raw[:4]:
        raise ValueError("not as it was sent")
    opened = zlib.decompressobj()
    body = opened.decompress(packed, MOST_LENGTH)
    if opened.unconsumed_tail or body[0] != FORMAT:
        raise ValueError("larger than any cursor, or of another version")
    return body


def _parsed(body: bytes, account: int) -> Cursor:
    owner, at = _number(body, 1)
    count, at = _number(body, at)
    length, at = _number(body, at)
    ids, last = [], 0
    for _ in range(length):
        step, at = _number(body, at)
        ids.append(last := last + step)
    sums = body[at:]
    if owner != account or not 0 < count <= MOST_BUCKETS or len(sums) != count * DIGEST:
        raise ValueError("another account's, or cut off")
    return Cursor(tuple(ids), tuple(sums[start : start + DIGEST] for start in range(0, len(sums), DIGEST)))


def _steps(ids: Iterable[int]) -> Iterable[int]:
    last = 0
    for number in ids:
        yield number - last
        last = number


def _varint(number: int) -> bytes:
    made_of = bytearray()
    while number > 0x7F:
        made_of.append(number & 0x7F | 0x80)
        number >>= 7
    made_of.append(number)
    return bytes(made_of)


def _number(body: bytes, at: int) -> tuple[int, int]:
    """The number at ``at`` and the place behind it."""
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
