"""Double-random inspections: commit, draw before witnesses, note what was found, put it right, check again, close."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees, visible
from huqing.access.seal import seal, unseal
from huqing.matching.draws import (
    Candidate,
    DrawError,
    Question,
    commitment,
    draw,
    new_seed,
    question_of,
    record,
)
from huqing.registry.models import Region
from huqing.standards.text import clean
from huqing.teams.events import finding_added, finding_stepped
from huqing.teams.ledger_queries import holding, today
from huqing.teams.models import (
    FindingStep,
    InspectionDuty,
    InspectionFinding,
    InspectionRound,
    InspectionTarget,
    Responsibility,
    Staff,
)

if TYPE_CHECKING:
    from huqing.access.models import User

TOWN_DIGITS = 9
TRIAL = "试抽"
S, F = InspectionRound.State, InspectionFinding.State
# Who may bring a finding from one state into which: the village or town puts right, the county looks again.
STEPS: dict[tuple[str, str], str] = {
    (F.OPEN, F.DONE): "fix_findings",
    (F.DONE, F.CLOSED): "manage_inspections",
    (F.DONE, F.OPEN): "manage_inspections",
}


@transaction.atomic
def commit(
    *,
    title: str,
    villages: Iterable[Region],
    inspectors: Iterable[Staff],
    per_town: int = 0,
    total: int = 0,
    each: int,
    most: int,
    rounds_apart: int,
    by: User,
) -> InspectionRound:
    """Fix the question of a round, and publish its commitment before anything is drawn.

    ``per_town`` villages of every town (all, where a town has fewer), or ``total`` of all together; ``each`` inspectors
    to a village, nobody to more than ``most``, nobody again where they were in the last ``rounds_apart`` rounds, nobody
    in their own town or where their own unit helps. ValidationError says why it cannot be drawn.
    """
    require(by, "manage_inspections")
    title = clean(title).strip()
    if not title:
        raise ValidationError({"title": "请写名称，例如“2024 年第三轮夜查”。"})
    places = _unique(visible(Region.objects.filter(pk__in=[one.pk for one in villages]), by).select_related("parent"))
    people = _named(visible(Staff.objects.filter(pk__in=[one.pk for one in inspectors]), by).select_related("unit"))
    question = Question(
        title=title,
        candidates=_candidates(places, stratified=bool(per_town)),
        count=_count(places, per_town, total),
        inspectors=tuple(
            Candidate(name, avoids=frozenset({f"乡镇{one.region_code[:TOWN_DIGITS]}", f"单位{one.unit_id}"}))
            for name, one in people.items()
        ),
        each=each,
        most=most,
        met=_met(people, places, rounds_apart, by),
    )
    seed = new_seed()
    try:
        # Who cannot be drawn must show before the commitment is published; what this draws is thrown away.
        draw(question, new_seed(), TRIAL)
        made = commitment(seed, question)
    except DrawError as error:
        raise ValidationError(str(error)) from error
    round_ = InspectionRound.objects.create(
        title=title,
        region_code=by.region_code,
        question=json.loads(question.canonical()),
        people={name: one.pk for name, one in people.items()},
        villages={name: one.code for name, one in places.items()},
        seed_sealed=seal(seed),
        commitment=made,
        created_at=timezone.now(),
        created_by=by,
    )
    detail = {"title": title, "villages": len(places), "inspectors": len(people), "commitment": made}
    audit.record(by=by, action="inspection_commit", subject=round_, detail=detail)
    return round_


@transaction.atomic
def draw_round(*, round_: InspectionRound, said: str, witnesses: str, by: User) -> InspectionRound:
    """Draw with the words of the witnesses; the record and the duties are written together."""
    round_ = _locked(round_, by)
    if round_.state != S.COMMITTED:
        raise ValidationError(f"这一轮{round_.get_state_display()}，不能再抽。一次承诺只抽一次。")
    witnesses = hide_numbers(clean(witnesses).strip())[:100]
    if not witnesses:
        raise ValidationError({"witnesses": "请写在场监督人的姓名。"})
    try:
        told = record(question_of(round_.question), unseal(bytes(round_.seed_sealed)), said.strip())
    except DrawError as error:
        raise ValidationError({"said": str(error)}) from error
    if told["commitment"] != round_.commitment:
        raise ValidationError("名单或种子与公布的承诺不符，数据被改动过。请停止抽取并核查审计日志。")
    villages = {one.code: one for one in Region.objects.filter(code__in=round_.villages.values(), valid_to=None)}
    for name in told["drawn"]:
        village = villages.get(round_.villages[name])
        if village is None:
            raise ValidationError(f"{name} 的区划已变更，请取消这一轮，重新公布。")
        target = InspectionTarget.objects.create(round=round_, village=village, region_code=village.code)
        InspectionDuty.objects.bulk_create(
            InspectionDuty(target=target, staff_id=round_.people[person]) for person in told["inspectors"].get(name, ())
        )
    round_.record, round_.witnesses, round_.state = told, witnesses, S.DRAWN
    round_.drawn_at, round_.drawn_by = timezone.now(), by
    round_.save()
    detail = {"title": round_.title, "drawn": told["drawn"], "witnesses": witnesses}
    audit.record(by=by, action="inspection_draw", subject=round_, detail=detail)
    return round_


@transaction.atomic
def cancel(*, round_: InspectionRound, reason: str, by: User) -> InspectionRound:
    """Give a round up before it is drawn; the commitment stays on record, so that nobody draws until they like it."""
    round_ = _locked(round_, by)
    if round_.state != S.COMMITTED:
        raise ValidationError("只有还没有抽取的一轮可以取消。")
    reason = hide_numbers(clean(reason).strip())
    if not reason:
        raise ValidationError({"reason": "请写取消的原因。"})
    round_.state = S.CANCELLED
    round_.save(update_fields=["state"])
    audit.record(by=by, action="inspection_cancel", subject=round_, detail={"title": round_.title, "reason": reason})
    return round_


@transaction.atomic
def add_finding(
    *, target: InspectionTarget, text: str, responsible: str, found_on: dt.date, due_on: dt.date, by: User
) -> InspectionFinding:
    """Note what was found in a drawn village and by when it is to be put right."""
    require(by, "manage_inspections")
    if not sees(by, target):
        raise Refused("这个村不在您的管辖范围内。")
    text, responsible = hide_numbers(clean(text).strip()), hide_numbers(clean(responsible).strip())
    if found_on > today():
        raise ValidationError({"found_on": "发现日期还没有到，请改正。"})
    finding = InspectionFinding(
        target=target,
        region_code=target.region_code,
        text=text,
        responsible=responsible,
        found_on=found_on,
        due_on=due_on,
        found_by=by,
    )
    finding.full_clean()
    finding.save()
    if target.inspected_on is None or target.inspected_on < found_on:
        target.inspected_on = found_on
        target.save(update_fields=["inspected_on"])
    audit.record(by=by, action="finding_add", subject=finding, detail={"due": due_on, "responsible": responsible})
    finding_added.send(InspectionFinding, finding=finding)
    return finding


@transaction.atomic
def step(*, finding: InspectionFinding, state: str, text: str, by: User) -> InspectionFinding:
    """Put right, close after the re-check, or send back; each with words. Who put it right does not close it."""
    finding = InspectionFinding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
    permission = STEPS.get((finding.state, state))
    if permission is None:
        raise ValidationError(f"这个问题现在是“{finding.get_state_display()}”，不能这样办理。")
    require(by, permission)
    if not sees(by, finding):
        raise Refused("这个问题不在您的管辖范围内。")
    text = hide_numbers(clean(text).strip())[:300]
    if not text:
        raise ValidationError({"text": "请写明做了什么，或复查看到了什么。"})
    last = finding.steps.last()
    if state == F.CLOSED and last is not None and last.by_id == by.pk:
        raise Refused("整改是您登记的，请另一个人复查销号。")
    finding.state = state
    finding.save(update_fields=["state"])
    taken = FindingStep.objects.create(finding=finding, state=state, text=text, on=today(), by=by)
    audit.record(by=by, action="finding_step", subject=finding, detail={"state": finding.get_state_display()})
    finding_stepped.send(InspectionFinding, finding=finding, step=taken)
    return finding


def record_file(round_: InspectionRound) -> bytes:
    """The record as the file that ``huqing draw verify`` reads."""
    return json.dumps(round_.record, ensure_ascii=False, indent=1).encode()


def _unique(villages: Iterable[Region]) -> dict[str, Region]:
    found = {}
    for village in villages:
        town = village.parent.name if village.parent else ""
        name = f"{town} {village.name}".strip()
        found[name if name not in found else f"{name} {village.code}"] = village
    return found


def _named(people: Iterable[Staff]) -> dict[str, Staff]:
    """Names as the county writes them: with the unit, and a number where that is not enough."""
    listed = [(f"{one.name}（{one.unit.name}）" if one.unit else one.name, one) for one in people]
    often = Counter(name for name, _ in listed)
    return {name if often[name] == 1 else f"{name}{one.number or one.pk}": one for name, one in listed}


def _candidates(places: dict[str, Region], *, stratified: bool) -> tuple[Candidate, ...]:
    """The villages with the marks of their town and of the units whose people work there."""
    lines = holding(Responsibility.objects.filter(region_code__in=[one.code for one in places.values()]), today())
    marks: dict[str, set[str]] = {}
    for code, unit in lines.exclude(staff__unit=None).values_list("region_code", "staff__unit").distinct():
        marks.setdefault(code, set()).add(f"单位{unit}")
    return tuple(
        Candidate(
            name,
            stratum=_town(village) if stratified else "",
            marks=frozenset({f"乡镇{village.code[:TOWN_DIGITS]}", *marks.get(village.code, ())}),
        )
        for name, village in places.items()
    )


def _town(village: Region) -> str:
    return village.parent.name if village.parent else village.code[:TOWN_DIGITS]


def _count(places: dict[str, Region], per_town: int, total: int) -> dict[str, int]:
    if not per_town:
        return {"": total}
    sizes = Counter(_town(village) for village in places.values())
    return {town: min(per_town, size) for town, size in sizes.items()}


def _met(people: dict[str, Staff], places: dict[str, Region], rounds: int, by: User) -> frozenset[tuple[str, str]]:
    """Who was where in the last rounds, in the names of this one."""
    if not rounds:
        return frozenset()
    last: Sequence[Any] = list(
        visible(InspectionRound.objects.filter(state=S.DRAWN), by).order_by("-pk").values_list("pk", flat=True)[:rounds]
    )
    names = {one.pk: name for name, one in people.items()}
    codes = {one.code: name for name, one in places.items()}
    pairs = InspectionDuty.objects.filter(target__round__in=last).values_list("staff", "target__region_code")
    return frozenset((names[staff], codes[code]) for staff, code in pairs if staff in names and code in codes)


def _locked(round_: InspectionRound, by: User) -> InspectionRound:
    require(by, "manage_inspections")
    if not sees(by, round_):
        raise Refused("这一轮抽查不在您的管辖范围内。")
    return InspectionRound.objects.select_for_update(of=("self",)).get(pk=round_.pk)
