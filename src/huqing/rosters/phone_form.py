"""A round's form for phones: the shipped one (``forms/recheck.md``) with the columns of this round and no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from huqing.access import audit
from huqing.access.permissions import require
from huqing.rosters.drawing import locked
from huqing.rosters.models import RecheckRound
from huqing.standards.codelists import codelist
from huqing.visits.publishing import PublishProblem, Source, check_form, store

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.visits.models import Form

TEMPLATE = Path(__file__).parent / "forms" / "recheck.md"
GIVER = "recheck"
READS = 6
_FIELD = re.compile(r"(household|person)\.\w+")
_NAME = {"person.name"}
_PLAIN = re.compile(r"[^\w\s（）()、，。《》：；·.-]")

__all__ = ["GIVER", "PublishProblem", "publish", "written"]


def written(round_: RecheckRound) -> str:
    """The form of a round as it is written (XLSForm in Markdown)."""
    wanted = {f"{of}.{key}" for of, key in round_.fields}
    of = {kind for kind, _ in round_.fields}
    label = round_.frame.get("label", "")
    dropped = _blocks(own="household" in of, members="person" in of)
    lines, within = [], ""
    for line in TEMPLATE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        kind, name = (cells[2], cells[3]) if len(cells) > READS + 1 else ("", "")
        within = name if kind.startswith("begin_") else within
        reads = cells[READS] if len(cells) > READS + 1 else ""
        asked = not _FIELD.fullmatch(reads) or reads in wanted | _NAME
        if within not in dropped and asked and (name != "verdict" or label):
            lines.append(line)
        within = "" if kind.startswith("end_") else within
    told = {
        "label": codelist("label_kind").label(label) if label else "",
        "title": f"回头看：{_PLAIN.sub(' ', round_.title)}"[:100].strip(),
        "form_id": f"recheck_{round_.pk}",
    }
    text = "\n".join(lines) + "\n"
    for key, value in told.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def _blocks(*, own: bool, members: bool) -> set[str]:
    """The groups nothing is asked in."""
    return {name for name, asked in (("own", own), ("members", members)) if not asked}


def publish(*, round_: RecheckRound, by: User) -> Form | None:
    """Have the form of a drawn round ready for its verifiers' phones, once; None when the round is not going on.

    PublishProblem says why it could not be made (no Node to check it with): verifying at a desk goes on.
    """
    require(by, "manage_rechecks")
    if round_.form is not None or round_.state != RecheckRound.State.DRAWN:
        return round_.form
    # Converting takes a second or two: before anything is locked.
    sound = check_form(Source(written(round_).encode(), "recheck.md"))
    with transaction.atomic():
        row = locked(round_, by)
        if row.form is None and row.state == RecheckRound.State.DRAWN:
            row.form = store(sound, by=by, method=None, given_by=GIVER).form
            row.save(update_fields=["form"])
            audit.record(by=by, action="recheck_form", subject=row, detail={"form": row.form.form_id})
    round_.form = row.form
    return row.form
