"""Parameter values proposed for a simulation: read, checked against what is in force, written for the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from huqing.rules.display import value_text
from huqing.rules.library import Library
from huqing.rules.parameters import Dated, Parameter
from huqing.rules.schedules import NO_LIMIT, UNLIMITED
from huqing.screening import bill_costs
from huqing.screening.value_texts import TextError, has_parts, raw_of, text_of, value_of, with_shares
from huqing.standards.text import clean

# No recorded bill is older (record kind ``medical_bill``).
FIRST_BILL = date(2000, 1, 1)
MOST_CHANGES = 6
LARGEST = Decimal(10) ** 10
PERCENT = "%"


class ProposalError(ValueError):
    """A proposed value cannot be used; ``parameter`` says whose, the message what is wrong and what to write."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Proposal:
    """One parameter with the value in force (text, "" if there is none) and the proposed one, as written in a file."""

    parameter: str
    title: str
    unit: str
    now: str
    then: str
    now_raw: str
    then_raw: str

    def to_dict(self) -> dict[str, str]:
        """The proposal as it is kept."""
        return {
            "parameter": self.parameter,
            "title": self.title,
            "unit": self.unit,
            "now": self.now,
            "then": self.then,
            "now_raw": self.now_raw,
            "then_raw": self.then_raw,
        }


def raw_text(parameter: Parameter, dated: Dated | None) -> str:
    """The value in force as one would type it (``value_texts``); "" if there is none."""
    return text_of(parameter, dated.value) if dated else ""


def read(rules: Library, texts: Mapping[str, str], *, as_of: date, region: str) -> list[Proposal]:
    """The proposed values that differ from those in force; ProposalError for the first that cannot be used."""
    found = []
    of_bills = bill_costs.parameters(rules)
    for key, text in texts.items():
        parameter = rules.parameters.get(key)
        if parameter is None:
            raise ProposalError(key, f"没有参数 {key}。请从参数目录里选择。")
        dated = parameter.at(as_of, region)
        now = raw_text(parameter, dated)
        then = (
            _parts(parameter, text, limitless=key in of_bills)
            if has_parts(parameter, text)
            else _checked(parameter, text)
        )
        if then == now:
            continue
        shown = {"unit": parameter.unit, "codes": parameter.keys}
        now_text = value_text(dated.value, **shown) if dated else "没有取值"
        then_text = value_text(value_of(parameter, then), **shown)
        found.append(Proposal(key, parameter.title, parameter.unit, now_text, then_text, now, then))
    if not found:
        first = next(iter(texts), "")
        raise ProposalError(first, "取值都和现在一样，没有什么可算的。请至少改动一个取值。")
    if len(found) > MOST_CHANGES:
        raise ProposalError(found[-1].parameter, f"一次最多改动 {MOST_CHANGES} 个参数。请减少后再算。")
    return found


def _checked(parameter: Parameter, text: str) -> str:
    """The text in the form of a parameter file; ProposalError with the remedy if it is no fitting value."""
    said = with_shares(parameter, clean(text).replace(",", "").replace("，", "").strip())
    name = f"“{parameter.title}”"
    if not said:
        raise ProposalError(parameter.key, f"{name}没有填。请填一个数；不改动的参数请从这次试算里去掉。")
    if parameter.type == "choice":
        if said not in parameter.choices:
            raise ProposalError(parameter.key, f"{name}只能选 {'、'.join(parameter.choices)}。")
        return said
    try:
        value = Decimal(said)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ProposalError(
            parameter.key, f"{name}的“{text.strip()[:20]}”不是数。只写数字，不写单位，例如 {_example(parameter)}。"
        )
    if value < 0:
        raise ProposalError(parameter.key, f"{name}不能小于 0。请填 0 或正数。")
    if value > LARGEST:
        raise ProposalError(parameter.key, f"{name}太大了。请核对位数，单位是{parameter.unit}。")
    if parameter.type == "integer" and value != int(value):
        raise ProposalError(parameter.key, f"{name}要填整数，单位是{parameter.unit}。")
    if parameter.type == "money" and round(value, 2) != value:
        raise ProposalError(parameter.key, f"{name}最多两位小数（到分）。")
    if round(value, 6) != value:
        raise ProposalError(parameter.key, f"{name}最多六位小数。")
    if (parameter.unit == "比例" or parameter.type == "rate") and value > 1:
        raise ProposalError(parameter.key, f"{name}是比例，写 0 到 1 之间的小数，例如 50% 写 0.5。")
    if parameter.unit == PERCENT and value > 100:
        raise ProposalError(parameter.key, f"{name}是百分数，写 0 到 100 之间的数。")
    return format(value.normalize(), "f")


def _example(parameter: Parameter) -> str:
    return {"money": "8500", "integer": "12"}.get(parameter.type, "0.5")


def _parts(parameter: Parameter, text: str, *, limitless: bool) -> str:
    """The text in its plain form: values per code, segments, or no ceiling where a benefit may have none."""
    try:
        value = value_of(parameter, text)
    except TextError as error:
        raise ProposalError(parameter.key, f"“{parameter.title}”{error}") from None
    if value == UNLIMITED and not limitless:
        raise ProposalError(parameter.key, f"“{parameter.title}”不能是{NO_LIMIT}。请填一个数。")
    return text_of(parameter, value)


def write(
    folder: Path, rules: Library, changes: Sequence[Mapping[str, Any]], *, as_of: date, region: str, source: str
) -> None:
    """A parameter file in ``folder`` that makes the proposed values those in force in the county.

    For findings that is on the day of the data. A bill goes by the day of its settlement: what it rests on gets the
    proposed value for the whole time for which there is any, so that all recorded bills are reckoned alike.
    """
    content: dict[str, Any] = {}
    of_bills = bill_costs.parameters(rules)
    for change in changes:
        parameter = rules.parameters[change["parameter"]]
        days = _all_days(parameter, region) if parameter.key in of_bills else {as_of}
        raw = raw_of(parameter, change["then_raw"])
        content[parameter.key] = {
            "title": parameter.title,
            "unit": parameter.unit,
            "type": parameter.type,
            "values": [
                {"from": day, "region": region, "value": raw, "source": source, "status": "模拟"}
                for day in sorted(days | {as_of})
            ],
        }
        if parameter.choices:
            content[parameter.key]["choices"] = list(parameter.choices)
        if parameter.keys:
            content[parameter.key]["keys"] = parameter.keys
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (folder / "proposed.yaml").write_text(text, encoding="utf-8")


def _all_days(parameter: Parameter, region: str) -> set[date]:
    """The first day of any value in the county, and every later one from which the county has one of its own."""
    timeline = parameter.timeline(region)
    first = timeline[0][0] if timeline else FIRST_BILL
    return {first} | {value.since for value in parameter.values if value.region == region}
