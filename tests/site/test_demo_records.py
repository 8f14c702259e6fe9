"""The demonstration's visit records: filled in by the phones' engine, landed as those of phones, some reviewed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from tests.visits.calendar_world import use

from huqing.access.instance import mark_demo
from huqing.registry.models import DepartmentRecord, Household, Label, Person
from huqing.screening.models import Run
from huqing.site import demo_records, demo_visits, demonstration
from huqing.visits.models import Attachment, RecheckDue, Submission

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 6, 30)
KINDS = {"1": "four_visits_cadre", "2": "four_visits_teacher", "3": "four_visits_doctor", "4": "four_visits_agronomist"}


@pytest.fixture
def records(regions, make_household, settings, tmp_path, monkeypatch):
    """Two listed households of a village, one with a pupil who is ill, visited by everybody."""
    settings.DATA = tmp_path
    settings.HUQING_LAND_AT_ONCE = False
    mark_demo(tmp_path, day=TODAY)
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    for household in (make_household(members=("张三", "张小")), make_household(members=("李四",))):
        Label.objects.create(household=household, kind="tuopin", valid_from=dt.date(2020, 1, 1))
    pupil = Person.objects.get(name="张小")
    pupil.birth_date, pupil.items = dt.date(2016, 5, 5), {"student_state": "L03", "health": ["02"]}
    pupil.save()
    Run.objects.create(
        state="done", trigger="manual", as_of=TODAY, region_code="500236", rules_version="v", snapshot="none",
        started_at=timezone.now(),
    )  # fmt: skip
    use("four_visits")
    demonstration.ensure_accounts()
    demo_visits.ensure_visits(regions.village, TODAY)
    demo_records.ensure_records(TODAY)
    return Submission.objects.order_by("pk")


def test_every_kind_of_visit_is_recorded_as_a_phone_would_lands_and_is_reviewed_in_part(records):
    for kind, form in KINDS.items():
        assert records.filter(form__form_id=form, form__visit_kind=kind).exists(), form
    assert not records.filter(landed_at=None).exists()
    assert not [record.landing for record in records if record.landing["refused"]]
    assert set(DepartmentRecord.objects.values_list("kind", flat=True)) == {"home_visit"}
    assert set(records.values_list("state", flat=True)) == {"received", "accepted", "returned"}
    returned = records.get(state="returned")
    assert "近照" in returned.return_reason
    assert all(record.received_at.date() == record.visited_on <= TODAY for record in records)
    assert set(RecheckDue.objects.values_list("household", flat=True)) == set(
        Household.objects.values_list("pk", flat=True)
    )
    cadre = records.filter(form__form_id="four_visits_cadre", household__head_name="张三").first()
    absent = {turn["/data/members/absent"] for turn in cadre.answers["/data/members"]}
    assert absent == {"na", "yes"}
    assert cadre.prefilled > 0
    assert cadre.phone_times["start"].startswith(cadre.visited_on.isoformat())
    assert {file.kind for file in Attachment.objects.all()} == {"image/jpeg"}
    assert not Attachment.objects.filter(sha256="").exists()
    # Building the demonstration again doubles no record.
    before = records.count()
    assert demo_records.ensure_records(TODAY) == 0
    assert records.count() == before
