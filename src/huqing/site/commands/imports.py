"""``huqing import``: take files in from the command line, the same way as the page does."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from django.utils import timezone

from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.progress import progress
from huqing.site.commands.support import Failure, installed

_FIRST = {"household": 0, "person": 1}


def _rank(file: Path) -> int:
    """Households before their people, and both before what departments say of them; else the order given."""
    from huqing.intake.reading import ReadError, read_tables

    try:
        kinds = [sheet.kind for sheet in read_tables(file, name=file.name) if sheet.chosen]
    except (ReadError, OSError):
        return len(_FIRST)
    return min((_FIRST.get(kind, len(_FIRST)) for kind in kinds), default=len(_FIRST))


@click.command("import", cls=ChineseCommand, short_help="导入花名册和部门数据文件。")
@click.argument("paths", metavar="文件…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--kind", help="数据种类；不写则按表头识别。")
@click.option("--date", "data_date", type=click.DateTime(["%Y-%m-%d"]), metavar="年-月-日", help="数据日期，默认今天。")
@click.option("--region", help="文件所属区划代码；不写则取唯一的县。")
@installed
def take_in(paths: tuple[Path, ...], kind: str | None, data_date: datetime | None, region: str | None) -> int:
    """检查后入库：合格的行入库，不合格的行写明工作表、行、列和应填写的内容，另存为待更正的表。文件夹会整个导入。"""
    from huqing.intake.errors import IntakeError
    from huqing.intake.taking import take_in as take
    from huqing.site.counties import only_county

    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path]) if file.is_file()]
    if len(files) > 1:
        files.sort(key=_rank)
    scope = region or only_county()
    on = data_date.date() if data_date else timezone.localdate()
    refused = failed = 0
    with progress("导入") as report:
        for number, file in enumerate(files):

            def step(message: str, fraction: float, number: int = number, file: Path = file) -> None:
                report(f"{file.name} {message}", (number + fraction) / len(files))

            try:
                done = take(file, kind=kind, by=None, data_date=on, region=scope, progress=step)
            except IntakeError as error:
                failed += 1
                click.echo(f"✗ {file.name}：{error}", err=True)
                continue
            for item in done:
                counts = item.counts
                refused += counts.get("refused", 0)
                click.echo(
                    f"✓ {file.name}［{item.sheet or '全部'}］ 新增 {counts.get('added', 0)}，"
                    f"变更 {counts.get('changed', 0)}，"
                    f"未变 {counts.get('unchanged', 0)}，未入库 {counts.get('refused', 0)}"
                )
    if failed:
        raise Failure(f"{failed} 个文件没有导入，原因见上。")
    return 3 if refused else 0
