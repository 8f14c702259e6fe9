"""Visits in the office: who sees what, answers in words, review by somebody else, files behind the same scope."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from huqing.access.models import AuditEvent
from huqing.registry.models import DepartmentRecord, Household, Person, Source
from huqing.teams.models import Responsibility, Staff
from huqing.visits import files
from huqing.visits.models import Attachment, Confirmation, Method, Submission, VisitTask

from . import reported
from .reading import text_of

FORM = """# 走访

| survey |
| | type | name | label | reads | writes | required | relevant | calculation |
| | select_one_from_file household.csv | household | 哪一户 | household | | yes | | |
| | date | visited_on | 走访日期 | | | | | |
| | select_one yes_no | water_safe | 喝水安全吗 | household.water_safe | household.water_safe | | | |
| | text | water_note | 哪里不安全 | | | | ${water_safe} = 'no' | |
| | select_multiple crop | crops | 种了什么 | | | | | |
| | begin_repeat | members | 家里人 | person | | | | |
| | text | wish | ${name}有什么想法 | | | | | |
| | calculate | name | | person.name | | | | |
| | end_repeat | | | | | | | |
| | integer | pigs | 养了几头猪 | | | | | |
| | image | house | 房子照片 | | | | | |
| | text | note | 其他情况 | | | | | |
| | calculate | double | | | | | | ${pigs} * 2 |

| choices |
| | list_name | name | label |
| | yes_no | yes | 是 |
| | yes_no | no | 否 |
| | crop | corn | 玉米 |
| | crop | rice | 水稻 |

| settings |
| | form_title | form_id | version |
| | 干部走访 | cadre | 1 |
"""


@pytest.fixture
def form(db):
    return reported.publish(FORM, kind="1")


@pytest.fixture
def visit(form, family, users_by_role):
    """What the grid worker reported of 王建国's household."""
    people = family.people
    answers = {
        "/data/household": str(family.pk),
        "/data/visited_on": "2024-05-30",
        "/data/water_safe": "no",
        "/data/water_note": "水管<b>结冰</b>",
        "/data/crops": "corn rice",
        "/data/members": [
            {
                "/data/members/members_person": str(people[0].pk),
                "/data/members/name": "王建国",
                "/data/members/wish": "想养猪",
            },
            {
                "/data/members/members_person": str(people[1].pk),
                "/data/members/name": "李秀英",
                "/data/members/wish": "",
            },
        ],
        "/data/pigs": "3",
        "/data/note": "",
        "/data/double": "6",
    }
    return reported.submit(
        form,
        users_by_role["grid"],
        answers,
        family.household,
        phone_times={"start": "2024-05-30T08:12:33.000+08:00", "today": "2031-01-01"},
        landing={
            "applied": ["household.water_safe"],
            "older": [f"person.{people[0].pk}.health"],
            "refused": {f"person.{people[1].pk}.health": "这个人不在这一户"},
        },
    )


def page(visit) -> str:
    return reverse("office:visit", args=[visit.pk])


class TestSeeing:
    def test_the_list_shows_ones_own_area_and_nothing_else(
        self, as_role, visit, form, make_household, regions, users_by_role
    ):
        elsewhere = make_household(village=regions.foreign_village, members=("赵六",))
        reported.submit(form, users_by_role["county"], {}, elsewhere)
        next_grid = make_household(grid=regions.next_grid, members=("钱七",))
        reported.submit(form, users_by_role["village"], {}, next_grid)
        url = reverse("office:visits")
        county = text_of(as_role("county").get(url))
        assert "王建国户" in county
        assert "钱七户" in county
        assert "赵六" not in county
        grid = text_of(as_role("grid").get(url))
        assert "王建国户" in grid
        assert "钱七" not in grid
        assert as_role("department").get(url).status_code == 403

    def test_a_visitor_sees_the_visits_to_the_households_in_their_care(self, as_role, visit, users_by_role):
        client = as_role("visitor")
        assert "王建国" not in text_of(client.get(reverse("office:visits")))
        assert client.get(page(visit)).status_code == 404
        staff = Staff.objects.create(name="赵文军", kind="1", region_code="500236101201", user=users_by_role["visitor"])
        Responsibility.objects.create(
            staff=staff,
            role="helper",
            region_code="500236101201",
            household=visit.household,
            since=timezone.localdate() - dt.timedelta(days=1),
        )
        assert "王建国户" in text_of(client.get(reverse("office:visits")))
        assert client.get(page(visit)).status_code == 200

    def test_somebody_who_visits_finds_the_own_report_on_a_village_again(self, as_role, form, users_by_role):
        mine = reported.submit(form, users_by_role["visitor"], {"/data/note": "路通了"}, region_code="500236101201")
        other = reported.submit(form, users_by_role["county"], {"/data/note": "别人的"}, region_code="500236101201")
        client = as_role("visitor")
        assert "路通了" in text_of(client.get(page(mine)))
        assert client.get(page(other)).status_code == 404

    @pytest.mark.parametrize(
        "query",
        [
            "form=abc",
            "form=99999999999999999999999",
            "form=-1",
            "since=2024-13-45&until=yesterday",
            "since=0001-01-01&until=9999-12-31",
            "village=500237101201",
            "town=500237101&village=500236101201",
            "state=nonsense&kind=99&mine=x",
            "after=!!!!&sort=note",
        ],
    )
    def test_strange_filters_are_ignored(self, as_role, visit, query):
        assert as_role("county").get(f"{reverse('office:visits')}?{query}").status_code == 200

    def test_filters_narrow_the_list(self, as_role, visit):
        client, url = as_role("county"), reverse("office:visits")
        assert "王建国户" in text_of(client.get(url, {"form": visit.form_id, "kind": "1", "since": "2024-05-30"}))
        for narrowed in ({"state": "returned"}, {"kind": "2"}, {"until": "2024-05-29"}, {"mine": "1"}):
            assert "没有符合条件的走访记录" in text_of(client.get(url, narrowed)), narrowed

    def test_what_is_still_coming_or_was_replaced_is_shown_only_when_asked_for(self, as_role, visit):
        client, url = as_role("county"), reverse("office:visits")
        for state in ("incomplete", "replaced"):
            Submission.objects.update(state=state)
            assert "王建国户" not in text_of(client.get(url))
            assert "王建国户" in text_of(client.get(url, {"state": state}))


class TestReading:
    def test_every_answer_stands_under_its_question_in_words(self, as_role, visit):
        text = text_of(as_role("county").get(page(visit)))
        assert "喝水安全吗 写入档案：户·" in text
        assert "玉米、水稻" in text
        assert "家里人 1：王建国" in text
        assert "王建国有什么想法 想养猪" in text
        assert "没填： 其他情况" in text
        assert "不用填（按前面的回答跳过）： 房子照片" in text

    def test_text_from_a_phone_is_never_markup(self, as_role, visit):
        content = as_role("county").get(page(visit)).content.decode()
        assert "水管&lt;b&gt;结冰&lt;/b&gt;" in content
        assert "<b>结冰" not in content

    def test_it_says_what_became_of_the_answers_and_whose_clock_it_was(self, as_role, visit):
        text = text_of(as_role("county").get(page(visit)))
        assert "已写入 饮水是否安全" in text or "已写入 户·" in text
        assert "王建国：人·健康状况" in text
        assert "李秀英：人·健康状况：这个人不在这一户" in text
        assert "开始填写（手机自报） 2024-05-30 08:12" in text
        assert "手机日期（手机自报） 2031-01-01" in text

    def test_an_id_of_somebody_elsewhere_gets_no_name(
        self, as_role, form, family, make_household, regions, users_by_role
    ):
        elsewhere = make_household(village=regions.foreign_village, members=("赵六",))
        answers = {
            "/data/household": str(elsewhere.pk),
            "/data/members": [
                {"/data/members/members_person": str(elsewhere.members.get().pk), "/data/members/wish": "x"}
            ],
        }
        visit = reported.submit(form, users_by_role["grid"], answers, family.household)
        text = text_of(as_role("county").get(page(visit)))
        assert "赵六" not in text
        assert "查不到或不在管辖范围内" in text

    @pytest.mark.parametrize(
        "answers",
        [
            {},
            {"/data/members": "no list"},
            {"/data/members": [None, 3, {"/data/members/wish": None}]},
            {"/data/unknown": "多出来的"},
            {"/data/crops": "corn nonsense", "/data/pigs": "三头", "/data/household": "9" * 40},
        ],
    )
    def test_answers_nobody_expected_are_shown_and_break_nothing(self, as_role, form, family, users_by_role, answers):
        visit = reported.submit(form, users_by_role["grid"], answers, family.household, landing={"applied": ["?"]})
        client = as_role("county")
        text = text_of(client.get(page(visit)))
        assert "多出来的" in text or "/data/unknown" not in answers
        assert client.get(reverse("office:visit-table", args=[visit.form_id])).status_code == 200

    def test_a_correction_shows_what_the_first_draft_said(self, as_role, form, visit, family, users_by_role):
        Submission.objects.filter(pk=visit.pk).update(state="replaced")
        answers = {**visit.answers, "/data/pigs": "5", "/data/water_note": ""}
        newer = reported.submit(form, users_by_role["grid"], answers, family.household, replaces=visit)
        client = as_role("county")
        text = text_of(client.get(page(newer)))
        assert "养了几头猪 5 上一稿： 3" in text
        assert "哪里不安全 未填 上一稿： 水管<b>结冰</b>" in text
        assert "请看 修改稿" in text_of(client.get(page(visit)))


class TestReview:
    def test_accepting_is_recorded(self, as_role, visit, users_by_role):
        as_role("town").post(reverse("office:visit-accept", args=[visit.pk]))
        visit.refresh_from_db()
        assert (visit.state, visit.reviewed_by) == ("accepted", users_by_role["town"])
        assert AuditEvent.objects.filter(action="visit_accept", subject_id=str(visit.pk)).exists()

    def test_returning_needs_a_reason_that_the_visitor_reads(self, as_role, visit):
        client, url = as_role("town"), reverse("office:visit-return", args=[visit.pk])
        wrong = client.post(url, {"reason": " 不对 "})
        assert wrong.status_code == 422
        assert "至少 4 个字" in text_of(wrong)
        visit.refresh_from_db()
        assert visit.state == "received"
        done = client.post(url, {"reason": "收入数字请核实，可打 13812345678"}, follow=True)
        assert "已退回" in text_of(done)
        visit.refresh_from_db()
        assert visit.state == "returned"
        assert "收入数字请核实" in visit.return_reason
        assert "13812345678" not in visit.return_reason
        assert "收入数字请核实" in text_of(as_role("grid").get(page(visit)))
        assert "我的走访记录被退回" in text_of(as_role("grid").get(reverse("office:home")))

    def test_nobody_reviews_the_own_report(self, as_role, form, family, users_by_role):
        visit = reported.submit(form, users_by_role["village"], {}, family.household)
        client = as_role("village")
        assert "请由别人审核" in text_of(client.get(page(visit)))
        answer = client.post(reverse("office:visit-accept", args=[visit.pk]), follow=True)
        assert "请由别人审核" in text_of(answer)
        visit.refresh_from_db()
        assert visit.state == "received"

    @pytest.mark.parametrize(
        ("state", "step", "said"),
        [
            ("incomplete", "accept", "附件还没有传完"),
            ("replaced", "return", "请审核修改稿"),
            ("accepted", "accept", "已经采纳"),
            ("returned", "return", "已经退回"),
        ],
    )
    def test_a_state_that_does_not_allow_it_is_left_alone(self, as_role, visit, state, step, said):
        Submission.objects.update(state=state)
        url = reverse(f"office:visit-{step}", args=[visit.pk])
        assert said in text_of(as_role("town").post(url, {"reason": "请核实收入数字"}, follow=True))
        visit.refresh_from_db()
        assert visit.state == state

    @pytest.mark.parametrize("role", ["grid", "reader", "visitor", "department", "system_admin"])
    def test_other_roles_may_not_review(self, as_role, visit, role):
        for step in ("accept", "return"):
            assert as_role(role).post(reverse(f"office:visit-{step}", args=[visit.pk])).status_code == 403

    def test_another_county_finds_nothing_to_review(self, as_role, form, make_household, regions, users_by_role):
        elsewhere = make_household(village=regions.foreign_village, members=("赵六",))
        visit = reported.submit(form, users_by_role["grid"], {}, elsewhere)
        for step in ("accept", "return"):
            answer = as_role("county").post(reverse(f"office:visit-{step}", args=[visit.pk]), {"reason": "请核实"})
            assert answer.status_code == 404

    def test_the_next_one_that_waits_comes_after_accepting(self, as_role, form, visit, family, users_by_role):
        own = reported.submit(form, users_by_role["town"], {}, family.household)
        second = reported.submit(form, users_by_role["grid"], {}, family.household)
        answer = as_role("town").post(reverse("office:visit-accept", args=[visit.pk]), {"next": "1"})
        assert answer.url == page(second)
        assert own.pk < second.pk


class TestFiles:
    @pytest.fixture
    def photo(self, visit, settings, tmp_path):
        settings.DATA = tmp_path
        target = io.BytesIO()
        Image.new("RGB", (800, 600), "green").save(target, "JPEG")
        content = target.getvalue()
        name = '房子"照片\r\nX-Evil: 1.jpg'
        return Attachment.objects.create(
            submission=visit, name=name, sha256=files.keep_bytes(content), kind="image/jpeg", size=len(content)
        )

    def test_the_full_picture_is_audited_and_never_cached(self, as_role, photo):
        client = as_role("grid")
        small = client.get(reverse("office:visit-thumbnail", args=[photo.pk]))
        assert small.status_code == 200
        assert Image.open(io.BytesIO(small.content)).size == (320, 240)
        assert not AuditEvent.objects.filter(action="visit_photo_show").exists()
        full = client.get(reverse("office:visit-file", args=[photo.pk]))
        assert Image.open(io.BytesIO(full.content)).size == (800, 600)
        event = AuditEvent.objects.get(action="visit_photo_show")
        assert event.subject_id == str(photo.submission_id)
        for answer in (small, full):
            assert answer["Cache-Control"] == "no-store"
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert "X-Evil" not in answer.headers
            assert "\n" not in answer["Content-Disposition"]

    def test_files_of_others_do_not_exist(self, as_role, photo, make_household, regions):
        photo.submission.household = make_household(grid=regions.next_grid)
        photo.submission.save()
        for view in ("office:visit-file", "office:visit-thumbnail"):
            assert as_role("grid").get(reverse(view, args=[photo.pk])).status_code == 404
            assert as_role("department").get(reverse(view, args=[photo.pk])).status_code == 403

    def test_what_is_no_picture_is_only_offered_for_saving(self, as_role, photo):
        Attachment.objects.update(kind="text/html", name="a.html")
        answer = as_role("county").get(reverse("office:visit-file", args=[photo.pk]))
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment")
        assert as_role("county").get(reverse("office:visit-thumbnail", args=[photo.pk])).status_code == 404

    def test_a_file_that_is_missing_or_was_not_taken_says_so(self, as_role, photo, visit):
        Attachment.objects.update(sha256="ab" * 32)
        assert as_role("county").get(reverse("office:visit-file", args=[photo.pk])).status_code == 404
        Attachment.objects.update(sha256="", refused="文件太大", name="录音.m4a")
        assert "没有收下。文件太大" in text_of(as_role("county").get(page(visit)))


class TestTimeline:
    def test_all_kinds_of_visits_stand_on_one_line_once(self, as_role, visit, family, users_by_role, roster):
        method = Method.objects.create(key="four", version="1", title="四访", digest="", installed_at=reported.NOW)
        task = VisitTask.objects.create(
            method=method, visit="teacher", household=family.household, region_code=family.household.region_code
        )
        Confirmation.objects.create(
            task=task,
            token="1",
            household=family.household,
            region_code=family.household.region_code,
            user=users_by_role["village"],
            on=dt.date(2024, 5, 31),
            received_at=reported.NOW,
        )
        by_phone = Source.objects.create(kind="visit", title="走访", on=visit.visited_on, created_at=reported.NOW)
        for number, (kind, source) in enumerate((("3", roster), ("1", by_phone))):
            DepartmentRecord.objects.create(
                kind="home_visit",
                fingerprint=str(number),
                household=family.household,
                region_code=family.household.region_code,
                on=dt.date(2024, 5, 1),
                items={"visit_kind": kind, "visitor": "孙医生", "note": "量了血压"},
                source=source,
                row_number=1,
            )
        client = as_role("county")
        text = text_of(client.get(reverse("office:household", args=[family.pk])))
        assert text.index("确认无变化") < text.index("看填写内容") < text.index("量了血压")
        whole = client.get(reverse("office:household-visits", args=[family.pk]), headers={"HX-Request": "true"})
        assert text_of(whole).count("量了血压") == 1
        doctor = client.get(
            f"{reverse('office:household-visits', args=[family.pk])}?kind=3", headers={"HX-Request": "true"}
        )
        assert "量了血压" in text_of(doctor)
        assert "看填写内容" not in text_of(doctor)
        strange = client.get(
            f"{reverse('office:household-visits', args=[family.pk])}?kind=%00", headers={"HX-Request": "true"}
        )
        assert strange.status_code in (200, 400)

    def test_other_areas_have_no_visits(self, as_role, make_household, regions):
        foreign = make_household(village=regions.foreign_village)
        assert as_role("county").get(reverse("office:household-visits", args=[foreign.pk])).status_code == 404


def test_nothing_of_this_changes_households(visit, as_role):
    before = list(Household.objects.order_by("pk").values()), list(Person.objects.order_by("pk").values())
    as_role("town").post(reverse("office:visit-accept", args=[visit.pk]))
    assert (list(Household.objects.order_by("pk").values()), list(Person.objects.order_by("pk").values())) == before
