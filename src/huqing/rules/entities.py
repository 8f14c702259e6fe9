"""What rules are about: the tables of a snapshot, how their rows hang together, what their columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from huqing.standards.fields import Field, record_kinds
from huqing.standards.tables import table_schemas

HOUSEHOLD = "household"
PERSON = "person"
VILLAGE = "village"
COUNTY = "county"
SUBJECTS = (HOUSEHOLD, PERSON, VILLAGE)

STRUCTURE_TITLES = {
    "id": "内部编号",
    "household_id": "所在户",
    "person_id": "所属人员",
    "region_code": "村代码",
    "town_code": "乡镇代码",
    "status": "户状态",
    "has_phone": "有无电话",
    "has_contact_phone": "有无监测联系人电话",
    "phone_state": "电话号码状态",
    "phone_token": "电话检索码",
    "id_token": "证件号码检索码",
    "id_state": "证件号码判定",
    "id_birth_date": "证件号码中的出生日期",
    "id_sex": "证件号码中的性别",
    "on": "业务日期",
    "source_id": "数据来源",
    "row_number": "原表行号",
    "kind": "标签",
    "valid_from": "起始日期",
    "valid_to": "终止日期",
    "joined_on": "加入日期",
    "left_on": "离开日期",
}


@dataclass(frozen=True)
class Entity:
    """One kind of row rules can speak of. ``columns`` maps column to DuckDB type; the county has none."""

    name: str
    title: str
    columns: Mapping[str, str]

    def key_of(self, target: str) -> str | None:
        """The column of this entity that points at ``target`` (household, person or village), or None."""
        if target == self.name:
            return "id"
        if target == VILLAGE:
            return "region_code" if self.name in (HOUSEHOLD, PERSON) else None
        column = f"{target}_id"
        return column if column in self.columns else None


@cache
def entities() -> dict[str, Entity]:
    """Every table of a snapshot as an entity, and the county (one row standing for all of them)."""
    kinds = record_kinds()
    titles = {HOUSEHOLD: "户", PERSON: "人", "label": "标签", "membership": "家庭成员关系"}
    found = {
        name: Entity(name, titles.get(name) or kinds[name].name, columns) for name, columns in table_schemas().items()
    }
    found[COUNTY] = Entity(COUNTY, "全县", {})
    return found


@cache
def declared(entity: str, column: str) -> Field | None:
    """The declaration of a column, or None for a structural column such as ``id`` or ``on``."""
    kind = record_kinds().get(entity)
    return kind.by_key.get(column) if kind else None


def column_title(entity: str, column: str) -> str:
    """The Chinese label of a column."""
    declaration = declared(entity, column)
    return declaration.label if declaration else STRUCTURE_TITLES.get(column, column)


def column_unit(entity: str, column: str) -> str:
    """The declared unit of a column; "" for codes, dates, booleans and texts."""
    declaration = declared(entity, column)
    return declaration.unit if declaration else ""
