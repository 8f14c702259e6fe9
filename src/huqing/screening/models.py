"""Runs of the rules, the alerts they open and close, and waivers."""

from __future__ import annotations

from django.db import models

from huqing.access.scope import ScopedManager


class Run(models.Model):
    """One screening of a region's households on one day's snapshot."""

    class State(models.TextChoices):
        RUNNING = "running", "进行中"
        DONE = "done", "完成"
        FAILED = "failed", "失败"

    class Trigger(models.TextChoices):
        MANUAL = "manual", "手动"
        SCHEDULED = "scheduled", "定时"
        IMPORT = "import", "导入后"

    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.RUNNING)
    trigger = models.CharField("触发", max_length=10, choices=Trigger.choices)
    as_of = models.DateField("筛查日期")
    region_code = models.CharField("区划代码", max_length=12)
    rules_version = models.CharField("规则版本", max_length=64)
    snapshot = models.CharField("快照", max_length=200, blank=True)
    started_at = models.DateTimeField("开始时间")
    finished_at = models.DateTimeField("结束时间", null=True)
    counts = models.JSONField(
        "计数", default=dict, help_text="households, found, unknown, opened, closed, kept, waived; by finding"
    )
    message = models.TextField("说明", blank=True)
    started_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="发起人")

    objects = ScopedManager()

    class Meta:
        verbose_name = "筛查"
        verbose_name_plural = "筛查"
        ordering = ["-id"]


class Alert(models.Model):
    """A finding that holds, until the data say otherwise, for a household (perhaps one of its people) or a village."""

    class State(models.TextChoices):
        OPEN = "open", "待处理"
        WAIVED = "waived", "确认无误"
        CLOSED = "closed", "已消除"

    finding = models.CharField("规则", max_length=60)
    household = models.ForeignKey(
        "registry.Household", models.CASCADE, null=True, related_name="alerts", verbose_name="户"
    )
    person = models.ForeignKey("registry.Person", models.CASCADE, null=True, related_name="alerts", verbose_name="人员")
    village = models.ForeignKey(
        "registry.Region", models.PROTECT, null=True, related_name="alerts", verbose_name="行政村"
    )
    region_code = models.CharField("区划代码", max_length=12)
    severity = models.CharField("等级", max_length=8)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    evidence = models.JSONField("依据的数值", default=dict)
    evidence_hash = models.CharField("数值摘要", max_length=64)
    opened_on = models.DateField("发现日期")
    seen_on = models.DateField("最近一次仍成立")
    closed_on = models.DateField("消除日期", null=True)
    opened_by_run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="+", verbose_name="发现于")
    waived_at = models.DateTimeField("确认时间", null=True)
    waived_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="确认人")
    waive_reason = models.CharField("确认理由", max_length=300, blank=True)

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "预警"
        verbose_name_plural = "预警"
        constraints = [
            models.UniqueConstraint(
                fields=["finding", "household", "person"],
                condition=models.Q(state__in=["open", "waived"], person__isnull=False),
                name="alert_once_per_person",
                violation_error_message="该成员该规则已有未消除的预警。",
            ),
            models.UniqueConstraint(
                fields=["finding", "household"],
                condition=models.Q(state__in=["open", "waived"], person__isnull=True),
                name="alert_once_per_household",
                violation_error_message="该户该规则已有未消除的预警。",
            ),
            models.UniqueConstraint(
                fields=["finding", "village"],
                condition=models.Q(state__in=["open", "waived"], village__isnull=False),
                name="alert_once_per_village",
                violation_error_message="该村该规则已有未消除的预警。",
            ),
            models.CheckConstraint(
                condition=models.Q(household__isnull=False, village__isnull=True)
                | models.Q(household__isnull=True, person__isnull=True, village__isnull=False),
                name="alert_of_household_or_village",
                violation_error_message="预警须属于一户（及其成员）或一个村。",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="waived") | ~models.Q(waive_reason=""),
                name="waiver_has_reason",
                violation_error_message="确认无误须写明理由。",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="closed") | models.Q(closed_on__isnull=False),
                name="closed_has_date",
                violation_error_message="已消除的预警须有消除日期。",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "region_code", "finding", "severity"], name="alert_list"),
            models.Index(fields=["household", "state"], name="alert_household"),
            models.Index(fields=["finding", "state"], name="alert_finding"),
        ]

    @property
    def subject_name(self) -> str:
        """What the alert is about, in words: 张三户, or the village's name."""
        return f"{self.household.head_name}户" if self.household else self.village.name if self.village else ""


class Simulation(models.Model):
    """What-if: who would be found with other parameters. It changes no alert; its lists lie in the data folder."""

    class State(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "计算中"
        DONE = "done", "完成"
        FAILED = "failed", "失败"

    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.QUEUED)
    region_code = models.CharField("区划代码", max_length=12)
    note = models.CharField("说明", max_length=100, blank=True)
    changes = models.JSONField("改动的参数", default=list, help_text="[{parameter, now, then}]，取值为文本")
    as_of = models.DateField("数据截至", null=True)
    snapshot = models.CharField("快照", max_length=200, blank=True)
    rules_version = models.CharField("规则版本", max_length=64, blank=True)
    counts = models.JSONField(
        "结果", default=dict, help_text="households, by_finding, by_town, costs, not_run: now and then"
    )
    message = models.TextField("原因", blank=True)
    created_at = models.DateTimeField("发起时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="发起人")
    finished_at = models.DateTimeField("结束时间", null=True)

    objects = ScopedManager()

    class Meta:
        verbose_name = "模拟试算"
        verbose_name_plural = "模拟试算"
        ordering = ["-id"]
        indexes = [models.Index(fields=["region_code", "state"], name="simulation_list")]
