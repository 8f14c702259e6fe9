"""Estimate the parameters of the linkage model and store them in src/huqing/matching/data/people.json.

Run once, by hand, when the comparisons of `huqing.matching.model` change:

    .venv/bin/python tools/train_linkage.py

Splink estimates u from random pairs and m from pairs whose truth is known, on the rows that the exact step leaves over,
because only those ever reach the model. Seeds are fixed: the same versions give the same file.
"""

from __future__ import annotations

import json
from pathlib import Path

import synthetic_people
from splink import DuckDBAPI, Linker

from huqing.matching import columns, model, people, scoring

TARGET = Path(__file__).parents[1] / "src" / "huqing" / "matching" / "data" / "people.json"
# Splink gives a level that never occurred no value; half an observation in a hundred thousand is the floor instead.
FLOOR = 5e-6


def main() -> None:
    registered = synthetic_people.people(60_000, villages=330, towns=33, seed=20260331)
    listed = synthetic_people.listed(registered, 40_000, strangers=0.1, seed=7)
    with scoring.connect() as connection:
        scoring.load(
            connection, "people", _with_truth(columns.prepare(registered, "person_id"), registered["person_id"])
        )
        rows = _with_truth(columns.prepare(listed, "row_id"), listed["truth"])
        scoring.load(connection, "listed", rows)
        people._exact(connection)
        for table, source in (("asked", "rest"), ("pool", "people")):
            connection.execute(f"CREATE TABLE {table} AS SELECT {scoring.COLUMNS}, truth FROM {source}")  # noqa: S608
        api = DuckDBAPI(connection=connection)
        inputs = [api.register("asked", table_name="side_0"), api.register("pool", table_name="side_1")]
        linker = Linker(
            inputs, {**model.settings("link_only"), "additional_columns_to_retain": ["truth"]}, log_level=None
        )
        linker.training.estimate_u_using_random_sampling(max_pairs=2e7, seed=1, min_count_per_level=None, num_chunks=1)
        linker.training.estimate_m_from_label_column("truth")
        trained = linker.misc.save_model_to_json()
    levels = {}
    for comparison in trained["comparisons"]:
        found = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        levels[comparison["output_column_name"]] = {
            level["label_for_charts"]: {
                "m": round(max(level.get("m_probability") or 0, FLOOR), 8),
                "u": round(max(level.get("u_probability") or 0, FLOOR / 100), 10),
            }
            for level in found
        }
    stored = {
        "about": "Made by tools/train_linkage.py; m = share of true pairs, u = share of random pairs at this level.",
        "mistakes_assumed": synthetic_people.MISTAKES,
        "levels": levels,
    }
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))


def _with_truth(table, truth):
    return table.append_column("truth", truth)


if __name__ == "__main__":
    main()
