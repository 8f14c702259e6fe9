"""Households with a plan do not vanish with the file they came in."""

from __future__ import annotations

from typing import Any

from huqing.plans.models import Plan


def connect() -> None:
    """Listen to intake."""
    from huqing.intake.signals import undoing

    undoing.connect(on_undoing, dispatch_uid="plans.undoing")


def on_undoing(sender: object, intake: Any, **kwargs: object) -> None:
    """Refuse to undo an import that made households which have plans."""
    from huqing.intake.errors import UndoRefused

    made = Plan.objects.filter(household__created_by_source=intake.source).count()
    if made:
        raise UndoRefused(f"不能撤销：这次导入新建的农户已有 {made} 份帮扶计划。请改用新的花名册更正。")
