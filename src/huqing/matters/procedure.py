"""The procedure of a matter: chosen by place and day when it is raised, frozen from then on."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from huqing.matters.errors import MatterError
from huqing.matters.models import MatterProcedure, MatterState
from huqing.packs.errors import PackError
from huqing.packs.procedures import Procedure, procedures
from huqing.packs.procedures.declaration import chosen
from huqing.packs.procedures.frozen import as_data, digest_of, from_data

FOLDER = "procedures"
RECTIFICATION = "rectification"


def frozen_for(region: str, day: dt.date) -> MatterProcedure:
    """The version a matter of a region raised on a day follows; MatterError if none is in force or one is wrong."""
    try:
        return _kept(chosen(_known(), region, day, of="matter"))
    except LookupError as error:
        raise MatterError(str(error)) from error


def frozen_rectification() -> MatterProcedure:
    """The version a rectification item follows."""
    return _kept(_known()[RECTIFICATION])


def procedure_of(version: MatterProcedure) -> Procedure:
    """The declaration of a version."""
    return _parsed(version.digest, json.dumps(version.declaration, ensure_ascii=False))


def _known() -> dict[str, Procedure]:
    try:
        return dict(procedures(Path(settings.DATA) / FOLDER))
    except PackError as error:
        raise MatterError(f"办理程序的声明有误，请系统管理员改正：{error}") from error


def _kept(made: Procedure) -> MatterProcedure:
    told = as_data(made)
    version, new = MatterProcedure.objects.get_or_create(
        key=made.key,
        digest=digest_of(told),
        defaults={"title": made.title, "declaration": told, "first_used_at": timezone.now()},
    )
    if new:
        MatterState.objects.bulk_create(
            MatterState(procedure=version, key=state.key, title=state.title, kind=state.kind) for state in made.states
        )
    return version


@lru_cache(maxsize=16)
def _parsed(_digest: str, text: str) -> Procedure:
    return from_data(json.loads(text))
