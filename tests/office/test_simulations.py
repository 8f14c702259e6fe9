"""The pages of simulations: asked for, shown, exported; marked as a simulation everywhere, and nothing else changes."""

from __future__ import annotations

import datetime as dt
import io
import re

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from huqing.access.models import AuditEvent
from huqing.registry.models import DepartmentRecord, Label, Source
from huqing.screening import actions, simulation
from huqing.screening.models import Alert, Run, Simulation

from .reading import text_of

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 6, 30)
POOR = {
    "wage_income": 300_000,
    "business_income": 0,
    "property_income": 0,
    "transfer_income": 100_000,
    "business_cost": 0,
    "household_type": "L06",
}
MARK = "模拟（不影响任何预警）"


@pytest.fixture
def county(regions, make_household, settings, tmp_path, monkeypatch):
    """Two poor households in two towns, screened."""
    settings.DATA = tmp_path
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)
    households = [
        make_household(members=("张三",), items=POOR),
        make_household(members=("王五",), items=POOR, village=regions.other_village),
    ]
    actions.run(by=None, region="500236", as_of=TODAY, trigger=Run.Trigger.MANUAL)
    return households


@pytest.fixture
def ask(county, as_role, django_capture_on_commit_callbacks):
    """A function that sends the form; the background work is done at once."""
    client = as_role("county")

    def send(**values: str):
        data = {"parameter": list(values), **{f"value-{key}": value for key, value in values.items()}}
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(reverse("office:simulation-new"), data)

    send.client = client
    return send


def test_from_the_form_to_the_result_with_households_villages_and_cost(ask, county) -> None:
    before = list(Alert.objects.order_by("pk").values())
    answer = ask(monitor_line="3,999.5")
    done = Simulation.objects.get()
    assert answer.url == reverse("office:simulation", args=[done.pk])
    text = text_of(ask.client.get(answer.url))
    assert MARK in text
    assert "9,000.00 元/人·年 改为 3,999.50" in re.sub(r"(\d 元/人·年) (\d)", r"\1 改为 \2", text)
    assert "退出 2 户" in text
    assert "10,000.00 元/年（2 户 2 人）" in text
    assert "（线 − 人均纯收入）× 在世家庭人口" in text
    listed = text_of(ask.client.get(reverse("office:simulation-movers", args=[done.pk]), {"town": "500236102"}))
    assert MARK in listed
    assert "王五" in listed
    assert "龙潭村" in listed
    assert "张三" not in listed
    assert list(Alert.objects.order_by("pk").values()) == before


def test_the_list_is_paged_and_filtered(ask, county, monkeypatch) -> None:
    monkeypatch.setattr("huqing.office.views.simulations.PAGE", 1)
    ask(monitor_line="3999")
    address = reverse("office:simulation-movers", args=[Simulation.objects.get().pk])
    first = ask.client.get(address, {"finding": "income_below_line"})
    assert "第 1–1 条，共 2 条" in text_of(first)
    assert "finding=income_below_line&amp;from=1" in first.content.decode()
    assert "第 2–2 条，共 2 条" in text_of(ask.client.get(address, {"finding": "income_below_line", "from": "1"}))
    assert "没有符合条件的户" in text_of(
        ask.client.get(address, {"direction": "enter", "finding": "income_below_line"})
    )


def test_a_bad_value_is_refused_beside_its_field_and_keeps_what_was_typed(ask) -> None:
    answer = ask(monitor_line="九千", near_line_factor="1.5")
    assert answer.status_code == 422
    content = answer.content.decode()
    assert 'value="九千"' in content
    assert 'value="1.5"' in content
    assert re.search(r'id="wrong-monitor_line">[^<]*不是数。只写数字', content)
    assert 'aria-describedby="hint-monitor_line wrong-monitor_line"' in content
    assert not Simulation.objects.exists()


def test_the_workbook_says_on_every_sheet_and_row_that_it_is_a_simulation(ask) -> None:
    ask(monitor_line="3999")
    done = Simulation.objects.get()
    answer = ask.client.post(reverse("office:simulation-export", args=[done.pk]))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames[:4] == ["模拟 改动和测算", "模拟 按规则", "模拟 按乡镇", "模拟 名单"]
    for name in book.sheetnames[:4]:
        assert {row[0] for row in list(book[name].values)[1:]} == {MARK}, name
        assert MARK in book[name].oddFooter.left.text
    assert MARK in str(list(book["导出说明"].values))
    heads = [row[4] for row in list(book["模拟 名单"].values)[1:]]
    assert set(heads) == {"张三", "王五"}
    event = AuditEvent.objects.get(action="simulation_export")
    assert event.subject_id == str(done.pk)


def test_what_stays_in_hospital_would_cost_is_shown_and_exported_with_its_formula(ask, county) -> None:
    source = Source.objects.create(kind="department", title="医保.csv", on=TODAY, created_at=timezone.now())
    Label.objects.create(kind="dibao", household=county[0], valid_from=dt.date(2020, 1, 1), source=source)
    DepartmentRecord.objects.create(
        kind="medical_bill", fingerprint="b", household=county[0], person=county[0].members.get(),
        region_code=county[0].region_code, on=TODAY, source=source, row_number=2,
        items={
            "bill_number": "YB1", "care_kind": "1", "settled_on": "2026-03-01", "total": 1_000_000,
            "eligible": 900_000, "basic_paid": 600_000, "serious_paid": 0, "self_paid": 160_000,
        },
    )  # fmt: skip
    actions.run(by=None, region="500236", as_of=TODAY, trigger=Run.Trigger.MANUAL)
    form = ask.client.get(reverse("office:simulation-new"), {"parameter": "aid_rate"}).content.decode()
    assert "特困: 1, 低保: 0.8, 低保边缘: 0.7" in form
    assert "只写一个数，就是各类都用它" in form
    answer = ask(aid_rate="特困：1，低保：0.5，其余：0")
    text = text_of(ask.client.get(answer.url))
    assert MARK in text
    assert "医疗救助支付 现在 2,400.00 改后 1,500.00 相差 -900.00" in text
    assert "自付变多 1 人，自付变少 0 人" in text
    assert "个人自付 = 总费用 − 报销合计" in text
    assert "没有对应的资金算法" not in text
    assert "低保：50%" in text_of(ask.client.get(reverse("office:simulations")))
    assert "这次试算没有名单" in text_of(
        ask.client.get(reverse("office:simulation-movers", args=[Simulation.objects.get().pk]))
    )
    book = openpyxl.load_workbook(
        io.BytesIO(ask.client.post(reverse("office:simulation-export", args=[Simulation.objects.get().pk])).content)
    )
    rows = list(book["模拟 改动和测算"].values)[1:]
    assert {row[0] for row in rows} == {MARK}
    told = {row[1]: row[2:] for row in rows}
    assert told["住院：医疗救助支付"] == ("2,400.00 元", "1,500.00 元", "相差 -900.00 元")
    assert "个人自付 = 总费用 − 报销合计" in told["住院：算法"][2]


@pytest.mark.parametrize("name", ["simulations", "simulation-new"])
@pytest.mark.parametrize("role", ["town", "village", "grid", "reader", "department", "system_admin"])
def test_only_the_county_office_has_these_pages(name, role, county, as_role) -> None:
    assert as_role(role).get(reverse(f"office:{name}")).status_code == 403


def test_another_countys_simulation_does_not_exist(county, as_role) -> None:
    foreign = Simulation.objects.create(region_code="500237", created_at=dt.datetime.now(dt.UTC), note="外县")
    client = as_role("county")
    for name in ("simulation", "simulation-movers"):
        assert client.get(reverse(f"office:{name}", args=[foreign.pk])).status_code == 404
    for name in ("simulation-export", "simulation-delete"):
        assert client.post(reverse(f"office:{name}", args=[foreign.pk])).status_code == 404
    assert "外县" not in text_of(client.get(reverse("office:simulations")))


def test_a_waiting_one_asks_again_by_itself_and_a_failed_one_says_why(county, as_role) -> None:
    client = as_role("county")
    waiting = Simulation.objects.create(
        region_code="500236",
        created_at=dt.datetime.now(dt.UTC),
        changes=[{"parameter": "monitor_line", "title": "监测线", "now": "1", "then": "2"}],
    )
    content = client.get(reverse("office:simulation", args=[waiting.pk])).content.decode()
    assert 'hx-trigger="every 2s"' in content
    assert '"X-Background": "1"' in content
    assert MARK in content
    Simulation.objects.update(state="failed", message=simulation.BROKEN)
    text = text_of(client.get(reverse("office:simulation", args=[waiting.pk])))
    assert "请重新试算" in text
    answer = client.post(reverse("office:simulation-export", args=[waiting.pk]), follow=True)
    assert "没有结果可以导出" in text_of(answer)


def test_before_the_first_screening_the_pages_say_what_comes_first(regions, as_role) -> None:
    client = as_role("county")
    assert "请先完成一次筛查" in text_of(client.get(reverse("office:simulations")))
    page = client.get(reverse("office:simulation-new"), {"parameter": "monitor_line"})
    assert "disabled" in page.content.decode()
    answer = client.post(reverse("office:simulation-new"), {"parameter": ["monitor_line"], "value-monitor_line": "1"})
    assert answer.status_code == 422
    assert "本县还没有筛查过" in text_of(answer)


def test_a_simulation_is_deleted_after_a_question(ask) -> None:
    ask(monitor_line="3999")
    done = Simulation.objects.get()
    assert "data-confirm" in ask.client.get(reverse("office:simulation", args=[done.pk])).content.decode()
    answer = ask.client.post(reverse("office:simulation-delete", args=[done.pk]), follow=True)
    assert "试算已删除" in text_of(answer)
    assert not Simulation.objects.exists()
