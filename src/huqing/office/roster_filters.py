"""The filters that the lists of dynamic management share: place, month, label."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.http import HttpRequest

from huqing.access.calendar import today
from huqing.access.scope import covers
from huqing.office import places
from huqing.rosters.months import Span, month_of
from huqing.standards.codelists import codelist

FIRST = "monitor"
MONTHS_SHOWN = 24


def unit_of(label: str) -> str:
    """What a list of the label counts: households that left poverty or are monitored, people of everything else."""
    return "户" if label == "tuopin" or label.startswith("monitor") else "人"


def place_of(request: HttpRequest) -> dict[str, Any]:
    """Town and village as the address asks for them, as far as the account may choose them, and the lists to choose."""
    prefix, query = request.user.region_code, request.GET
    known = places.below(prefix)
    region = query.get("region", "")
    town = query.get("town") or region[: places.TOWN_DIGITS]
    village = query.get("village") or (region if len(region) == places.VILLAGE_DIGITS else "")
    town = town if town in known and covers(prefix, town) and len(town) == places.TOWN_DIGITS else ""
    base = town or prefix[: places.TOWN_DIGITS]
    village = village if village in known and covers(prefix, village) and village.startswith(base) else ""
    return {
        "town": town,
        "village": village,
        "region": village or town,
        "towns": places.towns(prefix),
        "villages": places.villages(
            prefix, town or (prefix[: places.TOWN_DIGITS] if len(prefix) >= places.TOWN_DIGITS else "")
        ),
    }


def month_asked(request: HttpRequest) -> Span:
    """The month of the address, else the last one that is over."""
    match = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", request.GET.get("month", ""))
    if match:
        return month_of(dt.date(int(match[1]), int(match[2]), 1))
    return month_of(today()).before


def months_offered(asked: Span) -> list[tuple[str, str]]:
    """The months of two years up to this one, newest first, and the one asked for."""
    span, listed = month_of(today()), []
    for _ in range(MONTHS_SHOWN):
        listed.append(span)
        span = span.before
    if asked not in listed:
        listed.append(asked)
    return [(f"{one.first:%Y-%m}", f"{one.first.year} 年 {one.first.month} 月") for one in listed]


def label_asked(request: HttpRequest) -> str:
    """The label of the address, else monitoring."""
    asked = request.GET.get("label", "")
    return asked if asked in codelist("label_kind") else FIRST
