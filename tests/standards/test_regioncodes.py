"""Region codes: levels, parents, and the prefix ranges that scope everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.standards import regioncodes
from huqing.standards.regioncodes import Level

VILLAGE = "500236100203"
prefixes = st.from_regex(r"[1-9]\d{0,11}", fullmatch=True)
codes = st.from_regex(r"[1-9]\d{11}", fullmatch=True)


@pytest.mark.parametrize(
    ("code", "level", "prefix", "parent"),
    [
        ("50", Level.PROVINCE, "50", None),
        ("500000000000", Level.PROVINCE, "50", None),
        ("5002", Level.CITY, "5002", "500000000000"),
        ("500236", Level.COUNTY, "500236", "500200000000"),
        ("500236000000", Level.COUNTY, "500236", "500200000000"),
        ("500236100", Level.TOWN, "500236100", "500236000000"),
        (VILLAGE, Level.VILLAGE, VILLAGE, "500236100000"),
        ("441900003000", Level.TOWN, "441900003", "441900000000"),
    ],
)
def test_a_code_knows_its_place(code: str, level: Level, prefix: str, parent: str | None) -> None:
    assert regioncodes.level(code) == level
    assert regioncodes.prefix(code) == prefix
    assert regioncodes.parent(code) == parent


def test_ancestors_begin_with_the_province() -> None:
    assert regioncodes.ancestors(VILLAGE) == ["500000000000", "500200000000", "500236000000", "500236100000"]
    assert (regioncodes.county(VILLAGE), regioncodes.town(VILLAGE)) == ("500236", "500236100")


@pytest.mark.parametrize(
    "code", ["", "5", "500", "50023", "5002361", "50023610020A", "012345", "５００２３６", "5002361002030"]
)
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(regioncodes.RegionCodeError):
        regioncodes.full(code)


def test_a_place_contains_what_is_below_it_and_itself() -> None:
    assert regioncodes.contains("500236000000", VILLAGE)
    assert regioncodes.contains(VILLAGE, VILLAGE)
    assert not regioncodes.contains("500235", VILLAGE)
    assert not regioncodes.contains(VILLAGE, "500236")


@pytest.mark.parametrize(
    ("prefix", "following"),
    [("500236", "500237"), ("500239", "50024"), ("5099", "51"), ("99", ":"), ("9", ":"), ("", ":")],
)
def test_the_range_of_a_prefix_ends_before_the_next_one(prefix: str, following: str) -> None:
    assert regioncodes.next_prefix(prefix) == following


@given(prefixes, codes)
def test_being_in_the_range_is_beginning_with_the_prefix(prefix: str, code: str) -> None:
    assert (prefix <= code < regioncodes.next_prefix(prefix)) == code.startswith(prefix)


@pytest.mark.parametrize(
    ("official", "spoken"),
    [
        ("砚瓦村村民委员会", "砚瓦村"),
        ("高坪村民委员会", "高坪村"),
        ("九里社区居民委员会", "九里社区"),
        ("朝阳居民委员会", "朝阳社区"),
        ("永安街道", "永安街道"),
        ("村民委员会", "村民委员会"),
    ],
)
def test_places_are_shown_as_people_say_them(official: str, spoken: str) -> None:
    assert regioncodes.spoken_name(official) == spoken
