"""The evaluators of villages, their meetings, and the votes about households."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager
from huqing.cases.models.casework import Case


class Evaluator(models.Model):
    """Somebody of a village's pool of evaluators (评议员库), recommended by a villager group."""

    village = models.ForeignKey("registry.Region", models.PROTECT, related_name="evaluators", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    group_name = models.CharField("推荐小组", max_length=40)
    name = models.CharField("姓名", max_length=60)
    left_on = models.DateField("退出日期", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "评议员"
        verbose_name_plural = "评议员"
        ordering = ["group_name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["village", "group_name", "name"],
                condition=Q(left_on=None),
                name="evaluator_once",
                violation_error_message="这个小组已有同名的评议员，请在姓名后加以区分。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.group_name}）"


class Evaluation(models.Model):
    """One meeting of evaluators (评议会) about some households: the draw of its panel, who came, how they voted.

    The commitment is shown before the draw, the seed only after the witnesses spoke. A meeting that votes again after
    an objection (``again_of``) keeps the panel of the first one.
    """

    class Method(models.TextChoices):
        SECRET = "secret", "无记名投票"
        HANDS = "hands", "举手表决"

    village = models.ForeignKey("registry.Region", models.PROTECT, related_name="+", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12)
    held_on = models.DateField("评议日期")
    place = models.CharField("地点", max_length=100, blank=True)
    again_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", verbose_name="复核哪次评议")
    question = models.JSONField("抽取名单和人数")
    excluded = models.JSONField("回避人员", default=list, help_text="[[姓名, 理由], …]")
    seed_sealed = models.BinaryField("种子(密)", null=True)
    commitment = models.CharField("承诺", max_length=64)
    prepared_at = models.DateTimeField("准备时间")
    prepared_by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="准备人")
    record = models.JSONField("抽取记录", null=True)
    drawn_at = models.DateTimeField("抽取时间", null=True)
    drawn_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="抽取人")
    attended = models.JSONField("到会人员", null=True, help_text="抽中的人里到会的；空：还没有签到")
    method = models.CharField("表决方式", max_length=6, choices=Method.choices, default=Method.SECRET)
    host = models.CharField("主持人", max_length=60, blank=True)
    supervisor = models.CharField("监督人", max_length=60, blank=True)
    recorder = models.CharField("记录人", max_length=60, blank=True)
    minutes = models.CharField("会议记录", max_length=2000, blank=True)
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(region="region_code", public_place=True)

    class Meta:
        verbose_name = "评议会"
        verbose_name_plural = "评议会"
        ordering = ["-id"]
        indexes = [models.Index(fields=["region_code", "closed_at"], name="evaluation_region")]
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(record__isnull=False, attended__isnull=False),
                name="evaluation_in_order",
                violation_error_message="抽取和签到之后才能结束评议会。",
            )
        ]

    @property
    def panel(self) -> list[str]:
        """Who was drawn, in the order of the draw; empty before it."""
        return list(self.record["drawn"]) if self.record else []


class EvaluationCase(models.Model):
    """A case that a meeting decides about, at the turn it had, and the counts of its vote."""

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="lines", verbose_name="评议会")
    case = models.ForeignKey(Case, models.PROTECT, related_name="evaluations", verbose_name="办理事项")
    turn = models.PositiveIntegerField("第几步")
    agree = models.PositiveSmallIntegerField("同意", null=True)
    against = models.PositiveSmallIntegerField("不同意", null=True)
    abstain = models.PositiveSmallIntegerField("弃权", null=True)
    opinion = models.CharField("主要意见", max_length=300, blank=True)

    objects = ScopedManager(region="case__region_code", grid="case__household__grid")

    class Meta:
        verbose_name = "评议事项"
        verbose_name_plural = "评议事项"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation", "case"],
                name="evaluation_case_once",
                violation_error_message="该事项已在这次评议会中。",
            )
        ]
