"""The list of those who are paid a residents' pension: worked out from the files as they stand, drawing nothing.

The rest of a county of one seed stays the same to the byte for that.
"""

from __future__ import annotations

from datetime import date

from huqing.demo.model import Fields, Person, add_months, age_on

PAID_FROM = 60
RESIDENTS, PAID = "1", "3"
# A file that has a month's pension for the year's (a plant) says nothing of the month.
LEAST_MONTHLY = 10_000
# By the end of 2012 the residents' pension had reached every county; nobody's begins earlier here.
EARLIEST = date(2012, 7, 1)


def pension(p: Person, as_of: date) -> Fields | None:
    """The year's row of somebody who is paid, None for everybody else.

    A household's pensions are shared out evenly, in whole yuan a month.
    """
    begins = _first_month(p)
    if p.moved or not p.alive or p.records["death"] or begins > as_of or not p.fields.get("resident_pension"):
        return None
    row: Fields = {"year": as_of.year, "pension_kind": RESIDENTS, "pension_state": PAID, "pension_from": begins}
    old = sum(1 for q in p.household.living() if age_on(q.fields["birth_date"], as_of) >= PAID_FROM)
    monthly = p.household.fields.get("pension_amount", 0) // old // 1200 * 100
    if monthly >= LEAST_MONTHLY:
        row["pension_monthly"] = monthly
    return row


def _first_month(p: Person) -> date:
    """The month after the sixtieth birthday, when payment begins."""
    return max(EARLIEST, add_months(p.fields["birth_date"].replace(day=1), PAID_FROM * 12 + 1))
