"""Reviews of social aid: who is due, decisions one by one or in batches, a second person for leaving, undoing.

Labels of monitoring (防止返贫致贫对象) are not reviewed here: they end by the removal procedure of casework.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Max, Q
from django.db.models.functions import Substr
from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers, visible
from huqing.intake.labels import OF_AID
from huqing.registry.actions import RegistryError, end_label, set_label
from huqing.registry.file_actions import manual_source, write_entry
from huqing.registry.models import Label
from huqing.rosters import spells
from huqing.rosters.models import ReviewLine, ReviewRound
from huqing.rosters.proposing import proposals, settings_of
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text
from huqing.standards.periods import shift
from huqing.standards.text import clean

if TYPE_CHECKING:
    from huqing.access.models import User

KINDS = tuple(OF_AID.values())
AT_ONCE = 2_000
MOST_AT_ONCE = 2_000
S, X = ReviewLine.State, ReviewLine.Outcome
BY_TWO = (X.LEAVE, X.RESTORE)


def start(*, kind: str, title: str, due_by: dt.date | None, by: User) -> ReviewRound:
    """Begin a review of a label's holders in the county: those due by a day, or everybody (None)."""
    require(by, "manage_reviews")
    if kind not in KINDS:
        raise ValidationError({"kind": "请选低保、特困等社会救助标签；监测对象按风险消除程序办理。"})
    title = hide_numbers(clean(title).strip())[:100]
    if not title:
        raise ValidationError({"title": "请写名称，例如“2026 年下半年低保复核”。"})
    day = today()
    with transaction.atomic():
        round_ = ReviewRound.objects.create(
            title=title,
            region_code=by.region_code,
            kind=kind,
            as_of=day,
            due_by=due_by,
            created_at=timezone.now(),
            created_by=by,
        )
        proposed: Counter[str] = Counter()
        for lines in _lines(round_, due_by, day):
            ReviewLine.objects.bulk_create(lines, batch_size=AT_ONCE)
            proposed.update(line.proposal for line in lines)
        if not proposed:
            raise ValidationError("没有到期应复核的对象。要全部复核的，不写到期日期。")
        detail = {"title": title, "label": kind, "lines": sum(proposed.values()), **proposed}
        audit.record(by=by, action="review_start", subject=round_, detail=detail)
    return round_


def _lines(round_: ReviewRound, due_by: dt.date | None, day: dt.date) -> Iterable[list[ReviewLine]]:
    """The lines of everybody who is due and not in another open review, in parts."""
    settings = settings_of(round_.kind, round_.region_code, day)
    waiting = ReviewLine.objects.filter(state__in=[S.OPEN, S.WAITING], label__isnull=False).values("label")
    held = spells.on_list(round_.kind, day, user=None, region=round_.region_code).exclude(pk__in=waiting)
    reviewed = held.annotate(
        reviewed=Max("review_lines__effective_on", filter=Q(review_lines__state=S.DONE))
    ).select_related("household", "person")
    part: list[Any] = []
    for label in reviewed.order_by("pk").iterator(AT_ONCE):
        part.append(label)
        if len(part) == AT_ONCE:
            yield _part(round_, part, settings, due_by, day)
            part = []
    yield _part(round_, part, settings, due_by, day)


def _part(
    round_: ReviewRound, labels: list[Any], settings: Any, due_by: dt.date | None, day: dt.date
) -> list[ReviewLine]:
    told = proposals(labels, settings=settings, day=day) if labels else {}
    made = []
    for label in labels:
        proposal, last = told[label.pk], label.reviewed or label.valid_from
        due = shift(last, months=settings.months[proposal.category])
        if due_by is not None and due > due_by and proposal.outcome != X.LEAVE:
            continue
        made.append(
            ReviewLine(
                round=round_,
                label=label,
                household=label.household,
                person=label.person,
                region_code=label.household.region_code,
                category=proposal.category,
                last_on=last,
                due_on=due,
                proposal=proposal.outcome,
                reasons=proposal.reasons,
                amount=proposal.amount,
            )
        )
    return made


def lines_of(round_: ReviewRound, user: User) -> Any:
    """The lines of a review that an account sees."""
    return visible(round_.lines.all(), user)


@transaction.atomic
def decide(
    *,
    lines: Iterable[int],
    decision: str,
    effective_on: dt.date,
    reason: str,
    by: User,
    amount_new: int | None = None,
) -> int:
    """Decide open lines of one review alike; leaving waits for a second person. Returns how many were decided.

    ``effective_on`` is the day of the review, for leaving the last day on the list. All or none: ValidationError says
    what is in the way.
    """
    require(by, "decide_reviews")
    if decision not in (X.CONTINUE, X.AMOUNT, X.LEAVE):
        raise ValidationError({"decision": "请选继续保留、调整金额或退出。"})
    reason = _reason(reason, needed=decision != X.CONTINUE)
    if decision == X.AMOUNT and not amount_new:
        raise ValidationError({"amount_new": "请写新的月保障金，例如 420。"})
    found = _locked(lines, S.OPEN, by)
    if decision == X.AMOUNT and len(found) > 1:
        raise ValidationError("调整金额请一个一个办理。")
    for line in found:
        if effective_on > today() or effective_on < line.label.valid_from:
            who = line.person or line.household
            raise ValidationError({"effective_on": f"日期应在{who}的起始日期（{line.label.valid_from}）和今天之间。"})
        line.decision, line.effective_on, line.reason = decision, effective_on, reason
        line.amount_new = amount_new if decision == X.AMOUNT else None
        line.decided_at, line.decided_by = timezone.now(), by
        line.state = S.WAITING if decision in BY_TWO else S.DONE
        if decision == X.AMOUNT:
            _note_amount(line, by)
    _save(found)
    detail = {"round": found[0].round_id, "decision": decision, "lines": len(found)}
    audit.record(by=by, action="review_decide", subject=found[0].round, region_code=by.region_code, detail=detail)
    return len(found)


@transaction.atomic
def confirm(*, lines: Iterable[int], by: User) -> int:
    """A second person lets decisions to leave (or to restore) take effect; the labels change with their dates."""
    require(by, "confirm_reviews")
    found = _locked(lines, S.WAITING, by)
    if any(line.decided_by_id == by.pk for line in found):
        raise Refused("有您自己作出的决定，请另一个人确认。")
    for line in found:
        title = f"定期复核：{line.round.title}"
        assert line.effective_on is not None  # noqa: S101  decided lines have a day
        try:
            if line.decision == X.LEAVE:
                end_label(label=line.label, on=line.effective_on, by=by, reason=title)
            else:
                line.label = set_label(
                    household=line.household,
                    person=line.person,
                    kind=line.round.kind,
                    valid_from=line.effective_on,
                    by=by,
                    reason=title,
                )
        except (RegistryError, ValidationError) as error:
            told = "；".join(error.messages) if isinstance(error, ValidationError) else str(error)
            raise ValidationError(f"{line.person or line.household}：{told}") from error
        line.state, line.second_by, line.second_at = S.DONE, by, timezone.now()
    _save(found)
    detail = {"round": found[0].round_id, "lines": len(found)}
    audit.record(by=by, action="review_confirm", subject=found[0].round, region_code=by.region_code, detail=detail)
    return len(found)


@transaction.atomic
def send_back(*, lines: Iterable[int], reason: str, by: User) -> int:
    """The second person does not agree: the lines are open again; a restoring line is given up with its reason."""
    require(by, "confirm_reviews")
    reason = _reason(reason, needed=True)
    found = _locked(lines, S.WAITING, by)
    if any(line.decided_by_id == by.pk for line in found):
        raise Refused("有您自己作出的决定，请另一个人退回。")
    for line in found:
        if line.decision == X.RESTORE:
            line.delete()
            continue
        line.state, line.decision, line.effective_on = S.OPEN, "", None
        line.reason, line.decided_by, line.decided_at = f"退回：{reason}"[:300], None, None
        line.save()
    detail = {"round": found[0].round_id, "lines": len(found), "reason": reason}
    audit.record(by=by, action="review_return", subject=found[0].round, region_code=by.region_code, detail=detail)
    return len(found)


@transaction.atomic
def restore(*, line: ReviewLine, effective_on: dt.date, reason: str, by: User) -> ReviewLine:
    """Undo a wrong leaving by a new decision: the label begins again on a day, once a second person confirmed it."""
    require(by, "decide_reviews")
    (line,) = _locked([line.pk], S.DONE, by)
    if line.decision != X.LEAVE:
        raise ValidationError("只有“退出”的决定可以用恢复来更正；其他决定请在下一次复核中改。")
    if ReviewLine.objects.filter(replaces=line).exists():
        raise ValidationError("这个决定已经更正过。")
    assert line.effective_on is not None  # noqa: S101  decided lines have a day
    if not line.effective_on < effective_on <= today():
        raise ValidationError({"effective_on": f"恢复日期应晚于退出日期（{line.effective_on}），不晚于今天。"})
    made = ReviewLine.objects.create(
        round=line.round,
        label=line.label,
        household=line.household,
        person=line.person,
        region_code=line.household.region_code,
        category=line.category,
        last_on=line.effective_on,
        proposal=X.RESTORE,
        reasons=[f"更正 {line.effective_on} 的退出决定。"],
        amount=line.amount,
        state=S.WAITING,
        decision=X.RESTORE,
        effective_on=effective_on,
        reason=_reason(reason, needed=True),
        decided_at=timezone.now(),
        decided_by=by,
        replaces=line,
    )
    audit.record(by=by, action="review_restore", subject=made, detail={"replaces": line.pk})
    return made


def propose_leaving(*, label: Label, reason: str, by: User) -> ReviewLine:
    """Let somebody leave whom a comparison of rosters showed to have left: decided here, confirmed by a second person.

    The line stands in a review of its own for such cases, one for each month and label.
    """
    require(by, "decide_reviews")
    if ReviewLine.objects.filter(label=label, state__in=[S.OPEN, S.WAITING]).exists():
        raise ValidationError("这个对象正在定期复核中，请在那里决定退出。")
    day = today()
    title = f"名册比对转来（{day:%Y年%m月}{codelist('label_kind').label(label.kind)}）"
    county = label.household.region_code[:6]
    round_, _ = ReviewRound.objects.get_or_create(
        title=title,
        region_code=county,
        kind=label.kind,
        state=ReviewRound.State.OPEN,
        defaults={"as_of": day, "created_at": timezone.now(), "created_by": by},
    )
    settings = settings_of(label.kind, county, day)
    proposal = proposals([label], settings=settings, day=day)[label.pk]
    ReviewLine.objects.filter(round=round_, label=label).update(label=None)
    line = ReviewLine.objects.create(
        round=round_,
        label=label,
        household=label.household,
        person=label.person,
        region_code=label.household.region_code,
        category=proposal.category,
        last_on=label.valid_from,
        proposal=proposal.outcome,
        reasons=proposal.reasons,
        amount=proposal.amount,
    )
    decide(lines=[line.pk], decision=X.LEAVE, effective_on=max(day, label.valid_from), reason=reason, by=by)
    return line


@transaction.atomic
def close(*, round_: ReviewRound, by: User) -> ReviewRound:
    """End a review whose lines are all decided."""
    require(by, "manage_reviews")
    if not covers(by.region_code, round_.region_code):
        raise Refused("这次复核不在您的管辖范围内。")
    round_ = ReviewRound.objects.select_for_update(of=("self",)).get(pk=round_.pk)
    waiting = round_.lines.exclude(state=S.DONE).exclude(label=None).count()
    if round_.state == ReviewRound.State.CLOSED or waiting:
        raise ValidationError(f"还有 {waiting} 个对象没有办完。" if waiting else "这次复核已经结束。")
    round_.state, round_.closed_at, round_.closed_by = ReviewRound.State.CLOSED, timezone.now(), by
    round_.save(update_fields=["state", "closed_at", "closed_by"])
    audit.record(by=by, action="review_close", subject=round_, detail={"title": round_.title})
    return round_


def progress(round_: ReviewRound, user: User, digits: int) -> list[dict[str, Any]]:
    """By place: how many lines, decided, waiting for the second person, and how many leave."""
    rows = lines_of(round_, user).order_by().values(place=Substr("region_code", 1, digits))
    return list(
        rows.annotate(
            lines=Count("pk"),
            open=Count("pk", filter=Q(state=S.OPEN)),
            waiting=Count("pk", filter=Q(state=S.WAITING)),
            done=Count("pk", filter=Q(state=S.DONE)),
            leaving=Count("pk", filter=Q(decision=X.LEAVE)),
        ).order_by("place")
    )


def _locked(lines: Iterable[int], state: str, by: User) -> list[ReviewLine]:
    """The lines in this state that the person sees, locked; ValidationError if some are not there any more."""
    wanted = set(lines)
    if not wanted:
        raise ValidationError("请先勾选对象。")
    if len(wanted) > MOST_AT_ONCE:
        raise ValidationError(f"一次最多办理 {MOST_AT_ONCE:,} 个，请分批。")
    rows = visible(ReviewLine.objects.filter(pk__in=wanted, state=state), by).values("pk")
    found = list(
        ReviewLine.objects.select_for_update(of=("self",))
        .select_related("round", "label__household", "household", "person")
        .filter(pk__in=rows)
        .order_by("pk")
    )
    # PostgreSQL, having waited for somebody's decision, hands out the line as it is now without asking its state again.
    found = [line for line in found if line.state == state]
    if len(found) != len(wanted):
        raise ValidationError(
            f"所选 {len(wanted)} 个里有 {len(wanted) - len(found)} 个已由别人办理或不在您的辖区，请刷新页面。"
        )
    if len({line.round_id for line in found}) > 1:
        raise ValidationError("请一次只办理同一次复核的对象。")
    if state == S.OPEN and any(line.label is None for line in found):
        raise ValidationError("有对象的标签已随导入撤销，不用再复核，请县级经办核对。")
    return found


def _note_amount(line: ReviewLine, by: User) -> None:
    """The new amount stands in the household's history with its day; the allowance itself is the department's."""
    assert line.effective_on is not None and line.amount_new is not None  # noqa: S101, PT018
    reason = f"定期复核：{line.round.title}"
    source = manual_source(by=by, on=line.effective_on, reason=reason, region_code=line.region_code)
    name = f"{codelist('label_kind').label(line.round.kind)}月保障金"
    old = f"{yuan_text(line.amount)} 元" if line.amount is not None else None
    changes: dict[str, list[Any]] = {name: [old, f"{yuan_text(line.amount_new)} 元"]}
    write_entry(line.household, changes, source=source, on=line.effective_on, person=line.person)


def _save(lines: list[ReviewLine]) -> None:
    names = (
        "decision", "effective_on", "reason", "amount_new", "decided_at", "decided_by", "state", "second_at",
        "second_by", "label",
    )  # fmt: skip
    ReviewLine.objects.bulk_update(lines, names, batch_size=500)


def _reason(text: str, *, needed: bool) -> str:
    told = hide_numbers(clean(text).strip())[:300]
    if needed and not told:
        raise ValidationError({"reason": "请写明理由。"})
    return told


def holders(kind: str, region: str) -> int:
    """How many labels of a kind hold today."""
    return Label.objects.filter(spells.holding_on(today()), kind=kind).in_region(region).count()
