"""A clerk decides whom a department's row is about."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.intake import permissions
from huqing.intake.departments import label_aid
from huqing.intake.errors import WrongState
from huqing.intake.linking import BY_CLERK
from huqing.intake.models import Import, LinkCandidate
from huqing.intake.plan import Written
from huqing.registry import bulk
from huqing.registry.models import DepartmentRecord
from huqing.registry.signals import household_changed

audit.name_actions(
    {
        "intake.accept_link": "确认是同一人",
        "intake.reject_link": "确认不是同一人",
        "intake.reopen_link": "重新判定是否同一人",
    }
)


def accept(*, candidate: LinkCandidate, by: User | None) -> DepartmentRecord:
    """The row is about this person: link it, and close the row's other candidates."""
    with bulk.writer() as writer:
        candidate = _open(candidate, by)
        now = timezone.now()
        record = candidate.record
        record.person = candidate.person
        record.household = candidate.person.household
        record.region_code = candidate.person.region_code
        record.link_method = BY_CLERK
        record.link_score = candidate.score
        record.save()
        others = record.candidates.filter(state=LinkCandidate.State.OPEN).exclude(pk=candidate.pk)
        others.update(state=LinkCandidate.State.REJECTED, decided_by=by, decided_at=now)
        _decide(candidate, LinkCandidate.State.ACCEPTED, by)
        if record.kind == "civil_affairs":
            written = Written(
                writer=writer, source=record.source, intake=Import.objects.get(source=record.source), now=now
            )
            label_aid(written, [record.pk])
        _audit("intake.accept_link", candidate, by)
        if record.household is not None:
            household_changed.send(sender=DepartmentRecord, household=record.household)
    return record


@transaction.atomic
def reject(*, candidate: LinkCandidate, by: User | None) -> LinkCandidate:
    """The row is not about this person."""
    candidate = _open(candidate, by)
    _decide(candidate, LinkCandidate.State.REJECTED, by)
    _audit("intake.reject_link", candidate, by)
    return candidate


@transaction.atomic
def reopen(*, candidate: LinkCandidate, by: User | None) -> LinkCandidate:
    """A rejected candidate waits for a decision again, unless its row has found its person meanwhile."""
    candidate = _locked(candidate, by)
    if candidate.state != LinkCandidate.State.REJECTED:
        raise WrongState(f"这一条现在是“{candidate.get_state_display()}”，不用重新判定。请刷新页面。")
    if candidate.record.person_id is not None:
        raise WrongState("这条部门数据已关联到别人。要改，请先撤销那次判定所在的导入。")
    if candidate.record.retired_by_id is not None:
        raise WrongState("这条部门数据已被更新的版本替换或已撤销，不需要再判定。")
    _decide(candidate, LinkCandidate.State.OPEN, None)
    candidate.decided_at = None
    candidate.save(update_fields=["decided_at"])
    _audit("intake.reopen_link", candidate, by)
    return candidate


def _locked(candidate: LinkCandidate, by: User | None) -> LinkCandidate:
    locked = (
        LinkCandidate.objects.select_for_update(of=("self",)).select_related("record", "person").get(pk=candidate.pk)
    )
    permissions.require(permissions.review_refusal(by, locked))
    return locked


def _open(candidate: LinkCandidate, by: User | None) -> LinkCandidate:
    locked = _locked(candidate, by)
    if locked.state != LinkCandidate.State.OPEN:
        raise WrongState(f"这一条已判定为“{locked.get_state_display()}”。请刷新页面。")
    if locked.record.retired_by_id is not None:
        raise WrongState("这条部门数据已被更新的版本替换或已撤销，不需要再判定。")
    return locked


def _decide(candidate: LinkCandidate, state: LinkCandidate.State, by: User | None) -> None:
    candidate.state = state
    candidate.decided_by = by
    candidate.decided_at = timezone.now()
    candidate.save(update_fields=["state", "decided_by", "decided_at"])


def _audit(action: str, candidate: LinkCandidate, by: User | None) -> None:
    audit.record(
        by=by,
        action=action,
        subject=candidate,
        region_code=candidate.region_code,
        detail={"record": candidate.record_id, "person": candidate.person_id, "score": round(candidate.score, 4)},
    )
