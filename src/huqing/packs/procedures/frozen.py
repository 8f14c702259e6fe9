"""A procedure as plain data, for what must go on as it began although the declaration has changed since."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from huqing.packs.procedures.declaration import Escalation, Move, Procedure, State, Total
from huqing.standards.workdays import Term


def as_data(made: Procedure) -> dict[str, Any]:
    """What of a declaration those who follow it need."""
    told: dict[str, Any] = {
        "key": made.key,
        "title": made.title,
        "source": made.source,
        "note": made.note,
        "states": [dataclasses.asdict(state) for state in made.states],
        "moves": [dataclasses.asdict(move) for move in made.moves],
        "total": dataclasses.asdict(made.total) if made.total else None,
    }
    if made.of != "case":
        told["of"] = made.of
    if made.escalate:
        told["escalate"] = dataclasses.asdict(made.escalate)
    return told


def digest_of(told: dict[str, Any]) -> str:
    """The SHA-256 of a procedure's plain data."""
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def from_data(told: dict[str, Any]) -> Procedure:
    """The opposite of ``as_data``."""
    states = tuple(
        State(**{**state, "within": _term(state["within"]), "at_least": _term(state["at_least"])})
        for state in told["states"]
    )
    moves = tuple(
        Move(**{**move, "start": tuple(move["start"]), "by": tuple(move["by"]), "needs": tuple(move["needs"])})
        for move in told["moves"]
    )
    total = told["total"]
    return Procedure(
        key=told["key"],
        title=told["title"],
        source=told["source"],
        note=told["note"],
        states=states,
        moves=moves,
        total=Total(total["start"], total["end"], Term(**total["within"])) if total else None,
        of=told.get("of", "case"),
        escalate=_escalation(told.get("escalate")),
        by_key={state.key: state for state in states},
    )


def _term(told: dict[str, Any] | None) -> Term | None:
    return Term(**told) if told else None


def _escalation(told: dict[str, Any] | None) -> Escalation | None:
    return Escalation(told["to"], Term(**told["after"])) if told else None
