"""From a filled form to the household's file: each bound answer becomes a dated value with the visit as its source.

What becomes of an answer (``Submission.landing``; a key is ``household.<field>`` or ``person.<id>.<field>``):

* ``applied``: the file now says so. ``older``: the file has something newer, the answer is history. ``same``: the file
  said so already.
* ``refused``: key → why not. One wrong field does not keep the others out. The file is also kept where an answer only
  repeats what was shown and somebody changed the file after the form was begun: the visitor cannot have seen it.
* ``cleared``: shown to the visitor, who blanked it. A blank says nothing otherwise: it clears a value only if the
  question reads the very field it writes, was asked, the value had come into the file before the day of the visit, and
  the prefill evidently worked, that is, another answer about the same household or person is what the file says.
* ``withdrawn``: written by the record that this one corrects, and no longer said: the file says what it said before.
  ``elsewhere``: the same in the household the corrected record was about, when this one is about another.

A record that was landed once is not landed again. What a corrected record wrote stays in the history.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access.models import Role
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may
from huqing.packs import fits
from huqing.registry import file_actions
from huqing.registry import values as file
from huqing.registry.models import DepartmentRecord, Entry, Household, Person, Source
from huqing.screening.signals import paused
from huqing.standards.fields import Field
from huqing.teams.queries import cares_for
from huqing.visits import rechecks
from huqing.visits.conversions import form_of, target
from huqing.visits.counting import answered, counts, says
from huqing.visits.describing import Whom, facts, visit_day, whom
from huqing.visits.filevalues import text_of
from huqing.visits.homes import Home
from huqing.visits.models import Submission
from huqing.visits.submitted import Malformed, Parsed, parse

__all__ = ["Malformed", "Parsed", "Whom", "counts", "facts", "land", "parse", "visit_day", "whom"]

PERMISSION = "visit"
VISIT_RECORD = "home_visit"
NOTE_QUESTION = "note"
LINKED_BY = "visit"
NOTE_LENGTH = 1000
NOTHING = (None, "", [])
NOT_IN_CARE = "这一户不在走访人负责的范围内。"


def land(submission: Submission) -> dict[str, Any]:
    """Write the bound answers of a complete record into the file, once; returns (and keeps) what became of them.

    Ends with one audit event if the file changed: call it last in the transaction. The household is checked again in
    the background.
    """
    # Whoever calls lands within a transaction of their own, which an error takes back as a whole.
    with transaction.atomic(savepoint=False):
        stored = Submission.objects.select_for_update().values_list("source", flat=True).get(pk=submission.pk)
        if stored is not None or submission.state not in (Submission.State.RECEIVED, Submission.State.ACCEPTED):
            return submission.landing
        landed = _Landing(submission)
        submission.landing = landed.run()
        submission.save(update_fields=["landing", "source"])
        rechecks.ask(landed.touched)
        landed.log()
    return submission.landing


@dataclass
class _About:
    """The answers bound to one locked row: field → (declaration, text, whether the question reads the same field)."""

    row: Household | Person
    answers: dict[str, tuple[Field, str, bool]] = field(default_factory=dict)

    def key(self, name: str) -> str:
        return key_of(self.row, name)


def key_of(row: Household | Person, name: str) -> str:
    """How an outcome names a field of a household or person."""
    return f"person.{row.pk}.{name}" if isinstance(row, Person) else f"household.{name}"


def _corrected(submission: Submission) -> Iterator[Submission]:
    """The records this one corrects, the newest first."""
    earlier = submission.replaces
    while earlier is not None:
        yield earlier
        earlier = earlier.replaces


class _Landing:
    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.form = form_of(submission.version)
        self.told: dict[str, Any] = {"applied": [], "older": [], "refused": {}}
        self.corrected = list(_corrected(submission))
        self.ours = {one.source_id for one in self.corrected if one.source_id}
        self.changed: dict[Household, list[str]] = {}
        self.touched: list[int] = []

    def run(self) -> dict[str, Any]:
        chosen = self.chosen()
        left = sorted({one.household_id for one in self.corrected if one.source_id and one.household_id} - {chosen})
        if chosen is None and not left:
            return self.told
        # All rows are locked before the first is written, in one order: two visits to one family cannot block.
        self.touched = sorted({*left, chosen or left[0]})
        homes = {pk: Home(pk) for pk in self.touched}
        written = {question.writes.partition(".")[0] for question in self.form.questions}
        for home in homes.values() if "person" in written else ():
            home.load()
        if chosen is not None:
            self.home = homes[chosen]
            bound = self.bound()
            self.submission.source = self.source()
            for about in bound:
                self.write(about)
            if self.ours:
                texts = {about.key(name) for about in bound for name, (_, text, _) in about.answers.items() if text}
                self.withdraw(self.home, texts)
        else:
            self.submission.source = self.source()
        for pk in left:
            self.leave(homes[pk])
        self.record(chosen)
        return self.told

    def chosen(self) -> int | None:
        """The household the answers are about; None, with the reason told, when nothing may be written to it."""
        household = self.submission.household
        if household is None:
            if any(question.writes for question in self.form.questions):
                self.told["refused"]["农户"] = "没有选农户，或所选农户已不在档案里，没有写入"
            return None
        reason = self.refused(household)
        if reason:
            self.told["refused"]["农户"] = reason
        return None if reason else household.pk

    def refused(self, household: Household) -> str:
        """Why the visitor may not write to a household, "" if they may."""
        user = self.submission.user
        if user.role == Role.VISITOR and may(user, PERMISSION):
            # Two plain lookups say the same of one household as looking through all that are in their care.
            return "" if cares_for(user, household.pk) else NOT_IN_CARE
        try:
            file_actions.may_edit(user, household, permission=PERMISSION)
        except Refused as refused:
            return str(refused)
        return ""

    def log(self) -> None:
        """One event for all rows of a household; the re-check that usually follows an edit is asked for by ``land``."""
        for household, fields in self.changed.items():
            detail = {"fields": fields, "submission": self.submission.pk}
            with paused():
                file_actions.record(
                    self.submission.user, "file_edit", household, detail, f"走访：{self.submission.form.title}"
                )

    def source(self) -> Source:
        submission = self.submission
        return Source.objects.create(
            kind=Source.Kind.VISIT,
            title=hide_numbers(f"{submission.form.title}（{submission.user.display_name}）")[
                : file_actions.TITLE_LENGTH
            ],
            on=submission.visited_on,
            region_code=submission.region_code,
            created_at=timezone.now(),
            created_by=submission.user,
        )

    def bound(self) -> list[_About]:
        """The answers that are to be written, by row; who is not of the household is refused here."""
        picker = (self.form.subjects or {}).get("person", "")
        rows: dict[str, _About] = {"": _About(self.home.household)}
        for question, text, around in answered(self.form, self.submission.answers):
            subject, declared = target(question.writes)
            if declared is None:
                continue
            name = ""
            if subject == "person":
                inside = question.repeat and question.repeat == self.form.members
                name = str(around.get(self.form.member if inside else picker) or "").strip()
                if name not in self.home.members:
                    self.refuse_person(name, text)
                    continue
            about = rows.setdefault(name, _About(self.home.members[name] if name else self.home.household))
            about.answers[declared.key] = (declared, text, question.reads == question.writes)
        return list(rows.values())

    def refuse_person(self, name: str, text: str) -> None:
        if text:
            place = f"成员（编号 {name[:20]}）" if name.isascii() and name.isdigit() else "成员"
            self.told["refused"][place] = "不是这一户的成员，关于此人的答案没有写入，请核对后重新填报"

    def write(self, about: _About) -> None:
        """Sort the answers about one row, then set those that say something new."""
        present = {name: file.read(about.row, declared) for name, (declared, *_) in about.answers.items()}
        new: dict[str, Any] = {}
        blank: list[str] = []
        worked = False
        for name, (declared, text, prefilled) in about.answers.items():
            if not text:
                if prefilled and present[name] not in NOTHING:
                    blank.append(name)
            elif present[name] not in NOTHING and says(declared, text, present[name]):
                self.note("same", about.key(name))
                worked = worked or prefilled
            else:
                new[name] = fits.answer_value(declared, text)
        if not new and not blank:
            return
        entries = self.home.entries(about.row)
        for name in list(new):
            declared, text, prefilled = about.answers[name]
            if prefilled and self.overtaken(entries, declared, text):
                self.told["refused"][about.key(name)] = (
                    "填的是打开表单时显示的旧值，档案此后已有修改，没有改回；确要改回的，请重新填报"
                )
                del new[name]
        for name in blank if worked else ():
            if self.came_before(entries, about.row, name):
                new[name] = None
        self.set(about.row, new, entries)

    def overtaken(self, entries: list[Entry], declared: Field, text: str) -> bool:
        """Whether the answer is what the file said before its last change, and that came while the form was out."""
        changes = [entry for entry in entries if declared.key in entry.changes]
        if not changes:
            return False
        last = max(changes, key=lambda entry: (entry.on, entry.pk))
        if last.source_id in self.ours or last.at < self.begun() or last.on > self.submission.visited_on:
            return False
        before = last.changes[declared.key][0]
        return before not in NOTHING and says(declared, text, before)

    def begun(self) -> dt.datetime:
        """When the form was opened: what the phone says if that can be, else the start of the day of the visit."""
        start = timezone.make_aware(dt.datetime.combine(self.submission.visited_on, dt.time()))
        try:
            claimed = dt.datetime.fromisoformat(str(self.submission.phone_times.get("start", "")))
        except ValueError:
            return start
        if claimed.tzinfo is None:
            claimed = timezone.make_aware(claimed)
        return claimed if start <= claimed <= self.submission.received_at else start

    def came_before(self, entries: list[Entry], row: Household | Person, name: str) -> bool:
        """Whether the present value had come into the file before the day of the visit."""
        named = [entry for entry in entries if name in entry.changes]
        made = row.created_by_source.created_at if row.created_by_source_id else None  # type: ignore[union-attr]
        came = max(named, key=lambda entry: (entry.on, entry.pk)).at if named else made
        return came is None or timezone.localdate(came) < self.submission.visited_on

    def set(self, row: Household | Person, new: dict[str, Any], entries: list[Entry]) -> None:
        """Set values; those that a corrected record wrote are dated no earlier than it was."""
        day = self.submission.visited_on
        later = self.latest()
        ours: set[str] = set()
        if later > day:
            origins = file.origins(entries, row.created_by_source, new)
            ours = {name for name, origin in origins.items() if origin.source and origin.source.pk in self.ours}
            self.set_on(self.home, row, {name: new[name] for name in sorted(ours)}, later, entries)
        self.set_on(self.home, row, {name: value for name, value in new.items() if name not in ours}, day, entries)

    def latest(self) -> dt.date:
        """The last day that this record or one it corrects says of itself."""
        return max(one.visited_on for one in (self.submission, *self.corrected))

    def set_on(
        self,
        home: Home,
        row: Household | Person,
        new: dict[str, Any],
        on: dt.date,
        entries: list[Entry],
        outcome: str = "applied",
    ) -> None:
        while new:
            try:
                edit = file_actions.write_values(
                    household=home.household, row=row, values=new, on=on, source=self.visit_source, entries=entries
                )
            except ValidationError as error:
                wrong = error.message_dict
                self.told["refused"] |= {key_of(row, name): " ".join(texts) for name, texts in wrong.items()}
                new = {name: value for name, value in new.items() if name not in wrong}
                continue
            for name in edit.applied:
                self.note("cleared" if new[name] is None and outcome == "applied" else outcome, key_of(row, name))
            for name in edit.older:
                self.note("older", key_of(row, name))
            for name, problem in edit.warnings.items():
                self.told.setdefault("warnings", {})[key_of(row, name)] = hide_numbers(str(problem))
            keys = [key_of(row, name) for name in (*edit.applied, *edit.older)]
            self.changed.setdefault(home.household, []).extend(keys)
            return

    def visit_source(self) -> Source:
        assert self.submission.source is not None  # noqa: S101  made before the first row is written
        return self.submission.source

    def note(self, what: str, key: str) -> None:
        self.told.setdefault(what, []).append(key)

    def withdraw(self, home: Home, said: set[str], outcome: str = "withdrawn") -> None:
        """Put back what corrected records wrote to a household and this one no longer says, where it still stands."""
        mine = [one for one in self.corrected if one.household_id == home.household.pk]
        for key in sorted({key for one in mine for key in one.landing.get("applied", ())} - said):
            *_, number, name = ("", *key.split("."))
            row = home.household if key.startswith("household.") else home.members.get(number)
            if row is None:
                self.told["refused"]["更正"] = "改选了另一人，原来写入的内容没有撤回，请在其户档案里核对"
            else:
                self.put_back(home, row, name, outcome)

    def leave(self, home: Home) -> None:
        """The corrected record was about another household: its answers are taken out of that one's file."""
        if self.refused(home.household):
            reason = "原来选的那一户已不由走访人负责，写入那一户的内容没有撤回，请在那一户的档案里核对"
            self.told["refused"]["更正"] = reason
            return
        self.withdraw(home, set(), "elsewhere")

    def put_back(self, home: Home, row: Household | Person, name: str, outcome: str) -> None:
        entries = home.entries(row)
        origin = file.origins(entries, row.created_by_source, [name])[name].source
        first = next((entry for entry in entries if entry.source_id in self.ours and name in entry.changes), None)
        if first is None or origin is None or origin.pk not in self.ours:
            return
        declared = file.kind_of(row).by_key[name]
        before = fits.answer_value(declared, text_of(declared, first.changes[name][0]))
        self.set_on(home, row, {name: before}, self.latest(), entries, outcome)

    def record(self, chosen: int | None) -> None:
        """The visit counts in the ledger of visits that the rules read; a corrected one no longer does."""
        submission = self.submission
        if self.ours:
            DepartmentRecord.objects.filter(source__in=self.ours, retired_by=None).update(retired_by=submission.source)
        kind = submission.form.visit_kind
        if not kind or chosen is None:
            return
        question = self.form.question(NOTE_QUESTION)
        note = str(submission.answers.get(question.path) or "") if question else ""
        items = {
            "visit_kind": kind,
            "visited_on": submission.visited_on.isoformat(),
            "visitor": submission.user.display_name,
            "note": hide_numbers(f"{submission.form.title}：{note}" if note else submission.form.title)[:NOTE_LENGTH],
        }
        identity = f"{VISIT_RECORD}|{submission.form.form_id}|{submission.instance_id}"
        DepartmentRecord.objects.create(
            kind=VISIT_RECORD,
            fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
            household=self.home.household,
            region_code=self.home.household.region_code,
            on=submission.visited_on,
            items=items,
            subject_name=self.home.household.head_name,
            link_method=LINKED_BY,
            source=submission.source,
            row_number=1,
        )
