"""What the gallery of working methods shows: visits in words, forms question by question, the description in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from huqing.packs.forms import Converted, Question
from huqing.packs.manifest import MEASURES, Cadence, Checklist, Pack
from huqing.packs.telling import LAYOUT, NOTED, asked, duty_text, field_text, type_text, whom_text
from huqing.rules.library import Library

_REFERENCE = re.compile(r"\$\{[^}]*\}")
COUNTS = {
    "visits": "走访次数",
    "households": "走访到的户数",
    "people": "走访到的人数",
    "visitors": "参加走访的人数",
    "covered": "按期走访到的占应走访的比例",
    "sum": "表单中各次填写的合计",
}


@dataclass(frozen=True)
class Block:
    """A piece of a description: a heading, a paragraph or a list."""

    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class ShownVisit:
    """One kind of visit in words."""

    title: str
    actor: str
    whom: str
    every: Cadence
    form: str
    form_key: str
    note: str
    checklists: Sequence[Checklist]
    unchanged_allowed: bool


@dataclass(frozen=True)
class ShownQuestion:
    """One line of a form: ``depth`` says in how many groups it stands."""

    label: str
    hint: str
    type: str
    required: str
    reads: str
    writes: str
    depth: int
    layout: bool


@dataclass(frozen=True)
class ShownForm:
    """A form with its questions and how many are prefilled from, and kept in, the household file."""

    key: str
    title: str
    version: str
    questions: Sequence[ShownQuestion]
    asked: int
    prefilled: int
    written: int


def visits(rules: Library, pack: Pack) -> list[ShownVisit]:
    """The visits of a method in its order."""
    told = pack.method
    return [
        ShownVisit(
            title=visit.title,
            actor=told.actor(visit.actor),
            whom=whom_text(rules, visit),
            every=visit.every,
            form=pack.forms[visit.form].title,
            form_key=visit.form,
            note=visit.note,
            checklists=visit.checklists,
            unchanged_allowed=visit.unchanged_allowed,
        )
        for visit in told.visits
    ]


def key_groups(rules: Library, pack: Pack) -> list[tuple[str, str, str, str]]:
    """People visited more often: title, who they are, how often, note."""
    return [(item.title, whom_text(rules, item), item.every.text, item.note) for item in pack.method.key_groups]


def duties(rules: Library, pack: Pack) -> list[tuple[str, str, str, str]]:
    """What actors owe besides visits: actor, what, how much, note."""
    amounts = {**rules.parameters, **pack.parameters}
    told = pack.method
    return [(told.actor(item.actor), item.title, duty_text(item, amounts), item.note) for item in told.duties]


def indicators(pack: Pack) -> list[tuple[str, str, str, str]]:
    """The numbers of the report: title, unit, from which visit, counted how."""
    told = pack.method
    return [(item.title, item.unit, told.visit(item.visit).title, COUNTS[item.counts]) for item in told.indicators]


def assessments(pack: Pack) -> list[tuple[str, str, str, list[tuple[str, int, str, str]]]]:
    """How people are assessed: title, whom, note, and every part with its weight and how it is counted."""
    told = pack.method
    return [
        (
            plan.title,
            told.actor(plan.actor),
            plan.note,
            [
                (item.title, item.weight, MEASURES[item.measure], told.visit(item.visit).title if item.visit else "")
                for item in plan.indicators
            ],
        )
        for plan in told.assessments
    ]


def forms(pack: Pack) -> list[ShownForm]:
    """The forms in the order in which the visits name them."""
    order = list(dict.fromkeys(visit.form for visit in pack.method.visits))
    return [form_shown(key, pack.forms[key]) for key in (*order, *sorted(set(pack.forms) - set(order)))]


def form_shown(key: str, form: Converted) -> ShownForm:
    """A form question by question; what is only calculated is left out."""
    lines = [_question(item) for item in asked(form) if item.type not in ("calculate", "hidden")]
    given = [item for item in form.questions if item.type not in (*LAYOUT, *NOTED, "note", "calculate", "hidden")]
    return ShownForm(
        key=key,
        title=form.title,
        version=form.version,
        questions=lines,
        asked=len(given),
        prefilled=sum("." in item.reads for item in given),
        written=sum(bool(item.writes) for item in given),
    )


def _question(item: Question) -> ShownQuestion:
    required = {"": "", "yes": "必填"}.get(item.required, "视情况必填")
    return ShownQuestion(
        label=_REFERENCE.sub("〔数值〕", item.label),
        hint=_REFERENCE.sub("〔数值〕", item.hint),
        type=type_text(item),
        required=required,
        reads=field_text(item.reads),
        writes=field_text(item.writes),
        depth=item.path.count("/") - 2,
        layout=item.type in LAYOUT,
    )


def described(readme: str) -> list[Block]:
    """A description without its title: headings, paragraphs and lists; nothing else of Markdown is understood."""
    return list(_blocks(readme.splitlines()[1:]))


def _blocks(lines: Sequence[str]) -> Iterator[Block]:
    kept: list[str] = []
    kind = ""
    for line in (*lines, ""):
        text = line.strip()
        now = "" if not text else "heading" if text.startswith("#") else "list" if text.startswith("- ") else "text"
        if kept and (now != kind or kind == "heading"):
            yield Block(kind, tuple(kept) if kind == "list" else ("".join(kept),))
            kept = []
        kind = now
        if text:
            kept.append(text.lstrip("#").strip() if now == "heading" else text.removeprefix("- "))
