"""The states of the procedures that cases follow, read without the declarations they come from.

A declaration is as long as thirty rows of a list and takes longer to read than they do; a process parses each once
(``procedure_of``) and afterwards needs only its digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import F, QuerySet

from huqing.access.prepared import prepared
from huqing.cases.models import CaseState, ProcedureVersion
from huqing.cases.procedure import procedure_of
from huqing.packs.procedures import Move


@prepared
def _states() -> QuerySet[CaseState]:
    return CaseState.objects.annotate(digest=F("procedure__digest")).order_by("-procedure_id", "pk")


def every() -> list[CaseState]:
    """All states with their procedures, the latest procedure first, each in the order of its declaration."""
    states = _states()
    versions: dict[int, ProcedureVersion] = {}
    for state in states:
        if state.procedure_id not in versions:
            # As if read with its key and digest only: the rest is read when a process first meets the version.
            told = [state.procedure_id, vars(state)["digest"]]
            versions[state.procedure_id] = ProcedureVersion.from_db(state._state.db, ["id", "digest"], told)
        state.procedure = versions[state.procedure_id]
    return states


def moves_of(state: CaseState) -> tuple[Move, ...]:
    """The steps that begin in a state, the ordinary one first."""
    return procedure_of(state.procedure).moves_from(state.key)


def asking(needs: Iterable[str], states: Iterable[CaseState] | None = None) -> list[int]:
    """The states a step of which needs one of some papers; ``states`` are all there are, if they have been read."""
    wanted = set(needs)
    known = every() if states is None else states
    return [state.pk for state in known if any(wanted & set(move.needs) for move in moves_of(state))]


def waiting_for(role: str, states: Iterable[CaseState]) -> set[int]:
    """The states in which the ordinary next step, or the one after a decision, is this role's; standing ones wait for
    nobody."""
    found = set()
    for state in states:
        first = moves_of(state)[:1] if state.kind != "standing" else ()
        if first and role in first[0].by:
            found.add(state.pk)
    return found


def offered(role: str, states: Iterable[CaseState], counts: Mapping[int, int]) -> list[tuple[Move, int]]:
    """The steps a role may take for some of many cases, each with how many stand where it begins.

    ``counts`` are the cases by the key of their state.
    """
    found: dict[str, tuple[Move, int]] = {}
    for state in sorted(states, key=lambda one: one.pk):
        for move in moves_of(state) if state.pk in counts else ():
            if not move.auto and role in move.by:
                first, known = found.get(move.key, (move, 0))
                found[move.key] = (first, known + counts[state.pk])
    return list(found.values())


def in_order(states: Iterable[CaseState], held: Iterable[int]) -> list[tuple[str, str, list[int]]]:
    """The states with the keys ``held`` as (key, title, keys): one that stands in several versions stands once."""
    wanted = set(held)
    found: dict[str, tuple[str, list[int]]] = {}
    for state in states:
        if state.pk in wanted:
            found.setdefault(state.key, (state.title, []))[1].append(state.pk)
    return [(key, title, ids) for key, (title, ids) in found.items()]
