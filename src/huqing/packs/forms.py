"""A form written in Excel, CSV or Markdown becomes an XForm with its list of questions, or a list of plain reasons.

pyxform does the conversion, without ODK Validate (Java): it does not look into XPath expressions, so a form is loaded
in the real engine before it is published. Whatever pyxform does with a file, the caller gets a ``Conversion``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from huqing.packs.bindings import Bindings, bindings_of
from huqing.packs.errors import FormProblem
from huqing.packs.house import house_notes, house_problems
from huqing.packs.prefill import Need, id_question, needs, put_prefill
from huqing.packs.reasons import Reason, crashed, explained
from huqing.packs.survey import Row, survey_rows
from huqing.packs.workbook import Unreadable, Workbook, read_workbook
from huqing.rules.parameters import Parameter

PRODUCT_LISTS = ("household.csv", "person.csv", "village.csv", "parameter.csv")
_MEDIA = re.compile(r"jr://(?!instance/)[\w-]+/([^\"'<>]+)")
_ROOT = re.compile(r"<(?:\w+:)?instance>\s*<([\w.-]+)[^>]*?\bid=\"([^\"]*)\"(?:[^>]*?\bversion=\"([^\"]*)\")?")
_SECTIONS = ("group", "repeat", "loop")
_KINDS = {
    "select one": "select_one",
    "select all that apply": "select_multiple",
    "select one external": "select_one",
    "photo": "image",
    "string": "text",
    "int": "integer",
}


@dataclass(frozen=True)
class Question:
    """One question, or one group or repeat, of a form.

    ``path`` is its place in the answers (``/data/members/health``), ``repeat`` the path of the repeat around it.
    ``required`` is "yes", "" or the expression that decides. ``choices`` are (code, label) of a list written in the
    form. ``row`` is the row of the survey sheet, 0 for questions that were put in.
    """

    path: str
    name: str
    type: str
    label: str = ""
    hint: str = ""
    reads: str = ""
    writes: str = ""
    required: str = ""
    repeat: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    row: int = 0


@dataclass(frozen=True)
class Converted:
    """A form as clients load it.

    ``media`` are the attachments its author must supply, ``lists`` those the product makes for each user, ``needs``
    their columns. ``subjects`` maps household, person and village to the path of the question that chooses one;
    ``members`` is the path of the repeat over members, ``member`` that of the person's id in it ("" without).
    """

    xml: str
    form_id: str
    version: str
    title: str
    questions: tuple[Question, ...]
    media: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    subjects: Mapping[str, str] | None = None
    members: str = ""
    member: str = ""

    def question(self, name: str) -> Question | None:
        """The first question of this name."""
        return next((item for item in self.questions if item.name == name), None)


@dataclass(frozen=True)
class Conversion:
    """The outcome. ``form`` is None if the file is no form; a form with ``problems`` must not be published.

    ``notes`` are worth a look, no more.
    """

    form: Converted | None = None
    problems: tuple[FormProblem, ...] = ()
    notes: tuple[FormProblem, ...] = ()


def convert(content: bytes, name: str, parameters: Mapping[str, Parameter] | None = None) -> Conversion:
    """Convert a form; ``name`` is its file name, ``parameters`` what ``reads`` may name as ``parameter.<key>``."""
    try:
        book = read_workbook(content, name)
        bindings = bindings_of(book, parameters or {})
        if bindings.problems:
            return Conversion(problems=tuple(bindings.problems))
        return _converted(book, bindings)
    except Unreadable as error:
        return Conversion(problems=(error.problem,))


def _converted(book: Workbook, bindings: Bindings) -> Conversion:
    from pyxform.errors import PyXFormError
    from pyxform.xls2xform import convert as to_xform

    ready = put_prefill(book, bindings) if bindings else book
    told: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = to_xform(ready.as_pyxform(), warnings=told, validate=False)
    except PyXFormError as error:
        # Without details pyxform tells only the number's name; its message still says what is wrong.
        message = error.code.value.format() if error.code and not error.context else str(error)
        return Conversion(problems=tuple(_placed(ready, reason) for reason in explained(message)))
    except Exception as error:  # pyxform breaks with errors of many kinds on forms nobody thought of
        return Conversion(problems=(_placed(ready, crashed(error)),))
    form = _form(ready, bindings, result)
    problems = house_problems(book, form.version)
    notes = [*house_notes(book), *(_placed(ready, reason) for text in told for reason in explained_note(text))]
    return Conversion(form, tuple(problems), tuple(dict.fromkeys(notes)))


def explained_note(text: str) -> Iterator[Reason]:
    """A warning of pyxform in Chinese; what only concerns other languages or clients is left out."""
    if re.search(r"language declarations|translation|max-pixels|no longer supported|spelling", text):
        return
    for reason in explained(text):
        if "原文是" not in reason.problem:
            yield reason


def _placed(book: Workbook, reason: Reason) -> FormProblem:
    row = book.row_of(reason.sheet, reason.row)
    sheet = reason.sheet
    if not row and reason.about:
        named = next((item for item in survey_rows(book) if reason.about in (item.name, item["type"])), None)
        if named:
            sheet, row = "survey", named.row
    return book.problem(sheet, row, reason.column, reason.problem, reason.remedy)


def _form(book: Workbook, bindings: Bindings, result: Any) -> Converted:
    xml = str(result.xform)
    root = _ROOT.search(xml)
    rows = {(*row.sections, row.name): row for row in survey_rows(book)}
    questions = tuple(_questions(result._survey, rows))
    paths = {item.path.split("/", 2)[-1]: item.path for item in questions}
    media = dict.fromkeys(_MEDIA.findall(xml))
    members = _path(bindings.members.row, paths) if bindings.members else ""
    return Converted(
        xml=xml,
        form_id=root[2] if root else "",
        version=(root[3] or "") if root else "",
        title=_text(result._survey.title),
        questions=questions,
        media=tuple(sorted(name for name in media if name not in PRODUCT_LISTS)),
        lists=tuple(name for name in PRODUCT_LISTS if name in media),
        needs=needs(bindings),
        subjects={subject: _path(bound.row, paths) for subject, bound in bindings.pickers.items()},
        members=members,
        member=f"{members}/{id_question(bindings)}" if members else "",
    )


def _path(row: Row, paths: Mapping[str, str]) -> str:
    return paths["/".join((*row.sections, row.name))]


def _questions(survey: Any, rows: Mapping[tuple[str, ...], Row]) -> Iterator[Question]:
    for element in survey.iter_descendants():
        kind = str(getattr(element, "type", "") or "")
        names = _names(element)
        if len(names) < 2 or "meta" in names[1:2] or kind in ("", "survey", "csv-external", "xml-external"):
            continue
        row = rows.get(names[1:])
        bind = getattr(element, "bind", None) or {}
        repeat = _repeat_around(element)
        yield Question(
            path="/" + "/".join(names),
            name=names[-1],
            type=_KINDS.get(kind, kind),
            label=_text(getattr(element, "label", "")),
            hint=_text(getattr(element, "hint", "")),
            reads=row["reads"] if row else "",
            writes=row["writes"] if row else "",
            required=_required(str(bind.get("required", ""))),
            repeat="/" + "/".join(repeat) if repeat else "",
            choices=() if kind in _SECTIONS else tuple(_choices(survey, element)),
            row=row.row if row else 0,
        )


def _names(element: Any) -> tuple[str, ...]:
    names: list[str] = []
    while element is not None:
        names.append(str(element.name))
        element = element.parent
    return tuple(reversed(names))


def _repeat_around(element: Any) -> tuple[str, ...]:
    element = element.parent
    while element is not None and getattr(element, "type", "") != "repeat":
        element = element.parent
    return _names(element) if element is not None else ()


def _required(text: str) -> str:
    plain = text.strip().lower()
    if plain in ("", "no", "false", "false()"):
        return ""
    return "yes" if plain in ("yes", "true", "true()") else text.strip()


def _choices(survey: Any, element: Any) -> Iterable[tuple[str, str]]:
    listed = getattr(element, "choices", None)
    if listed is None and survey.choices:
        listed = survey.choices.get(str(getattr(element, "itemset", "") or ""))
    options = getattr(listed, "options", None) or ()
    return [(str(option.name), _text(option.label)) for option in options]


def _text(label: Any) -> str:
    """A label in Chinese where there are several languages, else in the first."""
    if not isinstance(label, dict):
        return str(label or "")
    chinese = next((text for language, text in label.items() if re.search(r"中文|zh|chinese", language, re.I)), None)
    return str(chinese or next(iter(label.values()), ""))
