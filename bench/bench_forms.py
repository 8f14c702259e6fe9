"""Forms, from the workbook to the file: ``python bench/bench_forms.py``.

Converts every accepted form of pyxform's own tests and every shipped one in the helper process, as publishing does,
loads each in the engine, makes the lists of a phone with 300 households, and lands filled household questionnaires.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings_test")
FIXTURES = ROOT / "tests" / "fixtures" / "xlsforms"
LIMIT_CONVERSION, LIMIT_LISTS = 0.4, 0.5
HOUSEHOLDS = 300
MEMBERS = 4


def main() -> None:
    os.environ["HUQING_DATA"] = tempfile.mkdtemp(prefix="huqing-bench-")
    import django

    django.setup()
    from django.test.utils import setup_databases, teardown_databases

    from machine import save

    results = conversions()
    databases = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        results += landing()
    finally:
        teardown_databases(databases, verbosity=0)
    save("forms", "Forms converted, checked, listed and landed", results)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def forms() -> Iterable[tuple[str, bytes]]:
    """Names and contents of all forms pyxform accepts, and of the shipped ones."""
    with (FIXTURES / "expected.csv").open(encoding="utf-8") as opened:
        for told in csv.DictReader(opened):
            if told["ok"] == "True":
                yield told["file"], (FIXTURES / "pyxform" / told["file"]).read_bytes()
    for line in (FIXTURES / "md_cases_dev.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["oracle_4_5_0"]["ok"]:
            yield f"{case['id']}.md", case["md"].encode()
    for path in sorted((ROOT / "src" / "huqing" / "methods").glob("*/forms/*.md")):
        yield path.name, path.read_bytes()


def conversions() -> list[dict[str, Any]]:
    from huqing.packs.forms import Converted
    from huqing.packs.shipped import shipped, shipped_keys
    from huqing.rules.library import library
    from huqing.visits.converting import convert_form
    from huqing.visits.enginecheck import check_in_engine
    from machine import row

    own = {key: item for name in shipped_keys() for key, item in shipped(name).parameters.items()}
    parameters = {**library().parameters, **own}
    first, _ = timed(lambda: convert_form(b"| survey |", "empty.md", parameters))
    seconds: dict[str, float] = {}
    made: list[Converted] = []
    for name, content in forms():
        seconds[name], conversion = timed(lambda content=content, name=name: convert_form(content, name, parameters))
        if conversion.form is None:
            raise SystemExit(f"not accepted: {name} {conversion.problems}")
        made.append(conversion.form)
    slowest = max(seconds, key=seconds.__getitem__)
    checks = [timed(lambda form=form: check_in_engine([(form, "f", {})]))[0] for form in made[-14:]]
    together, _ = timed(lambda: check_in_engine([(form, "f", {}) for form in made]))
    return [
        row("accepted forms converted in the helper process", len(seconds), "forms"),
        row("conversion of one, median", statistics.median(seconds.values()), "s", LIMIT_CONVERSION),
        row(f"conversion of the slowest ({slowest})", seconds[slowest], "s", LIMIT_CONVERSION),
        row("starting the helper process, once", first, "s"),
        row(
            "one shipped form loaded and used in the engine, with starting Node, median", statistics.median(checks), "s"
        ),
        row("all forms loaded and used in the engine in one process", together, "s"),
    ]


def landing() -> list[dict[str, Any]]:
    from django.db import connection
    from tests.visits.building import stored
    from tests.visits.engine import filled

    from huqing.access.models import Role, User
    from huqing.packs.shipped import shipped
    from huqing.registry.models import Household, Membership, Person, Region
    from huqing.visits import flow
    from huqing.visits.landing import facts, parse
    from huqing.visits.lists import lists_for
    from huqing.visits.models import Submission
    from machine import row

    now = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
    county = Region.objects.create(code="500236000000", name="奉节县", level=3)
    town = Region.objects.create(code="500236101000", name="朱衣镇", level=4, parent=county)
    village = Region.objects.create(code="500236101201", name="砚瓦村", level=5, parent=town)
    user = User.objects.create(username="u", display_name="干部", role=Role.VILLAGE, region_code=village.code)
    for number in range(HOUSEHOLDS):
        items = {"water_safe": True, "arable_area": "3.50", "wage_income": 1850050}
        home = Household.objects.create(
            number=f"H{number}", village=village, region_code=village.code, head_name="王", items=items, updated_at=now
        )
        for member in range(MEMBERS):
            person = Person.objects.create(
                name=f"王{member}",
                household=home,
                relation="03",
                region_code=village.code,
                items={"health": ["01"]},
                updated_at=now,
            )
            Membership.objects.create(person=person, household=home, relation="03", joined_on=now.date())
    versions = {stem: stored(form) for stem, form in shipped("linked_visits").forms.items()}
    version = versions["household"]
    everybody = Household.objects.all()
    listing, lists = timed(lambda: lists_for(version, everybody))
    one = lists_for(version, everybody.filter(pk=everybody.order_by("pk")[0].pk))
    answers = {"/data/visited_on": "2024-06-01", "/data/house/house_area": "88"}
    [xml] = filled([(version, one, answers)])
    text = xml.decode()
    first = everybody.order_by("pk")[0]
    members = [str(pk) for pk in first.members.order_by("pk").values_list("pk", flat=True)]
    reading: list[float] = []
    seconds: list[float] = []
    for number, home in enumerate(everybody.order_by("pk")):
        mine = text.replace(f"<household>{first.pk}<", f"<household>{home.pk}<").replace("uuid:", f"uuid:{number}-")
        for old, new in zip(members, home.members.order_by("pk").values_list("pk", flat=True), strict=True):
            mine = mine.replace(f"<members_person>{old}<", f"<members_person>{new}<")
        record = mine.replace("<water_safe>yes", "<water_safe>no").encode()
        took, told = timed(lambda record=record: facts(version, parse(record, version), today=now.date()))
        reading.append(took)
        submission = Submission.objects.create(
            instance_id=str(number),
            form=version.form,
            version=version,
            user=user,
            xml=zlib.compress(record),
            xml_hash="",
            received_at=now,
            **told,
        )
        took, _ = timed(lambda submission=submission: flow.received(submission))
        seconds.append(took)
        if "household.water_safe" not in submission.landing["applied"]:
            raise SystemExit(f"not landed: {submission.landing}")
    size = sum(len(content) for content in lists.values()) / 1024
    return [
        row(f"lists of a form for {HOUSEHOLDS} households, {HOUSEHOLDS * MEMBERS} people", listing, "s", LIMIT_LISTS),
        row("their size", size, "KB"),
        row(
            f"one household questionnaire ({len(xml) / 1024:.1f} KB) read, described and counted, median",
            1000 * statistics.median(reading),
            "ms",
        ),
        row(
            f"landing it, with checking the household again ({connection.vendor}), median",
            1000 * statistics.median(seconds),
            "ms",
        ),
    ]


if __name__ == "__main__":
    main()
