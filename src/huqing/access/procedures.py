"""Declared procedures in the database: the version a case or a matter follows is frozen when the first begins with it.

Cases and villagers' matters each keep their versions, states and steps in tables of their own; what these tables are
and how a version gets into them is the same and stands here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from huqing.packs.procedures import Procedure, procedures
from huqing.packs.procedures.frozen import as_data, digest_of, from_data

FOLDER = "procedures"
# Stands for "no deadline" where lists are sorted by it: the latest first must not hide what is pressing.
NEVER = dt.date(9999, 12, 31)


class FrozenProcedure(models.Model):
    """A declared procedure as it was when the first case or matter began with it."""

    key = models.CharField("代号", max_length=40)
    digest = models.CharField("内容摘要", max_length=64)
    title = models.CharField("名称", max_length=60)
    declaration = models.JSONField("内容")
    first_used_at = models.DateTimeField("首次使用时间")

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["key", "digest"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message="该程序版本已存在。",
            )
        ]

    def __str__(self) -> str:
        return self.title


class FrozenState(models.Model):
    """A state of one procedure version: a row in a state points to it, so that none can be in an undeclared one.

    Whoever inherits it says which versions its ``procedure`` points to.
    """

    key = models.CharField("代号", max_length=40)
    title = models.CharField("名称", max_length=60)
    kind = models.CharField("类型", max_length=8, help_text="start, open, standing, end")

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "key"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message="该环节已存在。",
            )
        ]

    def __str__(self) -> str:
        return self.title


class Step(models.Model):
    """One step that was taken: never changed, never deleted."""

    turn = models.PositiveIntegerField("第几步")
    move = models.CharField("办理", max_length=40)
    title = models.CharField("名称", max_length=60)
    before = models.CharField("原环节", max_length=40)
    after = models.CharField("新环节", max_length=40)
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="办理人")
    on = models.DateField("办理日期")
    at = models.DateTimeField("办理时间")
    late_by = models.PositiveSmallIntegerField("超期工作日", default=0)

    class Meta:
        abstract = True
        ordering = ["turn"]


Version = TypeVar("Version", bound=FrozenProcedure)


def declared() -> Mapping[str, Procedure]:
    """The procedures of this installation by key; PackError if one is declared wrong."""
    return procedures(Path(settings.DATA) / FOLDER)


def frozen(made: Procedure, versions: type[Version], states: type[FrozenState]) -> Version:
    """The version of a procedure as it is declared now, made with its states if it is used for the first time."""
    told = as_data(made)
    manager: models.Manager[Version] = versions._default_manager
    version, new = manager.get_or_create(
        key=made.key,
        digest=digest_of(told),
        defaults={"title": made.title, "declaration": told, "first_used_at": timezone.now()},
    )
    if new:
        states._default_manager.bulk_create(
            states(procedure=version, key=state.key, title=state.title, kind=state.kind) for state in made.states
        )
    return version


def procedure_of(version: FrozenProcedure) -> Procedure:
    """The declaration of a version."""
    made = _PARSED.get(version.digest)
    if made is None:
        # Lists read a version again and again, and to read it takes as long as the rest of a row.
        made = _PARSED[version.digest] = from_data(version.declaration)
    return made


_PARSED: dict[str, Procedure] = {}
