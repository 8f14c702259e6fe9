"""What the list and the board of cases count is what plain counting gives, for everybody, whatever is chosen."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections import Counter
from html import unescape
from itertools import product

import pytest
from tests.office.reading import text_of
from tests.office.test_cases import DAY, clock  # noqa: F401

from huqing.cases import actions
from huqing.cases.models import NEVER, Case, CaseState, ProcedureVersion
from huqing.cases.procedure import frozen_for, procedure_of
from huqing.office import case_list
from huqing.office.case_rows import Row, cards_html, list_html
from huqing.registry.models import Household

MARKUP = "<b>&\"'"
ROLES = ("county", "town", "village", "grid", "reader")
HANDLING = ("county", "town", "village", "grid")


@pytest.fixture
def versions(regions) -> list[ProcedureVersion]:
    """The procedure in force and an earlier version of it, whose states are others with the same keys."""
    now = frozen_for(regions.village.code, DAY)
    before = ProcedureVersion.objects.create(
        key=now.key,
        digest="0" * 64,
        title=now.title,
        declaration=now.declaration,
        first_used_at=now.first_used_at,
    )
    CaseState.objects.bulk_create(
        CaseState(procedure=before, key=state.key, title=state.title, kind=state.kind) for state in now.states.all()
    )
    return [before, now]


@pytest.fixture
def mixed(regions, versions) -> list[Case]:
    """Cases of four villages of two counties, open and closed, in all states of two versions, late and not."""
    order = random.Random(11)
    states = list(CaseState.objects.filter(procedure__in=versions).order_by("pk"))
    village, other = regions.village, regions.other_village
    places = [
        *[(village, regions.grid)] * 5, (village, regions.next_grid), (village, None), (regions.next_village, None),
        (other, None), (regions.foreign_village, None),
    ]  # fmt: skip
    chosen = [order.choice(places) for _ in range(150)]
    homes = Household.objects.bulk_create(
        Household(
            number=f"M{number:04d}", village=place, region_code=place.code, grid=grid, head_name=f"户主{number}",
            group_name=f"{number % 4}组", member_count=1, updated_at=dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
        )
        for number, (place, grid) in enumerate(chosen)
    )  # fmt: skip
    cases = []
    for number, home in enumerate(homes):
        # The first places of a column must be fought for: one state is full.
        state = states[1] if number % 3 == 0 else order.choice(states)
        due = order.choice([None, DAY - dt.timedelta(days=9), DAY - dt.timedelta(days=1), DAY, DAY + dt.timedelta(3)])
        cases.append(
            Case(
                number=f"2026{number:04d}", household=home, region_code=home.region_code, procedure=state.procedure,
                state=state, clue_source="1", clue="线索", opened_on=DAY - dt.timedelta(days=20), entered_on=DAY,
                free_from=DAY, due_on=due, press_on=due or NEVER, emergency=number % 7 == 0,
                closed_on=DAY if number % 10 == 9 else None,
            )
        )  # fmt: skip
    Case.objects.bulk_create(cases)
    return list(Case.objects.select_related("household", "state", "procedure").order_by("press_on", "pk"))


def seen_by(role: str, case: Case, regions) -> bool:
    """Said once more in plain words, so that the test does not ask the code it is about."""
    if role in ("county", "reader"):
        return case.region_code.startswith("500236")
    if role == "town":
        return case.region_code.startswith("500236101")
    own = case.region_code == regions.village.code
    return own and (role == "village" or case.household.grid_id == regions.grid.pk)


def next_by(role: str, case: Case) -> bool:
    moves = procedure_of(case.procedure).moves_from(case.state.key)
    return case.state.kind != "standing" and bool(moves) and role in moves[0].by


def options_of(html: str, select: str) -> dict[str, str]:
    found = re.search(f'<select[^>]*id="{select}".*?</select>', html, re.S)
    return dict(re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', found[0])) if found else {}


def numbers_in(html: str) -> dict[str, int]:
    """The counts behind the states of the filter, by key."""
    told = {key: re.search(r"（(\d+)）$", label) for key, label in options_of(html, "c-state").items() if key}
    return {key: int(found[1]) for key, found in told.items() if found}


@pytest.fixture
def day(clock, monkeypatch):  # noqa: F811
    monkeypatch.setattr(case_list, "today", lambda: clock["day"])


@pytest.mark.parametrize("role", ROLES)
def test_numbers_and_rows_of_the_list_are_those_of_plain_counting(role, as_role, mixed, regions, day) -> None:
    client = as_role(role)
    open_ones = [case for case in mixed if case.closed_on is None and seen_by(role, case, regions)]
    assert len(open_ones) > 20
    for late, mine, state, town in product(("", "1"), ("", "1"), ("", "verifying"), ("", "500236101")):
        here = [case for case in open_ones if case.region_code.startswith(town)]
        left = [
            case
            for case in here
            if (not late or case.press_on < DAY)
            and (not mine or next_by(role, case))
            and (not state or case.state.key == state)
        ]
        address = f"/cases/?late={late}&mine={mine}&state={state}&town={town}"
        html = client.get(address).content.decode()
        assert numbers_in(html) == Counter(case.state.key for case in here), address
        assert f"只看超期（{sum(case.press_on < DAY for case in here)}）" in html
        shown, page = [], html
        while True:
            shown += re.findall(r'data-latin class="nowrap muted">([^<]+)<', page)
            following = re.search(r'href="([^"]+)"[^>]*>下一页', page)
            if not following:
                break
            page = client.get(unescape(following[1])).content.decode()
        assert shown == [case.number for case in left], address
        expected: Counter[str] = Counter()
        for case in left if role in HANDLING else ():
            for move in procedure_of(case.procedure).moves_from(case.state.key):
                if not move.auto and role in move.by:
                    expected[move.key] += 1
        told = options_of(html, "b-move").items()
        assert {key: int(re.search(r"（(\d+) 件）$", label)[1]) for key, label in told} == expected, address


@pytest.mark.parametrize("role", ROLES)
def test_columns_of_the_board_are_those_of_plain_counting(role, as_role, mixed, regions, day) -> None:
    client = as_role(role)
    for late, mine in product(("", "1"), ("", "1")):
        left = [
            case
            for case in mixed
            if case.closed_on is None
            and seen_by(role, case, regions)
            and (not late or case.press_on < DAY)
            and (not mine or next_by(role, case))
        ]
        html = client.get(f"/cases/?view=board&late={late}&mine={mine}").content.decode()
        found = {}
        for column in html.split('<section class="board-column"')[1:]:
            found[re.search(r'id="col-(\w+)"', column)[1]] = (
                int(re.search(r'<span class="count">(\d+)<', column)[1]),
                int(told[1]) if (told := re.search(r"tag-high\">(\d+) <small>超期", column)) else 0,
                [int(pk) for pk in re.findall(r'<li class="board-card[^>]*><a href="/cases/(\d+)/"', column)],
            )
        expected = {}
        for key in {case.state.key for case in left}:
            here = [case for case in left if case.state.key == key]
            expected[key] = (
                len(here), sum(case.press_on < DAY for case in here), [case.pk for case in here][: case_list.CARDS],
            )  # fmt: skip
        assert found == expected, (late, mine)


def test_home_counts_what_waits_and_what_is_late_like_plain_counting(as_role, mixed, regions, clock, monkeypatch):  # noqa: F811
    monkeypatch.setattr("huqing.office.views.home.office_day", lambda: clock["day"])
    for role in HANDLING:
        own = [
            case for case in mixed if case.closed_on is None and seen_by(role, case, regions) and next_by(role, case)
        ]
        late = sum(case.press_on < DAY for case in own)
        page = text_of(as_role(role).get("/"))
        told = {
            words: int(found[1]) if (found := re.search(rf" {words} \S+ (\d+) 件", page)) else 0
            for words in ("等您办理的事项已超期", "事项等您办理")
        }
        assert told == {"等您办理的事项已超期": late, "事项等您办理": len(own) - late}, role


def test_lists_and_the_page_of_a_case_cost_the_same_for_few_and_for_many(
    as_role, make_household, regions, users_by_role, versions, day, django_assert_max_num_queries
) -> None:
    def opened(count: int) -> list[Case]:
        homes = [make_household(grid=regions.grid, members=("赵一", "钱二")) for _ in range(count)]
        by = users_by_role["village"]
        return [actions.open_case(household=home, source="2", clue="走访发现大病支出", by=by) for home in homes]

    case, client = opened(1)[0], as_role("county")
    client.get("/cases/")
    addresses = {"/cases/": 6, "/cases/?view=board": 6, "/cases/?late=1&mine=1": 6, f"/cases/{case.pk}/": 14}
    for address, most in addresses.items():
        with django_assert_max_num_queries(most):
            client.get(address)
    opened(12)
    for number in range(5):
        actions.record_evidence(
            case=case, kind="home_check", on=DAY, content={"text": f"第 {number} 次核实"}, by=users_by_role["village"]
        )
    for address, most in addresses.items():
        with django_assert_max_num_queries(most):
            client.get(address)


def test_no_text_of_a_case_becomes_markup(regions) -> None:
    home = Household(head_name=MARKUP, group_name=MARKUP, region_code=regions.village.code)
    case = Case(pk=1, number=MARKUP, household=home, region_code=home.region_code, emergency=True)
    rows = [Row(case, MARKUP, MARKUP, pressing, MARKUP) for pressing in ("", "soon", "late")]
    for html in (list_html(rows, ticks=True), list_html(rows, ticks=False), cards_html(rows)):
        assert "&lt;b&gt;&amp;&quot;" in html
        assert "<b>" not in html
        assert re.sub(r"&(amp|lt|gt|quot|#x27);", "", html).count("&") == 0
    assert "<input" not in list_html(rows, ticks=False)
    assert list_html(rows, ticks=True).count("选择") == len(rows)
