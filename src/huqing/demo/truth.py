"""What the demo county holds, told apart from its files: what there is to find, what was planted, whom dirty rows mean.

Parquet tables in ``truth/``:

========== =========================================================================================================
expected   finding, household_number, member (null for findings about the household): all there is to find
planted    the same columns: what was planted on purpose (always a part of ``expected``)
people     household_number, member, name, id_number (as the roster has it), birth_date, town, village_code
refused    file, sheet, row (as Excel counts), column (its label), field, reason: rows an intake must refuse
links      file, row, dirt, household_number, member: department rows written badly; empty number = nobody in the county
dirt       file, sheet, row, dirt, household_number, member: roster rows written oddly or twice, to be accepted
========== =========================================================================================================

``summary.json`` says how the county was made. ``score`` compares a screening with ``expected``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_TEXT, _NUMBER = pa.string(), pa.int32()
SCHEMAS: Mapping[str, Any] = {
    "expected": pa.schema([("finding", _TEXT), ("household_number", _TEXT), ("member", _NUMBER)]),
    "planted": pa.schema([("finding", _TEXT), ("household_number", _TEXT), ("member", _NUMBER)]),
    "people": pa.schema(
        [
            ("household_number", _TEXT),
            ("member", _NUMBER),
            ("name", _TEXT),
            ("id_number", _TEXT),
            ("birth_date", pa.date32()),
            ("town", _TEXT),
            ("village_code", _TEXT),
        ]
    ),
    "refused": pa.schema(
        [
            ("file", _TEXT),
            ("sheet", _TEXT),
            ("row", _NUMBER),
            ("column", _TEXT),
            ("field", _TEXT),
            ("reason", _TEXT),
        ]
    ),
    "links": pa.schema(
        [("file", _TEXT), ("row", _NUMBER), ("dirt", _TEXT), ("household_number", _TEXT), ("member", _NUMBER)]
    ),
    "dirt": pa.schema(
        [
            ("file", _TEXT),
            ("sheet", _TEXT),
            ("row", _NUMBER),
            ("dirt", _TEXT),
            ("household_number", _TEXT),
            ("member", _NUMBER),
        ]
    ),
}

UNKNOWN_PERSON = -1
_SHOWN = 20

# Who a finding is about: nobody (the household), an ID number or its token, or name and birth date.
PersonRef = str | tuple[str, date | str] | None
Found = tuple[str, str, PersonRef]


def table(name: str, rows: Iterable[tuple[Any, ...]]) -> Any:
    """Rows as an Arrow table with the declared columns of truth table ``name``."""
    schema = SCHEMAS[name]
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(column, kind.type) for column, kind in zip(columns, schema, strict=True)], schema=schema)


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of truth table ``name`` of the county in ``folder``."""
    rows: list[dict[str, Any]] = pq.read_table(folder / "truth" / f"{name}.parquet").to_pylist()
    return rows


def summary(folder: Path) -> dict[str, Any]:
    """How the county was made: households, people, seed, as_of, region, files in the order to take them in, counts."""
    found: dict[str, Any] = json.loads((folder / "truth" / "summary.json").read_text(encoding="utf-8"))
    return found


@dataclass
class Tally:
    """One finding compared: ``hit`` of ``expected`` were found, ``extra`` found ones were not expected."""

    expected: int = 0
    found: int = 0
    hit: int = 0

    @property
    def recall(self) -> float:
        return self.hit / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        return self.hit / self.found if self.found else 1.0


@dataclass
class Score:
    """A screening against the truth. ``missed`` and ``extra`` name each difference: finding, household, member."""

    findings: dict[str, Tally] = field(default_factory=dict)
    missed: list[tuple[str, str, int | None]] = field(default_factory=list)
    extra: list[tuple[str, str, int | None]] = field(default_factory=list)

    @property
    def total(self) -> Tally:
        tallies = self.findings.values()
        return Tally(sum(t.expected for t in tallies), sum(t.found for t in tallies), sum(t.hit for t in tallies))

    @property
    def recall(self) -> float:
        """The share of what there is to find that was found, 0 to 1."""
        return self.total.recall

    @property
    def false_share(self) -> float:
        """The share of false alarms among what was found, 0 to 1."""
        return 1 - self.total.precision

    def as_text(self) -> str:
        """The score as a table for people, findings with differences first, then the differences themselves."""
        shown = [f"漏报 {key} 户 {number} 成员 {member}" for key, number, member in self.missed[:_SHOWN]]
        shown += [f"误报 {key} 户 {number} 成员 {member}" for key, number, member in self.extra[:_SHOWN]]
        return "\n".join([*self._lines(), *shown])

    def _lines(self) -> list[str]:
        order = sorted(self.findings, key=lambda key: (self.findings[key].recall, self.findings[key].precision, key))
        rows = [(key, self.findings[key]) for key in order] + [("合计", self.total)]
        return [
            f"{key:<32}应有 {t.expected:>6}  找到 {t.found:>6}  命中 {t.hit:>6}  "
            f"召回 {t.recall:7.2%}  准确 {t.precision:7.2%}"
            for key, t in rows
        ]


def score(folder: Path, found: Iterable[Found], *, token: Callable[[str], str] | None = None) -> Score:
    """Compare what a screening found with what there is to find.

    ``found`` are (finding, household number, person); the person is None for findings about households, else the ID
    number, its token (give ``token``, the function that makes one), or (name, birth date). A finding counts once.
    Findings the demo does not know are ignored; a person the truth does not know becomes member -1, which is extra.
    """
    expected = {(r["finding"], r["household_number"], r["member"]) for r in read(folder, "expected")}
    about_people = {key for key, _, member in expected if member is not None}
    known = set(summary(folder)["planted"]) | {key for key, *_ in expected}
    reports = [report for report in found if report[0] in known]
    people = _People(folder, {number for key, number, _ in reports if key in about_people}, token)
    reported = {
        (key, number, people.member(number, ref) if key in about_people else None) for key, number, ref in reports
    }
    result = Score(missed=sorted(expected - reported, key=str), extra=sorted(reported - expected, key=str))
    tallies: dict[str, Tally] = defaultdict(Tally)
    for key, *_ in expected:
        tallies[key].expected += 1
    for entry in reported:
        tallies[entry[0]].found += 1
        tallies[entry[0]].hit += entry in expected
    result.findings = dict(tallies)
    return result


class _People:
    """Finds a person's place in the household from an ID number, its token, or name and birth date."""

    def __init__(self, folder: Path, numbers: set[str], token: Callable[[str], str] | None) -> None:
        self._token = token
        self._households: dict[str, list[dict[str, Any]]] = defaultdict(list)
        people = pq.read_table(folder / "truth" / "people.parquet")
        wanted = pc.is_in(people["household_number"], value_set=pa.array(sorted(numbers), _TEXT))
        for row in people.filter(wanted).to_pylist():
            self._households[row["household_number"]].append(row)

    def member(self, number: str, ref: PersonRef) -> int | None:
        """The person's order in household ``number``; -1 when the truth has no such person there."""
        for row in self._households.get(number, ()):
            if isinstance(ref, tuple):
                name, birth = ref
                same = (row["name"], row["birth_date"].isoformat()) == (name, str(birth))
            else:
                same = ref == row["id_number"] or (self._token is not None and self._token(row["id_number"]) == ref)
            if same:
                return int(row["member"])
        return UNKNOWN_PERSON
