"""Open matters of a village that may be about the same thing: pairs of characters in common. A person merges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from huqing.matters.models import Matter
from huqing.standards.text import fold

# Our own suggestion (status L): two tellings of one broken lamp share a third of their pairs, strangers a tenth.
LEAST, SAME_KIND = 0.25, 0.1
MOST_LOOKED_AT, MOST_SHOWN = 300, 5
MERGEABLE = ("raised", "discussing", "agreed", "doing")


def likeness(one: str, other: str) -> float:
    """How much two texts share, from 0 to 1: twice the common pairs of characters over all pairs (Dice)."""
    first, second = _pairs(one), _pairs(other)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def _pairs(text: str) -> Counter[str]:
    kept = "".join(ch for ch in fold(text) if ch.isalnum())
    return Counter(kept[place : place + 2] for place in range(len(kept) - 1))


def alike(matter: Matter) -> Sequence[Matter]:
    """The open matters of the same village that are most like this one, the likest first."""
    others = (
        Matter.objects.filter(
            village=matter.village_id,
            region_code=matter.region_code,
            finding=None,
            closed_on=None,
            state__key__in=MERGEABLE,
        )
        .exclude(pk=matter.pk)
        .select_related("state")
        .order_by("-pk")[:MOST_LOOKED_AT]
    )
    scored = [
        (likeness(matter.text, other.text) + (SAME_KIND if other.kind == matter.kind else 0), -other.pk, other)
        for other in others
    ]
    return [other for score, _, other in sorted(scored, reverse=True, key=lambda item: item[:2]) if score >= LEAST][
        :MOST_SHOWN
    ]
