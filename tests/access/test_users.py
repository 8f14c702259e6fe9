"""Accounts: who may make and change them, what is refused, and that each step is in the log."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import actions, lockout, passwords, queries
from huqing.access.instance import mark_demo
from huqing.access.models import ADMINISTRATORS, AuditEvent, Role, User
from huqing.access.permissions import TABLE, Refused, may, permissions_of, refusal, refusals, requires
from huqing.access.seal import seal


@pytest.fixture
def security(users_by_role):
    return users_by_role["security_admin"]


def new(by, **changes):
    fields = {"username": "wangwu", "display_name": "王五", "role": "town", "region_code": "500236101000", **changes}
    return actions.create_user(by=by, **fields)


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_the_security_administrator_makes_an_account_with_a_first_password(security):
    user, password = new(security)
    assert user.region_code == "500236101"
    assert user.check_password(password)
    assert user.must_change_password
    event = last_event()
    assert (event.action, event.actor) == ("user_create", security)
    assert password not in str(event.detail)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.SECURITY_ADMIN])
def test_nobody_else_makes_accounts(role, users_by_role):
    with pytest.raises(Refused, match="管理用户"):
        new(users_by_role[role])


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_administrator_accounts_are_made_on_the_server_only(role, security):
    with pytest.raises(Refused, match="huqing user"):
        new(security, role=role, region_code="")
    user, _ = new(None, role=role, region_code="")
    assert user.role == role


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"region_code": ""}, "region_code"),
        ({"region_code": "50023"}, "region_code"),
        ({"role": "village", "region_code": "500236101"}, "region_code"),
        ({"role": "grid", "region_code": "500236101201"}, "grid_id"),
        ({"role": "department", "region_code": "500236", "department": "气象局"}, "department"),
        ({"role": "mayor"}, "role"),
        ({"role": "audit_admin", "region_code": "500236"}, "region_code"),
        ({"username": "13812345678"}, "username"),
        ({"username": "COUNTY"}, "username"),
        ({"display_name": ""}, "display_name"),
    ],
)
def test_what_does_not_fit_together_is_refused_at_its_field(changes, field, users_by_role):
    with pytest.raises(ValidationError) as refused:
        new(None, **changes)
    assert field in refused.value.message_dict
    assert not User.objects.filter(display_name="王五").exists()


def test_a_department_account_knows_its_department_by_its_unit(users_by_role):
    user, _ = new(None, role="department", region_code="500236", unit="医疗保障局")
    assert user.department == "医疗保障局"


def test_a_role_change_is_audited_with_before_and_after(security, users_by_role):
    actions.change_role(by=security, user=users_by_role["town"], role="village", region_code="500236101201")
    detail = last_event().detail
    assert (detail["before"]["role"], detail["after"]["role"]) == ("town", "village")


def test_nobody_changes_their_own_role_or_resets_themselves(security):
    for change in (
        lambda: actions.change_role(by=security, user=security, role="security_admin"),
        lambda: actions.disable_user(by=security, user=security),
        lambda: actions.reset_password(by=security, user=security),
        lambda: actions.reset_second_factor(by=security, user=security),
    ):
        with pytest.raises(Refused):
            change()


def test_nobody_gets_two_administrator_roles_one_after_the_other(users_by_role):
    with pytest.raises(Refused, match="不能改作他用"):
        actions.change_role(by=None, user=users_by_role["security_admin"], role="audit_admin")
    with pytest.raises(Refused, match="不能改作他用"):
        actions.change_role(by=None, user=users_by_role["county"], role="system_admin")


def test_the_last_security_administrator_stays(users_by_role):
    with pytest.raises(Refused, match="唯一"):
        actions.disable_user(by=None, user=users_by_role["security_admin"])


def test_a_disabled_account_comes_back_when_enabled(security, users_by_role):
    user = users_by_role["town"]
    actions.disable_user(by=security, user=user)
    user.refresh_from_db()
    assert not user.is_active
    assert refusal(user, "view_household") == "您的账号已停用，请联系安全管理员。"
    actions.enable_user(by=security, user=user)
    assert may(user, "view_household")


def test_a_reset_password_must_be_changed_and_unlocks(security, users_by_role):
    user = users_by_role["town"]
    for _ in range(5):
        lockout.begin(username="town", address="10.0.0.1")
    assert lockout.locked_until("town")
    password = actions.reset_password(by=security, user=user)
    user.refresh_from_db()
    assert user.check_password(password)
    assert user.must_change_password
    assert lockout.locked_until("town") is None


def test_no_superuser_can_exist(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="root", display_name="r", is_superuser=True)


def test_demo_accounts_exist_in_a_demonstration_only(regions, settings, tmp_path):
    settings.DATA = tmp_path
    fields = {"username": "xian", "display_name": "县级", "role": "county", "region_code": "500236"}
    with pytest.raises(Refused):
        actions.create_demo_user(password="Huqing-demo-2026", **fields)
    mark_demo(tmp_path)
    user = actions.create_demo_user(password="Huqing-demo-2026", **fields)
    assert not user.must_change_password


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Ab1-xyz", "至少 10 位"),
        ("abcdefgh12", "太单一"),
        ("Zhangsan-2024", "用户名或姓名"),
        ("nasgnahZ-2024", "用户名或姓名"),
        ("Password123", "常见|普通"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(password, why, db, settings):
    with pytest.raises(ValidationError, match=why):
        new(None, username="zhangsan", password=password)


def test_a_random_first_password_keeps_the_rules(db):
    for _ in range(20):
        new(None, username=f"u{_}", password=passwords.make_password())


def test_the_last_three_passwords_are_not_used_again(db):
    user, first = new(None)
    kept = [first, *(actions.reset_password(by=None, user=user) for _ in range(3))]
    for used in kept[1:]:
        with pytest.raises(ValidationError, match="最近 3 次"):
            actions.reset_password(by=None, user=user, password=used)
    actions.reset_password(by=None, user=user, password=kept[0])


def test_a_password_expires_after_ninety_days(users_by_role):
    user = users_by_role["town"]
    user.password_changed_at = changed = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
    assert not passwords.expired(user, changed + dt.timedelta(days=90))
    assert passwords.expired(user, changed + dt.timedelta(days=91))


def test_users_are_found_by_text_role_and_state(security, users_by_role):
    assert [u.username for u in queries.users(by=security, text="乡镇")] == ["town"]
    assert [u.username for u in queries.users(by=security, role="grid")] == ["grid"]
    assert not queries.users(by=security, active=False)
    with pytest.raises(Refused):
        queries.users(by=users_by_role["county"])


def test_the_log_is_for_the_audit_administrator(security, users_by_role):
    new(security)
    auditor = users_by_role["audit_admin"]
    today = timezone.localdate()
    assert queries.audit_events(by=auditor, action="user_create", actor="安全", since=today, until=today).count() == 1
    assert not queries.audit_events(by=auditor, until=today - dt.timedelta(days=1)).exists()
    with pytest.raises(Refused):
        queries.audit_events(by=security)


def test_no_administrator_sees_households_and_no_two_share_a_duty():
    duties = {role: {name for name, (_, roles) in TABLE.items() if role in roles} for role in ADMINISTRATORS}
    for role, names in duties.items():
        assert not names & {"view_household", "edit_household", "show_sealed", "export", "view_alerts", "print"}, role
    writing = {"manage_users", "view_audit", "manage_system"}
    assert all(len(names & writing) == 1 for names in duties.values())


def test_every_refusal_is_a_chinese_sentence_that_names_who_can(users_by_role):
    for user in users_by_role.values():
        for permission, reason in refusals(user).items():
            assert bool(reason) == (permission not in permissions_of(user))
            assert not reason or (reason.endswith("办理。") and TABLE[permission][0] in reason)
    assert refusal(None, "waive") == "请先登录，再确认预警无误。"


def test_an_unknown_permission_fails_when_the_view_is_written():
    with pytest.raises(KeyError, match="no permission"):
        requires("fly")


@pytest.fixture
def household(make_household, regions):
    return make_household(grid=regions.grid, members=("甲",), id_numbers=("990000199003077596",), phone="13800001234")


def show(by, subject, field="phone", reason="入户前电话联系"):
    return actions.show_sealed(by=by, subject=subject, field=field, reason=reason)


def test_a_number_is_shown_with_a_reason_and_the_log_holds_the_reason_only(users_by_role, household):
    user = users_by_role["grid"]
    assert show(user, household) == "13800001234"
    assert show(user, household.members.get(), "id_number") == "990000199003077596"
    event = last_event()
    assert (event.action, event.actor) == ("show_sealed", user)
    assert event.detail == {"field": "id_number", "reason": "入户前电话联系"}


@pytest.mark.parametrize("role", ["reader", "department", "system_admin", "security_admin", "audit_admin"])
def test_other_roles_are_not_shown_numbers(role, users_by_role, household):
    with pytest.raises(Refused, match="查看完整号码"):
        show(users_by_role[role], household)


def test_nobody_is_shown_numbers_of_another_place(users_by_role, make_household, regions):
    foreign = make_household(village=regions.foreign_village, phone="13800001234")
    for role in ("county", "town", "village", "grid"):
        with pytest.raises(Refused, match="管辖范围"):
            show(users_by_role[role], foreign)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("field", "reason", "why"),
    [
        ("phone", "  看看 ", "理由"),
        ("phone", "找13800001234", "只写事由"),
        ("bank_account", "核对发放账户", "没有登记"),
        ("items", "核对发放账户", "没有密封字段"),
    ],
)
def test_a_bad_reason_or_field_shows_nothing(field, reason, why, users_by_role, household):
    with pytest.raises(ValidationError, match=why):
        show(users_by_role["village"], household, field, reason)
    assert not AuditEvent.objects.exists()


def test_the_sixty_first_number_within_an_hour_is_refused(users_by_role, household, monkeypatch):
    monkeypatch.setattr(actions, "SHOWN_PER_HOUR", 3)
    for _ in range(3):
        show(users_by_role["county"], household)
    with pytest.raises(Refused, match="最多"):
        show(users_by_role["county"], household)
    assert show(users_by_role["town"], household)


def test_a_value_of_another_key_is_not_a_crash_but_a_reason(users_by_role, household, monkeypatch):
    household.phone_sealed = seal("13800001234")[:-1] + b"\0"
    with pytest.raises(RuntimeError, match="损坏"):
        show(users_by_role["county"], household)
