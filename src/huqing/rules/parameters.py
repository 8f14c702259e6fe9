"""Dated parameters: amounts, ages and limits by region and date, from YAML files that say where each value comes from.

A file maps a key to ``title``, ``unit``, ``type`` (money, integer, decimal, rate, segments or choice), and ``values``:
one entry per region and first day of validity. The region is a prefix of the 12-digit code, "000000" for the nation; a
county without a value of its own uses its city's, its province's, then the nation's. Money is written in yuan and
handed to rules in fen, a rate as a share and handed to rules per million. ``choices`` lists what a choice may be;
``keys`` names a code list whose codes may each have a value (``schedules``).
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from huqing.rules.errors import ParameterError, Place
from huqing.rules.schedules import TYPES, ParameterType, ParameterValue, check_keys, read_value

NATION = "000000"
IN_YUAN = ("money", "segments")
OPTIONAL = ("note", "keys", "choices")


@dataclass(frozen=True)
class Dated:
    """One value: from which day, for which region (prefix; "" nation), and from which source."""

    since: datetime.date
    region: str
    value: ParameterValue
    source: str
    status: str

    @property
    def scope(self) -> str:
        """The region as written in the file."""
        return self.region or NATION


@dataclass(frozen=True)
class Parameter:
    """One parameter with its whole history."""

    key: str
    title: str
    unit: str
    type: ParameterType
    note: str
    values: tuple[Dated, ...]
    place: Place
    keys: str = ""
    choices: tuple[str, ...] = ()

    def at(self, day: datetime.date, region: str) -> Dated | None:
        """The value in force: of the nearest region that has one, the latest that has begun; None if there is none."""
        fitting = [value for value in self.values if value.since <= day and region.startswith(value.region)]
        return max(fitting, key=lambda value: (len(value.region), value.since), default=None)

    def timeline(self, region: str) -> tuple[tuple[datetime.date, Dated], ...]:
        """Every value that is ever in force in the region, with the day it begins to be, in order of time."""
        found: list[tuple[datetime.date, Dated]] = []
        for day in sorted({value.since for value in self.values if region.startswith(value.region)}):
            value = self.at(day, region)
            if value is not None and not (found and found[-1][1] is value):
                found.append((day, value))
        return tuple(found)


class Parameters(Mapping[str, Parameter]):
    """All parameters by key."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self._by_key: dict[str, Parameter] = {}
        for parameter in parameters:
            if parameter.key in self._by_key:
                first = self._by_key[parameter.key].place
                raise ParameterError(parameter.place, f"参数 {parameter.key} 已在 {first} 声明", "两处合并为一处")
            self._by_key[parameter.key] = parameter

    def __getitem__(self, key: str) -> Parameter:
        return self._by_key[key]

    def __iter__(self) -> Any:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def require(self, key: str, day: datetime.date, region: str) -> Dated:
        """The value in force; ParameterError naming what exists and what to write if there is none."""
        parameter = self[key]
        value = parameter.at(day, region)
        if value is None:
            have = "、".join(sorted({f"{v.scope} 自 {v.since}" for v in parameter.values})) or "没有任何取值"
            raise ParameterError(
                parameter.place,
                f"参数 {key}（{parameter.title}）没有区划 {region or NATION} 在 {day} 的取值，现有：{have}",
                f'在 {key} 的 values 中加一行：{{from: {day.replace(month=1, day=1)}, region: "{region or NATION}", '
                f"value: …, source: 文件名称和文号, status: …}}",
            )
        return value

    def scope(self, region: str) -> str:
        """The smallest region around ``region`` that has a value of its own, "" for the nation.

        Regions with the same scope have the same values of every parameter on every day.
        """
        own = {value.region for parameter in self.values() for value in parameter.values}
        return max((code for code in own if region.startswith(code)), key=len, default="")

    def similar(self, key: str) -> list[str]:
        """Keys that look like ``key``."""
        return difflib.get_close_matches(key, self._by_key, n=3, cutoff=0.5)

    def digest(self) -> str:
        """A hash over all values in force at any time, for cache keys and versions."""
        rows = [
            [p.key, p.unit, p.type, p.keys, [[str(v.since), v.region, str(v.value)] for v in p.values]]
            for p in sorted(self._by_key.values(), key=lambda p: p.key)
        ]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()

    def with_values(self, other: Parameters) -> Parameters:
        """These parameters, with ``other``'s values added (a county's own file beside the shipped ones).

        A value for the same region and day replaces the shipped one; a key that is new is simply added.
        """
        merged = dict(self._by_key)
        for key, extra in other.items():
            base = merged.get(key)
            if base is None:
                merged[key] = extra
                continue
            if (base.unit, base.type, base.keys) != (extra.unit, extra.type, extra.keys):
                raise ParameterError(
                    extra.place,
                    f"参数 {key} 的 unit、type、keys（{extra.unit}、{extra.type}、{extra.keys or '无'}）"
                    f"与 {base.place} 的不同",
                    "改成与原声明一致",
                )
            own = {(v.region, v.since) for v in extra.values}
            kept = tuple(v for v in base.values if (v.region, v.since) not in own)
            merged[key] = replace(base, values=kept + extra.values)
        return Parameters(merged.values())


def lacking(region: str, as_of: datetime.date) -> str:
    """How the reason begins why a finding is not run in a region; no other words of a plan name the region."""
    return f"区划 {region} 在 {as_of} 没有参数"


def own_folders() -> tuple[Path, ...]:
    """Where an installation keeps its own amounts: ``parameters`` in its data folder, if there is one."""
    folder = Path(os.environ.get("HUQING_DATA", "var")).absolute() / "parameters"
    return (folder,) if folder.is_dir() else ()


def load(*folders: Path) -> Parameters:
    """Read every ``*.yaml`` of the folders; later folders add to or override earlier ones."""
    result = Parameters(())
    for folder in folders:
        files = sorted(folder.glob("*.yaml"))
        found = Parameters([parameter for file in files for parameter in read_file(file)])
        result = result.with_values(found)
    return result


def read_file(file: Path) -> list[Parameter]:
    """The parameters of one file; ParameterError with file, line and remedy for anything not understood."""
    text = file.read_text(encoding="utf-8")
    name = "/".join(file.parts[-3:])
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(name, mark.line + 1 if mark else 1)
        raise ParameterError(place, "不是合格的 YAML", "检查缩进、冒号后的空格和引号") from error
    lines = {
        line.split(":", 1)[0].strip('"'): number for number, line in enumerate(text.splitlines(), 1) if line[:1].strip()
    }
    if not isinstance(content, dict):
        raise ParameterError(Place(name, 1), "文件内容不是“参数名: …”的结构", "每个参数顶格写一个名字和冒号")
    return [_parameter(key, raw, Place(name, lines.get(str(key), 1))) for key, raw in content.items()]


def _parameter(key: str, raw: Any, place: Place) -> Parameter:
    if not isinstance(raw, dict):
        raise ParameterError(place, f"参数 {key} 没有内容", "写明 title、unit、type 和 values")
    parts = ("title", "unit", "type", "values")
    unknown = sorted(set(raw) - {*parts, *OPTIONAL})
    if unknown:
        raise ParameterError(
            place, f"参数 {key} 有不认识的项 {'、'.join(unknown)}", f"只用 {'、'.join((*parts, *OPTIONAL))}"
        )
    kind = raw.get("type")
    choices = tuple(str(choice) for choice in raw.get("choices") or ())
    if kind == "choice":
        raw = {"unit": "选项", **raw}
    for part in parts:
        if raw.get(part) in (None, "", []):
            raise ParameterError(place, f"参数 {key} 缺少 {part}", f"补上 {part}")
    if kind not in TYPES:
        raise ParameterError(place, f"参数 {key} 的类型 {kind} 不存在", f"改为 {'、'.join(TYPES)} 之一")
    if (kind in IN_YUAN) != str(raw["unit"]).startswith("元"):
        raise ParameterError(
            place,
            f"参数 {key} 的类型是 {kind}，单位却是 {raw['unit']}",
            "金额用 type: money，分段用 type: segments，单位以“元”开头",
        )
    if kind == "rate" and raw["unit"] != "比例":
        raise ParameterError(place, f"参数 {key} 的类型是 rate，单位却是 {raw['unit']}", "写 unit: 比例")
    if (kind == "choice") != bool(choices):
        raise ParameterError(
            place, f"参数 {key} 的可选项 choices 写得不对", "type: choice 的参数列出 choices，其他不写"
        )
    keys = str(raw.get("keys") or "")
    check_keys(key, keys, place)
    values = tuple(_dated(key, kind, entry, place, keys, choices) for entry in raw["values"])
    marks = [(value.region, value.since) for value in values]
    doubled = next((mark for mark in marks if marks.count(mark) > 1), None)
    if doubled:
        raise ParameterError(place, f"参数 {key} 对区划 {doubled[0] or NATION} 自 {doubled[1]} 写了两个值", "删去一个")
    note = str(raw.get("note", ""))
    return Parameter(key, str(raw["title"]), str(raw["unit"]), kind, note, values, place, keys, choices)


def _dated(key: str, kind: ParameterType, entry: Any, place: Place, keys: str, choices: tuple[str, ...]) -> Dated:
    parts = {"from", "region", "value", "source", "status"}
    if not isinstance(entry, dict) or set(entry) != parts:
        raise ParameterError(
            place, f"参数 {key} 的一条取值写得不全：{entry}", "每条写 from、region、value、source、status 五项"
        )
    if not isinstance(entry["from"], datetime.date):
        raise ParameterError(place, f"参数 {key} 的起始日 {entry['from']} 不是日期", "写成 2024-01-01")
    region = str(entry["region"])
    if not (region.isdigit() and len(region) in (2, 4, 6, 9, 12)):
        raise ParameterError(
            place, f"参数 {key} 的区划 {region} 不对", '写省两位、市四位、县六位代码，全国写 "000000"，并加引号'
        )
    if not str(entry["source"] or "").strip():
        raise ParameterError(place, f"参数 {key} 自 {entry['from']} 的取值没有来源", "在 source 写明文件名称和文号")
    return Dated(
        entry["from"],
        "" if region == NATION else region,
        read_value(key, kind, entry["value"], place, keys=keys, choices=choices),
        str(entry["source"]),
        str(entry["status"]),
    )
