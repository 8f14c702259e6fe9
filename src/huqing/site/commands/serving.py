"""``huqing serve``: the office, the background worker and the daily screening in one command."""

from __future__ import annotations

import click

from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.support import Failure, installed


@click.command(cls=ChineseCommand, short_help="启动户情。")
@click.option("--address", default="127.0.0.1:8000", show_default=True, help="监听地址:端口。")
@click.option("--workers", type=click.IntRange(1, 64), help="网页进程数，默认等于核数、最多 4；内置数据库加倍。")
@click.option("--no-worker", is_flag=True, help="不带后台任务（另用 --worker-only 单独运行）。")
@click.option("--worker-only", is_flag=True, help="只运行后台任务。")
@installed
def serve(address: str, workers: int | None, no_worker: bool, worker_only: bool) -> None:
    """启动网页和后台任务；按 Ctrl+C 停止。"""
    from huqing.site.server import AddressUnusable
    from huqing.site.server import serve as start

    try:
        start(address, workers=workers, web=not worker_only, background=not no_worker)
    except AddressUnusable as error:
        raise Failure(f"{error}，例如 --address 127.0.0.1:8001。") from error
