"""Benefits of a whole county: the rule language against the same formulas in openfisca-core, from Parquet to Parquet.

``python bench/bench_benefits.py [--small] [--peer-python PATH]``: dividends, presence allowances, loan interest, education
aid and premium subsidies of a county of 309,800 households, entries that must be refused among them. Each side runs in a
process of its own, in turns; answers are compared fen by fen before times are. OpenFisca is asked in the interpreter of
``--peer-python`` or ``HUQING_PEER_PYTHON``, by default this one.
"""

from __future__ import annotations

import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from machine import peak_memory, row, save

DAY = datetime.date(2025, 6, 30)
REGION = "500236"
HOUSEHOLDS = 309_800
REPEAT = 5
SEED = 20260101
NAMES = {
    "stake": ("stake_refusal", "area_profit", "dividend"),
    "worker_month": ("month_refusal", "food_allowance", "monthly_allowance", "presence_allowance"),
    "loan": ("loan_refusal", "loan_balance", "interest_accrued", "interest_due", "loan_arrears"),
    "education_claim": ("claim_refusal", "stage_aid", "yulu_aid", "education_aid"),
    "premium_claim": ("premium_refusal", "premium_due", "premium_subsidy", "premium_own"),
}
KEYED = ("sharing_area", "sharing_rate", "presence_phone", "education_stage_aid", "premium_rate")
PLAIN = (
    "sharing_base",
    "sharing_first_year",
    "sharing_years",
    "presence_daily",
    "presence_town",
    "presence_days",
    "loan_rate",
    "loan_basis",
    "loan_least",
    "loan_most",
    "loan_months",
    "education_yulu",
    "premium_standard",
)


def main() -> None:
    peer = peer_python()
    with tempfile.TemporaryDirectory(prefix="huqing-benefits-") as scratch:
        folder = Path(scratch)
        households = HOUSEHOLDS // 20 if "--small" in sys.argv else HOUSEHOLDS
        sizes = ask([sys.executable, __file__, "--write", str(folder), str(households)])
        parameters = folder / "parameters.json"
        first = ask_ours(folder)
        ours, theirs = [], []
        for _ in range(REPEAT):
            theirs.append(
                ask(
                    [
                        peer,
                        str(Path(__file__).with_name("benefits_openfisca.py")),
                        str(folder),
                        str(parameters),
                        str(folder / "peer"),
                    ]
                )
            )
            ours.append(ask_ours(folder))
        refused = {table: same_answers(folder, table) for table in NAMES}
    rows = report(sizes, refused, first, ours, theirs)
    save("benefits", "Benefits: the rule language against openfisca-core 46", rows)


def peer_python() -> str:
    """The interpreter that has openfisca-core."""
    if "--peer-python" in sys.argv:
        return sys.argv[sys.argv.index("--peer-python") + 1]
    return os.environ.get("HUQING_PEER_PYTHON", sys.executable)


def report(
    sizes: dict[str, int],
    refused: dict[str, int],
    first: dict[str, Any],
    ours: list[dict[str, Any]],
    theirs: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """All figures as rows: both sides and their ratio, together and for each benefit."""

    def middle(runs: list[dict[str, Any]], table: str = "") -> float:
        return statistics.median(run["seconds"][table] if table else sum(run["seconds"].values()) for run in runs)

    counted = ", ".join(f"{count:,} {table}" for table, count in sizes.items())
    rows = [
        row(f"{counted}: openfisca-core", middle(theirs), "s"),
        row("  the rule language", middle(ours), "s"),
        row(
            "  openfisca-core / the rule language, all five benefits",
            middle(theirs) / middle(ours),
            "×",
            3,
            at_least=True,
        ),
        row("  the rule language the first time of the day (rules compiled)", sum(first["seconds"].values()), "s"),
        row("  memory of openfisca-core", statistics.median(run["memory"] for run in theirs), "GiB"),
        row("  memory of the rule language", statistics.median(run["memory"] for run in ours), "GiB"),
    ]
    for table in NAMES:
        ratio = middle(theirs, table) / middle(ours, table)
        rows.append(row(f"  {table}, of them {refused[table]:,} refused: openfisca-core / rules", ratio, "×"))
    return rows


def ask_ours(folder: Path) -> dict[str, Any]:
    return ask([sys.executable, __file__, "--run", str(folder)])


def ask(command: list[str]) -> dict[str, Any]:
    """Run one side in a fresh process and return what it reports."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def run(folder: Path) -> dict[str, Any]:
    """Compute all benefits once; imports and reading the rules are not part of the time."""
    from huqing.rules.benefits import compute
    from huqing.rules.library import library

    library()
    seconds = {}
    tables = {file.stem: file for file in folder.glob("*.parquet")}
    for table, names in NAMES.items():
        began = time.perf_counter()
        compute(
            folder / "ours" / f"{table}.parquet",
            of=table,
            names=names,
            as_of=DAY,
            region=REGION,
            tables=tables,
            cache=folder / "plans",
        )
        seconds[table] = time.perf_counter() - began
    return {"seconds": seconds, "memory": peak_memory()}


def same_answers(folder: Path, table: str) -> int:
    """Fail unless both sides refuse the same rows and agree on every fen of the others; how many are refused."""
    import duckdb

    refusal, *amounts = NAMES[table]
    flag = refusal.replace("refusal", "refused")
    paid = [name for name in amounts if name != "area_profit"]
    differs = " OR ".join(f"(o.{refusal} IS NULL AND o.{name} IS DISTINCT FROM p.{name})" for name in paid)
    query = f"""
        SELECT count(*), count(*) FILTER (o.{refusal} IS NOT NULL),
               count(*) FILTER ((o.{refusal} IS NOT NULL) IS DISTINCT FROM p.{flag}), count(*) FILTER ({differs}),
               sum(o.{amounts[-1]})
        FROM '{folder}/ours/{table}.parquet' o FULL JOIN '{folder}/peer/{table}.parquet' p USING (id)"""
    found = duckdb.sql(query).fetchone()
    assert found is not None
    rows, refused, otherwise, wrong, total = found
    assert (otherwise, wrong) == (0, 0), (table, found)
    assert rows, table
    assert total, table
    return int(refused)


def peer_parameters() -> dict[str, Any]:
    """The amounts of the rules as OpenFisca takes them: values by first day, nodes by code."""
    from huqing.rules.library import library
    from huqing.rules.schedules import Keyed, per_million
    from huqing.standards.codelists import codelist

    parameters = library().parameters

    def plain(kind: str, value: Any) -> Any:
        return per_million(value) if kind == "rate" else int(value)

    made: dict[str, Any] = {}
    for key in PLAIN:
        parameter = parameters[key]
        made[key] = {
            "values": {
                str(day): {"value": plain(parameter.type, dated.value)} for day, dated in parameter.timeline(REGION)
            }
        }
    for key in KEYED:
        parameter = parameters[key]
        made[key] = {}
        for code, _ in codelist(parameter.keys).items:
            values = {
                str(day): {"value": plain(parameter.type, dated.value.of(code))}
                for day, dated in parameter.timeline(REGION)
                if isinstance(dated.value, Keyed)
            }
            made[key][f"c{code}"] = {"values": values}
    return made


def write(folder: Path, *, households: int) -> dict[str, int]:
    """The county's input tables, in row groups as in a snapshot, and the peer's parameters; rows per table.

    The entries are mostly right, with some of every sort that must be refused.
    """
    from huqing.registry.snapshot_write import ROW_GROUP
    from huqing.rules.inputs import arrow_type
    from huqing.rules.library import library

    (folder / "parameters.json").write_text(json.dumps(peer_parameters()), encoding="utf-8")
    rng = np.random.default_rng(SEED)
    tables = {
        "stake": stakes(rng, households),
        **presence(rng, households // 25),
        **loans(rng, households // 5),
        "education_claim": claims(rng, households // 2),
        "premium_claim": premiums(rng, households * 3),
    }
    for name, columns in tables.items():
        types = library().tables[name].columns
        made = {column: pa.array(values, type=arrow_type(types[column])) for column, values in columns.items()}
        parquet.write_table(pa.table(made), folder / f"{name}.parquet", row_group_size=ROW_GROUP)
    return {name: len(columns["id"]) for name, columns in tables.items()}


def codes(numbers: Any) -> Any:
    return np.asarray(numbers).astype(str).astype(object)


def spoiled(rng: Any, values: Any, wrong: Any, share: float = 0.002) -> Any:
    return np.where(rng.random(len(values)) < share, wrong, values)


def stakes(rng: Any, count: int) -> dict[str, Any]:
    mode = rng.integers(1, 6, count)
    own = np.where(np.isin(mode, [2, 4]), rng.integers(1, 10**6, count), 0)
    fee = np.where(np.isin(mode, [3, 4]), rng.integers(1, 10**5, count), 0)
    joined = np.datetime64("2018-01-01") + rng.integers(0, 365 * 6, count)
    household = np.arange(count)
    household[rng.random(count) < 0.001] = 1
    return {
        "id": np.arange(count),
        "household_id": household,
        "mode": codes(mode),
        "crop": codes(np.array([1, 2, 3, 9])[rng.integers(0, 4, count)]),
        "joined_on": joined,
        "year_on": np.full(count, np.datetime64("2024-01-01")),
        "area": spoiled(rng, rng.integers(10, 1000, count), -1),
        "heads": rng.integers(1, 9, count),
        "profit_per_mu": rng.integers(-100_000, 1_500_000, count),
        "base_share": spoiled(rng, np.where(mode == 5, 0, 750_000), 700_000),
        "own_money": spoiled(rng, own, 5),
        "management_fee": spoiled(rng, fee, 0),
    }


def presence(rng: Any, workers: int) -> dict[str, dict[str, Any]]:
    firsts = np.array([np.datetime64(f"2024-{month:02d}-01") for month in range(1, 13)])
    count = workers * 12
    month_on = np.tile(firsts, workers)
    worker = np.repeat(np.arange(workers), 12)
    worker[rng.random(count) < 0.001] = 0
    rows = rng.integers(10, 26, count)
    owner = np.repeat(np.arange(count), rows)
    offset = rng.integers(0, 28, len(owner))
    kinds = np.where(rng.random(len(owner)) < 0.9, 1, np.array([4, 5])[rng.integers(0, 2, len(owner))])
    kinds = spoiled(rng, kinds, 3, 0.0005)
    days = month_on[owner] + offset
    days = np.where(rng.random(len(owner)) < 0.0001, days + 40, days)
    return {
        "worker_month": {
            "id": np.arange(count),
            "worker": codes(worker),
            "month_on": month_on,
            "rank": codes(rng.integers(1, 3, count)),
            "in_town": rng.random(count) < 0.5,
        },
        "presence_day": {
            "id": np.arange(len(owner)),
            "worker_month_id": owner,
            "day": days,
            "day_kind": codes(kinds),
            "approved": rng.random(len(owner)) < 0.97,
        },
    }


def loans(rng: Any, count: int) -> dict[str, dict[str, Any]]:
    opened = np.datetime64("2022-06-01") + rng.integers(0, 365 * 2, count)
    ends = opened + spoiled(rng, rng.integers(300, 1090, count), 1200)
    household = np.arange(count)
    household[rng.random(count) < 0.002] = 3
    granted = spoiled(rng, rng.integers(20_000, 50_001, count) * 100, 100)
    pairs = rng.integers(1, 5, count)
    owner = np.repeat(np.arange(count), pairs)
    step = np.concatenate([np.arange(n) for n in pairs])
    drawn = (granted[owner] * rng.random(len(owner))).astype(np.int64) + 1
    drawn_on = opened[owner] + step * 60 + rng.integers(0, 30, len(owner))
    repaid_on = drawn_on + rng.integers(1, 29, len(owner))
    repaid = spoiled(rng, drawn, drawn + 1)
    kept = rng.random(len(owner)) < np.where(step == pairs[owner] - 1, 0.5, 1.0)
    moves = {
        "loan_id": np.concatenate([owner, owner[kept], owner[kept]]),
        "moved_on": np.concatenate([drawn_on, repaid_on[kept], repaid_on[kept]]),
        "movement_kind": np.concatenate([np.full(len(owner), 1), np.full(kept.sum(), 2), np.full(kept.sum(), 3)]),
        "amount": np.concatenate([drawn, repaid[kept], rng.integers(1, 20_000, kept.sum())]),
    }
    order = rng.permutation(len(moves["loan_id"]))
    moves = {name: values[order] for name, values in moves.items()}
    moves["movement_kind"] = codes(moves["movement_kind"])
    return {
        "loan": {
            "id": np.arange(count),
            "household_id": household,
            "loan_group_id": np.arange(count) // 4,
            "granted": granted,
            "opened_on": opened,
            "ends_on": ends,
        },
        "movement": {"id": np.arange(len(order)), **moves},
    }


def claims(rng: Any, count: int) -> dict[str, Any]:
    person = np.arange(count)
    person[rng.random(count) < 0.001] = 9
    return {
        "id": np.arange(count),
        "person_id": person,
        "term": np.where(rng.random(count) < 0.5, "2024-2025-1", "2024-2025-2").astype(object),
        "term_on": np.full(count, np.datetime64("2025-02-17")),
        "stage": codes(rng.integers(1, 10, count)),
        "enrolled": rng.random(count) < 0.95,
        "listed_now": rng.random(count) < 0.6,
        "listed_at_start": rng.random(count) < 0.6,
    }


def premiums(rng: Any, count: int) -> dict[str, Any]:
    person = np.arange(count)
    person[rng.random(count) < 0.001] = 5
    years = np.array(["2022-01-01", "2023-01-01", "2024-01-01"], "datetime64[D]")
    return {
        "id": np.arange(count),
        "person_id": person,
        "cover_on": years[rng.integers(0, 3, count)],
        "insured_as": codes(rng.integers(1, 9, count)),
    }


if __name__ == "__main__":
    if "--run" in sys.argv:
        print(json.dumps(run(Path(sys.argv[2]))))
    elif "--write" in sys.argv:
        print(json.dumps(write(Path(sys.argv[2]), households=int(sys.argv[3]))))
    else:
        main()
