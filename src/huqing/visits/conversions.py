"""What conversion found out about a published form, kept with its version as plain data and read back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from huqing.packs.forms import Converted, Question
from huqing.packs.prefill import Need
from huqing.standards.fields import Field, record_kinds
from huqing.visits.models import FormVersion

_MOST_KEPT = 500
_read_before: dict[tuple[int, str], Converted] = {}


def as_data(form: Converted) -> dict[str, Any]:
    """A converted form without its XML, as JSON can keep it."""
    told = asdict(form)
    del told["xml"]
    told["subjects"] = dict(form.subjects or {})
    return told


def form_of(version: FormVersion) -> Converted:
    """The conversion of a published version; a version that was not converted here has no questions."""
    key = (version.pk, version.md5)
    found = _read_before.get(key)
    if found is None:
        if len(_read_before) > _MOST_KEPT:
            _read_before.clear()
        found = _read_before[key] = _read(version)
    return found


def _read(version: FormVersion) -> Converted:
    told: Mapping[str, Any] = version.conversion or {}
    questions = tuple(
        Question(**{**_known(Question, item), "choices": tuple((code, label) for code, label in item["choices"])})
        for item in told.get("questions", ())
    )
    return Converted(
        xml=version.xform,
        form_id=told.get("form_id", ""),
        version=version.version,
        title=told.get("title", ""),
        questions=questions,
        media=tuple(told.get("media", ())),
        lists=tuple(told.get("lists", ())),
        needs=tuple(Need(**_known(Need, item)) for item in told.get("needs", ())),
        subjects=dict(told.get("subjects") or {}),
        members=told.get("members", ""),
        member=told.get("member", ""),
    )


def _known(kind: Any, item: Mapping[str, Any]) -> dict[str, Any]:
    """Only the entries this release knows: an older release may read what a newer one wrote."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in item.items() if name in names}


@lru_cache(maxsize=2048)
def target(text: str) -> tuple[str, Field | None]:
    """Subject and declared field of a ``reads`` or ``writes`` cell: "household.water_safe"; None for any other."""
    subject, _, key = text.partition(".")
    kind = record_kinds().get(subject)
    return subject, kind.by_key.get(key) if kind and key else None
