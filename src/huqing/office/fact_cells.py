"""The cells of a file's fields as HTML.

A page shows a hundred of them. As a template they took most of the page's time (8 of 14 ms), so they are written here;
everything else on the page is templates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from huqing.office.household_file import Fact

_NOTHING = mark_safe("")
_MISSING = mark_safe('<span class="muted">未填</span>')


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
        return format_html_join("\n", "{}", ((self._cell(fact),) for fact in facts))

    def _cell(self, fact: Fact) -> SafeString:
        return format_html(
            '<div class="fact" id="f-{}-{}"><dt title="{}">{}</dt><dd>{}{}{}</dd>{}</div>',
            self.owner,
            fact.key,
            fact.meaning,
            fact.label,
            self._value(fact),
            self._source(fact),
            format_html('<span class="source saved" role="status">{}</span>', self.note) if self.note else _NOTHING,
            self._edit(fact) if self.can_edit and fact.editable else _NOTHING,
        )

    def _value(self, fact: Fact) -> SafeString:
        if not fact.text:
            return _MISSING
        if fact.sealed:
            return format_html('<span class="value">{}</span>', self.sealed(fact.key, fact.label, fact.text))
        unit = format_html('<span class="unit">{}</span>', fact.unit) if fact.unit else _NOTHING
        return format_html('<span class="value{}">{}{}</span>', " num-value" if fact.numeric else "", fact.text, unit)

    def sealed(self, key: str, label: str, text: str) -> SafeString:
        """A masked number, with the button that asks for the reason to show it."""
        if not text:
            return _MISSING
        shown = format_html('<span class="nowrap">{}</span>', text)
        if not self.can_show:
            return shown
        return format_html(
            '{} <button class="btn-quiet no-print small" type="button" hx-get="{}{}/full/" hx-target="#dialog-body"'
            ' aria-label="查看完整{}">{}查看</button>',
            shown,
            self.address,
            key,
            label,
            self.eye,
        )

    def _source(self, fact: Fact) -> SafeString:
        if not fact.source:
            return _NOTHING
        return format_html('<span class="source" title="{}">{}</span>', fact.source_title, fact.source)

    def _edit(self, fact: Fact) -> SafeString:
        # After saving, the keyboard stays where it was.
        focus = mark_safe(" autofocus") if self.note else _NOTHING
        return format_html(
            '<button class="btn-quiet edit" type="button" hx-get="{}{}/" hx-target="closest .fact" hx-swap="outerHTML"'
            ' aria-label="修改{}" title="修改"{}>{}</button>',
            self.address,
            fact.key,
            fact.label,
            focus,
            self.pencil,
        )
