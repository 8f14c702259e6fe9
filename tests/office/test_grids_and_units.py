"""The grid editor and the pages of units."""

from __future__ import annotations

from django.urls import reverse

from huqing.registry.models import Grid
from huqing.teams.models import Responsibility, Staff, Unit, UnitDuty

from .reading import text_of


def test_a_town_clerk_makes_names_staffs_and_merges_grids(as_role, regions, make_household):
    make_household(grid=regions.grid)
    Staff.objects.create(name="周网格", kind="6", region_code=regions.village.code)
    client = as_role("town")
    village = reverse("office:region", args=[regions.village.code])
    client.post(reverse("office:grid-add", args=[regions.village.code]), {"name": "新网格"})
    made = Grid.objects.get(name="新网格")
    editor = reverse("office:grid", args=[regions.grid.pk])
    assert "这个网格没有网格员" in text_of(client.get(editor))
    client.post(editor, {"what": "worker", "w-staff": "周网格", "w-on": "2024-01-01"})
    assert Responsibility.objects.get().grid == regions.grid
    assert "周网格" in text_of(client.get(village))
    again = client.post(editor, {"what": "rename", "name": "新网格"})
    assert (again.status_code, "已有叫“新网格”" in text_of(again)) == (422, True)
    done = client.post(
        reverse("office:grid", args=[made.pk]),
        {"what": "merge", "m-into": regions.grid.pk, "m-on": "2024-06-01"},
        follow=True,
    )
    assert "新网格已并入砚瓦一网格" in text_of(done)
    assert as_role("village").get(editor).status_code == 403


def test_everything_somebody_was_responsible_for_can_be_read_and_printed(as_role, regions, make_household):
    person = Staff.objects.create(name="周网格", kind="6", region_code=regions.village.code)
    household = make_household(members=("钱一", "钱小"))
    client = as_role("county")
    sent = {"role": "paired_teacher", "households": household.number, "member": "钱小", "since": "2024-01-01"}
    client.post(reverse("office:duty-add", args=[person.pk]), sent)
    line = Responsibility.objects.get()
    assert line.person.name == "钱小"
    client.post(reverse("office:duty-end", args=[line.pk]), {"on": "2024-05-31", "reason": "毕业"})
    shown = text_of(client.get(reverse("office:staff-history", args=[person.pk])))
    assert "钱小" in shown
    assert "2024-01-01 至 2024-05-31" in shown
    wrong = client.post(reverse("office:duty-add", args=[person.pk]), {**sent, "member": "钱大"})
    assert "钱一户没有人叫“钱大”" in text_of(wrong)


def test_a_unit_is_registered_given_a_village_and_relieved(as_role, regions, make_household):
    household = make_household()
    client = as_role("county")
    client.post(reverse("office:unit-add"), {"name": "县水利局", "kind": "4"})
    unit = Unit.objects.get()
    page = reverse("office:unit", args=[unit.pk])
    sent = {"role": "backing_unit", "goal": "砚瓦村", "since": "2024-01-01", "until": ""}
    client.post(reverse("office:unit-duty-add", args=[unit.pk]), sent)
    again = client.post(reverse("office:unit-duty-add", args=[unit.pk]), sent)
    assert "已有这项责任" in text_of(again)
    shown = text_of(client.get(reverse("office:village-card", args=[regions.village.code])))
    assert "后盾单位" in shown
    assert "县水利局" in shown
    assert "县水利局" in text_of(client.get(reverse("office:household-duties", args=[household.pk])))
    duty = UnitDuty.objects.get()
    client.post(reverse("office:unit-duty-end", args=[duty.pk]), {"on": "2024-06-01"})
    assert "2024-01-01 至 2024-06-01" in text_of(client.get(page))
    assert "县水利局" in text_of(as_role("reader").get(reverse("office:units")))
