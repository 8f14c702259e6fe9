"""What the screening found, in the words of the demo's truth: which finding, which household, which person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from huqing.access.seal import token
from huqing.demo import truth
from huqing.intake import review
from huqing.intake.models import LinkCandidate
from huqing.screening.models import Alert


def found_findings() -> Iterator[truth.Found]:
    """Every alert that holds: finding, household number (or village code), the person's token (or name and birth)."""
    standing = Alert.objects.filter(state__in=[Alert.State.OPEN, Alert.State.WAIVED])
    rows = standing.values_list(
        "finding",
        "household__number",
        "village__code",
        "person_id",
        "person__id_token",
        "person__name",
        "person__birth_date",
    )
    for finding, number, village, person, id_token, name, born in rows.iterator(chunk_size=20_000):
        if person is None:
            yield finding, number or village, None
        else:
            yield finding, number, id_token or (name, str(born))


def judge(folder: Path) -> truth.Score:
    """Compare the alerts with the truth of the demo county whose files are in ``folder``."""
    return truth.score(folder, found_findings(), token=lambda number: token("id_number", number))


def review_as_told(folder: Path) -> tuple[int, int]:
    """Decide the review queue the way a clerk who knows everybody would: accept whom the truth names, reject the rest.

    Returns how many candidates were accepted and rejected.
    """
    people = {(row["household_number"], row["member"]): row for row in truth.read(folder, "people")}
    meant = {(row["file"], row["row"]): (row["household_number"], row["member"]) for row in truth.read(folder, "links")}
    accepted = rejected = 0
    waiting = LinkCandidate.objects.filter(state=LinkCandidate.State.OPEN)
    for pk in waiting.order_by("record_id", "-score").values_list("pk", flat=True):
        candidate = LinkCandidate.objects.select_related("record__source__intake", "person").get(pk=pk)
        if candidate.state != LinkCandidate.State.OPEN:
            continue
        record = candidate.record
        person = people.get(meant.get((record.source.intake.file_name, record.row_number), ("", None)))
        if person and token("id_number", person["id_number"]) == candidate.person.id_token:
            review.accept(candidate=candidate, by=None)
            accepted += 1
        else:
            review.reject(candidate=candidate, by=None)
            rejected += 1
    return accepted, rejected
