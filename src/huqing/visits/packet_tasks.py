"""The visits that one account has to make, as its phone lists them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from huqing.registry.models import Household, Region
from huqing.teams.queries import Duties
from huqing.visits.methods import InUse
from huqing.visits.models import Form, VisitTask

COLUMNS = ("pk", "method", "visit", "group", "household", "person", "village", "opens_on", "due_on", "last_on")


class Tasks:
    """The tasks of some households and villages, of which only those are told that the account's duties ask for."""

    def __init__(self, methods: Sequence[InUse], duties: Duties, day: dt.date) -> None:
        self.methods = {item.row.pk: item for item in methods}
        self.duties, self.day = duties, day
        self.visits = {(pk, visit.key): visit for pk, item in self.methods.items() for visit in item.told.visits}
        self.groups = {(pk, group.key): group for pk, item in self.methods.items() for group in item.told.key_groups}
        self.households: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.villages: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.forms: dict[tuple[int | None, str], str] = {}

    def load_villages(self, villages: Sequence[Region]) -> None:
        """Read the tasks of these villages, and which form is filled in on which visit."""
        self.forms = {
            (method, visit): form_id
            for method, visit, form_id in Form.objects.filter(
                method__in=self.methods, state=Form.State.OPEN
            ).values_list("method", "visit", "form_id")
        }
        codes = {region.pk: region.code for region in villages}
        for row in self._due().filter(village__in=codes).values(*COLUMNS) if codes else ():
            if self._asked(row, self.duties.towards_village(row["village"], codes[row["village"]])):
                self.villages[row["village"]].append(self._told(row))

    def load_households(self, households: Sequence[Household]) -> None:
        """Read the tasks of these households."""
        for row in self._due().filter(household__in=[row.pk for row in households]).values(*COLUMNS):
            self.households[row["household"]].append(row)

    def _due(self) -> QuerySet[VisitTask]:
        rows = VisitTask.objects.filter(method__in=self.methods).exclude(due_on=None)
        return rows.order_by("due_on", "id")

    def of_household(self, household: Household) -> list[dict[str, Any]]:
        """What the account has to do in a household, the most urgent first."""
        return [
            self._told(row)
            for row in self.households[household.pk]
            if self._asked(row, self.duties.towards(household, row["person"]))
        ]

    def of_village(self, pk: int) -> list[dict[str, Any]]:
        """What it has to do in a village as a whole."""
        return self.villages[pk]

    def _asked(self, row: dict[str, Any], roles: Iterable[str]) -> bool:
        visit = self.visits.get((row["method"], row["visit"]))
        if visit is None:
            return False
        asked = self.methods[row["method"]].roles(visit.actor)
        return bool(asked & set(roles)) if asked else bool(set(roles))

    def _told(self, row: dict[str, Any]) -> dict[str, Any]:
        visit = self.visits[row["method"], row["visit"]]
        group = self.groups.get((row["method"], row["group"]))
        return {
            "id": row["pk"],
            "title": visit.title,
            "form": self.forms.get((row["method"], row["visit"]), ""),
            "visit": visit.key,
            "person": row["person"],
            "opens": _day(row["opens_on"]),
            "due": _day(row["due_on"]),
            "last": _day(row["last_on"]),
            "group": group.title if group else "",
            "unchanged": visit.unchanged_allowed,
        }


def _day(day: dt.date | None) -> str:
    return day.isoformat() if day else ""
