"""Changes to a household's state that keep it consistent: income, aid, monitoring.

The clean county and the plants use the same functions, so that a planted household looks like any other of its sort.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from huqing.demo.draw import Draw, Weighted
from huqing.demo.figures import PUBLISHED
from huqing.demo.identity import Numbers
from huqing.demo.lives import Lives
from huqing.demo.model import Fields, Household, Person, Village, add_months, income_of, per_head_of
from huqing.demo.names import Names

TRANSFERS = (
    "family_planning_grant",
    "dibao_amount",
    "tekun_amount",
    "pension_amount",
    "ecology_amount",
    "other_transfer",
)
RISKS: Weighted[str] = Weighted({"01": 40, "03": 18, "04": 10, "05": 6, "06": 5, "07": 16, "09": 5})
SUPPORTED = ("1", "2")
_UNITS = ("县农业农村委", "县教育委员会", "县卫生健康委", "县财政局", "县水利局", "县林业局", "县交通局", "县税务局")
_TITLES = ("科员", "副科长", "科长", "主任", "副主任")


@dataclass
class Town:
    """What making and planting need to know of the town at hand."""

    draw: Draw
    names: Names
    numbers: Numbers
    lives: Lives
    as_of: date
    households: list[Household] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)  # numbers of the households that already hold a plant or a mover
    villages: list[tuple[Village, Fields]] = field(default_factory=list)  # the rows of the table of villages

    def ago(self, days: int) -> date:
        """The day ``days`` before ``as_of``."""
        return self.as_of - timedelta(days=days)

    def back(self, months: int) -> date:
        """The day ``months`` before ``as_of``."""
        return add_months(self.as_of, -months)


def tuopin(h: Household) -> bool:
    """Whether the household carries the 脱贫 label."""
    return h.fields.get("household_type") in ("100A03001", "100A03A01", "100A03A02")


def monitored(h: Household) -> bool:
    """Whether the household is monitored and not cleared. The demo dates nothing after ``as_of``."""
    return "identified_on" in h.fields and "cleared_on" not in h.fields


def listed(h: Household) -> bool:
    return tuopin(h) or monitored(h)


def aided(p: Person, *kinds: str) -> bool:
    """Whether the person receives one of these aids now."""
    return any(row["aid_kind"] in kinds and "aid_to" not in row for row in p.records["civil_affairs"])


def supported(h: Household) -> bool:
    """Whether some living member receives 低保 or 特困 now."""
    return any(aided(p, *SUPPORTED) for p in h.living())


def has_labour(h: Household) -> bool:
    return any(p.fields.get("labour") in ("01", "02", "05") for p in h.living())


def settle_income(h: Household) -> None:
    """Make the sums of the income statement right: transfer income, reported income per head."""
    f = h.fields
    f["transfer_income"] = sum(f[key] for key in TRANSFERS)
    f["property_income"] = max(f["property_income"], f["dividend_income"] + f["land_lease_income"])
    per_head = per_head_of(f, len(h.living()))
    if per_head is not None:
        f["income_per_head"] = per_head


def set_income(h: Household, per_head: int, *, keep_last: bool = False) -> None:
    """Bring the household to ``per_head`` fen a year.

    A surplus is taken from wages first, then from farming, property and transfers in turn; what is short comes from
    farming. Last year's income follows unless ``keep_last``, so that no drop appears.
    """
    f = h.fields
    people = len(h.living())
    settle_income(h)
    surplus = (income_of(f) or 0) - per_head * people
    if surplus < 0:
        f["business_income"] -= surplus
    else:
        surplus = _take_wages(h, surplus)
        margin = max(0, f["business_income"] - f["business_cost"])
        taken = min(surplus, margin)
        f["business_income"] -= taken
        surplus -= taken
        for key in (
            "property_income",
            "other_transfer",
            "pension_amount",
            "ecology_amount",
            "dibao_amount",
            "tekun_amount",
        ):
            taken = min(surplus, f[key])
            f[key] -= taken
            surplus -= taken
        f["dividend_income"] = min(f["dividend_income"], f["property_income"])
        f["land_lease_income"] = min(f["land_lease_income"], f["property_income"] - f["dividend_income"])
    settle_income(h)
    if not keep_last:
        f["last_income_per_head"] = f["income_per_head"] * 96 // 100


def _take_wages(h: Household, surplus: int) -> int:
    wage: int = h.fields["wage_income"]
    taken = min(surplus, wage)
    h.fields["wage_income"] = wage - taken
    for p in h.members:
        if "work_income" in p.fields and wage:
            p.fields["work_income"] = max(10000, p.fields["work_income"] * (wage - taken) // wage // 100 * 100)
    return surplus - taken


def give_aid(town: Town, p: Person, kind: str, *, months: int = 0) -> None:
    """Put one person on aid ``kind`` since some months ago, in the file and at the civil affairs office."""
    draw = town.draw
    since = town.back(months or draw.between(7, 60)) - timedelta(days=draw.between(1, 27))
    amount = draw.yuan(260, 520, 10) if kind == "1" else draw.yuan(960, 1100, 10)
    row = {"aid_kind": kind, "aid_from": since.replace(day=1), "monthly_amount": amount, "covered_count": 1}
    p.records["civil_affairs"].append(row)
    f = p.fields
    if kind == "1":
        f["dibao"] = True
        f["dibao_grade"] = draw.one(("A类", "B类", "C类"))
        for card in p.records["disability"]:
            card["living_allowance"] = True
        p.household.fields["dibao_amount"] += amount * 12
    elif kind == "2":
        f["tekun"] = True
        p.household.fields["tekun_amount"] += amount * 12
    if kind in SUPPORTED and "major_disease" in f:
        f["medical_aid"] = True


def give_dibao(town: Town, h: Household) -> None:
    """Put the whole household on 低保."""
    for p in h.living():
        if not aided(p, *SUPPORTED):
            give_aid(town, p, "1")
    drop_assets(h)
    settle_income(h)


def drop_assets(h: Household) -> None:
    """Take away assets a monitored or supported household would be asked about."""
    for p in h.members:
        p.records["asset"].clear()


def add_visit(town: Town, h: Household, day: date, kind: str = "1") -> None:
    """One visit in the visit ledger."""
    visitor = h.fields.get("helper_name") or town.names.full(town.names.surname(), "1", 40)
    note = town.draw.one(
        ("查看住房、饮水，了解收入情况。", "核对医保参保和务工情况。", "讲解帮扶政策。", "看望慰问，家庭情况稳定。")
    )
    taken = {(v["visited_on"], v["visitor"]) for v in h.records["home_visit"]}
    if (day, visitor) not in taken:
        h.records["home_visit"].append({"visit_kind": kind, "visited_on": day, "visitor": visitor, "note": note})


def visit_monthly(town: Town, h: Household, months: int = 12) -> None:
    """Monthly visits, the last one 4 to 30 days ago."""
    day = town.ago(town.draw.between(4, 30))
    for _ in range(months):
        add_visit(town, h, day)
        day -= timedelta(days=town.draw.between(24, 36))


def give_helper(town: Town, h: Household) -> None:
    """Name the official responsible for the household."""
    draw, f = town.draw, h.fields
    f["helper_name"] = town.names.full(town.names.surname(), "1" if draw.chance(0.6) else "2", 40)
    f["helper_unit"] = draw.one(_UNITS)
    f["helper_title"] = draw.one(_TITLES)
    f["helper_phone"] = town.numbers.phone()
    f["helper_political"] = "01" if draw.chance(0.7) else "13"
    f["helper_affiliation"] = "04"
    f["helper_from"] = date(town.as_of.year - draw.between(1, 4), draw.between(1, 12), draw.between(1, 28))


_OTHER_TYPES: Weighted[str] = Weighted({"100A03002": PUBLISHED.marginal, "100A03003": PUBLISHED.sudden})


def monitor(town: Town, h: Household, months: int = 0) -> None:
    """Identify the household as monitored some months ago, with risks, helper and monthly visits."""
    draw, f = town.draw, h.fields
    f["household_type"] = "100A03001" if tuopin(h) else draw.of(_OTHER_TYPES)
    f["identified_on"] = town.back(months or draw.between(9, 40)) - timedelta(days=draw.between(2, 25))
    f["risks"] = sorted({draw.of(RISKS) for _ in range(draw.between(1, 2))})
    f["no_labour_safety_net"] = not has_labour(h)
    for key in ("identify_housing_problem", "identify_dropout", "identify_water_problem", "identify_uninsured"):
        f[key] = False
    if "helper_name" not in f:
        give_helper(town, h)
    for p in h.members:
        if "major_disease" in p.fields:
            p.fields["medical_aid"] = True
    drop_assets(h)
    h.records["home_visit"].clear()
    visit_monthly(town, h)


def clear_risk(town: Town, h: Household) -> None:
    """Clear a monitored household properly: at least eight months later, above the line, everything in order."""
    draw, f = town.draw, h.fields
    f["identified_on"] = town.back(draw.between(14, 48)) - timedelta(days=draw.between(2, 25))
    latest = town.ago(20)
    earliest = add_months(f["identified_on"], 8)
    f["cleared_on"] = draw.day(earliest, max(earliest, latest))
    f["clear_mode"] = "1"
    f["clear_income_per_head"] = draw.cents(11_000, 19_000)
    f["clear_self_paid"] = draw.cents(200, 2_500)
    for key in ("clear_housing_problem", "clear_dropout", "clear_water_problem", "clear_uninsured"):
        f[key] = False
    f["contact_name"] = f["helper_name"]
    f["contact_phone"] = f["helper_phone"]
