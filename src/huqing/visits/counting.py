"""How many answers of a visit were typed, shown by themselves and left, or worked out: entries nobody had to repeat.

Only what a person would otherwise have written counts: questions with an answer, of the visit or of each turn of a
repeat. An answer equal to what the file says was prefilled, any other was typed; the choice of the household and what
the phone notes by itself (start, device) are left out. So a doubt counts as typed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from huqing.packs import fits
from huqing.packs.forms import Converted, Question
from huqing.packs.telling import LAYOUT, NOTED
from huqing.registry.models import Household, Person
from huqing.registry.values import raw_text
from huqing.standards.fields import Field
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value
from huqing.visits.conversions import form_of, target
from huqing.visits.filevalues import Places, household_value, person_value, places_of, text_of, village_value
from huqing.visits.models import FormVersion

_NEVER_LATE = dt.date(2199, 12, 31)
WORKED_OUT = ("calculate",)
UNASKED = (*LAYOUT, *NOTED, "note", "hidden", "trigger")


def counts(
    version: FormVersion, answers: Mapping[str, Any], household: Household | None, *, village: str = ""
) -> tuple[int, int, int]:
    """How many answers were (typed, prefilled and left, derived); ``village`` is the code of a village visited."""
    form = form_of(version)
    shown = Shown(form, household, village)
    typed = prefilled = derived = 0
    pickers = set((form.subjects or {}).values())
    for question, text, around in answered(form, answers):
        if not text or question.type in UNASKED or question.path in pickers:
            continue
        if question.type in WORKED_OUT:
            derived += not question.reads and question.path != form.member
        else:
            same = shown.same(question, text, around)
            prefilled += same
            typed += not same
    return typed, prefilled, derived


def answered(form: Converted, answers: Mapping[str, Any]) -> Iterator[tuple[Question, str, Mapping[str, Any]]]:
    """Every asked question with its answer ("" blank) and all plain answers around it, its own turn's first."""
    by_path = {question.path: question for question in form.questions}
    yield from _answered(by_path, answers, {})


def _answered(
    by_path: Mapping[str, Question], answers: Mapping[str, Any], around: Mapping[str, Any]
) -> Iterator[tuple[Question, str, Mapping[str, Any]]]:
    within = {**around, **{path: value for path, value in answers.items() if not isinstance(value, list)}}
    for path, value in answers.items():
        if isinstance(value, list):
            for turn in value:
                yield from _answered(by_path, turn, within)
        elif path in by_path:
            yield by_path[path], str(value).strip(), within


class Shown:
    """What the file showed for the questions of one visit."""

    def __init__(self, form: Converted, household: Household | None, village: str = "") -> None:
        self.form = form
        self.household = household
        self.village = village
        reads = {question.reads.partition(".")[0] for question in form.questions if "." in question.reads}
        self.members: dict[str, Person] = {}
        if household and "person" in reads:
            self.members = {str(person.pk): person for person in household.members.all()}
        code = household.region_code if household else village
        needed = "village" in reads or any(question.reads.endswith("_name") for question in form.questions)
        self.places = places_of([code], villages="village" in reads) if code and needed else Places()

    def value(self, question: Question, around: Mapping[str, Any]) -> tuple[Field | None, Any]:
        """The field a question reads and what is stored there."""
        subject, declared = target(question.reads)
        if declared is None:
            return None, None
        places = self.places
        if subject == "household" and self.household:
            return declared, household_value(self.household, declared, places)
        if subject == "person" and self.household:
            person = self.members.get(self.person_id(around))
            return declared, person_value(person, self.household, declared, places) if person else None
        if subject == "village":
            code = self.household.region_code if self.household else self.village
            return declared, village_value(code, declared, places)
        return declared, None

    def person_id(self, around: Mapping[str, Any]) -> str:
        """Whom the answers are about: the member of this turn of the repeat, or the person chosen."""
        picker = (self.form.subjects or {}).get("person", "")
        return str(around.get(self.form.member) or around.get(picker) or "").strip()

    def same(self, question: Question, text: str, around: Mapping[str, Any]) -> bool:
        """Whether an answer says what the file said."""
        declared, present = self.value(question, around)
        if declared is None or present in (None, "", []):
            return False
        return says(declared, text, present) or text.strip() == text_of(declared, present, words=True)


def says(declared: Field, text: str, present: Any) -> bool:
    """Whether an answer means the stored value: 3.5 is 3.50, several codes are the same in any order."""
    if text.strip() == text_of(declared, present):
        return True
    value = check_value(declared, raw_text(fits.answer_value(declared, text)), as_of=_NEVER_LATE)
    if isinstance(value, Problem):
        return False
    return set(value) == set(present) if isinstance(value, list) and isinstance(present, list) else value == present
