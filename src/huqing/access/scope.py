"""Which rows an account may see: one place that every query goes through.

Region codes are hierarchical, so scope is a prefix test, written as a range so that the index on the column serves it.
A model says with its manager where its region, grid, household and record kind are found::

    objects = ScopedManager()                                         # region_code, plus grid/household if it has them
    objects = ScopedManager(region="household__region_code", grid="household__grid")

An account without a region sees nothing. The administrator roles see no rows of people. A grid worker sees the rows of
the own grid; somebody who only visits, those of the households in their care. A department sees, in its region, only
rows of its own kinds of records, and nothing about households.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Manager, Model, Q, QuerySet

from huqing.access.models import ADMINISTRATORS, Role
from huqing.standards.fields import record_kinds

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from huqing.access.models import User

Row = TypeVar("Row", bound=Model)

CODE_LENGTH = 12
_LEVELS = (2, 4, 6, 9, CODE_LENGTH)


@dataclass(frozen=True)
class Scope:
    """Where a model keeps what its visibility depends on; "" where it has no such thing.

    ``public_place`` marks rows that say nothing about people (regions, grids): everyone with a region sees those of it.
    """

    region: str = "region_code"
    grid: str = ""
    kind: str = ""
    public_place: bool = False


def prefix_of(code: str) -> str:
    """The significant part of a region code: "500236000000" is the county "500236", "500236100000" a town.

    Raises ValueError for what is not 2, 4, 6, 9 or 12 digits.
    """
    if not code:
        return ""
    if not (code.isascii() and code.isdigit() and len(code) in _LEVELS):
        raise ValueError(f"区划代码 {code} 应为 2、4、6、9 或 12 位数字。")
    if len(code) != CODE_LENGTH:
        return code
    for length in _LEVELS[:-1]:
        if code[length:].strip("0") == "":
            return code[:length]
    return code


def code_range(prefix: str, field: str = "region_code") -> Q:
    """The rows whose code starts with ``prefix``, as ``>= prefix and < next``; an empty prefix matches no row."""
    if not prefix:
        return Q(pk__in=[])
    within = Q(**{f"{field}__gte": prefix})
    following = str(int(prefix) + 1).zfill(len(prefix))
    # After 99 comes nothing: no code is greater than one that starts with nines only.
    return within & Q(**{f"{field}__lt": following}) if len(following) == len(prefix) else within


def covers(prefix: str, code: str) -> bool:
    """Whether a region ``code`` lies in the region of ``prefix``; an empty prefix covers nothing."""
    return bool(prefix) and code.startswith(prefix)


def same_branch(one: str, other: str) -> bool:
    """Whether one of two regions lies in the other (or is the other); never true of an empty one."""
    first, second = prefix_of(one), prefix_of(other)
    return bool(first and second) and (first.startswith(second) or second.startswith(first))


def scope_of(model: type[Model]) -> Scope:
    """The declared scope of a model, or what its fields suggest."""
    manager = model._default_manager
    if isinstance(manager, ScopedManager) and manager.declared is not None:
        return manager.declared
    return Scope(grid=_guess_grid(model))


def _guess_grid(model: type[Model]) -> str:
    for field, path in (("grid", "grid"), ("household", "household__grid")):
        try:
            model._meta.get_field(field)
        except FieldDoesNotExist:
            continue
        return path
    return ""


def department_kinds_of(user: User) -> list[str]:
    """The record kinds a department account works with: those its department is responsible for."""
    if not user.department:
        return []
    return [key for key, kind in record_kinds().items() if kind.department == user.department]


_in_care: Callable[[User], QuerySet[Any]] | None = None


def narrow_visitors(households: Callable[[User], QuerySet[Any]]) -> None:
    """Say which households are in the care of an account that only visits; the ledger of duties does."""
    global _in_care  # noqa: PLW0603  set once, when the ledger's app is ready
    _in_care = households


def _household_of(scope: Scope) -> str:
    """The path to the household, given the path to its grid: "household__grid" is "household", "grid" is the row."""
    return scope.grid.removesuffix("grid").removesuffix("__") or "pk"


def visible(
    queryset: QuerySet[Row], user: User | AnonymousUser | None, field: str = "", *, within: str = ""
) -> QuerySet[Row]:
    """The rows of ``queryset`` that ``user`` may see; ``field``: the region column if not the declared one.

    ``within`` narrows them to a region: one range of codes then, where databases would read all of the wider of two.
    """
    allowed = _allowed(scope_of(queryset.model), user, field, within)
    return queryset.none() if allowed is None else queryset.filter(allowed)


def _allowed(scope: Scope, user: User | AnonymousUser | None, field: str, within: str = "") -> Q | None:
    """The condition on rows that ``user`` may see; None when there is none to see."""
    if user is None or not user.is_authenticated or not user.is_active:
        return None
    if not user.region_code or user.role in ADMINISTRATORS:
        return None
    region, inside = field or scope.region, covers(user.region_code, within)
    condition: Q | None = code_range(within if inside else user.region_code, region)
    if within and not inside:
        condition = condition & code_range(within, region)
    if scope.public_place:
        return condition
    if user.role == Role.GRID:
        own = scope.grid and user.grid_id is not None
        condition = condition & Q(**{scope.grid: user.grid_id}) if condition and own else None
    elif user.role == Role.VISITOR:
        own = scope.grid and _in_care is not None
        condition = condition & Q(**{f"{_household_of(scope)}__in": _in_care(user)}) if condition and own else None
    elif user.role == Role.DEPARTMENT:
        kinds = department_kinds_of(user)
        condition = condition & Q(**{f"{scope.kind}__in": kinds}) if condition and scope.kind else None
    return condition


def sees(user: User | AnonymousUser | None, row: Model) -> bool:
    """Whether ``user`` may see this one row."""
    rows: QuerySet[Any] = type(row)._default_manager.all()
    return visible(rows, user).filter(pk=row.pk).exists()


class ScopedQuerySet(QuerySet[Row]):
    """A queryset that can be narrowed to what an account may see."""

    def visible_to(self, user: User | AnonymousUser | None, *, within: str = "") -> ScopedQuerySet[Row]:
        """The rows ``user`` may see, of the region ``within`` only if one is given."""
        return visible(self, user, within=within)  # type: ignore[return-value]

    def in_region(self, prefix: str) -> ScopedQuerySet[Row]:
        """The rows of the region whose code starts with ``prefix``."""
        return self.filter(code_range(prefix, scope_of(self.model).region))


class ScopedManager(Manager.from_queryset(ScopedQuerySet)):  # type: ignore[misc]
    """The manager of every model whose rows belong to a place; see the module docstring for its arguments."""

    declared: Scope | None = None

    def __init__(self, *, region: str = "", grid: str = "", kind: str = "", public_place: bool = False) -> None:
        super().__init__()
        if region or grid or kind or public_place:
            self.declared = Scope(region=region or "region_code", grid=grid, kind=kind, public_place=public_place)
