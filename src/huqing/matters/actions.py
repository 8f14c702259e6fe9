"""Working on a matter: the steps of its procedure, handing it to another level, taking a public text down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access.calendar import today
from huqing.access.models import Role
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import covers, sees
from huqing.matters import masking
from huqing.matters.errors import MatterError, Moved
from huqing.matters.models import Matter, MatterStep
from huqing.matters.procedure import procedure_of
from huqing.matters.steps import note, record
from huqing.matters.texts import optional, written
from huqing.packs.procedures import Move
from huqing.packs.procedures.declaration import MATTER_ROLES
from huqing.teams import inspections, team_notes

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.teams.models import Staff, Unit

TEXT_LENGTH, ANSWER_LENGTH, PROBLEM_LENGTH, RESULT_LENGTH = 500, 1000, 300, 500
LEVELS = tuple(Matter.Level.values)
COUNTY_DIGITS = 6


@dataclass(frozen=True)
class Given:
    """What somebody brings along with a step: a reason, the answer, the public text, a handler, the same matter."""

    text: str = ""
    answer: str = ""
    problem: str = ""
    result: str = ""
    allowed: tuple[str, ...] = ()
    handler: Staff | None = None
    unit: Unit | None = None
    target: Matter | None = None


@transaction.atomic
def take(
    *, matter: Matter, move: str, by: User, turn: int, given: Given | None = None, on: dt.date | None = None
) -> Matter:
    """Take a step of the procedure; ``turn`` is the one the person saw.

    Moved: somebody was faster. MatterError: it may not be taken now, with the reason. Refused: not by this person.
    """
    brought, day = given or Given(), on or today()
    if brought.target is not None:
        # Two people who merge the same two matters into each other must not wait for each other.
        keys = sorted((matter.pk, brought.target.pk))
        list(Matter.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))
    locked = lock(matter)
    if locked.turn != turn:
        raise Moved(_who_was_faster(locked))
    step = _step_of(locked, move)
    stopped = obstacles(locked, step, by=by, day=day)
    if stopped:
        raise MatterError(" ".join(stopped))
    text = written(brought.text, "理由", most=TEXT_LENGTH) if step.reason else optional(brought.text, "说明", most=500)
    if locked.finding is not None:
        return _rectify(locked, step, brought, text, by)
    for need in step.needs:
        text = _BRING[need](locked, brought, day, by) or text
    if step.key == "give_back":
        locked.handler = locked.unit = None
    record(locked, step, by=by, day=day, text=text)
    if step.key == "finish":
        _solve_note(locked, by, day)
    return locked


def obstacles(matter: Matter, step: Move, *, by: User, day: dt.date) -> list[str]:
    """Why a step cannot be taken now, apart from what it brings along. Refused if the person may not take it at all."""
    if matter.state.key not in step.start:
        raise MatterError(f"现在是“{matter.state.title}”，不能办理“{step.title}”。")
    able(matter, by, step)
    told = []
    if day < matter.entered_on:
        told.append(f"办理日期早于进入本环节的日期（{matter.entered_on:%Y-%m-%d}），请检查服务器时间。")
    last = matter.steps.last()
    if step.second and last is not None and last.by_id == by.pk:
        told.append("上一步由您办理，这一步须换一个人办理。")
    if "minutes" in step.needs and not matter.meeting_items.filter(turn=matter.turn, agreed=True).exists():
        told.append("还没有商议记录，请先登记议事会。")
    return told


def able(matter: Matter, by: User, step: Move) -> None:
    """Refused unless the person may take the step: as the one it was given to, or by role, level and place."""
    if "handler" in step.by and is_handler(matter, by):
        return
    require(by, "handle_matters")
    if not sees(by, matter):
        raise Refused("这件事不在您的管辖范围内。")
    if by.role not in step.by:
        names = "、".join(MATTER_ROLES[role] for role in step.by) or "系统"
        raise Refused(f"“{step.title}”由{names}办理。")
    if matter.finding is None and LEVELS.index(by.role) < LEVELS.index(matter.level):
        raise Refused(f"这件事已交{matter.get_level_display()}办理。")


def is_handler(matter: Matter, by: User) -> bool:
    """Whether the matter was given to this person."""
    return matter.handler is not None and matter.handler.user_id == by.pk


@transaction.atomic
def hand(*, matter: Matter, level: str, by: User, turn: int, text: str, on: dt.date | None = None) -> Matter:
    """Hand a matter up by one level, or down again, with the reason; it stays in its state with its deadline."""
    require(by, "handle_matters")
    locked = lock(matter)
    if locked.turn != turn:
        raise Moved(_who_was_faster(locked))
    if not sees(by, locked):
        raise Refused("这件事不在您的管辖范围内。")
    if locked.closed_on is not None or locked.finding is not None or level not in LEVELS or level == locked.level:
        raise MatterError("这件事现在不能这样转交。")
    there, wanted = LEVELS.index(locked.level), LEVELS.index(level)
    if LEVELS.index(by.role) < there or wanted > there + 1:
        raise Refused(f"这件事由{locked.get_level_display()}办理，只能逐级上报。")
    if level == Matter.Level.VILLAGE and locked.region_code != locked.village.code:
        raise MatterError("这件事反映的是村里的人，不能转给村办理。")
    told = written(text, "理由", most=TEXT_LENGTH)
    up = wanted > there
    locked.level = level
    title = f"{'上报' if up else '转给'}{locked.get_level_display()}"
    MatterStep.objects.create(
        matter=locked,
        turn=locked.turn + 1,
        move="hand_up" if up else "hand_down",
        title=title,
        before=locked.state.key,
        after=locked.state.key,
        by=by,
        on=on or today(),
        at=timezone.now(),
        text=told,
    )
    locked.turn += 1
    locked.save(update_fields=["level", "turn"])
    # What a meeting said is still what it said, although the matter has gone one step on.
    locked.meeting_items.filter(turn=turn).update(turn=locked.turn)
    note(locked, "matter_level", by=by, level=level)
    return locked


@transaction.atomic
def unpublish(*, matter: Matter, by: User, reason: str) -> None:
    """Take a public text down at once; the matter goes on where it is."""
    require(by, "handle_matters")
    locked = lock(matter)
    if not sees(by, locked):
        raise Refused("这件事不在您的管辖范围内。")
    if locked.published_at is None:
        raise MatterError("这件事没有公示。")
    text = written(reason, "撤下的原因", most=TEXT_LENGTH)
    locked.published_at = locked.published_by = None
    locked.save(update_fields=["published_at", "published_by"])
    note(locked, "matter_unpublish", by=by, reason=text)


def lock(matter: Matter) -> Matter:
    """The matter as it is now, locked until the transaction ends.

    Locked by itself and read afterwards: PostgreSQL, having waited for somebody's step, would look for the row joined
    to the state it was in before, and find none.
    """
    Matter.objects.select_for_update().only("pk").get(pk=matter.pk)
    return Matter.objects.select_related("state", "procedure", "village", "finding", "handler", "note").get(
        pk=matter.pk
    )


def _step_of(matter: Matter, key: str) -> Move:
    try:
        return procedure_of(matter.procedure).move(key)
    except KeyError:
        raise MatterError("没有这一步，请刷新页面后重新选择。") from None


def _who_was_faster(matter: Matter) -> str:
    last = matter.steps.select_related("by").last()
    who = "事项已有变化"
    if last is not None:
        who = f"{last.by.display_name if last.by else last.get_actor_display()}已办理“{last.title}”"
    return f"{who}，现在是“{matter.state.title}”。请刷新页面后再办。"


def _bring_nothing(_matter: Matter, _given: Given, _day: dt.date, _by: User) -> str:
    return ""


def _bring_handler(matter: Matter, given: Given, _day: dt.date, by: User) -> str:
    if given.handler is None and given.unit is None:
        raise MatterError("请选承办人或承办单位。")
    for row in filter(None, (given.handler, given.unit)):
        if not covers(by.region_code[:COUNTY_DIGITS], row.region_code):
            raise Refused("承办人或承办单位不在本县。")
    if given.handler is not None and given.handler.left_on is not None:
        raise MatterError(f"{given.handler.name}已离任，请选在任的人。")
    matter.handler, matter.unit = given.handler, given.unit or (given.handler.unit if given.handler else None)
    names = [row.name for row in (given.handler, given.unit) if row is not None]
    return f"交给{'、'.join(names)}。{optional(given.text, '说明', most=TEXT_LENGTH)}"


def _bring_answer(matter: Matter, given: Given, day: dt.date, _by: User) -> str:
    matter.answer = written(given.answer, "给反映人的答复", most=ANSWER_LENGTH, least=4, lines=True)
    matter.answered_on = day
    return matter.answer


def _bring_public_text(matter: Matter, given: Given, day: dt.date, by: User) -> str:
    problem = written(given.problem, "公开的问题", most=PROBLEM_LENGTH, least=4)
    result = written(given.result, "公开的办理结果", most=RESULT_LENGTH, least=4)
    wrong = masking.problems(f"{given.problem} {given.result}", matter, day, given.allowed)
    if wrong:
        raise MatterError(f"不能公开：{'；'.join(dict.fromkeys(one.why for one in wrong))}。")
    matter.public_problem, matter.public_result = problem, result
    matter.published_at, matter.published_by = timezone.now(), by
    return f"{problem} {result}"[:ANSWER_LENGTH]


def _bring_target(matter: Matter, given: Given, day: dt.date, by: User) -> str:
    if given.target is None:
        raise MatterError("请选并入哪一件。")
    target = lock(given.target)
    other = target.village_id != matter.village_id or target.region_code != matter.region_code
    if other or target.pk == matter.pk or not sees(by, target):
        raise MatterError("只能并入同一个村的另一件事。")
    if target.closed_on is not None or target.finding is not None:
        raise MatterError("那件事已经办结，不能再并入。")
    matter.merged_into = target
    matter.answer = f"您反映的和另一件（{target.number}）是同一件事，已并在一起办。办好了，凭您的编号一样能查到答复。"
    matter.answered_on = day
    return f"并入 {target.number}"


_BRING = {
    "minutes": _bring_nothing,
    "handler": _bring_handler,
    "answer": _bring_answer,
    "public_text": _bring_public_text,
    "target": _bring_target,
}


def _rectify(matter: Matter, step: Move, given: Given, text: str, by: User) -> Matter:
    """A rectification item is stepped where inspections are kept; their signal brings it back here."""
    words = given.answer or text
    try:
        inspections.step(finding=matter.finding, state=step.to, text=words, by=by)
    except ValidationError as error:
        raise MatterError(" ".join(error.messages)) from error
    return lock(matter)


def _solve_note(matter: Matter, by: User, day: dt.date) -> None:
    """A resident's problem that became a matter is solved with it, where the person may say so."""
    problem = matter.note
    if problem is None or problem.solved_on is not None or by.role == Role.VISITOR:
        return
    if may(by, "confirm_presence") and sees(by, problem):
        team_notes.solve(problem=problem, solution=matter.answer, on=max(day, problem.on), by=by)
