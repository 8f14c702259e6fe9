"""A household's measures as a plan shows them: the ledger's rows, and what the plan adds to those it has taken in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from huqing.plans.declarations import declared, labels
from huqing.plans.models import Plan, PlannedMeasure
from huqing.registry.models import DepartmentRecord, Household, Source
from huqing.standards.codelists import codelist

KIND = "measure"
WAITING, RUNNING, DONE = "1", "2", "3"


@dataclass(frozen=True)
class Line:
    """One measure. ``planned`` is None for one that only the ledger knows; ``record`` for one whose row is gone."""

    record: DepartmentRecord | None
    planned: PlannedMeasure | None
    day: dt.date

    @property
    def items(self) -> Mapping[str, Any]:
        """What the ledger says."""
        return self.record.items if self.record else {}

    @property
    def group(self) -> str:
        """The code of its group."""
        return str(self.items.get("measure_group", ""))

    @property
    def group_title(self) -> str:
        """The group in words."""
        return codelist("measure_group").label(self.group) if self.group else "台账记录已撤下"

    @property
    def title(self) -> str:
        """The item in words, the group's where the ledger names none."""
        item = self.items.get("measure_item")
        return codelist("measure").label(item) if item else self.group_title

    @property
    def state(self) -> str:
        """The code of its state."""
        return str(self.items.get("state", ""))

    @property
    def state_title(self) -> str:
        """The state in words."""
        return codelist("measure_state").label(self.state) if self.state else "没有填"

    @property
    def open(self) -> bool:
        """Whether it is still to be done or goes on."""
        return self.record is not None and self.state != DONE

    @property
    def started_on(self) -> dt.date | None:
        """When it began."""
        return _day(self.items.get("started_on"))

    @property
    def ended_on(self) -> dt.date | None:
        """When it ended or is to end."""
        return _day(self.items.get("ended_on"))

    @property
    def registered_on(self) -> dt.date | None:
        """When it was entered for the household."""
        return _day(self.items.get("registered_on"))

    @property
    def overdue(self) -> bool:
        """Whether it should be over and is not."""
        return self.open and self.ended_on is not None and self.ended_on < self.day

    @property
    def silent(self) -> bool:
        """Whether it is finished and nobody wrote what came of it."""
        return self.state == DONE and not self.items.get("result")

    @property
    def amount(self) -> int | None:
        """What it gave the household, fen."""
        return self.items.get("amount")

    @property
    def fund(self) -> str:
        """Where the money comes from."""
        code = self.items.get("fund_source")
        return codelist("fund_source").label(code) if code else ""

    @property
    def imported(self) -> bool:
        """Whether its present row came with a file."""
        return self.record is not None and self.record.source.kind != Source.Kind.MANUAL

    @property
    def risks(self) -> str:
        """The risks it is to answer, in words."""
        return labels("risk_type", self.planned.risks) if self.planned else ""

    @property
    def lasts(self) -> str:
        """How long it goes on by its nature: contract, post, stage or ""."""
        if self.planned is not None and self.planned.lasts:
            return self.planned.lasts
        return declared().lasts(self.group, str(self.items.get("measure_item", "")))

    @property
    def lasting(self) -> str:
        """The same in words, with the day if it is known."""
        if not self.lasts:
            return ""
        until = self.planned.lasts_until if self.planned else None
        title = declared().lasting_titles[self.lasts]
        return f"{title}（{until:%Y-%m-%d}）" if until else f"{title}（到期日没有填）"


def lines_of(household: Household, plan: Plan | None, day: dt.date) -> list[Line]:
    """All measures in force of a household: those of the plan first, then what only the ledger has."""
    rows = (
        DepartmentRecord.objects.filter(household=household, kind=KIND, retired_by=None)
        .select_related("source")
        .order_by("on", "pk")
    )
    by_mark: dict[str, DepartmentRecord] = {}
    for row in rows:
        by_mark[row.fingerprint] = row
    found = []
    if plan is not None:
        for planned in plan.measures.filter(dropped_on=None).select_related("staff__unit").order_by("pk"):
            found.append(Line(by_mark.pop(planned.fingerprint, None), planned, day))
    return found + [Line(row, None, day) for row in by_mark.values()]


@dataclass(frozen=True)
class Match:
    """Whether a risk has a measure that answers it. ``state``: met, waiting (registered, not begun) or unmet."""

    risk: str
    title: str
    state: str
    text: str
    source: str


def matches(risks: Iterable[str], lines: Iterable[Line]) -> list[Match]:
    """For each risk whether the measures answer it, in words."""
    held, found = list(lines), []
    for risk in risks:
        answer = declared().answers.get(risk)
        title = codelist("risk_type").label(risk)
        if answer is None:
            found.append(Match(risk, title, "unmet", "没有规定对应的措施类别，请写明怎样解决。", ""))
            continue
        suited = [line for line in held if line.group in answer.groups and line.record is not None]
        begun = [line for line in suited if line.state in (RUNNING, DONE)]
        wanted = "或".join(codelist("measure_group").label(group) for group in answer.groups)
        source = answer.source if answer.status != "L" else f"{answer.source}（L）"
        if begun:
            named = "、".join(dict.fromkeys(line.title for line in begun))
            found.append(Match(risk, title, "met", f"有对症的措施：{named}。", source))
        elif suited:
            named = "、".join(dict.fromkeys(line.title for line in suited))
            found.append(Match(risk, title, "waiting", f"已安排{named}，还没有实施。", source))
        else:
            found.append(Match(risk, title, "unmet", f"还没有对症的措施，应有{wanted}。", source))
    return found


def _day(value: Any) -> dt.date | None:
    return dt.date.fromisoformat(value) if value else None
