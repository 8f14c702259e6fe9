"""Forms and methods in the office: mistakes listed, questions shown, versions, closing, putting a method to use."""

from __future__ import annotations

import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from huqing.access.models import AuditEvent
from huqing.office import form_drafts
from huqing.visits.models import Form, FormVersion, Method

from .reading import text_of

ADD = "/forms/add/"
GOOD = """# 冬季看水

| survey |
| | type | name | label | reads | writes | constraint | constraint_message |
| | select_one_from_file household.csv | household | 哪一户 | household | | | |
| | select_one yes_no | water | 喝水安全吗 | household.water_safe | household.water_safe | | |
| | integer | pigs | 养了几头猪 | | | . >= 0 | 写 0 以上的数 |

| settings |
| | form_title | form_id | version |
| | 冬季看水 | winter_water | 1 |
"""


@pytest.fixture
def county(as_role, settings, tmp_path):
    settings.DATA = tmp_path
    return as_role("county")


def upload(client, text=GOOD, name="看水.md", media=(), **data):
    files = [SimpleUploadedFile(item, content) for item, content in media]
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(ADD, {"file": SimpleUploadedFile(name, content), "media": files, **data})


def publish(client, text=GOOD, **data):
    key = upload(client, text, **data).context["key"]
    return client.post("/forms/publish/", {"key": key}, follow=True)


def test_a_form_is_shown_before_it_is_published(county):
    answer = upload(county, visit_kind="1")
    text = text_of(answer)
    assert "检查通过，还没有发布" in text
    assert "喝水安全吗" in text
    assert "户·饮水是否安全" in text
    assert "算哪一类走访 干部走访" in text
    assert not Form.objects.exists()
    done = county.post("/forms/publish/", {"key": answer.context["key"]}, follow=True)
    assert "“冬季看水”1 版已发布" in text_of(done)
    form = Form.objects.get()
    assert (form.form_id, form.visit_kind, form.state) == ("winter_water", "1", "open")
    assert AuditEvent.objects.filter(action="form_publish").exists()
    again = county.post("/forms/publish/", {"key": answer.context["key"]})
    assert again.status_code == 422
    assert "已过期或已发布" in text_of(again)


def test_every_mistake_is_listed_with_its_place_and_remedy(county):
    answer = upload(
        county, GOOD.replace("household.water_safe |", "household.nothing |").replace(". >= 0", "${nobody} > 1")
    )
    assert answer.status_code == 422
    text = text_of(answer)
    assert "还不能发布" in text
    assert "survey 表" in text
    assert "nothing" in text
    assert not FormVersion.objects.exists()


def test_what_only_the_engine_notices_is_listed_too(county):
    answer = upload(county, GOOD.replace(". >= 0", ". >= nothing-like-a-function()"))
    assert answer.status_code == 422
    assert "还不能发布" in text_of(answer)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("看水.docx", b"PK", "xlsx、xls、csv 或 md"),
        ("看水", b"", "xlsx、xls、csv 或 md"),
        ("空.xlsx", b"", ""),
        ("坏.xlsx", b"PK\x03\x04 broken", ""),
        ("乱.csv", bytes(range(256)) * 4, ""),
        ("<script>alert(1)</script>.md", b"| x |", ""),
    ],
)
def test_files_that_are_no_form_are_refused_in_words(county, name, content, said):
    answer = upload(county, content, name)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "<script>alert" not in answer.content.decode()


def test_no_file_at_all_is_said_beside_the_field(county):
    answer = county.post(ADD, {})
    assert answer.status_code == 422
    assert "请先选择表单文件" in text_of(answer)


def test_a_missing_picture_is_named_and_taken_with_the_form(county):
    text = (
        GOOD.replace("| constraint |", "| media::image | constraint |")
        .replace(
            "| household.water_safe | household.water_safe | | |",
            "| household.water_safe | household.water_safe | well.png | | |",
        )
        .replace("| . >= 0 |", "| | . >= 0 |")
        .replace("| household | | | |", "| household | | | | |")
    )
    answer = upload(county, text)
    assert answer.status_code == 422
    assert "缺少附件 well.png" in text_of(answer)
    answer = upload(county, text, media=[("well.png", b"\x89PNG\r\n\x1a\n")])
    assert answer.status_code == 200, text_of(answer)
    county.post("/forms/publish/", {"key": answer.context["key"]})
    assert FormVersion.objects.get().media.get().name == "well.png"


def test_a_draft_belongs_to_who_uploaded_it_and_lasts_a_day(county, as_role, users_by_role, monkeypatch, tmp_path):
    key = upload(county).context["key"]
    assert form_drafts.find(users_by_role["county"], key)
    assert form_drafts.find(users_by_role["town"], key) is None
    for strange in ("", "../../etc/passwd", key + "0", key.upper()):
        assert form_drafts.find(users_by_role["county"], strange) is None
        assert county.post("/forms/publish/", {"key": strange}).status_code == 422
    monkeypatch.setattr(time, "time", lambda real=time.time: real() + form_drafts.KEPT_SECONDS + 5)
    upload(county)
    assert form_drafts.find(users_by_role["county"], key) is None


def test_the_same_version_with_other_content_is_refused(county):
    publish(county)
    shown = text_of(upload(county, GOOD.replace("养了几头猪", "养猪几头")))
    assert "已经发布过" in shown
    answer = publish(county, GOOD.replace("养了几头猪", "养猪几头"))
    assert answer.status_code == 422
    assert "内容不同" in text_of(answer)
    publish(county, GOOD.replace("| 1 |", "| 2 |"))
    assert [version.version for version in Form.objects.get().versions.all()] == ["2", "1"]
    page = text_of(county.get(reverse("office:form", args=[Form.objects.get().pk])))
    assert "看水.md" in page


def test_a_form_is_closed_and_opened_again(county):
    publish(county)
    form = Form.objects.get()
    for step, state in (("closing", "closing"), ("closed", "closed"), ("open", "open")):
        county.post(reverse(f"office:form-{step}", args=[form.pk]))
        form.refresh_from_db()
        assert form.state == state
    assert FormVersion.objects.count() == 1
    assert "使用中" in text_of(county.get(reverse("office:forms")))


def test_the_source_comes_back_as_it_was(county):
    publish(county)
    version = FormVersion.objects.get()
    answer = county.get(reverse("office:form-source", args=[version.pk]))
    assert answer.content.decode() == GOOD
    assert answer["Content-Disposition"].startswith("attachment")
    assert county.get(reverse("office:form-source", args=[999])).status_code == 404


@pytest.mark.parametrize("role", ["town", "village", "grid", "reader", "visitor", "department", "system_admin"])
def test_only_the_county_manages_forms_and_methods(as_role, county, role):
    publish(county)
    client, form = as_role(role), Form.objects.get()
    assert client.get(reverse("office:forms")).status_code == 403
    assert upload(client).status_code == 403
    assert client.post("/forms/publish/", {"key": "0" * 32}).status_code == 403
    assert client.post(reverse("office:form-closed", args=[form.pk])).status_code == 403
    assert client.get(reverse("office:form-source", args=[FormVersion.objects.get().pk])).status_code == 403
    assert client.post(reverse("office:method-install", args=["four_visits"])).status_code == 403
    assert Form.objects.get().state == "open"
    assert not Method.objects.exists()


class TestMethods:
    def test_a_method_is_put_to_use_and_stopped(self, county):
        page = reverse("office:method", args=["four_visits"])
        assert "没有启用" in text_of(county.get(page))
        done = county.post(reverse("office:method-install", args=["four_visits"]), follow=True)
        assert "已启用，表单已发布" in text_of(done)
        assert Form.objects.filter(state="open").count() == 5
        assert "使用中" in text_of(county.get(reverse("office:methods")))
        stopped = county.post(reverse("office:method-retire", args=["four_visits"]), follow=True)
        assert "已停用" in text_of(stopped)
        assert not Method.objects.filter(active=True).exists()
        assert not Form.objects.filter(state="open").exists()

    def test_what_is_no_method_does_not_exist(self, county):
        for key in ("nonsense", "..", "four_visits.old"):
            assert county.post(reverse("office:method-install", args=[key])).status_code == 404
        assert county.post(reverse("office:method-retire", args=["four_visits"])).status_code == 404
