"""A conversion as plain data, and back: how it is stored with a published version and handed over by the helper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from huqing.packs.errors import FormProblem
from huqing.packs.forms import Conversion, Converted, Question
from huqing.packs.prefill import Need


def as_data(form: Converted) -> dict[str, Any]:
    """A converted form without its XML, as JSON can keep it."""
    told = asdict(form)
    del told["xml"]
    told["subjects"] = dict(form.subjects or {})
    return told


def from_data(told: Mapping[str, Any], *, xml: str) -> Converted:
    """The form that ``as_data`` wrote down; what this release does not know of is left out."""
    questions = tuple(
        Question(**{**_known(Question, item), "choices": tuple((code, label) for code, label in item["choices"])})
        for item in told.get("questions", ())
    )
    return Converted(
        xml=xml,
        form_id=told.get("form_id", ""),
        version=told.get("version", ""),
        title=told.get("title", ""),
        questions=questions,
        media=tuple(told.get("media", ())),
        lists=tuple(told.get("lists", ())),
        needs=tuple(Need(**_known(Need, item)) for item in told.get("needs", ())),
        subjects=dict(told.get("subjects") or {}),
        members=told.get("members", ""),
        member=told.get("member", ""),
    )


def conversion_as_data(conversion: Conversion) -> dict[str, Any]:
    """A whole outcome, with problems and notes."""
    form = conversion.form
    return {
        "form": {**as_data(form), "xml": form.xml} if form else None,
        "problems": [asdict(problem) for problem in conversion.problems],
        "notes": [asdict(note) for note in conversion.notes],
    }


def conversion_from_data(told: Mapping[str, Any]) -> Conversion:
    """The outcome that ``conversion_as_data`` wrote down."""
    form = told["form"]
    return Conversion(
        form=from_data(form, xml=form["xml"]) if form else None,
        problems=tuple(FormProblem(**problem) for problem in told["problems"]),
        notes=tuple(FormProblem(**note) for note in told["notes"]),
    )


def _known(kind: Any, item: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in item.items() if name in names}
