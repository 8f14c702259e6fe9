"""Words that several pages share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

SEVERITY = {"high": "紧急", "medium": "重要", "low": "一般", "notice": "提示"}
SEVERITY_ORDER = tuple(SEVERITY)
# How the rules name the files of a household and its people, and how people do.
FILES = {"户": "户档案", "人": "人员档案"}


@cache
def finding_titles() -> dict[str, str]:
    """The title of every finding; loaded late because the rules take a moment to compile."""
    from huqing.rules.library import library

    return {key: rule.title for key, rule in library().findings.items()}


def finding_title(key: str) -> str:
    """What a finding is called; one that a former rules version made keeps its key."""
    return finding_titles().get(key, key)


def missing_text(missing: Iterable[str]) -> str:
    """What is missing to decide a rule, file by file: 户档案缺工资性收入、转移性收入；没有参保名单记录。"""
    by_file: dict[str, list[str]] = {}
    whole: list[str] = []
    for name in missing:
        file, colon, item = name.partition("：")
        if colon:
            by_file.setdefault(FILES.get(file, file), []).append(item)
        else:
            whole.append(name if name.startswith("没有") else f"缺{name}")
    return "；".join([*(f"{file}缺{'、'.join(items)}" for file, items in by_file.items()), *whole])
