"""What the phone app asks for besides forms: its packet, what became of its records, and 无变化 in one tap.

All below ``/key/<token>/``; JSON in and out. ``packet?since=<cursor>`` is described in ``visits.packet``. ``state``
takes a list of instanceIDs and answers ``{id: {state, label, reason}}`` for those of one's own that have arrived.
``unchanged`` takes ``{task, on, token}`` and answers with the task as it is now; the same token again changes nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.http import HttpRequest, HttpResponse

from huqing.access import audit
from huqing.api.answers import said_in_json
from huqing.api.tokens import with_token
from huqing.visits.models import Submission
from huqing.visits.packet import encoded, packet_for

MOST_ASKED = 500
MOST_BYTES = 100_000


@with_token("GET")
def packet(request: HttpRequest) -> HttpResponse:
    """The households of the person whose link it is; a whole packet is an event of the log."""
    made = packet_for(request.user, request.GET.get("since", ""))
    if made["full"]:
        detail = {"households": len(made["households"])}
        audit.record(by=request.user, action="packet_take", region_code=request.user.region_code, detail=detail)
    return _json(encoded(made))


@with_token("POST")
def state(request: HttpRequest) -> HttpResponse:
    """What became of records this person has sent; what is not known here is left out."""
    asked = _body(request)
    if not isinstance(asked, list) or len(asked) > MOST_ASKED or not all(isinstance(item, str) for item in asked):
        return said_in_json(400, f"请发送记录编号的列表，一次至多 {MOST_ASKED} 个。")
    rows = Submission.objects.filter(user=request.user, instance_id__in=asked).order_by("pk")
    told = {
        instance: {"state": now, "label": Submission.State(now).label, "reason": reason}
        for instance, now, reason in rows.values_list("instance_id", "state", "return_reason")
    }
    return _json(json.dumps(told, ensure_ascii=False).encode())


def _json(content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type="application/json; charset=utf-8", headers={"Cache-Control": "no-store"})


def _body(request: HttpRequest) -> Any:
    if len(request.body) > MOST_BYTES:
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        return None
