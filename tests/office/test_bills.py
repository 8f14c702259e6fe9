"""医疗费用逐步计算: what a patient can read of each bill, on the screen and on paper."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from huqing.access.models import AuditEvent
from huqing.office import bill_page
from huqing.registry.models import DepartmentRecord, Label

from .reading import text_of

pytestmark = pytest.mark.django_db
TODAY = dt.date(2024, 6, 30)


@pytest.fixture
def patient(family, monkeypatch):
    """The head of the family with two hospital bills; the first is 10,000 yuan, 9,000 eligible, 6,000 settled."""
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)
    person = family.people[0]
    first, second = person.records.order_by("row_number")
    common = {"care_kind": "1", "hospital": "县人民医院", "disease": "脑梗死", "serious_paid": 0}
    first.items = {
        **common, "bill_number": "YB2", "settled_on": "2024-05-02", "total": 1_000_000, "eligible": 900_000,
        "basic_paid": 600_000, "aid_paid": 0, "self_paid": 400_000,
    }  # fmt: skip
    second.items = {
        **common, "bill_number": "YB3", "settled_on": "2024-05-03", "total": 85_000, "eligible": 90_000,
        "basic_paid": 0, "self_paid": 85_000,
    }  # fmt: skip
    first.save()
    second.save()
    return person


def page(client, person, **query: str) -> str:
    return text_of(client.get(reverse("office:person-bills", args=[person.pk]), query))


def test_every_step_says_base_rate_amount_and_what_is_left(patient, as_role) -> None:
    text = page(as_role("county"), patient, object="2")
    assert "按“低保”的待遇" in text
    assert "基本医保 已按结算单支付 6,000.00 元；剩余 3,000.00 元。" in text
    # 低保 of the demo county: no deductible, 80 %.
    assert "超过部分 3,000.00 元 × 80% = 2,400.00 元；剩余 600.00 元" in text
    assert "结算单上的个人自付 4,000.00 元 按标准应少付，请核对是否漏报" in text
    assert "医保结算明细5月.csv 第 2 行" in text
    assert "演示示例，本单只作演示，不得作为待遇依据" in text


def test_a_bill_that_cannot_be_right_says_why_and_makes_the_year_unknown(patient, as_role) -> None:
    text = page(as_role("county"), patient)
    assert "没有结果：政策范围内费用大于总费用" in text
    assert "2024 年共 2 张账单，总费用 10,850.00 元，报销 不清楚，个人自付 不清楚。" in text


def test_insurance_can_be_computed_anew_for_a_level_of_hospital(patient, as_role) -> None:
    # 县级: 400 yuan deductible, 75 % and 5 points more for a formerly poor household.
    text = page(as_role("county"), patient, level="2")
    assert "超过部分 8,600.00 元 × 80% = 6,880.00 元" in text


def test_the_kind_of_person_follows_from_the_labels_in_force(patient, roster) -> None:
    assert bill_page.usual_object(patient, day=TODAY) == bill_page.TUOPIN
    Label.objects.create(
        kind="dibao", household=patient.household, person=patient, valid_from=dt.date(2024, 1, 1), source=roster
    )
    assert bill_page.usual_object(patient, day=TODAY) == bill_page.DIBAO
    other = patient.household.members.exclude(pk=patient.pk).first()
    assert bill_page.usual_object(other, day=TODAY) == bill_page.TUOPIN
    assert bill_page.choice_of({"object": "99", "level": "x"}, patient, day=TODAY) == bill_page.Choice(
        bill_page.DIBAO, ""
    )


def test_household_and_person_pages_lead_there(patient, as_role) -> None:
    address = reverse("office:person-bills", args=[patient.pk])
    client = as_role("county")
    household = client.get(reverse("office:household", args=[patient.household_id])).content.decode()
    assert household.count(f'href="{address}"') == 1
    assert address in client.get(reverse("office:person", args=[patient.pk])).content.decode()
    healthy = patient.household.members.exclude(pk=patient.pk).first()
    assert "没有住院账单" in page(client, healthy)


def test_printing_is_noted_and_only_for_those_who_may(patient, as_role) -> None:
    address = reverse("office:person-bills-print", args=[patient.pk])
    answer = as_role("county").get(address)
    assert "打印人：县级经办" in text_of(answer)
    assert "data-print-now" in answer.content.decode()
    assert AuditEvent.objects.get(action="print_bills").subject_id == str(patient.pk)
    assert as_role("reader").get(address).status_code == 403
    assert "打印</a>" not in as_role("reader").get(reverse("office:person-bills", args=[patient.pk])).content.decode()


def test_a_foreign_person_does_not_exist(patient, as_role, make_household, regions) -> None:
    foreign = make_household(village=regions.foreign_village, members=("外人",)).members.get()
    DepartmentRecord.objects.filter(person=patient).update(person=foreign)
    assert as_role("county").get(reverse("office:person-bills", args=[foreign.pk])).status_code == 404
