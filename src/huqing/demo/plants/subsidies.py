"""Plants for the checks on uninsured members and premium subsidies, which read the ledger of measures (IN05, IN06)."""

from __future__ import annotations

from datetime import date

from huqing.demo.adjust import Town, monitored
from huqing.demo.model import Household
from huqing.demo.plants.labour import ensure_monitored
from huqing.demo.plants.registry import plant


@plant("in05", 0.0004, monitored)
def uninsured_without_measure(town: Town, h: Household) -> Household | None:
    """Marked as having uninsured members, without the risk of illness and without a health measure."""
    if not ensure_monitored(town, h):
        return None
    h.fields["identify_uninsured"] = True
    h.fields["risks"] = [risk for risk in h.fields["risks"] if risk != "01"] or ["05"]
    h.records["measure"] = [row for row in h.records["measure"] if row["measure_group"] != "100A45"]
    return h


@plant("in06", 0.0004, monitored)
def subsidy_after_the_deadline(town: Town, h: Household) -> Household | None:
    """Recognised in the autumn of last year, with a premium subsidy of the same year."""
    if not ensure_monitored(town, h):
        return None
    year = town.as_of.year - 1
    h.fields["identified_on"] = date(year, 7, 10)
    registered = date(year, town.draw.between(8, 11), town.draw.between(1, 28))
    h.records["measure"].append(
        {
            "measure_group": "100A45",
            "measure_item": "4501",
            "registered_on": registered,
            "state": "3",
            "started_on": registered,
        }
    )
    return h
