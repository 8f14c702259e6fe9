"""Words that several pages share."""

from __future__ import annotations

from functools import cache

SEVERITY = {"high": "紧急", "medium": "重要", "low": "一般", "notice": "提示"}
SEVERITY_ORDER = tuple(SEVERITY)


@cache
def finding_titles() -> dict[str, str]:
    """The title of every finding; loaded late because the rules take a moment to compile."""
    from huqing.rules.library import library

    return {key: rule.title for key, rule in library().findings.items()}


def finding_title(key: str) -> str:
    """What a finding is called; one that a former rules version made keeps its key."""
    return finding_titles().get(key, key)
