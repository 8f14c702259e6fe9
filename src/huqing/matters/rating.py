"""The raiser's side without an account: look up the answer by receipt number and four digits, rate it, reopen it once.

A wrong number and a wrong code get the same reply, are counted before the answer is looked at, and wait alike.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from secrets import compare_digest

from django.db import transaction

from huqing.access import public_forms
from huqing.access.calendar import today
from huqing.matters.actions import TEXT_LENGTH, lock
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter
from huqing.matters.procedure import procedure_of
from huqing.matters.raising import code_token
from huqing.matters.rectification import catch_up
from huqing.matters.steps import Actor, note, record
from huqing.matters.texts import optional
from huqing.standards.text import clean

# Our own suggestion (status L): ten wrong pairs a quarter of an hour from one network, ten a day for one number.
MOST_WRONG = 10
A_DAY, A_YEAR = dt.timedelta(days=1), dt.timedelta(days=365)
WRONG = "编号和后四位对不上。请核对回执上的编号和当时留的手机后四位；忘记的，请到村委会当面问。"
TOO_MANY = "查得太多次了，请过一刻钟再试，或到村委会当面问。"
R = Matter.Rating


@dataclass(frozen=True)
class Status:
    """What the raiser is told: the own matter, and the one it was merged into where that happened."""

    own: Matter
    leading: Matter

    @property
    def answer(self) -> str:
        """The answer so far; that of the leading matter once it has one."""
        return self.leading.answer or self.own.answer

    @property
    def may_rate(self) -> bool:
        """Whether a rating is asked for now."""
        waits = part_of(self.leading) == "rating"
        return waits and (not self.own.rating or (self.own.rating == R.BAD and self.leading.reopened))


class Unknown(MatterError):
    """Number and code do not belong together, or there have been too many tries."""

    def __init__(self, message: str, *, too_many: bool = False) -> None:
        super().__init__(message)
        self.too_many = too_many


def part_of(matter: Matter) -> str:
    """The part of the procedure a matter stands in."""
    return procedure_of(matter.procedure).state(matter.state.key).part


def look_up(*, number: str, code: str, address: str) -> Status:
    """The status of a matter; Unknown with one and the same message whatever was wrong."""
    typed, four = clean(number).replace(" ", "")[:20], clean(code)[:20]
    free = public_forms.guess("matter", [address], most=MOST_WRONG)
    free = public_forms.guess("matter number", [typed], most=MOST_WRONG, within=A_DAY) and free
    if not free:
        raise Unknown(TOO_MANY, too_many=True)
    found = Matter.objects.filter(number=typed).exclude(code_token="").first()
    kept, given = found.code_token if found else "-", code_token(typed, four)
    if not compare_digest(kept, given) or found is None:
        raise Unknown(WRONG)
    public_forms.right("matter", [address])
    public_forms.right("matter number", [typed])
    return status_of(found)


def status_of(matter: Matter) -> Status:
    """The status with the matter that leads."""
    own = Matter.objects.select_related("state", "procedure", "village").get(pk=matter.pk)
    leading, seen = own, {own.pk}
    while leading.merged_into_id is not None and leading.merged_into_id not in seen:
        leading = Matter.objects.select_related("state", "procedure", "village").get(pk=leading.merged_into_id)
        seen.add(leading.pk)
    return Status(own, leading)


@transaction.atomic
def rate(*, status: Status, rating: str, text: str = "", on: dt.date | None = None) -> Status:
    """Take a rating; the first "not satisfied" brings the matter back to the talk, the second one ends it as it is."""
    if rating not in R.values:
        raise MatterError("请选满意、基本满意或不满意。")
    leading = lock(status.leading)
    own = leading if status.own.pk == leading.pk else lock(status.own)
    if not Status(own, leading).may_rate:
        raise MatterError("现在不能评价：还没有办好，或已经评价过，或评价期已过。")
    day, words = on or today(), optional(text, "意见", most=TEXT_LENGTH)
    own.rating, own.rated_on = rating, day
    made = procedure_of(leading.procedure)
    if rating == R.BAD and not leading.reopened:
        leading.reopened, leading.published_at, leading.published_by = True, None, None
        leading.handler = leading.unit = None
        record(leading, made.move("reopen"), by=None, day=day, text=words, actor=Actor.RAISER)
    elif own.pk == leading.pk:
        record(leading, made.move("rate"), by=None, day=day, text=words or own.get_rating_display(), actor=Actor.RAISER)
    if own.pk != leading.pk:
        own.save(update_fields=["rating", "rated_on"])
    note(own, "matter_rate", by=None, rating=rating)
    return status_of(own)


def settle(day: dt.date | None = None) -> int:
    """End what nobody rated in its time; returns how many. Called once a day; a day missed is made up by the next.

    Who raised what ended a year ago is forgotten as well: the number goes on opening the answer. Findings that are not
    on the board yet get there.
    """
    moment, ended = day or today(), 0
    catch_up()
    old = Matter.objects.filter(closed_on__lt=moment - A_YEAR).exclude(phone_sealed=None, raiser_name="")
    old.update(phone_sealed=None, raiser_name="")
    waiting = Matter.objects.filter(closed_on=None, state__kind="standing", free_from__lte=moment).order_by("pk")
    for matter in waiting.values_list("pk", flat=True):
        with transaction.atomic():
            locked = lock(Matter(pk=matter))
            move = next((one for one in procedure_of(locked.procedure).moves_from(locked.state.key) if one.auto), None)
            if move is not None and locked.closed_on is None and locked.free_from <= moment:
                record(locked, move, by=None, day=moment, actor=Actor.SYSTEM)
                ended += 1
    return ended
