"""The demonstration's people: units, cadres, village officers, grid workers and resident teams with their duties.

They come in as a county's own: one table of people and duties through the import of the ledger. Who is paired with
whom is made up from the listed households; some households and one grid in twenty are left to nobody, so that there is
something to see among the gaps.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count

from huqing.demo.draw import Draw
from huqing.demo.identity import MOVERS, Numbers
from huqing.demo.names import Names
from huqing.papers.sheets import Column, Sheet, write_workbook
from huqing.registry.models import Grid, Household, Label, Region
from huqing.standards.regioncodes import spoken_name
from huqing.teams import traits
from huqing.teams.importing import import_staff
from huqing.teams.importing_rows import COLUMNS
from huqing.teams.models import Responsibility, Staff

FILE = "人员和责任.xlsx"
SEED = 5
# Offices of a county and what kind of unit they are for the choice of villages.
UNITS = (
    ("县委组织部", "党群"), ("县委宣传部", "党群"), ("县总工会", "党群"), ("县公安局", "政法"), ("县司法局", "政法"),
    ("县财政局", "经济"), ("县发展和改革委员会", "经济"), ("县农业农村局", "涉农"), ("县水利局", "涉农"),
    ("县林业局", "涉农"), ("县教育委员会", "教育"), ("县卫生健康委员会", "卫生"),
)  # fmt: skip
TRAITS = ("1", "2", "3", "4")
LISTED = ("monitor", "monitor_unstable", "monitor_marginal", "monitor_sudden", "tuopin")
PER_HELPER = 5
UNPAIRED, GRID_WITHOUT, TEAM_EVERY, TEAM_SIZE, LEADERS = 0.12, 20, 4, 3, 5
LANGUAGE = "土家语"
# Kind of staff, position, unit and its kind, one for so many households of a town.
SERVICES = (
    ("教师", "教师", "{town}中心小学", "教育", 25),
    ("医生", "全科医生", "{town}卫生院", "卫生", 60),
    ("农技人员", "农技员", "{town}农业服务中心", "涉农", 80),
    ("乡土专家", "种养能手", "", "", 100),
)
ACCOUNT_OF = {"officer": "cun", "grid": "wangge", "resident": "zhudui"}


@dataclass
class _People:
    """Rows for the table, with names, numbers and telephone numbers that belong to nobody."""

    place: Region
    since: dt.date
    draw: Draw = field(default_factory=lambda: Draw(SEED))
    numbers: Numbers = field(default_factory=lambda: Numbers(MOVERS))
    rows: list[dict[str, str]] = field(default_factory=list)
    wanted: set[str] = field(default_factory=lambda: set(ACCOUNT_OF))
    count: int = 0

    def __post_init__(self) -> None:
        self.names = Names(self.draw)

    def person(self, kind: str, unit: str, region: str, **more: str) -> dict[str, str]:
        """Somebody new, without a duty yet."""
        self.count += 1
        sex = "1" if self.draw.chance(0.62) else "2"
        said = {
            "number": f"R{self.count:05d}",
            "name": self.names.full(self.names.surname(), sex, self.draw.between(26, 57)),
            "kind": kind,
            "unit": unit,
            "region": region,
            "phone": self.numbers.phone() if self.draw.chance(0.9) else "",
            **more,
        }
        if "土家族" in region or self.draw.chance(0.08):
            said["languages"] = LANGUAGE
        return said

    def duty(self, person: dict[str, str], role: str, goal: str) -> None:
        """One row: the person with one duty."""
        self.rows.append({**person, "role": role, "goal": goal, "since": self.since.isoformat()})

    def account(self, person: dict[str, str], key: str, here: bool) -> dict[str, str]:
        """The person signs in with the demonstration's account of this kind, if they work in its village."""
        if here and key in self.wanted:
            self.wanted.discard(key)
            return {**person, "account": ACCOUNT_OF[key]}
        return person


def ensure_people(place: Region, as_of: dt.date) -> None:
    """Make the demonstration's people and their duties, unless there are some; ``place`` is the accounts' village."""
    if Staff.objects.filter(number__startswith="R0").exists():
        return
    people = _People(place, dt.date(as_of.year, 1, 1))
    villages = list(Region.objects.filter(pk__in=Household.objects.values("village").distinct()).order_by("code"))
    towns = {town.pk: town for town in Region.objects.filter(pk__in={village.parent_id for village in villages})}
    _villages(people, villages, towns)
    _teams(people, villages)
    _helpers(people, towns)
    _services(people, towns)
    out = io.BytesIO()
    titles = [Column(names[0]) for names in COLUMNS.values()]
    write_workbook(out, [Sheet("人员和责任", titles, [[row.get(key, "") for key in COLUMNS] for row in people.rows])])
    out.seek(0)
    done = import_staff(content=out, name=FILE, by=None, region=place.code[:6], on=people.since)
    if done.refused:
        raise RuntimeError(f"the demonstration's people were not taken in: {done.refused[:3]}")
    for number, village in enumerate(villages):
        if number % TEAM_EVERY == 0 or village.pk == place.pk:
            kind = TRAITS[number // TEAM_EVERY % len(TRAITS)]
            traits.set_trait(village=village, kind=kind, on=people.since, by=None)


def _villages(people: _People, villages: list[Region], towns: dict[int, Region]) -> None:
    """Leaders of towns who answer for villages, village officers, and a worker for nearly every grid."""
    grids: dict[int, list[Grid]] = {}
    for grid in Grid.objects.filter(village__in=villages).order_by("village", "number"):
        grids.setdefault(grid.village_id, []).append(grid)
    leaders: dict[int, list[dict[str, str]]] = {}
    for number, village in enumerate(villages):
        town = towns[village.parent_id or 0]
        known = leaders.setdefault(town.pk, [])
        if len(known) < LEADERS:
            office = f"{town.name}人民政府"
            known.append(
                people.person("帮扶干部", office, town.code[:9], unit_kind="党群", rank="科级", position="班子成员")
            )
        people.duty(known[number % len(known)], "包村领导", village.code)
        here = village.pk == people.place.pk
        branch = f"{spoken_name(village.name)}党支部"
        officer = people.person("村干部", branch, village.code, unit_kind="党群", rank="其他", position="党支部书记")
        people.duty(people.account(officer, "officer", here), "包户村干部", village.code)
        for grid in grids.get(village.pk, []):
            if (grid.pk % GRID_WITHOUT) or here:
                worker = people.person("网格员", "", village.code, rank="其他", position="网格员")
                people.duty(people.account(worker, "grid", here and grid.number == 1), "网格员", grid.name)


def _teams(people: _People, villages: list[Region]) -> None:
    """A resident team in every fourth village and in that of the accounts: a first secretary and two members."""
    for number, village in enumerate(villages):
        here = village.pk == people.place.pk
        if number % TEAM_EVERY and not here:
            continue
        unit, kind = UNITS[number // TEAM_EVERY % len(UNITS)]
        for place in range(TEAM_SIZE):
            member = people.person(
                "驻村工作队员", unit, village.code[:6], unit_kind=kind,
                rank="科级" if place == 0 else "其他", position="第一书记" if place == 0 else "工作队员",
            )  # fmt: skip
            people.duty(people.account(member, "resident", here and place == 1), "驻村工作队员", village.code)


def _helpers(people: _People, towns: dict[int, Region]) -> None:
    """Cadres of the county's and towns' offices, each paired with up to five listed households of one town."""
    helped = Responsibility.objects.filter(role="helper").exclude(household=None).values("household")
    listed = Label.objects.filter(kind__in=LISTED, valid_to=None).values("household")
    rows = Household.objects.filter(pk__in=listed, status=Household.Status.ACTIVE).exclude(pk__in=helped)
    waiting: dict[str, list[str]] = {}
    for number, code in rows.order_by("region_code", "number").values_list("number", "region_code"):
        if not people.draw.chance(UNPAIRED):
            waiting.setdefault(code[:9], []).append(number)
    for town in sorted(towns.values(), key=lambda one: one.code):
        for place, household in enumerate(waiting.get(town.code[:9], [])):
            if place % PER_HELPER == 0:
                helper = next(_offices(people, town, place // PER_HELPER))
            people.duty(helper, "帮扶责任人", household)


def _services(people: _People, towns: dict[int, Region]) -> None:
    """Teachers, doctors and agronomists of every town, not paired with anybody yet: pairing them is to be tried."""
    counted = Household.objects.filter(status=Household.Status.ACTIVE).values_list("village__parent")
    sizes = dict(counted.annotate(n=Count("pk")).order_by())
    for town in sorted(towns.values(), key=lambda one: one.code):
        size = sizes.get(town.pk, 0)
        for kind, position, unit, unit_kind, each in SERVICES:
            for _ in range(1 + size // each):
                office = unit.format(town=town.name)
                somebody = people.person(
                    kind, office, town.code[:9], unit_kind=unit_kind, rank="其他", position=position
                )
                people.rows.append(somebody)


def _offices(people: _People, town: Region, number: int) -> Iterator[dict[str, str]]:
    """Every third helper is of the town's own office, the others of the county's."""
    rank = "处级" if number % 12 == 1 else "科级" if number % 3 else "其他"
    if number % 3 == 0:
        yield people.person(
            "帮扶干部", f"{town.name}人民政府", town.code[:9], unit_kind="党群", rank=rank, position="干部"
        )
    else:
        unit, kind = UNITS[number % len(UNITS)]
        yield people.person("帮扶干部", unit, town.code[:6], unit_kind=kind, rank=rank, position="干部")
