"""What the demonstration's visitors write into their forms: plausible, drawn anew for each visit, about nobody.

Questions that the file answers stay as they are prefilled. A question that must be answered and that the file knows
nothing about is answered with what is most common; that is how a file grows.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence

from huqing.packs.forms import Converted, Question
from huqing.registry import values as file
from huqing.registry.models import Household, Person
from huqing.standards.periods import age_on
from huqing.visits.conversions import target

# Name of the question: what is answered, with its weight.
CHOSEN: Mapping[str, Mapping[str, int]] = {
    "yard": {"good": 6, "fair": 3, "poor": 1},
    "food": {"enough": 18, "partly": 2},
    "income_change": {"same": 6, "more": 3, "less": 1},
    "problem_number": {"0": 6, "1": 3, "2": 1},
    "problem_solved": {"yes": 6, "no": 4},
    "attendance": {"full": 17, "leave": 3},
    "aid_due": {"meals": 4, "meals boarding": 3, "grant": 2, "none": 1},
    "study_place": {"desk": 6, "shared": 4},
    "guardian": {"parents": 4, "one": 3, "elders": 3},
    "mood": {"good": 6, "fair": 3, "care": 1},
    "reason": {"regular": 8, "atonce": 1, "clinic": 1},
    "class": {"ordinary": 5, "weak": 3, "healthy": 2},
    "medicine": {"no": 5, "yes": 5},
    "adherence": {"always": 7, "sometimes": 3},
    "referral": {"no": 9, "town": 1},
    "can_work": {"full": 4, "light": 4, "none": 2},
    "products": {"grain vegetables": 4, "grain poultry": 3, "grain fruit": 2, "livestock": 1},
    "trouble": {"none": 5, "pests": 2, "labour": 2, "weather": 1},
    "advice_number": {"1": 7, "2": 3},
    "learned": {"yes": 7, "partly": 3},
    "market": {"own": 5, "fair": 3, "sold": 2, "hard": 1},
    "led_by": {"none": 6, "planting": 3, "selling": 1},
    "crop_insured": {"yes": 5, "no": 4, "unknown": 1},
    "poultry": {"12": 3, "25": 2, "8": 3},
    "livestock": {"2": 3, "4": 2},
}
DONE = {"done": 17, "partly": 3}
# What must be said and the file does not know.
COMMON = {
    "dangerous_house": "no",
    "water_safe": "yes",
    "health": "01",
    "family_doctor": "yes",
    "insured": "yes",
}
WRITTEN: Mapping[str, Sequence[str]] = {
    "income_why": ("打零工的活比上个月少", "卖菜的价钱跌了"),
    "wishes": ("想在家门口找点活干", "盼着入户路早点修好", "想多养几只鸡", "孩子能读好书就行", "", ""),
    "note": ("", "", "", "老人听力不好，说话要慢些", "下次傍晚来，白天都在地里"),
    "house_seen": ("东墙有一道裂缝，下雨渗水", "屋顶有几片瓦松动"),
    "aid_why": ("学校说月底一起发", "银行卡换了，新卡号已交给学校"),
    "mood_note": ("父母外出后话少了，请班主任多关心",),
    "learning": ("语文好，数学应用题吃力", "爱看书，写字慢", "英语要多听多读", ""),
    "agreed": ("每晚看半小时书，周末和父母通电话", "作业做完再看电视，家长每天签字", "周末来学校参加阅读课"),
    "allergy": ("无", "青霉素", ""),
    "medicine_names": ("降压药一个月的量，早上一片", "钙片两瓶，饭后吃"),
    "plan": ("少盐少油，每天走半小时，每月量血压", "按时吃药，三个月复查一次", "注意保暖，少干重活"),
    "referral_to": ("乡镇卫生院，查心电图",),
    "products_other": ("魔芋",),
    "trouble_text": ("玉米叶上有虫眼", "秋收缺人手", "前几天大风，倒了一些玉米"),
    "advice_text": ("玉米追肥和除草", "果树夏剪", "鸡舍消毒", "红薯翻藤"),
    "market_help": ("联系收购脆李的商户",),
    "expert": ("本村种植能手",),
    "next_step": ("把地里的沟清一清", "下雨前追一次肥", ""),
    "seen": ("院坝平整，墙面完好", "屋后有沟，水排得出去", "东面墙有裂缝，要再看", "房前堆了柴，已请搬开"),
}
PROBLEMS: Mapping[str, Sequence[str]] = {
    "water": ("水管接头漏水，要换一个",),
    "house": ("屋顶漏雨，要补几片瓦",),
    "work": ("想找离家近的零工",),
    "farm": ("李子熟了，要找人收",),
    "aid": ("不清楚医保报销要带什么材料",),
    "health": ("腰痛，想去县医院看看",),
}
MEASURED: Mapping[str, tuple[float, float, int]] = {
    "systolic": (112, 156, 0),
    "diastolic": (68, 94, 0),
    "glucose": (4.6, 7.4, 1),
    "height": (150, 174, 0),
    "weight": (45, 78, 0),
}
# Where the file now and then is no longer right: the new answer, and how often it is given.
CHANGED = {
    "doctor_signed": ("yes", 0.1),
    "toilet_usable": ("yes", 0.15),
    "mandarin": ("yes", 0.3),
    "cooperative": ("yes", 0.2),
    "arable_area": ("2.5", 0.2),
}
SCHOOL_AGE = range(6, 16)
FOLLOWED_UP = dt.timedelta(days=90)


def answers(
    form: Converted,
    household: Household,
    members: Sequence[Person],
    person: Person | None,
    day: dt.date,
    order: random.Random,
) -> dict[str, str]:
    """What is answered, by the reference of the question; ``members`` in the order of the form's repeat."""
    subjects = form.subjects or {}
    told = {subjects["household"]: str(household.pk)} if "household" in subjects else {}
    if person is not None and "person" in subjects:
        told[subjects["person"]] = str(person.pk)
    for question in form.questions:
        if question.path in told:
            continue
        if not question.repeat:
            told[question.path] = _answer(question, household, person, day, order)
        elif question.repeat == form.members:
            for turn, member in enumerate(members, 1):
                told[_turn(question, turn)] = _answer(question, household, member, day, order)
    _problems(form, told, order)
    _repeated(form, told, order)
    if "/data/aid_due" in told:
        told["/data/aid_received"] = told["/data/aid_due"] if order.random() < 0.9 else "none"
    return {path: text for path, text in told.items() if text}


def _turn(question: Question, turn: int) -> str:
    return question.path.replace(question.repeat, f"{question.repeat}[{turn}]", 1)


def _answer(question: Question, household: Household, person: Person | None, day: dt.date, order: random.Random) -> str:
    """One answer, "" for none."""
    name = question.name
    subject, declared = target(question.reads)
    if declared is not None:
        row = person if subject == "person" else household
        known = row is not None and file.read(row, declared) not in (None, "", [])
        text, share = CHANGED.get(name, ("", 0))
        if order.random() < share:
            return text
        return COMMON.get(name, "") if question.required and not known else ""
    if name in CHOSEN or name.startswith("to_"):
        weights = CHOSEN.get(name, DONE)
        return order.choices(list(weights), list(weights.values()))[0]
    if name in MEASURED:
        low, high, digits = MEASURED[name]
        return f"{order.uniform(low, high):.{digits}f}"
    if name in WRITTEN:
        return order.choice(WRITTEN[name])
    return _reckoned(question, person, day, order)


def _reckoned(question: Question, person: Person | None, day: dt.date, order: random.Random) -> str:
    """An answer that follows from the day or the person."""
    match question.name:
        case "visited_on":
            return day.isoformat()
        case "next_on":
            return (day + FOLLOWED_UP).isoformat()
        case "absent":
            age = age_on(person.birth_date, day) if person is not None and person.birth_date else 0
            return "yes" if age in SCHOOL_AGE else "na"
        case "five_ones":
            return " ".join(code for code, _ in question.choices if order.random() < 0.6)
    return ""


def _problems(form: Converted, told: dict[str, str], order: random.Random) -> None:
    """The matters a cadre finds, as many as were said, each with words of its kind."""
    for turn in range(1, int(told.get("/data/problem_number") or 0) + 1):
        kind = order.choice(list(PROBLEMS))
        words = {"problem_kind": kind, "problem_text": order.choice(PROBLEMS[kind])}
        for question in form.questions:
            if question.repeat and question.name in ("problem_kind", "problem_text", "problem_solved"):
                told[_turn(question, turn)] = words.get(question.name) or order.choice(["yes", "no"])


def _repeated(form: Converted, told: dict[str, str], order: random.Random) -> None:
    """What an agronomist taught, as many turns as were said."""
    for turn in range(1, int(told.get("/data/advice_number") or 0) + 1):
        for question in form.questions:
            if question.repeat and question.name in ("advice_text", "learned"):
                chosen = CHOSEN["learned"]
                told[_turn(question, turn)] = (
                    order.choice(WRITTEN["advice_text"])
                    if question.name == "advice_text"
                    else order.choices(list(chosen), list(chosen.values()))[0]
                )
