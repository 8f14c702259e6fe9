"""``huqing draw verify`` as somebody meets it who doubts a draw."""

from __future__ import annotations

import json

import pytest

from huqing.matching.draws import Candidate, Question, commitment, record
from huqing.site.commands import root

SEED = "5a" * 32
POOL = Question("九月评议小组", tuple(Candidate(f"评议员{n}") for n in range(30)), {"": 15}, odd=True, at_least=15)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "抽取记录.json"
    path.write_text(json.dumps(record(POOL, SEED, "3 8 21"), ensure_ascii=False), encoding="utf-8")
    return path


def test_an_honest_record_is_confirmed_against_the_commitment_one_kept(file, capsys) -> None:
    assert root.run(["draw", "verify", str(file), "--commitment", commitment(SEED, POOL)]) == 0
    told = capsys.readouterr().out
    assert "验证通过：九月评议小组，抽中 15 个" in told
    assert "没有核对" not in told
    assert root.run(["draw", "verify", str(file)]) == 0
    assert "没有核对事先公布的承诺" in capsys.readouterr().out


def test_an_altered_record_is_refused_with_what_was_altered(file, capsys) -> None:
    told = json.loads(file.read_text(encoding="utf-8"))
    gone = told["drawn"][0]
    told["drawn"][0] = next(f"评议员{n}" for n in range(30) if f"评议员{n}" not in told["drawn"])
    file.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    assert root.run(["draw", "verify", str(file)]) == 1
    assert f"多出 {told['drawn'][0]}，缺少 {gone}" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b"[" * 100_000])
def test_what_is_no_record_is_said_to_be_none(file, content, capsys) -> None:
    file.write_bytes(content)
    assert root.run(["draw", "verify", str(file)]) == 1
    assert "请使用系统导出的原文件" in capsys.readouterr().err
