"""What people write into matters: without numbers of people, not empty, not endless."""

from __future__ import annotations

from huqing.access.numbers import hide_numbers
from huqing.matters.errors import MatterError
from huqing.standards.text import clean, clean_lines

LEAST = 2


def written(text: str, what: str, *, most: int, least: int = LEAST, lines: bool = False) -> str:
    """The text with numbers of people hidden; MatterError if it is too short or too long. ``lines``: keep its lines."""
    # What is far too long is not worth cleaning, and is measured as it came.
    found = text if len(text) > 4 * most else hide_numbers((clean_lines if lines else clean)(text).strip())
    if not least <= len(found) <= most:
        raise MatterError(f"请写明{what}（{least} 至 {most} 个字），现在有 {len(found)} 个字。")
    return found


def optional(text: str, what: str, *, most: int, lines: bool = False) -> str:
    """The same for what may be left out."""
    return written(text, what, most=most, lines=lines) if text.strip() else ""
