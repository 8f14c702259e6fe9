"""Every form that comes with the product opens on the phone and can be finished by whoever answers what must be."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.field.filling import fill_required
from tests.field.forms import shipped_forms
from tests.visits import building

from huqing.packs.shipped import shipped_keys

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("key", [key for key in shipped_keys() if shipped_forms(key)])
def test_every_shipped_form_is_finished_with_what_must_be_answered(key, phone, token, make_household, received):
    household = make_household(members=("张大山", "李秀英", "张小妹", "张小弟"), items={"water_safe": True})
    versions = [building.stored(form) for form in shipped_forms(key)]
    one = phone()
    one.sign_in(token(), "张大山")
    for done, version in enumerate(versions, start=1):
        person = household.members.first()
        one.go(f"/field/#/fill/{version.pk}?household={household.pk}&person={person.pk}")
        one.page.reload()
        expect(one.page.locator(".form-foot")).to_be_visible()
        expect(one.page.locator(".form-body > .notice")).to_have_count(0)
        assert one.page.evaluate("document.documentElement.scrollWidth") == 390
        one.read()
        fill_required(one.page)
        one.finish()
        one.settled("sent", done)
    assert [submission.form.form_id for submission in received()] == [version.form.form_id for version in versions]
