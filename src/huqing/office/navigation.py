"""What the menus offer: each place once, with the permission it needs; what a role uses every day stands first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse

from huqing.access.models import Role
from huqing.access.permissions import SIGNED_IN, permissions_of

if TYPE_CHECKING:
    from huqing.access.models import User


@dataclass(frozen=True)
class Place:
    """One entry of the menu. ``section`` is the first part of the addresses that belong to it; ``bar`` puts it into
    the phone's bottom bar."""

    view: str
    label: str
    icon: str
    permission: str
    section: str
    bar: bool = False


@dataclass(frozen=True)
class Item:
    """A menu entry as one user sees it on one page."""

    url: str
    label: str
    icon: str
    current: bool
    bar: bool


@dataclass(frozen=True)
class Group:
    """Entries under one heading; the first group has none. One that ``folds`` shows them when opened."""

    title: str
    items: list[Item]
    folds: bool = False

    @property
    def open(self) -> bool:
        """Whether the page shown is in it."""
        return any(item.current for item in self.items)


# Pages that belong to another one's section.
_PART_OF = {
    "evaluators": "evaluations",
    "persons": "households",
    "search": "households",
    "labels": "households",
    "villages": "ledger",
    "units": "ledger",
    "grids": "regions",
    "plan-measures": "plans",
}

GROUPS: list[tuple[str, list[Place]]] = [
    (
        "",
        [
            Place("office:home", "首页", "home", SIGNED_IN, "", bar=True),
            Place("office:households", "农户档案", "home-2", "view_household", "households", bar=True),
            Place("office:alerts", "预警", "alert-triangle", "view_alerts", "alerts", bar=True),
        ],
    ),
    (
        "办理",
        [
            Place("office:applications", "农户申请", "file-text", "view_applications", "applications"),
            Place("office:cases", "办理事项", "list-check", "view_cases", "cases"),
            Place("office:evaluations", "民主评议", "gavel", "view_cases", "evaluations"),
            Place("office:matters", "村民事项", "clipboard-list", "view_matters", "matters"),
            Place("office:plans", "一户一策", "heart-handshake", "view_plans", "plans"),
            Place("office:postings", "公示", "notes", "view_cases", "postings"),
        ],
    ),
    (
        "动态管理",
        [
            Place("office:rosters", "月度名单", "table", "view_rosters", "rosters"),
            Place("office:rechecks", "回头看", "clipboard-list", "view_rosters", "rechecks"),
            Place("office:reviews", "定期复核", "calendar", "view_rosters", "reviews"),
            Place("office:differences", "名册比对", "arrows-sort", "view_rosters", "differences"),
        ],
    ),
    (
        "走访",
        [
            Place("office:visit-calendar", "走访日历", "calendar", "view_visits", "visit-calendar", bar=True),
            Place("office:visits", "走访记录", "clipboard-list", "view_visits", "visits"),
            Place("office:visit-forms", "表单汇总", "table", "view_visits", "visit-forms"),
            Place("office:staff", "人员和责任", "users", "manage_duties", "staff"),
            Place("office:phones", "手机链接", "link", "manage_links", "phones"),
            Place("office:forms", "表单管理", "forms", "manage_methods", "forms"),
        ],
    ),
    (
        "我的",
        [
            Place("office:phone", "我的手机", "device-mobile", "visit", "phone"),
            Place("office:recheck-mine", "我的核查", "list-check", "verify_households", "my-rechecks"),
            Place("office:my-inspections", "我的检查", "clipboard-list", "inspect", "my-inspections"),
            Place("office:my-residency", "我的驻村", "calendar", "declare_presence", "my-residency"),
            Place("office:my-assessments", "我的考核", "notes", "see_assessment", "my-assessments"),
        ],
    ),
    (
        "责任",
        [
            Place("office:ledger", "责任台账", "sitemap", "view_duties", "ledger"),
            Place("office:pairings", "结对", "heart-handshake", "manage_duties", "pairings"),
            Place("office:residency", "驻村工作队", "building-community", "confirm_presence", "residency"),
            Place("office:inspections", "双随机抽查", "gavel", "view_inspections", "inspections"),
            Place("office:assessments", "考核", "list-check", "grade_members", "assessments"),
        ],
    ),
    (
        "数据",
        [
            Place("office:imports", "数据导入", "file-import", "view_imports", "imports"),
            Place("office:links", "疑似同一人", "link", "review_links", "links"),
            Place("office:rules", "规则目录", "book", "view_rules", "rules"),
            Place("office:parameters", "参数", "adjustments", "view_rules", "parameters"),
            Place("office:methods", "工作法", "list-check", "view_rules", "methods"),
            Place("office:simulations", "模拟试算", "flask", "simulate", "simulations"),
            Place("office:regions", "区划与网格", "map-pin", "view_regions", "regions"),
        ],
    ),
    (
        "管理",
        [
            Place("office:users", "用户", "users", "view_users", "users", bar=True),
            Place("office:audit", "审计日志", "shield-check", "view_audit", "audit", bar=True),
        ],
    ),
]


# As many entries as are read at a glance; the menu of a role with more shows these and folds the others.
MOST_DAILY = 9
_DAILY: dict[str, tuple[str, ...]] = {
    Role.COUNTY: ("households", "alerts", "cases", "matters", "rosters", "visits", "ledger", "imports"),
    Role.TOWN: ("households", "alerts", "applications", "cases", "matters", "rosters", "visits", "imports"),
    Role.VILLAGE: ("households", "alerts", "applications", "cases", "matters", "plans", "visit-calendar", "visits"),
    Role.GRID: ("households", "alerts", "cases", "matters", "plans", "visit-calendar", "visits", "phone"),
    Role.READER: ("households", "alerts", "cases", "matters", "postings", "rosters", "visits", "ledger"),
    Role.VISITOR: ("households", "matters", "plans", "visit-calendar", "visits", "phone", "my-residency"),
}
# What the others of a group are headed when some of it stand above.
_MORE = {title: f"更多{title}" for title in ("办理", "动态管理", "走访", "责任", "数据")}
DAILY = {role: ("office:home", *(f"office:{name}" for name in names)) for role, names in _DAILY.items()}


def menu(user: User, path: str) -> list[Group]:
    """The menu of ``user`` on the page at ``path``: only places the role may enter, empty groups left out.

    What the role uses every day comes first, the rest in groups that fold; short menus are shown whole.
    """
    granted = permissions_of(user) | {SIGNED_IN}
    section = path.strip("/").split("/")[0]
    section = _PART_OF.get(section, section)
    groups = [(title, dict(_items(places, granted, section))) for title, places in GROUPS]
    if sum(len(items) for _, items in groups) <= MOST_DAILY:
        return [Group(title, list(items.values())) for title, items in groups if items]
    daily = DAILY[user.role]
    first = [item for _, items in groups for view, item in items.items() if view in daily]
    return [Group("", first), *_folded(groups, daily)]


def _folded(groups: list[tuple[str, dict[str, Item]]], daily: tuple[str, ...]) -> Iterator[Group]:
    for title, items in groups:
        rest = [item for view, item in items.items() if view not in daily]
        if rest:
            yield Group(title if len(rest) == len(items) else _MORE.get(title, title), rest, folds=True)


def _items(places: list[Place], granted: set[str], section: str) -> Iterator[tuple[str, Item]]:
    for place in places:
        if place.permission not in granted:
            continue
        try:
            url = _address(place.view)
        except NoReverseMatch:
            continue
        yield place.view, Item(url, place.label, place.icon, current=place.section == section, bar=place.bar)


@cache
def _address(view: str) -> str:
    """Every page asks for some thirty of them, which took a tenth of its time."""
    return reverse(view)
