"""The statements with which DuckDB compares two rosters, on the tables of a snapshot."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Roster:
    """One roster of a department and what it is compared with: the label, the column of the member roster."""

    key: str
    title: str
    record_kind: str
    label: str = ""
    flag: str = ""
    aid: str = ""


PERSON = """
SELECT id, household_id, region_code, alive, registered_away, dibao, tekun, disability_type, disability_grade, health,
    resident_insurance, employee_insurance
FROM {person}
"""
LABEL = """
SELECT household_id, person_id, kind, min(valid_from) AS since FROM {label}
WHERE person_id IS NOT NULL AND valid_from <= DATE '{day}' AND (valid_to IS NULL OR valid_to >= DATE '{day}')
GROUP BY ALL
"""
NO_LABELS = """(SELECT NULL::BIGINT AS household_id, NULL::BIGINT AS person_id, NULL AS kind,
    NULL::DATE AS valid_from, NULL::DATE AS valid_to) AS nothing"""

# Of each roster three tables, one row per person: ours, theirs, and what the department stopped.
_AID = (
    """SELECT coalesce(l.person_id, p.id) AS person_id, coalesce(p.household_id, l.household_id) AS household_id,
        l.since, {flag} AS flagged
    FROM (SELECT * FROM label WHERE kind = '{label}') l FULL JOIN person p ON p.id = l.person_id
    WHERE l.person_id IS NOT NULL OR {flag}""",
    """SELECT person_id, arg_max(household_id, aid_from) AS household_id, arg_max(id, aid_from) AS record_id,
        '' AS class, '' AS grade, max(aid_from) AS since
    FROM {rows} WHERE aid_kind = '{aid}' AND person_id IS NOT NULL AND {running} GROUP BY person_id""",
    """SELECT person_id, max(aid_to) AS stopped FROM {rows}
    WHERE aid_kind = '{aid}' AND NOT ({running}) GROUP BY person_id""",
)
_RUNNING = "aid_from <= DATE '{day}' AND (aid_to IS NULL OR aid_to >= DATE '{day}')"
_DISABILITY = (
    """SELECT id AS person_id, household_id, NULL::DATE AS since, TRUE AS flagged FROM person
    WHERE disability_type IS NOT NULL OR list_contains(health, '04')""",
    """SELECT person_id, arg_max(household_id, id) AS household_id, max(id) AS record_id,
        arg_max(disability_type, id) AS class, arg_max(disability_grade, id) AS grade, arg_max(issued_on, id) AS since
    FROM {rows} WHERE person_id IS NOT NULL AND (expires_on IS NULL OR expires_on >= DATE '{day}')
    GROUP BY person_id""",
    "SELECT person_id, max(expires_on) AS stopped FROM {rows} WHERE expires_on < DATE '{day}' GROUP BY person_id",
)
_INSURED = (
    """SELECT id AS person_id, household_id, NULL::DATE AS since, TRUE AS flagged FROM person
    WHERE resident_insurance OR employee_insurance""",
    """SELECT person_id, arg_max(household_id, id) AS household_id, max(id) AS record_id,
        string_agg(DISTINCT insurance_kind, '' ORDER BY insurance_kind) AS class, '' AS grade, NULL::DATE AS since
    FROM {rows} WHERE year = {year} AND person_id IS NOT NULL GROUP BY person_id""",
    "SELECT NULL::BIGINT AS person_id, NULL::DATE AS stopped WHERE FALSE",
)

ROWS = """
SELECT coalesce(o.person_id, t.person_id) AS person_id, h.id AS household_id, t.record_id,
    coalesce(p.region_code, h.region_code) AS region_code,
    o.person_id IS NOT NULL AS in_ours, t.person_id IS NOT NULL AS in_theirs,
    o.since AS our_since, o.flagged, t.since AS their_since, t.class, t.grade,
    p.disability_type, p.disability_grade, p.resident_insurance, p.employee_insurance, pa.stopped,
    CASE WHEN p.alive = FALSE OR d.person_id IS NOT NULL THEN 'dead'
        WHEN p.id IS NULL OR p.registered_away THEN 'moved'
        WHEN c.household_id IS NOT NULL THEN 'case'
        WHEN w.person_id IS NOT NULL THEN 'waiting'
        WHEN t.person_id IS NULL AND pa.stopped IS NOT NULL THEN 'stopped'
        WHEN coalesce(o.since, t.since) > DATE '{day}' - 31 THEN 'new'
        ELSE 'unknown' END AS why
FROM ours o FULL JOIN theirs t USING (person_id)
LEFT JOIN person p ON p.id = coalesce(o.person_id, t.person_id)
LEFT JOIN household h ON h.id = coalesce(p.household_id, o.household_id, t.household_id)
LEFT JOIN died d ON d.person_id = coalesce(o.person_id, t.person_id)
LEFT JOIN (SELECT DISTINCT household_id FROM open_case) c ON c.household_id = h.id
LEFT JOIN (SELECT DISTINCT person_id FROM waiting) w ON w.person_id = coalesce(o.person_id, t.person_id)
LEFT JOIN past pa ON pa.person_id = coalesce(o.person_id, t.person_id)
WHERE h.id IS NOT NULL AND (o.person_id IS NULL OR t.person_id IS NULL OR {differs})
ORDER BY region_code, person_id
"""
DIFFERS = {
    "insured": """(t.class = '1' AND NOT coalesce(p.resident_insurance, FALSE))
        OR (t.class = '2' AND NOT coalesce(p.employee_insurance, FALSE))""",
    "disability": "t.class IS DISTINCT FROM p.disability_type OR t.grade IS DISTINCT FROM p.disability_grade",
}
# Somebody who died or left is a difference even where both rosters still hold the person.
AID_DIFFERS = """o.flagged = FALSE OR o.since IS NULL OR p.alive = FALSE OR d.person_id IS NOT NULL OR p.id IS NULL
        OR p.registered_away"""

# Households with a whole year of allowance: the file's amount of the year against twelve monthly amounts.
AMOUNTS = """
SELECT h.id, h.region_code, h.dibao_amount, sum(r.monthly_amount) * 12 AS year, max(r.id)
FROM {rows} r JOIN household h ON h.id = r.household_id
WHERE r.aid_kind = '{aid}' AND r.aid_from <= DATE '{day}' AND (r.aid_to IS NULL OR r.aid_to >= DATE '{day}')
GROUP BY h.id, h.region_code, h.dibao_amount
HAVING max(r.aid_from) <= DATE '{day}' - INTERVAL 12 MONTH AND bool_and(r.monthly_amount IS NOT NULL)
    AND h.dibao_amount IS NOT NULL AND abs(h.dibao_amount - sum(r.monthly_amount) * 12) >= 100
ORDER BY 2, 1
"""
LOOSE = """
SELECT l.id, l.name, l.region_code, l.hash FROM loose l
WHERE l.kind = ? AND (? = '' OR l.aid = ?) ORDER BY l.id
"""


def tables(roster: Roster, rows: str, day: dt.date) -> dict[str, str]:
    """The queries of the tables ``ours``, ``theirs`` and ``past`` of a roster; ``rows`` reads the department's file."""
    parts = {"disability": _DISABILITY, "insured": _INSURED}.get(roster.key, _AID)
    flag = f"p.{roster.flag}" if roster.flag else "NULL::BOOLEAN"
    words = {
        "rows": rows,
        "day": day,
        "year": day.year,
        "label": roster.label,
        "aid": roster.aid,
        "flag": flag,
        "running": _RUNNING.format(day=day),
    }
    return {name: sql.format(**words) for name, sql in zip(("ours", "theirs", "past"), parts, strict=True)}
