"""The alerts as an office works with them: found, explained, narrowed, put to rest, brought back."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.urls import reverse

from huqing.access.models import AuditEvent
from huqing.office import wording
from huqing.registry.models import Household
from huqing.screening import actions
from huqing.screening.models import Alert, Run

from .reading import text_of

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = dt.date(2026, 6, 30)
POOR = {
    "wage_income": 300_000,
    "business_income": 0,
    "property_income": 0,
    "transfer_income": 100_000,
    "business_cost": 0,
    "household_type": "L06",
}
REASON = "王主任6月30日入户核实，另有赡养费"


@pytest.fixture
def county(regions, make_household, monkeypatch, settings, tmp_path, _nothing_kept):
    """A poor household in each of two towns and one of another county, screened; and a function that screens again."""
    settings.DATA = tmp_path
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)

    def screen(day: dt.date = TODAY) -> Run:
        return actions.run(by=None, region="500236", as_of=day, trigger=Run.Trigger.MANUAL)

    made = SimpleNamespace(
        poor=make_household(members=("张三", "张小三"), items=POOR),
        far=make_household(members=("王五",), items=POOR, village=regions.other_village),
        foreign=make_household(members=("赵六",), items=POOR, village=regions.foreign_village),
        screen=screen,
    )
    screen()
    made.alert = made.poor.alerts.get(finding="income_below_line")
    return made


def page(alert: Alert) -> str:
    return reverse("office:alert", args=[alert.pk])


def test_the_list_shows_the_open_alerts_of_the_own_area(county, as_role) -> None:
    text = text_of(as_role("county").get(reverse("office:alerts")))
    assert "人均纯收入低于监测线" in text
    assert "张三" in text
    assert "王五" in text
    assert "赵六" not in text
    in_town = text_of(as_role("town").get(reverse("office:alerts")))
    assert "张三" in in_town
    assert "王五" not in in_town


def test_filters_narrow_the_list_and_can_be_cleared(county, as_role) -> None:
    client = as_role("county")
    by_town = text_of(client.get(reverse("office:alerts"), {"town": "500236102"}))
    assert "王五" in by_town
    assert "张三" not in by_town
    assert "清空" in by_town
    by_rule = client.get(reverse("office:alerts"), {"finding": "income_below_line"}).content.decode()
    assert len(re.findall(r'<td class="row-head">', by_rule)) == 2
    nothing = text_of(client.get(reverse("office:alerts"), {"severity": "notice", "town": "500236102"}))
    assert "没有符合条件的预警" in nothing
    nonsense = client.get(reverse("office:alerts"), {"town": "500237101", "finding": "x", "state": "y", "after": "z"})
    assert "张三" in text_of(nonsense)


def test_an_alert_shows_the_rule_its_basis_and_every_value(county, as_role) -> None:
    text = text_of(as_role("county").get(page(county.alert)))
    assert "按近12个月收支计算的人均纯收入低于当地当年监测线" in text
    for value in ("2,000.00 元/人·年", "4,000.00 元/年", "3,000.00 元/年", "9,000.00 元/人·年", "2 人"):
        assert value in text, value
    assert "奉节县的标准，2021-01-01 起" in text
    assert "中农组发〔2021〕7号" in text
    assert "张小三" in text
    assert "未定义变量" not in text


def test_a_reason_that_is_too_short_is_refused_beside_the_field(county, as_role) -> None:
    client = as_role("county")
    answer = client.post(reverse("office:alert-waive", args=[county.alert.pk]), {"reason": "对"})
    assert answer.status_code == 422
    assert "没有确认：请写明确认无误的理由" in text_of(answer)
    assert 'aria-invalid="true" autofocus' in answer.content.decode()
    county.alert.refresh_from_db()
    assert county.alert.state == Alert.State.OPEN


def test_a_waived_alert_moves_to_the_waived_ones_with_its_reason(county, as_role) -> None:
    client = as_role("county")
    answer = client.post(reverse("office:alert-waive", args=[county.alert.pk]), {"reason": REASON}, follow=True)
    assert "已确认无误" in text_of(answer)
    assert REASON in text_of(answer)
    assert REASON in text_of(client.get(reverse("office:alerts"), {"state": "waived"}))
    still_open = client.get(reverse("office:alerts"), {"finding": "income_below_line"})
    assert "张三" not in text_of(still_open)
    assert AuditEvent.objects.filter(action="alert_waive", subject_id=county.alert.pk).count() == 1
    text = text_of(client.post(reverse("office:alert-withdraw", args=[county.alert.pk]), follow=True))
    assert "已撤回确认" in text
    assert "曾确认无误" in text


def test_deciding_twice_says_what_became_of_it(county, as_role) -> None:
    client = as_role("county")
    client.post(reverse("office:alert-waive", args=[county.alert.pk]), {"reason": REASON})
    answer = client.post(reverse("office:alert-waive", args=[county.alert.pk]), {"reason": REASON})
    assert answer.status_code == 422
    assert "确认无误" in text_of(answer)


def test_who_may_not_waive_reads_who_may(county, as_role, users_by_role) -> None:
    text = text_of(as_role("village").get(page(county.alert)))
    assert "不能确认预警无误" in text
    assert "县级经办、乡镇经办" in text
    refused = as_role("village").post(reverse("office:alert-waive", args=[county.alert.pk]), {"reason": REASON})
    assert refused.status_code == 403


def test_alerts_of_other_places_do_not_exist(county, as_role) -> None:
    assert as_role("town").get(page(county.far.alerts.first())).status_code == 404
    assert as_role("county").get(reverse("office:alert", args=[999_999])).status_code == 404


def test_a_closed_alert_says_when_and_is_explained_as_of_then(county, as_role) -> None:
    Household.objects.filter(pk=county.poor.pk).update(items={**POOR, "wage_income": 9_000_000})
    county.screen()
    text = text_of(as_role("county").get(page(county.alert)))
    assert "已消除" in text
    assert "按现在的数据，这条已不成立" in text
    assert "张三" in text_of(as_role("county").get(reverse("office:alerts"), {"state": "closed"}))


def test_what_a_missing_value_leaves_open_is_listed_by_rule_and_household(county, as_role) -> None:
    without = {key: value for key, value in POOR.items() if key != "wage_income"}
    Household.objects.filter(pk__in=[county.poor.pk, county.far.pk]).update(items=without)
    county.screen()
    client = as_role("county")
    overview = text_of(client.get(reverse("office:unknown")))
    assert "人均纯收入低于监测线 2" in overview
    listed = text_of(client.get(reverse("office:unknown"), {"finding": "income_below_line"}))
    assert "张三" in listed
    assert "朱衣镇 砚瓦村" in listed
    assert "共 2 项" in listed
    assert "判断这条要看：" in listed
    assert "工资性收入（户档案）" in listed
    assert "王五" not in text_of(as_role("village").get(reverse("office:unknown"), {"finding": "income_below_line"}))
    address = reverse("office:unknown-why", args=[county.poor.pk, "income_below_line"])
    assert "户档案缺工资性收入" in text_of(client.get(address))
    told = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "户档案缺工资性收入" in told
    assert "<html" not in told
    assert client.get(reverse("office:unknown-why", args=[county.foreign.pk, "income_below_line"])).status_code == 404
    kept = text_of(client.get(page(county.alert)))
    assert "工资性收入" in kept
    assert "不能判断是否仍成立" in kept


def test_a_screening_is_started_from_its_page_and_listed(county, as_role) -> None:
    client = as_role("county")
    text = text_of(client.post(reverse("office:screening-start"), follow=True))
    assert "筛查已排队" in text
    assert text.count("完成") >= 2
    assert Run.objects.latest("id").started_by.role == "county"
    assert as_role("town").post(reverse("office:screening-start")).status_code == 403
    assert "立即筛查" in text_of(as_role("town").get(reverse("office:screenings")))


def test_rules_that_could_not_run_are_listed_with_what_is_lacking(county, as_role) -> None:
    text = text_of(as_role("county").get(reverse("office:screenings")))
    assert "最近一次没有运行的规则" in text
    assert "居住危房 还没有导入“住房安全鉴定台账”（住房和城乡建设委员会），导入后再筛查。" in text


def test_a_failed_screening_says_why(county, as_role) -> None:
    Run.objects.update(state=Run.State.FAILED, message="磁盘空间已满，筛查没有完成，预警没有变动。")
    assert "磁盘空间已满" in text_of(as_role("county").get(reverse("office:screenings")))


def test_before_the_first_screening_the_pages_say_what_comes_first(regions, as_role) -> None:
    client = as_role("county")
    for name in ("office:alerts", "office:unknown", "office:screenings"):
        assert "还没有筛查过" in text_of(client.get(reverse(name)))


def test_what_is_missing_is_said_file_by_file() -> None:
    missing = ["户：风险备注", "人：是否健在", "户：自然灾害子项", "没有账单记录（一年自付）", "监测线"]
    said = "户档案缺风险备注、自然灾害子项；人员档案缺是否健在；没有账单记录（一年自付）；缺监测线"
    assert wording.missing_text(missing) == said
