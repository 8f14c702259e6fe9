"""The cells of a file's fields and of a department's rows as HTML.

A page shows hundreds of them. As a template they took most of the page's time, and with a call per piece still a
third of it, so they are put together here; everything else on the page is templates. Whatever comes from a file is
escaped where it is put in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe

from huqing.office.household_file import Fact

_MISSING = '<span class="muted">未填</span>'


def _html(made: str) -> SafeString:
    # The one place that vouches for what is made here: every text of a file went through escape, see test_fact_cells.
    return mark_safe(made)  # noqa: S308


def _html(made: str) -> SafeString:
    # The one place that vouches for what is made here: every text of a file went through escape, see test_fact_cells.
    return mark_safe(made)  # noqa: S308


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """What a declaration says (keys, labels, meanings, units, names of sources): few texts, escaped once."""
    return escape(text)


@dataclass(frozen=True)
class Cells:
    """What the cells of one file share: whose they are, where their forms are, what the user may do."""

    owner: str
    address: str
    pencil: SafeString
    eye: SafeString
    can_edit: bool
    can_show: bool
    note: str = ""

    def html(self, facts: Iterable[Fact]) -> SafeString:
        """The cells one after the other."""
        return _html("\n".join(map(self._cell, facts)))

    def _cell(self, fact: Fact) -> str:
        edit = self._edit(fact) if self.can_edit and fact.editable else ""
        note = f'<span class="source saved" role="status">{escape(self.note)}</span>' if self.note else ""
        return (
            f'<div class="fact" id="f-{self.owner}-{_plain(fact.key)}"><dt title="{_plain(fact.meaning)}">'
            f"{_plain(fact.label)}</dt><dd>{self._value(fact)}{_source(fact)}{note}</dd>{edit}</div>"
        )

    def _value(self, fact: Fact) -> str:
        if not fact.text:
            return _MISSING
        if fact.sealed:
            return f'<span class="value">{self.sealed(fact.key, fact.label, fact.text)}</span>'
        return f'<span class="value{" num-value" if fact.numeric else ""}">{escape(fact.text)}{_unit(fact)}</span>'

    def sealed(self, key: str, label: str, text: str) -> SafeString:
        """A masked number, with the button that asks for the reason to show it."""
        if not text:
            return _html(_MISSING)
        shown = f'<span class="nowrap">{escape(text)}</span>'
        if not self.can_show:
            return _html(shown)
        return _html(
            f'{shown} <button class="btn-quiet no-print small" type="button" hx-get="{self.address}{_plain(key)}/full/"'
            f' hx-target="#dialog-body" aria-label="查看完整{_plain(label)}">{self.eye}查看</button>'
        )

    def _edit(self, fact: Fact) -> str:
        # After saving, the keyboard stays where it was.
        focus = " autofocus" if self.note else ""
        return (
            f'<button class="btn-quiet edit" type="button" hx-get="{self.address}{_plain(fact.key)}/"'
            f' hx-target="closest .fact" hx-swap="outerHTML" aria-label="修改{_plain(fact.label)}" title="修改"{focus}>'
            f"{self.pencil}</button>"
        )


def row_html(facts: Iterable[Fact]) -> SafeString:
    """The items of one department's row, to be read only."""
    return _html(
        "".join(
            f'<div><dt>{_plain(fact.label)}</dt><dd class="value{" num-value" if fact.numeric else ""}">'
            f"{escape(fact.text)}{_unit(fact)}</dd></div>"
            for fact in facts
        )
    )


def _unit(fact: Fact) -> str:
    return f'<span class="unit">{_plain(fact.unit)}</span>' if fact.unit else ""


def _source(fact: Fact) -> str:
    if not fact.source:
        return ""
    return f'<span class="source" title="{_plain(fact.source_title)}">{_plain(fact.source)}</span>'
