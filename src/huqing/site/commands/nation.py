"""``huqing nation``: screen many counties of a lake on this machine, without a database."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from huqing.access.instance import data_folder
from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.progress import progress
from huqing.site.commands.support import Failure

if TYPE_CHECKING:
    from huqing.rules.nation import County

SUMMARY_TEXT = "summary.txt"
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(cls=ChineseCommand, short_help="在一台机器上逐县筛查数据湖里的许多县。")
@click.option("--lake", "source", type=FOLDER, required=True, metavar="文件夹", help="数据湖：county=县代码/day=日期。")
@click.option("--county", "counties", multiple=True, metavar="县代码", help="只做这个县（6 位），可写多次；默认全部。")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="年-月-日", help="日期，默认湖里最近的一天。")
@click.option("--processes", type=click.IntRange(1, 256), metavar="个数", help="同时做几个县，默认每个核一个。")
@click.option(
    "--memory", type=click.FloatRange(0.35, 10_000), metavar="GB", help="全部进程合用多少内存，默认机器的一半。"
)
@click.option("--out", type=FOLDER, metavar="文件夹", help="结果放在哪里，默认数据文件夹下的 nation。")
@click.option("--again", is_flag=True, help="已经做好的县也重做。")
def nation(
    *,
    source: Path,
    counties: tuple[str, ...],
    as_of: datetime | None,
    processes: int | None,
    memory: float | None,
    out: Path | None,
    again: bool,
) -> int:
    """逐县运行全部规则，结果写到 county=县代码 文件夹，最后写汇总。不需要数据库，也不改动任何档案和预警。

    中途停止（断电、Ctrl+C）后再运行同一命令，做好的县不再重做。一个县出错不影响其他县。
    """
    from huqing.rules.errors import RuleError, TableError
    from huqing.rules.nation import LEFT, NationError, run, write_text
    from huqing.rules.nation_worker import GIB
    from huqing.site.nation import as_text

    place = out or data_folder() / "nation"
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # `systemctl stop` ends like Ctrl+C
    finished = 0
    try:
        with progress("逐县筛查") as report:

            def tell(county: County, number: int, total: int) -> None:
                nonlocal finished
                finished = number
                report(_told(county), number / total)

            done = run(
                source,
                place,
                day=as_of.date() if as_of else None,
                counties=counties,
                processes=processes,
                memory=round(memory * GIB) if memory else None,
                again=again,
                tell=tell,
            )
    except KeyboardInterrupt:
        click.echo(f"停在第 {finished} 个县之后，没有留下半成品。再运行同一命令即接着做。", err=True)
        raise
    except (NationError, RuleError, TableError) as error:
        raise Failure(str(error)) from error
    finally:
        signal.signal(signal.SIGTERM, before)
    text = as_text(done)
    write_text(place / SUMMARY_TEXT, text + "\n")
    click.echo(text)
    if not done.complete:
        left = sum(county.state == LEFT for county in done.counties)
        failed = [county for county in done.counties if county.reason and county.state != LEFT]
        raise Failure(
            f"{len(failed)} 个县没有做成{f'，{left} 个县没有开始' if left else ''}，原因和办法见上表。"
            "处理后再运行同一命令，只做这些县。"
        )
    return 0


def _told(county: Any) -> str:
    from huqing.rules.nation import FAILED, KEPT

    if county.state == FAILED:
        return f"{county.county} 没有做成：{county.reason}"
    if county.state == KEPT:
        return f"{county.county} 已做好，不重做"
    return f"{county.county} {county.households:,} 户，成立 {county.found:,}，{county.seconds:.1f} 秒"
