"""What the pairing workbench shows: what was asked in words, loads before and after, who could go into a pair."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Count, QuerySet

from huqing.office import places
from huqing.standards.codelists import codelist
from huqing.teams.models import PairingProposal, ProposedPair, Staff
from huqing.teams.pairing_question import RANK_UNKNOWN, able, whom_words

if TYPE_CHECKING:
    from huqing.access.models import User

C = ProposedPair.Change
SUGGESTED, LOOKED_AT = 8, 3_000
LIMITS = {"county": "只结本县", "town": "只结本乡镇", "village": "只结本村"}


def asked(proposal: PairingProposal) -> list[tuple[str, str]]:
    """What was asked, in words."""
    question, ranks, roles = proposal.question, codelist("cadre_rank"), codelist("duty_role")
    kinds = codelist("staff_kind")
    told = [("范围", places.name_of(question["region"])), ("人员", "、".join(map(kinds.label, question["kinds"])))]
    for slot in question["slots"]:
        each = f"，每个 {slot['count']} 人" if slot.get("count", 1) > 1 else ""
        told.append((roles.label(slot["role"]), f"{whom_words(slot)}{each}"))
    names = [roles.label(slot["role"]) for slot in question["slots"]]
    for rank, numbers in question["quotas"].items():
        shares = (
            f"{name} {least if least == most else f'{least} 至 {most}'}"
            for name, (least, most) in zip(names, numbers, strict=False)
        )
        told.append((f"{ranks.label(rank)}每人", "，".join(shares)))
    told.append(("原来的结对", "尽量沿用" if question["wishes"].get("keep") else "不考虑"))
    limit = LIMITS.get(question["wishes"].get("within", ""))
    told += [("地方限制", limit)] if limit else []
    named = (("指定", len(question.get("fixed", ()))), ("这次不结", len(question.get("banned", ()))))
    told += [(name, f"{count} 对") for name, count in named if count]
    return told + _found(proposal.counts)


def _found(counts: dict[str, int]) -> list[tuple[str, str]]:
    if "helpers" not in counts:
        return []
    told = [("参加的人和对象", f"{counts['helpers']} 人，{counts['targets']} 个对象")]
    apart = [
        f"登记的 {counts['avoided']} 对" if counts.get("avoided") else "",
        f"责任人的电话就是这一户的 {counts['same_phone']} 对" if counts.get("same_phone") else "",
    ]
    told += [("回避", "，".join(filter(None, apart)))] if any(apart) else []
    told += [("要会少数民族语言", f"{counts['spoken']} 个对象")] if counts.get("spoken") else []
    return told


@dataclass
class Load:
    """One person before and after: pairs by role, and what the numbers asked for where they are not met."""

    staff: Staff
    before: int = 0
    after: int = 0
    roles: list[tuple[str, int, int]] = field(default_factory=list)
    off: list[str] = field(default_factory=list)


def quotas_of(proposal: PairingProposal, rank: str) -> dict[str, list[int]]:
    """The least and most pairs of a person of a rank, by role."""
    numbers = proposal.question["quotas"].get(rank or RANK_UNKNOWN, [])
    return {slot["role"]: pair for slot, pair in zip(proposal.question["slots"], numbers, strict=False)}


def counts_of(proposal: PairingProposal, staff: Any = None) -> dict[int, dict[str, Counter[str]]]:
    """How many pairs of each change everybody has, by role."""
    rows = proposal.pairs.all() if staff is None else proposal.pairs.filter(staff__in=staff)
    found: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for person, role, change, n in rows.order_by().values_list("staff", "role", "change").annotate(n=Count("pk")):
        found[person][role][change] += n
    return found


def people(proposal: PairingProposal) -> QuerySet[Staff]:
    """Everybody in a proposal."""
    return Staff.objects.filter(pk__in=proposal.pairs.values("staff")).select_related("unit")


def off_quota(proposal: PairingProposal) -> list[int]:
    """Who has more or fewer pairs than asked, after changes by hand; people who only give pairs away are not asked."""
    ranks = dict(people(proposal).values_list("pk", "rank"))
    kinds = dict(people(proposal).values_list("pk", "kind"))
    asked_kinds = set(proposal.question["kinds"])
    found = []
    for pk, roles in counts_of(proposal).items():
        if kinds[pk] in asked_kinds and _off(quotas_of(proposal, ranks[pk]), roles):
            found.append(pk)
    return found


def _off(quotas: dict[str, list[int]], roles: dict[str, Counter[str]]) -> list[str]:
    told = []
    for role, (least, most) in quotas.items():
        after = roles[role][C.KEPT] + roles[role][C.NEW] if role in roles else 0
        if not least <= after <= most:
            wanted = f"{least}" if least == most else f"{least} 至 {most}"
            told.append(f"{codelist('duty_role').label(role)}应为 {wanted}，现为 {after}")
    return told


def loads(proposal: PairingProposal, staff: list[Staff]) -> list[Load]:
    """Before and after for these people."""
    counts = counts_of(proposal, [person.pk for person in staff])
    found = []
    for person in staff:
        one = Load(person)
        for role, changes in sorted(counts[person.pk].items()):
            before, after = changes[C.KEPT] + changes[C.ENDED], changes[C.KEPT] + changes[C.NEW]
            one.roles.append((codelist("duty_role").label(role), before, after))
            one.before, one.after = one.before + before, one.after + after
        if person.kind in proposal.question["kinds"] and person.left_on is None:
            one.off = _off(quotas_of(proposal, person.rank), counts[person.pk])
        found.append(one)
    return found


@dataclass(frozen=True)
class Suggestion:
    """Somebody who could go into a pair: how near, how many pairs of the role now, how many at most."""

    staff: Staff
    near: str
    now: int
    most: int


def suggestions(pair: ProposedPair, user: User) -> list[Suggestion]:
    """People with a place left, the nearest and least loaded first."""
    proposal = pair.proposal
    counts = counts_of(proposal)
    found = []
    there = set(
        proposal.pairs.exclude(change=C.ENDED)
        .filter(household=pair.household_id, person=pair.person_id, village=pair.village_id)
        .values_list("staff", flat=True)
    )
    for person in able(proposal.question, user).select_related("unit").order_by("pk")[:LOOKED_AT]:
        least_most = quotas_of(proposal, person.rank).get(pair.role)
        if person.pk in there or least_most is None:
            continue
        changes = counts[person.pk][pair.role] if person.pk in counts else Counter()
        now = changes[C.KEPT] + changes[C.NEW]
        if now < least_most[1]:
            near = _near(person.region_code, pair.region_code)
            found.append((near[0], now, person.pk, Suggestion(person, near[1], now, least_most[1])))
    return [one for *_, one in sorted(found)[:SUGGESTED]]


def _near(place: str, code: str) -> tuple[int, str]:
    if place == code:
        return 0, "同村"
    return (1, "同乡镇") if place[:9] == code[:9] else (2, "")
