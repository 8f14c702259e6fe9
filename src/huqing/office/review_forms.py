"""The forms of reviews and of differences between rosters."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from huqing.access.calendar import today
from huqing.office.ledger_forms import day_field
from huqing.rosters.models import ReviewLine, RosterDifference
from huqing.rosters.reviews import KINDS
from huqing.standards.codelists import codelist
from huqing.standards.money import MoneyError, fen_of

X = ReviewLine.Outcome


class StartForm(forms.Form):
    """Which label's holders are reviewed, and until when those due are taken."""

    title = forms.CharField(label="名称", max_length=100, help_text="例如：2026 年下半年低保复核")
    kind = forms.ChoiceField(label="复核哪类对象")
    due_by = day_field("到哪天为止应复核的", "不填表示全部对象。", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind, codelist("label_kind").label(kind)) for kind in KINDS]


class DecideForm(forms.Form):
    """What is decided of the chosen lines."""

    decision = forms.ChoiceField(
        label="决定",
        choices=[(X.CONTINUE, "继续保留"), (X.LEAVE, "退出（另一人确认后生效）"), (X.AMOUNT, "调整金额（一次一个）")],
    )
    effective_on = day_field("日期", "退出的写在册的最后一天，其他的写复核日期。")
    amount_new = forms.CharField(label="新的月保障金（元）", required=False, max_length=20)
    reason = forms.CharField(label="理由", max_length=300, required=False, help_text="继续保留可以不写。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("effective_on", today())
        super().__init__(*args, **kwargs)

    def clean_amount_new(self) -> int | None:
        """The amount in fen."""
        text = self.cleaned_data["amount_new"].strip()
        if not text:
            return None
        try:
            fen = fen_of(text)
        except MoneyError as error:
            raise ValidationError("请写成 420 或 420.50 这样的金额。") from error
        if fen <= 0:
            raise ValidationError("金额应大于 0；不再保障的请选退出。")
        return fen


class RestoreForm(forms.Form):
    """A wrong leaving is undone by a new decision."""

    effective_on = day_field("恢复日期", "应晚于退出日期，不晚于今天。")
    reason = forms.CharField(label="理由", max_length=300)


class SettleForm(forms.Form):
    """Which roster holds, and why."""

    decision = forms.ChoiceField(label="怎样处理", choices=RosterDifference.Decision.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label="说明", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
