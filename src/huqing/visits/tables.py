"""The submissions of one form as tables: one line each, and a table of its own for every repeat.

All versions of the form are laid side by side: a question keeps its column as long as its path does, under the label of
the newest version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from huqing.visits.answers import turns_of
from huqing.visits.models import Form, Submission
from huqing.visits.questions import Asked, Names, filled_label, names_for, questions_of, words

if TYPE_CHECKING:
    from huqing.access.models import User

CHUNK = 500
# What a hidden question holds whose answer says who is meant; its words are the name.
_SUBJECTS = {"household": "农户", "person": "人员"}
PlaceName = Callable[[str], str]


@dataclass(frozen=True)
class Head:
    """A column: what is known about every submission (``question`` None), or a question.

    No question has a colon in its path, so ``visit:…`` keys never meet one.
    """

    key: str
    title: str
    kind: str = "text"
    question: Asked | None = None


@dataclass(frozen=True)
class Table:
    """The table of the form itself (``path`` "") or of one repeat; ``parents`` are the repeats around that one."""

    path: str
    title: str
    heads: Sequence[Head]
    parents: tuple[str, ...] = ()


@dataclass
class Row:
    """One line: per column the answer as it was sent, and in words."""

    raw: list[Any]
    text: list[Any]


ABOUT = (
    Head("visit:number", "记录号", "integer"),
    Head("visit:visited_on", "走访日期", "date"),
    Head("visit:visitor", "走访人"),
    Head("visit:place", "村"),
    Head("visit:household_number", "户编号"),
    Head("visit:head_name", "户主"),
    Head("visit:person_name", "人员"),
    Head("visit:state", "状态"),
    Head("visit:version", "表单版本"),
    Head("visit:received_at", "收到时间"),
    Head("visit:typed", "填写项数", "integer"),
    Head("visit:prefilled", "预填未改项数", "integer"),
    Head("visit:derived", "自动得出项数", "integer"),
)
NUMBER, TURN = Head("visit:number", "记录号", "integer"), Head("visit:turn", "序号", "integer")
OF_PARENT = "上级序号"


@dataclass
class Layout:
    """The columns of a form over all its versions, and the questions of each version for the words."""

    tables: list[Table]
    by_version: dict[int, dict[str, Asked]] = field(default_factory=dict)

    @property
    def main(self) -> Table:
        """The table with one line per submission."""
        return self.tables[0]


def layout_of(form: Form) -> Layout:
    """How the tables of a form look."""
    merged: dict[str, Asked] = {}
    by_version: dict[int, dict[str, Asked]] = {}
    for version in form.versions.order_by("published_at", "pk"):
        asked = questions_of(version)
        by_version[version.pk] = {item.path: item for item in asked}
        # The newest version's order leads; what only older versions asked follows.
        merged = {item.path: item for item in asked} | {
            path: item for path, item in merged.items() if path not in by_version[version.pk]
        }
    repeats = [item for item in merged.values() if item.type == "repeat"]
    known = {item.path: item for item in repeats}
    tables = [Table("", form.title, [*ABOUT, *_heads(merged.values(), "", taken=ABOUT)])]
    for item in repeats:
        parents = _parents(item, known)
        fixed = [NUMBER, *([Head("visit:parent", OF_PARENT, "integer")] if parents else []), TURN]
        heads = [*fixed, *_heads(merged.values(), item.path, taken=fixed)]
        tables.append(Table(item.path, item.label or item.name, heads, parents))
    return Layout(tables, by_version)


def _parents(item: Asked, repeats: Mapping[str, Asked]) -> tuple[str, ...]:
    above: list[str] = []
    while item.repeat:
        above.insert(0, item.repeat)
        item = repeats[item.repeat]
    return tuple(above)


def _heads(questions: Iterable[Asked], repeat: str, taken: Sequence[Head]) -> Iterator[Head]:
    about = {head.title for head in taken}
    titles = set(about)
    for item in questions:
        if item.repeat != repeat or item.layout or item.type in ("note", "hidden"):
            continue
        base = filled_label(item, {}) if item.label else _SUBJECTS.get(item.subject, item.name)
        title, number = (f"{base}（表单）" if base in about else base), 2
        while title in titles:
            title, number = f"{base}（{number}）", number + 1
        titles.add(title)
        yield Head(item.path.split("/", 2)[-1], title, _kind(item), item)


def _kind(item: Asked) -> str:
    return item.type if item.type in ("integer", "decimal", "date") else "text"


def rows_of(
    layout: Layout, table: Table, submissions: Iterable[Submission], user: User, *, place: PlaceName = str
) -> Iterator[Row]:
    """The lines of one table. ``submissions`` come with form, user, household and person; ``place`` names a region."""
    asked = [item for known in layout.by_version.values() for item in known.values()]
    source = iter(submissions)
    while chunk := list(islice(source, CHUNK)):
        names = names_for(user, chunk, asked)
        for submission in chunk:
            known = layout.by_version.get(submission.version_id, {})
            if not table.path:
                about = _about(submission, place)
                answers, texts = _answers(table.heads[len(ABOUT) :], submission.answers, known, names)
                yield Row([*about, *answers], [*about, *texts])
                continue
            for numbers, turn in _turns(submission.answers, (*table.parents, table.path)):
                fixed = [submission.pk, *([numbers[-2]] if table.parents else []), numbers[-1]]
                answers, texts = _answers(table.heads[len(fixed) :], turn, known, names)
                yield Row([*fixed, *answers], [*fixed, *texts])


def _about(row: Submission, place: PlaceName) -> list[Any]:
    return [
        row.pk,
        row.visited_on,
        row.user.display_name,
        place(row.region_code),
        row.household.number if row.household else "",
        row.household.head_name if row.household else "",
        row.person.name if row.person else "",
        row.get_state_display(),
        row.version.version,
        row.received_at,
        row.typed,
        row.prefilled,
        row.derived,
    ]


def _answers(
    heads: Sequence[Head], answers: Mapping[str, Any], known: Mapping[str, Asked], names: Names
) -> tuple[list[str], list[str]]:
    raw, text = [], []
    for head in heads:
        path = head.question.path if head.question else ""
        value = answers.get(path)
        plain = "" if value is None or isinstance(value, list) else str(value)
        raw.append(plain)
        text.append(words(known.get(path) or head.question, plain, names))
    return raw, text


def _turns(
    answers: Mapping[str, Any], paths: Sequence[str], above: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], Mapping[str, Any]]]:
    """Every turn of a repeat with its number and those of the turns around it."""
    for index, turn in enumerate(turns_of(answers, paths[0]), start=1):
        if len(paths) == 1:
            yield (*above, index), turn
        else:
            yield from _turns(turn, paths[1:], (*above, index))
