"""Where cases come from, the board, many at once, papers for the village: as people meet them on pages."""

from __future__ import annotations

import datetime as dt
import errno
from io import BytesIO
from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.office.reading import text_of
from tests.office.test_cases import DAY, clock, household, paper, take  # noqa: F401

from huqing.cases import actions, batches
from huqing.cases.models import Batch, Case, PostingProof, PublicPosting
from huqing.office.views import postings as postings_pages
from huqing.registry.models import DepartmentRecord, Source
from huqing.screening.models import Alert

NOW = dt.datetime(2026, 11, 2, 1, 0, tzinfo=dt.UTC)


def alert(household, finding: str = "medical_burden") -> Alert:  # noqa: F811
    return Alert.objects.create(
        finding=finding, household=household, region_code=household.region_code, severity="high", opened_on=DAY,
        seen_on=DAY,
    )  # fmt: skip


@pytest.fixture
def three(make_household, regions, users_by_role) -> list[Case]:
    found = []
    for name in ("赵一", "钱二", "孙三"):
        home = make_household(grid=regions.grid, members=(name,))
        found.append(
            actions.open_case(household=home, source="2", clue="走访发现大病支出", by=users_by_role["village"])
        )
    return found


def test_one_click_on_an_alert_opens_a_case_with_all_the_alerts_of_the_household(as_role, household) -> None:  # noqa: F811
    first, second = alert(household), alert(household, "income_drop")
    village = as_role("village")
    assert "登记线索，开始办理" in text_of(village.get(f"/alerts/{first.pk}/"))
    village.post(f"/alerts/{first.pk}/case/")
    case = Case.objects.get()
    assert set(case.alerts.all()) == {first, second}
    third = alert(household, "dropout")
    answer = village.post(f"/alerts/{third.pk}/case/", follow=True)
    assert "预警已并入" in text_of(answer)
    assert Case.objects.get().alerts.count() == 3
    assert "登记线索，开始办理" not in text_of(as_role("reader").get(f"/alerts/{first.pk}/"))


def test_many_alerts_become_cases_after_a_look_at_the_list(as_role, make_household, regions) -> None:
    for name in ("赵一", "钱二", "孙三"):
        alert(make_household(grid=regions.grid, members=(name,)))
    village, ticked = as_role("village"), Alert.objects.order_by("pk").first()
    page = text_of(village.post("/alerts/cases/", {"alert": [ticked.pk]}))
    assert "为 1 户登记线索" in page
    assert "为 3 户登记线索" in text_of(village.post("/alerts/cases/?severity=high", {}))
    wrong = village.post("/alerts/cases/", {"do": "start", "clue": "无"})
    assert "请写明线索内容" in text_of(wrong)
    answer = village.post("/alerts/cases/", {"do": "start", "clue": "本月筛查发现，待核实"}, follow=True)
    assert "办完了：已办 3 件" in text_of(answer)
    assert Case.objects.count() == 3


def test_a_departments_row_and_a_running_case_lead_to_the_right_page(as_role, household) -> None:  # noqa: F811
    source = Source.objects.create(
        kind="department", record_kind="insured", title="参保名单.xlsx", on=DAY, region_code="500236", created_at=NOW
    )
    record = DepartmentRecord.objects.create(
        kind="insured", fingerprint="f" * 64, household=household, region_code=household.region_code, on=DAY,
        source=source, row_number=7,
    )  # fmt: skip
    village = as_role("village")
    address = f"/households/{household.pk}/case/?record={record.pk}"
    assert f"case/?record={record.pk}" in village.get(f"/households/{household.pk}/").content.decode()
    page = village.get(address)
    assert "参保名单.xlsx 第 7 行" in text_of(page)
    village.post(address, {"source": "3", "clue": "参保名单显示断保"})
    case = Case.objects.get()
    assert case.record == record
    assert "参保名单.xlsx 第 7 行" in text_of(village.get(f"/cases/{case.pk}/"))
    again = village.get(f"/households/{household.pk}/case/")
    assert (again.status_code, again["Location"]) == (302, f"/cases/{case.pk}/")


def test_the_board_shows_states_side_by_side_and_the_latest_first(as_role, three, clock, monkeypatch) -> None:  # noqa: F811
    from huqing.office import case_list

    monkeypatch.setattr(case_list, "today", lambda: clock["day"])
    clock["day"] = DAY + dt.timedelta(days=1)
    Case.objects.filter(pk=three[2].pk).update(press_on=DAY, due_on=DAY)
    village = as_role("village")
    board = village.get("/cases/?view=board").content.decode()
    assert board.index("孙三户") < board.index("赵一户")
    assert "线索登记" in board
    assert "已超期 1 个工作日" in text_of(village.get("/cases/?late=1"))
    assert "赵一户" not in text_of(village.get("/cases/?late=1"))


def test_a_step_for_many_is_looked_over_done_and_told(as_role, three, users_by_role) -> None:
    village = as_role("village")
    assert "线索不成立（3 件）" in text_of(village.get("/cases/"))
    ticked = [case.pk for case in three[:2]]
    page = text_of(village.post("/cases/batch/", {"move": "dismiss", "case": ticked}))
    assert "线索不成立：2 件" in page
    assert "孙三" not in page
    form = {"move": "dismiss", "case": ticked, "do": "start", "reason": ""}
    assert "请看过再办" in text_of(village.post("/cases/batch/", {**form, "reason": "没有看过名单"}))
    form["seen"] = seen(village, form)
    assert "请写明理由" in text_of(village.post("/cases/batch/", form))
    answer = village.post("/cases/batch/", {**form, "reason": "核实后不成立"}, follow=True)
    assert "办完了：已办 2 件" in text_of(answer)
    batch = Batch.objects.get()
    assert "线索不成立" in text_of(village.get("/cases/batches/"))
    assert village.get(f"/cases/batches/{batch.pk}/results.xlsx").content.startswith(b"PK")
    wrong = village.post("/cases/batch/", {"move": "county_approve", "do": "start"})
    assert "不能由您办理这一步" in text_of(wrong)
    assert Case.objects.filter(closed_on=None).count() == 1


def seen(client, form: dict) -> str:
    page = client.post("/cases/batch/", {**form, "do": ""}).content.decode()
    return page.partition('name="seen" value="')[2][:64]


def test_a_batch_takes_no_case_that_came_after_its_list_was_looked_over(
    as_role, three, make_household, regions, users_by_role
) -> None:
    village, form = as_role("village"), {"move": "dismiss", "reason": "核实后不成立"}
    form["seen"] = seen(village, form)
    actions.open_case(
        household=make_household(grid=regions.grid, members=("后来",)),
        source="2",
        clue="刚刚走访发现困难",
        by=users_by_role["village"],
    )
    page = text_of(village.post("/cases/batch/", {**form, "do": "start"}))
    assert "您查看以后名单有变化" in page
    assert "后来户" in page
    assert "核实后不成立" in page
    assert not Batch.objects.exists()
    form["seen"] = seen(village, form)
    village.post("/cases/batch/", {**form, "do": "start"})
    assert Batch.objects.get().total == 4


def test_a_batch_under_way_says_how_far_it_is(as_role, three, users_by_role) -> None:
    made = batches.ask_step(
        cases=Case.objects.all(), move="dismiss", reason="核实后不成立", by=users_by_role["village"]
    )
    page = as_role("village").get(f"/cases/batches/{made.pk}/")
    assert "0 / 3 件" in text_of(page)
    assert b'hx-trigger="every 2s"' in page.content


def test_the_authorisation_the_receipt_and_the_procedure_can_be_printed(as_role, three) -> None:
    village, case = as_role("village"), three[0]
    assert "赵一" in text_of(village.get(f"/cases/{case.pk}/sheets/authorisation/"))
    receipt = text_of(village.get(f"/cases/{case.pk}/sheets/receipt/"))
    assert case.number in receipt
    assert "受理、入户核实" in receipt
    assert village.get(f"/cases/{case.pk}/sheets/other/").status_code == 404
    told = text_of(village.get(f"/procedures/{case.procedure_id}/"))
    assert "超期 3 个工作日后，提醒县级经办" in told
    assert village.get("/procedures/999999/").status_code == 404


def _photo() -> SimpleUploadedFile:
    from PIL import Image

    target = BytesIO()
    Image.new("RGB", (40, 30), "green").save(target, "JPEG")
    return SimpleUploadedFile("公示栏.jpg", target.getvalue(), "image/jpeg")


def test_a_photo_of_the_board_is_kept_and_anything_else_is_not(
    as_role,
    regions,
    users_by_role,
    clock,  # noqa: F811
    monkeypatch,
) -> None:
    posting = PublicPosting.objects.create(
        village=regions.village, region_code=regions.village.code, level="村内公示", title="名单", rows=[["1"]],
        columns=[["number", "序号"]], starts_on=DAY, ends_on=DAY, published_at=NOW,
        published_by=users_by_role["village"],
    )  # fmt: skip
    village, address = as_role("village"), f"/postings/{posting.pk}/proofs/"
    told = {"on": DAY.isoformat(), "place": "村务公开栏"}
    fake = SimpleUploadedFile("a.jpg", b"<script>alert(1)</script>", "image/jpeg")
    assert "照片没有收下" in text_of(village.post(address, {**told, "photo": fake}))
    assert "张贴日期" in text_of(village.post(address, {**told, "on": "昨天"}))
    with monkeypatch.context() as full:
        full.setattr(postings_pages.photos, "store", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
        assert "服务器磁盘已满" in text_of(village.post(address, {**told, "photo": _photo()}))
        assert village.post(address, told).status_code == 302
    PostingProof.objects.all().delete()
    assert village.post(address, {**told, "photo": _photo()}).status_code == 302
    proof = PostingProof.objects.get()
    assert village.get(f"/posting-proofs/{proof.pk}/photo/")["Content-Type"] == "image/jpeg"
    assert "公　　示" in village.get(f"/postings/{posting.pk}/notice/?size=a3").content.decode()


def test_a_decision_skipped_to_or_out_of_reach_is_refused_by_address(as_role, three, regions, users_by_role) -> None:
    case = three[0]
    town = as_role("town")
    for move in ("county_approve", "town_approve", "posting_over", "post", "nonsense"):
        assert town.post(f"/cases/{case.pk}/take/", {"move": move, "turn": "0"}).status_code == 422
    far = type(users_by_role["county"]).objects.create(
        username="far", display_name="外县", role="county", region_code="500237"
    )
    from django.test import Client

    stranger = Client()
    stranger.force_login(far)
    for address in (f"/cases/{case.pk}/take/", f"/cases/{case.pk}/papers/home_check/", f"/cases/{case.pk}/emergency/"):
        assert stranger.post(address, {"move": "dismiss", "turn": "0", "reason": "线索不成立"}).status_code == 404
    assert as_role("reader").post(f"/cases/{case.pk}/take/", {"move": "dismiss", "turn": "0"}).status_code == 403
    assert Case.objects.get(pk=case.pk).turn == 0


def test_a_text_of_a_hundred_kilobytes_is_refused_and_markup_stays_text(as_role, household) -> None:  # noqa: F811
    village = as_role("village")
    huge = "<b>大病</b>" * 12_000
    for form in ({"source": "1", "clue": huge}, {"source": "1", "clue": "a" * 100_000}):
        assert village.post(f"/households/{household.pk}/case/", form).status_code == 422
    village.post(f"/households/{household.pk}/case/", {"source": "1", "clue": "<img src=x onerror=alert(1)>"})
    case = Case.objects.get()
    told = {"home_check-on": DAY.isoformat(), "home_check-text": huge}
    assert village.post(f"/cases/{case.pk}/papers/home_check/", told).status_code == 422
    assert b"<img src=x" not in village.get(f"/cases/{case.pk}/").content
    assert b"<img src=x" not in village.get("/cases/?view=board").content
