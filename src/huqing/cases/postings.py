"""Postings: made of whitelisted fields only, scanned before anybody sees them, over by themselves on their last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.access.seal import seal
from huqing.cases import actions
from huqing.cases.announcing import DEFAULT, KINDS, Kind, rows_of
from huqing.cases.calendar import today, workdays
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, CaseState, Evidence, Objection, PostingProof, PublicPosting, PublicPostingLine
from huqing.cases.procedure import procedure_of
from huqing.cases.states import asking
from huqing.cases.texts import written
from huqing.registry.models import Household, Region
from huqing.standards.regioncodes import spoken_name
from huqing.standards.text import clean

if TYPE_CHECKING:
    from huqing.access.models import User

REASON_LENGTH, TEXT_LENGTH, PLACE_LENGTH, CONTACT_LENGTH = 300, 1000, 100, 60
TIMES = ("一", "二", "三", "四", "五", "多")
# Against a page flooded by a program; a village hall takes everything else.
MOST_FROM_PAGE = 100


def waiting(user: User, village: Region | None = None) -> QuerySet[Case]:
    """The cases that stand in a step of posting or announcing and have not been posted in it."""
    cases = Case.objects.visible_to(user).filter(closed_on=None, state__in=posting_states())
    cases = cases.filter(household__status=Household.Status.ACTIVE)
    if village is not None:
        cases = cases.filter(region_code=village.code)
    lines = PublicPostingLine.objects.filter(case=OuterRef("pk"), turn=OuterRef("turn"), posting__stopped_on=None)
    papers = Evidence.objects.filter(case=OuterRef("pk"), turn=OuterRef("turn"), kind="notice", withdrawn_at=None)
    rows = cases.filter(~Exists(lines), ~Exists(papers)).select_related("state", "procedure", "household")
    return rows.defer("procedure__declaration").order_by("pk")


def posting_states(states: Iterable[CaseState] | None = None) -> list[int]:
    """The states in which a posting or an announcement is due; ``states`` are all there are, if they have been read."""
    return asking(("posting", "notice"), states)


def is_posting_step(case: Case) -> bool:
    """Whether the case stands in a step that is over when a posting is."""
    made = procedure_of(case.procedure)
    return any("posting" in move.needs for move in made.moves_from(case.state.key))


def kind_of(case: Case) -> Kind | None:
    """What kind of posting the step at hand asks for; None if it asks for none.

    A posting of those to be listed or removed while it must stand; an announcement where a notice is due.
    """
    made = procedure_of(case.procedure)
    part = made.state(case.state.key).part
    for move in made.moves_from(case.state.key):
        if "posting" in move.needs:
            return KINDS["removal" if part == "removal" else "listing"]
        if "notice" in move.needs:
            return KINDS["cleared" if part == "removal" else "listed"]
    return None


@transaction.atomic
def publish(*, cases: Iterable[Case], by: User, columns: Sequence[str] = DEFAULT) -> PublicPosting:
    """Publish cases of one village that stand in one step, from today for the full days it must stand.

    ``columns`` must be of the whitelist of the posting's kind. An announcement becomes its cases' paper (公告).
    """
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
        if case.household.status != Household.Status.ACTIVE:
            raise CaseError(f"{case.number} 的农户已注销，不能公示。")
        if kind_of(case) is None:
            raise CaseError(f"{case.number} 现在是“{case.state.title}”，不需要公示。")
        if (case.pk, case.turn) in posted:
            raise CaseError(f"{case.number} 已经公示，不要重复公示。")
    kind, day = kind_of(chosen[0]) or KINDS["listing"], today()
    title = title_of(chosen)
    posting = PublicPosting.objects.create(
        village=village,
        region_code=village.code,
        kind=kind.key,
        level=level,
        title=title,
        columns=[[name, kind.fields[name]] for name in kind.checked(columns)],
        rows=rows_of(chosen, kind, columns),
        starts_on=day,
        ends_on=max(_last_day(case, day, kind) for case in chosen),
        published_at=timezone.now(),
        published_by=by,
    )
    PublicPostingLine.objects.bulk_create(
        PublicPostingLine(posting=posting, case=case, turn=case.turn) for case in chosen
    )
    if kind.notice:
        told = {"text": f"{title}，{day:%Y-%m-%d} 起公告 {kind.days} 天。", "posting": posting.pk}
        for case in chosen:
            actions.record_evidence(case=case, kind="notice", on=day, content=told, by=by)
    audit.record(
        by=by,
        action="posting_publish",
        subject=posting,
        region_code=posting.region_code,
        detail={"cases": len(chosen), "until": posting.ends_on},
    )
    return posting


def title_of(cases: Sequence[Case]) -> str:
    """What the posting of these cases (of one village, at one step) is called, the second time saying so."""
    first = cases[0]
    kind = kind_of(first) or KINDS["listing"]
    return f"{spoken_name(first.household.village.name)}{kind.title or first.state.title}名单{_again(cases)}"


def _again(cases: Sequence[Case]) -> str:
    """“（第二次）” where one of the cases was posted in an earlier round of the same step and let stand."""
    states = {case.pk: case.state.title for case in cases}
    earlier: dict[int, int] = {}
    for case, level in PublicPostingLine.objects.filter(case__in=cases, posting__stopped_on=None).values_list(
        "case", "posting__level"
    ):
        earlier[case] = earlier.get(case, 0) + (level == states[case])
    most = max(earlier.values(), default=0)
    return f"（第{TIMES[min(most, len(TIMES) - 1)]}次）" if most else ""


def _last_day(case: Case, day: dt.date, kind: Kind) -> dt.date:
    """The day of publishing does not count: a posting stands for full days after it."""
    if kind.notice:
        return day + dt.timedelta(days=kind.days)
    least = procedure_of(case.procedure).state(case.state.key).at_least
    return least.full_days_end(day + dt.timedelta(days=1), workdays()) if least else day


@transaction.atomic
def prove(*, posting: PublicPosting, on: dt.date, place: str, by: User, photo: str = "") -> PostingProof:
    """Note where and from when a posting hung; ``photo`` is a stored file's SHA-256."""
    require(by, "handle_cases")
    if not sees(by, posting):
        raise Refused("这次公示不在您的管辖范围内。")
    if not posting.starts_on <= on <= min(posting.ends_on, today()):
        last = min(posting.ends_on, today())
        raise CaseError(f"张贴日期应在 {posting.starts_on:%Y-%m-%d} 和 {last:%Y-%m-%d} 之间。")
    made = PostingProof.objects.create(
        posting=posting,
        region_code=posting.region_code,
        on=on,
        place=written(place, "张贴地点", most=PLACE_LENGTH, least=2),
        photo=photo,
        by=by,
        at=timezone.now(),
    )
    audit.record(
        by=by, action="posting_proof", subject=posting, region_code=posting.region_code, detail={"photo": bool(photo)}
    )
    return made


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


def photos_named(digests: list[str]) -> set[str]:
    """Which of some digests are those of photos of postings."""
    return set(PostingProof.objects.filter(photo__in=digests).values_list("photo", flat=True))


def rows_shown(posting: PublicPosting) -> list[list[str]]:
    """The rows the public still sees: a household that took its request back, or is no more, is named no longer.

    What was published stays with the posting; announcements of decisions stay whole.
    """
    if KINDS[posting.kind].notice:
        return list(posting.rows)
    # Frozen in the order of their cases.
    lines = posting.lines.order_by("case_id").values_list("case__closed_on", "case__household__status")
    over = {n for n, (closed, status) in enumerate(lines) if closed or status != Household.Status.ACTIVE}
    return [row for number, row in enumerate(posting.rows) if number not in over]


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
    reach = clean(contact[: 10 * CONTACT_LENGTH])[:CONTACT_LENGTH]
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
