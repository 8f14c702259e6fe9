"""Taking a filled form in (``receive``): checked, stored once whatever is sent how often, and only then landed.

What decides is the instanceID. The same bytes again add what attachments are new and change nothing else; other bytes
under the same instanceID are refused; an edit names what it replaces and comes too late when that has been replaced.
Storing is one short transaction that waits for nobody; landing in the file is ``arrivals``' (decision 0011).
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.utils import timezone

from huqing.access.models import Role
from huqing.access.permissions import refusal
from huqing.access.scope import CODE_LENGTH, covers, visible
from huqing.registry.models import Household, Person, Region
from huqing.teams.queries import cares_for, villages_of
from huqing.visits import arrivals, errands, photos
from huqing.visits.conversions import form_of
from huqing.visits.describing import key_of, visit_day
from huqing.visits.files import Arrival
from huqing.visits.models import Attachment, Form, FormVersion, Submission
from huqing.visits.photos import Stored
from huqing.visits.submitted import Malformed, Parsed, parse

if TYPE_CHECKING:
    from huqing.access.models import User

LONGEST_NAME = 200
MOST_ATTACHMENTS = 1000
State = Submission.State
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NotReceived(Exception):
    """A submission was not taken; ``status`` is HTTP's, the message says in Chinese why and what to do."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


def receive(
    *, user: User, xml: bytes, files: Mapping[str, Arrival], incomplete: bool, device: str, agent: str
) -> Submission:
    """Store a filled form and those of its attachments that came along; returns it, be it new or known.

    ``incomplete``: more attachments follow. NotReceived says why nothing was stored. The caller discards ``files``.
    """
    reason = refusal(user, "visit")
    if reason:
        raise NotReceived(403, reason)
    try:
        return _received(user, xml, files, incomplete, device, agent)
    except (OSError, DatabaseError) as error:
        refused = not_stored(error)
        if refused is None:
            raise
        raise refused from error


def not_stored(error: OSError | DatabaseError) -> NotReceived | None:
    """What is said when an error means that the disk is full; None for other errors."""
    if not (error.errno in _FULL if isinstance(error, OSError) else _is_full(error)):
        return None
    return NotReceived(507, "服务器存储空间已满，没有收下。手机里的记录都还在，请联系系统管理员腾出空间后再传。")


def _received(
    user: User, xml: bytes, files: Mapping[str, Arrival], incomplete: bool, device: str, agent: str
) -> Submission:
    try:
        parsed = parse(xml)
    except Malformed as error:
        raise NotReceived(400, f"内容不是一张填好的表单：{error.reason}。") from None
    version, state = _version(parsed)
    parsed = parsed.under(version)
    files = _named(parsed, files)
    digest = hashlib.sha256(xml).hexdigest()
    # What was taken once stays taken, even if the form or the visitor's households have changed since.
    known = _known(version, parsed)
    if known is not None:
        return _again(known, version, user, digest, parsed, files, incomplete)
    submission = _new(user, version, state, parsed, device, agent)
    submission.xml, submission.xml_hash = zlib.compress(xml), digest
    stored = _stored(parsed, files, version)
    if incomplete and any(name not in stored for name in parsed.attachments):
        submission.state = State.INCOMPLETE
    try:
        with transaction.atomic():
            if parsed.deprecated_id:
                _replace(submission, user, version, parsed.deprecated_id)
            submission.save(force_insert=True)
            Attachment.objects.bulk_create(_attachment(submission, name, stored) for name in parsed.attachments)
    except IntegrityError:
        known = _known(version, parsed)
        if known is None:
            # Two edits of one record at once: the other one was faster.
            raise _stale() from None
        return _again(known, version, user, digest, parsed, files, incomplete)
    arrivals.announce(submission)
    return submission


def _version(parsed: Parsed) -> tuple[FormVersion, str]:
    """The version a form was filled in, and the state of the form; NotReceived when there is none."""
    versions = FormVersion.objects.filter(form__form_id=parsed.form_id).values_list("pk", "published_at", "form__state")
    found = versions.filter(version=parsed.version).first()
    if found is None and not parsed.version:
        # Some clients send no version at all; the newest is the best guess, and nothing is lost.
        found = versions.first()
    if found is not None:
        return _kept(found[0], found[1]), found[2]
    if Form.objects.filter(form_id=parsed.form_id).exists():
        raise NotReceived(
            404, f"表单“{parsed.form_id}”没有发布过版本“{parsed.version}”（form version），没有收下。请更新表单后再传。"
        )
    raise NotReceived(404, f"没有代号为“{parsed.form_id}”的表单（form），没有收下。请联系县级经办。")


@lru_cache(maxsize=128)
def _kept(pk: int, published_at: dt.datetime) -> FormVersion:
    """A version, which never changes; only the columns a submission needs."""
    return FormVersion.objects.select_related("form").defer("source").get(pk=pk)


def _named(parsed: Parsed, files: Mapping[str, Arrival]) -> dict[str, Arrival]:
    """The files that the form names, by the name it uses; others are nobody's business."""
    if len(parsed.attachments) > MOST_ATTACHMENTS:
        raise NotReceived(400, f"附件超过 {MOST_ATTACHMENTS} 个，没有收下。")
    if any(len(name) > LONGEST_NAME for name in parsed.attachments):
        raise NotReceived(400, f"附件的文件名超过 {LONGEST_NAME} 个字，没有收下。")
    # A client may compose the same letters otherwise in a header than in the form.
    given = {normalize("NFC", name): file for name, file in files.items()}
    return {name: given[plain] for name in parsed.attachments if (plain := normalize("NFC", name)) in given}


def _known(version: FormVersion, parsed: Parsed) -> Submission | None:
    found = Submission.objects.filter(form=version.form_id, instance_id=parsed.instance_id)
    return found.only("user", "xml_hash", "state").order_by().first()


def _new(user: User, version: FormVersion, state: str, parsed: Parsed, device: str, agent: str) -> Submission:
    """The row of a new submission, not saved; NotReceived when it may not come from this person or now."""
    if state == Form.State.CLOSED:
        raise NotReceived(409, f"表单“{version.form.title}”已停用，不再接收。记录还在手机里，请联系县级经办。")
    household, person, region_code = _whom(user, version, parsed)
    day, claims = visit_day(version, parsed)
    return Submission(
        instance_id=parsed.instance_id,
        form=version.form,
        version=version,
        user=user,
        household_id=household,
        person_id=person,
        region_code=region_code or user.region_code.ljust(CODE_LENGTH, "0"),
        visited_on=day,
        answers=parsed.answers,
        phone_times=claims,
        received_at=timezone.now(),
        device=_short(device, "device"),
        agent=_short(agent, "agent"),
    )


def _whom(user: User, version: FormVersion, parsed: Parsed) -> tuple[int | None, int | None, str]:
    """Household, person and place of a form; NotReceived unless they exist, fit and are the visitor's to visit."""
    subjects = form_of(version).subjects or {}
    chosen = {subject: key_of(parsed.answers.get(path)) for subject, path in subjects.items()}
    household, person, place = chosen.get("household"), chosen.get("person"), ""
    if str(parsed.answers.get(subjects.get("person", "")) or "").strip():
        lives_in = Person.objects.filter(pk=person).values_list("household", flat=True).first()
        if lives_in is None or ("household" in subjects and lives_in != household):
            raise NotReceived(403, "所选人员不是这一户的成员，没有收下。记录还在手机里，请重新选择人员后再传。")
        household = lives_in
    if version.form.given_by:
        return household, person, _given_place(user, version, household)
    if "household" in subjects or household is not None:
        place = _place_of(user, household)
        if not place:
            raise NotReceived(
                403, "所选农户不在您负责的范围内，没有收下。记录还在手机里，请核对农户，或请乡镇调整责任后再传。"
            )
    elif "village" in subjects:
        villages = Region.objects.filter(pk=chosen["village"], level=Region.Level.VILLAGE)
        place = villages.values_list("code", flat=True).first() or ""
        if not _may_visit(user, place):
            raise NotReceived(403, "所选行政村不在您负责的范围内，没有收下。记录还在手机里，请核对后再传。")
    return household, person, place


def _given_place(user: User, version: FormVersion, household: int | None) -> str:
    """The region code of a household that a form is given out for by name; NotReceived unless to this account."""
    reason = errands.why_not(user, version.form, household)
    if reason:
        raise NotReceived(403, f"{reason}没有收下。记录还在手机里，请联系县级经办。")
    return Household.objects.filter(pk=household).values_list("region_code", flat=True).get()


def _place_of(user: User, household: int | None) -> str:
    """The region code of a household the account sees, "" otherwise."""
    if household is not None and user.role == Role.VISITOR:
        return cares_for(user, household)
    seen = visible(Household.objects.filter(pk=household), user)
    return seen.values_list("region_code", flat=True).order_by().first() or ""


def _may_visit(user: User, village: str) -> bool:
    """Whoever works in a region may visit its villages; somebody who only visits, those in their care."""
    if user.role == Role.VISITOR:
        return villages_of(user).filter(code=village).exists()
    return covers(user.region_code, village)


def _replace(submission: Submission, user: User, version: FormVersion, deprecated: str) -> None:
    """Put the submission in the place of the one it corrects, which is locked until the end of the transaction."""
    old = (
        Submission.objects.select_for_update(of=("self",)).filter(form=version.form_id, instance_id=deprecated).first()
    )
    if old is None:
        raise NotReceived(404, "要修改的记录不在服务器上，没有收下。请先传原记录，再传修改稿。")
    if old.user_id != user.pk:
        raise NotReceived(403, "这条记录不是您提交的，不能修改。")
    if old.state == State.REPLACED:
        raise _stale()
    old.state = State.REPLACED
    old.save(update_fields=["state"])
    submission.replaces = old


def _stale() -> NotReceived:
    return NotReceived(
        409, "您修改的不是最新的一稿（copy out of date）：服务器上已有更新的修改稿。请从最新的一稿再改。"
    )


def _again(
    known: Submission,
    version: FormVersion,
    user: User,
    digest: str,
    parsed: Parsed,
    files: Mapping[str, Arrival],
    incomplete: bool,
) -> Submission:
    """A submission that is here already: only attachments that were missing are added."""
    if known.user_id != user.pk:
        raise NotReceived(409, "这个记录编号（instanceID）已被别人的记录占用，没有收下。请另建一张表单重填。")
    if known.xml_hash != digest:
        raise NotReceived(
            409, "服务器上已有同一编号（instanceID）、内容不同（different XML）的记录，没有收下。请按修改稿重传。"
        )
    if not files and known.state != State.INCOMPLETE:
        return known
    missing = set(known.attachments.filter(sha256="").values_list("name", flat=True))
    stored = _stored(parsed, {name: file for name, file in files.items() if name in missing}, version)
    with transaction.atomic():
        row = Submission.objects.select_for_update(of=("self",)).get(pk=known.pk)
        for attachment in row.attachments.filter(sha256="", name__in=stored):
            _fill(attachment, stored[attachment.name])
            attachment.save()
        waiting = row.attachments.filter(sha256="", refused="").exists()
        complete = row.state == State.INCOMPLETE and not (incomplete and waiting)
        if complete:
            row.state = State.RECEIVED
            row.save(update_fields=["state"])
    if complete:
        arrivals.announce(row)
    return row


def _stored(parsed: Parsed, files: Mapping[str, Arrival], version: FormVersion) -> dict[str, Stored]:
    """Store files the form names; returns what became of each."""
    keep = {name for path in photos.keeping_position(version.xform) for name in _values(parsed.answers, path)}
    return {name: photos.store(files[name], keep_position=name in keep) for name in parsed.attachments if name in files}


def _values(answers: Mapping[str, Any], path: str) -> list[str]:
    """The answers of one question, in every turn of the repeats around it."""
    found = []
    for key, value in answers.items():
        if key == path and isinstance(value, str):
            found.append(value.strip())
        elif isinstance(value, list):
            found += [name for turn in value for name in _values(turn, path)]
    return found


def _attachment(submission: Submission, name: str, stored: Mapping[str, Stored]) -> Attachment:
    attachment = Attachment(submission=submission, name=name)
    if name in stored:
        _fill(attachment, stored[name])
    return attachment


def _fill(attachment: Attachment, stored: Stored) -> None:
    attachment.sha256, attachment.received_sha256 = stored.sha256, stored.received_sha256
    attachment.kind, attachment.size, attachment.refused = stored.kind, stored.size, stored.refused


def _short(text: str, column: str) -> str:
    """As much of a client's own words as the column holds."""
    length = Submission._meta.get_field(column).max_length
    return "".join(character for character in text if character.isprintable())[:length]


def _is_full(error: DatabaseError) -> bool:
    """Whether a database says that its disk is full: SQLite in words, PostgreSQL by a code of its own."""
    if isinstance(error, OperationalError) and "disk is full" in str(error):
        return True
    return getattr(error.__cause__, "sqlstate", None) == "53100"
