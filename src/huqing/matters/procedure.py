"""The procedure of a matter: chosen by place and day when it is raised, frozen from then on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from huqing.access.procedures import declared, frozen, procedure_of
from huqing.matters.errors import MatterError
from huqing.matters.models import MatterProcedure, MatterState
from huqing.packs.errors import PackError
from huqing.packs.procedures import Procedure
from huqing.packs.procedures.declaration import chosen

__all__ = ["frozen_for", "frozen_rectification", "procedure_of"]

RECTIFICATION = "rectification"


def frozen_for(region: str, day: dt.date) -> MatterProcedure:
    """The version a matter of a region raised on a day follows; MatterError if none is in force or one is wrong."""
    try:
        made = chosen(_known(), region, day, of="matter")
    except LookupError as error:
        raise MatterError(str(error)) from error
    return frozen(made, MatterProcedure, MatterState)


def frozen_rectification() -> MatterProcedure:
    """The version a rectification item follows."""
    return frozen(_known()[RECTIFICATION], MatterProcedure, MatterState)


def _known() -> Mapping[str, Procedure]:
    try:
        return declared()
    except PackError as error:
        raise MatterError(f"办理程序的声明有误，请系统管理员改正：{error}") from error
