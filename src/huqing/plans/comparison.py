"""What departments know of a household, beside what its file says: facts for a person to confirm, never a decision."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from huqing.access.numbers import hide_numbers
from huqing.access.scope import code_range
from huqing.intake.models import Import
from huqing.plans.declarations import Compared, declared
from huqing.plans.removal import never_taken_in
from huqing.registry import values as file
from huqing.registry.models import DepartmentRecord, Household
from huqing.rules.library import library
from huqing.screening.queries import explain_findings
from huqing.standards.fields import RecordKind, record_kinds

MOST_ROWS = 20
COUNTY_DIGITS = 6


@dataclass(frozen=True)
class Row:
    """One row of a department: whom it is about, the fields that may be shown, the file it came with."""

    who: str
    facts: tuple[tuple[str, str], ...]
    source: str
    on: str


@dataclass(frozen=True)
class Department:
    """One kind of department data. ``missing`` says why there is nothing to look at; "" when the county has it."""

    kind: str
    title: str
    department: str
    rows: tuple[Row, ...] = ()
    more: int = 0
    last: str = ""
    missing: str = ""
    differences: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Everything: what the household said of its income, and each department."""

    on: dt.date
    said: tuple[tuple[str, str], ...]
    departments: tuple[Department, ...] = field(default_factory=tuple)

    @property
    def telling(self) -> list[Department]:
        """Those that say something, or should and cannot."""
        return [one for one in self.departments if one.rows or one.missing or one.differences or one.open_questions]

    @property
    def silent(self) -> list[Department]:
        """Those that were taken in and do not name the household."""
        return [one for one in self.departments if one not in self.telling]


def compare(household: Household, day: dt.date) -> Comparison:
    """The facts about a household as they are now."""
    known = declared()
    names = dict(household.members.values_list("pk", "name"))
    rows: dict[str, list[DepartmentRecord]] = defaultdict(list)
    linked = DepartmentRecord.objects.filter(household=household, kind__in=list(known.compared), retired_by=None)
    for record in linked.select_related("source").order_by("-on", "-pk"):
        rows[record.kind].append(record)
    absent = never_taken_in(household.region_code)
    differences, questions = _differences(household, day, absent)
    last = _last_imports(household.region_code)
    found = []
    for key, compared in known.compared.items():
        kind = record_kinds()[key]
        taken = last.get(key, "")
        missing = ""
        if key in absent:
            missing = f"没有{kind.department}的{kind.name}" + (f"，{taken}。" if taken else "，从来没有导入过。")
        shown = tuple(_row(record, kind, compared, names) for record in rows[key][:MOST_ROWS])
        found.append(
            Department(
                kind=key,
                title=kind.name,
                department=kind.department,
                rows=shown,
                more=len(rows[key]) - len(shown),
                last=taken,
                missing=missing,
                differences=tuple(differences.get(key, ())),
                open_questions=tuple(questions.get(key, ())),
            )
        )
    return Comparison(day, _said(household), tuple(found))


def frozen(found: Comparison, note: str) -> dict[str, Any]:
    """The comparison as a paper of a case keeps it: whitelisted fields only."""
    return {
        "text": note,
        "said": [list(pair) for pair in found.said],
        "departments": [
            {
                "kind": one.kind,
                "title": one.title,
                "department": one.department,
                "last": one.last,
                "missing": one.missing,
                "rows": [
                    {"who": row.who, "facts": [list(pair) for pair in row.facts], "source": row.source, "on": row.on}
                    for row in one.rows
                ],
                "more": one.more,
                "differences": list(one.differences),
                "open": list(one.open_questions),
            }
            for one in found.departments
        ],
    }


def _said(household: Household) -> tuple[tuple[str, str], ...]:
    kind = record_kinds()["household"]
    found = []
    for key in declared().income:
        value = household.items.get(key)
        text = file.shown(kind[key], value)
        found.append((kind[key].label, f"{text} {kind[key].unit or '元'}" if text else "没有填"))
    return tuple(found)


def _row(record: DepartmentRecord, kind: RecordKind, compared: Compared, names: dict[int, str]) -> Row:
    facts = []
    for key in compared.fields:
        text = file.shown(kind[key], record.items.get(key))
        if text:
            facts.append((kind[key].label, hide_numbers(text) if kind[key].type == "text" else text))
    who = names.get(record.person_id or 0, "") or ("全户" if kind.subject == "household" else "本户")
    return Row(who, tuple(facts), hide_numbers(record.source.title), record.source.on.isoformat())


def _differences(
    household: Household, day: dt.date, absent: frozenset[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """By kind what the rules find between file and department, and what they could not tell."""
    of = {finding: key for key, one in declared().compared.items() for finding in one.findings}
    told = explain_findings(household, list(of), as_of=day, empty=absent)
    rules = library().findings
    names = dict(household.members.values_list("pk", "name"))
    found: dict[str, list[str]] = defaultdict(list)
    unknown: dict[str, list[str]] = defaultdict(list)
    for decision in told.decisions:
        key = of[decision.finding]
        whose = f"{names.get(decision.person_id, '')}：" if decision.person_id else ""
        if decision.state == "found":
            found[key].append(f"{whose}{decision.sentence}")
        elif decision.state == "unknown":
            unknown[key].append(f"{whose}“{decision.title}”无法判断，缺少{'、'.join(decision.missing)}。")
    for finding, why in told.not_run.items():
        if finding in of and of[finding] not in absent:
            unknown[of[finding]].append(f"“{rules[finding].title}”没有判断：{why}。")
    return found, unknown


def _last_imports(region_code: str) -> dict[str, str]:
    """By kind when the county last took such a file in, in words."""
    county = region_code[:COUNTY_DIGITS]
    applied = Import.objects.filter(code_range(county), state=Import.State.APPLIED).exclude(applied_at=None)
    told: dict[str, str] = {}
    for kind, name, on, at in applied.order_by("-pk").values_list(
        "record_kind", "file_name", "data_date", "applied_at"
    ):
        day = timezone.localtime(at).date()
        told.setdefault(kind, f"最后一次导入是 {day:%Y-%m-%d} 的“{hide_numbers(name)}”（数据日期 {on:%Y-%m-%d}）")
    return told
