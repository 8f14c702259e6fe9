"""What comes in is stored once, from whom it may come, and nothing half: many attachments, many tries, full disks."""

from __future__ import annotations

import errno
import os
import re
import threading
from types import SimpleNamespace

import pytest
from django.db import connection, connections
from django.db.utils import OperationalError
from django.test import Client
from tests.api.phone import (
    BOUNDARY,
    FILM,
    FIXTURES,
    Phone,
    attached,
    form_xml,
    instance_xml,
    multipart,
    only,
    publish,
    told,
)
from tests.api.pictures import jpeg

from huqing.access.models import AuditEvent
from huqing.api import openrosa
from huqing.visits import arrivals, files, flow, links
from huqing.visits.models import Attachment, Form, FormVersion, Submission

pytestmark = pytest.mark.django_db

FORMS = sorted(path.stem.removeprefix("form_") for path in FIXTURES.glob("form_*.xml"))
INSTANCES = sorted(path.stem.removeprefix("instance_") for path in FIXTURES.glob("instance_*.xml"))
SIMPLE = instance_xml("simple_one")
ABOUT = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>走访</h:title>
<model><instance><data id="about" version="1"><household/><person/><village/><photo/><meta><instanceID/></meta></data>
</instance><bind nodeset="/data/photo" type="binary"/></model></h:head><h:body/></h:html>"""


def about(*subjects: str) -> FormVersion:
    """A form that chooses whom it is about."""
    return publish(ABOUT, conversion={"subjects": {subject: f"/data/{subject}" for subject in subjects}})


def visit(instance: str = "v1", **answers: object) -> bytes:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in answers.items())
    return f'<data id="about" version="1">{inside}<meta><instanceID>{instance}</instanceID></meta></data>'.encode()


@pytest.mark.parametrize("name", INSTANCES)
def test_every_filled_form_of_central_is_taken(name, phone):
    for form in FORMS:
        xform = form_xml(form)
        root = re.search(r"<instance>\s*<[\w:.-]+([^>]*)>", xform)[1]
        found = [re.search(rf'\b{part}="([^"]*)"', root) for part in ("id", "version")]
        form_id, version = (match[1] if match else "" for match in found)
        # Some forms are there twice, for two versions of a specification.
        if not FormVersion.objects.filter(form__form_id=form_id, version=version).exists():
            publish(xform)
    answer = phone.send(instance_xml(name))
    assert answer.status_code == 201, told(answer)[1]
    assert only().xml_hash


def test_two_hundred_and_fifty_photos_come_in_one_request(phone):
    names = [f"照片{number}.jpg" for number in range(250)]
    uploads = "".join(f"<p{number}>{name}</p{number}>" for number, name in enumerate(names))
    binds = "".join(f'<bind nodeset="/data/p{number}" type="binary"/>' for number in range(len(names)))
    publish(form_xml("simple").replace("</model>", f"{binds}</model>"))
    xml = SIMPLE.replace(b"<name>", f"{uploads}<name>".encode())
    answer = phone.send(xml, *(attached(name, jpeg((8 + number, 8))) for number, name in enumerate(names)))
    assert answer.status_code == 201, told(answer)[1]
    assert only().attachments.exclude(sha256="").count() == len(names)


def test_photos_that_are_still_to_come_keep_a_record_waiting(phone):
    publish(form_xml("binaryType"))
    xml = instance_xml("binaryType_both")
    assert phone.send(xml, attached("my_file1.mp4", FILM), incomplete=True).status_code == 201
    assert only().state == "incomplete"
    assert only().landed_at is None
    assert phone.send(xml, attached("here_is_file2.jpg", jpeg()), incomplete=True).status_code == 201
    assert only().state == "received"
    assert only().landed_at is not None


def test_a_record_is_complete_when_its_phone_says_so(phone):
    publish(form_xml("binaryType"))
    xml = instance_xml("binaryType_both")
    phone.send(xml, attached("my_file1.mp4", FILM), incomplete=True)
    assert phone.send(xml).status_code == 201
    assert only().state == "received"
    assert only().attachments.get(name="here_is_file2.jpg").sha256 == ""


def test_nobody_else_adds_to_a_record(linked):
    publish(form_xml("binaryType"))
    xml = instance_xml("binaryType_both")
    linked("town").send(xml, attached("my_file1.mp4", FILM))
    other = linked("county").send(xml, attached("here_is_file2.jpg", jpeg()))
    assert other.status_code == 409
    assert only().attachments.get(name="here_is_file2.jpg").sha256 == ""


def test_nobody_else_corrects_a_record(linked):
    publish(form_xml("simple"))
    linked("town").send(SIMPLE)
    edit = SIMPLE.replace(b"<instanceID>one", b"<deprecatedID>one</deprecatedID><instanceID>two")
    assert linked("county").send(edit).status_code == 403
    assert only().state == "received"


def test_an_edit_sent_again_after_a_lost_reply_is_the_same_edit(phone):
    publish(form_xml("simple"))
    phone.send(SIMPLE)
    edit = SIMPLE.replace(b"<instanceID>one", b"<deprecatedID>one</deprecatedID><instanceID>two")
    assert [phone.send(edit).status_code for _ in range(3)] == [201, 201, 201]
    assert Submission.objects.count() == 2


def test_an_empty_deprecated_id_is_no_edit(phone):
    publish(form_xml("simple"))
    assert phone.send(SIMPLE.replace(b"<instanceID>", b"<deprecatedID/><instanceID>")).status_code == 201


def test_a_repeat_is_a_repeat_even_when_the_form_was_closed_meanwhile(phone):
    publish(form_xml("simple"))
    phone.send(SIMPLE)
    Form.objects.update(state=Form.State.CLOSED)
    assert phone.send(SIMPLE).status_code == 201


def test_a_household_outside_ones_care_is_refused_with_the_reason(linked, make_household, regions):
    about("household")
    mine, other = make_household(grid=regions.grid), make_household(grid=regions.next_grid)
    phone = linked("grid")
    for wrong in (other.pk, 10**17, 10**40, "x", ""):
        answer = phone.send(visit(household=wrong))
        assert answer.status_code == 403
        assert "不在您负责的范围内" in told(answer)[1]
    assert not Submission.objects.exists()
    assert phone.send(visit(household=mine.pk)).status_code == 201
    assert (only().household, only().region_code) == (mine, regions.village.code)


def test_a_visitor_reports_on_the_households_in_their_care_and_on_no_others(
    linked, make_household, regions, users_by_role
):
    from tests.api.test_openrosa_cases import in_charge

    about("household")
    in_charge(users_by_role["visitor"], regions, role="helper")
    mine, other = make_household(), make_household(village=regions.other_village)
    phone = linked("visitor")
    assert phone.send(visit("a", household=other.pk)).status_code == 403
    assert phone.send(visit("b", household=mine.pk)).status_code == 201


def test_a_person_of_another_household_is_refused(linked, make_household, regions):
    about("household", "person")
    mine, other = make_household(), make_household()
    phone = linked("village")
    stranger = other.members.get()
    answer = phone.send(visit(household=mine.pk, person=stranger.pk))
    assert answer.status_code == 403
    assert "不是这一户的成员" in told(answer)[1]
    assert phone.send(visit(household=mine.pk, person=mine.members.get().pk)).status_code == 201
    assert only().person == mine.members.get()


def test_a_village_that_is_not_ones_own_is_refused(linked, regions):
    about("village")
    phone = linked("town")
    assert phone.send(visit("a", village=regions.other_village.pk)).status_code == 403
    assert phone.send(visit("b", village=regions.village.pk)).status_code == 201
    assert only().region_code == regions.village.code


def test_a_file_that_is_not_what_it_says_does_not_hold_up_its_record(phone):
    publish(form_xml("binaryType"))
    xml = instance_xml("binaryType_both")
    answer = phone.send(
        xml, attached("my_file1.mp4", b"MZ\x90\0 not a film"), attached("here_is_file2.jpg", b"%PDF-1.7")
    )
    assert answer.status_code == 201
    assert "my_file1.mp4 没有收" in told(answer)[1]
    refused = dict(only().attachments.values_list("name", "refused"))
    assert "文件类型不收" in refused["my_file1.mp4"]
    assert "与文件名的扩展名 jpg 不符" in refused["here_is_file2.jpg"]
    assert not stored_files()
    # What was refused may be sent again, better.
    assert phone.send(xml, attached("here_is_file2.jpg", jpeg())).status_code == 201
    assert only().attachments.get(name="here_is_file2.jpg").refused == ""


def test_the_same_photo_of_two_records_lies_on_the_disk_once(phone):
    publish(form_xml("binaryType"))
    phone.send(instance_xml("binaryType_btwo" if "binaryType_btwo" in INSTANCES else "binaryType_two"),
               attached("here_is_file2.jpg", jpeg()))  # fmt: skip
    phone.send(instance_xml("binaryType_both"), attached("here_is_file2.jpg", jpeg()))
    assert Attachment.objects.exclude(sha256="").count() == 2
    assert len(stored_files()) == 1
    assert not list((files.folder() / files.INCOMING).iterdir())


@pytest.mark.parametrize("where", ["incoming", "storing"])
def test_a_full_disk_is_told_and_nothing_is_kept(where, phone, monkeypatch):
    publish(form_xml("binaryType"))
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def refuse(*_: object) -> None:
        raise full

    monkeypatch.setattr(*((files.Arrival, "write") if where == "incoming" else (files, "put")), refuse)
    answer = phone.send(instance_xml("binaryType_two"), attached("here_is_file2.jpg", jpeg()))
    assert answer.status_code == 507
    assert "存储空间已满" in told(answer)[1]
    assert not Submission.objects.exists()
    assert not list((files.folder() / files.INCOMING).iterdir())
    monkeypatch.undo()


def test_a_full_disk_of_the_database_is_told(phone, monkeypatch):
    publish(form_xml("simple"))

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(Submission, "save", refuse)
    assert phone.send(SIMPLE).status_code == 507


def test_a_body_that_breaks_off_is_refused_whole(phone):
    publish(form_xml("binaryType"))
    body = multipart(instance_xml("binaryType_one"), [attached("my_file1.mp4", FILM)])
    for cut in (1, 20, len(body) // 2, len(body) - 5):
        assert phone.post(body[:cut]).status_code == 400
    assert not Submission.objects.exists()
    assert not stored_files()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"\r\n" * 1000,
        b"--x\r\n" * 5000,
        f"--{BOUNDARY}\r\n".encode() + b"A: b\r\n" * 20_000,
        f"--{BOUNDARY} garbage\r\n\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; filename="x"\r\n\r\nx\r\n--{BOUNDARY}--'.encode(),
    ],
)
def test_nonsense_for_a_body_is_a_400(body, phone):
    assert phone.post(body).status_code == 400


def test_a_file_name_is_never_a_path(phone):
    publish(form_xml("binaryType"))
    parts = [("my_file1.mp4", "../../../../etc/cron.d/x", FILM), ("../../x", "C:\\y\\my_file1.mp4", FILM)]
    assert phone.send(instance_xml("binaryType_one"), *parts).status_code == 201
    assert [path.parent.parent for path in stored_files()] == [files.folder()]


def test_what_phones_call_themselves_may_be_anything(phone):
    publish(form_xml("simple"))
    phone.headers["User-Agent"] = "\x01\x7f中文 😀"
    assert phone.send(SIMPLE, query="?deviceID=%00%01a").status_code == 400
    assert phone.send(SIMPLE, query="?deviceID=%01a%F0%9F%98%80").status_code == 201
    assert only().device == "a😀"


def test_a_record_is_stored_even_if_its_landing_goes_wrong(phone, monkeypatch):
    publish(form_xml("simple"))

    def broken(_: object) -> None:
        raise RuntimeError("no rule foresaw this")

    monkeypatch.setattr(flow, "received", broken)
    assert phone.send(SIMPLE).status_code == 201
    assert only().landed_at is not None
    assert "程序出错" in str(only().landing["refused"])
    assert arrivals.waiting() == 0


def test_what_waits_is_landed_in_its_order_and_once(phone, settings, monkeypatch):
    settings.HUQING_LAND_AT_ONCE = False
    publish(form_xml("simple"))
    for name in ("one", "two", "three"):
        phone.send(instance_xml(f"simple_{name}"))
    assert arrivals.waiting() == 3
    seen = []
    monkeypatch.setattr(flow, "received", lambda submission: seen.append(submission.instance_id))
    assert arrivals.work_off(limit=2) == 2
    assert arrivals.work_off() == 1
    assert arrivals.work_off() == 0
    assert seen == ["one", "two", "three"]
    assert AuditEvent.objects.filter(action="visit_receive").count() == 3


def test_a_busy_database_leaves_a_record_waiting(phone, settings, monkeypatch):
    settings.HUQING_LAND_AT_ONCE = False
    publish(form_xml("simple"))
    phone.send(SIMPLE)

    def busy(_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(flow, "received", busy)
    assert arrivals.work_off() == 0
    assert arrivals.waiting() == 1


def test_files_of_no_record_are_swept_away_after_a_day(phone):
    publish(form_xml("binaryType"))
    phone.send(instance_xml("binaryType_two"), attached("here_is_file2.jpg", jpeg()))
    orphan = files.keep_bytes(b"left by a killed process")
    half = files.Arrival("half.jpg").finish()
    assert arrivals.sweep() == 0
    for path in (files.place(orphan), half.path, *stored_files()):
        os.utime(path, (0, 0))
    assert arrivals.sweep() == 2
    assert [path.parent.name + path.name for path in stored_files()] == [only().attachments.get().sha256]


@pytest.mark.django_db(transaction=True)
def test_eight_phones_with_one_record_store_it_once(data, users_by_role, settings):
    settings.HUQING_LAND_AT_ONCE = False
    # A database in memory has one connection, so there they come one after the other; test_live.py asks a real server.
    at_once = not (connection.vendor == "sqlite" and connection.is_in_memory_db())
    publish(form_xml("binaryType"))
    user = users_by_role["town"]
    key = links.create_link(user=user, label="手机", by=user)[1]
    start = threading.Barrier(8)
    answers: list[int] = []

    def send() -> None:
        phone = Phone(key, client=Client(raise_request_exception=False))
        if at_once:
            start.wait()
        answers.append(phone.send(instance_xml("binaryType_two"), attached("here_is_file2.jpg", jpeg())).status_code)

    def send_apart() -> None:
        send()
        connections.close_all()

    threads = [threading.Thread(target=send_apart) for _ in range(8)] if at_once else []
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(0 if at_once else 8):
        send()
    assert answers == [201] * 8
    assert only().attachments.get().sha256


def test_a_long_body_is_not_even_read(phone, monkeypatch):
    """The length is told before: nothing is written to the disk for it."""
    publish(form_xml("binaryType"))
    monkeypatch.setattr(openrosa, "MOST_BYTES", 100)
    monkeypatch.setattr(openrosa, "Arrival", SimpleNamespace)
    assert phone.send(instance_xml("binaryType_one"), attached("my_file1.mp4", FILM * 100)).status_code == 413


def stored_files() -> list:
    """All files of attachments on the disk."""
    return [path for path in files.folder().glob("[0-9a-f][0-9a-f]/*") if path.is_file()]
