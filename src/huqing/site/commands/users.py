"""``huqing user``: accounts from the command line, for the first administrator and for emergencies."""

from __future__ import annotations

import click

from huqing.site.commands.chinese import ChineseCommand, ChineseGroup
from huqing.site.commands.support import Failure, installed

ROLES = [
    "system_admin",
    "security_admin",
    "audit_admin",
    "county",
    "town",
    "village",
    "grid",
    "department",
    "reader",
    "visitor",
]


@click.group(cls=ChineseGroup, short_help="建立、停用账号，重置口令。")
def user() -> None:
    """账号管理。平时由安全管理员在页面上办理；命令行用于建立第一个账号和应急。"""


@user.command(cls=ChineseCommand, short_help="建立账号。")
@click.argument("username", metavar="账号")
@click.option("--name", required=True, help="姓名。")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    required=True,
    help="角色：系统/安全/审计管理员，县、乡镇、村、网格，部门，查阅，走访。",
)
@click.option("--region", default="", help="管辖区划代码（前缀），如 500236 或 500236101。")
@click.option("--unit", default="", help="单位。")
@click.option("--grid", type=int, help="网格编号（只有网格员需要）。")
@click.option("--department", default="", help="行业部门名称（只有部门账号需要），如 医疗保障局。")
@installed
def add(username: str, name: str, role: str, region: str, unit: str, grid: int | None, department: str) -> None:
    """建立账号并显示一次性口令；首次登录须改口令。"""
    from django.core.exceptions import ValidationError

    from huqing.access.actions import create_user

    try:
        account, password = create_user(
            by=None,
            username=username,
            display_name=name,
            role=role,
            region_code=region,
            unit=unit,
            grid_id=grid,
            department=department,
        )
    except (ValidationError, ValueError) as error:
        raise Failure("；".join(getattr(error, "messages", [str(error)]))) from error
    click.echo(f"已建立 {account.username}（{account.get_role_display()}）。一次性口令：{password}")
    click.echo("口令只显示这一次，请当面交给本人。")


@user.command(cls=ChineseCommand, short_help="重置口令。")
@click.argument("username", metavar="账号")
@installed
def reset(username: str) -> None:
    """换成新的一次性口令，并解除锁定。"""
    from huqing.access.actions import reset_password, unlock
    from huqing.access.models import User

    account = User.objects.filter(username=username).first()
    if account is None:
        raise Failure(f"没有账号 {username}。用 huqing user list 查看全部账号。")
    password = reset_password(by=None, user=account)
    unlock(by=None, user=account)
    click.echo(f"{username} 的一次性口令：{password}")


@user.command(cls=ChineseCommand, short_help="停用账号。")
@click.argument("username", metavar="账号")
@installed
def disable(username: str) -> None:
    """停用账号；已登录的会话立即失效。"""
    from huqing.access.actions import disable_user
    from huqing.access.models import User
    from huqing.access.permissions import Refused

    account = User.objects.filter(username=username).first()
    if account is None:
        raise Failure(f"没有账号 {username}。用 huqing user list 查看全部账号。")
    try:
        disable_user(by=None, user=account)
    except Refused as error:
        raise Failure(str(error)) from error
    click.echo(f"已停用 {username}。")


@user.command("list", cls=ChineseCommand, short_help="列出账号。")
@installed
def list_users() -> None:
    """列出全部账号。"""
    from huqing.access.models import User

    for account in User.objects.order_by("role", "username"):
        state = "" if account.is_active else "（已停用）"
        click.echo(
            f"{account.username}\t{account.display_name}\t{account.get_role_display()}\t"
            f"{account.region_code or '-'}{state}"
        )
