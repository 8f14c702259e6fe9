"""The rows of the list of cases and the cards of their board as HTML.

A page has some fifty of either. As templates they took longer than everything else of the page, so they are put
together here; whatever comes from a case or a household is escaped where it is put in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from huqing.cases import queries
from huqing.cases.models import Case, CaseState
from huqing.office import places

_TONES = {"late": "high", "soon": "medium"}
_EMERGENCY = ' <span class="tag tag-high">绿色通道</span>'


@dataclass(frozen=True)
class Row:
    """A case as lists show it, with its state and its time left in words."""

    case: Case
    state: str
    left: str
    pressing: str
    total_left: str


def rows_of(cases: Iterable[Case], states: Iterable[CaseState], day: dt.date) -> list[Row]:
    """Cases with their state and their time left in words; the same days are counted once."""
    titles = {one.pk: one.title for one in states}

    @cache
    def left(due: dt.date | None) -> str:
        return queries.left(due, day)

    @cache
    def pressing(due: dt.date) -> str:
        return queries.pressing(None if due == queries.NEVER else due, day)

    return [
        Row(case, titles.get(case.state_id, ""), left(case.due_on), pressing(case.press_on), left(case.total_due_on))
        for case in cases
    ]


def list_html(rows: Iterable[Row], *, ticks: bool) -> SafeString:
    """The rows of the list; ``ticks``: each with a box to choose it for a batch."""
    return _html("\n".join(_row(row, ticks=ticks) for row in rows))


def cards_html(rows: Sequence[Row]) -> SafeString:
    """The cards of a column of the board."""
    return _html("".join(map(_card, rows)))


def _html(made: str) -> SafeString:
    # The one place that vouches for what is made here: every text of a file went through escape, see test_case_lists.
    return mark_safe(made)  # noqa: S308


def _row(row: Row, *, ticks: bool) -> str:
    case, name = row.case, escape(row.case.household.head_name)
    tick = ""
    if ticks:
        box = f'<input type="checkbox" form="batch" name="case" value="{case.pk}" aria-label="选择{name}户">'
        tick = f'<td class="tick">{box}</td>'
    left, tone = escape(row.left), _TONES.get(row.pressing)
    if tone:
        left = f'<span class="tag tag-{tone}">{left}</span>'
    title = f'<a class="row-title" href="{_address(case)}">{name}户</a>{_emergency(case)}'
    return (
        f'<tr>{tick}<td class="row-head">{title}</td>'
        f'<td data-label="环节">{escape(row.state)}</td>'
        f'<td data-label="本环节时限"{_blank(left)}>{left}</td>'
        f'<td data-label="全程时限"{_blank(row.total_left)}>{escape(row.total_left)}</td>'
        f'<td data-label="村组">{_place(case)}</td>'
        f'<td data-label="受理编号" data-latin class="nowrap muted">{escape(case.number)}</td></tr>'
    )


def _card(row: Row) -> str:
    case = row.case
    time = f'<span class="board-time">{escape(row.left)}</span>' if row.left else ""
    pressing = f" board-{row.pressing}" if row.pressing else ""
    return (
        f'<li class="board-card{pressing}"><a href="{_address(case)}">'
        f"{escape(case.household.head_name)}户</a>{_emergency(case)}"
        f'<span class="source">{_place(case)}</span>{time}</li>'
    )


def _blank(text: str) -> str:
    return "" if text else ' class="blank"'


def _emergency(case: Case) -> str:
    return _EMERGENCY if case.emergency else ""


def _place(case: Case) -> str:
    return escape(f"{places.name_of(case.region_code)} {case.household.group_name}")


def _address(case: Case) -> str:
    return _pattern().format(case.pk)


@cache
def _pattern() -> str:
    """The address of a case's page with its key left open: asking for each took a tenth of the list."""
    return reverse("office:case", args=[0]).replace("/0/", "/{}/")
