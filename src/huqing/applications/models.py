"""What villagers apply for themselves, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class Application(models.Model):
    """One application, by page, paper or word of mouth. Name, phone and words go when their time is over."""

    class State(models.TextChoices):
        RECEIVED = "received", "待受理"
        ACCEPTED = "accepted", "已受理"
        REFUSED = "refused", "不予受理"
        JOINED = "joined", "并入另一申请"
        WITHDRAWN = "withdrawn", "农户撤回"

    class Channel(models.TextChoices):
        PAGE = "page", "网页"
        PAPER = "paper", "纸质申请表"
        STAFF = "staff", "当面或电话"

    class Match(models.TextChoices):
        OPEN = "open", "待核对"
        FOUND = "found", "已核对"
        NONE = "none", "档案中没有这一户"

    receipt = models.CharField("回执编号", max_length=10, unique=True, help_text="10 位随机数字")
    kind = models.CharField("申请事项", max_length=20, help_text="kinds.yaml 中的代号")
    village = models.ForeignKey("registry.Region", models.PROTECT, related_name="+", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12)
    name = models.CharField("申请人", max_length=60, blank=True)
    group_name = models.CharField("村民小组", max_length=40, blank=True)
    phone_sealed = models.BinaryField("联系电话(密)", null=True)
    phone_token = models.CharField("联系电话检索码", max_length=64, blank=True, db_index=True)
    difficulties = models.JSONField("困难", default=list, help_text="kinds.yaml 中的代号")
    words = models.CharField("本人的话", max_length=1000, blank=True)
    channel = models.CharField("来源", max_length=8, choices=Channel.choices)
    notice = models.CharField("告知书版本", max_length=64, help_text="申请人同意的告知内容的摘要")
    received_at = models.DateTimeField("收到时间")
    received_on = models.DateField("收到日期")
    due_on = models.DateField("答复截止")
    taken_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    match = models.CharField("核对农户", max_length=8, choices=Match.choices, default=Match.OPEN)
    household = models.ForeignKey(
        "registry.Household", models.PROTECT, null=True, related_name="applications", verbose_name="农户"
    )
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.RECEIVED)
    decided_on = models.DateField("答复日期", null=True)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="答复人")
    reason = models.CharField("理由", max_length=500, blank=True)
    looked_at_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="复看人")
    case = models.ForeignKey(
        "cases.Case", models.PROTECT, null=True, related_name="applications", verbose_name="办理事项"
    )
    joined_to = models.ForeignKey("self", models.PROTECT, null=True, related_name="joined", verbose_name="并入的申请")
    wants_out_on = models.DateField("要求撤回日期", null=True, help_text="受理以后农户凭回执要求撤回")
    blanked_on = models.DateField("删去个人信息日期", null=True)

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "农户申请"
        verbose_name_plural = "农户申请"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(case__isnull=False, household__isnull=False),
                name="application_accepted_with_case",
                violation_error_message="受理的申请必须有农户和办理事项。",
            ),
            models.CheckConstraint(
                condition=Q(state="joined", joined_to__isnull=False) | (~Q(state="joined") & Q(joined_to=None)),
                name="application_joined_to",
                violation_error_message="并入的申请必须写明并入哪一件。",
            ),
            models.CheckConstraint(
                condition=Q(state="received", decided_on=None) | (~Q(state="received") & Q(decided_on__isnull=False)),
                name="application_decided_on",
                violation_error_message="答复过的申请必须有答复日期。",
            ),
            models.CheckConstraint(
                condition=Q(match="found", household__isnull=False) | (~Q(match="found") & Q(household=None)),
                name="application_household_matched",
                violation_error_message="核对过的申请必须写明是哪一户。",
            ),
        ]
        indexes = [
            models.Index(fields=["region_code", "state"], name="application_region"),
            models.Index(fields=["region_code", "due_on"], name="application_due", condition=Q(state="received")),
            models.Index(fields=["decided_on"], name="application_kept", condition=Q(blanked_on=None)),
        ]

    def __str__(self) -> str:
        return self.receipt


class ApplicationStep(models.Model):
    """What happened to an application, in order; the applicant sees it by the receipt."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="steps", verbose_name="申请")
    what = models.CharField("经过", max_length=20, help_text="actions.STEPS 的代号")
    on = models.DateField("日期")
    at = models.DateTimeField("时间")
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="办理人")
    text = models.CharField("说明", max_length=500, blank=True)

    objects = ScopedManager(region="application__region_code", grid="application__household__grid")

    class Meta:
        verbose_name = "申请经过"
        verbose_name_plural = "申请经过"
        ordering = ["pk"]
