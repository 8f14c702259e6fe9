"""Packing lists that must not change: canonical JSON, compressed, with a digest anybody can compute again."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any


def canonical(content: Any) -> bytes:
    """The content as UTF-8 JSON with sorted keys and no spaces."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def pack(content: Any) -> bytes:
    """The content compressed, for a binary column."""
    return pack_text(canonical(content))


def pack_text(text: bytes) -> bytes:
    """JSON that is canonical already, compressed."""
    return zlib.compress(text, 6)


def unpack(packed: bytes | memoryview) -> Any:
    """What was packed."""
    return json.loads(text_of(packed))


def text_of(packed: bytes | memoryview) -> str:
    """The JSON that was packed, as it was written."""
    return zlib.decompress(bytes(packed)).decode()


def digest(content: Any) -> str:
    """SHA-256 over the canonical content, in hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()
