"""The demonstration's visit records: forms of all four kinds, filled in the phones' own engine and sent as phones send.

Nothing is written past the receiving of records: what a form reads is prefilled from the file, what is not asked in a
case is left out by the form itself, and every record lands in the file of its household. Most have been reviewed, some
wait for it, one was returned. A county's own small form shows photographs, which are drawn here.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import re
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from huqing.access.models import User
from huqing.registry.models import Household, Person
from huqing.site import demo_answers
from huqing.teams.queries import households_of
from huqing.visits import arrivals, publishing, receiving, review
from huqing.visits.conversions import form_of
from huqing.visits.enginecheck import SCRIPT, node
from huqing.visits.files import Arrival
from huqing.visits.lists import lists_for
from huqing.visits.models import FormVersion, Submission, VisitTask

SEED = 20260630
FORMS = {
    "bangfu": "four_visits_cadre",
    "jiaoshi": "four_visits_teacher",
    "yisheng": "four_visits_doctor",
    "nongji": "four_visits_agronomist",
}
MOST = {"bangfu": 60, "jiaoshi": 20, "yisheng": 60, "nongji": 60}
# Days before the demonstration's day on which each round of visits was made.
ROUNDS = {"bangfu": ((36, 58), (2, 25)), "jiaoshi": ((5, 60),), "yisheng": ((3, 70),), "nongji": ((3, 70),)}
REVIEWED = 0.7
PHOTOS = 4
PHOTO = "房屋.jpg"
ENGINES = 4
PHOTO_FORM = """| survey |
| | type | name | label | reads | writes | required |
| | select_one_from_file household.csv | household | 哪一户 | household | | yes |
| | note | head | 户主 | household.head_name | | |
| | date | visited_on | 哪一天 | | | yes |
| | image | photo | 房屋正面照片 | | | |
| | text | seen | 看到的情况 | | | yes |

| settings |
| | form_title | form_id | version |
| | 房前屋后（本县自编） | own_house | 1 |
"""
_ID = re.compile(r"<(\w+:)?instanceID>[^<]*</")
_TIME = re.compile(r"<(start|end)(?: ?/|>[^<]*</\1)>")


@dataclass
class Planned:
    """One record that is to be filled in and sent."""

    user: User
    version: FormVersion
    household: Household
    day: dt.date
    person: Person | None = None
    photo: bytes = b""
    answers: dict[str, str] = field(default_factory=dict)


def ensure_records(as_of: dt.date) -> int:
    """Fill in, send and review the visitors' records, unless there are records already; returns how many."""
    if Submission.objects.exists():
        return 0
    order = random.Random(SEED)  # noqa: S311  drawn for a demonstration
    users = {user.username: user for user in User.objects.filter(username__in=[*FORMS, "xian"])}
    planned = [one for name in FORMS for one in _visits(users[name], FORMS[name], as_of, order)]
    planned += _photographed(users, as_of, order)
    for record, xml in zip(planned, _filled(planned), strict=True):
        _send(record, xml, order)
    while arrivals.work_off():
        pass
    _backdate()
    _review(users["xian"])
    return len(planned)


def _visits(user: User, form_id: str, as_of: dt.date, order: random.Random) -> Iterable[Planned]:
    """The visits of one visitor, the earlier round first."""
    version = FormVersion.objects.filter(form__form_id=form_id).order_by("-published_at").select_related("form").first()
    if version is None:
        return
    mine = households_of(user)
    if "person" in (form_of(version).subjects or {}):
        tasks = VisitTask.objects.filter(
            visit=version.form.visit, household__in=mine.values("pk"), person__isnull=False
        )
        whom = [(task.household, task.person) for task in tasks.select_related("household", "person").order_by("pk")]
    else:
        whom = [(household, None) for household in mine.order_by("pk")]
    for first, last in ROUNDS[user.username]:
        for household, person in whom[: MOST[user.username]]:
            day = as_of - dt.timedelta(days=order.randint(first, last))
            yield Planned(user, version, household, day, person)


def _photographed(users: Mapping[str, User], as_of: dt.date, order: random.Random) -> list[Planned]:
    """A few records of the county's own form, each with a drawn photograph."""
    content = PHOTO_FORM.encode()
    version = publishing.publish_form(content=content, name="房前屋后.md", media={}, by=users["xian"])
    households = households_of(users["bangfu"]).order_by("pk")[:PHOTOS]
    return [
        Planned(users["bangfu"], version, one, as_of - dt.timedelta(days=order.randint(1, 9)), None, _drawn(order))
        for one in households
    ]


def _drawn(order: random.Random) -> bytes:
    """A house before hills, as a JPEG."""
    width, height = 960, 720
    picture = Image.new("RGB", (width, height), (190 + order.randint(0, 40), 215, 235))
    draw = ImageDraw.Draw(picture)
    for number in range(4):
        top, middle = order.randint(180, 320), number * 300 + order.randint(-60, 60)
        draw.polygon([(middle - 320, 470), (middle, top), (middle + 320, 470)], fill=(110, 140 + number * 12, 105))
    draw.rectangle((0, 460, width, height), fill=(150, 135, 100))
    left, wall = order.randint(180, 300), (225, 215 - order.randint(0, 40), 195)
    draw.rectangle((left, 330, left + 460, 600), fill=wall)
    draw.polygon([(left - 40, 335), (left + 230, 220), (left + 500, 335)], fill=(95, 75, 70))
    draw.rectangle((left + 190, 440, left + 275, 600), fill=(100, 65, 45))
    for at in (left + 50, left + 330):
        draw.rectangle((at, 410, at + 85, 485), fill=(120, 150, 170), outline=(90, 70, 60), width=6)
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=82)
    return made.getvalue()


def _filled(planned: list[Planned]) -> list[str]:
    """The records as the engine of the phones writes them; a form takes it some 30 ms, so several work side by side."""
    lists = _lists(planned)
    request = []
    for number, record in enumerate(planned):
        files = {name: table.about(record.household.pk) for name, table in lists[record.version.pk].items()}
        members = [row["id"] for row in csv.DictReader(io.StringIO(files.get("person.csv", "")))]
        people = {str(person.pk): person for person in record.household.members.all()} if members else {}
        household = [people[pk] for pk in members]
        own = random.Random(SEED + number)  # noqa: S311  as above
        form = form_of(record.version)
        record.answers = demo_answers.answers(form, record.household, household, record.person, record.day, own)
        request.append({"xml": record.version.xform, "files": files, "answers": record.answers})
    with ThreadPoolExecutor(ENGINES) as engines:
        # Every so manieth: the forms differ in length.
        parts = list(engines.map(opened, (request[start::ENGINES] for start in range(ENGINES))))
    return [parts[number % ENGINES][number // ENGINES] for number in range(len(request))]


def opened(request: list[dict[str, Any]]) -> list[str]:
    """The records that the phones' engine makes of forms, each given with its lists and answers by reference."""
    done = subprocess.run(
        [node(), str(SCRIPT)],
        input=json.dumps({"open": request}),
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={},
    )
    return list(json.loads(done.stdout)["results"])


class _Table:
    """A list of all households of a visitor, from which the rows of one are taken."""

    def __init__(self, content: bytes) -> None:
        self.head, *self.rows = csv.reader(io.StringIO(content.decode()))
        self.column = self.head.index("household") if "household" in self.head else 0 if "id" in self.head else None

    def about(self, household: int) -> str:
        """The list with one household only."""
        made = io.StringIO()
        rows = self.rows if self.column is None else [row for row in self.rows if row[self.column] == str(household)]
        csv.writer(made, lineterminator="\n").writerows([self.head, *rows])
        return made.getvalue()


def _lists(planned: list[Planned]) -> dict[int, dict[str, _Table]]:
    found: dict[int, dict[str, _Table]] = {}
    for version in {record.version.pk: record.version for record in planned}.values():
        about = {record.household.pk for record in planned if record.version.pk == version.pk}
        made = lists_for(version, Household.objects.filter(pk__in=about))
        found[version.pk] = {name: _Table(content) for name, content in made.items()}
    return found


def _send(record: Planned, xml: str, order: random.Random) -> None:
    """Send a record as a phone does, with an id and a clock of the day of the visit."""
    instance = f"uuid:{uuid.UUID(int=order.getrandbits(128), version=4)}"
    begun = dt.datetime.combine(record.day, dt.time(9 + order.randint(0, 8), order.randint(0, 59)))
    moments = {"start": begun, "end": begun + dt.timedelta(minutes=order.randint(6, 25))}
    xml = _ID.sub(lambda found: f"<{found[1] or ''}instanceID>{instance}</", xml)
    xml = _TIME.sub(lambda found: f"<{found[1]}>{moments[found[1]].isoformat()}+08:00</{found[1]}>", xml)
    files = {}
    if record.photo:
        xml = re.sub(r"<photo>[^<]*</photo>|<photo ?/>", f"<photo>{PHOTO}</photo>", xml)
        arrival = Arrival(PHOTO)
        arrival.write(record.photo)
        files[PHOTO] = arrival.finish()
    try:
        receiving.receive(
            user=record.user, xml=xml.encode(), files=files, incomplete=False, device="演示手机", agent="huqing-demo"
        )
    finally:
        for arrival in files.values():
            arrival.discard()


def _backdate() -> None:
    """The demonstration's records came in on the evening of their day."""
    rows = list(Submission.objects.only("visited_on"))
    zone = timezone.get_current_timezone()
    for row in rows:
        row.received_at = dt.datetime.combine(row.visited_on, dt.time(19, 30), zone)
        row.landed_at = row.received_at + dt.timedelta(seconds=1)
    Submission.objects.bulk_update(rows, ["received_at", "landed_at"], batch_size=200)


def _review(by: User) -> None:
    """Most records have been looked at; one came back with the reason; the newest wait."""
    rows: list[Any] = list(Submission.objects.order_by("visited_on", "pk").select_related("form"))
    for row in rows[: int(len(rows) * REVIEWED)]:
        if row.form.form_id != "own_house":
            review.accept(submission=row, by=by)
    photographed = next((row for row in rows if row.form.form_id == "own_house"), None)
    if photographed is not None:
        review.return_(submission=photographed, by=by, reason="请写明哪面墙有裂缝，再补一张近照")
