"""The benefits of bench_benefits.py written for openfisca-core 46, run as a process of its own.

``python bench/benefits_openfisca.py FOLDER PARAMETERS.json OUT``: reads the same Parquet tables, computes the same formulas
(the same refusals, rounding and parameters), writes one Parquet file per benefit and prints seconds and memory as JSON.
Imports and the building of the tax-benefit systems are not timed, as the plan of the day is not on the other side.
Amounts are integer fen; where OpenFisca's 32-bit integers would not hold an intermediate value it is computed as 64 bits
inside a formula.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from openfisca_core.entities import build_entity
from openfisca_core.indexed_enums import Enum
from openfisca_core.parameters import ParameterNode
from openfisca_core.periods import MONTH
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable
from pyarrow import parquet

from machine import peak_memory

PERIOD = "2025-06"
MOST_DAYS = 100_000
AS_OF = np.datetime64("2025-06-30")


class Mode(Enum):
    c1, c2, c3, c4, c5 = "1", "2", "3", "4", "5"


class Crop(Enum):
    c1, c2, c3, c9 = "1", "2", "3", "9"


class Rank(Enum):
    c1, c2 = "1", "2"


class Stage(Enum):
    c1, c2, c3, c4, c5, c6, c7, c8, c9 = "1", "2", "3", "4", "5", "6", "7", "8", "9"


class Insured(Enum):
    c1, c2, c3, c4, c5, c6, c7, c8 = "1", "2", "3", "4", "5", "6", "7", "8"


def rounded(numerator, denominator):
    """An exact quotient of integers, halves away from zero."""
    size = (2 * np.abs(numerator) + denominator) // (2 * denominator)
    return np.where(numerator < 0, -size, size)


def nth(*keys):
    """Which of the rows with the same keys a row is, in the order of rows."""
    order = np.lexsort(keys[::-1])
    same = np.ones(len(order), bool)
    for key in keys:
        same[1:] &= key[order][1:] == key[order][:-1]
    same[0] = False
    starts = np.flatnonzero(~same)
    counted = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    result = np.empty(len(order), np.int64)
    result[order] = counted + 1
    return result


def years(days):
    return days.astype("datetime64[Y]").astype(np.int64)


def months(days):
    return days.astype("datetime64[M]").astype(np.int64)


def day_of_month(days):
    return (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def number(name, of, formula=None, **more):
    return _variable(name, of, int, formula, **more)


def flag(name, of, formula=None):
    return _variable(name, of, bool, formula)


def day(name, of):
    return _variable(name, of, datetime.date, None)


def choice(name, of, values):
    return _variable(name, of, Enum, None, possible_values=values, default_value=next(iter(values)))


def _variable(name, of, kind, formula, **more):
    members = {"value_type": kind, "entity": of, "definition_period": MONTH, "label": name, **more}
    if formula:
        members["formula"] = formula
    return type(name, (Variable,), members)


def system(entities, variables, parameters):
    made = TaxBenefitSystem(entities)
    made.parameters = ParameterNode("", data=parameters)
    made.add_variables(*variables)
    return made


# -- dividends -----------------------------------------------------------------------------------------------------------
stake = build_entity(key="stake", plural="stakes", label="stake", is_person=True)


def sharing_year(person, period):
    return years(person("year_on", period)) - years(person("joined_on", period)) + 1


def base_share_due(person, period, parameters):
    return np.where(person("mode", period) == Mode.c5, 0, parameters(period).sharing_base)


def stake_refused(person, period):
    mode = person("mode", period)
    own, fee = person("own_money", period), person("management_fee", period)
    with_own = (mode == Mode.c2) + (mode == Mode.c4)
    with_fee = (mode == Mode.c3) + (mode == Mode.c4)
    keys = [person(name, period) for name in ("household_id", "crop", "mode", "year_on")]
    negative = (person("area", period) < 0) + (person("heads", period) < 0) + (person("base_share", period) < 0)
    return (
        negative
        + (own < 0)
        + (fee < 0)
        + (person("sharing_year", period) < 1)
        + (nth(*[np.asarray(key) for key in keys]) > 1)
        + (person("base_share", period) != person("base_share_due", period))
        + (with_own * (own == 0))
        + (~with_own * (own > 0))
        + (with_fee * (fee == 0))
        + (~with_fee * (fee > 0))
    )


def counted_area(person, period, parameters):
    entitled = person("heads", period) * parameters(period).sharing_area[person("crop", period)]
    area = person("area", period)
    return np.where(person("mode", period) == Mode.c5, area, np.minimum(area, entitled))


def area_profit(person, period):
    product = person("profit_per_mu", period).astype(np.int64) * person("counted_area", period)
    return rounded(product, 100)


def in_sharing_years(person, period, parameters):
    first = parameters(period).sharing_first_year
    year = person("sharing_year", period)
    return (year >= first) * (year < first + parameters(period).sharing_years)


def dividend(person, period, parameters):
    profit = person("area_profit", period).astype(np.int64)
    rate = np.asarray(parameters(period).sharing_rate[person("mode", period)]).astype(np.int64)
    earns = person("in_sharing_years", period) * (profit > 0) * ~person("stake_refused", period)
    return np.where(earns, rounded(profit * rate, 1_000_000), 0)


def sharing(parameters):
    variables = [
        choice("mode", stake, Mode),
        choice("crop", stake, Crop),
        day("joined_on", stake),
        day("year_on", stake),
        *(
            number(name, stake)
            for name in ("household_id", "area", "heads", "profit_per_mu", "base_share", "own_money", "management_fee")
        ),
        number("sharing_year", stake, sharing_year),
        number("base_share_due", stake, base_share_due),
        flag("stake_refused", stake, stake_refused),
        number("counted_area", stake, counted_area),
        number("area_profit", stake, area_profit),
        flag("in_sharing_years", stake, in_sharing_years),
        number("dividend", stake, dividend),
    ]
    return system([stake], variables, parameters)


# -- presence ------------------------------------------------------------------------------------------------------------
presence_day = build_entity(key="presence_day", plural="presence_days", label="day", is_person=True)
worker_month = build_entity(
    key="worker_month", plural="worker_months", label="month", roles=[{"key": "day", "plural": "days", "max": None}]
)


def _dates(entity, dates):
    """One number for a month and a date."""
    return entity.astype(np.int64) * MOST_DAYS + dates.astype(np.int64)


def month_refused(months_, period):
    days = months_.members
    first = months_("month_on", period)
    outside = months(days("day", period)) != months(months_.project(first))
    kinds = days("day_kind", period)
    here = ((kinds == 1) + (kinds == 5)) * days("approved", period)
    gone = (kinds == 2) + (kinds == 3)
    entity, dates = months_.members_entity_id, days("day", period)
    dated = _dates(entity, dates)
    contradicting = np.zeros(len(dates), bool)
    contradicting[here] = np.isin(dated[here], dated[gone])
    twice = nth(months_("worker", period), np.asarray(first)) > 1
    return (day_of_month(first) != 1) + twice + months_.any(outside) + months_.any(contradicting)


def _days(months_, period, kinds_counted):
    days = months_.members
    kinds = days("day_kind", period)
    counts = np.isin(kinds, kinds_counted) * days("approved", period)
    dated = np.sort(_dates(months_.members_entity_id[counts], days("day", period)[counts]))
    once = dated[np.append(True, dated[1:] != dated[:-1])]
    return np.bincount(once // MOST_DAYS, minlength=months_.count)


def days_in_village(months_, period):
    return _days(months_, period, [1, 5])


def days_counted(months_, period):
    return _days(months_, period, [1, 4, 5])


def food_allowance(months_, period, parameters):
    return months_("days_in_village", period) * parameters(period).presence_daily


def monthly_allowance(months_, period, parameters):
    p = parameters(period)
    full = p.presence_phone[months_("rank", period)] + np.where(months_("in_town", period), p.presence_town, 0)
    return np.where(months_("days_counted", period) >= p.presence_days, full, 0)


def presence_allowance(months_, period):
    whole = months_("food_allowance", period) + months_("monthly_allowance", period)
    return np.where(months_("month_refused", period), 0, whole)


def presence(parameters):
    variables = [
        day("day", presence_day),
        number("day_kind", presence_day),
        flag("approved", presence_day),
        number("worker", worker_month),
        day("month_on", worker_month),
        choice("rank", worker_month, Rank),
        flag("in_town", worker_month),
        flag("month_refused", worker_month, month_refused),
        number("days_in_village", worker_month, days_in_village),
        number("days_counted", worker_month, days_counted),
        number("food_allowance", worker_month, food_allowance),
        number("monthly_allowance", worker_month, monthly_allowance),
        number("presence_allowance", worker_month, presence_allowance),
    ]
    return system([presence_day, worker_month], variables, parameters)


# -- loans ---------------------------------------------------------------------------------------------------------------
movement = build_entity(key="movement", plural="movements", label="entry", is_person=True)
loan = build_entity(
    key="loan", plural="loans", label="loan", roles=[{"key": "entry", "plural": "entries", "max": None}]
)


def principal_change(person, period):
    kind, amount = person("movement_kind", period), person("amount", period)
    return np.select([kind == 1, kind == 2], [amount, -amount], 0)


def balance_after(person, period):
    owner = np.asarray(person.loan.members_entity_id)
    order = np.lexsort((np.arange(len(owner)), person("moved_on", period), owner))
    change = person("principal_change", period)[order].astype(np.int64)
    so_far = np.cumsum(change)
    starts = np.flatnonzero(np.append(True, owner[order][1:] != owner[order][:-1]))
    before = so_far[starts] - change[starts]
    result = np.empty(len(owner), np.int64)
    result[order] = so_far - np.repeat(before, np.diff(np.append(starts, len(owner))))
    return result


def movement_wrong(person, period):
    when, kind = person("moved_on", period), person("movement_kind", period)
    after = person("balance_after", period)
    opened = person.loan("opened_on", period)
    return (
        (person("amount", period) <= 0)
        + (when < opened)
        + ((kind == 1) * (when >= person.loan("ends_on", period)))
        + (after < 0)
        + ((kind == 1) * (after > person.loan("granted", period)))
    )


def loan_refused(loans, period, parameters):
    p = parameters(period)
    granted, opened, ends = (loans(name, period) for name in ("granted", "opened_on", "ends_on"))
    household = loans("household_id", period)
    order = np.lexsort((np.arange(len(household)), opened, household))
    same = np.append(False, household[order][1:] == household[order][:-1])
    latest = np.maximum.accumulate(ends[order].astype(np.int64) + household[order].astype(np.int64) * 10**6)
    overlaps = np.zeros(len(order), bool)
    overlaps[order[1:]] = same[1:] & (
        latest[:-1] > (opened[order].astype(np.int64) + household[order].astype(np.int64) * 10**6)[1:]
    )
    whole = (
        months(ends)
        - months(opened)
        - (day_of_month(ends) < day_of_month(opened)) * (months(ends + np.timedelta64(1, "D")) == months(ends))
    )
    return (
        (granted < p.loan_least)
        + (granted > p.loan_most)
        + (ends <= opened)
        + (whole > p.loan_months)
        + overlaps
        + loans.any(loans.members("movement_wrong", period))
    )


def loan_balance(loans, period):
    change = loans.members("principal_change", period) * (loans.members("moved_on", period) <= AS_OF)
    return np.where(loans("loan_refused", period), 0, loans.sum(change))


def interest_accrued(loans, period, parameters):
    days = np.maximum((AS_OF - loans.members("moved_on", period)).astype(np.int64), 0)
    products = loans.sum(loans.members("principal_change", period).astype(np.int64) * days).astype(np.int64)
    rate, basis = int(parameters(period).loan_rate), int(parameters(period).loan_basis)
    return np.where(loans("loan_refused", period), 0, rounded(products * rate, basis * 1_000_000))


def interest_due(loans, period):
    paid = (loans.members("movement_kind", period) == 3) * (loans.members("moved_on", period) <= AS_OF)
    due = loans("interest_accrued", period) - loans.sum(paid * loans.members("amount", period))
    return np.where(loans("loan_refused", period), 0, due)


def loan_arrears(loans, period):
    owed = loans("loan_balance", period) + np.maximum(loans("interest_due", period), 0)
    return np.where(loans("ends_on", period) > AS_OF, 0, owed)


def loans_(parameters):
    variables = [
        day("moved_on", movement),
        number("movement_kind", movement),
        number("amount", movement),
        number("household_id", loan),
        number("granted", loan),
        day("opened_on", loan),
        day("ends_on", loan),
        number("principal_change", movement, principal_change),
        number("balance_after", movement, balance_after),
        flag("movement_wrong", movement, movement_wrong),
        flag("loan_refused", loan, loan_refused),
        number("loan_balance", loan, loan_balance),
        number("interest_accrued", loan, interest_accrued),
        number("interest_due", loan, interest_due),
        number("loan_arrears", loan, loan_arrears),
    ]
    return system([movement, loan], variables, parameters)


# -- education and premium -----------------------------------------------------------------------------------------------
claim = build_entity(key="claim", plural="claims", label="claim", is_person=True)
cover = build_entity(key="cover", plural="covers", label="cover", is_person=True)


def claim_refused(person, period):
    return nth(person("person_id", period), person("term", period)) > 1


def aid_entitled(person, period):
    return person("enrolled", period) * (person("listed_now", period) + person("listed_at_start", period))


def stage_aid(person, period, parameters):
    due = np.asarray(parameters(period).education_stage_aid[person("stage", period)])
    return np.where(person("aid_entitled", period) * ~person("claim_refused", period), due, 0)


def yulu_aid(person, period, parameters):
    stage = person("stage", period)
    gets = person("aid_entitled", period) * ((stage == Stage.c7) + (stage == Stage.c8))
    return np.where(gets * ~person("claim_refused", period), parameters(period).education_yulu, 0)


def education_aid(person, period):
    return person("stage_aid", period) + person("yulu_aid", period)


def education(parameters):
    variables = [
        choice("stage", claim, Stage),
        number("person_id", claim),
        number("term", claim),
        *(flag(name, claim) for name in ("enrolled", "listed_now", "listed_at_start")),
        flag("claim_refused", claim, claim_refused),
        flag("aid_entitled", claim, aid_entitled),
        number("stage_aid", claim, stage_aid),
        number("yulu_aid", claim, yulu_aid),
        number("education_aid", claim, education_aid),
    ]
    return system([claim], variables, parameters)


def premium_refused(person, period):
    return nth(person("person_id", period), np.asarray(person("cover_on", period))) > 1


def premium_due(person, period, parameters):
    year = years(person("cover_on", period)) + 1970
    due = np.select(
        [year == known for known in (2022, 2023, 2024)],
        [parameters(f"{known}-01").premium_standard for known in (2022, 2023, 2024)],
        0,
    )
    return np.where(person("premium_refused", period), 0, due)


def premium_subsidy(person, period, parameters):
    rate = np.asarray(parameters(period).premium_rate[person("insured_as", period)]).astype(np.int64)
    return rounded(person("premium_due", period).astype(np.int64) * rate, 1_000_000)


def premium_own(person, period):
    return person("premium_due", period) - person("premium_subsidy", period)


def premium(parameters):
    variables = [
        number("person_id", cover),
        day("cover_on", cover),
        choice("insured_as", cover, Insured),
        flag("premium_refused", cover, premium_refused),
        number("premium_due", cover, premium_due),
        number("premium_subsidy", cover, premium_subsidy),
        number("premium_own", cover, premium_own),
    ]
    return system([cover], variables, parameters)


ENUMS = {"mode": Mode, "crop": Crop, "rank": Rank, "stage": Stage, "insured_as": Insured}
CODES = ("day_kind", "movement_kind")
BENEFITS = {
    "stake": (sharing, None, ("stake_refused", "area_profit", "dividend")),
    "worker_month": (
        presence,
        ("presence_day", "worker_month_id"),
        ("month_refused", "food_allowance", "monthly_allowance", "presence_allowance"),
    ),
    "loan": (
        loans_,
        ("movement", "loan_id"),
        ("loan_refused", "loan_balance", "interest_accrued", "interest_due", "loan_arrears"),
    ),
    "education_claim": (education, None, ("claim_refused", "stage_aid", "yulu_aid", "education_aid")),
    "premium_claim": (premium, None, ("premium_refused", "premium_due", "premium_subsidy", "premium_own")),
}


def column(name, values):
    """A column as OpenFisca takes it."""
    if name in ENUMS:
        names = np.array([f"c{code}" for code in sorted({item.value for item in ENUMS[name]})])
        codes = np.array([item.value for item in ENUMS[name]])
        return ENUMS[name].encode(names[np.searchsorted(codes, values.astype(str))])
    if name in CODES:
        return values.astype(str).astype(np.int32)
    if name in ("term", "worker"):
        return np.unique(values.astype(str), return_inverse=True)[1].astype(np.int32)
    return values


def compute(table, made, folder, out):
    """Read a benefit's tables, compute and write its results."""
    _, child, names = BENEFITS[table]
    rows = parquet.read_table(folder / f"{table}.parquet").sort_by("id")
    parts = parquet.read_table(folder / f"{child[0]}.parquet").sort_by("id") if child else None
    builder = SimulationBuilder()
    builder.create_entities(made)
    ids = rows["id"].to_numpy()
    if parts is None:
        builder.declare_person_entity(made.person_entity.key, ids)
    else:
        builder.declare_person_entity(made.person_entity.key, parts["id"].to_numpy())
        group = builder.declare_entity(table, ids)
        role = made.group_entities[0].flattened_roles[0].key
        owners = parts[child[1]].to_numpy()
        builder.join_with_persons(group, owners, roles=np.full(len(owners), role))
    simulation = builder.build(made)
    for source in (rows, parts):
        for name in source.column_names if source is not None else ():
            if name in made.variables:
                simulation.set_input(name, PERIOD, column(name, source[name].to_numpy(zero_copy_only=False)))
    results = {name: np.asarray(simulation.calculate(name, PERIOD)) for name in names}
    parquet.write_table(pa.table({"id": ids, **results}), out / f"{table}.parquet", compression="zstd")


def main():
    folder, parameters, out = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    systems = {table: make(parameters) for table, (make, _, _) in BENEFITS.items()}
    out.mkdir(parents=True, exist_ok=True)
    seconds = {}
    for table, made in systems.items():
        began = time.perf_counter()
        compute(table, made, folder, out)
        seconds[table] = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "memory": peak_memory()}))


if __name__ == "__main__":
    main()
