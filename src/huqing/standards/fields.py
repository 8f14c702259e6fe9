"""Field declarations: what every value in the product is, said once.

A *record kind* is one kind of row a county holds: the household roster, the member roster, a department's file. Its
fields declare type, unit, allowed values, meaning, why they are collected and how long they are kept. Intake checks
against them, the demo county writes them, snapshots are typed by them, rules name them, screens label them.

The declarations are the YAML files in ``standards/data/kinds/``; this module only reads and checks them. Fields that
all department files share are in ``common_fields.yaml`` and put in with ``use:``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

FieldType = Literal[
    "text",  # str
    "name",  # str: a person's name
    "integer",  # int
    "decimal",  # decimal.Decimal kept as a JSON string with `scale` digits
    "money",  # int fen; written in yuan in files
    "date",  # ISO date
    "month",  # "YYYY-MM"
    "year",  # int
    "boolean",  # 是/否
    "code",  # one code of `codelist`
    "codes",  # several codes of `codelist`: list of str
    "region",  # 12-digit region code
    "id_number",  # sealed
    "phone",  # sealed
    "bank_account",  # sealed
]
SEALED: frozenset[str] = frozenset({"id_number", "phone", "bank_account"})
Subject = Literal["household", "person", "village"]


@dataclass(frozen=True)
class Field:
    """One declared field.

    ``column`` says that the value lives in a table column of its own instead of the JSON items. ``linked`` columns
    (names of regions, the head's name in a department file) serve linking and are not kept as values.

    ``minimum`` and ``maximum`` are in the unit of the file (yuan, not fen). The ``maximum`` of a date, month or year
    may be ``as_of``: it must not lie after the day of the data. ``keep`` is our proposal; a county decides. ``source``
    says where the field was seen: (V) official text, (V3) third-party system, (G) general practice, (L) our own.
    """

    key: str
    label: str
    type: FieldType
    section: str = ""
    unit: str = ""
    codelist: str = ""
    scale: int = 2
    minimum: str = ""
    maximum: str = ""
    max_length: int = 0
    required: bool = False
    column: bool = False
    linked: bool = False
    derived: bool = False
    aliases: tuple[str, ...] = ()
    meaning: str = ""
    purpose: str = ""
    keep: str = ""
    source: str = ""

    @property
    def sealed(self) -> bool:
        """Whether the value is stored encrypted and shown masked."""
        return self.type in SEALED


@dataclass(frozen=True)
class RecordKind:
    """One kind of row: its fields in file order, what a row is about and which fields identify it."""

    key: str
    name: str
    subject: Subject
    department: str
    fields: tuple[Field, ...]
    identity: tuple[str, ...]
    date_field: str = ""
    file_names: tuple[str, ...] = ()
    meaning: str = ""
    by_key: dict[str, Field] = field(default_factory=dict, compare=False, repr=False)

    def __getitem__(self, key: str) -> Field:
        return self.by_key[key]

    @property
    def items(self) -> tuple[Field, ...]:
        """The fields kept in the JSON items of a row, in declaration order."""
        return tuple(f for f in self.fields if not (f.column or f.linked or f.sealed))


class DeclarationError(ValueError):
    """A declaration file is wrong; the message names file, kind, field and remedy."""


# What a section or a whole kind may say once for all its fields.
_INHERITED = ("purpose", "keep", "source")


def _rows(raw: dict[str, Any], common: dict[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """The field rows of a kind: sections opened, shared fields put in, what a section says once said by each."""
    for section in raw.get("sections", [{**raw, "name": ""}]):
        inherited = {key: section[key] for key in _INHERITED if key in section}
        for row in section["fields"]:
            shared = common[row["use"]] if "use" in row else [row]
            yield from ({"section": section["name"], **inherited, **entry} for entry in shared)


def _read_kind(name: str, raw: dict[str, Any], common: dict[str, list[dict[str, Any]]]) -> RecordKind:
    fields: list[Field] = []
    for row in _rows(raw, common):
        try:
            fields.append(Field(**{**row, "aliases": tuple(row.get("aliases", ()))}))
        except TypeError as error:
            place = f"{name}.yaml，字段 {row.get('key', row)}"
            raise DeclarationError(f"{place}：{error}。请对照 Field 的属性修改。") from error
    by_key = {f.key: f for f in fields}
    if len(by_key) != len(fields):
        doubled = sorted({f.key for f in fields if sum(g.key == f.key for g in fields) > 1})
        raise DeclarationError(f"{name}.yaml：字段重复声明 {doubled}，请删去一处。")
    for key in (*raw["identity"], *filter(None, [raw.get("date_field", "")])):
        if key not in by_key:
            raise DeclarationError(f"{name}.yaml：identity/date_field 引用了未声明的字段 {key}。")
    return RecordKind(
        key=name,
        name=raw["name"],
        subject=raw["subject"],
        department=raw["department"],
        fields=tuple(fields),
        identity=tuple(raw["identity"]),
        date_field=raw.get("date_field", ""),
        file_names=tuple(raw.get("file_names", ())),
        meaning=raw.get("meaning", ""),
        by_key=by_key,
    )


@cache
def record_kinds() -> dict[str, RecordKind]:
    """All declared record kinds by key; ``household`` and ``person`` are the two rosters, the rest department files."""
    data = resources.files("huqing.standards") / "data"
    common = yaml.safe_load((data / "common_fields.yaml").read_text(encoding="utf-8"))
    kinds = {}
    for entry in sorted((data / "kinds").iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            name = entry.name.removesuffix(".yaml")
            kinds[name] = _read_kind(name, yaml.safe_load(entry.read_text(encoding="utf-8")), common)
    return kinds


def department_kinds() -> dict[str, RecordKind]:
    """The department files: every kind that is not a roster."""
    return {key: kind for key, kind in record_kinds().items() if key not in ("household", "person")}
