"""The numbers of a method's report, computed from what visits brought, each with the records behind it.

``visits``, ``households``, ``people`` and ``visitors`` count filled forms and confirmations that nothing has changed;
``covered`` is the share of the subjects the visit is due to that were visited in the time; ``sum`` adds up the answers
to one number of the form. An answer that was not given adds nothing and is counted as not given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from huqing.access.scope import code_range, visible
from huqing.packs.manifest import Indicator, Visit
from huqing.visits.methods import InUse
from huqing.visits.models import Confirmation, FormVersion, Submission, VisitTask
from huqing.visits.queries import STANDING, submissions

if TYPE_CHECKING:
    from huqing.access.models import User

CHUNK = 2000
SUBJECTS = {"household": "household", "person": "person", "village": "region_code"}


@dataclass(frozen=True)
class Value:
    """One indicator with its value; None where there is nothing to divide by, or nobody gave a number.

    ``records`` and ``words`` are the forms and the confirmations behind it. ``of`` is what a share was taken of;
    ``unanswered`` counts the forms in which the number to add up was left blank.
    """

    indicator: Indicator
    value: Decimal | None
    records: QuerySet[Submission]
    words: QuerySet[Confirmation]
    of: int = 0
    unanswered: int = 0

    @property
    def text(self) -> str:
        """The number as the report shows it, without its unit; "" if there is none."""
        if self.value is None:
            return ""
        return f"{self.value.normalize():,f}"


@dataclass(frozen=True)
class Part:
    """One heading of the report with its numbers."""

    title: str
    values: tuple[Value, ...]


def indicators(method: InUse, *, region: str, since: dt.date, until: dt.date, user: User | None = None) -> list[Value]:
    """Every indicator of a method for the visits in ``region`` from ``since`` to ``until``, both days included.

    ``user``: only what this account may see. ValueError if the days are in the wrong order.
    """
    if until < since:
        raise ValueError(f"结束日期 {until} 早于开始日期 {since}。请改正日期。")
    return [_Computed(method, item, region, since, until, user).value() for item in method.told.indicators]


def report(method: InUse, *, region: str, since: dt.date, until: dt.date, user: User | None = None) -> list[Part]:
    """The outline of the method's report with the numbers under each heading."""
    values = {
        value.indicator.key: value for value in indicators(method, region=region, since=since, until=until, user=user)
    }
    return [
        Part(section.title, tuple(values[key] for key in section.indicators if key in values))
        for section in method.told.outline
    ]


class _Computed:
    def __init__(
        self, method: InUse, indicator: Indicator, region: str, since: dt.date, until: dt.date, user: User | None
    ) -> None:
        self.method, self.indicator = method, indicator
        self.visit: Visit = method.told.visit(indicator.visit)
        records = submissions(user) if user else Submission.objects.all()
        self.records = (
            records.filter(code_range(region), form__method__key=method.row.key, form__visit=self.visit.key)
            .filter(state__in=STANDING, visited_on__range=(since, until))
            .order_by("-visited_on", "-pk")
        )
        words = visible(Confirmation.objects.all(), user) if user else Confirmation.objects.all()
        self.words = (
            words.filter(code_range(region), task__method__key=method.row.key, task__visit=self.visit.key)
            .filter(on__range=(since, until))
            .order_by("-on", "-pk")
        )
        tasks = visible(VisitTask.objects.all(), user) if user else VisitTask.objects.all()
        self.tasks = tasks.filter(code_range(region), method=method.row, visit=self.visit.key).filter(
            Q(due_on__isnull=False) | Q(last_on__isnull=False)
        )

    def value(self) -> Value:
        counts = self.indicator.counts
        if counts == "sum":
            return self._sum()
        if counts == "covered":
            return self._covered()
        if counts == "visits":
            return self._told(self.records.count() + self.words.count())
        return self._told(len(self._distinct(counts)))

    def _told(self, number: int | Decimal | None, **more: int) -> Value:
        value = None if number is None else Decimal(number)
        return Value(self.indicator, value, self.records, self.words, **more)

    def _distinct(self, counts: str) -> set[Any]:
        """The households, people or accounts that appear in forms or confirmations."""
        columns = {
            "households": ("household", "household"),
            "people": ("person", "task__person"),
            "visitors": ("user", "user"),
        }
        filled, said = columns[counts]
        found = set(self.records.order_by().values_list(filled, flat=True).distinct())
        return (found | set(self.words.order_by().values_list(said, flat=True).distinct())) - {None}

    def _covered(self) -> Value:
        """Subjects now due to the visit that were visited in the time, per cent."""
        column = SUBJECTS[self.visit.subject]
        due = set(self.tasks.order_by().values_list(column, flat=True))
        done = set(self.records.order_by().values_list(column, flat=True).distinct())
        said = column if column == "region_code" else f"task__{column}"
        done |= set(self.words.order_by().values_list(said, flat=True).distinct())
        if not due:
            return self._told(None)
        share = (Decimal(len(due & done)) * 100 / len(due)).quantize(Decimal("0.1"))
        return self._told(share, of=len(due))

    def _sum(self) -> Value:
        paths = _paths(self.records, self.indicator.question)
        total, given, blank = Decimal(0), 0, 0
        rows = self.records.order_by().values_list("version", "answers").iterator(chunk_size=CHUNK)
        for version, answers in rows:
            numbers = list(_numbers(answers, paths.get(version, "")))
            if not numbers:
                blank += 1
                continue
            given += 1
            total += sum(numbers, Decimal(0))
        return self._told(total if given else None, unanswered=blank)


def _paths(records: QuerySet[Submission], question: str) -> dict[int, str]:
    """Under which path each version of the form keeps the answers to a question."""
    used = set(records.order_by().values_list("version", flat=True).distinct())
    found: dict[int, str] = {}
    for version, conversion in FormVersion.objects.filter(pk__in=used).values_list("pk", "conversion"):
        item = next((one for one in conversion.get("questions", ()) if one.get("name") == question), None)
        if item is not None:
            found[version] = str(item["path"])
    return found


def _numbers(answers: Any, path: str) -> Iterator[Decimal]:
    """The numbers answered under a path, in every turn of a repeat; what is blank or no number is left out."""
    if not path or not isinstance(answers, Mapping):
        return
    for name, found in answers.items():
        if isinstance(found, list):
            for turn in found:
                yield from _numbers(turn, path)
        elif name == path:
            try:
                number = Decimal(str(found).strip())
            except InvalidOperation:
                continue
            if number.is_finite():
                yield number
