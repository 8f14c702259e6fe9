"""Parameter values with parts: segments of an amount with a rate each, and values per code of a code list.

In a parameter file::

    basic_rate:
      type: rate            # a share between 0 and 1; rules get it as an integer per million
      keys: medical_object  # one value per code, written by label; 其余 stands for all codes not named
      values:
        - {…, value: {特困: 1, 低保: 0.8, 其余: 0.6}}
    serious_segments:
      type: segments        # of the part of an amount over so many yuan, this share is paid
      values:
        - {…, value: [{over: 0, rate: 0.6}, {over: 30000, rate: 0.65}]}
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from huqing.rules.errors import ParameterError, Place
from huqing.standards.codelists import codelist, codelists

ParameterType = Literal["money", "integer", "decimal", "rate", "segments", "choice"]
TYPES: tuple[ParameterType, ...] = ("money", "integer", "decimal", "rate", "segments", "choice")
DECIMAL_DIGITS = 6
MILLION = 1_000_000
REST = "其余"
NO_LIMIT = "不设限"
UNLIMITED = 10**15


@dataclass(frozen=True)
class Segment:
    """Of what exceeds ``over`` fen (and not the next segment's edge) the share ``rate`` is paid."""

    over: int
    rate: Decimal


@dataclass(frozen=True)
class Segments:
    """Segments with rising edges; none at all means that nothing is paid."""

    parts: tuple[Segment, ...]

    def bounded(self) -> tuple[tuple[Segment, int | None], ...]:
        """Each segment with the edge at which the next one begins, None for the last."""
        return tuple(zip(self.parts, [*(part.over for part in self.parts), None][1:], strict=False))

    def slices(self, start: int, end: int) -> tuple[tuple[Segment, int], ...]:
        """How many fen between ``start`` and ``end`` fall into each segment; segments without any are left out."""
        found = []
        for part, edge in self.bounded():
            top = end if edge is None else min(end, edge)
            if top > max(start, part.over):
                found.append((part, top - max(start, part.over)))
        return tuple(found)


@dataclass(frozen=True)
class Keyed:
    """A value per code; ``rest`` holds for the codes not named, and is None if there is none for them."""

    values: tuple[tuple[str, Simple], ...]
    rest: Simple | None = None

    def of(self, code: str | None) -> Simple | None:
        """The value for a code; None if the code is missing or nothing is said about it."""
        return None if code is None else dict(self.values).get(code, self.rest)


Simple = int | Decimal | str | Segments
ParameterValue = Simple | Keyed


def per_million(rate: Decimal) -> int:
    """A share as an integer per million, as rules compute with it."""
    return int(rate * MILLION)


def read_value(
    key: str, kind: ParameterType, raw: Any, place: Place, *, keys: str = "", choices: tuple[str, ...] = ()
) -> ParameterValue:
    """The value of one entry; ParameterError with place and remedy if it does not fit the parameter's type."""
    if not (keys and isinstance(raw, dict)):
        return _simple(key, kind, raw, place, choices)
    listed = codelist(keys)
    by_label = {label: code for code, label in listed.items}
    unknown = [str(label) for label in raw if label not in (*by_label, REST)]
    if unknown:
        raise ParameterError(
            place,
            f"参数 {key} 的取值里有 {'、'.join(unknown)}，不在“{listed.name}”中",
            f"只写 {'、'.join(by_label)} 或 {REST}",
        )
    values = {label: _simple(key, kind, part, place, choices) for label, part in raw.items()}
    rest = values.pop(REST, None)
    return Keyed(tuple((by_label[label], value) for label, value in values.items()), rest)


def check_keys(key: str, keys: str, place: Place) -> None:
    """ParameterError if there is no such code list."""
    if keys and keys not in codelists():
        raise ParameterError(
            place, f"参数 {key} 的 keys: {keys} 不是代码表", "写 standards/data/codelists.yaml 中的代码表名"
        )


def _simple(key: str, kind: ParameterType, raw: Any, place: Place, choices: tuple[str, ...]) -> Simple:
    if kind == "choice":
        if raw not in choices:
            raise ParameterError(place, f"参数 {key} 的取值 {raw} 不在可选项中", f"改为 {'、'.join(choices)} 之一")
        return str(raw)
    if kind == "segments":
        return _segments(key, raw, place)
    if kind == "money" and raw == NO_LIMIT:
        return UNLIMITED
    return _number(key, kind, raw, place)


def _number(key: str, kind: ParameterType, raw: Any, place: Place) -> int | Decimal:
    try:
        value = Decimal(str(raw))
    except InvalidOperation:
        raise ParameterError(place, f"参数 {key} 的取值 {raw} 不是数", "只写数字，不写单位") from None
    if not value.is_finite():
        raise ParameterError(place, f"参数 {key} 的取值 {raw} 不是数", "只写数字，不写单位")
    scaled = value * 100 if kind == "money" else value
    if kind in ("money", "integer") and scaled != int(scaled):
        raise ParameterError(place, f"参数 {key} 的取值 {raw} 位数过多", "金额最多两位小数，整数不带小数")
    if kind in ("decimal", "rate") and round(value, DECIMAL_DIGITS) != value:
        raise ParameterError(place, f"参数 {key} 的取值 {raw} 超过 {DECIMAL_DIGITS} 位小数", "减少小数位数")
    if kind == "rate" and not 0 <= value <= 1:
        raise ParameterError(place, f"参数 {key} 的比例 {raw} 不在0到1之间", "70% 写成 0.7")
    return value if kind in ("decimal", "rate") else int(scaled)


def _segments(key: str, raw: Any, place: Place) -> Segments:
    if not isinstance(raw, list) or any(not isinstance(part, dict) or set(part) != {"over", "rate"} for part in raw):
        raise ParameterError(
            place, f"参数 {key} 的分段写得不对：{raw}", "每段写 {over: 起点元, rate: 比例}，没有这一层写 []"
        )
    parts = []
    for part in raw:
        over = _number(key, "money", part["over"], place)
        parts.append(Segment(int(over), Decimal(_number(key, "rate", part["rate"], place))))
    edges = [part.over for part in parts]
    if edges != sorted(set(edges)) or any(edge < 0 for edge in edges):
        raise ParameterError(place, f"参数 {key} 的分段起点没有从小到大", "按起点由小到大各写一段，起点不为负")
    return Segments(tuple(parts))
