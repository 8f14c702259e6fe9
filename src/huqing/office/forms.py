"""The forms of the office's own pages; what they check twice is checked in the actions as well."""

from __future__ import annotations

from typing import Any

from django import forms

from huqing.access.models import ADMINISTRATORS, Role, User
from huqing.office import places
from huqing.registry.models import Grid
from huqing.standards.fields import record_kinds

# Administrator accounts are made on the server, never in the browser.
ROLES = [(role.value, role.label) for role in Role if role not in ADMINISTRATORS]
REASONS = ["入户前电话联系", "核对证件信息", "办理帮扶或救助手续", "发放补助核对账户"]
OTHER_REASON = "other"


class PlaceForm(forms.Form):
    """What an account is for and where: the part that creating and changing share."""

    role = forms.ChoiceField(label="角色", choices=ROLES)
    region_code = forms.CharField(
        label="管辖区划",
        max_length=12,
        widget=forms.TextInput(attrs={"list": "region-list", "autocomplete": "off", "inputmode": "numeric"}),
        help_text="填区划代码：县 6 位、乡镇 9 位、村 12 位。可输入名称从列表中选。",
    )
    grid_id = forms.ModelChoiceField(
        label="网格",
        queryset=Grid.objects.none(),
        required=False,
        help_text="只有网格员需要选。先填村代码，保存后可选。",
    )
    department = forms.ChoiceField(label="行业部门", required=False, help_text="只有行业部门账号需要选。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted({kind.department for kind in record_kinds().values()})
        self.fields["department"].choices = [("", "不选"), *((name, name) for name in names)]
        code = str(self.data.get("region_code") or self.initial.get("region_code") or "")
        if len(code) == places.VILLAGE_DIGITS and code.isdigit():
            self.fields["grid_id"].queryset = Grid.objects.filter(region_code=code).order_by("number")
        self.fields["grid_id"].empty_label = "不选"

    def placement(self) -> dict[str, Any]:
        """The role and place as the actions want them."""
        grid = self.cleaned_data["grid_id"]
        return {
            "role": self.cleaned_data["role"],
            "region_code": self.cleaned_data["region_code"],
            "grid_id": grid.pk if grid else None,
            "department": self.cleaned_data["department"],
        }


class NewUserForm(PlaceForm):
    """A new account."""

    field_order = ["display_name", "username", "unit", "role", "region_code", "grid_id", "department"]
    display_name = forms.CharField(label="姓名", max_length=50)
    username = forms.CharField(
        label="用户名", max_length=50, help_text="登录时用，小写字母和数字，例如 zhangsan。不要用手机号或证件号。"
    )
    unit = forms.CharField(label="单位", max_length=100, required=False)


class UserNameForm(forms.ModelForm):
    """Name and unit of an account."""

    class Meta:
        model = User
        fields = ["display_name", "unit"]


class ShowSealedForm(forms.Form):
    """Why somebody wants to see a full number."""

    reason = forms.ChoiceField(
        label="查看理由",
        choices=[*((reason, reason) for reason in REASONS), (OTHER_REASON, "其他（请写明）")],
        widget=forms.RadioSelect,
        error_messages={"required": "请选一个理由。"},
    )
    other = forms.CharField(label="其他理由", max_length=100, required=False, help_text="至少 4 个字，不要写号码。")

    def text(self) -> str:
        """The reason as it is audited."""
        chosen = self.cleaned_data["reason"]
        return self.cleaned_data["other"].strip() if chosen == OTHER_REASON else chosen


class AuditFilterForm(forms.Form):
    """The filters of the audit log."""

    action = forms.ChoiceField(label="操作", required=False)
    actor = forms.CharField(label="操作人", max_length=50, required=False)
    since = forms.DateField(label="从", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="到", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, actions: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = [("", "全部操作"), *actions.items()]
