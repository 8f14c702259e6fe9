"""The names of the drawings in the icon sprite."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

MANIFEST = Path(__file__).parent / "static" / "office" / "dist" / "manifest.json"


@cache
def names() -> frozenset[str]:
    """The icons that ``assets/build.mjs`` put into the sprite."""
    return frozenset(json.loads(MANIFEST.read_text(encoding="utf-8"))["icons"])
