"""The list of alerts as a workbook: what is to be checked, with the values and the file and row it came from."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access import audit
from huqing.access.permissions import requires
from huqing.office import places, wording
from huqing.office.views.alerts import wanted_of
from huqing.papers.sheets import Cell, Column, Marking, Sheet, write_workbook
from huqing.rules.catalogue import title_of
from huqing.rules.display import codes_of, value_text
from huqing.rules.library import library
from huqing.screening import origins
from huqing.screening import queries as screening
from huqing.screening.models import Alert

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST = 5_000
COLUMNS = [
    Column("预警"),
    Column("等级"),
    Column("状态"),
    Column("户编号"),
    Column("户主"),
    Column("成员"),
    Column("村"),
    Column("组"),
    Column("发现日期", "date"),
    Column("依据的数值", width=45),
    Column("来源（文件和行号）", width=45),
    Column("怎样解决", width=45),
    Column("确认无误的理由"),
]
audit.name_actions({"alert.export": "导出预警"})


@requires("export")
@require_POST
def alert_export(request: HttpRequest) -> HttpResponse:
    """The alerts the filters leave, as a workbook; audited and marked with who made it."""
    wanted = wanted_of(request)
    found = screening.alerts(
        request.user,
        state=wanted["state"],
        finding=wanted["finding"],
        severity=wanted["severity"],
        region=wanted["village"] or wanted["town"],
    )
    back = f"{reverse('office:alerts')}?{request.GET.urlencode()}"
    total = found.count()
    if not total or total > MOST:
        words = f"有 {total:,} 条，一次最多导出 {MOST:,} 条。请先按乡镇、村或规则筛选，再导出。"
        messages.error(request, words if total else "没有可以导出的预警。请放宽条件后再导出。")
        return redirect(back)
    alerts = list(found.order_by("region_code", "household_id", "id"))
    now = timezone.localtime()
    target = BytesIO()
    marking = Marking(by=request.user.display_name, at=now, note="预警清单")
    rows = write_workbook(target, [Sheet("预警", COLUMNS, _rows(request, alerts))], marking=marking)
    with transaction.atomic():
        audit.record(
            by=request.user,
            action="alert.export",
            region_code=request.user.region_code,
            detail={"rows": rows, **{key: value for key, value in wanted.items() if value}},
        )
    response = HttpResponse(target.getvalue(), content_type=XLSX)
    name = f"预警清单_{now:%Y%m%d_%H%M}.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def _rows(request: HttpRequest, alerts: list[Alert]) -> Iterator[list[Cell]]:
    run = screening.last_run(request.user.region_code)
    files = origins.of_alerts(alerts, run) if run else {}
    rules = library()
    for alert in alerts:
        rule = rules.findings.get(alert.finding)
        household = alert.household
        yield [
            wording.finding_title(alert.finding),
            wording.SEVERITY.get(alert.severity, alert.severity),
            alert.get_state_display(),
            household.number if household else "",
            household.head_name if household else "",
            alert.person.name if alert.person else "",
            places.name_of(alert.region_code),
            household.group_name if household else "",
            alert.opened_on,
            evidence_text(alert),
            "；".join(file.text for file in files.get(origins.key_of(alert), ())),
            rule.resolve if rule else "",
            alert.waive_reason,
        ]


def evidence_text(alert: Alert) -> str:
    """The values an alert was found with, in words: “人均纯收入 4,000.00 元/人·年；在世家庭人口 1 人”."""
    rules = library()
    nodes = rules.evidence.get(alert.finding, {})
    told = []
    for name, value in alert.evidence.items():
        node = nodes.get(name)
        if node is not None:
            text = value_text(value, unit=rules.unit_of(node), codes=codes_of(rules, node))
            told.append(f"{title_of(rules, node)} {text}")
    return "；".join(told)


urlpatterns = [path("alerts/export/", alert_export, name="alerts-export")]
