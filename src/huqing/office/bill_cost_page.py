"""What the pages of a simulation show of the hospital bills: layers, people, stays without a result, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from huqing.papers.sheets import Cell
from huqing.screening.bill_costs import LAYERS, NO_LEVEL
from huqing.screening.models import Simulation
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text


@dataclass(frozen=True)
class Layer:
    """The county's sum of one layer in fen."""

    title: str
    now: int
    then: int

    @property
    def extra(self) -> int:
        """How much more the changed parameters come to."""
        return self.then - self.now


@dataclass(frozen=True)
class Reason:
    """Why stays have no result, and how many."""

    title: str
    now: int
    then: int


@dataclass(frozen=True)
class Told:
    """The outcome for the hospital bills."""

    layers: list[Layer]
    reasons: list[Reason]
    formula: str
    period: str
    stays: int
    counted: int
    only_now: int
    only_then: int
    people: int
    pay_more: int
    pay_less: int


def told(simulated: Simulation) -> Told | None:
    """The outcome for the hospital bills, None if no changed parameter concerns them."""
    found = simulated.counts.get("bills")
    if not found:
        return None
    return Told(
        layers=[Layer(title, **found["layers"][name]) for name, title in LAYERS.items()],
        reasons=[Reason(_reason(key), **tally) for key, tally in found["reasons"].items()],
        formula=found["formula"],
        period=f"{found['first']} 至 {found['last']}" if found["first"] else "",
        **{
            name: found[name]
            for name in ("stays", "counted", "only_now", "only_then", "people", "pay_more", "pay_less")
        },
    )


def _reason(key: str) -> str:
    return "没有填医院级别" if key == NO_LEVEL else codelist("bill_problem").label(key)


def lines(simulated: Simulation) -> Iterator[list[Cell]]:
    """The same as rows of the workbook: item, now, then, explanation."""
    bills = told(simulated)
    if bills is None:
        return
    for layer in bills.layers:
        yield [
            f"住院：{layer.title}",
            f"{yuan_text(layer.now, grouped=True)} 元",
            f"{yuan_text(layer.then, grouped=True)} 元",
            f"相差 {yuan_text(layer.extra, grouped=True)} 元",
        ]
    yield ["住院：算法", None, None, bills.formula]
    yield ["住院：算进来的住院（次）", bills.counted, bills.counted, f"共 {bills.stays} 次；结算日期 {bills.period}"]
    yield ["住院：只有一边算得出的（次）", bills.only_now, bills.only_then, "没有加进上面的金额"]
    yield ["住院：自付变多的人（人）", None, bills.pay_more, f"共 {bills.people} 人，按每人算进来的住院合计比较"]
    yield ["住院：自付变少的人（人）", None, bills.pay_less, f"共 {bills.people} 人，按每人算进来的住院合计比较"]
    for reason in bills.reasons:
        yield ["住院：算不出的（次）", reason.now, reason.then, reason.title]
