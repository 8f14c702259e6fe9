"""What a villager's words become before everybody reads them: names, numbers and illnesses out, a person decides.

``masked`` proposes, ``problems`` refuses. A name is found among the people the registry knows in the village and the
raiser; nobody who is not registered can be recognised, which is why a person reads the text before it is shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from huqing.matters.models import Matter
from huqing.registry.models import Person
from huqing.standards.public_text import HEALTH, health_words, numbers_in, spaced, squeezed, without_numbers
from huqing.standards.text import clean

SHORTEST_NAME, ADULT = 2, 18


@dataclass(frozen=True)
class Found:
    """Something that may not be public: the words, why, and whether a person may say it is no name after all."""

    words: str
    why: str
    may_stand: bool = False


def masked(text: str, matter: Matter) -> str:
    """A proposal for the public text: names become 某某, numbers and words of illness are left out."""
    found = without_numbers(text, "…")
    bare = squeezed(found)
    for name in sorted(_names(matter), key=len, reverse=True):
        if name in bare:
            found = spaced(name).sub(f"{name[:1]}某", found)
    return HEALTH.sub("…", found)


def problems(text: str, matter: Matter, day: dt.date, allowed: Collection[str] = ()) -> list[Found]:
    """What of a text may not be shown. ``allowed``: words a person has looked at that are no person's name here."""
    found = []
    if numbers_in(text):
        found.append(Found("号码", "有证件号码、电话、账号或六位以上的数字，请删去"))
    for word in health_words(text):
        found.append(Found(word, f"有涉及健康的字“{word}”，请换一种说法或不公开"))
    bare = squeezed(clean(text))
    for name, child in sorted(_names(matter, day).items()):
        if name not in bare:
            continue
        if child:
            found.append(Found(name, f"有未成年人的姓名“{name}”，请删去"))
        elif name not in allowed:
            found.append(Found(name, f"有村民的姓名“{name}”，请写成“{name[:1]}某”", may_stand=True))
    return found


def _names(matter: Matter, day: dt.date | None = None) -> dict[str, bool]:
    """The names of the village's people and the raiser, and whether somebody of that name is a child on the day."""
    people = Person.objects.filter(region_code=matter.village.code).values_list("name", "birth_date")
    found: dict[str, bool] = {}
    for name, born in people:
        if len(name) >= SHORTEST_NAME:
            found[name] = found.get(name, False) or bool(born and day and _age(born, day) < ADULT)
    if len(matter.raiser_name) >= SHORTEST_NAME:
        found.setdefault(matter.raiser_name, False)
    return found


def _age(born: dt.date, day: dt.date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
