"""Whether a member's phone is a mobile number, and whose number a disability card carries."""

from __future__ import annotations

import datetime as dt
from importlib import import_module

import pytest
from django.apps import apps

from huqing.access.seal import seal, token
from huqing.registry import actions
from huqing.registry.models import Person
from huqing.registry.snapshot import one_household

pytestmark = pytest.mark.django_db
DAY = dt.date(2025, 6, 30)
ID_NUMBER = "11010519491231002X"


def test_people_of_before_get_their_phone_judged_and_their_card_recognised(make_household):
    household = make_household("H1", ("张三", "01"), ("李梅", "02"))
    worker, holder = household.members.order_by("pk")[:2]
    Person.objects.filter(pk=worker.pk).update(phone_sealed=seal("02356512345", "phone"), phone_state="")
    Person.objects.filter(pk=holder.pk).update(
        id_number_sealed=seal(f"{ID_NUMBER}41", "id_number"), id_state="bad_length", id_token="x", phone_sealed=None
    )
    import_module("huqing.registry.migrations.0002_person_phone_state").judge(apps, None)
    worker.refresh_from_db()
    holder.refresh_from_db()
    assert (worker.phone_state, holder.phone_state) == ("landline", "")
    assert (holder.id_state, holder.id_sex, str(holder.id_birth_date)) == ("valid_card", "2", "1949-12-31")
    assert holder.id_token == token("id_number", ID_NUMBER)


def test_a_members_phone_is_judged_and_a_card_names_the_same_person_as_the_id_number(make_household):
    household = make_household("H1", ("张三", "01"), ("李梅", "02"))
    member = household.members.get(name="李梅")
    values = {"phone": "(023)5651 2345", "id_number": f"{ID_NUMBER}41", "id_type": "残疾人证"}
    actions.set_values(household=household, person=member, values=values, by=None, on=DAY, reason="入户核实")
    member.refresh_from_db()
    assert (member.phone_state, member.id_state) == ("landline", "valid_card")
    assert member.id_token == token("id_number", ID_NUMBER)
    person = one_household(household.pk)["person"].to_pylist()[1]
    assert (person["phone_state"], person["id_type"], person["id_state"]) == ("landline", "2", "valid_card")
