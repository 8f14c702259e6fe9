"""The states of an import and what may follow each: one table that screens, tests and the diagram read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.intake.errors import WrongState
from huqing.intake.models import Import

S = Import.State

SUCCESSORS: Mapping[Import.State, frozenset[Import.State]] = {
    S.UPLOADED: frozenset({S.MAPPED, S.FAILED, S.DISCARDED}),
    S.MAPPED: frozenset({S.MAPPED, S.CHECKING, S.FAILED, S.DISCARDED}),
    S.CHECKING: frozenset({S.MAPPED, S.CHECKED, S.FAILED}),
    S.CHECKED: frozenset({S.MAPPED, S.CHECKING, S.QUEUED, S.FAILED, S.DISCARDED}),
    S.QUEUED: frozenset({S.CHECKED, S.APPLYING, S.FAILED}),
    S.APPLYING: frozenset({S.APPLIED, S.QUEUED, S.FAILED}),
    S.APPLIED: frozenset({S.UNDOING}),
    S.UNDOING: frozenset({S.UNDONE, S.APPLIED}),
    S.UNDONE: frozenset({S.QUEUED, S.DISCARDED}),
    S.FAILED: frozenset({S.MAPPED, S.CHECKING, S.QUEUED, S.DISCARDED}),
    S.DISCARDED: frozenset(),
}
ACTIONS: Mapping[Import.State, tuple[str, str]] = {
    S.MAPPED: ("intake.map", "对应导入的列"),
    S.CHECKING: ("intake.check_start", "开始检查导入"),
    S.CHECKED: ("intake.check", "检查导入"),
    S.QUEUED: ("intake.queue", "提交导入"),
    S.APPLYING: ("intake.apply_start", "开始写入导入"),
    S.APPLIED: ("intake.apply", "导入入库"),
    S.UNDOING: ("intake.undo_start", "开始撤销导入"),
    S.UNDONE: ("intake.undo", "撤销导入"),
    S.FAILED: ("intake.fail", "导入失败"),
    S.DISCARDED: ("intake.discard", "放弃导入"),
}
NOT_YET: Mapping[Import.State, str] = {
    S.UPLOADED: "请先确认各列对应的字段",
    S.MAPPED: "请先检查数据",
    S.CHECKING: "正在检查，请稍候",
    S.CHECKED: "请先提交入库",
    S.QUEUED: "已在排队，请稍候",
    S.APPLYING: "正在写入，请稍候",
    S.APPLIED: "已入库；要更正请先撤销，或导入更正后的文件",
    S.UNDOING: "正在撤销，请稍候",
    S.UNDONE: "已撤销，可重新提交入库",
    S.FAILED: "上一步失败，请按提示处理后重试",
    S.DISCARDED: "已放弃，请重新上传文件",
}


def refusal(intake: Import, to: Import.State) -> str:
    """Why ``intake`` cannot go to ``to`` now ("" when it can): the text of the refusal and of the button's tooltip."""
    now = Import.State(intake.state)
    if to in SUCCESSORS[now]:
        return ""
    return f"这份导入现在是“{now.label}”，不能转为“{to.label}”。{NOT_YET[now]}。"


@transaction.atomic
def move(
    intake: Import, to: Import.State, *, by: User | None, detail: Mapping[str, Any] | None = None, **values: Any
) -> Import:
    """Bring ``intake`` to state ``to`` together with the given column values, audited once.

    Raises ``WrongState`` when the state in the database does not allow it, whatever the object at hand says.
    """
    locked = Import.objects.select_for_update().get(pk=intake.pk)
    reason = refusal(locked, to)
    if reason:
        raise WrongState(reason)
    before = locked.state
    for name, value in {"state": to, **values}.items():
        setattr(locked, name, value)
        setattr(intake, name, value)
    locked.save(update_fields=["state", *values])
    audit.record(
        by=by,
        action=ACTIONS[to][0],
        subject=intake,
        region_code=intake.region_code,
        detail={"file": hide_numbers(intake.file_name), "from": before, **(detail or {})},
    )
    return intake


audit.name_actions(dict(ACTIONS.values()))
