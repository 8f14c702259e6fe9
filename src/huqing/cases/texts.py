"""What people write into cases: without numbers of people, not empty, not endless."""

from __future__ import annotations

from huqing.access.numbers import hide_numbers
from huqing.cases.errors import CaseError
from huqing.standards.text import clean

LEAST = 4


def written(text: str, what: str, *, most: int, least: int = LEAST) -> str:
    """The text on one line with numbers of people hidden; CaseError if it is too short or too long."""
    # What is far too long is not worth cleaning, and is measured as it came.
    found = text if len(text) > 10 * most else hide_numbers(clean(text))
    if not least <= len(found) <= most:
        raise CaseError(f"请写明{what}（{least} 至 {most} 个字），现在有 {len(found)} 个字。")
    return found
