"""A county with the four-visit method in use, its households, visitors and what has been visited."""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib
from pathlib import Path
from typing import Any

from django.utils import timezone

from huqing.access.models import User
from huqing.packs.shipped import shipped
from huqing.registry import snapshot
from huqing.registry.models import DepartmentRecord, Household, Label, Person, Source
from huqing.teams.actions import give_duty, save_staff
from huqing.visits.conversions import as_data
from huqing.visits.models import Form, FormVersion, Method, Submission, VisitTask
from huqing.visits.tasks import Counts, refresh

COUNTY = "500236"
DAY = dt.date(2024, 6, 1)
LONG_AGO = dt.date(2024, 1, 1)


def use(key: str = "four_visits", *, folder: Path | None = None) -> Method:
    """A method in use with its forms published."""
    method = Method.objects.create(
        key=key,
        version="1",
        title=key,
        folder=str(folder or ""),
        digest=str(folder or key),
        installed_at=timezone.now(),
    )
    if folder is None:
        pack = shipped(key)
        visits = {visit.form: visit for visit in pack.method.visits}
        for stem, converted in pack.forms.items():
            visit = visits.get(stem)
            form = Form.objects.create(
                form_id=converted.form_id,
                title=converted.title,
                method=method,
                visit=visit.key if visit else "",
                visit_kind=visit.visit_kind if visit else "",
            )
            FormVersion.objects.create(
                form=form,
                version=converted.version,
                xform=converted.xml,
                md5=hashlib.md5(converted.xml.encode()).hexdigest(),
                conversion=as_data(converted),
                published_at=timezone.now(),
            )
    return method


def listed(household: Household) -> Household:
    """A household that the rules count among the listed ones."""
    Label.objects.create(household=household, kind="tuopin", valid_from=LONG_AGO)
    return household


def said(person: Person, **items: Any) -> Person:
    """A person of whom the file says this."""
    person.items = {**person.items, **items}
    person.save()
    return person


def recorded(household: Household, on: dt.date, kind: str = "1") -> DepartmentRecord:
    """A visit in the county's own ledger, which came as a file."""
    source = Source.objects.create(
        kind="department", record_kind="home_visit", title="台账", on=on, region_code=COUNTY, created_at=timezone.now()
    )
    return DepartmentRecord.objects.create(
        kind="home_visit",
        fingerprint=f"{household.pk}-{on}",
        household=household,
        region_code=household.region_code,
        on=on,
        items={"visit_kind": kind, "visited_on": on.isoformat(), "visitor": "台账走访人"},
        source=source,
        row_number=1,
    )


def filled(form_id: str, user: User, on: dt.date, *, uuid: str = "", **about: Any) -> Submission:
    """A form that somebody has filled in; ``about`` is the household, the person, answers, state."""
    version = FormVersion.objects.select_related("form").get(form__form_id=form_id)
    household = about.get("household")
    return Submission.objects.create(
        instance_id=uuid or f"uuid:{Submission.objects.count()}",
        form=version.form,
        version=version,
        user=user,
        region_code=about.pop("region_code", household.region_code if household else user.region_code),
        visited_on=on,
        xml=zlib.compress(b"<data/>"),
        xml_hash="0" * 64,
        received_at=timezone.now(),
        **about,
    )


def refreshed(day: dt.date = DAY, region: str = COUNTY) -> Counts:
    """Tasks brought up to date from a snapshot taken now."""
    return refresh(region, as_of=day, taken=snapshot.take(region=COUNTY, as_of=day))


def made_responsible(user: User, role: str, *, since: dt.date = LONG_AGO, **goal: Any) -> None:
    """Somebody with an account answers for a village, grid, household or person."""
    staff = getattr(user, "staff", None) or save_staff(
        by=None, name=user.display_name, kind="1", region_code=user.region_code, user=user
    )
    give_duty(by=None, staff=staff, role=role, since=since, **goal)


def task(visit: str, **about: Any) -> VisitTask:
    """The one task of a visit about a household or person."""
    if "household" in about:
        about.setdefault("person", None)
    return VisitTask.objects.get(visit=visit, **about)
