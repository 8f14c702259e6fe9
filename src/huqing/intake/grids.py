"""Which grid of its village a row means: by the grid's name, or by its number however that is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pyarrow as pa

from huqing.access.scope import code_range
from huqing.registry.models import Grid
from huqing.standards.text import fold

# 3, 03, 第3网格, 三号网格, 网格3
_NUMBER = re.compile(r"第?(?:网格)?(\d{1,4}|[一二三四五六七八九十]{1,3})号?(?:网格)?")
_DIGITS = {word: number for number, word in enumerate("一二三四五六七八九", 1)}


@dataclass
class Grids:
    """The grids inside one region prefix, findable by village and what a row says."""

    names: dict[int, str] = field(default_factory=dict)
    by_name: dict[tuple[str, str], int] = field(default_factory=dict)
    by_number: dict[tuple[str, int], int] = field(default_factory=dict)

    @classmethod
    def load(cls, prefix: str) -> Grids:
        """All grids of the region."""
        found = cls()
        rows = Grid.objects.filter(code_range(prefix)).order_by("pk")
        for pk, code, number, name in rows.values_list("pk", "region_code", "number", "name"):
            found.names[pk] = name
            found.by_name.setdefault((code, fold(name)), pk)
            found.by_number[code, number] = pk
        return found

    def find(self, village: str, said: str) -> int | None:
        """The grid of the village (12-digit code) that a row means; None if there is none of that name or number."""
        key = fold(said)
        if (village, key) in self.by_name:
            return self.by_name[village, key]
        number = _number(key)
        return None if number is None else self.by_number.get((village, number))

    def table(self) -> pa.Table:
        """Columns ``id`` and ``name``."""
        return pa.table(
            {"id": pa.array(list(self.names), pa.int64()), "name": pa.array(self.names.values(), pa.string())}
        )


def _number(key: str) -> int | None:
    found = _NUMBER.fullmatch(key)
    if found is None:
        return None
    word = found[1]
    if word.isascii():
        return int(word)
    tens, ten, ones = word.rpartition("十")
    if not ten:
        return _DIGITS[ones] if len(ones) == 1 else None
    if len(tens) > 1 or len(ones) > 1 or "十" in tens:
        return None
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
