"""What dynamic management leaves to do, as lines of the home page."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.urls import reverse

from huqing.access.calendar import today
from huqing.access.models import User
from huqing.access.permissions import may
from huqing.access.scope import visible
from huqing.rosters import closing, months, rechecks
from huqing.rosters.models import RecheckDifference, ReviewLine, RosterDifference, RosterMonth

KEPT_SECONDS = 300


def lines(user: User) -> list[dict[str, Any]]:
    """Own verifications, differences and reviews to decide, months to close; only what waits."""
    told: list[tuple[int, str, str, str, str, str]] = []
    if may(user, "verify_households"):
        open_ = rechecks.mine(user).filter(outcome="")
        hint = "按档案已填好，只改不一致的"
        told.append((open_.count(), "户", "回头看等您核查", hint, reverse("office:recheck-mine"), "high"))
    if may(user, "decide_rechecks"):
        waiting = visible(RecheckDifference.objects.filter(decision="", item__round__state="drawn"), user)
        hint = "核查与档案不一致的，判定哪个正确"
        told.append((waiting.count(), "处", "核查差异待判定", hint, reverse("office:rechecks"), "medium"))
    if may(user, "decide_reviews"):
        rows = visible(ReviewLine.objects.filter(round__state="open", label__isnull=False), user)
        reviews = reverse("office:reviews")
        told.append(
            (rows.filter(state="open").count(), "个", "定期复核待决定", "先办建议退出和先核实的", reviews, "medium")
        )
        if may(user, "confirm_reviews"):
            second = rows.filter(state="waiting").exclude(decided_by=user)
            told.append((second.count(), "个", "退出或恢复等您确认", "确认后标签才变更", reviews, "high"))
    if may(user, "settle_differences"):
        open_differences = visible(RosterDifference.objects.filter(state="open"), user)
        hint = "逐项核实，说明或更正"
        told.append((open_differences.count(), "项", "名册差异待处理", hint, reverse("office:differences"), "medium"))
    if may(user, "close_rosters"):
        hint = "核对前后数，封账后名单不再变动"
        told.append((_to_close(user), "份", "上个月的名单没有封账", hint, reverse("office:rosters"), "low"))
    return [
        {"count": count, "unit": unit, "text": text, "hint": hint, "url": url, "dot": dot}
        for count, unit, text, hint, url, dot in told
        if count
    ]


def _to_close(user: User) -> int:
    """Labels the county closes month by month and has not closed last month."""
    county, span = user.region_code[: months.COUNTY], months.month_of(today()).before
    key = f"office.months.{county}.{span.first}"
    count: int | None = cache.get(key)
    if count is None:
        kinds = RosterMonth.objects.filter(region_code=county).order_by().values_list("kind", flat=True).distinct()
        count = sum(not closing.may_close(kind, span, county) for kind in kinds)
        cache.set(key, count, KEPT_SECONDS)
    return count
