"""What the pages about simulations show, and the workbook of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huqing.office import bill_cost_page, parameter_page, places, rule_page, wording
from huqing.papers.sheets import Cell, Column, Sheet
from huqing.registry.models import Household, Person, Region
from huqing.rules.library import Library
from huqing.rules.parameters import Dated, Parameter
from huqing.rules.schedules import NO_LIMIT
from huqing.screening import bill_costs, outcomes, proposals, simulation
from huqing.screening.models import Simulation
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text

BILL_TOPIC = "bills"
MARK = "模拟（不影响任何预警）"
STATES = {"found": "成立", "not": "不成立", "unknown": "数据不足"}


@dataclass(frozen=True)
class Field:
    """One parameter on the form of a new simulation."""

    parameter: Parameter
    now: str
    place: str
    value: str
    wrong: str = ""

    @property
    def how(self) -> str:
        """How to write a value that is more than one number; "" for the others."""
        if self.parameter.type == "segments":
            each = "每类写一个，不同类之间用逗号隔开；" if self.parameter.keys else ""
            return f"{each}分段照这样写：[{{over: 0, rate: 0.6}}, {{over: 30000, rate: 0.65}}]，没有这一层写 []。"
        if self.parameter.keys:
            labels = codelist(self.parameter.keys).items
            return (
                f"每类写一个，用逗号隔开，例如“{labels[0][1]}: …, {labels[1][1]}: …, 其余: …”；"
                "只写一个数，就是各类都用它。没有写到、也没有“其余”的类，算不出结果。"
            )
        return "没有上限的写 不设限。" if self.value == NO_LIMIT else ""


@dataclass(frozen=True)
class FindingLine:
    """What the changed parameters do to one finding."""

    key: str
    title: str
    now: int
    then: int
    enter: int
    leave: int
    unknown_now: int
    unknown_then: int
    not_run_now: bool
    not_run_then: bool


@dataclass(frozen=True)
class TownLine:
    """What they do in one town, in findings and households."""

    code: str
    name: str
    enter: int
    leave: int
    enter_households: int
    leave_households: int


@dataclass(frozen=True)
class ListLine:
    """One line of the list of those who would enter or leave."""

    mover: outcomes.Mover
    household: Household | None
    person: Person | None

    @property
    def direction(self) -> str:
        """进入 or 退出."""
        return outcomes.DIRECTIONS[self.mover.direction]

    @property
    def step(self) -> str:
        """From which answer to which."""
        return f"{STATES[self.mover.was]} → {STATES[self.mover.becomes]}"


def fields(
    rules: Library, keys: Sequence[str], *, county: str, typed: Mapping[str, str], wrong: Mapping[str, str]
) -> list[Field]:
    """The form's fields for the chosen parameters: what is in force on the day of the data, and what was typed."""
    day = simulation.as_of_now(county)
    found = []
    for key in dict.fromkeys(keys):
        parameter = rules.parameters.get(key)
        if parameter is None:
            continue
        dated = parameter.at(day, county) if day else None
        found.append(
            Field(
                parameter,
                now_text(parameter, dated),
                rule_page.place_of(dated.region) if dated else "",
                typed.get(key, proposals.raw_text(parameter, dated)),
                wrong.get(key, ""),
            )
        )
    return found


def now_text(parameter: Parameter, dated: Dated | None) -> str:
    """The value in force in words."""
    return parameter_page.value_of(parameter, dated) if dated else "没有取值（用到它的规则现在不运行）"


def choices(rules: Library, chosen: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Parameters that can be tried, by topic, without those already chosen."""
    users, of_bills = parameter_page.users_of(rules), bill_costs.parameters(rules)
    grouped: dict[str, list[tuple[str, str]]] = {}
    for key, parameter in rules.parameters.items():
        if key in chosen or not (key in users or key in of_bills):
            continue
        topic = parameter_page.topic_of(users[key]) if key in users else BILL_TOPIC
        grouped.setdefault(topic, []).append((key, parameter.title))
    titles = {**rule_page.TOPICS, BILL_TOPIC: "住院报销和医疗救助的标准"}
    return [(title, grouped[topic]) for topic, title in titles.items() if topic in grouped]


def by_finding(simulated: Simulation) -> list[FindingLine]:
    """The findings the changed parameters are for, most movement first."""
    not_run = simulated.counts.get("not_run", {})
    lines = [
        FindingLine(
            key,
            wording.finding_title(key),
            **tally,
            not_run_now=key in not_run.get("now", {}),
            not_run_then=key in not_run.get("then", {}),
        )
        for key, tally in simulated.counts.get("by_finding", {}).items()
    ]
    return sorted(lines, key=lambda line: (-(line.enter + line.leave), line.title))


def by_town(simulated: Simulation) -> list[TownLine]:
    """The towns somebody would enter or leave in, by code."""
    return [
        TownLine(code, places.name_of(code), **tally) for code, tally in simulated.counts.get("by_town", {}).items()
    ]


def lines(movers: Sequence[outcomes.Mover], user: Any) -> list[ListLine]:
    """The movers with their household and person, as far as the account sees them."""
    households = Household.objects.visible_to(user).in_bulk([m.household_id for m in movers if m.household_id])
    people = Person.objects.visible_to(user).in_bulk([m.person_id for m in movers if m.person_id])
    return [
        ListLine(mover, households.get(mover.household_id), people.get(mover.person_id))
        for mover in movers
        if mover.household_id is None or mover.household_id in households
    ]


def findings_of(simulated: Simulation) -> list[tuple[str, str]]:
    """The findings of a simulation for its filter."""
    return [(line.key, line.title) for line in by_finding(simulated)]


def towns_of(simulated: Simulation) -> list[tuple[str, str]]:
    """The towns of a simulation for its filter."""
    known = {code: place.name for code, place in places.below(simulated.region_code).items()}
    return [
        (code, known.get(code, code)) for code in simulated.counts.get("by_town", {}) if len(code) == places.TOWN_DIGITS
    ]


def sheets(simulated: Simulation, user: Any) -> list[Sheet]:
    """The workbook: what was changed, by finding, by town, the list; every row says that it is a simulation."""
    mark = Column("性质", width=24)
    return [
        Sheet(
            "模拟 改动和测算",
            [
                mark,
                Column("项目", width=34),
                Column("现在", width=30),
                Column("改后", width=30),
                Column("说明", width=60),
            ],
            _summary(simulated),
        ),
        Sheet(
            "模拟 按规则",
            [
                mark,
                Column("规则", width=34),
                *(
                    Column(title, "integer")
                    for title in ("现在成立", "改后成立", "进入", "退出", "现在数据不足", "改后数据不足")
                ),
            ],
            (
                [MARK, line.title, line.now, line.then, line.enter, line.leave, line.unknown_now, line.unknown_then]
                for line in by_finding(simulated)
            ),
        ),
        Sheet(
            "模拟 按乡镇",
            [
                mark,
                Column("乡镇"),
                *(Column(title, "integer") for title in ("进入（条）", "退出（条）", "进入（户）", "退出（户）")),
            ],
            (
                [MARK, line.name, line.enter, line.leave, line.enter_households, line.leave_households]
                for line in by_town(simulated)
            ),
        ),
        Sheet(
            "模拟 名单",
            [mark, *map(Column, ("进入或退出", "规则", "户编号", "户主", "成员", "村", "组", "判断变化"))],
            _list(simulated, user),
        ),
    ]


def _summary(simulated: Simulation) -> Iterator[list[Cell]]:
    yield [
        MARK,
        "数据截至",
        str(simulated.as_of),
        str(simulated.as_of),
        f"试算第 {simulated.pk} 号 {simulated.note}".strip(),
    ]
    for change in simulated.changes:
        yield [MARK, change["title"], change["now"], change["then"], "改动的参数"]
    counts = simulated.counts
    if counts.get("by_finding"):
        yield [MARK, "进入的农户（户）", None, counts["enter_households"], "至少有一条规则由不成立变为成立"]
        yield [MARK, "退出的农户（户）", None, counts["leave_households"], "至少有一条规则由成立变为不成立"]
    for cost in costs(simulated):
        yield [MARK, f"{cost['title']}：缺口", cost["now_text"], cost["then_text"], cost["formula"]]
    yield from ([MARK, *line] for line in bill_cost_page.lines(simulated))


def costs(simulated: Simulation) -> list[dict[str, Any]]:
    """What a line would cost, in words, with the difference."""
    told = []
    for cost in simulated.counts.get("costs", []):
        now, then = cost["now"], cost["then"]
        extra = (then["fen"] if then else 0) - (now["fen"] if now else 0)
        told.append(
            {
                **cost,
                "now_text": _gap_text(now),
                "then_text": _gap_text(then),
                "extra": extra,
                "unknown": then["unknown"],
            }
        )
    return told


def _gap_text(gap: Mapping[str, int] | None) -> str:
    if gap is None:
        return "没有取值"
    return f"{yuan_text(gap['fen'], grouped=True)} 元/年（{gap['households']} 户 {gap['heads']} 人）"


def _list(simulated: Simulation, user: Any) -> Iterator[list[Cell]]:
    villages = dict(Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None).values_list("code", "name"))
    for part in outcomes.pages(simulation.folder_of(simulated)):
        for line in lines(part, user):
            household = line.household
            yield [
                MARK,
                line.direction,
                wording.finding_title(line.mover.finding),
                household.number if household else "",
                household.head_name if household else villages.get(line.mover.region_code, ""),
                line.person.name if line.person else "",
                places.name_of(line.mover.region_code),
                household.group_name if household else "",
                line.step,
            ]
