"""What is kept ready for a phone: served only while it still is what would be worked out anew, gone with the link."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from huqing.access import actions as accounts
from huqing.teams.actions import end_duty
from huqing.teams.models import Responsibility
from huqing.teams.queries import households_of
from huqing.visits import background, lists, packet, prepared
from huqing.visits.links import create_link, revoke_link
from huqing.visits.models import FormVersion, Prepared
from huqing.visits.offered import forms_of

from .calendar_world import DAY, listed, made_responsible, refreshed, use

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="只有 PostgreSQL 说得出哪一行改过"),
]


@pytest.fixture(autouse=True)
def stand_still(monkeypatch):
    """Today is the day of these tests wherever the product asks for it."""
    modules = ("visits.tasks", "visits.refreshing", "visits.packet", "visits.lists", "teams.queries")
    for module in modules:
        monkeypatch.setattr(f"huqing.{module}.working_day", lambda today: DAY)


@pytest.fixture
def visitor(users_by_role):
    return users_by_role["visitor"]


@pytest.fixture
def households(make_household, visitor):
    """Three households in the visitor's care, with a link to fetch them."""
    use()
    found = [listed(make_household(members=(name, "李四"))) for name in ("张三", "王五", "赵六")]
    for household in found:
        made_responsible(visitor, "helper", household=household)
    refreshed()
    create_link(user=visitor, label="手机", by=visitor)
    return found


@pytest.fixture
def worked_out(monkeypatch):
    """The households that were worked out since, packet by packet."""
    found: list[list[int]] = []
    told = packet.Households.told

    def noted(self):
        found.append(sorted(row.pk for row in self.rows))
        return told(self)

    monkeypatch.setattr(packet.Households, "told", noted)
    return found


def fetched(visitor, since=""):
    return json.loads(packet.packet_for(visitor, since).encoded())


def anew(visitor):
    """The packet as it is without anything kept."""
    Prepared.objects.all().delete()
    return fetched(visitor)


def test_the_second_packet_is_the_first_without_work(households, visitor, worked_out):
    first = fetched(visitor)
    assert worked_out == [[household.pk for household in households]]
    assert fetched(visitor) == first
    assert fetched(visitor, first["cursor"])["households"] == []
    assert len(worked_out) == 1
    assert anew(visitor) == first


def test_only_what_has_changed_is_worked_out_again(households, visitor, worked_out):
    before = fetched(visitor)
    households[1].head_name = "王老五"
    households[1].save()
    after = fetched(visitor, before["cursor"])
    assert worked_out[1:] == [[households[1].pk]]
    assert [told["head"] for told in after["households"]] == ["王老五"]
    assert anew(visitor) == fetched(visitor)


def test_rows_written_past_all_of_the_programs_actions_are_noticed(households, visitor):
    fetched(visitor)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE registry_person SET name = '李四四' WHERE household_id = %s", [households[0].pk])
        cursor.execute("DELETE FROM registry_label WHERE household_id = %s", [households[1].pk])
        cursor.execute("UPDATE visits_form SET title = '干部走访表'")
    after = fetched(visitor)
    assert "李四四" in {member["name"] for member in after["households"][0]["members"]}
    assert [told["labels"] for told in after["households"]] == [["脱贫户"], [], ["脱贫户"]]
    assert after == anew(visitor)


def test_a_household_that_left_ones_care_is_never_served_from_what_was_prepared(households, visitor):
    before = fetched(visitor)
    names = lists_of(visitor)
    duty = Responsibility.objects.get(household=households[0])
    end_duty(by=None, duty=duty, on=DAY.replace(month=5, day=31), reason="调整")
    after = fetched(visitor, before["cursor"])
    assert after["gone"] == [households[0].pk]
    assert "张三" in json.dumps(names, ensure_ascii=False)
    assert "张三" not in json.dumps(lists_of(visitor), ensure_ascii=False)
    made_responsible(visitor, "helper", since=DAY, household=households[0])
    assert {told["id"] for told in fetched(visitor)["households"]} == {household.pk for household in households}


def lists_of(visitor) -> dict[str, str]:
    """Every list of every form as another client fetches it: manifest first, then what it names."""
    found = {}
    for version in forms_of(visitor):
        for name, check in lists.hashes_for(visitor, version).items():
            content = lists.list_for(visitor, version, name)
            assert check == lists._md5(content)
            found[f"{version.pk} {name}"] = content.decode()
    return found


def test_lists_are_kept_while_they_hold_and_made_anew_when_they_do_not(households, visitor):
    first = lists_of(visitor)
    (version,) = forms_of(visitor)
    assert set(lists.lists_for(version, households_of(visitor))) == set(version.conversion["lists"])
    kept = Prepared.objects.get(user=visitor, name=prepared.LISTS)
    assert lists_of(visitor) == first
    assert Prepared.objects.get(user=visitor, name=prepared.LISTS).made_at == kept.made_at
    households[2].head_name = "赵老六"
    households[2].save()
    second = lists_of(visitor)
    assert second != first
    Prepared.objects.all().delete()
    assert lists_of(visitor) == second


def test_the_lists_of_one_download_are_of_one_moment(households, visitor, settings):
    settings.HUQING_LISTS_SECONDS = 3600
    lists._held.clear()
    before = lists_of(visitor)
    households[0].head_name = "张三丰"
    households[0].save()
    assert lists_of(visitor) == before
    lists._held.clear()
    assert lists_of(visitor) != before
    lists._held.clear()


def test_a_list_of_an_older_version_is_made_beside_those_of_the_newest(households, visitor):
    (newest,) = forms_of(visitor)
    older = FormVersion.objects.get(pk=newest.pk)
    older.pk, older.version = None, "0"
    older.published_at = newest.published_at.replace(year=2020)
    older.save()
    lists_of(visitor)
    found = lists.hashes_for(visitor, older)
    assert found == lists.hashes_for(visitor, newest)
    assert len(prepared.index(visitor, prepared.LISTS, lists._basis(visitor))) == 2 * len(found)


def test_making_a_link_has_everything_ready_and_revoking_the_last_one_removes_it(
    households, visitor, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        second, _ = create_link(user=visitor, label="新手机", by=visitor)
    assert set(Prepared.objects.filter(user=visitor).values_list("name", flat=True)) == {"packet", "lists"}
    revoke_link(link=second, by=visitor)
    assert Prepared.objects.filter(user=visitor).exists()
    revoke_link(link=visitor.access_links.get(revoked_at=None), by=visitor)
    assert not Prepared.objects.exists()
    fetched(visitor)
    assert not Prepared.objects.exists()


def test_an_account_that_is_stopped_leaves_nothing_prepared(households, visitor, users_by_role):
    fetched(visitor)
    accounts.disable_user(by=users_by_role["security_admin"], user=visitor)
    assert not Prepared.objects.exists()


def test_everybody_with_a_phone_in_use_is_prepared_some_at_a_time(households, visitor, users_by_role, monkeypatch):
    monkeypatch.setattr(background, "PHONES_AT_ONCE", 1)
    village = users_by_role["village"]
    create_link(user=village, label="手机", by=village)
    background.prepare_phones.enqueue("500236")
    assert set(Prepared.objects.values_list("user", flat=True)) == {visitor.pk, village.pk}


def test_what_nobody_will_fetch_is_swept_away(households, visitor):
    fetched(visitor)
    visitor.access_links.update(revoked_at=DAY.isoformat() + "T00:00:00Z")
    assert prepared.sweep() == 1
