"""Our own columns of a form: which field of the household file a question reads (prefill) and which it writes.

``reads`` and ``writes`` name declared fields: ``household.water_safe``, ``person.health``; ``reads`` also those of the
``village`` and ``parameter.<key>``. A row that reads just ``household``, ``person`` or ``village`` says whom the visit
is about: a choice from the list of that name (``select_one_from_file household.csv``), or a repeat over the members.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from huqing.packs import fits
from huqing.packs.errors import FormProblem
from huqing.packs.survey import Row, choice_lists, survey_rows
from huqing.packs.workbook import Workbook
from huqing.rules.parameters import Parameter
from huqing.standards.fields import Field, record_kinds

SUBJECTS = ("household", "person", "village")
WRITTEN = ("household", "person")
PARAMETER = "parameter"
PLAIN_PARAMETERS = ("money", "integer", "decimal")
SUBJECT_NAMES = {"household": "农户", "person": "人员", "village": "行政村", PARAMETER: "参数"}


@dataclass(frozen=True)
class Target:
    """What a cell names: a field of a subject, a parameter, or (both empty) the subject itself."""

    subject: str
    field: Field | None = None
    parameter: Parameter | None = None

    @property
    def key(self) -> str:
        """The key behind the dot; "" for the subject itself."""
        return self.field.key if self.field else self.parameter.key if self.parameter else ""

    def __str__(self) -> str:
        return f"{self.subject}.{self.key}" if self.key else self.subject


@dataclass(frozen=True)
class Bound:
    """One row with what it reads and writes. ``members`` names the repeat over members it stands in, if any."""

    row: Row
    reads: Target | None
    writes: Target | None
    members: str = ""

    @property
    def coded(self) -> Field | None:
        """The coded field whose choices the question offers."""
        for target in (self.writes, self.reads):
            if target and target.field and target.field.type in fits.CODED and self.row.type.choices:
                return target.field
        return None


@dataclass
class Bindings:
    """All bound rows of a form, who they are about, and what is wrong with them.

    ``pickers`` maps household, person and village to the question that chooses one; ``members`` is the repeat over the
    household's members.
    """

    bound: list[Bound] = field(default_factory=list)
    pickers: dict[str, Bound] = field(default_factory=dict)
    members: Bound | None = None
    problems: list[FormProblem] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.bound)


def bindings_of(book: Workbook, parameters: Mapping[str, Parameter]) -> Bindings:
    """What the rows of a form read and write, checked against the declarations of the fields."""
    return _Reader(book, parameters).read()


class _Reader:
    def __init__(self, book: Workbook, parameters: Mapping[str, Parameter]) -> None:
        self.book = book
        self.parameters = parameters
        self.lists = choice_lists(book)
        self.found = Bindings()

    def problem(self, row: Row, column: str, problem: str, remedy: str) -> None:
        self.found.problems.append(self.book.problem("survey", row.row, column, problem, remedy))

    def read(self) -> Bindings:
        for row in survey_rows(self.book):
            if row["reads"] or row["writes"]:
                self._row(row)
        self._subjects_first()
        self._written_once()
        return self.found

    def _row(self, row: Row) -> None:
        bound = Bound(row, self._target(row, "reads"), self._target(row, "writes"), self._members_around(row))
        if bound.reads and not bound.reads.key:
            self._subject(bound)
        elif bound.reads or bound.writes:
            self._types(bound)
            self._choices(bound)
            self._own_prefill(bound)
        self.found.bound.append(bound)

    def _members_around(self, row: Row) -> str:
        members = self.found.members
        return members.row.name if members and members.row.name in row.repeats else ""

    def _target(self, row: Row, column: str) -> Target | None:
        text = row[column]
        if not text:
            return None
        subject, _, key = text.partition(".")
        if subject == PARAMETER and column == "reads":
            return self._parameter(row, key)
        known = SUBJECTS if column == "reads" else WRITTEN
        if subject not in known:
            remedy = f"写成 {'、'.join(f'{name}.字段' for name in known)}，字段的代号见“字段目录”"
            self.problem(row, column, f"“{text}”不是档案里的字段", remedy)
            return None
        if not key:
            if column == "writes":
                self.problem(row, column, "没有写明写入哪个字段", f"写成 {subject}.字段")
                return None
            return Target(subject)
        return self._field(row, column, subject, key)

    def _field(self, row: Row, column: str, subject: str, key: str) -> Target | None:
        kind = record_kinds()[subject]
        declared = kind.by_key.get(key)
        if declared is None:
            self.problem(
                row, column, f"{kind.name}没有字段“{key}”", _suggestion(key, {f.key: f.label for f in kind.fields})
            )
            return None
        reason = fits.unreadable(declared) if column == "reads" else fits.unwritable(declared)
        if reason:
            self.problem(row, column, f"“{declared.label}”{reason}", "删去这一格")
            return None
        return Target(subject, declared)

    def _parameter(self, row: Row, key: str) -> Target | None:
        found = self.parameters.get(key)
        if found is None:
            titles = {name: item.title for name, item in self.parameters.items()}
            self.problem(row, "reads", f"没有参数“{key}”", _suggestion(key, titles))
            return None
        if found.type not in PLAIN_PARAMETERS or found.keys:
            self.problem(row, "reads", f"参数“{found.title}”不是一个数", "只读金额、整数、小数的参数")
            return None
        return Target(PARAMETER, parameter=found)

    def _subject(self, bound: Bound) -> None:
        """The row says whom the visit is about."""
        subject = bound.reads.subject if bound.reads else ""
        kind = bound.row.type
        name = SUBJECT_NAMES[subject]
        if bound.writes:
            self.problem(bound.row, "writes", f"选{name}的题目不能写入字段", "删去这一格")
        if kind.kind == "begin_repeat" and subject == "person":
            if self.found.members or bound.row.repeats:
                self.problem(bound.row, "reads", "逐个成员填写的重复组只能有一个，也不能放在别的重复组里", "只留一个")
                return
            self.found.members = bound
        elif kind.kind == "select_one" and kind.from_file and kind.choices == f"{subject}.csv":
            if subject in self.found.pickers or bound.row.repeats:
                self.problem(bound.row, "reads", f"选{name}的题目只能有一个，也不能放在重复组里", "只留一个")
                return
            self.found.pickers[subject] = bound
        else:
            shapes = [f"select_one_from_file {subject}.csv"] + ["begin_repeat"] * (subject == "person")
            self.problem(bound.row, "type", f"这一行要选{name}，题型不对", f"题型写 {' 或 '.join(shapes)}")

    def _types(self, bound: Bound) -> None:
        kind = bound.row.type
        for column, target in (("reads", bound.reads), ("writes", bound.writes)):
            if target is None:
                continue
            if target.parameter:
                if kind.kind not in (*fits.FREE, "note", "integer", "decimal"):
                    self.problem(bound.row, "type", "参数只能读到计算题、说明或数字题", "题型写 calculate")
                continue
            declared = target.field
            if declared is None or fits.fits(declared, kind.kind, writes=column == "writes"):
                continue
            able = fits.WRITTEN_BY.get(declared.type, ()) or fits.SHOWN
            shapes = "、".join(dict.fromkeys(fits.WORDS.get(name, name) for name in able))
            self.problem(
                bound.row,
                "type",
                f"题型 {kind.kind} 与“{declared.label}”（{_type_words(declared)}）不符",
                f"题型写 {shapes}",
            )

    def _choices(self, bound: Bound) -> None:
        declared, kind = bound.coded, bound.row.type
        if declared is None:
            return
        known = [code for code, _ in fits.codes_of(declared)]
        if kind.from_file or kind.other:
            self.problem(
                bound.row,
                "type",
                f"“{declared.label}”的选项不能来自文件，也不能另填其他",
                f"写 select_one {fits.list_of(declared)}",
            )
            return
        if kind.choices not in self.lists:
            if kind.choices != fits.list_of(declared):
                self.problem(
                    bound.row,
                    "type",
                    f"choices 表里没有选项表“{kind.choices}”",
                    f"题型写 {kind.kind} {fits.list_of(declared)}，选项由代码表带出",
                )
            return
        offered = self.lists[kind.choices]
        wrong = [code for code in offered if code not in known]
        lacking = [code for code in known if code not in offered] if bound.reads and bound.reads.field else []
        direct = f"题型写 {kind.kind} {fits.list_of(declared)} 并删去 choices 里的这张表，选项由代码表带出"
        if wrong:
            self.problem(bound.row, "type", f"选项 {'、'.join(wrong)} 不是“{declared.label}”的代码", direct)
        elif lacking:
            self.problem(
                bound.row, "type", f"预填“{declared.label}”时缺少选项 {'、'.join(lacking)}，原来的值会丢", direct
            )

    def _own_prefill(self, bound: Bound) -> None:
        """``reads`` is the prefill: a second one of the author's own would fight with it."""
        if bound.reads is None:
            return
        for column in ("default", "calculation", "trigger"):
            if bound.row[column]:
                self.problem(bound.row, column, f"写了 reads，又写了 {column}", "删去其中一个")

    def _subjects_first(self) -> None:
        """Whoever is read or written is chosen before, and a member's field stands in the repeat over members."""
        seen: set[str] = set()
        for bound in self.found.bound:
            if bound.reads and not bound.reads.key:
                if bound is self.found.members and "household" not in seen:
                    self.problem(bound.row, "reads", "还没有选农户，不知道是谁家的成员", _pick("household"))
                seen.add(bound.reads.subject)
                continue
            for column, target in (("reads", bound.reads), ("writes", bound.writes)):
                if target is None or target.subject == PARAMETER:
                    continue
                self._chosen(bound, column, target, seen)

    def _chosen(self, bound: Bound, column: str, target: Target, seen: set[str]) -> None:
        if target.subject == "person" and not bound.members and "person" not in self.found.pickers:
            where = "放进 reads 为 person 的 begin_repeat 里" if self.found.members else _pick("person")
            self.problem(bound.row, column, "不知道是哪一个人的", where)
        elif target.subject != "person" and target.subject not in seen & set(self.found.pickers):
            self.problem(bound.row, column, f"还没有选{SUBJECT_NAMES[target.subject]}", _pick(target.subject))
        elif bound.writes is target and bound.row.repeats and not bound.members:
            self.problem(bound.row, column, "重复填写的题目不能写入只有一个值的字段", "移到重复组外面，或删去这一格")
        elif bound.writes is target and target.subject == "household" and bound.members:
            self.problem(
                bound.row, column, "逐个成员填写的题目不能写入户的字段", "移到重复组外面，或改写 person 的字段"
            )

    def _written_once(self) -> None:
        first: dict[str, Bound] = {}
        for bound in self.found.bound:
            if bound.writes is None:
                continue
            earlier = first.setdefault(str(bound.writes), bound)
            if earlier is not bound:
                self.problem(
                    bound.row,
                    "writes",
                    f"{bound.writes} 已由“{earlier.row.name}”写入",
                    "一个字段只由一道题写入，删去一处",
                )


def _pick(subject: str) -> str:
    return f"在前面加一行：题型 select_one_from_file {subject}.csv，reads 写 {subject}"


def _type_words(declared: Field) -> str:
    words = {
        "text": "文字",
        "name": "姓名",
        "integer": "整数",
        "decimal": "小数",
        "money": "金额",
        "date": "日期",
        "month": "年月",
        "year": "年份",
        "boolean": "是否",
        "code": "单选代码",
        "codes": "多选代码",
        "region": "区划代码",
    }
    return words.get(declared.type, declared.type)


def _suggestion(key: str, titles: Mapping[str, str]) -> str:
    """The names that look like what was written, or whose label was written instead of the key."""
    near = [name for name, label in titles.items() if key and (key == label or (len(key) > 1 and key in label))]
    near += difflib.get_close_matches(key, list(titles), n=3, cutoff=0.5)
    told = "、".join(f"{name}（{titles[name]}）" for name in dict.fromkeys(near[:3]))
    return f"相近的：{told}" if told else "代号见“字段目录”"


def targets(bindings: Bindings) -> Iterator[Target]:
    """Every field and parameter a form reads."""
    for bound in bindings.bound:
        if bound.reads and bound.reads.key:
            yield bound.reads
