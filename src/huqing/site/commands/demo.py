"""``huqing demo``: a county to try everything on."""

from __future__ import annotations

from datetime import datetime

import click
from django.utils import timezone

from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.progress import progress
from huqing.site.commands.support import Failure, must_be_installed, with_django

SMALLEST, LARGEST = 500, 309_800
ANOTHER_ADDRESS = "{}，例如 make run ADDRESS=127.0.0.1:8001。"


@click.command(cls=ChineseCommand, short_help="建立演示县：合成的人，真实的村。")
@click.option("--households", type=click.IntRange(SMALLEST, LARGEST), default=3000, show_default=True, help="户数。")
@click.option("--seed", type=int, default=20260101, show_default=True, help="随机种子；种子相同，生成的县相同。")
@click.option(
    "--date", "as_of", type=click.DateTime(["%Y-%m-%d"]), metavar="年-月-日", help="演示县的“今天”，默认今天。"
)
@click.option("--files-only", type=click.Path(file_okay=False), help="只把县里的文件写到这个文件夹，不建库。")
@click.option("--serve", "address", help="建好后启动，写监听地址:端口。")
@with_django
def demo(households: int, seed: int, as_of: datetime | None, files_only: str | None, address: str | None) -> None:
    """生成一个县的花名册和部门文件，按正常导入流程入库，筛查，并建立演示账号。已建好的不重做；没建完的重新建。"""
    from django.conf import settings

    from huqing.site import demonstration
    from huqing.site.installing import ForeignDatabase, KeyMissing
    from huqing.site.server import AddressUnusable, check_address, serve

    on = as_of.date() if as_of else timezone.localdate()
    if files_only:
        with progress("生成文件") as report:
            summary = demonstration.write_files(files_only, households=households, seed=seed, as_of=on, progress=report)
        click.echo(str(summary))
        return
    try:
        if address:
            check_address(address)
        if not demonstration.ready(settings.DATA):
            with progress("演示县") as report:
                demonstration.build(settings.DATA, households=households, seed=seed, as_of=on, progress=report)
    except (demonstration.NotADemo, KeyMissing, ForeignDatabase) as error:
        raise Failure(str(error)) from error
    except AddressUnusable as error:
        raise Failure(ANOTHER_ADDRESS.format(error)) from error
    must_be_installed()
    click.echo("演示账号（只在演示中有；口令都是 " + demonstration.PASSWORD + "）：")
    for account in demonstration.ACCOUNTS:
        click.echo(f"  {account.username:<10} {account.title}")
    if address:
        click.echo(f"打开 http://{address} ；按 Ctrl+C 停止。")
        try:
            serve(address, workers=None)
        except AddressUnusable as error:
            raise Failure(ANOTHER_ADDRESS.format(error)) from error
