"""``huqing measure``: poverty measures of a county, or of a published table of income shares."""

from __future__ import annotations

import csv
import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.site.commands.chinese import ChineseCommand, ChineseGroup
from huqing.site.commands.progress import progress
from huqing.site.commands.support import Failure, installed

if TYPE_CHECKING:
    from huqing.policies.poverty.grouped import QuadraticLorenz

MISSING = {"剔除人": "drop_person", "剔除指标": "drop_indicator"}
LINE_PARAMETER = "monitor_line"
GROUPED_COLUMNS = ("人口累计比重", "收入累计比重")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
YUAN = click.FloatRange(min=0.01, max=10_000_000)


@click.group(cls=ChineseGroup, short_help="测算贫困程度：发生率、差距、基尼系数、多维贫困。")
def measure() -> None:
    """测算贫困程度。结果只用于分析，不改动任何档案和预警。"""


@measure.command(cls=ChineseCommand, short_help="全县或抽样户的收入和多维贫困，分乡镇列出。")
@click.option("--date", "as_of", type=click.DateTime(["%Y-%m-%d"]), metavar="年-月-日", help="日期，默认今天。")
@click.option("--region", help="县代码（6 位）；不写则取唯一的县。")
@click.option("--line", type=YUAN, metavar="元", help="收入线（元/人·年）；不写则用当地当年的监测线。")
@click.option("--profile", type=FILE, metavar="文件", help="多维贫困的指标和权重；不写则用自带的建议口径。")
@click.option("--missing", type=click.Choice(list(MISSING)), default="剔除人", help="资料不全时怎么办，默认剔除人。")
@click.option(
    "--tolerated",
    type=click.FloatRange(0, 1),
    default=0.1,
    metavar="比例",
    help="选“剔除指标”时，缺失的人超过这个比例的指标不用，默认 0.1。",
)
@click.option("--sample", "sample_file", type=FILE, metavar="文件", help="只算抽样户，并给出误差。")
@click.option("--snapshot", type=FOLDER, metavar="文件夹", help="用已有的快照；不写则现在取一份。")
@installed
def county(
    *,
    as_of: datetime | None,
    region: str | None,
    line: float | None,
    profile: Path | None,
    missing: str,
    tolerated: float,
    sample_file: Path | None,
    snapshot: Path | None,
) -> None:
    """每位在世成员按全户的人均纯收入和剥夺情况计算；资料不全的另列，不当作没有。

    抽样文件的表头：户编号、权数、层、群、总体单位数，除户编号外可以不写。
    """
    from huqing.policies.poverty.county import measure as measure_county
    from huqing.policies.poverty.profile import SHIPPED, ProfileError
    from huqing.policies.poverty.samples import SampleError
    from huqing.registry.models import Region
    from huqing.registry.snapshot import SnapshotError, take
    from huqing.rules.errors import RuleError, TableError
    from huqing.rules.library import library
    from huqing.site.counties import only_county
    from huqing.site.measures import as_text

    day = as_of.date() if as_of else working_day(timezone.localdate())
    code = region or only_county()
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        raise Failure(f"“{code}”不是县代码。请写 6 位县级区划代码，例如 500236。")
    try:
        with progress("测算") as report:
            taken = snapshot or take(region=code, as_of=day, progress=report)
        limit = round(line * 100) if line else int(library().parameters.require(LINE_PARAMETER, day, code).value)
        found = measure_county(
            taken,
            as_of=day,
            region=code,
            line=limit,
            deprivations=profile or SHIPPED,
            missing="drop_indicator" if MISSING[missing] == "drop_indicator" else "drop_person",
            tolerated=tolerated,
            sample_file=sample_file,
        )
    except (SampleError, ProfileError, TableError, RuleError, SnapshotError) as error:
        raise Failure(str(error)) from error
    towns = Region.objects.filter(level=Region.Level.TOWN, code__startswith=code, valid_to=None)
    names = {town[:9]: name for town, name in towns.values_list("code", "name")}
    click.echo(as_text(found, names, day=day, sampled=sample_file is not None))


@measure.command(cls=ChineseCommand, short_help="从公布的分组表（人口和收入累计比重）推算。")
@click.argument("path", metavar="文件", type=FILE)
@click.option("--mean", type=YUAN, required=True, metavar="元", help="平均收入（元/人·年）。")
@click.option("--line", type=YUAN, required=True, metavar="元", help="收入线（元/人·年）。")
def table(path: Path, mean: float, line: float) -> None:
    """没有逐户资料时，按二次洛伦兹曲线推算。表有两列：人口累计比重、收入累计比重，从低收入到高收入，0 到 1。"""
    from huqing.policies.poverty.grouped import fit
    from huqing.policies.poverty.samples import SampleError

    people, income = _grouped(path)
    try:
        curve = fit(people, income, mean)
        click.echo(_curve_text(curve, line))
    except SampleError as error:
        raise Failure(str(error)) from error


def _grouped(path: Path) -> tuple[list[float], list[float]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.reader(opened))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Failure(f"{path.name} 读不出来（{error}）。请存为 UTF-8 编码的 CSV。") from error
    if not rows or tuple(cell.strip() for cell in rows[0]) != GROUPED_COLUMNS:
        raise Failure(f"{path.name} 的表头不对。第一行请写“{GROUPED_COLUMNS[0]},{GROUPED_COLUMNS[1]}”。")
    people, income = [], []
    for number, row in enumerate(rows[1:], 2):
        try:
            share, earned = (float(cell) for cell in row)
        except ValueError as error:
            raise Failure(f"{path.name} 第 {number} 行不是两个数：{'、'.join(row)}。请写 0 到 1 的小数。") from error
        if not (math.isfinite(share) and math.isfinite(earned)):
            raise Failure(f"{path.name} 第 {number} 行有空值。请写 0 到 1 的小数。")
        people.append(share)
        income.append(earned)
    return people, income


def _curve_text(curve: QuadraticLorenz, line: float) -> str:
    shares = "、".join(f"{share:.2%}" for share in curve.deciles())
    return "\n".join(
        [
            f"按二次洛伦兹曲线推算，平均收入 {curve.mean:,.2f} 元，收入线 {line:,.2f} 元：",
            f"贫困发生率 {curve.headcount(line):.2%}，贫困差距 {curve.gap(line):.2%}，"
            f"差距平方 {curve.severity(line):.2%}",
            f"瓦茨指数 {curve.watts(line):.4f}（世界银行格点法 {curve.watts(line, on_world_bank_grid=True):.4f}）",
            f"基尼系数 {curve.gini():.4f}，中位数 {curve.median():,.2f} 元，极化指数 {curve.polarization():.4f}",
            f"平均对数离差 {curve.mld():.4f}（世界银行格点法 {curve.mld(on_world_bank_grid=True):.4f}）",
            f"从低到高各十分之一人口的收入比重：{shares}",
        ]
    )
