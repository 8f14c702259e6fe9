"""Which household and person a department's row is about: by number, by ID and name, by the model, or by a clerk."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from django.db.models import Max

from huqing.access import seal
from huqing.intake import existing
from huqing.intake.linked_rows import Linked, LinkedRows
from huqing.matching.people import Match, link
from huqing.registry.models import Entry, Household, Person, Source
from huqing.standards import idnumbers

BY_NUMBER = "number"
BY_CLERK = "clerk"
TAIL = 4
WORTH_KEEPING = 50_000
# Rows that are Python objects at one time; a county's list of the insured has a million.
ROWS_AT_ONCE = 100_000
_WHOLE = ("valid", "valid_card", "bad_check")
_WHOLE_STATES = ", ".join(f"'{state}'" for state in _WHOLE)


@dataclass
class Links:
    """Rows that were linked, and for the others the persons that a clerk should look at: (row, person, score, why).

    Rows whose numbers are far apart, such as records, are given a dictionary.
    """

    linked: LinkedRows | dict[int, Linked] = field(default_factory=LinkedRows)
    candidates: list[tuple[int, int, float, str]] = field(default_factory=list)


def identities(numbers: pa.ChunkedArray) -> pa.Table:
    """One row per distinct number: ``id_number``, its token, sealed form, state, birth date, sex and tail token.

    Department files name the same people again and again; each number is parsed, tokenised and sealed once.
    """
    distinct = pc.unique(numbers)
    distinct = distinct.filter(pc.fill_null(pc.not_equal(distinct, ""), False))
    return pa.concat_tables(_identities(part.to_pylist()) for part in slices(distinct))


def _identities(distinct: list[str]) -> pa.Table:
    parsed = [idnumbers.parse(number) for number in distinct]
    tails = [one.number[-TAIL:] if one.state in _WHOLE else None for one in parsed]
    return pa.table(
        {
            "id_number": pa.array(distinct, pa.string()),
            "id_token": pa.array(seal.token_many("id_number", distinct), pa.string()),
            "id_number_sealed": pa.array(seal.seal_many(distinct, "id_number"), pa.binary()),
            "whole": pa.array([one.state in _WHOLE for one in parsed], pa.bool_()),
            "birth_date": pa.array([one.birth_date for one in parsed], pa.date32()),
            "sex": pa.array([one.sex for one in parsed], pa.string()),
            "id_tail": pa.array(seal.token_many("id_number", tails), pa.string()),
        }
    )


def slices(rows: Any) -> Iterator[Any]:
    """``rows`` in parts of ``ROWS_AT_ONCE``; at least one, which may be empty."""
    for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        yield rows.slice(start, ROWS_AT_ONCE)


def by_household_number(rows: pa.Table, prefix: str, links: Links) -> None:
    """Rows (``row_id``, ``household_number``) that name an active household of the region."""
    numbers = rows["household_number"].to_pylist()
    where, keys = existing.any_of("number", {number for number in numbers if number})
    table = existing.read(
        "registry_household",
        {"number": "text", "id": "id", "region_code": "text"},
        f"WHERE {where} AND status = '{Household.Status.ACTIVE}'",
        [keys],
    )
    known = {row["number"]: row for row in table.to_pylist() if row["region_code"].startswith(prefix)}
    for row_id, number in zip(rows["row_id"].to_pylist(), numbers, strict=True):
        household = known.get(number or "")
        if household:
            links.linked[row_id] = Linked(household["id"], None, household["region_code"], BY_NUMBER, 1.0)


def by_person(rows: pa.Table, prefix: str, links: Links) -> None:
    """Rows (``row_id``, ``name``, ``id_token`` …) not linked yet: exact ID and name first, then the stored model.

    The whole county's people are only read when something is left that the ID and the name do not settle.
    """
    by_model(by_number(rows, prefix, links), prefix, links)


def by_number(rows: pa.Table, prefix: str, links: Links) -> pa.Table:
    """Link what ID and name settle; the rows that are left."""
    rest = _remaining(rows, links)
    exactly(rest, prefix, links)
    return _remaining(rest, links)


def by_model(rest: pa.Table, prefix: str, links: Links) -> None:
    """Link rows with the stored model, or put them before a clerk."""
    if not rest.num_rows:
        return
    people = with_tails(people_of(prefix), rest)
    found = link(rest, people)
    _place(found.matches, links)
    links.candidates += [
        (one.row_id, one.person_id, float(one.score), json.dumps(one.explanation, ensure_ascii=False))
        for one in found.candidates
    ]


def _remaining(rows: pa.Table, links: Links) -> pa.Table:
    if not links.linked or not rows.num_rows:
        return rows
    return rows.filter(pa.array([one not in links.linked for one in rows["row_id"].to_pylist()], pa.bool_()))


_PERSON = "registry_person p LEFT JOIN registry_household h ON h.id = p.household_id"


def exactly(rows: pa.Table, prefix: str, links: Links) -> None:
    """Rows (``row_id``, ``name``, ``id_token``) whose ID number and name belong to exactly one person of the region."""
    for part in slices(rows):
        _exactly(part, prefix, links)


def _exactly(rows: pa.Table, prefix: str, links: Links) -> None:
    tokens = {token for token in rows["id_token"].to_pylist() if token}
    where, keys = existing.any_of("p.id_token", tokens)
    table = existing.read(
        _PERSON,
        {"p.id": "id", "p.id_token": "text", "p.name": "text", "p.household_id": "id", "p.region_code": "text"},
        f"WHERE {where} AND p.id_state IN ({_WHOLE_STATES})",
        [keys],
    )
    people: dict[tuple[str, str], list[Linked]] = {}
    for key, token, name, household, region in zip(*(column.to_pylist() for column in table.columns), strict=True):
        if region.startswith(prefix):
            one = Linked(household, key, sys.intern(region), "exact", 1.0)
            people.setdefault((token, name), []).append(one)
    for row_id, token, name in zip(*(rows[key].to_pylist() for key in ("row_id", "id_token", "name")), strict=True):
        same = people.get((token or "", name or ""), [])
        if len(same) == 1:
            links.linked[row_id] = same[0]


def _place(matches: list[Match], links: Links) -> None:
    """Household and village of the persons that rows were matched with."""
    where, keys = existing.any_of("id", {match.person_id for match in matches})
    table = existing.read(
        "registry_person", {"id": "id", "household_id": "id", "region_code": "text"}, f"WHERE {where}", [keys]
    )
    places = {row["id"]: row for row in table.to_pylist()}
    for match in matches:
        at = places[match.person_id]
        links.linked[match.row_id] = Linked(
            at["household_id"], match.person_id, at["region_code"], match.method, float(match.score)
        )


@dataclass
class _Kept:
    """The people of one region as last read: a county's department files come one after another."""

    key: tuple[object, ...] = ()
    people: pa.Table | None = None


_kept = _Kept()


def people_of(prefix: str) -> pa.Table:
    """The people of the region as the matcher wants them.

    They are read again when anything but a department's file has come in since: every other change of people leaves
    a source and an entry.
    """
    key = (connection.alias, connection.settings_dict["NAME"], prefix, *_changes())
    if _kept.key == key and _kept.people is not None:
        return _kept.people
    forget_people()
    people = _read_people(prefix)
    if people.num_rows >= WORTH_KEEPING:
        _kept.key, _kept.people = key, people
    return people


def forget_people() -> None:
    """Give the memory of :func:`people_of` back."""
    _kept.key, _kept.people = (), None


def _changes() -> tuple[int | None, ...]:
    others = Source.objects.exclude(kind=Source.Kind.DEPARTMENT).aggregate(last=Max("pk"))["last"]
    return others, Entry.objects.aggregate(last=Max("pk"))["last"], Person.objects.aggregate(last=Max("pk"))["last"]


def _read_people(prefix: str) -> pa.Table:
    table = existing.read(
        "registry_person",
        {
            "id AS person_id": "id",
            "name": "text",
            f"CASE WHEN id_state IN ({_WHOLE_STATES}) THEN id_token END AS id_token": "text",
            "coalesce(birth_date, id_birth_date) AS birth_date": "date",
            "sex": "text",
            "region_code AS village": "text",
            "phone_token": "text",
        },
        "WHERE region_code >= %s AND region_code < %s",
        [prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)],
    )
    codes = table["village"].combine_chunks().dictionary_encode()
    names = _names_of_places(codes.dictionary.to_pylist())
    listed = {"village": codes.dictionary, "town": pc.utf8_slice_codeunits(codes.dictionary, 0, 9), **names}
    table = table.drop_columns(["village"])
    # A million people live in a few hundred places: their codes and names are kept once.
    for column, values in listed.items():
        table = table.append_column(column, pa.DictionaryArray.from_arrays(codes.indices, values))
    return table


def with_tails(people: pa.Table, rows: pa.Table) -> pa.Table:
    """``people`` with the token of the last four characters of the ID number for those whom a row could mean."""
    days = pa.array({str(day) for day in rows["birth_date"].to_pylist() if day}, pa.string())
    named = pc.is_in(people["name"], pa.array({name for name in rows["name"].to_pylist() if name}, pa.string()))
    born = pc.is_in(people["birth_date"], days)
    near = pc.fill_null(pc.and_(pc.or_(named, born), pc.is_valid(people["id_token"])), False)
    where, keys = existing.any_of("id", people["person_id"].filter(near).to_pylist())
    sealed = existing.read("registry_person", {"id": "id", "id_number_sealed": "bytes"}, f"WHERE {where}", [keys])
    plain = seal.unseal_many(sealed["id_number_sealed"].to_pylist())
    tails = seal.token_many(
        "id_number", [idnumbers.parse(number).number[-TAIL:] if number else None for number in plain]
    )
    position = pc.index_in(people["person_id"], sealed["id"].combine_chunks())
    return people.append_column("id_tail", pa.array(tails, pa.string()).take(position))


def _names_of_places(codes: list[str | None]) -> dict[str, pa.Array]:
    """Names of villages and their towns, which the clerk is shown instead of codes."""
    wanted = {code for code in codes if code} | {f"{code[:9]}000" for code in codes if code}
    where, keys = existing.any_of("code", wanted)
    table = existing.read(
        "registry_region", {"code": "text", "name": "text"}, f"WHERE {where} AND valid_to IS NULL", [keys]
    )
    names = dict(zip(table["code"].to_pylist(), table["name"].to_pylist(), strict=True))
    return {
        "village_name": pa.array([names.get(code or "") for code in codes], pa.string()),
        "town_name": pa.array([names.get(f"{(code or '')[:9]}000") for code in codes], pa.string()),
    }
