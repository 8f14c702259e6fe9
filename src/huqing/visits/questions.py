"""The questions of a published form, and an answer in words: what pages, tables and exports have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from huqing.access.scope import visible
from huqing.packs.telling import LAYOUT, TYPES
from huqing.registry.models import Household, Person, Region
from huqing.visits.conversions import form_of
from huqing.visits.models import FormVersion, Submission

if TYPE_CHECKING:
    from huqing.access.models import User

MEDIA = frozenset({"image", "audio", "video", "file", "signature"})
SEVERAL = frozenset({"select_multiple", "rank"})
SUBJECTS = ("household", "person", "village")
_TIME = re.compile(r"(\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$")
_REFERENCE = re.compile(r"\$\{\s*([^}\s]+)\s*\}")


@dataclass(frozen=True)
class Asked:
    """One question, group or repeat as it was published; ``subject`` says whose id the answer is ("" no id)."""

    path: str
    name: str
    type: str
    label: str
    hint: str = ""
    reads: str = ""
    writes: str = ""
    repeat: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""

    @property
    def layout(self) -> bool:
        """Whether it only holds others."""
        return self.type in LAYOUT

    @property
    def shown(self) -> bool:
        """Whether somebody was asked it, or its answer lands in a file: not a note, not a hidden help value."""
        return self.type != "note" and bool(self.label or self.writes)

    @property
    def type_words(self) -> str:
        """The type in words."""
        return TYPES.get(self.type, self.type)


def questions_of(version: FormVersion) -> list[Asked]:
    """The questions of a version in form order."""
    form = form_of(version)
    subjects = {path: subject for subject, path in (form.subjects or {}).items()}
    if form.member:
        subjects[form.member] = "person"
    return [
        Asked(
            path=item.path,
            name=item.name,
            type=item.type,
            label=item.label,
            hint=item.hint,
            reads=item.reads,
            writes=item.writes,
            repeat=item.repeat,
            choices=dict(item.choices),
            subject=subjects.get(item.path, ""),
        )
        for item in form.questions
    ]


@dataclass(frozen=True)
class Names:
    """What the ids in answers are called, as far as the reader may see them."""

    household: Mapping[str, str] = field(default_factory=dict)
    person: Mapping[str, str] = field(default_factory=dict)
    village: Mapping[str, str] = field(default_factory=dict)

    def of(self, subject: str, pk: str) -> str:
        """The name behind an id; the id itself where there is none to see."""
        names: Mapping[str, str] = getattr(self, subject)
        return names.get(pk, f"{pk}（查不到或不在管辖范围内）")


def names_for(user: User, submissions: Iterable[Submission], questions: Iterable[Asked]) -> Names:
    """Names for all ids in the answers of some submissions; a few queries whatever their number."""
    paths = {item.path: item.subject for item in questions if item.subject}
    found: dict[str, set[int]] = {subject: set() for subject in SUBJECTS}
    for submission in submissions:
        for path, text in _flat(submission.answers):
            # Longer digits are no key of ours, and databases refuse them.
            if path in paths and text.isascii() and text.isdecimal() and len(text) < 18:
                found[paths[path]].add(int(text))
    households = visible(Household.objects.filter(pk__in=found["household"]), user)
    people = visible(Person.objects.filter(pk__in=found["person"]), user)
    villages = visible(Region.objects.filter(pk__in=found["village"]), user, "code")
    return Names(
        {str(pk): f"{head}户（{number}）" for pk, head, number in households.values_list("pk", "head_name", "number")},
        {str(pk): name for pk, name in people.values_list("pk", "name")},
        {str(pk): name for pk, name in villages.values_list("pk", "name")},
    )


def _flat(answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, value in answers.items():
        if isinstance(value, list):
            for turn in value:
                if isinstance(turn, dict):
                    yield from _flat(turn)
        else:
            yield path, str(value)


def words(question: Asked | None, text: Any, names: Names) -> str:
    """An answer as a clerk reads it: labels for codes, names for ids, times without seconds."""
    value = "" if text is None else str(text)
    if question is None or not value:
        return value
    if question.subject:
        return names.of(question.subject, value)
    if question.choices:
        codes = value.split() if question.type in SEVERAL else [value]
        return "、".join(question.choices.get(code, code) for code in codes)
    plain = _PLAIN.get(question.type)
    return plain(value) if plain else value


def _place(text: str) -> str:
    parts = text.split()
    if len(parts) < 2:
        return text
    error = f"，误差 {parts[3]} 米" if len(parts) > 3 else ""
    return f"北纬 {parts[0]}，东经 {parts[1]}{error}"


def _moment(text: str) -> str:
    return _TIME.sub(r"\1", text.replace("T", " "))


_PLAIN: dict[str, Callable[[str], str]] = {
    "acknowledge": lambda text: "已确认" if text == "OK" else text,
    "dateTime": _moment,
    "time": _moment,
    "geopoint": _place,
}


def filled_label(question: Asked, answered: Mapping[str, str]) -> str:
    """A label with the answers it mentions put in (``${name}``)."""
    return _REFERENCE.sub(lambda found: answered.get(found[1]) or "〔数值〕", question.label) or question.name
