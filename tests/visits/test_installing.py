"""Putting a working method to use: all of its forms or nothing, once, kept as it was."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.packs.writing import METHOD, PICK, form, write_pack

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.packs.errors import PackError
from huqing.site.commands import root
from huqing.visits.installing import digest_of, install_method, retire_method
from huqing.visits.methods import in_use, told_by
from huqing.visits.models import Form, FormVersion, Method, VisitTask
from huqing.visits.publishing import PublishProblem


@pytest.fixture
def pack(db, tmp_path, monkeypatch):
    """A method of one's own, and a data folder."""
    monkeypatch.setenv("HUQING_DATA", str(tmp_path / "data"))
    method = METHOD.format(key="trial").replace("months: 1}", "months: 1}, visit_kind: '1'")
    return write_pack(tmp_path / "trial", method=method)


def changed(pack, version: str = "2"):
    (pack / "forms" / "home.md").write_text(
        form(PICK, "| | text | note | 新情况 | | |", version=version), encoding="utf-8"
    )
    return pack


def test_a_shipped_method_is_installed_with_all_its_forms_and_visits(users_by_role) -> None:
    method = install_method(folder_or_key="four_visits", by=users_by_role["county"])
    assert (method.key, method.active, method.folder) == ("four_visits", True, "")
    forms = {one.visit: one for one in method.forms.all()}
    assert sorted(forms) == ["agronomist", "cadre", "doctor", "home_lessons", "teacher"]
    assert forms["doctor"].visit_kind == "3"
    assert forms["cadre"].form_id == "four_visits_cadre"
    assert [item.told.title for item in in_use()] == ["四访工作法"]
    assert AuditEvent.objects.get(action="method_install").detail["forms"][0] == "four_visits_agronomist"
    versions = FormVersion.objects.count()
    assert install_method(folder_or_key="four_visits", by=None) == method
    assert FormVersion.objects.count() == versions


def test_a_method_of_ones_own_is_kept_as_it_was_installed(pack, users_by_role) -> None:
    method = install_method(folder_or_key=pack, by=users_by_role["county"])
    assert method.digest == digest_of(pack)
    (pack / "method.yaml").unlink()
    assert told_by(method).title == "试用工作法"
    assert method.folder == f"methods/{method.digest[:12]}/trial"
    assert Form.objects.get().title == "试"


def test_a_method_of_ones_own_moves_with_the_data_folder(pack, tmp_path, monkeypatch) -> None:
    method = install_method(folder_or_key=pack, by=None)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("HUQING_DATA", str(tmp_path / "elsewhere"))
    assert told_by(method).title == "试用工作法"


def test_a_new_version_takes_the_place_of_the_old_one_and_its_visits_go_on(pack, make_household, users_by_role) -> None:
    first = install_method(folder_or_key=pack, by=None)
    household = make_household()
    task = VisitTask.objects.create(
        method=first, visit="home", household=household, region_code=household.region_code, last_on=dt.date(2024, 5, 1)
    )
    second = install_method(folder_or_key=changed(pack), by=None)
    first.refresh_from_db()
    task.refresh_from_db()
    assert (first.active, second.active, task.method) == (False, True, second)
    form = Form.objects.get()
    assert form.method == second
    assert [version.version for version in form.versions.order_by("pk")] == ["1", "2"]
    assert told_by(second).key == "trial"


def test_a_form_that_is_no_longer_part_is_handed_out_no_more(pack) -> None:
    install_method(folder_or_key=pack, by=None)
    text = form(PICK, "| | text | note | 情况 | | |").replace("| f | 1 |", "| g | 1 |")
    (pack / "forms" / "home.md").write_text(text, encoding="utf-8")
    install_method(folder_or_key=pack, by=None)
    assert dict(Form.objects.values_list("form_id", "state")) == {"f": "closing", "g": "open"}


def test_a_changed_form_needs_a_new_version_and_nothing_is_half_done(pack) -> None:
    first = install_method(folder_or_key=pack, by=None)
    with pytest.raises(PublishProblem, match="1 版已发布过，内容不同"):
        install_method(folder_or_key=changed(pack, version="1"), by=None)
    assert list(Method.objects.filter(active=True)) == [first]
    assert FormVersion.objects.count() == 1


def test_mistakes_of_pack_and_forms_are_all_told(pack) -> None:
    (pack / "README.md").unlink()
    with pytest.raises(PackError, match="没有说明"):
        install_method(folder_or_key=pack, by=None)
    (pack / "README.md").write_text("# 试用\n", encoding="utf-8")
    wrong = form(PICK, "| | calculate | b | | | | ${household} + |", header="reads | writes | calculation")
    (pack / "forms" / "home.md").write_text(wrong, encoding="utf-8")
    with pytest.raises(PublishProblem, match="公式写错了"):
        install_method(folder_or_key=pack, by=None)
    assert not Method.objects.exists()


def test_a_stopped_method_is_owed_no_more_and_can_be_taken_up_again(pack, users_by_role) -> None:
    method = install_method(folder_or_key=pack, by=None)
    retire_method(method=method, by=users_by_role["county"])
    retire_method(method=method, by=users_by_role["county"])
    assert in_use() == []
    assert Form.objects.get().state == Form.State.CLOSING
    assert AuditEvent.objects.filter(action="method_retire").count() == 1
    again = install_method(folder_or_key=pack, by=None)
    assert again.active
    assert Form.objects.get().state == Form.State.OPEN
    assert FormVersion.objects.count() == 1


@pytest.mark.parametrize("role", ["town", "visitor", "system_admin", "reader"])
def test_only_the_county_puts_methods_to_use(role: str, pack, users_by_role) -> None:
    with pytest.raises(Refused):
        install_method(folder_or_key=pack, by=users_by_role[role])
    method = install_method(folder_or_key=pack, by=None)
    with pytest.raises(Refused):
        retire_method(method=method, by=users_by_role[role])


@pytest.fixture
def install(monkeypatch):
    """The command, in the database of the test."""
    monkeypatch.setattr("huqing.site.commands.support.must_be_installed", lambda: None)
    return lambda *words: root.run(["method", "install", *map(str, words)])


def test_the_command_installs_by_key_or_folder(pack, install, capsys) -> None:
    assert install("five_looks") == 0
    assert capsys.readouterr().out == "已启用 五看法识别与分类施策 2026.1 版，发布表单 3 张。\n"
    assert install(pack) == 0
    assert "已启用 试用工作法 1 版，发布表单 1 张。" in capsys.readouterr().out


def test_the_command_tells_every_mistake_and_ends_with_1(pack, install, capsys) -> None:
    assert install("nothing") == 1
    assert "没有工作法“nothing”，也没有这个文件夹" in capsys.readouterr().err
    (pack / "README.md").unlink()
    assert install(pack) == 1
    assert "没有说明" in (told := capsys.readouterr().err)
    assert "共 1 处错误，没有启用" in told
    assert install() == 2
