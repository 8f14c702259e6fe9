"""What is printed: nothing to press on paper, no empty sheet after a short form, the sheet size that was asked for."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page
from tests.conftest import PASSWORD

from huqing.cases.models import PublicPosting

from .conftest import TODAY

pytestmark = pytest.mark.browser

CONTROLS = "button, .btn, input, select, nav, header.topbar"


@pytest.fixture
def posting(product, regions, users_by_role) -> PublicPosting:
    return PublicPosting.objects.create(
        village=regions.village,
        region_code=regions.village.code,
        kind="listing",
        level="村内公示",
        title="村内公示名单",
        columns=[["number", "序号"], ["head", "户主姓名"]],
        rows=[["1", "张大山"], ["2", "李秀英"]],
        starts_on=TODAY,
        ends_on=TODAY,
        published_at="2026-06-30T09:00:00+08:00",
        published_by=users_by_role["county"],
    )


def sheets(page: Page) -> list[tuple[int, int]]:
    """The sheets a page prints on: width and height in millimetres."""
    drawn = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", drawn)
    return [(round(float(wide) / 72 * 25.4), round(float(high) / 72 * 25.4)) for wide, high in boxes]


def test_papers_hold_nothing_to_press_and_fit_their_sheet(posting, window) -> None:
    office = window()
    page = office.page
    office.sign_in("county", PASSWORD)
    notice = f"/postings/{posting.pk}/notice/"
    a4, a3 = (210, 297), (297, 420)
    papers = {
        "/rosters/print/": a4,
        f"{notice}?size=a4": a4,
        f"{notice}?size=a3": a3,
        f"/public/{posting.region_code}/apply/paper/": a4,
    }
    for address, size in papers.items():
        office.go(address)
        assert page.locator(CONTROLS).count(), address
        page.emulate_media(media="print")
        assert [one.inner_text() for one in page.locator(CONTROLS).all() if one.is_visible()] == [], address
        assert sheets(page) == [size], address
        page.emulate_media(media="screen")
