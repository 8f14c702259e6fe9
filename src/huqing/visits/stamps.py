"""Whether what was worked out about a household is still what the database says: one number per household.

PostgreSQL keeps for each version of a row which transaction wrote it (``xmin``) and where it lies (``ctid``); both
differ after any change, whoever made it and however: by the office, in bulk, by hand. The hashes of the rows a packet
is made of, combined, tell in one statement whether any of them was added, changed or removed. No writer needs to know
that there is something to forget, so nothing can be forgotten. What has no such trace (other databases) has no stamps,
and everything is worked out anew.

The number 0 stands for what concerns all households alike.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django.db import connection

import huqing

SHARED = 0
Stamps = dict[int, int]


def supported() -> bool:
    """Whether this database tells when a row has changed."""
    return connection.vendor == "postgresql"


def of_packet(households: Sequence[int]) -> Stamps:
    """Of everything that is told of a household in a packet. Read it before the rows themselves."""
    return _combined(_PACKET, {"ids": list(households)})


def of_lists(households: Sequence[int], villages: Iterable[str], around: Iterable[str]) -> Stamps:
    """Of what the lists of Collect hold; ``around``: the codes of the villages and of what lies around them."""
    return _combined(_LISTS, {"ids": list(households), "villages": list(villages), "around": list(around)})


def digest(*parts: Any) -> str:
    """One short text for values that write themselves out in full, and for the program that handles them."""
    return blake2b(repr((program(), *parts)).encode(), digest_size=32).hexdigest()


@functools.cache
def program() -> str:
    """What this program is: after an upgrade everything is worked out anew."""
    root = Path(huqing.__file__).parent
    files = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".yaml", ".csv"))
    told = [(str(path.relative_to(root)), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files]
    return blake2b(repr(told).encode(), digest_size=16).hexdigest()


def _combined(statement: str, values: dict[str, Any]) -> Stamps:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return dict(cursor.fetchall())


def _row(table: str, household: str, where: str, number: int, *, also: str = "") -> str:
    """The hashes of some rows of a table; ``number`` tells tables apart, ``also`` takes in a text of another table."""
    joined, _, text = also.partition("|")
    place = f"hashtidextended({table}.ctid, {table}.xmin::text::bigint * 32 + {number})"
    mark = f"hashtextextended(coalesce({text}, ''), {place})" if text else place
    return f"SELECT {household} AS household, {mark} AS mark FROM {table} {joined} WHERE {where}"  # noqa: S608


def _statement(*rows: str) -> str:
    return f"SELECT household, bit_xor(mark) FROM ({' UNION ALL '.join(rows)}) AS told GROUP BY household"  # noqa: S608


_MINE = "household_id = ANY(%(ids)s)"
_PACKET = _statement(
    _row(
        "registry_household",
        "registry_household.id",
        "registry_household.id = ANY(%(ids)s)",
        0,
        also="LEFT JOIN registry_grid g ON g.id = registry_household.grid_id "
        'LEFT JOIN registry_source s ON s.id = registry_household.created_by_source_id|concat(g.name, s."on")',
    ),
    _row("registry_person", "household_id", _MINE, 1),
    _row("registry_label", "household_id", _MINE, 2),
    _row(
        "screening_alert",
        "screening_alert.household_id",
        "screening_alert.household_id = ANY(%(ids)s)",
        3,
        also="LEFT JOIN registry_person p ON p.id = screening_alert.person_id|p.name",
    ),
    _row("registry_entry", "household_id", f"{_MINE} AND person_id IS NULL", 4),
    _row(
        "visits_submission",
        "visits_submission.household_id",
        "visits_submission.household_id = ANY(%(ids)s)",
        5,
        also="JOIN access_user u ON u.id = visits_submission.user_id|u.display_name",
    ),
    _row(
        "visits_confirmation",
        "visits_confirmation.household_id",
        "visits_confirmation.household_id = ANY(%(ids)s)",
        6,
        also="JOIN access_user u ON u.id = visits_confirmation.user_id|u.display_name",
    ),
    _row("registry_departmentrecord", "household_id", f"{_MINE} AND kind = 'home_visit'", 7),
    _row("visits_visittask", "household_id", _MINE, 8),
    _row("visits_form", f"{SHARED}", "TRUE", 9),
    _row("visits_method", f"{SHARED}", "TRUE", 10),
)
_LISTS = _statement(
    _row("registry_household", "id", "id = ANY(%(ids)s)", 0),
    _row("registry_person", "household_id", _MINE, 1),
    _row("registry_region", f"{SHARED}", "code = ANY(%(around)s)", 2),
    _row(
        "registry_departmentrecord",
        f"{SHARED}",
        "kind = 'village' AND region_code = ANY(%(villages)s) AND household_id IS NULL",
        3,
    ),
)
