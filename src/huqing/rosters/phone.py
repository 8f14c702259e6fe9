"""Verifying on the phone: a drawn household is an errand of its verifier, the filled form is recorded as its page is.

No task is stored: an item that waits is one, so a round that ends, another verifier and a record made at a desk close
it by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import Refused, may
from huqing.packs import fits
from huqing.registry.models import Household
from huqing.rosters import rechecks
from huqing.rosters.models import RecheckItem, RecheckRound
from huqing.visits.conversions import form_of, target
from huqing.visits.counting import answered
from huqing.visits.errands import Errand
from huqing.visits.models import Form, Submission

if TYPE_CHECKING:
    from huqing.access.models import User

# How an outcome of the whole record is told beside those of single fields (office.landing_words).
RECORD = "核查记录"


class Verifying:
    """Re-verification as the phone knows it (``visits.errands.Giver``)."""

    def open_for(self, user: User) -> Sequence[Errand]:
        """The households an account is still to verify, in rounds that have a form."""
        if not may(user, "verify_households"):
            return []
        rows = rechecks.mine(user).filter(outcome="", round__form__state=Form.State.OPEN)
        columns = ("pk", "round__form", "household", "round__title", "round__due_on")
        return [Errand(*row) for row in rows.order_by("round__due_on", "pk").values_list(*columns)]

    def why_not(self, user: User, form: Form, household: int | None) -> str:
        """A record may come as long as the household is this verifier's, even when the round is over: it is kept."""
        item = RecheckItem.objects.filter(round__form=form, household=household).select_related("verifier").first()
        if item is None:
            return "所选农户不在这一轮回头看里，"
        if item.verifier is None or item.verifier.user_id != user.pk:
            return "这一户已不由您核查，"
        return ""

    def land(self, submission: Submission) -> dict[str, Any]:
        """Record what was found, or say why it was not; the record itself is kept either way."""
        told: dict[str, Any] = {"applied": [], "older": [], "refused": {}}
        rows = RecheckItem.objects.select_for_update(of=("self",)).select_related("round", "recorded_by")
        earlier = _corrected(submission)
        left = rows.filter(submission__in=earlier).exclude(household=submission.household_id).order_by("pk")
        for item in left:
            _take_back(item, submission, told)
        item = rows.filter(round__form=submission.form_id, household=submission.household_id).first()
        if item is None:
            told["refused"][RECORD] = "这一户不在这一轮回头看里，没有登记"
        elif item.outcome and item.submission_id not in earlier:
            told["refused"][RECORD] = _known(item)
        else:
            _record(item, submission, told)
        return told


def found_in(submission: Submission, item: RecheckItem) -> dict[str, Any]:
    """What a record from a phone says of an item, as ``rechecks.record`` takes it."""
    form = form_of(submission.version)
    values: dict[str, Any] = {}
    for question, text, around in answered(form, submission.answers):
        subject, declared = target(question.reads)
        if declared is None or question.type == "note":
            continue
        person = subject == "person"
        key = str(around.get(form.member) or "").strip() if person else str(item.household_id)
        value = fits.answer_value(declared, text)
        values[f"{'p' if person else 'h'}{key}-{declared.key}"] = "" if value is None else value
    plain = {name: _answer(submission, name) for name in ("outcome", "verdict", "note")}
    return {**plain, "visited_on": submission.visited_on, "values": values}


def sent_of(item: RecheckItem) -> list[Submission]:
    """The records that phones have sent about an item, the newest first."""
    if item.round.form_id is None:
        return []
    rows = Submission.objects.filter(form=item.round.form_id, household=item.household_id)
    return list(rows.exclude(state=Submission.State.INCOMPLETE).select_related("user").defer("xml").order_by("-pk"))


def _answer(submission: Submission, name: str) -> str:
    question = form_of(submission.version).question(name)
    return str(submission.answers.get(question.path) or "").strip() if question else ""


def _corrected(submission: Submission) -> list[int]:
    found, earlier = [], submission.replaces
    while earlier is not None:
        found.append(earlier.pk)
        earlier = earlier.replaces
    return found


def _known(item: RecheckItem) -> str:
    by = item.recorded_by.display_name if item.recorded_by else ""
    at = f"{timezone.localtime(item.recorded_at):%Y-%m-%d %H:%M}" if item.recorded_at else ""
    return f"{by} {at} 已登记这一户的核查，没有改动。这份记录留着，要更正的，在“回头看”里打开这一户对照着改".strip()


def _record(item: RecheckItem, submission: Submission, told: dict[str, Any]) -> None:
    found = found_in(submission, item)
    try:
        with transaction.atomic():
            done = rechecks.record(item=item, by=submission.user, submission=submission, **found)
    except ValidationError as error:
        told["refused"] |= _said(error, item)
        return
    except Refused as refused:
        told["refused"][RECORD] = str(refused)
        return
    for of, pk, key, before, after in done.answers:
        name = f"household.{key}" if of == "household" else f"person.{pk}.{key}"
        told.setdefault("same" if before == after else "differs", []).append(name)
    members = {f"p{pk}" for pk in item.household.members.values_list("pk", flat=True)} | {f"h{item.household_id}"}
    if {name.partition("-")[0] for name in found["values"]} - members:
        told["refused"]["成员"] = "有人已不是这一户的成员，关于此人的答案没有登记"


def _said(error: ValidationError, item: RecheckItem) -> dict[str, str]:
    """What was wrong, field by field, in the words of landing."""
    if not hasattr(error, "error_dict"):
        return {RECORD: f"{''.join(error.messages)}没有登记"}
    found = {}
    for name, texts in error.message_dict.items():
        row, _, key = name.partition("-")
        place = f"person.{row[1:]}.{key}" if row.startswith("p") and key else f"household.{key}" if key else RECORD
        found[place] = f"{''.join(texts)}整份没有登记"
    return found


def _take_back(item: RecheckItem, submission: Submission, told: dict[str, Any]) -> None:
    """The corrected record was about another household: that one is to be verified again, unless somebody decided."""
    stopped = rechecks.why_not_record(submission.user, item)
    home = Household.objects.get(pk=item.household_id)
    if stopped:
        told["refused"]["更正"] = f"原来选的是{home.head_name}户，那一户的登记没有撤回：{stopped}"
        return
    item.differences.all().delete()
    item.answers, item.outcome, item.verdict, item.note = [], "", "", ""
    item.visited_on = item.recorded_at = item.recorded_by = item.submission = None
    item.save()
    audit.record(
        by=submission.user,
        action="recheck_record",
        subject=item,
        region_code=item.region_code,
        detail={"outcome": "", "submission": submission.pk},
    )
    told["retracted"] = [f"{home.head_name}户的核查登记"]


def going_on(round_: RecheckRound) -> bool:
    """Whether phones are offered this round's form."""
    return round_.form is not None and round_.state == RecheckRound.State.DRAWN
