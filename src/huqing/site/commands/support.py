"""What every command needs: Django set up, an installation that exists, plain failures."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from huqing.site.instance import data_folder

Result = TypeVar("Result")


class Failure(click.ClickException):
    """A failure the user can do something about: what is wrong and what to do."""

    exit_code = 1


def with_django(command: Callable[..., Result]) -> Callable[..., Result]:
    """Set Django up before the command runs; start-up stays fast for ``--help``."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        import django

        django.setup()
        return command(*args, **kwargs)

    return wrapped


def installed(command: Callable[..., Result]) -> Callable[..., Result]:
    """Refuse, with the remedy, when the data folder holds no installation or its database is of another version."""

    @functools.wraps(command)
    @with_django
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        from django.db import connection
        from django.db.migrations.executor import MigrationExecutor
        from django.db.utils import DatabaseError

        folder = data_folder()
        if not (folder / "keys" / "seal.key").exists() and not _key_in_environment():
            raise Failure(f"{folder} 里还没有安装。请先运行 huqing init。")
        try:
            executor = MigrationExecutor(connection)
            pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            raise Failure(f"数据库打不开：{error}。请检查 HUQING_DATABASE 和数据库服务是否已启动。") from error
        if pending:
            raise Failure("数据库结构不是当前版本。请先备份（huqing backup），再运行 huqing init 升级。")
        return command(*args, **kwargs)

    return wrapped


def _key_in_environment() -> bool:
    import os

    return bool(os.environ.get("HUQING_SEAL_KEY"))
