"""What conversion found out about a published form, read back from its version."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from huqing.packs.forms import Converted
from huqing.packs.plain import as_data, from_data
from huqing.standards.fields import Field, record_kinds
from huqing.visits.models import FormVersion

__all__ = ["as_data", "form_of", "target"]

_MOST_KEPT = 500
_read_before: dict[tuple[int, str, dt.datetime], Converted] = {}


def form_of(version: FormVersion) -> Converted:
    """The conversion of a published version; a version that was not converted here has no questions."""
    key = (version.pk, version.md5, version.published_at)
    found = _read_before.get(key)
    if found is None:
        if len(_read_before) > _MOST_KEPT:
            _read_before.clear()
        found = _read_before[key] = from_data(version.conversion or {}, xml=version.xform)
    return found


@lru_cache(maxsize=2048)
def target(text: str) -> tuple[str, Field | None]:
    """Subject and declared field of a ``reads`` or ``writes`` cell: "household.water_safe"; None for any other."""
    subject, _, key = text.partition(".")
    kind = record_kinds().get(subject)
    return subject, kind.by_key.get(key) if kind and key else None
