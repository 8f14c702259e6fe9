"""What the screening found, in the words of the demo's truth: which finding, which household, which person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from huqing.access.seal import token
from huqing.demo import truth
from huqing.screening.models import Alert


def found_findings() -> Iterator[truth.Found]:
    """Every alert that holds: finding, household number, and the person's token (or name and birth date)."""
    standing = Alert.objects.filter(state__in=[Alert.State.OPEN, Alert.State.WAIVED])
    rows = standing.values_list(
        "finding", "household__number", "person_id", "person__id_token", "person__name", "person__birth_date"
    )
    for finding, number, person, id_token, name, born in rows.iterator(chunk_size=20_000):
        if person is None:
            yield finding, number, None
        else:
            yield finding, number, id_token or (name, str(born))


def judge(folder: Path) -> truth.Score:
    """Compare the alerts with the truth of the demo county whose files are in ``folder``."""
    return truth.score(folder, found_findings(), token=lambda number: token("id_number", number))
