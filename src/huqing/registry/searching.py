"""Search: every look-up is served by an index, exact or by prefix, inside what the account sees.

What may be typed: an ID number or phone (found through its token), a household number or its beginning, pinyin
initials, a name or its beginning, or a place (town, village) perhaps followed by a group or a part of an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db import connection
from django.db.models import F, Model, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from huqing.access.models import User
from huqing.access.scope import code_range, visible
from huqing.access.seal import token
from huqing.registry.models import Household, Person, Region
from huqing.standards import idnumbers
from huqing.standards.text import clean

Row = TypeVar("Row", bound=Model)

LIMIT = 50
_ID = re.compile(r"\d{15}|\d{17}[\dX]")
_LETTERS = re.compile(r"[a-z]{1,12}", re.IGNORECASE)
_NUMBER = re.compile(r"[A-Za-z0-9-]{3,40}")
_TOWN_WIDTH = 9


@dataclass(frozen=True)
class Hit:
    """A household that was found, with the person who was looked for if it was one."""

    household: Household
    person: Person | None = None


def search(user: User, text: str, *, limit: int = LIMIT) -> list[Hit]:
    """The households and people an account sees that fit what was typed; at most ``limit``, exact names first."""
    text = clean(text).strip()
    compact = idnumbers.normalise(text)
    phone = idnumbers.normalise_phone(text)
    people: list[QuerySet[Person]] = []
    households: list[QuerySet[Household]] = []
    if not text:
        return []
    if _ID.fullmatch(compact):
        number = idnumbers.parse(compact).number
        people.append(_people(user).filter(id_token=token("id_number", number)))
    if idnumbers.phone_state(phone) in ("mobile", "landline"):
        people.append(_people(user).filter(phone_token=token("phone", phone)))
        households.append(_households(user).filter(phone_token=token("phone", phone)))
    if _NUMBER.fullmatch(text) and any(character.isdigit() for character in text):
        households.append(_households(user).filter(starts("number", text)))
    elif _LETTERS.fullmatch(text):
        people.append(_people(user).filter(starts("name_pinyin", text.lower())))
        households.append(_households(user).filter(starts("head_pinyin", text.lower())))
    elif not text.isascii():
        people += [_people(user).filter(name=text), _people(user).filter(starts("name", text))]
        households += [_households(user).filter(starts("head_name", text)), *_by_place(user, text)]
    return _hits(people, households, limit)


def starts(column: str, text: str) -> Q:
    """A prefix test that the column's index serves on either database."""
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": text, f"{column}__lt": text + "\U0010ffff"})
    return Q(**{f"{column}__startswith": text})


def _people(user: User) -> QuerySet[Person]:
    rows = _seen(Person.objects.filter(household__isnull=False), user)
    return rows.select_related("household").defer("items", "household__items")


def _households(user: User) -> QuerySet[Household]:
    return _seen(Household.objects.all(), user).defer("items")


def _seen(rows: QuerySet[Row], user: User) -> QuerySet[Row]:
    """What the account sees, read through the index of what was typed.

    SQLite cannot tell which of two ranges is narrower and takes the region's; a computed column keeps it away from
    that. The indexes of names and initials hold the region too, so no row outside it is read.
    """
    if connection.vendor != "sqlite":
        return visible(rows, user)
    return visible(rows.annotate(place=Coalesce(F("region_code"), Value(""))), user, field="place")


def _by_place(user: User, text: str) -> list[QuerySet[Household]]:
    """Households of the places whose name begins what was typed; the rest of it begins their group or address."""
    found = []
    for region in _places(user, text):
        rows = Household.objects.visible_to(user).defer("items")
        rows = rows.filter(code_range(region.code)).order_by("region_code", "number")
        rest = text.removeprefix(_common(region.name, text))
        if rest:
            rows = rows.filter(Q(group_name__startswith=rest) | Q(address__contains=rest))
        found.append(rows)
    return found


def _places(user: User, text: str) -> list[Region]:
    """Villages and towns in the account's region whose name and the text begin with the same two or more characters.

    A longer common beginning wins, so that 朝阳社区3组 means the community and not a 朝阳村.
    """
    width = len(user.region_code) if len(user.region_code) < _TOWN_WIDTH else _TOWN_WIDTH
    near = Region.objects.filter(
        code_range(user.region_code[:width], "code"),
        valid_to=None,
        level__gte=Region.Level.TOWN,
        name__startswith=text[:2],
    )
    common = {region: len(_common(region.name, text)) for region in near if region.code.startswith(user.region_code)}
    longest = max(common.values(), default=0)
    return [region for region, length in common.items() if length == longest][:LIMIT]


def _common(name: str, text: str) -> str:
    length = 0
    while length < min(len(name), len(text)) and name[length] == text[length]:
        length += 1
    return text[:length]


def _hits(people: Iterable[QuerySet[Person]], households: Iterable[QuerySet[Household]], limit: int) -> list[Hit]:
    hits: list[Hit] = []
    listed_people, listed_households = set(), set()
    for rows in people:
        for person in rows[:limit]:
            if person.pk not in listed_people and person.household is not None and len(hits) < limit:
                listed_people.add(person.pk)
                listed_households.add(person.household_id)
                hits.append(Hit(person.household, person))
    for found in households:
        if len(hits) >= limit:
            break
        for household in found[:limit]:
            if household.pk not in listed_households and len(hits) < limit:
                listed_households.add(household.pk)
                hits.append(Hit(household))
    return hits
