"""Users, what they may see, and the audit log."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class Role(models.TextChoices):
    """What an account is for. The three administrator roles are kept apart: none of them sees households."""

    SYSTEM_ADMIN = "system_admin", "系统管理员"
    SECURITY_ADMIN = "security_admin", "安全管理员"
    AUDIT_ADMIN = "audit_admin", "审计管理员"
    COUNTY = "county", "县级经办"
    TOWN = "town", "乡镇经办"
    VILLAGE = "village", "村级干部"
    GRID = "grid", "网格员"
    DEPARTMENT = "department", "行业部门"
    READER = "reader", "查阅人员"


class User(AbstractUser):
    """An account. ``region_code`` is the prefix of the 12-digit code that bounds everything the account sees."""

    first_name = None
    last_name = None
    display_name = models.CharField("姓名", max_length=50)
    role = models.CharField("角色", max_length=20, choices=Role.choices, default=Role.READER)
    region_code = models.CharField("管辖区划", max_length=12, blank=True, help_text="区划代码前缀；留空表示不可见任何农户")
    grid_id = models.BigIntegerField("网格", null=True, blank=True)
    unit = models.CharField("单位", max_length=100, blank=True)
    must_change_password = models.BooleanField("须修改密码", default=False)
    password_changed_at = models.DateTimeField("密码修改时间", null=True, blank=True)

    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        verbose_name = "用户"
        verbose_name_plural = "用户"

    def __str__(self) -> str:
        return f"{self.display_name}（{self.username}）"


class AuditEvent(models.Model):
    """One thing somebody did. Append-only: each row carries the hash of the row before it."""

    at = models.DateTimeField("时间")
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="操作人")
    actor_name = models.CharField("操作人姓名", max_length=120)
    action = models.CharField("操作", max_length=60)
    subject_kind = models.CharField("对象类型", max_length=40, blank=True)
    subject_id = models.CharField("对象编号", max_length=60, blank=True)
    region_code = models.CharField("区划", max_length=12, blank=True)
    detail = models.JSONField("内容", default=dict)
    previous_hash = models.CharField("前一条摘要", max_length=64)
    hash = models.CharField("摘要", max_length=64, unique=True)

    class Meta:
        verbose_name = "审计记录"
        verbose_name_plural = "审计记录"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["subject_kind", "subject_id"], name="audit_subject"),
            models.Index(fields=["action"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action}"
