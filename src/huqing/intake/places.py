"""Which village a row means: by its code as of the data's date, or by the names of town and village."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from huqing.access.scope import code_range
from huqing.registry.models import Region, RegionCode
from huqing.standards.text import fold

TOWN_DIGITS = 9
_TOWN_ENDING = re.compile(r"(人民政府|街道办事处|办事处|街道|[\u4e00-\u9fff]{1,3}族乡|镇|乡)$")
_VILLAGE_ENDING = re.compile(r"(社区居民委员会|居民委员会|社区居委会|居委会|村民委员会|村委会|社区|村|居)$")


@dataclass(frozen=True)
class Village:
    """A village of the registry."""

    id: int
    code: str
    name: str


@dataclass(frozen=True)
class Place:
    """The answer for one combination of code and names: a village, or what is wrong and what to write."""

    village: Village | None
    column: str = ""
    message: str = ""
    remedy: str = ""


@lru_cache(maxsize=65536)
def short_town(name: str) -> str:
    """A town's name without its kind: 永安街道办事处 → 永安."""
    return _shortened(name, _TOWN_ENDING)


@lru_cache(maxsize=65536)
def short_village(name: str) -> str:
    """A village's name without its kind: 朝阳社区居民委员会 → 朝阳."""
    return _shortened(name, _VILLAGE_ENDING)


def _shortened(name: str, ending: re.Pattern[str]) -> str:
    key = fold(name)
    shorter = ending.sub("", key)
    return shorter if len(shorter) >= 1 else key


@dataclass
class Villages:
    """The villages inside one region prefix, findable by code and by name, with the names and codes they once had."""

    prefix: str
    on: date
    by_code: dict[str, Village] = field(default_factory=dict)
    names: dict[int, set[str]] = field(default_factory=dict)
    by_name: dict[tuple[str, str], set[Village]] = field(default_factory=dict)
    towns: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, prefix: str, on: date) -> Villages:
        """Villages and their history inside ``prefix``; codes mean what they meant on ``on``."""
        found = cls(prefix=prefix, on=on)
        regions = {
            region.pk: region
            for region in Region.objects.filter(
                code_range(prefix, "code"), level=Region.Level.VILLAGE, valid_to__isnull=True
            ).select_related("parent")
        }
        villages = {pk: Village(pk, region.code, region.name) for pk, region in regions.items()}
        for pk, region in regions.items():
            found._add_name(villages[pk], region.parent.name if region.parent else "", region.name)
        history = (
            RegionCode.objects.filter(region__in=[])
            if not regions
            else RegionCode.objects.filter(
                code_range(prefix, "region__code"), region__level=Region.Level.VILLAGE, region__valid_to__isnull=True
            )
        )
        spans = sorted(history.values_list("code", "region_id", "name", "valid_from", "valid_to"), key=_newest_last(on))
        for code, region_id, name, _, _ in spans:
            village = villages.get(region_id)
            if village is not None:
                found.by_code[code] = village
                parent = regions[region_id].parent
                found._add_name(village, parent.name if parent else "", name)
        for village in villages.values():
            found.by_code.setdefault(village.code, village)
        return found

    def _add_name(self, village: Village, town: str, name: str) -> None:
        self.names.setdefault(village.id, set()).update((fold(name), short_village(name)))
        for key in {fold(town), short_town(town)}:
            self.towns.setdefault(key, set()).add(village.code[:TOWN_DIGITS])
        for town_key in {fold(town), short_town(town), ""}:
            for key in {fold(name), short_village(name)}:
                self.by_name.setdefault((town_key, key), set()).add(village)

    def find(self, code: str | None, town: str | None, name: str | None) -> Place:
        """The village meant by what one row says; never guesses between two."""
        if code:
            return self._by_code(code, name)
        if not name:
            return Place(None, "行政村", "没有写行政村", "填写行政村名称，或 12 位行政村代码")
        return self._by_name(town or "", name)

    def town_code(self, town: str | None) -> str | None:
        """The 9-digit code of a town by its name; None when it is unknown or not the only one of that name."""
        codes = self.towns.get(fold(town or "")) or self.towns.get(short_town(town or "")) or set()
        return next(iter(codes)) if len(codes) == 1 else None

    def _by_code(self, code: str, name: str | None) -> Place:
        if not code.startswith(self.prefix):
            return Place(None, "行政村代码", "不在您的管辖范围内", f"填写以 {self.prefix} 开头的行政村代码")
        village = self.by_code.get(code)
        if village is None:
            return Place(
                None, "行政村代码", f"{self.on.year} 年没有这个行政村代码", "核对 12 位行政村代码，或先更新区划"
            )
        if name and not {fold(name), short_village(name)} & self.names[village.id]:
            return Place(
                None,
                "行政村代码",
                f"这个代码是{village.name}，与本行的{name}不是同一个村",
                "核对代码与村名；区划代码可能已改作他用，不能据此把农户移到别的村",
            )
        return Place(village)

    def _by_name(self, town: str, name: str) -> Place:
        for town_key in dict.fromkeys((fold(town), short_town(town))):
            for key in dict.fromkeys((fold(name), short_village(name))):
                villages = self.by_name.get((town_key, key), set())
                if len(villages) == 1:
                    return Place(next(iter(villages)))
                if len(villages) > 1:
                    return Place(
                        None, "行政村", "有同名的行政村，分不清是哪一个", "补充乡镇名称，或填写 12 位行政村代码"
                    )
        if town and not {fold(town), short_town(town)} & self.towns.keys():
            return Place(None, "乡镇", "您的管辖范围内没有这个乡镇", "按区划填写乡镇全称，例如“永安街道”")
        return Place(None, "行政村", f"{town}没有这个行政村", "按区划填写行政村全称，例如“朝阳社区”")


def _newest_last(on: date):  # type: ignore[no-untyped-def]
    """Order of code spans so that the one in force on ``on`` is put last and wins, then the newest."""

    def key(span: tuple[str, int, str, date, date | None]) -> tuple[bool, date]:
        _, _, _, start, end = span
        return (start <= on and (end is None or on < end), start)

    return key


def resolve(
    villages: Villages, combinations: Iterable[tuple[str | None, str | None, str | None]]
) -> dict[tuple[str | None, str | None, str | None], Place]:
    """The place of every distinct (code, town, village) combination of a file."""
    return {combination: villages.find(*combination) for combination in set(combinations)}
