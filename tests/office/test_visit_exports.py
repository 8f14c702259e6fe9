"""Forms as tables and files: every answer comes out again, formulas as text, marked and audited."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pyarrow.parquet as parquet
import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from huqing.access.models import AuditEvent
from huqing.visits import exports, savings
from huqing.visits.models import Submission

from . import reported
from .reading import text_of

FORM = """# 走访

| survey |
| | type | name | label | reads |
| | select_one_from_file household.csv | household | 哪一户 | household |
| | date | visited_on | 走访日期 | |
| | integer | pigs | 养了几头猪 | |
| | decimal | area | 种了几亩 | |
| | select_one house | house | 房子 | |
| | text | note | 其他情况 | |
| | begin_repeat | things | 要办的事 | |
| | text | what | 什么事 | |
| | begin_repeat | steps | 分几步 | |
| | text | step | 哪一步 | |
| | end_repeat | | | |
| | end_repeat | | | |

| choices |
| | list_name | name | label |
| | house | good | 好 |
| | house | bad | 不好 |

| settings |
| | form_title | form_id | version |
| | 干部/走访 | cadre | 1 |
"""


PLAIN = """# 简

| survey |
| | type | name | label |
| | text | note | 情况 |

| settings |
| | form_title | form_id | version |
| | 民情 | plain | 1 |
"""


@pytest.fixture
def form(db):
    return reported.publish(FORM, kind="1")


@pytest.fixture
def visits(form, family, users_by_role):
    first = {
        "/data/household": str(family.pk),
        "/data/visited_on": "2024-05-30",
        "/data/pigs": "3",
        "/data/area": "2.5",
        "/data/house": "bad",
        "/data/note": '=HYPERLINK("http://x","y")',
        "/data/things": [
            {"/data/things/what": "修路", "/data/things/steps": [{"/data/things/steps/step": "找人"}, {}]},
            {"/data/things/what": "+1 头牛"},
        ],
    }
    second = {"/data/pigs": "很多", "/data/note": "没有"}
    return [reported.submit(form, users_by_role["grid"], told, family.household) for told in (first, second)]


def export(client, form, kind, query=""):
    return client.post(reverse("office:visit-export", args=[form.form_id]) + query, {"format": kind})


def unzipped(answer) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def test_a_workbook_holds_the_form_and_a_sheet_for_every_repeat(as_role, form, visits):
    answer = export(as_role("county"), form, "xlsx")
    assert "attachment" in answer["Content-Disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    assert book.sheet_names == ["干部走访", "要办的事", "分几步", "导出说明"]
    title, first, second = book.get_sheet_by_index(0).to_python()
    row = dict(zip(title, first, strict=True))
    assert (row["户主"], row["养了几头猪"], row["种了几亩"], row["房子"]) == ("王建国", 3, 2.5, "不好")
    assert row["其他情况"] == '=HYPERLINK("http://x","y")'
    assert dict(zip(title, second, strict=True))["养了几头猪"] == "很多"
    assert title.count("走访日期") == 1
    number = visits[0].pk
    assert book.get_sheet_by_index(1).to_python()[1:] == [[number, 1, "修路"], [number, 2, "+1 头牛"]]
    assert book.get_sheet_by_index(2).to_python()[1:] == [[number, 1, 1, "找人"], [number, 1, 2, ""]]
    told = {line[0]: line[1] for line in book.get_sheet_by_index(3).to_python()}
    assert told["导出人"] == "县级经办"


def test_no_cell_of_a_workbook_is_a_formula(as_role, form, visits):
    answer = export(as_role("county"), form, "xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/"):
                assert b"<f>" not in book.read(name)


def test_csv_files_open_in_excel_and_cannot_run_anything(as_role, form, visits):
    main, things, steps = unzipped(export(as_role("county"), form, "csv"))
    assert main.startswith(b"\xef\xbb\xbf")
    title, first, _, marking = csv.reader(io.StringIO(main.decode("utf-8-sig")))
    row = dict(zip(title, first, strict=True))
    assert not row["其他情况"].startswith("=")
    assert row["其他情况"].endswith('=HYPERLINK("http://x","y")')
    assert "导出人：县级经办" in marking[0]
    assert not list(csv.reader(io.StringIO(things.decode("utf-8-sig"))))[2][-1].startswith("+")
    assert "找人" in steps.decode("utf-8-sig")


def test_parquet_keeps_types_codes_and_labels(as_role, form, visits):
    main, *repeats = (
        parquet.read_table(io.BytesIO(part)) for part in unzipped(export(as_role("county"), form, "parquet"))
    )
    assert main.column("area").to_pylist() == [2.5, None]
    assert main.column("house").to_pylist() == ["bad", None]
    # One answer is no number, so the column stays text and nothing is lost.
    assert main.column("pigs").to_pylist() == ["3", "很多"]
    assert main.column("note").to_pylist() == ['=HYPERLINK("http://x","y")', "没有"]
    assert main.column("visit:visited_on").to_pylist() == [visit.visited_on for visit in visits]
    assert json.loads(main.schema.field("house").metadata[b"choices"]) == {"good": "好", "bad": "不好"}
    assert "导出人：县级经办" in main.schema.metadata[b"marking"].decode()
    assert [table.num_rows for table in repeats] == [2, 2]


def test_a_form_without_repeats_is_one_file(as_role, family, users_by_role):
    plain = reported.publish(PLAIN)
    reported.submit(plain, users_by_role["grid"], {"/data/note": "好"}, family.household)
    answer = export(as_role("county"), plain, "csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert "好" in answer.content.decode("utf-8-sig")


def test_a_question_keeps_its_column_over_versions(as_role, form, visits, family, users_by_role):
    newer = reported.publish(
        FORM.replace("养了几头猪", "养猪多少头")
        .replace("| 1 |", "| 2 |")
        .replace("| | decimal | area | 种了几亩 | |\n", ""),
        form=form.form,
    )
    reported.submit(newer, users_by_role["grid"], {"/data/pigs": "7"}, family.household)
    title, *rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(export(as_role("county"), form, "xlsx").content))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert "养猪多少头" in title
    assert "养了几头猪" not in title
    assert [row[title.index("养猪多少头")] for row in rows] == [3, "很多", 7]
    assert [row[title.index("种了几亩")] for row in rows] == [2.5, "", ""]


def test_every_export_is_in_the_audit_log(as_role, form, visits):
    export(as_role("county"), form, "xlsx", "?since=2024-05-01")
    event = AuditEvent.objects.get(action="export_visits")
    assert event.detail == {"form": "cadre", "type": "xlsx", "rows": 2, "since": "2024-05-01"}


def test_an_export_holds_only_what_the_account_sees_and_the_filters_leave(
    as_role, form, visits, make_household, regions, users_by_role
):
    for village, head in ((regions.foreign_village, "赵六"), (regions.other_village, "钱七")):
        reported.submit(form, users_by_role["county"], {}, make_household(village=village, members=(head,)))
    assert "赵六" not in "".join(part.decode() for part in unzipped(export(as_role("county"), form, "csv")))
    town = "".join(part.decode() for part in unzipped(export(as_role("town"), form, "csv")))
    assert "钱七" not in town
    narrowed = "".join(part.decode() for part in unzipped(export(as_role("county"), form, "csv", "?town=500236102")))
    assert "钱七" in narrowed
    assert "王建国" not in narrowed


@pytest.mark.parametrize("role", ["village", "grid", "reader", "visitor", "department"])
def test_other_roles_may_not_export(as_role, form, visits, role):
    assert export(as_role(role), form, "xlsx").status_code == 403
    assert not AuditEvent.objects.filter(action="export_visits").exists()


@pytest.mark.parametrize("kind", ["", "exe", "../xlsx"])
def test_an_unknown_format_is_refused_in_words(as_role, form, visits, kind):
    answer = as_role("county").post(reverse("office:visit-export", args=[form.form_id]), {"format": kind}, follow=True)
    assert "请选择导出格式" in text_of(answer)


def test_nothing_or_too_much_is_said_and_not_made(as_role, form, visits, monkeypatch):
    client = as_role("county")
    url = reverse("office:visit-export", args=[form.form_id])
    assert "没有可以导出" in text_of(client.post(f"{url}?until=2000-01-01", {"format": "csv"}, follow=True))
    monkeypatch.setattr(exports, "MOST", 1)
    assert "一次最多导出 1 条" in text_of(client.post(url, {"format": "csv"}, follow=True))


def test_the_table_shows_answers_side_by_side(as_role, form, visits):
    text = text_of(as_role("reader").get(reverse("office:visit-table", args=[form.form_id])))
    assert "养了几头猪" in text
    assert "不好" in text
    assert "不能导出走访记录" in text
    assert as_role("county").get(reverse("office:visit-table", args=[999])).status_code == 404


def test_entries_avoided_are_added_up_per_form_and_in_all(
    as_role, form, visits, make_household, regions, users_by_role
):
    reported.submit(form, users_by_role["county"], {}, make_household(village=regions.foreign_village), prefilled=1000)
    Submission.objects.filter(pk=visits[1].pk).update(state="incomplete")
    total = savings.total(users_by_role["county"])
    assert (total.submissions, total.typed, total.avoided, total.share) == (1, 3, 7, 0.7)
    text = text_of(as_role("county").get(reverse("office:visit-forms")))
    assert "少填了 7 项" in text
    assert "70%" in text
    assert "走访少填了 7 项" in text_of(as_role("county").get(reverse("office:home")))


def test_without_any_submission_nothing_is_divided(as_role, users_by_role):
    assert savings.total(users_by_role["county"]).share is None
    assert "还没有收到走访记录" in text_of(as_role("county").get(reverse("office:visit-forms")))
