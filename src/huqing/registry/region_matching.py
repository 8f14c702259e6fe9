"""Which place of last year's code table is which of this year's: certain, new, gone, or for a person to decide.

Codes are recoded, swapped between neighbours and given to other villages from one year to the next, so a code alone
proves nothing; names are rewritten (村委会 → 村, 回龙庵 → 廻龙庵), so a name alone proves nothing either. A match is
certain only if code and name agree, or if one of them changed and the other leaves no second reading. Everything else
is handed to a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from huqing.standards.text import fold, syllables

OTHER_NAME, ELSEWHERE, GONE = "other_name", "elsewhere", "gone"

_VILLAGE = re.compile(r"(社区|居民|村民|委员会|居委会|村委会|生活区)+$")
_TOWN = re.compile(r"(人民政府|街道办事处|办事处|街道|民族乡|镇|乡)$")
_COUNTY = re.compile(r"(自治县|自治旗|特区|林区|新区|县|区|市|旗)$")


@dataclass(frozen=True)
class Known:
    """A place in force before: ``parent`` is the identity of the place above it."""

    id: int
    code: str
    name: str
    parent: Hashable


@dataclass(frozen=True)
class Row:
    """A place of the new table: ``parent`` is the identity of the place above it, or None if that place is new."""

    code: str
    name: str
    parent: Hashable


@dataclass(frozen=True)
class Unsure:
    """A known place that a person must identify among ``rows``."""

    known: Known
    reason: str
    rows: tuple[Row, ...]


@dataclass
class Matching:
    """The outcome for one county and level. ``same`` maps the id of a known place to the row it now is."""

    same: dict[int, Row] = field(default_factory=dict)
    new: list[Row] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    unsure: list[Unsure] = field(default_factory=list)


@lru_cache(maxsize=65536)
def core(name: str) -> str:
    """A place's name without what says its kind: 镰刀湾村村委会 → 镰刀湾, 漳江镇 → 漳江, 奉节县 → 奉节."""
    text = fold(name)
    shorter = _VILLAGE.sub("", text)
    # 金泉村民委员会 leaves 金泉, 附马村村民委员会 leaves 附马村; 中村村民委员会 stays 中村.
    shorter = shorter.removesuffix("村") if len(shorter) > 2 else shorter
    if shorter == text:
        shorter = _TOWN.sub("", text)
    if shorter == text:
        shorter = _COUNTY.sub("", text)
    return shorter or text


def similar(one: str, other: str) -> bool:
    """Whether two names may be two spellings of one: same sound, one inside the other, or one character apart."""
    first, second = core(one), core(other)
    if _sound(first) == _sound(second):
        return True
    shorter, longer = sorted((Counter(first), Counter(second)), key=Counter.total)
    if shorter.total() >= 2 and shorter <= longer and longer.total() - shorter.total() <= 2:
        return True
    if len(first) != len(second):
        return False
    different = sum(a != b for a, b in zip(first, second, strict=True))
    return different == 1 and len(first) >= 3


def _sound(text: str) -> tuple[str, ...]:
    # 明寨 and 民寨, 兴合 and 新和: the dialects of the south-west do not tell -n from -ng.
    return tuple(re.sub("ng$", "n", syllable) for syllable in syllables(text))


class _Matcher:
    def __init__(self, known: Sequence[Known], rows: Sequence[Row]) -> None:
        self.all_known, self.all_rows = known, rows
        self.known = {place.id: place for place in known}
        self.rows = {row.code: row for row in rows}
        self.codes_before = {place.code for place in known}
        self.codes_now = set(self.rows)
        self.result = Matching()

    def match(self, place: Known, row: Row) -> None:
        self.result.same[place.id] = row
        del self.known[place.id], self.rows[row.code]

    def code_and_name(self) -> None:
        for place in list(self.known.values()):
            row = self.rows.get(place.code)
            if row and core(row.name) == core(place.name):
                self.match(place, row)

    def only_one_of(self, key: Callable[[Known | Row], Hashable], also: Callable[[Known, Row], bool]) -> None:
        """Match what is the only one of its key in both tables, if ``also`` holds."""
        before = _unique(self.all_known, key)
        now = _unique(self.all_rows, key)
        for each, place in before.items():
            row = now.get(each)
            open_still = row and place.id in self.known and row.code in self.rows
            if row and open_still and also(place, row):
                self.match(place, row)

    def renamed(self) -> None:
        """Same code and town, a spelling away, and neither name belongs to another place of that town."""
        cores_before = Counter((place.parent, core(place.name)) for place in self.all_known)
        cores_now = Counter((row.parent, core(row.name)) for row in self.all_rows)
        for place in list(self.known.values()):
            row = self.rows.get(place.code)
            if row is None or row.parent != place.parent or not similar(place.name, row.name):
                continue
            if not cores_now[place.parent, core(place.name)] and not cores_before[row.parent, core(row.name)]:
                self.match(place, row)

    def may_be(self, place: Known, row: Row) -> bool:
        """A place that lost its code may be a row of like name: nearby, or anywhere if it sounds the same."""
        near = row.parent in (place.parent, None) and similar(row.name, place.name)
        return near or _sound(core(row.name)) == _sound(core(place.name))

    def leave_to_a_person(self) -> None:
        held = set()
        for place in self.known.values():
            rows = [row for row in self.rows.values() if core(row.name) == core(place.name)]
            reason = ELSEWHERE if rows else GONE
            at_code = self.rows.get(place.code)
            if at_code:
                reason = OTHER_NAME
                rows = [at_code, *[row for row in rows if row != at_code]]
            elif not rows:
                rows = [row for row in self.rows.values() if self.may_be(place, row)]
                reason = ELSEWHERE if rows else GONE
            if rows:
                held.update(row.code for row in rows)
                self.result.unsure.append(Unsure(place, reason, tuple(rows)))
            else:
                self.result.gone.append(place)
        self.result.new = [row for row in self.rows.values() if row.code not in held]


def _unique(places: Iterable[Known | Row], key: Callable[[Known | Row], Hashable]) -> dict[Hashable, Known | Row]:
    found: dict[Hashable, list[Known | Row]] = {}
    for place in places:
        found.setdefault(key(place), []).append(place)
    return {each: group[0] for each, group in found.items() if len(group) == 1}


def match(known: Sequence[Known], rows: Sequence[Row]) -> Matching:
    """Match the places of one level of one county, given how the places above them were matched."""
    matcher = _Matcher(known, rows)
    parents_now = {row.parent for row in rows}
    matcher.code_and_name()
    matcher.only_one_of(lambda place: (place.parent, fold(place.name)), lambda place, row: row.parent is not None)
    matcher.only_one_of(lambda place: (place.parent, core(place.name)), lambda place, row: row.parent is not None)

    def moved_with_its_town(place: Known, row: Row) -> bool:
        """The old code is out of use, the new one was never in use, and the town came or went."""
        fresh = place.code not in matcher.codes_now and row.code not in matcher.codes_before
        return fresh and (row.parent is None or place.parent not in parents_now)

    matcher.only_one_of(lambda place: core(place.name), moved_with_its_town)
    matcher.renamed()
    matcher.leave_to_a_person()
    return matcher.result
