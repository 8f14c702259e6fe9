"""Raising a matter: by a villager on the public page, by staff for somebody, from a visit or a resident's note.

The receipt is a random number of eight digits. With the last four digits of the phone (or four digits that somebody
without a phone chose) it opens the status; both are kept as one token, so neither can be found from the other.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from huqing.access.calendar import today
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers, sees
from huqing.access.seal import seal, token
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter
from huqing.matters.procedure import frozen_for, procedure_of
from huqing.matters.steps import enter, note
from huqing.matters.texts import optional, written
from huqing.registry.models import Household, Region
from huqing.standards.idnumbers import normalise_phone
from huqing.standards.text import clean

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.teams.models import TeamNote
    from huqing.visits.models import Submission

TEXT_LENGTH, NAME_LENGTH, LEAST_TEXT = 1000, 30, 6
NUMBER_DIGITS, CODE_DIGITS = 8, 4
PHONE = re.compile(r"(?:1[3-9]\d{9}|0\d{9,11}|[2-9]\d{6,7})\Z")
CODE = re.compile(r"\d{4}\Z")
TRIES = 20
Channel, Level = Matter.Channel, Matter.Level


@transaction.atomic
def raise_matter(
    *,
    village: Region,
    kind: str,
    text: str,
    by: User | None,
    group: str = "",
    name: str = "",
    contact: str = "",
    past_village: bool = False,
    household: Household | None = None,
    submission: Submission | None = None,
    team_note: TeamNote | None = None,
    on: dt.date | None = None,
) -> Matter:
    """Take a matter down; ``by`` None is the public page, where a contact is needed to tell the answer to.

    ``contact`` is a phone, or four digits somebody chose. ``past_village`` goes to the town at once and is not seen in
    the village: for what is about its officers. MatterError says what is wrong.
    """
    day = on or today()
    if by is not None:
        _may(by, village, household)
    if kind not in Matter.Kind.values:
        raise MatterError("请选事情的类别。")
    if day > today():
        raise MatterError("反映日期不能晚于今天。")
    if village.level != Region.Level.VILLAGE:
        raise MatterError("请选行政村。")
    told = written(text, "要反映的事", most=TEXT_LENGTH, least=LEAST_TEXT, lines=True)
    phone, code = _contact(contact)
    if by is None and not code:
        raise MatterError("请写手机号码，没有手机的写四个数字当查询码，凭它查答复。")
    version = frozen_for(village.code, day)
    made = procedure_of(version)
    matter = Matter(
        village=village,
        region_code=f"{village.code[:9]}000" if past_village else village.code,
        group_name=optional(group, "村民小组", most=40),
        household=household,
        kind=kind,
        channel=_channel(by, submission, team_note),
        text=told,
        raiser_name=_name(name),
        phone_sealed=seal(phone, "phone") if phone else None,
        submission=submission,
        note=team_note,
        procedure=version,
        level=Level.TOWN if past_village else Level.VILLAGE,
        raised_on=day,
        raised_by=by,
    )
    enter(matter, made.start.key, day)
    save_numbered(matter, code)
    note(matter, "matter_raise", by=by, channel=matter.channel, kind=kind)
    return matter


def code_token(number: str, code: str) -> str:
    """What number and code together are kept as."""
    return token("", f"matter:{number}:{code}")


def save_numbered(matter: Matter, code: str = "") -> None:
    """Save under a number nobody has; chance decides, so that numbers cannot be walked through."""
    for _ in range(TRIES):
        matter.number = f"{secrets.randbelow(9 * 10 ** (NUMBER_DIGITS - 1)) + 10 ** (NUMBER_DIGITS - 1)}"
        matter.code_token = code_token(matter.number, code) if code else ""
        try:
            with transaction.atomic():
                matter.save()
        except IntegrityError:
            if not Matter.objects.filter(number=matter.number).exists():
                raise
            matter.pk = None
        else:
            return
    raise MatterError("没有登记成功，请再试一次。")


def _contact(text: str) -> tuple[str, str]:
    """A phone ("" if there is none) and the four digits that open the status."""
    found = normalise_phone(clean(text)) if text.strip() else ""
    if not found:
        return "", ""
    if CODE.match(found):
        return "", found
    if not PHONE.match(found):
        raise MatterError("电话号码不对，请核对。没有电话的，写四个数字当查询码。")
    return found, found[-CODE_DIGITS:]


def _name(text: str) -> str:
    found = clean(text)
    if len(found) > NAME_LENGTH:
        raise MatterError(f"姓名最多 {NAME_LENGTH} 个字。")
    return found


def _channel(by: User | None, submission: Submission | None, team_note: TeamNote | None) -> str:
    if by is None:
        return Channel.PAGE
    if submission is not None:
        return Channel.VISIT
    return Channel.TEAM if team_note is not None else Channel.STAFF


def _may(by: User, village: Region, household: Household | None) -> None:
    require(by, "raise_matters")
    if household is not None and (household.village_id != village.pk or not sees(by, household)):
        raise Refused("这一户不在您的管辖范围内。")
    if not covers(by.region_code, village.code):
        raise Refused("这个村不在您的管辖范围内。")
