"""The menu: what a role uses every day stands open, the rest folds, nothing is lost and nothing is offered in vain."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from huqing.access.models import Role
from huqing.access.permissions import SIGNED_IN, permissions_of
from huqing.office.navigation import DAILY, GROUPS, MOST_DAILY, menu

PLACES = {place.view: place for _, places in GROUPS for place in places}


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_at_most_nine_entries_at_first_and_all_of_its_own_once(role, users_by_role) -> None:
    user = users_by_role[role]
    groups = menu(user, "/")
    shown = [item.label for group in groups if not group.folds for item in group.items]
    assert 1 <= len(shown) <= MOST_DAILY
    assert shown[0] == "首页"
    granted = permissions_of(user) | {SIGNED_IN}
    own = Counter(place.label for place in PLACES.values() if place.permission in granted)
    assert Counter(item.label for group in groups for item in group.items) == own
    assert all(PLACES[view].permission in granted for view in DAILY.get(role, ())), "a daily entry is refused"


def test_only_the_group_of_the_page_is_open(as_role) -> None:
    client = as_role("village")

    def folds(address: str) -> dict[str, bool]:
        nav = re.search(r'<nav class="sidebar".*?</nav>', client.get(address).content.decode(), re.DOTALL)[0]
        return {title: bool(mark) for mark, title in re.findall(r"<details( open)?><summary>(.*?)</summary>", nav)}

    at_home = folds("/")
    assert at_home
    assert not any(at_home.values())
    assert [title for title, is_open in folds("/postings/").items() if is_open] == ["更多办理"]
    assert [title for title, is_open in folds("/rechecks/").items() if is_open] == ["动态管理"]
    assert not any(folds("/cases/").values())
