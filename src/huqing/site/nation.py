"""A run over many counties as a table of text: counties by province, sums, and what went wrong where."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from huqing.rules.nation import DONE, FAILED, KEPT, LEFT, County, Summary
from huqing.site.measures import table
from huqing.standards.codelists import codelist

STATES = {DONE: "完成", KEPT: "已有", FAILED: "没有做成", LEFT: "没有做"}
HEAD = ["省", "县", "户数", "人数", "成立", "数据不足", "用时(秒)", "情况"]
MEBI = 2**20


def as_text(summary: Summary) -> str:
    """The table, and below it the reason and the remedy for every county without an answer."""
    rows = [HEAD]
    for code, counties in groupby(summary.counties, key=lambda county: county.county[:2]):
        listed = list(counties)
        name = codelist("province").label(code)
        rows += [[name, *_cells(county), STATES[county.state]] for county in listed]
        rows.append([name, "小计", *_sums(listed)])
    rows.append(["合计", f"{len(summary.counties)} 个县", *_sums(summary.counties)])
    lines = [
        f"按 {summary.day} 的快照逐县筛查，规则版本 {summary.rules_version}：",
        *table(rows),
        _effort(summary),
    ]
    bad = [county for county in summary.counties if county.reason]
    return "\n".join(lines + [f"{county.county} {STATES[county.state]}：{county.reason}。" for county in bad])


def _effort(summary: Summary) -> str:
    fresh = [county.memory for county in summary.counties if county.state == DONE]
    if not fresh:
        return "这次没有新做成的县。"
    return (
        f"这次做了 {len(fresh)} 个县，用时 {summary.seconds:,.1f} 秒；{summary.processes} 个进程，"
        f"每个 {summary.threads} 线程，最多占用内存 {max(fresh) / MEBI:,.0f} MB"
        f"（给引擎的上限 {summary.memory / MEBI:,.0f} MB）。"
    )


def _cells(county: County) -> list[str]:
    if county.state in (FAILED, LEFT):
        return [county.county, *["—"] * 5]
    counted = (county.households, county.persons, county.found, county.unknown)
    return [county.county, *(f"{number:,}" for number in counted), f"{county.seconds:.1f}"]


def _sums(counties: Iterable[County]) -> list[str]:
    """The sums of the counties that have an answer, and how many have none."""
    listed = list(counties)
    columns = ("households", "persons", "found", "unknown")
    bad = sum(county.state in (FAILED, LEFT) for county in listed)
    numbers = [f"{sum(getattr(county, name) for county in listed):,}" for name in columns]
    return [*numbers, f"{sum(county.seconds for county in listed):,.1f}", f"{bad} 个县没有结果" if bad else ""]
