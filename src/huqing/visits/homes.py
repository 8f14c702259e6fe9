"""One family while a record lands: its household and members, locked, with their history."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from django.db.models import Q

from huqing.registry import file_actions
from huqing.registry.models import Entry, Household, Person


class Home:
    """A locked household and, if wanted, its locked members by the text of their key."""

    def __init__(self, pk: int) -> None:
        self.household: Household = file_actions.locked(Household(pk=pk))
        self.members: dict[str, Person] = {}

    def load(self) -> None:
        """Lock the members."""
        rows = self.household.members.select_for_update(of=("self",)).select_related("created_by_source")
        self.members = {str(one.pk): one for one in rows.order_by("pk")}

    def entries(self, row: Household | Person) -> list[Entry]:
        """The history of the household or of one of its members; that of all is read together."""
        return self._entries[row.pk if isinstance(row, Person) else None]

    @cached_property
    def _entries(self) -> dict[int | None, list[Entry]]:
        about = Q(household=self.household, person=None) | Q(person__in=[one.pk for one in self.members.values()])
        found: dict[int | None, list[Entry]] = defaultdict(list)
        for entry in Entry.objects.filter(about).select_related("source").order_by("pk"):
            found[entry.person_id].append(entry)
        return found
