"""What may be shown of a household in public, by kind of posting, and the check that nothing else gets there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huqing.access.numbers import hide_numbers
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case
from huqing.registry.models import Person
from huqing.standards.public_text import health_words, numbers_in

HEAD = "01"
ADULT = 18
# What is published unless somebody leaves a column out; the county examples publish no more.
DEFAULT = ("number", "group", "head", "size")
BASIC: Mapping[str, str] = {
    "number": "序号",
    "group": "村民小组",
    "head": "户主姓名",
    "size": "家庭人口数（人）",
}


@dataclass(frozen=True)
class Kind:
    """One kind of posting. ``fields`` is its whitelist; ``notice``: an announcement of so many ``days`` that holds
    nothing up. ``title`` "" takes the name of the step."""

    key: str
    name: str
    fields: Mapping[str, str]
    title: str = ""
    notice: bool = False
    days: int = 0

    def checked(self, columns: Sequence[str]) -> list[str]:
        """The columns if all are on the whitelist; CaseError names the one that is not."""
        unknown = [name for name in columns if name not in self.fields]
        if unknown or not columns:
            raise CaseError(f"“{unknown[0] if unknown else ''}”不在{self.name}可公示的项目里。")
        return list(columns)


# The days an announcement is shown, and its further columns, are the product's own suggestion.
KINDS: Mapping[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("listing", "拟纳入公示", BASIC),
        Kind("removal", "拟消除公示", {**BASIC, "since": "纳入年月"}),
        Kind("listed", "纳入公告", {**BASIC, "decided": "审定日期"}, "防止返贫致贫对象公告", notice=True, days=5),
        Kind("cleared", "消除公告", {**BASIC, "since": "纳入年月"}, "风险消除公告", notice=True, days=5),
    )
}


def rows_of(cases: Sequence[Case], kind: Kind | None = None, columns: Sequence[str] = DEFAULT) -> list[list[str]]:
    """What the public would see; CaseError names the household and what may not be published."""
    names = (kind or KINDS["listing"]).checked(columns)
    people = _people(cases)
    decided = _decided(cases) if {"since", "decided"} & set(names) else {}
    found = []
    for number, case in enumerate(cases, 1):
        household, day = case.household, decided.get(case.pk)
        children = [one.name for one in people.get(household.pk, []) if _age(one.birth_date) < ADULT]
        values = {
            "number": str(number),
            "group": household.group_name,
            "head": _head_of(case, people.get(household.pk, [])),
            "size": "" if household.member_count is None else str(household.member_count),
            "since": f"{day:%Y年%m月}" if day else "",
            "decided": f"{day:%Y-%m-%d}" if day else "",
        }
        row = [values[name] for name in names]
        for text in row:
            if numbers_in(text):
                raise CaseError(f"{household.number} 的公示内容里有号码（{hide_numbers(text)}），请先改正档案。")
            if health_words(text):
                raise CaseError(f"{household.number} 的公示内容里有涉及健康的文字（{text}），请先改正档案。")
            if any(name and name in text for name in children):
                raise CaseError(f"{household.number} 的公示内容里有未成年人的姓名，请先改正档案。")
        found.append(row)
    return found


def _people(cases: Sequence[Case]) -> dict[int, list[Person]]:
    found: dict[int, list[Person]] = {}
    rows = Person.objects.filter(household__in=[case.household_id for case in cases])
    for one in rows.only("name", "relation", "birth_date", "household").order_by("pk"):
        found.setdefault(one.household_id, []).append(one)
    return found


def _decided(cases: Sequence[Case]) -> dict[int, dt.date]:
    """The day each case was last decided to be listed: its last step out of the recognition."""
    from huqing.cases.models import CaseStep

    rows = CaseStep.objects.filter(case__in=cases, after="listed").order_by("turn")
    return dict(rows.values_list("case", "on"))


def _head_of(case: Case, people: Sequence[Person]) -> str:
    """The head's name; a child is never named."""
    head = next((one for one in people if one.relation == HEAD), None)
    if head is not None and _age(head.birth_date) < ADULT:
        return f"{head.name[:1]}某（未成年人）"
    return case.household.head_name


def _age(born: dt.date | None) -> int:
    if born is None:
        return ADULT
    day = today()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
