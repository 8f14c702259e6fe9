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
@installed
def screen(as_of: datetime | None, region: str | None) -> None:
    """取当日快照，逐户运行全部规则：新成立的打开预警，不再成立的自动关闭，数据不足的另列。"""
    from huqing.rules.errors import RuleError
    from huqing.screening.actions import ScreeningError
    from huqing.screening.actions import run as run_screening
    from huqing.screening.models import Run
    from huqing.site.counties import only_county

    try:
        with progress("筛查") as report:
            done = run_screening(
                by=None,
                region=region or only_county(),
                as_of=as_of.date() if as_of else working_day(timezone.localdate()),
                trigger=Run.Trigger.MANUAL,
                progress=report,
            )
    except (ScreeningError, RuleError) as error:
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
