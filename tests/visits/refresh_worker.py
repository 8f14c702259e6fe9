"""Run by ``test_refresh_at_once``: an installation of its own in which refreshes and visits meet and one is killed.

Prints what it saw as one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from tests.visits import calendar_world as world  # noqa: E402

from huqing.access.models import User  # noqa: E402
from huqing.registry import snapshot  # noqa: E402
from huqing.registry.models import Household, Membership, Person, Region  # noqa: E402
from huqing.visits import refreshing  # noqa: E402
from huqing.visits.models import Submission, VisitTask  # noqa: E402
from huqing.visits.tasks import refresh, visited  # noqa: E402

EACH = 30
TOWNS = ("500236101", "500236102", "500236103")


def build() -> None:
    call_command("migrate", verbosity=0)
    county = Region.objects.create(code="500236000000", name="奉节县", level=3)
    for town in TOWNS:
        place = Region.objects.create(code=f"{town}000", name=f"镇{town[-1]}", level=4, parent=county)
        village = Region.objects.create(code=f"{town}201", name=f"村{town[-1]}", level=5, parent=place)
        for number in range(EACH):
            household = Household.objects.create(
                number=f"{town}{number}", village=village, region_code=village.code, head_name="张三", member_count=1,
                updated_at=timezone.now(),
            )  # fmt: skip
            person = Person.objects.create(
                name="张三", household=household, relation="01", region_code=village.code, updated_at=timezone.now()
            )
            Membership.objects.create(person=person, household=household, relation="01", joined_on=world.LONG_AGO)
            world.listed(household)
    User.objects.create(username="cun", display_name="村", role="county", region_code="500236")
    world.use()
    snapshot.take(region=world.COUNTY, as_of=world.DAY)


def taken():
    (folder,) = (snapshot.root() / world.COUNTY).glob("2024-*")
    return folder


def run() -> None:
    print(refresh(world.COUNTY, as_of=world.DAY, taken=taken()).due)


def visit() -> None:
    """A visit to every household, one after the other, while refreshes are under way."""
    user = User.objects.get()
    for household in Household.objects.order_by("pk"):
        record = world.filled("four_visits_cadre", user, world.DAY, uuid=f"uuid:{household.pk}", household=household)
        visited(record)


def die() -> None:
    """A refresh that is killed after it has written the second town and before that is committed."""
    write = refreshing._Town._write

    def killed(town, writer):
        counts = write(town, writer)
        if town.town == TOWNS[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return counts

    refreshing._Town._write = killed
    run()


def started(step: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-W", "ignore", __file__, step], stdout=subprocess.PIPE, text=True)


def state() -> dict[str, int]:
    return {town: VisitTask.objects.filter(region_code__startswith=town).count() for town in TOWNS}


def story() -> None:
    build()
    told: dict[str, object] = {}
    died = started("die")
    died.communicate(timeout=120)
    told["died"], told["left"] = died.returncode, state()
    both = [started("run"), started("run"), started("visit")]
    told["ended"] = [(process.communicate(timeout=120), process.returncode)[1] for process in both]
    told["after"] = state()
    told["visits"] = Submission.objects.count()
    told["settled"] = VisitTask.objects.filter(visit="cadre", last_on=world.DAY).count()
    last = refresh(world.COUNTY, as_of=world.DAY, taken=taken())
    told["again"] = [last.begun, last.changed, last.ended, last.same]
    told["settled_again"] = VisitTask.objects.filter(visit="cadre", last_on=world.DAY).count()
    print(json.dumps(told))


if __name__ == "__main__":
    {"run": run, "visit": visit, "die": die, "story": story}[sys.argv[1]]()
