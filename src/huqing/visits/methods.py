"""The methods in use: each installed method with the manifest it was installed with."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from huqing.access.instance import data_folder
from huqing.packs import manifest
from huqing.packs.errors import PackError
from huqing.packs.reading import Reader
from huqing.packs.shipped import FOLDER
from huqing.rules.library import library
from huqing.rules.parameters import Parameter, Parameters, load
from huqing.standards.money import yuan_text
from huqing.visits.models import Method

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InUse:
    """An active method and what its manifest says."""

    row: Method
    told: manifest.Method

    def roles(self, actor: str) -> frozenset[str]:
        """The roles of the ledger that this actor holds; empty: any role."""
        return next((frozenset(item.duties) for item in self.told.actors if item.key == actor), frozenset())


def in_use(key: str = "") -> list[InUse]:
    """The active methods (or the one of that key) in the order in which they were installed.

    One whose files are gone is left out and logged: the visits of the others go on.
    """
    rows = Method.objects.filter(active=True).order_by("pk")
    found = []
    for row in rows.filter(key=key) if key else rows:
        try:
            found.append(InUse(row, told_by(row)))
        except PackError as error:
            logger.error("工作法 %s 的文件读不出来：%s", row.key, error)
    return found


def told_by(row: Method) -> manifest.Method:
    """The manifest of an installed method; PackError if its folder is gone or no longer readable."""
    return _read(folder_of(row), row.digest)


def folder_of(row: Method) -> Path:
    """Where a method's files lie; those of a county's own method are named from the data folder, which may move."""
    return data_folder() / row.folder if row.folder else FOLDER / row.key


@lru_cache(maxsize=32)
def _read(folder: Path, digest: str) -> manifest.Method:
    # The digest is part of the key: a method installed anew from the same folder is read anew.
    reader = Reader(folder)
    told = reader.method()
    if told is None or reader.problems:
        raise PackError(reader.problems)
    return told


def parameters_of(row: Method | None) -> Mapping[str, Parameter]:
    """The parameters that the forms of a method may read: the installation's and the method's own."""
    known = library().parameters
    return known if row is None else {**_own(folder_of(row) / "parameters", row.digest), **known}


def parameter_text(parameter: Parameter | None, day: dt.date, region: str) -> str:
    """The value in force as a form takes it, money in yuan; "" if there is none there and then."""
    dated = parameter.at(day, region) if parameter else None
    if parameter is None or dated is None:
        return ""
    value = dated.value
    return yuan_text(value) if parameter.type == "money" and isinstance(value, int) else str(value)


@lru_cache(maxsize=32)
def _own(folder: Path, digest: str) -> Parameters:
    return load(folder)
