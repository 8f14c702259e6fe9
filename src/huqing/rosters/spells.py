"""Who is on a label's list on a day, and who came and went: computed from the dated labels, nothing is typed.

A label holds from its first to its last day, both included; whoever's label ends on the 31st leaves on the 1st. Labels
of the same subject that overlap or follow one another day by day are one spell: only its beginning and its end are
changes of the list.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import Count, DateField, Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Substr

from huqing.access.scope import visible
from huqing.registry.models import Label

if TYPE_CHECKING:
    from huqing.access.models import User

DAY = dt.timedelta(days=1)
# One whole number per subject: a person, or a household as a negative one.
SUBJECT = Coalesce("person_id", F("household_id") * -1)


class Shifted(Func):
    """A date some whole days later, in the database's own way."""

    output_field = DateField()

    def __init__(self, expression: Any, days: int) -> None:
        super().__init__(expression)
        self.days = days

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template=f"date(%(expressions)s, '{self.days:+d} days')")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template=f"(%(expressions)s + ({self.days:d}))")


def holding_on(day: dt.date) -> Q:
    """The labels that hold on a day."""
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gte=day))


def labels_of(kind: str, user: User | None, region: str = "") -> QuerySet[Label]:
    """The labels of a kind: all of a region (a code prefix), or what an account may see of it."""
    rows = Label.objects.filter(kind=kind)
    if user is None:
        return rows.in_region(region)
    return visible(rows, user, within=region)


def on_list(kind: str, day: dt.date, *, user: User | None, region: str = "") -> QuerySet[Label]:
    """The labels that put somebody on the list on a day; a subject with two of them appears twice."""
    return labels_of(kind, user, region).filter(holding_on(day))


def count_on(kind: str, day: dt.date, *, user: User | None, region: str = "") -> int:
    """How many subjects are on the list on a day."""
    found = on_list(kind, day, user=user, region=region)
    return int(found.aggregate(n=Count(SUBJECT, distinct=True))["n"])


def entered(kind: str, first: dt.date, last: dt.date, *, user: User | None, region: str = "") -> QuerySet[Label]:
    """The labels with which somebody came onto the list between two days, by day."""
    before = _same_subject().filter(
        Q(valid_from__lt=OuterRef("valid_from"))
        & (Q(valid_to=None) | Q(valid_to__gte=Shifted(OuterRef("valid_from"), -1)))
    )
    twin = _same_subject().filter(valid_from=OuterRef("valid_from"), pk__lt=OuterRef("pk"))
    rows = labels_of(kind, user, region).filter(valid_from__gte=first, valid_from__lte=last)
    return rows.exclude(Exists(before)).exclude(Exists(twin))


def left(kind: str, first: dt.date, last: dt.date, *, user: User | None, region: str = "") -> QuerySet[Label]:
    """The labels with whose end somebody left the list between two days: the day after the label's last."""
    after = _same_subject().filter(
        Q(valid_from__lte=Shifted(OuterRef("valid_to"), 1)) & (Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_to")))
    )
    twin = _same_subject().filter(valid_to=OuterRef("valid_to"), pk__lt=OuterRef("pk"))
    rows = labels_of(kind, user, region).filter(valid_to__gte=first - DAY, valid_to__lte=last - DAY)
    return rows.exclude(Exists(after)).exclude(Exists(twin))


def by_place(rows: QuerySet[Label], digits: int) -> dict[str, int]:
    """How many subjects of the labels live in each place (the first digits of its code)."""
    found = rows.order_by().values(place=Substr("household__region_code", 1, digits))
    return {row["place"]: row["n"] for row in found.annotate(n=Count(SUBJECT, distinct=True))}


def _same_subject() -> QuerySet[Label]:
    """Other labels of the same kind and subject. A person's labels follow the person into another household."""
    return (
        Label.objects.annotate(subject=SUBJECT)
        .filter(
            household=OuterRef("household"),
            kind=OuterRef("kind"),
            subject=Coalesce(OuterRef("person_id"), OuterRef("household_id") * -1),
        )
        .exclude(pk=OuterRef("pk"))
    )
