"""From the ledger and the registry to a question for the solver: who can help, who is to be helped, what is wished."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from huqing.access.scope import code_range, visible
from huqing.matching.pairing import Helper, Pair, Quota, Target, Wishes
from huqing.packs.manifest import EVERYBODY
from huqing.packs.shipped import shipped, shipped_keys
from huqing.registry import snapshot
from huqing.registry.models import Household, Label, Person, Region
from huqing.rules.benefits import compute
from huqing.rules.engine import quoted
from huqing.screening.queries import last_run
from huqing.standards.codelists import codelist
from huqing.teams.duty_checks import GOALS
from huqing.teams.ledger_queries import holding, today
from huqing.teams.models import Avoidance, Responsibility, Staff, VillageTrait

if TYPE_CHECKING:
    from huqing.access.models import User

COUNTY_DIGITS = 6
# Which units go to which villages (全州县“五心五线”): 党群→软村, 政法→乱村, 经济→穷村, 涉农→专业村.
BELONG = frozenset({("党群", "软村"), ("政法", "乱村"), ("经济", "穷村"), ("涉农", "专业村")})
HAN = "01"
SUBJECTS = {"household": "农户", "person": "人员", "village": "行政村"}


@dataclass(frozen=True)
class Slot:
    """One role and whom it is for: households, people or villages with a label or of a rule, "" for all."""

    role: str
    of: str
    whom: str = ""


@dataclass
class Asked:
    """The whole question with what its keys mean: ``staff`` and ``goals`` by the solver's keys."""

    helpers: list[Helper]
    targets: list[Target]
    wishes: Wishes
    existing: dict[Pair, int] = field(default_factory=dict)
    outside: dict[Pair, int] = field(default_factory=dict)
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    staff: dict[str, Staff] = field(default_factory=dict)
    goals: dict[str, Goal] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """What a target's key stands for."""

    region_code: str
    household: int | None = None
    person: int | None = None
    village: int | None = None


@cache
def rules_offered() -> dict[str, tuple[str, str]]:
    """The rules by which the shipped working methods choose people: name → (subject, title)."""
    found: dict[str, tuple[str, str]] = {}
    for key in shipped_keys():
        method = shipped(key).method
        for item in (*method.key_groups, *method.visits):
            if item.whom != EVERYBODY:
                found.setdefault(item.whom, (item.subject, item.title))
    return found


def ask(question: Mapping[str, Any], *, by: User) -> Asked:
    """Read helpers and targets for a question (see ``PairingProposal.question``); ValidationError if there are none.

    The key of a helper is "姓名#number", that of a target the household's number, a person's or a village's name with
    its key, so that what the solver says about them can be read.
    """
    slots = [Slot(**slot) for slot in question["slots"]]
    helpers, staff = _helpers(question, slots, by)
    if not helpers:
        raise ValidationError("按这些条件没有可以结对的人。请换人员类别或职级名额，或先登记人员。")
    # Reading everybody's people is worth it only where somebody speaks something.
    spoken = any(helper.speaks for helper in helpers)
    targets, goals = _targets(question["region"], slots, by, spoken=spoken)
    if not targets:
        raise ValidationError("按这些条件没有要结对的对象。请换标签、规则或乡镇。")
    limits = {key: question["wishes"][key] for key in ("keep", "within", "balance") if key in question["wishes"]}
    asked = Asked(helpers, targets, Wishes(kinds=BELONG, **limits), staff=staff, goals=goals)
    _existing(asked, slots, question["region"])
    _avoidances(asked)
    return asked


def _helpers(question: Mapping[str, Any], slots: list[Slot], by: User) -> tuple[list[Helper], dict[str, Staff]]:
    rows = visible(Staff.objects.filter(left_on=None, kind__in=question["kinds"]), by).select_related("unit")
    if question.get("unit"):
        rows = rows.filter(unit=question["unit"])
    helpers, staff = [], {}
    for person in rows.order_by("pk"):
        numbers = question["quotas"].get(person.rank or "4")
        if not numbers:
            continue
        key = f"{person.name}#{person.pk}"
        quotas = {slot.role: Quota(*numbers[place]) for place, slot in enumerate(slots)}
        kind = codelist("unit_kind").label(person.unit.kind) if person.unit and person.unit.kind else ""
        # A county's office is in no village: only somebody placed in a town or village is near to one.
        place = person.region_code if person.region_code[COUNTY_DIGITS:].strip("0") else ""
        speaks = frozenset(part for part in person.languages.replace(",", "、").split("、") if part)
        if question["wishes"].get("within") and not place:
            place = person.region_code
        helpers.append(Helper(key, quotas, place=place, unit=str(person.unit_id), kind=kind, speaks=speaks))
        staff[key] = person
    return helpers, staff


def _targets(region: str, slots: list[Slot], by: User, *, spoken: bool) -> tuple[list[Target], dict[str, Goal]]:
    found: dict[str, Target] = {}
    goals: dict[str, Goal] = {}
    traits = dict(VillageTrait.objects.filter(code_range(region), until=None).values_list("region_code", "kind"))
    kinds = {code: codelist("village_trait").label(kind) for code, kind in traits.items()}
    for slot in slots:
        for key, goal, speaks in _subjects(region, slot, by, spoken=spoken):
            if key not in found:
                place = goal.region_code
                found[key] = Target(key, place, {slot.role: 1}, kind=kinds.get(place, ""), speaks=speaks)
                goals[key] = goal
    return sorted(found.values(), key=lambda target: (target.place, target.key)), goals


def _subjects(region: str, slot: Slot, by: User, *, spoken: bool) -> list[tuple[str, Goal, str]]:
    if slot.of == "village":
        villages = visible(Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None), by)
        return [
            (f"{village.name}#{village.pk}", Goal(village.code, village=village.pk), "")
            for village in villages.filter(code_range(region, "code"))
        ]
    active = visible(Household.objects.filter(code_range(region), status=Household.Status.ACTIVE), by)
    chosen = _chosen(slot, region, by)
    if slot.of == "household":
        rows = active if chosen is None else active.filter(pk__in=chosen)
        speaks = _languages(rows) if spoken else {}
        return [
            (number, Goal(code, household=pk), speaks.get(pk, ""))
            for pk, number, code in rows.values_list("pk", "number", "region_code")
        ]
    people = Person.objects.filter(household__in=active)
    if chosen is not None:
        people = people.filter(pk__in=chosen)
    return [
        (f"{name}#{pk}", Goal(code, household=household, person=pk), "")
        for pk, name, household, code in people.values_list("pk", "name", "household", "region_code")
    ]


def _chosen(slot: Slot, region: str, by: User) -> QuerySet[Any] | set[int] | None:
    """The keys of those a label or rule means; None for everybody."""
    what, _, name = slot.whom.partition(":")
    if what == "label":
        day = today()
        now = Label.objects.filter(Q(valid_to=None) | Q(valid_to__gte=day), kind=name, valid_from__lte=day)
        labels = visible(now.filter(code_range(region, "household__region_code")), by)
        return labels.exclude(**{f"{slot.of}": None}).values(slot.of)
    if what == "rule":
        return _by_rule(name, slot.of, region)
    return None


def _by_rule(name: str, of: str, region: str) -> set[int]:
    """Whom a rule holds for, by the snapshot of the last screening."""
    run = last_run(region)
    if run is None or not run.snapshot:
        raise ValidationError("按规则选对象要先有一次筛查。请县级经办先筛查，或改用标签。")
    folder = snapshot.folder(run.region_code, run.snapshot)
    if not folder.exists():
        raise ValidationError("最近一次筛查的快照已清理。请重新筛查，或改用标签。")
    with tempfile.TemporaryDirectory(prefix="huqing-pairing-") as scratch:
        out = Path(scratch) / "chosen.parquet"
        compute(out, of=of, names=[name], as_of=run.as_of, region=region[:COUNTY_DIGITS], snapshot=folder)
        with duckdb.connect() as db:
            rows = db.execute(f"SELECT id FROM read_parquet('{quoted(out)}') WHERE \"{name}\"").fetchall()  # noqa: S608  a rule's declared name
    return {pk for (pk,) in rows}


def _languages(rows: QuerySet[Household]) -> dict[int, str]:
    """The people's name of the head of those households whose head is not Han."""
    heads = Person.objects.filter(household__in=rows, relation="01")
    codes = ((household, items.get("nationality", "")) for household, items in heads.values_list("household", "items"))
    return {household: codelist("nationality").label(code) for household, code in codes if code and code != HAN}


def _existing(asked: Asked, slots: list[Slot], region: str) -> None:
    """The pairs of the ledger in these roles, told apart by whether their holder is among the helpers."""
    by_pk = {person.pk: key for key, person in asked.staff.items()}
    keys = {
        (goal.person or goal.household or goal.village, bool(goal.person)): key for key, goal in asked.goals.items()
    }
    lines = holding(Responsibility.objects.filter(role__in={slot.role for slot in slots}, stands_in_for=None), today())
    for pk, staff, role, *goals in lines.values_list("pk", "staff", "role", *GOALS):
        person, household, _, village = goals
        key = keys.get((person or household or village, bool(person)))
        if key is None:
            continue
        helper = by_pk.get(staff)
        if helper is None:
            asked.outside[Pair(f"#{staff}", key, role)] = pk
        else:
            asked.existing[Pair(helper, key, role)] = pk


def _avoidances(asked: Asked) -> None:
    by_household: dict[int, list[str]] = defaultdict(list)
    for key, goal in asked.goals.items():
        if goal.household is not None:
            by_household[goal.household].append(key)
    by_pk = {person.pk: key for key, person in asked.staff.items()}
    for staff, household in Avoidance.objects.filter(staff__in=by_pk).values_list("staff", "household"):
        asked.forbidden |= {(by_pk[staff], key) for key in by_household[household]}
