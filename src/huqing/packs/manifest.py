"""What a working method consists of (工作法): people, visits, quotas, duties, indicators, assessments and papers.

``note`` says what of an entry is the product's own suggestion and not in the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huqing.packs.forms import Converted
from huqing.rules.parameters import Parameter

Subject = Literal["household", "person", "village"]
Period = Literal["days", "weeks", "months", "years"]
Counts = Literal["visits", "households", "people", "visitors", "covered", "sum"]
UNITS: Mapping[Period, str] = {"days": "天", "weeks": "周", "months": "个月", "years": "年"}
EVERYBODY = "all"
# What an assessment may count, always as done of all; the residency's own need somebody who holds ``resident``.
MEASURES: Mapping[str, str] = {
    "full_months": "已确认的驻村天数达到每月最少天数的月份，占考核期内全部整月",
    "diary_months": "写了驻村日志的月份，占考核期内全部整月",
    "findings_closed": "所驻村抽查问题中已销号的，占全部抽查问题；没有问题的不扣分",
    "households_visited": "负责的农户中，考核期内有本人走访记录的",
    "visits_on_time": "按走访间隔应走访的次数中，本人按期走访的",
}
OF_RESIDENTS = ("full_months", "diary_months", "findings_closed")
WHOLE_WEIGHT = 100


@dataclass(frozen=True)
class Actor:
    """Who does something in a method (帮扶干部、教师、医生…), and what this person answers for.

    ``duties`` are the roles of the ledger (codes of duty_role) whose holders are this actor; empty: everybody who is
    responsible for the subject in whatever role.
    """

    key: str
    title: str
    role: str
    duties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """How many households one actor takes, between the two bounds; ``rank`` "" for everybody."""

    actor: str
    title: str
    at_least: int
    at_most: int
    rank: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """In Chinese, as it is agreed."""
        if self.at_least == self.at_most:
            return f"{self.at_least} 户"
        return f"{self.at_least}–{self.at_most} 户" if self.at_least else f"至多 {self.at_most} 户"


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

    @property
    def text(self) -> str:
        """In Chinese, as a village clerk reads it."""
        if self.once:
            return "一次"
        if self.rounds:
            return "；".join(f"{item.title}（{item.start} 至 {item.end}）" for item in self.rounds)
        return f"{self.span}一次"

    @property
    def span(self) -> str:
        """The stretch of time alone: 每月, 每 3 个月; "" for once and rounds."""
        if self.once or self.rounds:
            return ""
        number = "" if self.number == 1 else f" {self.number} "
        return f"每{number}{'月' if self.period == 'months' and self.number == 1 else UNITS[self.period]}"


@dataclass(frozen=True)
class Check:
    """One line of a checklist: what to do or look at, and the question of the form that records it ("" none)."""

    title: str
    question: str = ""


@dataclass(frozen=True)
class Checklist:
    """Lines that belong together (五个一、八到户八到人…)."""

    title: str
    items: tuple[Check, ...]


@dataclass(frozen=True)
class Visit:
    """One kind of visit: to whom (a rule's variable, or ``all``), by whom, how often, with which form.

    ``visit_kind`` is the code under which the visit counts in the ledger of visits ("" none); ``unchanged_allowed``
    lets a visitor confirm that nothing changed instead of filling the form in.
    """

    key: str
    title: str
    actor: str
    form: str
    subject: Subject
    whom: str
    every: Cadence
    visit_kind: str = ""
    checklists: tuple[Checklist, ...] = ()
    unchanged_allowed: bool = False
    note: str = ""


@dataclass(frozen=True)
class KeyGroup:
    """People or households that need a visit more often (重点人群), chosen by a rule's variable."""

    key: str
    title: str
    subject: Subject
    whom: str
    visit: str
    every: Cadence
    note: str = ""


@dataclass(frozen=True)
class Duty:
    """What an actor owes besides visits: ``at_least`` (``at_most`` 0: no upper bound) of ``unit`` every so often.

    ``parameter`` names the dated amount that replaces the number; ``form`` the form on which it is recorded.
    """

    key: str
    title: str
    actor: str
    unit: str
    every: Cadence
    at_least: int = 0
    at_most: int = 0
    parameter: str = ""
    form: str = ""
    note: str = ""


@dataclass(frozen=True)
class Indicator:
    """A number of the method's report.

    ``counts``: visits, distinct households, people or visitors, the share of those due that were visited (covered), or
    the sum of the answers to ``question``.
    """

    key: str
    title: str
    unit: str
    visit: str
    counts: Counts
    question: str = ""


@dataclass(frozen=True)
class AssessedItem:
    """One part of an assessment: its weight, and how records are counted (a key of ``MEASURES``).

    ``visit`` names the visit of the method whose kind and interval count ("" any visit).
    """

    key: str
    title: str
    weight: int
    measure: str
    visit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Assessment:
    """How those who do a part of the work are assessed; the weights of all parts are 100."""

    key: str
    title: str
    actor: str
    indicators: tuple[AssessedItem, ...]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One heading of the method's report, with the indicators it draws on."""

    title: str
    indicators: tuple[str, ...]


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
    duties: tuple[Duty, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    outline: tuple[Section, ...] = ()
    papers: tuple[Paper, ...] = ()
    assessments: tuple[Assessment, ...] = ()

    def duties_of(self, actor: str) -> tuple[str, ...]:
        """The roles of the ledger that an actor holds."""
        return next((one.duties for one in self.actors if one.key == actor), ())

    def actor(self, key: str) -> str:
        """The title of an actor."""
        return next((actor.title for actor in self.actors if actor.key == key), key)

    def visit(self, key: str) -> Visit:
        """A visit by its key; KeyError if the method has none of that name."""
        found = next((visit for visit in self.visits if visit.key == key), None)
        if found is None:
            raise KeyError(key)
        return found


@dataclass(frozen=True)
class Pack:
    """A checked method with its forms by file name without ending, its own parameters and its description."""

    folder: Path
    method: Method
    forms: Mapping[str, Converted]
    parameters: Mapping[str, Parameter]
    readme: str
