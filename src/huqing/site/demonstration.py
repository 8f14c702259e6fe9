"""Building the demo installation: the demo county's files go through the same intake as a county's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection, connections
from django.db.models import Count

from huqing import demo
from huqing.access.actions import create_demo_user
from huqing.access.instance import is_demo, mark_demo
from huqing.access.models import User
from huqing.intake.taking import take_in
from huqing.packs.shipped import shipped_keys
from huqing.registry.actions import assign_grid, create_grid
from huqing.registry.models import Household, Region
from huqing.registry.regions import load_shipped_regions
from huqing.screening import actions as screening
from huqing.screening.models import Run
from huqing.screening.signals import paused
from huqing.site.demo_applications import ensure_applications
from huqing.site.demo_cases import ensure_cases
from huqing.site.demo_matters import ensure_matters
from huqing.site.demo_plans import ensure_plans
from huqing.site.demo_records import ensure_records
from huqing.site.demo_residency import ensure_residency
from huqing.site.demo_rosters import ensure_round
from huqing.site.demo_teams import ensure_people
from huqing.site.demo_visits import ensure_visits
from huqing.site.installing import holds_data, install
from huqing.standards.regioncodes import spoken_name
from huqing.visits.installing import install_method

COUNTY = "500236"
HOUSEHOLDS_PER_GRID = 147
PASSWORD = "Huqing-demo-2026"  # noqa: S105  only accounts of the demo command have it
Report = Callable[[str, float], None]


class NotADemo(Exception):
    """The data folder holds a real installation; a demo never touches one."""


@dataclass(frozen=True)
class Account:
    """One demo account."""

    username: str
    title: str
    role: str
    level: int
    unit: str = ""


ACCOUNTS = (
    Account("xian", "县级经办（全县）", "county", 3, "农业农村局"),
    Account("zhen", "乡镇经办（一个镇）", "town", 4),
    Account("cun", "村级干部（一个村）", "village", 5),
    Account("wangge", "网格员（一个网格）", "grid", 5),
    Account("yibao", "行业部门（医疗保障局）", "department", 3, "医疗保障局"),
    Account("bangfu", "帮扶干部（走访）", "visitor", 4, "县水利局"),
    Account("jiaoshi", "教师（家访）", "visitor", 4, "中心小学"),
    Account("yisheng", "医生（巡访）", "visitor", 4, "卫生院"),
    Account("nongji", "农技特派员（随访）", "visitor", 4, "县农业技术推广站"),
    Account("zhudui", "驻村工作队员（一个村）", "visitor", 5),
    Account("chayue", "查阅人员（全县，只看）", "reader", 3),
    Account("xitong", "系统管理员", "system_admin", 0),
    Account("anquan", "安全管理员（账号）", "security_admin", 0),
    Account("shenji", "审计管理员", "audit_admin", 0),
)


def ready(folder: Path) -> bool:
    """Whether the demo in ``folder`` has been built to its end."""
    return (folder / "demo-ready.json").exists()


def write_files(folder: str | Path, *, households: int, seed: int, as_of: date, progress: Report) -> Any:
    """Write the demo county's files and truth; see ``huqing.demo.write``."""
    return demo.write(Path(folder), households=households, seed=seed, as_of=as_of, region=COUNTY, progress=progress)


def build(folder: Path, *, households: int, seed: int, as_of: date, progress: Report) -> Run:
    """Build the demo from nothing; what an earlier unfinished build left is removed first."""
    _start_clean(folder, as_of)
    progress("建立数据库", 0.01)
    install()
    load_shipped_regions(COUNTY, year=2023)
    progress("生成县里的文件", 0.03)
    write_files(folder / "demo", households=households, seed=seed, as_of=as_of, progress=_part(progress, 0.03, 0.25))
    run = take_everything_in(folder / "demo" / "files", as_of=as_of, progress=_part(progress, 0.25, 0.95))
    progress("划分网格", 0.96)
    draw_grids()
    progress("启用工作法", 0.965)
    install_methods()
    ensure_accounts()
    progress("安排走访", 0.97)
    ensure_visits(_busiest_village(), as_of)
    progress("填报走访记录", 0.975)
    ensure_records(as_of)
    progress("登记人员和责任", 0.985)
    ensure_people(_busiest_village(), as_of)
    ensure_residency(_busiest_village(), as_of)
    ensure_matters(_busiest_village(), as_of)
    ensure_plans(_busiest_village(), as_of)
    progress("办理事项", 0.99)
    ensure_cases(_busiest_village(), as_of)
    ensure_applications(_busiest_village(), as_of)
    progress("回头看", 0.995)
    ensure_round(as_of)
    (folder / "demo-ready.json").write_text(
        json.dumps({"households": households, "seed": seed, "as_of": as_of.isoformat()}), encoding="utf-8"
    )
    progress("演示县已建好", 1.0)
    return run


def take_everything_in(files: Path, *, as_of: date, progress: Report) -> Run:
    """Import every file of ``files`` (rosters of households first, then of people, then departments) and screen."""
    ordered = sorted((path for path in files.iterdir() if path.is_file()), key=_import_order)
    with paused():
        for number, path in enumerate(ordered):
            progress(f"导入 {path.name}", 0.9 * number / len(ordered))
            take_in(path, kind=None, by=None, data_date=as_of, region=COUNTY, progress=lambda message, fraction: None)
    progress("筛查", 0.92)
    return screening.run(by=None, region=COUNTY, as_of=as_of, trigger=Run.Trigger.MANUAL)


def _import_order(path: Path) -> tuple[int, str]:
    order = {"户信息表": 0, "家庭成员": 1}
    return next((rank for start, rank in order.items() if path.name.startswith(start)), 2), path.name


def _part(progress: Report, start: float, end: float) -> Report:
    return lambda message, fraction: progress(message, start + (end - start) * fraction)


def _start_clean(folder: Path, as_of: date) -> None:
    if folder.exists() and any(folder.iterdir()) and not is_demo(folder):
        raise NotADemo(f"{folder} 里已有正式数据，演示不会动它。请把 HUQING_DATA 设为另一个空文件夹再运行。")
    database = Path(str(connection.settings_dict["NAME"]))
    elsewhere = connection.vendor != "sqlite" or not database.is_relative_to(folder)
    if elsewhere and holds_data():
        raise NotADemo("HUQING_DATABASE 指向的数据库里已有记录，演示不会动它。请换一个空数据库。")
    if folder.exists():
        connections.close_all()
        shutil.rmtree(folder)
    mark_demo(folder, day=as_of)


def draw_grids() -> None:
    """Divide every village into grids by its groups, as many as the real county has: one for some 147 households.

    A village with two groups or more has at least two grids, so that a grid worker's account shows a part of it.
    """
    villages = Region.objects.filter(pk__in=Household.objects.values("village").distinct())
    for village in villages.order_by("code"):
        groups: dict[str, list[Household]] = {}
        for household in (
            Household.objects.filter(village=village).order_by("group_name", "pk").select_related("village")
        ):
            groups.setdefault(household.group_name, []).append(household)
        households = sum(len(members) for members in groups.values())
        count = min(len(groups), max(2, round(households / HOUSEHOLDS_PER_GRID)))
        parts: list[list[Household]] = [[] for _ in range(count)]
        for place, members in enumerate(groups.values()):
            parts[place * count // len(groups)] += members
        for number, members in enumerate(parts, start=1):
            grid = create_grid(
                village=village, name=f"{spoken_name(village.name)}第{number}网格", by=None, number=number
            )
            assign_grid(households=members, grid=grid, by=None)


def install_methods() -> None:
    """Put the shipped methods to use."""
    for key in shipped_keys():
        install_method(folder_or_key=key, by=None)


def ensure_accounts() -> None:
    """Make the demo accounts that are not there yet."""
    place = _busiest_village()
    present = set(User.objects.values_list("username", flat=True))
    for account in ACCOUNTS:
        if account.username in present:
            continue
        region = {0: "", 3: COUNTY, 4: place.code[:9], 5: place.code}[account.level]
        grid = place.grids.order_by("number").values_list("pk", flat=True).first() if account.role == "grid" else None
        create_demo_user(
            username=account.username,
            display_name=account.title.split("（")[0],
            role=account.role,
            region_code=region,
            unit=account.unit,
            department=account.unit if account.role == "department" else "",
            grid_id=grid,
            password=PASSWORD,
        )


def _busiest_village() -> Region:
    counted = Household.objects.filter(village__grids__isnull=False).values_list("village").annotate(n=Count("id"))
    village = counted.order_by("-n", "village").first()
    if village is None:
        raise RuntimeError("no village has households: the files were not taken in")
    return Region.objects.get(pk=village[0])
