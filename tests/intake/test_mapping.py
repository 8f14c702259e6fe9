"""Columns of a file find their fields, and a person sees why."""

from __future__ import annotations

import pytest

from huqing.intake.mapping import columns_hash, explain, propose
from huqing.standards.fields import record_kinds

PERSON = record_kinds()["person"]
HOUSEHOLD = record_kinds()["household"]


@pytest.mark.parametrize("kind", record_kinds().values(), ids=lambda kind: kind.key)
def test_the_declared_labels_and_every_alias_find_their_field(kind):
    proposal = propose([field.label for field in kind.fields], kind)
    assert proposal.fields == {field.label: field.key for field in kind.fields}
    assert proposal.sure
    for field in kind.fields:
        for alias in field.aliases:
            assert propose([alias], kind).columns[0].field, (field.key, alias)


@pytest.mark.parametrize(
    "label",
    [
        "工资性收入（元/年）",
        "*工资性收入",
        "工资性\n收入",
        " 工资性 收入 ",
        "工资性收入[元]",
        "１．工资性收入",
        "工资性收入*\n(元)",
        "aac073",
    ],
)
def test_units_stars_numbering_and_line_breaks_do_not_matter(label):
    assert propose([label], HOUSEHOLD).fields == {label: "wage_income"}


def test_a_close_name_is_proposed_for_confirmation_with_its_confidence():
    proposal = propose(["户编号", "成员姓名", "证件号", "与户主的关系", "享受低保情况"], PERSON)
    close = proposal.columns[4]
    assert (close.field, close.way) == ("dibao", "close")
    assert 0.7 <= close.confidence <= 0.9
    assert not proposal.sure


def test_serial_numbers_and_remarks_nobody_declared_are_left_out():
    proposal = propose(["序号", "户编号", "姓名", "证件号码", "与户主关系", "星座", "问题"], PERSON)
    assert {match.column: match.way for match in proposal.columns if not match.field} == {
        "序号": "ignored",
        "星座": "none",
        "问题": "ignored",
    }


def test_required_fields_without_a_column_are_listed():
    assert propose(["姓名"], PERSON).missing == ("户编号", "证件号码", "与户主关系")


def test_one_field_goes_to_one_column_and_the_exact_label_has_it():
    proposal = propose(["手机号", "联系电话"], PERSON)
    assert proposal.fields == {"联系电话": "phone"}


def test_a_saved_mapping_is_followed_and_what_it_does_not_know_is_proposed_as_usual():
    proposal = propose(["编码", "姓名", "旧列"], PERSON, saved={"编码": "household_number", "旧列": "gone_field"})
    assert proposal.fields == {"编码": "household_number", "姓名": "name"}
    assert proposal.columns[0].way == "template"


def test_the_key_of_a_template_forgives_spaces_and_widths_but_not_another_order():
    assert columns_hash(["姓名", "户编号（户）"]) == columns_hash([" 姓 名", "户编号(户)"])
    assert columns_hash(["姓名", "户编号"]) != columns_hash(["户编号", "姓名"])


def test_the_explanation_names_label_unit_and_way():
    row = explain(propose(["工资性收入(元)"], HOUSEHOLD), HOUSEHOLD)[0]
    assert (row["label"], row["unit"], row["note"], row["percent"]) == ("工资性收入", "元/年", "列名一致", 95)
