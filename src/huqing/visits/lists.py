"""The lists that forms choose from and are prefilled from: household.csv, person.csv, village.csv, parameter.csv.

Made for the households of one account. The same file makes the same bytes, so that a phone fetches a list again only
when something in it has changed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from django.db.models import QuerySet
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.packs.bindings import PARAMETER
from huqing.packs.forms import Converted
from huqing.registry.models import Household, Person, Region
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field, record_kinds
from huqing.visits.conversions import form_of
from huqing.visits.filevalues import Places, household_value, person_value, places_of, text_of, village_value
from huqing.visits.methods import parameter_text, parameters_of
from huqing.visits.models import FormVersion

KEYS = ("id", "title", "household")
_DIRTY = dict.fromkeys(range(32), " ") | {ord("\n"): "\n"}
Column = tuple[str, Field, bool]


def lists_for(version: FormVersion, households: QuerySet[Household]) -> dict[str, bytes]:
    """The product's lists that a form uses, with these households, by file name."""
    form = form_of(version)
    if not form.lists:
        return {}
    rows = list(households.order_by("region_code", "number", "pk"))
    columns = {subject: _columns(form, subject) for subject in ("household", "person", "village")}
    codes = {household.region_code for household in rows}
    places = places_of(codes, villages=bool(columns["village"]))
    made: dict[str, bytes] = {}
    for name in form.lists:
        subject = name.removesuffix(".csv")
        if subject == PARAMETER:
            made[name] = _parameters(form, version, rows)
        elif subject == "village":
            made[name] = _csv([*KEYS[:2], *_heads(columns[subject])], _villages(codes, columns[subject], places))
        elif subject == "person":
            made[name] = _csv([*KEYS, *_heads(columns[subject])], _people(rows, columns[subject], places))
        else:
            made[name] = _csv([*KEYS[:2], *_heads(columns[subject])], _households(rows, columns[subject], places))
    return made


def _columns(form: Converted, subject: str) -> list[Column]:
    """Head, field and whether in words, of each column of a list; a field that was taken away since is left out."""
    known = record_kinds()[subject].by_key
    wanted = [need for need in form.needs if need.subject == subject and need.key in known]
    return [(need.column, known[need.key], need.words) for need in sorted(wanted, key=lambda need: need.column)]


def _heads(columns: Sequence[Column]) -> list[str]:
    return [head for head, _, _ in columns]


def _households(rows: Sequence[Household], columns: Sequence[Column], places: Places) -> Iterator[list[str]]:
    for household in rows:
        where = f"{places.name(household.region_code)}{household.group_name}"
        yield [
            str(household.pk),
            " ".join(part for part in (household.head_name, where, household.number) if part),
            *(text_of(one, household_value(household, one, places), words=words) for _, one, words in columns),
        ]


def _people(rows: Sequence[Household], columns: Sequence[Column], places: Places) -> Iterator[list[str]]:
    homes = {household.pk: household for household in rows}
    order = {pk: index for index, pk in enumerate(homes)}
    relations = codelist("relation_to_head")
    people = Person.objects.filter(household__in=list(homes)).defer("id_number_sealed", "phone_sealed")
    for person in sorted(people, key=lambda one: (order[one.household_id], one.relation, one.pk)):
        household = homes[person.household_id]
        relation = relations.label(person.relation) if person.relation in relations else ""
        yield [
            str(person.pk),
            f"{person.name}（{relation}）" if relation else person.name,
            str(household.pk),
            *(
                text_of(field, person_value(person, household, field, places), words=words)
                for _, field, words in columns
            ),
        ]


def _villages(codes: Iterable[str], columns: Sequence[Column], places: Places) -> Iterator[list[str]]:
    for region in Region.objects.filter(code__in=list(codes), level=Region.Level.VILLAGE, valid_to=None).order_by(
        "code"
    ):
        yield [
            str(region.pk),
            f"{region.name} {places.name(region.code, 9)}".strip(),
            *(text_of(field, village_value(region.code, field, places), words=words) for _, field, words in columns),
        ]


def _parameters(form: Converted, version: FormVersion, rows: Sequence[Household]) -> bytes:
    """One row: the values in force today in the county of the households."""
    keys = sorted({need.key for need in form.needs if need.subject == PARAMETER})
    known = parameters_of(version.form.method)
    region = rows[0].region_code if rows else ""
    today = working_day(timezone.localdate())
    return _csv(keys, [[parameter_text(known.get(key), today, region) for key in keys]])


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([cell.translate(_DIRTY) for cell in row])
    return made.getvalue().encode()
