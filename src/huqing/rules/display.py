"""Values as a village clerk reads them: yuan, labels of codes, 是 and 否."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from huqing.rules.library import Library, Node
from huqing.rules.schedules import NO_LIMIT, REST, UNLIMITED, Keyed, Segments
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text

MISSING = "没有填"
STRUCTURE_CODES = {("label", "kind"): "label_kind", ("membership", "relation"): "relation_to_head"}
STATE_CODES = {
    "valid": "正确",
    "missing": "未填写",
    "bad_length": "位数不对",
    "bad_date": "出生日期段不是日期",
    "bad_check": "校验码不对",
    "placeholder": "占位号码",
    "mobile": "手机号",
    "landline": "固定电话",
    "bad": "不合规则",
}


def value_text(value: Any, *, unit: str = "", codes: str = "") -> str:
    """A value with its unit, in words: fen as yuan, shares in per cent, codes by label, 是/否, and 没有填 for None."""
    match value:
        case None:
            text = MISSING
        case bool():
            text = "是" if value else "否"
        case list():
            text = "、".join(value_text(item, codes=codes) for item in value) or MISSING
        case datetime.date():
            text = value.isoformat()
        case str():
            text = codelist(codes).label(value) if codes else STATE_CODES.get(value, value)
        case Keyed():
            parts = [
                f"{codelist(codes).label(code) if codes else code}：{value_text(v, unit=unit)}"
                for code, v in value.values
            ]
            rest = [] if value.rest is None else [f"{REST}：{value_text(value.rest, unit=unit)}"]
            text = "；".join([*parts, *rest])
        case Segments():
            text = "；".join(
                f"{value_text(part.over, unit=unit)}以上 {value_text(part.rate, unit='比例')}" for part in value.parts
            )
            text = text or "没有这一层"
        case _ if unit.startswith("元") and int(value) >= UNLIMITED:
            text = NO_LIMIT
        case _ if unit.startswith("元"):
            text = f"{yuan_text(int(value), grouped=True)} {unit}"
        case Decimal() if unit == "比例":
            text = f"{format((value * 100).normalize(), 'f')}%"
        case _:
            number = format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
            text = f"{number} {unit}".rstrip()
    return text


def codes_of(library: Library, node: Node) -> str:
    """The key of the code list of a node's values, "" if they are not codes."""
    rule = library.rules.get(node)
    if rule:
        return rule.codelist
    stored = library.stored(node)
    declaration = library.field_of(stored)
    return declaration.codelist if declaration else STRUCTURE_CODES.get((stored.entity, stored.name), "")
