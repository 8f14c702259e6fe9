"""What the forms of a packet read of households, people, villages and parameters, as the forms take it.

The same values by the same columns as in the lists that other clients fetch (``visits.lists``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from huqing.packs.bindings import PARAMETER
from huqing.packs.prefill import Need
from huqing.registry.models import Household, Person, Region
from huqing.standards.fields import Field, record_kinds
from huqing.visits.filevalues import Places, household_value, person_value, places_of, text_of, village_value
from huqing.visits.methods import parameter_text, parameters_of
from huqing.visits.models import FormVersion

VILLAGE = "village"


class Reads:
    """The columns that the forms of an account need, and their values; empty ones are left out."""

    def __init__(self, forms: Sequence[FormVersion]) -> None:
        self.forms = forms
        wanted = [_need(raw) for version in forms for raw in version.conversion.get("needs", [])]
        self.needs = tuple(dict.fromkeys(wanted))
        self.fields = {subject: list(self._fields(subject)) for subject in ("household", "person", VILLAGE)}
        self.places = Places()

    def _fields(self, subject: str) -> Iterable[tuple[Need, Field]]:
        declared = record_kinds()[subject].by_key
        for need in self.needs:
            field = declared.get(need.key) if need.subject == subject else None
            # A form that was published before a field was sealed or taken away reads nothing there.
            if field is not None and not field.sealed:
                yield need, field

    def load(self, villages: Iterable[Region]) -> None:
        """Read the names around these villages and their own records."""
        self.places = places_of((region.code for region in villages), villages=bool(self.fields[VILLAGE]))

    def of_household(self, row: Household) -> dict[str, str]:
        """The values of one household, by column."""
        return _filled(
            (need, text_of(field, household_value(row, field, self.places), words=need.words))
            for need, field in self.fields["household"]
        )

    def of_person(self, row: Person, household: Household) -> dict[str, str]:
        """The values of one person, by column."""
        return _filled(
            (need, text_of(field, person_value(row, household, field, self.places), words=need.words))
            for need, field in self.fields["person"]
        )

    def of_village(self, code: str) -> dict[str, str]:
        """The values of one village, by column, from the record of its newest year."""
        return _filled(
            (need, text_of(field, village_value(code, field, self.places), words=need.words))
            for need, field in self.fields[VILLAGE]
        )

    def parameters(self, region: str, day: dt.date) -> dict[str, str]:
        """The parameters in force, money in yuan; one that has no value there and then is left out."""
        found: dict[str, str] = {}
        for version in self.forms:
            keys = [raw["key"] for raw in version.conversion.get("needs", []) if raw["subject"] == PARAMETER]
            known = parameters_of(version.form.method) if keys else {}
            found |= {key: text for key in keys if (text := parameter_text(known.get(key), day, region))}
        return found


def _need(raw: dict[str, object]) -> Need:
    return Need(str(raw["subject"]), str(raw["key"]), bool(raw.get("words")))


def _filled(columns: Iterable[tuple[Need, str]]) -> dict[str, str]:
    return {need.column: text for need, text in columns if text}
