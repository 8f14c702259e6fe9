"""A patient's statement: every step of every bill with base, rate, amount and what is left, in plain words.

``statement_for`` computes the bills with the same rules as a county's run (``benefits_medical``) and says, for each
step, which dated amounts it rests on and where they come from. Amounts are fen; None is unknown, never zero.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from huqing.policies.benefits_medical import BILL, PER_YEAR
from huqing.policies.benefits_serious import GROSS
from huqing.policies.statement_parts import Basis, Bill, BillStatement, Statement, Step, YearTotal
from huqing.rules.benefits import compute_rows
from huqing.rules.display import value_text
from huqing.rules.library import library
from huqing.rules.parameters import Dated, Parameters
from huqing.rules.schedules import MILLION, UNLIMITED, Keyed, Segments, per_million
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text

__all__ = ["Basis", "Bill", "BillStatement", "Statement", "Step", "YearTotal", "statement_for"]

EXAMPLE, OURS = "演示示例", "L"
NOT_HERE = "这类对象没有这一层"
LEVEL, OBJECT = "hospital_level", "medical_object"
COMPUTED = (
    "rate_day", "benefit_year", "reason", "counted_total", "counted_eligible", "eligible_before",
    "basic_deductible_now", "basic_base", "basic_rate_now", "basic_entitled", "basic_cap_now", "basic_pay",
    "serious_base", "serious_base_before", "serious_deductible_now", "serious_start", "serious_end",
    "serious_entitled", "serious_cap_now", "serious_pay",
    "aid_base", "aid_deductible_now", "aid_rate_now", "aid_entitled", "aid_cap_now", "aid_pay",
    "tilt_base", "tilt_deductible_now", "tilt_rate_now", "tilt_entitled", "tilt_cap_now", "tilt_pay",
    "eligible_self", "self_before_waiver", "waiver", "topup_base", "topup_year", "total_year", "topup_limit_now",
    "topup_pay", "paid_total", "self_pay",
)  # fmt: skip


def statement_for(
    bills: Sequence[Bill],
    *,
    region: str,
    as_of: datetime.date,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
) -> Statement:
    """The statement of one person's bills in one region.

    Raises TableError for two bills with one id, ParameterError or RuleError if the rules or amounts are wrong.
    """
    rows = [{**asdict(bill), "person_id": 1} for bill in bills]
    done = compute_rows(
        {BILL: rows},
        of=BILL,
        names=COMPUTED,
        as_of=as_of,
        region=region,
        parameter_folders=parameter_folders,
        cache=cache,
    ).to_pylist()
    by_id = {row["id"]: row for row in done}
    first = datetime.date.min
    ordered = sorted(bills, key=lambda bill: (bill.settled_on or first, bill.id))
    teller = _Teller(library(parameter_folders).parameters, region)
    told = tuple(teller.bill(bill, by_id[bill.id]) for bill in ordered)
    return Statement(region, told, _years(told), _warnings(told))


class _Teller:
    """Tells bill after bill, and remembers what each layer has paid in the year."""

    def __init__(self, parameters: Parameters, region: str) -> None:
        self.parameters, self.region = parameters, region
        self.paid: dict[tuple[int, str], int | None] = {}

    def bill(self, bill: Bill, row: Mapping[str, Any]) -> BillStatement:
        reason = row["reason"]
        problem = codelist("bill_problem").label(reason) if reason else ""
        steps = tuple(self._steps(bill, row)) if row["counted_total"] is not None and row["rate_day"] else ()
        said = f"本次报销合计 {_yuan(row['paid_total'])}，个人自付 {_yuan(row['self_pay'])}。"
        return BillStatement(
            bill=bill,
            rate_day=row["rate_day"],
            year=row["benefit_year"],
            object_title=codelist(OBJECT).label(bill.medical_object or ""),
            problem=problem,
            steps=steps,
            paid=row["paid_total"],
            self_pay=row["self_pay"],
            eligible_self=row["eligible_self"],
            text=f"没有结果：{problem}。" if problem else said,
            notes=tuple(self._notes(bill, row, steps)),
        )

    def _steps(self, bill: Bill, row: Mapping[str, Any]) -> Iterable[Step]:
        eligible = row["counted_eligible"]
        yield self._insurance(bill, row, eligible)
        yield self._serious(bill, row)
        yield self._share(bill, row, "aid", "医疗救助")
        yield self._share(bill, row, "tilt", "倾斜救助")
        yield self._waiver(bill, row)
        yield self._topup(bill, row)

    def _insurance(self, bill: Bill, row: Mapping[str, Any], eligible: int) -> Step:
        keys = ("basic_deductible", "basic_deductible_per", "basic_rate", "basic_bonus", "basic_cap")
        if bill.given_basic is not None:
            return self._given(row, "basic", "基本医保", eligible, bill.given_basic)
        deductible, rate = row["basic_deductible_now"], row["basic_rate_now"]
        used = f"（本年度此前已累计 {_yuan(row['eligible_before'])}）" if self._per_year(bill, row) else ""
        said = (
            f"政策范围内费用 {_yuan(eligible)}，起付标准 {_yuan(deductible)}{used}，"
            f"超过部分 {_yuan(row['basic_base'])} × {_percent(rate)} = {_yuan(row['basic_entitled'])}"
        )
        bases = self._bases(keys, bill, row)
        return self._step(row, "basic", "基本医保", eligible, deductible, _percent(rate), said, bases)

    def _per_year(self, bill: Bill, row: Mapping[str, Any]) -> bool:
        dated = self._dated("basic_deductible_per", row)
        return dated is not None and dated.value == PER_YEAR

    def _serious(self, bill: Bill, row: Mapping[str, Any]) -> Step:
        base, deductible = row["serious_base"], row["serious_deductible_now"]
        if bill.given_serious is not None:
            return self._given(row, "serious", "大病保险", base, bill.given_serious)
        keys = (
            "serious_deductible", "serious_deductible_cut", "serious_edges", "serious_segments", "serious_bonus",
            "serious_cap",
        )  # fmt: skip
        before = row["serious_base_before"]
        sofar = f"，本年度此前 {_yuan(before)}" if before else ""
        said = f"基数 {_yuan(base)}{sofar}，起付线 {_yuan(deductible)}"
        slices = self._slices(bill, row)
        if slices:
            said += "；" + "，".join(slices) + f"，合计 {_yuan(row['serious_entitled'])}"
        elif row["serious_entitled"] == 0:
            said += "，没有超过" if self._has_segments(bill, row) else "；当地没有这一层"
        rate = "分段" if slices else ""
        return self._step(row, "serious", "大病保险", base, deductible, rate, said, self._bases(keys, bill, row))

    def _has_segments(self, bill: Bill, row: Mapping[str, Any]) -> bool:
        value = self._value("serious_segments", bill, row)
        return isinstance(value, Segments) and bool(value.parts)

    def _slices(self, bill: Bill, row: Mapping[str, Any]) -> list[str]:
        """Which part of the bill falls into which segment, in words."""
        segments, bonus = self._value("serious_segments", bill, row), self._value("serious_bonus", bill, row)
        if not isinstance(segments, Segments) or bonus is None or row["serious_end"] is None:
            return []
        edges = self._dated("serious_edges", row)
        counted = "累计" if edges is not None and edges.value == GROSS else "起付线以上"
        said = []
        start = row["serious_start"]
        for part, fen in segments.slices(start, row["serious_end"]):
            rate = min(per_million(part.rate) + per_million(Decimal(str(bonus))), MILLION)
            begin = max(start, part.over)
            said.append(f"{counted}自 {_yuan(begin)} 至 {_yuan(begin + fen)} 的 {_yuan(fen)} × {_percent(rate)}")
        return said

    def _share(self, bill: Bill, row: Mapping[str, Any], key: str, title: str) -> Step:
        base, deductible, rate = row[f"{key}_base"], row[f"{key}_deductible_now"], row[f"{key}_rate_now"]
        counted = None if base is None or deductible is None else max(base - deductible, 0)
        said = (
            f"基数 {_yuan(base)}，本年度剩余起付 {_yuan(deductible)}，"
            f"超过部分 {_yuan(counted)} × {_percent(rate)} = {_yuan(row[f'{key}_entitled'])}"
        )
        if rate == 0:
            said = NOT_HERE
        bases = self._bases((f"{key}_deductible", f"{key}_rate", f"{key}_cap"), bill, row)
        return self._step(row, key, title, base, deductible, _percent(rate), said, bases)

    def _waiver(self, bill: Bill, row: Mapping[str, Any]) -> Step:
        base, amount = row["self_before_waiver"], row["waiver"]
        rate, cap = self._value("waiver_rate", bill, row), self._value("waiver_cap", bill, row)
        shown = _percent(None if rate is None else per_million(Decimal(str(rate))))
        limit = value_text(cap, unit="元") if cap is not None else "不清楚"
        said = f"前面各层之后的全部自付 {_yuan(base)} × {shown}，每次最多 {limit}，减免 {_yuan(amount)}"
        if rate == 0:
            said = NOT_HERE
        left = None if base is None or amount is None else base - amount
        text = f"医院减免：{said}；剩余 {_yuan(left)}。"
        bases = self._bases(("waiver_rate", "waiver_cap"), bill, row)
        return Step("waiver", "医院减免", base, None, shown, amount, left, None, None, text, bases)

    def _topup(self, bill: Bill, row: Mapping[str, Any]) -> Step:
        amount, limit, year = row["topup_pay"], row["topup_limit_now"], row["topup_year"]
        left = row["self_pay"]
        if limit is not None and self._unlimited(bill, row):
            said = "这类对象没有年度自付上限"
        else:
            said = (
                f"本年度自付累计 {_yuan(year)}，总费用累计 {_yuan(row['total_year'])}，自付上限 {_yuan(limit)}，"
                f"本次补助 {_yuan(amount)}"
            )
        text = f"年度自付兜底：{said}；个人自付 {_yuan(left)}。"
        bases = self._bases(("topup_scope", "topup_limit", "topup_share"), bill, row)
        return Step("topup", "年度自付兜底", row["topup_base"], None, "", amount, left, limit, None, text, bases)

    def _unlimited(self, bill: Bill, row: Mapping[str, Any]) -> bool:
        limit, share = self._value("topup_limit", bill, row), self._value("topup_share", bill, row)
        return bool(limit is not None and share is not None and limit >= UNLIMITED and share == 1)

    def _given(self, row: Mapping[str, Any], key: str, title: str, base: int | None, amount: int) -> Step:
        self._pay(row, key, amount)
        left = None if base is None else base - amount
        text = f"{title}：已按结算单支付 {_yuan(amount)}；剩余 {_yuan(left)}。"
        return Step(key, title, base, None, "", amount, left, None, None, text, ())

    def _step(
        self,
        row: Mapping[str, Any],
        key: str,
        title: str,
        base: int | None,
        deductible: int | None,
        rate: str,
        said: str,
        bases: tuple[Basis, ...],
    ) -> Step:
        amount, entitled, limit = row[f"{key}_pay"], row[f"{key}_entitled"], row[f"{key}_cap_now"]
        paid = self._pay(row, key, amount)
        if amount is not None and entitled != amount:
            said += f"，年度限额 {_yuan(limit)}，扣减 {_yuan(entitled - amount)} 后支付 {_yuan(amount)}"
        left = None if base is None or amount is None else base - amount
        limit_left = None if limit is None or paid is None or limit >= UNLIMITED else max(limit - paid, 0)
        ceiling = "" if limit_left is None or said == NOT_HERE else f"，本年度限额还剩 {_yuan(limit_left)}"
        text = f"{title}：{said}；剩余 {_yuan(left)}{ceiling}。"
        shown = None if limit is None or limit >= UNLIMITED else limit
        return Step(key, title, base, deductible, rate, amount, left, shown, limit_left, text, bases)

    def _pay(self, row: Mapping[str, Any], key: str, amount: int | None) -> int | None:
        """What the layer has paid in the year with this bill."""
        where = (row["benefit_year"], key)
        before = self.paid.get(where, 0)
        self.paid[where] = None if amount is None or before is None else before + amount
        return self.paid[where]

    def _dated(self, key: str, row: Mapping[str, Any]) -> Dated | None:
        return self.parameters[key].at(row["rate_day"], self.region)

    def _value(self, key: str, bill: Bill, row: Mapping[str, Any]) -> Any:
        dated = self._dated(key, row)
        if dated is None or not isinstance(dated.value, Keyed):
            return dated and dated.value
        return dated.value.of(bill.hospital_level if self.parameters[key].keys == LEVEL else bill.medical_object)

    def _bases(self, keys: Sequence[str], bill: Bill, row: Mapping[str, Any]) -> tuple[Basis, ...]:
        found = []
        for key in keys:
            parameter, dated = self.parameters[key], self._dated(key, row)
            if dated is not None:
                text = value_text(self._value(key, bill, row), unit=parameter.unit)
                since = dated.since.isoformat()
                found.append(Basis(key, parameter.title, text, dated.source, dated.status, dated.scope, since))
        return tuple(found)

    def _notes(self, bill: Bill, row: Mapping[str, Any], steps: Sequence[Step]) -> Iterable[str]:
        """That the stay crosses a change of amounts, and by which day it is computed."""
        if bill.admitted_on is None or bill.settled_on is None or row["rate_day"] is None:
            return
        changed: dict[datetime.date, list[str]] = {}
        for key in dict.fromkeys(basis.key for step in steps for basis in step.bases):
            for since, _ in self.parameters[key].timeline(self.region)[1:]:
                if bill.admitted_on < since <= bill.settled_on:
                    changed.setdefault(since, []).append(self.parameters[key].title)
        for since, titles in sorted(changed.items()):
            which = self.parameters["bill_day"].at(bill.settled_on, self.region)
            yield (
                f"住院期间（{bill.admitted_on} 至 {bill.settled_on}）{'、'.join(titles)}自 {since} 起变动，"
                f"全部费用按{which.value if which else ''} {row['rate_day']} 的标准计算。"
            )


def _years(told: Sequence[BillStatement]) -> tuple[YearTotal, ...]:
    years = sorted({bill.year for bill in told if bill.year is not None})
    return tuple(_year(year, [bill for bill in told if bill.year == year]) for year in years)


def _year(year: int, told: Sequence[BillStatement]) -> YearTotal:
    total, paid = _sum(bill.bill.total for bill in told), _sum(bill.paid for bill in told)
    own = _sum(bill.self_pay for bill in told)
    text = f"{year} 年共 {len(told)} 张账单，总费用 {_yuan(total)}，报销 {_yuan(paid)}，个人自付 {_yuan(own)}。"
    return YearTotal(year, len(told), total, paid, own, text)


def _sum(values: Iterable[int | None]) -> int | None:
    listed = list(values)
    return None if None in listed else sum(value for value in listed if value is not None)


def _warnings(told: Sequence[BillStatement]) -> tuple[str, ...]:
    """Which amounts no source gives: examples must not be paid by, our own conventions must be checked."""
    used = {basis.key: basis for bill in told for step in bill.steps for basis in step.bases}
    examples = [basis.title for basis in used.values() if basis.status == EXAMPLE]
    ours = [basis.title for basis in used.values() if basis.status == OURS]
    said = []
    if examples:
        said.append(f"下列标准是演示示例，本单只作演示，不得作为待遇依据：{'、'.join(examples)}。")
    if ours:
        said.append(f"下列标准来源没有写明，按本产品的约定计算，请医保部门核对：{'、'.join(ours)}。")
    return tuple(said)


def _yuan(fen: int | None) -> str:
    return "不清楚" if fen is None else f"{yuan_text(fen, grouped=True)} 元"


def _percent(rate: int | None) -> str:
    """A rate per million in per cent."""
    if rate is None:
        return "不清楚"
    return f"{format((Decimal(rate) / (MILLION // 100)).normalize(), 'f')}%"
