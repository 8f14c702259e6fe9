"""The forms of staff and their duties."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from huqing.access.models import User
from huqing.access.scope import code_range
from huqing.office import places
from huqing.registry.models import Grid, Household, Region
from huqing.standards.codelists import codelist

MOST_HOUSEHOLDS = 100


def _codes(name: str) -> list[tuple[str, str]]:
    return [("", "请选择"), *codelist(name).items]


class StaffForm(forms.Form):
    """Somebody who works for households."""

    name = forms.CharField(label="姓名", max_length=60)
    kind = forms.ChoiceField(label="人员类别")
    unit = forms.CharField(label="单位", max_length=100, required=False)
    position = forms.CharField(label="职务", max_length=60, required=False)
    region_code = forms.CharField(
        label="所在区划",
        max_length=12,
        widget=forms.TextInput(attrs={"list": "region-list", "autocomplete": "off"}),
        help_text="填区划代码：县 6 位、乡镇 9 位、村 12 位。可输入名称从列表中选。",
    )
    user = forms.ModelChoiceField(
        label="登录账号",
        queryset=User.objects.none(),
        required=False,
        empty_label="没有账号",
        help_text="本人走访填表要有账号。列表里没有的，请安全管理员先开立。",
    )

    unit_kind = forms.ChoiceField(label="单位类别", required=False, help_text="党群、政法等，结对和选派时对口用。")
    rank = forms.ChoiceField(label="职级", required=False, help_text="结对名额和驻村补助按职级算。")
    number = forms.CharField(label="人员编号", max_length=40, required=False)
    languages = forms.CharField(label="会说的语言", max_length=60, required=False, help_text="例如：苗语、土家语")
    phone = forms.CharField(
        label="公开联系电话", max_length=20, required=False, help_text="印在联系卡上，只填本人同意公开的号码。"
    )

    MORE = ("unit_kind", "rank", "number", "languages", "phone")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = _codes("staff_kind")
        self.fields["rank"].choices = [("", "没有登记"), *codelist("cadre_rank").items]
        self.fields["unit_kind"].choices = [("", "没有登记"), *codelist("unit_kind").items]
        accounts = User.objects.filter(code_range(by.region_code), is_active=True).order_by("display_name", "pk")
        self.fields["user"].queryset = accounts
        self.fields["user"].label_from_instance = lambda user: f"{user.display_name}（{user.username}）"

    def values(self) -> dict[str, Any]:
        """What ``save_staff`` is given; where the unit's kind is left open it stays."""
        data = dict(self.cleaned_data)
        more = {name: data.pop(name) for name in self.MORE}
        if not more["unit_kind"]:
            del more["unit_kind"]
        return {**data, "more": more}


class DutyForm(forms.Form):
    """What somebody answers for: a village, a grid of it, or households by their numbers."""

    role = forms.ChoiceField(label="责任")
    village = forms.CharField(
        label="负责整个村或网格的，填村代码",
        max_length=12,
        required=False,
        widget=forms.TextInput(attrs={"list": "region-list", "autocomplete": "off"}),
        help_text="12 位，可输入村名从列表中选。只负责几户的不填。",
    )
    grid = forms.ModelChoiceField(
        label="只负责其中一个网格", queryset=Grid.objects.none(), required=False, empty_label="整个村"
    )
    households = forms.CharField(
        label="负责几户的，填户编号",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=f"一行一个，最多 {MOST_HOUSEHOLDS} 户。",
    )
    member = forms.CharField(
        label="只负责户里一个人的，填姓名",
        max_length=60,
        required=False,
        help_text="例如结对的学生；上面只填这一户的户编号。",
    )
    since = forms.DateField(label="从哪天起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(
        label="到哪天止", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="没有期限的不填。"
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("since", timezone.localdate())
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["role"].choices = _codes("duty_role")
        code = str(self.data.get("village") or "").strip()
        if len(code) == places.VILLAGE_DIGITS and code.isascii() and code.isdecimal():
            self.fields["grid"].queryset = Grid.objects.filter(region_code=code).order_by("number")

    def goals(self) -> list[dict[str, Any]]:
        """What the duty is for, one after the other, as the action takes it; ValidationError names what is unclear."""
        code, numbers = self.cleaned_data["village"].strip(), self.cleaned_data["households"].split()
        if bool(code) == bool(numbers):
            raise forms.ValidationError({"village": "村代码和户编号填一样，只填一样。"})
        member = self.cleaned_data["member"].strip()
        if member:
            return [self._member(member, self._households(numbers))]
        if self.cleaned_data["grid"]:
            return [{"grid": self.cleaned_data["grid"]}]
        if code:
            village = Region.objects.filter(code=code, level=Region.Level.VILLAGE, valid_to=None).first()
            if village is None:
                raise forms.ValidationError({"village": f"没有代码为 {code} 的村，请从列表中选。"})
            return [{"village": village}]
        return [{"household": household} for household in self._households(numbers)]

    def _member(self, name: str, households: list[Household]) -> dict[str, Any]:
        if len(households) != 1:
            raise forms.ValidationError({"member": "写了姓名，户编号只填这个人所在的一户。"})
        same = list(households[0].members.filter(name=name)[:2])
        if len(same) != 1:
            told = "有几个人" if same else "没有人"
            raise forms.ValidationError({"member": f"{households[0].head_name}户{told}叫“{name}”，请核对。"})
        return {"household": households[0], "person": same[0]}

    def _households(self, numbers: list[str]) -> list[Household]:
        if len(numbers) > MOST_HOUSEHOLDS:
            raise forms.ValidationError({"households": f"一次最多 {MOST_HOUSEHOLDS} 户，请分几次安排。"})
        found = {row.number: row for row in Household.objects.visible_to(self.by).filter(number__in=numbers)}
        unknown = [number for number in dict.fromkeys(numbers) if number not in found]
        if unknown:
            shown = "、".join(number[:40] for number in unknown[:5])
            raise forms.ValidationError({"households": f"没有这些户编号，或不在您的管辖范围内：{shown}。"})
        return [found[number] for number in dict.fromkeys(numbers)]


class EndDutyForm(forms.Form):
    """The last day of a duty."""

    on = forms.DateField(label="最后一天", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(label="原因", max_length=100, help_text="例如“调离”“结对调整”。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("on", timezone.localdate())
        super().__init__(*args, **kwargs)
