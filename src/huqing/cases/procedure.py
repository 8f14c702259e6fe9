"""The procedure of a case: chosen by place and day when it begins, frozen from then on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from huqing.cases.errors import CaseError
from huqing.cases.models import CaseState, ProcedureVersion
from huqing.packs.errors import PackError
from huqing.packs.procedures import Procedure, procedures
from huqing.packs.procedures.declaration import chosen
from huqing.packs.procedures.frozen import as_data, digest_of, from_data

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
    digest = digest_of(told)
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
    made = _PARSED.get(version.digest)
    if made is None:
        # Lists of cases read a version again and again, which is as long as the rest of a row.
        made = _PARSED[version.digest] = from_data(version.declaration)
    return made


_PARSED: dict[str, Procedure] = {}
