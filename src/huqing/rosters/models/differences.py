"""Our roster against a department's: what a comparison found, and what people said about every difference."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class RosterComparison(models.Model):
    """One comparison of all rosters of a county on a day, with its counts by roster and kind of difference."""

    region_code = models.CharField("区划代码", max_length=12)
    as_of = models.DateField("比对日期")
    counts = models.JSONField("计数", default=dict, help_text="名册 → 种类 → 数量")
    seconds = models.FloatField("用时", help_text="秒")
    made_at = models.DateTimeField("比对时间")
    made_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="比对人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "名册比对"
        verbose_name_plural = "名册比对"
        ordering = ["-id"]


class RosterDifference(models.Model):
    """One difference: open until it is gone or a person settled it; settled ones stay quiet until values change."""

    class Kind(models.TextChoices):
        OURS = "ours", "只在本县名册"
        THEIRS = "theirs", "只在部门名册"
        DETAIL = "detail", "内容不一致"
        UNLINKED = "unlinked", "没有对上人"

    class State(models.TextChoices):
        OPEN = "open", "待处理"
        SETTLED = "settled", "已说明"
        CLOSED = "closed", "已消除"

    class Decision(models.TextChoices):
        OURS = "ours", "以本县名册为准，已反馈部门"
        THEIRS = "theirs", "以部门名册为准，更正本县档案"
        BOTH = "both", "情况属实，不用更正"

    region_code = models.CharField("区划代码", max_length=12)
    roster = models.CharField("名册", max_length=20)
    kind = models.CharField("种类", max_length=8, choices=Kind.choices)
    identity = models.CharField("对象", max_length=70, help_text="p 加人员编号，或 f 加部门数据的行指纹")
    household = models.ForeignKey(
        "registry.Household", models.CASCADE, null=True, related_name="roster_differences", verbose_name="农户"
    )
    person = models.ForeignKey(
        "registry.Person", models.CASCADE, null=True, related_name="roster_differences", verbose_name="人员"
    )
    record = models.ForeignKey(
        "registry.DepartmentRecord", models.SET_NULL, null=True, related_name="+", verbose_name="部门数据"
    )
    subject_name = models.CharField("姓名", max_length=60, blank=True)
    values = models.JSONField("不一致的内容", default=list, help_text="[[栏目, 本县, 部门], …]")
    values_hash = models.CharField("内容摘要", max_length=64)
    why = models.CharField("可能的原因", max_length=12)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    opened_on = models.DateField("发现日期")
    seen_on = models.DateField("最近一次仍存在")
    closed_on = models.DateField("消除日期", null=True)
    decision = models.CharField("处理", max_length=8, choices=Decision.choices, blank=True)
    reason = models.CharField("说明", max_length=300, blank=True)
    decided_at = models.DateTimeField("处理时间", null=True)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="处理人")

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "名册差异"
        verbose_name_plural = "名册差异"
        ordering = ["region_code", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["region_code", "roster", "kind", "identity"],
                condition=~Q(state="closed"),
                name="roster_difference_once",
                violation_error_message="这项差异已在处理中。",
            ),
            models.CheckConstraint(
                condition=~Q(state="settled") | ~Q(reason="") & Q(decided_by__isnull=False),
                name="roster_difference_signed",
                violation_error_message="处理差异须写明说明。",
            ),
        ]
        indexes = [models.Index(fields=["region_code", "state", "roster"], name="roster_difference_region")]
