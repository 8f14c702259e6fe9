"""A parameter's value as one types it, and back: plain, per code of a code list, or in segments as in a parameter file.

``特困: 1, 低保: 0.8, 其余: 0`` says a value per code, ``[{over: 0, rate: 0.6}]`` segments, ``不设限`` that there is no
ceiling. Chinese punctuation will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from huqing.rules.errors import ParameterError
from huqing.rules.parameters import Parameter
from huqing.rules.schedules import NO_LIMIT, REST, UNLIMITED, Keyed, ParameterValue, Segments, read_value
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text
from huqing.standards.text import clean

LONGEST = 600
MOST_BRACKETS = 40
_PUNCTUATION = str.maketrans("：，；、【】｛｝;", ":,,,[]{},")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*[%％]")
# Signs that mean something else in YAML, and exponents: a number is written out.
_STRANGE = re.compile(r"[&*!|>#\"'%@`]|\d[eE][+-]?\d")


class TextError(ValueError):
    """A text is no value of the parameter; the message says what is wrong and what to write."""


def has_parts(parameter: Parameter, text: str) -> bool:
    """Whether the text is more than one number or choice: it says no ceiling, values per code, or segments."""
    said = clean(text).translate(_PUNCTUATION)
    if not said:
        return False
    if parameter.type == "segments" or said == NO_LIMIT:
        return True
    return bool(parameter.keys) and any(sign in said for sign in ":{[")


def text_of(parameter: Parameter, value: ParameterValue) -> str:
    """The value as one would type it: yuan, a plain number, a share, values by label, segments."""
    match value:
        case Keyed():
            label = codelist(parameter.keys).label
            parts = [f"{label(code)}: {text_of(parameter, part)}" for code, part in value.values]
            rest = [] if value.rest is None else [f"{REST}: {text_of(parameter, value.rest)}"]
            return ", ".join([*parts, *rest])
        case Segments():
            parts = [f"{{over: {_yuan(part.over)}, rate: {_plain(part.rate)}}}" for part in value.parts]
            return f"[{', '.join(parts)}]"
        case Decimal():
            return _plain(value)
        case int() if parameter.type == "money":
            return NO_LIMIT if value >= UNLIMITED else _yuan(value)
    return str(value)


def with_shares(parameter: Parameter, text: str) -> str:
    """Per cents as shares where the parameter is a share: pages show 10%, so people type it."""
    if parameter.unit != "比例":
        return text
    return _PERCENT.sub(lambda found: _plain(Decimal(found[1]) / 100), text)


def raw_of(parameter: Parameter, text: str) -> Any:
    """What a parameter file would hold for the text: nested, with every number as text. Raises TextError."""
    if not has_parts(parameter, text):
        return text
    said = re.sub(r":\s*", ": ", with_shares(parameter, clean(text)).translate(_PUNCTUATION)).strip()
    if said == NO_LIMIT:
        return said
    if len(said) > LONGEST or said.count("[") + said.count("{") > MOST_BRACKETS or _STRANGE.search(said):
        raise TextError("写得太长或有认不得的符号。请照“现在”的写法改数字。")
    if parameter.keys and ":" in said and not said.startswith(("[", "{")):
        said = f"{{{said}}}"
    try:
        node = yaml.compose(said, Loader=yaml.BaseLoader)
        raw = yaml.load(said, Loader=yaml.BaseLoader)  # noqa: S506 - this loader makes nothing but text, lists, mappings
    except yaml.YAMLError:
        raise TextError(f"看不懂“{said[:40]}”。请照“现在”的写法改数字，括号要成对。") from None
    if isinstance(node, yaml.MappingNode):
        labels = [str(key.value) for key, _ in node.value]
        doubled = next((label for label in labels if labels.count(label) > 1), None)
        if doubled:
            raise TextError(f"“{doubled}”写了两次。请删去一处。")
    return raw


def value_of(parameter: Parameter, text: str) -> ParameterValue:
    """The value the text says; TextError if it does not fit the parameter's type, codes or limits."""
    raw = raw_of(parameter, text)
    if parameter.keys and isinstance(raw, dict) and not raw:
        raise TextError("一类也没有写。请照“现在”的写法写出每一类的取值。")
    try:
        value = read_value(
            parameter.key, parameter.type, raw, parameter.place, keys=parameter.keys, choices=parameter.choices
        )
    except ParameterError as error:
        problem = error.problem.replace(f"参数 {parameter.key} ", "")
        raise TextError(f"{problem}。{error.remedy}。") from None
    if any(number < 0 for number in _numbers(value)):
        raise TextError("不能小于 0。请填 0 或正数。")
    if any(number > UNLIMITED for number in _numbers(value)):
        raise TextError(f"太大了。请核对位数，没有上限的写 {NO_LIMIT}。")
    return value


def _numbers(value: ParameterValue) -> Iterator[int | Decimal]:
    match value:
        case Keyed():
            for part in [*(part for _, part in value.values), *([] if value.rest is None else [value.rest])]:
                yield from _numbers(part)
        case int() | Decimal():
            yield value


def _yuan(fen: int) -> str:
    return yuan_text(fen).removesuffix(".00")


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
