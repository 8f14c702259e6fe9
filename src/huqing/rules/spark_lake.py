"""Many counties of a lake on one Spark cluster, and lakes that no local path leads to (hdfs://, s3a://).

Every county is a job of its own with its own plan, because amounts, files taken in and numbers of households are each
county's own; several jobs share the cluster at a time. What is finished is not done again, so a broken run goes on.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huqing.rules import lake
from huqing.rules.engine import FINDINGS_FILE, Counts
from huqing.rules.errors import TableError
from huqing.rules.spark import screen
from huqing.rules.spark_session import SparkError, told

AT_ONCE = 4
Told = Callable[[str, Counts], None]


@dataclass(frozen=True)
class Lake:
    """A lake as Spark sees it: a folder, or an address its Hadoop libraries understand."""

    address: str
    spark: Any

    def counties(self) -> list[str]:
        """The codes of the counties in the lake."""
        names = [name.removeprefix(lake.COUNTY) for name in self._names("") if name.startswith(lake.COUNTY)]
        return sorted(name for name in names if lake.CODE.fullmatch(name))

    def days(self, county: str) -> list[datetime.date]:
        """The days of which a county has a whole snapshot."""
        names = [name.removeprefix(lake.DAY) for name in self._names(f"{lake.COUNTY}{county}")]
        return sorted(datetime.date.fromisoformat(name) for name in names if not name.startswith("."))

    def find(self, county: str, day: datetime.date) -> str:
        """The address of a partition; TableError saying what the lake has instead."""
        if day not in self.days(county):
            raise TableError(lake.missing(self.address, county, day, self.counties(), self.days(county)))
        return f"{self.address.rstrip('/')}/{lake.partition(county, day)}"

    def put(self, snapshot: Path, *, county: str, day: datetime.date) -> str:
        """Copy a finished snapshot into the lake, as ``lake.put`` does in a folder; returns the partition's address."""
        place = f"{self.address.rstrip('/')}/{lake.partition(county, day)}"
        fresh = f"{place.rpartition('/')[0]}/{lake.UNFINISHED}{uuid.uuid4().hex}"
        with told(f"写不进数据湖 {self.address}"):
            files, _ = self._open(place)
            path = self.spark._jvm.org.apache.hadoop.fs.Path
            files.mkdirs(path(fresh))
            for file in sorted(snapshot.iterdir()):
                files.copyFromLocalFile(path(str(file.absolute())), path(f"{fresh}/{file.name}"))
            files.delete(path(place), True)
            if not files.rename(path(fresh), path(place)):
                raise SparkError(f"写不进数据湖 {self.address}：不能把 {fresh} 改名为 {place}。请检查权限。")
        return place

    def _names(self, below: str) -> list[str]:
        with told(f"读不到数据湖 {self.address}"):
            files, path = self._open(f"{self.address.rstrip('/')}/{below}")
            return [status.getPath().getName() for status in files.listStatus(path)] if files.exists(path) else []

    def _open(self, address: str) -> tuple[Any, Any]:
        path = self.spark._jvm.org.apache.hadoop.fs.Path(address)
        return path.getFileSystem(self.spark._jsc.hadoopConfiguration()), path


def screen_lake(
    address: str,
    out: Path,
    *,
    spark: Any,
    day: datetime.date,
    counties: Iterable[str] | None = None,
    at_once: int = AT_ONCE,
    cache: Path | None = None,
    tell: Told | None = None,
) -> dict[str, Counts]:
    """Screen counties of a lake (by default all) as of one day into ``out/county=…/day=…/``, as ``engine.screen`` does.

    Returns what was done for each county; a county whose answer is there already is left as it is and not listed.
    ``tell`` hears of each finished county. TableError when a county lacks the day, before anything is done.
    """
    source = Lake(address, spark)
    partitions = {county: source.find(county, day) for county in (counties or source.counties())}
    waiting = {c: p for c, p in partitions.items() if not (out / lake.partition(c, day) / FINDINGS_FILE).exists()}

    def one(county: str) -> tuple[str, Counts]:
        folder = out / lake.partition(county, day)
        counts = screen(waiting[county], folder, spark=spark, as_of=day, region=county, cache=cache)
        if tell:
            tell(county, counts)
        return county, counts

    with ThreadPoolExecutor(max(1, at_once)) as jobs:
        return dict(jobs.map(one, waiting))
