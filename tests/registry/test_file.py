"""Changing a file by hand: checked, dated, traced; newer values stay; numbers stay hidden."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.models import AuditEvent, User
from huqing.access.permissions import Refused
from huqing.access.seal import token, unseal
from huqing.registry import actions, queries
from huqing.registry.errors import RegistryError
from huqing.registry.models import Entry, Household, Person, Source
from huqing.registry.signals import household_changed
from huqing.standards.idnumbers import check_digit

DAY = dt.date(2024, 3, 1)
ID_NUMBER = "99023619900101001" + check_digit("99023619900101001")
PHONE = "13912345678"


@pytest.fixture
def household(make_household):
    return make_household("H1", ("张三", "01"), ("李梅", "02"), items={"wage_income": 1200000})


@pytest.fixture
def officer(db):
    return User.objects.create(username="cun", display_name="村干部", role="village", region_code="500236001001")


def edit(household, values, *, on=DAY, by=None, **more):
    return actions.set_values(household=household, values=values, by=by, on=on, reason="入户核实", **more)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


class TestValues:
    def test_a_value_is_stored_with_source_date_and_history(self, household, officer):
        edit(household, {"wage_income": "15000.50", "fuel": "清洁能源"}, by=officer)
        assert fresh(household).items == {"wage_income": 1500050, "fuel": "04"}
        entry = Entry.objects.get()
        assert entry.changes == {"wage_income": [1200000, 1500050], "fuel": [None, "04"]}
        assert (entry.on, entry.source.kind, entry.source.title) == (DAY, "manual", "页面修改：入户核实")
        assert entry.source.created_by == officer
        event = AuditEvent.objects.get()
        assert (event.action, event.subject_id, event.detail["fields"]) == (
            "file_edit",
            str(household.pk),
            ["wage_income", "fuel"],
        )

    def test_a_wrong_value_is_refused_with_its_field_and_nothing_is_written(self, household):
        with pytest.raises(ValidationError) as refused:
            edit(household, {"wage_income": "很多", "fuel": "03"})
        assert list(refused.value.message_dict) == ["wage_income"]
        assert fresh(household).items == {"wage_income": 1200000}
        assert Entry.objects.count() == 0
        assert AuditEvent.objects.count() == 0

    def test_an_older_value_is_history_and_does_not_replace_the_newer(self, household):
        edit(household, {"wage_income": "20000"}, on=dt.date(2024, 6, 1))
        result = edit(household, {"wage_income": "18000"}, on=dt.date(2024, 3, 1))
        assert (result.applied, result.older) == ([], ["wage_income"])
        assert fresh(household).items["wage_income"] == 2000000
        assert result.entry.changes == {"wage_income": [1200000, 1800000]}
        origin = queries.origins(fresh(household))["wage_income"]
        assert origin.on == dt.date(2024, 6, 1)

    def test_a_value_older_than_the_roster_does_not_replace_the_rosters(self, household):
        result = edit(household, {"wage_income": "18000"}, on=dt.date(2023, 6, 1))
        assert result.older == ["wage_income"]
        assert fresh(household).items["wage_income"] == 1200000

    def test_the_same_value_again_writes_nothing(self, household):
        assert edit(household, {"wage_income": "12000"}).entry is None
        assert (Entry.objects.count(), Source.objects.filter(kind="manual").count()) == (0, 0)

    def test_an_emptied_value_is_gone_not_zero(self, household):
        edit(household, {"wage_income": ""})
        assert "wage_income" not in fresh(household).items

    def test_a_phone_is_sealed_findable_and_masked_in_history(self, household):
        edit(household, {"phone": "139 1234 5678"})
        row = fresh(household)
        assert unseal(bytes(row.phone_sealed)) == PHONE
        assert (row.phone_token, row.phone_state) == (token("phone", PHONE), "mobile")
        everything = str([entry.changes for entry in Entry.objects.all()]) + str(AuditEvent.objects.get().detail)
        assert PHONE not in everything
        assert "139" in str(Entry.objects.get().changes["phone"])

    def test_an_id_number_fills_what_it_says(self, household):
        person = household.members.get(name="张三")
        edit(household, {"id_number": ID_NUMBER, "birth_date": "1990-01-01"}, person=person)
        row = fresh(person)
        assert (row.id_state, row.id_birth_date, row.id_sex) == ("valid", dt.date(1990, 1, 1), "1")
        assert row.birth_date == dt.date(1990, 1, 1)
        with pytest.raises(ValidationError) as refused:
            edit(household, {"id_number": ID_NUMBER}, person=household.members.get(name="李梅"))
        assert "id_number" in refused.value.message_dict

    def test_the_heads_new_name_is_the_households_too(self, household):
        edit(household, {"name": "张山"}, person=household.members.get(name="张三"))
        assert (fresh(household).head_name, fresh(household).head_pinyin) == ("张山", "zs")

    def test_number_village_and_unknown_fields_are_not_written_here(self, household):
        for key in ("number", "village_code", "town_name", "colour"):
            with pytest.raises(ValidationError):
                edit(household, {key: "1"})

    def test_numbers_in_the_reason_are_not_kept(self, household):
        actions.set_values(household=household, values={"fuel": "03"}, by=None, on=DAY, reason=f"电话{PHONE}核实")
        assert PHONE not in Source.objects.get(kind="manual").title + str(AuditEvent.objects.get().detail)

    def test_somebody_of_another_village_or_without_the_right_is_refused(self, household, officer):
        officer.region_code = "500236001002"
        with pytest.raises(Refused):
            edit(household, {"fuel": "03"}, by=officer)
        officer.region_code, officer.role = "500236001001", "reader"
        with pytest.raises(Refused):
            edit(household, {"fuel": "03"}, by=officer)

    def test_a_change_is_announced_once(self, household):
        heard = []

        def listen(sender, household, **kwargs):
            heard.append(household.pk)

        household_changed.connect(listen)
        try:
            edit(household, {"fuel": "03"})
        finally:
            household_changed.disconnect(listen)
        assert heard == [household.pk]


class TestMembers:
    def test_a_newborn_joins_with_date_and_reason(self, household):
        person = actions.add_member(
            household=household,
            values={"name": "张小宝", "relation": "之子", "sex": "男", "birth_date": "2024-02-20"},
            by=None,
            on=DAY,
            join_reason="06",
            reason="出生医学证明",
        )
        membership = person.memberships.get()
        assert (membership.joined_on, membership.join_reason, membership.relation) == (DAY, "06", "03")
        assert fresh(household).member_count == 3
        assert (person.region_code, person.name_pinyin) == (household.region_code, "zxb")

    def test_a_death_ends_the_membership_and_is_written_in_the_file(self, household):
        person = household.members.get(name="李梅")
        actions.remove_member(person=person, by=None, on=DAY, leave_reason="01", reason="死亡证明")
        row = fresh(person)
        assert (row.household, row.items["alive"], row.items["died_on"]) == (None, False, "2024-03-01")
        assert row.memberships.get().left_on == DAY
        assert fresh(household).member_count == 1

    def test_the_head_does_not_leave_before_another_is_head(self, household):
        head, wife = household.members.get(name="张三"), household.members.get(name="李梅")
        with pytest.raises(RegistryError, match="变更户主"):
            actions.remove_member(person=head, by=None, on=DAY, leave_reason="01", reason="死亡证明")
        actions.change_head(household=household, head=wife, relations={head.pk: "02"}, by=None, on=DAY, reason="户口簿")
        assert fresh(household).head_name == "李梅"
        actions.remove_member(person=fresh(head), by=None, on=DAY, leave_reason="01", reason="死亡证明")
        assert [person.relation for person in household.members.all()] == ["01"]

    def test_a_bride_brings_her_file_along(self, household, make_household):
        home = make_household("H2", ("王五", "01"), ("王芳", "04"))
        bride = home.members.get(name="王芳")
        edit(home, {"id_number": ID_NUMBER}, person=bride)
        wanted = {"name": "王芳", "relation": "之儿媳", "id_number": ID_NUMBER}
        arguments = {"household": household, "values": wanted, "by": None, "join_reason": "05", "reason": "结婚证"}
        with pytest.raises(ValidationError, match="转出"):
            actions.add_member(**arguments, on=DAY)
        actions.remove_member(person=bride, by=None, on=DAY, leave_reason="02", reason="结婚证")
        with pytest.raises(ValidationError, match="才离开"):
            actions.add_member(**arguments, on=DAY - dt.timedelta(days=1))
        joined = actions.add_member(**arguments, on=DAY)
        assert joined.pk == bride.pk
        assert [m.household_id for m in joined.memberships.order_by("id")] == [home.pk, household.pk]

    def test_a_member_without_name_or_relation_is_refused(self, household):
        with pytest.raises(ValidationError):
            actions.add_member(
                household=household, values={"name": "张小宝"}, by=None, on=DAY, join_reason="06", reason="出生"
            )


class TestHouseholds:
    def test_a_new_household_gets_the_next_number_of_its_village(self, village):
        made = [
            actions.create_household(
                village=village, values={"head_name": name, "phone": PHONE}, by=None, on=DAY, reason="新立户"
            )
            for name in ("赵一", "钱二")
        ]
        assert [household.number for household in made] == ["5002360010010001", "5002360010010002"]
        assert made[0].region_code == village.code
        with pytest.raises(ValidationError):
            actions.create_household(
                village=village, values={"head_name": "孙三"}, number=made[0].number, by=None, on=DAY, reason="新立户"
            )

    def test_moving_takes_people_along_and_is_in_the_history(self, household, other_village):
        actions.move_household(household=household, village=other_village, by=None, on=DAY, reason="易地搬迁")
        row = fresh(household)
        assert (row.village, row.region_code) == (other_village, other_village.code)
        assert set(row.members.values_list("region_code", flat=True)) == {other_village.code}
        assert Entry.objects.get().changes == {"village_code": ["500236001001", "500236001002"]}

    def test_a_split_founds_a_household_and_leaves_the_old_head(self, make_household):
        household = make_household("H1", ("张三", "01"), ("张大", "03"), ("刘兰", "05"))
        son, wife = household.members.get(name="张大"), household.members.get(name="刘兰")
        new = actions.split_household(
            household=household,
            members=[son, wife],
            relations={son.pk: "01", wife.pk: "02"},
            by=None,
            on=DAY,
            reason="分户申请",
        )
        assert (new.head_name, new.members.count(), fresh(household).member_count) == ("张大", 2, 1)
        assert son.memberships.get(left_on=None).household == new
        assert fresh(wife).relation == "02"

    def test_a_merge_moves_everybody_and_cancels_the_file(self, household, make_household):
        other = make_household("H2", ("王五", "01"))
        widower = other.members.get()
        actions.merge_households(
            household=other, into=household, relations={widower.pk: "99"}, by=None, on=DAY, reason="并户申请"
        )
        assert fresh(other).status == "cancelled"
        assert fresh(household).member_count == 3
        assert AuditEvent.objects.count() == 1

    def test_a_cancelled_household_keeps_its_people_on_file(self, household):
        actions.cancel_household(household=household, by=None, on=DAY, reason="整户迁出")
        assert fresh(household).status == "cancelled"
        assert Person.objects.filter(household=None).count() == 2
        with pytest.raises(RegistryError):
            actions.cancel_household(household=fresh(household), by=None, on=DAY, reason="整户迁出")

    def test_labels_hold_side_by_side_but_not_twice_at_once(self, household):
        person = household.members.get(name="李梅")
        start = dt.date(2021, 5, 1)
        label = actions.set_label(household=household, kind="monitor", valid_from=start, by=None, reason="村民代表会")
        actions.set_label(
            household=household, kind="dibao", person=person, valid_from=start, by=None, reason="民政审批"
        )
        with pytest.raises(ValidationError, match="2021-05-01"):
            actions.set_label(household=household, kind="monitor", valid_from=DAY, by=None, reason="村民代表会")
        actions.end_label(label=label, on=dt.date(2023, 12, 31), by=None, reason="风险消除")
        actions.set_label(household=household, kind="monitor", valid_from=DAY, by=None, reason="返贫")
        assert household.labels.filter(kind="monitor").count() == 2
        assert Household.objects.get(pk=household.pk).entries.count() == 4

    def test_grids_take_households_of_their_village_only(self, household, village, other_village):
        grid = actions.create_grid(village=village, name="一网格", by=None)
        elsewhere = actions.create_grid(village=other_village, name="一网格", by=None)
        assert actions.assign_grid(households=[household], grid=grid, by=None) == 1
        assert fresh(household).grid == grid
        with pytest.raises(RegistryError, match="H1"):
            actions.assign_grid(households=[household], grid=elsewhere, by=None)
