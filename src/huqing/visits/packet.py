"""The phone's packet (``packet_for``): everything one account's phone needs of the households it looks after.

Asked again with the cursor of the last packet it holds only the households about which something has changed, and the
ids of those that are no longer the account's. Everything else (forms, villages, parameters) is small and always whole.
Never an ID number, a phone number or an account: no sealed field is read here.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from huqing.access.instance import working_day
from huqing.teams.queries import duties_by_place, households_of, villages_of
from huqing.visits import cursor
from huqing.visits.methods import in_use
from huqing.visits.models import FormVersion
from huqing.visits.offered import forms_of
from huqing.visits.packet_households import Households
from huqing.visits.packet_reads import Reads
from huqing.visits.packet_tasks import Tasks

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.registry.models import Region

# A phone that is to carry more is somebody's who should look households up in the office: 3 KB each, 6 MB in all.
MOST_HOUSEHOLDS = 2000


def packet_for(user: User, since: str = "", *, today: dt.date | None = None) -> dict[str, Any]:
    """The packet of an account's phone as plain data; ``since`` is the cursor of the packet the phone has, "" none.

    A constant number of queries, whatever the number of households. Addresses of forms are relative to the phone's own
    address ``/key/<token>/``. ``left_out``: how many households did not fit.
    """
    day = today or working_day(timezone.localdate())
    forms = forms_of(user, on=day)
    reads = Reads(forms)
    duties = duties_by_place(user, on=day)
    # Prefetched, not joined: hundreds of households share a few villages, grids and sources.
    around = ("village", "grid", "created_by_source")
    rows = list(households_of(user, on=day).prefetch_related(*around).order_by("region_code", "id"))
    mine = rows[:MOST_HOUSEHOLDS]
    own_villages = list(villages_of(user, on=day))
    villages = {region.pk: region for region in (*own_villages, *(row.village for row in mine))}
    tasks = Tasks(in_use(), duties, day)
    tasks.load(mine, own_villages)
    reads.load(villages.values())
    told = Households(mine, reads, tasks, day).told()
    contents = {household["id"]: _bytes(household) for household in told}
    before = cursor.read(since, user.pk)
    wanted = set(contents) if before is None else set(cursor.changed(before, contents))
    return {
        "cursor": cursor.written(cursor.made(contents), user.pk),
        "full": before is None,
        "day": day.isoformat(),
        "user": {"id": user.pk, "name": user.display_name, "unit": _unit(user)},
        "forms": [_form(version) for version in forms],
        "households": [household for household in told if household["id"] in wanted],
        "villages": _villages(villages, reads, tasks),
        "parameters": reads.parameters(mine[0].region_code if mine else user.region_code, day),
        "gone": [] if before is None else sorted(set(before.ids) - set(contents)),
        "left_out": len(rows) - len(mine),
    }


def encoded(packet: dict[str, Any]) -> bytes:
    """The packet as it travels: UTF-8 JSON without blanks."""
    return _bytes(packet)


def _bytes(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _unit(user: User) -> str:
    staff = getattr(user, "staff", None)
    return staff.unit.name if staff is not None and staff.unit is not None else user.unit


def _form(version: FormVersion) -> dict[str, Any]:
    form, told = version.form, version.conversion
    return {
        "pk": version.pk,
        "form_id": form.form_id,
        "version": version.version,
        "title": form.title,
        "md5": version.md5,
        "xml": f"forms/{version.pk}/form.xml",
        "lists": told.get("lists", []),
        "media": [
            {"name": item.name, "md5": item.md5, "url": f"forms/{version.pk}/media/{item.name}"}
            for item in version.media.all()
        ],
        "needs": [{key: need[key] for key in ("subject", "key", "words")} for need in told.get("needs", [])],
        "subjects": told.get("subjects") or {},
        "members": told.get("members", ""),
        "member": told.get("member", ""),
        "method": form.method.key if form.method else "",
        "visit": form.visit,
        "kind": form.visit_kind,
    }


def _villages(villages: dict[int, Region], reads: Reads, tasks: Tasks) -> list[dict[str, Any]]:
    return [
        {"id": pk, "title": region.name, "read": reads.of_village(region.code), "tasks": tasks.of_village(pk)}
        for pk, region in sorted(villages.items(), key=lambda item: item[1].code)
    ]
