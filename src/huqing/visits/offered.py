"""Which forms an account may fill in: those of the visits its duties ask for, and those that belong to no method."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db.models import Prefetch, Q

from huqing.access.models import Role
from huqing.access.permissions import may
from huqing.teams.queries import OWN_DUTY, Duties, duties_of
from huqing.visits.errands import Errand, errands_of
from huqing.visits.methods import InUse, in_use
from huqing.visits.models import Form, FormMedia, FormVersion

if TYPE_CHECKING:
    from huqing.access.models import User


def forms_of(
    user: User,
    *,
    on: dt.date | None = None,
    duties: Duties | None = None,
    errands: Iterable[Errand] | None = None,
) -> list[FormVersion]:
    """The newest version of every open form that is the account's business, by title.

    ``duties`` and ``errands`` if already read. Whoever is responsible for nothing, such as a county office trying a
    form, is offered all of them, but never those that are given by name to others.
    """
    offered = _open(user, on, duties, errands=errands) if may(user, "visit") else {}
    rows = FormVersion.objects.filter(form__in=offered).order_by("published_at", "id")
    newest = {row[0]: row for row in rows.values_list("form", "pk", "md5", "published_at")}
    versions = [_version(offered[form], *rest) for form, *rest in newest.values()]
    return sorted(versions, key=lambda version: (version.form.title, version.pk))


def open_version(user: User, pk: int) -> FormVersion | None:
    """One version of a form that is the account's business now; None when it is not, KeyError when there is none."""
    found = FormVersion.objects.filter(pk=pk).values_list("form", "md5", "published_at").first()
    if found is None:
        raise KeyError(pk)
    form = _open(user, None, None, only=found[0]).get(found[0]) if may(user, "visit") else None
    return _version(form, pk, *found[1:]) if form is not None else None


def _open(
    user: User,
    on: dt.date | None,
    duties: Duties | None,
    *,
    only: int | None = None,
    errands: Iterable[Errand] | None = None,
) -> dict[int, Form]:
    given = {errand.form for errand in (errands_of(user) if errands is None else errands)}
    forms = Form.objects.filter(Q(given_by="") | Q(pk__in=given), state=Form.State.OPEN)
    methods = {item.row.pk: item for item in in_use()}
    roles = duties.roles if duties is not None else _roles(user, on)
    found = {}
    for form in forms if only is None else forms.filter(pk=only):
        method = methods.get(form.method_id or 0)
        if form.method_id is not None and (method is None or not _asked(method, form.visit, roles)):
            continue
        if method is not None:
            form.method = method.row
        found[form.pk] = form
    return found


def _roles(user: User, on: dt.date | None) -> set[str]:
    """All roles the account holds for anything."""
    held = set(duties_of(user, on=on).order_by().values_list("role", flat=True).distinct())
    return held | ({OWN_DUTY[Role(user.role)]} if user.role in OWN_DUTY else set())


def _asked(method: InUse, visit: str, roles: set[str]) -> bool:
    """Whether an account with these roles makes this visit; a form of a duty besides visits is everybody's."""
    told = next((item for item in method.told.visits if item.key == visit), None)
    if told is None or not roles:
        return True
    asked = method.roles(told.actor)
    return not asked or bool(asked & roles)


def _version(form: Form, pk: int, md5: str, published_at: dt.datetime) -> FormVersion:
    version = copy.copy(_read(pk, md5, published_at))
    version.form = form
    return version


@lru_cache(maxsize=128)
def _read(pk: int, md5: str, published_at: dt.datetime) -> FormVersion:
    """A version with the names of its files; it never changes, and reading it takes long."""
    media = Prefetch("media", FormMedia.objects.only("version", "name", "md5").order_by("name"))
    return FormVersion.objects.defer("source").prefetch_related(media).get(pk=pk)
