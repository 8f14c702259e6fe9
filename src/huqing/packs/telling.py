"""A method in words: whom a visit is for, what a form asks and which fields it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping

from huqing.packs.forms import Converted, Question
from huqing.packs.manifest import EVERYBODY, Duty, KeyGroup, Visit
from huqing.rules.display import value_text
from huqing.rules.library import Library, Node
from huqing.rules.parameters import Parameter
from huqing.standards.fields import record_kinds

ALL = {"household": "所有农户", "person": "所有人", "village": "所有行政村"}
OF = {"household": "户", "person": "人", "village": "村"}
LAYOUT = ("group", "repeat", "loop")
# What a phone notes by itself.
NOTED = ("start", "end", "today", "deviceid", "username", "email", "phonenumber", "simserial", "subscriberid", "audit")
TYPES = {
    "text": "文字",
    "integer": "整数",
    "decimal": "小数",
    "range": "范围",
    "date": "日期",
    "time": "时间",
    "dateTime": "日期和时间",
    "select_one": "单选",
    "select_multiple": "多选",
    "rank": "排序",
    "note": "说明",
    "calculate": "自动计算",
    "hidden": "自动带出",
    "group": "分组",
    "repeat": "重复填写",
    "loop": "循环填写",
    "image": "照片",
    "audio": "录音",
    "video": "录像",
    "file": "文件",
    "geopoint": "位置",
    "geotrace": "路线",
    "geoshape": "范围图",
    "barcode": "扫码",
    "acknowledge": "确认",
    "start": "开始时间",
    "end": "结束时间",
    "today": "填写日期",
    "deviceid": "设备编号",
}


def whom_text(rules: Library, item: Visit | KeyGroup) -> str:
    """Who is visited, by the name of the rule's variable."""
    if item.whom == EVERYBODY:
        return ALL[item.subject]
    rule = rules.rules.get(Node(item.subject, item.whom))
    return f"{rule.title}（{OF[item.subject]}）" if rule else item.whom


def duty_text(duty: Duty, parameters: Mapping[str, Parameter]) -> str:
    """How much is owed in which time; an amount that is a parameter by its newest value and where that holds."""
    if duty.parameter:
        parameter = parameters[duty.parameter]
        newest = max(parameter.values, key=lambda value: value.since)
        amount = f"不少于 {value_text(newest.value, unit=parameter.unit)}（参数，区划 {newest.scope}）"
    elif duty.at_most and duty.at_least:
        amount = f"{duty.at_least}–{duty.at_most} {duty.unit}"
    else:
        amount = f"至少 {duty.at_least} {duty.unit}" if duty.at_least else f"至多 {duty.at_most} {duty.unit}"
    return f"{duty.every.span} {amount}".strip()


def field_text(name: str) -> str:
    """A field as ``reads`` and ``writes`` name it, in words; "" for the subject itself and for nothing."""
    subject, _, key = name.partition(".")
    declared = record_kinds()[subject].by_key.get(key) if subject in OF and key else None
    return f"{OF[subject]}·{declared.label}" if declared else ""


def type_text(question: Question) -> str:
    """The type of a question in words."""
    return TYPES.get(question.type, question.type)


def asked(form: Converted) -> list[Question]:
    """The questions somebody sees or the method counts; what was only put in for the prefill is left out."""
    return [item for item in form.questions if item.label or item.reads or item.writes]


def form_summary(name: str, form: Converted) -> str:
    """One line about a form."""
    questions = [item for item in form.questions if item.type not in (*LAYOUT, *NOTED)]
    reads, writes = sum("." in item.reads for item in questions), sum(bool(item.writes) for item in questions)
    return f"{form.title}（{name}，{form.version} 版）：{len(questions)} 题，预填 {reads} 题，写入档案 {writes} 题"
