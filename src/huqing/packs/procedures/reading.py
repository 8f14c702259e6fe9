"""From YAML to procedures, every mistake named with its line. A file may be based on another and say what differs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from huqing.packs.errors import PackError, PackProblem
from huqing.packs.lines import Mapping as Lines
from huqing.packs.lines import read
from huqing.packs.procedures.declaration import (
    DOES,
    KINDS,
    ROLES,
    SUBJECTS,
    Escalation,
    Move,
    Procedure,
    State,
    Subject,
    Total,
    Validity,
)
from huqing.standards.codelists import codelist
from huqing.standards.workdays import Term, Unit, Workdays

SHIPPED = Path(__file__).parent / "shipped"
KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
TERM = re.compile(r"(\d{1,3}) ?(working|days|months)\Z")
UNITS: dict[str, Unit] = {"working": "working", "days": "calendar", "months": "months"}
REGION = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})?\Z")
ALL = "all:"
TOP = ("key", "title", "source", "based_on", "note", "of", "valid", "total", "escalate")
PARTS = ("states", "moves", "without")


def procedures(own: Path | None = None) -> Mapping[str, Procedure]:
    """The shipped procedures and those of a county's folder, which may replace shipped ones; PackError on mistakes."""
    known = dict(_shipped())
    problems = _read_all(sorted(own.glob("*.yaml")) if own and own.is_dir() else [], known)
    if problems:
        raise PackError(problems)
    return known


@cache
def _shipped() -> Mapping[str, Procedure]:
    known: dict[str, Procedure] = {}
    problems = _read_all(sorted(SHIPPED.glob("*.yaml")), known)
    if problems:
        raise PackError(problems)
    return known


def _read_all(files: list[Path], known: dict[str, Procedure]) -> list[PackProblem]:
    """Read files into ``known``, each after the one it is based on; returns what is wrong with those that cannot be."""
    while files:
        wrong: list[tuple[Path, PackError]] = []
        for file in files:
            try:
                found = read_procedure(file, known)
            except PackError as error:
                wrong.append((file, error))
            else:
                known[found.key] = found
        if len(wrong) == len(files):
            return [problem for _, error in wrong for problem in error.problems]
        files = [file for file, _ in wrong]
    return []


def read_procedure(file: Path, known: Mapping[str, Procedure]) -> Procedure:
    """One procedure; PackError lists every mistake with file, line and remedy."""
    reader = _Reader(file.name, read(file, file.name), known)
    found = reader.procedure()
    if reader.problems:
        raise PackError(reader.problems)
    return found


class _Reader:
    def __init__(self, name: str, raw: Lines, known: Mapping[str, Procedure]) -> None:
        self.name = name
        self.raw = raw
        self.known = known
        self.problems: list[PackProblem] = []
        self.lines: dict[tuple[str, str], int] = {}
        self.of: Subject = "case"

    def place(self, name: str) -> str:
        return f"{self.name} 第 {self.raw.line_of(name)} 行"

    def problem(self, line: int, problem: str, remedy: str) -> None:
        self.problems.append(PackProblem(f"{self.name} 第 {line} 行", problem, remedy))

    def procedure(self) -> Procedure:
        raw = self.raw
        self.only(raw, (*TOP, *PARTS))
        base = self.base()
        self.of = self.subject(base)
        states = self.merged(raw, "states", base.states if base else (), self.state)
        moves = self.merged(raw, "moves", base.written if base else (), self.move)
        total = self.total(raw, states) if "total" in raw else base.total if base else None
        made = Procedure(
            key=self.key(raw),
            title=self.text(raw, "title"),
            source=self.text(raw, "source"),
            note=self.text(raw, "note", optional=True),
            states=states,
            moves=moves,
            valid=tuple(self.validity(item) for item in self.items(raw, "valid")),
            total=total,
            escalate=self.escalation(raw) if "escalate" in raw else base.escalate if base else None,
            of=self.of,
        )
        made = replace(made, moves=self.spread(made), written=moves, by_key={state.key: state for state in states})
        if not self.problems:
            self.sound(made)
        return made

    def subject(self, base: Procedure | None) -> Subject:
        """What the procedure is about: as written, else as the one it is based on."""
        told = self.raw.get("of", base.of if base else "case")
        found = next((subject for subject in SUBJECTS if subject == told), None)
        if found is None:
            self.problem(self.raw.line_of("of"), f"of 不能是“{told}”", f"写 {'、'.join(SUBJECTS)} 之一")
        return found or "case"

    def spread(self, made: Procedure) -> tuple[Move, ...]:
        """``all:recognition`` in ``from`` stands for every state of that part."""
        parts: dict[str, list[str]] = {}
        for state in made.states:
            parts.setdefault(f"{ALL}{state.part}", []).append(state.key)
        return tuple(
            replace(move, start=tuple(dict.fromkeys(name for one in move.start for name in parts.get(one, [one]))))
            for move in made.moves
        )

    def base(self) -> Procedure | None:
        name = self.raw.get("based_on")
        if name is None:
            return None
        if name not in self.known:
            near = get_close_matches(str(name), list(self.known), n=1)
            remedy = f"相近的：{near[0]}" if near else f"写已有程序的代号：{'、'.join(self.known) or '（还没有）'}"
            raise PackError([PackProblem(self.place("based_on"), f"没有程序“{name}”", remedy)])
        return self.known[str(name)]

    def merged(self, raw: Lines, part: str, inherited: Iterable[Any], make: Any) -> tuple[Any, ...]:
        """The inherited states or moves, those named again replaced, those of ``without`` left out, new ones placed."""
        kept = {item.key: item for item in inherited}
        for key in self.names(raw, "without"):
            kept.pop(key, None)
        for item in self.items(raw, part):
            made, after = make(item), item.get("after")
            place = (part, str(made.key))
            if place in self.lines:
                self.problem(item.line, f"“{made.key}”写了两次", "删去一处")
            self.lines[place] = item.line
            if after is None or made.key in kept:
                kept[made.key] = made
                continue
            if after not in kept:
                self.problem(item.line_of("after"), f"没有“{after}”", "写前一项的 key")
                continue
            kept = _placed(kept, made, str(after))
        return tuple(kept.values())

    def state(self, raw: Lines) -> State:
        self.only(raw, ("key", "title", "kind", "within", "at_least", "late", "help", "code", "part", "after"))
        kind = raw.get("kind", "open")
        if kind not in KINDS:
            self.problem(raw.line_of("kind"), f"kind 不能是“{kind}”", f"写 {'、'.join(KINDS)} 之一")
            kind = "open"
        late = str(raw.get("late", ""))
        if late and late not in ROLES:
            self.problem(raw.line_of("late"), f"没有角色“{late}”", f"写 {'、'.join(ROLES)} 之一")
        code = str(raw.get("code", ""))
        if code and code not in codelist("monitor_state"):
            self.problem(raw.line_of("code"), f"“{code}”不是监测对象状态的代码", "见代码表 monitor_state")
        return State(
            key=self.key(raw),
            title=self.text(raw, "title"),
            kind=kind,
            within=self.term(raw, "within"),
            at_least=self.term(raw, "at_least"),
            late=late,
            help=raw.get("help") is True,
            code=code,
            part=self.text(raw, "part", optional=True),
        )

    def move(self, raw: Lines) -> Move:
        self.only(raw, ("key", "title", "from", "to", "by", "needs", "second", "reason", "auto", "does", "after"))
        needs, roles = SUBJECTS[self.of]
        return Move(
            key=self.key(raw),
            title=self.text(raw, "title"),
            start=self.names(raw, "from"),
            to=self.text(raw, "to"),
            by=self.known_names(raw, "by", roles, "角色"),
            needs=self.known_names(raw, "needs", needs, "前提"),
            second=raw.get("second") is True,
            reason=raw.get("reason") is True,
            auto=raw.get("auto") is True,
            does=self.effect(raw),
        )

    def effect(self, raw: Lines) -> str:
        told = str(raw.get("does", ""))
        if "does" in raw and (told not in DOES or self.of != "case"):
            self.problem(raw.line_of("does"), f"does 不能写“{told}”", f"农户的办理可写 {'、'.join(DOES)}")
        return told

    def validity(self, raw: Lines) -> Validity:
        self.only(raw, ("region", "from", "to"))
        region = str(raw.get("region", ""))
        if not REGION.match(region):
            self.problem(
                raw.line_of("region"), f"“{region}”不是区划代码", "写 2、4、6、9 或 12 位数字并加引号，全国留空"
            )
        since, until = self.date(raw, "from"), self.date(raw, "to") if "to" in raw else None
        if since and until and until < since:
            self.problem(raw.line_of("to"), "终止日期早于起始日期", "核对两个日期")
        return Validity(region, since or dt.date.min, until)

    def total(self, raw: Lines, states: tuple[State, ...]) -> Total | None:
        told = raw["total"]
        if not isinstance(told, Lines):
            self.problem(raw.line_of("total"), "total 写法不对", "写成 {from: …, to: …, within: 15 days}")
            return None
        self.only(told, ("from", "to", "within"))
        known = {state.key for state in states}
        for side in ("from", "to"):
            if told.get(side) not in known:
                self.problem(told.line_of(side), f"没有状态“{told.get(side)}”", "写 states 里的 key")
        within = self.term(told, "within")
        if within is None:
            self.problem(told.line, "total 缺少 within", "写成 within: 15 days")
            return None
        return Total(str(told.get("from")), str(told.get("to")), within)

    def escalation(self, raw: Lines) -> Escalation | None:
        told = raw["escalate"]
        remedy = "写成 {to: county, after: 3 working}"
        if not isinstance(told, Lines):
            self.problem(raw.line_of("escalate"), "escalate 写法不对", remedy)
            return None
        self.only(told, ("to", "after"))
        role, after = str(told.get("to", "")), self.term(told, "after")
        if role not in ROLES or after is None:
            self.problem(told.line, "escalate 缺少 to（角色）或 after（期限）", remedy)
            return None
        return Escalation(role, after)

    def sound(self, made: Procedure) -> None:
        """No case can get stuck, get lost, or stand in a state nobody declared."""
        starts = [state for state in made.states if state.kind == "start"]
        if len(starts) != 1:
            self.problem(1, f"kind 为 start 的状态有 {len(starts)} 个", "留下一个")
            return
        self.targets(made)
        if self.problems:
            return
        reached, ending = _closure(made, {starts[0].key}), _ending(made)
        for state in made.states:
            line = self.lines.get(("states", state.key), 1)
            leaving = made.moves_from(state.key)
            if state.key not in reached:
                self.problem(line, f"状态“{state.title}”走不到", "加一个通向它的 move，或写进 without")
            if state.kind == "end" and leaving:
                self.problem(line, f"状态“{state.title}”已办结，却还能走出去", "把 kind 改为 standing，或删去这些 move")
            if state.kind != "end" and state.key not in ending:
                self.problem(line, f"从状态“{state.title}”走不到任何办结状态", "加一个走出去的 move")
            if state.kind in ("start", "open") and not state.within:
                self.problem(line, f"状态“{state.title}”没有时限", "写 within，例如 within: 3 working")
            if state.within and not state.late:
                self.problem(line, f"状态“{state.title}”没有写超期告诉谁", f"写 late: {'、'.join(ROLES)} 之一")
            self.patience(state, line)

    def patience(self, state: State, line: int) -> None:
        if state.within and state.at_least:
            start = dt.date(2026, 3, 2)  # the Monday of weeks without holidays
            longest = start + dt.timedelta(days=_days(state.within))
            if state.at_least.full_days_end(start, Workdays()) >= longest:  # it may only be left on the day after
                self.problem(line, f"状态“{state.title}”至少 {state.at_least}，时限却只有 {state.within}", "放宽时限")

    def targets(self, made: Procedure) -> None:
        known = made.by_key
        for move in made.moves:
            line = self.lines.get(("moves", move.key), 1)
            for name in (*move.start, move.to):
                if name not in known:
                    near = get_close_matches(name, list(known), n=1)
                    told = f"相近的：{near[0]}" if near else f"写 states 里的 key：{'、'.join(known)}"
                    self.problem(line, f"“{move.title}”提到没有的状态“{name}”", told)
            if not move.start:
                self.problem(line, f"“{move.title}”没有写从哪里来", "写 from")
            if move.auto == bool(move.by):
                self.problem(line, f"“{move.title}”要么由人办理，要么自动", "写 by 或 auto: true 之一")
            if move.auto and move.needs and not any(known[name].at_least for name in move.start if name in known):
                self.problem(line, f"“{move.title}”自动办理，却没有期满之日", "在来的状态写 at_least")

    def only(self, raw: Lines, names: tuple[str, ...]) -> None:
        for name in raw:
            if name not in names:
                near = get_close_matches(name, names, n=1)
                remedy = f"是不是 {near[0]}？" if near else f"可写的有 {'、'.join(names)}"
                self.problem(raw.line_of(name), f"不认识“{name}”", remedy.rstrip("？") if near else remedy)

    def key(self, raw: Lines) -> str:
        found = self.text(raw, "key")
        if found and not KEY.match(found):
            self.problem(raw.line_of("key"), f"代号“{found}”写法不对", "用小写字母、数字和下划线，字母开头")
        return found

    def text(self, raw: Lines, name: str, *, optional: bool = False) -> str:
        found = raw.get(name)
        if found is None and optional:
            return ""
        if not isinstance(found, str) or not found.strip():
            self.problem(raw.line_of(name), f"缺少 {name}", f"写 {name}: …")
            return ""
        return found.strip()

    def names(self, raw: Lines, name: str) -> tuple[str, ...]:
        found = raw.get(name, [])
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            self.problem(raw.line_of(name), f"{name} 应是一个或几个代号", f"写成 {name}: [一, 二]")
            return ()
        return tuple(listed)

    def known_names(self, raw: Lines, name: str, known: Mapping[str, str], what: str) -> tuple[str, ...]:
        found = self.names(raw, name)
        for item in found:
            if item not in known:
                self.problem(raw.line_of(name), f"没有{what}“{item}”", f"写 {'、'.join(known)} 之中的")
        return found

    def term(self, raw: Lines, name: str) -> Term | None:
        if name not in raw:
            return None
        found = TERM.match(str(raw[name]))
        if not found or not int(found[1]):
            self.problem(raw.line_of(name), f"期限“{raw[name]}”写法不对", "写成 3 working、5 days 或 6 months")
            return None
        return Term(int(found[1]), UNITS[found[2]])

    def date(self, raw: Lines, name: str) -> dt.date | None:
        found = raw.get(name)
        if not isinstance(found, dt.date):
            self.problem(raw.line_of(name), f"{name} 应是日期", "写成 2021-05-01")
            return None
        return found

    def items(self, raw: Lines, name: str) -> list[Lines]:
        found = raw.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, Lines) for item in found):
            self.problem(raw.line_of(name), f"{name} 应是一列", "每项前写 “- ”")
            return []
        return found


def _placed(kept: dict[str, Any], made: Any, after: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in kept.items():
        found[key] = item
        if key == after:
            found[made.key] = made
    return found


def _closure(made: Procedure, reached: set[str]) -> set[str]:
    while True:
        further = reached | {move.to for move in made.moves if reached & set(move.start)}
        if further == reached:
            return reached
        reached = further


def _ending(made: Procedure) -> set[str]:
    """The states from which some end can be reached."""
    found = {state.key for state in made.states if state.kind == "end"}
    while True:
        further = found | {name for move in made.moves if move.to in found for name in move.start}
        if further == found:
            return found
        found = further


def _days(term: Term) -> int:
    """At least so many calendar days."""
    return term.number * (28 if term.unit == "months" else 1)
