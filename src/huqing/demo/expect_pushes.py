"""What there is to find of what departments push beside money and the three guarantees (DEFINITIONS.md, 部门推送)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from huqing.demo.figures import PARAMETERS
from huqing.demo.model import Person, add_months

if TYPE_CHECKING:
    from huqing.demo.expect import Evaluation

_LABOUR = frozenset({"01", "02", "05"})


def household(e: Evaluation) -> Iterator[str]:
    """The findings about the household."""
    start = e.as_of - timedelta(days=int(PARAMETERS["disaster_days"]))
    if any(start < row["happened_on"] <= e.as_of and row["loss"] > 0 for row in e.h.records.get("disaster", ())):
        yield "disaster_recent"
    start = add_months(e.as_of, -int(PARAMETERS["bereavement_months"]))
    if any(
        p.fields.get("labour") in _LABOUR
        and any(start < row["died_on"] <= e.as_of for row in p.records.get("death", ()))
        for p in e.h.members
    ):
        yield "bereaved_of_worker"


def person(e: Evaluation, p: Person) -> Iterator[str]:
    """The findings about one living member."""
    cards = p.records.get("disability", ())
    if not cards:
        return
    newest = max(cards, key=lambda row: row.get("issued_on", date.min))
    if "expires_on" in newest and newest["expires_on"] < e.as_of:
        return
    start = add_months(e.as_of, -int(PARAMETERS["new_card_months"]))
    if start < newest.get("issued_on", date.min) <= e.as_of:
        yield "new_disability_card"
