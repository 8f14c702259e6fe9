"""Parameters as rules get them: a literal, or what depends on the row: its date, a code of it, segments of an amount.

A plain parameter looked up on the run's day is a literal; looked up by a date of the row it is an expression. A
parameter with ``keys`` is a ``Setting``: ``aid_rate.of(object_type)`` is its value for each row. A parameter of type
``segments`` has ``paid``.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from huqing.rules.logic import above, known, smaller, some_of_million
from huqing.rules.parameters import Parameter
from huqing.rules.schedules import DECIMAL_DIGITS, MILLION, Keyed, ParameterType, ParameterValue, Segments, per_million

EXACT = dt.Decimal(18, DECIMAL_DIGITS)
_TYPES: dict[ParameterType, Any] = {
    "money": "int64",
    "integer": "int64",
    "rate": "int64",
    "decimal": EXACT,
    "choice": "string",
    "segments": "int64",
}
Arm = tuple[Any, ParameterValue | None]  # a condition (None: always) and the value where it is the first that holds


@dataclass(frozen=True)
class Setting:
    """A parameter whose value depends on a code of the row, or that consists of segments."""

    type: ParameterType
    keyed: bool
    arms: tuple[Arm, ...]

    def of(self, code: Any) -> Any:
        """The value for a code column; unknown where the code is missing or nothing is set for it."""
        if not self.keyed:
            raise ValueError("这个参数没有按代码取值（没有写 keys），去掉 .of(…)")
        arms: list[Arm] = []
        for condition, value in self.arms:
            if isinstance(value, Keyed):
                arms += [(_both(condition, test), part) for test, part in _by_value(code, value)]
                arms.append((condition, None))
            else:
                arms.append((condition, value))
        opened = Setting(self.type, False, tuple(arms))
        return opened if self.type == "segments" else opened.value()

    def value(self) -> Any:
        """The value for each row."""
        return self._choose(lambda value: _literal(self.type, value))

    def paid(self, start: Any, end: Any, *, extra: Any = 0) -> Any:
        """What is paid of the part of an amount between ``start`` and ``end`` fen, rounded once, in fen.

        ``extra`` per million is added to the rate of every segment, up to the whole. Unknown where anything is.
        """
        if self.type != "segments" or self.keyed:
            raise ValueError("只有 type: segments 的参数能分段计算；写了 keys 的先用 .of(代码)")
        return self._choose(lambda value: _paid(value, start, end, extra))

    def _choose(self, make: Callable[[Any], Any]) -> Any:
        nothing = ibis.null(_TYPES[self.type])
        branches: list[tuple[Any, Any]] = []
        for condition, value in self.arms:
            made = nothing if value is None else make(value)
            if condition is None:
                return ibis.cases(*branches, else_=made) if branches else made
            branches.append((condition, made))
        return ibis.cases(*branches, else_=nothing) if branches else nothing


def setting(parameter: Parameter, value: ParameterValue) -> Any:
    """What a rule gets for a parameter with this value on the run's day."""
    if parameter.keys or parameter.type == "segments":
        return Setting(parameter.type, bool(parameter.keys), ((None, value),))
    return _literal(parameter.type, value)


def dated_setting(parameter: Parameter, day: Any, values: Sequence[tuple[datetime.date, ParameterValue]]) -> Any:
    """What a rule gets for a parameter looked up by the date ``day``: values with their first day, in order of time.

    Before the first value, and where the date is missing, the parameter is unknown.
    """
    arms = [(day.isnull(), None), *((day >= since, value) for since, value in reversed(values))]
    made = Setting(parameter.type, bool(parameter.keys), tuple(arms))
    return made if parameter.keys or parameter.type == "segments" else made.value()


def _literal(kind: ParameterType, value: Any) -> Any:
    if kind == "rate":
        return per_million(value)
    if isinstance(value, Decimal):
        return ibis.literal(value, type=EXACT)
    return ibis.literal(value) if isinstance(value, str) else value


def _both(one: Any, other: Any) -> Any:
    return other if one is None else one & other


def _by_value(code: Any, value: Keyed) -> list[tuple[Any, Any]]:
    """Conditions on the code with the value for it; codes with the same value share one."""
    shared: dict[Any, list[str]] = {}
    for key, part in value.values:
        shared.setdefault(part, []).append(key)
    found = [(code.isin(keys), part) for part, keys in shared.items()]
    return found if value.rest is None else [*found, (known(code), value.rest)]


def _paid(segments: Segments, start: Any, end: Any, extra: Any) -> Any:
    slices = []
    for part, edge in segments.bounded():
        top = end if edge is None else smaller(end, edge)
        bottom = ibis.cases((start >= part.over, start), (start < part.over, part.over))
        rate = (
            smaller(per_million(part.rate) + extra, MILLION) if not isinstance(extra, int) else per_million(part.rate)
        )
        slices.append((above(top, bottom), rate))
    nothing = ibis.cases((known(start) & known(end), 0))
    return some_of_million(slices) if slices else nothing
