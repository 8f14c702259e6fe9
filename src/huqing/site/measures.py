"""Poverty measures as tables of text, for the command line."""

from __future__ import annotations

import datetime
import math
import unicodedata
from collections.abc import Mapping, Sequence

from huqing.policies.poverty.county import CountyMeasures
from huqing.policies.poverty.samples import Estimate
from huqing.standards.money import yuan_text

NONE = "—"


def as_text(found: CountyMeasures, names: Mapping[str, str], *, day: datetime.date, sampled: bool) -> str:
    """Incomes by town, then the deprivation profile: its measures, indicators, dimensions and towns."""
    what = "抽样户（括号内为标准误）" if sampled else "全部在册户"
    head = f"截至 {day:%Y-%m-%d}，{what} {found.households:,} 户 {found.people:,} 人"
    parts = [head, *_incomes(found, names), *_profile(found, names)]
    return "\n".join(parts)


def _incomes(found: CountyMeasures, names: Mapping[str, str]) -> list[str]:
    rows = [["乡镇", "人数", "收入不明", "负收入", "人均收入(元)", "贫困发生率", "贫困差距", "差距平方", "基尼系数"]]
    for row in found.incomes:
        mean = NONE if math.isnan(row.mean.value) else yuan_text(round(row.mean.value), grouped=True)
        rows.append(
            [
                names.get(row.group, row.group),
                f"{row.people:,}",
                f"{row.unknown:,}",
                f"{row.negative:,}",
                mean,
                *(percent(estimate) for estimate in (row.headcount, row.gap, row.severity)),
                number(row.gini),
            ]
        )
    line = yuan_text(found.line, grouped=True)
    return ["", f"一、收入（收入线 {line} 元/人·年；收入不明的人不参加计算）", *table(rows)]


def _profile(found: CountyMeasures, names: Mapping[str, str]) -> list[str]:
    asked, profile = found.deprivations, found.profile
    low, high = profile.bounds
    lines = [
        "",
        f"二、多维贫困：{asked.title}，临界值 k={asked.cutoff}",
        f"多维贫困发生率 H={percent(profile.headcount)}，平均剥夺强度 A={percent(profile.intensity)}，"
        f"调整后指数 M0={number(profile.adjusted)}",
        f"参加计算 {profile.people:,} 人；资料不全未参加 {profile.unknown:,} 人，其中是否贫困取决于缺失资料的 "
        f"{profile.undecided:,} 人；无论缺失资料如何，H 在 {low:.2%} 与 {high:.2%} 之间。",
    ]
    titles = {item.indicator.key: item.indicator.title for item in asked.items}
    lines += [f"没有计算“{titles[key]}”：{reason}。" for key, reason in found.not_measured.items()]
    lines += [f"缺失过多，没有用“{titles[key]}”（缺 {profile.missing[key]:,} 人）。" for key in profile.dropped]
    rows = [["维度", "指标", "权重", "缺失人数", "剥夺率", "贫困且剥夺", "对 M0 的贡献"]]
    for result in profile.indicators:
        indicator = result.indicator
        rows.append(
            [
                indicator.dimension,
                indicator.title,
                str(indicator.weight),
                f"{profile.missing[indicator.key]:,}",
                percent(result.headcount),
                percent(result.censored),
                percent(result.contribution),
            ]
        )
    lines += table(rows)
    shares = "，".join(f"{dimension} {percent(share)}" for dimension, share in profile.dimensions.items())
    lines += [f"各维度对 M0 的贡献：{shares}", ""]
    rows = [["乡镇", "人数", "资料不全", "人口比重", "H", "A", "M0", "对 M0 的贡献"]]
    for group in profile.groups:
        rows.append(
            [
                names.get(group.group, group.group),
                f"{group.people:,}",
                f"{group.unknown:,}",
                f"{group.share:.2%}",
                percent(group.headcount),
                percent(group.intensity),
                number(group.adjusted),
                percent(group.contribution),
            ]
        )
    return lines + table(rows)


def percent(estimate: Estimate) -> str:
    """In per cent with the standard error in brackets where there is one; a dash where nobody is left to measure."""
    return _with_error(estimate, ".2%")


def number(estimate: Estimate) -> str:
    """As a plain number with four decimals, otherwise like ``percent``."""
    return _with_error(estimate, ".4f")


def _with_error(estimate: Estimate, form: str) -> str:
    if math.isnan(estimate.value):
        return NONE
    error = f"({format(estimate.error, form)})" if estimate.error else ""
    return format(estimate.value, form) + error


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in aligned columns, texts left and figures right; a Chinese character is two columns wide."""
    widths = [max(_width(row[place]) for row in rows) for place in range(len(rows[0]))]
    texts = [place for place in range(len(rows[0])) if any(row[place][:1].isalpha() for row in rows[1:])]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (width - _width(cell)) if place in texts else " " * (width - _width(cell)) + cell
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
