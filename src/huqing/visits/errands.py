"""Visits that another app gives to one account by name (派办), whoever looks after the household.

The standing visits follow the ledger of duties; some visits must not: whoever re-verifies a household must not be the
one who answers for it. An app above this one registers a ``Giver`` and publishes forms that name it
(``Form.given_by``). Such a form is offered only while its giver says that something is open; the households it names
are told to the phone with their address, their people and what the form reads, and nothing else. A record filled in on
it goes through the ordinary receiving and, instead of landing in the file, to the giver.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from huqing.access.permissions import may
from huqing.registry.models import Household
from huqing.visits.models import Form, Submission

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from huqing.access.models import User


@dataclass(frozen=True)
class Errand:
    """One household to be gone to: the giver's number of it, the form to fill in, the last day."""

    number: int
    form: int
    household: int
    title: str
    due: dt.date | None = None


class Giver(Protocol):
    """What an app that gives errands answers."""

    def open_for(self, user: User) -> Sequence[Errand]:
        """What an account is to do now, the most urgent first."""

    def why_not(self, user: User, form: Form, household: int | None) -> str:
        """Why a record of this household may not come from this account; "" when it may, however late."""

    def land(self, submission: Submission) -> dict[str, Any]:
        """Take a complete record in; what became of it, as ``Submission.landing``. Called in a transaction."""


_givers: dict[str, Giver] = {}


def register(name: str, giver: Giver) -> None:
    """Let an app give errands; ``name`` is what its forms carry in ``given_by``."""
    _givers[name] = giver


def errands_of(user: User) -> list[Errand]:
    """Everything that is given to an account by name, the most urgent of each giver first."""
    return [errand for giver in _givers.values() for errand in giver.open_for(user)] if may(user, "visit") else []


def households_of(user: User, form: Form) -> QuerySet[Household]:
    """The households for which an account is to fill in this form."""
    return Household.objects.filter(pk__in={one.household for one in errands_of(user) if one.form == form.pk})


def why_not(user: User, form: Form, household: int | None) -> str:
    """Why a record of this household may not come from this account; "" when it may."""
    giver = _givers.get(form.given_by)
    return giver.why_not(user, form, household) if giver else "派办这张表的功能已停用。"


def land(submission: Submission) -> None:
    """Hand a complete record to whoever gave its form, and keep what became of it."""
    giver = _givers.get(submission.form.given_by)
    reason = {"全部": "派办这张表的功能已停用，记录已保存"}
    submission.landing = giver.land(submission) if giver else {"applied": [], "older": [], "refused": reason}
    submission.save(update_fields=["landing"])
