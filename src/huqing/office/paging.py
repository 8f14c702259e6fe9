"""Lists a page at a time without counting or skipping: the next page starts after the last row shown.

``OFFSET`` and ``COUNT(*)`` read everything they pass over; at 309,800 households that is the whole answer time. A
cursor is the sort values of the last row, so every page costs the same.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

Row = TypeVar("Row", bound=Model)

PAGE_SIZE = 50


@dataclass
class KeysetPage(Generic[Row]):
    """One page of a list and what its links need."""

    rows: list[Row]
    next_url: str = ""
    first_url: str = ""
    total: int | None = None
    total_is_limit: bool = False
    order: str = ""
    orders: Mapping[str, str] = field(default_factory=dict)

    def sort_link(self, key: str) -> dict[str, str]:
        """Address and direction of the button that sorts by ``key``; empty when the list cannot be sorted so."""
        if key not in self.orders:
            return {}
        current = {key: "ascending", f"-{key}": "descending"}.get(self.order, "")
        return {"url": self.orders[key], "current": current}


def page(
    rows: QuerySet[Row],
    *,
    query: QueryDict,
    path: str,
    orders: Mapping[str, Sequence[str]],
    default: str,
    size: int = PAGE_SIZE,
    sortable: bool = True,
    ids_first: bool = False,
    read_from: QuerySet[Row] | None = None,
) -> KeysetPage[Row]:
    """One page of ``rows``.

    ``orders`` maps a column to the fields it sorts by; the last must be unique, and all must be non-null. The request's
    ``sort`` (``key`` or ``-key``) and ``after`` (cursor) are read from ``query``; anything unknown is ignored.
    ``ids_first`` finds the page's ids before its rows: where the order is not that of the index used, the database then
    sorts ids taken from the index instead of joined rows. With ``read_from`` the rows are read from there, by their ids
    alone: the database cannot take a condition of ``rows`` for a better way to them.
    """
    order = query.get("sort", default) if sortable else default
    if order.lstrip("-") not in orders:
        order = default
    descending = order.startswith("-")
    names = list(orders[order.lstrip("-")])
    cursor = _decode(query.get("after", ""), len(names))
    narrowed = rows.order_by(*(f"-{name}" if descending else name for name in names))
    if cursor is not None:
        try:
            narrowed = narrowed.filter(_after(names, cursor, descending=descending))
        except (ValueError, TypeError, ValidationError):
            # Somebody wrote the address by hand: words where a number or a day belongs.
            cursor = None
    if ids_first or read_from is not None:
        ids = list(narrowed.values_list("pk", flat=True)[: size + 1])
        narrowed = (rows if read_from is None else read_from).filter(pk__in=ids).order_by(*narrowed.query.order_by)
    found = list(narrowed[: size + 1])
    shown = found[:size]
    links = query.copy()
    links.pop("after", None)
    result: KeysetPage[Row] = KeysetPage(rows=shown, order=order)
    if cursor is not None:
        result.first_url = _address(path, links)
    if len(found) > size:
        following = links.copy()
        following["after"] = _encode([_value(shown[-1], name) for name in names])
        result.next_url = _address(path, following)
    if sortable:
        result.orders = {key: _address(path, _sorted(links, key, order)) for key in orders}
    return result


def _sorted(links: QueryDict, key: str, order: str) -> QueryDict:
    changed = links.copy()
    changed["sort"] = f"-{key}" if order == key else key
    return changed


def _address(path: str, query: QueryDict) -> str:
    kept = query.copy()
    for key in [key for key, value in kept.items() if value == ""]:
        del kept[key]
    return f"{path}?{kept.urlencode()}" if kept else path


def _value(row: Model, name: str) -> Any:
    value: Any = row
    for part in name.split("__"):
        value = getattr(value, part)
    return value if isinstance(value, int | str) else str(value)


def _after(names: Sequence[str], cursor: Sequence[Any], *, descending: bool) -> Q:
    """Rows behind the cursor; the first field is compared once more by itself, so that an index range starts there."""
    side = "lt" if descending else "gt"
    behind = Q()
    for position, name in enumerate(names):
        equal = Q(**dict(zip(names[:position], cursor[:position], strict=True)))
        behind |= equal & Q(**{f"{name}__{side}": cursor[position]})
    return Q(**{f"{names[0]}__{side}e": cursor[0]}) & behind


def _encode(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def _decode(text: str, length: int) -> list[Any] | None:
    if not text:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None
    good = isinstance(values, list) and len(values) == length and all(isinstance(v, int | str) for v in values)
    # PostgreSQL takes no text with a NUL in it.
    return values if good and not any("\0" in v for v in values if isinstance(v, str)) else None
