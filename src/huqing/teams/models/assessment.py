"""Assessments of those who do a method's work: computed from records, graded by a person, open to appeal."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huqing.access.scope import ScopedManager


class Assessment(models.Model):
    """One assessment of an area over a stretch of time; closed once every grade is confirmed and the shares hold.

    ``method`` and ``plan`` say which working method's indicators are used; ``indicators`` keeps them as they were then.
    """

    class State(models.TextChoices):
        OPEN = "open", "考核中"
        CLOSED = "closed", "已完成"

    title = models.CharField("名称", max_length=100)
    region_code = models.CharField("区划", max_length=12, db_index=True)
    method = models.CharField("工作法", max_length=40, blank=True)
    plan = models.CharField("考核办法", max_length=40, blank=True)
    plan_title = models.CharField("考核办法名称", max_length=100, blank=True)
    version = models.CharField("工作法版本", max_length=20, blank=True)
    indicators = models.JSONField("指标", default=list)
    first = models.DateField("第一天")
    last = models.DateField("最后一天")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField("生成时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="生成人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "考核"
        verbose_name_plural = "考核"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last__gte=F("first")),
                name="assessment_dates_in_order",
                violation_error_message="最后一天不能早于第一天。",
            )
        ]


class AssessmentLine(models.Model):
    """One person's assessment: ``scores`` with the records behind every number, the grade, and an appeal.

    ``points`` are hundredths; missing where a part cannot be computed.
    """

    class Grade(models.TextChoices):
        EXCELLENT = "excellent", "优秀"
        COMPETENT = "competent", "称职"
        BASIC = "basic", "基本称职"
        INCOMPETENT = "incompetent", "不称职"

    assessment = models.ForeignKey(Assessment, models.CASCADE, related_name="lines", verbose_name="考核")
    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="+", verbose_name="被考核人")
    region_code = models.CharField("所驻村或所在地", max_length=12, db_index=True)
    scores = models.JSONField("各项", default=list)
    points = models.IntegerField("得分", null=True, help_text="百分之一分")
    grade = models.CharField("等次", max_length=12, choices=Grade.choices, blank=True)
    reason = models.CharField("评语", max_length=200, blank=True)
    graded_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="评定人")
    graded_on = models.DateField("评定日期", null=True)
    accepted_on = models.DateField("本人无异议", null=True)
    appeal = models.CharField("申诉", max_length=300, blank=True)
    answer = models.CharField("申诉答复", max_length=300, blank=True)
    answered_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="答复人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "考核结果"
        verbose_name_plural = "考核结果"
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "staff"],
                name="assessment_line_once",
                violation_error_message="此人已在这次考核中。",
            )
        ]
