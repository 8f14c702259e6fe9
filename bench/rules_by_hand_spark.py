"""The findings of ``rules_by_hand`` as somebody would write them for Spark: the same tables as views, two of them cached.

Only what Spark says differently is changed; a query that Spark would otherwise compute 25 times is kept in memory.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import rules_by_hand

CACHED = ("people", "homes")
TRANSLATED = (
    (r"any3\(((?:[^()]|\([^()]*\))*)\)", r"CASE WHEN bool_or(\1) THEN true WHEN bool_or((\1) IS NULL) THEN NULL ELSE false END"),
    (r"arg_max(?:_null)?\((\w+), \((\w+), id\)\)", r"max_by(\1, struct(\2, id))"),
    (r"\(\(2 \* abs\(income\) \+ members\) // \(2 \* members\)\)", "((2 * abs(income) + members) DIV (2 * members))"),
    (r"json_object\((.*?)\)::VARCHAR END", r"to_json(named_struct(\1), map('ignoreNullFields', 'false')) END"),
    (r"sha256\(evidence\)", "sha2(evidence, 256)"),
)  # fmt: skip


def translated(sql: str) -> str:
    """DuckDB's words in Spark's."""
    for pattern, replacement in TRANSLATED:
        sql = re.sub(pattern, replacement, sql)
    return sql


def views(tables: str) -> list[tuple[str, str]]:
    """The named queries of a WITH clause, in order."""
    found, rest = [], tables.strip().removeprefix("WITH").strip()
    while rest:
        name, _, body = rest.partition(" AS (")
        depth, end = 1, 0
        while depth:
            depth += {"(": 1, ")": -1}.get(body[end], 0)
            end += 1
        found.append((name.strip(), body[: end - 1]))
        rest = body[end:].strip().removeprefix(",").strip()
    return found


def run(session: Any, folder: Path, out: Path) -> None:
    """Answer all findings for the snapshot and write them as Parquet files."""
    own = session.newSession()
    for file in folder.glob("*.parquet"):
        own.read.parquet(str(file)).createOrReplaceTempView(file.stem)
    query = translated(rules_by_hand.query())
    tables = translated(rules_by_hand._TABLES)
    kept = []
    for name, sql in views(tables):
        rows = own.sql(sql)
        if name in CACHED:
            kept.append(rows.persist())
        rows.createOrReplaceTempView(name)
    own.sql(query.replace(tables, "")).write.mode("overwrite").parquet(str(out))
    for rows in kept:
        rows.unpersist(blocking=True)
