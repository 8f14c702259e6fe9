"""What kind of village it is, and what else is kept of somebody."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.permissions import Refused
from huqing.teams import actions, traits
from huqing.teams.models import Posting, VillageTrait

JUNE, JULY = dt.date(2024, 6, 1), dt.date(2024, 7, 1)


def test_a_village_changes_its_kind_and_keeps_the_one_before(regions, users_by_role):
    by = users_by_role["town"]
    for kind, on in (("1", JUNE), ("1", JULY), ("3", JULY), ("4", JULY), ("", dt.date(2024, 8, 1))):
        traits.set_trait(village=regions.village, kind=kind, on=on, by=by)
    assert list(VillageTrait.objects.order_by("pk").values_list("kind", "since", "until")) == [
        ("1", JUNE, dt.date(2024, 6, 30)),
        ("4", JULY, dt.date(2024, 7, 31)),
    ]
    with pytest.raises(ValidationError, match="列表"):
        traits.set_trait(village=regions.village, kind="9", on=JULY, by=by)
    with pytest.raises(Refused):
        traits.set_trait(village=regions.other_village, kind="1", on=JULY, by=by)


def test_rank_phone_and_kind_of_unit_are_kept_and_checked(regions, users_by_role):
    told = {"name": "赵文军", "kind": "1", "region_code": "500236", "unit": "县委办", "by": users_by_role["county"]}
    staff = actions.save_staff(**told, more={"rank": "2", "phone": "023-56560000", "unit_kind": "1"})
    Posting.objects.create(staff=staff, unit=staff.unit, region_code=staff.region_code, since=JUNE)
    actions.save_staff(**{**told, "unit": "县委政研室"}, staff=staff)
    staff.refresh_from_db()
    assert (staff.rank, staff.phone, staff.postings.get().unit.name) == ("2", "023-56560000", "县委政研室")
    for wrong in ({"phone": "12345"}, {"rank": "7"}):
        with pytest.raises(ValidationError):
            actions.save_staff(**told, staff=staff, more=wrong)
