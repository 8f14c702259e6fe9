"""A phone with a link of a town clerk, in a data folder of its own."""

from __future__ import annotations

import pytest
from tests.api.phone import Phone

from huqing.access.instance import mark_demo
from huqing.visits import links


@pytest.fixture
def data(settings, tmp_path):
    settings.DATA = tmp_path
    mark_demo(tmp_path)
    return tmp_path


@pytest.fixture
def linked(data, users_by_role):
    """A function that gives an account's phone: ``linked("visitor")``."""

    def give(role: str) -> Phone:
        user = users_by_role[role]
        return Phone(links.create_link(user=user, label="手机", by=user)[1])

    return give


@pytest.fixture
def phone(linked) -> Phone:
    return linked("town")
