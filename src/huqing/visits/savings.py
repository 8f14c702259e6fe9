"""Entries avoided (少填了多少): what forms brought along or worked out, against what somebody had to type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Max, Sum

from huqing.visits.models import Form
from huqing.visits.queries import STANDING, submissions

if TYPE_CHECKING:
    from huqing.access.models import User


@dataclass(frozen=True)
class Saving:
    """Items of some submissions: typed by hand, prefilled and left as they were, derived by the form."""

    submissions: int = 0
    typed: int = 0
    prefilled: int = 0
    derived: int = 0

    @property
    def avoided(self) -> int:
        """Items nobody had to type."""
        return self.prefilled + self.derived

    @property
    def items(self) -> int:
        """All items with a value."""
        return self.typed + self.avoided

    @property
    def share(self) -> float | None:
        """The share nobody had to type; None without any item."""
        return self.avoided / self.items if self.items else None


@dataclass(frozen=True)
class FormSaving:
    """One form with its numbers; ``last`` is the day of the latest visit reported on it."""

    form: Form
    saving: Saving
    last: object = None


def per_form(user: User) -> list[FormSaving]:
    """All forms in the account's reach, most used first; forms nobody has used yet come last."""
    rows = (
        submissions(user)
        .filter(state__in=STANDING)
        .order_by()
        .values("form")
        .annotate(n=Count("pk"), t=Sum("typed"), p=Sum("prefilled"), d=Sum("derived"), last=Max("visited_on"))
    )
    numbers: Mapping[int, dict[str, object]] = {row["form"]: row for row in rows}
    told = []
    for form in Form.objects.select_related("method").order_by("title", "pk"):
        row = numbers.get(form.pk)
        saving = Saving(row["n"], row["t"], row["p"], row["d"]) if row else Saving()  # type: ignore[arg-type]
        told.append(FormSaving(form, saving, row["last"] if row else None))
    return sorted(told, key=lambda item: -item.saving.submissions)


def total(user: User) -> Saving:
    """All forms together."""
    row = (
        submissions(user)
        .filter(state__in=STANDING)
        .aggregate(n=Count("pk"), t=Sum("typed"), p=Sum("prefilled"), d=Sum("derived"))
    )
    return Saving(row["n"], row["t"] or 0, row["p"] or 0, row["d"] or 0)
