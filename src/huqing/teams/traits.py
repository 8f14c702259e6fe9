"""What kind of village it is (软村, 乱村, 穷村, 专业村): decides which units suit it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from huqing.access import audit
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.registry.models import Region
from huqing.standards.codelists import codelist
from huqing.teams.models import VillageTrait

if TYPE_CHECKING:
    from huqing.access.models import User


@transaction.atomic
def set_trait(*, village: Region, kind: str, on: dt.date, by: User | None) -> VillageTrait | None:
    """From ``on`` the village is of this kind; "" ends the present kind. The kinds before stay as history."""
    if by is not None:
        require(by, "manage_duties")
        if not sees(by, village):
            raise Refused("这个村不在您的管辖范围内。")
    if kind and kind not in codelist("village_trait"):
        raise ValidationError({"kind": "请从列表中选类型。"})
    now = VillageTrait.objects.select_for_update().filter(village=village, until=None).first()
    if now is not None and now.kind == kind:
        return now
    if now is not None and now.since >= on:
        # Set and corrected on one day: nothing held in between.
        now.delete()
    elif now is not None:
        now.until = on - dt.timedelta(days=1)
        now.save(update_fields=["until"])
    made = VillageTrait.objects.create(village=village, region_code=village.code, kind=kind, since=on) if kind else None
    told = codelist("village_trait").label(kind) if kind else "无"
    audit.record(by=by, action="village_trait", subject=village, region_code=village.code, detail={"kind": told})
    return made
