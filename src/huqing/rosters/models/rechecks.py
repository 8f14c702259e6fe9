"""Re-verification (回头看): a drawn sample of households, what was found there, and which of two values holds."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class RecheckRound(models.Model):
    """One round: whom it is about, how many are drawn of each stratum, the commitment, and the draw's record.

    ``question`` and ``record`` are packed JSON (``rosters.freezing``): the question of a county is tens of megabytes.
    """

    class State(models.TextChoices):
        COMMITTED = "committed", "已公布承诺，待抽取"
        DRAWN = "drawn", "核查中"
        CLOSED = "closed", "已结束"
        CANCELLED = "cancelled", "已取消"

    title = models.CharField("名称", max_length=100)
    region_code = models.CharField("区划代码", max_length=12)
    frame = models.JSONField("核查范围", default=dict, help_text="label, towns, status, since, until, stratum")
    fields = models.JSONField("核查栏目", default=list, help_text="[[household 或 person, 字段], …]")
    sizes = models.JSONField("各层户数", default=dict, help_text="层 → [可抽户数, 抽取户数]")
    due_on = models.DateField("核查期限")
    question = models.BinaryField("抽取名单和数量")
    seed_sealed = models.BinaryField("种子(密)")
    commitment = models.CharField("承诺", max_length=64)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.COMMITTED)
    record = models.BinaryField("抽取记录", null=True)
    witnesses = models.CharField("监督人", max_length=100, blank=True)
    created_at = models.DateTimeField("公布时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="公布人")
    drawn_at = models.DateTimeField("抽取时间", null=True)
    drawn_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="抽取人")
    form = models.OneToOneField(
        "visits.Form", models.PROTECT, null=True, related_name="recheck_round", verbose_name="手机表单"
    )
    report = models.JSONField("结果", null=True)
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="结束人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "回头看"
        verbose_name_plural = "回头看"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["drawn", "closed"]) | Q(drawn_at__isnull=False),
                name="recheck_drawn_has_record",
                violation_error_message="抽取过的一轮须有抽取记录。",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class RecheckItem(models.Model):
    """One drawn household: who goes there, and what that person found. ``answers`` holds every field that was asked."""

    class Outcome(models.TextChoices):
        NONE = "", "待核查"
        MET = "met", "已核查"
        ABSENT = "absent", "没有见到"

    class Verdict(models.TextChoices):
        NONE = "", "没有回答"
        RIGHT = "right", "符合"
        WRONG = "wrong", "不符合"
        UNSURE = "unsure", "说不准"

    round = models.ForeignKey(RecheckRound, models.PROTECT, related_name="items", verbose_name="回头看")
    household = models.ForeignKey(
        "registry.Household", models.PROTECT, related_name="recheck_items", verbose_name="农户"
    )
    region_code = models.CharField("区划代码", max_length=12)
    stratum = models.CharField("层", max_length=60, blank=True)
    verifier = models.ForeignKey("teams.Staff", models.PROTECT, null=True, related_name="+", verbose_name="核查人")
    outcome = models.CharField("结果", max_length=8, choices=Outcome.choices, default=Outcome.NONE, blank=True)
    verdict = models.CharField("是否符合条件", max_length=8, choices=Verdict.choices, default=Verdict.NONE, blank=True)
    answers = models.JSONField("核查内容", default=list, help_text="[[户或人员编号, 字段, 档案值, 实际值], …]")
    note = models.CharField("说明", max_length=500, blank=True)
    visited_on = models.DateField("核查日期", null=True)
    submission = models.ForeignKey(
        "visits.Submission", models.SET_NULL, null=True, related_name="recheck_items", verbose_name="手机上的记录"
    )
    recorded_at = models.DateTimeField("登记时间", null=True)
    recorded_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "核查户"
        verbose_name_plural = "核查户"
        ordering = ["region_code", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["round", "household"],
                name="recheck_household_once",
                violation_error_message="这一户已在本轮中。",
            ),
            models.CheckConstraint(
                condition=Q(outcome="") | Q(visited_on__isnull=False, recorded_by__isnull=False),
                name="recheck_outcome_signed",
                violation_error_message="核查结果须有日期和登记人。",
            ),
        ]
        indexes = [models.Index(fields=["round", "region_code"], name="recheck_item_round")]


class RecheckDifference(models.Model):
    """One value that the verifier found to be another than the file says; a person decides which holds."""

    class Decision(models.TextChoices):
        OPEN = "", "待判定"
        FILE = "file", "档案正确"
        FOUND = "found", "核查正确，已改档案"

    item = models.ForeignKey(RecheckItem, models.CASCADE, related_name="differences", verbose_name="核查户")
    person = models.ForeignKey(
        "registry.Person", models.PROTECT, null=True, related_name="recheck_differences", verbose_name="人员"
    )
    field = models.CharField("字段", max_length=40)
    before = models.JSONField("档案值", null=True)
    found = models.JSONField("实际值", null=True)
    decision = models.CharField("判定", max_length=8, choices=Decision.choices, default=Decision.OPEN, blank=True)
    reason = models.CharField("理由", max_length=300, blank=True)
    decided_at = models.DateTimeField("判定时间", null=True)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="判定人")

    objects = ScopedManager(region="item__region_code", grid="item__household__grid")

    class Meta:
        verbose_name = "核查差异"
        verbose_name_plural = "核查差异"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision="") | Q(decided_by__isnull=False),
                name="recheck_difference_signed",
                violation_error_message="判定须有判定人。",
            ),
        ]
