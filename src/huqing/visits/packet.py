"""The phone's packet (``packet_for``): everything one account's phone needs of the households it looks after.

Asked again with the cursor of the last packet it holds only the households about which something has changed, and the
ids of those that are no longer the account's. Everything else (forms, villages, parameters) is small and always whole.
Never an ID number, a phone number or an account: no sealed field is read here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from huqing.access.instance import working_day
from huqing.registry.models import Household, Region
from huqing.rules.library import library
from huqing.teams.queries import Duties, duties_by_place, households_of, villages_of
from huqing.visits import cursor, prepared
from huqing.visits.errands import errands_of
from huqing.visits.methods import in_use
from huqing.visits.models import FormVersion
from huqing.visits.offered import forms_of
from huqing.visits.packet_errands import with_errands
from huqing.visits.packet_households import Households
from huqing.visits.packet_reads import Reads
from huqing.visits.packet_tasks import Tasks

if TYPE_CHECKING:
    from huqing.access.models import User

# A phone that is to carry more is somebody's who should look households up in the office: 3 KB each, 6 MB in all.
MOST_HOUSEHOLDS = 2000
# Prefetched, not joined: hundreds of households share a few villages, grids and sources. At most so many at once, since
# SQLite looks for no more than a thousand different ones.
AROUND, AT_ONCE = ("village", "grid", "created_by_source"), 900


@dataclass(frozen=True)
class Packet:
    """A packet: everything but the households as plain data, and the households as they travel."""

    told: dict[str, Any]
    households: list[bytes]

    @property
    def full(self) -> bool:
        """Whether it holds all households, not only those that have changed."""
        return bool(self.told["full"])

    def encoded(self) -> bytes:
        """The packet as it travels: UTF-8 JSON without blanks."""
        return b"".join((_bytes(self.told)[:-1], b',"households":[', b",".join(self.households), b"]}"))


def packet_for(user: User, since: str = "", *, today: dt.date | None = None) -> Packet:
    """The packet of an account's phone; ``since`` is the cursor of the packet the phone has, "" none.

    A constant number of queries for every ``AT_ONCE`` households. Addresses of forms are relative to the phone's own
    address ``/key/<token>/``. ``left_out``: how many households did not fit.
    """
    day = today or working_day(timezone.localdate())
    duties = duties_by_place(user, on=day)
    every = errands_of(user)
    errands = every[:MOST_HOUSEHOLDS]
    forms = forms_of(user, on=day, duties=duties, errands=errands)
    given = {version.form_id: version for version in forms if version.form.given_by}
    reads = Reads([version for version in forms if version.form_id not in given])
    # Asked each time: what is no longer in somebody's care is not told, whatever was prepared.
    rows = list(households_of(user, on=day).order_by("region_code", "id").values_list("id", "village", "region_code"))
    mine = rows[:MOST_HOUSEHOLDS]
    own_villages = list(villages_of(user, on=day))
    around = {region.pk: region for region in own_villages}
    lent = Household.objects.filter(pk__in={errand.household for errand in errands}).values_list("village", flat=True)
    own = {village for _, village, _ in mine} | set(around)
    others = own.union(lent if errands else ()) - set(around)
    around |= {region.pk: region for region in Region.objects.filter(pk__in=others)} if others else {}
    tasks = Tasks(in_use(), duties, day)
    tasks.load_villages(own_villages)
    reads.load(around.values())

    def make(wanted: Sequence[int]) -> Mapping[int, bytes]:
        found: list[Household] = []
        for first in range(0, len(wanted), AT_ONCE):
            found += Household.objects.filter(pk__in=wanted[first : first + AT_ONCE]).prefetch_related(*AROUND)
        tasks.load_households(found)
        return {household["id"]: _bytes(household) for household in Households(found, reads, tasks, day).told()}

    contents = prepared.pieces(user, [pk for pk, _, _ in mine], _basis(reads, tasks, duties, day), make)
    contents = with_errands(contents, errands, given, around.values())
    before = cursor.read(since, user.pk)
    wanted = set(contents) if before is None else set(cursor.changed(before, contents))
    told = {
        "cursor": cursor.written(cursor.made(contents), user.pk),
        "full": before is None,
        "day": day.isoformat(),
        "user": {"id": user.pk, "name": user.display_name, "unit": _unit(user)},
        "forms": [_form(version) for version in forms],
        "villages": _villages(around, reads, tasks, own),
        "parameters": reads.parameters(mine[0][2] if mine else user.region_code, day),
        "gone": [] if before is None else sorted(set(before.ids) - set(contents)),
        "left_out": len(rows) - len(mine) + len(every) - len(errands),
    }
    return Packet(told, [piece for household, piece in contents.items() if household in wanted])


def _basis(reads: Reads, tasks: Tasks, duties: Duties, day: dt.date) -> str:
    """All that is told of a household depends on, besides its own rows."""
    findings = [(key, rule.title, rule.resolve) for key, rule in sorted(library().findings.items())]
    lines = (duties.villages, duties.grids, duties.households, duties.people)
    held = [sorted((place, sorted(roles)) for place, roles in told.items()) for told in lines]
    methods = [(pk, item.row.digest) for pk, item in sorted(tasks.methods.items())]
    return repr((day, reads.needs, sorted(reads.places.names.items()), duties.own, held, methods, findings))


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
        "given": bool(form.given_by),
    }


def _villages(villages: dict[int, Region], reads: Reads, tasks: Tasks, own: Collection[int]) -> list[dict[str, Any]]:
    """The villages around; of those that only an errand leads to, the name."""
    return [
        {"id": pk, "title": region.name, "read": reads.of_village(region.code), "tasks": tasks.of_village(pk)}
        if pk in own
        else {"id": pk, "title": region.name, "read": {}, "tasks": [], "given": True}
        for pk, region in sorted(villages.items(), key=lambda item: item[1].code)
    ]
