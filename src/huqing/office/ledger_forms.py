"""The forms of the ledger: handing over, standing in, moving, leaving, a file of staff."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from huqing.access.models import User
from huqing.teams.ledger_queries import named_people
from huqing.teams.models import Staff, Unit

DAY = {"type": "date"}
COUNTY_DIGITS = 6


def day_field(label: str, help_text: str = "", **more: Any) -> forms.DateField:
    """A day, as the browser's own calendar."""
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
        help_text=help_text,
        error_messages={"required": f"请填写{label}。", "invalid": "请写成 2024-01-31 这样的日期。"},
        **more,
    )


class PeopleField(forms.CharField):
    """Names of staff an account sees; cleaned to the people themselves. ``user`` is set by the form."""

    user: User | None = None
    single = False

    def clean(self, value: Any) -> list[Staff]:
        """The people named; what is wrong with a name stands beside the field."""
        found, wrong = named_people(super().clean(value), self.user)
        if wrong:
            raise forms.ValidationError(wrong)
        if self.required and not found:
            raise forms.ValidationError("请写姓名。")
        if self.single and len(found) > 1:
            raise forms.ValidationError("这里只写一个人。")
        return found


class PeopleForm(forms.Form):
    """A form with fields for people; ``by`` says whom they can name."""

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, PeopleField):
                field.user = by


class HandoverForm(PeopleForm):
    """Who takes the duties over, from which day, why."""

    to = PeopleField(
        label="接收人",
        help_text="写姓名；重名的写“姓名（单位）”。几个人接收用顿号隔开，按村平均分。",
        error_messages={"required": "请写接收人。"},
    )
    on = day_field("交接日期", "接收人从这一天起负责，移交人负责到前一天。")
    reason = forms.CharField(label="原因", max_length=100, help_text="例如：工作调动、退休、轮换")


class StandInForm(PeopleForm):
    """Who stands in, from when to when."""

    substitute = PeopleField(label="代理人", error_messages={"required": "请写代理人。"})
    since = day_field("从")
    until = day_field("到", "到期自动结束，本人的责任不变。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["substitute"].single = True


class MoveForm(forms.Form):
    """Where somebody works from a day on."""

    unit = forms.ModelChoiceField(
        label="新单位", queryset=Unit.objects.none(), required=False, empty_label="不变或没有"
    )
    position = forms.CharField(label="新职务", max_length=60, required=False)
    region_code = forms.CharField(
        label="所在区划",
        max_length=12,
        widget=forms.TextInput(attrs={"list": "region-list", "autocomplete": "off", "inputmode": "numeric"}),
    )
    on = day_field("调动日期", "在新岗位的第一天。责任不变，需要时另办交接。")

    def __init__(self, *args: Any, person: Staff, **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial", {"unit": person.unit, "region_code": person.region_code, "on": timezone.localdate()}
        )
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = Unit.objects.filter(region_code__startswith=person.region_code[:6]).order_by(
            "name"
        )


class LeaveForm(forms.Form):
    """The last day and why."""

    on = day_field("离任日期", "在任的最后一天。名下还有责任的，先办交接。")
    reason = forms.CharField(label="原因", max_length=100, help_text="例如：退休、调离本县")


class StaffFileForm(forms.Form):
    """A file of units, staff and duties."""

    file = forms.FileField(label="文件", error_messages={"required": "请选择文件。"})
    on = day_field("责任起始日期", "表里没有写起始日期的责任，从这一天算起。")
