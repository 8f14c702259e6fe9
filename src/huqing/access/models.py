"""Users, what they may see, and the audit log."""

from __future__ import annotations

from typing import Any, NoReturn

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
    VISITOR = "visitor", "走访人员"


# They run the installation, the accounts and the log; nobody holds two of these roles, and none sees households.
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
# Whoever sees a whole county or runs the installation signs in with a second factor.
SECOND_FACTOR = ADMINISTRATORS | {Role.COUNTY}


class User(AbstractUser):
    """An account. ``region_code`` is the prefix of the 12-digit code that bounds everything the account sees."""

    first_name = None
    last_name = None
    display_name = models.CharField("姓名", max_length=50)
    role = models.CharField("角色", max_length=20, choices=Role.choices, default=Role.READER)
    region_code = models.CharField(
        "管辖区划", max_length=12, blank=True, help_text="区划代码前缀；留空表示不可见任何农户"
    )
    grid_id = models.BigIntegerField("网格", null=True, blank=True)
    unit = models.CharField("单位", max_length=100, blank=True)
    department = models.CharField(
        "行业部门", max_length=40, blank=True, help_text="数据种类声明中的部门名称；仅行业部门账号填写"
    )
    must_change_password = models.BooleanField("须修改密码", default=False)
    password_changed_at = models.DateTimeField("密码修改时间", null=True, blank=True)

    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        verbose_name = "用户"
        verbose_name_plural = "用户"
        constraints = [
            # Django's superuser passes every check; three administrators kept apart leave no room for one.
            models.CheckConstraint(
                condition=models.Q(is_superuser=False),
                name="no_superuser",
                violation_error_message="系统不设超级用户，请按三员分设管理员。",
            ),
            models.CheckConstraint(
                condition=~models.Q(role__in=["system_admin", "security_admin", "audit_admin"])
                | models.Q(region_code=""),
                name="administrator_without_region",
                violation_error_message="管理员账号不设管辖区划。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.display_name}（{self.username}）"


class PasswordRecord(models.Model):
    """A password an account had, as its hash: the last ones may not be used again."""

    user = models.ForeignKey(User, models.CASCADE, related_name="past_passwords", verbose_name="用户")
    password = models.CharField("口令摘要", max_length=128)
    at = models.DateTimeField("设置时间")

    class Meta:
        verbose_name = "历史密码"
        verbose_name_plural = "历史密码"
        ordering = ["-id"]


class SignInFailure(models.Model):
    """Failed sign-ins of one account name or one address; in the database so that all processes see the same count."""

    class Kind(models.TextChoices):
        ACCOUNT = "account", "账号"
        ADDRESS = "address", "网络地址"

    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    key = models.CharField("账号或地址", max_length=64)
    count = models.PositiveIntegerField("连续失败次数", default=0)
    first_at = models.DateTimeField("首次失败时间")
    locked_until = models.DateTimeField("锁定至", null=True)

    class Meta:
        verbose_name = "登录失败"
        verbose_name_plural = "登录失败"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], name="sign_in_failure_once", violation_error_message="该账号或地址已有登记。"
            )
        ]


class UsedCode(models.Model):
    """A one-time code somebody has signed in with: within its lifetime it does not work again, in any process."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="用户")
    token = models.CharField("动态码检索码", max_length=64)
    at = models.DateTimeField("使用时间")

    class Meta:
        verbose_name = "已用动态码"
        verbose_name_plural = "已用动态码"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "token"], name="code_used_once", violation_error_message="该动态码已经用过。"
            )
        ]


class UsedFormToken(models.Model):
    """A public form that was sent: its token does not work again, and its second press learns what the first did."""

    nonce = models.CharField("随机数", max_length=32, unique=True)
    at = models.DateTimeField("使用时间", db_index=True)
    result = models.CharField("结果", max_length=60, blank=True)

    class Meta:
        verbose_name = "已用表单凭据"
        verbose_name_plural = "已用表单凭据"


class FormCount(models.Model):
    """How often a public form came from one address, for one village or with one phone; the key is an HMAC token."""

    kind = models.CharField("类别", max_length=40)
    key = models.CharField("检索码", max_length=64)
    count = models.PositiveIntegerField("次数", default=0)
    until = models.DateTimeField("计至", db_index=True)

    class Meta:
        verbose_name = "表单计数"
        verbose_name_plural = "表单计数"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], name="form_count_once", violation_error_message="该计数已有登记。"
            )
        ]


class AppendOnly(models.QuerySet["AuditEvent"]):
    """Audit events can be added and read, nothing else."""

    def update(self, **_: Any) -> NoReturn:
        """Refused: what happened cannot be changed afterwards."""
        raise TypeError("审计记录只能追加，不能修改。")

    def delete(self) -> NoReturn:
        """Refused: what happened cannot be removed."""
        raise TypeError("审计记录只能追加，不能删除。")


class AuditEvent(models.Model):
    """One thing somebody did. Append-only: each row carries the hash of the row before it."""

    at = models.DateTimeField("时间")
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="操作人", db_index=False)
    actor_name = models.CharField("操作人姓名", max_length=120)
    action = models.CharField("操作", max_length=60)
    subject_kind = models.CharField("对象类型", max_length=40, blank=True)
    subject_id = models.CharField("对象编号", max_length=60, blank=True)
    region_code = models.CharField("区划", max_length=12, blank=True)
    detail = models.JSONField("内容", default=dict)
    previous_hash = models.CharField("前一条摘要", max_length=64, unique=True)
    hash = models.CharField("摘要", max_length=64, unique=True)

    objects = AppendOnly.as_manager()

    class Meta:
        verbose_name = "审计记录"
        verbose_name_plural = "审计记录"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["subject_kind", "subject_id"], name="audit_subject"),
            models.Index(fields=["action", "at"], name="audit_action"),
            models.Index(fields=["actor", "at"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new event; one that is already in the log cannot be written again."""
        if self.pk is not None:
            raise TypeError("审计记录只能追加，不能修改。")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: what happened cannot be removed."""
        raise TypeError("审计记录只能追加，不能删除。")


class AuditTail(models.Model):
    """The end of the audit chain, one row: writers lock it, and its seal shows when events were cut off."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    count = models.PositiveBigIntegerField("条数", default=0)
    last_id = models.BigIntegerField("末条编号", default=0)
    hash = models.CharField("末条摘要", max_length=64)
    seal = models.CharField("链尾校验", max_length=64, blank=True)

    class Meta:
        verbose_name = "审计链尾"
        verbose_name_plural = "审计链尾"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="one_audit_tail", violation_error_message="链尾只有一条。"
            )
        ]
