"""The commands, in the order of a first installation, and their exit codes.

0 done · 1 failed, with the reason · 2 the command line is wrong · 3 done, but some rows were refused · 4 the audit log
is broken · 130 stopped by the user.
"""

from __future__ import annotations

import sys

import click

from huqing import __version__
from huqing.site.commands.chinese import ChineseGroup, speak_chinese

speak_chinese()

from huqing.site.commands import (  # noqa: E402  (option texts are translated when they are declared)
    auditing,
    backups,
    demo,
    drawing,
    imports,
    installation,
    measuring,
    methods,
    nation,
    regions,
    screening,
    serving,
    users,
)
from huqing.site.commands.support import Failure, told  # noqa: E402

EXIT_CODES = "退出码：0 完成；1 失败；2 命令写错；3 已完成但有行未入库；4 审计记录被改动；130 被中止。"


@click.group(cls=ChineseGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="huqing")
def huqing() -> None:
    """户情：一户一档，一次填写，处处可用。数据放在 HUQING_DATA 指定的文件夹（默认 ./var）。"""


for command in (
    installation.init,
    demo.demo,
    imports.take_in,
    screening.screen,
    screening.explain,
    nation.nation,
    measuring.measure,
    methods.method,
    drawing.draw,
    serving.serve,
    users.user,
    regions.regions,
    auditing.verify_audit,
    backups.backup,
    backups.restore,
):
    huqing.add_command(command)


def run(arguments: list[str] | None = None) -> int:
    """Run one command; every expected failure ends in one plain Chinese line on standard error and an exit code."""
    try:
        result = huqing.main(args=arguments, prog_name="huqing", standalone_mode=False)
    except click.exceptions.Abort:
        print("已中止。", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("已中止。", file=sys.stderr)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:
        reason = told(error)
        if not reason:
            raise
        Failure(reason).show()
        return Failure.exit_code
    return result if isinstance(result, int) else 0
