"""What the migration to a stored phone state makes of people who were there before."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from huqing.access.seal import seal, token
from huqing.registry.models import Person

pytestmark = pytest.mark.django_db
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
