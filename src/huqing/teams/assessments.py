"""Assessments: made from records, graded by a person within the shares, answered when appealed, closed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import code_range, sees, visible
from huqing.rules.library import library
from huqing.standards.text import clean
from huqing.teams.assessment_scores import Stretch, scores_of
from huqing.teams.ledger_queries import today
from huqing.teams.models import Assessment, AssessmentLine, Responsibility
from huqing.teams.presence import RESIDENT

if TYPE_CHECKING:
    from huqing.access.models import User

G, S = AssessmentLine.Grade, Assessment.State


def lines_seen(user: User) -> QuerySet[AssessmentLine]:
    """The results an account may read: its own, and as a superior those of its area."""
    rows = AssessmentLine.objects.select_related("assessment", "staff__unit", "graded_by", "answered_by")
    own = rows.filter(staff__user=user)
    return own | visible(rows, user) if may(user, "grade_members") else own


@transaction.atomic
def make(*, title: str, region: str, first: dt.date, last: dt.date, by: User) -> Assessment:
    """Compute the parts of every resident of an area over a stretch of days that is over."""
    require(by, "grade_members")
    if not region.startswith(by.region_code):
        raise Refused("这个地方不在您的管辖范围内。")
    if last < first:
        raise ValidationError({"last": "最后一天早于第一天，请改正日期。"})
    if last >= today():
        raise ValidationError({"last": "考核期还没有结束，结束之后再考核。"})
    title = clean(title).strip()
    if not title:
        raise ValidationError({"title": "请写名称，例如“2024 年上半年考核”。"})
    residents = Responsibility.objects.filter(code_range(region), role=RESIDENT, since__lte=last).exclude(
        until__lt=first
    )
    people = {line.staff_id: line for line in residents.select_related("staff").order_by("since")}
    if not people:
        raise ValidationError("考核期内没有驻村工作队员。")
    assessment = Assessment.objects.create(
        title=title, region_code=region, first=first, last=last, created_at=timezone.now(), created_by=by
    )
    made = []
    for line in people.values():
        # Who came later or left earlier answers for their own time only.
        since, until = max(first, line.since), min(last, line.until or last)
        scores = scores_of(Stretch(line.staff, line.region_code, since, until))
        known = [score["points"] for score in scores]
        made.append(
            AssessmentLine(
                assessment=assessment,
                staff=line.staff,
                region_code=line.region_code,
                scores=scores,
                points=None if None in known else sum(known),
            )
        )
    AssessmentLine.objects.bulk_create(made)
    audit.record(by=by, action="assessment_make", subject=assessment, detail={"title": title, "people": len(made)})
    return assessment


@transaction.atomic
def grade(*, line: AssessmentLine, grade: str, reason: str, by: User) -> AssessmentLine:
    """A person decides; nobody grades themselves, and excellent stays within its share."""
    line = _locked(line, by)
    if grade not in G.values:
        raise ValidationError({"grade": "请选等次。"})
    reason = hide_numbers(clean(reason).strip())[:200]
    if grade != G.COMPETENT and not reason:
        raise ValidationError({"reason": "评为称职以外的等次要写理由。"})
    if grade == G.EXCELLENT and line.grade != G.EXCELLENT:
        _within_share(line.assessment, more=1)
    line.grade, line.reason, line.graded_by = grade, reason, by
    line.save(update_fields=["grade", "reason", "graded_by"])
    detail = {"staff": line.staff.name, "grade": line.get_grade_display()}
    audit.record(by=by, action="assessment_grade", subject=line, detail=detail)
    return line


@transaction.atomic
def appeal(*, line: AssessmentLine, text: str, by: User) -> AssessmentLine:
    """The assessed person objects to a grade, once."""
    require(by, "see_assessment")
    line = AssessmentLine.objects.select_for_update(of=("self",)).select_related("staff").get(pk=line.pk)
    if line.staff.user_id != by.pk:
        raise Refused("只有本人可以申诉。")
    if not line.grade:
        raise ValidationError("还没有评定等次，评定之后才能申诉。")
    if line.appeal:
        raise ValidationError("已经申诉过，请等答复。")
    text = hide_numbers(clean(text).strip())[:300]
    if not text:
        raise ValidationError({"text": "请写申诉的理由。"})
    line.appeal = text
    line.save(update_fields=["appeal"])
    audit.record(by=by, action="assessment_appeal", subject=line, detail={"staff": line.staff.name})
    return line


@transaction.atomic
def answer(*, line: AssessmentLine, text: str, by: User) -> AssessmentLine:
    """Answer an appeal; who graded does not answer."""
    line = _locked(line, by)
    if not line.appeal or line.answer:
        raise ValidationError("没有待答复的申诉。")
    if line.graded_by_id == by.pk:
        raise Refused("等次是您评定的，请另一个人答复申诉。")
    text = hide_numbers(clean(text).strip())[:300]
    if not text:
        raise ValidationError({"text": "请写答复。"})
    line.answer, line.answered_by = text, by
    line.save(update_fields=["answer", "answered_by"])
    audit.record(by=by, action="assessment_answer", subject=line, detail={"staff": line.staff.name})
    return line


@transaction.atomic
def close(*, assessment: Assessment, by: User) -> Assessment:
    """Close when everybody has a grade, appeals are answered, and the shares hold."""
    require(by, "grade_members")
    if not sees(by, assessment):
        raise Refused("这次考核不在您的管辖范围内。")
    assessment = Assessment.objects.select_for_update(of=("self",)).get(pk=assessment.pk)
    if assessment.state == S.CLOSED:
        raise ValidationError("这次考核已经完成。")
    waiting = assessment.lines.filter(grade="").count()
    if waiting:
        raise ValidationError(f"还有 {waiting} 人没有评定等次。")
    open_ = assessment.lines.exclude(appeal="").filter(answer="").count()
    if open_:
        raise ValidationError(f"还有 {open_} 份申诉没有答复。")
    _within_share(assessment)
    assessment.state = S.CLOSED
    assessment.save(update_fields=["state"])
    audit.record(by=by, action="assessment_close", subject=assessment, detail={"title": assessment.title})
    return assessment


def _within_share(assessment: Assessment, more: int = 0) -> None:
    total = assessment.lines.count()
    excellent = assessment.lines.filter(grade=G.EXCELLENT).count() + more
    dated = library().parameters["excellent_share"].at(assessment.last, assessment.region_code)
    if dated is None:
        return
    most = total * int(dated.value) // 100
    if excellent > most:
        told = (
            f"优秀不超过 {dated.value}%：{total} 人里最多 {most} 人，已有 {excellent - more} 人。请先调整别人的等次。"
        )
        raise ValidationError({"grade": told})


def _locked(line: AssessmentLine, by: User) -> AssessmentLine:
    require(by, "grade_members")
    if not sees(by, line):
        raise Refused("这名队员不在您的管辖范围内。")
    rows = AssessmentLine.objects.select_for_update(of=("self",)).select_related("staff", "assessment")
    found = rows.get(pk=line.pk)
    if found.staff.user_id == by.pk:
        raise Refused("不能考核自己，请上级评定。")
    if found.assessment.state == S.CLOSED:
        raise ValidationError("这次考核已经完成，不能再改。")
    return found
