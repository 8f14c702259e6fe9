"""One step for many cases at once."""

from __future__ import annotations

from django.db import models

from huqing.access.scope import ScopedManager
from huqing.cases.models.casework import Case


class Batch(models.Model):
    """One step for many cases, or cases opened for many alerts: asked for by a person, done in the background."""

    class Kind(models.TextChoices):
        TAKE = "take", "批量办理"
        OPEN = "open", "批量登记线索"

    class State(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "办理中"
        DONE = "done", "已完成"

    kind = models.CharField("种类", max_length=4, choices=Kind.choices)
    move = models.CharField("办理", max_length=40, blank=True)
    title = models.CharField("名称", max_length=60)
    reason = models.CharField("理由", max_length=500, blank=True)
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.QUEUED)
    total = models.PositiveIntegerField("件数")
    created_at = models.DateTimeField("发起时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="发起人")
    finished_at = models.DateTimeField("完成时间", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "批量办理"
        verbose_name_plural = "批量办理"
        ordering = ["-id"]


class BatchLine(models.Model):
    """One case (or household with alerts) of a batch, as it was seen when asked for, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "等待"
        DONE = "done", "已办"
        REFUSED = "refused", "未办"

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="lines", verbose_name="批量办理")
    household = models.ForeignKey("registry.Household", models.PROTECT, related_name="+", verbose_name="农户")
    region_code = models.CharField("区划代码", max_length=12)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="batch_lines", verbose_name="办理事项")
    turn = models.PositiveIntegerField("第几步", null=True)
    alerts = models.JSONField("有关预警", default=list)
    state = models.CharField("结果", max_length=8, choices=State.choices, default=State.WAITING)
    told = models.CharField("说明", max_length=500, blank=True)

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "批量办理明细"
        verbose_name_plural = "批量办理明细"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "household"],
                name="batch_line_once",
                violation_error_message="该户已在这次批量办理中。",
            )
        ]
        indexes = [models.Index(fields=["batch", "state"], name="batch_line_state")]
