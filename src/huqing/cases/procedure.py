"""The procedure of a case: chosen by place and day when it begins, frozen from then on."""

from __future__ import annotations

import datetime as dt

from huqing.access.procedures import declared, frozen, procedure_of
from huqing.cases.errors import CaseError
from huqing.cases.models import CaseState, ProcedureVersion
from huqing.packs.errors import PackError
from huqing.packs.procedures.declaration import chosen

__all__ = ["frozen_for", "procedure_of"]


def frozen_for(region: str, day: dt.date) -> ProcedureVersion:
    """The version a case of a region that begins on a day follows; CaseError if none is in force or one is wrong."""
    try:
        return frozen(chosen(declared(), region, day), ProcedureVersion, CaseState)
    except PackError as error:
        raise CaseError(f"办理程序的声明有误，请系统管理员改正：{error}") from error
    except LookupError as error:
        raise CaseError(str(error)) from error
