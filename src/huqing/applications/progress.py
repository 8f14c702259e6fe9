"""What an applicant is told by receipt: where the application stands, since when, what comes next, in plain words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from huqing.applications.models import Application
from huqing.cases.models import Case
from huqing.cases.procedure import procedure_of

State = Application.State
# What a step is called to the applicant; the names of those who took it and the match are the office's business.
TOLD = {
    "received": "收到您的申请",
    "accepted": "受理，开始办理",
    "refused": "答复：不予受理",
    "returned": "乡镇看过后，要求重新办理",
    "moved": "转到现在这个村办理",
    "joined": "和您的另一件申请并在一起办",
    "withdrawn": "您撤回了申请",
    "wants_out": "您要求撤回",
}


@dataclass(frozen=True)
class Progress:
    """``now`` and ``next`` are sentences; ``tone`` is good, bad, wait or over; ``past`` are days and what happened."""

    now: str
    next: str
    tone: str
    reason: str
    past: tuple[tuple[dt.date, str], ...]
    may_withdraw: bool


def progress(application: Application, day: dt.date) -> Progress:
    """Where an application stands on a day. One that was joined to another tells that one's progress."""
    past = [(step.on, TOLD[step.what]) for step in application.steps.all() if step.what in TOLD]
    main = application.joined_to or application
    if main is not application:
        past += [
            (step.on, TOLD[step.what]) for step in main.steps.all() if step.what in TOLD and step.what != "received"
        ]
    reason, tone = "", "wait"
    if main.state == State.RECEIVED:
        now = "已收到，村里正在核对"
        late = main.due_on < day
        following = (
            f"本该在 {said(main.due_on)}前答复您，已经晚了。可以直接问村委会或乡镇。"
            if late
            else f"最晚 {said(main.due_on)}答复您受不受理。"
        )
    elif main.state == State.REFUSED:
        now, tone, reason = "没有受理", "bad", main.reason
        following = "不同意的，可以到乡镇反映；情况有变化，可以再申请。"
    elif main.state == State.WITHDRAWN:
        now, tone, following = "已撤回", "over", "以后需要，可以再申请。"
    elif main.case is not None:
        now, following, tone, reason, steps = _case(main.case, day)
        past += steps
    else:
        now, tone, following = "并到另一件申请里办", "over", "请问村委会。"
    if main.wants_out_on and main.case and main.case.closed_on is None:
        following = "您要求撤回，经办人会和您联系。"
    past.sort(key=lambda one: one[0])
    running = main.state == State.RECEIVED or (
        main.case is not None and main.case.closed_on is None and not main.wants_out_on
    )
    return Progress(now, following, tone, reason, tuple(past), may_withdraw=running and main is application)


def _case(case: Case, day: dt.date) -> tuple[str, str, str, str, list[tuple[dt.date, str]]]:
    """The case's state, what comes next, its tone, the reason of an end, and its steps."""
    made = procedure_of(case.procedure)
    state = made.state(case.state.key)
    steps = list(case.steps.all())
    past = [(step.on, made.state(step.after).title) for step in steps]
    if state.kind == "end":
        last = steps[-1] if steps else None
        return state.title, "办理结束。不同意的，可以到乡镇或县里反映。", "over", last.reason if last else "", past
    moves = made.moves_from(state.key)
    if state.help:
        following = "您家已纳入帮扶，有事找您的帮扶责任人或村委会。"
        return state.title, following, "good", "", past
    if state.kind == "start":
        if case.due_on is not None and case.due_on < day:
            following = "会有人上门核实。已超过期限，可以问村委会或乡镇。"
        else:
            following = f"最晚 {said(case.due_on)}开始办理，会有人上门核实。" if case.due_on else "会有人上门核实。"
        return "已受理，等着安排入户", following, "wait", "", past
    ahead = made.state(moves[0].to).title if moves else ""
    until = ""
    if case.due_on is not None:
        until = f"，最晚 {said(case.due_on)}" if case.due_on >= day else "，已超过期限，可以问乡镇"
    whole = f"全部办完最晚 {said(case.total_due_on)}。" if case.total_due_on and case.total_due_on >= day else ""
    return f"正在办理：{state.title}", f"下一步：{ahead}{until}。{whole}" if ahead else whole, "wait", "", past


def said(day: dt.date) -> str:
    """A day as people say it: 2026年11月5日."""
    return f"{day.year}年{day.month}月{day.day}日"
