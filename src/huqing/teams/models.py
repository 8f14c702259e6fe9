"""Units, staff, and who is responsible for whom since when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class Unit(models.Model):
    """An organisation that sends people: an office, a school, a hospital, a company."""

    name = models.CharField("单位名称", max_length=100)
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

    ``user`` is the account the person signs in with, if any.
    """

    name = models.CharField("姓名", max_length=60)
    kind = models.CharField("人员类别", max_length=2, help_text="代码表 staff_kind")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="staff", verbose_name="单位")
    position = models.CharField("职务", max_length=60, blank=True)
    user = models.OneToOneField(
        "access.User", models.SET_NULL, null=True, related_name="staff", verbose_name="登录账号"
    )
    region_code = models.CharField("所在区划", max_length=12, db_index=True)
    left_on = models.DateField("离任日期", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "工作人员"
        verbose_name_plural = "工作人员"

    def __str__(self) -> str:
        return self.name


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
        ]
        indexes = [models.Index(fields=["staff", "until"], name="responsibility_staff")]
