"""What a filled form says of itself: whom the visit was about, on which day, and how much of it was typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from huqing.access.instance import working_day
from huqing.registry.models import Household, Person, Region
from huqing.visits.conversions import form_of
from huqing.visits.counting import counts
from huqing.visits.models import FormVersion
from huqing.visits.submitted import Parsed

DAY_QUESTION = "visited_on"
EARLIEST = dt.date(2010, 1, 1)
Answers = Mapping[str, Any]
_LONGEST_KEY = 18


@dataclass(frozen=True)
class Whom:
    """Whom a visit was about, as far as the ids it names exist; a person only if of the household."""

    household: Household | None = None
    person: Person | None = None
    village: Region | None = None

    @property
    def region_code(self) -> str:
        """Where the visit was; "" if it names no place."""
        if self.household:
            return self.household.region_code
        return self.village.code if self.village else ""


def whom(version: FormVersion, answers: Answers) -> Whom:
    """The household, person and village chosen in a form."""
    subjects = form_of(version).subjects or {}
    ids = {subject: key_of(answers.get(path)) for subject, path in subjects.items()}
    household = Household.objects.filter(pk=ids.get("household")).first()
    person = Person.objects.filter(pk=ids.get("person")).select_related("household").first()
    if household is None and "household" not in subjects and person is not None:
        household = person.household
    if person is not None and (household is None or person.household_id != household.pk):
        person = None
    village = Region.objects.filter(pk=ids.get("village"), level=Region.Level.VILLAGE).first()
    return Whom(household, person, village)


def key_of(answer: object) -> int | None:
    """A row's key as an answer gives it; None for whatever no key can be."""
    text = str(answer or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_KEY else None


def visit_day(version: FormVersion, parsed: Parsed, today: dt.date | None = None) -> tuple[dt.date, dict[str, str]]:
    """The day of the visit, and what the phone claimed about time.

    The day is what the form says, or the phone's clock; never after the server's day, and the server's day where the
    claim is impossible. The claim itself is kept.
    """
    today = today or working_day(timezone.localdate())
    claims = dict(parsed.phone_times)
    question = form_of(version).question(DAY_QUESTION)
    claimed = str(parsed.answers.get(question.path) or "") if question and not question.repeat else ""
    if claimed:
        claims[DAY_QUESTION] = claimed
    for claim in (claimed, claims.get("end", ""), claims.get("start", ""), claims.get("today", "")):
        try:
            day = dt.date.fromisoformat(claim[:10])
        except ValueError:
            continue
        return (min(day, today) if day >= EARLIEST else today), claims
    return today, claims


def facts(version: FormVersion, parsed: Parsed, *, today: dt.date | None = None) -> dict[str, Any]:
    """The columns of a submission that its content decides; ``region_code`` is "" if it names no place."""
    found = whom(version, parsed.answers)
    day, claims = visit_day(version, parsed, today)
    village = found.village.code if found.village else ""
    typed, prefilled, derived = counts(version, parsed.answers, found.household, village=village)
    return {
        "household": found.household,
        "person": found.person,
        "region_code": found.region_code,
        "visited_on": day,
        "answers": parsed.answers,
        "typed": typed,
        "prefilled": prefilled,
        "derived": derived,
        "phone_times": claims,
    }
