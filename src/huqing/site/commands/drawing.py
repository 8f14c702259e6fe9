"""``huqing draw verify``: whoever holds the record of a draw can draw it again, without an installation or network."""

from __future__ import annotations

import json
from pathlib import Path

import click

from huqing.site.commands.chinese import ChineseCommand, ChineseGroup
from huqing.site.commands.support import Failure

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MOST_BYTES = 20_000_000


@click.group(cls=ChineseGroup, short_help="验证随机抽取的记录。")
def draw() -> None:
    """验证随机抽取（检查对象、检查人员、评议小组）的记录。不需要安装，也不联网。"""


@draw.command(cls=ChineseCommand, short_help="用公布的种子重新抽一次，看结果是否一致。")
@click.argument("file", type=FILE, metavar="记录文件")
@click.option("--commitment", default="", metavar="承诺", help="抽取之前公布的承诺（64 位），您自己留下的那一份。")
def verify(*, file: Path, commitment: str) -> None:
    """用公布的种子重新抽一次。一致时退出码为 0，不一致为 1，并说出哪里不符。"""
    from huqing.matching.draws import verify as wrong_of

    if file.stat().st_size > MOST_BYTES:
        raise Failure(f"{file.name} 太大，不是抽取记录。请使用系统导出的原文件。")
    try:
        told = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise Failure(f"{file.name} 不是抽取记录（JSON）。请使用系统导出的原文件。") from None
    wrong = wrong_of(told, commitment)
    if wrong:
        raise Failure("验证不通过：" + "；".join(wrong))
    click.echo(f"验证通过：{told['question']['title']}，抽中 {len(told['drawn'])} 个：{'、'.join(told['drawn'])}。")
    if not commitment:
        click.echo("没有核对事先公布的承诺。手中有承诺的，加上 --commitment 再验证一次。")
