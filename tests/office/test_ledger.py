"""The ledger's pages: gaps, handover with its list, changes of staff, files of staff, a village's contact card."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from huqing.papers.sheets import Column, Sheet, write_workbook
from huqing.registry.models import Household
from huqing.teams.models import Handover, Responsibility, Staff, StaffImport, Unit

from .reading import text_of

SINCE = dt.date(2024, 1, 1)


@pytest.fixture
def unit(regions):
    return Unit.objects.create(name="县教育局", region_code="500236")


@pytest.fixture
def helper(unit, regions, make_household):
    """赵文军, responsible for two households; a third has nobody."""
    person = Staff.objects.create(
        name="赵文军", kind="1", unit=unit, region_code=regions.county.code, phone="13612340000"
    )
    for name in ("钱一", "钱二"):
        household = make_household(members=(name,))
        Responsibility.objects.create(
            staff=person, role="helper", household=household, region_code=household.region_code, since=SINCE
        )
    make_household(members=("孙没人",))
    return person


def test_the_ledger_names_the_places_and_households_with_nobody(as_role, helper):
    page = text_of(as_role("county").get(reverse("office:ledger"), {"role": "helper", "many": "1"}))
    assert "没有帮扶责任人的农户" in page
    assert "孙没人" in page
    assert "钱一" not in page
    assert "负责超过 1 户的人 赵文军" in page
    assert "没有缺口" in text_of(as_role("county").get(reverse("office:ledger"), {"region": "500236102"}))


def test_each_gap_of_the_home_page_leads_to_the_rows_behind_it(as_role, helper, regions):
    Household.objects.filter(head_name="钱一").update(grid=regions.grid)
    home = as_role("county").get(reverse("office:home"))
    shown = text_of(home)
    for said in ("没有人负责的农户", "网格没有网格员", "没有划入网格的农户"):
        assert said in shown
    client = as_role("county")
    assert "孙没人" in text_of(client.get(reverse("office:ledger"), {"what": "no_grid"}))
    listed = text_of(client.get(reverse("office:ledger"), {"what": "grids"}))
    assert "砚瓦一网格" in listed
    assert "砚瓦二网格" not in listed
    assert "请乡镇安排" in text_of(as_role("village").get(reverse("office:home")))


def test_a_person_hands_everything_over_and_the_list_can_be_signed(as_role, helper, unit, regions):
    Staff.objects.create(name="李接手", kind="1", unit=unit, region_code=regions.county.code)
    client = as_role("county")
    address = reverse("office:hand-over", args=[helper.pk])
    shown = text_of(client.get(address))
    assert "钱一户" in shown
    keys = list(Responsibility.objects.filter(staff=helper).values_list("pk", flat=True))
    sent = {"line": keys, "to": "李接手", "on": "2024-06-01", "reason": "工作调动"}
    answer = client.post(address, sent)
    done = Handover.objects.get()
    assert answer.url == reverse("office:handover", args=[done.pk])
    listed = text_of(client.get(answer.url))
    for said in ("责任交接清单", "接收人：李接手", "钱二户", "监交人签字", "2024-01-01 至 2024-05-31"):
        assert said in listed
    assert "赵文军" in text_of(client.get(reverse("office:handovers")))


def test_more_duties_than_boxes_are_handed_over_at_once(as_role, helper, unit, regions, monkeypatch):
    monkeypatch.setattr("huqing.office.views.handing.MOST_BOXES", 1)
    Staff.objects.create(name="李接手", kind="1", unit=unit, region_code=regions.county.code)
    client, address = as_role("county"), reverse("office:hand-over", args=[helper.pk])
    assert "一次全部交出" in text_of(client.get(address))
    client.post(address, {"all": "1", "to": "李接手", "on": "2024-06-01", "reason": "工作调动"})
    assert Handover.objects.get().lines.count() == 2


def test_what_is_wrong_with_a_handover_stands_at_its_field(as_role, helper, unit, regions):
    other = Unit.objects.create(name="县水利局", region_code="500236")
    for place in (unit, other):
        Staff.objects.create(name="王重名", kind="1", unit=place, region_code=regions.county.code)
    address = reverse("office:hand-over", args=[helper.pk])
    client = as_role("county")
    line = Responsibility.objects.filter(staff=helper).first()
    for to, said in (
        ("没这人", "没有找到“没这人”"),
        ("王重名", "王重名（县教育局）、王重名（县水利局）"),
        ("赵文军", "不能是 赵文军 本人"),
    ):
        answer = client.post(address, {"line": [line.pk], "to": to, "on": "2024-06-01", "reason": "调动"})
        assert answer.status_code == 422
        assert said in text_of(answer)
    answer = client.post(address, {"to": "王重名（县水利局）", "on": "2024-06-01", "reason": "调动"})
    assert "没有选中" in text_of(answer)
    assert not Handover.objects.exists()


def test_standing_in_moving_and_leaving_from_one_page(as_role, helper, unit, regions):
    substitute = Staff.objects.create(name="李代理", kind="1", unit=unit, region_code=regions.county.code)
    client = as_role("county")
    address = reverse("office:staff-changes", args=[helper.pk])
    refused = client.post(address, {"what": "leave", "l-on": "2024-06-01", "l-reason": "退休"})
    assert "还有 2 条责任" in text_of(refused)
    client.post(
        address, {"what": "stand_in", "s-substitute": "李代理", "s-since": "2024-06-01", "s-until": "2024-06-30"}
    )
    assert Responsibility.objects.filter(staff=substitute).count() == 2
    client.post(
        address,
        {"what": "move", "m-unit": "", "m-position": "镇长", "m-region_code": "500236101", "m-on": "2024-06-01"},
    )
    helper.refresh_from_db()
    assert (helper.position, helper.region_code, helper.unit) == ("镇长", regions.town.code, None)
    assert "镇长" in text_of(client.get(address))


def test_a_file_of_staff_is_taken_in_and_its_bad_rows_come_back(as_role, make_household):
    household = make_household()
    out = io.BytesIO()
    titles = [Column(title) for title in ("姓名", "人员类别", "责任", "责任对象")]
    rows = [["赵文军", "帮扶干部", "帮扶责任人", household.number], ["钱厨师", "厨师", "", ""]]
    write_workbook(out, [Sheet("人员", titles, rows)])
    client = as_role("county")
    file = SimpleUploadedFile("人员.xlsx", out.getvalue())
    answer = client.post(reverse("office:staff-import"), {"file": file, "on": "2024-01-01"})
    done = StaffImport.objects.get()
    assert answer.url == reverse("office:staff-imported", args=[done.pk])
    shown = text_of(client.get(answer.url))
    assert "第 3 行" in shown
    assert "“厨师”不在可填的范围内" in shown
    assert Responsibility.objects.get().household == household
    for name in ("office:staff-problems", "office:staff-template"):
        book = client.get(reverse(name, args=[done.pk] if "problems" in name else []))
        assert book.content[:2] == b"PK"
    bad = SimpleUploadedFile("人员.xlsx", b"not a workbook")
    refused = client.post(reverse("office:staff-import"), {"file": bad, "on": "2024-01-01"})
    assert refused.status_code == 422


def test_a_village_shows_who_is_responsible_and_prints_its_card(as_role, helper, regions):
    Responsibility.objects.create(
        staff=helper, role="village_leader", village=regions.village, region_code=regions.village.code, since=SINCE
    )
    client = as_role("village")
    shown = text_of(client.get(reverse("office:village", args=[regions.village.code])))
    assert "赵文军" in shown
    card = text_of(client.get(reverse("office:village-card", args=[regions.village.code])))
    assert "砚瓦村 帮扶联系卡" in card
    assert "13612340000" in card
    assert client.get(reverse("office:village", args=[regions.other_village.code])).status_code == 404


def test_the_history_of_a_household_names_who_was_responsible(as_role, helper):
    line = Responsibility.objects.filter(staff=helper).first()
    line.until = dt.date(2024, 3, 1)
    line.save()
    page = text_of(as_role("county").get(reverse("office:household-duties", args=[line.household_id])))
    assert "2024-01-01 至 2024-03-01" in page
