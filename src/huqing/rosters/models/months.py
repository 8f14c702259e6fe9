"""A month's list as somebody closed it: who was on it at its end, and who entered and left, with the reasons."""

from __future__ import annotations

from django.db import models

from huqing.access.scope import ScopedManager


class RosterMonth(models.Model):
    """A closed month of one label in one county.

    ``members`` is everybody on the list at the month's end, packed (``rosters.freezing``); what is read of it is always
    narrowed to what an account may see. ``digest`` is a hash over members and changes.
    """

    region_code = models.CharField("区划代码", max_length=12)
    kind = models.CharField("标签", max_length=30, help_text="代码表 label_kind")
    month = models.DateField("月份", help_text="该月第一天")
    opening = models.PositiveIntegerField("月初在册")
    corrected_in = models.PositiveIntegerField("更正补入", default=0)
    corrected_out = models.PositiveIntegerField("更正移出", default=0)
    entered = models.PositiveIntegerField("本月纳入")
    left = models.PositiveIntegerField("本月退出")
    closing = models.PositiveIntegerField("月末在册")
    members = models.BinaryField("月末名单")
    digest = models.CharField("名单摘要", max_length=64)
    closed_at = models.DateTimeField("封账时间")
    closed_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="封账人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "月度名单"
        verbose_name_plural = "月度名单"
        ordering = ["-month", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["region_code", "kind", "month"],
                name="roster_month_once",
                violation_error_message="这个月的名单已经封账。",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    closing=models.F("opening")
                    + models.F("corrected_in")
                    - models.F("corrected_out")
                    + models.F("entered")
                    - models.F("left")
                ),
                name="roster_month_adds_up",
                violation_error_message="月初、纳入、退出与月末不相等，不能封账。",
            ),
        ]


class RosterChange(models.Model):
    """One line of a closed month's list: who entered or left, why; or what the months before had got wrong."""

    class Direction(models.TextChoices):
        IN = "in", "纳入"
        OUT = "out", "退出"

    month = models.ForeignKey(RosterMonth, models.PROTECT, related_name="changes", verbose_name="月度名单")
    direction = models.CharField("变动", max_length=3, choices=Direction.choices)
    correction = models.BooleanField("更正", default=False, help_text="补记以前已封账的月份")
    household = models.ForeignKey(
        "registry.Household", models.PROTECT, related_name="roster_changes", verbose_name="户"
    )
    person = models.ForeignKey(
        "registry.Person", models.PROTECT, null=True, related_name="roster_changes", verbose_name="人员"
    )
    region_code = models.CharField("区划代码", max_length=12)
    on = models.DateField("变动日期")
    reason = models.CharField("原因", max_length=12)
    detail = models.CharField("依据", max_length=300, blank=True)

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "名单变动"
        verbose_name_plural = "名单变动"
        ordering = ["region_code", "id"]
        indexes = [models.Index(fields=["month", "region_code"], name="roster_change_month")]
