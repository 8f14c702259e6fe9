from __future__ import annotations

from datetime import date

import pytest

from huqing.access.seal import token, unseal
from huqing.registry.models import Entry, Household, Membership, Person

MAY, JUNE, JULY = date(2024, 5, 31), date(2024, 6, 30), date(2024, 7, 31)
COUNTS = ("added", "changed", "unchanged", "missing", "refused")


def counts(done) -> tuple[int, ...]:
    return tuple(done.counts[name] for name in COUNTS)


def messages(done) -> list[tuple[str, int, str]]:
    return [(one.severity, one.row_number, one.message) for one in done.problems.order_by("row_number")]


@pytest.fixture
def homes(take, rows):
    """Two households of 砚瓦村 without members, known since May."""
    take([rows.household(家庭人口数=""), rows.household(户编号="500236H0002", 户主姓名="李四")], on=MAY)
    return {one.number[-1]: one for one in Household.objects.all()}


def test_a_new_person_gets_a_file_and_a_membership(take, rows, homes):
    done = take([rows.person(联系电话="16012345678")], kind="person")
    person = Person.objects.get()
    membership = Membership.objects.get()
    assert counts(done) == (1, 0, 0, 0, 0)
    assert (person.household, person.relation, person.region_code) == (homes["1"], "01", homes["1"].region_code)
    assert (person.name_pinyin, person.sex, person.id_state, person.id_sex) == ("zds", "1", "valid", "1")
    assert person.birth_date == person.id_birth_date == date(1980, 1, 1)
    assert unseal(person.id_number_sealed) == rows.id_number()
    assert person.id_token == token("id_number", rows.id_number())
    assert person.items == {"nationality": "01", "health": ["01"], "labour": "01"}
    assert (membership.person, membership.household, membership.joined_on, membership.left_on) == (
        person,
        homes["1"],
        JUNE,
        None,
    )


def test_somebody_who_came_by_birth_or_marriage_is_a_member_since_that_day(take, rows, homes):
    take([{**rows.person(), "家庭成员变更原因": "新生儿", "变更时间": "2024-02-03"}], kind="person")
    membership = Membership.objects.get()
    assert (membership.joined_on, membership.join_reason) == (date(2024, 2, 3), "06")


def test_the_same_roster_again_changes_nothing(take, rows, homes):
    file = [rows.person(), rows.person(姓名="张小山", 与户主关系="之子", 证件号码=rows.id_number("20050505", 3))]
    take(file, kind="person")
    before = list(Person.objects.order_by("id").values())
    again = take(file, kind="person")
    assert counts(again) == (0, 0, 2, 0, 0)
    assert list(Person.objects.order_by("id").values()) == before
    assert Membership.objects.count() == 2
    assert not Entry.objects.filter(person__isnull=False).exists()


def test_changed_values_become_an_entry_of_the_person(take, rows, homes):
    take([rows.person()], kind="person")
    done = take([rows.person(健康状况="残疾", 与户主关系="其他", 联系电话="16012345678")], kind="person", on=JULY)
    entry = Entry.objects.get()
    assert counts(done) == (0, 1, 0, 0, 0)
    assert (entry.household, entry.person, entry.on) == (homes["1"], Person.objects.get(), JULY)
    assert entry.changes == {
        "health": [["01"], ["04"]],
        "relation": ["01", "99"],
        "phone": [None, "160****5678"],
    }
    assert Person.objects.get().items["health"] == ["04"]
    assert Membership.objects.get().relation == "99"


def test_an_unknown_household_refuses_the_row(take, rows, homes):
    done = take([rows.person(), rows.person(户编号="500236H0009")], kind="person")
    assert messages(done) == [("refused", 3, "管辖范围内没有这一户")]
    assert Person.objects.count() == 1


def test_a_household_without_a_declared_size_gets_the_number_of_its_people(take, rows, homes):
    take([rows.person(), rows.person(姓名="张小山", 证件号码=rows.id_number("20050505", 3))], kind="person")
    assert Household.objects.get(number="500236H0001").member_count == 2
    assert Household.objects.get(number="500236H0002").member_count == 2


def test_people_whom_the_file_does_not_name_are_reported_and_stay(take, rows, homes):
    take([rows.person(), rows.person(姓名="张小山", 证件号码=rows.id_number("20050505", 3))], kind="person")
    done = take([rows.person()], kind="person", on=JULY)
    assert counts(done) == (0, 0, 1, 1, 0)
    assert [one.person.name for one in done.missing.all()] == ["张小山"]
    assert Membership.objects.filter(left_on__isnull=True).count() == 2


def test_a_person_whom_a_newer_file_names_in_another_household_has_moved(take, rows, homes):
    take([rows.person()], kind="person")
    done = take([rows.person(户编号="500236H0002", 与户主关系="其他")], kind="person", on=JULY)
    person = Person.objects.get()
    assert (person.household, person.relation) == (homes["2"], "99")
    assert list(Membership.objects.order_by("id").values_list("household__number", "joined_on", "left_on")) == [
        ("500236H0001", JUNE, JULY),
        ("500236H0002", JULY, None),
    ]
    assert messages(done) == [("warning", 2, "由户 500236H0001 转入本户")]
    assert Entry.objects.get().changes == {
        "household_number": ["500236H0001", "500236H0002"],
        "relation": ["01", "99"],
    }
    again = take([rows.person(户编号="500236H0002", 与户主关系="其他")], kind="person", on=JULY)
    assert counts(again) == (0, 0, 1, 0, 0)


def test_an_older_file_does_not_move_somebody_back(take, rows, homes):
    take([rows.person()], kind="person", on=MAY)
    take([rows.person(户编号="500236H0002")], kind="person", on=JULY)
    take([rows.person(姓名="王五", 证件号码=rows.id_number("19700707", 5))], kind="person", on=JUNE)
    done = take(
        [rows.person(), rows.person(姓名="王五", 证件号码=rows.id_number("19700707", 5))], kind="person", on=JUNE
    )
    assert messages(done) == [("refused", 2, "此人在更新的数据中已转入另一户，本表的日期较早")]
    assert Person.objects.get(name="张大山").household == homes["2"]


def test_one_person_in_two_households_of_one_file_is_two_people_until_somebody_decides(take, rows, homes):
    file = [rows.person(), rows.person(户编号="500236H0002")]
    done = take(file, kind="person")
    assert counts(done) == (2, 0, 0, 0, 0)
    assert sorted(Person.objects.values_list("household__number", "name")) == [
        ("500236H0001", "张大山"),
        ("500236H0002", "张大山"),
    ]
    assert Person.objects.values("id_token").distinct().count() == 1
    assert messages(done) == [("warning", 3, "证件号码与第 2 行的张大山相同，已分别登记")]
    again = take(file, kind="person", on=JULY)
    assert counts(again) == (0, 0, 2, 0, 0)
    assert again.counts["moved"] == 0


def test_one_person_in_two_files_of_the_same_day_is_two_people_until_somebody_decides(take, rows, homes):
    take([rows.person()], kind="person")
    done = take([rows.person(户编号="500236H0002")], kind="person")
    assert counts(done) == (1, 0, 0, 0, 0)
    assert messages(done) == [("warning", 2, "证件号码与户 500236H0001的张大山相同，已分别登记")]


def test_two_names_with_one_number_are_two_people(take, rows, homes):
    done = take([rows.person(), rows.person(姓名="张小山", 与户主关系="之子")], kind="person")
    assert Person.objects.count() == 2
    assert [one[0] for one in messages(done)] == ["warning"]


def test_a_corrected_name_or_number_is_the_same_person(take, rows, homes):
    take([rows.person(), rows.person(姓名="张小山", 证件号码=rows.id_number("20050505", 3))], kind="person")
    done = take(
        [rows.person(姓名="张大川"), rows.person(姓名="张小山", 证件号码=rows.id_number("20050506", 3))],
        kind="person",
        on=JULY,
    )
    assert counts(done) == (0, 2, 0, 0, 0)
    assert Person.objects.count() == 2
    assert [one[0] for one in messages(done) if one[1] in (2, 3)].count("warning") >= 2
    changes = {key: value for entry in Entry.objects.all() for key, value in entry.changes.items()}
    assert changes["name"] == ["张大山", "张大川"]
    old, new = rows.id_number("20050505", 3), rows.id_number("20050506", 3)
    assert changes["id_number"] == [f"{one[:3]}{'*' * 11}{one[-4:]}" for one in (old, new)]


def test_a_person_of_another_town_cannot_be_taken_over(take, rows, make_household, regions, users_by_role, homes):
    make_household(village=regions.other_village, members=("张大山",), id_numbers=(rows.id_number(),))
    other = rows.person(姓名="王五", 证件号码=rows.id_number("19700707", 5))
    done = take([rows.person(), other], kind="person", by=users_by_role["town"], region="500236101")
    assert messages(done) == [("refused", 2, "此人登记在管辖范围以外的农户")]
    assert Person.objects.filter(name="张大山").count() == 1


def test_nothing_stored_or_shown_holds_a_whole_number(take, rows, homes):
    from django.apps import apps

    number, phone = rows.id_number(), "16012345678"
    take([rows.person(联系电话=phone)], kind="person")
    take([rows.person(证件号码=rows.id_number("19800102"), 联系电话="16012345670")], kind="person", on=JULY)
    for model in apps.get_models():
        for row in model._base_manager.values():
            shown = repr({key: value for key, value in row.items() if not isinstance(value, bytes | memoryview)})
            assert number not in shown
            assert phone not in shown
