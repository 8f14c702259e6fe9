"""Postings: made of whitelisted fields only, scanned before anybody sees them, over by themselves on their last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.access.seal import seal
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Objection, PublicPosting, PublicPostingLine
from huqing.cases.procedure import procedure_of
from huqing.cases.texts import written
from huqing.registry.models import Region
from huqing.standards.public_text import health_words, numbers_in
from huqing.standards.regioncodes import spoken_name

if TYPE_CHECKING:
    from huqing.access.models import User

# What may be published: nothing else can get onto a posting.
FIELDS: dict[str, str] = {
    "number": "序号",
    "group": "村民小组",
    "head": "户主姓名",
    "size": "家庭人口数（人）",
}
HEAD = "01"
ADULT = 18
REASON_LENGTH, TEXT_LENGTH = 300, 1000
# Against a page flooded by a program; a village hall takes everything else.
MOST_FROM_PAGE = 100


def waiting(user: User, village: Region) -> QuerySet[Case]:
    """The cases of a village that stand in a step of posting and have not been posted in it."""
    posted = PublicPostingLine.objects.filter(posting__stopped_on=None).values_list("case", "turn")
    known = set(posted.filter(case__region_code=village.code, case__closed_on=None))
    cases = (
        Case.objects.visible_to(user)
        .filter(region_code=village.code, closed_on=None)
        .select_related("state", "procedure", "household")
    )
    return cases.filter(
        pk__in=[case.pk for case in cases if is_posting_step(case) and (case.pk, case.turn) not in known]
    ).order_by("pk")


def is_posting_step(case: Case) -> bool:
    """Whether the case stands in a step that is over when a posting is."""
    made = procedure_of(case.procedure)
    return any("posting" in move.needs for move in made.moves_from(case.state.key))


def rows_of(cases: Sequence[Case], columns: Sequence[str] = tuple(FIELDS)) -> list[list[str]]:
    """What the public would see; CaseError names the household and what may not be published."""
    unknown = [name for name in columns if name not in FIELDS]
    if unknown:
        raise CaseError(f"“{unknown[0]}”不在可公示的项目里。")
    found = []
    for number, case in enumerate(cases, 1):
        household = case.household
        values = {
            "number": str(number),
            "group": household.group_name,
            "head": _head_of(case),
            "size": "" if household.member_count is None else str(household.member_count),
        }
        row = [values[name] for name in columns]
        for text in row:
            if numbers_in(text):
                raise CaseError(f"{household.number} 的公示内容里有号码（{hide_numbers(text)}），请先改正档案。")
            if health_words(text):
                raise CaseError(f"{household.number} 的公示内容里有涉及健康的文字（{text}），请先改正档案。")
        found.append(row)
    return found


def _head_of(case: Case) -> str:
    """The head's name; a child is never named."""
    head = case.household.members.filter(relation=HEAD).order_by("pk").first()
    if head is not None and head.birth_date is not None:
        born, day = head.birth_date, today()
        age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        if age < ADULT:
            return f"{head.name[:1]}某（未成年人）"
    return case.household.head_name


@transaction.atomic
def publish(*, cases: Iterable[Case], by: User, columns: Sequence[str] = tuple(FIELDS)) -> PublicPosting:
    """Publish cases of one village that stand in one step of posting, from today for the full days it must stand."""
    require(by, "handle_cases")
    chosen = list(
        Case.objects.select_for_update(of=("self",))
        .filter(pk__in=[case.pk for case in cases])
        .select_related("state", "procedure", "household__village")
        .order_by("pk")
    )
    if not chosen:
        raise CaseError("请选要公示的事项。")
    for case in chosen:
        if not sees(by, case.household):
            raise Refused("有的农户不在您的管辖范围内。")
    village, level = chosen[0].household.village, chosen[0].state.title
    if any(case.household.village_id != village.pk or case.state.title != level for case in chosen):
        raise CaseError("一次公示只能是同一个村、同一个环节的事项，请分开公示。")
    posted = set(
        PublicPostingLine.objects.filter(case__in=chosen, posting__stopped_on=None).values_list("case", "turn")
    )
    for case in chosen:
        if not is_posting_step(case):
            raise CaseError(f"{case.number} 现在是“{case.state.title}”，不需要公示。")
        if (case.pk, case.turn) in posted:
            raise CaseError(f"{case.number} 已经公示，不要重复公示。")
    day, rows = today(), rows_of(chosen, columns)
    posting = PublicPosting.objects.create(
        village=village,
        region_code=village.code,
        level=level,
        title=f"{spoken_name(village.name)}{level}名单",
        columns=[[name, FIELDS[name]] for name in columns],
        rows=rows,
        starts_on=day,
        ends_on=max(_last_day(case, day) for case in chosen),
        published_at=timezone.now(),
        published_by=by,
    )
    PublicPostingLine.objects.bulk_create(
        PublicPostingLine(posting=posting, case=case, turn=case.turn) for case in chosen
    )
    audit.record(
        by=by,
        action="posting_publish",
        subject=posting,
        region_code=posting.region_code,
        detail={"cases": len(chosen), "until": posting.ends_on},
    )
    return posting


def _last_day(case: Case, day: dt.date) -> dt.date:
    """The day of publishing does not count: a posting stands for full days after it."""
    least = procedure_of(case.procedure).state(case.state.key).at_least
    return least.full_days_end(day + dt.timedelta(days=1)) if least else day


@transaction.atomic
def stop(*, posting: PublicPosting, by: User, reason: str) -> None:
    """Take a posting down before its time because it is wrong; its cases must be posted again."""
    require(by, "handle_cases")
    locked = PublicPosting.objects.select_for_update().get(pk=posting.pk)
    if not sees(by, locked):
        raise Refused("这次公示不在您的管辖范围内。")
    if locked.stopped_on is not None or locked.ends_on < today():
        raise CaseError("这次公示已经结束。")
    text = written(reason, "撤下的原因", most=REASON_LENGTH)
    locked.stopped_on, locked.stopped_by, locked.stop_reason = today(), by, text
    locked.save(update_fields=["stopped_on", "stopped_by", "stop_reason"])
    audit.record(by=by, action="posting_stop", subject=locked, region_code=locked.region_code, detail={"reason": text})


def shown(village_code: str, day: dt.date) -> QuerySet[PublicPosting]:
    """What the public sees of a village on a day."""
    return PublicPosting.objects.filter(region_code=village_code, starts_on__lte=day, ends_on__gte=day, stopped_on=None)


def obstacle_of(case: Case, day: dt.date) -> str:
    """Why the posting of the step at hand is not over yet; "" when it is."""
    line = (
        PublicPostingLine.objects.filter(case=case, turn=case.turn, posting__stopped_on=None)
        .select_related("posting")
        .order_by("-posting")
        .first()
    )
    if line is None:
        return "还没有公示，请先发布公示。"
    if day <= line.posting.ends_on:
        return f"公示到 {line.posting.ends_on:%Y-%m-%d} 为止，期满后才能办理。"
    return ""


@transaction.atomic
def object_to(
    *, posting: PublicPosting, text: str, case: Case | None = None, contact: str = "", by: User | None = None
) -> Objection:
    """Take down an objection, from the public page (``by`` None) or by staff; only while the posting can be seen."""
    day = today()
    if by is not None:
        require(by, "handle_cases")
        if not sees(by, posting):
            raise Refused("这次公示不在您的管辖范围内。")
    if not shown(posting.region_code, day).filter(pk=posting.pk).exists():
        raise CaseError("公示已经结束，不能再提异议。请到乡镇反映。")
    told = written(text, "异议", most=TEXT_LENGTH)
    if case is not None and not posting.lines.filter(case=case).exists():
        raise CaseError("这一户不在这次公示里。")
    if by is None and posting.objections.filter(channel=Objection.Channel.PAGE).count() >= MOST_FROM_PAGE:
        raise CaseError("网上收到的异议太多，请到村委会或乡镇当面反映。")
    reach = " ".join(contact.split())[:60]
    found = Objection.objects.create(
        posting=posting,
        case=case,
        region_code=posting.region_code,
        channel=Objection.Channel.STAFF if by else Objection.Channel.PAGE,
        text=told,
        contact_sealed=seal(reach, "phone") if reach else None,
        received_at=timezone.now(),
    )
    audit.record(by=by, action="objection_receive", subject=found, region_code=posting.region_code)
    return found


@transaction.atomic
def answer(*, objection: Objection, upheld: bool, text: str, by: User) -> None:
    """Answer an objection; one that is upheld sends the case back to evaluation, which a person does."""
    require(by, "handle_cases")
    locked = Objection.objects.select_for_update().get(pk=objection.pk)
    if not sees(by, locked):
        raise Refused("这件异议不在您的管辖范围内。")
    if locked.state != Objection.State.OPEN:
        raise CaseError("这件异议已经答复。")
    told = written(text, "答复", most=TEXT_LENGTH)
    locked.state = Objection.State.UPHELD if upheld else Objection.State.DISMISSED
    locked.answer, locked.answered_at, locked.answered_by = told, timezone.now(), by
    locked.save(update_fields=["state", "answer", "answered_at", "answered_by"])
    audit.record(
        by=by, action="objection_answer", subject=locked, region_code=locked.region_code, detail={"upheld": upheld}
    )


def open_objections(case: Case) -> int:
    """Objections to a case's postings that nobody answered, and those to the step at hand's that were upheld.

    One that names no household counts for every case of its posting.
    """
    mine = Q(case=case) | Q(case=None)
    lines = PublicPostingLine.objects.filter(case=case)
    state = Objection.State
    unanswered = Objection.objects.filter(posting__in=lines.values("posting"), state=state.OPEN).filter(mine)
    now = lines.filter(turn=case.turn).values("posting")
    return unanswered.count() + Objection.objects.filter(posting__in=now, state=state.UPHELD).filter(mine).count()
