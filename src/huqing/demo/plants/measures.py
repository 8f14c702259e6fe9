"""Plants for the checks on risks and measures (RK, MS), and what all plants about the ledger of measures change in it.

What concerns measures and risks only prepares the household here: the ledger is written when everything else is
settled (``huqing.demo.measures``), and ``deviate`` then makes the mistake that was planted.
"""

from __future__ import annotations

from collections.abc import Callable

from huqing.demo.adjust import Town, give_dibao, has_labour, monitor, monitored, supported, tuopin
from huqing.demo.measures import DONE, RUNNING, WAITING, able, add, allowances, at_work, has_card, is_ill, outside
from huqing.demo.model import Fields, Household, Person, add_months
from huqing.demo.plants.guarantees import uncleared
from huqing.demo.plants.money import adults
from huqing.demo.plants.registry import plant

_MONTHS = 12


def _watch(town: Town, h: Household) -> bool:
    """Make the household a monitored one of a year ago."""
    if not uncleared(h):
        return False
    if not monitored(h):
        monitor(town, h, _MONTHS)
    return True


@plant("ic07", 0.0004, monitored)
def illness_without_costs(town: Town, h: Household) -> Household | None:
    """At risk by illness, and nothing was paid."""
    if not any(map(is_ill, h.living())) or not _watch(town, h):
        return None
    return h


@plant("rk01", 0.0004, monitored)
def recognised_without_date(town: Town, h: Household) -> Household | None:
    """A type of monitored household, and no date."""
    return h if _watch(town, h) else None


@plant("rk02", 0.0004, monitored)
def risk_without_words(town: Town, h: Household) -> Household | None:
    """Another risk without a note, or a disaster without its kind."""
    return h if _watch(town, h) else None


@plant("rk03_risk", 0.0004, monitored)
def nobody_disabled(town: Town, h: Household) -> Household | None:
    """At risk by disability, and nobody has a card."""
    return h if not any(map(has_card, h.living())) and _watch(town, h) else None


@plant("rk03_card", 0.0005)
def disabled_without_card(town: Town, h: Household) -> Person | None:
    """Disabled by the state of health, without a card."""
    people = [p for p in adults(town, h) if not has_card(p) and p.fields.get("health") == ["01"]]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["health"] = ["04"]
    return p


@plant("rk04", 0.0004, monitored)
def nobody_ill(town: Town, h: Household) -> Household | None:
    """At risk by illness, and nobody is ill."""
    people = h.living()
    if any(map(is_ill, people)) or any("health" not in p.fields for p in people):
        return None
    return h if _watch(town, h) else None


@plant("rk05", 0.0004, monitored)
def enough_labour(town: Town, h: Household) -> Household | None:
    """Short of labour by risk, though more than a quarter can work."""
    return h if able(h) * 4 > len(h.living()) and _watch(town, h) else None


@plant("rk06", 0.0004, monitored)
def nobody_at_work(town: Town, h: Household) -> Household | None:
    """At risk by unstable work, and nobody works."""
    return h if not any(map(at_work, h.living())) and _watch(town, h) else None


@plant("rk07", 0.0005, monitored)
def risk_unanswered(town: Town, h: Household) -> Household | None:
    """At risk by its house, and no measure for it."""
    return h if _watch(town, h) else None


@plant("rk08", 0.0004, monitored)
def water_not_a_risk(town: Town, h: Household) -> Household | None:
    """Unsafe water at recognition that the risks do not name."""
    if not _watch(town, h):
        return None
    h.fields["identify_water_problem"] = True
    return h


@plant("ms01", 0.0005, monitored)
def no_measure(town: Town, h: Household) -> Household | None:
    """Recognised a year ago, and nothing was done."""
    return h if _watch(town, h) else None


@plant("ms02", 0.0004, monitored)
def only_allowances(town: Town, h: Household) -> Household | None:
    """With labour, and only guarantees."""
    return h if has_labour(h) and _watch(town, h) else None


@plant("ms03", 0.0004, monitored)
def nothing_to_earn(town: Town, h: Household) -> Household | None:
    """With labour, and no help to earn for a year."""
    return h if has_labour(h) and _watch(town, h) else None


@plant("ms03_waiting", 0.0004, monitored)
def still_waiting(town: Town, h: Household) -> Household | None:
    """A measure that was registered and never carried out."""
    return h if _watch(town, h) else None


@plant("ms04_measure", 0.0005, tuopin)
def allowance_nobody_gets(town: Town, h: Household) -> Household | None:
    """An allowance in the ledger that nobody receives."""
    return h if tuopin(h) and not supported(h) else None


@plant("ms04_missing", 0.0004, lambda h: monitored(h) and supported(h))
def allowance_not_listed(town: Town, h: Household) -> Household | None:
    """On 低保, and the ledger does not say so."""
    if any("2" in {row["aid_kind"] for row in p.records["civil_affairs"]} for p in h.living()) or not _watch(town, h):
        return None
    if not supported(h):
        give_dibao(town, h)
    return h


@plant("ms05_work", 0.0004, monitored)
def helped_to_work(town: Town, h: Household) -> Household | None:
    """Helped to work, and nobody works."""
    people = h.living()
    idle = not any(at_work(p) or p.fields.get("public_post_months", 0) for p in people)
    return h if idle and has_labour(h) and _watch(town, h) else None


@plant("ms05_away", 0.0004, monitored)
def helped_to_go(town: Town, h: Household) -> Household | None:
    """Helped to work elsewhere, and nobody does."""
    return h if has_labour(h) and not any(map(outside, h.living())) and _watch(town, h) else None


@plant("ms05_subsidy", 0.0004, monitored)
def subsidy_of_nothing(town: Town, h: Household) -> Household | None:
    """A subsidy for the way in the ledger, and none was paid."""
    away = [p for p in h.living() if outside(p)]
    if not away or not _watch(town, h):
        return None
    for p in away:
        p.fields["travel_subsidy"] = 0
    return h


@plant("ms06", 0.0004, monitored)
def relocated_too_late(town: Town, h: Household) -> Household | None:
    """Recognised after the programme of relocation, and relocated by it."""
    if not _watch(town, h):
        return None
    h.fields["identified_on"] = max(h.fields["identified_on"], add_months(town.as_of, -30))
    return h


@plant("measure_overdue", 0.0004, monitored)
def late_measure(town: Town, h: Household) -> Household | None:
    """A measure that should have been over a month ago and goes on."""
    return h if _watched_long(town, h) else None


@plant("measure_no_result", 0.0004, monitored)
def silent_measure(town: Town, h: Household) -> Household | None:
    """A finished measure of which nobody wrote what came of it."""
    return h if _watched_long(town, h) else None


def _watched_long(town: Town, h: Household) -> bool:
    return _watch(town, h) and bool(h.fields["identified_on"] <= add_months(town.as_of, -4))


def _last(town: Town, h: Household, item: str, state: str) -> Fields:
    """A measure nobody else has, which should have been over a while ago."""
    add(town, h, "100A54", item, state)
    row = h.records["measure"][-1]
    row["ended_on"] = town.ago(40)
    return row


def _late(town: Town, h: Household) -> None:
    _last(town, h, "5401", RUNNING)


def _silent(town: Town, h: Household) -> None:
    del _last(town, h, "5402", DONE)["result"]


def _risk(h: Household, code: str) -> None:
    h.fields["risks"] = sorted({*h.fields["risks"], code})


def _none_of(town: Town, h: Household) -> str:
    """An allowance of the household's that nobody receives."""
    have = allowances(town, h)
    return next(item for item in ("4801", "4802") if item not in have)


def _undated(town: Town, h: Household) -> None:
    del h.fields["identified_on"]


def _unsaid(town: Town, h: Household) -> None:
    _risk(h, "99" if town.draw.chance(0.5) else "02")
    h.fields.pop("risk_note", None)
    h.fields.pop("risk_disaster", None)


def _unpaid(town: Town, h: Household) -> None:
    _risk(h, "01")
    h.fields["self_paid_amount"] = 0


_DEVIATIONS: dict[str, Callable[[Town, Household], None]] = {
    "ic06_wage": lambda town, h: add(town, h, "100A40", "4001", DONE),
    "ic06_business": lambda town, h: add(town, h, "100A39", "3902", DONE),
    "ic07": _unpaid,
    "rk01": _undated,
    "rk02": _unsaid,
    "rk03_risk": lambda town, h: _risk(h, "03"),
    "rk04": lambda town, h: _risk(h, "01"),
    "rk05": lambda town, h: _risk(h, "04"),
    "rk06": lambda town, h: _risk(h, "07"),
    "rk07": lambda town, h: _risk(h, "08"),
    "ms03_waiting": lambda town, h: add(town, h, "100A41", "4102", WAITING),
    "ms04_measure": lambda town, h: add(town, h, "100A48", _none_of(town, h), RUNNING),
    "ms05_work": lambda town, h: add(town, h, "100A40", "4001", DONE),
    "ms05_away": lambda town, h: add(town, h, "100A40", "4002", DONE),
    "ms05_subsidy": lambda town, h: add(town, h, "100A40", "4003", DONE),
    "ms06": lambda town, h: add(town, h, "100A53", "5301", RUNNING),
    "measure_overdue": _late,
    "measure_no_result": _silent,
}


def deviate(town: Town, h: Household, planted: str) -> None:
    """Make the mistake that was planted in a household whose ledger is otherwise in order."""
    if planted in _DEVIATIONS:
        _DEVIATIONS[planted](town, h)
