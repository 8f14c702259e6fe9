"""A verifier in another village without a network: the household, the round's columns, and the record that arrives."""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import expect
from tests.field.conftest import TODAY

from huqing.access.models import User
from huqing.rosters import drawing, phone_form
from huqing.rosters.drawing import Frame
from huqing.rosters.models import RecheckItem
from huqing.teams.models import Staff

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def drawn(product, make_household, users_by_role, regions, monkeypatch) -> RecheckItem:
    """A household of another village, drawn and given to the village clerk, whose own village has one too.

    Drawn long ago: the day of the record is the browser's.
    """
    monkeypatch.setattr(
        "django.utils.timezone.localdate", lambda value=None, *rest: TODAY if value is None else value.date()
    )
    make_household(members=("张大山",))
    away = make_household(
        members=("李远方", "王小远"), village=regions.other_village, items={"water_safe": True, "risks": ["01"]}
    )
    county: User = users_by_role["county"]
    round_ = drawing.commit(
        title="六月回头看",
        frame=Frame(towns=[regions.other_village.code[:9]], stratum="none"),
        fields=[["household", "water_safe"], ["person", "labour"]],
        share=100,
        due_on=TODAY + dt.timedelta(10),
        by=county,
    )
    round_ = drawing.draw_round(round_=round_, said="3 5 1", witnesses="纪委李某", by=county)
    clerk = users_by_role["village"]
    staff = Staff.objects.create(name="核查员甲", kind="1", region_code=clerk.region_code, user=clerk)
    round_.drawn_at = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    round_.save()
    item = round_.items.get(household=away)
    round_.items.update(verifier=staff)
    phone_form.publish(round_=round_, by=county)
    return item


def test_a_verifier_fills_in_the_round_without_a_network_and_the_office_has_it(phone, token, drawn, line):
    one = phone()
    one.sign_in(token(), "张大山")
    one.sees("李远方", "只去核查")
    one.settle()
    line.down()
    one.household("李远方")
    one.sees("不归您负责", "王小远", "六月回头看")
    expect(one.page.get_by_text("最近的走访")).to_have_count(0)
    one.begin("填表")
    one.question("见到这一户了吗").get_by_text("见到了，已核查").click()
    box = one.question("饮水安全吗")
    expect(box.locator("[aria-checked=true], input:checked").first).to_be_visible()
    box.get_by_text("否", exact=True).click()
    expect(one.question("劳动技能")).to_be_visible()
    one.saved()
    one.finish()
    one.sees("1 条待传")
    assert not RecheckItem.objects.exclude(outcome="").exists()
    line.up()
    one.nudge()
    one.settled("sent")
    drawn.refresh_from_db()
    assert drawn.outcome == "met"
    assert [(row.field, row.before, row.found) for row in drawn.differences.all()] == [("water_safe", True, False)]
    one.sync()
    one.sees("核查已经办好")
    one.page.get_by_role("button", name="返回").click()
    expect(one.page.locator("a.row", has_text="张大山")).to_be_visible()
    expect(one.page.locator("a.row", has_text="李远方")).to_have_count(0)
