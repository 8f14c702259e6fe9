"""Regions, grids, households, persons, labels, and the household file with its history.

The current values of a file are one JSON object per household or person (``items``), keyed by declared field; every
change is an ``Entry`` that says which values changed, from which source, for which date. A value's source and date are
those of the latest entry that names it, so nothing is stored twice and nothing is ever overwritten without a trace.
"""

from __future__ import annotations

from django.db import models

from huqing.access.scope import ScopedManager
from huqing.registry.itemsfield import ItemsField

# PostgreSQL serves prefix searches from an index only in this class; SQLite takes no notice of it.
PREFIX = ["varchar_pattern_ops", "varchar_ops"]


class Region(models.Model):
    """A place (province … village). Its identity is this row; its code may change between years (``RegionCode``)."""

    class Level(models.IntegerChoices):
        PROVINCE = 1, "省"
        CITY = 2, "市"
        COUNTY = 3, "县"
        TOWN = 4, "乡镇"
        VILLAGE = 5, "村"

    code = models.CharField("区划代码", max_length=12)
    name = models.CharField("名称", max_length=60)
    pinyin = models.CharField("拼音首字母", max_length=60, blank=True)
    level = models.PositiveSmallIntegerField("级别", choices=Level.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children", verbose_name="上级")
    urban_rural = models.CharField("城乡分类", max_length=3, blank=True)
    valid_from = models.DateField("启用日期", null=True)
    valid_to = models.DateField("停用日期", null=True)

    objects = ScopedManager(region="code", public_place=True)

    class Meta:
        verbose_name = "区划"
        verbose_name_plural = "区划"
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"],
                condition=models.Q(valid_to__isnull=True),
                name="region_code_once",
                violation_error_message="该区划代码已被另一个现行区划使用。",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to__isnull=True)
                | models.Q(valid_from__isnull=True)
                | models.Q(valid_to__gte=models.F("valid_from")),
                name="region_dates_in_order",
                violation_error_message="停用日期不能早于启用日期。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RegionCode(models.Model):
    """Which code and name a region had, from when to when."""

    region = models.ForeignKey(Region, models.CASCADE, related_name="codes", verbose_name="区划")
    code = models.CharField("区划代码", max_length=12, db_index=True)
    name = models.CharField("名称", max_length=60)
    valid_from = models.DateField("启用日期")
    valid_to = models.DateField("停用日期", null=True)

    objects = ScopedManager(region="code", public_place=True)

    class Meta:
        verbose_name = "区划代码沿革"
        verbose_name_plural = "区划代码沿革"
        ordering = ["valid_from"]


class RegionChange(models.Model):
    """A change of the code tables that cannot be told from the tables alone: it waits until a person settles it.

    Until then the region keeps its code, name and households. ``rows`` are the places of the new table it might be.
    """

    class State(models.TextChoices):
        OPEN = "open", "待判定"
        DECIDED = "decided", "已判定，等相关变更一并生效"
        APPLIED = "applied", "已生效"

    class Reason(models.TextChoices):
        OTHER_NAME = "other_name", "代码未变，名称像是另一个地方"
        ELSEWHERE = "elsewhere", "原代码已停用，别处有同名的地方"
        GONE = "gone", "原代码已停用，新表中找不到，但有农户"

    region = models.ForeignKey(Region, models.CASCADE, related_name="changes", verbose_name="区划")
    region_code = models.CharField("原代码", max_length=12, db_index=True)
    year = models.PositiveSmallIntegerField("新表年份")
    reason = models.CharField("原因", max_length=12, choices=Reason.choices)
    rows = models.JSONField("新表中可能的去向", default=list, help_text="[[代码, 名称], …]")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    decision = models.CharField("判定", max_length=12, blank=True, help_text="same, merged, abolished")
    target = models.CharField("判定的代码", max_length=12, blank=True)
    decided_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="判定人")
    decided_at = models.DateTimeField("判定时间", null=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "区划变更"
        verbose_name_plural = "区划变更"
        ordering = ["region_code"]
        constraints = [
            models.UniqueConstraint(
                fields=["region"],
                condition=~models.Q(state="applied"),
                name="region_change_once",
                violation_error_message="该区划已有一项未生效的变更。",
            )
        ]


class Grid(models.Model):
    """A grid (网格): the smallest area with named responsible people; it lies in one village."""

    village = models.ForeignKey(Region, models.PROTECT, related_name="grids", verbose_name="行政村")
    number = models.PositiveSmallIntegerField("网格序号")
    name = models.CharField("网格名称", max_length=60)
    region_code = models.CharField("区划代码", max_length=12, db_index=True)

    objects = ScopedManager(public_place=True)

    class Meta:
        verbose_name = "网格"
        verbose_name_plural = "网格"
        constraints = [
            models.UniqueConstraint(
                fields=["village", "number"], name="grid_number_once", violation_error_message="本村已有该序号的网格。"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """Where values come from: an import, a visit, a correction on the screen. Every entry and record names one."""

    class Kind(models.TextChoices):
        ROSTER = "roster", "花名册导入"
        DEPARTMENT = "department", "部门数据"
        MANUAL = "manual", "页面修改"
        VISIT = "visit", "走访"
        UNDO = "undo", "撤销"

    kind = models.CharField("来源类型", max_length=12, choices=Kind.choices)
    record_kind = models.CharField("数据种类", max_length=40, blank=True)
    title = models.CharField("来源", max_length=200)
    on = models.DateField("数据日期")
    region_code = models.CharField("区划代码", max_length=12, blank=True)
    created_at = models.DateTimeField("登记时间")
    created_by = models.ForeignKey("access.User", models.PROTECT, null=True, related_name="+", verbose_name="登记人")

    objects = ScopedManager(kind="record_kind")

    class Meta:
        verbose_name = "数据来源"
        verbose_name_plural = "数据来源"

    def __str__(self) -> str:
        return self.title


class Household(models.Model):
    """One household, one file (一户一档)."""

    class Status(models.TextChoices):
        ACTIVE = "active", "有效"
        CANCELLED = "cancelled", "注销"

    number = models.CharField("户编号", max_length=40)
    # No index of its own: rows of a village are found by region_code, which always is the village's current code.
    village = models.ForeignKey(Region, models.PROTECT, related_name="+", db_index=False, verbose_name="行政村")
    region_code = models.CharField("区划代码", max_length=12)
    grid = models.ForeignKey(Grid, models.SET_NULL, null=True, related_name="households", verbose_name="网格")
    group_name = models.CharField("村民小组", max_length=40, blank=True)
    head_name = models.CharField("户主姓名", max_length=60)
    head_pinyin = models.CharField("户主姓名拼音首字母", max_length=30, blank=True)
    address = models.CharField("家庭住址", max_length=200, blank=True)
    phone_sealed = models.BinaryField("联系电话(密)", null=True)
    phone_token = models.CharField("联系电话检索码", max_length=64, blank=True)
    phone_state = models.CharField("联系电话状态", max_length=10, blank=True, help_text="standards.idnumbers 的判定")
    bank_account_sealed = models.BinaryField("银行卡号(密)", null=True)
    helper_phone_sealed = models.BinaryField("帮扶责任人电话(密)", null=True)
    contact_phone_sealed = models.BinaryField("监测联系人电话(密)", null=True)
    member_count = models.PositiveSmallIntegerField("家庭人口数", null=True)
    items = ItemsField("户档案项", default=dict)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.ACTIVE)
    created_by_source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+", verbose_name="建档来源")
    updated_at = models.DateTimeField("更新时间")

    objects = ScopedManager(grid="grid")

    class Meta:
        verbose_name = "农户"
        verbose_name_plural = "农户"
        constraints = [
            models.UniqueConstraint(
                fields=["number"], name="household_number_once", violation_error_message="户编号已存在。"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["active", "cancelled"]),
                name="household_status_known",
                violation_error_message="户状态不在允许范围内。",
            ),
        ]
        indexes = [
            models.Index(fields=["region_code", "number"], name="household_region"),
            models.Index(fields=["region_code"], name="household_active", condition=models.Q(status="active")),
            models.Index(fields=["number"], name="household_number", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["head_name", "region_code"], name="household_head", opclasses=PREFIX),
            models.Index(fields=["head_pinyin", "region_code"], name="household_pinyin", opclasses=PREFIX),
            models.Index(fields=["phone_token"], name="household_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.head_name}户"


class Person(models.Model):
    """One person. ``household`` and ``relation`` repeat the open membership so that lists need no join."""

    number = models.CharField("人员编号", max_length=40, blank=True)
    name = models.CharField("姓名", max_length=60)
    name_pinyin = models.CharField("姓名拼音首字母", max_length=30, blank=True)
    sex = models.CharField("性别", max_length=1, blank=True)
    birth_date = models.DateField("出生日期", null=True)
    id_type = models.CharField("证件类型", max_length=2, blank=True)
    id_number_sealed = models.BinaryField("证件号码(密)", null=True)
    id_token = models.CharField("证件号码检索码", max_length=64, blank=True)
    id_state = models.CharField("证件号码状态", max_length=12, blank=True, help_text="standards.idnumbers 的判定")
    id_birth_date = models.DateField("证件号码中的出生日期", null=True)
    id_sex = models.CharField("证件号码中的性别", max_length=1, blank=True)
    phone_sealed = models.BinaryField("联系电话(密)", null=True)
    phone_token = models.CharField("联系电话检索码", max_length=64, blank=True)
    phone_state = models.CharField("联系电话状态", max_length=10, blank=True, help_text="standards.idnumbers 的判定")
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="members", verbose_name="所在户")
    relation = models.CharField("与户主关系", max_length=2, blank=True)
    region_code = models.CharField("区划代码", max_length=12)
    items = ItemsField("成员档案项", default=dict)
    created_by_source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+", verbose_name="建档来源")
    updated_at = models.DateTimeField("更新时间")

    objects = ScopedManager(grid="household__grid")

    class Meta:
        verbose_name = "人员"
        verbose_name_plural = "人员"
        indexes = [
            models.Index(fields=["id_token"], name="person_id_token"),
            models.Index(fields=["region_code", "household"], name="person_region"),
            models.Index(fields=["name", "region_code"], name="person_name", opclasses=PREFIX),
            models.Index(fields=["name_pinyin", "region_code"], name="person_pinyin", opclasses=PREFIX),
            models.Index(fields=["phone_token"], name="person_phone"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's time in a household, with the relation to its head."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships", verbose_name="人员")
    household = models.ForeignKey(
        Household, models.CASCADE, related_name="memberships", db_index=False, verbose_name="户"
    )
    relation = models.CharField("与户主关系", max_length=2)
    joined_on = models.DateField("加入日期")
    left_on = models.DateField("离开日期", null=True)
    join_reason = models.CharField("加入原因", max_length=2, blank=True)
    leave_reason = models.CharField("离开原因", max_length=2, blank=True)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+", verbose_name="来源")

    objects = ScopedManager(region="household__region_code", grid="household__grid")

    class Meta:
        verbose_name = "家庭成员关系"
        verbose_name_plural = "家庭成员关系"
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(left_on__isnull=True),
                name="person_in_one_household",
                violation_error_message="该人员已在另一户中，请先办理转出。",
            ),
            models.CheckConstraint(
                condition=models.Q(left_on__isnull=True) | models.Q(left_on__gte=models.F("joined_on")),
                name="membership_dates_in_order",
                violation_error_message="离开日期不能早于加入日期。",
            ),
        ]
        indexes = [models.Index(fields=["household", "left_on"], name="membership_household")]


class Label(models.Model):
    """What a household or person counts as (脱贫户, 低保 …), with validity dates; several at once."""

    kind = models.CharField("标签", max_length=30, help_text="代码表 label_kind")
    household = models.ForeignKey(Household, models.CASCADE, related_name="labels", db_index=False, verbose_name="户")
    person = models.ForeignKey(
        Person, models.CASCADE, null=True, related_name="labels", db_index=False, verbose_name="人员"
    )
    valid_from = models.DateField("起始日期")
    valid_to = models.DateField("终止日期", null=True)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+", verbose_name="来源")
    note = models.CharField("说明", max_length=200, blank=True)

    objects = ScopedManager(region="household__region_code", grid="household__grid")

    class Meta:
        verbose_name = "标签"
        verbose_name_plural = "标签"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=models.F("valid_from")),
                name="label_dates_in_order",
                violation_error_message="标签终止日期不能早于起始日期。",
            ),
        ]
        indexes = [
            models.Index(fields=["household", "kind"], name="label_household"),
            models.Index(fields=["kind", "valid_to"], name="label_kind"),
            models.Index(fields=["person"], name="label_person", condition=models.Q(person__isnull=False)),
        ]


class Entry(models.Model):
    """One change of one file: ``changes`` maps a field to ``[old, new]`` (sealed fields hold masked text only)."""

    household = models.ForeignKey(Household, models.CASCADE, related_name="entries", db_index=False, verbose_name="户")
    person = models.ForeignKey(
        Person, models.CASCADE, null=True, related_name="entries", db_index=False, verbose_name="人员"
    )
    source = models.ForeignKey(Source, models.PROTECT, related_name="entries", verbose_name="来源")
    on = models.DateField("数据日期")
    at = models.DateTimeField("登记时间")
    changes = models.JSONField("变更", default=dict)

    objects = ScopedManager(region="household__region_code", grid="household__grid")

    class Meta:
        verbose_name = "档案变更"
        verbose_name_plural = "档案变更"
        indexes = [
            models.Index(fields=["household", "at"], name="entry_household"),
            models.Index(fields=["person"], name="entry_person", condition=models.Q(person__isnull=False)),
        ]


class DepartmentRecord(models.Model):
    """One row of a department's file, linked to the person or household it is about (or not yet)."""

    kind = models.CharField("数据种类", max_length=40)
    fingerprint = models.CharField("行指纹", max_length=64, help_text="种类与标识字段的检索码，用于重复导入判定")
    household = models.ForeignKey(
        Household, models.SET_NULL, null=True, related_name="records", db_index=False, verbose_name="户"
    )
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="records", verbose_name="人员")
    region_code = models.CharField("区划代码", max_length=12, blank=True)
    on = models.DateField("业务日期", null=True)
    items = ItemsField("内容", default=dict)
    subject_name = models.CharField("姓名", max_length=60, blank=True)
    id_token = models.CharField("证件号码检索码", max_length=64, blank=True)
    id_number_sealed = models.BinaryField("证件号码(密)", null=True)
    link_method = models.CharField("关联方式", max_length=12, blank=True)
    link_score = models.FloatField("关联把握", null=True)
    source = models.ForeignKey(Source, models.PROTECT, related_name="records", verbose_name="来源")
    row_number = models.PositiveIntegerField("原表行号")
    retired_by = models.ForeignKey(
        Source, models.SET_NULL, null=True, related_name="+", db_index=False, verbose_name="失效来源"
    )

    objects = ScopedManager(grid="household__grid", kind="kind")

    class Meta:
        verbose_name = "部门数据"
        verbose_name_plural = "部门数据"
        indexes = [
            models.Index(fields=["household", "kind"], name="record_household"),
            models.Index(fields=["kind", "fingerprint"], name="record_fingerprint"),
            # Only what is retired: a planner without statistics would look for "not retired" in a full index.
            models.Index(fields=["retired_by"], name="record_retired", condition=models.Q(retired_by__isnull=False)),
        ]
