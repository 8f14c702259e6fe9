"""The letters of an inspection as Word files: the notice of a round, and the order to put right, village by village."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from huqing.access import audit
from huqing.papers.word import Paragraph, Table, letter
from huqing.standards.regioncodes import spoken_name
from huqing.teams.ledger_queries import today
from huqing.teams.models import InspectionFinding, InspectionRound, InspectionTarget

if TYPE_CHECKING:
    from huqing.access.models import User


def targets_of(round_: InspectionRound) -> QuerySet[InspectionTarget]:
    """The drawn villages of a round in the order of their codes."""
    return round_.targets.select_related("village__parent").order_by("region_code")


def findings_of(round_: InspectionRound) -> QuerySet[InspectionFinding]:
    """What a round found, village by village."""
    rows = InspectionFinding.objects.filter(target__round=round_).select_related("target__village__parent")
    return rows.order_by("region_code", "pk")


@transaction.atomic
def notice(*, round_: InspectionRound, by: User) -> bytes:
    """The notice (通报) of a round; that it was taken out is in the log."""
    places = "、".join(_place(target) for target in targets_of(round_))
    findings = list(findings_of(round_))
    drawn = _chinese(round_.drawn_at.date()) if round_.drawn_at else ""
    blocks: list[Paragraph | Table] = [
        Paragraph(f"关于{round_.title}情况的通报", "title"),
        Paragraph(
            f"{drawn}，在{round_.witnesses}监督下，按双随机办法抽取 {round_.targets.count()} 个村（{places}）进行检查。"
            f"抽取前公布的承诺为 {round_.commitment[:16]}……，抽取记录任何人都可以下载验证。"
        ),
    ]
    if findings:
        blocks += [
            Paragraph(f"检查发现问题 {len(findings)} 个，现通报如下。请责任单位按期整改，整改后由县里复查销号。"),
            Table(
                ("序号", "村", "问题", "责任单位", "整改期限"),
                [
                    (str(number), _place(one.target), one.text, one.responsible, one.due_on.isoformat())
                    for number, one in enumerate(findings, 1)
                ],
                (12, 34, 56, 30, 24),
            ),
        ]
    else:
        blocks.append(Paragraph("检查没有发现需要整改的问题。"))
    blocks += [Paragraph("（印章）", "right"), Paragraph(_chinese(today()), "right")]
    audit.record(by=by, action="inspection_notice", subject=round_, detail={"title": round_.title, "paper": "通报"})
    return letter(blocks)


@transaction.atomic
def order(*, target: InspectionTarget, by: User) -> bytes:
    """The order to put right (整改通知书) for one village; that it was taken out is in the log."""
    findings = list(target.findings.order_by("due_on", "pk"))
    units = "、".join(dict.fromkeys(one.responsible for one in findings))
    seen = f"{_chinese(target.inspected_on)}，" if target.inspected_on else ""
    blocks: list[Paragraph | Table] = [
        Paragraph("整改通知书", "title"),
        Paragraph(f"{units}：", "plain"),
        Paragraph(f"{seen}“{target.round.title}”检查{_place(target)}，发现以下问题，请按期整改并登记整改情况："),
    ]
    for number, one in enumerate(findings, 1):
        words = one.text.rstrip("。；;.")
        blocks.append(Paragraph(f"{number}. {words}。责任单位：{one.responsible}；{_chinese(one.due_on)}前整改到位。"))
    blocks += [
        Paragraph("到期后由县里复查，复查通过的销号，不通过的退回继续整改。对问题有不同意见的，请在期限内书面说明。"),
        Paragraph("（印章）", "right"),
        Paragraph(_chinese(today()), "right"),
    ]
    detail = {"title": target.round.title, "paper": "整改通知书", "village": target.region_code}
    audit.record(by=by, action="inspection_notice", subject=target, detail=detail)
    return letter(blocks)


def _place(target: InspectionTarget) -> str:
    town = target.village.parent.name if target.village.parent else ""
    return f"{town}{spoken_name(target.village.name)}"


def _chinese(day: dt.date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else ""
