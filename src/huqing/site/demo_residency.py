"""The demonstration's resident teams at work: two months of the calendar, leave, care, problems, draws, an assessment.

What a person does is done by the demonstration's accounts through the same actions as a county's own; only the many
days of the calendar are written at once.
"""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError

from huqing.access.models import User
from huqing.demo.draw import Draw
from huqing.packs.shipped import shipped
from huqing.registry.models import Region
from huqing.teams import absences, allowances, assessments, inspections, presence, provisions, rota, team_notes
from huqing.teams.models import PresenceDay, Provision, Responsibility, Staff, TeamNote
from huqing.teams.residency_queries import last_of

SEED = 7
K = TeamNote.Kind
ONE_DAY = dt.timedelta(days=1)
INSPECTORS, PER_TOWN = 40, 1
DIARY = ("和村干部一起看了后山的排洪沟，有两处要清。", "走了三户，老人的药都领到了。", "晚上开院坝会，说了水费的事。")


def ensure_residency(place: Region, as_of: dt.date) -> None:
    """Make the demonstration's residency records, unless there are some; ``place`` is the accounts' village."""
    if PresenceDay.objects.exists():
        return
    accounts = {one.username: one for one in User.objects.filter(username__in=("xian", "zhen", "cun", "zhudui"))}
    lines = list(Responsibility.objects.filter(role=presence.RESIDENT).exclude(village=None).order_by("pk"))
    if not lines or len(accounts) < 4:
        return
    month = as_of.replace(day=1)
    before = (month - ONE_DAY).replace(day=1)
    own = Staff.objects.filter(user=accounts["zhudui"]).first()
    _calendar(lines, before, as_of, own)
    _provisions(lines, as_of)
    if own is not None:
        _own_month(own, accounts, before, month, as_of)
    rota.take_turns(village=place.code, first=as_of, last=max(last_of(month), as_of), by=accounts["cun"])
    allowances.compute(region=place.code[:6], month=before, by=None)
    _draws(accounts["xian"], as_of)
    _assessment(accounts, before)


def _calendar(lines: list[Responsibility], before: dt.date, as_of: dt.date, own: Staff | None) -> None:
    """Last month confirmed, this month confirmed but for the last week, which waits."""
    draw = Draw(SEED)
    rows = []
    for line in lines:
        away = draw.between(4, 11)
        for day in presence.days_between(before, as_of - ONE_DAY):
            if own is not None and line.staff_id == own.pk and day < before + 3 * ONE_DAY:
                continue
            here = not draw.chance(away / 30)
            state = (
                PresenceDay.State.CONFIRMED
                if (as_of - day).days > 7 or day < as_of.replace(day=1)
                else PresenceDay.State.DECLARED
            )
            kind = presence.HERE if here else presence.OUTING
            rows.append(
                PresenceDay(staff_id=line.staff_id, region_code=line.region_code, day=day, kind=kind, state=state)
            )
    PresenceDay.objects.bulk_create(rows, batch_size=2000)


def _provisions(lines: list[Responsibility], as_of: dt.date) -> None:
    """Most have their check-up and insurance; every fifth has none, so that the list of gaps has something to show."""
    done = as_of.replace(day=1) - 20 * ONE_DAY
    rows = []
    for number, line in enumerate(lines):
        if number % 5 == 0 or done.year != as_of.year:
            continue
        rows.append(_provision(line, Provision.Kind.CHECKUP, done, None, "县人民医院"))
        rows.append(_provision(line, Provision.Kind.INSURANCE, done, done + 364 * ONE_DAY, "县人保公司"))
    Provision.objects.bulk_create(rows, batch_size=2000)


def _provision(line: Responsibility, kind: str, on: dt.date, until: dt.date | None, who: str) -> Provision:
    return Provision(
        staff_id=line.staff_id,
        region_code=line.region_code,
        year=on.year,
        kind=kind,
        done_on=on,
        until=until,
        provider=who,
    )


def _own_month(own: Staff, accounts: dict[str, User], before: dt.date, month: dt.date, as_of: dt.date) -> None:
    """The member with an account: a trip last month, leave that waits, a diary, a problem, a care visit."""
    zhudui, cun, zhen = accounts["zhudui"], accounts["cun"], accounts["zhen"]
    trip = absences.ask(
        staff=own, kind="42", first=before, last=before + 2 * ONE_DAY, reason="县里防返贫业务培训", by=zhudui
    )
    absences.decide(absence=trip, approve=True, by=zhen)
    first = as_of + 2 * ONE_DAY
    absences.ask(staff=own, kind="31", first=first, last=first + 4 * ONE_DAY, reason="家里老人住院", by=zhudui)
    absences.ask(
        staff=own, kind="21", first=as_of + 9 * ONE_DAY, last=as_of + 9 * ONE_DAY, reason="到县里送材料", by=zhudui
    )
    for number, text in enumerate(DIARY):
        team_notes.note(staff=own, kind=K.DIARY, on=before + (5 + 8 * number) * ONE_DAY, text=text, by=zhudui)
    problem = team_notes.note(staff=own, kind=K.PROBLEM, on=before + 6 * ONE_DAY, text="住处漏雨，床铺受潮", by=zhudui)
    team_notes.assign(problem=problem, responsible="镇政府", due_on=max(as_of, problem.on) + 5 * ONE_DAY, by=zhen)
    team_notes.care_visit(
        staff=[own],
        kind=K.CARE_MAIN,
        on=before + 9 * ONE_DAY,
        who="派出单位主要领导",
        text="到村看望，答应修房顶",
        by=cun,
    )
    planned = as_of + 20 * ONE_DAY
    provisions.save(staff=own, year=planned.year, kind=Provision.Kind.CHECKUP, planned_on=planned, by=zhen)


def _draws(county: User, as_of: dt.date) -> None:
    """A round that is drawn, with a finding in the first village, and one whose commitment is out."""
    villages = Region.objects.filter(code__startswith=county.region_code, level=Region.Level.VILLAGE, valid_to=None)
    people = Staff.objects.filter(
        kind="1", left_on=None, region_code__in=[county.region_code, county.region_code.ljust(12, "0")]
    )
    asked = {
        "villages": villages.filter(pk__in=Responsibility.objects.exclude(village=None).values("village")),
        "inspectors": list(people.order_by("pk")[:INSPECTORS]),
        "each": 2, "most": 3, "rounds_apart": 2, "per_town": PER_TOWN, "by": county,
    }  # fmt: skip
    try:
        first = inspections.commit(title="第一轮驻村抽查", **asked)
    except ValidationError:
        # A very small county has too few people who may go; it shows no draw.
        return
    drawn = inspections.draw_round(round_=first, said="6 2 5 1", witnesses="纪委监委代表、村民代表", by=county)
    target = drawn.targets.order_by("region_code").first()
    if target is not None:
        inspections.note_visit(target=target, on=as_of, result="队员在村 2 人，值班表没有上墙", by=county)
        inspections.add_finding(
            target=target,
            text="值班表没有上墙",
            responsible="村驻村工作队",
            found_on=as_of,
            due_on=as_of + 15 * ONE_DAY,
            by=county,
        )
    inspections.commit(title="第二轮驻村夜查", shown_on=as_of + 10 * ONE_DAY, **asked)


def _assessment(accounts: dict[str, User], before: dt.date) -> None:
    """Last month's assessment; the member with an account is graded by the town."""
    made = assessments.make(
        title=f"{before:%Y年%m月}驻村工作考核", method=shipped("five_hearts").method, plan="member",
        region=accounts["xian"].region_code, first=before, last=last_of(before), by=accounts["xian"],
    )  # fmt: skip
    line = made.lines.filter(staff__user=accounts["zhudui"]).first()
    if line is not None:
        assessments.grade(line=line, grade="competent", reason="", by=accounts["zhen"])
