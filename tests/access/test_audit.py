"""The audit log: what is in it, what is refused, and that every tampering shows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection, transaction

from huqing.access import audit
from huqing.access.audit import AuditError, record, verify
from huqing.access.models import AuditEvent, AuditTail


def tamper(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.fixture
def five_events(users_by_role):
    return [record(by=users_by_role["county"], action="test", detail={"n": n, "说明": "甲"}) for n in range(5)]


def test_an_event_names_who_what_and_where(users_by_role, make_household):
    household = make_household()
    event = record(
        by=users_by_role["village"], action="household_edit", subject=household, detail={"fields": ["water"]}
    )
    event.refresh_from_db()
    assert event.actor_name == "村级干部（village）"
    assert (event.subject_kind, event.subject_id) == ("registry.household", str(household.pk))
    assert event.region_code == household.region_code
    assert event.detail == {"fields": ["water"]}


def test_the_system_is_named_when_nobody_acts(db):
    assert record(by=None, action="screen").actor_name == "系统"


def test_an_untouched_log_verifies_and_reports_progress(five_events):
    seen = []
    report = verify(lambda message, fraction: seen.append(fraction))
    assert report.ok
    assert report.checked == 5
    assert seen[-1] == 1.0
    assert "共 5 条" in str(report)


def test_an_empty_log_verifies(db):
    assert verify().ok


def test_a_changed_event_is_named(five_events):
    tamper("UPDATE access_auditevent SET action = 'nothing' WHERE id = %s", five_events[2].pk)
    report = verify()
    assert report.broken.id == five_events[2].pk
    assert report.checked == 2
    assert f"第 {five_events[2].pk} 号记录" in str(report)
    assert "改动" in str(report)


def test_a_removed_event_shows_at_the_next_one(five_events):
    tamper("DELETE FROM access_auditevent WHERE id = %s", five_events[1].pk)
    assert verify().broken.id == five_events[2].pk


def test_events_cut_off_at_the_end_show(five_events):
    tamper("DELETE FROM access_auditevent WHERE id >= %s", five_events[3].pk)
    report = verify()
    assert not report.ok
    assert "应有 5 条，实有 3 条" in str(report)


def test_cutting_off_the_end_and_moving_the_tail_shows(five_events):
    last = five_events[2]
    tamper("DELETE FROM access_auditevent WHERE id > %s", last.pk)
    tamper("UPDATE access_audittail SET count = 3, last_id = %s, hash = %s", last.pk, last.hash)
    assert not verify().ok


def test_removing_the_tail_shows_even_after_further_events(five_events):
    tamper("DELETE FROM access_audittail")
    assert not verify().ok
    record(by=None, action="test")
    assert not verify().ok


def test_the_chain_cannot_be_rewritten_without_the_key(five_events, monkeypatch):
    monkeypatch.setenv("HUQING_SEAL_KEY", "ab" * 32)
    assert verify().broken.id == five_events[0].pk


def test_events_can_neither_be_changed_nor_deleted_through_the_models(five_events):
    event = five_events[0]
    for forbidden in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(TypeError, match="只能追加"):
            forbidden()
    with pytest.raises(TypeError, match="只能追加"):
        AuditEvent.objects.update(action="x")


def test_a_rolled_back_action_leaves_no_event_and_no_gap(five_events):
    with transaction.atomic():
        record(by=None, action="lost")
        transaction.set_rollback(True)
    record(by=None, action="kept")
    assert verify().ok
    assert AuditTail.objects.get().count == 6


@pytest.mark.parametrize(
    "detail",
    [
        {"reason": "查990000199003077596"},
        {"list": ["ok", "13812345678"]},
        {"nested": {"13812345678": 1}},
        {"number": 6228480012345678},
        {"reason": "１３８１２３４５６７８"},
    ],
)
def test_a_number_of_a_person_is_refused_with_its_place(db, detail):
    with pytest.raises(AuditError, match=r"detail.*不得登记"):
        record(by=None, action="test", detail=detail)
    assert not AuditEvent.objects.exists()


def test_what_cannot_be_kept_exactly_is_refused(db):
    with pytest.raises(AuditError, match="类型"):
        record(by=None, action="test", detail={"x": object()})
    with pytest.raises(AuditError, match="有限"):
        record(by=None, action="test", detail={"x": float("nan")})


def test_every_kind_of_value_reads_back_so_that_the_chain_holds(db):
    record(
        by=None,
        action="test",
        detail={
            "float": 1e5,
            "tiny": 1e-9,
            "decimal": Decimal("12.50"),
            "date": dt.date(2024, 6, 1),
            "set": {"b", "a"},
            "nothing": None,
            "yes": True,
            "text": "甲\0乙\ud800",
            "big": 10**14,
        },
    )
    assert verify().ok
    detail = AuditEvent.objects.get().detail
    assert detail["decimal"] == "12.50"
    assert detail["set"] == ["a", "b"]


def test_actions_have_chinese_names():
    assert audit.action_name("sign_in_failed") == "登录失败"
    assert audit.action_name("unknown_code") == "unknown_code"
    assert all(name for name in audit.action_names().values())
