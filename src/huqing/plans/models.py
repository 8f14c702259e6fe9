"""Plans (一户一策), their dated versions, and what a plan knows of a measure that the ledger of measures does not.

What a measure is, how far it is and what it brought stands in the ledger (``DepartmentRecord`` of kind ``measure``),
where the rules and the imports look; a planned measure points to it by fingerprint. See decision 0014.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class Plan(models.Model):
    """What is to be done for one household, and why; a household has at most one that is open."""

    household = models.ForeignKey("registry.Household", models.PROTECT, related_name="plans", verbose_name="农户")
    version = models.PositiveIntegerField("版本", default=1)
    made_on = models.DateField("制定日期")
    made_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="制定人")
    causes = models.JSONField("致贫原因", default=list, help_text="代码表 poverty_cause")
    risks = models.JSONField("风险", default=list, help_text="代码表 risk_type")
    situation = models.CharField("家庭情况和困难", max_length=500, blank=True)
    aim = models.CharField("帮扶目标", max_length=300, blank=True)
    closed_on = models.DateField("结束日期", null=True)
    closed_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="结束人")
    close_reason = models.CharField("结束原因", max_length=300, blank=True)

    objects = ScopedManager(region="household__region_code", grid="household__grid")

    class Meta:
        verbose_name = "帮扶计划"
        verbose_name_plural = "帮扶计划"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["household"],
                condition=Q(closed_on=None),
                name="plan_open_once",
                violation_error_message="这一户已有一份没有结束的计划。",
            ),
            models.CheckConstraint(
                condition=Q(closed_on=None) | Q(closed_on__gte=models.F("made_on")),
                name="plan_dates_in_order",
                violation_error_message="结束日期不能早于制定日期。",
            ),
        ]


class PlanVersion(models.Model):
    """The plan as it stood at the end of a day on which it was changed; ``content`` is frozen text and codes."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="versions", verbose_name="帮扶计划")
    number = models.PositiveIntegerField("版本")
    on = models.DateField("日期")
    at = models.DateTimeField("登记时间")
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    reason = models.CharField("原因", max_length=300)
    content = models.JSONField("内容", default=dict)

    objects = ScopedManager(region="plan__household__region_code", grid="plan__household__grid")

    class Meta:
        verbose_name = "计划版本"
        verbose_name_plural = "计划版本"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "number"], name="plan_version_once", violation_error_message="该版本已存在。"
            )
        ]


class PlannedMeasure(models.Model):
    """A measure of the plan: whom it depends on, what it is to answer, what it is to cost, how long it must go on."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="measures", verbose_name="帮扶计划")
    fingerprint = models.CharField("台账行指纹", max_length=64)
    risks = models.JSONField("针对的风险", default=list, help_text="代码表 risk_type")
    staff = models.ForeignKey(
        "teams.Staff", models.PROTECT, null=True, related_name="planned_measures", verbose_name="责任人"
    )
    planned = models.BigIntegerField("计划金额", null=True, help_text="分")
    lasts = models.CharField("自然期限", max_length=10, blank=True, help_text="contract, post, stage")
    lasts_until = models.DateField("期限到期日", null=True)
    added_on = models.DateField("列入日期")
    added_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="列入人")
    dropped_on = models.DateField("移出日期", null=True)
    drop_reason = models.CharField("移出原因", max_length=300, blank=True)

    objects = ScopedManager(region="plan__household__region_code", grid="plan__household__grid")

    class Meta:
        verbose_name = "计划措施"
        verbose_name_plural = "计划措施"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "fingerprint"],
                condition=Q(dropped_on=None),
                name="planned_measure_once",
                violation_error_message="这项措施已在计划中。",
            ),
            models.CheckConstraint(
                condition=Q(planned=None) | Q(planned__gte=0),
                name="planned_measure_amount",
                violation_error_message="计划金额不能小于零。",
            ),
        ]
        indexes = [models.Index(fields=["staff"], name="planned_measure_staff", condition=Q(dropped_on=None))]
