"""What the pages about parameters show: which value is in force in the county and why, its history, who uses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from huqing.office import rule_page
from huqing.rules.display import value_text
from huqing.rules.language import Rule
from huqing.rules.library import Library
from huqing.rules.parameters import Dated, Parameter, Parameters, load, own_folders

LEVELS = {0: "全国", 2: "省", 4: "市", 6: "本县"}
CITY_DIGITS = 4
UNUSED = "other"
UNUSED_TITLE = "待遇计算和其他"


@dataclass(frozen=True)
class Level:
    """One step of the inheritance: the region of that level and its value on the day, if it has one."""

    name: str
    place: str
    value: rule_page.ShownValue | None
    own_file: bool


@dataclass(frozen=True)
class Line:
    """One parameter in the list."""

    parameter: Parameter
    current: str
    place: str
    users: int


@dataclass(frozen=True)
class Topic:
    """Parameters of one topic."""

    key: str
    title: str
    lines: list[Line]


def users_of(library: Library) -> dict[str, list[Rule]]:
    """For each parameter the findings that depend on it, in the order of the library."""
    users: dict[str, list[Rule]] = {}
    for key, rule in library.findings.items():
        for parameter in library.parameters_of(key):
            users.setdefault(parameter, []).append(rule)
    return users


def by_topic(library: Library, *, day: date, county: str, text: str = "") -> list[Topic]:
    """All parameters under the first topic whose rules use them, narrowed by a piece of title, note or key."""
    users = users_of(library)
    grouped: dict[str, list[Line]] = {}
    for key, parameter in sorted(library.parameters.items(), key=_position):
        if text and not any(text in words for words in (parameter.title, parameter.note, key)):
            continue
        dated = parameter.at(day, county) if county else None
        current = value_of(parameter, dated) if dated else ""
        place = rule_page.place_of(dated.region) if dated else ""
        grouped.setdefault(topic_of(users.get(key, ())), []).append(
            Line(parameter, current, place, len(users.get(key, ())))
        )
    order = (*rule_page.TOPICS, UNUSED)
    return [Topic(key, rule_page.TOPICS.get(key, UNUSED_TITLE), grouped[key]) for key in order if key in grouped]


def _position(item: tuple[str, Parameter]) -> tuple[str, int]:
    """Where a parameter is declared: the order of the list within a topic."""
    return item[1].place.file, item[1].place.line


def topic_of(rules: Iterable[Rule]) -> str:
    """The first topic, in the order of the catalogue, that has one of the rules."""
    topics = {rule_page.topic_of(rule) for rule in rules}
    return next((key for key in rule_page.TOPICS if key in topics), UNUSED)


def value_of(parameter: Parameter, dated: Dated) -> str:
    """A value with its unit in words."""
    return value_text(dated.value, unit=parameter.unit, codes=parameter.keys)


def own_parameters() -> Parameters:
    """What the county's own files say."""
    return load(*own_folders())


def own_files(key: str) -> list[str]:
    """The names of the county's own files that name the parameter, under ``parameters`` in the data folder."""
    found = []
    for folder in own_folders():
        for file in sorted(folder.glob("*.yaml")):
            if f"\n{key}:" in f"\n{file.read_text(encoding='utf-8')}":
                found.append(f"parameters/{file.name}")
    return found


def levels(parameter: Parameter, *, day: date, county: str) -> list[Level]:
    """The county, its city, its province and the nation, each with the value it has on the day."""
    force = parameter.at(day, county)
    own = own_parameters().get(parameter.key)
    mine = {(value.region, value.since) for value in own.values} if own else set()
    found = []
    for digits in sorted(LEVELS, reverse=True):
        region = county[:digits]
        begun = [value for value in parameter.values if value.region == region and value.since <= day]
        dated = max(begun, key=lambda value: value.since, default=None)
        shown = rule_page.shown(parameter, dated, now=dated is force) if dated else None
        # Names of cities are not loaded with a county's places.
        place = "所在的市" if digits == CITY_DIGITS else rule_page.place_of(region)
        found.append(Level(LEVELS[digits], place, shown, dated is not None and (dated.region, dated.since) in mine))
    return found


def why(found: list[Level]) -> str:
    """Why the value in force is the one in force, in a sentence."""
    for position, level in enumerate(found):
        if level.value is not None:
            above = "、".join(other.name for other in found[:position])
            first = f"{above}都没有自己的取值，" if position > 1 else f"{above}没有自己的取值，" if above else ""
            below = "，它优先于上级的取值" if any(other.value for other in found[position + 1 :]) else ""
            own = "（来自本县参数文件）" if level.own_file else ""
            return f"{first}用{level.place}自 {level.value.since:%Y-%m-%d} 起的取值{own}{below}。"
    return "本县、市、省和全国都没有取值，用到它的规则在本县不运行。"


def example(parameter: Parameter, *, day: date, county: str) -> str:
    """What a county writes into its own file to set a value of its own from the first of this month."""
    source = "文件名称和文号"
    region = county.ljust(2, "0")
    return (
        f"{parameter.key}:\n"
        f"  title: {parameter.title}\n"
        f"  unit: {_quoted(parameter.unit)}\n"
        f"  type: {parameter.type}\n"
        + (f"  keys: {parameter.keys}\n" if parameter.keys else "")
        + (f"  choices: [{', '.join(parameter.choices)}]\n" if parameter.choices else "")
        + "  values:\n"
        f'    - {{from: {day.replace(day=1)}, region: "{region}", value: 取值, source: "{source}", status: "本县"}}\n'
    )


def _quoted(unit: str) -> str:
    return f'"{unit}"' if unit.startswith("%") else unit
