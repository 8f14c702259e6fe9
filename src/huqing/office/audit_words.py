"""What an audit event recorded, in words: names for the keys, labels for roles and fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from huqing.access.models import Role
from huqing.office import wording
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds

KEYS = {
    "attachment": "附件号",
    "form": "表单",
    "since": "起",
    "state": "状态",
    "submission": "走访记录号",
    "into": "转入户号",
    "people": "人数",
    "new_household": "新户号",
    "village": "行政村",
    "label": "标签或设备",
    "join_reason": "加入原因",
    "leave_reason": "离开原因",
    "address": "网络地址",
    "after": "变更后",
    "before": "变更前",
    "added": "新增",
    "applied": "生效",
    "code": "代码",
    "decision": "判定",
    "from": "原网格",
    "grid": "网格",
    "name": "名称",
    "person": "人员号",
    "place": "地点",
    "places": "区划",
    "recoded": "改代码",
    "record": "部门数据号",
    "renamed": "改名",
    "score": "把握",
    "unsure": "待判定",
    "year": "年份",
    "changed": "变更",
    "closed": "消除",
    "counts": "数量",
    "department": "行业部门",
    "display_name": "姓名",
    "field": "字段",
    "fields": "字段",
    "file": "文件",
    "file_name": "文件",
    "finding": "规则",
    "found": "发现",
    "grid_id": "网格号",
    "households": "农户",
    "kept": "仍成立",
    "kind": "数据种类",
    "missing": "缺少",
    "on": "数据日期",
    "opened": "新增预警",
    "reason": "理由",
    "record_kind": "数据种类",
    "refused": "未入库",
    "region_code": "管辖区划",
    "reopened": "重新出现",
    "role": "角色",
    "rows": "行数",
    "sheet": "工作表",
    "type": "类型",
    "unchanged": "未变",
    "unit": "单位",
    "unknown": "判断不了",
    "username": "用户名",
    "giver": "移交人",
    "receivers": "接收人",
    "substitute": "代理人",
    "begins": "起始日期",
    "lines": "责任条数",
    "roles": "责任",
    "until": "止",
    "position": "职务",
    "day": "日期",
    "units": "新单位",
    "staff": "人员",
    "duties": "新责任",
    "known": "原有责任",
    "title": "名称",
    "helpers": "可结对的人",
    "targets": "要结对的对象",
    "pairs": "结对",
    "new": "新增",
    "ended": "解除",
    "first": "第一天",
    "last": "最后一天",
    "days": "天数",
    "month": "月份",
    "yuan": "合计（元）",
    "villages": "村",
    "inspectors": "检查人员",
    "commitment": "承诺",
    "drawn": "抽中",
    "witnesses": "监督人",
    "due": "整改期限",
    "responsible": "责任单位",
    "grade": "等次",
}


def lines(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """The recorded values as names and texts, nested ones as 变更前·角色."""
    return list(_lines(detail, ""))


def _lines(detail: dict[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, value in detail.items():
        name = f"{above}{KEYS.get(key, key)}"
        if isinstance(value, dict):
            yield from _lines(value, f"{name}·")
        else:
            yield name, _text(key, value)


def _text(key: str, value: Any) -> str:
    if isinstance(value, list):
        return "、".join(_text(key, item) for item in value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None:
        return ""
    return _LABELS[key](value) if key in _LABELS else str(value)


def _role(value: str) -> str:
    return str(dict(Role.choices).get(value, value))


def _field(value: str) -> str:
    return next((kind.by_key[value].label for kind in record_kinds().values() if value in kind.by_key), value)


def _kind(value: str) -> str:
    return record_kinds()[value].name if value in record_kinds() else value


def _change(value: str) -> str:
    return codelist("member_change").label(value) if value in codelist("member_change") else value


def _tag(value: str) -> str:
    return codelist("label_kind").label(value) if value in codelist("label_kind") else value


_LABELS: dict[str, Callable[[str], str]] = {
    "join_reason": _change,
    "leave_reason": _change,
    "label": _tag,
    "role": _role,
    "finding": wording.finding_title,
    "field": _field,
    "fields": _field,
    "kind": _kind,
    "record_kind": _kind,
}
