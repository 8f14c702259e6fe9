"""Which findings can be decided at all for a region, a day and the files a county has taken in."""

from __future__ import annotations

import datetime
from collections.abc import Sequence, Set

from huqing.rules.entities import entities
from huqing.rules.library import Library
from huqing.rules.parameters import lacking
from huqing.standards.fields import department_kinds


def runnable(
    library: Library,
    *,
    as_of: datetime.date,
    region: str,
    findings: Sequence[str] | None = None,
    empty: Set[str] = frozenset(),
) -> tuple[list[str], dict[str, str]]:
    """The findings that can be decided, and for each of the others the reason, in words for the county office.

    A parameter without a value, or a department file of which the county has no row at all (``empty``), would make a
    finding unknown for everybody; that is said once instead. Findings that are ``asked`` take part only if named.
    """
    usual = [key for key, rule in library.findings.items() if not rule.asked]
    chosen: list[str] = []
    not_run: dict[str, str] = {}
    for key in findings if findings is not None else usual:
        reasons = []
        without = [name for name in library.parameters_of(key) if library.parameters[name].at(as_of, region) is None]
        if without:
            titles = "、".join(f"{name}（{library.parameters[name].title}）" for name in without)
            reasons.append(f"{lacking(region, as_of)} {titles} 的取值，请在参数文件中补上")
        absent = sorted(library.files_of(key) & empty)
        if absent:
            kinds = department_kinds()
            names = "、".join(f"“{entities()[name].title}”（{kinds[name].department}）" for name in absent)
            reasons.append(f"还没有导入{names}，导入后再筛查")
        if reasons:
            not_run[key] = "；".join(reasons)
        else:
            chosen.append(key)
    return chosen, not_run
