"""Every address, called as nobody and as every role, with rows of the own county and of a foreign one.

The addresses come from the resolver when the test runs. What somebody may do is what the view itself declares
(``view.permission``); an address whose view declares nothing fails here, and a value for its arguments is found by the
argument's kind, so a new page is walked without anybody adding it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter
from tests.access import world

from huqing.access.instance import mark_demo
from huqing.access.models import Role
from huqing.access.permissions import CLOSED, PUBLIC, SIGNED_IN, TABLE, declared_permission, may

METHODS = ("GET", "POST")
# Text arguments that are no row's key, by name; any other text argument gets the number of a household.
TEXTS = {"kind": "insured", "finding": "unsafe_water", "key": "unsafe_water", "field": "phone", "code": "500237101201"}
ANSWERS = {200, 204, 302, 400, 401, 403, 404, 405, 409, 422, 429}
# What a curious person sends along: places, numbers and keys of the foreign county.
CURIOUS = {
    "region": "500237",
    "region_code": "500237",
    "town": "500237101",
    "village": "500237101201",
    "household": str(world.FOREIGN),
    "person": str(world.FOREIGN),
    "record": str(world.FOREIGN),
    "intake": str(world.FOREIGN),
    "import": str(world.FOREIGN),
    "alert": str(world.FOREIGN),
    "pk": str(world.FOREIGN),
    "id": str(world.FOREIGN),
    "ids": str(world.FOREIGN),
    "q": world.number(world.FOREIGN),
    "text": world.number(world.FOREIGN),
    "field": "phone",
    "reason": "入户前电话联系",
}


@dataclass(frozen=True)
class Address:
    """One route: its name, its view and the arguments it takes."""

    name: str
    view: Any
    converters: tuple[tuple[str, Any], ...]

    @property
    def permission(self) -> str | None:
        return declared_permission(self.view, self.name.rpartition(":")[2])

    def path(self, pk: int) -> str:
        values = {}
        for name, converter in self.converters:
            values[name] = pk if isinstance(converter, IntConverter) else TEXTS.get(name, world.number(pk))
        return reverse(self.name, kwargs=values)

    @property
    def about_rows(self) -> bool:
        return any(isinstance(converter, IntConverter) or name not in TEXTS for name, converter in self.converters)


def addresses(resolver: URLResolver | None = None, space: str = "", above: dict | None = None) -> Iterator[Address]:
    for entry in (resolver or get_resolver()).url_patterns:
        converters = {**(above or {}), **_converters(entry)}
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from addresses(entry, inner, converters)
        elif isinstance(entry, URLPattern):
            assert entry.name, f"the route {entry.pattern} has no name"
            yield Address(f"{space}{entry.name}", entry.callback, tuple(converters.items()))


def _converters(entry: URLPattern | URLResolver) -> dict[str, Any]:
    typed = dict(getattr(entry.pattern, "converters", {}))
    named = getattr(getattr(entry.pattern, "regex", None), "groupindex", {})
    return {**dict.fromkeys(named), **typed}


ALL = list(addresses())
OPEN = [address for address in ALL if address.permission != CLOSED]


@pytest.fixture
def two_counties(users_by_role, regions, settings, tmp_path):
    """Rows of both counties; a demonstration, so that no second factor stands before the pages."""
    settings.DATA = tmp_path
    mark_demo(tmp_path)
    world.build(world.OWN, world.OWN_MARK, regions.village, regions.grid)
    world.build(world.FOREIGN, world.MARK, regions.foreign_village, None)
    return users_by_role


def call(client: Client, method: str, path: str) -> Any:
    """The answer to one request and what a POST made of the foreign rows; nothing is left of it, sign-out included."""
    cookies = SimpleCookie(client.cookies.output(header="", sep=";"))
    with transaction.atomic():
        response = client.get(path, CURIOUS) if method == "GET" else client.post(path, CURIOUS)
        content = b"".join(response) if response.streaming else response.content
        rows = world.state(world.FOREIGN) if method == "POST" else None
        transaction.set_rollback(True)
    client.cookies = cookies
    return response, content.decode("utf-8", "replace"), rows


@pytest.mark.parametrize("address", ALL, ids=lambda address: address.name)
def test_every_view_declares_who_may_use_it(address):
    known = {*TABLE, PUBLIC, SIGNED_IN, CLOSED}
    assert address.permission in known, f"{address.name}: mark its view with @requires(…), @signed_in or @public"


def test_closed_addresses_do_not_exist_for_anybody(two_counties):
    for user in (None, *two_counties.values()):
        client = Client(raise_request_exception=False)
        if user:
            client.force_login(user)
        for address in ALL:
            if address.permission == CLOSED:
                assert client.get(_any_path(address)).status_code == 404, address.name


def _any_path(address: Address) -> str:
    return reverse(address.name, kwargs={name: "1-a" if name == "key" else "MQ" for name, _ in address.converters})


@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_in_without_signing_in(method, two_counties):
    client = Client(raise_request_exception=False)
    for address in OPEN:
        if address.permission == PUBLIC:
            continue
        response, content, _ = call(client, method, address.path(world.OWN))
        assert response.status_code == 302, f"{method} {address.name}: {response.status_code}"
        assert response.url.startswith("/account/"), f"{method} {address.name}: {response.url}"
        assert world.OWN_MARK not in content


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_its_own_pages_and_nothing_of_another_county(role, method, two_counties):
    user = two_counties[role]
    before = world.state(world.FOREIGN)
    wrong = []
    client = Client(raise_request_exception=False)
    client.force_login(user)
    for address in OPEN:
        response, content, after = call(client, method, address.path(world.FOREIGN))
        said = f"{method} {address.name} as {role}: {response.status_code}"
        if response.status_code not in ANSWERS:
            wrong.append(said)
        if world.MARK in content or any(
            secret[world.FOREIGN] in content for secret in (world.PHONES, world.ID_NUMBERS)
        ):
            wrong.append(f"{said}, shows rows of another county")
        if method == "POST" and after != before:
            wrong.append(f"{said}, changed rows of another county")
        needed = address.permission
        if needed in TABLE and not may(user, needed) and response.status_code not in (403, 404):
            wrong.append(f"{said}, although {needed} is refused to this role")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", list(Role))
def test_numbers_of_people_are_on_no_page(role, two_counties):
    client = Client(raise_request_exception=False)
    client.force_login(two_counties[role])
    for address in OPEN:
        response, content, _ = call(client, "GET", address.path(world.OWN))
        assert response.status_code in ANSWERS, f"{address.name} as {role}: {response.status_code}"
        for secret in (world.PHONES[world.OWN], world.ID_NUMBERS[world.OWN]):
            assert secret not in content, f"{address.name} shows a full number to {role}"


def test_the_walk_meets_real_rows(two_counties):
    """Otherwise all of the above would hold for pages that show nothing at all."""
    client = Client(raise_request_exception=False)
    client.force_login(two_counties["county"])
    pages = [address for address in OPEN if address.about_rows and address.permission == "view_household"]
    shown = [page.name for page in pages if world.OWN_MARK in call(client, "GET", page.path(world.OWN))[1]]
    assert shown
