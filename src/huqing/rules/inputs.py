"""Input tables as entities: what benefits are computed from and no snapshot holds, checked and typed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from huqing.rules.entities import HOUSEHOLD, PERSON, Entity, entities
from huqing.rules.errors import RuleError, TableError
from huqing.rules.language import InputTable
from huqing.standards.tables import column_type

_ARROW = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "DATE": pa.date32(),
    "BOOLEAN": pa.bool_(),
}


def input_entities(tables: Mapping[str, InputTable]) -> dict[str, Entity]:
    """The declared input tables as entities; RuleError for a name used twice or a column rules may not read."""
    return {table.name: _entity(table, tables) for table in tables.values()}


def _entity(table: InputTable, others: Mapping[str, InputTable]) -> Entity:
    if table.name in entities():
        raise RuleError(table.place, f"输入表名 {table.name} 已被使用", "换一个名字")
    owners = (HOUSEHOLD, PERSON, *others)
    for name in table.belongs_to:
        if name not in owners:
            near = difflib.get_close_matches(name, owners, n=3, cutoff=0.5)
            remedy = f"相近的名字：{'、'.join(near)}" if near else "写 household、person 或别的输入表"
            raise RuleError(table.place, f"输入表 {table.name} 所属的 {name} 不存在", remedy)
    links = [*links_of(table)]
    keys = [*links, *(field.key for field in table.fields)]
    doubled = next((key for key in keys if keys.count(key) > 1), None)
    if doubled:
        raise RuleError(table.place, f"输入表 {table.name} 的列 {doubled} 写了两次", "删去一个")
    sealed = next((field.key for field in table.fields if field.sealed), None)
    if sealed:
        raise RuleError(table.place, f"输入表 {table.name} 的列 {sealed} 是加密的号码", "规则不读号码，删去这一列")
    columns = dict.fromkeys(links, "BIGINT") | {field.key: column_type(field) for field in table.fields}
    return Entity(table.name, table.title, columns)


def links_of(table: InputTable) -> tuple[str, ...]:
    """The columns by which the rows of an input table are known and belong to others."""
    return ("id", *(f"{name}_id" for name in table.belongs_to))


def arrow_rows(entity: Entity, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows given as mappings as a typed table; what is not given is missing. TableError for a column nobody declared.

    Money is given in fen.
    """
    listed = [dict(row) for row in rows]
    unknown = sorted({key for row in listed for key in row} - set(entity.columns))
    if unknown:
        raise TableError(f"表 {entity.title}没有列 {'、'.join(unknown)}。可用的列：{'、'.join(entity.columns)}。")
    return pa.table(
        {name: pa.array([row.get(name) for row in listed], arrow_type(kind)) for name, kind in entity.columns.items()}
    )


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a declared DuckDB type."""
    if name.startswith("DECIMAL"):
        precision, scale = name[len("DECIMAL(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW[name]
