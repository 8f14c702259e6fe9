"""What the pages read: the list of imports, one import with its preview and problems, and the review queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch, QuerySet

from huqing.access.models import Role, User
from huqing.access.numbers import has_number
from huqing.access.scope import covers
from huqing.access.seal import mask
from huqing.intake import files, permissions
from huqing.intake.errors import IntakeError
from huqing.intake.mapping import Mapping, propose
from huqing.intake.models import Import, LinkCandidate, Missing, RowProblem
from huqing.intake.reading import ReadError, SheetPreview, read_tables
from huqing.intake.states import refusal
from huqing.intake.taking import saved_mapping
from huqing.standards.fields import record_kinds

S = Import.State


@dataclass(frozen=True)
class Step:
    """A button of the import page: its action, and why it cannot be pressed now ("" when it can)."""

    action: str
    label: str
    reason: str


@dataclass(frozen=True)
class ShownSheet:
    """A sheet for the page where columns are matched; ``rows`` are (row number, cells), people's numbers masked."""

    sheet: SheetPreview
    rows: list[tuple[int, list[str]]]
    proposal: Mapping | None


def imports(user: User, *, state: str = "", kind: str = "") -> QuerySet[Import]:
    """The imports ``user`` may see, newest first: those of the region and, for departments, of their own kinds."""
    found = Import.objects.visible_to(user).select_related("created_by")
    # An upload whose kind is not known yet belongs to whoever uploaded it.
    if user.role == Role.DEPARTMENT:
        found |= Import.objects.filter(record_kind="", created_by=user).select_related("created_by")
    if state:
        found = found.filter(state=state)
    if kind:
        found = found.filter(record_kind=kind)
    return found.order_by("-id")


def import_of(user: User, pk: int) -> Import | None:
    """One import, if ``user`` may see it."""
    return imports(user).select_related("source", "undo_source").filter(pk=pk).first()


def steps(user: User, intake: Import) -> list[Step]:
    """The buttons of the import page in order, each with the reason why it is off."""
    may_work = permissions.work_refusal(user, intake)
    may_undo = permissions.undo_refusal(user, intake)
    choices = (
        ("choose", "对应列", S.MAPPED, may_work),
        ("check", "检查", S.CHECKING, may_work),
        ("queue", "提交入库", S.QUEUED, may_work),
        ("undo", "撤销导入", S.UNDOING, may_undo),
        ("discard", "放弃", S.DISCARDED, may_work),
    )
    return [Step(action, label, reason or refusal(intake, to)) for action, label, to, reason in choices]


def earlier_uploads(user: User, intake: Import) -> QuerySet[Import]:
    """Imports of exactly the same file and sheet that are in the registry: taking it in again changes nothing."""
    return imports(user, state=S.APPLIED).filter(file_hash=intake.file_hash, sheet=intake.sheet).exclude(pk=intake.pk)


def sheets(intake: Import, *, kind: str = "") -> list[ShownSheet]:
    """Every sheet of the file with its first rows and the proposed matching for ``kind`` or the kind recognised.

    Raises ``IntakeError`` when the file cannot be read.
    """
    try:
        found = read_tables(files.path_of(intake.stored_as), name=intake.file_name)
    except ReadError as error:
        raise IntakeError(str(error)) from error
    except FileNotFoundError as error:
        raise IntakeError(f"{intake.file_name}：原文件已不在服务器上。请重新上传。") from error
    shown = []
    for sheet in found:
        chosen = kind or intake.record_kind or sheet.kind
        proposal = None
        if chosen in record_kinds():
            proposal = propose(sheet.columns, record_kinds()[chosen], saved=saved_mapping(chosen, sheet.columns))
        rows = [
            (number, [masked(cell) for cell in cells])
            for number, cells in zip(sheet.sample_rows, sheet.samples, strict=False)
        ]
        shown.append(ShownSheet(sheet, rows, proposal))
    return shown


def masked(cell: str) -> str:
    """A raw cell for a screen: whatever reads as somebody's number shows its ends only."""
    return mask("id_number", cell) if has_number(cell) else cell


def preview(intake: Import) -> dict[str, Any]:
    """What taking the checked file in will do: ``counts``, and the first ``added`` and ``changed`` rows.

    A row has line, number, name, and for changes a list of (label, old, new) in the words of the declarations.
    """
    kind = record_kinds().get(intake.record_kind)
    changed = []
    for row in intake.preview.get("changed", []):
        values = [
            (kind.by_key[key].label if kind and key in kind.by_key else key, *_pair(value))
            for key, value in _changes(row).items()
        ]
        changed.append({**row, "changes": values})
    return {"counts": intake.counts, "added": intake.preview.get("added", []), "changed": changed}


def _changes(row: dict[str, Any]) -> dict[str, Any]:
    import json

    changes = row.get("changes") or "{}"
    return dict(json.loads(changes)) if isinstance(changes, str) else dict(changes)


def _pair(value: Any) -> tuple[Any, Any]:
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else (None, value)


def problems(intake: Import, *, severity: str = "", column: str = "") -> QuerySet[RowProblem]:
    """The rows that were refused or need a look, in file order."""
    found = intake.problems.order_by("row_number", "id")
    if severity:
        found = found.filter(severity=severity)
    return found.filter(column=column) if column else found


def problem_summary(intake: Import) -> list[dict[str, Any]]:
    """How often each problem occurs, most frequent first: severity, column, message, count."""
    return list(
        intake.problems.values("severity", "column", "message")
        .annotate(count=Count("id"))
        .order_by("-count", "column")[:50]
    )


def missing(intake: Import) -> QuerySet[Missing]:
    """What the registry holds and the file does not name."""
    return intake.missing.select_related("household", "person").order_by("household__region_code", "household__number")


def review_queue(user: User, *, kind: str = "", rejected: bool = False) -> QuerySet[LinkCandidate]:
    """The links that wait for a clerk of this region, surest first; or those rejected that may be reopened."""
    wanted = {"state": LinkCandidate.State.REJECTED, "record__person": None} if rejected else {"state": "open"}
    found = (
        LinkCandidate.objects.visible_to(user)
        .filter(record__retired_by__isnull=True, **wanted)
        .select_related("record", "record__source", "person", "person__household")
    )
    if kind:
        found = found.filter(record__kind=kind)
    return found.order_by("-score", "id")


def candidate_of(user: User, pk: int) -> LinkCandidate | None:
    """One candidate with its record, the row's other candidates and the person, if ``user`` may decide on it."""
    others = LinkCandidate.objects.select_related("person", "person__household").order_by("-score")
    found = (
        LinkCandidate.objects.visible_to(user)
        .select_related("record", "record__source", "person", "person__household")
        .prefetch_related(Prefetch("record__candidates", queryset=others))
        .filter(pk=pk)
        .first()
    )
    if found is None or not covers(user.region_code, found.person.region_code):
        return None
    return found
