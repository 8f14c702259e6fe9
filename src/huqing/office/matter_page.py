"""What the page of a matter shows and takes: where it stands, what may follow and what each step needs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.http import QueryDict

from huqing.access.permissions import may
from huqing.access.scope import sees, visible
from huqing.matters import actions, masking, queries, similar
from huqing.matters.actions import Given
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter
from huqing.teams.ledger_queries import contacts, named_people
from huqing.teams.models import Staff, Unit

if TYPE_CHECKING:
    from huqing.access.models import User

MOST_DIGITS = 18
LONGEST = {"text": 500, "answer": 1000, "problem": 300, "result": 500, "handler_text": 60, "unit": 100, "number": 20}


def context(
    matter: Matter, user: User, day: dt.date, posted: QueryDict | None = None, wrong: str = ""
) -> dict[str, Any]:
    """Everything the page needs; ``posted`` is a step that came back with a mistake."""
    steps = queries.next_steps(matter, user, day) if matter.closed_on is None else []
    able = [step for step in steps if not step.barred]
    needs = {need for step in able for need in step.move.needs}
    left, tone = queries.left(matter, day)
    told = {name: (posted or {}).get(name, "") for name in LONGEST}
    handles = may(user, "handle_matters") and sees(user, matter)
    return {
        "matter": matter,
        "able": able,
        "main": able[0].move.key if able and steps and able[0] is steps[0] else "",
        "waits_for": steps[0].barred if steps and not able else "",
        "left": left,
        "pressing": tone,
        "taken": matter.steps.select_related("by"),
        "items": matter.meeting_items.select_related("meeting"),
        "merged": queries.seen(user).filter(merged_into=matter).select_related("state"),
        "contacts": contacts(matter.village, user) if "handler" in needs else [],
        "alike": similar.alike(matter) if "target" in needs else [],
        **(_public_texts(matter, told) if "public_text" in needs else {}),
        "doubtful": _doubtful(matter, told, day) if wrong and told["problem"] else [],
        "wrong": wrong,
        "wrong_move": (posted or {}).get("move", ""),
        "told": told,
        "handles": handles,
        "levels": _levels(matter, user) if handles else [],
        "household": matter.household if matter.household and sees(user, matter.household) else None,
        "can_meet": bool(able) and handles and matter.finding is None and matter.state.key in ("raised", "discussing"),
        "day": day,
    }


def _public_texts(matter: Matter, told: dict[str, str]) -> dict[str, str]:
    """What the public text begins with: what was typed, what was public before, else a masked proposal."""
    return {
        "problem": told["problem"] or matter.public_problem or masking.masked(matter.text, matter)[:300],
        "result": told["result"] or matter.public_result or masking.masked(matter.answer, matter)[:500],
    }


def _doubtful(matter: Matter, told: dict[str, str], day: dt.date) -> list[str]:
    """Words of the public text that look like a name but may be none."""
    found = masking.problems(f"{told['problem']} {told['result']}", matter, day)
    return [one.words for one in found if one.may_stand]


def _levels(matter: Matter, user: User) -> list[tuple[str, str]]:
    """Where the matter may be handed to, with the words of the button."""
    if matter.closed_on is not None or matter.finding is not None:
        return []
    there, own = actions.LEVELS.index(matter.level), actions.LEVELS.index(user.role)
    if own < there:
        return []
    found = []
    for place, level in enumerate(actions.LEVELS):
        label = Matter.Level(level).label
        if place == there + 1:
            found.append((level, f"上报{label}"))
        elif place < there and not (place == 0 and matter.region_code != matter.village.code):
            found.append((level, f"转给{label}办理"))
    return found


def given(posted: QueryDict, matter: Matter, user: User) -> Given:
    """What was brought along with a step; MatterError names what was not found."""
    return Given(
        text=posted.get("text", ""),
        answer=posted.get("answer", ""),
        problem=posted.get("problem", ""),
        result=posted.get("result", ""),
        allowed=tuple(posted.getlist("allowed")),
        handler=_handler(posted, matter, user),
        unit=_unit(posted.get("unit", ""), user),
        target=_target(posted, matter, user),
    )


def _handler(posted: QueryDict, matter: Matter, user: User) -> Staff | None:
    named = posted.get("handler_text", "").strip()
    if named:
        people, wrong = named_people(named[:60], user)
        if wrong or len(people) != 1:
            raise MatterError(" ".join(wrong) or "承办人只能写一个人。")
        return people[0]
    key = as_key(posted.get("handler", ""))
    if key is None:
        return None
    # Whoever is responsible in the village may be given its matters, also by somebody who sees only the village.
    return next((one.staff for one in contacts(matter.village, user) if one.staff.pk == key), None)


def _unit(name: str, user: User) -> Unit | None:
    said = name.strip()[:100]
    if not said:
        return None
    found = visible(Unit.objects.all(), user).filter(name=said).first()
    if found is None:
        raise MatterError(f"没有找到单位“{said}”。请写责任台账里的单位全称。")
    return found


def as_key(text: str) -> int | None:
    """A row's key as a browser sends it; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS else None


def _target(posted: QueryDict, matter: Matter, user: User) -> Matter | None:
    number = posted.get("number", "").replace(" ", "")[:20]
    key = as_key(posted.get("target", ""))
    rows = visible(Matter.objects.filter(village=matter.village_id), user)
    if number:
        found = rows.filter(number=number).first()
        if found is None:
            raise MatterError(f"这个村没有编号 {number} 的事。请核对编号。")
        return found
    return rows.filter(pk=key).first() if key else None
