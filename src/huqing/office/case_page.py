"""What the page of a case shows: where it stands, what may follow, its papers and its steps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from huqing.cases import needs, queries
from huqing.cases.models import Case, Evidence
from huqing.cases.postings import is_posting_step
from huqing.cases.procedure import procedure_of
from huqing.office.case_forms import PaperForm, paper_form
from huqing.packs.procedures.declaration import NEEDS
from huqing.plans.removal import TITLES

if TYPE_CHECKING:
    from huqing.access.models import User

# Written down in the meeting of evaluators, not on the case's page.
MEETINGS = ("panel", "ballot")
# Computed papers: confirmed on pages of their own.
CONFIRMED = frozenset({"comparison", "conditions"})
METHODS = {"secret": "无记名投票", "hands": "举手表决"}


@dataclass(frozen=True)
class Paper:
    """A paper as the page tells it. ``open``: it may still be withdrawn."""

    row: Evidence
    title: str
    lines: list[tuple[str, str]]
    open: bool


def papers(case: Case) -> list[Paper]:
    """All papers of a case, the latest first."""
    names = dict(case.household.members.values_list("pk", "name"))
    found = []
    for row in case.evidence.select_related("by", "withdrawn_by").order_by("-pk"):
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
        lines += [(one["title"], _compared(one)) for one in told.get("departments", [])]
    if row.kind == "conditions":
        lines += [
            (one["title"], f"{TITLES[one['state']]}。{one['text']}" if one["text"] else f"{TITLES[one['state']]}。")
            for one in told.get("conditions", [])
        ]
    if told.get("text"):
        lines.append(("意见" if row.kind in CONFIRMED else "内容", told["text"]))
    return lines


def _compared(one: dict[str, Any]) -> str:
    """One department of a frozen comparison in a line."""
    if one["missing"]:
        return str(one["missing"])
    count = len(one["rows"]) + one["more"]
    found = "".join(f"有出入：{text}" for text in one["differences"])
    return f"{count} 条。{found}" if count else f"没有这一户的记录。{found}"


def wanted_papers(case: Case, steps: list[queries.Next]) -> list[str]:
    """The kinds of papers that a next step needs and nobody has recorded yet; meetings have their own page."""
    there = needs.present(case)
    kinds = dict.fromkeys(need for step in steps for need in step.move.needs)
    return [kind for kind in kinds if kind not in there and kind not in {*needs.COMPUTED, *MEETINGS, *CONFIRMED}]


def context(
    case: Case, user: User, day: dt.date, form: PaperForm | None = None, wrong_kind: str = ""
) -> dict[str, Any]:
    """Everything the page needs; ``form`` is one that came back with mistakes."""
    made = procedure_of(case.procedure)
    steps = queries.next_steps(case, user, day) if case.closed_on is None else []
    able = [step for step in steps if not step.barred]
    forms = [
        (kind, form if form is not None and kind == wrong_kind else paper_form(kind, case))
        for kind in wanted_papers(case, able)
    ]
    there = needs.present(case) if case.closed_on is None else {}
    meeting = case.evaluations.filter(turn=case.turn).select_related("evaluation").last()
    main = made.moves_from(case.state.key)[:1]
    evaluating = bool(main) and "panel" in main[0].needs and case.closed_on is None and not meeting
    return {
        "case": case,
        "procedure": made,
        "steps": steps,
        "able": able,
        "waits_for": steps[0].barred if steps and not able else "",
        "forms": forms,
        "papers": papers(case),
        "taken": case.steps.select_related("by"),
        "titles": {state.key: state.title for state in made.states},
        "left": queries.left(case.due_on, day),
        "pressing": queries.pressing(case.due_on, day),
        "total_left": queries.left(case.total_due_on, day),
        "total_pressing": queries.pressing(case.total_due_on, day),
        "asks": {need for step in able for need in step.move.needs},
        "needs_panel": evaluating,
        "needs_vote_again": evaluating and needs.revisits(case) and "revisit" in there,
        "meeting": meeting.evaluation if meeting else None,
        "needs_posting": case.closed_on is None and is_posting_step(case),
        "can_emergency": made.state(case.state.key).part == "recognition" and not case.emergency,
        "day": day,
    }
