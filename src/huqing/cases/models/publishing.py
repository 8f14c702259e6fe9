"""What villages are shown of cases, that it hung, and what people say against it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager
from huqing.cases.models.casework import Case


class PublicPosting(models.Model):
    """What a village sees of its cases (公示): rows of whitelisted fields, frozen when it was published.

    It is seen from ``starts_on`` to ``ends_on`` whatever else happens: nobody has to take it down.
    """

    village = models.ForeignKey("registry.Region", models.PROTECT, related_name="postings", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12)
    kind = models.CharField("公示种类", max_length=10, default="listing", help_text="cases.kinds 的代号")
    level = models.CharField("公示环节", max_length=40, help_text="办理程序中公示环节的名称")
    title = models.CharField("标题", max_length=100)
    columns = models.JSONField("公示项目", default=list, help_text="[[代号, 名称], …]")
    rows = models.JSONField("公示内容", default=list)
    starts_on = models.DateField("公示日期")
    ends_on = models.DateField("公示截止", help_text="最后一个完整的公示日")
    published_at = models.DateTimeField("发布时间")
    published_by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="发布人")
    stopped_on = models.DateField("提前撤下日期", null=True)
    stopped_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="撤下人")
    stop_reason = models.CharField("撤下原因", max_length=300, blank=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "公示"
        verbose_name_plural = "公示"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=models.F("starts_on")),
                name="public_posting_dates",
                violation_error_message="公示截止不能早于公示日期。",
            )
        ]
        indexes = [models.Index(fields=["region_code", "ends_on"], name="public_posting_region")]


class PublicPostingLine(models.Model):
    """Which case, at which of its turns, a posting is about."""

    posting = models.ForeignKey(PublicPosting, models.PROTECT, related_name="lines", verbose_name="公示")
    case = models.ForeignKey(Case, models.PROTECT, related_name="posting_lines", verbose_name="办理事项")
    turn = models.PositiveIntegerField("第几步")

    objects = ScopedManager(region="case__region_code", grid="case__household__grid")

    class Meta:
        verbose_name = "公示事项"
        verbose_name_plural = "公示事项"
        constraints = [
            models.UniqueConstraint(
                fields=["posting", "case"],
                name="public_posting_line_once",
                violation_error_message="该事项已在这次公示中。",
            )
        ]


class PostingProof(models.Model):
    """That a posting hung where people pass: the place, the day, perhaps a photo of the board."""

    posting = models.ForeignKey(PublicPosting, models.PROTECT, related_name="proofs", verbose_name="公示")
    region_code = models.CharField("区划代码", max_length=12)
    on = models.DateField("张贴日期")
    place = models.CharField("张贴地点", max_length=100)
    photo = models.CharField("照片", max_length=64, blank=True, help_text="文件的 SHA-256")
    by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="登记人")
    at = models.DateTimeField("登记时间")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "公示张贴"
        verbose_name_plural = "公示张贴"
        ordering = ["pk"]


class Objection(models.Model):
    """What somebody says against a posting (异议); every one gets an answer. The contact is sealed."""

    class State(models.TextChoices):
        OPEN = "open", "待处理"
        UPHELD = "upheld", "成立"
        DISMISSED = "dismissed", "不成立"

    class Channel(models.TextChoices):
        PAGE = "page", "公示页面"
        STAFF = "staff", "工作人员登记"

    posting = models.ForeignKey(PublicPosting, models.PROTECT, related_name="objections", verbose_name="公示")
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="objections", verbose_name="办理事项")
    region_code = models.CharField("区划代码", max_length=12)
    channel = models.CharField("来源", max_length=8, choices=Channel.choices)
    text = models.CharField("异议内容", max_length=1000)
    contact_sealed = models.BinaryField("联系方式(密)", null=True)
    received_at = models.DateTimeField("收到时间")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.CharField("答复", max_length=1000, blank=True)
    answered_at = models.DateTimeField("答复时间", null=True)
    answered_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="答复人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "公示异议"
        verbose_name_plural = "公示异议"
        ordering = ["-id"]
        indexes = [models.Index(fields=["region_code", "state"], name="objection_region")]
