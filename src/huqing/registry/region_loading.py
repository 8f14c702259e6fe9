"""One load of a year's region codes: matched level by level from the top, then written at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import pyarrow as pa

from huqing.access.scope import code_range
from huqing.registry import bulk, region_changes, region_matching
from huqing.registry.models import Household, Region, RegionChange, RegionCode
from huqing.registry.region_changes import Move, first_day
from huqing.registry.region_matching import Known, Matching, Row, core
from huqing.registry.regions import Place, RegionFileError, Summary
from huqing.standards import regioncodes
from huqing.standards.text import pinyin_initials

COUNTY, TOWN, VILLAGE = Region.Level.COUNTY, Region.Level.TOWN, Region.Level.VILLAGE


class Loading:
    """What one load compares and finds; :meth:`run` does it."""

    def __init__(self, table: list[Place], year: int) -> None:
        self.on = first_day(year)
        self.summary = Summary(year, places=len(table))
        self.levels: dict[int, dict[str, Place]] = {level: {} for level in Region.Level.values}
        for place in table:
            self.levels[regioncodes.level(place.code)][place.code] = place
        self.counties = sorted({place.code[:6] for place in table if len(place.code) >= 6})
        self.matched: dict[str, Region] = {}
        self.moves: list[Move] = []
        self.new: list[Place] = []
        self.unsure: list[region_matching.Unsure] = []
        self.gone: list[Region] = []
        self.waiting: dict[Move, list[Place]] = {}

    def run(self, progress: Callable[[str, float], None]) -> Summary:
        self._refuse_older()
        for level in (1, 2, 3):
            self._upper_level(level)
        self._counties(progress)
        progress("写入区划", 0.9)
        self._write()
        return self.summary

    def _refuse_older(self) -> None:
        newer = RegionCode.objects.filter(valid_from__gt=self.on, region__level__gte=COUNTY).values_list(
            "code", flat=True
        )
        known = {code[:6] for code in newer}
        for county in self.counties:
            if county in known:
                raise RegionFileError(
                    f"{county} 已导入 {self.on.year} 年以后的区划，不能再导入更早的。历年区划请从早到晚依次导入。"
                )

    def _upper_level(self, level: int) -> None:
        """Provinces, cities and counties: by code; a county that got a new code is known by its name in its city."""
        rows = self.levels[level]
        current = {region.code: region for region in Region.objects.filter(level=level, valid_to=None)}
        for row in rows.values():
            region = current.get(row.code)
            if region is None and level == COUNTY:
                like = [
                    each
                    for each in current.values()
                    if each.code not in rows and each.code[:4] == row.code[:4] and core(each.name) == core(row.name)
                ]
                region = like[0] if len(like) == 1 else None
            self._is(region, row)

    def _is(self, region: Region | None, place: Place | Row) -> None:
        if region is None:
            self.new.append(
                place
                if isinstance(place, Place)
                else self.levels[TOWN].get(place.code) or self.levels[VILLAGE][place.code]
            )
            return
        self.matched[place.code] = region
        above = self.matched.get(_above(place.code))
        parent_id = above.pk if above else region.parent_id
        if (region.code, region.name, region.parent_id) == (place.code, place.name, parent_id):
            return
        self.summary.recoded += region.code != place.code
        self.summary.renamed += region.name != place.name
        self.moves.append(Move(region, place.code, place.name, parent_id, self.on))

    def _counties(self, progress: Callable[[str, float], None]) -> None:
        rows: dict[str, dict[int, list[Place]]] = {county: {TOWN: [], VILLAGE: []} for county in self.counties}
        for level in (TOWN, VILLAGE):
            for place in self.levels[level].values():
                rows[place.code[:6]][level].append(place)
        for number, county in enumerate(self.counties):
            region = self.matched.get(county)
            before = region.code if region else county
            known: dict[int, list[Region]] = defaultdict(list)
            for each in Region.objects.filter(code_range(before, "code"), valid_to=None, level__in=(TOWN, VILLAGE)):
                known[each.level].append(each)
            for level in (TOWN, VILLAGE):
                if rows[county][level]:
                    self._level(known[level], rows[county][level])
                elif level == TOWN:
                    # A table of villages alone leaves the towns as they are.
                    self.matched |= {each.code: each for each in known[TOWN]}
            if number % 50 == 0:
                progress("比对区划", 0.9 * number / len(self.counties))

    def _level(self, known: list[Region], places: list[Place]) -> None:
        if not known:
            self.new += places
            return
        above = {place.code: self.matched.get(_above(place.code)) for place in places}
        matching = region_matching.match(
            [Known(region.pk, region.code, region.name, region.parent_id) for region in known],
            [Row(place.code, place.name, region.pk if (region := above[place.code]) else None) for place in places],
        )
        self._take(matching, {region.pk: region for region in known}, {place.code: place for place in places})

    def _take(self, matching: Matching, known: dict[int, Region], places: dict[str, Place]) -> None:
        for pk, row in matching.same.items():
            self._is(known[pk], places[row.code])
        self.new += [places[row.code] for row in matching.new]
        self.unsure += matching.unsure
        for place in matching.gone:
            region = known[place.id]
            if region.level == VILLAGE and Household.objects.filter(region_code=region.code, village=region).exists():
                self.unsure.append(region_matching.Unsure(place, region_matching.GONE, ()))
            else:
                self.gone.append(region)

    def _write(self) -> None:
        for region in self.gone:
            if not self._still_has_places(region):
                region_changes.close(region, self.on)
                self.summary.closed += 1
        self._hold_back()
        self.summary.households = region_changes.apply(self.moves)
        self._insert_new()
        RegionChange.objects.filter(region_id__in=self._compared()).exclude(state=RegionChange.State.APPLIED).delete()
        RegionChange.objects.bulk_create(
            [self._change(each.known.id, each.known.code, each.reason, each.rows) for each in self.unsure]
        )
        for move, freed in self.waiting.items():
            rows = [Place(move.code, move.name), *freed]
            change = self._change(move.region.pk, move.region.code, region_matching.ELSEWHERE, rows)
            change.state, change.decision, change.target = RegionChange.State.DECIDED, "same", move.code
            change.save()
        self.summary.added, self.summary.unsure = len(self.new), len(self.unsure)

    def _hold_back(self) -> None:
        """What is certain but needs a code that an undecided place still holds waits until that place is settled."""
        blocked = {each.known.code for each in self.unsure}
        while True:
            stuck = [move for move in self.moves if move.code in blocked and move.code != move.region.code]
            if not stuck:
                break
            self.moves = [move for move in self.moves if move not in stuck]
            for move in stuck:
                blocked.add(move.region.code)
                self.waiting[move] = [place for place in self.new if place.code == move.region.code]
        self.new = [place for place in self.new if place.code not in blocked]

    def _change(self, pk: int, code: str, reason: str, rows: Iterable[Place | Row]) -> RegionChange:
        pairs = [[row.code, row.name] for row in rows]
        return RegionChange(region_id=pk, region_code=code, year=self.on.year, reason=reason, rows=pairs)

    def _still_has_places(self, region: Region) -> bool:
        leaving = [each.pk for each in self.gone] + [move.region.pk for move in self.moves]
        return region.level == TOWN and region.children.filter(valid_to=None).exclude(pk__in=leaving).exists()

    def _compared(self) -> list[int]:
        opened = RegionChange.objects.values_list("region_id", "region_code")
        counties = set(self.counties)
        return [pk for pk, code in opened if code[:6] in counties]

    def _insert_new(self) -> None:
        """Write the new places through the bulk writer: a first load brings the whole country."""
        if not self.new:
            return
        ids = dict(Region.objects.filter(valid_to=None).values_list("code", "pk"))
        places = sorted(self.new, key=lambda place: (len(place.code), place.code))
        with bulk.writer() as writer:
            numbers = writer.reserve_ids(Region, len(places))
            ids |= {place.code: pk for place, pk in zip(places, numbers, strict=True)}
            days = pa.array([self.on] * len(places), pa.date32())
            codes, names = [place.code for place in places], [place.name for place in places]
            writer.insert(
                Region,
                pa.table(
                    {
                        "id": pa.array(numbers, pa.int64()),
                        "code": codes,
                        "name": names,
                        "pinyin": [pinyin_initials(name) for name in names],
                        "level": pa.array([int(regioncodes.level(code)) for code in codes], pa.int16()),
                        "parent_id": pa.array([ids.get(_above(code)) for code in codes], pa.int64()),
                        "urban_rural": [place.urban_rural for place in places],
                        "valid_from": days,
                    }
                ),
            )
            writer.insert(
                RegionCode,
                pa.table(
                    {"region_id": pa.array(numbers, pa.int64()), "code": codes, "name": names, "valid_from": days}
                ),
            )


def _above(code: str) -> str:
    return {4: code[:2], 6: code[:4], 9: code[:6], 12: code[:9]}.get(len(code), "")
