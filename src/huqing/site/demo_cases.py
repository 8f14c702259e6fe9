"""The demonstration's casework: a few dozen cases led along their procedure by the demonstration's own accounts.

Nothing is written into a state: every case is opened, evidenced and moved as people would, day after day, with the
demonstration's calendar set to each of these days, so that postings have stood and deadlines have passed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Q

from huqing.access.instance import mark_demo
from huqing.access.models import User
from huqing.cases import actions, confirming, evaluations, panels, postings
from huqing.cases.evaluations import Vote
from huqing.cases.models import Case, Evaluation
from huqing.registry.models import Household, Person, Region
from huqing.screening.models import Alert

OPEN_ALERTS = Q(alerts__state=Alert.State.OPEN)
IN_VILLAGE, ELSEWHERE = 18, 22
SHARE = 3
POOL, PANEL, CAME = 30, 15, 14
ADULT_YEARS = 20
BEGINS = 16  # days before the demonstration's own
# By source of the clue: applied for, found by cadres, found by data.
FOUND = {
    "1": "农户自己到村委会申报，孩子上学支出大",
    "2": "入户走访发现家里有人住院，自付医疗费较多",
    "3": "部门数据和筛查提示支出骤增，待入户核实",
}
SEEN = (
    "户主和配偶在家。核对了近 12 个月收入和支出，票据齐全；住房安全，饮水正常，家庭成员均已参保。",
    "户主在家。务工收入比上年减少，主要靠转移性收入；住房、饮水没有问题。",
    "户主和一名成员在家。教育支出较大，已申请助学政策；收入与申报一致。",
)


@dataclass(frozen=True)
class Desk:
    """Who handles the demonstration's cases."""

    village: User
    town: User
    county: User


def ensure_cases(place: Region, as_of: dt.date) -> int:
    """Lead the demonstration's cases up to its day; how many there are. Nothing if there are some already."""
    if Case.objects.exists():
        return 0
    desk = Desk(*(User.objects.get(username=name) for name in ("cun", "zhen", "xian")))
    try:
        for day, work in sorted(_days(place, desk).items()):
            mark_demo(Path(settings.DATA), day=as_of + dt.timedelta(days=day))
            work()
    finally:
        mark_demo(Path(settings.DATA), day=as_of)
    return Case.objects.count()


def _days(place: Region, desk: Desk) -> dict[int, Callable[[], None]]:
    """What is done how many days before the demonstration's own; as negative numbers."""
    there = Household.objects.filter(village=place)
    own = _households(there, min(IN_VILLAGE, there.count() // 2))
    other = Household.objects.exclude(village=place).filter(region_code__startswith=place.code[:9])
    town = _households(other, ELSEWHERE // 2)
    rest = Household.objects.exclude(region_code__startswith=place.code[:9])
    county = _households(rest, ELSEWHERE - len(town))
    made: list[Case] = []
    story = _Story(place, desk, own, made)
    return {
        -BEGINS: story.begin,
        -BEGINS + 2: story.verify,
        -BEGINS + 4: story.evaluate,
        -9: story.announce,
        -8: story.object,
        -3: story.report,
        -4: lambda: _elsewhere(town, desk.town),
        -2: story.second_round,
        -1: story.further,
        0: lambda: _elsewhere(county, desk.county),
    }


def _households(rows: object, most: int) -> list[Household]:
    """Households of an area, those with the most open alerts first."""
    active = rows.filter(status=Household.Status.ACTIVE)  # type: ignore[attr-defined]
    counted = active.annotate(open=Count("alerts", filter=OPEN_ALERTS))
    return list(counted.order_by("-open", "pk")[:most])


def _open(household: Household, number: int, by: User) -> Case:
    alerts = list(Alert.objects.filter(household=household, state=Alert.State.OPEN).order_by("pk")[:3])
    source = "3" if alerts else ("1", "2")[number % 2]
    return actions.open_case(household=household, source=source, clue=FOUND[source], alerts=alerts, by=by)


def _paper(case: Case, kind: str, by: User, **content: object) -> None:
    actions.record_evidence(case=case, kind=kind, on=actions.today(), content=content, by=by)


def _go(case: Case, move: str, by: User, reason: str = "") -> None:
    case.refresh_from_db()
    actions.take(case=case, move=move, by=by, turn=case.turn, reason=reason)


def _accept(case: Case, by: User) -> None:
    signer = case.household.members.order_by("relation", "pk").first()
    if signer is None:
        return
    _paper(case, "authorisation", by, signed_by=signer.pk)
    _go(case, "accept", by)


def _elsewhere(households: Sequence[Household], by: User) -> None:
    """Cases in other villages: clues, some of them accepted, some on their way to the house."""
    for number, household in enumerate(households):
        case = _open(household, number, by)
        if number % 3:
            _accept(case, by)
        if number % 3 == 2 and case.turn:
            _go(case, "send_verify", by)


class _Story:
    """The cases of the village whose accounts the demonstration gives out."""

    def __init__(self, place: Region, desk: Desk, households: list[Household], cases: list[Case]) -> None:
        self.place, self.desk, self.households, self.cases = place, desk, households, cases

    def begin(self) -> None:
        """Clues come in and are accepted; a pool of evaluators is recommended."""
        people = list(self._evaluators())
        panels.add_evaluators(village=self.place, people=people, by=self.desk.village)
        for number, household in enumerate(self.households):
            case = _open(household, number, self.desk.village)
            self.cases.append(case)
            if number < len(self.households) - 1:
                _accept(case, self.desk.village)

    def _evaluators(self) -> Iterator[tuple[str, str]]:
        applicants = {household.pk for household in self.households}
        barred = panels.barred(self.place, actions.today())
        born = actions.today().replace(day=1, year=actions.today().year - ADULT_YEARS)
        rows = Person.objects.filter(household__village=self.place, household__status=Household.Status.ACTIVE)
        seen = set()
        for one in rows.filter(birth_date__lt=born).select_related("household").order_by("relation", "pk"):
            if one.household_id in applicants or one.name in seen or one.name in barred:
                continue
            seen.add(one.name)
            yield one.household.group_name or "1组", one.name
            if len(seen) == POOL:
                return

    def verify(self) -> None:
        """Homes are visited; one household withdraws, one is found not to need it."""
        desk, running = self.desk, [case for case in self.cases if Case.objects.get(pk=case.pk).turn]
        for number, case in enumerate(running):
            _go(case, "send_verify", desk.village)
            if number == 0:
                _go(case, "withdraw", desk.village, "子女已接走赡养，农户要求撤回")
            elif number < len(running) - 1:
                _paper(case, "home_check", desk.village, text=SEEN[number % len(SEEN)])
                _go(case, "verified", desk.village)
        for number, case in enumerate(running[1:-1]):
            confirming.confirm_comparison(case=case, by=desk.town, note="部门数据与入户核实一致")
            _go(case, "compared", desk.town)
            if number == 0:
                _go(case, "reject", desk.town, "家庭收入和财产稳定，没有致贫风险，已告知理由")

    def _standing(self, state: str) -> list[Case]:
        found = Case.objects.filter(pk__in=[case.pk for case in self.cases], state__key=state, closed_on=None)
        return list(found.select_related("household__village", "state", "procedure").order_by("pk"))

    def evaluate(self) -> None:
        """The first meeting, about most of the households; one is not carried."""
        chosen = self._standing("evaluating")
        later = max(2, min(5, len(chosen) // SHARE))
        self._meet(chosen[:-later], "7 12 31", lost=True)

    def evaluate_more(self) -> None:
        """A second meeting; the last two households wait for the next."""
        waiting = evaluations.waiting(self.desk.village, self.place).values_list("pk", flat=True)
        chosen = [case for case in self._standing("evaluating") if case.pk in set(waiting)]
        self._meet(chosen[: -min(2, len(chosen) - 1)], "25 4 16", lost=False)

    def _meet(self, chosen: list[Case], said: str, *, lost: bool) -> None:
        by = self.desk.village
        if not chosen:
            return
        held = evaluations.prepare(cases=chosen, size=PANEL, excluded={}, place="村委会会议室", by=by)
        evaluations.hold(prepared=held, said=said, by=by)
        held = Evaluation.objects.get(pk=held.pk)
        evaluations.attend(evaluation=held, present=held.panel[:CAME], by=by)
        votes = {case.pk: Vote(CAME - 1 - number % 3, number % 3, 1) for number, case in enumerate(chosen)}
        if lost:
            votes[chosen[-1].pk] = Vote(6, 7, 1, "多数人认为还能自己克服")
        carried = evaluations.close(
            evaluation=held, votes=votes, method="secret", host="村民小组长代表", supervisor="村务监督委员会",
            recorder="村文书", minutes="逐户介绍情况，评议员提问后无记名投票。", by=by,
        )  # fmt: skip
        for case in carried:
            _go(case, "post", by)

    def announce(self) -> None:
        """Post whoever waits for it, and note where it hangs."""
        chosen = [case for case in postings.waiting(self.desk.village, self.place) if postings.is_posting_step(case)]
        if chosen:
            made = postings.publish(cases=chosen, by=self.desk.village)
            postings.prove(posting=made, on=actions.today(), place="村务公开栏", by=self.desk.village)

    def object(self) -> None:
        """Somebody objects to one of them, and the panel is sent to the house."""
        chosen = self._standing("posted")
        if not chosen:
            return
        posting = chosen[0].posting_lines.get().posting
        postings.object_to(posting=posting, text="听说他家在县城有一套房，请核实", case=chosen[0])
        _go(chosen[0], "revisit", self.desk.village, "有村民反映县城有房")
        panel = Evaluation.objects.filter(lines__case=chosen[0]).latest("pk").panel
        _paper(
            chosen[0],
            "revisit",
            self.desk.village,
            people=panel[:3],
            text="到户看过不动产登记查询结果，房屋为其兄所有。",
        )

    def report(self) -> None:
        """Postings that stood are reported to the town and on to the county."""
        desk, chosen = self.desk, self._standing("posted")
        for case in chosen[:-1]:
            _go(case, "posting_over", desk.village)
        for case in chosen[1:-1]:
            _go(case, "town_approve", desk.town)
        for case in chosen[2:-1]:
            _go(case, "county_approve", desk.county)

    def second_round(self) -> None:
        """The second meeting and its posting, which still stands."""
        self.evaluate_more()
        self.announce()

    def further(self) -> None:
        """One household is helped before the procedure is over."""
        for case in self._standing("evaluating")[:1]:
            actions.start_emergency(case=case, by=self.desk.town, reason="户主突发重病住院，先行救助")
