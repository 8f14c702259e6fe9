"""Allowances of a month from the confirmed calendar: computed by the rules, explained, approved by a second person."""

from __future__ import annotations

import calendar
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import Refused, require
from huqing.access.scope import code_range, covers, sees
from huqing.papers.sheets import Column, Marking, Sheet, write_workbook
from huqing.registry.models import Region
from huqing.rules.benefits import compute_rows
from huqing.rules.errors import ParameterError
from huqing.rules.library import library
from huqing.standards.codelists import codelist
from huqing.standards.money import yuan_text
from huqing.standards.regioncodes import spoken_name
from huqing.teams.duty_checks import locked
from huqing.teams.ledger_queries import today
from huqing.teams.models import Absence, AllowanceLine, AllowanceRun, PresenceDay, Responsibility, Staff
from huqing.teams.presence import RESIDENT

if TYPE_CHECKING:
    from huqing.access.models import User

NAMES = (
    "month_refusal", "days_in_village", "days_counted", "full_month", "food_allowance", "monthly_allowance",
    "presence_allowance",
)  # fmt: skip
PARAMETERS = ("presence_days", "presence_daily", "presence_phone", "presence_town", "presence_short_month")
# The sources know 科级 and others; ranks above are paid as 科级 (our reading), an unknown rank stays unknown.
PAID_AS = {"1": "1", "2": "1", "3": "1", "4": "2"}
S, P = AllowanceRun.State, PresenceDay.State
PAID = ("days_in_village", "days_counted", "food", "monthly", "total")
NAMED = 5
TOWN_DIGITS = 9


@transaction.atomic
def compute(*, region: str, month: dt.date, by: User | None) -> AllowanceRun:
    """Compute a month that is over for all residents of an area; refused while days or requests wait for an answer.

    ``by`` None: the installation itself computes; a person approves all the same.
    """
    if by is not None:
        require(by, "pay_allowances")
    month = month.replace(day=1)
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    if by is not None and not covers(by.region_code, region):
        raise Refused("这个地方不在您的管辖范围内。")
    if last >= today():
        raise ValidationError({"month": "这个月还没有结束，月底之后再核算。"})
    run = AllowanceRun(region_code=region, month=month, created_at=timezone.now(), created_by=by)
    run.validate_constraints()
    lines = _lines(run)
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        # Somebody else computed it a moment ago.
        run.validate_constraints()
        raise
    AllowanceLine.objects.bulk_create(lines)
    total = sum(line.total or 0 for line in run.lines.all())
    detail = {"month": month, "people": len(lines), "yuan": yuan_text(total)}
    audit.record(by=by, action="allowance_compute", subject=run, detail=detail)
    return run


@transaction.atomic
def approve(*, run: AllowanceRun, by: User) -> AllowanceRun:
    """A second person approves; refused to who computed it, while an amount is unknown, and once a day has changed."""
    run = _locked(run, by)
    if run.state != S.COMPUTED:
        raise ValidationError(f"这次核算{run.get_state_display()}，不用再审核。")
    if run.created_by_id == by.pk:
        raise Refused("核算和审核不能是同一个人，请另一位县级经办审核。")
    unknown = run.lines.filter(total=None).count()
    if unknown:
        raise ValidationError(f"有 {unknown} 人算不出来。请按每人的原因补齐后，作废并重新核算。")
    _refuse_stale(run)
    run.state, run.approved_by, run.approved_at = S.APPROVED, by, timezone.now()
    run.save()
    audit.record(by=by, action="allowance_approve", subject=run, detail={"month": run.month})
    return run


@transaction.atomic
def discard(*, run: AllowanceRun, by: User) -> AllowanceRun:
    """Set a computation aside so that the month can be computed again; an approved one stays."""
    run = _locked(run, by)
    if run.state != S.COMPUTED:
        raise ValidationError("已审核的核算不能作废。")
    run.state = S.DISCARDED
    run.save(update_fields=["state"])
    audit.record(by=by, action="allowance_discard", subject=run, detail={"month": run.month})
    return run


@transaction.atomic
def export(*, run: AllowanceRun, by: User) -> bytes:
    """The approved month as a workbook for payment."""
    run = _locked(run, by)
    if run.state != S.APPROVED:
        raise ValidationError("审核之后才能导出发放表。")
    columns = [
        Column("序号", "integer"),
        *map(Column, ("姓名", "单位", "所驻村")),
        *(Column(title, "integer") for title in ("在村天数", "计入天数")),
        *(Column(title, "money") for title in ("生活补助（元）", "按月补助（元）", "合计（元）")),
    ]
    lines = run.lines.select_related("staff__unit").order_by("region_code", "pk")
    places = _place_names(run)
    rows = [
        (
            number, line.staff.name, line.staff.unit.name if line.staff.unit else "",
            places.get(line.region_code, line.region_code),
            line.days_in_village, line.days_counted, line.food, line.monthly, line.total,
        )
        for number, line in enumerate(lines, 1)
    ]  # fmt: skip
    out = io.BytesIO()
    title = f"{run.month:%Y年%m月}驻村补助"
    marking = Marking(by=by.display_name, at=timezone.localtime(), note=f"{title}发放表")
    write_workbook(out, [Sheet(title, columns, rows)], marking=marking)
    audit.record(by=by, action="allowance_export", subject=run, detail={"month": run.month, "rows": len(rows)})
    return out.getvalue()


def _place_names(run: AllowanceRun) -> dict[str, str]:
    """Town and village of every line's code, in one query; the latest name where a code was used again."""
    codes = run.lines.values("region_code")
    villages = Region.objects.filter(code__in=codes).select_related("parent").order_by("pk")
    return {one.code: f"{one.parent.name if one.parent else ''}{spoken_name(one.name)}" for one in villages}


def _refuse_stale(run: AllowanceRun) -> None:
    """ValidationError if calendar, ledger or rules would give other amounts now than when it was computed."""
    kept = {line.staff_id: line for line in run.lines.select_related("staff")}
    locked(kept)
    now = {line.staff_id: line for line in _lines(run)}
    changed = [
        (kept.get(pk) or now[pk]).staff.name
        for pk in sorted({*kept, *now})
        if pk not in kept or pk not in now or any(getattr(kept[pk], name) != getattr(now[pk], name) for name in PAID)
    ]
    if changed:
        told = f"核算之后有改动，{len(changed)} 人的天数或金额已经不同：{'、'.join(changed[:NAMED])}"
        raise ValidationError(f"{told}{'等' if len(changed) > NAMED else ''}。请作废，重新核算。")


def _residents(region: str, month: dt.date, last: dt.date) -> dict[int, tuple[Staff, str]]:
    """Who was a resident of the area in the month, with the last village."""
    lines = Responsibility.objects.filter(code_range(region), role=RESIDENT, since__lte=last).exclude(until__lt=month)
    return {line.staff_id: (line.staff, line.region_code) for line in lines.select_related("staff").order_by("since")}


def _lines(run: AllowanceRun) -> list[AllowanceLine]:
    """The lines of a run as the calendar stands now, not saved; ValidationError while something in it waits."""
    last = run.month.replace(day=calendar.monthrange(run.month.year, run.month.month)[1])
    rows = PresenceDay.objects.filter(code_range(run.region_code), day__range=(run.month, last))
    days = list(rows.select_related("staff"))
    waiting = sum(1 for day in days if day.state == P.DECLARED)
    if waiting:
        raise ValidationError(f"还有 {waiting} 天的驻村日历没有确认。请村或乡镇先确认或退回。")
    asked = Absence.objects.filter(code_range(run.region_code), state=Absence.State.ASKED)
    asked = asked.filter(first__lte=last, last__gte=run.month)
    if asked.exists():
        raise ValidationError(f"还有 {asked.count()} 份这个月的请假外出申请没有批。请先批准或不批准。")
    people = _residents(run.region_code, run.month, last)
    if not people:
        raise ValidationError("这个月没有驻村工作队员。")
    months = [
        {
            "id": pk,
            "worker": str(pk),
            "month_on": run.month,
            "rank": PAID_AS.get(staff.rank),
            "in_town": True,
        }
        for pk, (staff, _) in people.items()
    ]
    counted = [
        {"id": day.pk, "worker_month_id": day.staff_id, "day": day.day, "day_kind": day.kind, "approved": True}
        for day in days
        if day.state == P.CONFIRMED and day.staff_id in people
    ]
    table = compute_rows(
        {"worker_month": months, "presence_day": counted},
        of="worker_month",
        names=NAMES,
        as_of=run.month,
        region=run.region_code[:6],
    )
    bases = _bases(run)
    return [
        AllowanceLine(
            run=run,
            staff=people[row["id"]][0],
            region_code=people[row["id"]][1],
            days_in_village=row["days_in_village"],
            days_counted=row["days_counted"],
            food=row["food_allowance"],
            monthly=row["monthly_allowance"],
            total=row["presence_allowance"],
            refusal=row["month_refusal"] or "",
            steps=_steps(row, people[row["id"]][0], bases),
        )
        for row in table.to_pylist()
    ]


def _bases(run: AllowanceRun) -> dict[str, tuple[Any, str]]:
    """The parameters of the month with their sources; one that is missing is left out."""
    found = {}
    for key in PARAMETERS:
        try:
            dated = library().parameters.require(key, run.month, run.region_code)
        except ParameterError:
            continue
        found[key] = (dated.value, f"{library().parameters[key].title}：{dated.source}")
    return found


def _steps(row: dict[str, Any], staff: Staff, bases: dict[str, tuple[Any, str]]) -> list[list[str]]:
    """The month in sentences, each with its source; an amount that is missing is said to be unknown."""

    def yuan(value: int | None) -> str:
        return "算不出" if value is None else f"{yuan_text(value)} 元"

    here, counted = row["days_in_village"], row["days_counted"]
    told = [[f"在村 {here} 天，加上经报备的出差培训共计入 {counted} 天", "已确认的驻村日历"]]
    daily = bases.get("presence_daily")
    told.append(
        [
            f"生活补助 = 在村 {here} 天 × {yuan_text(daily[0])} 元 = {yuan(row['food_allowance'])}"
            if daily
            else "生活补助：本县没有规定每天的标准，算不出",
            daily[1] if daily else "",
        ]
    )
    least, short = bases.get("presence_days"), bases.get("presence_short_month")
    if least:
        said = "够" if row["full_month"] else "不够"
        rule = f"，按规定“{short[0]}”" if short and not row["full_month"] else ""
        told.append([f"计入 {counted} 天，{said}每月 {least[0]} 天{rule}", least[1]])
    rank = codelist("cadre_rank").label(staff.rank) if staff.rank else "没有登记职级"
    sources = "；".join(bases[key][1] for key in ("presence_phone", "presence_town") if key in bases)
    told.append([f"按月补助（通讯补助按职级：{rank}，乡镇补贴）= {yuan(row['monthly_allowance'])}", sources])
    told.append([f"合计 {yuan(row['presence_allowance'])}", ""])
    return told


def _locked(run: AllowanceRun, by: User) -> AllowanceRun:
    require(by, "pay_allowances")
    if not sees(by, run):
        raise Refused("这次核算不在您的管辖范围内。")
    return AllowanceRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
