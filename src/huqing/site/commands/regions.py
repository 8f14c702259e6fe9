"""``huqing regions``: load region codes."""

from __future__ import annotations

from pathlib import Path

import click

from huqing.site.commands.chinese import ChineseCommand, ChineseGroup
from huqing.site.commands.progress import progress
from huqing.site.commands.support import Failure, installed


@click.group(cls=ChineseGroup, short_help="导入统计用区划代码。")
def regions() -> None:
    """统计用区划代码（12 位）。每年一次，历年沿革保留。"""


@regions.command(cls=ChineseCommand, short_help="导入一年的区划代码。")
@click.argument("path", metavar="文件", type=click.Path(exists=True, path_type=Path))
@click.option("--year", type=int, required=True, help="代码的年份，如 2023。")
@installed
def load(path: Path, year: int) -> None:
    """导入 CSV：省、市、县、乡、村的代码和名称。说不清去向的变更不会自动处理，会列出来等人判定。"""
    from huqing.registry.regions import RegionFileError, load_regions

    try:
        with progress("导入区划") as report:
            summary = load_regions(path, year=year, by=None, progress=report)
    except RegionFileError as error:
        raise Failure(str(error)) from error
    click.echo(str(summary))
