"""Cases, the steps they took, and the papers each step rests on.

The procedure a case began with is frozen with it: a county that changes its procedure changes it for new cases only.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.scope import ScopedManager


class ProcedureVersion(models.Model):
    """A declared procedure as it was when the first case began with it."""

    key = models.CharField("代号", max_length=40)
    digest = models.CharField("内容摘要", max_length=64)
    title = models.CharField("名称", max_length=60)
    declaration = models.JSONField("内容")
    first_used_at = models.DateTimeField("首次使用时间")

    class Meta:
        verbose_name = "办理程序"
        verbose_name_plural = "办理程序"
        constraints = [
            models.UniqueConstraint(
                fields=["key", "digest"], name="procedure_version_once", violation_error_message="该程序版本已存在。"
            )
        ]

    def __str__(self) -> str:
        return self.title


class CaseState(models.Model):
    """A state of one procedure version: what a case's state points to, so that none can be in an undeclared one."""

    procedure = models.ForeignKey(ProcedureVersion, models.CASCADE, related_name="states", verbose_name="办理程序")
    key = models.CharField("代号", max_length=40)
    title = models.CharField("名称", max_length=60)
    kind = models.CharField("类型", max_length=8, help_text="start, open, standing, end")

    class Meta:
        verbose_name = "办理环节"
        verbose_name_plural = "办理环节"
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "key"], name="case_state_once", violation_error_message="该环节已存在。"
            )
        ]

    def __str__(self) -> str:
        return self.title


class Case(models.Model):
    """One household's way through a procedure. ``turn`` counts its steps: who decides on an older turn is told so."""

    number = models.CharField("受理编号", max_length=20, unique=True)
    household = models.ForeignKey("registry.Household", models.PROTECT, related_name="cases", verbose_name="农户")
    region_code = models.CharField("区划代码", max_length=12)
    procedure = models.ForeignKey(ProcedureVersion, models.PROTECT, related_name="cases", verbose_name="办理程序")
    state = models.ForeignKey(CaseState, models.PROTECT, related_name="cases", verbose_name="当前环节")
    turn = models.PositiveIntegerField("步数", default=0)
    clue_source = models.CharField("线索来源", max_length=1, help_text="代码表 clue_source")
    clue = models.CharField("线索内容", max_length=500)
    alerts = models.ManyToManyField("screening.Alert", related_name="cases", verbose_name="有关预警")
    emergency = models.BooleanField("绿色通道", default=False, help_text="先帮扶后补程序")
    opened_on = models.DateField("登记日期")
    opened_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    entered_on = models.DateField("进入本环节")
    free_from = models.DateField("最早可办理日期", help_text="公示期满的次日；没有期限的为进入之日")
    due_on = models.DateField("本环节截止", null=True)
    total_due_on = models.DateField("全程截止", null=True)
    late_role = models.CharField("超期提醒", max_length=20, blank=True)
    closed_on = models.DateField("办结日期", null=True)

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "办理事项"
        verbose_name_plural = "办理事项"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["household"],
                condition=Q(closed_on=None),
                name="case_open_once",
                violation_error_message="这一户已有一件未办结的事项。",
            ),
            models.CheckConstraint(
                condition=Q(closed_on=None) | Q(closed_on__gte=models.F("opened_on")),
                name="case_dates_in_order",
                violation_error_message="办结日期不能早于登记日期。",
            ),
        ]
        indexes = [
            models.Index(fields=["region_code", "state"], name="case_region_state"),
            models.Index(fields=["region_code", "due_on"], name="case_due", condition=Q(closed_on=None)),
        ]

    def __str__(self) -> str:
        return self.number


class CaseStep(models.Model):
    """One step a case took: never changed, never deleted."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="steps", verbose_name="办理事项")
    turn = models.PositiveIntegerField("第几步")
    move = models.CharField("办理", max_length=40)
    title = models.CharField("名称", max_length=60)
    before = models.CharField("原环节", max_length=40)
    after = models.CharField("新环节", max_length=40)
    by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="办理人")
    on = models.DateField("办理日期")
    at = models.DateTimeField("办理时间")
    reason = models.CharField("理由", max_length=500, blank=True)
    late_by = models.PositiveSmallIntegerField("超期工作日", default=0)

    objects = ScopedManager(region="case__region_code", grid="case__household__grid")

    class Meta:
        verbose_name = "办理记录"
        verbose_name_plural = "办理记录"
        ordering = ["turn"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "turn"], name="case_step_once", violation_error_message="这一步已经办理。"
            )
        ]


class Evidence(models.Model):
    """A paper a step rests on (授权书、核实记录、比对结果、评议票数 …). ``turn`` is the case's when it was recorded."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence", verbose_name="办理事项")
    kind = models.CharField("材料", max_length=20, help_text="packs.procedures 的前提代号")
    turn = models.PositiveIntegerField("登记于第几步")
    on = models.DateField("材料日期")
    content = models.JSONField("内容", default=dict)
    by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="登记人")
    at = models.DateTimeField("登记时间")
    withdrawn_at = models.DateTimeField("撤下时间", null=True)
    withdrawn_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="撤下人")
    withdrawn_reason = models.CharField("撤下原因", max_length=300, blank=True)

    objects = ScopedManager(region="case__region_code", grid="case__household__grid")

    class Meta:
        verbose_name = "办理材料"
        verbose_name_plural = "办理材料"
        indexes = [models.Index(fields=["case", "kind"], name="evidence_case")]


class PublicPosting(models.Model):
    """What a village sees of its cases (公示): rows of whitelisted fields, frozen when it was published.

    It is seen from ``starts_on`` to ``ends_on`` whatever else happens: nobody has to take it down.
    """

    village = models.ForeignKey("registry.Region", models.PROTECT, related_name="postings", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12)
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


class PanelDraw(models.Model):
    """The draw of one evaluation panel: the commitment is shown before it, the seed only after the witnesses spoke."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="panel_draws", verbose_name="办理事项")
    turn = models.PositiveIntegerField("第几步")
    question = models.JSONField("抽取名单和人数")
    excluded = models.JSONField("回避人员", default=list, help_text="[[姓名, 理由], …]")
    seed_sealed = models.BinaryField("种子(密)")
    commitment = models.CharField("承诺", max_length=64)
    prepared_at = models.DateTimeField("准备时间")
    prepared_by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="准备人")
    record = models.JSONField("抽取记录", null=True)
    drawn_at = models.DateTimeField("抽取时间", null=True)
    drawn_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="抽取人")

    objects = ScopedManager(region="case__region_code", grid="case__household__grid")

    class Meta:
        verbose_name = "评议小组抽取"
        verbose_name_plural = "评议小组抽取"
        ordering = ["-id"]
