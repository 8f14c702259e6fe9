"""What a procedure is made of, and what may happen next in it.

A procedure is about a household's case or about a villagers' matter (``of``); each has its own needs and people.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from huqing.standards.workdays import Term, Workdays

Kind = Literal["start", "open", "standing", "end"]
KINDS: Mapping[Kind, str] = {"start": "开始", "open": "办理中", "standing": "长期状态", "end": "办结"}

# What must be there before a move: who checks it is the app that keeps it.
NEEDS: Mapping[str, str] = {
    "authorisation": "农户签字的承诺授权书",
    "home_check": "入户核实记录",
    "comparison": "部门信息比对结果",
    "panel": "随机抽取的评议小组（单数）",
    "ballot": "评议票数或举手表决结果",
    "revisit": "评议小组入户复核记录",
    "posting": "公示期满",
    "objections_settled": "公示期内的异议已逐件处理",
    "notice": "公告",
    "plan": "帮扶计划",
    "measure": "至少一项帮扶措施",
    "conditions": "风险消除条件逐条核对",
    "help_over": "后续帮扶已到期",
}
# What a step writes into the household's file, so that nobody types a decision a second time.
DOES: Mapping[str, str] = {
    "recognise": "标为监测对象，写明识别时间",
    "clear": "结束监测对象标签，写明消除时间",
    "restore": "恢复监测对象标签，清空消除时间",
    "end": "结束监测对象标签",
}
ROLES: Mapping[str, str] = {"county": "县级经办", "town": "乡镇经办", "village": "村级干部", "grid": "网格员"}

Subject = Literal["case", "matter"]
MATTER_NEEDS: Mapping[str, str] = {
    "minutes": "商议记录",
    "handler": "承办人或承办单位",
    "answer": "给反映人的答复",
    "public_text": "经人审定的公开内容",
    "target": "并入的事项",
}
# People who are no accounts: whoever raised the matter, and whoever it was given to.
MATTER_ROLES: Mapping[str, str] = {**ROLES, "raiser": "反映人", "handler": "承办人"}
SUBJECTS: Mapping[Subject, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "case": (NEEDS, ROLES),
    "matter": (MATTER_NEEDS, MATTER_ROLES),
}


@dataclass(frozen=True)
class State:
    """Where a case can stand.

    ``within`` is the deadline for leaving it; ``at_least`` how long it must stand before a move may follow (a posting:
    full days; tracking before removal). ``late`` is the role that is told when the deadline has passed. ``help`` says
    that measures may be carried out while the case stands here. ``code`` is that of the code list monitor_state;
    ``part`` names states that moves may mention together.
    """

    key: str
    title: str
    kind: Kind = "open"
    within: Term | None = None
    at_least: Term | None = None
    late: str = ""
    help: bool = False
    code: str = ""
    part: str = ""


@dataclass(frozen=True)
class Move:
    """A step from one of several states to another.

    ``by`` are the roles that may take it; ``second``: not the person who took the step before; ``reason``: it must be
    given. ``auto`` moves are the system's own, when a term has run out (a posting without open objections). ``does`` is
    one of DOES: what the decision changes in the household's file.
    """

    key: str
    title: str
    start: tuple[str, ...]
    to: str
    by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    second: bool = False
    reason: bool = False
    auto: bool = False
    does: str = ""


@dataclass(frozen=True)
class Validity:
    """Where (a region code's prefix, "" anywhere) and from when to when cases that begin follow a procedure."""

    region: str
    since: dt.date
    until: dt.date | None = None

    def covers(self, region: str, day: dt.date) -> bool:
        """Whether a case in the region that begins on the day follows it."""
        return region.startswith(self.region) and self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Total:
    """A deadline over several states: from entering ``start`` until entering ``end``."""

    start: str
    end: str
    within: Term


@dataclass(frozen=True)
class Escalation:
    """Who is told when a case is late for longer: the role, and so long after the deadline of the state at hand."""

    to: str
    after: Term


@dataclass(frozen=True)
class Procedure:
    """A whole procedure. ``source`` names the document it follows; ``note`` says what is the product's suggestion."""

    key: str
    title: str
    source: str
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    valid: tuple[Validity, ...] = ()
    total: Total | None = None
    escalate: Escalation | None = None
    note: str = ""
    of: Subject = "case"
    written: tuple[Move, ...] = field(default=(), compare=False, repr=False)
    by_key: Mapping[str, State] = field(default_factory=dict, compare=False, repr=False)

    def state(self, key: str) -> State:
        """A state; KeyError if the procedure has none of that key."""
        return self.by_key[key]

    def move(self, key: str) -> Move:
        """A move; KeyError if the procedure has none of that key."""
        found = next((move for move in self.moves if move.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

    @property
    def start(self) -> State:
        """Where every case begins."""
        return next(state for state in self.states if state.kind == "start")

    def moves_from(self, state: str) -> tuple[Move, ...]:
        """What may follow a state, the ordinary way first."""
        return tuple(move for move in self.moves if state in move.start)

    def due(self, state: str, entered: dt.date, calendar: Workdays) -> dt.date | None:
        """The last day for leaving a state entered on a day; None if it has no deadline."""
        within = self.state(state).within
        return within.last_day(entered, calendar) if within else None

    def told_later(self, state: str, due: dt.date | None, calendar: Workdays) -> tuple[str, dt.date | None]:
        """Who else is told of a state that is late, and from when on; ("", None) if nobody."""
        role = self.state(state).late
        if due is None or self.escalate is None or role in ("", self.escalate.to):
            return "", None
        return self.escalate.to, self.escalate.after.last_day(due, calendar)

    def free_from(self, state: str, entered: dt.date, calendar: Workdays) -> dt.date:
        """The first day on which a case that entered a state on a day may leave it the ordinary way."""
        least = self.state(state).at_least
        return least.full_days_end(entered, calendar) + dt.timedelta(days=1) if least else entered

    def due_in_all(self, began: dt.date, calendar: Workdays) -> dt.date | None:
        """The last day for the whole of ``total``, which began on a day."""
        return self.total.within.last_day(began, calendar) if self.total else None


def chosen(known: Mapping[str, Procedure], region: str, day: dt.date, of: Subject = "case") -> Procedure:
    """The procedure a case (or matter) in a region that begins on a day follows: closest region, then latest start.

    LookupError if none is in force there.
    """
    found = [
        (len(valid.region), valid.since, procedure)
        for procedure in known.values()
        if procedure.of == of
        for valid in procedure.valid
        if valid.covers(region, day)
    ]
    if not found:
        raise LookupError(f"{day:%Y-%m-%d} 在区划 {region} 没有生效的办理程序。请在数据文件夹的 procedures 中补充。")
    return max(found, key=lambda item: item[:2])[2]
