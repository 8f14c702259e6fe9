"""Where the declared fields of the two rosters live: which table columns follow a value, and how they are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from django.db import models

from huqing.access import seal
from huqing.registry.models import Household, Person
from huqing.standards import idnumbers
from huqing.standards.fields import Field, RecordKind, record_kinds
from huqing.standards.text import pinyin_initials

_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
Shape = Literal["text", "id", "date"]


@dataclass(frozen=True)
class Column:
    """One declared field that has columns of its own; ``columns[0]`` holds the value, the others are derived from it.

    ``token`` is the column with the lookup token of a sealed value, "" when the table keeps none.
    """

    key: str
    columns: tuple[str, ...]
    shape: Shape = "text"
    sealed: seal.Kind = ""
    token: str = ""


@dataclass(frozen=True)
class Layout:
    """One roster: its kind, its table, and the fields with columns of their own."""

    kind: RecordKind
    model: type[models.Model]
    columns: tuple[Column, ...]

    @property
    def table(self) -> str:
        """The database table."""
        return self.model._meta.db_table

    @property
    def items(self) -> tuple[Field, ...]:
        """The fields kept in the items."""
        return self.kind.items

    @property
    def database_columns(self) -> tuple[str, ...]:
        """Every table column that follows a declared field."""
        return tuple(name for column in self.columns for name in column.columns)


def household_layout() -> Layout:
    """The household roster."""
    return Layout(
        record_kinds()["household"],
        Household,
        (
            Column("group_name", ("group_name",)),
            Column("head_name", ("head_name", "head_pinyin")),
            Column("address", ("address",)),
            Column("member_count", ("member_count",), shape="id"),
            Column("phone", ("phone_sealed", "phone_token", "phone_state"), sealed="phone", token="phone_token"),  # noqa: S106
            Column("bank_account", ("bank_account_sealed",), sealed="bank_account"),
            Column("helper_phone", ("helper_phone_sealed",), sealed="phone"),
            Column("contact_phone", ("contact_phone_sealed",), sealed="phone"),
        ),
    )


def person_layout() -> Layout:
    """The member roster."""
    identity = ("id_number_sealed", "id_token", "id_state", "id_birth_date", "id_sex")
    return Layout(
        record_kinds()["person"],
        Person,
        (
            Column("name", ("name", "name_pinyin")),
            Column("sex", ("sex",)),
            Column("id_type", ("id_type",)),
            Column("birth_date", ("birth_date",), shape="date"),
            Column("relation", ("relation",)),
            Column("id_number", identity, sealed="id_number", token="id_token"),  # noqa: S106
            Column("phone", ("phone_sealed", "phone_token", "phone_state"), sealed="phone", token="phone_token"),  # noqa: S106
        ),
    )


def made_columns(layout: Layout, rows: pa.Table) -> pa.Table:
    """The columns that only Python can make (sealed values, pinyin, what an ID number says) for ``rows``.

    Named ``made_<column>``; ``rows`` keeps its own columns. Rows must carry ``<key>_token`` for sealed keys.
    """
    for column in layout.columns:
        if column.key not in rows.column_names:
            continue
        values = rows[column.key].to_pylist()
        if column.sealed:
            rows = _add(rows, column.columns[0], pa.array(seal.seal_many(values, column.sealed), pa.binary()))
        elif column.key in ("name", "head_name"):
            length = layout.model._meta.get_field(column.columns[1]).max_length
            initials = [pinyin_initials(value)[:length] if value else "" for value in values]
            rows = _add(rows, column.columns[1], pa.array(initials, pa.string()))
        if column.key == "id_number":
            rows = _add_identity(rows, values)
        if "phone_state" in column.columns:
            states = [idnumbers.phone_state(value) if value else "" for value in values]
            rows = _add(rows, "phone_state", pa.array(states, pa.string()))
    return rows


def _add(rows: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return rows.append_column(f"made_{column}", values)


def _add_identity(rows: pa.Table, numbers: Sequence[str | None]) -> pa.Table:
    states, births, sexes = identity_columns(numbers)
    rows = _add(rows, "id_state", states)
    rows = _add(rows, "id_birth_date", births)
    return _add(rows, "id_sex", sexes)


def identity_columns(numbers: Sequence[str | None]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """State, birth date and sex of many ID numbers, as ``idnumbers.parse`` says them.

    Numbers of the ordinary form are decided all at once; only the others are parsed one by one.
    """
    size = len(numbers)
    plain = np.array([number if number and len(number) == 18 and number.isascii() else "" for number in numbers], "S18")
    digits = np.frombuffer(plain.tobytes(), np.uint8).reshape(size, 18).astype(np.int16) - ord("0")
    ordinary = ((digits[:, :17] >= 0) & (digits[:, :17] <= 9)).all(axis=1)
    ordinary &= ~(digits[:, :6] == digits[:, :1]).all(axis=1) & ~(digits[:, :9] == np.arange(1, 10)).all(axis=1)
    year = digits[:, 6:10] @ np.array([1000, 100, 10, 1])
    month, day = digits[:, 10:12] @ np.array([10, 1]), digits[:, 12:14] @ np.array([10, 1])
    ordinary &= (year >= 1850) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 28)
    check = np.frombuffer(b"10X98765432", np.uint8)[(digits[:, :17].astype(np.int64) @ _WEIGHTS) % 11] - ord("0")
    ordinary &= digits[:, 17] == check.astype(np.int16)
    safe = np.where(ordinary, year - 1970, 0).astype("datetime64[Y]").astype("datetime64[M]")
    born = (safe + np.where(ordinary, month - 1, 0)).astype("datetime64[D]") + np.where(ordinary, day - 1, 0)
    others = {place: idnumbers.parse(numbers[place]) for place in np.flatnonzero(~ordinary).tolist()}
    states = ["valid"] * size
    births = born.tolist()
    sexes = np.where(digits[:, 16] % 2 == 1, "1", "2").tolist()
    for place, one in others.items():
        states[place], births[place], sexes[place] = one.state, one.birth_date, one.sex
    return pa.array(states, pa.string()), pa.array(births, pa.date32()), pa.array(sexes, pa.string())


def with_tokens(rows: pa.Table, columns: Iterable[tuple[str, seal.Kind]]) -> pa.Table:
    """``rows`` with ``<key>_token`` for every sealed column that the file has."""
    for key, kind in columns:
        if key in rows.column_names:
            tokens: list[Any] = list(seal.token_many(kind, rows[key].to_pylist()))
            rows = rows.append_column(f"{key}_token", pa.array(tokens, pa.string()))
    return rows
