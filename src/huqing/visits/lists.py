"""The lists that forms choose from and are prefilled from: household.csv, person.csv, village.csv, parameter.csv.

Made for the households of one account. The same file makes the same bytes, so that a phone fetches a list again only
when something in it has changed. Those of all forms of an account are made in one go and kept (``visits.prepared``)
while its households are the same and unchanged; what a manifest says is so what is fetched after it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.packs.bindings import PARAMETER
from huqing.packs.forms import Converted
from huqing.registry.models import Household, Person, Region
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field, record_kinds
from huqing.teams.queries import households_of
from huqing.visits import errands, prepared, stamps
from huqing.visits.conversions import form_of
from huqing.visits.filevalues import (
    Places,
    around,
    household_value,
    person_value,
    places_of,
    text_of,
    village_items,
    village_value,
)
from huqing.visits.methods import parameter_text, parameters_of
from huqing.visits.models import FormVersion
from huqing.visits.offered import forms_of

if TYPE_CHECKING:
    from huqing.access.models import User

KEYS = ("id", "title", "household")
PARAMETERS = f"{PARAMETER}.csv"
_DIRTY = dict.fromkeys(range(32), " ") | {ord("\n"): "\n"}
Column = tuple[str, Field, bool]
MOST_HELD = 5000
# Account → until when (this process's clock), and the basis.
_held: dict[int, tuple[float, str]] = {}


def lists_for(version: FormVersion, households: QuerySet[Household]) -> dict[str, bytes]:
    """The product's lists that a form uses, with these households, by file name."""
    return Lists(households).of(version)


def hashes_for(user: User, version: FormVersion) -> dict[str, str]:
    """The MD5 of each list that a form uses, as the account may see them now."""
    names = form_of(version).lists
    if version.form.given_by:
        lists = Lists(errands.households_of(user, version.form)).of(version)
        return {name: _md5(content) for name, content in lists.items()}
    basis = _basis(user) if names else ""
    if not basis:
        return {name: _md5(content) for name, content in lists_for(version, households_of(user)).items()}
    known = prepared.index(user, prepared.LISTS, basis) or {}
    if any(_key(version, name) not in known for name in names if name != PARAMETERS):
        _prepare(user, version, basis)
        known = prepared.index(user, prepared.LISTS, basis) or {}
    found = {name: str(known[key][0]) for name in names if (key := _key(version, name)) in known}
    missing = [name for name in names if name not in found]
    made = Lists(households_of(user)).of(version, missing) if missing else {}
    return found | {name: _md5(content) for name, content in made.items()}


def list_for(user: User, version: FormVersion, name: str) -> bytes | None:
    """One list that a form uses, as the account may see it now; None if the form uses none of this name."""
    if name not in form_of(version).lists:
        return None
    if version.form.given_by:
        return Lists(errands.households_of(user, version.form)).of(version, [name])[name]
    basis = _basis(user) if name != PARAMETERS else ""
    found = prepared.part(user, prepared.LISTS, basis, _key(version, name)) if basis else None
    if found is None and basis:
        found = _prepare(user, version, basis).get(_key(version, name))
    return found if found is not None else Lists(households_of(user)).of(version, [name])[name]


def prepare(user: User) -> None:
    """Have the lists of all forms of an account ready, where the database can tell how long they hold."""
    for version in forms_of(user):
        if not version.form.given_by:
            hashes_for(user, version)


def _prepare(user: User, version: FormVersion, basis: str) -> dict[str, bytes]:
    """Make and keep the lists of all forms of the account and of this version of one."""
    lists = Lists(households_of(user))
    versions = {one.pk: one for one in (*forms_of(user), version) if not one.form.given_by}.values()
    made = {
        _key(one, name): content
        for one in versions
        for name, content in lists.of(one, [name for name in form_of(one).lists if name != PARAMETERS]).items()
    }
    parts = {key: (_md5(content), content) for key, content in made.items()}
    prepared.keep_parts(user, prepared.LISTS, basis, parts)
    return made


def _basis(user: User) -> str:
    """All that the lists of an account depend on; "" where the database cannot tell.

    Asked once for the requests of one download, so that they are of one moment and do not each read all households.
    Whose link it is and what forms it may have is still asked every time.
    """
    if not stamps.supported():
        return ""
    until, held = _held.get(user.pk, (0.0, ""))
    if monotonic() < until:
        return held
    if len(_held) >= MOST_HELD:
        _held.clear()
    basis = _worked_out(user)
    _held[user.pk] = (monotonic() + settings.HUQING_LISTS_SECONDS, basis)
    return basis


def _worked_out(user: User) -> str:
    rows = list(households_of(user).values_list("pk", "region_code"))
    codes = sorted({code for _, code in rows})
    told = stamps.of_lists([pk for pk, _ in rows], codes, sorted(around(codes)))
    return stamps.digest(working_day(timezone.localdate()), sorted(told.items()))


def _key(version: FormVersion, name: str) -> str:
    return f"{version.pk}/{version.md5}/{name}"


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()  # noqa: S324  the protocol's own hash


class Lists:
    """The lists of some households for whatever forms; what two forms have in common is read and written out once."""

    def __init__(self, households: QuerySet[Household]) -> None:
        self._query = households
        self._texts: dict[tuple[str, str, bool], list[str]] = {}
        self._first: dict[str, list[list[str]]] = {}

    def of(self, version: FormVersion, names: Iterable[str] | None = None) -> dict[str, bytes]:
        """The lists that a form uses, or those of them that are named."""
        form = form_of(version)
        made: dict[str, bytes] = {}
        for name in form.lists if names is None else names:
            subject = name.removesuffix(".csv")
            if subject == PARAMETER:
                made[name] = self._parameters(form, version)
                continue
            columns = _columns(form, subject)
            keys = KEYS if subject == "person" else KEYS[:2]
            head = [*keys, *(column for column, _, _ in columns)]
            made[name] = _csv(head, [*self._titles(subject), *(self._column(subject, one) for one in columns)])
        return made

    @cached_property
    def _rows(self) -> list[Household]:
        return list(self._query.order_by("region_code", "number", "pk"))

    @cached_property
    def _people(self) -> list[tuple[Person, Household]]:
        homes = {household.pk: household for household in self._rows}
        order = {pk: index for index, pk in enumerate(homes)}
        people = Person.objects.filter(household__in=list(homes)).defer("id_number_sealed", "phone_sealed")
        ordered = sorted(people, key=lambda one: (order[one.household_id], one.relation, one.pk))
        return [(person, homes[person.household_id]) for person in ordered]

    @cached_property
    def _villages(self) -> list[Region]:
        codes = {household.region_code for household in self._rows}
        rows = Region.objects.filter(code__in=codes, level=Region.Level.VILLAGE, valid_to=None)
        # Their own records are read only for forms that ask about villages.
        self._places.villages = village_items(codes)
        return list(rows.order_by("code"))

    @cached_property
    def _places(self) -> Places:
        return places_of({household.region_code for household in self._rows})

    def _titles(self, subject: str) -> list[list[str]]:
        """The first columns of a list: the key, what is shown of the row, for people their household."""
        if subject not in self._first:
            match subject:
                case "person":
                    told = [[str(one.pk), _name(one), str(home.pk)] for one, home in self._people]
                case "village":
                    places = self._places
                    told = [[str(one.pk), f"{one.name} {places.name(one.code, 9)}".strip()] for one in self._villages]
                case _:
                    told = [[str(row.pk), self._address(row)] for row in self._rows]
            width = len(KEYS) if subject == "person" else 2
            self._first[subject] = [[row[at] for row in told] for at in range(width)]
        return self._first[subject]

    def _address(self, row: Household) -> str:
        where = f"{self._places.name(row.region_code)}{row.group_name}"
        return " ".join(part for part in (row.head_name, where, row.number) if part)

    def _column(self, subject: str, column: Column) -> list[str]:
        """The texts of one column, cell by cell."""
        _, field, words = column
        key = (subject, field.key, words)
        if key not in self._texts:
            self._texts[key] = [text_of(field, value, words=words) for value in self._values(subject, field)]
        return self._texts[key]

    def _values(self, subject: str, field: Field) -> Iterator[object]:
        match subject:
            case "person":
                return (person_value(person, home, field, self._places) for person, home in self._people)
            case "village":
                return (village_value(region.code, field, self._places) for region in self._villages)
        return (household_value(row, field, self._places) for row in self._rows)

    def _parameters(self, form: Converted, version: FormVersion) -> bytes:
        """One row: the values in force today in the county of the households."""
        keys = sorted({need.key for need in form.needs if need.subject == PARAMETER})
        known = parameters_of(version.form.method)
        first = self._query.order_by("region_code", "number", "pk").values_list("region_code", flat=True).first()
        today = working_day(timezone.localdate())
        return _csv(keys, [[parameter_text(known.get(key), today, first or "")] for key in keys])


def _columns(form: Converted, subject: str) -> list[Column]:
    """Head, field and whether in words, of each column of a list; a field that was taken away since is left out."""
    known = record_kinds()[subject].by_key
    wanted = [need for need in form.needs if need.subject == subject and need.key in known]
    return [(need.column, known[need.key], need.words) for need in sorted(wanted, key=lambda need: need.column)]


def _name(person: Person) -> str:
    relations = codelist("relation_to_head")
    relation = relations.label(person.relation) if person.relation in relations else ""
    return f"{person.name}（{relation}）" if relation else person.name


def _csv(head: Sequence[str], columns: Sequence[Sequence[str]]) -> bytes:
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(zip(*([cell.translate(_DIRTY) for cell in column] for column in columns), strict=True))
    return made.getvalue().encode()
