"""Resident teams: where members say they are, what they ask leave for, what is done for them, what they are paid.

A team is those who hold the role ``resident`` of a village in the ledger. Presence is declared by the member and
confirmed by a person; there is no clock-in, no position and no ranking (国办函〔2026〕12号).
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huqing.access.scope import ScopedManager


class PresenceDay(models.Model):
    """One day of one member: in the village, on leave, on a trip …; one day has one row."""

    class State(models.TextChoices):
        DECLARED = "declared", "待确认"
        CONFIRMED = "confirmed", "已确认"
        REFUSED = "refused", "不予确认"

    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="presence", verbose_name="队员")
    region_code = models.CharField("所驻村", max_length=12, db_index=True)
    day = models.DateField("日期")
    kind = models.CharField("类别", max_length=2, help_text="代码表 presence_kind")
    note = models.CharField("说明", max_length=100, blank=True)
    absence = models.ForeignKey(
        "teams.Absence", models.CASCADE, null=True, related_name="days", verbose_name="请假或出差"
    )
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.DECLARED)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="确认人")
    reason = models.CharField("不予确认的原因", max_length=100, blank=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "驻村日历"
        verbose_name_plural = "驻村日历"
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "day"],
                name="presence_once_a_day",
                violation_error_message="这一天已经申报过，一个人一天只能在一处。",
            )
        ]


class Absence(models.Model):
    """Leave, a trip, training or an outing that a member asks for and the town or county decides."""

    class State(models.TextChoices):
        ASKED = "asked", "待批"
        APPROVED = "approved", "已批准"
        REFUSED = "refused", "未批准"
        CANCELLED = "cancelled", "已撤回"

    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="absences", verbose_name="队员")
    region_code = models.CharField("所驻村", max_length=12, db_index=True)
    kind = models.CharField("类别", max_length=2, help_text="代码表 absence_kind")
    first = models.DateField("第一天")
    last = models.DateField("最后一天")
    back_on = models.DateField("提前回村", null=True, help_text="从这一天起又在村")
    reason = models.CharField("事由", max_length=100)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.ASKED)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="批准人")
    decided_at = models.DateTimeField("批准时间", null=True)
    answer = models.CharField("批复", max_length=100, blank=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "请假外出"
        verbose_name_plural = "请假外出"
        ordering = ["-first", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last__gte=F("first")),
                name="absence_dates_in_order",
                violation_error_message="最后一天不能早于第一天。",
            ),
            models.CheckConstraint(
                condition=Q(back_on__isnull=True) | Q(back_on__gt=F("first"), back_on__lte=F("last")),
                name="absence_back_within",
                violation_error_message="回村日期要在第一天之后、最后一天之前（含最后一天）。",
            ),
        ]


class RotaDay(models.Model):
    """Who is on duty in a village on a day (值班)."""

    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="rota", verbose_name="值班人")
    region_code = models.CharField("村", max_length=12, db_index=True)
    day = models.DateField("日期")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "值班"
        verbose_name_plural = "值班"
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "day"],
                name="rota_once_a_day",
                violation_error_message="此人这一天已经排了值班。",
            )
        ]


class TeamNote(models.Model):
    """What a member writes down or somebody writes about them: diary, care visit, problem.

    A problem is given to somebody with a deadline and has a solution once it is solved; a care visit says who came.
    """

    class Kind(models.TextChoices):
        DIARY = "diary", "驻村日志"
        CARE_MAIN = "care_main", "主要领导看望"
        CARE_DEPUTY = "care_deputy", "分管领导看望"
        PROBLEM = "problem", "反映困难"

    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="notes", verbose_name="队员")
    region_code = models.CharField("所驻村", max_length=12, db_index=True)
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    on = models.DateField("日期")
    text = models.CharField("内容", max_length=500)
    who = models.CharField("看望的领导", max_length=60, blank=True)
    responsible = models.CharField("解决责任单位", max_length=60, blank=True)
    due_on = models.DateField("解决期限", null=True)
    solution = models.CharField("解决情况", max_length=500, blank=True)
    solved_on = models.DateField("解决日期", null=True)
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "驻村记录"
        verbose_name_plural = "驻村记录"
        ordering = ["-on", "-id"]


class Provision(models.Model):
    """What is provided for a member in a year: the check-up, the insurance; planned, then done.

    The number of a policy names a person at the insurer, so it is sealed.
    """

    class Kind(models.TextChoices):
        CHECKUP = "checkup", "年度体检"
        INSURANCE = "insurance", "人身意外保险"

    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="provisions", verbose_name="队员")
    region_code = models.CharField("所驻村", max_length=12, db_index=True)
    year = models.PositiveSmallIntegerField("年度")
    kind = models.CharField("保障", max_length=10, choices=Kind.choices)
    planned_on = models.DateField("计划日期", null=True)
    done_on = models.DateField("办理日期", null=True, help_text="体检或投保的日期")
    until = models.DateField("保障到期", null=True)
    provider = models.CharField("医院或保险公司", max_length=60, blank=True)
    policy_sealed = models.BinaryField("保单号(密)", null=True)
    policy_shown = models.CharField("保单号", max_length=60, blank=True, help_text="打码")
    note = models.CharField("说明", max_length=200, blank=True)
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "队员体检和保险"
        verbose_name_plural = "队员体检和保险"
        ordering = ["-year", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "year", "kind"],
                name="provision_once_a_year",
                violation_error_message="这名队员这一年已经登记过，请改原来的记录。",
            ),
            models.CheckConstraint(
                condition=Q(planned_on__isnull=False) | Q(done_on__isnull=False),
                name="provision_has_a_day",
                violation_error_message="请填计划日期或办理日期。",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(done_on__isnull=True) | Q(until__gte=F("done_on")),
                name="provision_until_after_done",
                violation_error_message="保障到期早于办理日期，请改正。",
            ),
        ]


class AllowanceRun(models.Model):
    """The allowances of one month of an area, computed by the rules, approved by a second person."""

    class State(models.TextChoices):
        COMPUTED = "computed", "待审核"
        APPROVED = "approved", "已审核"
        DISCARDED = "discarded", "已作废"

    region_code = models.CharField("区划", max_length=12, db_index=True)
    month = models.DateField("月份", help_text="当月 1 日")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.COMPUTED)
    created_at = models.DateTimeField("核算时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="核算人")
    approved_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="审核人")
    approved_at = models.DateTimeField("审核时间", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "驻村补助核算"
        verbose_name_plural = "驻村补助核算"
        ordering = ["-month", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["region_code", "month"],
                condition=~Q(state="discarded"),
                name="allowance_run_once",
                violation_error_message="这个月已经核算过。要重新核算，先作废原来的。",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("created_by")),
                name="allowance_second_person",
                violation_error_message="核算和审核不能是同一个人。",
            ),
        ]


class AllowanceLine(models.Model):
    """One member's month: counted days and amounts in fen, each missing where it is unknown, and how it came about."""

    run = models.ForeignKey(AllowanceRun, models.CASCADE, related_name="lines", verbose_name="补助核算")
    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="+", verbose_name="队员")
    region_code = models.CharField("所驻村", max_length=12, db_index=True)
    days_in_village = models.PositiveSmallIntegerField("在村天数", null=True)
    days_counted = models.PositiveSmallIntegerField("计入天数", null=True)
    food = models.BigIntegerField("驻村生活补助", null=True)
    monthly = models.BigIntegerField("按月补助", null=True)
    total = models.BigIntegerField("补助合计", null=True)
    refusal = models.CharField("不予计算的原因", max_length=100, blank=True)
    steps = models.JSONField("计算过程", default=list, help_text="[[说明, 来源], …]")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "队员补助"
        verbose_name_plural = "队员补助"
        constraints = [
            models.UniqueConstraint(
                fields=["run", "staff"], name="allowance_line_once", violation_error_message="该队员已在本次核算中。"
            )
        ]
