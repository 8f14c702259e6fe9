"""The whole loop judged by the demo's truth: files in, people linked, rules run, planted risks found with reasons."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from huqing import demo
from huqing.demo import truth
from huqing.intake.models import Import, LinkCandidate, RowProblem
from huqing.registry.models import Entry, Household, Person
from huqing.registry.regions import load_shipped_regions
from huqing.screening import actions
from huqing.screening.models import Alert, Run
from huqing.screening.queries import explain_household, explain_village
from huqing.site import demonstration
from huqing.site.judging import judge, review_as_told
from huqing.site.telling import as_text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
AS_OF = dt.date(2026, 6, 30)


@pytest.fixture
def county(tmp_path) -> SimpleNamespace:
    """A county of 500 households, taken in and screened once."""
    demo.write(tmp_path, households=500, seed=7, as_of=AS_OF, processes=1)
    load_shipped_regions(demonstration.COUNTY, year=2023)
    run = demonstration.take_everything_in(tmp_path / "files", as_of=AS_OF, progress=lambda message, fraction: None)
    return SimpleNamespace(folder=tmp_path, run=run)


def screen_again() -> Run:
    return actions.run(by=None, region=demonstration.COUNTY, as_of=AS_OF, trigger=Run.Trigger.MANUAL)


def test_a_county_is_taken_in_and_every_planted_risk_is_found(county):
    assert set(Import.objects.values_list("state", flat=True)) == {Import.State.APPLIED}

    # Exactly the rows that cannot be right are refused, at the place the truth says.
    refused = {(row["file"], row["row"]) for row in truth.read(county.folder, "refused")}
    told = set(RowProblem.objects.filter(severity="refused").values_list("intake__file_name", "row_number"))
    assert told == refused

    # Before a clerk has looked at the doubtful links nearly everything is found already.
    first = judge(county.folder)
    assert first.recall >= 0.97, first.as_text()

    # A clerk decides the queue; then what was planted is found and little else.
    waiting = LinkCandidate.objects.filter(state=LinkCandidate.State.OPEN).count()
    accepted, rejected = review_as_told(county.folder)
    assert accepted + rejected <= waiting
    screen_again()
    score = judge(county.folder)
    assert score.recall >= 0.99, score.as_text()
    assert score.false_share <= 0.01, score.as_text()
    assert {key for key, tally in score.findings.items() if tally.expected} == set(
        truth.summary(county.folder)["planted"]
    )

    # "With the right reason": the explanation of a found alert decides the same and shows the values it rests on.
    for alert in Alert.objects.filter(state=Alert.State.OPEN).select_related("household").order_by("pk")[:40]:
        if alert.household is None:
            continue
        told = explain_household(alert.household, as_of=AS_OF, finding=alert.finding)
        mine = [d for d in told.decisions if d.person_id == alert.person_id]
        if alert.finding not in {"id03", "id10"}:  # these need other households' rows
            assert [d.state for d in mine] == ["found"], alert.finding
            assert mine[0].tree.inputs
            assert mine[0].title in as_text(told, alert.household)

    villages = Alert.objects.filter(state=Alert.State.OPEN, household=None).select_related("village")
    assert {alert.finding for alert in villages} == {"vl01", "vl02", "vl03", "vl04"}
    for alert in villages:
        (decision,) = explain_village(alert.village, as_of=AS_OF, finding=alert.finding).decisions
        assert decision.state == "found", alert.finding

    # The same files again change nothing.
    before = (Household.objects.count(), Person.objects.count(), Entry.objects.count())
    run = demonstration.take_everything_in(
        county.folder / "files", as_of=AS_OF, progress=lambda message, fraction: None
    )
    assert (Household.objects.count(), Person.objects.count(), Entry.objects.count()) == before
    assert (run.counts["opened"], run.counts["closed"]) == (0, 0)
