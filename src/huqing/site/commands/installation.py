"""``huqing init``: make or upgrade an installation."""

from __future__ import annotations

import click

from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.support import Failure, told, with_django


@click.command(cls=ChineseCommand, short_help="建立或升级本机的户情。")
@with_django
def init() -> None:
    """建立数据文件夹、密钥和数据库；已有安装时升级数据库结构。重复运行不会改动已有数据和密钥。"""
    from django.db.utils import DatabaseError

    from huqing.site.installing import ForeignDatabase, KeyMissing, install

    try:
        folder, created = install()
    except (KeyMissing, ForeignDatabase) as error:
        raise Failure(str(error)) from error
    except DatabaseError as error:
        raise Failure(told(error) or f"数据库打不开：{error}") from error
    except OSError as error:
        raise Failure(f"写不进数据文件夹：{error}。请检查磁盘空间和文件夹权限。") from error
    click.echo(f"{'已建立' if created else '已是最新'}：{folder}")
    if created:
        click.echo("密钥在 keys 文件夹中。请另存一份到安全的地方：没有它，密封的证件号码和电话无法恢复。")
        click.echo("接下来：huqing regions load 导入区划，huqing user add 建立第一个安全管理员，huqing serve 启动。")
