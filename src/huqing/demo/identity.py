"""Numbers that look right and belong to nobody: ID numbers, mobile numbers, bank cards.

ID numbers start with 99, an area GB/T 2260 does not have, and have a correct check digit (GB 11643). Mobile numbers use
segments that are not assigned to an operator, bank cards the prefix 69 with a correct Luhn digit. Uniqueness needs no
table across towns: every town owns its own residue of the sequence numbers.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from operator import mul

from huqing.demo.draw import Draw, Weighted

SLOTS = 34  # 33 towns and one for people who are in two of them
MOVERS = 33
HOME_AREA = "990236"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_ZEROS = ord("0") * sum(_WEIGHTS)
_AREAS: Weighted[str] = Weighted({HOME_AREA: 90, "990235": 4, "990237": 3, "990243": 1, "992822": 2})
_SPARE_AREAS = ("990229", "990228", "990240", "990241", "990233")
_SEGMENTS = ("160", "161", "163", "164", "168", "169")
_PER_TOWN = 2_900_000


def check_digit(first17: str) -> str:
    """The 18th character of an ID number (GB 11643, ISO 7064 MOD 11-2)."""
    return _CHECK[(sum(map(mul, first17.encode(), _WEIGHTS)) - _ZEROS) % 11]


def luhn_digit(digits: str) -> str:
    """The last digit of a bank card number."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


class Numbers:
    """Hands out unique numbers for one town (or for the movers)."""

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self._used: Counter[tuple[str, date, str]] = Counter()
        self._phones = 0
        self._cards = 0

    def id_number(self, draw: Draw, birth: date, sex: str) -> str:
        """An unused ID number for this birth date and sex ('1' male, '2' female)."""
        for area in (draw.of(_AREAS), *_SPARE_AREAS):
            place = self._used[area, birth, sex]
            self._used[area, birth, sex] += 1
            sequence = (place * SLOTS + self.slot) * 2 + (1 if sex == "1" else 0)
            if sequence <= 999:
                first17 = f"{area}{birth:%Y%m%d}{sequence:03d}"
                return first17 + check_digit(first17)
        raise RuntimeError(f"no ID number left for {birth}")

    def phone(self) -> str:
        """An unused mobile number."""
        self._phones += 1
        number = self.slot * _PER_TOWN + self._phones * 1_000_003 % _PER_TOWN
        return f"{_SEGMENTS[self._phones % len(_SEGMENTS)]}{number:08d}"

    def bank_card(self) -> str:
        """An unused bank card number of 19 digits."""
        self._cards += 1
        first = f"6900{self.slot:02d}{self._cards * 7919 % 10**12:012d}"
        return first + luhn_digit(first)
