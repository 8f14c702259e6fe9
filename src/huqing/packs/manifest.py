"""What a working method consists of (工作法): people, visits, quotas, indicators and papers, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Subject = Literal["household", "person", "village"]
Period = Literal["days", "weeks", "months", "years"]


@dataclass(frozen=True)
class Actor:
    """Who does something in a method: paired cadres, teachers, doctors … ``role`` is the role of responsibility."""

    key: str
    title: str
    role: str


@dataclass(frozen=True)
class Quota:
    """How many households one actor takes: ``rank`` "" for everybody; ``count`` exactly, or between the two."""

    actor: str
    title: str
    at_least: int
    at_most: int
    rank: str = ""


@dataclass(frozen=True)
class Round:
    """A stretch of days in which every subject is visited once."""

    title: str
    start: str
    end: str


@dataclass(frozen=True)
class Cadence:
    """How often: every so many days/weeks/months/years, once, or in rounds with deadlines (month-day, or a date)."""

    number: int = 0
    period: Period = "months"
    once: bool = False
    rounds: tuple[Round, ...] = ()

    def text(self) -> str:
        """In Chinese, as a village clerk reads it."""
        units = {"days": "天", "weeks": "周", "months": "个月", "years": "年"}
        if self.once:
            return "一次"
        if self.rounds:
            return "、".join(f"{item.title}（{item.start} 至 {item.end}）" for item in self.rounds)
        return f"每{'' if self.number == 1 else self.number}{units[self.period]}一次"


@dataclass(frozen=True)
class Check:
    """One line of a checklist: what to do or look at, and the question of the form that records it ("" none)."""

    title: str
    question: str = ""


@dataclass(frozen=True)
class Visit:
    """One kind of visit: to whom (a boolean rule variable, or "all"), by whom, how often, with which form."""

    key: str
    title: str
    actor: str
    form: str
    subject: Subject
    whom: str
    every: Cadence
    visit_kind: str = ""
    checklist: tuple[Check, ...] = ()
    unchanged_allowed: bool = False


@dataclass(frozen=True)
class KeyGroup:
    """People or households that need a visit more often (重点人群), chosen by a rule variable."""

    key: str
    title: str
    subject: Subject
    whom: str
    visit: str
    every: Cadence


@dataclass(frozen=True)
class Indicator:
    """A number of the method's report: how many visits of a kind, or how much a question adds up to."""

    key: str
    title: str
    unit: str
    visit: str
    question: str = ""


@dataclass(frozen=True)
class Paper:
    """A document printed from the data: its Word template in ``papers/``."""

    key: str
    title: str
    template: str


@dataclass(frozen=True)
class Method:
    """A whole working method. ``source`` names the document it follows."""

    key: str
    title: str
    version: str
    summary: str
    source: str
    actors: tuple[Actor, ...]
    visits: tuple[Visit, ...]
    quotas: tuple[Quota, ...] = ()
    key_groups: tuple[KeyGroup, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    papers: tuple[Paper, ...] = ()
    forms: tuple[str, ...] = field(default=())
