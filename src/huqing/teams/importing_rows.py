"""One row of a staff file: what its cells mean, or which of them are wrong and what to write instead."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from huqing.access.models import User
from huqing.access.numbers import has_number, hide_numbers
from huqing.access.scope import CODE_LENGTH, code_range, covers, prefix_of, same_branch
from huqing.registry.models import Grid, Household, Person, Region
from huqing.standards.codelists import codelist
from huqing.standards.text import fold
from huqing.teams.models import Responsibility, Staff, Unit

COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("人员编号", "编号", "工号"),
    "name": ("姓名", "人员姓名", "责任人"),
    "unit": ("单位", "工作单位", "所在单位", "帮扶单位"),
    "unit_kind": ("单位类别",),
    "kind": ("人员类别", "类别"),
    "rank": ("职级",),
    "position": ("职务", "职务职称"),
    "region": ("所在区划", "区划代码", "乡镇"),
    "languages": ("会说的语言", "语言"),
    "phone": ("公开联系电话",),
    "role": ("责任", "责任类别"),
    "goal": ("责任对象", "户编号", "网格"),
    "member": ("对象姓名", "学生姓名", "成员姓名"),
    "since": ("起始日期", "开始日期"),
    "until": ("终止日期", "截止日期"),
    "account": ("登录账号", "账号"),
}
CODED = {"kind": "staff_kind", "rank": "cadre_rank", "unit_kind": "unit_kind"}
LONGEST = {"number": 40, "name": 60, "position": 60, "languages": 60, "unit": 100}
NO_NUMBERS = "这里不要写证件号码、电话或账号。"
PHONE = re.compile(r"1\d{10}|0\d{2,3}-?\d{7,8}")
BATCH = 900
Place = TypeVar("Place", Grid, Region)


@dataclass(frozen=True)
class Told:
    """A row that was not taken in: its number and cells, and by column title what to write instead."""

    number: int
    values: list[str]
    faults: dict[str, str]


@dataclass
class Read:
    """A good row; ``key`` tells one person from another, ``place`` is a 12-digit code, ``staff`` who it is if known."""

    number: int
    cells: list[str]
    key: tuple[str, ...]
    values: dict[str, Any]
    place: str
    unit: str
    unit_kind: str
    duty: Responsibility | None
    account: User | None = None
    staff: Staff | None = None

    def told(self, column: str, remedy: str) -> Told:
        """The row refused after all."""
        return Told(self.number, self.cells, {COLUMNS[column][0]: remedy})


@dataclass
class Book:
    """What rows are looked up in: places, units, staff, households and grids of one region."""

    region: str
    on: dt.date
    places: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)
    units: dict[str, Unit] = field(default_factory=dict)
    by_number: dict[str, Staff] = field(default_factory=dict)
    by_name: dict[tuple[str, int | None], list[Staff]] = field(default_factory=dict)
    households: dict[str, Household] = field(default_factory=dict)
    grids: dict[str, list[Grid]] = field(default_factory=dict)
    members: dict[int, list[Person]] = field(default_factory=dict)
    villages: dict[str, Region] = field(default_factory=dict)
    villages_named: dict[str, list[Region]] = field(default_factory=dict)
    accounts: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place in Region.objects.filter(code_range(self.region, "code"), valid_to=None):
            # Tables write a town as 9 digits or as 12; staff are kept with 12.
            code = place.code.ljust(CODE_LENGTH, "0")
            self.places[code], self.titles[code] = code, place.name
            name = fold(place.name)
            if self.places.get(name, code) != code:
                self.doubled.add(name)
            self.places[name] = code
            if place.level == Region.Level.VILLAGE:
                self.villages[place.code] = place
                self.villages_named.setdefault(name, []).append(place)
        self.units = {unit.name: unit for unit in Unit.objects.filter(region_code__startswith=self.region[:6])}
        for staff in Staff.objects.filter(code_range(self.region), left_on=None):
            self.by_name.setdefault((staff.name, staff.unit_id), []).append(staff)

    def look_up(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Read the staff, households, people, grids and accounts the rows name, some hundred at a time."""
        told = list(rows)
        # A number is somebody's for good: who left or works elsewhere keeps it.
        numbers = sorted({row["number"] for row in told if row.get("number")})
        for start in range(0, len(numbers), BATCH):
            for staff in Staff.objects.filter(number__in=numbers[start : start + BATCH]):
                self.by_number[staff.number] = staff
        wanted = sorted({row["goal"] for row in told if row.get("goal")})
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            for household in Household.objects.filter(
                code_range(self.region), number__in=part, status=Household.Status.ACTIVE
            ).only("pk", "number", "region_code", "head_name", "grid_id"):
                self.households[household.number] = household
            for grid in Grid.objects.filter(code_range(self.region), name__in=part):
                self.grids.setdefault(grid.name, []).append(grid)
        homes = {
            self.households[row["goal"]].pk for row in told if row.get("member") and row["goal"] in self.households
        }
        for start in range(0, len(homes), BATCH):
            part = sorted(homes)[start : start + BATCH]
            for person in Person.objects.filter(household__in=part).only("pk", "name", "household_id", "region_code"):
                self.members.setdefault(person.household_id or 0, []).append(person)
        names = {row["account"].lower() for row in told if row.get("account")}
        for start in range(0, len(names), BATCH):
            users = User.objects.filter(username__in=sorted(names)[start : start + BATCH], is_active=True)
            self.accounts |= {user.username: user for user in users.select_related("staff__unit")}

    def named(self, found: Sequence[Place], near: str) -> list[Place]:
        """Of several places of one name those in the town (or village) of ``near``, where there is one."""
        if len(found) < 2:
            return list(found)
        inside = [one for one in found if covers(prefix_of(near), _code_of(one))]
        return inside or list(found)


def text_fault(text: str, longest: int) -> str:
    """Why a text may not stand in the entry of somebody, which everybody of the county reads; "" if it may."""
    if has_number(text):
        return NO_NUMBERS
    return f"最多 {longest} 个字，请缩短。" if len(text) > longest else ""


def read_row(number: int, cells: dict[str, str], values: Sequence[str], book: Book) -> Read | Told:
    """What a row says; ``Told`` when something is wrong with it."""
    faults: dict[str, str] = {}
    said: dict[str, Any] = {}
    for key, longest in LONGEST.items():
        said[key] = cells.get(key, "")
        fault = text_fault(said[key], longest)
        if fault:
            faults[key] = fault
    if not said["name"]:
        faults["name"] = "请写姓名。"
    for key, listed in CODED.items():
        said[key] = _code(cells.get(key, ""), listed, faults, key)
    if not said["kind"] and "kind" not in faults:
        faults["kind"] = f"请写人员类别：{_labels('staff_kind')}。"
    phone = cells.get("phone", "").replace(" ", "")
    if phone and not PHONE.fullmatch(phone):
        faults["phone"] = "请写 11 位手机号或带区号的座机号；没有就留空。"
    said["phone"] = phone
    place = _place(cells.get("region", ""), book, faults)
    duty = _duty(cells, book, place, faults)
    account = _account(cells.get("account", ""), book, place, duty, faults)
    unit, unit_kind = said.pop("unit"), said.pop("unit_kind")
    staff = _staff(said, unit, place if cells.get("region") else "", book, faults)
    if account is not None and not faults:
        _own_account(account, staff, faults)
    if faults:
        # What comes back to be corrected is kept as it came, but for numbers that nobody may keep here.
        private = {cells[key] for key in LONGEST if has_number(cells.get(key, ""))}
        kept = [hide_numbers(value) if value in private else value for value in values]
        return Told(number, kept, {COLUMNS[key][0]: remedy for key, remedy in faults.items()})
    key = (said["number"],) if said["number"] else (said["name"], unit)
    return Read(number, list(values), key, said, place, unit, unit_kind, duty, account, staff)


def _staff(said: Mapping[str, Any], unit: str, place: str, book: Book, faults: dict[str, str]) -> Staff | None:
    """Who a row is about, if registered already: by the number, else by name and unit; never a guess between several.

    ``place`` is where the row says the person works, "" if it does not say.
    """
    name, number = said["name"], said["number"]
    if number:
        known = book.by_number.get(number)
        if known is None:
            return None
        if not covers(book.region, prefix_of(known.region_code)):
            faults["number"] = f"编号 {number} 已登记给别处的人，请核对编号。"
        elif known.left_on is not None:
            faults["number"] = f"编号 {number} 的{known.name}已于 {known.left_on} 离任。重新任职的，请另编一个编号。"
        elif known.name != name:
            faults["number"] = f"编号 {number} 登记的是{known.name}，请核对编号；本人改名的，请先在人员页面更正姓名。"
        return known
    found = book.units.get(unit)
    if unit and found is None:
        return None
    same = book.by_name.get((name, found.pk if found else None), [])
    if len(same) > 1:
        faults["number"] = f"{unit or '没有填单位的人里'}有 {len(same)} 个人叫“{name}”，请写人员编号。"
        return None
    known = same[0] if same else None
    if known is not None and place and known.region_code != place:
        where = book.titles.get(known.region_code, known.region_code)
        faults["region"] = f"登记的{name}在{where}。同一人调动的，请在人员页面办理；不是同一人的，请写人员编号。"
    return known


def _own_account(account: User, staff: Staff | None, faults: dict[str, str]) -> None:
    """An account that is somebody's already stays theirs."""
    held: Staff | None = getattr(account, "staff", None)
    if held is not None and (staff is None or staff.pk != held.pk):
        unit = held.unit.name if held.unit else "没有填单位"
        told = f"账号“{account.username}”已是{held.name}的（{unit}），一个账号只属于一个人。"
        faults["account"] = f"{told}是同一人的，请把单位写成一致，或写人员编号。"


def _labels(listed: str) -> str:
    return "、".join(label for _, label in codelist(listed).items)


def _code(text: str, listed: str, faults: dict[str, str], key: str) -> str:
    if not text:
        return ""
    codes = codelist(listed)
    found = next((code for code, label in codes.items if text in (code, label)), "")
    if not found:
        faults[key] = f"“{text}”不在可填的范围内，请写：{_labels(listed)}。"
    return found


def _place(text: str, book: Book, faults: dict[str, str]) -> str:
    if not text:
        return book.region.ljust(CODE_LENGTH, "0")
    if text.isascii() and text.isdigit():
        try:
            prefix = prefix_of(text)
        except ValueError as error:
            faults["region"] = str(error)
            return ""
        code = prefix.ljust(CODE_LENGTH, "0")
        if not covers(book.region, prefix) or code not in book.places:
            faults["region"] = f"{text} 不是本辖区现行的区划代码，请核对。"
        return code
    name = fold(text)
    if name in book.doubled:
        faults["region"] = f"有几个地方都叫“{text}”，请改写区划代码。"
    elif name not in book.places:
        faults["region"] = f"本辖区没有“{text}”，请写区划代码或全称。"
    return book.places.get(name, "")


def _duty(cells: dict[str, str], book: Book, place: str, faults: dict[str, str]) -> Responsibility | None:
    role, goal = cells.get("role", ""), cells.get("goal", "")
    if not role and not goal:
        return None
    if not role:
        faults["role"] = f"写了责任对象，还要写责任：{_labels('duty_role')}。"
    code = _code(role, "duty_role", faults, "role")
    line = Responsibility(role=code, since=_day(cells.get("since", ""), book.on, faults, "since") or book.on)
    line.until = _day(cells.get("until", ""), None, faults, "until")
    if line.until is not None and line.until < line.since:
        faults["until"] = f"终止日期 {line.until} 早于起始日期 {line.since}，请改正日期。"
    grids = book.named(book.grids.get(goal, []), place)
    villages = [book.villages[goal]] if goal in book.villages else book.named(_villages(goal, book), place)
    if not goal:
        faults["goal"] = "请写责任对象：户编号、网格名称、村名或 12 位村代码。"
    elif goal in book.households:
        line.household, line.region_code = book.households[goal], book.households[goal].region_code
        _member(cells.get("member", ""), line, book, faults)
    elif len(grids) == 1:
        line.grid, line.region_code = grids[0], grids[0].region_code
    elif len(villages) == 1:
        line.village, line.region_code = villages[0], villages[0].code
    elif grids:
        faults["goal"] = f"有 {len(grids)} 个网格都叫“{goal}”，请在“所在区划”写明乡镇或村，或改用不同的网格名称。"
    elif villages:
        faults["goal"] = f"有 {len(villages)} 个村都叫“{goal}”，请改写 12 位村代码。"
    else:
        faults["goal"] = f"没有找到“{goal}”。请写本辖区有效户的户编号、网格名称、村名或 12 位村代码。"
    if cells.get("member") and line.household_id is None and "goal" not in faults:
        faults["member"] = "写了对象姓名，责任对象要写这个人所在户的户编号。"
    return line


def _villages(goal: str, book: Book) -> list[Region]:
    return book.villages_named.get(fold(goal), [])


def _code_of(place: Grid | Region) -> str:
    return place.code if isinstance(place, Region) else place.region_code


def _member(name: str, line: Responsibility, book: Book, faults: dict[str, str]) -> None:
    """The one of the household the duty is for, where the row names somebody: a pupil, a patient."""
    if not name:
        return
    same = [person for person in book.members.get(line.household_id or 0, []) if person.name == name]
    if len(same) == 1:
        line.person = same[0]
    elif same:
        faults["member"] = f"这一户有 {len(same)} 个人都叫“{name}”，请在人员页面逐人安排。"
    else:
        faults["member"] = f"这一户没有“{name}”。请按户档案写姓名；负责整户的留空。"


def _account(text: str, book: Book, place: str, duty: Responsibility | None, faults: dict[str, str]) -> User | None:
    """The account the person signs in with: free, and reaching where the person works and what the duty is for."""
    if not text:
        return None
    user = book.accounts.get(text.lower())
    if user is None or not same_branch(user.region_code, book.region):
        faults["account"] = f"没有可用的账号“{text}”。请安全管理员先开立；本人不用系统的留空。"
        return None
    if place and not same_branch(user.region_code, place):
        faults["account"] = f"账号“{text}”的管辖区划不在此人的所在区划，请核对。"
    elif duty is not None and duty.region_code and not covers(user.region_code, duty.region_code):
        faults["account"] = f"账号“{text}”管辖不到责任对象，请安全管理员先调整账号的管辖区划。"
    return user


def _day(text: str, otherwise: dt.date | None, faults: dict[str, str], key: str) -> dt.date | None:
    if not text:
        return otherwise
    for pattern in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d"):
        try:
            return dt.datetime.strptime(text.split(" ", maxsplit=1)[0], pattern).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    faults[key] = f"“{text}”不是日期，请写成 2024-01-31。"
    return otherwise
