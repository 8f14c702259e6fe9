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
from huqing.visits import tasks
from huqing.visits.models import Submission, VisitTask
from huqing.visits.packet import packet_for

MOST_ASKED = 500
MOST_BYTES = 100_000
LARGEST = 2**63  # the ids of the database


@with_token("GET")
def packet(request: HttpRequest) -> HttpResponse:
    """The households of the person whose link it is; a whole packet is an event of the log."""
    made = packet_for(request.user, request.GET.get("since", ""))
    if made.full:
        detail = {"households": len(made.households)}
        audit.record(by=request.user, action="packet_take", region_code=request.user.region_code, detail=detail)
    return _json(made.encoded())


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


@with_token("POST")
def unchanged(request: HttpRequest) -> HttpResponse:
    """Nothing has changed in this household since the last visit."""
    asked = _body(request)
    told = asked if isinstance(asked, dict) else {}
    number, token = told.get("task"), told.get("token")
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(token, str):
        return said_in_json(400, "请写明是哪一项走访（task）和编号（token）。")
    task = tasks.task_of(request.user, number) if abs(number) < LARGEST else None
    if task is None:
        return said_in_json(404, "这项走访已不在您负责的农户里。请更新手机上的农户。")
    try:
        on = dt.date.fromisoformat(str(told.get("on") or ""))
    except ValueError:
        on = dt.date.max
    try:
        done = tasks.confirm_unchanged(task=task, user=request.user, on=on, token=token)
    except tasks.NotConfirmed as error:
        return said_in_json(error.status, str(error))
    task = VisitTask.objects.get(pk=done.task_id)
    dates = {"opens": task.opens_on, "due": task.due_on, "last": task.last_on}
    now = {name: day.isoformat() if day else "" for name, day in dates.items()}
    return _json(json.dumps({"task": task.pk, "on": done.on.isoformat(), **now}).encode())


def _json(content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type="application/json; charset=utf-8", headers={"Cache-Control": "no-store"})


def _body(request: HttpRequest) -> Any:
    if len(request.body) > MOST_BYTES:
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        return None
