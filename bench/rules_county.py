"""A county of any size as a snapshot, made inside DuckDB: same sizes and shares as a real one, the same rows every time.

Only the columns the rules read are written; a snapshot's other columns are never opened by a screening.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import duckdb

from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.tables import table_schemas

AS_OF = "DATE '2025-06-30'"
PEOPLE_PER_HOUSEHOLD = 3.55
BILLS_PER_PERSON = 1.364


def write(folder: Path, *, households: int, columns: dict[str, list[str]]) -> dict[str, int]:
    """Write the tables of ``columns`` for a county of that many households; returns rows by table."""
    folder.mkdir(parents=True, exist_ok=True)
    people = int(households * PEOPLE_PER_HOUSEHOLD)
    with duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = '{folder}/tmp'")
        connection.execute("SET memory_limit = '6GB'")
        connection.execute("SET preserve_insertion_order = true")
        connection.execute("CREATE MACRO pick(i, k, n) AS (hash(i * 1000 + k) % n)::BIGINT")
        connection.execute(f"CREATE MACRO ago(days) AS {AS_OF} - (days)::INTEGER")
        connection.execute(_people(households, people))
        connection.execute(_homes(households))
        written = {}
        for table, select in _tables(people).items():
            file = folder / f"{table}.parquet"
            types = table_schemas()[table]
            made = {row[0] for row in connection.execute(f"DESCRIBE {select}").fetchall()}
            values = {name: f'"{name}"' if name in made else _any_value(table, name) for name in columns.get(table, [])}
            listed = ", ".join(f'CAST({value} AS {types[name]}) AS "{name}"' for name, value in values.items())
            if listed:
                connection.execute(
                    f"COPY (SELECT {listed} FROM ({select})) TO '{file}' (FORMAT parquet, COMPRESSION zstd)"
                )
                row = connection.execute(f"SELECT count(*) FROM '{file}'").fetchone()
                written[table] = row[0] if row else 0
    return written


def _any_value(table: str, column: str) -> str:
    """A plausible value of a column nothing here depends on; one in two hundred is missing."""
    key = "household_id" if table == "label" else "id"
    number = zlib.crc32(f"{table}.{column}".encode()) % 900 + 100
    declared = record_kinds()[table].by_key.get(column) if table in record_kinds() else None
    kind, sort = table_schemas()[table][column], declared.type if declared else ""
    codes = list(codelist(declared.codelist).codes) if declared and declared.codelist else ["甲", "乙", "丙"]
    place = {"person": "household_id", "village": "id"}.get(table, key)

    def pick(size: int, more: int = 0) -> str:
        return f"pick({key}, {number + more}, {size})"

    some = f"list_value({', '.join(repr(code) for code in codes)})[1 + {pick(len(codes))}]"
    by_type = {
        "VARCHAR": some,
        "VARCHAR[]": f"CASE WHEN {pick(3, 1)} = 0 THEN [{some}] ELSE []::VARCHAR[] END",
        "DATE": f"ago({pick(1200)})",
        "BOOLEAN": f"{pick(40)} > 0",
        "INTEGER": f"2022 + {pick(4)}" if sort == "year" else pick(13),
        "BIGINT": pick(2_000_000),
    }
    if column in ("region_code", "town_code"):
        return f"'500236' || lpad((100 + {place} % 400)::VARCHAR, 6, '0')"
    value = f"strftime(ago({pick(500)}), '%Y-%m')" if sort == "month" else by_type.get(kind, f"{pick(9000)} / 100.0")
    return f"CASE WHEN {pick(200, 7)} > 0 THEN {value} END"


def _people(households: int, people: int) -> str:
    return f"""CREATE TEMP TABLE people AS
    WITH placed AS (
      SELECT i, (i * {households} // {people}) AS h FROM range({people}) t(i)
    ), ordered AS (
      SELECT i + 1 AS id, h + 1 AS household_id, i - ((h * {people} + {households} - 1) // {households}) AS place FROM placed
    ), aged AS (
      SELECT *, CASE
        WHEN place = 0 THEN 30 + pick(id, 1, 50)
        WHEN place = 1 THEN 28 + pick(id, 1, 50)
        WHEN place >= 3 AND pick(id, 2, 3) = 0 THEN 68 + pick(id, 1, 25)
        ELSE 1 + pick(id, 1, 26) END AS years
      FROM ordered
    )
    SELECT *, ago(years * 365 + pick(id, 3, 365)) AS born,
      CASE WHEN place = 0 THEN '1' WHEN place = 1 THEN '2' WHEN pick(id, 4, 2) = 0 THEN '1' ELSE '2' END AS gender
    FROM aged"""


def _homes(households: int) -> str:
    living = "count(*) FILTER (NOT pick(id, 22, 400) = 0)"
    return f"""CREATE TEMP TABLE homes AS
    SELECT i + 1 AS id, coalesce(living, 0) AS living, (6000 + pick(i + 1, 3, 180000)) * 100 AS wages,
      pick(i + 1, 4, 20000) * 100 AS business, pick(i + 1, 5, 3000) * 100 AS property, pick(i + 1, 6, 8000) * 100 AS transfer,
      pick(i + 1, 7, 4000) * 100 AS cost
    FROM range({households}) t(i) LEFT JOIN (SELECT household_id, {living} AS living FROM people GROUP BY 1) ON household_id = i + 1"""


def _tables(people: int) -> dict[str, str]:
    return {
        "household": """
          SELECT id, sha256('t' || CASE WHEN pick(id, 21, 900) = 0 THEN id - 3 ELSE id END) AS phone_token, pick(id, 1, 60) > 0 AS has_phone, CASE WHEN pick(id, 1, 60) > 0 THEN 'mobile' ELSE 'missing' END AS phone_state,
            CASE WHEN pick(id, 2, 200) > 0 THEN wages END AS wage_income, business AS business_income,
            property AS property_income, transfer AS transfer_income, cost AS business_cost,
            CASE WHEN pick(id, 8, 90) > 0 THEN (wages + business + property + transfer - cost) // greatest(living, 1)
              + CASE WHEN pick(id, 23, 40) = 0 THEN 30000 ELSE 0 END END AS income_per_head,
            CASE WHEN pick(id, 9, 30) > 0 THEN 1200000 + pick(id, 9, 2000000) END AS last_income_per_head,
            CASE WHEN pick(id, 10, 25) = 0 THEN '100A03002' WHEN pick(id, 10, 25) < 4 THEN '100A03A01' ELSE 'L06' END AS household_type,
            CASE WHEN pick(id, 10, 25) = 0 THEN ago(100 + pick(id, 11, 1400)) END AS identified_on,
            CASE WHEN pick(id, 10, 25) = 0 AND pick(id, 12, 3) = 0 THEN ago(pick(id, 11, 300)) END AS cleared_on,
            CASE WHEN pick(id, 13, 10) = 0 THEN '2' ELSE '1' END AS clear_mode, 800000 + pick(id, 14, 1500000) AS clear_income_per_head,
            CASE WHEN pick(id, 10, 25) = 0 AND pick(id, 15, 20) > 0 THEN ['01', '03'] END AS risks,
            pick(id, 16, 100) = 0 AS no_labour_safety_net, pick(id, 17, 60) = 0 AS dangerous_house,
            CASE WHEN pick(id, 17, 60) = 0 THEN 'C' ELSE 'B' END AS house_grade, pick(id, 18, 40) > 0 AS water_safe,
            CASE WHEN pick(id, 19, 5) > 0 THEN '张三' END AS helper_name, ago(pick(id, 20, 900) - 700) AS helper_to
          FROM homes""",
        "person": """
          SELECT id, household_id, sha256('n' || CASE WHEN pick(id, 5, 5000) = 0 THEN id - 7 ELSE id END) AS id_token,
            CASE WHEN pick(id, 6, 300) = 0 THEN 'bad_check' ELSE 'valid' END AS id_state,
            CASE WHEN pick(id, 7, 200) > 0 THEN born END AS birth_date, CASE WHEN pick(id, 8, 400) > 0 THEN born ELSE born + 1 END AS id_birth_date,
            CASE WHEN pick(id, 9, 500) > 0 THEN gender ELSE '1' END AS sex, gender AS id_sex,
            CASE WHEN place = 0 THEN '01' WHEN place = 1 THEN '02' WHEN years > 60 AND gender = '1' THEN '11' WHEN years > 60 THEN '12'
              WHEN gender = '1' THEN '03' ELSE '04' END AS relation,
            CASE WHEN pick(id, 10, 200) > 0 THEN '01' END AS nationality,
            CASE WHEN pick(id, 11, 150) = 0 THEN NULL WHEN pick(id, 11, 20) = 0 THEN ['02'] WHEN pick(id, 11, 30) = 0 THEN ['04'] ELSE ['01'] END AS health,
            CASE WHEN years < 6 THEN 'L01' WHEN years < 12 THEN 'L03' WHEN years < 15 THEN 'L05' WHEN years < 18 THEN 'L11'
              WHEN years < 22 AND pick(id, 12, 2) = 0 THEN 'L21' END AS student_state,
            CASE WHEN years >= 22 AND pick(id, 13, 100) > 0 THEN '03' END AS edu_level, NULL AS dropout_reason,
            CASE WHEN years BETWEEN 15 AND 18 THEN pick(id, 14, 5) > 0 END AS yulu_grant,
            CASE WHEN pick(id, 15, 120) = 0 THEN NULL WHEN years < 16 OR years > 75 THEN '04' WHEN years > 62 THEN '05' ELSE '01' END AS labour,
            CASE WHEN years BETWEEN 18 AND 60 THEN pick(id, 16, 13) END AS work_months,
            CASE WHEN pick(id, 17, 120) = 0 THEN 'D08' END AS major_disease, pick(id, 18, 6) > 0 AS medical_aid,
            CASE WHEN pick(id, 11, 30) = 0 AND pick(id, 19, 4) > 0 THEN '4' END AS disability_type,
            CASE WHEN pick(id, 11, 30) = 0 AND pick(id, 19, 4) > 0 THEN '2' END AS disability_grade,
            CASE WHEN works THEN '0' || (1 + pick(id, 24, 4)) END AS work_region,
            CASE WHEN works THEN '广东省' END AS work_province, CASE WHEN works THEN '深圳市' END AS work_city,
            CASE WHEN works AND pick(id, 25, 90) > 0 THEN '某县' || pick(id, 25, 40) END AS work_county,
            CASE WHEN works THEN (2022 + pick(id, 26, 3)) || '-0' || (1 + pick(id, 26, 9)) END AS work_from,
            CASE WHEN works AND pick(id, 27, 8) = 0 THEN '2025-0' || (1 + pick(id, 27, 9)) END AS work_to,
            CASE WHEN works THEN 20000 + pick(id, 28, 700000) END AS work_income,
            CASE WHEN works THEN '某厂' END AS employer, CASE WHEN works THEN '制造业' END AS industry,
            CASE WHEN works THEN 'L0' || (1 + pick(id, 29, 8)) END AS employ_channel, CASE WHEN works THEN pick(id, 30, 9) = 0 END AS point_to_point,
            CASE WHEN works THEN pick(id, 36, 3) * 20000 END AS travel_subsidy,
            pick(id, 37, 40) = 0 AS plans_work, CASE WHEN pick(id, 38, 50) = 0 THEN '技能培训' END AS work_need,
            CASE WHEN years BETWEEN 40 AND 74 AND pick(id, 39, 30) = 0 THEN 'L01' END AS public_post,
            CASE WHEN years BETWEEN 40 AND 74 AND pick(id, 39, 30) = 0 AND pick(id, 40, 20) > 0 THEN pick(id, 40, 13) END AS public_post_months,
            pick(id, 20, 50) > 0 AS serious_insurance, CASE WHEN years >= 16 AND pick(id, 44, 60) > 0 THEN true END AS resident_pension,
            CASE WHEN pick(id, 44, 60) = 1 THEN true END AS employee_pension, '1' AS id_type,
            has_phone, CASE WHEN has_phone THEN 'mobile' ELSE 'missing' END AS phone_state, CASE WHEN has_phone THEN sha256('q' || id) END AS phone_token,
            '500236' || lpad(CAST(household_id % 390 AS VARCHAR), 6, '0') AS region_code,
            CASE WHEN pick(id, 11, 20) = 0 THEN ['C01'] END AS chronic_disease, CASE WHEN pick(id, 11, 30) = 0 THEN 2019 END AS disability_card_year,
            pick(id, 20, 50) > 0 AS resident_insurance, pick(id, 21, 20) = 0 AS employee_insurance,
            CASE WHEN pick(id, 22, 400) = 0 THEN false WHEN pick(id, 22, 3) > 0 THEN true END AS alive
          FROM (SELECT *, years BETWEEN 18 AND 60 AND pick(id, 16, 13) > 0 AS works, years BETWEEN 16 AND 75 AND pick(id, 45, 10) > 0 AS has_phone FROM people)""",
        "label": """
          SELECT id AS household_id, NULL AS person_id, unnest(CASE WHEN pick(id, 10, 25) = 0 THEN ['monitor', 'monitor_marginal'] ELSE ['tuopin'] END) AS kind,
            ago(200 + pick(id, 11, 1400)) AS valid_from, CASE WHEN pick(id, 10, 25) = 0 AND pick(id, 12, 3) = 0 THEN ago(pick(id, 11, 300)) END AS valid_to
          FROM homes WHERE pick(id, 10, 25) < 4""",
        "medical_bill": f"""
          SELECT b.i + 1 AS id, p.household_id, p.id AS person_id, b.care AS care_kind, ago(b.days) AS settled_on,
            CASE WHEN b.luck = 0 THEN 500000 + b.sum * 30 WHEN b.care = '1' THEN 20000 + b.sum * 4 ELSE 500 + b.sum // 3 END AS self_paid,
            CASE WHEN b.luck < 40 THEN b.sum // 2 ELSE 0 END AS aid_paid
          FROM (SELECT i, 1 + pick(i, 31, {people}) AS who, pick(i, 32, 540) AS days, pick(i, 33, 100000) AS sum, pick(i, 34, 500) AS luck,
            CASE pick(i, 35, 8) WHEN 0 THEN '1' WHEN 1 THEN '3' ELSE '2' END AS care FROM range({int(people * BILLS_PER_PERSON)}) t(i)) b
          JOIN people p ON p.id = b.who""",
        "insured": """
          SELECT id, household_id, id AS person_id, 2025 AS year, CASE WHEN pick(id, 41, 15) = 0 THEN '2' ELSE '1' END AS insurance_kind
          FROM people WHERE pick(id, 42, 150) > 0
          UNION ALL SELECT 10000000 + id, household_id, id, 2025, '2' FROM people WHERE pick(id, 43, 500) = 0""",
        "school_enrolment": """
          SELECT id, household_id, id AS person_id, '2024-2025-2' AS term, CASE WHEN pick(id, 51, 200) = 0 THEN '3' ELSE '1' END AS enrolment_state,
            CASE WHEN years < 12 THEN 'L03' WHEN years < 15 THEN 'L05' WHEN years < 18 THEN 'L11' ELSE 'L21' END AS grade,
            pick(id, 52, 12000) * 100 AS education_paid
          FROM people WHERE years BETWEEN 6 AND 21 AND pick(id, 53, 80) > 0""",
        "disability": """
          SELECT id, household_id, id AS person_id, '4' AS disability_type, CAST(1 + pick(id, 61, 4) AS VARCHAR) AS disability_grade,
            ago(pick(id, 62, 3000)) AS issued_on, ago(pick(id, 63, 3600) - 3400) AS expires_on,
            pick(id, 64, 5) > 0 AS living_allowance, pick(id, 65, 5) > 0 AS care_allowance
          FROM people WHERE pick(id, 11, 30) = 0""",
        "civil_affairs": """
          SELECT id, household_id, id AS person_id, CASE WHEN pick(id, 71, 20) = 0 THEN '2' WHEN pick(id, 71, 20) = 1 THEN '3' ELSE '1' END AS aid_kind,
            ago(400 + pick(id, 72, 900)) AS aid_from, CASE WHEN pick(id, 73, 10) = 0 THEN ago(pick(id, 74, 300)) END AS aid_to
          FROM people WHERE pick(household_id, 75, 16) = 0""",
        "housing": """
          SELECT id, id AS household_id, NULL AS person_id, CASE WHEN pick(id, 81, 90) = 0 THEN 'C' ELSE 'A' END AS grade,
            ago(pick(id, 82, 900)) AS assessed_on, CASE WHEN pick(id, 81, 90) = 0 AND pick(id, 83, 2) = 0 THEN ago(10) END AS repaired_on,
            pick(id, 84, 10) > 0 AS lived_in
          FROM homes""",
        "water": """
          SELECT id, id AS household_id, NULL AS person_id, ago(pick(id, 91, 700)) AS tested_on, 19 + pick(id, 92, 160) AS quantity,
            pick(id, 93, 100) > 0 AS quality_ok, pick(id, 94, 21) AS fetch_minutes, CASE WHEN pick(id, 95, 90) = 0 THEN 89 ELSE 95 END AS assurance
          FROM homes""",
        "unemployment": """
          SELECT id, household_id, id AS person_id, ago(pick(id, 101, 400)) AS lost_on, CASE WHEN pick(id, 102, 3) = 0 THEN ago(5) END AS reemployed_on
          FROM people WHERE years BETWEEN 18 AND 60 AND pick(id, 103, 150) = 0""",
        "work": """
          SELECT p.id * 2 + r.i AS id, household_id, p.id AS person_id, r.i = 1 AS away_now, '0' || (1 + pick(p.id, 24, 4)) AS job_region, '某县' AS job_county,
            (2022 + r.i + pick(p.id, 26, 2)) || '-0' || (1 + pick(p.id, 26, 9)) AS job_from,
            CASE WHEN r.i = 0 THEN (2022 + pick(p.id, 26, 2)) || '-11' END AS job_to, 20000 + pick(p.id, 28, 700000) AS job_income,
            CASE WHEN pick(p.id, 46, 60) > 0 THEN '某厂' END AS job_employer, '制造业' AS job_industry, 'L0' || (1 + pick(p.id, 29, 8)) AS job_channel,
            pick(p.id, 30, 9) = 0 AS job_point_to_point
          FROM people p, range(2) r(i) WHERE years BETWEEN 18 AND 60 AND pick(p.id, 16, 13) > 0 AND (r.i = 1 OR pick(p.id, 47, 8) = 0)""",
        "death": "SELECT id, household_id, id AS person_id, ago(pick(id, 111, 300)) AS died_on FROM people WHERE pick(id, 112, 600) = 0",
        "asset": """
          SELECT id, household_id, id AS person_id, CAST(1 + pick(id, 121, 4) AS VARCHAR) AS asset_kind, pick(id, 122, 30000000) AS value,
            ago(pick(id, 123, 2000)) AS registered_on
          FROM people WHERE years > 18 AND pick(id, 124, 60) = 0""",
        "disaster": """
          SELECT id, id AS household_id, NULL AS person_id, ago(pick(id, 131, 500)) AS happened_on, pick(id, 132, 4000000) AS loss,
            pick(id, 133, 500000) AS relief_paid
          FROM homes WHERE pick(id, 134, 40) = 0""",
        "home_visit": """
          SELECT h.id * 4 + v.i AS id, h.id AS household_id, NULL AS person_id, ago(pick(h.id * 4 + v.i, 141, 400)) AS visited_on
          FROM homes h, range(4) v(i)""",
        "measure": """
          SELECT h.id * 3 + m.i AS id, h.id AS household_id, NULL AS person_id FROM homes h, range(3) m(i) WHERE pick(h.id, 10, 25) < 4""",
        "village": "SELECT i AS id, NULL::BIGINT AS household_id FROM range(400) t(i)",
    }
