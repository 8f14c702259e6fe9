"""The methods that come with the product, in ``huqing/methods``: data, no code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from huqing.packs.checking import read_pack
from huqing.packs.manifest import Pack
from huqing.packs.reading import MANIFEST
from huqing.rules.library import library

FOLDER = Path(__file__).parent.parent / "methods"
ORDER = ("four_visits", "linked_visits", "five_looks", "five_hearts")


def shipped_keys() -> tuple[str, ...]:
    """The keys of the shipped methods, the widest first."""
    found = {folder.parent.name for folder in FOLDER.glob(f"*/{MANIFEST}")}
    return (*(key for key in ORDER if key in found), *sorted(found - set(ORDER)))


@cache
def shipped(key: str) -> Pack:
    """A shipped method, checked; KeyError if there is none of that key."""
    if key not in shipped_keys():
        raise KeyError(key)
    return read_pack(FOLDER / key, library(()))
