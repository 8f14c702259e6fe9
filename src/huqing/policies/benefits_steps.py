"""A benefit as a statement its receiver can check: every step with its base, its rate and its amount, and the sources.

``statement`` computes one row of an input table (a stake, a member's month, a loan, a claim, a premium) and tells the
steps in the order in which they are reckoned. What was refused tells the reason instead; what is unknown names the
values that are missing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from huqing.rules.benefits import compute_rows
from huqing.rules.display import codes_of, value_text
from huqing.rules.errors import TableError
from huqing.rules.library import Library, Node, library
from huqing.rules.schedules import MILLION
from huqing.standards.units import FEN_PER_YUAN, LI_PER_MU

Rows = Mapping[str, Iterable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Line:
    """A step: the variable it gives, and how, with other values of the row in braces."""

    result: str
    working: str = ""


@dataclass(frozen=True)
class Detail:
    """The rows behind the steps: their table, the key that leads to the main row, and what is shown of each."""

    table: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """How the statement of a table is made up; ``result`` is the amount at the end."""

    title: str
    refusal: str
    given: tuple[str, ...]
    lines: tuple[Line, ...]
    result: str
    detail: Detail | None = None


LAYOUTS = {
    "stake": Layout(
        "产业分红",
        "stake_refusal",
        ("mode", "crop", "joined_on", "year_on", "area", "heads", "profit_per_mu"),
        (
            Line("sharing_year", "{joined_on}入股，分红年度从{year_on}起"),
            Line("entitled_area", "{heads}，按每人可享面积"),
            Line("counted_area", "实际{area}，可享{entitled_area}，取小的；土地入股按实际面积"),
            Line("area_profit", "{profit_per_mu} × {counted_area}，取到分"),
            Line("sharing_rate_used", "{mode}"),
            Line("in_sharing_years", "{sharing_year}"),
            Line("dividend", "{area_profit} × {sharing_rate_used}，取到分；不在年限内或亏损的为零"),
            Line("company_profit", "{area_profit} − {dividend}"),
        ),
        "dividend",
    ),
    "worker_month": Layout(
        "驻村补助",
        "month_refusal",
        ("worker", "month_on", "rank", "in_town"),
        (
            Line("days_in_village", "已核准的在村日期，同一天只算一次"),
            Line("days_counted", "在村和经报备的出差、培训"),
            Line("full_month", "{days_counted}，与每月至少天数比"),
            Line("food_allowance", "{days_in_village} × 每天标准"),
            Line("monthly_full", "通讯补助（{rank}）＋乡镇补贴（享受：{in_town}）"),
            Line("monthly_allowance", "满月：{full_month}"),
            Line("presence_allowance", "{food_allowance} ＋ {monthly_allowance}"),
        ),
        "presence_allowance",
        Detail("presence_day", "worker_month_id", ("day", "day_kind", "approved")),
    ),
    "loan": Layout(
        "借款利息",
        "loan_refusal",
        ("granted", "opened_on", "ends_on"),
        (
            Line("loan_balance", "到结算日为止的提款减还本"),
            Line("daily_balance_sum", "每笔提款、还本乘以到结算日的天数，相加"),
            Line("loan_rate_used", "合同日{opened_on}的年利率"),
            Line("interest_accrued", "{daily_balance_sum} × {loan_rate_used} ÷ 一年的计息天数，取到分"),
            Line("interest_due", "{interest_accrued} − 已付{interest_paid}"),
            Line("loan_arrears", "到期日{ends_on}后仍欠的本息"),
        ),
        "interest_due",
        Detail("movement", "loan_id", ("moved_on", "movement_kind", "amount", "days_running", "daily_balances")),
    ),
    "education_claim": Layout(
        "教育资助",
        "claim_refusal",
        ("term", "stage", "enrolled", "listed_now", "listed_at_start"),
        (
            Line("aid_entitled", "在籍：{enrolled}；现为对象：{listed_now}；学段开始时为对象：{listed_at_start}"),
            Line("stage_aid", "{stage}"),
            Line("yulu_aid", "{stage}；中职和高职高专享受"),
            Line("education_aid", "{stage_aid} ＋ {yulu_aid}"),
        ),
        "education_aid",
    ),
    "premium_claim": Layout(
        "参保资助",
        "premium_refusal",
        ("cover_on", "insured_as"),
        (
            Line("premium_due", "保障年度从{cover_on}起"),
            Line("premium_rate_used", "{insured_as}"),
            Line("premium_subsidy", "{premium_due} × {premium_rate_used}，取到分"),
            Line("premium_own", "{premium_due} − {premium_subsidy}"),
        ),
        "premium_subsidy",
    ),
}


@dataclass(frozen=True)
class Step:
    """One step in words: what it is, how it comes about, what it gives."""

    title: str
    working: str
    amount: str


@dataclass(frozen=True)
class Statement:
    """A benefit step by step. ``refused`` says why there is none, ``missing`` what is not known; both empty if paid."""

    title: str
    row: int
    result: int | None
    refused: str
    missing: tuple[str, ...]
    given: tuple[str, ...]
    steps: tuple[Step, ...]
    details: tuple[tuple[str, ...], ...]
    sources: tuple[str, ...]

    def text(self) -> str:
        """The statement as lines of text."""
        lines = [self.title, "；".join(self.given)]
        lines += ["　".join(row) for row in self.details]
        if self.refused:
            return "\n".join([*lines, f"不予计算：{self.refused}。请改正后重新计算。"])
        lines += [
            f"{place}. {step.title}：{step.working}{'，' if step.working else ''}得 {step.amount}"
            for place, step in enumerate(self.steps, 1)
        ]
        if self.missing:
            lines.append(f"无法算出结果，缺：{'、'.join(self.missing)}。请补齐后重新计算。")
        return "\n".join([*lines, *(f"依据：{source}" for source in self.sources)])


def statement(
    table: str,
    row: int,
    rows: Rows,
    *,
    as_of: datetime.date,
    region: str,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
) -> Statement:
    """The statement of the row with this id; ``rows`` holds it and what belongs to it (money in fen).

    Raises TableError when there is no such row, and what ``compute_rows`` raises.
    """
    layout, rules = LAYOUTS[table], library(parameter_folders)
    shown = [*layout.given, *(name for line in layout.lines for name in (line.result, *_names(line.working)))]
    below = rules.below(Node(table, name) for name in {*shown, layout.refusal})
    dates = {item.at.name for node in below for item in rules.inputs.get(node, ()) if item.at and item.at[0] == table}
    names = sorted({*shown, layout.refusal, *dates})

    def computed(of: str, wanted: Sequence[str]) -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = compute_rows(
            rows, of=of, names=wanted, as_of=as_of, region=region, parameter_folders=parameter_folders, cache=cache
        ).to_pylist()
        return done

    values = next((found for found in computed(table, names) if found["id"] == row), None)
    if values is None:
        raise TableError(f"{rules.tables[table].title}中没有编号为 {row} 的一行。请核对编号。")
    texts = {name: _text(rules, table, name, values[name]) for name in shown}
    steps = tuple(
        Step(_title(rules, table, line.result), line.working.format(**texts), texts[line.result])
        for line in layout.lines
    )
    details: tuple[tuple[str, ...], ...] = ()
    if layout.detail:
        part = layout.detail
        details = tuple(
            tuple(_text(rules, part.table, name, found[name]) for name in part.values)
            for found in computed(part.table, [*part.values])
            if found[part.key] == row
        )
    refused = values[layout.refusal] or ""
    result = values[layout.result]
    absent = tuple(_title(rules, table, name) for name in dict.fromkeys(shown) if values[name] is None)
    return Statement(
        title=layout.title,
        row=row,
        result=result,
        refused=refused,
        missing=absent if result is None and not refused else (),
        given=tuple(f"{_title(rules, table, name)} {texts[name]}" for name in layout.given),
        steps=() if refused else steps,
        details=details,
        sources=() if refused else _sources(rules, below, values, as_of, region),
    )


def _names(template: str) -> list[str]:
    return [part.split("}")[0] for part in template.split("{")[1:]]


def _title(rules: Library, table: str, name: str) -> str:
    rule = rules.rules.get(Node(table, name))
    if rule:
        return rule.title
    field = rules.field_of(Node(table, name))
    return field.label if field else name


def _text(rules: Library, table: str, name: str, value: Any) -> str:
    node = Node(table, name)
    unit = rules.unit_of(node)
    if value is None:
        return "不明"
    if unit == "百万分之一":
        return value_text(Decimal(value) / MILLION, unit="比例")
    if unit == "厘":
        return f"{Decimal(value) / LI_PER_MU:.2f} 亩"
    if unit == "元·天":
        return f"{Decimal(value) / FEN_PER_YUAN:,.2f} 元·天"
    return value_text(value, unit=unit, codes=codes_of(rules, node))


def _sources(
    rules: Library, below: set[Node], values: Mapping[str, Any], as_of: datetime.date, region: str
) -> tuple[str, ...]:
    """Every parameter the statement used, with the value that was in force and where it comes from."""
    found = {}
    for node in below:
        for item in rules.inputs.get(node, ()):
            day = values.get(item.at.name) if item.at else as_of
            parameter = rules.parameters.get(item.parameter) if item.parameter else None
            dated = parameter.at(day, region) if parameter and day else None
            if parameter and dated:
                value = value_text(dated.value, unit=parameter.unit, codes=parameter.keys)
                found[parameter.key] = f"{parameter.title} {value}（{dated.source}）"
    return tuple(found[key] for key in sorted(found))
