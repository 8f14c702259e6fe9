"""One box that finds households and people.

What was typed is understood once, when it is posted. What is kept for the address of the result page (in the session)
never holds an ID number or a phone, only their tokens, so going back in the browser works and no number gets into an
address, a log or the database.

Every look-up is an index look-up: exact, or by prefix. County-wide search inside addresses would read every household,
so an address is searched only within a place the query names or the account is bound to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from huqing.access.models import Role
from huqing.access.scope import code_range
from huqing.access.seal import mask, token
from huqing.office import places
from huqing.office.household_file import masked
from huqing.registry.models import Household, Person
from huqing.standards import idnumbers
from huqing.standards.text import clean

if TYPE_CHECKING:
    from huqing.access.models import User

MOST = 50
MOST_PLACES = 8
_ID = re.compile(r"\d{15}|\d{17}[\dX]")
_LETTERS = re.compile(r"[A-Za-z]{2,12}")
_NUMBER = re.compile(r"[A-Za-z0-9\-]{4,40}")
# Suffixes people leave out when they name a place.
_SUFFIXES = ("街道", "社区", "居委会", "村委会", "镇", "乡", "村")


@dataclass
class Wanted:
    """What somebody looks for, without any sealed value; ``label`` is what the result page calls it."""

    label: str
    id_token: str = ""
    phone_token: str = ""
    household: int | None = None
    initials: str = ""
    words: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def as_session(self) -> dict[str, Any]:
        """Plain data for the session."""
        return asdict(self)


@dataclass(frozen=True)
class Hit:
    """One line of the result list."""

    household: Household
    person: Person | None
    id_masked: str
    place: str


@dataclass
class Found:
    """What a search found; ``narrow`` says that naming a place would find more."""

    hits: list[Hit]
    places: list[places.Place]
    more: bool = False
    narrow: bool = False


def understand(user: User, typed: str) -> Wanted | None:
    """What was typed, as a search; None when there is nothing to look for."""
    text = clean(typed)[:60].strip()
    if not text:
        return None
    compact = idnumbers.normalise(text)
    if _ID.fullmatch(compact):
        # Eighteen digits may also be a household's number; that is looked up now, so that the digits need not be kept.
        wanted = Wanted(label=f"证件号码 {mask('id_number', compact)}", id_token=token("id_number", compact))
        wanted.household = _household_number(user, text)
        return wanted
    phone = idnumbers.normalise_phone(text)
    if idnumbers.phone_state(phone) == "mobile" or (phone.isdigit() and idnumbers.phone_state(phone) == "landline"):
        wanted = Wanted(label=f"电话 {mask('phone', phone)}", phone_token=token("phone", phone))
        wanted.household = _household_number(user, text)
        return wanted
    if _NUMBER.fullmatch(text) and any(ch.isdigit() for ch in text):
        household = _household_number(user, text)
        return Wanted(label="户编号 " + (text if len(text) < 12 else mask("bank_account", text)), household=household)
    if _LETTERS.fullmatch(text):
        return Wanted(label=f"拼音首字母 {text.lower()}", initials=text.lower())
    wanted = Wanted(label=text)
    for word in text.split()[:4]:
        codes, rest = _place(user, word)
        wanted.places += [code for code in codes if code not in wanted.places]
        if rest:
            wanted.words.append(rest)
    wanted.places = _innermost(wanted.places)
    return wanted


def run(user: User, wanted: Wanted) -> Found:
    """The households and people an account may see that fit."""
    found = Found(hits=[], places=_named(user, wanted))
    people: list[Person] = []
    households: list[Household] = []
    if wanted.household:
        households = list(_households(user).filter(pk=wanted.household))
    if wanted.id_token:
        people = list(_people(user).filter(id_token=wanted.id_token)[: MOST + 1])
    elif wanted.phone_token:
        people = list(_people(user).filter(phone_token=wanted.phone_token)[: MOST + 1])
        households += list(_households(user).filter(phone_token=wanted.phone_token)[: MOST + 1])
    elif wanted.initials:
        people = _by_prefix(user, "name_pinyin", wanted.initials, [])
    elif wanted.words:
        people = _by_name(user, wanted)
        if len(people) <= MOST:
            households = _by_address(user, wanted)
            found.narrow = not wanted.places and not _narrow(user)
    found.hits = _hits(people, households)
    found.more = len(found.hits) > MOST
    found.hits = found.hits[:MOST]
    return found


def _household_number(user: User, text: str) -> int | None:
    return _households(user).filter(number=text.strip()).values_list("pk", flat=True).first()


def _households(user: User) -> QuerySet[Household]:
    return Household.objects.visible_to(user).select_related("village").defer("items")


def _people(user: User) -> QuerySet[Person]:
    rows = Person.objects.visible_to(user).filter(household__isnull=False)
    return rows.select_related("household", "household__village").defer("items", "household__items")


def _narrow(user: User) -> bool:
    """Whether the account sees so few households that reading them all is quick."""
    return user.role == Role.GRID or len(user.region_code) >= places.TOWN_DIGITS


def _within(codes: Sequence[str], column: str = "region_code") -> Q:
    inside = Q()
    for code in codes:
        inside |= code_range(code, column)
    return inside


def _by_name(user: User, wanted: Wanted) -> list[Person]:
    """People of that name; when there are few, also those whose name starts so."""
    name = wanted.words[0]
    exact = _people(user).filter(_within(wanted.places), name=name).order_by("region_code", "id")
    people = list(exact[: MOST + 1])
    if len(people) > MOST:
        return people
    known = {person.pk for person in people}
    return people + [person for person in _by_prefix(user, "name", name, wanted.places) if person.pk not in known]


def _by_prefix(user: User, column: str, text: str, codes: Sequence[str]) -> list[Person]:
    """People whose name or initials start with ``text``, through the index that reads least.

    Where the place is narrow, its few rows are read and the name is compared; elsewhere the name's index is read. The
    planner of SQLite cannot tell the two apart, so the column that must not lead is hidden from it.
    """
    rows = _people(user).filter(_within(codes))
    if _narrow(user) or codes:
        hidden = rows.annotate(sought=Coalesce(F(column), Value("")))
        return list(hidden.filter(sought__startswith=text).order_by("region_code", "id")[: MOST + 1])
    return list(rows.filter(starts(column, text)).order_by(column, "region_code", "id")[: MOST + 1])


def starts(column: str, text: str) -> Q:
    """A prefix test that the column's index serves on either database."""
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": text, f"{column}__lt": text + "\U0010ffff"})
    return Q(**{f"{column}__startswith": text})


def _by_address(user: User, wanted: Wanted) -> list[Household]:
    """Households whose address or group contains every word, within the named or the account's own place."""
    if not wanted.places and not _narrow(user):
        return []
    rows = _households(user).filter(_within(wanted.places))
    for word in wanted.words:
        rows = rows.filter(Q(address__contains=word) | Q(group_name__contains=word))
    return list(rows.order_by("region_code", "number")[: MOST + 1])


def _place(user: User, word: str) -> tuple[list[str], str]:
    """The places a word names or starts with, and what is left of the word."""
    reach = _reach(user)
    exact = [place.code for place in reach if word in _names(place)]
    if exact:
        return exact, ""
    longest = ""
    codes: list[str] = []
    for place in reach:
        for name in _names(place):
            if len(name) >= max(2, len(longest)) and word.startswith(name):
                codes = [*codes, place.code] if name == longest else [place.code]
                longest = name
    # A bare short name (朱衣) may be the start of a person's name; only a full place name is cut off.
    if longest and longest.endswith(_SUFFIXES):
        return codes, word[len(longest) :]
    return [], word


def _names(place: places.Place) -> set[str]:
    short = place.name
    for suffix in _SUFFIXES:
        if place.name.endswith(suffix) and len(place.name) - len(suffix) >= 2:
            short = place.name.removesuffix(suffix)
            break
    return {place.name, short}


def _reach(user: User) -> list[places.Place]:
    """The towns and villages in the account's region."""
    prefix = user.region_code
    return [place for code, place in places.below(prefix).items() if len(code) > 6 and code.startswith(prefix)]


def _innermost(codes: Sequence[str]) -> list[str]:
    """Named places without those that contain another named one: 朱衣镇 砚瓦村 means the village."""
    return [code for code in codes if not any(other != code and other.startswith(code) for other in codes)]


def _named(user: User, wanted: Wanted) -> list[places.Place]:
    known = {place.code: place for place in _reach(user)}
    if wanted.places:
        return [known[code] for code in wanted.places if code in known][:MOST_PLACES]
    if wanted.initials:
        return [place for place in known.values() if place.pinyin.lower().startswith(wanted.initials)][:MOST_PLACES]
    if wanted.words:
        return [place for place in known.values() if wanted.words[0] in place.name][:MOST_PLACES]
    return []


def _hits(people: Sequence[Person], households: Sequence[Household]) -> list[Hit]:
    """One line per person; a household found by itself is left out where one of its people is listed."""
    hits = []
    listed = set()
    for person in people:
        listed.add(person.household_id)
        hits.append(
            Hit(
                household=person.household,
                person=person,
                id_masked=masked("id_number", person.id_number_sealed),
                place=places.name_of(person.region_code),
            )
        )
    for household in households:
        if household.pk not in listed:
            listed.add(household.pk)
            hits.append(Hit(household, None, "", places.name_of(household.region_code)))
    return hits
