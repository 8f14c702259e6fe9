"""Double-random inspections: a round drawn so that anybody can check it, what was found, and how it was put right."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class InspectionRound(models.Model):
    """One draw of villages and of who inspects them.

    The question and its commitment are shown before the draw; the seed stays sealed until the witnesses have spoken and
    then stands in ``record``, which anybody can verify.
    """

    class State(models.TextChoices):
        COMMITTED = "committed", "已公布承诺，待抽取"
        DRAWN = "drawn", "已抽取"
        CANCELLED = "cancelled", "已取消"

    title = models.CharField("名称", max_length=100)
    region_code = models.CharField("区划", max_length=12, db_index=True)
    question = models.JSONField("名单和规则", default=dict)
    people = models.JSONField("名单中的人", default=dict, help_text="名单里的名称 → 工作人员编号")
    villages = models.JSONField("名单中的村", default=dict, help_text="名单里的名称 → 区划代码")
    seed_sealed = models.BinaryField("种子(密)", null=True)
    commitment = models.CharField("承诺", max_length=64)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.COMMITTED)
    witnesses = models.CharField("监督人", max_length=100, blank=True)
    record = models.JSONField("抽取记录", null=True)
    public = models.BooleanField(
        "可以公开", default=False, help_text="名单里的人只写序号、姓氏和单位，任何人可以查看和下载"
    )
    shown_on = models.DateField("公开结果的日期", null=True, help_text="检查之前不让被查的村知道")
    cancel_reason = models.CharField("取消原因", max_length=100, blank=True)
    created_at = models.DateTimeField("公布时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="公布人")
    drawn_at = models.DateTimeField("抽取时间", null=True)
    drawn_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="抽取人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "双随机抽查"
        verbose_name_plural = "双随机抽查"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="drawn", record__isnull=False, drawn_at__isnull=False)
                | (~Q(state="drawn") & Q(drawn_at__isnull=True)),
                name="inspection_drawn_with_record",
                violation_error_message="抽取之后才有抽取记录。",
            )
        ]


class InspectionTarget(models.Model):
    """One drawn village of a round; its inspectors are in ``InspectionDuty``."""

    round = models.ForeignKey(InspectionRound, models.CASCADE, related_name="targets", verbose_name="抽查")
    village = models.ForeignKey("registry.Region", models.PROTECT, related_name="+", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    inspected_on = models.DateField("检查日期", null=True)
    result = models.CharField("检查情况", max_length=300, blank=True)
    inspected_by = models.ForeignKey(
        "access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记检查情况的人"
    )

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "抽中的村"
        verbose_name_plural = "抽中的村"
        constraints = [
            models.UniqueConstraint(
                fields=["round", "village"], name="inspection_target_once", violation_error_message="该村已抽中。"
            )
        ]


class InspectionDuty(models.Model):
    """Who inspects a drawn village."""

    target = models.ForeignKey(InspectionTarget, models.CASCADE, related_name="duties", verbose_name="抽中的村")
    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="+", verbose_name="检查人员")

    objects = ScopedManager(region="target__region_code", public_place=True)

    class Meta:
        verbose_name = "检查任务"
        verbose_name_plural = "检查任务"
        constraints = [
            models.UniqueConstraint(
                fields=["target", "staff"], name="inspection_duty_once", violation_error_message="此人已在检查组里。"
            )
        ]


class InspectionFinding(models.Model):
    """What an inspection found, to be put right by a day, checked again, and closed."""

    class State(models.TextChoices):
        OPEN = "open", "待整改"
        DONE = "done", "已整改，待复查"
        CLOSED = "closed", "已销号"

    target = models.ForeignKey(InspectionTarget, models.PROTECT, related_name="findings", verbose_name="抽中的村")
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    text = models.CharField("问题", max_length=300)
    responsible = models.CharField("整改责任单位", max_length=100)
    due_on = models.DateField("整改期限")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    found_on = models.DateField("发现日期")
    found_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "抽查问题"
        verbose_name_plural = "抽查问题"
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(due_on__gte=models.F("found_on")),
                name="inspection_due_after_found",
                violation_error_message="整改期限不能早于发现日期。",
            )
        ]


class FindingStep(models.Model):
    """One step of putting a finding right: what was done, or what the re-check saw."""

    finding = models.ForeignKey(InspectionFinding, models.CASCADE, related_name="steps", verbose_name="抽查问题")
    state = models.CharField("办到", max_length=8, choices=InspectionFinding.State.choices)
    text = models.CharField("说明", max_length=300)
    on = models.DateField("日期")
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(region="finding__region_code", public_place=True)

    class Meta:
        verbose_name = "整改经过"
        verbose_name_plural = "整改经过"
        ordering = ["id"]
