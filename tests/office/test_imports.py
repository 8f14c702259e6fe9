"""Files on their way in, page by page: upload, columns, check, apply, refused rows, correction, undo."""

from __future__ import annotations

import datetime as dt
import io
import re
from types import SimpleNamespace

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from huqing.access.models import AuditEvent
from huqing.intake.models import Import
from huqing.registry.models import Household
from huqing.screening.signals import paused

from . import rosters
from .reading import text_of

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = dt.date(2026, 6, 30)
GOOD = rosters.household(1, "张大山")
WRONG = rosters.household(2, "李秀英", 工资性收入="三千左右")
S = Import.State


@pytest.fixture
def desk(regions, as_role, settings, tmp_path, monkeypatch):
    """A county clerk with a place for files; nothing screens."""
    settings.DATA = tmp_path / "data"
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)
    client = as_role("county")

    def upload(rows, title="户信息表", *, on=TODAY, by=client, region="500236", kind=""):
        content = rosters.write(tmp_path / f"{title}.xlsx", title, rows).read_bytes()
        return send(content, f"{title}.xlsx", on=on, by=by, region=region, kind=kind)

    def send(content, name, *, on=TODAY, by=client, region="500236", kind=""):
        file = SimpleUploadedFile(name, content)
        return by.post(
            reverse("office:import-add"), {"file": file, "kind": kind, "region": region, "on": str(on)}, follow=True
        )

    def check(page) -> Import:
        """Press 检查数据 on the columns page, with the columns as they were proposed."""
        html = page.content.decode()
        chosen = re.findall(r'<select[^>]* name="(column-\d+)".*?</select>', html, re.DOTALL)
        data = {"sheet": form_value(html, "sheet"), "kind": form_value(html, "kind")}
        for name in chosen:
            select = html[html.index(f'name="{name}"') :].split("</select>")[0]
            picked = re.search(r'value="(\w*)" selected', select)
            data[name] = picked[1] if picked else ""
        intake = Import.objects.latest("id")
        client.post(reverse("office:import-columns", args=[intake.pk]), data)
        intake.refresh_from_db()
        return intake

    def press(intake, action):
        answer = client.post(reverse("office:import-step", args=[intake.pk, action]), follow=True)
        intake.refresh_from_db()
        return answer

    with paused():
        yield SimpleNamespace(folder=tmp_path, client=client, upload=upload, send=send, check=check, press=press)


def form_value(html: str, name: str) -> str:
    return re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', html)[1]


def page_of(client, intake) -> str:
    return text_of(client.get(reverse("office:import", args=[intake.pk])))


def test_a_roster_goes_from_the_upload_form_into_the_registry(desk) -> None:
    columns = desk.upload([GOOD, rosters.household(2, "李秀英")])
    text = text_of(columns)
    assert "表头在第 2 行，共 12 列" in text
    assert "其中 12 列已对应字段" in text
    assert "张大山；李秀英" in text
    intake = desk.check(columns)
    assert intake.state == S.CHECKED
    checked = page_of(desk.client, intake)
    assert "已检查" in checked
    assert "将要新增" in checked
    assert not Household.objects.exists()
    applied = text_of(desk.press(intake, "queue"))
    assert "已入库" in applied
    assert "新增 2 条" in applied
    assert set(Household.objects.values_list("head_name", flat=True)) == {"张大山", "李秀英"}
    assert "户信息表.xlsx" in text_of(desk.client.get(reverse("office:imports")))


def test_refused_rows_name_cell_and_remedy_and_come_back_as_a_workbook(desk) -> None:
    intake = desk.check(desk.upload([GOOD, WRONG]))
    desk.press(intake, "queue")
    assert Household.objects.count() == 1
    problems = text_of(desk.client.get(reverse("office:import-problems", args=[intake.pk])))
    assert "第 4 行" in problems
    assert "工资性收入" in problems
    assert "三千左右" in problems
    assert intake.problems.get().remedy in problems
    answer = desk.client.post(reverse("office:import-correction", args=[intake.pk]))
    assert "attachment" in answer["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    cells = [str(cell.value) for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert "李秀英" in cells
    assert "张大山" not in cells
    assert AuditEvent.objects.filter(action="intake.export_problems").latest("id").detail == {"rows": 1}
    corrected(book, "三千左右", 3000)
    again = desk.check(desk.send(saved(book), "待更正_户信息表.xlsx"))
    assert again.counts["added"] == 1
    assert again.counts["refused"] == 0
    desk.press(again, "queue")
    assert Household.objects.count() == 2


def corrected(book, old, new) -> None:
    (cell,) = [cell for sheet in book for row in sheet for cell in row if cell.value == old]
    cell.value = new


def saved(book) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_the_same_file_again_is_recognised_and_changes_nothing(desk) -> None:
    content = rosters.write(desk.folder / "户信息表.xlsx", "户信息表", [GOOD]).read_bytes()
    desk.press(desk.check(desk.send(content, "户信息表.xlsx")), "queue")
    columns = desk.send(content, "户信息表（再传）.xlsx")
    assert "再导一次不会有任何变化" in text_of(columns)
    again = desk.check(columns)
    assert (again.counts["added"], again.counts["changed"], again.counts["unchanged"]) == (0, 0, 1)


def test_a_changed_value_is_shown_before_and_after_and_undone_again(desk) -> None:
    desk.press(desk.check(desk.upload([GOOD], on=dt.date(2026, 5, 31))), "queue")
    intake = desk.check(desk.upload([{**GOOD, "工资性收入": 5000}]))
    text = page_of(desk.client, intake)
    assert "将要变更" in text
    assert "工资性收入： 3,000 元/年 → 5,000 元/年" in text
    desk.press(intake, "queue")
    household = Household.objects.get()
    assert household.items["wage_income"] == 500_000
    undone = text_of(desk.press(intake, "undo"))
    assert "已撤销" in undone
    household.refresh_from_db()
    assert household.items["wage_income"] == 300_000


def test_a_household_the_file_leaves_out_is_listed_and_kept(desk) -> None:
    desk.press(desk.check(desk.upload([GOOD, rosters.household(2, "李秀英")], on=dt.date(2026, 5, 31))), "queue")
    intake = desk.check(desk.upload([GOOD]))
    text = page_of(desk.client, intake)
    assert "文件里没有的 1 条" in text
    applied = text_of(desk.press(intake, "queue"))
    assert "系统里有、文件里没有的" in applied
    assert "李秀英" in applied
    assert Household.objects.count() == 2


def test_an_upload_without_file_or_with_a_wrong_date_stays_on_the_form(desk) -> None:
    empty = desk.client.post(reverse("office:import-add"), {"on": "2026-06-30", "region": "500236"})
    assert empty.status_code == 422
    assert "请先选择要上传的文件" in text_of(empty)
    wrong = desk.client.post(
        reverse("office:import-add"), {"file": SimpleUploadedFile("a.csv", b"x"), "on": "昨天", "region": "500236"}
    )
    assert "不是日期" in text_of(wrong)
    assert not Import.objects.exists()


def test_a_file_that_cannot_be_read_says_so_and_can_be_given_up(desk) -> None:
    answer = desk.send(b"\xd0\xcf\x11\xe0 not a workbook", "坏文件.xls")
    assert answer.status_code == 422
    assert "文件读不出来" in text_of(answer)
    given_up = desk.press(Import.objects.get(), "discard")
    assert "没有数据入库" in text_of(given_up)


def test_a_file_of_unknown_kind_asks_for_it(desk) -> None:
    answer = desk.send("甲,乙\n1,2\n".encode(), "杂表.csv")
    assert "认不出是哪种数据" in text_of(answer)


def test_two_columns_for_one_field_are_refused_in_words(desk) -> None:
    page = desk.upload([GOOD])
    intake = Import.objects.get()
    html = page.content.decode()
    data = {"sheet": form_value(html, "sheet"), "kind": "household", "column-0": "number", "column-1": "number"}
    answer = desk.client.post(reverse("office:import-columns", args=[intake.pk]), data)
    assert answer.status_code == 422
    assert "有两列都对应到" in text_of(answer)


def test_a_columns_template_is_kept_for_the_next_file(desk) -> None:
    page = desk.upload([{**GOOD, "别的": "x"}])
    intake = Import.objects.get()
    html = page.content.decode()
    names = re.findall(r'name="(column-\d+)"', html)
    data = {"sheet": form_value(html, "sheet"), "kind": "household", "save_as": "朱衣镇户表"}
    for name in names:
        picked = re.search(r'value="(\w*)" selected', html[html.index(f'name="{name}"') :].split("</select>")[0])
        data[name] = picked[1] if picked else ""
    data[names[-1]] = "address"
    desk.client.post(reverse("office:import-columns", args=[intake.pk]), data)
    again = desk.upload([{**GOOD, "别的": "y"}]).content.decode()
    last = again[again.index(f'name="{names[-1]}"') :].split("</select>")[0]
    assert 'value="address" selected' in last
    assert "沿用上次保存的对应" in again


def test_a_department_sees_its_own_files_only(desk, as_role) -> None:
    desk.check(desk.upload([GOOD]))
    health = as_role("department")
    assert "户信息表" not in text_of(health.get(reverse("office:imports")))
    assert health.get(reverse("office:import", args=[Import.objects.get().pk])).status_code == 404
    form = text_of(health.get(reverse("office:import-add")))
    assert "医保结算明细（医疗保障局）" in form
    assert "户信息表" not in form


def test_a_busy_import_asks_for_news_without_keeping_the_session_alive(desk) -> None:
    intake = desk.check(desk.upload([GOOD]))
    Import.objects.filter(pk=intake.pk).update(state=S.APPLYING, progress=40)
    page = desk.client.get(reverse("office:import", args=[intake.pk]))
    assert "40%" in text_of(page)
    assert "X-Background" in page.content.decode()
    fragment = desk.client.get(reverse("office:import", args=[intake.pk]), headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()


def test_a_page_waits_for_the_background_worker_and_offers_nothing_meanwhile(desk, settings) -> None:
    intake = desk.check(desk.upload([GOOD]))
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    text = text_of(desk.press(intake, "check"))
    assert "等待检查" in text
    assert "本页会自动更新" in text
    assert "提交入库" not in text


def test_the_list_narrows_by_kind_and_state_and_says_what_to_do_when_empty(desk) -> None:
    empty = text_of(desk.client.get(reverse("office:imports")))
    assert "先导入户信息表" in empty
    desk.upload([GOOD])
    listed = desk.client.get(reverse("office:imports"), {"state": "uploaded"})
    assert "户信息表.xlsx" in text_of(listed)
    assert "未定义变量" not in text_of(listed)
    assert "没有符合条件的导入" in text_of(desk.client.get(reverse("office:imports"), {"kind": "death"}))
