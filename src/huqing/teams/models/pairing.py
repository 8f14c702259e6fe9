"""Pairings on their way into the ledger: what was asked, who was proposed for whom, and every change by hand."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class PairingProposal(models.Model):
    """A proposed pairing: computed in the background, changed by people, accepted, published into the ledger once.

    ``question`` holds what was asked (roles, quotas by rank, wishes), ``obstacles`` in words why no pairing exists,
    ``message`` why it was not computed or not published, ``counts`` what was found in the ledger and the registry.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "计算中"
        FAILED = "failed", "没有算成"
        CANCELLED = "cancelled", "已取消"
        DRAFT = "draft", "草案"
        ACCEPTED = "accepted", "已同意"
        PUBLISHING = "publishing", "发布中"
        PUBLISHED = "published", "已发布"
        DISCARDED = "discarded", "已作废"

    title = models.CharField("名称", max_length=100)
    region_code = models.CharField("区划", max_length=12, db_index=True)
    question = models.JSONField("条件", default=dict)
    obstacles = models.JSONField("不能结对的原因", default=list)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.DRAFT)
    progress = models.PositiveSmallIntegerField("进度", default=0, help_text="百分之几")
    stage = models.CharField("正在做", max_length=40, blank=True)
    message = models.CharField("没有办成的原因", max_length=500, blank=True)
    counts = models.JSONField("数量", default=dict, help_text="helpers, targets, avoided, same_phone, spoken")
    created_at = models.DateTimeField("生成时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="生成人")
    accepted_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="同意人")
    accepted_at = models.DateTimeField("同意时间", null=True)
    published_on = models.DateField("责任起始日期", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "结对方案"
        verbose_name_plural = "结对方案"
        ordering = ["-id"]


class ProposedPair(models.Model):
    """One pair of a proposal: kept or ended (``line`` is that of the ledger) or new; ``reasons`` in words."""

    class Change(models.TextChoices):
        KEPT = "kept", "沿用"
        NEW = "new", "新增"
        ENDED = "ended", "解除"

    proposal = models.ForeignKey(PairingProposal, models.CASCADE, related_name="pairs", verbose_name="结对方案")
    change = models.CharField("变化", max_length=6, choices=Change.choices)
    staff = models.ForeignKey("teams.Staff", models.PROTECT, related_name="+", verbose_name="责任人")
    role = models.CharField("责任", max_length=20)
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    household = models.ForeignKey(
        "registry.Household", models.CASCADE, null=True, related_name="+", verbose_name="农户"
    )
    person = models.ForeignKey("registry.Person", models.CASCADE, null=True, related_name="+", verbose_name="人员")
    village = models.ForeignKey("registry.Region", models.CASCADE, null=True, related_name="+", verbose_name="行政村")
    line = models.ForeignKey("teams.Responsibility", models.CASCADE, null=True, related_name="+", verbose_name="原责任")
    reasons = models.CharField("理由", max_length=200, blank=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "拟结对"
        verbose_name_plural = "拟结对"
        indexes = [models.Index(fields=["proposal", "change"], name="proposed_pair_change")]


class PairEdit(models.Model):
    """Somebody put another person into a pair; the newest edit that stands can be taken back."""

    proposal = models.ForeignKey(PairingProposal, models.CASCADE, related_name="edits", verbose_name="结对方案")
    pair = models.ForeignKey(ProposedPair, models.CASCADE, related_name="edits", verbose_name="拟结对")
    before = models.ForeignKey("teams.Staff", models.PROTECT, related_name="+", verbose_name="原责任人")
    after = models.ForeignKey("teams.Staff", models.PROTECT, related_name="+", verbose_name="新责任人")
    kept_before = models.BooleanField("原为沿用", default=False)
    reasons = models.CharField("原理由", max_length=200, blank=True)
    at = models.DateTimeField("修改时间")
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="修改人")
    undone = models.BooleanField("已撤销", default=False)

    objects = ScopedManager(region="proposal__region_code", public_place=True)

    class Meta:
        verbose_name = "结对修改"
        verbose_name_plural = "结对修改"
        ordering = ["-id"]


class Avoidance(models.Model):
    """Two that must not be paired: kin, or for another reason somebody wrote down (回避)."""

    staff = models.ForeignKey("teams.Staff", models.CASCADE, related_name="avoidances", verbose_name="责任人")
    household = models.ForeignKey("registry.Household", models.CASCADE, related_name="+", verbose_name="农户")
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    reason = models.CharField("原因", max_length=60)
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "回避关系"
        verbose_name_plural = "回避关系"
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "household"], name="avoidance_once", violation_error_message="这一回避关系已登记。"
            )
        ]


class VillageTrait(models.Model):
    """What kind of village it is for the choice of units (软村, 乱村, 穷村, 专业村), from when to when."""

    village = models.ForeignKey("registry.Region", models.CASCADE, related_name="traits", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    kind = models.CharField("类型", max_length=2, help_text="代码表 village_trait")
    since = models.DateField("起始日期")
    until = models.DateField("终止日期", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "行政村类型"
        verbose_name_plural = "行政村类型"
        constraints = [
            models.UniqueConstraint(
                fields=["village"],
                condition=Q(until__isnull=True),
                name="village_trait_once",
                violation_error_message="该村已有类型，请先结束原来的。",
            )
        ]
