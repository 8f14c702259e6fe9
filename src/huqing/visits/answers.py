"""One submission as a page shows it: every answer under its question's label, in form order, turns of repeats apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from huqing.packs.telling import field_text
from huqing.visits.models import Attachment, Submission
from huqing.visits.questions import MEDIA, Asked, Names, filled_label, names_for, questions_of, words

if TYPE_CHECKING:
    from huqing.access.models import User


@dataclass(frozen=True)
class Line:
    """One line: a heading or an answer.

    ``before`` is what the submission this one replaces said, if something else; ``lands`` the field it is bound to.
    """

    label: str
    text: str = ""
    depth: int = 0
    heading: bool = False
    before: str = ""
    lands: str = ""
    file: Attachment | None = None


@dataclass
class Reading:
    """The answers of one submission.

    ``blank`` are the labels of questions that were asked and left blank, ``skipped`` of those that did not come up;
    ``others`` are answers to no question of the form.
    """

    lines: list[Line] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many answers there are."""
        return sum(1 for line in self.lines if not line.heading)


def read(submission: Submission, user: User) -> Reading:
    """Arrange the answers of a submission for ``user``."""
    questions = questions_of(submission.version)
    earlier = submission.replaces
    names = names_for(user, [submission, *([earlier] if earlier else [])], questions)
    files = {item.name: item for item in submission.attachments.all()}
    reader = _Reader(questions, names, files)
    reading = Reading()
    reading.lines = list(reader.lines(submission.answers, earlier.answers if earlier else None))
    reading.blank, reading.skipped = reader.unanswered(submission.answers)
    known = {item.path for item in questions}
    reading.others = [
        (path, str(value)) for path, value in submission.answers.items() if path not in known and value not in ("", [])
    ]
    return reading


class _Reader:
    def __init__(self, questions: Sequence[Asked], names: Names, files: Mapping[str, Attachment]) -> None:
        self.names = names
        self.files = files
        self.inside: dict[str, list[Asked]] = {}
        for item in questions:
            self.inside.setdefault(item.repeat, []).append(item)

    def lines(
        self, answers: Mapping[str, Any], earlier: Mapping[str, Any] | None, repeat: str = "", depth: int = 0
    ) -> Iterator[Line]:
        """The lines of the form itself or of one turn of a repeat."""
        questions = self.inside.get(repeat, [])
        answered = {item.name: words(item, answers.get(item.path), self.names) for item in questions if not item.layout}
        waiting: list[Line] = []
        for item in questions:
            level = depth + (item.path.count("/") - 2 if not repeat else item.path.count("/") - repeat.count("/") - 1)
            waiting = [line for line in waiting if line.depth < level]
            if item.type == "repeat":
                turns = list(self._turns(item, answers, earlier, level))
                if turns:
                    yield from waiting
                    waiting = []
                yield from turns
            elif item.layout:
                if item.label:
                    waiting.append(Line(filled_label(item, answered), depth=level, heading=True))
            elif item.shown and (answered[item.name] or (earlier or {}).get(item.path)):
                yield from waiting
                waiting = []
                yield self._answer(item, answered, answers, earlier, level)

    def _answer(
        self,
        item: Asked,
        answered: Mapping[str, str],
        answers: Mapping[str, Any],
        earlier: Mapping[str, Any] | None,
        level: int,
    ) -> Line:
        before = ""
        if earlier is not None and str(earlier.get(item.path, "")) != str(answers.get(item.path, "")):
            before = words(item, earlier.get(item.path), self.names) or "未填"
        return Line(
            label=filled_label(item, answered),
            text=answered[item.name],
            depth=level,
            before=before,
            lands=field_text(item.writes),
            file=self.files.get(str(answers.get(item.path))) if item.type in MEDIA else None,
        )

    def _turns(
        self, item: Asked, answers: Mapping[str, Any], earlier: Mapping[str, Any] | None, level: int
    ) -> Iterator[Line]:
        before = turns_of(earlier, item.path) if earlier is not None else None
        for index, turn in enumerate(turns_of(answers, item.path)):
            title = f"{item.label or '第'} {index + 1}".strip()
            who = self._whose(item.path, turn)
            yield Line(f"{title}：{who}" if who else title, depth=level, heading=True)
            past = None if before is None else before[index] if index < len(before) else {}
            yield from self.lines(turn, past, item.path, level + 1)

    def _whose(self, repeat: str, turn: Mapping[str, Any]) -> str:
        about = next((item for item in self.inside.get(repeat, []) if item.subject == "person"), None)
        return words(about, turn.get(about.path), self.names) if about else ""

    def unanswered(self, answers: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """The labels of questions outside repeats left blank, and of those that were not asked of this household."""
        open_ = [
            item
            for item in self.inside.get("", [])
            if not item.layout and item.label and item.shown and not answers.get(item.path)
        ]
        blank = [filled_label(item, {}) for item in open_ if item.path in answers]
        return blank, [filled_label(item, {}) for item in open_ if item.path not in answers]


def turns_of(answers: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    """The turns of a repeat."""
    turns = answers.get(path)
    return [turn for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
