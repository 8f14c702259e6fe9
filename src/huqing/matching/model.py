"""The linkage model: what is compared, which pairs are looked at, and the stored parameters (Fellegi–Sunter, Splink).

The parameters in ``data/people.json`` were estimated once by ``tools/train_linkage.py``. What depends on the county and
not on how people make mistakes is measured afresh on the county at hand: how likely two people share a village, a town,
a birth date or a phone, and how common each name is.
"""

# ruff: noqa: S608 (table and column names are constants of this package; values are bound)

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import duckdb

# Jaro–Winkler on characters: one wrong character of three scores at least 0.8, one of two about 0.67–0.7.
NEAR_NAME, PARTLY_NAME = 0.77, 0.6


def _level(condition: str, label: str, **more: Any) -> dict[str, Any]:
    return {"sql_condition": condition, "label_for_charts": label, **more}


def _comparison(column: str, null: str, *levels: dict[str, Any]) -> dict[str, Any]:
    nothing = _level(null, "缺", is_null_level=True)
    return {"output_column_name": column, "comparison_levels": [nothing, *levels, _level("ELSE", "不同")]}


def _equal(column: str) -> str:
    return f'"{column}_l" = "{column}_r"'


def _missing(column: str) -> str:
    return f'"{column}_l" IS NULL OR "{column}_r" IS NULL'


_JARO = 'jaro_winkler_similarity("name_l", "name_r")'
COMPARISONS: list[dict[str, Any]] = [
    _comparison(
        "name",
        _missing("name"),
        _level(_equal("name"), "相同", tf_adjustment_column="name", tf_adjustment_weight=1.0),
        _level(_equal("sound"), "同音"),
        _level(f"{_JARO} >= {NEAR_NAME}", "差一字"),
        _level(f"{_JARO} >= {PARTLY_NAME}", "部分相同"),
    ),
    _comparison(
        "born",
        _missing("born"),
        _level(_equal("born"), "相同"),
        _level('damerau_levenshtein("born_l", "born_r") <= 1', "差一位"),
        _level('left("born_l", 4) = left("born_r", 4) OR right("born_l", 5) = right("born_r", 5)', "部分相同"),
    ),
    _comparison(
        "place",
        f"({_missing('village')}) AND ({_missing('town')})",
        _level(_equal("village"), "同村"),
        _level(_equal("town"), "同乡镇"),
    ),
    _comparison("sex", _missing("sex"), _level(_equal("sex"), "相同")),
    _comparison(
        "idt",
        f"({_missing('idt')}) AND ({_missing('id_tail')})",
        _level(_equal("idt"), "相同"),
        _level(_equal("id_tail"), "末四位相同"),
    ),
    _comparison("phone", _missing("phone"), _level(_equal("phone"), "相同")),
]

# Pairs that agree on one of these lines are compared. Together they reach everybody who shares two independent facts.
BLOCKING: tuple[tuple[str, ...], ...] = (
    ("idt",),
    ("sound", "village"),
    ("sound", "born"),
    ("village", "born"),
    ("surname", "born"),
    ("phone",),
    ("name", "town", "born_year"),
)


def settings(link_type: str) -> dict[str, Any]:
    """Splink settings without parameters, as the training tool starts from."""
    return {
        "link_type": link_type,
        "unique_id_column_name": "key",
        "sql_dialect": "duckdb",
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "comparisons": copy.deepcopy(COMPARISONS),
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": " AND ".join(f'l."{column}" = r."{column}"' for column in rule), "sql_dialect": "duckdb"}
            for rule in BLOCKING
        ],
    }


@cache
def _stored() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    path = resources.files("huqing.matching") / "data" / "people.json"
    stored: dict[str, Mapping[str, Mapping[str, float]]] = json.loads(path.read_text(encoding="utf-8"))["levels"]
    return stored


def fitted(link_type: str, *, prior: float, frequencies: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Splink settings with the stored parameters.

    `prior` is the chance that two records taken at random are one person; `frequencies` are the shares measured on the
    county (comparison → level label → u), which replace the stored ones.
    """
    result = settings(link_type)
    result["probability_two_random_records_match"] = prior
    for comparison in result["comparisons"]:
        stored = _stored()[comparison["output_column_name"]]
        measured = frequencies.get(comparison["output_column_name"], {})
        for level in comparison["comparison_levels"][1:]:
            label = level["label_for_charts"]
            level["m_probability"] = stored[label]["m"]
            level["u_probability"] = measured.get(label, stored[label]["u"])
    return result


def labels(comparison: str) -> tuple[str, ...]:
    """The labels of a comparison by its value: index 0 is "不同", the last one is full agreement."""
    found = next(entry for entry in COMPARISONS if entry["output_column_name"] == comparison)
    return tuple(level["label_for_charts"] for level in reversed(found["comparison_levels"][1:]))


def measure(connection: duckdb.DuckDBPyConnection, people: str) -> dict[str, dict[str, float]]:
    """How likely two different people of the table `people` agree by chance on place, birth date, phone and name."""
    village, town, born, phone, name, sound = (
        _chance(connection, people, column) for column in ("village", "town", "born", "phone", "name", "sound")
    )
    town_only = max(town - village, 1e-6)
    near = max(_stored()["born"]["差一位"]["u"], 1e-9)
    partly = _stored()["born"]["部分相同"]["u"]
    return {
        "place": {"同村": village, "同乡镇": town_only, "不同": max(1 - village - town_only, 1e-3)},
        "born": {"相同": born, "差一位": near, "部分相同": partly, "不同": max(1 - born - near - partly, 1e-3)},
        "phone": {"相同": phone, "不同": max(1 - phone, 1e-3)},
        "name": {"相同": name, "同音": max(sound - name, 1e-7)},
    }


def _chance(connection: duckdb.DuckDBPyConnection, people: str, column: str) -> float:
    """The chance that two different rows agree on `column`.

    One agreement is added to what was counted: a small county does not prove anything impossible.
    """
    counts = f'SELECT count(*) AS n FROM {people} WHERE "{column}" IS NOT NULL GROUP BY "{column}"'
    row = connection.execute(f"SELECT sum(n * (n - 1)), sum(n) FROM ({counts})").fetchone()
    pairs, total = (float(row[0] or 0), float(row[1] or 0)) if row else (0.0, 0.0)
    return (pairs + 1) / (total * (total - 1) + 2)
