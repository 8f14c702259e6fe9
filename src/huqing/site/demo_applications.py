"""The demonstration's applications by villagers: a handful in one village, in every state, by the usual actions."""

from __future__ import annotations

import datetime as dt

from huqing.access.models import User
from huqing.applications import actions
from huqing.applications.models import Application
from huqing.cases.models import Case
from huqing.registry.models import Household, Region

# Every phone of the demonstration's applicants ends in these four digits, so that each receipt can be tried.
TAIL = "2468"
# kind, difficulties, words, days ago, channel, how far it got
TOLD: tuple[tuple[str, tuple[str, ...], str, int, str, str], ...] = (
    ("risk", ("illness",), "老伴做手术花了四万多，报销以后自己还出了一万八，钱是借的。", 8, "page", "late"),
    ("risk", ("school", "income"), "两个娃娃上学，我的工地停工三个月了。", 6, "page", "accepted"),
    ("help", ("disaster",), "上个月山洪冲了两亩柑橘。", 5, "paper", "accepted"),
    ("risk", ("house",), "想申请新房子。", 4, "page", "refused"),
    ("risk", ("water",), "水井干了，一家人挑水吃。", 1, "page", "received"),
    ("risk", ("water",), "水井干了，没人来看，再报一次。", 0, "page", "twin"),
    ("risk", ("care",), "家里就剩我一个老人，腿脚不方便。", 0, "staff", "received"),
)


def ensure_applications(place: Region, as_of: dt.date) -> int:
    """Take the applications in the village; returns how many there are."""
    if Application.objects.exists():
        return 0
    village = User.objects.get(username="cun")
    busy = Case.objects.filter(closed_on=None).values("household")
    households = Household.objects.filter(region_code=place.code, status=Household.Status.ACTIVE).exclude(pk__in=busy)
    people = list(households.exclude(head_name="").order_by("-pk")[: len(TOLD)])
    made = 0
    for number, ((kind, difficulties, words, ago, channel, far), household) in enumerate(
        zip(TOLD, people, strict=False)
    ):
        # The same neighbour asks twice.
        who = people[number - 1] if far == "twin" else household
        phone = f"1390{number - (far == 'twin'):03d}{TAIL}"
        application = actions.submit(
            village=place,
            kind=kind,
            name=who.head_name,
            group=who.group_name,
            phone="" if channel == "staff" else phone,
            difficulties=difficulties,
            words=words,
            consent=True,
            channel=channel,
            on=as_of - dt.timedelta(days=ago),
            by=None if channel == "page" else village,
        )
        made += 1
        if far == "accepted":
            actions.match(application=application, household=who, by=village)
            actions.accept(application=application, by=village)
        if far == "refused":
            text = "住房鉴定为安全，不属于返贫风险；要改造的请到乡镇建设站申请。"
            actions.refuse(application=application, text=text, by=village)
    return made
