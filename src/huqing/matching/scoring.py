"""Scoring candidate pairs with Splink on DuckDB."""

# ruff: noqa: S608 (table and column names are constants of this package; values are bound)

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb

from huqing.matching import model

# What blocking and the comparisons read.
COLUMNS = "key, name, sound, surname, born, born_year, sex, village, town, phone, idt, id_tail"


@contextmanager
def connect() -> Iterator[duckdb.DuckDBPyConnection]:
    """A private in-memory DuckDB that leaves memory for the rest of the machine and spills to a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="huqing-matching-") as spill, duckdb.connect(":memory:") as connection:
        connection.execute("SET memory_limit = '800MB'")
        connection.execute("SET temp_directory = ?", [spill])
        connection.execute(f"SET threads = {min(4, os.cpu_count() or 1)}")
        connection.execute("SET preserve_insertion_order = false")
        yield connection


def load(connection: duckdb.DuckDBPyConnection, name: str, table: Any, *, more: bool = False) -> None:
    """Copy a prepared Arrow table into DuckDB with the columns that blocking needs; with ``more`` to what is there.

    Tokens become 64-bit hashes: an eighth of the memory, and two of a million people share one with a chance of 10^-8.
    """
    connection.register("incoming", table)
    hashed = ", ".join(f"if({column} IS NULL, NULL, hash({column})) AS {column}" for column in ("idt", "phone"))
    into = f"INSERT INTO {name}" if more else f"CREATE OR REPLACE TABLE {name} AS"
    connection.execute(
        f"{into} SELECT * REPLACE ({hashed}), left(name, 1) AS surname, left(born, 4) AS born_year FROM incoming"
    )
    connection.unregister("incoming")


def reachable(connection: duckdb.DuckDBPyConnection, rows: str, people: str, target: str) -> None:
    """The people who agree with some row on some blocking rule, as table `target`: nobody else can be scored."""
    parts = []
    for rule in model.BLOCKING:
        columns = ", ".join(f'"{column}"' for column in rule)
        parts.append(f"SELECT key FROM {people} SEMI JOIN (SELECT DISTINCT {columns} FROM {rows}) USING ({columns})")
    keys = " UNION ".join(parts)
    connection.execute(
        f"CREATE OR REPLACE TABLE {target} AS SELECT {COLUMNS} FROM {people} SEMI JOIN ({keys}) USING (key)"
    )


def score(
    connection: duckdb.DuckDBPyConnection,
    tables: list[str],
    *,
    people: str,
    prior: float,
    frequencies: Mapping[str, Mapping[str, float]],
    threshold: float,
) -> str:
    """The name of a DuckDB table with the scored pairs of `tables` (two to link, one to look for duplicates).

    Names count as common or rare as they are among `people`. Pairs below `threshold` are left out.
    """
    from splink import DuckDBAPI, Linker  # takes a second to import, and most imports need no model

    api = DuckDBAPI(connection=connection)
    # Splink puts the data set whose name sorts first on the left.
    inputs = [api.register(table, table_name=f"side_{index}") for index, table in enumerate(tables)]
    link_type = "link_only" if len(tables) == 2 else "dedupe_only"
    fitted = model.fitted(link_type, prior=prior, frequencies=frequencies)
    linker = Linker(inputs if len(inputs) > 1 else inputs[0], fitted, log_level=None)
    connection.execute(
        "CREATE OR REPLACE TABLE name_frequency AS SELECT name, count(*) / sum(count(*)) OVER () AS tf_name "
        f"FROM {people} WHERE name IS NOT NULL GROUP BY name"
    )
    common = api.register("name_frequency", table_name="name_frequency_input")
    linker.table_management.register_term_frequency_lookup(common, "name")
    result: str = linker.inference.predict(threshold_match_probability=threshold, warning_mode="never").physical_name
    return result
