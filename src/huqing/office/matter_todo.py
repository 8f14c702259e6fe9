"""What villagers' matters leave to do today, for the first page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse

from huqing.access.permissions import may
from huqing.matters import queries

if TYPE_CHECKING:
    from huqing.access.models import User


def todo(user: User, day: dt.date) -> list[dict[str, Any]]:
    """Matters that wait for the person or are late, most pressing first; what there is none of is left out."""
    if not may(user, "view_matters"):
        return []
    found = queries.mine(user, day)
    told = (
        (found.late, "村民事项已超期", "先办这些，每件都要答复", {"mine": "1", "late": "1"}, "high"),
        (found.told, "下级的村民事项已超期", "催办，办不了的接过来办", {"late": "1"}, "high"),
        (found.handed, "村民事项交给您办", "办好了写明答复", {"mine": "1"}, "medium"),
        (found.waiting - found.late, "村民事项等您办理", "受理、商议、交办、公示，一步一步来", {"mine": "1"}, "medium"),
    )
    return [
        {
            "count": count,
            "unit": "件",
            "text": text,
            "hint": hint,
            "url": f"{reverse('office:matters')}?{urlencode(query)}",
            "dot": dot,
        }
        for count, text, hint, query, dot in told
        if count > 0
    ]
