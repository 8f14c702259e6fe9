"""The search box: what the registry finds, the places that were named, and a name within a named place.

What was typed stands sealed in the address of its result page, so that there is a page to go back to, no number of
anybody gets into an address or a log in clear, and a search writes nothing. Only the session that searched can open it.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.crypto import salted_hmac

from huqing.access.numbers import hide_numbers
from huqing.access.scope import code_range
from huqing.access.seal import SealError, mask, seal, unseal
from huqing.office import places
from huqing.office.household_file import masked
from huqing.registry.models import Household, Person
from huqing.registry.queries import search
from huqing.registry.searching import starts
from huqing.standards.codelists import codelist
from huqing.standards.text import clean

if TYPE_CHECKING:
    from huqing.access.models import User

MOST = 50
MOST_PLACES = 8
LONGEST = 60
# Suffixes people leave out when they name a place.
_SUFFIXES = ("街道", "社区", "居委会", "村委会", "镇", "乡", "村")
_DIGITS = re.compile(r"[\dXx\s-]{7,}")


@dataclass(frozen=True)
class Hit:
    """One line of the result list."""

    household: Household
    person: Person | None
    relation: str
    id_masked: str
    place: str


@dataclass(frozen=True)
class Found:
    """What a search found; ``narrow`` says that naming a place would find more."""

    hits: list[Hit]
    places: list[places.Place]
    more: bool = False
    narrow: bool = False


def sealed(session: str, typed: str) -> str:
    """What was typed, sealed for the address of its result page; empty when there is nothing to look for."""
    text = clean(typed)[:LONGEST].strip()
    return urlsafe_b64encode(seal(_of(session) + text)).decode("ascii") if text else ""


def opened(session: str, address: str) -> str:
    """What was typed, from the address; empty when it is none, or one of another session."""
    try:
        told = unseal(urlsafe_b64decode(address)) if address else ""
    except (SealError, ValueError):
        return ""
    owner = _of(session)
    return told.removeprefix(owner) if told.startswith(owner) else ""


def _of(session: str) -> str:
    return salted_hmac("huqing.office.search", session).hexdigest()[:16]


def label(text: str) -> str:
    """What the result page calls a search: numbers of people masked."""
    return mask("phone", text) if _DIGITS.fullmatch(text) else hide_numbers(text)


def find(user: User, text: str) -> Found:
    """The households, people and places an account may see that fit what was typed."""
    words = text.split()
    named = [_named(user, word) for word in words]
    codes = _innermost([place.code for found in named for place in found])
    names = [word for word, found in zip(words, named, strict=True) if not found]
    if codes and len(names) == 1:
        hits = [_hit(person.household, person) for person in _people_in(user, names[0], codes)]
    else:
        hits = [_hit(hit.household, hit.person) for hit in search(user, text, limit=MOST + 1)]
    known = {place.code: place for found in named for place in found}
    wide = len(user.region_code) < places.TOWN_DIGITS
    return Found(
        hits=hits[:MOST],
        places=[known[code] for code in codes][:MOST_PLACES] or _containing(user, text),
        more=len(hits) > MOST,
        narrow=wide and not codes,
    )


def _people_in(user: User, name: str, codes: Sequence[str]) -> list[Person]:
    """People of the named places whose name starts with ``name``; the order makes the index of names lead."""
    within = Q()
    for code in codes:
        within |= code_range(code)
    rows = Person.objects.visible_to(user).filter(within, starts("name", name), household__isnull=False)
    rows = rows.select_related("household").defer("items", "household__items")
    return list(rows.order_by("name", "region_code", "id")[: MOST + 1])


def _named(user: User, word: str) -> list[places.Place]:
    """The places in the account's region that are called ``word``, with or without 镇, 村 …"""
    return [place for place in _reach(user) if word in _names(place)]


def _containing(user: User, text: str) -> list[places.Place]:
    """Places whose name contains what was typed, or whose initials begin with it."""
    if len(text) < 2:
        return []
    folded = text.lower()
    reach = _reach(user)
    return [place for place in reach if text in place.name or (text.isascii() and place.pinyin.startswith(folded))][
        :MOST_PLACES
    ]


def _names(place: places.Place) -> set[str]:
    for suffix in _SUFFIXES:
        if place.name.endswith(suffix) and len(place.name) - len(suffix) >= 2:
            return {place.name, place.name.removesuffix(suffix)}
    return {place.name}


def _reach(user: User) -> list[places.Place]:
    """The towns and villages in the account's region."""
    prefix = user.region_code
    known = places.below(prefix).items()
    return [place for code, place in known if len(code) > places.COUNTY_DIGITS and code.startswith(prefix)]


def _innermost(codes: Sequence[str]) -> list[str]:
    """Named places without those that contain another named one: 朱衣镇 砚瓦村 means the village."""
    unique = list(dict.fromkeys(codes))
    inner = [code for code in unique if not any(other != code and other.startswith(code) for other in unique)]
    outer = [code for code in unique if code not in inner]
    # A village of that name in another town is not meant where the town is named as well.
    inside = [code for code in inner if any(code.startswith(town) for town in outer)]
    return inside or inner


def _hit(household: Household, person: Person | None) -> Hit:
    relation = codelist("relation_to_head").label(person.relation) if person is not None and person.relation else ""
    return Hit(
        household=household,
        person=person,
        relation=relation,
        id_masked=masked("id_number", person.id_number_sealed) if person is not None else "",
        place=places.name_of(household.region_code),
    )
