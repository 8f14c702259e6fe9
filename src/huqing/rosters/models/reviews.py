"""Reviews (定期复核): everybody with a label looked at again when it is due; rules propose, a person decides."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class ReviewRound(models.Model):
    """A batch: the holders of one label in one region whose review is due by a day."""

    class State(models.TextChoices):
        OPEN = "open", "复核中"
        CLOSED = "closed", "已结束"

    title = models.CharField("名称", max_length=100)
    region_code = models.CharField("区划代码", max_length=12)
    kind = models.CharField("标签", max_length=30, help_text="代码表 label_kind")
    as_of = models.DateField("数据日期")
    due_by = models.DateField("到期截止", help_text="这一天以前到期的列入；全部复核的为最晚的一天", null=True)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField("发起时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="发起人")
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="结束人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "定期复核"
        verbose_name_plural = "定期复核"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class ReviewLine(models.Model):
    """One holder: what the rules propose and why, and what was decided. A decision is undone by a new line."""

    class Outcome(models.TextChoices):
        CONTINUE = "continue", "继续保留"
        AMOUNT = "amount", "调整金额"
        LEAVE = "leave", "退出"
        UNKNOWN = "unknown", "数据不足"
        RESTORE = "restore", "恢复"

    class State(models.TextChoices):
        OPEN = "open", "待决定"
        WAITING = "waiting", "待另一人确认"
        DONE = "done", "已决定"

    round = models.ForeignKey(ReviewRound, models.PROTECT, related_name="lines", verbose_name="定期复核")
    label = models.ForeignKey(
        "registry.Label", models.SET_NULL, null=True, related_name="review_lines", verbose_name="标签"
    )
    household = models.ForeignKey(
        "registry.Household", models.PROTECT, related_name="review_lines", verbose_name="农户"
    )
    person = models.ForeignKey(
        "registry.Person", models.PROTECT, null=True, related_name="review_lines", verbose_name="人员"
    )
    region_code = models.CharField("区划代码", max_length=12)
    category = models.CharField("类别", max_length=12, help_text="按类别定复核间隔")
    last_on = models.DateField("上次复核")
    due_on = models.DateField("应复核日期", null=True)
    proposal = models.CharField("建议", max_length=8, choices=Outcome.choices)
    reasons = models.JSONField("理由", default=list)
    amount = models.PositiveBigIntegerField("现保障金", null=True, help_text="分/月")
    amount_new = models.PositiveBigIntegerField("新保障金", null=True, help_text="分/月")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    decision = models.CharField("决定", max_length=8, choices=Outcome.choices, blank=True)
    effective_on = models.DateField("生效日期", null=True)
    reason = models.CharField("决定理由", max_length=300, blank=True)
    decided_at = models.DateTimeField("决定时间", null=True)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="决定人")
    second_at = models.DateTimeField("确认时间", null=True)
    second_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="确认人")
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by", verbose_name="更正的决定"
    )

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "复核对象"
        verbose_name_plural = "复核对象"
        ordering = ["region_code", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["round", "label"],
                condition=Q(replaces__isnull=True),
                name="review_label_once",
                violation_error_message="这个对象已在本次复核中。",
            ),
            models.UniqueConstraint(
                fields=["label"],
                condition=Q(state__in=["open", "waiting"]),
                name="review_open_once",
                violation_error_message="这个对象已在另一次没有结束的复核中。",
            ),
            models.CheckConstraint(
                condition=~Q(state="done", decision__in=["leave", "restore"])
                | Q(second_by__isnull=False) & ~Q(second_by=models.F("decided_by")),
                name="review_leave_by_two",
                violation_error_message="退出和恢复须由另一人确认。",
            ),
        ]
        indexes = [models.Index(fields=["round", "region_code", "state"], name="review_line_round")]
