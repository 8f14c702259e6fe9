from __future__ import annotations

import random

from huqing.intake.layouts import identity_columns
from huqing.standards import idnumbers


def numbers(count: int) -> list[str | None]:
    """ID numbers right and wrong in every way ``parse`` knows, and things that are none."""
    draw = random.Random(20240630)
    found: list[str | None] = ["", None, "无", "９９０２３６", "99023685010112:4"]
    found += ["123456789012345678", "111111198501011234"]
    for _ in range(count):
        year = draw.choice(["1849", "1850", "1900", "1985", "2024"])
        first = f"990236{year}{draw.randrange(14):02d}{draw.randrange(33):02d}{draw.randrange(1000):03d}"
        last = draw.choice([idnumbers.check_digit(first)] * 9 + list("0123456789X"))
        number = first + last
        spoiled = [number[:6] + number[8:17], number[:-1], number.lower(), number + " "]
        found.append(draw.choice([number] * 20 + spoiled))
    return found


def test_many_numbers_at_once_are_judged_like_each_alone():
    wanted = numbers(5_000)
    states, births, sexes = (column.to_pylist() for column in identity_columns(wanted))
    alone = [idnumbers.parse(number) for number in wanted]
    assert states == [one.state for one in alone]
    assert births == [one.birth_date for one in alone]
    assert sexes == [one.sex for one in alone]
    assert {"valid", "missing", "bad_length", "bad_date", "bad_check", "placeholder"} == set(states)
