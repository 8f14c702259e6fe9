"""What must be there before a step, and what of it is missing in a case."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from huqing.cases.models import Case, Evidence
from huqing.cases.procedure import procedure_of
from huqing.matching import draws
from huqing.packs.procedures.declaration import NEEDS
from huqing.plans import queries as plans
from huqing.plans import removal

# Papers that stay good over several steps; all others are of the step they are recorded in.
LASTING = frozenset({"authorisation"})
# Kept by models of their own, not recorded as papers.
COMPUTED = frozenset({"posting", "objections_settled", "plan", "measure", "help_over"})
PANEL_AT_LEAST = 15
PANEL = "评议小组"
RECOGNITION = "recognition"
TEXT_LENGTH = 2000
# Our own suggestion (status L): conditions look at this year's line, today's ages and the last twelve months.
LOOK_HOLDS = dt.timedelta(days=30)


def missing(case: Case, needs: tuple[str, ...], day: dt.date, there: Mapping[str, Evidence] | None = None) -> list[str]:
    """In words what a step still lacks; ``there`` are the papers ``present`` found, if they are known."""
    if not needs:
        return []
    there = present(case) if there is None else there
    told = []
    for need in needs:
        if need in COMPUTED:
            reason = _COMPUTED[need](case, day)
            if reason:
                told.append(reason)
        elif need not in there:
            told.append(f"缺少{NEEDS[need]}，请先登记。")
        elif need == "ballot" and not carried(there[need].content):
            told.append("同意票没有超过到会人数的一半，评议没有通过；请办理不予通过或退回。")
        elif need == "conditions":
            told += _unmet(case, there[need], day)
    return told


def present(case: Case) -> dict[str, Evidence]:
    """The papers that count for the step at hand, the latest of each kind."""
    return counting(case.evidence.filter(withdrawn_at=None).order_by("pk"), case)


def counting(papers: Iterable[Evidence], case: Case) -> dict[str, Evidence]:
    """The same of papers that have not been withdrawn, the oldest first."""
    return {paper.kind: paper for paper in papers if paper.kind in LASTING or paper.turn == case.turn}


def carried(votes: Mapping[str, Any]) -> bool:
    """Whether more than half of those present agreed."""
    return int(votes["agree"]) * 2 > int(votes["present"])


def problems(kind: str, content: Mapping[str, Any], case: Case) -> list[str]:
    """What is wrong with a paper, in words."""
    check = _CHECKS.get(kind, _text)
    return check(content, case)


def _text(content: Mapping[str, Any], _case: Case) -> list[str]:
    text = content.get("text")
    if not isinstance(text, str) or not text.strip():
        return ["请写明内容。"]
    return [f"内容不能超过 {TEXT_LENGTH} 字。"] if len(text) > TEXT_LENGTH else []


def _authorisation(content: Mapping[str, Any], case: Case) -> list[str]:
    signer = content.get("signed_by")
    if not case.household.members.filter(pk=signer if isinstance(signer, int) else 0).exists():
        return ["授权书应由本户成员签字，请选签字人。"]
    return []


def revisits(case: Case) -> bool:
    """Whether the step at hand follows a re-visit by the panel after an objection: the panel drawn before serves."""
    made = procedure_of(case.procedure)
    return any("revisit" in move.needs for move in made.moves_from(case.state.key))


def last_panel(case: Case) -> list[str]:
    """The panel that last evaluated a case; empty if none has."""
    paper = case.evidence.filter(kind="panel", withdrawn_at=None).order_by("pk").last()
    return list(paper.content["record"]["drawn"]) if paper else []


def _revisit(content: Mapping[str, Any], case: Case) -> list[str]:
    people, panel = content.get("people"), set(last_panel(case))
    if not isinstance(people, list) or not people:
        return ["请勾选入户复核的评议小组成员。"]
    strangers = [str(name) for name in people if name not in panel]
    if strangers:
        return [f"{strangers[0]}不在评议小组里。请从抽中的人里选。"]
    return _text(content, case)


def _panel(content: Mapping[str, Any], case: Case) -> list[str]:
    wrong = draws.verify(content.get("record"))
    if wrong:
        return [f"评议小组的抽取记录验证不通过：{one}" for one in wrong]
    drawn = content["record"]["drawn"]
    if len(drawn) < PANEL_AT_LEAST or len(drawn) % 2 == 0:
        return [f"评议小组应为 {PANEL_AT_LEAST} 人以上的单数，记录中是 {len(drawn)} 人。请重新抽取。"]
    title = content["record"]["question"]["title"]
    if not title.endswith(PANEL) or not set(title.removesuffix(PANEL).split("、")) & _served(case):
        return ["这份抽取记录不是为这一户抽的。请用本户的名单重新抽取。"]
    return []


def panel_title(*cases: Case) -> str:
    """The title the draw of a panel must carry: a draw made for these households serves no others."""
    return "、".join(f"{case.number} 第 {case.turn} 步" for case in cases) + PANEL


def _served(case: Case) -> set[str]:
    """What of a draw's title names this case: its turn, or an earlier one when the panel votes again."""
    turns = range(case.turn + 1) if revisits(case) else [case.turn]
    return {f"{case.number} 第 {turn} 步" for turn in turns}


def _ballot(content: Mapping[str, Any], case: Case) -> list[str]:
    counts = {name: content.get(name) for name in ("present", "agree", "against", "abstain")}
    if not all(isinstance(count, int) and count >= 0 for count in counts.values()):
        return ["请填写到会人数和同意、不同意、弃权的票数（整数）。"]
    panel = present(case).get("panel")
    if panel is None:
        return ["还没有抽取评议小组，请先登记抽取记录。"]
    size = len(panel.content["record"]["drawn"])
    votes = counts["agree"] + counts["against"] + counts["abstain"]
    if counts["present"] > size:
        return [f"到会 {counts['present']} 人，多于评议小组的 {size} 人。请核对。"]
    if votes != counts["present"]:
        return [f"同意、不同意、弃权共 {votes} 票，与到会 {counts['present']} 人不符。请核对。"]
    if counts["present"] * 2 <= size:
        # Our own suggestion (status L): the sources ask for a panel of 15 and do not say how many of it must come.
        return [f"评议小组 {size} 人，只有 {votes} 人表决，没有过半，不能评议。请另定时间请其余的人到会，再改签到。"]
    return [] if content.get("method") in ("secret", "hands") else ["请选无记名投票或举手表决。"]


def _posting(case: Case, day: dt.date) -> str:
    from huqing.cases.postings import obstacle_of

    return obstacle_of(case, day)


def _objections(case: Case, _day: dt.date) -> str:
    from huqing.cases.postings import open_objections

    count = open_objections(case)
    return f"还有 {count} 件公示异议没有处理，请先逐件处理。" if count else ""


def _plan(case: Case, _day: dt.date) -> str:
    return plans.why_no_plan(case.household)


def _measure(case: Case, _day: dt.date) -> str:
    return plans.why_no_measure(case.household, _found_on(case))


def _found_on(case: Case) -> dt.date:
    """Since when the household has been looked at for the risk at hand: the clue, or its last relapse."""
    made = procedure_of(case.procedure)
    for step in case.steps.order_by("-turn"):
        if made.state(step.after).part == RECOGNITION != made.state(step.before).part:
            return step.on
    return case.opened_on


def _help_over(case: Case, day: dt.date) -> str:
    left = plans.help_goes_on(case.household, day)
    told = "、".join(f"{line.title}{'，到' + line.lasting if line.lasting else ''}" for line in left)
    return f"还有 {len(left)} 项帮扶没有到期：{told}。到期并登记成效后再办结。" if left else ""


def _unmet(case: Case, paper: Evidence, day: dt.date) -> list[str]:
    """What stands in the way of a removal as it was confirmed; what is old or was changed must be looked at again."""
    if paper.on.year != day.year or day - paper.on > LOOK_HOLDS:
        return [f"消除条件是 {paper.on:%Y-%m-%d} 核对的，监测线、年龄和近12个月的收支已有变化，请重新核对。"]
    if removal.changed_at(case.household) > paper.at:
        return ["核对消除条件以后，户档案、措施或部门数据有变化，请重新核对。"]
    return [f"消除条件没有全部达到。{told}" for told in removal.unmet(paper.content["conditions"])]


def _comparison(content: Mapping[str, Any], case: Case) -> list[str]:
    if "authorisation" not in present(case):
        return ["还没有登记农户签字的承诺授权书，不能比对部门信息。"]
    if not isinstance(content.get("departments"), list):
        return ["请打开“部门信息比对”，看过各部门的数据后在那里确认。"]
    return []


def _conditions(content: Mapping[str, Any], _case: Case) -> list[str]:
    if not isinstance(content.get("conditions"), list):
        return ["请打开“核对消除条件”，逐条看过后在那里确认。"]
    return []


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], Case], list[str]]] = {
    "authorisation": _authorisation,
    "panel": _panel,
    "revisit": _revisit,
    "ballot": _ballot,
    "comparison": _comparison,
    "conditions": _conditions,
}
_COMPUTED: Mapping[str, Callable[[Case, dt.date], str]] = {
    "posting": _posting,
    "objections_settled": _objections,
    "plan": _plan,
    "measure": _measure,
    "help_over": _help_over,
}
