"""A person's hospital bills step by step: what each layer pays by the rules, beside what the bill says was paid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from huqing.policies.statement import Bill, BillStatement, Statement, statement_for
from huqing.registry.models import DepartmentRecord, Label, Person
from huqing.standards.codelists import codelist

KIND, INPATIENT = "medical_bill", "1"
DIBAO, MARGINAL = "2", "3"
TEKUN, MONITORED, TUOPIN, ORDINARY = "1", "4", "7", "8"
# The office knows these of a person; the first that holds decides which rates a bill gets.
BY_LABEL = (
    ("tekun", TEKUN),
    ("dibao", DIBAO),
    ("dibao_marginal", MARGINAL),
    ("monitor", MONITORED),
    ("tuopin", TUOPIN),
)
AS_SETTLED = "settled"
MOST_BILLS = 200


@dataclass(frozen=True)
class Choice:
    """How the bills are computed: the kind of person, and either what insurance has settled or a hospital level."""

    medical_object: str
    level: str

    @property
    def recomputed(self) -> bool:
        """Whether basic and serious-illness insurance are computed anew instead of taken from the bill."""
        return bool(self.level)


@dataclass(frozen=True)
class Told:
    """One bill with its steps, where its row came from, and what the bill itself says the patient paid."""

    statement: BillStatement
    record: DepartmentRecord
    hospital: str
    disease: str
    billed_self: int | None

    @property
    def difference(self) -> int | None:
        """By how much the computed self-payment differs from that of the bill; None when either is unknown."""
        if self.statement.self_pay is None or self.billed_self is None:
            return None
        return self.statement.self_pay - self.billed_self


def usual_object(person: Person, *, day: dt.date) -> str:
    """The kind of person by the labels in force on the day: the person's own and the household's."""
    labels = Label.objects.filter(household_id=person.household_id, valid_from__lte=day)
    held = {
        label.kind
        for label in labels
        if label.person_id in (None, person.pk) and (label.valid_to is None or label.valid_to > day)
    }
    return next((code for kind, code in BY_LABEL if kind in held), ORDINARY)


def choice_of(query: Mapping[str, str], person: Person, *, day: dt.date) -> Choice:
    """What the clerk chose, or what the file suggests; anything else in the address is ignored."""
    wanted, level = query.get("object", ""), query.get("level", "")
    known = wanted if wanted in codelist("medical_object") else usual_object(person, day=day)
    return Choice(known, level if level in codelist("hospital_level") else "")


def records_of(person: Person) -> list[DepartmentRecord]:
    """The person's hospital bills, oldest first."""
    rows = person.records.filter(kind=KIND, retired_by=None).select_related("source").order_by("on", "pk")
    return [row for row in rows if row.items.get("care_kind") == INPATIENT][-MOST_BILLS:]


def statement_of(person: Person, choice: Choice, *, day: dt.date) -> tuple[Statement | None, list[Told]]:
    """The statement of a person's hospital bills; None without any."""
    records = records_of(person)
    if not records:
        return None, []
    by_id = {record.pk: record for record in records}
    made = statement_for([_bill(record, choice) for record in records], region=person.region_code[:6], as_of=day)
    told = [
        Told(
            bill,
            by_id[bill.bill.id],
            str(by_id[bill.bill.id].items.get("hospital", "")),
            str(by_id[bill.bill.id].items.get("disease", "")),
            _whole(by_id[bill.bill.id].items.get("self_paid")),
        )
        for bill in made.bills
    ]
    return made, told


def _bill(record: DepartmentRecord, choice: Choice) -> Bill:
    items = record.items
    settled = None if choice.recomputed else _whole(items.get("basic_paid"))
    serious = None if choice.recomputed else _whole(items.get("serious_paid"))
    return Bill(
        id=record.pk,
        settled_on=_day(items.get("settled_on")),
        admitted_on=_day(items.get("admitted_on")),
        total=_whole(items.get("total")),
        eligible=_whole(items.get("eligible")),
        medical_object=choice.medical_object,
        hospital_level=choice.level or items.get("hospital_level"),
        given_basic=settled,
        given_serious=serious,
    )


def _whole(value: Any) -> int | None:
    try:
        return None if value is None else int(Decimal(str(value)))
    except (InvalidOperation, ValueError):
        return None


def _day(value: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
