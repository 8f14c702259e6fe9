"""What the review queue shows: a department's row and a person side by side, and the score in words."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from huqing.intake.models import LinkCandidate
from huqing.office import places
from huqing.office.household_file import NUMERIC, Fact, masked, shown
from huqing.registry.models import DepartmentRecord, Person
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.periods import age_on

NOT_COMPARED = "缺，无法比对"
# In bits: each doubles the odds that both are one person.
STRONG, CLEAR = 6.0, 2.0
SAME_KIND_SHOWN = 5


@dataclass(frozen=True)
class Line:
    """One line of the comparison; ``tone`` names the badge's colour."""

    field: str
    row: str
    person: str
    agreement: str
    weight: float
    meaning: str
    tone: str

    @property
    def compared(self) -> bool:
        """Whether both sides hold a value."""
        return self.agreement != NOT_COMPARED


@dataclass(frozen=True)
class Comparison:
    """All lines, and how they add up to the score: ``start`` + ``sum`` = ``total``, all in bits."""

    lines: list[Line]
    start: float
    sum: float
    total: float
    missing: list[str]


def comparison(candidate: LinkCandidate) -> Comparison:
    """The stored explanation of a candidate in words; the start is what two people taken at random would have."""
    lines = [_line(raw) for raw in candidate.explanation]
    total = math.log2(_odds(candidate.score))
    added = sum(line.weight for line in lines)
    return Comparison(
        lines=[line for line in lines if line.compared],
        start=round(total - added, 1),
        sum=round(added, 1),
        total=round(total, 1),
        missing=[line.field for line in lines if not line.compared],
    )


def _odds(score: float) -> float:
    kept = min(max(score, 1e-9), 1 - 1e-9)
    return kept / (1 - kept)


def _line(raw: dict[str, Any]) -> Line:
    weight = float(raw["weight"])
    if raw["agreement"] == NOT_COMPARED:
        meaning, tone = "没有比对", "past"
    elif weight >= STRONG:
        meaning, tone = "有力支持", "good"
    elif weight >= CLEAR:
        meaning, tone = "支持", "good"
    elif weight > -CLEAR:
        meaning, tone = "说明不了什么", "low"
    elif weight > -STRONG:
        meaning, tone = "不利", "medium"
    else:
        meaning, tone = "很不利", "high"
    return Line(raw["field"], raw["row"], raw["person"], raw["agreement"], weight, meaning, tone)


def summary(candidate: LinkCandidate) -> str:
    """What agrees and what does not, in one line."""
    lines = [line for line in map(_line, candidate.explanation) if line.compared]
    return "，".join(f"{line.field}{line.agreement}" for line in lines) or "没有可比对的项"


def record_facts(record: DepartmentRecord) -> list[Fact]:
    """Everything the department's row says, numbers masked."""
    kind = record_kinds()[record.kind]
    facts = [Fact("subject_name", "姓名", record.subject_name)]
    if record.id_number_sealed:
        facts.append(Fact("id_number", "证件号码", masked("id_number", record.id_number_sealed)))
    facts += [
        Fact(field.key, field.label, shown(field, record.items[field.key]), field.unit, numeric=field.type in NUMERIC)
        for field in kind.items
        if field.key in record.items
    ]
    return [fact for fact in facts if fact.text]


def person_facts(person: Person, *, today: dt.date) -> list[Fact]:
    """What the file says of the person, numbers masked."""
    household = person.household
    born = ""
    if person.birth_date:
        born = f"{person.birth_date:%Y-%m-%d}（{age_on(person.birth_date, today)} 岁）"
    facts = [
        Fact("name", "姓名", person.name),
        Fact("id_number", "证件号码", masked("id_number", person.id_number_sealed)),
        Fact("sex", "性别", codelist("sex").label(person.sex).removesuffix("性") if person.sex else ""),
        Fact("birth_date", "出生日期", born),
        Fact("place", "所在村", places.name_of(person.region_code)),
    ]
    if household is not None:
        relation = codelist("relation_to_head").label(person.relation) if person.relation else ""
        family = household.members.exclude(pk=person.pk).order_by("relation", "id").values_list("name", flat=True)
        facts += [
            Fact("group", "村民小组", household.group_name),
            Fact("head", "户主", f"{household.head_name}（本人是{relation}）" if relation else household.head_name),
            Fact("family", "同户其他人", "、".join(family)),
        ]
    return [fact for fact in facts if fact.text]


def records_of_same_kind(candidate: LinkCandidate) -> list[DepartmentRecord]:
    """Rows of the same kind of file that are already linked to the person: the department may list them twice."""
    rows = candidate.person.records.filter(kind=candidate.record.kind, retired_by=None).select_related("source")
    return list(rows.exclude(pk=candidate.record_id).order_by("-on", "-id")[:SAME_KIND_SHOWN])
