"""Fills in whatever form is on the screen, as a clerk would who only answers what must be answered."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

# What is tried in a field in turn, until the form has nothing to say against it.
NUMBERS = ("1", "0", "100", "2026")
WORDS = ("测试填写",)
DAYS = ("2026-06-30", "2026-06-29", "2027-01-31")
ENOUGH = 300


def question(page: Page, label: str) -> Locator:
    """The box of the first question with this label."""
    return page.locator(".question").filter(has=page.locator(".label", has_text=label)).first


def fill_required(page: Page) -> int:
    """Answer every question that must be answered; how many were. AssertionError if one cannot be."""
    answered = 0
    while page.locator(".form-foot button").count() > 1:
        assert answered < ENOUGH, "没完没了的必填题"
        page.locator(".form-foot button").first.click()
        page.wait_for_function("document.activeElement && document.activeElement.closest('.question')")
        box = page.locator(f"[id='{page.evaluate('document.activeElement.closest(`.question`).id')}']")
        answer(page, box)
        answered += 1
    return answered


def answer(page: Page, box: Locator) -> None:
    """Give a question the first answer it takes."""
    if box.locator("button.chooser").count():
        box.locator("button.chooser").click()
        popup = page.locator(".choices:visible")
        popup.locator("label.option").first.click()
        if popup.locator("input[type=checkbox]").count():
            popup.locator(".choices-head button").click()
        popup.wait_for(state="hidden")
    elif box.locator("label.option").count():
        box.locator("label.option").first.click()
    elif box.locator(".stars input").count():
        box.locator(".stars input").last.click()
    else:
        _type(page, box.locator("input.field, textarea.field").first, box)
    assert not box.locator(".error").count(), f"{box.inner_text()}"


def _type(page: Page, field: Locator, box: Locator) -> None:
    kind = field.get_attribute("type")
    numeric = field.get_attribute("inputmode") in ("numeric", "decimal")
    values = DAYS if kind == "date" else ("08:30",) if kind == "time" else NUMBERS if numeric else WORDS
    for value in values:
        field.fill(value)
        field.blur()
        page.wait_for_timeout(0)
        if not box.locator(".error").count():
            return
