"""The first page: what needs doing today, by role."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone

from huqing.access.models import Role
from huqing.access.permissions import may, signed_in
from huqing.access.scope import visible
from huqing.cases import queries as case_queries
from huqing.cases.calendar import today as office_day
from huqing.office import application_todo, matter_todo, places, queries, roster_todo, wording
from huqing.screening import queries as screening
from huqing.teams import absences, ledger_queries
from huqing.teams.models import InspectionFinding
from huqing.teams.queries import households_of
from huqing.teams.team_notes import open_problems
from huqing.visits import calendar, savings
from huqing.visits import queries as visits
from huqing.visits.models import AccessLink
from huqing.visits.savings import Saving

TREND_DAYS = 30
TREND_SECONDS = 300
KINDS_SHOWN = 10


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """What the signed-in person should look at first."""
    pages = {
        Role.SYSTEM_ADMIN: _system,
        Role.SECURITY_ADMIN: _security,
        Role.AUDIT_ADMIN: _audit,
        Role.DEPARTMENT: _department,
        Role.VISITOR: _visitor,
    }
    template, context = pages.get(request.user.role, _field)(request)
    return render(request, template, {"today": timezone.localdate(), **context})


def _field(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    user = request.user
    by_severity = screening.open_by_severity(user)
    by_finding = screening.open_by_finding(user)
    run = screening.last_run(user.region_code) if user.region_code else None
    return "office/home.html", {
        "households": queries.household_total(user),
        "open_total": sum(by_severity.values()),
        "severities": [(level, wording.SEVERITY[level], by_severity.get(level, 0)) for level in wording.SEVERITY_ORDER],
        "trend": _trend(user),
        "kinds": [
            {"key": key, "title": wording.finding_title(key), "count": count, "url": link("office:alerts", finding=key)}
            for key, count in list(by_finding.items())[:KINDS_SHOWN]
        ],
        "kinds_left": max(0, len(by_finding) - KINDS_SHOWN),
        "towns": _places(request),
        "todo": _todo(request, by_severity),
        "run": run,
        "unknown": queries.unknown_total(run, user) if run else None,
        "alerts_url": link("office:alerts"),
        "unknown_url": link("office:unknown"),
        "saving": _saving(user),
        "saving_url": link("office:visit-forms"),
    }


def _saving(user: Any) -> Saving:
    """Entries that the visitors of the area did not have to type; a few minutes old at most."""
    key = f"office.saving.{user.pk}"
    known = cache.get(key)
    if known is None:
        known = savings.total(user)
        cache.set(key, known, TREND_SECONDS)
    return known


def _visitor(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    user = request.user
    return "office/home_visitor.html", {
        "households": households_of(user).count(),
        "todo": _visits_todo(user) + matter_todo.todo(user, office_day()) + roster_todo.lines(user),
        "has_phone": AccessLink.objects.filter(user=user, revoked_at=None).exists(),
    }


def _todo(request: HttpRequest, by_severity: dict[str, int]) -> list[dict[str, Any]]:
    """The day's work: only what there is something to do about, most pressing first."""
    user = request.user
    lines = [
        {
            "count": by_severity.get(level, 0),
            "unit": "条",
            "text": f"{label}预警待处理",
            "hint": hint,
            "url": link("office:alerts", severity=level),
            "dot": level,
        }
        for level, label, hint in (
            ("high", "紧急", "尽快入户核实，落实帮扶或说明理由"),
            ("medium", "重要", "本月内核实"),
            ("low", "一般", "走访时一并核对"),
            ("notice", "提示", "有空时看一眼"),
        )
    ]
    lines += _cases_todo(user)
    lines += application_todo.todo(user, office_day())
    lines += matter_todo.todo(user, office_day())
    lines += _visits_todo(user)
    lines += _duties_todo(user)
    lines += roster_todo.lines(user)
    if may(user, "review_links"):
        lines.append(
            {
                "count": queries.open_links(user),
                "unit": "条",
                "text": "疑似同一人待判定",
                "hint": "部门数据中的人对不上花名册，请判定是不是同一人",
                "url": link("office:links"),
                "dot": "medium",
            }
        )
    if may(user, "view_imports"):
        lines.append(
            {
                "count": queries.imports_with_problems(user),
                "unit": "份",
                "text": "导入的文件有行未入库",
                "hint": "下载有问题的行，改好后再导入一次",
                "url": link("office:imports"),
                "dot": "medium",
            }
        )
    order = {"high": "先办", "medium": "接着办", "low": "有空时办", "notice": "有空时办"}
    found = [line | {"part": order[line["dot"]]} for line in lines if line["count"]]
    return sorted(found, key=lambda line: list(order).index(line["dot"]))


def _cases_todo(user: Any) -> list[dict[str, Any]]:
    """Cases that wait for the person's role, those that are late, and objections nobody answered."""
    if not may(user, "handle_cases"):
        return []
    found, cases = case_queries.mine(user, office_day()), "office:cases"
    rest = found.waiting - found.late
    told = (
        (found.late, "件", "等您办理的事项已超期", "先办这些", link(cases, mine="1", late="1"), "high"),
        (found.told, "件", "下级办理的事项已超期", "催办，或查明原因", link(cases, late="1"), "high"),
        (found.objections, "件", "公示异议待答复", "逐件核实、逐件答复", link("office:postings"), "high"),
        (found.over, "件", "公示期满待办下一步", "没有异议的，报上一级", link(cases, mine="1"), "medium"),
        (found.to_evaluate, "户", "等待民主评议", "召集评议会", link("office:evaluations"), "medium"),
        (
            found.meetings,
            "次",
            "评议会还没有开完",
            "当场抽取、签到、登记表决结果",
            link("office:evaluations"),
            "medium",
        ),
        (found.to_post, "户", "等待公示或公告", "预览后发布，打印张贴", link("office:postings"), "medium"),
        (rest, "件", "事项等您办理", "包括上面的，按程序办下一步", link(cases, mine="1"), "medium"),
    )
    return [
        {"count": count, "unit": unit, "text": text, "hint": hint, "url": url, "dot": dot}
        for count, unit, text, hint, url, dot in told
        if count
    ]


def _gaps_todo(user: Any) -> list[dict[str, Any]]:
    """What the ledger of duties lacks in the area: counties, towns and villages see it, a few minutes old at most."""
    village = user.role == Role.VILLAGE
    if not (may(user, "manage_duties") or village):
        return []
    key = f"office.gaps.{user.pk}"
    gaps = cache.get(key)
    if gaps is None:
        gaps = ledger_queries.gap_counts(user)
        cache.set(key, gaps, TREND_SECONDS)
    told = (
        (gaps.nobody, "户", "没有人负责的农户", "看是哪些户，安排责任人", {}, "high"),
        (gaps.helpless, "户", "监测对象没有帮扶责任人", "逐户安排，或做一个结对方案", {"what": "helpless"}, "medium"),
        (gaps.grids, "个", "网格没有网格员", "给网格安排网格员", {"what": "grids"}, "medium"),
        (gaps.no_grid, "户", "没有划入网格的农户", "在区划与网格里按小组划入", {"what": "no_grid"}, "medium"),
    )
    ask = "请乡镇安排：" if village else ""
    return [
        {
            "count": count,
            "unit": unit,
            "text": text,
            "hint": f"{ask if what.get('what') != 'no_grid' else ''}{hint}",
            "url": link("office:ledger", **what),
            "dot": dot,
        }
        for count, unit, text, hint, what, dot in told
    ]


def _duties_todo(user: Any) -> list[dict[str, Any]]:
    """What the ledger and the resident teams leave to do; gaps are a few minutes old at most."""
    lines = _gaps_todo(user)
    lines.append(
        {
            "count": absences.waiting_for(user),
            "unit": "份",
            "text": "驻村队员请假外出等您批",
            "hint": "只列您这一级可以批的",
            "url": link("office:residency"),
            "dot": "medium",
        }
    )
    lines.append(
        {
            "count": open_problems(user).count(),
            "unit": "件",
            "text": "驻村队员反映的困难没有解决",
            "hint": "交办给责任单位，写明期限",
            "url": link("office:residency"),
            "dot": "medium",
        }
    )
    if may(user, "fix_findings"):
        late = visible(InspectionFinding.objects.filter(state=InspectionFinding.State.OPEN), user)
        lines.append(
            {
                "count": late.count(),
                "unit": "个",
                "text": "抽查发现的问题待整改",
                "hint": "按期限整改，登记后由县里复查",
                "url": link("office:inspections"),
                "dot": "high",
            }
        )
    return [line for line in lines if line["count"]]


def _visits_todo(user: Any) -> list[dict[str, Any]]:
    """What visits leave to do: own ones sent back, others' to review."""
    lines: list[dict[str, Any]] = []
    if may(user, "visit"):
        due = calendar.due_for(user).counts
        lines += [
            {
                "count": due[when],
                "unit": "次",
                "text": f"我的走访{calendar.WORDS[when]}",
                "hint": hint,
                "url": link("office:visit-calendar"),
                "dot": dot,
            }
            for when, hint, dot in (
                (calendar.OVERDUE, "过了截止日期还没去的，先去", "high"),
                (calendar.WEEK, "这个星期之内要去", "medium"),
            )
        ]
        lines.append(
            {
                "count": visits.returned(user),
                "unit": "条",
                "text": "我的走访记录被退回",
                "hint": "看退回原因，在手机上改好重新提交",
                "url": link("office:visits", state="returned", mine="1"),
                "dot": "high",
            }
        )
    if may(user, "review_visits"):
        lines.append(
            {
                "count": visits.waiting(user),
                "unit": "条",
                "text": "走访记录待审核",
                "hint": "核对后采纳，有问题的写明原因退回",
                "url": link("office:visits", state="received"),
                "dot": "medium",
            }
        )
    return [line for line in lines if line["count"]]


def _trend(user: Any) -> dict[str, Any] | None:
    """Open alerts today against a week and a month ago, and the line of the last month."""
    today = timezone.localdate()
    key = f"office.trend.{user.role}.{user.region_code}.{user.grid_id}.{today}"
    days = cache.get(key)
    if days is None:
        days = screening.trend(user, until=today, days=TREND_DAYS)
        cache.set(key, days, TREND_SECONDS)
    if not any(count for _, count in days):
        return None
    # A screening opens everything at once on its first day; before it there is nothing to compare with.
    known = [count for _, count in days[:-7] if count]
    return {"days": days, "week": days[-1][1] - days[-8][1] if known else None}


def _places(request: HttpRequest) -> dict[str, Any]:
    """Open alerts by the places one level below the account's own, most first."""
    prefix = request.user.region_code
    by_place = queries.open_by_place(request.user)
    rows = [
        {
            "name": places.below(code)[code].name if code in places.below(code) else code,
            "url": link("office:alerts", region=code),
            "counts": [counts.get(level, 0) for level in wording.SEVERITY_ORDER],
            "total": sum(counts.values()),
        }
        for code, counts in by_place.items()
    ]
    rows.sort(key=lambda row: -row["total"])
    return {"level": "乡镇" if len(prefix) <= places.COUNTY_DIGITS else "村", "rows": rows}


def _department(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    return "office/home_department.html", {
        "imports": queries.recent_imports(request.user),
        "with_problems": queries.imports_with_problems(request.user),
        "imports_url": link("office:imports"),
    }


def _security(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    return "office/home_security.html", {"accounts": queries.account_numbers(timezone.now())}


def _audit(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    return "office/home_audit.html", {
        "numbers": queries.audit_numbers(timezone.now()),
        "events": queries.recent_events(),
    }


def _system(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    return "office/home_system.html", {"numbers": queries.system_numbers()}


def link(view: str, **query: str) -> str:
    """The address of a page with filters; empty where the page does not exist."""
    from urllib.parse import urlencode

    try:
        address = reverse(view)
    except NoReverseMatch:
        return ""
    return f"{address}?{urlencode(query)}" if query else address


urlpatterns = [path("", home, name="home")]
