"""Villagers' matters (村民事项), the steps they took, and the meetings that talked about them.

The procedure a matter began with is frozen with it, as with cases. A matter that goes past its village (``level``)
keeps its ``village``; one that is about the village's own officers has the town's ``region_code``: they never see it.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huqing.access.procedures import NEVER, FrozenProcedure, FrozenState, Step
from huqing.access.scope import ScopedManager


class MatterProcedure(FrozenProcedure):
    """A procedure that matters follow."""

    class Meta(FrozenProcedure.Meta):
        verbose_name = "事项程序"
        verbose_name_plural = "事项程序"


class MatterState(FrozenState):
    """A state of one procedure that matters follow."""

    procedure = models.ForeignKey(MatterProcedure, models.CASCADE, related_name="states", verbose_name="事项程序")

    class Meta(FrozenState.Meta):
        verbose_name = "事项环节"
        verbose_name_plural = "事项环节"


class Matter(models.Model):
    """One thing one person raised. ``turn`` counts its steps: who decides on an older turn is told so.

    ``number`` and the last four digits of the phone (``code_token``) open its status to the raiser. What is public are
    ``public_problem`` and ``public_result`` only, and only from ``published_at`` on.
    """

    class Kind(models.TextChoices):
        ROAD = "road", "道路交通"
        WATER = "water", "饮水用水"
        POWER = "power", "用电通信"
        HOUSE = "house", "住房"
        SCHOOL = "school", "上学"
        CARE = "care", "看病就医"
        AID = "aid", "帮扶救助"
        LAND = "land", "土地山林"
        FARM = "farm", "生产发展"
        CLEAN = "clean", "环境卫生"
        DISPUTE = "dispute", "邻里矛盾"
        CONDUCT = "conduct", "村务和干部"
        OTHER = "other", "其他"

    class Channel(models.TextChoices):
        PAGE = "page", "村民网页"
        STAFF = "staff", "工作人员代报"
        VISIT = "visit", "走访"
        TEAM = "team", "驻村队员"
        INSPECTION = "inspection", "抽查"

    class Level(models.TextChoices):
        VILLAGE = "village", "村"
        TOWN = "town", "乡镇"
        COUNTY = "county", "县"

    class Rating(models.TextChoices):
        GOOD = "good", "满意"
        FAIR = "fair", "基本满意"
        BAD = "bad", "不满意"

    number = models.CharField("受理编号", max_length=20, unique=True)
    village = models.ForeignKey("registry.Region", models.PROTECT, related_name="matters", verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12)
    group_name = models.CharField("村民小组", max_length=40, blank=True)
    household = models.ForeignKey(
        "registry.Household", models.PROTECT, null=True, related_name="matters", verbose_name="农户"
    )
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    channel = models.CharField("来源", max_length=10, choices=Channel.choices)
    text = models.CharField("反映的问题", max_length=1000)
    raiser_name = models.CharField("反映人", max_length=60, blank=True)
    phone_sealed = models.BinaryField("联系电话(密)", null=True)
    code_token = models.CharField("查询码检索码", max_length=64, blank=True)
    submission = models.ForeignKey(
        "visits.Submission", models.PROTECT, null=True, related_name="matters", verbose_name="走访记录"
    )
    note = models.OneToOneField(
        "teams.TeamNote", models.PROTECT, null=True, related_name="matter", verbose_name="驻村记录"
    )
    finding = models.OneToOneField(
        "teams.InspectionFinding", models.PROTECT, null=True, related_name="matter", verbose_name="抽查问题"
    )
    procedure = models.ForeignKey(MatterProcedure, models.PROTECT, related_name="matters", verbose_name="事项程序")
    state = models.ForeignKey(MatterState, models.PROTECT, related_name="matters", verbose_name="当前环节")
    level = models.CharField("办理层级", max_length=8, choices=Level.choices, default=Level.VILLAGE)
    turn = models.PositiveIntegerField("步数", default=0)
    raised_on = models.DateField("反映日期")
    raised_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    entered_on = models.DateField("进入本环节")
    due_on = models.DateField("本环节截止", default=NEVER)
    late_role = models.CharField("超期提醒", max_length=20, blank=True)
    higher_on = models.DateField("再超期上报之日", default=NEVER, help_text="过了这一天，县里也要看到")
    free_from = models.DateField("评价期满之日", help_text="从这一天起可以自动办结")
    handler = models.ForeignKey("teams.Staff", models.PROTECT, null=True, related_name="matters", verbose_name="承办人")
    unit = models.ForeignKey("teams.Unit", models.PROTECT, null=True, related_name="matters", verbose_name="承办单位")
    answer = models.CharField("答复", max_length=1000, blank=True)
    answered_on = models.DateField("答复日期", null=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged", verbose_name="并入的事项")
    public_problem = models.CharField("公开：问题", max_length=300, blank=True)
    public_result = models.CharField("公开：办理结果", max_length=500, blank=True)
    published_at = models.DateTimeField("公示时间", null=True)
    published_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="审定人")
    rating = models.CharField("评价", max_length=4, choices=Rating.choices, blank=True)
    rated_on = models.DateField("评价日期", null=True)
    reopened = models.BooleanField("重办过", default=False, help_text="反映人不满意，重新商议过一次")
    closed_on = models.DateField("办结日期", null=True)

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "村民事项"
        verbose_name_plural = "村民事项"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_on=None) | ~Q(answer=""),
                name="matter_ends_with_an_answer",
                violation_error_message="没有答复反映人的事项不能办结。",
            ),
            models.CheckConstraint(
                condition=Q(published_at=None) | (~Q(public_problem="") & ~Q(public_result="")),
                name="matter_public_text",
                violation_error_message="公示要写明问题和办理结果。",
            ),
            models.CheckConstraint(
                condition=Q(rating="", rated_on=None) | (~Q(rating="") & Q(rated_on__isnull=False)),
                name="matter_rated_on_a_day",
                violation_error_message="评价要有日期。",
            ),
        ]
        indexes = [
            models.Index(fields=["region_code", "due_on"], name="matter_due", condition=Q(closed_on=None)),
            models.Index(fields=["region_code", "raised_on"], name="matter_region"),
            models.Index(fields=["village", "published_at"], name="matter_public"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def has_deadline(self) -> bool:
        """Whether the state it stands in has a deadline."""
        return self.due_on != NEVER


class MatterStep(Step):
    """One step a matter took. ``actor`` says who, where it was nobody of the office."""

    class Actor(models.TextChoices):
        OFFICE = "office", "办理人"
        RAISER = "raiser", "反映人"
        SYSTEM = "system", "系统"

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="steps", verbose_name="村民事项")
    actor = models.CharField("谁办的", max_length=8, choices=Actor.choices, default=Actor.OFFICE)
    text = models.CharField("说明", max_length=1000, blank=True)

    objects = ScopedManager(region="matter__region_code", grid="matter__household__grid")

    class Meta(Step.Meta):
        verbose_name = "事项办理记录"
        verbose_name_plural = "事项办理记录"
        constraints = [
            models.UniqueConstraint(
                fields=["matter", "turn"], name="matter_step_once", violation_error_message="这一步已经办理。"
            )
        ]


class MatterMeeting(models.Model):
    """A meeting that talked about matters of one village (代表议事), with its minutes."""

    village = models.ForeignKey(
        "registry.Region", models.PROTECT, related_name="matter_meetings", verbose_name="行政村"
    )
    region_code = models.CharField("区划代码", max_length=12, db_index=True)
    held_on = models.DateField("开会日期")
    place = models.CharField("地点", max_length=60)
    host = models.CharField("主持人", max_length=60)
    present = models.PositiveSmallIntegerField("到会人数")
    notes = models.CharField("会议记录", max_length=2000, blank=True)
    created_at = models.DateTimeField("登记时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, related_name="+", verbose_name="登记人")

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "议事会"
        verbose_name_plural = "议事会"
        ordering = ["-held_on", "-id"]

    def __str__(self) -> str:
        return f"{self.village.name} {self.held_on:%Y-%m-%d}"


class MeetingItem(models.Model):
    """What a meeting said about one matter."""

    meeting = models.ForeignKey(MatterMeeting, models.PROTECT, related_name="items", verbose_name="议事会")
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="meeting_items", verbose_name="村民事项")
    turn = models.PositiveIntegerField("第几步", help_text="商议时事项已走的步数")
    agreed = models.BooleanField("决定办理")
    text = models.CharField("商议意见", max_length=500)

    objects = ScopedManager(region="matter__region_code", grid="matter__household__grid")

    class Meta:
        verbose_name = "商议意见"
        verbose_name_plural = "商议意见"
        constraints = [
            models.UniqueConstraint(
                fields=["meeting", "matter"], name="meeting_item_once", violation_error_message="这件事已在这次会上。"
            )
        ]
