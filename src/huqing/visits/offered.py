"""Which forms an account may fill in: those of the visits its duties ask for, and those that belong to no method."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from huqing.access.permissions import may
from huqing.teams.queries import Duties, duties_by_place
from huqing.visits.methods import InUse, in_use
from huqing.visits.models import Form, FormVersion

if TYPE_CHECKING:
    from huqing.access.models import User


def forms_of(user: User, *, on: dt.date | None = None, duties: Duties | None = None) -> list[FormVersion]:
    """The newest version of every open form that is the account's business, by title; ``duties`` if already read.

    Whoever is responsible for nothing, such as a county office trying a form, is offered all of them.
    """
    offered = open_forms(user, on=on, duties=duties)
    newest: dict[int, FormVersion] = {}
    for version in FormVersion.objects.filter(form__in=offered).defer("source").order_by("published_at", "id"):
        version.form = offered[version.form_id]
        newest[version.form_id] = version
    return sorted(newest.values(), key=lambda version: (version.form.title, version.pk))


def open_forms(user: User, *, on: dt.date | None = None, duties: Duties | None = None) -> dict[int, Form]:
    """The open forms that are the account's business, by key."""
    if not may(user, "visit"):
        return {}
    roles = (duties or duties_by_place(user, on=on)).roles
    methods = {item.row.pk: item for item in in_use()}
    return {
        form.pk: form
        for form in Form.objects.filter(state=Form.State.OPEN)
        if form.method_id is None or (form.method_id in methods and _asked(methods[form.method_id], form.visit, roles))
    }


def _asked(method: InUse, visit: str, roles: set[str]) -> bool:
    """Whether an account with these roles makes this visit; a form of a duty besides visits is everybody's."""
    told = next((item for item in method.told.visits if item.key == visit), None)
    if told is None or not roles:
        return True
    asked = method.roles(told.actor)
    return not asked or bool(asked & roles)
