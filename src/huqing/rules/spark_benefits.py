"""Computing values with Spark: an engine for ``benefits.compute``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from huqing.rules.engine import quoted
from huqing.rules.plans import Plan
from huqing.rules.spark import FOLDER
from huqing.rules.spark_session import told

PIECE = 1_000_000


class Spark:
    """Runs plans in a session of ``spark_session.session``; the files must be readable on every node."""

    dialect = "pyspark"

    def __init__(self, session: Any) -> None:
        self.session = session

    def run(self, plan: Plan, files: Mapping[str, Path], out: Path) -> int:
        """Write the last step of the plan to one Parquet file, in the order of ids; the number of rows."""
        own = self.session.newSession()
        with told("Spark 计算中断"):
            for table, read in plan.columns.items():
                rows = own.read.parquet(f"{FOLDER}{files[table].absolute()}")
                rows.select(*[f"`{column}`" for column in read]).createOrReplaceTempView(table)
            for step in plan.steps:
                own.sql(step.sql).createOrReplaceTempView(step.name)
            (last, columns), *_ = plan.values.values()
            return _write(own.table(last), "id" in columns, out)


def _write(rows: Any, by_id: bool, out: Path) -> int:
    """The rows as one Parquet file, fetched in pieces that fit the driver."""
    from pyspark.sql import functions

    kept = rows.persist()
    try:
        count = int(kept.count())
        pieces = max(1, -(-count // PIECE)) if by_id else 1
        with duckdb.connect() as connection:
            for piece in range(pieces):
                part = kept
                if pieces > 1:
                    bucket = functions.pmod(functions.col("id"), functions.lit(pieces))
                    part = kept.where(bucket == piece)
                connection.register("piece", part.toArrow())
                connection.execute("CREATE TABLE IF NOT EXISTS computed AS SELECT * FROM piece LIMIT 0")
                connection.execute("INSERT INTO computed SELECT * FROM piece")
                connection.unregister("piece")
            order = '"id"' if by_id else "ALL"
            connection.execute(
                f"COPY (SELECT * FROM computed ORDER BY {order}) TO '{quoted(out)}' "  # noqa: S608 - a quoted path
                "(FORMAT parquet, COMPRESSION zstd)"
            )
    finally:
        kept.unpersist()
    return count
