"""What every command needs: Django set up, an installation that exists and fits its key, plain failures."""

from __future__ import annotations

import errno
import functools
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import click

from huqing.site.instance import data_folder

Result = TypeVar("Result")

# The words of databases and of the system, and what to tell the person; first match counts.
_CAUSES = (
    (("no space left", "disk is full", "disk full", "could not extend file", "disk i/o error"), "full"),
    (("read-only file system", "readonly database", "permission denied"), "readonly"),
    (("database is locked", "lock timeout", "deadlock"), "locked"),
)
_REMEDIES = {
    "full": "磁盘空间不足，或磁盘出错。没做完的都没有生效；请清理磁盘后再运行一次。",
    "readonly": "数据文件夹或数据库不能写入。请检查文件夹权限、磁盘是否被设为只读，再运行一次。",
    "locked": "数据库正被另一个程序占用，等待超时，这次没有写入。请稍后再运行一次。",
}


class Failure(click.ClickException):
    """A failure the user can do something about: what is wrong and what to do."""

    exit_code = 1


def told(error: BaseException) -> str:
    """What an expected failure of keys, disk or database means and what to do; "" for a programming error."""
    from django.db.utils import DatabaseError, InterfaceError, OperationalError

    from huqing.access.seal import SealError

    if isinstance(error, SealError):
        return str(error)
    text = str(error).lower()
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        text += " no space left"
    for words, cause in _CAUSES:
        if any(word in text for word in words):
            return _REMEDIES[cause]
    if isinstance(error, OperationalError | InterfaceError | sqlite3.Error) or type(error) is DatabaseError:
        return (
            f"数据库打不开或出错：{str(error).strip().splitlines()[0]}。请检查 HUQING_DATABASE 和数据库服务是否已启动。"
        )
    return f"读写文件出错：{error}。请检查路径和权限。" if isinstance(error, OSError) else ""


def with_django(command: Callable[..., Result]) -> Callable[..., Result]:
    """Set Django up before the command runs; start-up stays fast for ``--help``."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        import django

        try:
            django.setup()
        except ValueError as error:
            raise Failure(str(error)) from error
        return command(*args, **kwargs)

    return wrapped


def installed(command: Callable[..., Result]) -> Callable[..., Result]:
    """Refuse, with the remedy, when there is no installation, its version is another, or the key is not its own."""

    @functools.wraps(command)
    @with_django
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        must_be_installed()
        return command(*args, **kwargs)

    return wrapped


def must_be_installed() -> None:
    """Raise Failure with the remedy unless data folder, database and key belong together and are up to date."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from django.db.utils import DatabaseError

    from huqing.access.audit import key_fits
    from huqing.site.installing import ForeignDatabase, KeyMissing, key_present, refuse_foreign, refuse_new_key

    try:
        refuse_foreign()
        if not key_present():
            refuse_new_key()
            raise Failure(f"{data_folder()} 里还没有安装。请先运行 huqing init。")
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (KeyMissing, ForeignDatabase) as error:
        raise Failure(str(error)) from error
    except DatabaseError as error:
        raise Failure(told(error) or f"数据库打不开：{error}") from error
    if pending:
        raise Failure("数据库结构不是当前版本。请先备份（huqing backup），再运行 huqing init 升级。")
    if not key_fits():
        raise Failure(
            "密钥与数据库对不上：数据是用另一把密钥写入的。请把原来的 keys 文件夹放回去（或改正 HUQING_SEAL_KEY），"
            "不要新建密钥；在此之前什么都没有改动。"
        )
