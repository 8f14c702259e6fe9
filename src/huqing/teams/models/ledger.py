"""Units, staff, and who is responsible for whom since when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class Unit(models.Model):
    """An organisation that sends people: an office, a school, a hospital, a company."""

    name = models.CharField("单位名称", max_length=100)
    kind = models.CharField("单位类别", max_length=2, blank=True, help_text="代码表 unit_kind")
    region_code = models.CharField("所在区划", max_length=12, db_index=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "单位"
        verbose_name_plural = "单位"
        constraints = [
            models.UniqueConstraint(
                fields=["name", "region_code"], name="unit_once", violation_error_message="该单位已登记。"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Staff(models.Model):
    """Somebody who works for households: a cadre, teacher, doctor, agronomist, village officer, grid worker.

    ``user`` is the account the person signs in with, if any. ``phone`` is the number the person lets be printed on
    contact cards; it is no secret. ``unit``, ``position`` and ``region_code`` repeat the open posting.
    """

    name = models.CharField("姓名", max_length=60)
    number = models.CharField("人员编号", max_length=40, blank=True)
    kind = models.CharField("人员类别", max_length=2, help_text="代码表 staff_kind")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="staff", verbose_name="单位")
    position = models.CharField("职务", max_length=60, blank=True)
    rank = models.CharField("职级", max_length=2, blank=True, help_text="代码表 cadre_rank")
    languages = models.CharField("会说的语言", max_length=60, blank=True, help_text="用顿号分开")
    phone = models.CharField("公开联系电话", max_length=20, blank=True, help_text="印在联系卡上的号码")
    user = models.OneToOneField(
        "access.User", models.SET_NULL, null=True, related_name="staff", verbose_name="登录账号"
    )
    region_code = models.CharField("所在区划", max_length=12, db_index=True)
    left_on = models.DateField("离任日期", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "工作人员"
        verbose_name_plural = "工作人员"
        constraints = [
            models.UniqueConstraint(
                fields=["number"],
                condition=~Q(number=""),
                name="staff_number_once",
                violation_error_message="该人员编号已登记给另一个人。",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Posting(models.Model):
    """Where somebody worked from when to when; one person works in one place at a time."""

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="postings", verbose_name="工作人员")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="postings", verbose_name="单位")
    position = models.CharField("职务", max_length=60, blank=True)
    region_code = models.CharField("所在区划", max_length=12, db_index=True)
    since = models.DateField("起始日期")
    until = models.DateField("终止日期", null=True, help_text="最后一天")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "任职经历"
        verbose_name_plural = "任职经历"
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["staff"],
                condition=Q(until__isnull=True),
                name="posting_open_once",
                violation_error_message="该人员还在原单位任职，请先办理调动或离任。",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=models.F("since")),
                name="posting_dates_in_order",
                violation_error_message="终止日期不能早于起始日期。",
            ),
        ]


class Handover(models.Model):
    """Duties of one person given to others on one day, in one go; its lines are those it ended."""

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="handovers", verbose_name="移交人")
    on = models.DateField("交接日期", help_text="接收人负责的第一天")
    reason = models.CharField("原因", max_length=100)
    region_code = models.CharField("区划", max_length=12, db_index=True)
    created_at = models.DateTimeField("办理时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="办理人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "责任交接"
        verbose_name_plural = "责任交接"
        ordering = ["-id"]


class StaffImport(models.Model):
    """One file of units, people and duties that was taken in, with the rows that were not and what to write instead."""

    file_name = models.CharField("文件名", max_length=200)
    region_code = models.CharField("区划", max_length=12, db_index=True)
    columns = models.JSONField("列名", default=list)
    counts = models.JSONField("数量", default=dict)
    refused = models.JSONField("未入库行", default=list, help_text="[[行号, [值…], {列名: 应填写}], …]")
    created_at = models.DateTimeField("导入时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="导入人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "人员导入"
        verbose_name_plural = "人员导入"
        ordering = ["-id"]


class Responsibility(models.Model):
    """One line of the ledger (责任台账): who is responsible in which role for one village, grid, household or person.

    Dated and many-to-many; a line is ended, never deleted. ``region_code`` is that of the place or household.
    """

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="responsibilities", verbose_name="责任人")
    role = models.CharField("责任", max_length=20, help_text="代码表 duty_role")
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    village = models.ForeignKey(
        "registry.Region", models.PROTECT, null=True, related_name="responsibilities", verbose_name="行政村"
    )
    grid = models.ForeignKey(
        "registry.Grid", models.CASCADE, null=True, related_name="responsibilities", verbose_name="网格"
    )
    household = models.ForeignKey(
        "registry.Household", models.CASCADE, null=True, related_name="responsibilities", verbose_name="农户"
    )
    person = models.ForeignKey(
        "registry.Person", models.CASCADE, null=True, related_name="responsibilities", verbose_name="人员"
    )
    since = models.DateField("起始日期")
    until = models.DateField("终止日期", null=True, help_text="最后一天")
    stands_in_for = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="stand_ins", verbose_name="代理的责任"
    )
    handover = models.ForeignKey(
        Handover, models.PROTECT, null=True, related_name="lines", verbose_name="经哪次交接结束"
    )
    successor = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+", verbose_name="接收人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "责任"
        verbose_name_plural = "责任"
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=models.F("since")),
                name="responsibility_dates_in_order",
                violation_error_message="终止日期不能早于起始日期。",
            ),
            models.CheckConstraint(
                condition=Q(village__isnull=False, grid=None, household=None, person=None)
                | Q(village=None, grid__isnull=False, household=None, person=None)
                | Q(village=None, grid=None, household__isnull=False),
                name="responsibility_for_one",
                violation_error_message="一条责任只对应一个村、一个网格或一户（可指明户内一人）。",
            ),
            *(
                models.UniqueConstraint(
                    fields=["staff", "role", target],
                    condition=Q(**{"until__isnull": True, f"{target}__isnull": False}, **others),
                    name=f"responsibility_{target}_once",
                    violation_error_message="此人已经负责这个对象，不用再登记。",
                )
                for target, others in (
                    ("village", {}),
                    ("grid", {}),
                    ("household", {"person__isnull": True}),
                    ("person", {}),
                )
            ),
        ]
        indexes = [models.Index(fields=["staff", "until"], name="responsibility_staff")]


class UnitDuty(models.Model):
    """What a unit as such is responsible for (后盾单位, 包联单位): a village, a grid or a household, dated.

    It never counts as somebody being responsible for a household: that takes a person with a name.
    """

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="duties", verbose_name="单位")
    role = models.CharField("责任", max_length=20, help_text="代码表 duty_role")
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    village = models.ForeignKey(
        "registry.Region", models.PROTECT, null=True, related_name="unit_duties", verbose_name="行政村"
    )
    grid = models.ForeignKey(
        "registry.Grid", models.CASCADE, null=True, related_name="unit_duties", verbose_name="网格"
    )
    household = models.ForeignKey(
        "registry.Household", models.CASCADE, null=True, related_name="unit_duties", verbose_name="农户"
    )
    since = models.DateField("起始日期")
    until = models.DateField("终止日期", null=True, help_text="最后一天")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "单位责任"
        verbose_name_plural = "单位责任"
        ordering = ["region_code", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=models.F("since")),
                name="unit_duty_dates_in_order",
                violation_error_message="终止日期不能早于起始日期。",
            ),
            models.CheckConstraint(
                condition=Q(village__isnull=False, grid=None, household=None)
                | Q(village=None, grid__isnull=False, household=None)
                | Q(village=None, grid=None, household__isnull=False),
                name="unit_duty_for_one",
                violation_error_message="一条单位责任只对应一个村、一个网格或一户。",
            ),
            *(
                models.UniqueConstraint(
                    fields=["unit", "role", target],
                    condition=Q(**{"until__isnull": True, f"{target}__isnull": False}),
                    name=f"unit_duty_{target}_once",
                    violation_error_message="这个单位已经负责这个对象，不用再登记。",
                )
                for target in ("village", "grid", "household")
            ),
        ]
