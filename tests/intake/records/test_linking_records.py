from __future__ import annotations

from datetime import date

import pytest

from huqing.intake import queries, review
from huqing.intake.errors import NotAllowed, WrongState
from huqing.intake.models import LinkCandidate
from huqing.registry.models import DepartmentRecord, Household, Label, Person

JUNE, JULY = date(2024, 6, 30), date(2024, 7, 31)


@pytest.fixture
def people(take, rows):
    """张大山 and his son in 砚瓦村, 李四 in 仁和村."""
    take([rows.household(), rows.household(户编号="500236H0002", 户主姓名="李四", 行政村="仁和村")])
    take(
        [
            rows.person(),
            rows.person(姓名="张小山", 证件号码=rows.id_number("20050505", 3), 与户主关系="之子"),
            rows.person(户编号="500236H0002", 姓名="李四", 证件号码=rows.id_number("19700707", 5)),
        ],
        kind="person",
    )
    return {one.name: one for one in Person.objects.all()}


@pytest.fixture
def bill(rows):
    """A function that makes a hospital bill of 张大山."""

    def bill(number: str = "B1", **columns: str) -> dict[str, str]:
        return {
            "结算单号": number,
            "姓名": "张大山",
            "身份证号": rows.id_number(),
            "乡镇": "朱衣镇",
            "行政村": "砚瓦村",
            "就诊类别": "住院",
            "结算日期": "2024-05-03",
            "总费用": "9000",
            "个人自付": "6000.5",
            **columns,
        }

    return bill


def counts(done) -> tuple[int, ...]:
    return tuple(done.counts[name] for name in ("added", "changed", "unchanged", "linked", "queued", "unlinked"))


def test_a_row_with_id_and_name_is_about_that_person_and_the_household(take, people, bill):
    done = take([bill()], kind="medical_bill")
    record = DepartmentRecord.objects.get()
    person = people["张大山"]
    assert counts(done) == (1, 0, 0, 1, 0, 0)
    assert (record.person, record.household, record.region_code) == (person, person.household, person.region_code)
    assert (record.link_method, record.on) == ("exact", date(2024, 5, 3))
    assert record.items["self_paid"] == 600_050
    assert "name" not in record.items
    assert record.id_token == person.id_token


def test_the_same_department_file_again_changes_nothing(take, people, bill):
    file = [bill(), bill("B2", 总费用="1", 个人自付="1"), bill("B3", 身份证号="", 姓名="无名氏")]
    take(file, kind="medical_bill")
    before = list(DepartmentRecord.objects.order_by("id").values())
    again = take(list(reversed(file)), kind="medical_bill")
    assert counts(again)[:3] == (0, 0, 3)
    assert list(DepartmentRecord.objects.order_by("id").values()) == before


def test_a_changed_row_is_a_new_version_that_retires_the_old_one(take, people, bill):
    take([bill()], kind="medical_bill")
    done = take([bill(个人自付="5000")], kind="medical_bill", on=JULY)
    old, new = DepartmentRecord.objects.order_by("id")
    assert counts(done) == (0, 1, 0, 1, 0, 0)
    assert (old.retired_by, new.retired_by) == (done.source, None)
    assert new.items["self_paid"] == 500_000
    assert new.person == people["张大山"]


def test_an_older_file_does_not_replace_a_newer_version(take, people, bill):
    take([bill()], kind="medical_bill", on=JULY)
    done = take([bill(个人自付="1")], kind="medical_bill", on=JUNE)
    assert counts(done)[:3] == (0, 0, 1)
    assert DepartmentRecord.objects.get().items["self_paid"] == 600_050


def test_both_insurances_of_one_year_are_kept(take, people, rows):
    row = {"姓名": "张大山", "身份证号": rows.id_number(), "参保年度": "2024"}
    file = [{**row, "险种": "城乡居民医保"}, {**row, "险种": "城镇职工医保"}]
    assert counts(take(file, kind="insured"))[:3] == (2, 0, 0)
    assert counts(take(file, kind="insured", on=JULY))[:3] == (0, 0, 2)


def test_household_files_go_by_the_households_number(take, people):
    row = {"户编号": "500236H0002", "户主姓名": "李四", "鉴定等级": "C级", "鉴定日期": "2024-03-01"}
    take([row, {**row, "户编号": "500236H9999", "户主姓名": "无名氏"}], kind="housing")
    linked, unlinked = DepartmentRecord.objects.order_by("id")
    assert (linked.household.number, linked.person, linked.link_method) == ("500236H0002", None, "number")
    assert (unlinked.household, unlinked.region_code) == (None, "500236000000")


def test_a_row_about_nobody_is_kept_unlinked(take, people, bill, rows):
    stranger = bill(姓名="欧阳某某", 身份证号=rows.id_number("19330303", 77), 乡镇="甲高镇", 行政村="龙潭村")
    done = take([stranger], kind="medical_bill")
    record = DepartmentRecord.objects.get()
    assert counts(done) == (1, 0, 0, 0, 0, 1)
    assert (record.person, record.household, record.region_code) == (None, None, "500236102201")


def test_aid_gives_labels_to_the_person_that_end_when_it_stops(take, people, rows):
    row = {"姓名": "张大山", "身份证号": rows.id_number(), "救助类别": "低保", "救助开始日期": "2023-01-01"}
    take([row], kind="civil_affairs")
    label = Label.objects.get()
    person = people["张大山"]
    assert (label.kind, label.person, label.household) == ("dibao", person, person.household)
    assert (label.valid_from, label.valid_to) == (date(2023, 1, 1), None)
    take([{**row, "救助停止日期": "2024-07-15"}], kind="civil_affairs", on=JULY)
    assert Label.objects.get().valid_to == date(2024, 7, 15)


@pytest.fixture
def doubtful(take, people, bill):
    """A bill with 张大山's number under quite another name: only a clerk can say whose it is."""
    done = take([bill(姓名="王进才")], kind="medical_bill")
    return done, LinkCandidate.objects.filter(record__source=done.source)


def test_a_doubtful_row_waits_for_a_clerk_with_reasons(doubtful, people, users_by_role):
    done, waiting = doubtful
    assert counts(done) == (1, 0, 0, 0, 1, 0)
    candidate = queries.review_queue(users_by_role["county"]).get()
    assert candidate in waiting
    assert candidate.person == people["张大山"]
    assert {"field", "row", "person", "agreement", "weight"} == set(candidate.explanation[0])
    assert not queries.review_queue(users_by_role["department"]).exists()
    assert not queries.review_queue(users_by_role["system_admin"]).exists()


def test_accepting_links_the_record_and_is_audited(doubtful, people, users_by_role):
    from huqing.access.models import AuditEvent

    review.accept(candidate=doubtful[1].get(), by=users_by_role["town"])
    record = DepartmentRecord.objects.get()
    assert (record.person, record.household, record.link_method) == (
        people["张大山"],
        Household.objects.get(number="500236H0001"),
        "clerk",
    )
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor) == ("intake.accept_link", users_by_role["town"])
    assert not queries.review_queue(users_by_role["county"]).exists()
    with pytest.raises(WrongState):
        review.reject(candidate=doubtful[1].get(), by=users_by_role["town"])


def test_rejecting_leaves_the_record_unlinked(doubtful, users_by_role):
    review.reject(candidate=doubtful[1].get(), by=users_by_role["county"])
    assert DepartmentRecord.objects.get().person is None
    assert not queries.review_queue(users_by_role["county"]).exists()


def test_only_a_clerk_of_the_region_decides(doubtful, users_by_role):
    other = users_by_role["town"]
    other.region_code = "500236102"
    other.save()
    for user in (other, users_by_role["department"], users_by_role["reader"], users_by_role["audit_admin"]):
        with pytest.raises(NotAllowed):
            review.accept(candidate=doubtful[1].get(), by=user)


def test_a_link_that_a_clerk_made_is_kept_by_the_next_version(doubtful, take, bill, people, users_by_role):
    review.accept(candidate=doubtful[1].get(), by=users_by_role["county"])
    take([bill(姓名="王进才", 个人自付="7000")], kind="medical_bill", on=JULY)
    new = DepartmentRecord.objects.get(retired_by=None)
    assert (new.person, new.link_method) == (people["张大山"], "clerk")


def test_a_department_takes_in_only_its_own_kinds(take, people, bill, rows, users_by_role):
    user = users_by_role["department"]
    take([bill()], kind="medical_bill", by=user)
    with pytest.raises(NotAllowed, match="民政局"):
        take(
            [{"姓名": "张大山", "身份证号": rows.id_number(), "救助类别": "低保", "救助开始日期": "2023-01-01"}],
            kind="civil_affairs",
            by=user,
        )
    assert {one.record_kind for one in queries.imports(user)} == {"medical_bill"}


def test_rows_that_came_before_their_people_are_linked_when_the_roster_comes(take, rows, bill):
    from huqing.intake import actions

    aid = {"姓名": "张大山", "身份证号": rows.id_number(), "救助类别": "低保", "救助开始日期": "2023-01-01"}
    take([bill(), bill("B2", 姓名="无名氏")], kind="medical_bill")
    take([aid], kind="civil_affairs")
    take([rows.household()])
    done = take([rows.person()], kind="person")
    person = Person.objects.get()
    linked = DepartmentRecord.objects.filter(person=person, household=person.household, link_method="exact")
    assert sorted(linked.values_list("kind", flat=True)) == ["civil_affairs", "medical_bill"]
    assert Label.objects.get(kind="dibao").person == person
    actions.undo(intake=done, by=None, background=False)
    assert not DepartmentRecord.objects.filter(household__isnull=False).exists()
    assert not Label.objects.filter(kind="dibao").exists()
