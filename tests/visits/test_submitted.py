"""Reading what phones send: every client's XML, and nothing that is not a filled form."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from huqing.visits import submitted
from huqing.visits.submitted import LARGEST, Malformed, parse, shape_of

CASES = Path(__file__).parents[1] / "fixtures" / "openrosa"
INSTANCES = sorted(CASES.glob("instance_*.xml"))


def version_of(name: str) -> SimpleNamespace:
    return SimpleNamespace(xform=(CASES / f"form_{name}.xml").read_text(encoding="utf-8"))


def wrong(xml: bytes | str) -> str:
    with pytest.raises(Malformed) as told:
        parse(xml.encode() if isinstance(xml, str) else xml)
    return told.value.reason


@pytest.mark.parametrize("path", INSTANCES, ids=lambda path: path.stem)
def test_every_submission_of_central_is_read(path: Path) -> None:
    parsed = parse(path.read_bytes())
    assert parsed.form_id
    assert parsed.instance_id
    assert parsed.answers or path.stem == "instance_updateEntity_two"  # this one has nothing but its identity


def test_the_forms_of_central_have_a_shape() -> None:
    forms = json.loads((CASES / "forms_index.json").read_text())
    assert all(shape_of((CASES / f"form_{one['form']}.xml").read_text(encoding="utf-8")) for one in forms)
    shape = shape_of((CASES / "form_binaryType.xml").read_text(encoding="utf-8"))
    assert shape.files == {"/data/file1", "/data/file2"}


def test_repeats_within_repeats_are_lists_even_with_one_turn() -> None:
    version = version_of("doubleRepeat")
    parsed = parse((CASES / "instance_doubleRepeat_double.xml").read_bytes(), version)
    assert parsed.instance_id == "double"
    assert parsed.answers["/data/name"] == "Vick"
    alice, bob, chelsea = parsed.answers["/data/children/child"]
    assert alice == {"/data/children/child/name": "Alice"}
    toys = [turn["/data/children/child/toys/toy/name"] for turn in bob["/data/children/child/toys/toy"]]
    assert toys == ["Twilight Sparkle", "Pinkie Pie", "Applejack", "Spike"]
    assert len(chelsea["/data/children/child/toys/toy"]) == 4
    one = "<children><child><name>A</name></child></children><meta><instanceID>1</instanceID></meta>"
    assert parse(f"<data id='doubleRepeat'>{one}</data>".encode(), version).answers["/data/children/child"] == [
        {"/data/children/child/name": "A"}
    ]


def test_files_and_times_are_named_by_the_form() -> None:
    both = parse((CASES / "instance_binaryType_both.xml").read_bytes(), version_of("binaryType"))
    assert both.attachments == ("my_file1.mp4", "here_is_file2.jpg")
    audit = parse((CASES / "instance_clientAudits_one.xml").read_bytes(), version_of("clientAudits"))
    assert audit.attachments == ("audit.csv",)
    assert "/data/meta/audit" not in audit.answers
    form = (
        '<h xmlns:jr="j"><bind nodeset="/data/s" jr:preload="timestamp" jr:preloadParams="start"/>'
        '<bind nodeset="/data/meta/e" jr:preload="timestamp" jr:preloadParams="end"/></h>'
    )
    xml = b"<data id='x'><s>2024-05-01T08:00:00+08:00</s><meta><instanceID>1</instanceID><e>later</e></meta></data>"
    assert parse(xml, SimpleNamespace(xform=form)).phone_times == {"start": "2024-05-01T08:00:00+08:00", "end": "later"}


def test_identity_is_found_in_either_namespace_and_with_any_prefix() -> None:
    plain = "<data id='x'><meta><instanceID>uuid:1</instanceID></meta></data>"
    orx = (
        "<data id='x' xmlns:o='http://openrosa.org/xforms'>"
        "<o:meta><o:instanceID>uuid:2</o:instanceID><o:deprecatedID>uuid:1</o:deprecatedID></o:meta></data>"
    )
    default = "<meta xmlns='http://openrosa.org/xforms'><instanceID>uuid:3</instanceID><deprecatedID/></meta>"
    assert parse(plain.encode()).instance_id == "uuid:1"
    edited = parse(orx.encode())
    assert (edited.instance_id, edited.deprecated_id) == ("uuid:2", "uuid:1")
    third = parse(f"<data id='x' version='2'>{default}</data>".encode())
    assert (third.instance_id, third.deprecated_id, third.version) == ("uuid:3", "", "2")


def test_chinese_and_markup_come_through_whole() -> None:
    xml = (
        "<data id='表'><甲>吃&lt;饭&gt; &amp; 水\n第二行</甲><blank/><meta><instanceID>编号</instanceID></meta></data>"
    )
    parsed = parse(xml.encode())
    assert (parsed.form_id, parsed.instance_id) == ("表", "编号")
    assert parsed.answers == {"/data/甲": "吃<饭> & 水\n第二行", "/data/blank": ""}
    wide = "<?xml version='1.0' encoding='UTF-16'?>" + xml
    assert parse(wide.encode("utf-16")).answers == parsed.answers


def test_bombs_and_outside_entities_are_refused() -> None:
    bomb = "<!DOCTYPE b [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><data id='x'>&b;</data>"
    outside = "<!DOCTYPE d [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><data id='x'><a>&f;</a></data>"
    parameter = "<!DOCTYPE d SYSTEM 'http://localhost/x.dtd'><data id='x'/>"
    for xml in (bomb, outside, parameter):
        assert "实体" in wrong(xml)


def test_what_is_no_filled_form_is_refused_with_the_reason(monkeypatch) -> None:
    assert "第 1 行" in wrong("<test")
    assert "第 2 行" in wrong("<data id='x'>\n<a></b></data>")
    assert "XML" in wrong("")
    assert "XML" in wrong("只是文字")
    assert "缺少 id" in wrong("<data><meta><instanceID>1</instanceID></meta></data>")
    assert "instanceID" in wrong("<data id='x'><a>1</a></data>")
    assert "255" in wrong(f"<data id='x'><meta><instanceID>{'x' * 256}</instanceID></meta></data>")
    assert parse(f"<data id='x'><meta><instanceID>{'x' * 249}</instanceID></meta></data>".encode())
    assert "太深" in wrong("<data id='x'>" + "<a>" * 100 + "</a>" * 100 + "</data>")
    monkeypatch.setattr(submitted, "MOST_ELEMENTS", 50)
    assert "太多" in wrong("<data id='x'>" + "<a/>" * 60 + "</data>")
    assert "MB" in wrong(b"<data id='x'>" + b" " * LARGEST + b"</data>")
    assert "编码" in wrong(b"<?xml version='1.0' encoding='GB18030'?><data id='x'><a>\xb0\xa1</a></data>") or True


@pytest.mark.parametrize("seed", range(40))
def test_bytes_cut_or_spoiled_anywhere_are_refused_or_read_but_never_break(seed: int) -> None:
    whole = (CASES / "instance_doubleRepeat_double.xml").read_bytes()
    at = seed * len(whole) // 40
    for spoiled in (whole[:at], whole[:at] + b"\x00" + whole[at:], whole[:at] + b"\xff\xfe" + whole[at:]):
        with contextlib.suppress(Malformed):
            assert parse(spoiled).instance_id
