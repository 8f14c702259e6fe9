"""Assessments: made from records, graded by a person within the shares, accepted or appealed against, closed.

Results are for the assessed and their superiors: nothing here lists people by points, and the log keeps no grade.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import covers, sees, visible
from huqing.packs import manifest
from huqing.packs.manifest import MEASURES
from huqing.rules.library import library
from huqing.standards.text import clean
from huqing.teams.assessment_scores import Stretch, scores_of
from huqing.teams.ledger_queries import today
from huqing.teams.models import Assessment, AssessmentLine, Responsibility
from huqing.teams.presence import RESIDENT

G, S = AssessmentLine.Grade, Assessment.State
LONGEST = 366 * 2


def lines_seen(user: User) -> QuerySet[AssessmentLine]:
    """The results an account may read: its own, and as a superior those of its area."""
    rows = AssessmentLine.objects.select_related("assessment", "staff__unit", "graded_by", "answered_by")
    own = rows.filter(staff__user=user)
    return own | visible(rows, user) if may(user, "grade_members") else own


@transaction.atomic
def make(
    *, title: str, method: manifest.Method, plan: str, region: str, first: dt.date, last: dt.date, by: User
) -> Assessment:
    """Compute the parts of everybody a method's assessment is about, over a stretch of days that is over."""
    require(by, "grade_members")
    if not covers(by.region_code, region):
        raise Refused("这个地方不在您的管辖范围内。")
    if last < first:
        raise ValidationError({"last": "最后一天早于第一天，请改正日期。"})
    if last >= today():
        raise ValidationError({"last": "考核期还没有结束，结束之后再考核。"})
    if (last - first).days >= LONGEST:
        raise ValidationError({"last": "一次最多考核两年，请缩短。"})
    title = clean(title).strip()
    if not title:
        raise ValidationError({"title": "请写名称，例如“2024 年上半年考核”。"})
    told = next((one for one in method.assessments if one.key == plan), None)
    if told is None:
        raise ValidationError({"plan": "请选考核办法。"})
    # A form that was sent twice waits here for itself.
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=by.pk)
    same = Assessment.objects.filter(
        region_code=region, method=method.key, plan=told.key, first=first, last=last, state=S.OPEN
    ).first()
    if same is not None:
        raise ValidationError({"plan": f"“{same.title}”就是这一段时间的同一办法，还没有完成。请在那里评定。"})
    people = _people(method.duties_of(told.actor), region, first, last)
    if not people:
        raise ValidationError("考核期内这里没有这类人员。请先在责任台账里登记。")
    assessment = Assessment.objects.create(
        title=title[:100],
        region_code=region,
        method=method.key,
        version=method.version,
        plan=told.key,
        plan_title=f"{method.title}：{told.title}"[:100],
        indicators=[{**asdict(item), "words": MEASURES[item.measure]} for item in told.indicators],
        first=first,
        last=last,
        created_at=timezone.now(),
        created_by=by,
    )
    scores = scores_of(people, method, told.indicators, told.actor)
    made = []
    for one in people:
        parts = scores[one.staff.pk]
        known = [score["points"] for score in parts]
        points = None if None in known else sum(known)
        made.append(
            AssessmentLine(
                assessment=assessment, staff=one.staff, region_code=one.region_code, scores=parts, points=points
            )
        )
    AssessmentLine.objects.bulk_create(made, batch_size=500)
    audit.record(by=by, action="assessment_make", subject=assessment, detail={"title": title, "people": len(made)})
    return assessment


def _people(roles: tuple[str, ...], region: str, first: dt.date, last: dt.date) -> list[Stretch]:
    """Who held one of the roles in the time: residents of the area's villages, others who work in the area."""
    lines = Responsibility.objects.filter(Q(until=None) | Q(until__gte=first), role__in=roles, since__lte=last)
    held: dict[int, list[Responsibility]] = defaultdict(list)
    for line in lines.select_related("staff__user").order_by("staff", "since", "pk"):
        held[line.staff_id].append(line)
    people = []
    for own in held.values():
        staff = own[0].staff
        posts = [line for line in own if line.role == RESIDENT]
        where = posts[-1].region_code if posts else staff.region_code
        if not covers(region, where):
            continue
        # Who came later or left earlier answers for their own time only.
        since = max(first, min(line.since for line in own))
        until = min(last, max(line.until or last for line in own))
        villages = tuple((one.region_code, max(first, one.since), min(last, one.until or last)) for one in posts)
        people.append(Stretch(staff, since, until, where, villages))
    return sorted(people, key=lambda one: (one.region_code, one.staff.pk))


@dataclass(frozen=True)
class Share:
    """How many may be excellent: the share of all, rounded down; ``most`` None where nothing is laid down."""

    total: int
    excellent: int
    percent: int | None
    most: int | None

    @property
    def words(self) -> str:
        """The rule with its rounding, in words."""
        if self.most is None or self.percent is None:
            return "本县没有规定优秀等次的比例。"
        exact = f"{self.total * self.percent / 100:g}"
        rounded = "" if self.total * self.percent % 100 == 0 else "，尾数舍去"
        counted = f"{self.total} 人 × {self.percent}% = {exact} 人{rounded}"
        return f"优秀不超过 {self.percent}%：{counted}，最多 {self.most} 人。"


def share_of(assessment: Assessment) -> Share:
    """The share of excellent grades as it stands."""
    total = assessment.lines.count()
    excellent = assessment.lines.filter(grade=G.EXCELLENT).count()
    dated = library().parameters["excellent_share"].at(assessment.last, assessment.region_code)
    if dated is None:
        return Share(total, excellent, None, None)
    percent = int(dated.value)  # type: ignore[arg-type]
    return Share(total, excellent, percent, total * percent // 100)


@transaction.atomic
def grade(*, line: AssessmentLine, grade: str, reason: str, by: User) -> AssessmentLine:
    """A person decides; nobody grades themselves, and excellent stays within its share.

    After an appeal the grade is another person's, who answers it: it could be lowered again with no appeal left.
    """
    line = _locked(line, by)
    if line.appeal:
        raise ValidationError("本人已经申诉，等次由另一个人在答复申诉时决定，不能再评定。")
    _set_grade(line, grade, reason, by)
    audit.record(by=by, action="assessment_grade", subject=line, detail={"staff": line.staff.name})
    return line


def _set_grade(line: AssessmentLine, grade: str, reason: str, by: User) -> None:
    if grade not in G.values:
        raise ValidationError({"grade": "请选等次。"})
    reason = hide_numbers(clean(reason).strip())[:200]
    if grade != G.COMPETENT and not reason:
        raise ValidationError({"reason": "评为称职以外的等次要写理由。"})
    if grade == G.EXCELLENT and line.grade != G.EXCELLENT:
        _within_share(line.assessment, more=1)
    if grade != line.grade:
        line.accepted_on = None
    line.grade, line.reason, line.graded_by, line.graded_on = grade, reason, by, today()
    line.save(update_fields=["grade", "reason", "graded_by", "graded_on", "accepted_on"])


@transaction.atomic
def accept(*, line: AssessmentLine, by: User) -> AssessmentLine:
    """The assessed person has nothing against the grade."""
    line = _own(line, by)
    if line.accepted_on is None:
        line.accepted_on = today()
        line.save(update_fields=["accepted_on"])
        audit.record(by=by, action="assessment_accept", subject=line, detail={"staff": line.staff.name})
    return line


@transaction.atomic
def appeal(*, line: AssessmentLine, text: str, by: User) -> AssessmentLine:
    """The assessed person objects to a grade, once, while the assessment is open."""
    line = _own(line, by)
    if line.appeal:
        raise ValidationError("已经申诉过，请等答复。")
    text = hide_numbers(clean(text).strip())[:300]
    if not text:
        raise ValidationError({"text": "请写申诉的理由。"})
    line.appeal, line.accepted_on = text, None
    line.save(update_fields=["appeal", "accepted_on"])
    audit.record(by=by, action="assessment_appeal", subject=line, detail={"staff": line.staff.name})
    return line


@transaction.atomic
def answer(*, line: AssessmentLine, text: str, by: User, grade: str = "") -> AssessmentLine:
    """Answer an appeal, perhaps with another grade; who graded does not answer."""
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
    if grade and grade != line.grade:
        _set_grade(line, grade, text, by)
    audit.record(by=by, action="assessment_answer", subject=line, detail={"staff": line.staff.name})
    return line


def appeal_until(line: AssessmentLine) -> dt.date | None:
    """The last day on which the assessed may appeal; None before the grade, or where no time is laid down."""
    dated = library().parameters["appeal_days"].at(line.assessment.last, line.assessment.region_code)
    if line.graded_on is None or dated is None:
        return None
    return line.graded_on + dt.timedelta(days=int(dated.value))  # type: ignore[arg-type]


@transaction.atomic
def close(*, assessment: Assessment, by: User) -> Assessment:
    """Close when everybody has a grade and had the time to appeal, appeals are answered, and the shares hold."""
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
    silent = assessment.lines.filter(appeal="", accepted_on=None).select_related("assessment")
    running = [until for until in map(appeal_until, silent) if until is not None and until >= today()]
    if running:
        raise ValidationError(f"还有 {len(running)} 人可以申诉，最晚到 {max(running)}。本人点了“没有意见”的不用等。")
    _within_share(assessment)
    assessment.state = S.CLOSED
    assessment.save(update_fields=["state"])
    audit.record(by=by, action="assessment_close", subject=assessment, detail={"title": assessment.title})
    return assessment


def _within_share(assessment: Assessment, more: int = 0) -> None:
    # Two people grading at once must not both take the last place.
    Assessment.objects.select_for_update(of=("self",)).get(pk=assessment.pk)
    share = share_of(assessment)
    if share.most is not None and share.excellent + more > share.most:
        raise ValidationError({"grade": f"{share.words}已有 {share.excellent} 人，请先调整别人的等次。"})


def _own(line: AssessmentLine, by: User) -> AssessmentLine:
    require(by, "see_assessment")
    rows = AssessmentLine.objects.select_for_update(of=("self",)).select_related("staff", "assessment")
    found = rows.get(pk=line.pk)
    if found.staff.user_id != by.pk:
        raise Refused("只有本人可以表示意见。")
    if not found.grade:
        raise ValidationError("还没有评定等次，评定之后才能表示意见。")
    if found.assessment.state == S.CLOSED:
        raise ValidationError("这次考核已经完成，不能再改。")
    return found


def _locked(line: AssessmentLine, by: User) -> AssessmentLine:
    require(by, "grade_members")
    if not sees(by, line):
        raise Refused("这个人不在您的管辖范围内。")
    rows = AssessmentLine.objects.select_for_update(of=("self",)).select_related("staff", "assessment")
    found = rows.get(pk=line.pk)
    if found.staff.user_id == by.pk:
        raise Refused("不能考核自己，请上级评定。")
    if found.assessment.state == S.CLOSED:
        raise ValidationError("这次考核已经完成，不能再改。")
    return found
