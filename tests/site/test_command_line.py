"""The command line as a county's administrator meets it."""

from __future__ import annotations

import re

import pytest

from huqing.site.commands import root

COMMANDS = [
    "init",
    "demo",
    "import",
    "screen",
    "explain",
    "nation",
    "measure",
    "draw",
    "method",
    "serve",
    "user",
    "regions",
    "verify-audit",
    "backup",
    "restore",
]
SUBCOMMANDS = ["add", "reset", "disable", "list", "load", "county", "table", "show", "check", "verify", "install"]
ROLES = ["county", "town", "village", "grid", "department", "reader"]
ALLOWED = {
    "Spark",
    "spark",
    "duckdb",
    "local",
    "huqing",
    "GB",
    "GBK",
    "CSV",
    "Ctrl",
    "PostgreSQL",
    "SQLite",
    *COMMANDS,
    *SUBCOMMANDS,
    *ROLES,
}


def visible_english(text: str) -> set[str]:
    """Latin words that are neither options, paths, identifiers nor names of commands."""
    prose = re.sub(r"--?[a-z][a-z-]*|[\w./-]*/[\w./-]*|\w+_\w+|verify-audit|HUQING_\w+", "", text, flags=re.ASCII)
    return set(re.findall(r"[A-Za-z]{2,}", prose)) - ALLOWED


@pytest.mark.parametrize("command", [[], *[[name] for name in COMMANDS]], ids=lambda c: c[0] if c else "huqing")
def test_help_is_chinese(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "用法：" in text
    assert visible_english(text) == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["improt"], "没有 improt 这个命令"),
        (["demo", "--households", "3"], "不在允许范围"),
        (["demo", "--households", "many"], "不是有效的"),
        (["screen", "--date", "23"], "不是日期，请写成 年-月-日"),
        (["screen", "--nonsense"], "没有 --nonsense 这个选项"),
        (["explain"], "缺少参数"),
    ],
)
def test_a_wrong_command_line_is_explained_in_chinese_and_ends_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert root.run(arguments) == 2
    told = capsys.readouterr().err
    assert said in told
    assert visible_english(told) - set(arguments) == set()
