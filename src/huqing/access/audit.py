"""The audit log: who did what to what, append-only, each event chained to the one before it.

An event's hash is an HMAC-SM3, under a key derived from the installation's master key, over its canonical JSON and the
hash before it. So a changed, inserted or removed row shows, and the chain cannot be rewritten by someone who holds the
database but not the key. The tail (last event, count) is one sealed row: it is what writers lock, which keeps the chain
from forking, and what shows that events were cut off at the end.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from huqing.access.models import AuditEvent, AuditTail
from huqing.access.numbers import has_number
from huqing.access.seal import chain_digest

if TYPE_CHECKING:
    from huqing.access.models import User

GENESIS = "0" * 64
SYSTEM_NAME = "系统"
CHUNK = 5_000

Progress = Callable[[str, float], None]

_NAMES: dict[str, str] = {}


class AuditError(ValueError):
    """An event may not be written as it is; the message names the place in its detail."""


@dataclass(frozen=True)
class Happened:
    """One event to be written; ``by`` None is the system, ``region_code`` "" that of the subject."""

    by: User | None
    action: str
    subject: Model | None = None
    region_code: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Broken:
    """The first event that does not fit the chain."""

    id: int
    at: dt.datetime | None
    reason: str


@dataclass(frozen=True)
class Report:
    """What a verification found: how many events hold, and where the chain breaks if it does."""

    checked: int
    broken: Broken | None = None

    @property
    def ok(self) -> bool:
        """Whether the whole chain holds."""
        return self.broken is None

    def __str__(self) -> str:
        """The outcome in a sentence, for the screen and the command line."""
        if self.broken is None:
            return f"审计记录完整：共 {self.checked} 条，逐条核对无误。"
        when = f"（{timezone.localtime(self.broken.at):%Y-%m-%d %H:%M:%S}）" if self.broken.at else ""
        return (
            f"审计记录不完整：第 {self.broken.id} 号记录{when}{self.broken.reason}。"
            f"此前 {self.checked} 条无误。请保留现场，并从备份核对。"
        )


def name_actions(names: Mapping[str, str]) -> None:
    """Give action codes their Chinese names for the log page: each app calls this once for its own codes."""
    _NAMES.update(names)


def action_name(action: str) -> str:
    """The Chinese name of an action code; the code itself where no app has named it."""
    return _NAMES.get(action, action)


def action_names() -> dict[str, str]:
    """All named action codes, for the filter of the log page."""
    return dict(sorted(_NAMES.items(), key=lambda item: item[1]))


def record(
    *,
    by: User | None,
    action: str,
    subject: Model | None = None,
    region_code: str = "",
    detail: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write one event; a bulk action is one event with its counts in ``detail``.

    Call it as the last step inside the caller's transaction: from here to the commit other writers of the log wait.
    ``by`` None means the system. ``detail`` may hold texts, numbers, dates, lists and dicts; AuditError refuses it when
    a text reads as an ID number, phone or bank account (hide those first: ``numbers.hide_numbers``).
    """
    return record_all([Happened(by, action, subject, region_code, detail or {})])[0]


def record_all(happened: Sequence[Happened]) -> list[AuditEvent]:
    """Write events that stand or fall together, in their order, as ``record`` writes one: two hundred households
    decided in one transaction are two hundred events, not one with a number."""
    contents = [_clean(one.detail, "detail") for one in happened]
    if not contents:
        return []
    with transaction.atomic():
        tail, events = _locked_tail(), []
        for one, content in zip(happened, contents, strict=True):
            subject = one.subject
            event = AuditEvent(
                at=timezone.now(),
                actor=one.by,
                actor_name=str(one.by) if one.by is not None else SYSTEM_NAME,
                action=one.action,
                subject_kind=subject._meta.label_lower if subject is not None else "",
                subject_id=str(subject.pk) if subject is not None else "",
                region_code=one.region_code or getattr(subject, "region_code", ""),
                detail=content,
                previous_hash=tail.hash,
            )
            tail.hash = event.hash = chain_digest(canonical(event))
            events.append(event)
        AuditEvent.objects.bulk_create(events)
        tail.count += len(events)
        tail.last_id = events[-1].pk
        tail.seal = _tail_seal(tail)
        tail.save()
    return events


def canonical(event: AuditEvent) -> bytes:
    """The bytes an event's hash is taken over: sorted JSON of every column, time in UTC with microseconds."""
    content = {
        "version": 1,
        "previous": event.previous_hash,
        "at": event.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor": event.actor_id,
        "actor_name": event.actor_name,
        "action": event.action,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject_id,
        "region_code": event.region_code,
        "detail": event.detail,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def verify(progress: Progress | None = None) -> Report:
    """Recompute the chain from its first event to the tail; names the first event that does not fit."""
    tail = AuditTail.objects.filter(pk=AuditTail.ONLY).first()
    if tail is None:
        first = AuditEvent.objects.order_by("id").first()
        if first is None:
            return Report(checked=0)
        return Report(checked=0, broken=Broken(first.pk, first.at, "起的链尾登记被删除"))
    checked, last, broken = _walk(tail, progress)
    if broken is None and tail.seal != _tail_seal(tail):
        broken = Broken(tail.last_id, None, "之后的链尾登记被改动")
    elif broken is None and (tail.count, tail.hash) != (checked, last):
        broken = Broken(tail.last_id, None, f"及以前应有 {tail.count} 条，实有 {checked} 条，末尾有记录被删除")
    return Report(checked, broken)


def key_fits() -> bool:
    """Whether the seal key in force is the one the log was written with; True while there is no log.

    One event that does not fit is a changed event; with another key neither the first event nor the tail fits.
    """
    tail = AuditTail.objects.filter(pk=AuditTail.ONLY).first()
    first = AuditEvent.objects.order_by("id").first()
    if tail is None or first is None:
        return True
    return tail.seal == _tail_seal(tail) or first.hash == chain_digest(canonical(first))


def _walk(tail: AuditTail, progress: Progress | None) -> tuple[int, str, Broken | None]:
    """How many events hold up to the tail, the hash of the last of them, and the first that does not."""
    checked, previous = 0, GENESIS
    events = AuditEvent.objects.filter(pk__lte=tail.last_id).order_by("id")
    for event in events.iterator(chunk_size=CHUNK):
        if event.previous_hash != previous:
            return checked, previous, Broken(event.pk, event.at, "与前一条接不上（此前有记录被删除、插入或改动）")
        if event.hash != chain_digest(canonical(event)):
            return checked, previous, Broken(event.pk, event.at, "的内容被改动")
        previous = event.hash
        checked += 1
        if progress and checked % CHUNK == 0:
            progress(f"已核对 {checked} 条审计记录", min(1.0, checked / max(tail.count, 1)))
    if progress:
        progress(f"已核对 {checked} 条审计记录", 1.0)
    return checked, previous, None


def _locked_tail() -> AuditTail:
    """The one tail row, locked until the transaction ends (on SQLite the transaction itself is the lock)."""
    locked = AuditTail.objects.select_for_update()
    tail = locked.filter(pk=AuditTail.ONLY).first()
    if tail is None:
        # A tail that is missing although events exist was removed; the new one counts from zero, so `verify` says so.
        last = AuditEvent.objects.order_by("-id").first()
        AuditTail.objects.get_or_create(pk=AuditTail.ONLY, defaults={"hash": last.hash if last else GENESIS})
        tail = locked.get(pk=AuditTail.ONLY)
    return tail


def _tail_seal(tail: AuditTail) -> str:
    return chain_digest(f"tail:{tail.count}:{tail.last_id}:{tail.hash}".encode())


def _clean(value: Any, place: str) -> Any:
    """A copy of ``value`` that reads back the same from either database, checked for people's numbers."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        _refuse_number(str(value), place)
        return value
    if isinstance(value, float | Decimal | dt.date | dt.datetime):
        if isinstance(value, float) and not math.isfinite(value):
            raise AuditError(f"审计内容 {place} 不是有限的数。")
        # As text: the databases write 1e5 and 100000.0 differently, which would break the chain.
        return value.isoformat() if isinstance(value, dt.date) else str(value)
    if isinstance(value, str):
        _refuse_number(value, place)
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        cleaned = {}
        for key, item in value.items():
            _refuse_number(str(key), f"{place} 的键")
            cleaned[str(key)] = _clean(item, f"{place}.{key}")
        return cleaned
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_clean(item, f"{place}[{index}]") for index, item in enumerate(items)]
    raise AuditError(f"审计内容 {place} 的类型 {type(value).__name__} 不能登记，请写成文字、整数、日期或列表。")


def _refuse_number(text: str, place: str) -> None:
    if has_number(text):
        raise AuditError(f"审计内容 {place} 含有疑似证件号码、手机号或银行账号，不得登记。请删去号码，只写事由。")
