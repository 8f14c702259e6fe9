"""Re-verification on the phone: only the verifier's households, only the round's columns, recorded as the page does."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json

import pytest
from django.urls import reverse
from django.utils import timezone
from tests.api.phone import Phone, entries
from tests.visits.engine import filled

from huqing.access.models import AuditEvent
from huqing.registry.models import Household
from huqing.rosters import drawing, phone_form, rechecks
from huqing.rosters.drawing import OFFERED, Frame
from huqing.teams.models import Responsibility, Staff
from huqing.visits import links
from huqing.visits.lists import list_for
from huqing.visits.models import Form, Submission
from huqing.visits.offered import forms_of, open_version
from huqing.visits.packet import packet_for
from huqing.visits.receiving import NotReceived, receive

DAY = dt.date(2024, 6, 20)
DRAWN = dt.datetime(2024, 6, 10, 2, 0, tzinfo=dt.UTC)
COLUMNS = [["household", "member_count"], ["household", "water_safe"], ["person", "labour"]]


@pytest.fixture(autouse=True)
def _stand_still(monkeypatch):
    for module in ("visits.describing", "visits.packet", "visits.lists", "teams.queries"):
        monkeypatch.setattr(f"huqing.{module}.working_day", lambda today: DAY)


@pytest.fixture
def homes(make_household, label, regions):
    """Three monitored households, one in the visitor's own care."""
    found = [
        make_household(members=("王大", "王小"), items={"water_safe": True, "risks": ["01"], "wage_income": 1_000_000}),
        make_household(members=("李大",)),
        make_household(members=("赵大",), village=regions.other_village),
    ]
    for home in found:
        label(home, "monitor", "2024-01-10")
    return found


@pytest.fixture
def begun(homes, people):
    """A round that draws all of them, verified by two people; its form is out. Returns round and the visitor's item."""
    other = Staff.objects.create(name="核查员乙", kind="1", region_code=people.verifier.region_code)
    round_ = drawing.commit(
        title="六月回头看",
        frame=Frame(label="monitor", stratum="none"),
        fields=COLUMNS,
        share=100,
        due_on=DAY,
        by=people.county,
    )
    round_ = drawing.draw_round(round_=round_, said="3 5 1", witnesses="纪委李某", by=people.county)
    round_.drawn_at = DRAWN
    round_.save()
    round_.items.filter(household=homes[0]).update(verifier=people.verifier)
    round_.items.exclude(household=homes[0]).update(verifier=other)
    phone_form.publish(round_=round_, by=people.county)
    return round_, round_.items.get(household=homes[0])


def version_of(user):
    (version,) = [one for one in forms_of(user) if one.form.given_by]
    return version


def record(user, **answers):
    """What the phone makes of the form with its lists: prefilled in the real engine, then answered."""
    version = version_of(user)
    lists = {name: list_for(user, version, name) for name in ("household.csv", "person.csv")}
    told = {"outcome": "met", "verdict": "right", "visited_on": "2024-06-18"} | answers
    (xml,) = filled([(version, lists, {f"/data/{name}": value for name, value in told.items()})])
    return xml


def send(user, xml):
    return receive(user=user, xml=xml, files={}, incomplete=False, device="", agent="")


def correcting(xml, uuid):
    return xml.replace(b"</instanceID>", f"</instanceID><deprecatedID>{uuid}</deprecatedID>".encode(), 1)


def rows(content):
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_a_phone_has_the_verifiers_households_with_the_rounds_columns_and_nothing_else(begun, homes, people):
    _, item = begun
    version = version_of(people.visitor)
    told = packet_for(people.visitor).encoded()
    packet = json.loads(told)
    (home,) = packet["households"]
    assert home["given"]
    assert (home["id"], home["head"]) == (item.household_id, "王大")
    assert (home["labels"], home["facts"], home["alerts"], home["visits"]) == ([], [], [], [])
    assert home["read"]["household"] == {"member_count": "2", "water_safe": "yes"}
    assert "10000" not in told.decode()
    (task,) = home["tasks"]
    assert (task["title"], task["due"], task["unchanged"]) == ("六月回头看", "2024-06-20", False)
    assert task["form"] == version.form.form_id
    assert [(one["title"], one["given"]) for one in packet["villages"]] == [(homes[0].village.name, True)]
    (row,) = rows(list_for(people.visitor, version, "household.csv"))
    assert row["id"] == str(item.household_id)
    assert set(row) == {"id", "title", "member_count", "water_safe"}
    for stranger in (people.county, people.town, people.village):
        assert not [one for one in forms_of(stranger) if one.form.given_by]
        assert open_version(stranger, version.pk) is None


def test_a_form_filled_in_without_a_network_is_recorded_as_the_page_would(begun, people):
    _, item = begun
    sent = send(people.visitor, record(people.visitor, **{"own/water_safe": "no"}))
    item.refresh_from_db()
    assert (item.outcome, item.verdict, item.visited_on) == ("met", "right", dt.date(2024, 6, 18))
    assert (item.recorded_by, item.submission) == (people.visitor, sent)
    (difference,) = item.differences.all()
    assert (difference.field, difference.before, difference.found) == ("water_safe", True, False)
    assert item.household.items["water_safe"] is True
    assert len(item.answers) == 4
    assert (sent.landing["differs"], len(sent.landing["same"])) == (["household.water_safe"], 3)
    event = AuditEvent.objects.get(action="recheck_record")
    assert (event.actor, event.detail["submission"]) == (people.visitor, sent.pk)
    assert (sent.typed, sent.prefilled) == (4, 1)
    packet = json.loads(packet_for(people.visitor).encoded())
    assert (packet["households"], packet["forms"]) == ([], [])
    rechecks.decide(difference=difference, decision="found", reason="", by=people.county)
    assert Household.objects.get(pk=item.household_id).items["water_safe"] is False


def test_collect_has_the_same_by_its_protocol(begun, people, settings, tmp_path):
    settings.DATA = tmp_path
    _, item = begun
    phone = Phone(links.create_link(user=people.visitor, label="手机", by=people.visitor)[1])
    (entry,) = [one for one in phone.listed() if one["formID"].startswith("recheck_")]
    lists = {}
    for file in entries(
        phone.get(f"/key/{entry['manifestUrl'].partition('/key/')[2]}").content, "manifest", "mediaFile"
    ):
        got = phone.get(f"/key/{file['downloadUrl'].partition('/key/')[2]}").content
        assert file["hash"] == f"md5:{hashlib.md5(got).hexdigest()}"
        lists[file["filename"]] = got
    told = {"outcome": "met", "verdict": "right", "visited_on": "2024-06-18", "own/member_count": "3"}
    answers = {f"/data/{name}": value for name, value in told.items()}
    (xml,) = filled([(version_of(people.visitor), lists, answers)])
    assert phone.send(xml).status_code == 201
    item.refresh_from_db()
    assert item.outcome == "met"
    assert item.differences.get().found == 3
    assert phone.send(xml).status_code == 201
    assert Submission.objects.filter(form=item.round.form).count() == 1
    assert not [one for one in phone.listed() if one["formID"].startswith("recheck_")]


def test_nobody_at_home_needs_its_reason(begun, people):
    _, item = begun
    send(people.visitor, record(people.visitor, outcome="absent", note="全家外出务工，邻居证实"))
    item.refresh_from_db()
    assert (item.outcome, item.verdict, item.answers) == ("absent", "", [])
    assert item.note == "全家外出务工，邻居证实"


def test_a_second_record_never_overwrites_and_a_correction_does(begun, people):
    _, item = begun
    first, second = (record(people.visitor, **{"own/member_count": count}) for count in ("3", "5"))
    sent = send(people.visitor, first)
    kept = send(people.visitor, second)
    item.refresh_from_db()
    assert [one.found for one in item.differences.all()] == [3]
    assert "已登记这一户的核查，没有改动" in kept.landing["refused"]["核查记录"]
    assert kept.state == Submission.State.RECEIVED
    uuid = sent.instance_id
    corrected = correcting(first.replace(uuid.encode(), b"uuid:corrected"), uuid)
    now = send(people.visitor, corrected.replace(b">3<", b">4<"))
    item.refresh_from_db()
    assert ([one.found for one in item.differences.all()], item.submission) == ([4], now)
    rechecks.decide(difference=item.differences.get(), decision="file", reason="户口簿", by=people.county)
    late = corrected.replace(b"uuid:corrected", b"uuid:late").replace(uuid.encode(), b"uuid:corrected")
    told = send(people.visitor, late.replace(b">3<", b">6<")).landing["refused"]
    assert "差异已经开始判定" in told["核查记录"]
    assert item.differences.get().found == 4


def test_the_page_shows_what_was_not_taken_and_begins_with_it_when_asked(begun, people, client, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    _, item = begun
    first = record(people.visitor, **{"own/member_count": "3"})
    second = record(people.visitor, **{"own/member_count": "5", "own/water_safe": "no"})
    send(people.visitor, first)
    kept = send(people.visitor, second)
    client.force_login(people.county)
    page = reverse("office:recheck-item", args=[item.pk])
    shown = client.get(page).content.decode()
    assert "没有采用" in shown
    assert f'name="h{item.household_id}-member_count" type="text" value="3"' in shown
    shown = client.get(page, {"record": kept.pk}).content.decode()
    assert "还没有登记" in shown
    assert f'name="h{item.household_id}-member_count" type="text" value="5"' in shown
    assert '<option value="否" selected>' in shown
    item.refresh_from_db()
    assert item.differences.get().found == 3


def test_what_the_office_noted_first_stands_and_the_phone_is_told_so(begun, people):
    _, item = begun
    xml = record(people.visitor)
    opened = rechecks.stamp(item)
    done = {"item": item, "outcome": "absent", "visited_on": DAY, "note": "外出", "values": {}, "by": people.county}
    rechecks.record(**done, since=opened)
    with pytest.raises(Exception, match="已由手机或别人登记"):
        rechecks.record(**done, since=opened)
    sent = send(people.visitor, xml)
    item.refresh_from_db()
    assert (item.outcome, item.submission) == ("absent", None)
    assert people.county.display_name in sent.landing["refused"]["核查记录"]


def test_a_household_given_to_somebody_else_is_refused_and_an_ended_round_keeps_what_comes_late(begun, people, homes):
    round_, item = begun
    xml = record(people.visitor)
    round_.items.filter(pk=item.pk).update(verifier=round_.items.exclude(pk=item.pk).first().verifier)
    with pytest.raises(NotReceived, match="已不由您核查"):
        send(people.visitor, xml)
    round_.items.filter(pk=item.pk).update(verifier=people.verifier)
    round_.items.update(
        outcome="absent", note="外出", visited_on=DAY, recorded_by=people.county, recorded_at=timezone.now()
    )
    rechecks.close(round_=round_, by=people.county)
    round_.refresh_from_db()
    assert round_.form.state == Form.State.CLOSING
    assert json.loads(packet_for(people.visitor).encoded())["households"] == []
    assert "没有改动" in send(people.visitor, xml).landing["refused"]["核查记录"]


def test_the_wrong_household_is_given_back_when_the_record_is_corrected(begun, people, homes):
    round_, item = begun
    round_.items.update(verifier=people.verifier)
    xml = record(people.visitor, household=str(homes[0].pk))
    sent = send(people.visitor, xml)
    right = record(people.visitor, household=str(homes[1].pk))
    told = send(people.visitor, correcting(right, sent.instance_id)).landing
    item.refresh_from_db()
    assert (item.outcome, item.answers, item.submission) == ("", [], None)
    assert round_.items.get(household=homes[1]).outcome == "met"
    assert told["retracted"] == ["王大户的核查登记"]


def test_a_value_the_file_would_not_take_is_told_by_its_field(begun, people):
    _, item = begun
    xml = record(people.visitor, **{"own/member_count": "3"}).replace(b">3<", b">400<")
    told = send(people.visitor, xml).landing["refused"]
    item.refresh_from_db()
    assert item.outcome == ""
    assert list(told) == ["household.member_count"]
    assert "没有登记" in told["household.member_count"]


def test_whoever_answers_for_the_household_as_well_keeps_seeing_all_of_it(begun, people):
    _, item = begun
    Responsibility.objects.create(
        staff=people.verifier,
        role="helper",
        region_code=item.region_code,
        household=item.household,
        since=dt.date(2024, 1, 1),
    )
    (home,) = json.loads(packet_for(people.visitor).encoded())["households"]
    assert home["labels"] == ["防止返贫致贫对象"]
    assert "given" not in home
    assert [task["title"] for task in home["tasks"]] == ["六月回头看"]
    assert home["read"]["household"]["water_safe"] == "yes"


def test_the_shipped_form_asks_whatever_a_round_may_look_at(homes, people):
    round_ = drawing.commit(
        title="全部|栏目 ${x}", frame=Frame(stratum="none"), fields=OFFERED, number=1, due_on=DAY, by=people.county
    )
    round_ = drawing.draw_round(round_=round_, said="1", witnesses="李某", by=people.county)
    form = phone_form.publish(round_=round_, by=people.county)
    questions = form.versions.get().conversion["questions"]
    assert {one["reads"] for one in questions} >= {f"{of}.{key}" for of, key in OFFERED}
    assert not any(one["writes"] for one in questions)
    assert "verdict" not in {one["name"] for one in questions}
    assert phone_form.publish(round_=round_, by=people.county) == form


def test_a_phone_carries_only_so_many_and_says_how_many_it_left(begun, homes, people, monkeypatch):
    round_, _ = begun
    round_.items.filter(household=homes[2]).update(verifier=people.verifier)
    first = round_.items.filter(verifier=people.verifier).earliest("pk")
    assert {home["id"] for home in told_of(people.visitor)["households"]} == {homes[0].pk, homes[2].pk}
    monkeypatch.setattr("huqing.visits.packet.MOST_HOUSEHOLDS", 1)
    packet = told_of(people.visitor)
    assert ([home["id"] for home in packet["households"]], packet["left_out"]) == ([first.household_id], 1)


def told_of(user):
    return json.loads(packet_for(user).encoded())
