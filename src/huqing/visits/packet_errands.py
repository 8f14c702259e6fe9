"""The households of errands as the phone gets them: where they are, who lives there, what the form reads; no more.

Somebody who goes to a household once, by name, does not look after it: no labels, alerts, visits or other facts of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from huqing.registry.models import Household, Person, Region
from huqing.standards.codelists import codelist
from huqing.visits.errands import Errand
from huqing.visits.models import FormVersion
from huqing.visits.packet_households import located
from huqing.visits.packet_reads import Reads


def with_errands(
    contents: Mapping[int, bytes],
    errands: Iterable[Errand],
    versions: Mapping[int, FormVersion],
    villages: Iterable[Region],
) -> dict[int, bytes]:
    """The pieces of a packet with those of the households of errands; ``versions``: the newest of each form.

    A household that the account looks after anyway keeps all that is told of it and gets the errand on top.
    """
    given: dict[int, list[Errand]] = defaultdict(list)
    for one in errands:
        if one.form in versions:
            given[one.household].append(one)
    if not given:
        return dict(contents)
    around = list(villages)
    reads = {form: Reads([version]) for form, version in versions.items()}
    for each in reads.values():
        each.load(around)
    # Joined: prefetching the grids of households drawn from a whole county asks for more of them than SQLite takes.
    rows = {row.pk: row for row in Household.objects.filter(pk__in=given).select_related("village", "grid")}
    people: dict[int, list[Person]] = defaultdict(list)
    members = Person.objects.filter(household__in=rows).order_by("relation", "birth_date", "id")
    for person in members.defer("id_number_sealed", "phone_sealed"):
        people[person.household_id].append(person)
    found = dict(contents)
    for pk, row in rows.items():
        told = json.loads(contents[pk]) if pk in contents else _told(row, people[pk])
        told["tasks"] = [*(_task(one, versions[one.form]) for one in given[pk]), *told["tasks"]]
        for one in given[pk]:
            _add(told["read"], reads[one.form], row, people[pk])
        found[pk] = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return found


def _told(row: Household, people: Iterable[Person]) -> dict[str, Any]:
    return {
        **located(row),
        "grid": "",
        "labels": [],
        "facts": [],
        "members": [_member(person) for person in people],
        "alerts": [],
        "visits": [],
        "tasks": [],
        "read": {"household": {}, "person": {}},
        "given": True,
    }


def _member(person: Person) -> dict[str, Any]:
    relation = codelist("relation_to_head").label(person.relation) if person.relation else ""
    return {"id": person.pk, "name": person.name, "relation": relation, "age": None, "notes": []}


def _task(errand: Errand, version: FormVersion) -> dict[str, Any]:
    """As a standing visit is told; the number is negative, so that it is never that of one."""
    return {
        "id": -errand.number,
        "title": errand.title,
        "form": version.form.form_id,
        "visit": "",
        "person": None,
        "opens": "",
        "due": errand.due.isoformat() if errand.due else "",
        "last": "",
        "group": "",
        "unchanged": False,
    }


def _add(read: dict[str, Any], reads: Reads, row: Household, people: Iterable[Person]) -> None:
    """Put what one form reads to what is there."""
    read["household"] |= reads.of_household(row)
    for person in people:
        told = reads.of_person(person, row)
        if told:
            read["person"].setdefault(str(person.pk), {}).update(told)
