"""The demonstration's re-verification round: drawn, given to visitors, and partly verified on their phones.

The records are made by the phones' own engine from what the verifiers' phones would hold, and come in as any do.
"""

from __future__ import annotations

import datetime as dt
import random
import re
import uuid

from django.utils import timezone

from huqing.access.models import User
from huqing.rosters import drawing, phone_form, rechecks
from huqing.rosters.drawing import Frame
from huqing.rosters.models import RecheckItem, RecheckRound
from huqing.site.demo_records import opened
from huqing.teams.models import Staff
from huqing.visits import arrivals
from huqing.visits.conversions import form_of
from huqing.visits.lists import Lists
from huqing.visits.models import Submission
from huqing.visits.receiving import receive

SEED = 20260701
VERIFIERS = ("jiaoshi", "yisheng", "nongji")
FIELDS = (
    ("household", "member_count"),
    ("household", "wage_income"),
    ("household", "water_safe"),
    ("person", "health"),
    ("person", "labour"),
)
EACH, DONE = 4, 0.6
DRAWN, DUE = dt.timedelta(14), dt.timedelta(20)
ABSENT = "全家外出务工，邻居证实，春节前回来"
_ID = re.compile(r"<(\w+:)?instanceID>[^<]*</")


def ensure_round(as_of: dt.date) -> int:
    """Draw a round and have part of it verified, unless there is one; returns how many households are drawn."""
    if RecheckRound.objects.exists():
        return RecheckItem.objects.count()
    county = User.objects.get(username="xian")
    staff = list(Staff.objects.filter(user__username__in=VERIFIERS).order_by("pk"))
    frame = Frame(label="monitor", stratum="town")
    if not staff or not drawing.households(frame, county).exists():
        return 0
    round_ = drawing.commit(
        title=f"{as_of.year}年{as_of.month}月监测对象回头看",
        frame=frame,
        fields=FIELDS,
        number=EACH,
        due_on=as_of + DUE,
        by=county,
    )
    round_ = drawing.draw_round(round_=round_, said="17 4 22", witnesses="纪委监委王某、人大代表陈某", by=county)
    drawn = timezone.make_aware(dt.datetime.combine(as_of - DRAWN, dt.time(10)))
    RecheckRound.objects.filter(pk=round_.pk).update(created_at=drawn - dt.timedelta(days=1), drawn_at=drawn)
    rechecks.assign(round_=round_, staff=staff, by=county)
    phone_form.publish(round_=round_, by=county)
    _verify(round_, as_of)
    return round_.items.count()


def _verify(round_: RecheckRound, as_of: dt.date) -> None:
    """Some of the verifiers' households, filled in and sent as phones do."""
    order = random.Random(SEED)  # noqa: S311  drawn for a demonstration
    items = list(
        round_.items.exclude(verifier=None).select_related("household", "verifier__user").order_by("stratum", "pk")
    )
    items = items[: int(len(items) * DONE)]
    assert round_.form is not None  # noqa: S101  published before
    version = round_.form.versions.get()
    lists = form_of(version).lists
    request = []
    for number, item in enumerate(items):
        made = Lists(type(item.household).objects.filter(pk=item.household_id)).of(version, lists)
        files = {name: content.decode() for name, content in made.items()}
        request.append({"xml": version.xform, "files": files, "answers": _answers(item, number, as_of, order)})
    for item, xml in zip(items, opened(request), strict=True):
        instance = f"uuid:{uuid.UUID(int=order.getrandbits(128), version=4)}"
        sent = _ID.sub(lambda found, instance=instance: f"<{found[1] or ''}instanceID>{instance}</", xml)  # type: ignore[misc]
        receive(
            user=item.verifier.user,  # type: ignore[union-attr,arg-type]
            xml=sent.encode(),
            files={},
            incomplete=False,
            device="演示手机",
            agent="huqing-demo",
        )
    while arrivals.work_off():
        pass
    for row in Submission.objects.filter(form=round_.form):
        at = timezone.make_aware(dt.datetime.combine(row.visited_on, dt.time(18, 20)))
        Submission.objects.filter(pk=row.pk).update(received_at=at, landed_at=at)
        RecheckItem.objects.filter(submission=row).update(recorded_at=at)


def _answers(item: RecheckItem, number: int, as_of: dt.date, order: random.Random) -> dict[str, str]:
    """What a verifier says: mostly that the file is right; now and then another value, or nobody at home."""
    told = {"visited_on": (as_of - dt.timedelta(order.randint(1, DRAWN.days - 1))).isoformat()}
    if number % 9 == 4:
        told |= {"outcome": "absent", "note": ABSENT}
    else:
        told |= {"outcome": "met", "verdict": "wrong" if number % 11 == 7 else "right"}
        if number % 4 == 1:
            told["own/member_count"] = str((item.household.member_count or 1) + 1)
        if number % 6 == 2:
            told["own/wage_income"] = "18600"
    return {f"/data/{name}": value for name, value in told.items()}
