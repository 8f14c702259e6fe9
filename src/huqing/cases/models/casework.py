"""Cases, the steps they took, and the papers each step rests on.

The procedure a case began with is frozen with it: a county that changes its procedure changes it for new cases only.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.procedures import NEVER, FrozenProcedure, FrozenState, Step
from huqing.access.scope import ScopedManager


class ProcedureVersion(FrozenProcedure):
    """A procedure that cases follow."""

    class Meta(FrozenProcedure.Meta):
        verbose_name = "办理程序"
        verbose_name_plural = "办理程序"


class CaseState(FrozenState):
    """A state of one procedure that cases follow."""

    procedure = models.ForeignKey(ProcedureVersion, models.CASCADE, related_name="states", verbose_name="办理程序")

    class Meta(FrozenState.Meta):
        verbose_name = "办理环节"
        verbose_name_plural = "办理环节"


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
    record = models.ForeignKey(
        "registry.DepartmentRecord",
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="有关部门数据",
    )
    submission = models.ForeignKey(
        "visits.Submission",
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="有关走访记录",
    )
    emergency = models.BooleanField("绿色通道", default=False, help_text="先帮扶后补程序")
    opened_on = models.DateField("登记日期")
    opened_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    entered_on = models.DateField("进入本环节")
    free_from = models.DateField("最早可办理日期", help_text="公示期满的次日；没有期限的为进入之日")
    due_on = models.DateField("本环节截止", null=True)
    total_due_on = models.DateField("全程截止", null=True)
    press_on = models.DateField("最早的截止", default=NEVER, help_text="本环节和全程截止中早的一个；没有的为最后一天")
    late_role = models.CharField("超期提醒", max_length=20, blank=True)
    later_role = models.CharField("再超期提醒", max_length=20, blank=True)
    later_on = models.DateField("再超期提醒起", null=True)
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
            models.Index(fields=["press_on", "id"], name="case_press", condition=Q(closed_on=None)),
            models.Index(fields=["state", "press_on", "id"], name="case_column", condition=Q(closed_on=None)),
        ]

    def __str__(self) -> str:
        return self.number


class CaseStep(Step):
    """One step a case took."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="steps", verbose_name="办理事项")
    reason = models.CharField("理由", max_length=500, blank=True)

    objects = ScopedManager(region="case__region_code", grid="case__household__grid")

    class Meta(Step.Meta):
        verbose_name = "办理记录"
        verbose_name_plural = "办理记录"
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
        indexes = [
            models.Index(fields=["case", "kind"], name="evidence_case"),
            # Which of many cases have been announced: few papers are notices, and all would be looked through.
            models.Index(
                fields=["case", "turn"], name="evidence_notice", condition=Q(kind="notice", withdrawn_at=None)
            ),
        ]
