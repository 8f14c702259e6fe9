"""``huqing backup`` and ``huqing restore``."""

from __future__ import annotations

from pathlib import Path

import click

from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.progress import progress
from huqing.site.commands.support import Failure, installed, with_django
from huqing.site.instance import data_folder


@click.command(cls=ChineseCommand, short_help="备份数据库和文件。")
@click.argument("target", metavar="目标", type=click.Path(path_type=Path))
@click.option("--with-keys", is_flag=True, help="连同密钥一起备份（备份须另行加密保管）。")
@installed
def backup(target: Path, with_keys: bool) -> None:
    """把数据库和上传文件备份到一个新文件夹；运行中的户情不用停。"""
    from huqing.registry.backup import BackupError
    from huqing.registry.backup import backup as make

    try:
        with progress("备份") as report:
            made = make(target, with_keys=with_keys, progress=report)
    except (BackupError, OSError) as error:
        raise Failure(f"备份没有完成：{error}") from error
    click.echo(f"已备份到 {made}")


@click.command(cls=ChineseCommand, short_help="从备份恢复到空的数据文件夹。")
@click.argument("source", metavar="备份", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_django
def restore(source: Path) -> None:
    """恢复备份。只写入空的数据文件夹；逐个核对文件摘要，对不上就不恢复。"""
    from huqing.registry.backup import BackupError
    from huqing.registry.backup import restore as put_back

    try:
        with progress("恢复") as report:
            put_back(source, progress=report)
    except (BackupError, OSError) as error:
        raise Failure(f"没有恢复：{error}") from error
    keys = data_folder() / "keys"
    if not (keys / "seal.key").exists():
        click.echo(f"备份里没有密钥：请先把另外保管的 keys 文件夹放回 {keys}，否则证件号码和电话无法显示。")
    click.echo("已恢复。请运行 huqing verify-audit 核验审计记录，再运行 huqing serve。")
