"""Which person of the registry a row of the member roster means: by household, ID token and name, in that order."""

# ruff: noqa: S608 - only constant names

from __future__ import annotations

from datetime import date

import duckdb

from huqing.intake.reading import ROW

# Table `claims`: row, household_id, token, name. Table `persons`: id, household_id (of the open membership), token,
# name, joined_on, inside (whether that household is in the user's region). Each step takes what the steps before left
# over, on both sides; a row is never given to a person that another row of the same rank could mean as well, except to
# the first of equal rows in file order.
_STEPS: tuple[tuple[str, str], ...] = (
    # The same person in the same household.
    ("same", "p.household_id = c.household_id AND p.token = c.token AND p.name = c.name"),
    # The same ID number in the same household: the name was corrected.
    ("renamed", "p.household_id = c.household_id AND p.token = c.token"),
    # The same name in the same household, and nobody else claims that person's number: the number was corrected.
    (
        "renumbered",
        "p.household_id = c.household_id AND p.name = c.name AND NOT (p.claimed AND c.known)",
    ),
    # The same person, without a household or last seen in another one on an earlier day: moved here.
    ("returned", "p.household_id IS NULL AND p.token = c.token AND p.name = c.name"),
    (
        "moved",
        "p.household_id <> c.household_id AND p.token = c.token AND p.name = c.name AND p.inside AND p.joined_on < $on",
    ),
)


def match(db: duckdb.DuckDBPyConnection, on: date) -> None:
    """Leaves ``matched`` (row, id, how): how is a step's name, or with id NULL ``stale``, ``outside`` or ``new``.

    ``stale``: the person has been in another household since a later day than ``on``, so the row says nothing new.
    ``outside``: the person is in a household outside the user's region, which this file may not take them from.
    """
    db.execute(
        "CREATE VIEW known_persons AS SELECT *, token IN (SELECT token FROM claims WHERE token IS NOT NULL) AS claimed "
        "FROM persons"
    )
    db.execute(
        "CREATE VIEW known_claims AS SELECT *, token IN (SELECT token FROM persons WHERE token IS NOT NULL) AS known "
        "FROM claims"
    )
    db.execute(f"CREATE TABLE matched ({ROW} INTEGER, id BIGINT, how VARCHAR)")
    for how, condition in _STEPS:
        db.execute(
            f"""INSERT INTO matched
            WITH free_claims AS (SELECT * FROM known_claims WHERE {ROW} NOT IN (SELECT {ROW} FROM matched)),
            free_persons AS (SELECT * FROM known_persons WHERE id NOT IN (SELECT id FROM matched)),
            candidates AS (SELECT c.{ROW}, p.id FROM free_claims c JOIN free_persons p ON {condition}),
            ranked AS (
                SELECT *, row_number() OVER (PARTITION BY {ROW} ORDER BY id) AS of_row,
                    row_number() OVER (PARTITION BY id ORDER BY {ROW}) AS of_person
                FROM candidates)
            SELECT {ROW}, id, '{how}' FROM ranked WHERE of_row = 1 AND of_person = 1""",
            {"on": on} if "$on" in condition else None,
        )
    db.execute(
        f"""INSERT INTO matched
        WITH elsewhere AS (
            SELECT c.{ROW}, bool_or(p.joined_on > $on) AS later, bool_or(p.joined_on < $on AND NOT p.inside) AS outside
            FROM claims c JOIN persons p ON p.token = c.token AND p.name = c.name AND p.household_id <> c.household_id
            WHERE p.id NOT IN (SELECT id FROM matched) GROUP BY c.{ROW})
        SELECT {ROW}, NULL, CASE WHEN e.later THEN 'stale' WHEN e.outside THEN 'outside' ELSE 'new' END
        FROM claims LEFT JOIN elsewhere e USING ({ROW}) WHERE {ROW} NOT IN (SELECT {ROW} FROM matched)""",
        {"on": on},
    )


SAME_NUMBER = f"""
-- Rows that will be a person of their own although their ID number is somebody else's too, and who else has it.
WITH taken AS (
    SELECT * FROM claims WHERE {ROW} NOT IN (SELECT {ROW} FROM matched WHERE how IN ('stale', 'outside'))
), everybody AS (
    SELECT {ROW}, household_id, name, token, NULL::BIGINT AS id, TRUE AS inside FROM taken
    UNION ALL
    SELECT NULL, household_id, name, token, id, inside FROM persons
    WHERE household_id IS NOT NULL AND id NOT IN (SELECT id FROM matched WHERE id IS NOT NULL)
), shared AS (SELECT token FROM everybody WHERE token IS NOT NULL GROUP BY token HAVING count(*) > 1)
SELECT c.{ROW}, c.name, e.{ROW} AS other_row, e.household_id AS other_household_id, e.name AS other_name, e.inside
FROM taken c JOIN shared USING (token) JOIN everybody e USING (token)
WHERE e.{ROW} IS DISTINCT FROM c.{ROW} AND (e.{ROW} IS NULL OR e.{ROW} < c.{ROW})
QUALIFY row_number() OVER (PARTITION BY c.{ROW} ORDER BY e.{ROW} NULLS FIRST, e.id) = 1
ORDER BY c.{ROW}
"""
