"""Which household and person a department's row is about: by number, by ID and name, by the model, or by a clerk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from huqing.access import seal
from huqing.intake import existing
from huqing.matching.people import link
from huqing.registry.models import Household
from huqing.standards import idnumbers

BY_NUMBER = "number"
BY_CLERK = "clerk"
TAIL = 4
_WHOLE = ("valid", "bad_check")


@dataclass(frozen=True)
class Linked:
    """A row's household and person, how they were found and how sure that is (1 for numbers and exact ID with name)."""

    household_id: int | None
    person_id: int | None
    region_code: str
    method: str
    score: float | None


@dataclass
class Links:
    """Rows that were linked, and for the others the persons that a clerk should look at: (row, person, score, why)."""

    linked: dict[int, Linked] = field(default_factory=dict)
    candidates: list[tuple[int, int, float, str]] = field(default_factory=list)


def identities(numbers: pa.ChunkedArray) -> pa.Table:
    """One row per distinct number: ``id_number``, its token, sealed form, state, birth date, sex and tail token.

    Department files name the same people again and again; each number is parsed, tokenised and sealed once.
    """
    distinct = [number for number in pc.unique(numbers).to_pylist() if number]
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
    rest = _remaining(rows, links)
    _exactly(rest, prefix, links)
    rest = _remaining(rest, links)
    if not rest.num_rows:
        return
    people = _people(prefix, rest)
    places = dict(
        zip(
            people["person_id"].to_pylist(),
            zip(people["household_id"].to_pylist(), people["village"].to_pylist(), strict=True),
            strict=True,
        )
    )
    found = link(rest, people.drop_columns(["household_id"]))
    for match in found.matches:
        household, village = places[match.person_id]
        links.linked[match.row_id] = Linked(household, match.person_id, village, match.method, float(match.score))
    links.candidates += [
        (one.row_id, one.person_id, float(one.score), json.dumps(one.explanation, ensure_ascii=False))
        for one in found.candidates
    ]


def _remaining(rows: pa.Table, links: Links) -> pa.Table:
    if not links.linked or not rows.num_rows:
        return rows
    done = pc.is_in(rows["row_id"], pa.array(list(links.linked), rows["row_id"].type))
    return rows.filter(pc.invert(done))


_PERSON = "registry_person p LEFT JOIN registry_household h ON h.id = p.household_id"


def _exactly(rows: pa.Table, prefix: str, links: Links) -> None:
    tokens = {token for token in rows["id_token"].to_pylist() if token}
    where, keys = existing.any_of("p.id_token", tokens)
    table = existing.read(
        _PERSON,
        {"p.id": "id", "p.id_token": "text", "p.name": "text", "p.household_id": "id", "p.region_code": "text"},
        f"WHERE {where}",
        [keys],
    )
    people: dict[tuple[str, str], list[Linked]] = {}
    for row in table.to_pylist():
        if row["region_code"].startswith(prefix):
            one = Linked(row["household_id"], row["id"], row["region_code"], "exact", 1.0)
            people.setdefault((row["id_token"], row["name"]), []).append(one)
    for row_id, token, name in zip(*(rows[key].to_pylist() for key in ("row_id", "id_token", "name")), strict=True):
        same = people.get((token or "", name or ""), [])
        if len(same) == 1:
            links.linked[row_id] = same[0]


def _people(prefix: str, rows: pa.Table) -> pa.Table:
    """The people of the region as the matcher wants them; ID tails only for those who could be meant."""
    following = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    table = existing.read(
        "registry_person p",
        {
            "p.id AS person_id": "id",
            "p.name": "text",
            "p.id_token": "text",
            "p.id_state": "text",
            "p.id_number_sealed": "bytes",
            "p.birth_date": "date",
            "p.id_birth_date": "date",
            "p.sex": "text",
            "p.region_code AS village": "text",
            "p.phone_token": "text",
            "p.household_id": "id",
        },
        "WHERE p.region_code >= %s AND p.region_code < %s",
        [prefix, following],
    )
    names = set(rows["name"].to_pylist())
    tails = _tails(table, names, {str(day) for day in rows["birth_date"].to_pylist() if day})
    whole = pc.is_in(table["id_state"], pa.array(_WHOLE, pa.string()))
    return pa.table(
        {
            "person_id": table["person_id"],
            "name": table["name"],
            "id_token": pc.if_else(whole, table["id_token"], pa.scalar(None, pa.string())),
            "id_tail": tails,
            "birth_date": pc.coalesce(table["birth_date"], table["id_birth_date"]),
            "sex": table["sex"],
            "village": table["village"],
            "town": pc.utf8_slice_codeunits(table["village"], 0, 9),
            "phone_token": table["phone_token"],
            "household_id": table["household_id"],
            **_names_of_places(table["village"]),
        }
    )


def _tails(table: pa.Table, names: set[str], births: set[str]) -> pa.Array:
    wanted = [
        sealed if state in _WHOLE and (name in names or born in births) else None
        for sealed, state, name, born in zip(
            *(table[key].to_pylist() for key in ("id_number_sealed", "id_state", "name", "id_birth_date")), strict=True
        )
    ]
    plain = seal.unseal_many(wanted)
    return pa.array(seal.token_many("id_number", [one[-TAIL:] if one else None for one in plain]), pa.string())


def _names_of_places(codes: pa.ChunkedArray) -> dict[str, pa.Array]:
    """Names of villages and towns, which the clerk is shown instead of codes."""
    from huqing.registry.models import Region

    distinct = pc.unique(codes).to_pylist()
    wanted = {code for code in distinct if code} | {f"{code[:9]}000" for code in distinct if code}
    where, keys = existing.any_of("code", wanted)
    table = existing.read(
        Region._meta.db_table, {"code": "text", "name": "text"}, f"WHERE {where} AND valid_to IS NULL", [keys]
    )
    names = dict(zip(table["code"].to_pylist(), table["name"].to_pylist(), strict=True))
    listed: Iterable[str | None] = codes.to_pylist()
    pairs = [(names.get(code or ""), names.get(f"{(code or '')[:9]}000")) for code in listed]
    return {
        "village_name": pa.array([village for village, _ in pairs], pa.string()),
        "town_name": pa.array([town for _, town in pairs], pa.string()),
    }
