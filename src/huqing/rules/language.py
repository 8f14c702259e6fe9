"""How a rule is written: a function whose name is the variable and whose arguments are what it depends on.

An argument is, in this order, the run's day (annotated ``Day``), a dated parameter (``Param``), a variable or column of
the rule's own entity, or one further up: a bill reads its person, a person its household, a household its
village and groups, all the county.

    @variable("年龄", of="person", unit="岁")
    def age(birth_date: Column, as_of: Day) -> Column:
        \"\"\"Completed years on the day.\"\"\"
        return years_between(birth_date, as_of)

    @aggregate("户内劳动力人数", of="household", over="person", unit="人")
    def workers(can_work: Column) -> Aggregate:
        \"\"\"Members able to work; unknown if it is unknown of anybody.\"\"\"
        return count_of(can_work)

    @finding("整户无劳动力", of="household", basis="…", severity="high", evidence=["workers"], resolve="…",
             sentence="…")
    def no_labour(workers: Column) -> Column:
        \"\"\"Nobody in the household can work.\"\"\"
        return workers == 0

Findings are ends: nothing depends on them, so a finding may carry the name of a column it checks.

A parameter looked up by a date of the row instead of the run's day is annotated with that date; where no value was in
force it is unknown::

    def aid_pay(base: Column, aid_rate: Annotated[Param, At("settled_on")]) -> Column: ...

What benefits are computed from and no snapshot holds (participation in an industry, drawings on a loan) is declared as
a table of its own with ``input_table``; variables and aggregates may be ``of`` it, findings may not read it.
"""

from __future__ import annotations

import datetime
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from huqing.rules.errors import Place, RuleError
from huqing.standards.fields import Field

Severity = Literal["high", "medium", "low", "notice"]
SEVERITIES: dict[str, str] = {"high": "高", "medium": "中", "low": "低", "notice": "提示"}

if TYPE_CHECKING:
    Column: TypeAlias = Any
    Param: TypeAlias = Any
    Day: TypeAlias = datetime.date
else:

    class Column:
        """An Ibis column: of a table, or of another rule."""

    class Param:
        """A dated parameter: int (money in fen, counts) or an exact decimal literal (ratios)."""

    class Day:
        """The date the rules are run for (datetime.date)."""


@dataclass(frozen=True)
class Unit:
    """The unit an argument must have: ``line: Annotated[Param, Unit("元/人·年")]``; a mismatch is an error at load."""

    name: str


@dataclass(frozen=True)
class At:
    """The column or variable whose date says which of a parameter's values holds for a row."""

    day: str


@dataclass(frozen=True)
class Latest:
    """A value of the latest row; aggregates with the same ``by``, ``row`` and ``where`` are found in one go."""

    value: Any
    by: Any
    row: Any
    where: Any


@dataclass(frozen=True)
class Aggregate:
    """A value over many rows, and what it is when there are no rows at all."""

    expression: Any
    empty: Any
    latest: Latest | None = None


@dataclass(frozen=True)
class Argument:
    """One argument of a rule; ``at`` names the date a parameter is looked up by, the role ``at`` is that date."""

    name: str
    role: Literal["column", "parameter", "day", "at"]
    unit: str = ""
    at: str = ""


@dataclass(frozen=True)
class Rule:
    """A variable, aggregate or finding as its author declared it."""

    kind: Literal["variable", "aggregate", "finding"]
    name: str
    of: str
    title: str
    function: Callable[..., Any]
    arguments: tuple[Argument, ...]
    place: Place
    doc: str
    over: str = ""
    unit: str = ""
    codelist: str = ""
    basis: str = ""
    severity: Severity = "medium"
    evidence: tuple[str, ...] = ()
    resolve: str = ""
    sentence: str = ""
    scoped: bool = True
    asked: bool = False
    module: str = ""


@dataclass(frozen=True)
class Grouping:
    """Rows of ``over`` that share the values of ``by``, as an entity of its own (one month's bills of one person).

    Only groups of ``at_least`` so many rows exist; a row whose group does not exist has missing values there.
    """

    name: str
    title: str
    over: str
    by: tuple[str, ...]
    place: Place
    at_least: int = 1
    module: str = ""


@dataclass(frozen=True)
class InputTable:
    """Rows that are handed in instead of read from a snapshot: an ``id``, keys of the rows they belong to, fields."""

    name: str
    title: str
    belongs_to: tuple[str, ...]
    fields: tuple[Field, ...]
    place: Place
    module: str = ""


Declared = Rule | Grouping | InputTable
DECLARED: list[Declared] = []


def _place(function: Callable[..., Any]) -> Place:
    code = function.__code__
    return Place(_short(code.co_filename), code.co_firstlineno)


def _short(filename: str) -> str:
    parts = Path(filename).parts
    return "/".join(parts[parts.index("huqing") :]) if "huqing" in parts else filename


def _arguments(function: Callable[..., Any], place: Place) -> tuple[Argument, ...]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise RuleError(
            place, f"{function.__name__} 的注解无法识别（{error}）", "只用 Column、Param、Day 作参数注解"
        ) from error
    found = []
    for name in inspect.signature(function).parameters:
        hint, unit, day = hints.get(name), "", ""
        if get_origin(hint) is Annotated:
            hint, *extras = get_args(hint)
            unit = next((extra.name for extra in extras if isinstance(extra, Unit)), "")
            day = next((extra.day for extra in extras if isinstance(extra, At)), "")
        if hint is Column:
            found.append(Argument(name, "column", unit))
        elif hint is Param:
            found.append(Argument(name, "parameter", unit, day))
        elif hint is Day:
            found.append(Argument(name, "day"))
        else:
            raise RuleError(
                place,
                f"{function.__name__} 的参数 {name} 没有正确的注解",
                f"写成 {name}: Column（列或变量）、{name}: Param（参数）或 {name}: Day（筛查日期）",
            )
    return tuple(found)


def _declare(kind: Literal["variable", "aggregate", "finding"], function: Callable[..., Any], **details: Any) -> Rule:
    place = _place(function)
    doc = inspect.getdoc(function) or ""
    if not doc:
        raise RuleError(place, f"规则 {function.__name__} 没有说明", "在函数第一行用文档字符串写明它判定什么")
    if not details["title"]:
        raise RuleError(place, f"规则 {function.__name__} 没有中文名称", "在装饰器的第一个参数写中文名称")
    rule = Rule(
        kind=kind,
        name=function.__name__,
        function=function,
        arguments=_arguments(function, place),
        place=place,
        doc=doc,
        module=function.__module__,
        **details,
    )
    DECLARED.append(rule)
    return rule


def variable(title: str, *, of: str, unit: str = "", codelist: str = "") -> Callable[[Callable[..., Column]], Rule]:
    """Declare a value of each row of ``of``; ``unit`` "元…" means integer fen, "" a boolean, code, date or text."""

    def declare(function: Callable[..., Column]) -> Rule:
        return _declare("variable", function, title=title, of=of, unit=unit, codelist=codelist)

    return declare


def aggregate(
    title: str, *, of: str, over: str, unit: str = "", codelist: str = ""
) -> Callable[[Callable[..., Aggregate]], Rule]:
    """Declare a value of each row of ``of`` computed over its rows of ``over``; arguments are read on ``over``."""

    def declare(function: Callable[..., Aggregate]) -> Rule:
        return _declare("aggregate", function, title=title, of=of, over=over, unit=unit, codelist=codelist)

    return declare


def finding(
    title: str,
    *,
    of: str,
    basis: str,
    severity: Severity,
    evidence: Sequence[str],
    resolve: str,
    sentence: str,
    scoped: bool = True,
    asked: bool = False,
) -> Callable[[Callable[..., Column]], Rule]:
    """Declare a finding: true = found, false = not, missing = unknown.

    It is decided for rows whose variable ``in_scope`` is true, or for all rows unless ``scoped``. With ``asked`` it is
    decided only where somebody names it (what stands in the way of a removal), and no screening opens an alert of it.

    ``sentence`` says in one Chinese sentence when it holds, ``basis`` names the document it rests on, ``resolve`` what
    settles it, ``evidence`` the values shown with it (and watched by a waiver).
    """

    def declare(function: Callable[..., Column]) -> Rule:
        place = _place(function)
        texts = {"basis": (basis, "依据文件"), "resolve": (resolve, "解决办法"), "sentence": (sentence, "一句话说明")}
        for key, (text, meaning) in texts.items():
            if not text.strip():
                raise RuleError(place, f"规则 {function.__name__} 缺少{meaning}", f"在 @finding 中填写 {key}=")
        if severity not in SEVERITIES:
            raise RuleError(
                place, f"规则 {function.__name__} 的等级 {severity} 不存在", f"改为 {'、'.join(SEVERITIES)} 之一"
            )
        if not evidence:
            raise RuleError(
                place, f"规则 {function.__name__} 没有列出依据的数值", "在 evidence= 中列出至少一个变量或列"
            )
        return _declare(
            "finding",
            function,
            title=title,
            of=of,
            basis=basis,
            severity=severity,
            evidence=tuple(evidence),
            resolve=resolve,
            sentence=sentence,
            scoped=scoped,
            asked=asked,
        )

    return declare


def grouping(name: str, title: str, *, over: str, by: Sequence[str], at_least: int = 1) -> Grouping:
    """Declare rows of ``over`` sharing ``by`` as an entity; rows whose ``by`` is missing belong to no group."""
    frame = sys._getframe(1)
    place = Place(_short(frame.f_code.co_filename), frame.f_lineno)
    group = Grouping(name, title, over, tuple(by), place, at_least, frame.f_globals["__name__"])
    DECLARED.append(group)
    return group


def input_table(name: str, title: str, *, belongs_to: Sequence[str] = (), fields: Sequence[Field]) -> InputTable:
    """Declare a table that is handed in: ``id`` (unique), ``<x>_id`` for every x of ``belongs_to``, and the fields.

    ``belongs_to`` may name household, person and other input tables: rules read their values and aggregate over the
    rows that belong to them.
    """
    frame = sys._getframe(1)
    place = Place(_short(frame.f_code.co_filename), frame.f_lineno)
    table = InputTable(name, title, tuple(belongs_to), tuple(fields), place, frame.f_globals["__name__"])
    DECLARED.append(table)
    return table
