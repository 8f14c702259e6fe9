"""What every page is made of: icons, numbers with units, badges, stat cards, empty states, pagers, charts' tables.

Anything that looks the same in two places is a tag here with its template in ``office/components/``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

from django import template
from django.apps import apps
from django.forms import BaseForm, BoundField
from django.http import HttpRequest
from django.template import TemplateSyntaxError
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from huqing.access.permissions import may as role_may
from huqing.access.permissions import refusal
from huqing.office import controls, icons, navigation, places, wording
from huqing.office.fact_cells import Cells, row_html
from huqing.office.household_file import Fact
from huqing.office.paging import KeysetPage
from huqing.registry.models import Label
from huqing.standards import money
from huqing.standards.codelists import codelist
from huqing.visits.models import Submission

register = template.Library()

_STATE_TONES = {
    Submission.State.RECEIVED: "accent",
    Submission.State.ACCEPTED: "good",
    Submission.State.RETURNED: "high",
    Submission.State.REPLACED: "past",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing of the sprite; decoration only, so the text beside it must say the same."""
    return _drawing(name)


@cache
def _drawing(name: str) -> SafeString:
    if name not in icons.names():
        raise TemplateSyntaxError(f"no icon {name!r} in the sprite; add it to assets/icons.json and run make assets")
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("office/dist/icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def menu(context: Context) -> list[navigation.Group]:
    """The menu of the signed-in user."""
    request: HttpRequest = context["request"]
    return navigation.menu(request.user, request.path)


@register.simple_tag(takes_context=True)
def may(context: Context, permission: str) -> bool:
    """Whether the user's role has a permission: decides whether a button is drawn."""
    return role_may(context["request"].user, permission)


@register.simple_tag(takes_context=True)
def why_not(context: Context, permission: str) -> str:
    """Why the user may not do something, as the tooltip of a disabled button; empty when they may."""
    return refusal(context["request"].user, permission)


@register.simple_tag(takes_context=True)
def place_name(context: Context, code: str) -> str:
    """The names of town and village of a region code, e.g. 朱衣镇 砚瓦村."""
    return places.name_of(code)


@register.simple_tag(takes_context=True)
def scope_name(context: Context) -> str:
    """What area the user's account is for."""
    return places.scope_of(context["request"].user)


@register.filter
def number(value: Any) -> str:
    """A whole number with thousands separators; nothing for None."""
    return "" if value is None else f"{value:,}"


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as yuan with separators, e.g. 12,345.60."""
    return "" if fen is None else money.yuan_text(fen, grouped=True)


@register.filter
def day(value: date | None) -> str:
    """A date the way lists write it: 2025-03-01."""
    return "" if value is None else f"{value:%Y-%m-%d}"


@register.filter
def file_size(size: int | None) -> str:
    """How large a file is, in 千字节 or 兆."""
    if size is None:
        return ""
    return f"{size / 2**20:.1f} 兆" if size >= 2**20 else f"{max(1, round(size / 1024))} 千字节"


@register.filter
def percent(share: float | None) -> str:
    """A share of one as a percentage without decimals."""
    return "" if share is None else f"{share:.0%}"


@register.simple_tag
def amount(value: Any, unit: str = "") -> SafeString:
    """A number and its unit, to stand in a right-aligned cell; a dash when there is none."""
    if value is None or value == "":
        return format_html('<span class="muted">{}</span>', "—")
    shown = f"{value:,}" if isinstance(value, int) else value
    return format_html('<span class="amount">{}<span class="unit">{}</span></span>', shown, unit)


@register.simple_tag
def options(choices: Iterable[tuple[str, str]], chosen: str = "") -> SafeString:
    """The options of a select; written here because a template needs ten times as long for the seventy findings."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, mark_safe(" selected") if value == chosen else "", label) for value, label in choices),
    )


@register.simple_tag
def place_options(found: Iterable[places.Place], chosen: str = "") -> SafeString:
    """The options of a select of towns or villages."""
    return options(((place.code, place.name) for place in found), chosen)


@register.simple_tag
def severity(level: str) -> SafeString:
    """The badge of an alert's severity."""
    return _tag(wording.SEVERITY.get(level, level), level)


@register.simple_tag
def badge(label: str, kind: str = "low", note: str = "") -> SafeString:
    """A small label; ``kind`` is accent, high, medium, low, good or past; ``note`` stands smaller behind it."""
    return _tag(label, kind, note)


@register.simple_tag
def visit_state(visit: Submission) -> SafeString:
    """The badge of a submission's state."""
    return _tag(str(visit.get_state_display()), _STATE_TONES.get(visit.state, "low"))


@register.simple_tag
def label_badge(kind: str) -> SafeString:
    """A kind of label (脱贫户, 低保 …)."""
    return _tag(codelist("label_kind").label(kind), _tone(kind))


@register.simple_tag
def dated_label(label: Label) -> SafeString:
    """A label with its dates and, where it is a member's, whose it is."""
    name = codelist("label_kind").label(label.kind)
    if label.person is not None:
        name = f"{label.person.name} {name}"
    if label.valid_to:
        return _tag(name, "past", f"{label.valid_from:%Y-%m-%d} 至 {label.valid_to:%Y-%m-%d}")
    return _tag(name, _tone(label.kind), f"{label.valid_from:%Y-%m-%d} 起")


def _tag(label: str, kind: str, note: str = "") -> SafeString:
    if note:
        return format_html('<span class="tag tag-{}">{} <small>{}</small></span>', kind, label, note)
    return format_html('<span class="tag tag-{}">{}</span>', kind, label)


def _tone(kind: str) -> str:
    if kind.startswith("monitor") or kind == "other_hardship":
        return "medium"
    return "accent" if kind == "tuopin" else "low"


@register.simple_tag(takes_context=True)
def file_cells(context: Context, kind: str, pk: int, note: str = "") -> Cells:
    """What draws the field cells of one household or person."""
    user = context["request"].user
    return Cells(
        owner=f"{kind}-{pk}",
        address=reverse("office:field", args=[kind, pk, "-"]).removesuffix("-/"),
        pencil=icon("pencil"),
        eye=icon("eye"),
        can_edit=role_may(user, "edit_household"),
        can_show=role_may(user, "show_sealed"),
        note=note,
    )


@register.simple_tag
def cells_of(cells: Cells, facts: Iterable[Fact]) -> SafeString:
    """The cells of some fields."""
    return cells.html(facts)


@register.simple_tag
def row_cells(facts: Iterable[Fact]) -> SafeString:
    """The items of one department's row."""
    return row_html(facts)


@register.simple_tag
def sealed_value(cells: Cells, key: str, label: str, text: str) -> SafeString:
    """A masked number with its button, outside a cell."""
    return cells.sealed(key, label, text)


@register.simple_tag
def page_link(view: str, *args: Any) -> str:
    """The address of a page; empty where the page does not exist."""
    try:
        return reverse(view, args=args)
    except NoReverseMatch:
        return ""


@register.filter
def finding_title(key: str) -> str:
    """What a finding is called."""
    return wording.finding_title(key)


@register.inclusion_tag("office/components/stat.html")
def stat(
    label: str,
    value: Any,
    *,
    unit: str = "",
    url: str = "",
    trend: int | None = None,
    since: str = "",
    good: str = "down",
) -> dict[str, Any]:
    """A number that matters, with the change since a named day; ``good`` says which direction is good news."""
    tone = ""
    if trend:
        tone = "better" if (trend < 0) == (good == "down") else "worse"
    return {
        "label": label,
        "value": value,
        "unit": unit,
        "url": url,
        "trend": trend,
        "change": abs(trend or 0),
        "since": since,
        "tone": tone,
    }


@register.inclusion_tag("office/components/empty.html")
def empty(title: str, text: str = "", icon: str = "notes", url: str = "", action: str = "") -> dict[str, str]:
    """What stands where there is nothing yet: what that means and what to do next."""
    return {"title": title, "text": text, "icon": icon, "url": url, "action": action}


@register.inclusion_tag("office/components/pager.html")
def pager(page: KeysetPage[Any], target: str, unit: str = "条") -> dict[str, Any]:
    """Where a list stands and the buttons to its next and first page; ``target`` is the id htmx replaces."""
    return {"page": page, "target": target, "unit": unit}


@register.inclusion_tag("office/components/column.html")
def column(page: KeysetPage[Any], key: str, label: str, target: str, css: str = "") -> dict[str, Any]:
    """A column heading; a button to sort by it where the page's order offers that."""
    return {"page": page, "key": key, "label": label, "target": target, "css": css, "sort": page.sort_link(key)}


@register.inclusion_tag("office/components/progress.html")
def progress(percent: int, label: str) -> dict[str, Any]:
    """How far something is, in per cent, with its text."""
    return {"percent": percent, "label": label}


@register.inclusion_tag("office/components/facts.html")
def facts(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A list of names and values; empty values are left out."""
    return {"pairs": [(name, value) for name, value in pairs if value not in (None, "")]}


@register.inclusion_tag("office/components/field.html")
def field(bound: BoundField, unit: str = "", label: str = "", autofocus: bool = False) -> dict[str, Any]:
    """One form field: label, control, hint, and its errors tied to it for screen readers."""
    return {"field": bound, "unit": unit, **controls.describe(bound, label=label, autofocus=autofocus)}


@register.simple_tag
def bare_control(bound: BoundField) -> SafeString:
    """Only the control of a form field, for filter bars that lay out their labels themselves."""
    return controls.describe(bound)["widget"]


@register.filter
def model_name(label: str) -> str:
    """The Chinese name of a model, e.g. 农户 for registry.household."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label


@register.inclusion_tag("office/components/errors.html")
def errors(form: BaseForm) -> dict[str, Any]:
    """What is wrong with a form as a whole."""
    return {"errors": form.non_field_errors()}
