"""Who lives together: sexes, ages and relations of a household's members, head first.

Ages keep at least 20 years between parents and children, so that nobody is a doubtful parent unless planted.
"""

from __future__ import annotations

from typing import NamedTuple

from huqing.demo.draw import Draw, Weighted

HEAD, SPOUSE, SON, DAUGHTER, SON_WIFE, DAUGHTER_HUSBAND = "01", "02", "03", "04", "05", "06"
GRANDSON, GRANDDAUGHTER, FATHER, MOTHER = "07", "08", "11", "12"
MALE, FEMALE = "1", "2"


class Member(NamedTuple):
    """One member before they have a life: relation to the head, sex, full years."""

    relation: str
    sex: str
    age: int


# Shares are assumptions, chosen so that the mean size is 3.5: 1.1 million people in 309,800 households.
_KINDS: Weighted[str] = Weighted(
    {
        "couple_children": 25,
        "three_generations": 23,
        "grown_son": 16,
        "couple_adult_child": 11,
        "old_couple": 9.5,
        "old_alone": 5.5,
        "grandparents": 4,
        "single": 3,
        "single_parent": 3,
        "young_couple": 2,
    }
)
_CHILDREN: Weighted[int] = Weighted({1: 40, 2: 47, 3: 13})


def _other(sex: str) -> str:
    return FEMALE if sex == MALE else MALE


def _head(draw: Draw, low: int, high: int, male: float = 0.85) -> Member:
    return Member(HEAD, MALE if draw.chance(male) else FEMALE, draw.between(low, high))


def _spouse(draw: Draw, head: Member) -> Member:
    age = head.age + (draw.between(-6, 2) if head.sex == MALE else draw.between(-2, 6))
    return Member(SPOUSE, _other(head.sex), max(21, age))


def _children(draw: Draw, youngest_parent: int, count: int, oldest: int) -> list[Member]:
    """Up to ``count`` children of the head, the first born when the younger parent was 21 to 29."""
    members = []
    age = min(oldest, youngest_parent - draw.between(21, 29))
    for _ in range(count):
        if age < 0:
            break
        sex = MALE if draw.chance(0.53) else FEMALE
        members.append(Member(SON if sex == MALE else DAUGHTER, sex, age))
        age -= draw.between(2, 6)
    return members


def _parents(draw: Draw, head: Member) -> list[Member]:
    father = Member(FATHER, MALE, min(94, head.age + draw.between(22, 32)))
    mother = Member(MOTHER, FEMALE, min(94, head.age + draw.between(21, 30)))
    fate = draw.u()
    return [father, mother] if fate < 0.55 else [mother] if fate < 0.85 else [father]


def _couple_children(draw: Draw) -> list[Member]:
    head = _head(draw, 26, 46)
    spouse = _spouse(draw, head)
    return [head, spouse, *_children(draw, min(head.age, spouse.age), draw.of(_CHILDREN), 21)]


def _three_generations(draw: Draw) -> list[Member]:
    members = _couple_children(draw)
    return members + _parents(draw, members[0])


def _grown_son(draw: Draw) -> list[Member]:
    head = _head(draw, 48, 70, 0.9)
    spouse = _spouse(draw, head)
    child_age = min(46, min(head.age, spouse.age) - draw.between(21, 27))
    by_daughter = draw.chance(0.12)
    sex = FEMALE if by_daughter else MALE
    child = Member(DAUGHTER if by_daughter else SON, sex, child_age)
    members = [head, spouse, child] if draw.chance(0.85) else [head, child]
    if child_age >= 23 and draw.chance(0.75):
        relation = DAUGHTER_HUSBAND if by_daughter else SON_WIFE
        partner = Member(relation, _other(sex), max(21, child_age + draw.between(-4, 2)))
        members.append(partner)
        for grandchild in _children(draw, min(child_age, partner.age), draw.of(_CHILDREN), 21):
            if by_daughter:
                relation = "09" if grandchild.sex == MALE else "10"
            else:
                relation = GRANDSON if grandchild.sex == MALE else GRANDDAUGHTER
            members.append(Member(relation, grandchild.sex, grandchild.age))
    return members


def _couple_adult_child(draw: Draw) -> list[Member]:
    head = _head(draw, 44, 62)
    spouse = _spouse(draw, head)
    return [head, spouse, *_children(draw, min(head.age, spouse.age), draw.between(1, 2), 35)]


def _old_couple(draw: Draw) -> list[Member]:
    head = _head(draw, 60, 88, 0.9)
    return [head, _spouse(draw, head)]


def _old_alone(draw: Draw) -> list[Member]:
    return [_head(draw, 62, 92, 0.45)]


def _grandparents(draw: Draw) -> list[Member]:
    head = _head(draw, 54, 72, 0.7)
    members = [head, _spouse(draw, head)] if draw.chance(0.7) else [head]
    for _ in range(draw.between(1, 2)):
        sex = MALE if draw.chance(0.53) else FEMALE
        members.append(Member(GRANDSON if sex == MALE else GRANDDAUGHTER, sex, draw.between(3, 14)))
    return members


def _single(draw: Draw) -> list[Member]:
    return [_head(draw, 25, 59, 0.8)]


def _single_parent(draw: Draw) -> list[Member]:
    head = _head(draw, 30, 50, 0.6)
    return [head, *_children(draw, head.age, draw.between(1, 2), 20)]


def _young_couple(draw: Draw) -> list[Member]:
    head = _head(draw, 24, 55)
    return [head, _spouse(draw, head)]


_MAKERS = {
    "couple_children": _couple_children,
    "three_generations": _three_generations,
    "grown_son": _grown_son,
    "couple_adult_child": _couple_adult_child,
    "old_couple": _old_couple,
    "old_alone": _old_alone,
    "grandparents": _grandparents,
    "single": _single,
    "single_parent": _single_parent,
    "young_couple": _young_couple,
}


def family(draw: Draw) -> list[Member]:
    """The members of one household."""
    return _MAKERS[draw.of(_KINDS)](draw)


def family_without_labour(draw: Draw) -> list[Member]:
    """A household nobody of which can work: almost always one person (1,013 people in 948 households)."""
    head = _head(draw, 45, 85, 0.65)
    return [head, _spouse(draw, head)] if head.age >= 62 and draw.chance(0.13) else [head]
