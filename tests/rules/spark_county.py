"""A county of three households in a fresh installation, made by a program of its own: ``python spark_county.py``."""

from __future__ import annotations

import datetime as dt

import django

NOW = dt.datetime(2026, 6, 1, 9, 0, tzinfo=dt.UTC)
INCOME = {
    "wage_income": 300_000,
    "business_income": 0,
    "property_income": 0,
    "transfer_income": 100_000,
    "business_cost": 0,
    "household_type": "L06",
}


def make() -> None:
    """Two poor households and a well-off one."""
    from huqing.registry.models import Household, Membership, Person, Region

    county = Region.objects.create(code="500236000000", name="奉节县", level=Region.Level.COUNTY)
    town = Region.objects.create(code="500236101000", name="朱衣镇", level=Region.Level.TOWN, parent=county)
    village = Region.objects.create(code="500236101201", name="砚瓦村", level=Region.Level.VILLAGE, parent=town)
    for number, wages in enumerate((300_000, 310_000, 9_000_000), 1):
        household = Household.objects.create(
            number=f"T{number}",
            village=village,
            region_code=village.code,
            head_name="张三",
            member_count=1,
            items=INCOME | {"wage_income": wages},
            updated_at=NOW,
        )
        person = Person.objects.create(
            name="张三", household=household, relation="01", region_code=village.code, updated_at=NOW
        )
        Membership.objects.create(person=person, household=household, relation="01", joined_on=dt.date(2020, 1, 1))


def waive() -> None:
    """A county clerk finds one alert in order."""
    from huqing.access.models import Role, User
    from huqing.screening.actions import waive as put_to_rest
    from huqing.screening.models import Alert

    clerk = User.objects.create(username="clerk", display_name="李四", role=Role.COUNTY, region_code="500236")
    alert = Alert.objects.filter(finding="income_below_line").earliest("household_id")
    put_to_rest(alert=alert, by=clerk, reason="已入户核实，收入登记有误")


def show() -> None:
    """Every alert as finding, household, state and digest."""
    from huqing.screening.models import Alert, Run

    for alert in Alert.objects.order_by("finding", "household_id"):
        print(alert.finding, alert.household_id, alert.state, alert.evidence_hash)
    print("engine", Run.objects.latest("pk").counts["engine"])


if __name__ == "__main__":
    import sys

    django.setup()
    {"make": make, "waive": waive, "show": show}[sys.argv[1]]()
