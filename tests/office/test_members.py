"""Changing a household's people, head, labels and grid on the screen."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from huqing.access.models import AuditEvent
from huqing.registry.models import DepartmentRecord, Grid, Household, Label, Person, Source
from huqing.standards.idnumbers import check_digit

from .reading import text_of

TODAY = dt.date(2026, 6, 30)
ON = {"on": TODAY.isoformat(), "reason": "入户核实"}
NEW_ID = "99010120240101" + "123"
NEW_ID += check_digit(NEW_ID)


@pytest.fixture(autouse=True)
def on_that_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)


def post(client, view, pk, /, **data):
    return client.post(reverse(f"office:{view}", args=[pk]), {**ON, **data}, follow=True)


class TestJoining:
    def test_a_child_is_born(self, as_role, family):
        said = text_of(
            post(as_role("village"), "member-add", family.pk, join_reason="06", name="王小红", relation="03", sex="2")
        )
        assert "王小红已加入本户" in said
        child = Person.objects.get(name="王小红")
        assert child.household_id == family.pk
        assert Household.objects.get(pk=family.pk).member_count == 4
        assert AuditEvent.objects.filter(action="member_add").exists()

    def test_somebody_the_system_knows_brings_the_old_file_along(self, as_role, family, make_household):
        other = make_household(members=("陈静", "陈明"), id_numbers=("", NEW_ID))
        person = other.members.get(name="陈明")
        client = as_role("village")
        refused = post(client, "member-add", family.pk, join_reason="07", name="陈明", relation="99", id_number=NEW_ID)
        assert "已在另一户中" in text_of(refused)
        post(client, "member-leave", person.pk, leave_reason="08")
        post(client, "member-add", family.pk, join_reason="07", name="陈明", relation="99", id_number=NEW_ID)
        person.refresh_from_db()
        assert person.household_id == family.pk
        assert Person.objects.filter(name="陈明").count() == 1

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"name": ""}, "这个字段是必填项"),
            ({"join_reason": "01"}, "01"),
            ({"relation": "01"}, "01"),
            ({"on": "2999-01-01"}, "日期不能晚于今天"),
            ({"on": "昨天"}, "有效"),
            ({"reason": "想改"}, "想改"),
            ({"birth_date": "0000-00-00"}, "有效"),
            ({"name": "\0"}, ""),
        ],
    )
    def test_what_does_not_fit_is_said_and_nothing_written(self, as_role, family, wrong, said):
        data = {"join_reason": "06", "name": "王小红", "relation": "03", **wrong}
        answer = post(as_role("village"), "member-add", family.pk, **data)
        assert answer.status_code in (422, 400)
        assert said in text_of(answer)
        assert Household.objects.get(pk=family.pk).members.count() == 3

    def test_what_looks_wrong_is_taken_and_said(self, as_role, family):
        data = {"join_reason": "06", "name": "王小红", "relation": "03", "id_number": "12345"}
        assert "请核对证件号码" in text_of(post(as_role("village"), "member-add", family.pk, **data))
        assert Person.objects.filter(name="王小红").exists()


class TestLeaving:
    def test_somebody_died(self, as_role, family):
        person = family.people[2]
        said = text_of(post(as_role("town"), "member-leave", person.pk, leave_reason="01"))
        assert "王小明已离开本户" in said
        person.refresh_from_db()
        assert person.household_id is None
        assert person.items["alive"] is False

    def test_the_head_stays_while_others_are_there(self, as_role, family):
        answer = post(as_role("town"), "member-leave", family.people[0].pk, leave_reason="02")
        assert "请先办理变更户主" in text_of(answer)
        assert Person.objects.get(pk=family.people[0].pk).household_id == family.pk


class TestMoving:
    def test_somebody_moves_with_labels_and_department_data(self, as_role, family, make_household, roster):
        other = make_household(members=("陈静",))
        person = family.people[1]
        DepartmentRecord.objects.create(
            kind="insured",
            fingerprint="x",
            household=family.household,
            person=person,
            region_code=family.household.region_code,
            source=roster,
            row_number=1,
        )
        said = text_of(post(as_role("village"), "member-transfer", person.pk, number=other.number, relation="99"))
        assert "李秀英已转到陈静户" in said
        person.refresh_from_db()
        assert (person.household_id, person.relation) == (other.pk, "99")
        assert Label.objects.get(person=person).household_id == other.pk
        assert DepartmentRecord.objects.get(fingerprint="x").household_id == other.pk
        assert [row.member_count for row in Household.objects.order_by("pk")] == [2, 2]
        assert person.memberships.filter(left_on=None).count() == 1
        assert person.memberships.count() == 2
        assert AuditEvent.objects.get(action="member_transfer").detail["into"] == other.pk

    def test_only_into_a_household_one_sees(self, as_role, family, make_household, regions):
        foreign = make_household(village=regions.foreign_village)
        for number in (foreign.number, "nonsense", "0" * 40):
            answer = post(as_role("county"), "member-transfer", family.people[1].pk, number=number, relation="99")
            assert "没有这个户编号" in text_of(answer)
        same = post(
            as_role("county"), "member-transfer", family.people[1].pk, number=family.household.number, relation="99"
        )
        assert "请选择另一户" in text_of(same)
        cancelled = make_household(members=("旧户",))
        Household.objects.filter(pk=cancelled.pk).update(status="cancelled")
        gone = post(as_role("county"), "member-transfer", family.people[1].pk, number=cancelled.number, relation="99")
        assert "请选择另一户" in text_of(gone)
        assert family.household.members.count() == 3

    def test_the_head_moves_last(self, as_role, family, make_household):
        other = make_household(members=("陈静",))
        answer = post(as_role("town"), "member-transfer", family.people[0].pk, number=other.number, relation="99")
        assert "请先办理变更户主" in text_of(answer)


class TestHead:
    def test_another_member_becomes_head(self, as_role, family):
        head, wife, child = family.people
        data = {"head": wife.pk, f"relation_{head.pk}": "02", f"relation_{child.pk}": ""}
        said = text_of(post(as_role("village"), "head-change", family.pk, **data))
        assert "户主已改为李秀英" in said
        assert Household.objects.get(pk=family.pk).head_name == "李秀英"

    def test_the_old_head_needs_a_relation(self, as_role, family):
        answer = post(as_role("village"), "head-change", family.pk, head=family.people[1].pk)
        assert "请写明原户主王建国与新户主的关系" in text_of(answer)

    def test_two_people_found_a_household_of_their_own(self, as_role, family):
        _, wife, child = family.people
        data = {"head": child.pk, f"relation_{wife.pk}": "06"}
        said = text_of(post(as_role("village"), "household-split", family.pk, **data))
        assert "已分出王小明户" in said
        assert Household.objects.get(head_name="王小明").members.count() == 2
        assert family.household.members.count() == 1


class TestLabels:
    def test_a_label_is_given_and_ended(self, as_role, family):
        client = as_role("town")
        said = text_of(
            client.post(
                reverse("office:label-add", args=[family.pk]),
                {"kind": "monitor", "valid_from": "2024-01-01", "reason": "入户核实", "note": "县发〔2024〕3 号"},
                follow=True,
            )
        )
        assert "标签已增加" in said
        label = Label.objects.get(kind="monitor")
        answer = client.post(reverse("office:label-end", args=[label.pk]), {"on": "2024-05-31", "reason": "入户核实"})
        assert answer.status_code == 302
        label.refresh_from_db()
        assert label.valid_to == dt.date(2024, 5, 31)

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            ({"kind": "tuopin", "valid_from": "2024-01-01"}, "已有这个标签"),
            ({"kind": "nonsense", "valid_from": "2024-01-01"}, "nonsense"),
            ({"kind": "monitor", "valid_from": "2024-02-01", "valid_to": "2024-01-01"}, "不能早于"),
            ({"kind": "monitor", "valid_from": "2024-02-30"}, "有效"),
            ({"kind": "monitor", "valid_from": "2024-01-01", "person": "99999"}, "99999"),
        ],
    )
    def test_a_label_that_does_not_fit_is_refused(self, as_role, family, data, said):
        answer = as_role("town").post(
            reverse("office:label-add", args=[family.pk]), {"reason": "入户核实", **data}, follow=True
        )
        assert answer.status_code == 422
        assert said in text_of(answer)

    def test_labels_elsewhere_do_not_exist(self, as_role, make_household, regions, roster):
        foreign = make_household(village=regions.foreign_village)
        label = Label.objects.create(kind="dibao", household=foreign, valid_from=dt.date(2024, 1, 1), source=roster)
        for name, pk in (("label-end", label.pk), ("label-add", foreign.pk)):
            assert as_role("county").post(reverse(f"office:{name}", args=[pk]), ON).status_code == 404


class TestGrids:
    def test_a_household_is_put_into_another_grid(self, as_role, family, regions):
        answer = as_role("village").post(
            reverse("office:household-grid", args=[family.pk]), {"grid": regions.next_grid.pk}, follow=True
        )
        assert "网格已调整" in text_of(answer)
        assert Household.objects.get(pk=family.pk).grid == regions.next_grid

    def test_a_grid_worker_who_gives_a_household_away_lands_on_the_list(self, as_role, family, regions):
        answer = as_role("grid").post(
            reverse("office:household-grid", args=[family.pk]), {"grid": regions.next_grid.pk}
        )
        assert answer.url == reverse("office:households")

    def test_grids_of_other_villages_are_no_choice(self, as_role, family, regions):
        elsewhere = Grid.objects.create(
            village=regions.other_village, number=1, name="别村", region_code=regions.other_village.code
        )
        answer = as_role("county").post(reverse("office:household-grid", args=[family.pk]), {"grid": elsewhere.pk})
        assert answer.status_code == 422

    def test_whole_groups_are_put_into_a_grid(self, as_role, family, make_household, regions):
        make_household(members=("钱七",))
        answer = as_role("village").post(
            reverse("office:grid-assign", args=[regions.village.code]),
            {"groups": ["3组", ""], "grid": regions.next_grid.pk},
            follow=True,
        )
        assert "2 户有变化" in text_of(answer)
        assert regions.next_grid.households.count() == 2

    def test_only_whole_village_accounts_divide_it(self, as_role, family, regions):
        data = {"groups": ["3组"], "grid": regions.next_grid.pk}
        url = reverse("office:grid-assign", args=[regions.village.code])
        assert as_role("grid").post(url, data).status_code == 403
        assert as_role("reader").post(url, data).status_code == 403
        foreign = reverse("office:grid-assign", args=[regions.foreign_village.code])
        assert as_role("county").post(foreign, data).status_code == 404
        nothing = as_role("village").post(url, {})
        assert nothing.status_code == 422
        assert "请至少选一个小组" in text_of(nothing)

    def test_county_and_system_administrator_make_a_grid(self, as_role, regions):
        url = reverse("office:grid-add", args=[regions.village.code])
        assert "网格已建立" in text_of(as_role("system_admin").post(url, {"name": "砚瓦三网格"}, follow=True))
        assert Grid.objects.get(name="砚瓦三网格").number == 3
        assert "网格已建立" in text_of(as_role("county").post(url, {"name": "砚瓦四网格"}, follow=True))
        for role in ("reader", "village", "grid"):
            assert as_role(role).post(url, {"name": "x"}).status_code == 403
        assert as_role("system_admin").post(url, {"name": ""}).status_code == 422


@pytest.mark.parametrize("role", ["reader", "visitor", "department", "system_admin"])
def test_other_roles_change_nothing(as_role, family, role):
    for name, pk in (
        ("member-add", family.pk),
        ("head-change", family.pk),
        ("household-split", family.pk),
        ("label-add", family.pk),
        ("household-grid", family.pk),
        ("member-leave", family.people[1].pk),
        ("member-transfer", family.people[1].pk),
    ):
        assert as_role(role).get(reverse(f"office:{name}", args=[pk])).status_code == 403, name


def test_another_area_does_not_exist(as_role, make_household, regions):
    foreign = make_household(village=regions.foreign_village, members=("赵六", "赵七"))
    person = foreign.members.first()
    for name, pk in (("member-add", foreign.pk), ("head-change", foreign.pk), ("member-leave", person.pk)):
        assert as_role("county").post(reverse(f"office:{name}", args=[pk]), ON).status_code == 404


def test_a_cancelled_household_is_left_as_it_is(as_role, family):
    Household.objects.filter(pk=family.pk).update(status="cancelled")
    assert as_role("county").get(reverse("office:member-add", args=[family.pk])).status_code == 404
    page = text_of(as_role("county").get(reverse("office:household", args=[family.pk])))
    assert "增加成员" not in page


def test_the_household_page_leads_to_all_of_it(as_role, family):
    page = as_role("village").get(reverse("office:household", args=[family.pk])).content.decode()
    for name in ("member-add", "head-change", "household-split", "label-add", "household-grid"):
        assert reverse(f"office:{name}", args=[family.pk]) in page
    person = as_role("village").get(reverse("office:person", args=[family.people[1].pk])).content.decode()
    for name in ("member-leave", "member-transfer"):
        assert reverse(f"office:{name}", args=[family.people[1].pk]) in person
    assert Source.objects.exists()
