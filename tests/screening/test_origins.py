"""Monthly push files: an alert says which file and which row it came from."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from django.urls import reverse

from huqing.intake.taking import take_in
from huqing.registry.models import DepartmentRecord, Label, Source
from huqing.screening import actions, origins
from huqing.screening.models import Alert, Run

from .conftest import AS_OF, WELL_OFF

pytestmark = pytest.mark.django_db
HEAD_ID = "990101195605124318"
SON_ID = "990101198503150017"
HEADER = (
    "结算单号,姓名,身份证号,乡镇,行政村,就诊机构,就诊类别,病种,入院日期,结算日期,总费用,政策范围内费用,"
    "基本医保支付,大病保险支付,医疗救助支付,其他补助支付,个人自付"
)


@pytest.fixture(autouse=True)
def _fresh_rules():
    """Numbers of runs start again with every test, so nothing may be remembered under them."""
    actions._rechecker.cache_clear()


@pytest.fixture
def family(village, make_household, settings, tmp_path):
    """A formerly poor, well-off household whose head the medical insurance knows; files go to a folder of their own."""
    settings.DATA = tmp_path / "data"
    settings.DATA.mkdir()
    household = make_household(members=("陈大山", "陈小山"), id_numbers=(HEAD_ID, SON_ID), items=WELL_OFF)
    household.members.update(id_state="valid", sex="1")
    source = Source.objects.create(kind="roster", title="花名册", on=AS_OF, created_at=dt.datetime.now(dt.UTC))
    Label.objects.create(kind="tuopin", household=household, valid_from=dt.date(2018, 12, 31), source=source)
    return household


@pytest.fixture
def push(tmp_path):
    """A function that writes a month's file of bills of the head (day, self-payment) and takes it in."""

    def write(month: str, *bills: tuple[str, str]):
        lines = [HEADER]
        for order, (day, paid) in enumerate(bills, start=1):
            lines.append(
                f"YB{month}{order:03},陈大山,{HEAD_ID},朱衣镇,砚瓦村,县医院,住院,肺炎,,{day},30000,28000,"
                f"{30000 - float(paid):.2f},0,0,0,{paid}"
            )
        path = tmp_path / f"医保结算_{month[:4]}年{int(month[4:])}月.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
        return take_in(path, by=None, data_date=AS_OF, region="500236")

    return write


def alert_of(household) -> Alert | None:
    return Alert.objects.filter(household=household, finding="inpatient_burden", state="open").first()


def texts(alert: Alert) -> list[str]:
    return [file.text for file in origins.of_alert(alert, as_of=AS_OF)]


def test_from_push_file_to_alert_with_file_and_row(family, push, screen) -> None:
    push("202605", ("2026-05-02", "300.00"), ("2026-05-03", "3000.00"), ("2026-05-20", "2500.00"))
    screen()
    alert = alert_of(family)
    assert alert is not None
    # The small bill counts too: without it the month's sum would be another.
    assert texts(alert) == ["医保结算_2026年5月.csv 第 2、3、4 行"]


def test_next_months_file_adds_rows_and_importing_it_again_changes_nothing(family, push, screen) -> None:
    push("202605", ("2026-05-02", "4000.00"))
    screen()
    assert alert_of(family) is None
    june = ("2026-06-03", "1000.00"), ("2026-06-08", "6000.00")
    push("202606", *june)
    screen()
    alert = alert_of(family)
    # May's bill is not what June's sum rests on.
    assert texts(alert) == ["医保结算_2026年6月.csv 第 2、3 行"]
    before = list(DepartmentRecord.objects.order_by("pk").values("pk", "items", "source_id", "row_number"))
    alerts = list(Alert.objects.order_by("pk").values())
    (again,) = push("202606", *june)
    screen()
    assert (again.counts["added"], again.counts["changed"], again.counts["unchanged"]) == (0, 0, 2)
    assert list(DepartmentRecord.objects.order_by("pk").values("pk", "items", "source_id", "row_number")) == before
    assert list(Alert.objects.order_by("pk").values()) == alerts


def test_many_alerts_at_once_say_the_same_as_one_by_one(family, village, push, assess, screen) -> None:
    assess(village.poor, "C")
    push("202606", ("2026-06-03", "9000.00"))
    run = screen()
    alerts = list(Alert.objects.select_related("household"))
    found = origins.of_alerts(alerts, run)
    assert {key.finding for key in found} >= {"inpatient_burden", "dangerous_house"}
    for alert in alerts:
        told = [file.text for file in found.get(origins.key_of(alert), [])]
        assert told == texts(alert), alert.finding
    assert [file.text for file in found[origins.Key("dangerous_house", village.poor.pk, None)]] == [
        "住房安全鉴定台账 第 2 行"
    ]


def test_rows_that_say_the_same_are_all_named(village, assess, screen) -> None:
    """Neither of two equal losses of work alone makes the finding go away."""
    source = Source.objects.create(kind="department", title="失业名单", on=AS_OF, created_at=dt.datetime.now(dt.UTC))
    person = village.poor.members.get()
    for row in (7, 9):
        DepartmentRecord.objects.create(
            kind="unemployment",
            fingerprint=str(row),
            household=village.poor,
            person=person,
            region_code=village.poor.region_code,
            on=dt.date(2026, 5, row),
            items={"lost_on": f"2026-05-0{row}"},
            source=source,
            row_number=row,
        )
    screen()
    assert texts(Alert.objects.get(finding="job_loss")) == ["失业名单 第 7、9 行"]


def test_what_rests_on_no_row_names_the_file_it_was_compared_with(family, push, screen, tmp_path) -> None:
    path = tmp_path / "参保名单.csv"
    text = f"姓名,身份证号,乡镇,行政村,参保年度,险种\n陈小山,{SON_ID},朱衣镇,砚瓦村,2026,居民医保\n"
    path.write_text(text, encoding="utf-8-sig")
    take_in(path, kind="insured", by=None, data_date=AS_OF, region="500236")
    person = family.members.get(name="陈大山")
    person.items = {"resident_insurance": False, "employee_insurance": False}
    person.save()
    screen()
    assert texts(Alert.objects.get(finding="uninsured_member", person=person)) == ["参保名单.csv（没有相应的行）"]


def test_lists_of_one_kind_side_by_side_are_all_named_but_of_each_only_the_newest(family, screen, tmp_path) -> None:
    for name, kind, year in (
        ("居民_2025", "居民医保", 2025),
        ("职工_2026", "职工医保", 2026),
        ("居民_2026", "居民医保", 2026),
    ):
        path = tmp_path / f"{name}.csv"
        rows = f"姓名,身份证号,乡镇,行政村,参保年度,险种\n陈小山,{SON_ID},朱衣镇,砚瓦村,{year},{kind}\n"
        path.write_text(rows, encoding="utf-8-sig")
        take_in(path, kind="insured", by=None, data_date=AS_OF, region="500236")
    person = family.members.get(name="陈大山")
    person.items = {"resident_insurance": False, "employee_insurance": False}
    person.save()
    screen()
    alert = Alert.objects.get(finding="uninsured_member", person=person)
    assert texts(alert) == ["居民_2026.csv（没有相应的行）", "职工_2026.csv（没有相应的行）"]


def test_alerts_about_the_file_alone_have_no_rows(village, screen) -> None:
    screen()
    assert texts(Alert.objects.get(finding="income_below_line", household=village.poor)) == []


def test_the_page_links_to_the_import_and_the_export_names_the_row(family, push, screen, client, village, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: AS_OF)
    (intake,) = push("202606", ("2026-06-03", "9000.00"))
    screen()
    alert = alert_of(family)
    client.force_login(village.users["county"])
    page = client.get(reverse("office:alert", args=[alert.pk])).content.decode()
    assert f'<a href="{reverse("office:import", args=[intake.pk])}">医保结算_2026年6月.csv</a> 第 2 行' in page
    client.force_login(village.users["village"])
    page = client.get(reverse("office:alert", args=[alert.pk])).content.decode()
    assert "医保结算_2026年6月.csv 第 2 行" in page

    client.force_login(village.users["county"])
    answer = client.post(f"{reverse('office:alerts-export')}?finding=inpatient_burden")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["预警"]
    rows = list(sheet.values)
    assert len(rows) == 2
    line = dict(zip(rows[0], rows[1], strict=True))
    assert line["来源（文件和行号）"] == "医保结算_2026年6月.csv 第 2 行"
    assert line["户主"] == "陈大山"
    assert "9,000.00 元" in line["依据的数值"]


def test_an_export_that_is_too_large_is_refused_with_what_to_do(village, screen, client, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    monkeypatch.setattr("huqing.office.views.alert_export.MOST", 1)
    screen()
    client.force_login(village.users["county"])
    answer = client.post(reverse("office:alerts-export"), follow=True)
    assert "请先按乡镇、村或规则筛选" in answer.content.decode()
    assert Run.objects.count() == 1
