"""``huqing screen`` and ``huqing explain``."""

from __future__ import annotations

from datetime import datetime

import click
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.progress import progress
from huqing.site.commands.support import Failure, installed


@click.command(cls=ChineseCommand, short_help="筛查全县，打开和关闭预警。")
@click.option("--date", "as_of", type=click.DateTime(["%Y-%m-%d"]), metavar="年-月-日", help="筛查日期，默认今天。")
@click.option("--region", help="县代码（6 位）；不写则取唯一的县。")
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="用哪个引擎计算，结果相同；spark 用于一台机器装不下的数据。",
)
@click.option("--master", metavar="地址", help="Spark 主节点，如 spark://主机:7077；不写则在本机运行（local[*]）。")
@click.option("--lake", metavar="文件夹", help="数据湖：快照放进去再从那里读，各节点都要能读到。")
@click.option("--stored", is_flag=True, help="不取新快照，用数据湖里该县该日已有的数据。")
@installed
def screen(
    as_of: datetime | None, region: str | None, engine: str, master: str | None, lake: str | None, stored: bool
) -> None:
    """取当日快照，逐户运行全部规则：新成立的打开预警，不再成立的自动关闭，数据不足的另列。"""
    from huqing.rules.errors import RuleError, TableError
    from huqing.rules.spark_session import SparkError
    from huqing.screening.actions import ScreeningError
    from huqing.screening.actions import run as run_screening
    from huqing.screening.engines import LOCAL, SPARK, Engine
    from huqing.screening.models import Run
    from huqing.site.counties import only_county

    if master and engine != SPARK:
        raise click.UsageError("--master 只与 --engine spark 一起用。")
    if stored and (not lake or "://" in lake):
        raise click.UsageError("--stored 要同时用 --lake 写明本机能读到的数据湖文件夹。")
    try:
        with progress("筛查") as report:
            done = run_screening(
                by=None,
                region=region or only_county(),
                as_of=as_of.date() if as_of else working_day(timezone.localdate()),
                trigger=Run.Trigger.MANUAL,
                progress=report,
                on=Engine(engine, master or LOCAL, lake or "", stored),
            )
    except (ScreeningError, RuleError, TableError, SparkError) as error:
        raise Failure(str(error)) from error
    counts = done.counts
    click.echo(
        f"筛查 {counts['households']:,} 户（{done.as_of:%Y-%m-%d}）：成立 {counts['found']:,} 条，"
        f"新开 {counts['opened']:,}，仍成立 {counts['kept']:,}，自动关闭 {counts['closed']:,}，"
        f"数据不足 {counts['unknown']:,}。"
    )


@click.command(cls=ChineseCommand, short_help="逐步说明一户为什么成立或不成立。")
@click.argument("number", metavar="户编号")
@click.option("--finding", help="只说明一条规则。")
@click.option("--date", "as_of", type=click.DateTime(["%Y-%m-%d"]), metavar="年-月-日", help="日期，默认今天。")
@installed
def explain(number: str, finding: str | None, as_of: datetime | None) -> None:
    """打印规则、依据、参数和每一个中间值。"""
    from huqing.registry.models import Household
    from huqing.screening.queries import explain_household
    from huqing.site.telling import as_text

    household = Household.objects.filter(number=number).first()
    if household is None:
        raise Failure(f"没有户编号为 {number} 的农户。请核对编号，或在页面上按姓名查找。")
    explanation = explain_household(
        household,
        as_of=as_of.date() if as_of else working_day(timezone.localdate()),
        finding=finding,
    )
    click.echo(as_text(explanation, household))
