"""The demonstration's visitors: a helper, a teacher, a doctor and an agronomist with their duties in one town."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from huqing.access.models import User
from huqing.registry.models import Household, Label, Person, Region
from huqing.teams.actions import give_duty, save_staff
from huqing.teams.models import Responsibility, Staff
from huqing.visits import tasks

LISTED = ("tuopin", "monitor", "monitor_unstable", "monitor_marginal", "monitor_sudden")
# As many as one person can look after; the teacher's is the quota of the method 四访.
HELPER_HOUSEHOLDS = 60
TEACHER_HOUSEHOLDS = 10
SCHOOL_AGE = (6, 18)
# username: (kind of staff, position, unit, name)
VISITORS = {
    "bangfu": ("1", "驻村帮扶干部", "县水利局", "陈立民"),
    "jiaoshi": ("2", "教师", "{town}中心小学", "周雅琴"),
    "yisheng": ("3", "全科医生", "{town}卫生院", "谭正安"),
    "nongji": ("4", "农技特派员", "县农业技术推广站", "向国禾"),
}


def ensure_visits(place: Region, as_of: dt.date) -> None:
    """Give the visitors of the demonstration their duties around one village, and work out what is due to whom."""
    town = place.parent or place
    since = dt.date(as_of.year, 1, 1)
    staff = {
        username: _staff(username, name, kind, position, unit.format(town=town.name), town)
        for username, (kind, position, unit, name) in VISITORS.items()
    }
    if not Responsibility.objects.filter(staff__in=staff.values()).exists():
        for household in _households(place, town)[:HELPER_HOUSEHOLDS]:
            give_duty(by=None, staff=staff["bangfu"], role="helper", household=household, since=since)
        for pupil in _pupils(town, as_of):
            give_duty(by=None, staff=staff["jiaoshi"], role="paired_teacher", person=pupil, since=since)
            if pupil.items.get("disability_type"):
                give_duty(by=None, staff=staff["jiaoshi"], role="home_teacher", person=pupil, since=since)
        give_duty(by=None, staff=staff["yisheng"], role="family_doctor", village=place, since=since)
        give_duty(by=None, staff=staff["nongji"], role="agronomist", village=place, since=since)
    tasks.refresh(place.code[:6], as_of=as_of)


def _staff(username: str, name: str, kind: str, position: str, unit: str, town: Region) -> Staff:
    user = User.objects.get(username=username)
    known = Staff.objects.filter(user=user).first()
    return known or save_staff(
        by=None,
        name=name,
        kind=kind,
        region_code=town.code,
        unit=unit,
        position=position,
        user=user,
    )


def _households(place: Region, town: Region) -> list[Household]:
    """The listed households of the village, then of the rest of the town, then the others of the village."""
    listed = Label.objects.filter(kind__in=LISTED, valid_to=None).values("household")
    rows = Household.objects.filter(status=Household.Status.ACTIVE).select_related("village").order_by("pk")
    there = rows.in_region(town.code[:9]).filter(Q(pk__in=listed) | Q(village=place))
    chosen = set(listed.filter(household__in=there).values_list("household", flat=True))
    return sorted(there, key=lambda row: (row.pk not in chosen, row.village_id != place.pk, row.pk))


def _pupils(town: Region, as_of: dt.date) -> list[Person]:
    """Pupils of listed households of the town: one household's children together, no more households than a quota."""
    youngest, oldest = (as_of.replace(year=as_of.year - years, day=1) for years in SCHOOL_AGE)
    listed = Label.objects.filter(kind__in=LISTED, valid_to=None).values("household")
    rows = Person.objects.in_region(town.code[:9]).filter(
        household__in=listed, birth_date__range=(oldest, youngest), household__status=Household.Status.ACTIVE
    )
    pupils = [person for person in rows.select_related("household").order_by("household", "pk") if _at_school(person)]
    households = list(dict.fromkeys(person.household_id for person in pupils))[:TEACHER_HOUSEHOLDS]
    return [person for person in pupils if person.household_id in households]


def _at_school(person: Person) -> bool:
    return bool(person.items.get("student_state")) and person.items.get("alive") is not False
