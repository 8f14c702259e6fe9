"""What the page of a case shows: where it stands, what may follow, its papers and its steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects

from huqing.access.models import User
from huqing.access.prepared import prepared
from huqing.applications.models import Application
from huqing.cases import needs, queries
from huqing.cases.models import Case, CaseStep, EvaluationCase, Evidence, Objection, PublicPostingLine
from huqing.cases.postings import kind_of
from huqing.cases.procedure import procedure_of
from huqing.office.case_forms import PaperForm, paper_form
from huqing.packs.procedures import Procedure, State
from huqing.packs.procedures.declaration import NEEDS, ROLES
from huqing.plans.removal import TITLES
from huqing.registry.models import Label, Person
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist

# Written down in the meeting of evaluators, not on the case's page.
MEETINGS = ("panel", "ballot")
# Computed papers: confirmed on pages of their own.
CONFIRMED = frozenset({"comparison", "conditions"})
SHORTEST = 2
METHODS = {"secret": "无记名投票", "hands": "举手表决"}


@dataclass(frozen=True)
class Paper:
    """A paper as the page tells it. ``open``: it may still be withdrawn."""

    row: Evidence
    title: str
    lines: list[tuple[str, str]]
    open: bool


@prepared
def _papers(case: int) -> QuerySet[Evidence]:
    return Evidence.objects.filter(case=case).order_by("pk")


@prepared
def _steps(case: int) -> QuerySet[CaseStep]:
    return CaseStep.objects.filter(case=case).order_by("turn")


@prepared
def _meetings(case: int) -> QuerySet[EvaluationCase]:
    return EvaluationCase.objects.filter(case=case).order_by("pk")


@prepared
def _posted(case: int) -> QuerySet[PublicPostingLine]:
    return PublicPostingLine.objects.filter(case=case).order_by("posting_id")


@prepared
def _alerts(case: int) -> QuerySet[Alert]:
    return Alert.objects.filter(cases=case).only("finding").order_by("pk")


@prepared
def _asked(case: int) -> QuerySet[Application]:
    return Application.objects.filter(case=case).only("received_on", "name").order_by("-pk")


@prepared
def _labels(household: int) -> QuerySet[Label]:
    return Label.objects.filter(household=household, valid_to=None, person=None).only("kind").order_by("pk")


@prepared
def _members(household: int) -> QuerySet[Person]:
    rows = Person.objects.filter(household=household).only("name", "relation", "birth_date")
    return rows.order_by("relation", "pk")


def _named(case: Case, papers: list[Evidence], steps: list[CaseStep]) -> None:
    """Put the names of those who did something on what they did: one query for all of them."""
    keys = {case.opened_by_id, *(step.by_id for step in steps)}
    keys |= {key for paper in papers for key in (paper.by_id, paper.withdrawn_by_id)}
    users = User.objects.only("display_name").in_bulk(keys - {None})
    case.opened_by = users.get(case.opened_by_id)
    for step in steps:
        step.by = users.get(step.by_id)
    for paper in papers:
        paper.by = users[paper.by_id]
        paper.withdrawn_by = users.get(paper.withdrawn_by_id)


def papers(case: Case, rows: list[Evidence], names: dict[int, str]) -> list[Paper]:
    """All papers of a case, the latest first; ``names`` are those of the household's members."""
    found = []
    for row in reversed(rows):
        still = row.withdrawn_at is None and row.turn == case.turn and case.closed_on is None
        found.append(Paper(row, NEEDS.get(row.kind, row.kind), lines_of(row, names), still))
    return found


def lines_of(row: Evidence, names: dict[int, str]) -> list[tuple[str, str]]:
    """The content of a paper in words."""
    told = row.content
    lines = []
    if row.kind == "authorisation":
        lines.append(("签字人", names.get(told.get("signed_by"), "已不在本户的成员")))
    if row.kind == "panel":
        record = told["record"]
        lines += [("抽中", "、".join(record["drawn"])), ("现场报出", record["said"]), ("承诺", record["commitment"])]
    if row.kind == "ballot":
        lines += [
            ("方式", METHODS.get(told["method"], told["method"])),
            ("参加表决", f"{told['present']} 人"),
            ("票数", f"同意 {told['agree']}，不同意 {told['against']}，弃权 {told['abstain']}"),
        ]
    if told.get("attended"):
        lines.append(("签到", "、".join(told["attended"])))
    if row.kind == "revisit":
        lines.append(("入户的评议员", "、".join(told["people"])))
    if row.kind == "comparison":
        lines += _compared(told.get("departments", []))
    if row.kind == "conditions":
        lines += [
            (one["title"], f"{TITLES[one['state']]}。{one['text']}" if one["text"] else f"{TITLES[one['state']]}。")
            for one in told.get("conditions", [])
        ]
    if told.get("text"):
        lines.append(("意见" if row.kind in CONFIRMED else "内容", told["text"]))
    return lines


def _compared(departments: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """A frozen comparison in lines: what each department has, and in one line those that do not name the household."""
    lines, silent = [], []
    for one in departments:
        count = len(one["rows"]) + one["more"]
        found = "".join(f"有出入：{text}" for text in one["differences"])
        if one["missing"]:
            lines.append((one["title"], one["missing"]))
        elif count or found:
            lines.append((one["title"], f"{count} 条。{found}"))
        else:
            silent.append(one["title"])
    return [*lines, ("没有这一户的记录", "、".join(silent))] if silent else lines


def wanted_papers(there: Mapping[str, Evidence], steps: list[queries.Next]) -> list[str]:
    """The kinds of papers that a next step needs and nobody has recorded yet; meetings have their own page."""
    kinds = dict.fromkeys(need for step in steps for need in step.move.needs)
    return [kind for kind in kinds if kind not in there and kind not in {*needs.COMPUTED, *MEETINGS, *CONFIRMED}]


def stages(case: Case, made: Procedure, steps: list[CaseStep]) -> list[tuple[str, str]]:
    """The ordinary way of the part the case is in, each state with done, now or ""."""
    state = made.start if made.state(case.state.key).part == "recognition" else made.state(case.state.key)
    if state.part != "recognition" and state.part:
        state = next(one for one in made.states if one.part == state.part)
    been = {made.start.key, *(step.after for step in steps)}
    way: list[State] = []
    while state not in way and (not way or state.part):
        way.append(state)
        moves = made.moves_from(state.key)
        if not moves:
            break
        state = made.state(moves[0].to)
    now = made.state(case.state.key)
    if now not in way and now.part and steps:  # a detour, shown where it began
        before = next((n for n, one in enumerate(way) if one.key == steps[-1].before), len(way) - 1)
        way.insert(before + 1, now)
    if now not in way or len(way) < SHORTEST:
        return []
    return [(one.title, "now" if one == now else "done" if one.key in been else "") for one in way]


def people(case: Case, day: dt.date) -> list[dict[str, Any]]:
    """The members of the household, the head first."""
    relations = codelist("relation_to_head")
    return [
        {
            "pk": one.pk,
            "name": one.name,
            "relation": relations.label(one.relation) if one.relation in relations else "",
            "age": None
            if one.birth_date is None
            else day.year - one.birth_date.year - ((day.month, day.day) < (one.birth_date.month, one.birth_date.day)),
        }
        for one in _members(case.household_id)
    ]


def told_of(case: Case, day: dt.date) -> str:
    """Who is told of a lateness, in words; "" while there is time."""
    if case.press_on >= day:
        return ""
    roles = [ROLES[case.late_role]] if case.late_role else []
    if case.later_role and case.later_on is not None and case.later_on < day:
        roles.append(ROLES[case.later_role])
    told = f"已提醒{'、'.join(roles)}" if roles else ""
    if case.later_role and case.later_on is not None and case.later_on >= day:
        told += f"；{case.later_on:%Y-%m-%d} 以后还不办，再提醒{ROLES[case.later_role]}"
    return told.lstrip("；")


def context(
    case: Case, user: User, day: dt.date, form: PaperForm | None = None, wrong_kind: str = ""
) -> dict[str, Any]:
    """Everything the page needs; ``form`` is one that came back with mistakes."""
    made, members = procedure_of(case.procedure), people(case, day)
    running = case.closed_on is None
    recorded, taken = _papers(case.pk), _steps(case.pk)
    _named(case, recorded, taken)
    there = needs.counting((row for row in recorded if row.withdrawn_at is None), case) if running else {}
    steps = queries.next_steps(case, user, day, there, taken) if running else []
    able = [step for step in steps if not step.barred]
    forms = [
        (kind, form if form is not None and kind == wrong_kind else paper_form(kind, case))
        for kind in wanted_papers(there, able)
    ]
    meetings, posted = _meetings(case.pk), _posted(case.pk)
    if meetings:
        prefetch_related_objects(meetings, "evaluation")
    if posted:
        prefetch_related_objects(posted, "posting")
    meeting = next((line for line in reversed(meetings) if line.turn == case.turn), None)
    main = made.moves_from(case.state.key)[:1]
    evaluating = bool(main) and "panel" in main[0].needs and running and not meeting
    objections = Objection.objects.filter(posting__in=[line.posting_id for line in posted])
    return {
        "case": case,
        "procedure": made,
        "stages": stages(case, made, taken),
        "steps": steps,
        "able": able,
        "main": able[0] if able and steps[0] == able[0] else None,
        "waits_for": steps[0].barred if steps else "",
        "forms": forms,
        "members": members,
        "labels": _labels(case.household_id),
        "papers": papers(case, recorded, {one["pk"]: one["name"] for one in members}),
        "taken": taken,
        "titles": {state.key: state.title for state in made.states},
        "left": queries.left(case.due_on, day),
        "pressing": queries.pressing(case.due_on, day),
        "total_left": queries.left(case.total_due_on, day),
        "total_pressing": queries.pressing(case.total_due_on, day),
        "told_of": told_of(case, day) if running else "",
        "asks": {need for step in able for need in step.move.needs},
        "needs_panel": evaluating,
        "needs_vote_again": evaluating and needs.revisits(case) and "revisit" in there,
        "meeting": meeting.evaluation if meeting else None,
        "meetings": meetings,
        "posted": posted,
        "objections": [one for one in objections.order_by("pk") if one.case_id in (None, case.pk)] if posted else [],
        "needs_posting": running and kind_of(case) is not None and not any(line.turn == case.turn for line in posted),
        "can_emergency": made.state(case.state.key).part == "recognition" and not case.emergency,
        "asked": _asked(case.pk),
        "alerts": _alerts(case.pk),
        "record": case.record,
        "visit": case.submission,
        "day": day,
    }
