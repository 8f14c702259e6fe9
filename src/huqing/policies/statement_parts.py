"""What a patient's statement consists of: bills, their steps, what each step rests on, sums per year; all in fen."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Bill:
    """One hospital bill as the office enters it, in fen; codes of ``medical_object`` and ``hospital_level``.

    ``given_basic`` and ``given_serious`` are what these layers have already settled, None if they are to be computed.
    """

    id: int
    settled_on: datetime.date | None
    total: int | None
    eligible: int | None
    medical_object: str | None
    hospital_level: str | None = None
    admitted_on: datetime.date | None = None
    given_basic: int | None = None
    given_serious: int | None = None


@dataclass(frozen=True)
class Basis:
    """A dated amount a step rests on: what it is, its value for this patient, and where it comes from."""

    key: str
    title: str
    text: str
    source: str
    status: str
    scope: str
    since: str


@dataclass(frozen=True)
class Step:
    """One layer of one bill.

    ``base`` is what the layer looks at, ``deductible`` what is taken off first, ``rate`` in words, ``amount`` what it
    pays, ``remaining`` what is left for the next; ``limit`` and ``limit_left`` are the year's ceiling and what this
    bill leaves of it (None: none, or unknown). ``text`` says all of it in one sentence.
    """

    key: str
    title: str
    base: int | None
    deductible: int | None
    rate: str
    amount: int | None
    remaining: int | None
    limit: int | None
    limit_left: int | None
    text: str
    bases: tuple[Basis, ...]


@dataclass(frozen=True)
class BillStatement:
    """One bill: its steps, or in ``problem`` why there are none; ``notes`` say which stated rules were applied."""

    bill: Bill
    rate_day: datetime.date | None
    year: int | None
    object_title: str
    problem: str
    steps: tuple[Step, ...]
    paid: int | None
    self_pay: int | None
    eligible_self: int | None
    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class YearTotal:
    """All bills of a year; unknown (None) if one of them is."""

    year: int
    bills: int
    total: int | None
    paid: int | None
    self_pay: int | None
    text: str


@dataclass(frozen=True)
class Statement:
    """A person's bills in the order they were settled, the sums per year, and what the reader must be warned of."""

    region: str
    bills: tuple[BillStatement, ...]
    years: tuple[YearTotal, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; dates as text."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
