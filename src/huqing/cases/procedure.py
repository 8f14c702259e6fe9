"""The procedure of a case: chosen by place and day when it begins, frozen from then on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from huqing.cases.errors import CaseError
from huqing.cases.models import CaseState, ProcedureVersion
from huqing.packs.errors import PackError
from huqing.packs.procedures import Move, Procedure, State, procedures
from huqing.packs.procedures.declaration import Total, chosen
from huqing.standards.workdays import Term

FOLDER = "procedures"


def frozen_for(region: str, day: dt.date) -> ProcedureVersion:
    """The version a case of a region that begins on a day follows; CaseError if none is in force or one is wrong."""
    try:
        made = chosen(procedures(Path(settings.DATA) / FOLDER), region, day)
    except PackError as error:
        raise CaseError(f"办理程序的声明有误，请系统管理员改正：{error}") from error
    except LookupError as error:
        raise CaseError(str(error)) from error
    told = as_data(made)
    digest = hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    version, new = ProcedureVersion.objects.get_or_create(
        key=made.key,
        digest=digest,
        defaults={"title": made.title, "declaration": told, "first_used_at": timezone.now()},
    )
    if new:
        CaseState.objects.bulk_create(
            CaseState(procedure=version, key=state.key, title=state.title, kind=state.kind) for state in made.states
        )
    return version


def procedure_of(version: ProcedureVersion) -> Procedure:
    """The declaration of a version."""
    return _parsed(version.digest, json.dumps(version.declaration, ensure_ascii=False))


@lru_cache(maxsize=64)
def _parsed(_digest: str, text: str) -> Procedure:
    return from_data(json.loads(text))


def as_data(made: Procedure) -> dict[str, Any]:
    """What of a declaration a case needs, as plain data."""
    return {
        "key": made.key,
        "title": made.title,
        "source": made.source,
        "note": made.note,
        "states": [dataclasses.asdict(state) for state in made.states],
        "moves": [dataclasses.asdict(move) for move in made.moves],
        "total": dataclasses.asdict(made.total) if made.total else None,
    }


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
        by_key={state.key: state for state in states},
    )


def _term(told: dict[str, Any] | None) -> Term | None:
    return Term(**told) if told else None
