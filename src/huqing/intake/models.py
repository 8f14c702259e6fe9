"""Files taken in: where an import stands, what was wrong with its rows, and links that wait for a clerk."""

from __future__ import annotations

from django.db import models

from huqing.access.scope import ScopedManager


class Import(models.Model):
    """One sheet of one uploaded file on its way into the registry."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "已上传"
        MAPPED = "mapped", "已对应列"
        CHECKING = "checking", "检查中"
        CHECKED = "checked", "已检查"
        QUEUED = "queued", "排队中"
        APPLYING = "applying", "写入中"
        APPLIED = "applied", "已入库"
        UNDOING = "undoing", "撤销中"
        UNDONE = "undone", "已撤销"
        FAILED = "failed", "失败"
        DISCARDED = "discarded", "已放弃"

    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.UPLOADED)
    record_kind = models.CharField("数据种类", max_length=40, blank=True)
    file_name = models.CharField("文件名", max_length=200)
    file_hash = models.CharField("文件摘要", max_length=64, db_index=True)
    file_size = models.PositiveBigIntegerField("文件大小", default=0, help_text="字节")
    stored_as = models.CharField("存放位置", max_length=200)
    sheet = models.CharField("工作表", max_length=100, blank=True)
    header_row = models.PositiveIntegerField("表头行", null=True)
    encoding = models.CharField("编码", max_length=20, blank=True)
    mapping = models.JSONField("列对应", default=dict, help_text="原表列名 → 字段")
    data_date = models.DateField("数据日期")
    region_code = models.CharField("区划代码", max_length=12, blank=True)
    source = models.OneToOneField(
        "registry.Source", models.PROTECT, null=True, related_name="intake", verbose_name="来源"
    )
    undo_source = models.OneToOneField(
        "registry.Source", models.PROTECT, null=True, related_name="undone_intake", verbose_name="撤销来源"
    )
    counts = models.JSONField(
        "计数",
        default=dict,
        help_text="rows, good, refused, warnings, added, changed, unchanged, missing, moved, linked, queued, unlinked",
    )
    preview = models.JSONField("预览", default=dict, help_text="检查时的前几条新增与变更")
    progress = models.PositiveSmallIntegerField("进度", default=0)
    message = models.TextField("说明", blank=True)
    created_at = models.DateTimeField("上传时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="上传人")
    applied_at = models.DateTimeField("入库时间", null=True)
    undone_at = models.DateTimeField("撤销时间", null=True)

    objects = ScopedManager(kind="record_kind")

    class Meta:
        verbose_name = "导入"
        verbose_name_plural = "导入"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(progress__lte=100),
                name="import_progress_percent",
                violation_error_message="进度应为 0–100。",
            )
        ]
        indexes = [models.Index(fields=["state"], name="import_state")]

    def __str__(self) -> str:
        return f"{self.file_name}［{self.sheet}］" if self.sheet else self.file_name


class RowProblem(models.Model):
    """What was wrong with one cell or row. Sealed values are masked before they are stored here."""

    class Severity(models.TextChoices):
        REFUSED = "refused", "未入库"
        WARNING = "warning", "已入库，请核对"

    intake = models.ForeignKey(Import, models.CASCADE, related_name="problems", verbose_name="导入")
    severity = models.CharField("程度", max_length=8, choices=Severity.choices)
    row_number = models.PositiveIntegerField("行号")
    column = models.CharField("列", max_length=100, blank=True)
    value = models.CharField("原值", max_length=200, blank=True)
    message = models.CharField("问题", max_length=300)
    remedy = models.CharField("应填写", max_length=300)

    class Meta:
        verbose_name = "行问题"
        verbose_name_plural = "行问题"
        ordering = ["row_number", "id"]


class Missing(models.Model):
    """A household or person that the registry holds and the file does not name: reported, never deleted."""

    intake = models.ForeignKey(Import, models.CASCADE, related_name="missing", verbose_name="导入")
    household = models.ForeignKey("registry.Household", models.CASCADE, related_name="+", verbose_name="户")
    person = models.ForeignKey("registry.Person", models.CASCADE, null=True, related_name="+", verbose_name="人员")

    class Meta:
        verbose_name = "文件中未出现"
        verbose_name_plural = "文件中未出现"


class PriorState(models.Model):
    """What one row of the registry held before an import changed it: what an undo puts back.

    ``values`` maps columns to their former values, ``items`` to the former values of the changed fields (null: the
    field was not there). Sealed columns hold their ciphertext in base64.
    """

    intake = models.ForeignKey(Import, models.CASCADE, related_name="prior_states", verbose_name="导入")
    table = models.CharField("表", max_length=20)
    row_id = models.BigIntegerField("行")
    values = models.JSONField("原值", default=dict)

    class Meta:
        verbose_name = "导入前的值"
        verbose_name_plural = "导入前的值"
        indexes = [models.Index(fields=["table", "row_id"], name="prior_row")]


class MappingTemplate(models.Model):
    """A saved column mapping, proposed again when a file with the same columns arrives."""

    record_kind = models.CharField("数据种类", max_length=40)
    name = models.CharField("名称", max_length=100)
    columns_hash = models.CharField("列名摘要", max_length=64)
    mapping = models.JSONField("列对应", default=dict)
    created_at = models.DateTimeField("保存时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="保存人")

    class Meta:
        verbose_name = "列对应模板"
        verbose_name_plural = "列对应模板"
        constraints = [
            models.UniqueConstraint(
                fields=["record_kind", "columns_hash"],
                name="template_once",
                violation_error_message="这组列名已有模板。",
            )
        ]


class LinkCandidate(models.Model):
    """A department row that might be about a person: waits for a clerk, who sees how the score came about."""

    class State(models.TextChoices):
        OPEN = "open", "待判定"
        ACCEPTED = "accepted", "是同一人"
        REJECTED = "rejected", "不是同一人"

    record = models.ForeignKey(
        "registry.DepartmentRecord", models.CASCADE, related_name="candidates", verbose_name="部门数据"
    )
    person = models.ForeignKey("registry.Person", models.CASCADE, related_name="+", verbose_name="疑似人员")
    score = models.FloatField("把握")
    explanation = models.JSONField("逐项比对", default=list)
    region_code = models.CharField("区划代码", max_length=12, blank=True, db_index=True)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="判定人")
    decided_at = models.DateTimeField("判定时间", null=True)

    objects = ScopedManager()

    class Meta:
        verbose_name = "待判定关联"
        verbose_name_plural = "待判定关联"
        ordering = ["-score"]
        constraints = [
            models.UniqueConstraint(
                fields=["record", "person"], name="candidate_once", violation_error_message="该候选已在队列中。"
            )
        ]
