"""What visits do to the standing visits: a record or a word (无变化) moves the deadline on."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.instance import working_day
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.registry.models import DepartmentRecord, Household, Source
from huqing.registry.signals import household_changed
from huqing.teams.queries import duties_by_place, households_of, villages_of
from huqing.visits.methods import InUse, in_use
from huqing.visits.models import Confirmation, Submission, VisitTask
from huqing.visits.queries import STANDING
from huqing.visits.refreshing import Counts, NotScreened, refresh
from huqing.visits.stretches import Stretch, next_stretch
from huqing.visits.targets import Asked, asked

if TYPE_CHECKING:
    from huqing.access.models import User

__all__ = ["Counts", "NotConfirmed", "NotScreened", "confirm_unchanged", "refresh", "responsible", "task_of", "visited"]

LEDGER = "home_visit"
UNCHANGED_NOTE = "确认无变化"
# A word may wait on a phone without signal; an older day is a clock that is wrong, and the day of arrival counts.
MOST_DAYS_AGO = 92
TOKEN_LENGTH = 64


class NotConfirmed(Exception):
    """A confirmation was not taken; ``status`` is the HTTP status that says of what kind the reason is."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def visited(submission: Submission) -> VisitTask | None:
    """Note that the visit a record tells of was made; the task it settles, None if nobody was asked for it.

    Whoever of those responsible came, the visit is made for all of them. A visit before the last known one changes
    nothing; one dated after today counts as today's.
    """
    if submission.replaces_id:
        _take_back(submission)
    form = submission.form
    if form.method_id is None or submission.state in (Submission.State.INCOMPLETE, Submission.State.REPLACED):
        return None
    item = _asked(form.method_id, form.visit)
    if item is None:
        return None
    tasks = VisitTask.objects.filter(method=form.method_id, visit=form.visit)
    subject = item.visit.subject
    if subject == "household" and submission.household_id:
        tasks = tasks.filter(household=submission.household_id, person=None)
    elif subject == "person" and submission.person_id:
        tasks = tasks.filter(person=submission.person_id)
    elif subject == "village":
        tasks = tasks.filter(village__code=submission.region_code)
    else:
        return None
    day = working_day(timezone.localdate())
    with transaction.atomic(savepoint=False):
        task = tasks.select_for_update(of=("self",)).first()
        on = min(submission.visited_on, day)
        replaced = task is not None and submission.replaces_id and task.submission_id == submission.replaces_id
        if task is None or (task.last_on is not None and on < task.last_on and not replaced):
            return task
        task.last_on, task.last_done = on, VisitTask.Done.VISITED
        task.last_by, task.submission = submission.user, submission
        _move_on(task, item, day)
    return task


def _take_back(submission: Submission) -> None:
    """A visit that a corrected record had settled for somebody else is as if it had not been made.

    What the county's own files know of earlier visits is taken into account by the next refresh.
    """
    day = working_day(timezone.localdate())
    tasks = VisitTask.objects.select_for_update(of=("self",)).filter(submission=submission.replaces_id).order_by("pk")
    for task in tasks:
        mine = submission.household_id if task.person_id is None else submission.person_id
        subject = {"household": task.household_id} if task.person_id is None else {"person": task.person_id}
        item = _asked(task.method_id, task.visit)
        if task.village_id is not None or item is None or mine in subject.values():
            continue
        rows = Submission.objects.filter(form__method=task.method_id, form__visit=task.visit, state__in=STANDING)
        record = rows.filter(**subject).order_by("-visited_on", "-pk").only("visited_on", "user").first()
        word = task.confirmations.order_by("-on", "-pk").first()
        task.last_on, task.last_done, task.last_by_id, task.submission = None, "", None, None
        if record is not None and (word is None or record.visited_on >= word.on):
            task.last_on, task.last_done = min(record.visited_on, day), VisitTask.Done.VISITED
            task.last_by_id, task.submission = record.user_id, record
        elif word is not None:
            task.last_on, task.last_done, task.last_by_id = word.on, VisitTask.Done.UNCHANGED, word.user_id
        _move_on(task, item, day)


def confirm_unchanged(*, task: VisitTask, user: User, on: dt.date, token: str) -> Confirmation:
    """Note a visitor's word that nothing has changed since the last visit; the same token again changes nothing.

    NotConfirmed or Refused says why not: the method wants the form filled in, the account is not responsible, the
    token belongs to another word. A day that cannot be is taken as today.
    """
    token = token.strip()
    if not 8 <= len(token) <= TOKEN_LENGTH:
        raise NotConfirmed(400, "手机上的编号不对，请更新手机上的程序后再试。")
    known = Confirmation.objects.filter(token=token).select_related("task").first()
    if known is not None:
        return _same(known, task, user)
    require(user, "visit")
    if not responsible(user, task):
        raise Refused("这项走访不由您负责，不能确认无变化。")
    item = _asked(task.method_id, task.visit)
    if item is None or task.due_on is None:
        raise NotConfirmed(409, "这项走访已不再需要。请更新手机上的农户后再看。")
    if not item.visit.unchanged_allowed:
        raise NotConfirmed(409, f"{item.visit.title}要填表，不能只确认无变化。")
    day = working_day(timezone.localdate())
    if not day - dt.timedelta(MOST_DAYS_AGO) <= on <= day:
        on = day
    try:
        with transaction.atomic():
            return _confirmed(task, item, user, on, token, day)
    except IntegrityError:
        # The same word on two ways at once: the other one was first.
        return _same(Confirmation.objects.get(token=token), task, user)


def responsible(user: User, task: VisitTask) -> bool:
    """Whether the ledger (or the account's own place) makes the account answer for this visit."""
    methods = {item.row.pk: item for item in in_use()}
    method = methods.get(task.method_id)
    visit = next((one for one in method.told.visits if one.key == task.visit), None) if method else None
    if method is None or visit is None:
        return False
    duties = duties_by_place(user)
    if task.village is not None:
        mine = villages_of(user).filter(pk=task.village_id).exists()
        roles = duties.towards_village(task.village.pk, task.village.code)
    else:
        mine = task.household is not None and households_of(user).filter(pk=task.household_id).exists()
        roles = duties.towards(task.household, task.person_id) if task.household else set()
    wanted = method.roles(visit.actor)
    return mine and bool(roles & wanted if wanted else roles)


def _asked(method: int, visit: str) -> Asked | None:
    """The visit as its method asks for it; None if the method is no longer in use or has no such visit."""
    methods: list[InUse] = [item for item in in_use() if item.row.pk == method]
    return next((item for item in asked(methods) if item.visit.key == visit), None)


def _move_on(task: VisitTask, item: Asked, day: dt.date) -> None:
    known = Stretch(task.opens_on, task.due_on) if task.due_on else None
    told = next_stretch(item.every(task.group), last=task.last_on, today=day, known=known)
    task.opens_on, task.due_on = told
    task.save()


def _same(known: Confirmation, task: VisitTask, user: User) -> Confirmation:
    if known.task_id != task.pk or known.user_id != user.pk:
        raise NotConfirmed(409, "这个编号已用于另一项确认，请重新点一次“无变化”。")
    return known


def _confirmed(task: VisitTask, item: Asked, user: User, on: dt.date, token: str, day: dt.date) -> Confirmation:
    task = VisitTask.objects.select_for_update(of=("self",)).select_related("household").get(pk=task.pk)
    made = Confirmation.objects.create(
        task=task,
        token=token,
        household=task.household,
        region_code=task.region_code,
        user=user,
        on=on,
        received_at=timezone.now(),
    )
    if task.last_on is None or on >= task.last_on:
        task.last_on, task.last_done = on, VisitTask.Done.UNCHANGED
        task.last_by, task.submission = user, None
        _move_on(task, item, day)
    if item.visit.visit_kind and task.household is not None:
        _into_ledger(task.household, item, user, on, token)
    audit.record(
        by=user,
        action="visit_unchanged",
        subject=task.household or task,
        region_code=task.region_code,
        detail={"visit": item.visit.title, "on": on.isoformat(), "task": task.pk},
    )
    if task.household is not None:
        household_changed.send(sender=Household, household=task.household)
    return made


def _into_ledger(household: Household, item: Asked, user: User, on: dt.date, token: str) -> None:
    """The visit counts in the ledger of visits that the rules read, as one with a form does."""
    source = Source.objects.create(
        kind=Source.Kind.VISIT,
        title=f"{item.visit.title}：{UNCHANGED_NOTE}（{user.display_name}）",
        on=on,
        region_code=household.region_code,
        created_at=timezone.now(),
        created_by=user,
    )
    DepartmentRecord.objects.create(
        kind=LEDGER,
        fingerprint=hashlib.sha256(f"{LEDGER}|unchanged|{token}".encode()).hexdigest(),
        household=household,
        region_code=household.region_code,
        on=on,
        items={
            "visit_kind": item.visit.visit_kind,
            "visited_on": on.isoformat(),
            "visitor": user.display_name,
            "note": f"{item.visit.title}：{UNCHANGED_NOTE}",
        },
        subject_name=household.head_name,
        link_method="visit",
        source=source,
        row_number=1,
    )


def task_of(user: User, pk: int) -> VisitTask | None:
    """A task by its id, if the account may see the household, or looks after the village, that it is about."""
    task = VisitTask.objects.select_related("household", "village", "person", "method").filter(pk=pk).first()
    if task is None:
        return None
    if task.village_id is not None:
        return task if villages_of(user).filter(pk=task.village_id).exists() else None
    return task if sees(user, task) else None
