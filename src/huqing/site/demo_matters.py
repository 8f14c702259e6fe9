"""The demonstration's villagers' matters: a few dozen around one town, through the same actions as a county's own."""

from __future__ import annotations

import datetime as dt

from huqing.access.models import User
from huqing.matters import actions, masking, meetings, rating
from huqing.matters.actions import Given
from huqing.matters.models import Matter
from huqing.matters.raising import raise_matter
from huqing.registry.models import Region
from huqing.teams.models import Staff

# Four digits that open the status of every matter of the demonstration.
CODE = "2468"
# kind, words, days ago, how far it got, answer, rating
TOLD: tuple[tuple[str, str, int, str, str, str], ...] = (
    (
        "road",
        "2组到小学的路塌了一段，下雨天娃娃上学不好走",
        40,
        "rated",
        "塌方已清理，砌了十二米挡墙，可以通行。",
        "good",
    ),
    ("road", "桥头的路灯不亮半个月了，晚上看不见路", 33, "rated", "路灯换了新的，线路也检查过了。", "fair"),
    ("water", "4组水管冻裂，停水三天了", 30, "rated", "水管已换新，水压正常。", "good"),
    ("clean", "村口垃圾池满了没人清，气味大", 26, "rated", "已清运，改为每周三、周六清一次。", "bad"),
    ("farm", "柑橘卖不出去，想请人帮忙联系收购", 25, "shown", "联系了两家收购商，周日上门看货。", ""),
    ("power", "手机在3组没有信号，打电话要走到山梁上", 24, "answered", "已报通信公司，年底前在山梁上加装基站。", ""),
    ("water", "灌溉渠堵了，秧田进不了水", 21, "shown", "渠道已清淤，轮流放水的时间贴在村务栏。", ""),
    ("aid", "家里老人一个人在家，想问有没有人上门看看", 20, "done", "网格员每周上门一次，电话贴在老人床头。", ""),
    ("road", "通组路会车困难，想加两个错车道", 18, "doing", "", ""),
    ("house", "老屋后面的坡土松了，怕滑下来", 16, "doing", "", ""),
    ("land", "林地界线和邻组说不清楚", 15, "discussed", "", ""),
    ("school", "校车不到我们组，娃娃要走四十分钟", 14, "agreed", "", ""),
    ("care", "村卫生室周末没人，买药要去镇上", 12, "up", "", ""),
    ("clean", "垃圾池又满了，没有人清理，气味很大", 10, "raised", "", ""),
    ("road", "桥头路灯又不亮了，晚上黑得很", 8, "discussed", "", ""),
    ("dispute", "隔壁的排水流到我家院坝来了", 7, "raised", "", ""),
    ("farm", "想学果树修剪，有没有人来教", 4, "raised", "", ""),
    ("water", "井水发黄，想请人来化验", 1, "raised", "", ""),
    ("other", "办证要跑几趟，想集中到村里办一次", 0, "raised", "", ""),
)
# As far as each word goes, the steps before it.
WAY = {"raised": 0, "up": 0, "discussed": 1, "agreed": 2, "doing": 3, "done": 4, "shown": 5, "rated": 6}


def ensure_matters(place: Region, as_of: dt.date) -> int:
    """Raise the matters in the village and a few of its neighbours; returns how many there are."""
    if Matter.objects.filter(finding=None).exists():
        return 0
    near = Region.objects.filter(parent=place.parent, level=Region.Level.VILLAGE, valid_to=None).exclude(pk=place.pk)
    town = User.objects.get(username="zhen")
    handler = Staff.objects.filter(user__username="nongji").first() or Staff.objects.order_by("pk").first()
    villages = [place, *near.order_by("code")[:2]]
    for number, (kind, words, ago, far, answer, rated) in enumerate(TOLD * 2):
        # Everything once in the village of the village officer's account; the second time spread over its neighbours.
        village = place if number < len(TOLD) else villages[number % len(villages)]
        if number >= len(TOLD) and village == place:
            continue
        _one(village, kind, words, as_of - dt.timedelta(days=ago), far, answer, rated, town, handler)
    return Matter.objects.count()


def _one(
    village: Region,
    kind: str,
    words: str,
    day: dt.date,
    far: str,
    answer: str,
    rated: str,
    town: User,
    handler: Staff | None,
) -> None:
    matter = raise_matter(village=village, kind=kind, text=words, contact=CODE, by=None, on=day)
    if far == "up":
        actions.hand(matter=matter, level="town", by=town, turn=0, text="要乡镇卫生院安排人手", on=day)
        return
    if far == "answered":
        actions.take(matter=matter, move="answer", by=town, turn=0, given=Given(answer=answer), on=day)
        return
    steps = WAY[far]
    if steps == 1:
        actions.take(matter=matter, move="accept", by=town, turn=0, on=day)
    if steps >= WAY["agreed"]:
        said = [meetings.Said(matter, "大家同意先办这一件，费用从村集体收入里出", agreed=True)]
        meetings.hold(village=village, on=day, place="村委会", host="村委会主任", present=15, said=said, by=town)
    # Somebody of the made-up village may by chance be called like a word of the text; a person would tick it.
    doubted = masking.problems(f"{words} {answer}", matter, day)
    if not all(one.may_stand for one in doubted):
        steps = min(steps, WAY["done"])
    given = (
        ("assign", Given(handler=handler)),
        ("finish", Given(answer=answer)),
        ("publish", Given(problem=words, result=answer, allowed=tuple(one.words for one in doubted))),
    )
    for move, brought in given[: max(0, steps - WAY["agreed"])]:
        matter.refresh_from_db()
        actions.take(matter=matter, move=move, by=town, turn=matter.turn, given=brought, on=day)
    if rated and steps > WAY["done"]:
        rating.rate(status=rating.status_of(matter), rating=rated, on=day)
