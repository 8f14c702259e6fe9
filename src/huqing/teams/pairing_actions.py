"""Pairings from proposal to ledger: propose, change by hand, take back, accept, publish, discard."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import has_number
from huqing.access.permissions import Refused, require
from huqing.access.scope import code_range, covers, sees
from huqing.matching.pairing import Pair, PairingError, propose
from huqing.registry.models import Household
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams import duty_checks, handing_over
from huqing.teams.ledger_queries import holding
from huqing.teams.models import (
    Avoidance,
    PairEdit,
    PairingProposal,
    ProposedPair,
    Responsibility,
    Staff,
)
from huqing.teams.pairing_question import Asked, ask, refuse_empty

if TYPE_CHECKING:
    from huqing.access.models import User

S, C = PairingProposal.State, ProposedPair.Change
BATCH = 1_000
Wanted = tuple[int, str, int]
# From which state somebody may lead a proposal to which; computing and publishing go on by themselves.
NEXT: dict[str, set[str]] = {
    S.QUEUED: {S.CANCELLED},
    S.RUNNING: {S.CANCELLED},
    S.FAILED: {S.QUEUED, S.DISCARDED},
    S.CANCELLED: {S.QUEUED, S.DISCARDED},
    S.DRAFT: {S.ACCEPTED, S.DISCARDED},
    S.ACCEPTED: {S.DRAFT, S.PUBLISHING, S.DISCARDED},
    S.PUBLISHING: set(),
    S.PUBLISHED: set(),
    S.DISCARDED: set(),
}
PENDING = (S.QUEUED, S.RUNNING, S.PUBLISHING)
MOST_WAITING = 3
Report = Callable[[str, int], None]


@transaction.atomic
def ask_for(
    *,
    title: str,
    question: Mapping[str, Any],
    by: User,
    fixed: Sequence[Wanted] = (),
    banned: Sequence[Wanted] = (),
) -> PairingProposal:
    """Put a question in the queue; it is computed in the background.

    ``question``: ``region``, ``slots`` (role, of, whom), ``kinds`` (of staff), ``unit``, ``quotas`` (rank → [least,
    most] a slot), ``wishes`` (keep, within, balance). ``fixed`` and ``banned`` are (staff, household | person |
    village, its key): pairs that must be, and that must not be this time.
    """
    require(by, "manage_duties")
    if not covers(by.region_code, question["region"]):
        raise Refused("这个地方不在您的管辖范围内。")
    title = clean(title).strip()
    if not title:
        raise ValidationError({"title": "请写方案名称，例如“2024 年结对调整”。"})
    if has_number(title):
        raise ValidationError({"title": "方案名称里不要写证件号码、电话或账号。"})
    both = {tuple(pair) for pair in fixed} & {tuple(pair) for pair in banned}
    if both:
        raise ValidationError({"fixed": f"有 {len(both)} 对既指定结对又要求回避，请取消其中一项。"})
    refuse_empty(question, by=by)
    if PairingProposal.objects.filter(region_code=question["region"], state__in=PENDING).count() >= MOST_WAITING:
        raise ValidationError(f"已有 {MOST_WAITING} 个方案在计算或排队，请等前面的算完。")
    proposal = PairingProposal.objects.create(
        title=title[:100],
        region_code=question["region"],
        question={**question, "fixed": [list(pair) for pair in fixed], "banned": [list(pair) for pair in banned]},
        state=S.QUEUED,
        created_at=timezone.now(),
        created_by=by,
    )
    audit.record(by=by, action="pairing_propose", subject=proposal, detail={"title": title})
    return proposal


def compute(proposal: PairingProposal, *, by: User, report: Report) -> None:
    """Ask the solver and keep its answer as a draft; with obstacles there are no pairs but the reasons why.

    ValidationError and Refused say why it cannot be computed. ``report`` is told what is being done and how far it is;
    what it raises stops the work. Nothing is written before the end.
    """
    require(by, "manage_duties")
    report("读取人员、对象和原有结对", 5)
    asked = ask(proposal.question, by=by)
    report(f"计算 {len(asked.helpers)} 人与 {len(asked.targets)} 个对象的最优结对", 35)
    try:
        found = propose(
            asked.helpers,
            asked.targets,
            asked.wishes,
            existing=asked.existing,
            fixed=_fixed(asked, proposal.question.get("fixed", ())),
            forbidden=asked.forbidden,
            words=asked.words,
        )
    except PairingError as error:
        raise ValidationError(_readable(str(error))) from error
    report("写入方案", 75)
    with transaction.atomic():
        row = PairingProposal.objects.select_for_update().get(pk=proposal.pk)
        if row.state != S.RUNNING:
            report("写入方案", 80)
        row.obstacles = [_readable(text) for text in found.obstacles]
        if not found.obstacles:
            _write(row, asked, found.pairs, found.reasons or {})
        row.counts = {**asked.counts, "pairs": len(found.pairs)}
        row.state, row.progress, row.stage, row.message = S.DRAFT, 100, "", ""
        row.save()
        audit.record(by=by, action="pairing_computed", subject=row, detail={"title": row.title, **row.counts})


def _fixed(asked: Asked, fixed: Sequence[Wanted]) -> list[Pair]:
    needs = {target.key: next(iter(target.needs)) for target in asked.targets}
    pairs = []
    for staff, of, pk in fixed:
        helper = asked.helper_of(staff)
        keys = asked.keys_of(of, pk)
        if helper is None:
            name = Staff.objects.filter(pk=staff).values_list("name", flat=True).first()
            raise ValidationError(
                f"指定结对里的 {name} 不在这次的人员里（类别、职级名额或单位不符）。请改条件或取消指定。"
            )
        if len(keys) != 1:
            told = "不在这次的对象里" if not keys else "里有几个对象，要写明是哪一个人"
            raise ValidationError(f"给 {helper.partition('#')[0]} 指定的对象{told}。请改条件或取消指定。")
        pairs.append(Pair(helper, keys[0], needs[keys[0]]))
    return pairs


def _readable(text: str) -> str:
    """Without the numbers that only tell people of one name apart."""
    return re.sub(r"#\d+", "", text)


def _write(
    proposal: PairingProposal, asked: Asked, pairs: tuple[Pair, ...], reasons: Mapping[Pair, tuple[str, ...]]
) -> None:
    rows: dict[str, list[ProposedPair]] = {target.key: [] for target in asked.targets}
    for pair in pairs:
        line = asked.existing.get(pair)
        row = _row(proposal, asked, pair, C.KEPT if line else C.NEW, asked.staff[pair.helper].pk, line)
        row.reasons = "、".join(reasons.get(pair, ()))[:200]
        rows[pair.target].append(row)
    now = set(pairs)
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    for pair in pairs:
        if pair not in asked.existing:
            names[pair.target, pair.role].append(asked.staff[pair.helper].name)
    ended = [(pair, asked.staff[pair.helper].pk, "", line) for pair, line in asked.existing.items() if pair not in now]
    ended += [(pair, int(pair.helper[1:]), "不在这次的人员里", line) for pair, line in asked.outside.items()]
    for pair, staff, why, line in ended:
        row = _row(proposal, asked, pair, C.ENDED, staff, line)
        instead = names[pair.target, pair.role]
        row.reasons = "，".join(filter(None, (why, f"改由{'、'.join(instead)}负责" if instead else "")))[:200]
        rows[pair.target].append(row)
    # What changes for one target stands together.
    rows_in_order = [row for part in rows.values() for row in part]
    ProposedPair.objects.bulk_create(rows_in_order, batch_size=BATCH)


def _row(
    proposal: PairingProposal, asked: Asked, pair: Pair, change: str, staff: int, line: int | None
) -> ProposedPair:
    goal = asked.goals[pair.target]
    return ProposedPair(
        proposal=proposal,
        change=change,
        staff_id=staff,
        role=pair.role,
        region_code=goal.region_code,
        household_id=goal.household,
        person_id=goal.person,
        village_id=goal.village,
        line_id=line,
    )


@transaction.atomic
def edit_pair(*, pair: ProposedPair, staff: Staff, by: User) -> PairEdit:
    """Put another person into one pair of a draft."""
    proposal = _locked(pair.proposal, by)
    _in(proposal, S.DRAFT, "只有草案可以修改。已同意的先退回草案。")
    pair = ProposedPair.objects.select_for_update(of=("self",)).get(pk=pair.pk)
    if pair.change == C.ENDED:
        raise ValidationError("这一对要解除，不能换人。请在这一户的新结对里换人。")
    if not sees(by, staff) or staff.left_on is not None:
        raise ValidationError({"staff": f"{staff.name} 不在您的管辖范围内或已离任，请换一个人。"})
    if staff.pk == pair.staff_id:
        raise ValidationError({"staff": f"这一对本来就是 {staff.name}。"})
    if pair.household_id and Avoidance.objects.filter(staff=staff, household=pair.household_id).exists():
        raise ValidationError({"staff": f"{staff.name} 与这一户登记了回避，不能结对。"})
    same = {"household": pair.household_id, "person": pair.person_id, "village": pair.village_id, "staff": staff}
    if proposal.pairs.exclude(change=C.ENDED).filter(**same).exists():
        raise ValidationError({"staff": f"{staff.name} 在这个方案里已经与这一户结对。"})
    edit = PairEdit.objects.create(
        proposal=proposal,
        pair=pair,
        before_id=pair.staff_id,
        after=staff,
        kept_before=pair.change == C.KEPT,
        reasons=pair.reasons,
        at=timezone.now(),
        by=by,
    )
    if pair.change == C.KEPT:
        # The old line ends now: it stands as a row of its own until the edit is taken back.
        ProposedPair.objects.create(
            proposal=proposal,
            change=C.ENDED,
            staff_id=pair.staff_id,
            role=pair.role,
            region_code=pair.region_code,
            household_id=pair.household_id,
            person_id=pair.person_id,
            village_id=pair.village_id,
            line_id=pair.line_id,
            reasons="人工换人",
        )
        pair.change, pair.line_id = C.NEW, None
    pair.staff, pair.reasons = staff, "人工指定"
    pair.save()
    detail = {"before": edit.before.name, "after": staff.name}
    audit.record(by=by, action="pairing_edit", subject=proposal, region_code=pair.region_code, detail=detail)
    return edit


@transaction.atomic
def undo_edit(*, proposal: PairingProposal, by: User) -> PairEdit:
    """Take back the newest edit that stands."""
    proposal = _locked(proposal, by)
    _in(proposal, S.DRAFT, "只有草案可以撤销修改。")
    edit = proposal.edits.filter(undone=False).select_related("pair", "before", "after").first()
    if edit is None:
        raise ValidationError("没有可以撤销的修改。")
    pair = edit.pair
    if edit.kept_before:
        ended = proposal.pairs.filter(
            change=C.ENDED, staff=edit.before, role=pair.role, household=pair.household_id,
            person=pair.person_id, village=pair.village_id,
        ).first()  # fmt: skip
        if ended is not None:
            pair.change, pair.line_id = C.KEPT, ended.line_id
            ended.delete()
    pair.staff, pair.reasons = edit.before, edit.reasons
    pair.save()
    edit.undone = True
    edit.save(update_fields=["undone"])
    detail = {"before": edit.after.name, "after": edit.before.name}
    audit.record(by=by, action="pairing_undo", subject=proposal, region_code=pair.region_code, detail=detail)
    return edit


@transaction.atomic
def move(*, proposal: PairingProposal, state: str, by: User) -> PairingProposal:
    """Accept a draft, send it back to draft, discard it, cancel what is being computed or have it computed again."""
    proposal = _locked(proposal, by)
    if state in (S.PUBLISHED, S.PUBLISHING) or state not in NEXT[S(proposal.state)]:
        raise ValidationError(f"方案现在是“{proposal.get_state_display()}”，不能这样办理。请刷新页面。")
    if state == S.ACCEPTED and (proposal.obstacles or not proposal.pairs.exists()):
        raise ValidationError("方案没有结成对，不能同意。请按列出的原因调整条件，重新生成。")
    proposal.state, proposal.message, proposal.stage = state, "", ""
    if state == S.ACCEPTED:
        proposal.accepted_by, proposal.accepted_at = by, timezone.now()
    if state == S.QUEUED:
        proposal.progress = 0
    proposal.save()
    audit.record(by=by, action="pairing_state", subject=proposal, detail={"state": proposal.get_state_display()})
    return proposal


@transaction.atomic
def ask_to_publish(*, proposal: PairingProposal, on: dt.date, by: User) -> PairingProposal:
    """Have an accepted proposal written into the ledger in the background; what can be seen at once is refused here."""
    proposal = _locked(proposal, by)
    _in(proposal, S.ACCEPTED, "先同意方案，再发布。")
    late = proposal.pairs.filter(change=C.ENDED, line__since__gte=on).order_by("-line__since").first()
    if late is not None and late.line is not None:
        raise ValidationError({"on": f"有责任 {late.line.since} 才开始，发布日期要在这之后，请改日期。"})
    proposal.state, proposal.published_on, proposal.progress = S.PUBLISHING, on, 0
    proposal.stage, proposal.message = "", ""
    proposal.save()
    return proposal


@transaction.atomic
def publish(*, proposal: PairingProposal, on: dt.date, by: User) -> PairingProposal:
    """Write an accepted proposal into the ledger: new pairs begin on ``on``, ended ones end the day before.

    Refused when the ledger or the households have changed since the proposal was made: nothing is written then.
    """
    proposal = _locked(proposal, by)
    if proposal.state not in (S.ACCEPTED, S.PUBLISHING):
        raise ValidationError("先同意方案，再发布。")
    pairs = list(proposal.pairs.select_related("staff", "household", "person", "village", "line"))
    _unchanged(proposal, pairs, on)
    ended = [pair.line_id for pair in pairs if pair.change == C.ENDED and pair.line_id is not None]
    fresh = [
        Responsibility(
            staff=pair.staff,
            role=pair.role,
            region_code=pair.region_code,
            village=pair.village,
            household=pair.household,
            person=pair.person,
            since=on,
        )
        for pair in pairs
        if pair.change == C.NEW
    ]
    for start in range(0, len(ended), BATCH):
        Responsibility.objects.filter(pk__in=ended[start : start + BATCH]).update(until=on - dt.timedelta(days=1))
    handing_over.end_stand_ins(ended, on - dt.timedelta(days=1))
    if fresh:
        duty_checks.refuse(fresh)
        Responsibility.objects.bulk_create(fresh, batch_size=BATCH)
    proposal.state, proposal.published_on, proposal.progress = S.PUBLISHED, on, 100
    proposal.stage = proposal.message = ""
    proposal.save()
    detail = {"title": proposal.title, "begins": on, "new": len(fresh), "ended": len(ended)}
    audit.record(by=by, action="pairing_publish", subject=proposal, detail=detail)
    return proposal


def _unchanged(proposal: PairingProposal, pairs: list[ProposedPair], on: dt.date) -> None:
    """ValidationError unless what the proposal was made from still stands: its lines, no others, its households."""
    stale = "台账在方案生成之后变了：{}。请作废这个方案，重新生成。"
    for pair in pairs:
        line = pair.line
        over = line is not None and (line.handover_id is not None or (line.until is not None and line.until < on))
        if line is not None and (over or line.staff_id != pair.staff_id):
            raise ValidationError(stale.format(f"{pair.staff.name} 的一条责任已经结束或交接"))
        if line is not None and pair.change == C.ENDED and line.since >= on:
            raise ValidationError({"on": f"有责任 {line.since} 才开始，发布日期要在这之后，请改日期。"})
        household = pair.household
        if household is not None and household.status != Household.Status.ACTIVE:
            raise ValidationError(stale.format(f"{household.head_name}户已注销"))
        if pair.village is not None and pair.village.valid_to is not None:
            raise ValidationError(stale.format(f"{pair.village.name}已撤并"))
    fresh = [pair for pair in pairs if pair.change == C.NEW]
    apart = set(Avoidance.objects.filter(staff__in={pair.staff_id for pair in fresh}).values_list("staff", "household"))
    met = next((pair for pair in fresh if (pair.staff_id, pair.household_id) in apart), None)
    if met is not None:
        raise ValidationError(stale.format(f"{met.staff.name} 与要结对的一户登记了回避"))
    # Somebody may have been given one of these duties since: the numbers would no longer be as asked for.
    known = {pair.line_id for pair in pairs}
    goals = {(pair.role, duty_checks.goal_of(pair)) for pair in pairs}
    lines = Responsibility.objects.filter(
        code_range(proposal.region_code), role__in={pair.role for pair in pairs}, stands_in_for=None
    )
    for line in holding(lines, on).select_related("staff").order_by("pk").iterator():
        if line.pk not in known and (line.role, duty_checks.goal_of(line)) in goals:
            role = codelist("duty_role").label(line.role)
            raise ValidationError(stale.format(f"{line.staff.name} 从 {line.since} 起另有一条“{role}”责任"))


def _locked(proposal: PairingProposal, by: User) -> PairingProposal:
    require(by, "manage_duties")
    if not sees(by, proposal):
        raise Refused("这个方案不在您的管辖范围内。")
    return PairingProposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)


def _in(proposal: PairingProposal, state: str, otherwise: str) -> None:
    if proposal.state != state:
        raise ValidationError(otherwise)
