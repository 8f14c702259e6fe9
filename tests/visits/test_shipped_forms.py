"""Each shipped form from the list a phone fetches, through the engine, into the file."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.visits.building import received, stored
from tests.visits.engine import filled

from huqing.packs.forms import Converted
from huqing.packs.shipped import shipped, shipped_keys
from huqing.registry.models import DepartmentRecord, Entry, Household, Source
from huqing.visits.conversions import form_of, target
from huqing.visits.lists import lists_for
from huqing.visits.models import FormVersion

DAY = dt.date(2024, 6, 1)
NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
ITEMS = {"water_safe": True, "house_grade": "A", "arable_area": "3.50", "wage_income": 1850050, "risks": ["01"]}
KNOWN = {f"household.{key}" for key in (*ITEMS, "address", "member_count", "head_name")}
KNOWN |= {f"person.{key}" for key in ("health", "family_doctor", "school", "name")}
TYPED = {"text": "改过的文字", "integer": "4", "decimal": "4.5", "date": "2024-05-04"}


@pytest.fixture
def family(make_household, regions, users_by_role):
    household = make_household(grid=regions.grid, members=("王建国", "李秀英", "王小明"), items=dict(ITEMS))
    household.address, household.member_count = "砚瓦村3组", 3
    household.created_by_source = Source.objects.create(
        kind="roster", title="花名册", on=dt.date(2023, 12, 31), created_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    )
    household.save()
    household.members.update(items={"health": ["01"], "family_doctor": True, "school": "朱衣小学"})
    return household


def published(key: str) -> list[FormVersion]:
    pack = shipped(key)
    kinds = {visit.form: visit.visit_kind for visit in pack.method.visits}
    return [stored(form, visit_kind=kinds.get(stem, "")) for stem, form in sorted(pack.forms.items())]


def lists(version: FormVersion, household: Household) -> dict[str, bytes]:
    return lists_for(version, Household.objects.filter(pk=household.pk))


def chosen(form: Converted, household: Household) -> dict[str, str]:
    """A visitor on the day, about the second member where one person is visited."""
    wife = household.members.get(name="李秀英")
    answers = {"/data/visited_on": DAY.isoformat()}
    if "person" in (form.subjects or {}):
        answers[form.subjects["person"]] = str(wife.pk)
    return answers


def changed(form: Converted, household: Household) -> dict[str, str]:
    """Another answer to every question that writes: the last choice, or something typed."""
    answers = chosen(form, household)
    for question in form.questions:
        _, declared = target(question.writes)
        if declared is None:
            continue
        value = question.choices[-1][0] if question.choices else TYPED[question.type]
        paths = [question.path]
        if question.repeat:
            paths = [question.path.replace(question.repeat, f"{question.repeat}[{turn}]") for turn in (1, 2, 3)]
        answers |= dict.fromkeys(paths, value)
    return answers


@pytest.mark.parametrize("key", shipped_keys())
def test_a_form_opened_and_sent_untouched_changes_nothing(key: str, family, users_by_role) -> None:
    versions = published(key)
    records = filled([(version, lists(version, family), chosen(form_of(version), family)) for version in versions])
    for version, xml in zip(versions, records, strict=True):
        submission = received(version, xml, users_by_role["grid"], today=DAY, received_at=NOW)
        assert submission.landing["refused"] == {}, version.form.title
        assert submission.landing["applied"] == submission.landing["older"] == []
        assert not submission.landing.get("cleared")
        assert submission.typed == 1, "the day is all that was written"
        asked = {one.reads for one in form_of(version).questions if one.type not in ("note", "calculate")}
        assert bool(submission.prefilled) == bool(asked & KNOWN), version.form.title
    assert not Entry.objects.exists()


@pytest.mark.parametrize("key", shipped_keys())
def test_every_answer_of_a_shipped_form_that_is_bound_lands(key: str, family, users_by_role) -> None:
    versions = published(key)
    records = filled([(version, lists(version, family), changed(form_of(version), family)) for version in versions])
    landed: set[str] = set()
    bound = any(question.writes for version in versions for question in form_of(version).questions)
    for version, xml in zip(versions, records, strict=True):
        submission = received(version, xml, users_by_role["grid"], today=DAY, received_at=NOW)
        form = form_of(version)
        assert submission.landing["refused"] == {}, version.form.title
        assert submission.landing["older"] == []
        written = {question.writes for question in form.questions if question.writes}
        done = {_field(key) for key in (*submission.landing["applied"], *submission.landing.get("same", ()))}
        landed |= done
        assert done <= written
        assert len(done) >= 0.6 * len(written), "most are asked whatever was answered before"
        assert DepartmentRecord.objects.filter(source=submission.source).count() == bool(
            version.form.visit_kind and submission.household
        )
    assert bool(landed) == bound


def _field(key: str) -> str:
    subject, _, rest = key.partition(".")
    return f"{subject}.{rest.rpartition('.')[2]}"
