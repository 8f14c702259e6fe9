"""Why somebody came onto a list or left it, read from what the file already says; never asked."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from huqing.cases.models import CaseStep
from huqing.intake.models import PriorState
from huqing.registry.models import Entry, Household, Label, Membership, Source
from huqing.standards.codelists import codelist

# What a line of the list can rest on; the first that fits is told.
REASONS = {
    "review": "定期复核",
    "recheck": "回头看更正",
    "compare": "名册比对更正",
    "death": "死亡",
    "move": "迁出或转出",
    "cancelled": "整户注销",
    "case": "办理事项",
    "import": "数据导入",
    "visit": "走访",
    "manual": "页面登记",
    "undo": "撤销导入",
    "removed": "标签已删除",
    "unknown": "没有记录",
}
# How the titles of our own sources begin (after “页面修改：”).
MARKS = {"review": "定期复核", "recheck": "回头看", "compare": "名册比对"}
DEATH = "01"
# A case's decision and the label that follows it are this many days apart at most.
NEAR = 31
# The states of every shipped procedure in which a case stays after a decision.
DECIDED = ("tracking", "cleared", "ended")
_OF_SOURCE = {
    Source.Kind.ROSTER: "import",
    Source.Kind.DEPARTMENT: "import",
    Source.Kind.VISIT: "visit",
    Source.Kind.MANUAL: "manual",
    Source.Kind.UNDO: "undo",
}


@dataclass(frozen=True)
class Why:
    """One reason: its code (``REASONS``) and what it rests on."""

    code: str
    detail: str

    @property
    def title(self) -> str:
        """The reason's name."""
        return REASONS[self.code]


def why_entered(labels: Sequence[Label]) -> dict[int, Why]:
    """For each label why it began; a handful of queries, whatever their number."""
    sources = Source.objects.in_bulk({label.source_id for label in labels if label.source_id})
    steps = _steps(labels)
    return {
        label.pk: _of(sources.get(label.source_id or 0), _near(steps[label.household_id], label.valid_from))
        for label in labels
    }


def why_left(labels: Sequence[Label]) -> dict[int, Why]:
    """For each label why it ended; the household and person of each must be loaded."""
    ended = _ended_by(labels)
    sources = Source.objects.in_bulk(set(ended.values()) | {label.source_id for label in labels if label.source_id})
    steps, gone = _steps(labels), _gone(labels)
    told = {}
    for label in labels:
        assert label.valid_to is not None  # noqa: S101  only ended labels are asked about
        source = sources.get(ended.get(label.pk, label.source_id or 0))
        made = _of(source, _near(steps[label.household_id], label.valid_to))
        fate = _fate(label, gone)
        told[label.pk] = made if made.code in MARKS or fate is None else fate
    return told


def fates(labels: Sequence[Label]) -> dict[int, Why]:
    """Those of the labels whose person has died or left, or whose household is cancelled."""
    gone = _gone(labels)
    return {label.pk: fate for label in labels if (fate := _fate(label, gone)) is not None}


def _of(source: Source | None, step: CaseStep | None) -> Why:
    if source is None:
        return Why("case", _told(step)) if step else Why("unknown", "")
    title = source.title.removeprefix("页面修改：")
    own = next((code for code, mark in MARKS.items() if title.startswith(mark)), "")
    code = own or _OF_SOURCE.get(source.kind, "unknown")
    if code == "manual" and step is not None:
        return Why("case", _told(step))
    return Why(code, f"{title}（{source.on}）"[:300])


def _told(step: CaseStep) -> str:
    return f"{step.case.number} {step.title}（{step.on}）"


def _steps(labels: Iterable[Label]) -> dict[int, list[CaseStep]]:
    """The decisions of these households' cases: what a case is in for long, or ended with."""
    found: dict[int, list[CaseStep]] = defaultdict(list)
    homes = {label.household_id for label in labels}
    rows = CaseStep.objects.filter(case__household__in=homes, after__in=DECIDED).select_related("case")
    for step in rows.only("title", "on", "case__number", "case__household").order_by("pk"):
        found[step.case.household_id].append(step)
    return found


def _near(steps: list[CaseStep], day: dt.date) -> CaseStep | None:
    close = [step for step in steps if abs((step.on - day).days) <= NEAR]
    return min(close, key=lambda step: (abs((step.on - day).days), step.pk), default=None)


def _ended_by(labels: Sequence[Label]) -> dict[int, int]:
    """Which source ended each label: the entry that says so, or the import that changed the label."""
    names = {label.pk: f"标签：{codelist('label_kind').label(label.kind)}" for label in labels}
    entries: dict[tuple[int, int | None, dt.date], list[tuple[dict[str, object], int]]] = defaultdict(list)
    rows = Entry.objects.filter(
        household__in={label.household_id for label in labels}, on__in={label.valid_to for label in labels}
    )
    for household, person, on, changes, source in rows.values_list(
        "household_id", "person_id", "on", "changes", "source_id"
    ).order_by("pk"):
        entries[household, person, on].append((changes, source))
    found: dict[int, int] = {}
    prior = PriorState.objects.filter(table="label", row_id__in=[label.pk for label in labels])
    found.update(prior.order_by("pk").values_list("row_id", "intake__source"))
    for label in labels:
        key = (label.household_id, label.person_id, label.valid_to)
        for changes, source in entries.get(key, ()):  # type: ignore[arg-type]
            if names[label.pk] in changes:
                found[label.pk] = source
    return found


def _gone(labels: Iterable[Label]) -> dict[int, Membership]:
    """The last membership of people who are in no household any more."""
    people = {label.person_id for label in labels if label.person_id}
    rows = Membership.objects.filter(person__in=people, person__household=None).exclude(left_on=None)
    return {row.person_id: row for row in rows.order_by("left_on", "pk")}


def _fate(label: Label, gone: dict[int, Membership]) -> Why | None:
    if label.person is not None:
        died = label.person.items.get("died_on")
        last = gone.get(label.person.pk)
        if label.person.items.get("alive") is False or died or (last and last.leave_reason == DEATH):
            on = died or (last.left_on if last else None)
            return Why("death", f"{on}去世" if on else "档案登记已去世")
        if last is not None:
            return Why("move", f"{codelist('member_change').label(last.leave_reason)}（{last.left_on}）")
        if label.person.items.get("registered_away") is True:
            return Why("move", "档案登记户口已迁出")
    if label.household.status != Household.Status.ACTIVE:
        return Why("cancelled", "所在户已注销")
    return None
