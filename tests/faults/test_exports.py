"""Texts of a hostile file stay texts on every page and in every cell of what is exported."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from huqing.papers import Column, Marking, Row, Sheet, write_workbook

RUNS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", '=HYPERLINK("http://evil.test","x")')
SCRIPTS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<svg/onload=alert(1)>", "{{7*7}}{% debug %}")


@pytest.mark.parametrize("text", RUNS)
def test_no_cell_of_a_workbook_can_run_wherever_its_text_comes_from(text):
    marking = Marking(text, dt.datetime(2026, 3, 31, 10, 5, tzinfo=dt.UTC), text)
    rows = [Row([text, "x"], {0: text, 1: text}), Row(["x", text], {1: text})]
    target = io.BytesIO()
    write_workbook(target, [Sheet(text, [Column(text), Column("备注")], rows, remedies=True)], marking=marking)
    target.seek(0)
    cells = [cell for page in openpyxl.load_workbook(target) for line in page.iter_rows() for cell in line]
    active = [cell for cell in cells if isinstance(cell.value, str) and cell.value[:1] in "=+-@\t"]
    assert len(active) >= 6
    assert [cell.coordinate for cell in active if not cell.quotePrefix or cell.data_type == "f"] == []


@pytest.mark.django_db
@pytest.mark.parametrize("text", SCRIPTS)
def test_names_addresses_and_files_are_never_part_of_a_page(text, users_by_role, regions, make_household, monkeypatch):
    from huqing.intake.models import Import, RowProblem

    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    household = make_household(grid=regions.grid, members=(f"张{text}", f"李{text}"), items={"helper_name": text})
    household.address = household.group_name = text
    household.save()
    intake = Import.objects.create(
        state="checked", record_kind="household", file_name=f"{text}.xlsx", file_hash="x", stored_as="x", sheet=text,
        data_date=dt.date(2026, 6, 30), region_code="500236000000", created_at=dt.datetime(2026, 6, 30, tzinfo=dt.UTC),
        mapping={text: "address"}, counts={"rows": 1, "good": 1},
        preview={"added": [{"line": 2, "number": text, "name": text}], "changed": []}, message=text,
    )  # fmt: skip
    RowProblem.objects.create(
        intake=intake, severity="refused", row_number=2, column=text, value=text, message=text, remedy=text
    )
    users_by_role["county"].display_name = text
    users_by_role["county"].save()
    client = Client()
    client.force_login(users_by_role["county"])
    person = household.members.first()
    pages = [reverse(f"office:{name}") for name in ("home", "households", "alerts", "imports", "regions")]
    pages += [reverse(f"office:{name}", args=[household.pk]) for name in ("household", "household-print")]
    pages += [reverse("office:person", args=[person.pk])]
    pages += [reverse(f"office:{name}", args=[intake.pk]) for name in ("import", "import-problems")]
    shown = 0
    for address in pages:
        page = client.get(address).content.decode()
        assert text not in page if text.startswith(("<", '"')) else "49{" not in page, address
        shown += "alert(1)" in page or "7*7" in page
    assert shown >= 6
