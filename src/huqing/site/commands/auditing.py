"""``huqing verify-audit``: is the audit log whole?"""

from __future__ import annotations

import click

from huqing.site.commands.chinese import ChineseCommand
from huqing.site.commands.progress import progress
from huqing.site.commands.support import installed


@click.command("verify-audit", cls=ChineseCommand, short_help="核验审计记录是否被改动。")
@installed
def verify_audit() -> int:
    """逐条重算审计链的摘要；发现改动、缺失时指出位置，退出码 4。"""
    from huqing.access.audit import verify

    with progress("核验审计记录") as report:
        result = verify(report)
    click.echo(str(result))
    return 0 if result.ok else 4
