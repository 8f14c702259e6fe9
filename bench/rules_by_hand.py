"""The same findings written by hand: one DuckDB query, and pandas. What the rule language is measured against.

Both know the demo county's amounts and the day by heart, as such scripts do. The query answers exactly what a screening
writes (found and unknown rows, evidence, hash); pandas only says who is found.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

DAY = datetime.date(2025, 6, 30)
FINDINGS = (
    "income_below_line",
    "income_near_line",
    "income_drop",
    "income_mismatch",
    "line_not_monitored",
    "inpatient_burden",
    "inpatient_burden_general",
    "outpatient_burden",
    "medical_burden_ratio",
    "self_pay_above_line",
    "uninsured_member",
    "double_insured",
    "dropout",
    "dangerous_house",
    "unsafe_water",
    "disaster_loss",
    "job_loss",
    "dibao_missing",
    "no_labour_no_support",
    "no_visit",
    "helper_missing",
    "asset_vehicle",
    "disability_no_living_allowance",
    "cleared_too_early",
    "unlisted_death",
)
IN_PANDAS = (
    *FINDINGS[:12],
    "dropout",
    "dangerous_house",
    "unsafe_water",
    "job_loss",
    "no_visit",
    "unlisted_death",
)

_HOUSEHOLD = {
    "income_below_line": ("below", ["per_head AS net_income_per_head", "income AS net_income", "members"]),
    "income_near_line": ("near", ["per_head AS net_income_per_head", "income AS net_income", "members"]),
    "income_drop": ("dropped", ["per_head AS net_income_per_head", "last_income_per_head"]),
    "income_mismatch": (
        "mismatch",
        ["income_per_head", "per_head AS net_income_per_head", "income AS net_income", "members"],
    ),
    "line_not_monitored": ("below AND NOT monitored", ["per_head AS net_income_per_head", "monitored"]),
    "medical_burden_ratio": (
        "paid > 0 AND paid > income * 0.5",
        ["paid AS family_paid_in_year", "income AS net_income"],
    ),
    "self_pay_above_line": ("paid > members * 900000", ["paid AS family_paid_in_year", "members"]),
    "dangerous_house": (
        "grade IN ('C', 'D') AND NOT coalesce(repaired_on <= DATE '2025-06-30', false) AND lived_in",
        ["grade AS assessed_grade", "repaired_on AS house_repaired_on", "lived_in AS house_lived_in"],
    ),
    "unsafe_water": (
        "quantity < 20 OR NOT quality_ok OR fetch_minutes > 20 OR assurance < 90",
        [
            "quantity AS water_amount",
            "quality_ok AS water_clean",
            "fetch_minutes AS water_fetch_minutes",
            "assurance AS water_supply_assurance",
        ],
    ),
    "disaster_loss": ("lost > 0 AND lost > income * 0.2", ["lost AS net_disaster_loss", "income AS net_income"]),
    "dibao_missing": ("per_head < 720000 AND NOT supported", ["per_head AS net_income_per_head", "supported"]),
    "no_labour_no_support": ("NOT has_worker AND NOT supported", ["has_worker", "supported"]),
    "no_visit": (
        "monitored AND (last_visit IS NULL OR last_visit <= DATE '2025-05-01')",
        ["monitored", "last_visit AS last_visit_on"],
    ),
    "helper_missing": ("monitored AND NOT has_helper", ["monitored", "has_helper", "helper_to"]),
    "asset_vehicle": (
        "(monitored OR supported) AND vehicle",
        ["monitored", "supported", "vehicle AS family_vehicle"],
    ),
    "cleared_too_early": (
        "coalesce(cleared_on <= DATE '2025-06-30', false) AND months < 6 AND NOT coalesce(clear_mode = '2', false)",
        ["identified_on", "cleared_on", "clear_mode", "months AS months_monitored"],
    ),
}
_PERSON = {
    "inpatient_burden": ("listed AND inpatient >= 500000", ["inpatient AS most_inpatient_paid", "listed"]),
    "inpatient_burden_general": (
        "NOT listed AND inpatient >= 2000000",
        ["inpatient AS most_inpatient_paid", "listed"],
    ),
    "outpatient_burden": ("listed AND outpatient >= 50000", ["outpatient AS most_outpatient_paid", "listed"]),
    "uninsured_member": (
        "NOT (resident OR employee) AND NOT says_insured",
        ["resident OR employee AS listed_as_insured", "says_insured AS file_says_insured"],
    ),
    "double_insured": (
        "resident AND employee",
        ["resident AS listed_as_resident", "employee AS listed_as_employee"],
    ),
    "dropout": ("age BETWEEN 6 AND 15 AND NOT at_school", ["age", "at_school", "dropped AS registered_dropout"]),
    "job_loss": ("lost_work", ["lost_work", "work_months"]),
    "disability_no_living_allowance": (
        "holds_card AND on_dibao AND NOT allowance",
        ["holds_card", "on_dibao", "allowance AS paid_living_allowance"],
    ),
    "unlisted_death": ("dead", ["died_on AS registered_death_on", "alive"]),
}


def query() -> str:
    """The whole screening as one query over the tables."""
    parts = []
    for finding in FINDINGS:
        subject, ids, table = (_HOUSEHOLD, "id AS household_id, NULL::BIGINT AS person_id", "homes")
        if finding in _PERSON:
            subject, ids, table = _PERSON, "household_id, id AS person_id", "people"
        condition, evidence = subject[finding]
        pairs = []
        for part in evidence:
            value, _, name = part.rpartition(" AS ") if " AS " in part else (part, "", part)
            pairs.append(f"'{name}', {value}")
        parts.append(
            f"SELECT '{finding}' AS finding, {ids}, {condition} AS held, CASE WHEN {condition} "
            f"THEN json_object({', '.join(pairs)})::VARCHAR END AS evidence FROM {table} "
            f"WHERE ({condition}) IS NULL OR ({condition})"
        )
    return whole(parts)


def whole(parts: list[str]) -> str:
    """One query over the tables from a SELECT for each finding."""
    return f"""{_TABLES}
    SELECT finding, household_id, person_id, CASE WHEN held THEN 'found' ELSE 'unknown' END AS state, evidence,
      sha256(evidence) AS evidence_hash FROM ({" UNION ALL ".join(parts)})"""


MACROS = """
CREATE OR REPLACE MACRO any3(c) AS CASE WHEN bool_or(c) THEN true WHEN bool_or(c IS NULL) THEN NULL ELSE false END;
"""

_TABLES = """
WITH marks AS (
  SELECT household_id, bool_or(kind = 'monitor') AS monitored, bool_or(kind IN ('monitor', 'tuopin')) AS listed FROM label
  WHERE valid_from <= DATE '2025-06-30' AND (valid_to IS NULL OR valid_to > DATE '2025-06-30') GROUP BY 1
), months AS (
  SELECT person_id, year(settled_on) * 100 + month(settled_on) AS month,
    sum(CASE WHEN care_kind = '1' THEN self_paid END) AS inpatient,
    sum(CASE WHEN care_kind <> '1' THEN self_paid END) AS outpatient, sum(self_paid) AS paid
  FROM medical_bill WHERE settled_on > DATE '2024-06-30' AND settled_on <= DATE '2025-06-30' GROUP BY 1, 2
), bills AS (
  SELECT person_id, max(inpatient)::BIGINT AS inpatient, max(outpatient)::BIGINT AS outpatient, sum(paid)::BIGINT AS paid
  FROM months GROUP BY 1
), cover AS (
  SELECT person_id, bool_or(insurance_kind = '1') AS resident, bool_or(insurance_kind = '2') AS employee FROM insured
  WHERE year = 2025 GROUP BY 1
), school AS (
  SELECT person_id, bool_or(enrolment_state IN ('1', '4')) AS at_school, bool_or(enrolment_state = '3') AS dropped
  FROM school_enrolment WHERE term = (SELECT max(term) FROM school_enrolment) GROUP BY 1
), aid AS (
  SELECT person_id, bool_or(aid_kind = '1') AS on_dibao, bool_or(aid_kind IN ('1', '2')) AS supported FROM civil_affairs
  WHERE aid_from <= DATE '2025-06-30' AND (aid_to IS NULL OR aid_to >= DATE '2025-06-30') GROUP BY 1
), jobs AS (
  SELECT DISTINCT person_id, true AS lost_work FROM unemployment
  WHERE lost_on > DATE '2024-12-30' AND lost_on <= DATE '2025-06-30'
    AND (reemployed_on IS NULL OR reemployed_on > DATE '2025-06-30')
), cards AS (
  SELECT person_id, arg_max(expires_on, (issued_on, id)) AS expires_on, arg_max(living_allowance, (issued_on, id)) AS allowance
  FROM disability GROUP BY 1
), deaths AS (
  SELECT person_id, max(died_on) AS died_on FROM death WHERE died_on <= DATE '2025-06-30' GROUP BY 1
), cars AS (
  SELECT person_id, any3(value > 5000000) AS vehicle FROM asset
  WHERE asset_kind = '1' AND (registered_on IS NULL OR registered_on <= DATE '2025-06-30') GROUP BY 1
), people AS (
  SELECT p.id, p.household_id, p.alive, p.work_months, p.labour, coalesce(m.listed, false) AS listed,
    2025 - year(coalesce(p.birth_date, p.id_birth_date))
      - (month(coalesce(p.birth_date, p.id_birth_date)) * 100 + day(coalesce(p.birth_date, p.id_birth_date)) > 630)::BIGINT AS age,
    coalesce(b.inpatient, 0) AS inpatient, coalesce(b.outpatient, 0) AS outpatient, coalesce(b.paid, 0) AS paid,
    coalesce(c.resident, false) AS resident, coalesce(c.employee, false) AS employee,
    CASE WHEN p.resident_insurance IS NULL AND p.employee_insurance IS NULL THEN NULL
      ELSE coalesce(p.resident_insurance, false) OR coalesce(p.employee_insurance, false) END AS says_insured,
    coalesce(s.at_school, false) AS at_school, coalesce(s.dropped, false) AS dropped,
    coalesce(a.on_dibao, false) AS on_dibao, coalesce(a.supported, false) AS supported,
    coalesce(j.lost_work, false) AS lost_work,
    d.person_id IS NOT NULL AND (d.expires_on IS NULL OR d.expires_on >= DATE '2025-06-30') AS holds_card, d.allowance,
    x.person_id IS NOT NULL AS dead, x.died_on, CASE WHEN v.person_id IS NULL THEN false ELSE v.vehicle END AS vehicle
  FROM person p LEFT JOIN marks m ON m.household_id = p.household_id LEFT JOIN bills b ON b.person_id = p.id
    LEFT JOIN cover c ON c.person_id = p.id LEFT JOIN school s ON s.person_id = p.id LEFT JOIN aid a ON a.person_id = p.id
    LEFT JOIN jobs j ON j.person_id = p.id LEFT JOIN cards d ON d.person_id = p.id LEFT JOIN deaths x ON x.person_id = p.id
    LEFT JOIN cars v ON v.person_id = p.id
  WHERE coalesce(p.alive, true)
), families AS (
  SELECT household_id, count(*) AS members, sum(paid)::BIGINT AS paid, bool_or(supported) AS supported,
    any3(labour IN ('01', '02', '05')) AS has_worker, any3(vehicle) AS vehicle
  FROM people GROUP BY 1
), houses AS (
  SELECT household_id, arg_max(grade, (assessed_on, id)) AS grade, arg_max_null(repaired_on, (assessed_on, id)) AS repaired_on,
    arg_max_null(lived_in, (assessed_on, id)) AS lived_in FROM housing WHERE assessed_on <= DATE '2025-06-30' GROUP BY 1
), taps AS (
  SELECT household_id, arg_max_null(quantity, (tested_on, id)) AS quantity, arg_max_null(quality_ok, (tested_on, id)) AS quality_ok,
    arg_max_null(fetch_minutes, (tested_on, id)) AS fetch_minutes, arg_max_null(assurance, (tested_on, id)) AS assurance
  FROM water WHERE tested_on <= DATE '2025-06-30' GROUP BY 1
), losses AS (
  SELECT household_id, sum(loss - coalesce(relief_paid, 0))::BIGINT AS lost FROM disaster
  WHERE happened_on > DATE '2024-06-30' AND happened_on <= DATE '2025-06-30' GROUP BY 1
), visits AS (
  SELECT household_id, max(visited_on) AS last_visit FROM home_visit WHERE visited_on <= DATE '2025-06-30' GROUP BY 1
), incomes AS (
  SELECT h.*, f.members, f.paid, f.supported, f.has_worker, f.vehicle, coalesce(m.monitored, false) AS monitored,
    wage_income + business_income + property_income + transfer_income - business_cost AS income,
    u.grade, u.repaired_on, u.lived_in, t.quantity, t.quality_ok, t.fetch_minutes, t.assurance,
    coalesce(l.lost, 0) AS lost, w.last_visit,
    helper_name IS NOT NULL AND NOT coalesce(helper_to < DATE '2025-06-30', false) AS has_helper,
    (year(cleared_on) - year(identified_on)) * 12 + month(cleared_on) - month(identified_on)
      - (day(cleared_on) < day(identified_on) AND cleared_on <> last_day(cleared_on))::BIGINT AS months
  FROM household h JOIN families f ON f.household_id = h.id LEFT JOIN marks m ON m.household_id = h.id
    LEFT JOIN houses u ON u.household_id = h.id LEFT JOIN taps t ON t.household_id = h.id
    LEFT JOIN losses l ON l.household_id = h.id LEFT JOIN visits w ON w.household_id = h.id
), heads AS (
  SELECT *, (sign(income) * ((2 * abs(income) + members) // (2 * members)))::BIGINT AS per_head FROM incomes
), homes AS (
  SELECT *, per_head < 900000 AS below, per_head >= 900000 AND per_head < 900000 * 1.2 AS near,
    per_head < last_income_per_head * (1 - 0.5) AS dropped, abs(income_per_head - per_head) > 100 AS mismatch FROM heads
)"""


def in_pandas(folder: Path) -> dict[str, int]:
    """How many are found, by finding, the way an analyst's script would count them."""
    import pandas as pd

    def read(name: str, *columns: str) -> Any:
        return pd.read_parquet(folder / f"{name}.parquet", columns=list(columns))

    day, year_ago = pd.Timestamp(DAY), pd.Timestamp(2024, 6, 30)
    homes = read(
        "household", "id", "wage_income", "business_income", "property_income", "transfer_income", "business_cost",
        "income_per_head", "last_income_per_head",
    ).set_index("id")  # fmt: skip
    people = read(
        "person", "id", "household_id", "birth_date", "id_birth_date", "alive", "resident_insurance", "employee_insurance"
    ).set_index("id")  # fmt: skip
    people = people[people["alive"].astype("boolean").fillna(True)]
    label = read("label", "household_id", "kind", "valid_from", "valid_to")
    ends = pd.to_datetime(label["valid_to"])
    label = label[(pd.to_datetime(label["valid_from"]) <= day) & (ends.isna() | (ends > day))]
    monitored = homes.index.isin(label.loc[label["kind"] == "monitor", "household_id"])
    listed = people["household_id"].isin(label.loc[label["kind"].isin(["monitor", "tuopin"]), "household_id"])

    members = people.groupby("household_id").size().reindex(homes.index)
    income = homes[["wage_income", "business_income", "property_income", "transfer_income"]].sum(axis=1, skipna=False)
    per_head = ((income - homes["business_cost"]) / members).round()
    net = income - homes["business_cost"]
    below = per_head < 900000
    found = {
        "income_below_line": below,
        "income_near_line": (per_head >= 900000) & (per_head < 1080000),
        "income_drop": per_head < homes["last_income_per_head"] * 0.5,
        "income_mismatch": (homes["income_per_head"] - per_head).abs() > 100,
        "line_not_monitored": below & ~monitored,
    }

    bills = read("medical_bill", "person_id", "care_kind", "settled_on", "self_paid")
    settled = pd.to_datetime(bills["settled_on"])
    bills = bills[(settled > year_ago) & (settled <= day)].assign(month=settled.dt.to_period("M"))
    bills["inpatient"] = bills["self_paid"].where(bills["care_kind"] == "1", 0)
    bills["outpatient"] = bills["self_paid"].where(bills["care_kind"] != "1", 0)
    months = bills.groupby(["person_id", "month"])[["inpatient", "outpatient", "self_paid"]].sum()
    most = months.groupby(level=0)[["inpatient", "outpatient"]].max().reindex(people.index, fill_value=0)
    paid = months.groupby(level=0)["self_paid"].sum().reindex(people.index, fill_value=0)
    family_paid = paid.groupby(people["household_id"]).sum().reindex(homes.index, fill_value=0)
    found |= {
        "inpatient_burden": listed & (most["inpatient"] >= 500000),
        "inpatient_burden_general": ~listed & (most["inpatient"] >= 2000000),
        "outpatient_burden": listed & (most["outpatient"] >= 50000),
        "medical_burden_ratio": (family_paid > 0) & (family_paid > net * 0.5),
        "self_pay_above_line": family_paid > members * 900000,
    }

    insured = read("insured", "person_id", "year", "insurance_kind")
    insured = insured[insured["year"] == DAY.year]
    resident = people.index.isin(insured.loc[insured["insurance_kind"] == "1", "person_id"])
    employee = people.index.isin(insured.loc[insured["insurance_kind"] == "2", "person_id"])
    says = people["resident_insurance"].astype("boolean").fillna(False) | people["employee_insurance"].astype(
        "boolean"
    ).fillna(False)
    blank = people["resident_insurance"].isna() & people["employee_insurance"].isna()
    found |= {"uninsured_member": ~(resident | employee) & ~says & ~blank, "double_insured": resident & employee}

    school = read("school_enrolment", "person_id", "term", "enrolment_state")
    school = school[school["term"] == school["term"].max()]
    born = pd.to_datetime(people["birth_date"]).fillna(pd.to_datetime(people["id_birth_date"]))
    age = DAY.year - born.dt.year - (born.dt.month * 100 + born.dt.day > 630)
    at_school = people.index.isin(school.loc[school["enrolment_state"].isin(["1", "4"]), "person_id"])
    jobs = read("unemployment", "person_id", "lost_on", "reemployed_on")
    lost, again = pd.to_datetime(jobs["lost_on"]), pd.to_datetime(jobs["reemployed_on"])
    jobs = jobs[(lost > pd.Timestamp(2024, 12, 30)) & (lost <= day) & (again.isna() | (again > day))]
    death = read("death", "person_id", "died_on")
    dead = death.loc[pd.to_datetime(death["died_on"]) <= day, "person_id"]
    found |= {
        "dropout": age.between(6, 15) & ~at_school,
        "job_loss": people.index.isin(jobs["person_id"]),
        "unlisted_death": people.index.isin(dead),
    }

    housing = read("housing", "household_id", "grade", "assessed_on", "repaired_on", "lived_in")
    housing = housing[pd.to_datetime(housing["assessed_on"]) <= day].sort_values("assessed_on")
    housing = housing.groupby("household_id").tail(1).set_index("household_id").reindex(homes.index)
    repaired = pd.to_datetime(housing["repaired_on"]) <= day
    water = read("water", "household_id", "tested_on", "quantity", "quality_ok", "fetch_minutes", "assurance")
    water = water[pd.to_datetime(water["tested_on"]) <= day].sort_values("tested_on")
    water = water.groupby("household_id").tail(1).set_index("household_id").reindex(homes.index)
    visits = read("home_visit", "household_id", "visited_on")
    visited = pd.to_datetime(visits["visited_on"])
    last = visited[visited <= day].groupby(visits["household_id"]).max().reindex(homes.index)
    short = (water["quantity"].astype(float) < 20) | (water["assurance"].astype(float) < 90)
    lived_in = housing["lived_in"].astype("boolean").fillna(False)
    found |= {
        "dangerous_house": housing["grade"].isin(["C", "D"]) & ~repaired & lived_in,
        "unsafe_water": short | ~water["quality_ok"].astype("boolean").fillna(True) | (water["fetch_minutes"] > 20),
        "no_visit": monitored & (last.isna() | (last <= pd.Timestamp(2025, 5, 1))).to_numpy(),
    }
    alive_homes = members.notna()
    counts = {}
    for finding, flags in found.items():
        values = flags.to_numpy(dtype=bool, na_value=False) if hasattr(flags, "to_numpy") else flags
        counts[finding] = int((values & alive_homes.to_numpy()).sum() if len(values) == len(homes) else values.sum())
    return counts
