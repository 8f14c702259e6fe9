"""Decisions made in the browser: a link with two keys, an undo only after asking."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from tests.conftest import PASSWORD
from tests.office import rosters

from huqing.intake.models import Import, LinkCandidate
from huqing.intake.taking import take_in
from huqing.registry.models import DepartmentRecord, Household, Source
from huqing.screening.signals import paused

from .conftest import TODAY

pytestmark = pytest.mark.browser


@pytest.fixture
def waiting(product, make_household):
    """Two rows of a list of insured people that might be about 张大山 and 李秀英."""
    source = Source.objects.create(
        kind="department",
        record_kind="insured",
        title="参保名单.csv",
        on=dt.date(2026, 5, 31),
        created_at=timezone.now(),
    )
    made = []
    for number, (name, score) in enumerate((("张大山", 0.97), ("李秀英", 0.91)), start=2):
        person = make_household(members=(name,)).members.get()
        record = DepartmentRecord.objects.create(
            kind="insured",
            fingerprint=name,
            subject_name=name,
            items={"year": 2026, "insurance_kind": "1"},
            source=source,
            row_number=number,
        )
        line = {"field": "姓名", "row": name, "person": name, "agreement": "相同", "weight": 10.6}
        made.append(
            LinkCandidate.objects.create(
                record=record, person=person, score=score, explanation=[line], region_code=person.region_code
            )
        )
    return made


def test_a_digit_brings_the_focus_and_enter_decides(users_by_role, waiting, window):
    office = window()
    page = office.page
    office.sign_in("county", PASSWORD)
    office.go("/links/")
    page.get_by_role("link", name="逐条判定").click()
    office.sees("是同一人吗", "“张大山”")
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="是同一人", exact=False).first).to_be_focused()
    assert LinkCandidate.objects.filter(state="open").count() == 2
    page.keyboard.press("Enter")
    office.sees("已关联到张大山", "“李秀英”")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    office.sees("没有待判定的")
    assert [one.state for one in LinkCandidate.objects.order_by("id")] == ["accepted", "rejected"]


def test_an_import_is_undone_only_after_asking(users_by_role, product, regions, window, tmp_path):
    file = rosters.write(tmp_path / "户信息表.xlsx", "户信息表", [rosters.household(1, "张大山")])
    with paused():
        (intake,) = take_in(file, kind="household", by=None, data_date=TODAY, region="500236")
        office = window()
        page = office.page
        office.sign_in("county", PASSWORD)
        office.go(f"/imports/{intake.pk}/")
        page.get_by_role("button", name="撤销导入").click()
        office.sees("这份文件带来的新增和变更全部退回")
        page.get_by_role("button", name="不做了").click()
        assert Household.objects.count() == 1
        page.get_by_role("button", name="撤销导入").click()
        page.get_by_role("button", name="确定").click()
        office.sees("已撤销")
    assert not Household.objects.exists()
    assert Import.objects.get().state == Import.State.UNDONE


def test_a_form_is_sent_once_however_often_somebody_presses_while_the_answer_takes_its_time(users_by_role, window):
    office = window()
    page = office.page
    office.sign_in("village", PASSWORD)
    office.go("/matters/new/")
    office.sees("代群众反映")
    # What would be sent is counted behind the page's own script, and stays on the page as if the server were slow.
    sent = page.evaluate(
        """() => {
          let sent = 0
          window.addEventListener('submit', (event) => {
            if (!event.defaultPrevented) sent += 1
            event.preventDefault()
          })
          const button = document.querySelector('main form[method=post] button')
          for (let press = 0; press < 3; press += 1) button.click()
          return sent
        }"""
    )
    assert sent == 1
