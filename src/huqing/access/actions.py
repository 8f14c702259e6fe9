"""Every write on accounts, and showing a sealed value: each checked, in one transaction, with one audit event.

``by`` None is the person at the server's command line. Administrator accounts are made and reset only there, so the
security administrator cannot become another administrator by a detour.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from huqing.access import audit, lockout
from huqing.access.instance import is_demo
from huqing.access.models import ADMINISTRATORS, AuditEvent, Role, User
from huqing.access.numbers import has_number
from huqing.access.passwords import make_password
from huqing.access.permissions import Refused, require
from huqing.access.scope import prefix_of, sees
from huqing.access.seal import unseal
from huqing.standards.fields import record_kinds

SHOWN_PER_HOUR = 60
SHORTEST_REASON = 4
SHORTEST_VILLAGE = 12


@transaction.atomic
def create_user(
    *,
    by: User | None,
    username: str,
    display_name: str,
    role: str,
    region_code: str = "",
    grid_id: int | None = None,
    unit: str = "",
    department: str = "",
    password: str = "",
) -> tuple[User, str]:
    """Make an account; returns it with its first password, which must be changed at the first sign-in.

    ValidationError names the field that is wrong; Refused when ``by`` may not make this account.
    """
    _manages(by, role)
    if has_number(username):
        raise ValidationError({"username": "用户名不能用手机号或证件号码，请用姓名拼音等，例如 zhangsan。"})
    _without_numbers(display_name=display_name, unit=unit)
    user = User(username=username.strip().lower(), display_name=display_name.strip(), unit=unit.strip())
    _place(user, role=role, region_code=region_code, grid_id=grid_id, department=department)
    user.must_change_password = True
    first = _save_with_password(user, password)
    audit.record(by=by, action="user_create", subject=user, region_code=user.region_code, detail=_described(user))
    return user, first


@transaction.atomic
def create_demo_user(*, username: str, password: str, **fields: Any) -> User:
    """An account whose password is printed on the screen: only in a demonstration, never in a real installation."""
    if not is_demo(settings.DATA):
        raise Refused("演示账号只能建在演示数据里。")
    user, _ = create_user(by=None, username=username, password=password, **fields)
    user.must_change_password = False
    user.save(update_fields=["must_change_password"])
    return user


@transaction.atomic
def edit_user(*, by: User | None, user: User, display_name: str, unit: str) -> User:
    """Correct name and unit of an account."""
    _manages(by, user.role)
    _without_numbers(display_name=display_name, unit=unit)
    before = _described(user)
    user.display_name, user.unit = display_name.strip(), unit.strip()
    user.full_clean(exclude=["password"])
    user.save(update_fields=["display_name", "unit"])
    audit.record(by=by, action="user_edit", subject=user, detail={"before": before, "after": _described(user)})
    return user


@transaction.atomic
def change_role(
    *,
    by: User | None,
    user: User,
    role: str,
    region_code: str = "",
    grid_id: int | None = None,
    department: str = "",
) -> User:
    """Give an account another role or place. Nobody changes their own; administrator accounts stay what they are."""
    _manages(by, role)
    _not_oneself(by, user, "变更自己的角色")
    if role != user.role and (role in ADMINISTRATORS or user.role in ADMINISTRATORS):
        raise Refused("管理员账号不能改作他用，其他账号也不能改为管理员。请停用原账号，另建新账号。")
    before = _described(user)
    _place(user, role=role, region_code=region_code, grid_id=grid_id, department=department)
    user.full_clean(exclude=["password"])
    user.save(update_fields=["role", "region_code", "grid_id", "department"])
    detail = {"before": before, "after": _described(user)}
    audit.record(by=by, action="user_role", subject=user, region_code=user.region_code, detail=detail)
    return user


@transaction.atomic
def disable_user(*, by: User | None, user: User) -> User:
    """Stop an account; its sessions end with the next request. The last security administrator cannot be stopped."""
    _manages(by, user.role)
    _not_oneself(by, user, "停用自己的账号")
    others = User.objects.select_for_update().filter(role=Role.SECURITY_ADMIN, is_active=True).exclude(pk=user.pk)
    if user.role == Role.SECURITY_ADMIN and not others.exists():
        raise Refused("这是唯一的安全管理员，停用后无人能管理账号。请先建立另一个安全管理员账号。")
    user.is_active = False
    user.save(update_fields=["is_active"])
    audit.record(by=by, action="user_disable", subject=user, region_code=user.region_code, detail=_described(user))
    return user


@transaction.atomic
def enable_user(*, by: User | None, user: User) -> User:
    """Let a stopped account work again."""
    _manages(by, user.role)
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record(by=by, action="user_enable", subject=user, region_code=user.region_code, detail=_described(user))
    return user


@transaction.atomic
def reset_password(*, by: User | None, user: User, password: str = "") -> str:
    """Give an account a new first password, returned once; its sessions end, and it must be changed at sign-in."""
    _manages(by, user.role)
    _not_oneself(by, user, "在此重置自己的密码；请用“修改密码”")
    user.must_change_password = True
    first = _save_with_password(user, password)
    lockout.unlock(user.username)
    audit.record(by=by, action="user_password_reset", subject=user, region_code=user.region_code)
    return first


@transaction.atomic
def reset_second_factor(*, by: User | None, user: User) -> None:
    """Take away an account's authenticator and recovery codes (a lost phone); sign-in asks for new ones if required."""
    _manages(by, user.role)
    _not_oneself(by, user, "重置自己的动态码")
    Authenticator.objects.filter(user=user).delete()
    audit.record(by=by, action="user_second_factor_reset", subject=user, region_code=user.region_code)


@transaction.atomic
def unlock(*, by: User | None, user: User) -> None:
    """Let an account sign in again before its lock runs out."""
    _manages(by, user.role)
    lockout.unlock(user.username)
    audit.record(by=by, action="user_unlock", subject=user, region_code=user.region_code)


@transaction.atomic
def show_sealed(*, by: User, subject: Model, field: str, reason: str) -> str:
    """The full ID number, phone or account of a row the user may see; audited with the reason, never with the value.

    Refused without permission, outside the user's region, or above sixty an hour; ValidationError for a bad reason or
    a value that is not there; SealError when the key does not fit.
    """
    require(by, "show_sealed")
    if not sees(by, subject):
        raise Refused("这条档案不在您的管辖范围内。")
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise ValidationError({"reason": f"请写明查看理由，至少 {SHORTEST_REASON} 个字，例如“入户前电话联系”。"})
    if has_number(reason):
        raise ValidationError({"reason": "理由里不要写证件号码、手机号或银行账号，只写事由。"})
    # The user's own row is the lock: two requests at once cannot both be the sixtieth.
    User.objects.select_for_update().get(pk=by.pk)
    since = timezone.now() - dt.timedelta(hours=1)
    shown = AuditEvent.objects.filter(actor=by, action="show_sealed", at__gte=since).count()
    if shown >= SHOWN_PER_HOUR:
        raise Refused(f"一小时内最多查看 {SHOWN_PER_HOUR} 次完整号码，请稍后再试。")
    column = f"{field}_sealed"
    if column not in {column.name for column in subject._meta.get_fields()}:
        raise ValidationError({"field": f"{subject._meta.verbose_name}没有密封字段 {field}。"})
    sealed = getattr(subject, column)
    if sealed is None:
        raise ValidationError({"field": "档案里没有登记这个号码。"})
    value = unseal(sealed)
    audit.record(by=by, action="show_sealed", subject=subject, detail={"field": field, "reason": reason})
    return value


def _manages(by: User | None, role: str) -> None:
    if by is None:
        return
    require(by, "manage_users")
    if role in ADMINISTRATORS:
        raise Refused("管理员账号由部署人员在服务器上用 huqing user 命令办理，页面上不能办理。")


def _without_numbers(**texts: str) -> None:
    """Name and unit stand in every audit event of an account, which keeps no numbers of people."""
    wrong = [field for field, text in texts.items() if has_number(text)]
    if wrong:
        raise ValidationError(dict.fromkeys(wrong, "不要写手机号或证件号码，只写名称。"))


def _not_oneself(by: User | None, user: User, what: str) -> None:
    if by is not None and by.pk == user.pk:
        raise Refused(f"不能{what}，须由另一位安全管理员办理。")


def _place(user: User, *, role: str, region_code: str, grid_id: int | None, department: str) -> None:
    """Set role and place; ValidationError when they do not go together."""
    if role not in Role.values:
        raise ValidationError({"role": f"角色 {role} 不存在，应为 {'、'.join(Role.values)} 之一。"})
    try:
        prefix = prefix_of(region_code.strip())
    except ValueError as error:
        raise ValidationError({"region_code": str(error)}) from error
    user.role, user.region_code, user.grid_id, user.department = role, prefix, None, ""
    if role in ADMINISTRATORS:
        if prefix:
            raise ValidationError({"region_code": "管理员账号不看农户，管辖区划请留空。"})
        return
    if not prefix:
        raise ValidationError({"region_code": "请选择管辖区划，否则该账号看不到任何农户。"})
    if role in (Role.VILLAGE, Role.GRID) and len(prefix) != SHORTEST_VILLAGE:
        raise ValidationError({"region_code": "村级干部和网格员的管辖区划应为 12 位村级代码。"})
    if role == Role.GRID:
        if grid_id is None:
            raise ValidationError({"grid_id": "网格员须指定网格。"})
        user.grid_id = grid_id
    if role == Role.DEPARTMENT:
        known = sorted({kind.department for kind in record_kinds().values()})
        user.department = department.strip() or user.unit
        if user.department not in known:
            raise ValidationError(
                {"department": f"部门“{user.department}”没有对应的数据种类，应为：{'、'.join(known)}。"}
            )


def _save_with_password(user: User, password: str) -> str:
    """Set the given or a random password, check it against the rules and save the account."""
    chosen = password or make_password()
    validate_password(chosen, user)
    user.set_password(chosen)
    user.full_clean()
    user.save()
    return chosen


def _described(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "display_name": user.display_name,
        "role": user.role,
        "region_code": user.region_code,
        "grid_id": user.grid_id,
        "department": user.department,
        "unit": user.unit,
    }
