"""Installed working methods, their forms, who may fetch them, what is due, and what came back."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class Method(models.Model):
    """A working method (工作法) as installed: its manifest, frozen at that moment, and where its files lie."""

    key = models.CharField("代号", max_length=40)
    version = models.CharField("版本", max_length=20)
    title = models.CharField("名称", max_length=60)
    folder = models.CharField("文件夹", max_length=300, blank=True, help_text="留空：随产品提供")
    digest = models.CharField("内容摘要", max_length=64)
    active = models.BooleanField("启用", default=True)
    installed_at = models.DateTimeField("启用时间")
    installed_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="启用人")

    class Meta:
        verbose_name = "启用的工作法"
        verbose_name_plural = "启用的工作法"
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(active=True),
                name="method_active_once",
                violation_error_message="该工作法已有启用的版本。",
            )
        ]

    def __str__(self) -> str:
        return self.title


class Form(models.Model):
    """A form by its id; what is filled in is always one of its versions."""

    class State(models.TextChoices):
        OPEN = "open", "使用中"
        CLOSING = "closing", "不再下载，仍接收"
        CLOSED = "closed", "停用"

    form_id = models.CharField("表单代号", max_length=100, unique=True)
    title = models.CharField("表单名称", max_length=100)
    method = models.ForeignKey(Method, models.PROTECT, null=True, related_name="forms", verbose_name="工作法")
    visit = models.CharField("走访", max_length=40, blank=True, help_text="工作法中走访的代号")
    visit_kind = models.CharField("走访类别", max_length=1, blank=True, help_text="代码表 visit_kind")
    given_by = models.CharField("派办", max_length=20, blank=True, help_text="按名单派办此表的功能的代号")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)

    class Meta:
        verbose_name = "表单"
        verbose_name_plural = "表单"

    def __str__(self) -> str:
        return self.title


class FormVersion(models.Model):
    """One version of a form: the workbook it was written in, the XForm, and what each question reads and writes.

    A published version never changes; phones keep their drafts on the version they began with. ``conversion`` is
    ``packs.forms.Converted`` without its XML, as plain data.
    """

    form = models.ForeignKey(Form, models.PROTECT, related_name="versions", verbose_name="表单")
    version = models.CharField("版本", max_length=64, blank=True)
    source_name = models.CharField("原文件名", max_length=200, blank=True)
    source = models.BinaryField("原文件", null=True)
    xform = models.TextField("XForm")
    md5 = models.CharField("MD5", max_length=32)
    conversion = models.JSONField("转换结果", default=dict, help_text="问题、预填列、名单、附件")
    published_at = models.DateTimeField("发布时间")
    published_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="发布人")

    class Meta:
        verbose_name = "表单版本"
        verbose_name_plural = "表单版本"
        ordering = ["-published_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["form", "version"],
                name="form_version_once",
                violation_error_message="该表单已有这个版本，请在 settings 表中改 version。",
            )
        ]


class FormMedia(models.Model):
    """A file a form's author supplied: a picture, a list of choices."""

    version = models.ForeignKey(FormVersion, models.CASCADE, related_name="media", verbose_name="表单版本")
    name = models.CharField("文件名", max_length=200)
    kind = models.CharField("类型", max_length=100)
    content = models.BinaryField("内容")
    md5 = models.CharField("MD5", max_length=32)

    class Meta:
        verbose_name = "表单附件"
        verbose_name_plural = "表单附件"
        constraints = [
            models.UniqueConstraint(
                fields=["version", "name"], name="form_media_once", violation_error_message="该版本已有同名文件。"
            )
        ]


class AccessLink(models.Model):
    """A secret address for one person's phone; only its token's HMAC is kept, so a stolen database opens nothing."""

    user = models.ForeignKey("access.User", models.CASCADE, related_name="access_links", verbose_name="用户")
    token = models.CharField("检索码", max_length=64, unique=True)
    label = models.CharField("设备", max_length=60)
    created_at = models.DateTimeField("发放时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="发放人")
    used_on = models.DateField("最近使用日期", null=True)
    revoked_at = models.DateTimeField("作废时间", null=True)

    class Meta:
        verbose_name = "手机链接"
        verbose_name_plural = "手机链接"
        ordering = ["-id"]


class Prepared(models.Model):
    """What was worked out for a person's phone, as long as it still holds (``visits.prepared``); it may vanish."""

    user = models.ForeignKey("access.User", models.CASCADE, related_name="+", verbose_name="用户")
    name = models.CharField("内容", max_length=10)
    basis = models.CharField("依据摘要", max_length=64)
    index = models.BinaryField("目录")
    content = models.BinaryField("内容", help_text="zlib 压缩")
    made_at = models.DateTimeField("生成时间")

    class Meta:
        verbose_name = "手机预备内容"
        verbose_name_plural = "手机预备内容"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"], name="prepared_once", violation_error_message="该用户已有这项预备内容。"
            )
        ]


class Submission(models.Model):
    """One filled form, stored once by its instanceID; an edit is a submission of its own that replaces another.

    ``answers`` maps the path of a question to its text, the path of a repeat to a list of such maps.
    """

    class State(models.TextChoices):
        INCOMPLETE = "incomplete", "附件未传完"
        RECEIVED = "received", "待审核"
        ACCEPTED = "accepted", "已采纳"
        RETURNED = "returned", "已退回"
        REPLACED = "replaced", "已被修改稿替代"

    instance_id = models.CharField("记录编号", max_length=255)
    form = models.ForeignKey(Form, models.PROTECT, related_name="submissions", verbose_name="表单")
    version = models.ForeignKey(FormVersion, models.PROTECT, related_name="+", verbose_name="表单版本")
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by", verbose_name="替代的记录"
    )
    user = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="走访人")
    household = models.ForeignKey(
        "registry.Household", models.PROTECT, null=True, related_name="submissions", verbose_name="农户"
    )
    person = models.ForeignKey(
        "registry.Person", models.PROTECT, null=True, related_name="submissions", verbose_name="人员"
    )
    region_code = models.CharField("区划代码", max_length=12)
    visited_on = models.DateField("走访日期")
    xml = models.BinaryField("原文", help_text="zlib 压缩，展开后是收到时的字节")
    xml_hash = models.CharField("原文摘要", max_length=64)
    answers = models.JSONField("答案", default=dict)
    typed = models.PositiveIntegerField("填写项数", default=0)
    prefilled = models.PositiveIntegerField("预填未改项数", default=0)
    derived = models.PositiveIntegerField("自动得出项数", default=0)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.RECEIVED)
    return_reason = models.CharField("退回原因", max_length=300, blank=True)
    landing = models.JSONField("入档结果", default=dict, help_text="写入、仅作历史、未写入的档案项和原因")
    reviewed_at = models.DateTimeField("审核时间", null=True)
    reviewed_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="审核人")
    source = models.OneToOneField(
        "registry.Source", models.PROTECT, null=True, related_name="submission", verbose_name="来源"
    )
    received_at = models.DateTimeField("收到时间")
    landed_at = models.DateTimeField("入档时间", null=True, help_text="空：收下了，还没有写入档案")
    device = models.CharField("设备编号", max_length=100, blank=True)
    agent = models.CharField("客户端", max_length=200, blank=True)
    phone_times = models.JSONField("手机时间", default=dict, help_text="手机自报的开始、结束时间，不作依据")

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "走访记录"
        verbose_name_plural = "走访记录"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["form", "instance_id"],
                name="submission_once",
                violation_error_message="该记录已经收到。",
            )
        ]
        indexes = [
            models.Index(fields=["household", "visited_on"], name="submission_household"),
            # Answers and XML make rows wide: a place's sums per form are read from here alone.
            models.Index(
                fields=["region_code", "state", "form", "visited_on", "typed", "prefilled", "derived"],
                name="submission_region_sums",
            ),
            models.Index(fields=["id"], condition=Q(landed_at=None), name="submission_waiting"),
        ]


class Attachment(models.Model):
    """A file a submission names; the bytes lie once under their hash.

    ``sha256`` is "" until they have come, and stays so when they were ``refused`` (the reason).
    """

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="attachments", verbose_name="走访记录")
    name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("内容摘要", max_length=64, blank=True)
    received_sha256 = models.CharField("收到时的摘要", max_length=64, blank=True, help_text="照片重新编码之前")
    kind = models.CharField("类型", max_length=60, blank=True)
    size = models.PositiveBigIntegerField("大小", default=0, help_text="字节")
    refused = models.CharField("未收原因", max_length=200, blank=True)

    objects = ScopedManager(region="submission__region_code", grid="submission__household__grid")

    class Meta:
        verbose_name = "走访附件"
        verbose_name_plural = "走访附件"
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "name"], name="attachment_once", violation_error_message="该记录已有同名附件。"
            )
        ]


class RecheckDue(models.Model):
    """A household that a visit has changed and whose alerts are to be looked at again; once, however often asked."""

    household = models.OneToOneField(
        "registry.Household", models.CASCADE, related_name="+", primary_key=True, verbose_name="农户"
    )
    asked_at = models.DateTimeField("提出时间", db_index=True)

    objects = ScopedManager(region="household__region_code", grid="household__grid")

    class Meta:
        verbose_name = "待复核农户"
        verbose_name_plural = "待复核农户"


class VisitTask(models.Model):
    """A standing visit (走访任务): a household or person that a visit of an active method is due to, and until when.

    One row per visit and household (person); a visit moves ``last_on`` and with it ``opens_on`` and ``due_on``.
    ``group`` is the key group that makes it more frequent, "" none. ``due_on`` None: nothing more is due (once done).
    """

    class Done(models.TextChoices):
        VISITED = "visited", "已走访"
        UNCHANGED = "unchanged", "确认无变化"

    method = models.ForeignKey(Method, models.CASCADE, related_name="tasks", verbose_name="工作法")
    visit = models.CharField("走访", max_length=40)
    group = models.CharField("重点人群", max_length=40, blank=True)
    household = models.ForeignKey(
        "registry.Household", models.CASCADE, null=True, related_name="tasks", verbose_name="农户"
    )
    person = models.ForeignKey("registry.Person", models.CASCADE, null=True, related_name="tasks", verbose_name="人员")
    village = models.ForeignKey("registry.Region", models.CASCADE, null=True, related_name="+", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12)
    opens_on = models.DateField("可走访日期", null=True)
    due_on = models.DateField("截止日期", null=True)
    last_on = models.DateField("上次走访", null=True)
    last_done = models.CharField("上次结果", max_length=10, choices=Done.choices, blank=True)
    last_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="上次走访人")
    submission = models.ForeignKey(
        Submission, models.SET_NULL, null=True, related_name="tasks", verbose_name="走访记录"
    )

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "走访任务"
        verbose_name_plural = "走访任务"
        constraints = [
            models.UniqueConstraint(
                fields=["method", "visit", "household"],
                condition=Q(person=None, household__isnull=False),
                name="visit_task_household",
                violation_error_message="该户这一走访任务已存在。",
            ),
            models.UniqueConstraint(
                fields=["method", "visit", "person"],
                condition=Q(person__isnull=False),
                name="visit_task_person",
                violation_error_message="该人这一走访任务已存在。",
            ),
            models.UniqueConstraint(
                fields=["method", "visit", "village"],
                condition=Q(village__isnull=False),
                name="visit_task_village",
                violation_error_message="该村这一走访任务已存在。",
            ),
        ]
        indexes = [
            models.Index(fields=["region_code", "due_on"], name="visit_task_due"),
            models.Index(fields=["household"], name="visit_task_of_household"),
        ]


class Confirmation(models.Model):
    """A visitor's word that nothing has changed (确认无变化): a visit without a form."""

    task = models.ForeignKey(VisitTask, models.CASCADE, related_name="confirmations", verbose_name="走访任务")
    token = models.CharField("手机上的编号", max_length=64, unique=True)
    household = models.ForeignKey(
        "registry.Household", models.CASCADE, null=True, related_name="confirmations", verbose_name="农户"
    )
    region_code = models.CharField("区划代码", max_length=12)
    user = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="确认人")
    on = models.DateField("确认日期")
    received_at = models.DateTimeField("收到时间")

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "无变化确认"
        verbose_name_plural = "无变化确认"
        indexes = [models.Index(fields=["household", "on"], name="confirmation_household")]
