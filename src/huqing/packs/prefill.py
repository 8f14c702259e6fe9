"""Puts the prefill that ``reads`` asks for into a form: what every XForm client understands, so all show the same.

The values come with the form as attachments of the product: ``household.csv``, ``person.csv``, ``village.csv`` and
``parameter.csv``, with ``id``, ``title`` (``household`` for people) and the fields the form reads. A client that knows
whom the visit is about hands over one row and the choice is made by itself; a client that does not hands over all, and
the answers follow the choice. ``parameter.csv`` has one row.
"""

from __future__ import annotations

from dataclasses import dataclass

from huqing.packs import fits
from huqing.packs.bindings import PARAMETER, Bindings, Bound, Target, targets
from huqing.packs.survey import usual
from huqing.packs.workbook import Workbook

WORDS_SUFFIX = "_words"
LIST_COLUMNS = "value=id label=title"


@dataclass(frozen=True)
class Need:
    """One column of an attachment of the product: a field of a subject, as codes or (``words``) as labels."""

    subject: str
    key: str
    words: bool = False

    @property
    def column(self) -> str:
        """The name of the column."""
        return self.key + WORDS_SUFFIX if self.words else self.key


def needs(bindings: Bindings) -> tuple[Need, ...]:
    """The columns a form reads, each once."""
    words = {id(bound.reads): _in_words(bound) for bound in bindings.bound}
    return tuple(dict.fromkeys(Need(target.subject, target.key, words[id(target)]) for target in targets(bindings)))


def id_question(bindings: Bindings) -> str:
    """The hidden question in the repeat over members that holds the person's id; "" without such a repeat."""
    return f"{bindings.members.row.name}_person" if bindings.members else ""


def put_prefill(book: Workbook, bindings: Bindings) -> Workbook:
    """The form with defaults, counts, choices and attachments put in; the author's own file is not changed."""
    made = Workbook(
        book.name,
        {sheet: [dict(row) for row in rows] for sheet, rows in book.sheets.items()},
        {sheet: list(header) for sheet, header in book.headers.items()},
        book.sheet_names,
        {sheet: list(rows) for sheet, rows in book.rows.items()},
        book.lines,
    )
    writer = _Writer(made, bindings)
    for bound in bindings.bound:
        writer.put(bound)
    writer.choices()
    writer.members()
    writer.attachments()
    return made


class _Writer:
    def __init__(self, book: Workbook, bindings: Bindings) -> None:
        self.book = book
        self.bindings = bindings

    def set(self, sheet: str, row: dict[str, str], column: str, value: str) -> None:
        """Fill a cell under the author's own spelling of the column, or under a new one."""
        header = self.book.headers.setdefault(sheet, [])
        spelled = next((name for name in header if usual(name) == column), None)
        if spelled is None:
            header.append(spelled := column)
        row[spelled] = value

    def row(self, bound: Bound) -> dict[str, str]:
        return self.book.sheets["survey"][bound.row.index]

    def put(self, bound: Bound) -> None:
        if bound.reads is None:
            return
        row = self.row(bound)
        if not bound.reads.key:
            if bound is not self.bindings.members:
                self._picker(bound, row)
            return
        value = self._value(bound, bound.reads)
        if bound.row.type.kind in (*fits.FREE, "note"):
            self.set("survey", row, "calculation", value)
            if bound.row.type.kind == "hidden":
                self.set("survey", row, "type", "calculate")
            return
        self.set("survey", row, "default", value)
        picker = self.bindings.pickers.get(bound.reads.subject)
        if picker is not None and not bound.row.repeats:
            self.set("survey", row, "trigger", f"${{{picker.row.name}}}")
            self.set("survey", row, "calculation", value)

    def _picker(self, bound: Bound, row: dict[str, str]) -> None:
        subject = bound.reads.subject if bound.reads else ""
        items = f"instance('{subject}')/root/item"
        household = self.bindings.pickers.get("household")
        if subject == "person" and household and not bound.row["choice_filter"]:
            self.set("survey", row, "choice_filter", f"household = ${{{household.row.name}}}")
        if not bound.row["default"]:
            self.set("survey", row, "default", f"if(count({items}) = 1, {items}[1]/id, '')")
        if not bound.row["parameters"]:
            self.set("survey", row, "parameters", LIST_COLUMNS)

    def _value(self, bound: Bound, target: Target) -> str:
        column = Need(target.subject, target.key, _in_words(bound)).column
        if target.subject == PARAMETER:
            return f"instance('{PARAMETER}')/root/item[1]/{column}"
        if target.subject == "person" and bound.members:
            question = id_question(self.bindings)
        else:
            question = self.bindings.pickers[target.subject].row.name
        return f"instance('{target.subject}')/root/item[id = ${{{question}}}]/{column}"

    def choices(self) -> None:
        """The choices of coded fields the author did not write down."""
        rows = self.book.sheets.setdefault("choices", [])
        header = self.book.headers.setdefault("choices", [])
        written = {row[name] for row in rows for name in header if usual(name) == "list_name" and name in row}
        for bound in self.bindings.bound:
            declared = bound.coded
            if declared is None or bound.row.type.choices in written:
                continue
            written.add(bound.row.type.choices)
            for code, label in fits.codes_of(declared):
                made: dict[str, str] = {}
                for column, value in (("list_name", fits.list_of(declared)), ("name", code), ("label", label)):
                    self.set("choices", made, column, value)
                rows.append(made)
                self.book.rows.setdefault("choices", []).append(0)
        if not rows:
            del self.book.sheets["choices"], self.book.headers["choices"]
        elif "choices" not in self.book.sheet_names:
            self.book.sheet_names = [*self.book.sheet_names, "choices"]

    def members(self) -> None:
        """One turn of the repeat per member, each knowing whom it is about for good."""
        members = self.bindings.members
        if members is None:
            return
        household = self.bindings.pickers["household"].row.name
        people = f"instance('person')/root/item[household = ${{{household}}}]"
        if not members.row["repeat_count"]:
            self.set("survey", self.row(members), "repeat_count", f"count({people})")
        made: dict[str, str] = {}
        self.set("survey", made, "type", "calculate")
        self.set("survey", made, "name", id_question(self.bindings))
        self.set("survey", made, "default", f"{people}[position() = position(current()/..)]/id")
        at = members.row.index + 1
        self.book.sheets["survey"].insert(at, made)
        self.book.rows["survey"].insert(at, members.row.row)

    def attachments(self) -> None:
        """The lists that are read without a question choosing from them."""
        read = {need.subject for need in needs(self.bindings)} | ({"person"} if self.bindings.members else set())
        for subject in sorted(read - set(self.bindings.pickers)):
            made: dict[str, str] = {}
            self.set("survey", made, "type", "csv-external")
            self.set("survey", made, "name", subject)
            self.book.sheets["survey"].append(made)
            self.book.rows["survey"].append(0)


def _in_words(bound: Bound) -> bool:
    declared = bound.reads.field if bound.reads else None
    return declared is not None and declared.type in fits.CODED and bound.row.type.kind in fits.SHOWN
