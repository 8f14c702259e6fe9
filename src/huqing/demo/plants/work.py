"""Plants for the checks on work away and public-welfare posts (ID10, LB07, WK)."""

from __future__ import annotations

from huqing.demo.adjust import Town, drop_assets, give_aid, settle_income, supported
from huqing.demo.jobs import earlier_job, month_before, present_job
from huqing.demo.model import Fields, Household, Person, age_on
from huqing.demo.plants.checks import _students
from huqing.demo.plants.labour import idle, of_age
from huqing.demo.plants.registry import plant


def workers(town: Town, h: Household, low: int = 18, high: int = 59) -> list[Person]:
    """Living members between two ages whom the file has at work."""
    return [
        p
        for p in h.living()
        if p.fields.get("work_months", 0) >= 1 and low <= age_on(p.fields["birth_date"], town.as_of) <= high
    ]


def _one(town: Town, people: list[Person]) -> Person | None:
    return town.draw.one(people) if people else None


def _newest(town: Town, h: Household) -> tuple[Person, Fields] | None:
    """A worker and the present span on the monthly record, which is made where it is not there."""
    p = _one(town, workers(town, h, 23))
    if p is None:
        return None
    rows = [row for row in p.records["work"] if row.get("away_now")]
    if not rows:
        rows = [present_job(p) | {"checked_on": town.ago(9)}]
        p.records["work"].append(rows[0])
    return p, rows[0]


@plant("id10_workplaces", 0.0005)
def one_phone_in_two_places(town: Town, h: Household) -> Household | None:
    """Two members who work in different counties gave one phone."""
    people = [p for p in workers(town, h) if p is not h.head]
    first = next(iter(people), None)
    other = next((p for p in people if first and p.fields["work_county"] != first.fields["work_county"]), None)
    if first is None or other is None:
        return None
    other.fields["phone"] = first.fields["phone"]
    return h


@plant("lb07", 0.0006)
def working_without_labour(town: Town, h: Household) -> Person | None:
    """One of several workers is entered as without labour."""
    people = workers(town, h)
    if len(people) < 2:
        return None
    p = town.draw.one(people)
    p.fields["labour"] = "04"
    return p


@plant("wk01", 0.001)
def work_half_filled_in(town: Town, h: Household) -> Person | None:
    """One of the entries on somebody's work is empty."""
    p = _one(town, workers(town, h))
    if p is not None:
        del p.fields[town.draw.one(("work_county", "employer", "industry", "employ_channel", "point_to_point"))]
    return p


@plant("wk01_record", 0.0008)
def record_half_filled_in(town: Town, h: Household) -> Person | None:
    """The present span on the monthly record lacks an entry."""
    found = _newest(town, h)
    if found is None:
        return None
    p, row = found
    row.pop(town.draw.one(("job_county", "job_employer", "job_industry", "job_channel")), None)
    return p


@plant("wk02", 0.0008)
def overlapping_spans(town: Town, h: Household) -> Person | None:
    """The span before ends some months after the present one began."""
    found = _newest(town, h)
    if found is None:
        return None
    p, row = found
    before = earlier_job(town, row)
    month = int(row["job_from"][5:]) + 2
    late = f"{int(row['job_from'][:4]) + (month > 12)}-{(month - 1) % 12 + 1:02d}"
    p.records["work"] = [before | {"job_to": late, "checked_on": town.ago(12)}, row]
    return p


@plant("wk03", 0.0006)
def end_of_work_ahead(town: Town, h: Household) -> Person | None:
    """The file gives an end of work some months ahead."""
    p = _one(town, workers(town, h))
    if p is not None:
        p.fields["work_to"] = month_before(town, -town.draw.between(2, 8))
    return p


@plant("wk03_record", 0.0008)
def back_without_an_end(town: Town, h: Household) -> Person | None:
    """The monthly record says that somebody is back, not since when."""
    found = _newest(town, h)
    if found is None:
        return None
    p, row = found
    row["away_now"] = False
    return p


def _before_sixteen(p: Person) -> str:
    birth = p.fields["birth_date"]
    return f"{birth.year + 15:04d}-{birth.month:02d}"


@plant("wk04", 0.0005)
def work_before_sixteen(town: Town, h: Household) -> Person | None:
    """By the file work began at fifteen."""
    p = _one(town, workers(town, h, 18, 35))
    if p is not None:
        p.fields["work_from"] = _before_sixteen(p)
    return p


@plant("wk04_record", 0.0004)
def span_before_sixteen(town: Town, h: Household) -> Person | None:
    """The monthly record has a span at fifteen."""
    p = _one(town, workers(town, h, 18, 35))
    if p is None:
        return None
    first = _before_sixteen(p)
    over = f"{int(first[:4])}-12" if first[5:] != "12" else f"{int(first[:4]) + 1}-02"
    row = present_job(p) | {"job_from": first, "job_to": over, "away_now": False, "checked_on": town.ago(11)}
    p.records["work"].append(row)
    return p


@plant("wk05", 0.0006)
def pay_out_of_range(town: Town, h: Household) -> Person | None:
    """A monthly income of some dozen yuan, or of more than 30,000."""
    p = _one(town, workers(town, h))
    if p is not None:
        p.fields["work_income"] = town.draw.yuan(40, 90) if town.draw.chance(0.5) else town.draw.yuan(31_000, 60_000)
    return p


@plant("wk05_low", 0.0006)
def pay_very_low(town: Town, h: Household) -> Person | None:
    """A monthly income of some hundred yuan."""
    p = _one(town, workers(town, h))
    if p is not None:
        p.fields["work_income"] = town.draw.yuan(150, 380, 10)
    return p


@plant("wk05_record", 0.0006)
def recorded_pay_out_of_range(town: Town, h: Household) -> Person | None:
    """The monthly record has a day's pay, or a year's, for a month's."""
    found = _newest(town, h)
    if found is None:
        return None
    p, row = found
    row["job_income"] = town.draw.yuan(50, 95) if town.draw.chance(0.5) else town.draw.yuan(36_000, 80_000, 100)
    return p


@plant("wk06", 0.001)
def worker_without_mobile(town: Town, h: Household) -> Person | None:
    """A worker without a phone, or with one that lacks a digit."""
    p = _one(town, [q for q in workers(town, h) if q is not h.head])
    if p is None:
        return None
    if town.draw.chance(0.7):
        del p.fields["phone"]
    else:
        p.fields["phone"] = p.fields["phone"][:10]
    return p


@plant("wk07", 0.0006)
def post_far_away(town: Town, h: Household) -> Person | None:
    """Somebody works outside the county on a post or in a workshop that exists only at home."""
    p = _one(town, [q for q in workers(town, h) if q.fields["work_region"] in ("03", "04")])
    if p is not None:
        p.fields["employ_channel"] = town.draw.one(("L06", "L07"))
    return p


@plant("wk07_record", 0.0006)
def recorded_post_far_away(town: Town, h: Household) -> Person | None:
    """The same on the monthly record."""
    found = _newest(town, h)
    if found is None:
        return None
    p, row = found
    row.update(job_region="04", job_channel=town.draw.one(("L06", "L07")))
    return p


@plant("wk08", 0.0005)
def pupil_at_work(town: Town, h: Household) -> Person | None:
    """A pupil of middle or high school with a job in the file."""
    people = [p for p in _students(town, h, 12, 18) if "L04" <= p.fields["student_state"] <= "L09"]
    p = _one(town, people)
    if p is not None:
        town.lives.put_to_work(p.fields, h.village)
    return p


@plant("wk09", 0.0004)
def destitute_at_work(town: Town, h: Household) -> Person | None:
    """Somebody supported as destitute has a job in the file."""
    p = _one(town, [q for q in workers(town, h) if not q.moved])
    if p is None or supported(h):
        return None
    give_aid(town, p, "2")
    drop_assets(h)
    settle_income(h)
    return p


@plant("wk09_able", 0.0004)
def destitute_but_fit(town: Town, h: Household) -> Person | None:
    """A healthy adult of working age is supported as destitute."""
    p = _one(town, [q for q in idle(town, h) if not q.moved])
    if p is None or supported(h):
        return None
    give_aid(town, p, "2")
    drop_assets(h)
    settle_income(h)
    return p


@plant("wk10_age", 0.0005)
def too_old_for_a_post(town: Town, h: Household) -> Person | None:
    """A public-welfare post at over 70."""
    p = _one(town, of_age(town, h, 71, 85))
    if p is not None:
        p.fields.update(public_post="L01", public_post_months=town.draw.between(3, 12))
    return p


@plant("wk10_labour", 0.0004)
def post_without_labour(town: Town, h: Household) -> Person | None:
    """A public-welfare post held by somebody entered as without labour."""
    people = [p for p in of_age(town, h, 18, 90) if p.fields["labour"] in ("03", "04")]
    p = _one(town, people)
    if p is not None:
        p.fields.update(public_post="L04", public_post_months=town.draw.between(3, 12))
    return p


@plant("wk10_months", 0.0006)
def post_without_months(town: Town, h: Household) -> Person | None:
    """A post without months, or months without a post."""
    p = _one(town, [q for q in idle(town, h) if "plans_work" not in q.fields])
    if p is not None:
        if town.draw.chance(0.5):
            p.fields["public_post"] = "L02"
        else:
            p.fields["public_post_months"] = town.draw.between(2, 12)
    return p


@plant("wk10_posts", 0.0004)
def three_posts_at_once(town: Town, h: Household) -> Person | None:
    """One person holds three public-welfare posts by the monthly record."""
    p = _one(town, [q for q in of_age(town, h, 25, 59) if q.fields["labour"] in ("01", "02") and not q.moved])
    if p is None:
        return None
    for place, months in enumerate((3, 5, 8)):
        p.records["work"].append(
            {
                "checked_on": town.ago(town.draw.between(3, 25)),
                "away_now": True,
                "job_region": "01",
                "job_province": "重庆市",
                "job_city": "重庆市",
                "job_county": "奉节县",
                "job_from": month_before(town, months),
                "job_income": town.draw.yuan(500, 900, 50),
                "job_employer": f"{h.village.name}{('护林队', '保洁队', '护路队')[place]}",
                "job_industry": "公共管理",
                "job_channel": "L06",
                "job_point_to_point": False,
            }
        )
    return p


@plant("wk11", 0.0008)
def plan_without_need(town: Town, h: Household) -> Person | None:
    """Somebody plans to work away, and nobody asked what would help."""
    p = _one(town, idle(town, h))
    if p is not None:
        p.fields["plans_work"] = True
        p.fields.pop("work_need", None)
    return p


@plant("wk12", 0.0008)
def long_away(town: Town, h: Household) -> Person | None:
    """At one place of work for three to six years."""
    p = _one(town, workers(town, h, 28))
    if p is not None:
        p.fields["work_from"] = month_before(town, town.draw.between(30, 70))
    return p
