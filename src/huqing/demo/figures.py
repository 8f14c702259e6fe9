"""The figures the demo county is calibrated to, and the parameters its truth is judged by.

Taken from published county material (Fengjie: 247,200 household files, 34,185 registered poor households with 124,425
people, 948 of these households without labour, 51.5 % of whose members are disabled and 12.3 % ill; Baoshan at the end
of 2021: 16,369 monitored households, 5,018 / 4,876 / 6,475 of the three types, 49.69 % of them cleared) and reused as
shares. What no source gives is an assumption and stands under ``ASSUMED``; CALIBRATION.md argues for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

SMALLEST = 500
LARGEST = 309_800
REGION = "500236"


@dataclass(frozen=True)
class Published:
    """Shares that a published figure stands behind."""

    tuopin_households: float = 34_185 / 247_200
    no_labour_of_tuopin: float = 948 / 34_185
    no_labour_disabled: float = 0.515
    no_labour_ill: float = 0.123
    unstable: float = 5_018 / 16_369
    marginal: float = 4_876 / 16_369
    sudden: float = 6_475 / 16_369
    cleared: float = 0.4969


@dataclass(frozen=True)
class Assumed:
    """Shares without a published figure for this county: plausible for a mountain county, not evidence."""

    monitored_households: float = 0.025
    policy_enjoying_of_tuopin: float = 0.9
    tujia_in_tujia_towns: float = 0.45
    tujia_elsewhere: float = 0.015
    other_nationalities: float = 0.006
    disabled_below_60: float = 0.016
    disabled_from_60: float = 0.055
    employee_insurance: float = 0.12
    dibao_ordinary: float = 0.006
    dibao_tuopin: float = 0.10
    dibao_monitored: float = 0.25
    dibao_marginal: float = 0.008
    recorded_deaths: float = 0.03
    bills_per_person_year: float = 1.5
    median_income_per_head: float = 17_500.0
    income_spread: float = 0.33


PUBLISHED = Published()
ASSUMED = Assumed()

# Yuan, days, months, years, litres, minutes, percent: the same names as the policies' parameters.
PARAMETERS: Mapping[str, int | Fraction] = {
    "monitor_line": 9000,
    "near_line_factor": Fraction(12, 10),
    "income_drop_ratio": Fraction(1, 2),
    "income_mismatch_tolerance": 1,
    "inpatient_month_listed": 5000,
    "inpatient_month_general": 20000,
    "outpatient_month_listed": 500,
    "burden_ratio": Fraction(1, 2),
    "education_cost": 10000,
    "disaster_ratio": Fraction(2, 10),
    "disaster_days": 30,
    "new_card_months": 3,
    "bereavement_months": 6,
    "job_loss_months": 6,
    "dibao_line": 7200,
    "aid_ended_months": 3,
    "no_visit_days": 60,
    "elderly_age": 80,
    "elderly_visit_days": 90,
    "asset_vehicle_value": 50000,
    "asset_house_value": 100000,
    "tekun_age": 60,
    "clear_months": 6,
    "water_quantity": 20,
    "water_minutes": 20,
    "water_assurance": 90,
    "school_age_from": 6,
    "school_age_to": 15,
    "child_age": 16,
    "parent_gap_years": 15,
    "preschool_age_to": 6,
    "low_schooling_age_from": 16,
    "low_schooling_age_to": 22,
    "labour_age_from": 16,
    "labour_age_to": 59,
    "adult_age": 18,
    "post_age_limit": 70,
    "post_count_limit": 3,
    "work_pay_least": 100,
    "work_pay_low": 400,
    "work_pay_most": 30000,
    "long_work_months": 24,
    "premium_subsidy_deadline": 630,
    "land_limit_arable": 100,
    "land_limit_forest": 200,
    "land_limit_returned": 200,
    "land_limit_orchard": 200,
    "land_limit_grass": 100,
    "land_limit_water": 100,
    "road_distance_limit": 5,
    "wage_low": 300,
    "wage_high": 300_000,
    "dibao_low": 200,
    "tekun_low": 200,
    "planning_grant_low": 100,
    "pension_low": 88,
    "labour_short_members": 4,
    "labour_short_half": Fraction(1, 2),
    "labour_short_share": Fraction(1, 4),
    "measure_months": 1,
    "measure_result_days": 30,
    "development_months": 6,
    "public_post_develops": 1,
    "relocation_year": 2021,
    "batch_clear_households": 3,
}

CLEAN_INCOME_FLOOR = 10_900  # yuan per head: 1.2 lines and a little, so that no clean household is near the line
