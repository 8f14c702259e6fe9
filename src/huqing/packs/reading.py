"""From ``method.yaml`` to a ``Method``; every mistake of the file is collected with its line and reported together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from huqing.packs.assessing import check_assessments
from huqing.packs.errors import PackError, PackProblem
from huqing.packs.lines import Mapping, read
from huqing.packs.manifest import (
    MEASURES,
    WHOLE_WEIGHT,
    Actor,
    AssessedItem,
    Assessment,
    Cadence,
    Check,
    Checklist,
    Counts,
    Duty,
    Indicator,
    KeyGroup,
    Method,
    Paper,
    Period,
    Quota,
    Round,
    Section,
    Subject,
    Visit,
)
from huqing.packs.workbook import SUFFIXES
from huqing.standards.codelists import codelist

MANIFEST = "method.yaml"
# What is shown in lists and kept in columns of these lengths.
LONGEST = {"key": 40, "version": 20, "title": 60}
KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
DAY = re.compile(r"(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\Z")
PERIODS: tuple[Period, ...] = get_args(Period)
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
COUNTS: tuple[Counts, ...] = get_args(Counts)
T = TypeVar("T")


class Reader:
    """Reads one manifest; ``problems`` grows as it goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{folder.name}/{MANIFEST}"
        self.problems: list[PackProblem] = []
        self.raw: dict[int, Mapping] = {}

    def problem(self, line: int, problem: str, remedy: str) -> None:
        self.problems.append(PackProblem(f"{self.name} 第 {line} 行", problem, remedy))

    def at(self, item: object, key: str, problem: str, remedy: str) -> None:
        """A problem with one entry of something that was read before."""
        self.problem(self.raw[id(item)].line_of(key), problem, remedy)

    def method(self) -> Method | None:
        """The method as far as it can be read; ``problems`` says what is wrong. None: there is no readable file."""
        try:
            raw = read(self.folder / MANIFEST, self.name)
        except PackError as error:
            self.problems.extend(error.problems)
            return None
        self.only(
            raw,
            ("key", "title", "version", "summary", "source", "actors"),
            ("visits", "quotas", "key_groups", "duties", "indicators", "outline", "papers", "assessments"),
        )
        if not raw.get("visits") and not raw.get("assessments"):
            self.problem(raw.line, "既没有走访也没有考核", "至少写 visits: …（走访）或 assessments: …（考核）")
        method = Method(
            key=self.key(raw),
            title=self.text(raw, "title"),
            version=self.text(raw, "version"),
            summary=self.text(raw, "summary"),
            source=self.text(raw, "source"),
            actors=self.several(raw, "actors", self.actor),
            visits=self.several(raw, "visits", self.visit),
            quotas=self.several(raw, "quotas", self.quota),
            key_groups=self.several(raw, "key_groups", self.key_group),
            duties=self.several(raw, "duties", self.duty),
            indicators=self.several(raw, "indicators", self.indicator),
            outline=self.several(raw, "outline", self.section),
            papers=self.several(raw, "papers", self.paper),
            assessments=self.several(raw, "assessments", self.assessment),
        )
        if method.key and method.key != self.folder.name:
            self.problem(raw.line_of("key"), f"代号 {method.key} 与文件夹名 {self.folder.name} 不同", "把两者改成一样")
        if not self.problems:
            self.references(method)
        return method

    def only(self, raw: Mapping, needed: Sequence[str], optional: Sequence[str] = ()) -> None:
        """Every needed entry is there and nothing else but the optional ones."""
        allowed = [*needed, *optional]
        for key in needed:
            if raw.get(key) in (None, "", []):
                self.problem(raw.line_of(key), f"缺少 {key}", f"补上 {key}: …")
        for key in raw:
            if key not in allowed:
                self.problem(raw.line_of(key), f"不认识的项 {key}", f"只用 {'、'.join(allowed)}")

    def text(self, raw: Mapping, key: str, default: str = "") -> str:
        value = raw.get(key, default)
        if isinstance(value, list | dict) or value is None:
            if key in raw:
                self.problem(raw.line_of(key), f"{key} 应是一段文字", "写在冒号后面，必要时加引号")
            return default
        text = str(value).strip()
        if not all(character.isprintable() or character in "\n\t" for character in text):
            self.problem(raw.line_of(key), f"{key} 里有看不见的控制字符", "删去重写")
        elif len(text) > LONGEST.get(key, len(text)):
            self.problem(raw.line_of(key), f"{key} 有 {len(text)} 个字", f"缩短到 {LONGEST[key]} 个字以内")
        return text

    def key(self, raw: Mapping) -> str:
        value = self.text(raw, "key")
        if value and not KEY.match(value):
            self.problem(raw.line_of("key"), f"代号 {value} 不对", "用小写英文字母开头，只含小写字母、数字和下划线")
        return value

    def whole(self, raw: Mapping, key: str, default: int = 0) -> int:
        value = raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.problem(raw.line_of(key), f"{key} 应是不小于 0 的整数，现为 {value}", "只写数字")
            return default
        return value

    def several(self, raw: Mapping, key: str, make: Callable[[Mapping], T]) -> tuple[T, ...]:
        found = raw.get(key) or []
        if not isinstance(found, list):
            self.problem(raw.line_of(key), f"{key} 应是一列项目", "每项以“- ”开头另起一行")
            return ()
        made = []
        for item in found:
            if isinstance(item, Mapping):
                made.append(make(item))
                self.raw[id(made[-1])] = item
            else:
                self.problem(raw.line_of(key), f"{key} 中的“{item}”不是一个项目", "写成 - {key: …, title: …}")
        keys = [getattr(item, "key", None) for item in made]
        for twice in sorted({name for name in keys if name and keys.count(name) > 1}):
            self.problem(raw.line_of(key), f"{key} 中代号 {twice} 出现两次", "换一个代号")
        return tuple(made)

    def actor(self, raw: Mapping) -> Actor:
        self.only(raw, ("key", "title", "role"), ("duties",))
        return Actor(self.key(raw), self.text(raw, "title"), self.text(raw, "role"), self.roles(raw))

    def roles(self, raw: Mapping) -> tuple[str, ...]:
        """The roles of the ledger of duties an actor holds."""
        listed = raw.get("duties") or []
        if not isinstance(listed, list):
            self.problem(raw.line_of("duties"), "duties 应是一列责任代号", "写成 [helper, resident]")
            return ()
        known = codelist("duty_role")
        for wrong in (str(code) for code in listed if str(code) not in known):
            titled = {label: code for code, label in known.items}
            near = titled.get(wrong) or next(iter(get_close_matches(wrong, list(titled.values()), 1)), "")
            told = "、".join(f"{code}（{label}）" for code, label in known.items)
            remedy = f"改为 {near}（{known.label(near)}）" if near else f"从这些里选：{told}"
            self.problem(raw.line_of("duties"), f"责任台账里没有责任 {wrong}", remedy)
        return tuple(dict.fromkeys(str(code) for code in listed if str(code) in known))

    def quota(self, raw: Mapping) -> Quota:
        self.only(raw, ("actor", "title"), ("rank", "count", "at_least", "at_most", "note"))
        if ("count" in raw) == ("at_least" in raw or "at_most" in raw):
            self.problem(raw.line, "配额没有写清", "写 count: n（恰好），或 at_least: 与 at_most:（范围）")
        least = self.whole(raw, "count") or self.whole(raw, "at_least")
        most = self.whole(raw, "count") or self.whole(raw, "at_most", least)
        if least > most:
            self.problem(raw.line_of("at_least"), "最少户数大于最多户数", "改正 at_least 或 at_most")
        rank, note = self.text(raw, "rank"), self.text(raw, "note")
        return Quota(self.text(raw, "actor"), self.text(raw, "title"), least, most, rank, note)

    def visit(self, raw: Mapping) -> Visit:
        self.only(
            raw,
            ("key", "title", "actor", "form", "whom", "every"),
            ("subject", "visit_kind", "checklists", "unchanged_allowed", "note"),
        )
        kind = self.text(raw, "visit_kind")
        if kind and kind not in codelist("visit_kind"):
            labels = "、".join(f'"{code}"（{label}）' for code, label in codelist("visit_kind").items)
            self.problem(raw.line_of("visit_kind"), f"走访类别 {kind} 不存在", f"改为 {labels} 之一")
        unchanged = raw.get("unchanged_allowed", False)
        if not isinstance(unchanged, bool):
            self.problem(raw.line_of("unchanged_allowed"), "unchanged_allowed 应是 true 或 false", "改为 true 或 false")
        return Visit(
            key=self.key(raw),
            title=self.text(raw, "title"),
            actor=self.text(raw, "actor"),
            form=self.text(raw, "form"),
            subject=self.subject(raw),
            whom=self.text(raw, "whom"),
            every=self.cadence(raw),
            visit_kind=kind,
            checklists=self.several(raw, "checklists", self.checklist),
            unchanged_allowed=unchanged is True,
            note=self.text(raw, "note"),
        )

    def checklist(self, raw: Mapping) -> Checklist:
        self.only(raw, ("title", "items"))
        items = raw.get("items")
        if not isinstance(items, list):
            self.problem(raw.line_of("items"), "items 应是一列", "每行以“- ”开头写一句话")
            items = []
        return Checklist(self.text(raw, "title"), tuple(self.check(raw, item) for item in items))

    def check(self, raw: Mapping, item: Any) -> Check:
        if isinstance(item, Mapping):
            self.only(item, ("title",), ("question",))
            return Check(self.text(item, "title"), self.text(item, "question"))
        if not isinstance(item, str):
            self.problem(raw.line_of("items"), f"清单中的“{item}”不是一句话", "每行写一句话")
        return Check(str(item))

    def subject(self, raw: Mapping) -> Subject:
        value = raw.get("subject", "household")
        found = next((subject for subject in SUBJECTS if subject == value), None)
        if found is None:
            self.problem(raw.line_of("subject"), f"对象 {value} 不存在", f"改为 {'、'.join(SUBJECTS)} 之一")
        return found or "household"

    def cadence(self, raw: Mapping) -> Cadence:
        line = raw.line_of("every")
        every = raw.get("every")
        remedy = "写成 {months: 1}、{weeks: 1}、{once: true} 或 {rounds: [{title: …, start: 03-01, end: 06-30}]}"
        if not isinstance(every, Mapping) or len(every) != 1:
            if every is not None:
                self.problem(line, "间隔写得不对", remedy)
            return Cadence(once=True)
        [(what, value)] = every.items()
        if what == "once" and value is True:
            return Cadence(once=True)
        if what == "rounds" and isinstance(value, list) and value:
            return Cadence(rounds=tuple(self.round(item, line) for item in value))
        period = next((period for period in PERIODS if period == what), None)
        if period and isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return Cadence(number=value, period=period)
        self.problem(line, f"间隔 {what}: {value} 写得不对", remedy)
        return Cadence(once=True)

    def round(self, raw: Any, line: int) -> Round:
        if not isinstance(raw, Mapping):
            self.problem(line, f"轮次“{raw}”写得不对", "写成 {title: 第一轮, start: 03-01, end: 06-30}")
            return Round("", "", "")
        self.only(raw, ("title", "start", "end"))
        start, end = self.text(raw, "start"), self.text(raw, "end")
        for key, value in (("start", start), ("end", end)):
            if value and not DAY.match(value):
                self.problem(raw.line_of(key), f"日期 {value} 写得不对", "写成 03-01（每年）或 2026-03-01")
        if start and end and len(start) == len(end) and start > end:
            self.problem(raw.line_of("end"), "轮次的结束早于开始", "改正 start 或 end")
        return Round(self.text(raw, "title"), start, end)

    def key_group(self, raw: Mapping) -> KeyGroup:
        self.only(raw, ("key", "title", "whom", "visit", "every"), ("subject", "note"))
        return KeyGroup(
            key=self.key(raw),
            title=self.text(raw, "title"),
            subject=self.subject(raw),
            whom=self.text(raw, "whom"),
            visit=self.text(raw, "visit"),
            every=self.cadence(raw),
            note=self.text(raw, "note"),
        )

    def duty(self, raw: Mapping) -> Duty:
        self.only(raw, ("key", "title", "actor", "unit", "every"), ("at_least", "at_most", "parameter", "form", "note"))
        least, most = self.whole(raw, "at_least"), self.whole(raw, "at_most")
        if most and least > most:
            self.problem(raw.line_of("at_least"), "最少大于最多", "改正 at_least 或 at_most")
        if not (least or most or raw.get("parameter")):
            self.problem(raw.line, "没有写明数量", "写 at_least: n，或 parameter: 参数名")
        return Duty(
            key=self.key(raw),
            title=self.text(raw, "title"),
            actor=self.text(raw, "actor"),
            unit=self.text(raw, "unit"),
            every=self.cadence(raw),
            at_least=least,
            at_most=most,
            parameter=self.text(raw, "parameter"),
            form=self.text(raw, "form"),
            note=self.text(raw, "note"),
        )

    def indicator(self, raw: Mapping) -> Indicator:
        self.only(raw, ("key", "title", "unit", "visit", "counts"), ("question",))
        counts = next((name for name in COUNTS if name == raw.get("counts")), None)
        if counts is None and "counts" in raw:
            self.problem(raw.line_of("counts"), f"不认识的 counts: {raw['counts']}", f"改为 {'、'.join(COUNTS)} 之一")
        if (counts == "sum") != bool(raw.get("question")):
            self.problem(raw.line, "合计（sum）要写 question，其他不写", "补上或删去 question")
        return Indicator(
            key=self.key(raw),
            title=self.text(raw, "title"),
            unit=self.text(raw, "unit"),
            visit=self.text(raw, "visit"),
            counts=counts or "visits",
            question=self.text(raw, "question"),
        )

    def section(self, raw: Mapping) -> Section:
        self.only(raw, ("title",), ("indicators",))
        named = raw.get("indicators") or []
        if not isinstance(named, list):
            self.problem(raw.line_of("indicators"), "indicators 应是一列代号", "写成 [代号, 代号]")
            named = []
        return Section(self.text(raw, "title"), tuple(str(name) for name in named))

    def paper(self, raw: Mapping) -> Paper:
        self.only(raw, ("key", "title", "template"))
        return Paper(self.key(raw), self.text(raw, "title"), self.text(raw, "template"))

    def assessment(self, raw: Mapping) -> Assessment:
        self.only(raw, ("key", "title", "actor", "indicators"), ("note",))
        items = self.several(raw, "indicators", self.assessed_item)
        whole = sum(item.weight for item in items)
        if items and whole != WHOLE_WEIGHT:
            self.problem(raw.line_of("indicators"), f"各项分值合计 {whole}", f"改成合计 {WHOLE_WEIGHT}")
        texts = (self.text(raw, "title"), self.text(raw, "actor"))
        return Assessment(self.key(raw), *texts, items, self.text(raw, "note"))

    def assessed_item(self, raw: Mapping) -> AssessedItem:
        self.only(raw, ("key", "title", "weight", "measure"), ("visit", "note"))
        measure = self.text(raw, "measure")
        if measure and measure not in MEASURES:
            known = "、".join(f"{key}（{words}）" for key, words in MEASURES.items())
            self.problem(raw.line_of("measure"), f"不会算 {measure}", f"从这些里选：{known}")
        return AssessedItem(
            key=self.key(raw),
            title=self.text(raw, "title"),
            weight=self.whole(raw, "weight"),
            measure=measure,
            visit=self.text(raw, "visit"),
            note=self.text(raw, "note"),
        )

    def references(self, method: Method) -> None:
        """What one part names exists in another, or as a file of the pack."""
        actors = [actor.key for actor in method.actors]
        visits = [visit.key for visit in method.visits]
        forms = {file.stem for file in form_files(self.folder)}
        for visit in method.visits:
            self.exists(visit, "actor", visit.actor, actors, "actors")
            self.form_exists(visit, visit.form, forms)
        for quota in method.quotas:
            self.exists(quota, "actor", quota.actor, actors, "actors")
        for duty in method.duties:
            self.exists(duty, "actor", duty.actor, actors, "actors")
            if duty.form:
                self.form_exists(duty, duty.form, forms)
        for group in method.key_groups:
            self.exists(group, "visit", group.visit, visits, "visits")
        check_assessments(self, method)
        for indicator in method.indicators:
            self.exists(indicator, "visit", indicator.visit, visits, "visits")
        for section in method.outline:
            for name in section.indicators:
                self.exists(section, "indicators", name, [item.key for item in method.indicators], "indicators")
        for paper in method.papers:
            if not (self.folder / "papers" / paper.template).is_file():
                self.at(paper, "template", f"没有模板 papers/{paper.template}", "补上文件，或改正 template")

    def form_exists(self, item: object, form: str, known: set[str]) -> None:
        if form not in known:
            self.at(item, "form", f"没有表单 forms/{form}.xlsx（或 .md、.csv）", "补上文件，或改正 form")

    def exists(self, item: object, key: str, value: str, known: list[str], where: str) -> None:
        if value not in known:
            self.at(item, key, f"{where} 中没有 {value}", f"改为 {'、'.join(known)} 之一")


def form_files(folder: Path) -> list[Path]:
    """The forms of a pack."""
    return sorted(file for file in (folder / "forms").glob("*") if file.suffix.lower() in SUFFIXES)
