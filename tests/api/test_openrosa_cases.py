"""The 62 cases of cases.json, each by its id; where the product answers otherwise, ``ours`` says why."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import unicodedata
import zlib
from collections.abc import Callable

import pytest
from tests.api.phone import (
    BOUNDARY,
    FILM,
    FIXTURES,
    NAMESPACES,
    Phone,
    attached,
    entries,
    form_xml,
    instance_xml,
    multipart,
    only,
    publish,
    told,
)
from tests.api.pictures import jpeg

from huqing.api import openrosa
from huqing.teams.models import Responsibility, Staff
from huqing.visits import links, receiving
from huqing.visits.models import Form, FormVersion, Method, Submission

pytestmark = pytest.mark.django_db

GIVEN = {case["id"]: case for case in json.loads((FIXTURES / "cases.json").read_text(encoding="utf-8"))["cases"]}
HASHES = {
    row["form"]: f"md5:{row['md5']}"
    for row in json.loads((FIXTURES / "cases.json").read_text(encoding="utf-8"))["form_hashes"]
}
OF_TWO = HASHES['simple with version="two"']
CASES: dict[str, Callable[..., None]] = {}
OURS: dict[str, str] = {}
SIMPLE = instance_xml("simple_one")


def case(name: str, *, ours: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """This function asserts the case; ``ours``: what is decided differently, and why."""

    def note(check: Callable[..., None]) -> Callable[..., None]:
        assert name not in CASES
        CASES[name] = check
        if ours:
            OURS[name] = ours
        return check

    return note


def edit(instance: str, of: str, name: str = "Alice") -> bytes:
    """A correction of a record of the form ``simple``."""
    meta = f"<meta><deprecatedID>{of}</deprecatedID><instanceID>{instance}</instanceID></meta>"
    return f'<data id="simple">{meta}<name>{name}</name><age>30</age></data>'.encode()


def versioned(version: str) -> str:
    return form_xml("simple").replace('id="simple"', f'id="simple" version="{version}"')


@case("H1")
def head_tells_how_much_may_come(phone: Phone) -> None:
    answer = phone.head()
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    assert int(answer.headers["X-OpenRosa-Accept-Content-Length"]) == openrosa.MOST_BYTES


@case("H2")
def the_version_header_is_required(phone: Phone) -> None:
    phone.headers = {}
    assert phone.head().status_code == 400


@case("H3")
def without_a_link_head_is_refused(phone: Phone) -> None:
    answer = Phone(None).head()
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"]


@case("H4")
def an_unknown_link_is_refused(phone: Phone) -> None:
    assert Phone("x" * 64).head().status_code == 403


@case("H5")
def another_version_of_the_protocol_is_refused(phone: Phone) -> None:
    form = publish(form_xml("simple"))
    phone.headers = {"X-OpenRosa-Version": "2.0"}
    for path in ("formList", f"forms/{form.pk}/form.xml", f"forms/{form.pk}/manifest"):
        assert phone.get(path).status_code == 400
    assert phone.head().status_code == 400
    assert phone.send(SIMPLE).status_code == 400
    assert not Submission.objects.exists()


@case("H6")
def the_name_of_the_header_may_be_small(phone: Phone) -> None:
    phone.headers = {"x-openrosa-version": "1.0"}
    assert phone.head().status_code == 204


@case("S1")
def a_body_that_is_not_multipart_is_refused(phone: Phone) -> None:
    publish(form_xml("simple"))
    answer = phone.post(SIMPLE, kind="text/xml")
    assert answer.status_code == 400
    assert "xml_submission_file" in told(answer)[1]


@case("S2")
def broken_xml_is_refused(phone: Phone) -> None:
    assert phone.send(b"<test").status_code == 400


@case("S3")
def multipart_without_a_boundary_is_refused(phone: Phone) -> None:
    assert phone.post(multipart(SIMPLE), kind="multipart/form-data").status_code == 400


@case("S4")
def an_empty_body_is_refused(phone: Phone) -> None:
    assert phone.post(b"").status_code == 400


@case("S5")
def a_part_with_a_malformed_header_is_refused(phone: Phone) -> None:
    body = f"--{BOUNDARY}\r\nContent-Disposition\r\n\r\n<data/>\r\n--{BOUNDARY}--\r\n".encode()
    assert phone.post(body).status_code == 400


@case("S6")
def an_unknown_form_is_told(phone: Phone) -> None:
    assert (
        phone.send(b'<data id="nonexistent"><field/><meta><instanceID>1</instanceID></meta></data>').status_code == 404
    )


@case("S7")
def nothing_is_taken_without_a_link(phone: Phone) -> None:
    publish(form_xml("simple"))
    assert Phone(None).send(SIMPLE).status_code == 401
    assert not Submission.objects.exists()


@case("S8")
def a_closed_form_takes_nothing_a_closing_one_does(phone: Phone) -> None:
    publish(form_xml("simple"))
    Form.objects.update(state=Form.State.CLOSED)
    assert phone.send(SIMPLE).status_code == 409
    Form.objects.update(state=Form.State.CLOSING)
    assert phone.send(SIMPLE).status_code == 201


@case("S9")
def a_version_never_published_is_told(phone: Phone) -> None:
    publish(form_xml("simple"))
    answer = phone.send(SIMPLE.replace(b'id="simple"', b'id="simple" version="imaginary"'))
    assert answer.status_code == 404
    assert "form version" in told(answer)[1]


@case("S10")
def a_submission_is_answered_with_201(phone: Phone) -> None:
    publish(form_xml("simple"))
    answer = phone.send(SIMPLE)
    assert answer.status_code == 201
    nature, message = told(answer)
    assert message
    assert nature != "error"
    assert only().answers == {"/data/name": "Alice", "/data/age": "30"}


@case("S11")
def an_older_version_is_still_taken(phone: Phone) -> None:
    old = publish(form_xml("simple"))
    publish(versioned("two"))
    assert phone.send(SIMPLE).status_code == 201
    assert only().version == old


@case("S12")
def attachments_come_in_any_order(phone: Phone) -> None:
    publish(form_xml("binaryType"))
    files = [attached("here_is_file2.jpg", jpeg()), attached("my_file1.mp4", FILM)]
    assert phone.send(instance_xml("binaryType_both"), *files, xml_first=False).status_code == 201
    assert arrived() == {"my_file1.mp4": "video/mp4", "here_is_file2.jpg": "image/jpeg"}


@case("S13")
def names_of_attachments_are_any_text(phone: Phone) -> None:
    publish(form_xml("binaryType"))
    xml = instance_xml("binaryType_unicode")
    names = re.findall("<file.>(.*?)</file.>", xml.decode())
    # A client may compose the same letters otherwise in the header than in the form.
    files = [attached(unicodedata.normalize("NFC", names[0]), jpeg()), attached(names[1], FILM)]
    assert phone.send(xml, *files).status_code == 201
    assert arrived() == {names[0]: "image/jpeg", names[1]: "video/mp4"}


@case("S14")
def what_the_form_does_not_name_is_ignored(phone: Phone) -> None:
    publish(form_xml("simple"))
    assert phone.send(SIMPLE, attached("extra.jpg", jpeg())).status_code == 201
    assert not only().attachments.exists()


@case("S15")
def the_same_attachment_twice_is_once(phone: Phone) -> None:
    publish(form_xml("binaryType"))
    twice = [attached("my_file1.mp4", FILM)] * 2
    assert phone.send(instance_xml("binaryType_one"), *twice).status_code == 201
    assert arrived() == {"my_file1.mp4": "video/mp4"}


@case("S16")
def the_same_again_stores_nothing(phone: Phone) -> None:
    publish(form_xml("simple"))
    assert phone.send(SIMPLE).status_code == 201
    assert phone.send(SIMPLE).status_code == 201
    assert only()


@case("S17")
def another_content_under_the_same_identity_is_refused(phone: Phone) -> None:
    publish(form_xml("simple"))
    phone.send(SIMPLE)
    answer = phone.send(SIMPLE.replace(b"Alice", b"Bob"))
    assert answer.status_code == 409
    assert "different XML" in told(answer)[1]
    assert only().answers["/data/name"] == "Alice"


@case("S18")
def attachments_may_come_one_after_another(phone: Phone) -> None:
    publish(form_xml("binaryType"))
    xml = instance_xml("binaryType_both")
    assert phone.send(xml, attached("my_file1.mp4", FILM)).status_code == 201
    assert arrived() == {"my_file1.mp4": "video/mp4", "here_is_file2.jpg": ""}
    assert phone.send(xml, attached("here_is_file2.jpg", jpeg())).status_code == 201
    assert arrived() == {"my_file1.mp4": "video/mp4", "here_is_file2.jpg": "image/jpeg"}


@case("S19")
def an_edit_of_nothing_is_told(phone: Phone) -> None:
    publish(form_xml("simple"))
    assert phone.send(edit("two", "one")).status_code == 404
    assert not Submission.objects.exists()


@case("S20")
def an_edit_replaces(phone: Phone) -> None:
    publish(form_xml("simple"))
    phone.send(SIMPLE)
    assert phone.send(edit("two", "one", "Alyssa")).status_code == 201
    old, new = Submission.objects.order_by("pk")
    assert (old.state, new.state, new.replaces) == ("replaced", "received", old)
    assert new.answers["/data/name"] == "Alyssa"


@case("S21")
def an_edit_of_what_was_edited_comes_too_late(phone: Phone) -> None:
    publish(form_xml("simple"))
    phone.send(SIMPLE)
    phone.send(edit("two", "one"))
    answer = phone.send(edit("three", "one"))
    assert answer.status_code == 409
    assert "out of date" in told(answer)[1]
    assert Submission.objects.count() == 2


@case("S22")
def an_edit_may_not_take_an_identity_in_use(phone: Phone) -> None:
    publish(form_xml("simple"))
    phone.send(SIMPLE)
    phone.send(instance_xml("simple_two"))
    assert phone.send(edit("two", "one")).status_code == 409
    assert Submission.objects.filter(state="received").count() == 2


@case("S23")
def identities_are_those_of_a_form(phone: Phone) -> None:
    publish(form_xml("simple"))
    publish(form_xml("simple").replace('id="simple"', 'id="other"'))
    assert phone.send(SIMPLE).status_code == 201
    assert phone.send(SIMPLE.replace(b'id="simple"', b'id="other"')).status_code == 201
    assert Submission.objects.count() == 2


@case(
    "S24",
    ours="nothing can be deleted, only replaced by a correction; to send a replaced record again is a repeat, so 201",
)
def nothing_is_deleted_so_a_repeat_is_a_repeat(phone: Phone) -> None:
    publish(form_xml("simple"))
    phone.send(SIMPLE)
    phone.send(edit("two", "one"))
    assert phone.send(SIMPLE).status_code == 201
    assert [item.state for item in Submission.objects.order_by("pk")] == ["replaced", "received"]


@case("S25")
def device_and_client_are_kept_as_far_as_they_fit(phone: Phone) -> None:
    publish(form_xml("simple"))
    phone.headers["User-Agent"] = "A" * 500
    assert phone.send(SIMPLE, query="?deviceID=imei:" + "1" * 500).status_code == 201
    kept = only()
    assert kept.device.startswith("imei:111")
    assert (len(kept.device), len(kept.agent)) == (100, 200)
    assert phone.send(instance_xml("simple_two"), query="?deviceID=").status_code == 201
    assert Submission.objects.get(instance_id="two").device == ""


@case("S26")
def chunks_without_a_length_are_taken(phone: Phone) -> None:
    """How gunicorn hands a chunked body over; a real server gets one in test_live.py."""
    publish(form_xml("simple"))
    body = multipart(SIMPLE)
    answer = phone.client.generic(
        "POST", phone.path("submission"), body, f"multipart/form-data; boundary={BOUNDARY}",
        headers=phone.headers | {"Transfer-Encoding": "chunked"}, CONTENT_LENGTH="", **{"wsgi.input": Chunks(body)},
    )  # fmt: skip
    assert answer.status_code == 201


class Chunks:
    """A stream that ends when it ends."""

    closed = False

    def __init__(self, content: bytes) -> None:
        self.content = content

    def close(self) -> None:
        """The request is over."""

    def readline(self) -> bytes:
        raise AssertionError("a body is not read by lines")

    def read(self, size: int) -> bytes:
        found, self.content = self.content[:7], self.content[7:]
        return found


@case("S27")
def more_than_was_offered_is_refused(phone: Phone, monkeypatch) -> None:
    publish(form_xml("binaryType"))
    monkeypatch.setattr(openrosa, "MOST_BYTES", 10_000)
    answer = phone.send(instance_xml("binaryType_one"), attached("my_file1.mp4", FILM + b"\0" * 10_000))
    assert answer.status_code == 413
    assert told(answer)[0] == "error"
    assert not Submission.objects.exists()


@case("S28")
def entities_are_refused(phone: Phone, data) -> None:
    publish(form_xml("simple"))
    secret = data / "secret.txt"
    secret.write_text("geheim")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    for entity in (f'<!ENTITY x SYSTEM "file://{secret}">', f'<!ENTITY l0 "ha">{laughs}'):
        name = "x" if "SYSTEM" in entity else "l11"
        xml = f"<!DOCTYPE data [{entity}]>" + SIMPLE.decode().replace("Alice", f"&{name};")
        answer = phone.send(xml.encode())
        assert answer.status_code == 400
        assert "geheim" not in answer.content.decode()
    assert not Submission.objects.exists()


@case("S29")
def a_record_without_identity_is_refused(phone: Phone) -> None:
    publish(form_xml("simple"))
    for xml in (SIMPLE.replace(b"one", b""), b'<data id="simple"><name>Alice</name></data>'):
        answer = phone.send(xml)
        assert answer.status_code == 400
        assert "instanceID" in told(answer)[1]


@case("S30")
def long_identities_are_taken(phone: Phone) -> None:
    publish(form_xml("simple"))
    assert phone.send(SIMPLE.replace(b"one", b"u" * 249)).status_code == 201
    assert only().instance_id == "u" * 249


@case("F1")
def without_a_link_there_is_no_list(phone: Phone) -> None:
    assert Phone(None).get("formList").status_code == 401


@case("F2")
def who_has_no_form_gets_an_empty_list(linked, users_by_role, regions) -> None:
    four_visits("cadre")
    in_charge(users_by_role["visitor"], regions, role="class_teacher")
    answer = linked("visitor").get("formList")
    assert answer.status_code == 200
    assert f'<xforms xmlns="{NAMESPACES["list"]}"></xforms>' in answer.content.decode()


@case("F3")
def every_form_is_listed_whole(phone: Phone) -> None:
    for name in ("simple", "withrepeat", "withAttachments"):
        publish(form_xml(name))
    publish(versioned("two"))
    answer = phone.get("formList")
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    listed = phone.listed()
    assert sorted(item["formID"] for item in listed) == ["simple", "withAttachments", "withrepeat"]
    for item in listed:
        assert {"formID", "name", "version", "hash", "downloadUrl"} <= set(item)
        form = phone.get(item["downloadUrl"].removeprefix("http://testserver"))
        assert item["hash"] == "md5:" + hashlib.md5(form.content).hexdigest()
        assert item["hash"] == (OF_TWO if item["formID"] == "simple" else HASHES[item["formID"]])


@case("F4")
def a_form_without_version_has_an_empty_one(phone: Phone) -> None:
    publish(form_xml("simple"))
    assert "<version></version>" in phone.get("formList").content.decode()


@case("F5")
def a_form_without_title_is_called_by_its_id(phone: Phone) -> None:
    publish(form_xml("simple"), title="")
    assert phone.listed()[0]["name"] == "simple"


@case("F6")
def one_form_may_be_asked_for(phone: Phone) -> None:
    publish(form_xml("simple"))
    publish(form_xml("withrepeat"))
    assert [item["formID"] for item in phone.listed("?formID=withrepeat")] == ["withrepeat"]


@case("F7")
def asking_for_an_unknown_form_lists_nothing(phone: Phone) -> None:
    publish(form_xml("simple"))
    assert phone.listed("?formID=xyz") == []


@case("F8")
def forms_go_to_those_whose_visits_they_are(linked, users_by_role, regions) -> None:
    mine, other = four_visits("cadre"), four_visits("teacher", "withrepeat")
    in_charge(users_by_role["visitor"], regions, role="helper")
    phone = linked("visitor")
    assert [item["formID"] for item in phone.listed()] == ["simple"]
    assert phone.listed()[0]["downloadUrl"] == f"http://testserver/key/{phone.key}/forms/{mine.pk}/form.xml"
    assert phone.get(f"forms/{other.pk}/form.xml").status_code == 403


@case("F9")
def closed_forms_are_not_listed(phone: Phone) -> None:
    publish(form_xml("simple"))
    publish(form_xml("withrepeat"))
    Form.objects.filter(form_id="simple").update(state=Form.State.CLOSING)
    Form.objects.filter(form_id="withrepeat").update(state=Form.State.CLOSED)
    assert phone.listed() == []


@case("F10", ours="addresses hold the version's number, not the form's id; only names of files are percent-encoded")
def addresses_hold_nothing_to_escape(phone: Phone) -> None:
    publish(form_xml("simple").replace('id="simple"', 'id="with attachments"'), media={"好 表.csv": b"a,b\n"})
    (item,) = phone.listed()
    assert " " not in item["downloadUrl"] + item["manifestUrl"]
    (file,) = manifest(phone, item)
    assert file["downloadUrl"].endswith("/media/%E5%A5%BD%20%E8%A1%A8.csv")
    assert phone.get(file["downloadUrl"].removeprefix("http://testserver")).content == b"a,b\n"


@case("F11")
def a_manifest_is_named_where_there_are_files(phone: Phone) -> None:
    publish(form_xml("simple"))
    publish(form_xml("withAttachments"), media={"goodone.csv": b"a"})
    listed = {item["formID"]: item for item in phone.listed()}
    assert "manifestUrl" in listed["withAttachments"]
    assert "manifestUrl" not in listed["simple"]


@case("F12")
def titles_are_escaped_once(phone: Phone) -> None:
    publish(form_xml("simple"), title="Crate & Barrel")
    assert "<name>Crate &amp; Barrel</name>" in phone.get("formList").content.decode()


@case(
    "F13", ours="one installation has one set of forms and no projects: an id is one form, listed in its newest version"
)
def a_form_is_listed_once_in_its_newest_version(phone: Phone) -> None:
    publish(form_xml("simple"))
    publish(versioned("two"))
    (item,) = phone.listed()
    assert (item["version"], item["hash"]) == ("two", OF_TWO)


@case("F14")
def parameters_nobody_knows_do_no_harm(phone: Phone) -> None:
    publish(form_xml("simple"))
    for query in ("?verbose=true", "?deviceID=x", "?listAllVersions=true", "?nonsense=%00&x"):
        assert phone.get(f"formList{query}").status_code in ((200,) if "%00" not in query else (400,))


@case("F15")
def every_hash_says_that_it_is_md5(phone: Phone) -> None:
    publish(form_xml("withAttachments"), media={"goodone.csv": b"a"})
    (item,) = phone.listed()
    assert all(each["hash"].startswith("md5:") and len(each["hash"]) == 36 for each in (item, *manifest(phone, item)))


@case("M1")
def a_manifest_of_somebody_elses_form_is_refused(linked, users_by_role, regions) -> None:
    other = four_visits("teacher")
    in_charge(users_by_role["visitor"], regions, role="helper")
    assert linked("visitor").get(f"forms/{other.pk}/manifest").status_code == 403


@case("M2")
def a_manifest_may_be_empty(phone: Phone) -> None:
    form = publish(form_xml("simple"))
    answer = phone.get(f"forms/{form.pk}/manifest")
    assert answer.status_code == 200
    assert f'<manifest xmlns="{NAMESPACES["manifest"]}"></manifest>' in answer.content.decode()


@case("M3")
def files_there_are_not_are_not_listed(phone: Phone) -> None:
    form = publish(form_xml("withAttachments"), media={"goodone.csv": b"test,csv\n1,2"})
    (file,) = entries(phone.get(f"forms/{form.pk}/manifest").content, "manifest", "mediaFile")
    assert (file["filename"], file["hash"]) == ("goodone.csv", "md5:2241de57bbec8144c8ad387e69b3a3ba")


@case("M4")
def a_file_without_hash_is_not_listed(phone: Phone) -> None:
    form = publish(form_xml("withAttachments"), media={"goodone.csv": b"a", "hashless.csv": b"b"})
    form.media.filter(name="hashless.csv").update(md5="")
    assert [file["filename"] for file in manifest(phone, phone.listed()[0])] == ["goodone.csv"]


@case("M5")
def a_name_that_leads_elsewhere_is_not_listed(phone: Phone) -> None:
    publish(form_xml("withAttachments"), media={"goodone.csv": b"a", "/../badgers.csv": b"b", "..": b"c"})
    assert [file["filename"] for file in manifest(phone, phone.listed()[0])] == ["goodone.csv"]


@case(
    "M6",
    ours="no entity lists: lists of households are ordinary CSV files, so there is neither type nor integrityUrl",
)
def lists_are_plain_files(phone: Phone) -> None:
    publish(form_xml("withAttachments"), media={"goodone.csv": b"a"})
    answer = phone.get(phone.listed()[0]["manifestUrl"].removeprefix("http://testserver"))
    assert "<mediaFile>" in answer.content.decode()
    assert "integrityUrl" not in answer.content.decode()


@case("E1")
def errors_are_told_in_the_protocols_words(phone: Phone) -> None:
    answers = [
        Phone(None).get("formList"),
        Phone("x" * 64).get("formList"),
        phone.send(b"<x"),
        phone.get("forms/999999/form.xml"),
        phone.get("nowhere"),
        phone.client.delete(phone.path("formList")),
    ]
    for answer in answers:
        assert answer.status_code >= 400
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
        nature, message = told(answer)
        assert nature == "error"
        assert any("\u4e00" <= character <= "\u9fff" for character in message)


@case("E2")
def what_nobody_expected_is_a_500(phone: Phone, monkeypatch) -> None:
    publish(form_xml("simple"))

    def broken(**_: object) -> None:
        raise RuntimeError("Alice 13812345678")

    monkeypatch.setattr(receiving, "receive", broken)
    answer = phone.send(SIMPLE)
    assert answer.status_code == 500
    assert told(answer)[0] == "error"
    assert "Alice" not in answer.content.decode()


@case("R1", ours="the date is the web server's to write, as for every page; test_live.py finds it there once")
def every_answer_names_the_protocol(phone: Phone) -> None:
    form = publish(form_xml("simple"))
    for answer in (phone.head(), phone.send(SIMPLE), phone.get("formList"), phone.get(f"forms/{form.pk}/form.xml"),
                   phone.get(f"forms/{form.pk}/manifest"), Phone(None).get("formList")):  # fmt: skip
        assert answer.headers["X-OpenRosa-Version"] == "1.0"
        assert answer.headers["Content-Language"] == "zh-Hans"


@case("A1", ours="no passwords at all, neither Basic nor Digest: a link can be revoked and tells nobody a password")
def passwords_are_neither_asked_for_nor_looked_at(phone: Phone, users_by_role) -> None:
    told_in = base64.b64encode(b"town:Fengjie-2024!").decode()
    answer = Phone(None, headers={"X-OpenRosa-Version": "1.0", "Authorization": f"Basic {told_in}"}).get("formList")
    assert answer.status_code == 401
    assert not any(scheme in answer.headers["WWW-Authenticate"].lower() for scheme in ("basic", "digest"))


@case("Q1")
def the_qr_code_holds_the_address_and_no_other_secret(phone: Phone, users_by_role) -> None:
    url = f"https://huqing.example/key/{phone.key}"
    payload = json.loads(zlib.decompress(base64.b64decode(links.collect_settings(url))))
    assert set(payload) == {"general", "admin", "project"}
    assert payload["general"]["server_url"] == url
    assert payload["general"]["app_language"] == "zh"
    assert not {"username", "password"} & set(payload["general"])
    assert users_by_role["town"].password not in str(payload)
    assert links.settings_qr(url).startswith("<svg")


def four_visits(visit: str, form: str = "simple") -> FormVersion:
    """A form of a visit of the shipped method 四访."""
    method = Method.objects.filter(key="four_visits").first() or Method.objects.create(
        key="four_visits", version="1", title="四访", digest="0", installed_at=dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
    )
    return publish(form_xml(form), method=method, visit=visit)


def in_charge(user, regions, role: str) -> None:
    """The account is responsible for the village in this role."""
    staff = Staff.objects.create(name="王芳", kind="1", user=user, region_code=regions.village.code)
    Responsibility.objects.create(
        staff=staff, role=role, region_code=regions.village.code, village=regions.village, since=dt.date(2020, 1, 1)
    )


def manifest(phone: Phone, listed: dict[str, str]) -> list[dict[str, str]]:
    answer = phone.get(listed["manifestUrl"].removeprefix("http://testserver"))
    assert answer.status_code == 200
    return entries(answer.content, "manifest", "mediaFile")


def arrived() -> dict[str, str]:
    """The attachments of the only submission: name and kind, "" for what has not come."""
    return {item.name: item.kind if item.sha256 else "" for item in only().attachments.all()}


@pytest.mark.parametrize("name", list(GIVEN))
def test_case(name: str, request: pytest.FixtureRequest) -> None:
    check = CASES[name]
    wanted = check.__code__.co_varnames[: check.__code__.co_argcount]
    check(**{each: request.getfixturevalue(each) for each in wanted})


def test_every_case_is_tested_and_every_difference_is_in_the_handbook() -> None:
    assert list(CASES) == list(GIVEN)
    assert len(GIVEN) == 62
    handbook = (FIXTURES.parents[2] / "docs" / "how-to" / "phones.md").read_text(encoding="utf-8")
    assert [name for name in OURS if f"| {name} |" not in handbook] == []
