"""Every consistency check of the county's list is carried by some finding that names it."""

from __future__ import annotations

import re

import pytest

from huqing.rules.catalogue import catalogue
from huqing.standards.checks import Check, checks

ENTRIES = catalogue()
NAMED = re.compile(r"(?:ID|ED|LB|WK|IN|LV|IC|RK|MS|CL|VL)\d\d")
GRAVE = {"error": {"high", "medium", "low"}, "warning": {"high", "medium", "low", "notice"}, "hint": {"notice"}}


@pytest.mark.parametrize("check", checks().values(), ids=lambda c: c.number)
def test_a_check_is_carried_by_a_finding_that_names_it(check: Check) -> None:
    carriers = [entry for entry in ENTRIES if check.number in NAMED.findall(entry.basis)]
    assert carriers
    assert all(entry.severity in GRAVE[check.severity] for entry in carriers)


def test_no_finding_names_a_check_that_is_not_on_the_list() -> None:
    named = {number for entry in ENTRIES for number in NAMED.findall(entry.basis)}
    assert named <= set(checks())


def test_the_list_has_all_87_checks_once() -> None:
    assert len(checks()) == 87
    assert {check.of for check in checks().values()} == {"person", "household", "village"}
    assert all(check.says for check in checks().values())
