"""One box finds people, households and places, and leaves no number behind."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from .conftest import HEAD_ID, PHONE
from .reading import text_of


@pytest.fixture
def search(as_role):
    def find(typed: str, role: str = "county"):
        client = as_role(role)
        result = client.post(reverse("office:search"), {"q": typed})
        found = re.search(r'data-address="([^"]+)"', result.content.decode())
        result.address = unescape(found[1]) if found else ""
        assert not found or text_of(client.get(result.address)) == text_of(result)
        result.session = dict(client.session.items())
        return result

    return find


@pytest.mark.parametrize(
    "typed",
    [
        "王建国",
        "王建",
        "wjg",
        "王小明",
        HEAD_ID,
        HEAD_ID.lower(),
        f" {PHONE} ",
        "138 1234 5678",
        "朱衣镇 王建国",
        "砚瓦 李秀",
    ],
)
def test_a_person_is_found_by(typed, search, family) -> None:
    text = text_of(search(typed))
    assert "王建国户" in text
    assert HEAD_ID not in text


def test_people_of_the_same_name_are_told_apart_by_the_ends_of_their_numbers(search, family) -> None:
    assert "990***********4318" in text_of(search("王建国"))


def test_a_household_is_found_by_its_number_and_by_its_address(search, family) -> None:
    assert "王建国户" in text_of(search(family.household.number))
    assert "王建国户" in text_of(search("砚瓦村3组21号"))


def test_places_lead_to_their_households(search, family) -> None:
    response = search("砚瓦")
    assert reverse("office:households") + "?region=500236101201" in response.content.decode()


@pytest.mark.parametrize("typed", [HEAD_ID, PHONE])
def test_a_number_gets_neither_into_the_address_nor_into_the_session(typed, search, family) -> None:
    response = search(typed)
    assert typed not in response.address
    assert typed.encode() not in urlsafe_b64decode(parse_qs(urlsplit(response.address).query)["s"][0])
    assert typed not in str(response.session)
    assert typed not in response.content.decode()


def test_search_ends_at_the_border_of_the_account(search, family, make_household, regions) -> None:
    make_household(village=regions.foreign_village, members=("王建国",), id_numbers=("990101196001010017",))
    assert text_of(search("王建国")).count("王建国户") == 1
    assert "没有找到" in text_of(search("990101196001010017"))
    make_household(village=regions.next_village, members=("吴十",))
    assert "没有找到" in text_of(search("吴十", role="village"))


def test_nothing_typed_and_nothing_found_say_how_to_search(search, as_role, family) -> None:
    client = as_role("county")
    assert "查什么都行" in text_of(client.post(reverse("office:search"), {"q": "  "}))
    assert "查什么都行" in text_of(client.get(reverse("office:search")))
    assert "请加上村名" in text_of(search("查无此人"))
    assert "查什么都行" in text_of(client.get(reverse("office:search"), {"s": "stolen"}))


def test_a_result_page_belongs_to_the_session_that_searched(search, as_role, family) -> None:
    address = search("王建国").address
    assert "王建国户" not in text_of(as_role("town").get(address))


def test_strange_input_is_harmless(search, family) -> None:
    for typed in ("%", "' or 1=1 --", "😀" * 80, "\x00王", "<script>alert(1)</script>", "___", "\\"):
        response = search(typed) if typed.strip("\x00") else None
        assert response is None or "<script>alert" not in response.content.decode()
