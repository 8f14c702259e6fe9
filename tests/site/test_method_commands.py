"""``huqing method``: what is shipped, one method in words, and a county's own pack checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.packs.writing import METHOD, write_pack

from huqing.packs.shipped import ORDER, shipped
from huqing.site.commands import root


def test_the_shipped_methods_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["method", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == list(ORDER)
    assert lines[0] == "four_visits\t四访工作法\t2026.1 版\t5 种走访、5 张表单"


@pytest.mark.parametrize("key", ORDER)
def test_a_method_is_shown_in_words(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["method", "show", key]) == 0
    told = capsys.readouterr().out
    method = shipped(key).method
    assert told.startswith(f"{method.title}（{key}）2026.1 版\n{method.summary}")
    assert all(f"  {visit.title}：{method.actor(visit.actor)}走访" in told for visit in method.visits)


def test_an_unknown_method_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["method", "show", "none"]) == 1
    assert "没有工作法“none”。现有：four_visits、linked_visits、five_looks、five_hearts。" in capsys.readouterr().err


def test_a_sound_pack_passes_and_one_with_mistakes_lists_them_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = write_pack(tmp_path / "trial")
    assert root.run(["method", "check", str(sound)]) == 0
    assert "可以使用：试用工作法 1 版，1 种走访，1 张表单，2 道题。" in capsys.readouterr().out
    method = METHOD.format(key="trial").replace("listed", "lsited")
    broken = write_pack(tmp_path / "more" / "trial", method=method, files={"README.md": "说明"})
    assert root.run(["method", "check", str(broken)]) == 1
    told = capsys.readouterr().err
    assert "trial/method.yaml 第 9 行：lsited 不是农户的是非变量" in told
    assert "trial/README.md 第 1 行：没有标题" in told
    assert "共 2 处错误，改正后再检查。" in told


def test_a_folder_that_is_not_there_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["method", "check", "/nowhere/at/all"]) == 2
    assert "不存在" in capsys.readouterr().err
