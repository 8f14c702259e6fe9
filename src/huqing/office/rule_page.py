"""What the rule catalogue shows: topics, the values of parameters over time, and what a rule is computed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from huqing.office import diagram, places, wording
from huqing.rules.cases import Cases, all_cases
from huqing.rules.display import STATE_CODES, value_text
from huqing.rules.entities import COUNTY, column_title, entities
from huqing.rules.language import Rule
from huqing.rules.library import IN_SCOPE, Input, Library, Node
from huqing.rules.parameters import Dated, Parameter
from huqing.screening.proposals import MOST_CHANGES
from huqing.standards.codelists import codelist
from huqing.standards.fields import department_kinds

# Modules of the policies in the order of the catalogue, with the topic they are about.
TOPICS = {
    "income": "收入",
    "medical": "医疗",
    "schooling": "教育",
    "housing": "住房",
    "water": "饮水",
    "work": "就业",
    "disaster": "灾害",
    "pushes": "部门推送",
    "disability": "残疾",
    "support": "兜底保障",
    "deaths": "死亡核对",
    "assets": "资产核对",
    "monitoring": "监测对象管理",
    "visits": "走访帮扶",
    "living": "生产生活条件核查",
    "risks": "风险与措施核查",
    "measures": "帮扶措施核查",
    "measure_ends": "帮扶措施期限和成效",
    "removal": "风险消除条件",
    "villages": "行政村信息核查",
    "identity": "身份信息核查",
    "education": "教育信息核查",
    "labour": "劳动力信息核查",
    "migrant_work": "务工信息核查",
    "work_records": "务工台账核查",
    "insurance": "参保信息核查",
}
OTHER = "其他"
SUBJECTS = {"household": "户", "person": "人", "village": "村"}
# How sure a parameter's value is, as the policy files mark it.
STATUS = {"V": "已见原文", "V3": "见于转载", "G": "未见原文，请核对", "I": "推算得出，请核对", "L": "本地建议值"}
# Keys of rows: needed to join, never a reason.
INTERNAL = frozenset({"id", "household_id", "person_id", "source_id", "row_number"})


@dataclass(frozen=True)
class Topic:
    """One group of the catalogue."""

    key: str
    title: str
    rules: list[Rule]


@dataclass(frozen=True)
class ShownValue:
    """One value of a parameter over time; ``now`` when it is the one in force for the county at hand."""

    text: str
    place: str
    since: date
    source: str
    status: str
    now: bool


@dataclass(frozen=True)
class Point:
    """One step of a parameter's history in a county; ``number`` is what a chart draws, "" where it cannot be drawn."""

    since: date
    text: str
    number: str
    place: str
    today: bool = False


@dataclass(frozen=True)
class ShownParameter:
    """A parameter with the values that can apply to the county, and those of other regions."""

    parameter: Parameter
    here: list[ShownValue]
    elsewhere: list[ShownValue]
    points: list[Point]

    @property
    def current(self) -> ShownValue | None:
        """The value in force."""
        return next((value for value in self.here if value.now), None)

    @property
    def drawable(self) -> bool:
        """Whether a step chart says more than a sentence: there are steps, and all are numbers."""
        return len({point.text for point in self.points}) > 1 and all(point.number for point in self.points)


@dataclass(frozen=True)
class Made:
    """One line of the list behind the drawing: what it is and from what it is computed."""

    title: str
    kind: str
    inputs: str


@dataclass
class Dependencies:
    """The drawing of a rule and the same as a list."""

    drawing: diagram.Diagram
    made: list[Made] = field(default_factory=list)


def topic_of(rule: Rule) -> str:
    """The key of the topic a rule belongs to."""
    module = rule.module.rpartition(".")[2]
    return module if module in TOPICS else ""


def by_topic(rules: Iterable[Rule]) -> list[Topic]:
    """The rules in groups, in the order of the catalogue; the most severe first."""
    order = wording.SEVERITY_ORDER
    grouped: dict[str, list[Rule]] = {}
    for rule in sorted(rules, key=lambda rule: (order.index(rule.severity), rule.place.line)):
        grouped.setdefault(topic_of(rule), []).append(rule)
    return [Topic(key, TOPICS.get(key, OTHER), grouped[key]) for key in (*TOPICS, "") if key in grouped]


def files_of(library: Library, key: str) -> list[str]:
    """The department files a rule reads, as "医保结算（医疗保障局）"."""
    kinds = department_kinds()
    return [f"{kinds[name].name}（{kinds[name].department}）" for name in sorted(library.files_of(key))]


def evidence_titles(library: Library, key: str) -> list[str]:
    """The titles of the values that are shown with a finding."""
    return [_title(library, node) for node in library.evidence[key].values()]


def parameters_of(library: Library, key: str, *, day: date, county: str) -> list[ShownParameter]:
    """The dated parameters of a rule with all their values; ``county`` "" when there is none at hand."""
    return [parameter(library.parameters[name], day, county) for name in library.parameters_of(key)]


def parameter(item: Parameter, day: date, county: str) -> ShownParameter:
    """One parameter with all its values; the one in force in ``county`` on ``day`` is marked."""
    force = item.at(day, county) if county else None
    ordered = sorted(item.values, key=lambda value: (-len(value.region), value.region, value.since))
    here, elsewhere = [], []
    for value in ordered:
        told = shown(item, value, now=value is force)
        (here if not county or county.startswith(value.region) else elsewhere).append(told)
    return ShownParameter(item, here, elsewhere, history(item, day=day, county=county) if county else [])


def history(item: Parameter, *, day: date, county: str) -> list[Point]:
    """Every value that was, is or will be in force in the county, in order of time, with today among them."""
    points = [_point(item, since, dated) for since, dated in item.timeline(county) if since != day]
    force = item.at(day, county)
    if force is not None:
        points.append(_point(item, day, force, today=True))
    return sorted(points, key=lambda point: point.since)


def _point(item: Parameter, since: date, dated: Dated, *, today: bool = False) -> Point:
    text = value_text(dated.value, unit=item.unit, codes=item.keys)
    return Point(since, text, _number(item, dated), place_of(dated.region), today)


def _number(item: Parameter, dated: Dated) -> str:
    """What a chart draws for a value: yuan or the plain number; "" for values in parts."""
    value = dated.value
    if not isinstance(value, int | Decimal) or item.keys:
        return ""
    return format(Decimal(value) / 100, "f") if item.type == "money" else format(value, "f")


def needs_of(library: Library, key: str) -> list[str]:
    """The fields of files and lists a rule reads in the end, each with where it stands."""
    if key not in library.findings:
        return []
    stored = [node for node in sorted(library.closure([key])) if node not in library.rules]
    return list(dict.fromkeys(f"{_title(library, n)}（{_note(library, n)}）" for n in stored if n.name not in INTERNAL))


def cases_of(key: str) -> list[Cases]:
    """The rule tables of a finding; states that the files keep as words of their own are said in Chinese."""
    return [
        replace(cases, rows=tuple(tuple(STATE_CODES.get(cell, cell) for cell in row) for row in cases.rows))
        for cases in all_cases().get(key, ())
    ]


def to_try(library: Library, key: str) -> str:
    """The query of a new simulation of a rule's parameters; "" if it has none that can be tried on the page."""
    return "&".join(f"parameter={name}" for name in library.parameters_of(key)[:MOST_CHANGES])


def shown(parameter: Parameter, value: Dated, *, now: bool) -> ShownValue:
    """One value of a parameter in words."""
    return ShownValue(
        text=value_text(value.value, unit=parameter.unit, codes=parameter.keys),
        place=place_of(value.region),
        since=value.since,
        source=value.source,
        status=STATUS.get(value.status, value.status),
        now=now,
    )


def place_of(region: str) -> str:
    """The name of a region a parameter is for: 全国, a province, our own county; else its province and the code."""
    if not region:
        return "全国"
    known = places.name_of(region)
    if known != region:
        return known
    province = codelist("province").label(region[:2])
    return province if len(region) == 2 else f"{province} {region}"


def dependencies(library: Library, key: str) -> Dependencies:
    """What a rule is computed from, down to the fields of the files and the parameters."""
    rule = library.findings[key]
    items = [diagram.Item("finding", rule.title, "finding", SUBJECTS.get(rule.of, ""))]
    needs: dict[str, list[str]] = {}
    made: list[Made] = []
    todo: list[tuple[str, str, tuple[Input, ...], Node | None]] = [
        ("finding", rule.title, library.finding_inputs[key], None)
    ]
    scope = Node(rule.of, IN_SCOPE)
    seen: set[str] = set()
    while todo:
        name, title, inputs, node = todo.pop(0)
        wanted = [(_key(item), item.node, item.parameter) for item in inputs if _is_shown(item)]
        if node is None and rule.scoped and scope in library.rules:
            wanted.append((str(scope), scope, ""))
        needs[name] = [key for key, _, _ in wanted]
        titles = [_input_title(library, item) for item in inputs if _is_shown(item) or item.argument.role == "day"]
        if node is None and rule.scoped and scope in library.rules:
            titles.append(_title(library, scope))
        made.append(Made(title, "规则" if node is None else _kind_name(library, node), "、".join(titles)))
        for key_, below, parameter in wanted:
            if key_ in seen:
                continue
            seen.add(key_)
            if parameter:
                items.append(diagram.Item(key_, library.parameters[parameter].title, "parameter", "参数"))
            elif below is not None:
                items.append(diagram.Item(key_, _title(library, below), _class(library, below), _note(library, below)))
                if below in library.rules:
                    todo.append((key_, _title(library, below), library.inputs[below], below))
    return Dependencies(diagram.draw(items, needs), made)


def _is_shown(item: Input) -> bool:
    return bool(item.parameter) or (item.node is not None and item.node.name not in INTERNAL)


def _key(item: Input) -> str:
    return f"parameter:{item.parameter}" if item.parameter else str(item.node)


def _input_title(library: Library, item: Input) -> str:
    if item.parameter:
        return f"{library.parameters[item.parameter].title}（参数）"
    if item.node is None:
        return "筛查日期"
    title = _title(library, item.node)
    return title if item.node in library.rules else f"{title}（{_note(library, item.node)}）"


def _title(library: Library, node: Node) -> str:
    rule = library.rules.get(node)
    return rule.title if rule else column_title(*library.stored(node))


def _class(library: Library, node: Node) -> str:
    return "computed" if node in library.rules else "stored"


def _kind_name(library: Library, node: Node) -> str:
    rule = library.rules[node]
    if rule.kind == "aggregate":
        return f"按{_one(library, node.entity)}汇总{_one(library, rule.over)}"
    return f"按{_one(library, node.entity)}计算"


def _note(library: Library, node: Node) -> str:
    if node in library.rules:
        return _kind_name(library, node)
    if node.entity == "household":
        return "户档案"
    return "人员档案" if node.entity == "person" else _entity(library, library.stored(node).entity)


def _one(library: Library, name: str) -> str:
    """What one row is: 户, 人, 村; else its file or group."""
    return SUBJECTS.get(name) or _entity(library, name)


def _entity(library: Library, name: str) -> str:
    group = library.groupings.get(name)
    if group:
        return group.title
    return "全县" if name == COUNTY else entities()[name].title
