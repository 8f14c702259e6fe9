"""A file taken in by one call while a worker takes the queued import over."""

from __future__ import annotations

from datetime import date

import pytest

from huqing.intake import taking
from huqing.intake.applying import apply_now
from huqing.intake.errors import WrongState
from huqing.intake.models import Import
from huqing.registry.models import Household

JUNE = date(2024, 6, 30)


@pytest.fixture
def take_while(write, take, rows, monkeypatch):
    """A function that takes a roster in while ``other`` happens right before it is written."""

    def take_while(other) -> list[Import]:
        def late(intake, **given):
            other(Import.objects.get(pk=intake.pk))
            return apply_now(intake, **given)

        monkeypatch.setattr(taking, "apply_now", late)
        path = write([rows.household()], name="户信息表.csv")
        return taking.take_in(path, kind="household", by=None, data_date=JUNE, region="500236")

    return take_while


def test_an_import_that_a_worker_has_written_meanwhile_is_done(take_while):
    (done,) = take_while(lambda intake: apply_now(intake, by=None))
    assert done.state == Import.State.APPLIED
    assert done.counts["added"] == 1
    assert Household.objects.count() == 1


def test_an_import_that_somebody_took_back_meanwhile_is_reported(take_while):
    def take_back(intake: Import) -> None:
        Import.objects.filter(pk=intake.pk).update(state=Import.State.CHECKED)

    with pytest.raises(WrongState):
        take_while(take_back)
    assert not Household.objects.exists()
