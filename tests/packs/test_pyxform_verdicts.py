"""Every form of pyxform's own tests gets pyxform's verdict, and every refusal a reason in Chinese."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path

import pytest
from pyxform.errors import ErrorCode

from huqing.packs.forms import Conversion, convert
from huqing.packs.reasons import crashed, explained
from huqing.packs.reasons_table import NUMBERED

FOLDER = Path(__file__).parents[1] / "fixtures" / "xlsforms"
with (FOLDER / "expected.csv").open(encoding="utf-8") as opened:
    EXPECTED = list(csv.DictReader(opened))
SMALL = [json.loads(line) for line in (FOLDER / "md_cases_dev.jsonl").read_text(encoding="utf-8").splitlines()]
REJECTED = [case for case in SMALL if not case["oracle_4_5_0"]["ok"]]


def told_in_chinese(result: Conversion) -> None:
    assert result.form is None
    assert result.problems
    for problem in result.problems:
        assert re.search(r"[\u4e00-\u9fff]", problem.problem)
        assert re.search(r"[\u4e00-\u9fff]", problem.remedy)
        assert "原文" not in str(problem)
        assert not re.search(r"[\s（]$|None|\{|unknown", problem.problem.replace("${", "").replace("“unknown”", ""))


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["file"])
def test_a_file_is_accepted_or_refused_as_pyxform_does(row: dict[str, str]) -> None:
    result = convert((FOLDER / "pyxform" / row["file"]).read_bytes(), row["file"])
    if row["ok"] != "True":
        told_in_chinese(result)
        return
    assert result.form is not None, [str(problem) for problem in result.problems]
    assert result.form.form_id == row["form_id"]
    data_files = {name.rpartition("/")[2] for name in row["media"].split("|") if name}
    assert data_files <= set(result.form.media)


def test_small_forms_are_accepted_or_refused_as_pyxform_does() -> None:
    wrong = [
        case["id"]
        for case in SMALL
        if (convert(case["md"].encode(), "form.md").form is not None) != case["oracle_4_5_0"]["ok"]
    ]
    assert wrong == []
    assert len(SMALL) == 422


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: case["id"])
def test_a_refused_small_form_is_explained(case: dict[str, str]) -> None:
    told_in_chinese(convert(case["md"].encode(), "form.md"))


def test_every_numbered_message_of_the_installed_pyxform_has_its_words() -> None:
    assert {code.name for code in ErrorCode} == set(NUMBERED)


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_a_numbered_message_is_recognised_by_its_text(code: ErrorCode) -> None:
    words = dict.fromkeys(re.findall(r"(?<!\{)\{(\w+)\}", code.value.msg), "x1")
    [reason] = explained(code.value.format(**words))
    problem, _ = NUMBERED[code.name]
    assert reason.problem == problem.format(**words)


def test_a_message_nobody_knows_is_quoted_and_a_crash_is_told() -> None:
    [reason] = explained("[row : 7] Something new.")
    assert (reason.row, reason.problem) == (7, "写法不被接受，原文是“Something new.”")
    assert "太深" in crashed(RecursionError()).problem
    assert "KeyError" in crashed(KeyError("x")).problem


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_never_breaks_the_conversion(seed: int) -> None:
    chance = random.Random(seed)
    row = EXPECTED[chance.randrange(len(EXPECTED))]
    content = bytearray((FOLDER / "pyxform" / row["file"]).read_bytes())
    for _ in range(chance.randrange(1, 40)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    if chance.random() < 0.3:
        del content[chance.randrange(len(content)) :]
    result = convert(bytes(content), row["file"])
    assert (result.form is None) <= bool(result.problems)
