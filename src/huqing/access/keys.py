"""Secret addresses of phones (``/key/<token>/…``): where they begin, and how they stay out of logs and error pages."""

from __future__ import annotations

import re

PREFIX = "/key/"
_KEY = re.compile(r"(/|%2F)key\1[^/%\s\"'?#<>&]+", re.IGNORECASE)


def hide_keys(text: str) -> str:
    """``text`` with every token in a phone's address replaced: ``/key/…/formList``."""
    return _KEY.sub(r"\1key\1…", text)
