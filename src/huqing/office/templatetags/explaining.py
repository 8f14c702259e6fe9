"""Tags of the pages about alerts, imports and rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString

from huqing.intake.models import Import
from huqing.office import rule_page, wording
from huqing.office.templatetags.office import badge
from huqing.rules.explain import Value
from huqing.rules.parameters import NATION
from huqing.screening.models import Simulation
from huqing.standards.fields import record_kinds

register = template.Library()

HOUSEHOLD = "household"
ROWS_AT_ONCE = 8
TONES = {
    Import.State.APPLIED: "good",
    Import.State.FAILED: "high",
    Import.State.DISCARDED: "past",
    Import.State.UNDONE: "past",
    Import.State.CHECKED: "medium",
    Import.State.UPLOADED: "medium",
    Import.State.MAPPED: "medium",
}


@register.filter
def item(mapping: Mapping[Any, Any], key: Any) -> Any:
    """The value under a key that only the template knows; None without one."""
    return mapping.get(key)


@register.simple_tag
def member_name(names: Mapping[int, str], person_id: int | None) -> str:
    """The name of a household's member by id."""
    return names.get(person_id, "") if person_id else ""


@register.filter
def worth_opening(value: Value) -> bool:
    """Whether the rows behind a value are shown at once: few, and more than a column of 是 and 否, or a gap in them.

    A village's households and their amounts are not: one alert may list them once for every kind of land.
    """
    if value.rows[0].entity == HOUSEHOLD and any(shown.unit for shown in value.rows[0].values):
        return False
    told = [shown.value for row in value.rows for shown in row.values]
    return value.row_count <= ROWS_AT_ONCE and (None in told or any(not isinstance(one, bool) for one in told))


@register.filter
def beside(titles: Sequence[str], cells: Sequence[str]) -> list[tuple[str, str]]:
    """The cells of a row, each with the title of its column."""
    return list(zip(titles, cells, strict=True))


@register.filter
def after_title(text: str, title: str) -> str:
    """A sentence without the title it begins with, where the title stands above it already."""
    return text.removeprefix(f"{title}：")


@register.filter
def missing_text(missing: Sequence[str]) -> str:
    """What is missing, file by file: 户档案缺工资性收入、转移性收入."""
    return wording.missing_text(missing)


@register.simple_tag
def import_state(intake: Import) -> SafeString:
    """The badge of an import's state."""
    return badge(intake.get_state_display(), TONES.get(Import.State(intake.state), "accent"))


@register.simple_tag
def simulation_state(simulated: Simulation) -> SafeString:
    """The badge of a simulation's state."""
    tones = {Simulation.State.DONE: "good", Simulation.State.FAILED: "high"}
    return badge(simulated.get_state_display(), tones.get(Simulation.State(simulated.state), "accent"))


@register.filter
def signed(value: float) -> str:
    """A number with one decimal and its sign: +10.6, −2.0."""
    return f"{value:+.1f}".replace("-", "−")


@register.simple_tag
def subject_name(of: str) -> str:
    """What a rule is about: 户, 人 or 村."""
    return rule_page.SUBJECTS.get(of, of)


@register.filter
def kind_name(key: str) -> str:
    """What a kind of file is called; "" for none."""
    kind = record_kinds().get(key)
    return kind.name if kind else ""


@register.filter
def kind_department(key: str) -> str:
    """The department that keeps a kind of file."""
    return record_kinds()[key].department


@register.filter
def parameter_place(scope: str) -> str:
    """The name of the region a parameter's value is for."""
    return rule_page.place_of("" if scope == NATION else scope)
