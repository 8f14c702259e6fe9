"""What villagers' applications leave to do today: late ones first, then open ones, refusals to look at, withdrawals."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse

from huqing.access.permissions import may
from huqing.applications import queries
from huqing.applications.actions import SENIOR

if TYPE_CHECKING:
    from huqing.access.models import User


def todo(user: User, day: dt.date) -> list[dict[str, Any]]:
    """Lines of the home page; only what there is something to do about."""
    if not may(user, "answer_applications"):
        return []
    found = queries.waiting(user, day)
    told = (
        (found.late, "农户申请超期没有答复", "每件申请都要答复，先办这些", "late", "high"),
        (found.out, "农户要求撤回", "联系核实后办理撤回", "out", "high"),
        (found.look if user.role in SENIOR else 0, "不予受理的申请待复看", "看理由是否成立", "look", "medium"),
        (found.open - found.late, "农户申请待受理", "核对是哪一户，答复受不受理", "", "medium"),
    )
    return [
        {
            "count": count,
            "unit": "件",
            "text": text,
            "hint": hint,
            "url": f"{reverse('office:applications')}?{urlencode({'view': view})}",
            "dot": dot,
        }
        for count, text, hint, view, dot in told
        if count
    ]
