"""Strange values typed into every field of a file: taken or refused in words, on the page and in an import alike."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from huqing.office import edits
from huqing.registry.models import Household, Person
from huqing.screening.signals import paused
from huqing.standards.fields import record_kinds

pytestmark = pytest.mark.django_db

STRANGE = [
    "\x00", "a\x00b", "\ufffd", "𠮷𪚥", "\u202eabc", "１２３", "1e999", "-1e999", "NaN", "∞", "9" * 400, "-0", "0x10",
    "1" * 19, "9999-99-99", "0000-00-00", "2024-02-30", "99999-01-01", "[]", "{}", "null", "true", "=1+1", "'", "\\",
    "%s", "{{7*7}}", "<b>", "\n\n\n", "长" * 3_000, "🧿", "०१२", "Ⅷ", "½", "1,2,3", "，，，", "、、",
    "2024-01-01T00:00:00Z",
]  # fmt: skip


@pytest.fixture
def county(users_by_role, monkeypatch) -> Client:
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    client = Client(raise_request_exception=False)
    client.force_login(users_by_role["county"])
    return client


@pytest.mark.parametrize("kind", ["household", "person"])
def test_no_field_of_a_file_breaks_on_a_strange_value(kind, county, make_household, regions):
    household = make_household(grid=regions.grid)
    row = household if kind == "household" else household.members.first()
    wrong = []
    # One field of each sort: they share a checker, a control and a place to be kept.
    sorts = {(field.type, field.column, field.linked): field for field in record_kinds()[kind].by_key.values()}
    for field in sorts.values():
        address = reverse("office:field", args=[kind, row.pk, field.key])
        for value in STRANGE:
            model = Household if kind == "household" else Person
            sent = {
                "value": value, "on": "2024-05-01", "reason": edits.REASONS[0],
                "seen": edits.fingerprint(field, model.objects.get(pk=row.pk)) if not field.linked else "",
            }  # fmt: skip
            with paused():
                answer = county.post(address, sent)
            # No form with a null character gets as far as a view.
            if answer.status_code not in ((400,) if "\0" in value else (200, 404, 422)):
                wrong.append(f"{answer.status_code} {field.key} {value[:20]!r}")
            if answer.status_code == 404:
                break
    assert not wrong, "\n".join(wrong)
    assert county.get(reverse("office:household", args=[household.pk])).status_code == 200


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31", "2024-13-01", "", "x" * 1_000, "\x00"])
def test_no_date_of_a_change_breaks_it(on, county, make_household, regions):
    household = make_household(grid=regions.grid)
    answer = county.post(
        reverse("office:field", args=["household", household.pk, "address"]),
        {"value": "2组", "on": on, "reason": edits.REASONS[0], "seen": "x"},
    )
    assert answer.status_code in ((400,) if "\0" in on else (200, 422))
    assert Household.objects.get(pk=household.pk).address == ""


def test_what_names_a_household_cannot_be_edited_in_place(county, make_household, regions):
    household = make_household(grid=regions.grid)
    for key in ("number", "village_code", "region_code", "pk", "items", "phone_sealed", "__class__"):
        answer = county.post(
            reverse("office:field", args=["household", household.pk, key]),
            {"value": "500237101201", "on": "2024-05-01", "reason": edits.REASONS[0]},
        )
        assert answer.status_code == 404
    again = Household.objects.get(pk=household.pk)
    assert (again.number, again.region_code) == (household.number, household.region_code)


def test_a_file_of_strange_cells_is_taken_in_row_by_row(regions, settings, tmp_path):
    from huqing.intake.models import Import
    from huqing.intake.taking import take_in

    settings.DATA = tmp_path / "data"
    kind = record_kinds()["household"]
    fields = [field for field in kind.by_key.values() if not field.linked and field.key not in ("number", "head_name")]
    lines = [["户编号", "户主姓名", "行政村", *(field.label for field in fields)]]
    for number, value in enumerate(STRANGE):
        cells = [value if index % len(STRANGE) == number else "" for index in range(len(fields))]
        lines.append([f"H{number}", "张三", "砚瓦村", *cells])
    path = tmp_path / "户信息表.csv"
    path.write_text(
        "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines), encoding="utf-8"
    )
    (done,) = take_in(path, kind="household", by=None, data_date=dt.date(2024, 6, 30), region="500236")
    assert done.state == Import.State.APPLIED
    assert done.counts["rows"] == len(STRANGE)
    assert done.counts["good"] + done.counts["refused"] == len(STRANGE)
    assert Household.objects.count() == done.counts["good"]
