"""From the ledger and the registry to a question for the solver: who can help, who is to be helped, what is wished."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from huqing.access.scope import code_range, visible
from huqing.access.seal import token
from huqing.matching.pairing import Helper, Pair, Quota, Target, Wishes, Words
from huqing.packs.manifest import EVERYBODY
from huqing.packs.shipped import shipped, shipped_keys
from huqing.registry import snapshot
from huqing.registry.models import Household, Label, Person, Region
from huqing.rules.benefits import compute
from huqing.rules.engine import quoted
from huqing.screening.models import Run
from huqing.screening.queries import last_run
from huqing.standards.codelists import codelist
from huqing.standards.regioncodes import spoken_name
from huqing.teams.duty_checks import GOALS
from huqing.teams.ledger_queries import holding, today
from huqing.teams.models import Avoidance, Responsibility, Staff, VillageTrait

if TYPE_CHECKING:
    from huqing.access.models import User

COUNTY_DIGITS = 6
# Which units go to which villages (全州县“五心五线”): 党群→软村, 政法→乱村, 经济→穷村, 涉农→专业村.
BELONG = frozenset({("党群", "软村"), ("政法", "乱村"), ("经济", "穷村"), ("涉农", "专业村")})
# Cadres and resident members are sent by their units; teachers and doctors are not chosen by the kind of theirs.
SENT_BY_UNITS = {"1", "7"}
HAN = "01"
SUBJECTS = {"household": "农户", "person": "人员", "village": "行政村"}
COUNTED = {"household": "户", "person": "人", "village": "个村"}
RANK_UNKNOWN = "4"
LISTED = 500
SPOKEN = re.compile(r"[、,，;；/\s]+")


@dataclass(frozen=True)
class Slot:
    """One role and whom it is for: households, people or villages with a label or of a rule, "" for all.

    ``count`` is how many helpers each of them is to have.
    """

    role: str
    of: str
    whom: str = ""
    count: int = 1


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
    words: Words = field(default_factory=Words)
    counts: dict[str, int] = field(default_factory=dict)

    def keys_of(self, of: str, pk: int) -> list[str]:
        """The keys of the targets that a household, a person or a village is or belongs to."""
        if not self._by_goal:
            for key, goal in self.goals.items():
                for name in ("household", "person", "village"):
                    self._by_goal.setdefault((name, getattr(goal, name)), []).append(key)
        return self._by_goal.get((of, pk), [])

    def helper_of(self, staff: int) -> str | None:
        """The key of somebody, if they are among the helpers."""
        if not self._by_staff:
            self._by_staff.update({person.pk: key for key, person in self.staff.items()})
        return self._by_staff.get(staff)

    _by_goal: dict[tuple[str, int | None], list[str]] = field(default_factory=dict)
    _by_staff: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """What a target's key stands for."""

    region_code: str
    household: int | None = None
    person: int | None = None
    village: int | None = None


def whom_words(slot: Slot | Mapping[str, str]) -> str:
    """Whom a slot means, in words: 有“低保”标签的农户, 工作法“教师家访”选出的人员, 全部行政村."""
    of, whom = (slot.of, slot.whom) if isinstance(slot, Slot) else (slot["of"], slot.get("whom", ""))
    what, _, name = whom.partition(":")
    if what == "label":
        return f"有“{codelist('label_kind').label(name)}”标签的{SUBJECTS[of]}"
    if what == "rule":
        return f"工作法“{rules_offered().get(name, ('', name))[1]}”选出的{SUBJECTS[of]}"
    return f"全部{SUBJECTS[of]}"


def language_of(text: str) -> str:
    """One language however it is written: 土家族, 土家话 and 土家语 are 土家语."""
    stem = text.strip().removesuffix("族").removesuffix("语").removesuffix("话")
    return f"{stem}语" if stem else ""


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
        raise ValidationError(NO_HELPERS)
    # Reading everybody's people is worth it only where somebody speaks something.
    spoken = any(helper.speaks for helper in helpers)
    targets, goals = _targets(question["region"], slots, by, spoken=spoken)
    if not targets:
        raise ValidationError(NO_TARGETS.format("、".join(map(whom_words, slots))))
    limits = {key: question["wishes"][key] for key in ("keep", "within", "balance") if key in question["wishes"]}
    kinds = BELONG if SENT_BY_UNITS & set(question["kinds"]) else frozenset()
    asked = Asked(helpers, targets, Wishes(kinds=kinds, **limits), staff=staff, goals=goals)
    asked.words = _words(slots, question["region"])
    _existing(asked, slots, question["region"])
    asked.counts = {"helpers": len(helpers), "targets": len(targets), **_avoidances(asked)}
    asked.counts["spoken"] = sum(1 for target in targets if target.speaks)
    for staff_key, of, pk in question.get("banned", ()):
        helper = asked.helper_of(staff_key)
        asked.forbidden |= {(helper, key) for key in asked.keys_of(of, pk) if helper is not None}
    return asked


def refuse_empty(question: Mapping[str, Any], *, by: User) -> None:
    """ValidationError if it can be seen at once that there is nobody to pair; the rest is told once it is computed."""
    slots = [Slot(**slot) for slot in question["slots"]]
    if not able(question, by).exists():
        raise ValidationError(NO_HELPERS)
    for slot in slots:
        if slot.whom.startswith("rule:"):
            _snapshot_of(question["region"])
    if not any(slot.whom.startswith("rule:") or _any(slot, question["region"], by) for slot in slots):
        raise ValidationError(NO_TARGETS.format("、".join(map(whom_words, slots))))


NO_HELPERS = "按这些条件没有可以结对的人。请换人员类别或职级名额，或先登记人员。"
NO_TARGETS = "按这些条件（{}）没有要结对的对象。请换标签、规则或乡镇。"


def _any(slot: Slot, region: str, by: User) -> bool:
    if slot.of == "village":
        return _villages(region, by).exists()
    active = visible(Household.objects.filter(code_range(region), status=Household.Status.ACTIVE), by)
    chosen = _chosen(slot, region, by)
    if slot.of == "household":
        return (active if chosen is None else active.filter(pk__in=chosen)).exists()
    people = Person.objects.filter(household__in=active)
    return (people if chosen is None else people.filter(pk__in=chosen)).exists()


def _words(slots: list[Slot], region: str) -> Words:
    places = Region.objects.filter(code_range(region, "code"), level=Region.Level.VILLAGE, valid_to=None)
    names = places.values_list("code", "name", "parent__name")
    return Words(
        roles={slot.role: codelist("duty_role").label(slot.role) for slot in slots},
        places={code: f"{town or ''}{spoken_name(name)}" for code, name, town in names},
        counted={slot.role: COUNTED[slot.of] if slot.count == 1 else "人次" for slot in slots},
        chosen={slot.role: _chosen_words(slot) for slot in slots if slot.whom or slot.count > 1},
    )


def _chosen_words(slot: Slot) -> str:
    return whom_words(slot) + (f"，每{COUNTED[slot.of].removeprefix('个')} {slot.count} 人" if slot.count > 1 else "")


def able(question: Mapping[str, Any], by: User) -> QuerySet[Staff]:
    """Who could help at all: in office, of these kinds, of a rank with a number."""
    rows = visible(Staff.objects.filter(left_on=None, kind__in=question["kinds"]), by)
    if question.get("unit"):
        rows = rows.filter(unit=question["unit"])
    ranks = [rank for rank, numbers in question["quotas"].items() if any(most for _, most in numbers)]
    return rows.filter(rank__in=[*ranks, *([""] if RANK_UNKNOWN in ranks else [])])


def _helpers(question: Mapping[str, Any], slots: list[Slot], by: User) -> tuple[list[Helper], dict[str, Staff]]:
    helpers, staff = [], {}
    for person in able(question, by).select_related("unit").order_by("pk"):
        numbers = question["quotas"].get(person.rank or RANK_UNKNOWN)
        if not numbers:
            continue
        key = f"{person.name}#{person.pk}"
        quotas = {slot.role: Quota(*numbers[place]) for place, slot in enumerate(slots)}
        kind = codelist("unit_kind").label(person.unit.kind) if person.unit and person.unit.kind else ""
        # A county's office is in no village: only somebody placed in a town or village is near to one.
        place = person.region_code if person.region_code[COUNTY_DIGITS:].strip("0") else ""
        speaks = frozenset(filter(None, map(language_of, SPOKEN.split(person.languages))))
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
                found[key] = Target(key, place, {slot.role: slot.count}, kind=kinds.get(place, ""), speaks=speaks)
                goals[key] = goal
    return sorted(found.values(), key=lambda target: (target.place, target.key)), goals


def _subjects(region: str, slot: Slot, by: User, *, spoken: bool) -> list[tuple[str, Goal, str]]:
    if slot.of == "village":
        return [
            (f"{spoken_name(village.name)}#{village.pk}", Goal(village.code, village=village.pk), "")
            for village in _villages(region, by)
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


def _villages(region: str, by: User) -> QuerySet[Region]:
    """The villages of an area with households, where only some of it has any; else all of them."""
    villages = visible(Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None), by)
    villages = villages.filter(code_range(region, "code")).order_by("code")
    settled = villages.filter(pk__in=Household.objects.filter(code_range(region)).values("village"))
    return settled if settled.exists() else villages


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
    run, folder = _snapshot_of(region)
    with tempfile.TemporaryDirectory(prefix="huqing-pairing-") as scratch:
        out = Path(scratch) / "chosen.parquet"
        compute(out, of=of, names=[name], as_of=run.as_of, region=region[:COUNTY_DIGITS], snapshot=folder)
        with duckdb.connect() as db:
            rows = db.execute(f"SELECT id FROM read_parquet('{quoted(out)}') WHERE \"{name}\"").fetchall()  # noqa: S608  a rule's declared name
    return {pk for (pk,) in rows}


def _snapshot_of(region: str) -> tuple[Run, Path]:
    """The last screening of an area and its snapshot; ValidationError without either."""
    run = last_run(region)
    if run is None or not run.snapshot:
        raise ValidationError("按规则选对象要先有一次筛查。请县级经办先筛查，或改用标签。")
    folder = snapshot.folder(run.region_code, run.snapshot)
    if not folder.exists():
        raise ValidationError("最近一次筛查的快照已清理。请重新筛查，或改用标签。")
    return run, folder


def _languages(rows: QuerySet[Household]) -> dict[int, str]:
    """The language of those households whose head is of another people than Han and is not known to speak Mandarin."""
    heads = Person.objects.filter(household__in=rows, relation="01").values_list("household", "items")
    found = {}
    for household, items in heads:
        code = items.get("nationality", "")
        if code in codelist("nationality") and code != HAN and items.get("mandarin") is not True:
            found[household] = language_of(codelist("nationality").label(code))
    return found


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


def _avoidances(asked: Asked) -> dict[str, int]:
    """Who must not meet: what was written down, and whoever has the telephone number of somebody in the household."""
    kin: Counter[str] = Counter()
    for staff, household in Avoidance.objects.filter(staff__in=[one.pk for one in asked.staff.values()]).values_list(
        "staff", "household"
    ):
        kin["avoided"] += _keep_apart(asked, staff, household)
    numbers = {token("phone", one.phone): one.pk for one in asked.staff.values() if one.phone}
    for staff, household in _same_phone(numbers):
        kin["same_phone"] += _keep_apart(asked, staff, household)
    return {"avoided": kin["avoided"], "same_phone": kin["same_phone"]}


def _keep_apart(asked: Asked, staff: int, household: int) -> int:
    helper = asked.helper_of(staff)
    pairs = {(helper, key) for key in asked.keys_of("household", household) if helper is not None}
    fresh = len(pairs - asked.forbidden)
    asked.forbidden |= pairs
    return fresh


def _same_phone(numbers: Mapping[str, int]) -> set[tuple[int, int]]:
    """The households with a telephone number (by its token) of one of the staff: their own, or their family's."""
    found = set()
    wanted = sorted(numbers)
    for start in range(0, len(wanted), LISTED):
        part = wanted[start : start + LISTED]
        rows = Household.objects.filter(phone_token__in=part).values_list("phone_token", "pk")
        people = Person.objects.filter(phone_token__in=part).exclude(household=None)
        found |= {(numbers[mark], pk) for mark, pk in (*rows, *people.values_list("phone_token", "household"))}
    return found
