"""Who a row is about: linking lists to the registered people, and people registered twice.

The order is: the same ID token and the same name → the stored model on what is left → a clerk. A link is made only when
it is sure and unique; everything else that is possible goes to the clerk with the reasons.
"""

# ruff: noqa: S608 (table and column names are constants of this package; values are bound)

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb
import pyarrow as pa

from huqing.matching import columns, model, scoring
from huqing.matching.explain import Agreement, explain

# Another person whose evidence is within this many bits makes a link ambiguous: 6 bits are odds of 64 to 1.
MARGIN = 6.0
_MOST_CANDIDATES = 5
_Pair = tuple[int, int, Literal["exact", "model"], float]
# The share of rows that are about somebody registered, before anything about a row is known.
_REGISTERED = 0.9
# The share of people that are registered twice.
_DOUBLED = 0.005
_AT_ONCE = 200_000


@dataclass(frozen=True)
class Match:
    """A row and the one person it is about. `score` is a probability; 1.0 for method 'exact'."""

    row_id: int
    person_id: int
    method: Literal["exact", "model"]
    score: float


@dataclass(frozen=True)
class Candidate:
    """A row and a person it may be about, for a clerk to decide."""

    row_id: int
    person_id: int
    score: float
    explanation: list[Agreement]


@dataclass(frozen=True)
class Links:
    """The outcome of `link`. A row is in `matches` at most once, and then not in `candidates`."""

    matches: list[Match] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)


@dataclass(frozen=True)
class Duplicate:
    """Two registered people who may be one; `first` is the smaller id."""

    first: int
    second: int
    score: float
    explanation: list[Agreement]


def link(rows: pa.Table, people: pa.Table, *, sure: float = 0.98, possible: float = 0.2) -> Links:
    """Link `rows` to `people`.

    `rows` has row_id (int), `people` has person_id (int). Both may have: name, id_token (only of whole numbers, never
    of a placeholder), id_tail (token of the last four characters), birth_date (date or ISO text), sex ("1"/"2"),
    village and town (any text, the same notation on both sides), phone_token; and village_name, town_name, which are
    only shown. A row at `sure` or above with nobody else near is a match; rows from `possible` up are candidates.
    """
    if not rows.num_rows or not people.num_rows:
        return Links()
    with scoring.connect() as connection:
        distinct, members = _distinct(columns.prepare(rows, "row_id"), connection)
        _load_people(connection, people)
        scoring.load(connection, "listed", distinct)
        exact, rest = _exact(connection)
        matches: list[_Pair] = [(key, person, "exact", 1.0) for key, person in exact]
        candidates: list[tuple[int, int, float, list[Agreement]]] = []
        if rest:
            scored = _score(connection, possible)
            sure_pairs, others = _decide(connection, scored, sure=sure, possible=possible)
            matches += [(key, person, "model", score) for key, person, score in sure_pairs]
            candidates = [(pair["key_l"], pair["key_r"], pair["match_probability"], explain(pair)) for pair in others]
    return Links(
        [Match(row, person, method, score) for key, person, method, score in matches for row in members[key]],
        [Candidate(row, person, score, why) for key, person, score, why in candidates for row in members[key]],
    )


def duplicates(people: pa.Table, *, possible: float = 0.5) -> list[Duplicate]:
    """Pairs of `people` (columns as in `link`) that may be one person, likeliest first.

    Two people with different whole ID numbers and different names are never a pair, however alike: twins.
    """
    if people.num_rows < 2:
        return []
    with scoring.connect() as connection:
        _load_people(connection, people)
        scored = scoring.score(
            connection,
            ["people"],
            people="people",
            prior=2 * _DOUBLED / people.num_rows,
            frequencies=model.measure(connection, "people"),
            threshold=possible,
        )
        pairs = _with_values(
            connection,
            f"SELECT * FROM {scored} WHERE gamma_idt = 2 OR gamma_name >= 3 OR (gamma_name >= 1 AND gamma_idt = -1)",
            "people",
        )
    found = [
        Duplicate(
            min(pair["key_l"], pair["key_r"]),
            max(pair["key_l"], pair["key_r"]),
            pair["match_probability"],
            explain(pair),
        )
        for pair in pairs
    ]
    return sorted(found, key=lambda pair: (-pair.score, pair.first, pair.second))


_IDENTITY = (
    "name",
    "shown_name",
    "born",
    "idt",
    "id_tail",
    "sex",
    "village",
    "town",
    "phone",
    "village_name",
    "town_name",
)


def _load_people(connection: duckdb.DuckDBPyConnection, people: pa.Table) -> None:
    """Table ``people``, prepared in parts: a county's people all prepared at once take half a gigabyte."""
    for start in range(0, people.num_rows, _AT_ONCE):
        part = columns.prepare(people.slice(start, _AT_ONCE), "person_id")
        scoring.load(connection, "people", part, more=start > 0)


def _distinct(rows: pa.Table, connection: duckdb.DuckDBPyConnection) -> tuple[pa.Table, dict[int, list[int]]]:
    """One row per distinct person description, keyed by its smallest row id, and the rows each stands for."""
    identity = ", ".join(_IDENTITY)
    connection.register("raw_rows", rows)
    grouped = connection.execute(
        f"SELECT min(key) AS key, any_value(sound) AS sound, {identity}, list(key ORDER BY key) AS members "
        f"FROM raw_rows GROUP BY {identity}"
    ).to_arrow_table()
    connection.unregister("raw_rows")
    members = dict(zip(grouped["key"].to_pylist(), grouped["members"].to_pylist(), strict=True))
    return grouped.drop_columns(["members"]), members


def _exact(connection: duckdb.DuckDBPyConnection) -> tuple[list[tuple[int, int]], int]:
    """Rows whose ID token and name belong to exactly one person, and how many remain (in table `rest`)."""
    connection.execute(
        "CREATE TABLE exact AS SELECT listed.key, any_value(people.key) AS person FROM listed "
        "JOIN people USING (idt, name) GROUP BY listed.key HAVING count(*) = 1"
    )
    connection.execute("CREATE TABLE rest AS SELECT * FROM listed ANTI JOIN exact USING (key)")
    (rest,) = connection.execute("SELECT count(*) FROM rest").fetchone() or (0,)
    return connection.execute("SELECT key, person FROM exact ORDER BY key").fetchall(), rest


def _score(connection: duckdb.DuckDBPyConnection, possible: float) -> str:
    (population,) = connection.execute("SELECT count(*) FROM people").fetchone() or (0,)
    scoring.reachable(connection, "rest", "people", "pool")
    connection.execute(f"CREATE TABLE asked AS SELECT {scoring.COLUMNS} FROM rest")
    return scoring.score(
        connection,
        ["asked", "pool"],
        people="people",
        prior=min(_REGISTERED / population, 0.5),
        frequencies=model.measure(connection, "people"),
        # An equal ID token is always shown to the clerk; its pairs are few, so the cut is made afterwards.
        threshold=min(possible, 0.001),
    )


# Names that differ by more than their spelling are never linked without a clerk. With an equal ID token a variant of
# the name is enough, if birth date and village agree too; without one the name must be or sound the same.
_TRUSTED = """CASE WHEN gamma_idt = 2 THEN gamma_name = 4 OR (gamma_name >= 1 AND gamma_born <> 0 AND gamma_place = 2)
ELSE gamma_name >= 3 END"""


def _decide(
    connection: duckdb.DuckDBPyConnection, scored: str, *, sure: float, possible: float
) -> tuple[list[tuple[int, int, float]], list[dict[str, Any]]]:
    """The sure and unique pairs (row, person, score), and the pairs of the other rows that a clerk should see."""
    connection.execute(
        "CREATE TABLE ranked AS "
        "SELECT *, match_weight - lead(match_weight) OVER best AS ahead, row_number() OVER best AS nth "
        f"FROM {scored} WINDOW best AS (PARTITION BY key_l ORDER BY match_weight DESC, key_r)"
    )
    connection.execute(
        "CREATE TABLE sure AS SELECT key_l, key_r, match_probability FROM ranked "
        f"WHERE nth = 1 AND match_probability >= ? AND coalesce(ahead, {MARGIN}) >= {MARGIN} AND {_TRUSTED}",
        [sure],
    )
    found = connection.execute("SELECT * FROM sure ORDER BY key_l").fetchall()
    others = _with_values(
        connection,
        "SELECT * FROM ranked ANTI JOIN sure USING (key_l) "
        f"WHERE nth <= {_MOST_CANDIDATES} AND (match_probability >= {float(possible)} OR gamma_idt = 2)",
        "rest",
    )
    return found, others


def _with_values(connection: duckdb.DuckDBPyConnection, pairs: str, left: str) -> list[dict[str, Any]]:
    """The scored pairs with the values of both sides, as the explanation needs them, best pairs of a row first."""
    shown = ("shown_name", "village_name", "town_name")
    values = ", ".join(f"l.{column} AS {column}_l, r.{column} AS {column}_r" for column in shown)
    drawn = f"SELECT pair.*, {values} FROM ({pairs}) AS pair JOIN {left} AS l ON l.key = pair.key_l "
    found = connection.execute(
        f"{drawn} JOIN people AS r ON r.key = pair.key_r ORDER BY key_l, match_weight DESC, key_r"
    )
    rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
    return rows
