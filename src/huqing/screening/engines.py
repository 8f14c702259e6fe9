"""What a screening is computed with: DuckDB on this machine, or a Spark cluster; and where it reads the snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from huqing.registry import snapshot
from huqing.rules import engine, lake
from huqing.rules.engine import Counts

DUCKDB, SPARK = "duckdb", "spark"
LOCAL = "local[*]"


@dataclass(frozen=True)
class Engine:
    """An engine by name; ``master`` and ``lake`` (a folder or an address all nodes can read) are for Spark.

    With a lake the snapshot is put there and read from there. With ``stored`` no snapshot is taken: what the lake (a
    folder then) holds of the county and day is used.
    """

    name: str = DUCKDB
    master: str = LOCAL
    lake: str = ""
    stored: bool = False

    def snapshot(self, *, region: str, as_of: date) -> Path:
        """The snapshot to screen, taken now or fetched from the lake; TableError if the lake lacks it."""
        if not self.stored:
            return snapshot.take(region=region, as_of=as_of)
        return snapshot.adopt(lake.find(Path(self.lake), county=region, day=as_of), region=region, as_of=as_of)

    def screen(self, taken: Path, out: Path, *, region: str, as_of: date) -> Counts:
        """Decide all findings; SparkError, TableError or RuleError say what to do."""
        if self.name == DUCKDB:
            if self.lake and not self.stored:
                lake.put(Path(self.lake), taken, county=region, day=as_of)
            return engine.screen(taken, out, as_of=as_of, region=region)
        from huqing.rules import spark
        from huqing.rules.spark_session import session

        with session(self.master) as started:
            place = self._put(started, taken, region=region, as_of=as_of)
            return spark.screen(place, out, spark=started, as_of=as_of, region=region)

    def _put(self, started: Any, taken: Path, *, region: str, as_of: date) -> Path | str:
        """Where all nodes find the snapshot."""
        if not self.lake:
            return taken
        if self.stored:
            return lake.find(Path(self.lake), county=region, day=as_of)
        if "://" in self.lake:
            from huqing.rules.spark_lake import Lake

            return Lake(self.lake, started).put(taken, county=region, day=as_of)
        return lake.put(Path(self.lake), taken, county=region, day=as_of)
