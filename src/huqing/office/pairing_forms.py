"""The form that asks for a pairing, and those that change one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField

from huqing.access.models import User
from huqing.access.scope import visible
from huqing.office import places
from huqing.office.ledger_forms import COUNTY_DIGITS, PeopleField, PeopleForm, day_field
from huqing.registry.models import Household
from huqing.standards.codelists import codelist
from huqing.teams import pair_rows
from huqing.teams.models import PairingProposal, Unit
from huqing.teams.pairing_question import SUBJECTS, rules_offered

RANGE = re.compile(r"(\d{1,3})(?:\s*[-—~至]\s*(\d{1,3}))?")
WITHIN = [("", "不限"), ("county", "只结本县"), ("town", "只结本乡镇"), ("village", "只结本村")]


class RangeField(forms.CharField):
    """How many somebody takes: "4" exactly, "2-5" a range, empty none; cleaned to [least, most]."""

    def clean(self, value: Any) -> list[int]:
        """The two ends."""
        text = super().clean(value).strip()
        if not text:
            return [0, 0]
        found = RANGE.fullmatch(text)
        if not found:
            raise forms.ValidationError("写一个数，例如 4；或一个范围，例如 2-5。")
        least = int(found[1])
        most = int(found[2]) if found[2] else least
        if most < least:
            raise forms.ValidationError("范围写反了，小的数写在前面。")
        return [least, most]


# What a county usually asks, to begin with: title, kinds of staff, role and whom, numbers by rank, how near.
USES: dict[str, dict[str, Any]] = {
    "helpers": {
        "name": "干部与农户", "title": "帮扶责任人结对", "kinds": ["1"], "role1": "helper",
        "whom1": "household|label:monitor", "q2_1": "0-3", "q3_1": "0-5", "q4_1": "0-5",
    },
    "ranks": {
        "name": "按职级：重点帮扶和联系", "title": "挂包帮结对", "kinds": ["1"], "role1": "key_helper",
        "whom1": "household|label:monitor", "role2": "linked", "whom2": "household|label:tuopin",
        "q1_1": "4", "q1_2": "3", "q2_1": "3", "q2_2": "4",
    },
    "teachers": {
        "name": "教师与学生", "title": "教师结对学生", "kinds": ["2"], "role1": "paired_teacher",
        "whom1": "person|rule:listed_pupil", "q4_1": "0-10", "within": "town",
    },
    "doctors": {
        "name": "医生与农户", "title": "家庭医生结对", "kinds": ["3"], "role1": "family_doctor",
        "whom1": "household|rule:listed", "q4_1": "0-150", "within": "town",
    },
    "experts": {
        "name": "农技专家与经营户", "title": "农技专家结对经营户", "kinds": ["4", "8"], "role1": "agronomist",
        "whom1": "household|rule:listed_farm", "q4_1": "0-100",
    },
    "inspectors": {
        "name": "督导员与村", "title": "督导员包村", "kinds": ["1"], "role1": "inspector", "whom1": "village|",
        "q3_1": "0-10", "q4_1": "0-10",
    },
    "residents": {
        "name": "驻村队员与村", "title": "驻村工作队选派", "kinds": ["7"], "role1": "resident", "whom1": "village|",
        "count1": 3, "q3_1": "0-1", "q4_1": "0-1",
    },
}  # fmt: skip


class PairingForm(forms.Form):
    """Who helps whom: two roles at most, quotas by rank, wishes, pairs that must be and that must not."""

    title = forms.CharField(label="方案名称", max_length=100, help_text="例如：2024 年下半年结对调整")
    region = forms.ChoiceField(label="范围")
    kinds = forms.MultipleChoiceField(
        label="哪些人", widget=forms.CheckboxSelectMultiple, choices=[], error_messages={"required": "请选人员类别。"}
    )
    unit = forms.ModelChoiceField(
        label="只用这个单位的人", queryset=Unit.objects.none(), required=False, empty_label="不限"
    )
    role1 = forms.ChoiceField(label="第一种责任")
    whom1 = forms.ChoiceField(label="给谁")
    count1 = forms.IntegerField(label="每个对象要几人", min_value=1, max_value=9, initial=1)
    role2 = forms.ChoiceField(
        label="第二种责任", required=False, help_text="例如重点帮扶之外再加联系；两种都符合的对象归第一种。"
    )
    whom2 = forms.ChoiceField(label="给谁（第二种）", required=False)
    keep = forms.BooleanField(label="尽量沿用原来的结对", required=False, initial=True)
    within = forms.ChoiceField(label="地方限制", choices=WITHIN, required=False)
    fixed = forms.CharField(
        label="一定要结的对",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="一行一对：姓名 户编号；只对户里一个人的，后面再写他的姓名；对村的写：姓名 村名。没有就留空。",
    )
    banned = forms.CharField(
        label="这次不能结的对",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="写法同上。亲属等长期要回避的，登记在“回避关系”里，每次都算。",
    )
    file = forms.FileField(
        label="指定和回避的表格",
        required=False,
        help_text="多的用表格：一行一对，“要求”列写指定或回避。",
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        towns = [(place.code[:9], place.name) for place in places.towns(by.region_code)]
        self.fields["region"].choices = [
            (by.region_code, places.scope_of(by)),
            *(x for x in towns if x[0] != by.region_code),
        ]
        self.fields["kinds"].choices = codelist("staff_kind").items
        units = Unit.objects.filter(region_code__startswith=by.region_code[:COUNTY_DIGITS])
        self.fields["unit"].queryset = units.order_by("name")
        roles = codelist("duty_role").items
        self.fields["role1"].choices = roles
        self.fields["role2"].choices = [("", "没有"), *roles]
        whom = _whom()
        self.fields["whom1"].choices = whom
        self.fields["whom2"].choices = [("", "没有"), *whom]
        for rank, name in codelist("cadre_rank").items:
            for place, what in ((1, "第一种"), (2, "第二种")):
                self.fields[f"q{rank}_{place}"] = RangeField(label=f"{name}每人{what}", required=False, max_length=9)

    def quota_fields(self) -> Iterator[tuple[str, BoundField, BoundField]]:
        """The numbers by rank: rank, first role, second role."""
        for rank, name in codelist("cadre_rank").items:
            yield name, self[f"q{rank}_1"], self[f"q{rank}_2"]

    def main_fields(self) -> Iterator[BoundField]:
        """Who helps whom."""
        names = ("title", "region", "kinds", "unit", "role1", "whom1", "count1", "role2", "whom2", "keep", "within")
        return (self[name] for name in names)

    def pair_fields(self) -> Iterator[BoundField]:
        """The pairs somebody names."""
        return (self[name] for name in ("fixed", "banned", "file"))

    def clean(self) -> dict[str, Any]:
        """Both or neither of the second role; some quota; lines of named pairs."""
        data = super().clean() or {}
        if bool(data.get("role2")) != bool(data.get("whom2")):
            self.add_error("whom2", "第二种责任和对象要一起选，或者都不选。")
        if data.get("role2") and data.get("role2") == data.get("role1"):
            self.add_error("role2", "两种责任不能相同。")
        numbers = [data.get(f"q{rank}_{place}", [0, 0]) for rank, _ in codelist("cadre_rank").items for place in (1, 2)]
        if not any(most for _, most in numbers):
            raise forms.ValidationError("请至少给一个职级写上名额；没有登记职级的人按“其他”算。")
        named = self._named("fixed", pair_rows.typed(data.get("fixed", ""), pair_rows.FIX))
        named += self._named("banned", pair_rows.typed(data.get("banned", ""), pair_rows.AVOID))
        if data.get("file"):
            try:
                named += self._named("file", pair_rows.from_file(data["file"], data["file"].name))
            except forms.ValidationError as error:
                self.add_error("file", error)
        for name, what in (("fixed_pairs", pair_rows.FIX), ("banned_pairs", pair_rows.AVOID)):
            data[name] = list(dict.fromkeys(one.wanted for one in named if one.row.what == what))
        return data

    def _named(self, name: str, rows: list[pair_rows.Row]) -> list[pair_rows.Named]:
        found = pair_rows.understand(rows, by=self.by)
        try:
            found.refuse(name)
        except forms.ValidationError as error:
            self.add_error(None, error)
        return found.pairs

    def question(self) -> dict[str, Any]:
        """The question as ``pairing_jobs.propose`` takes it."""
        data = self.cleaned_data
        slots = [{**_slot(data["role1"], data["whom1"]), "count": data["count1"]}]
        if data["role2"]:
            slots.append(_slot(data["role2"], data["whom2"]))
        quotas = {}
        for rank, _ in codelist("cadre_rank").items:
            numbers = [data[f"q{rank}_{place}"] for place in range(1, len(slots) + 1)]
            if any(most for _, most in numbers):
                quotas[rank] = numbers
        return {
            "region": data["region"],
            "slots": slots,
            "kinds": data["kinds"],
            "unit": data["unit"].pk if data["unit"] else None,
            "quotas": quotas,
            "wishes": {"keep": 50 if data["keep"] else 0, "within": data["within"], "balance": 2},
        }


def initial_of(proposal: PairingProposal) -> dict[str, Any]:
    """The form as it was for a proposal, to ask again with other conditions; named pairs are asked for anew."""
    asked = proposal.question
    told: dict[str, Any] = {
        "title": proposal.title,
        "region": asked["region"],
        "kinds": asked["kinds"],
        "unit": asked.get("unit"),
        "keep": bool(asked["wishes"].get("keep")),
        "within": asked["wishes"].get("within", ""),
    }
    for place, slot in enumerate(asked["slots"], 1):
        told |= {f"role{place}": slot["role"], f"whom{place}": f"{slot['of']}|{slot.get('whom', '')}"}
        told[f"count{place}"] = slot.get("count", 1)
    for rank, numbers in asked["quotas"].items():
        for place, (least, most) in enumerate(numbers, 1):
            if most:
                told[f"q{rank}_{place}"] = f"{least}" if least == most else f"{least}-{most}"
    return told


def _whom() -> list[tuple[str, str]]:
    labels = codelist("label_kind").items
    return [
        ("household|", "全部农户"),
        *((f"household|label:{kind}", f"有“{name}”标签的户") for kind, name in labels),
        *((f"person|label:{kind}", f"有“{name}”标签的人") for kind, name in labels),
        *(
            (f"{subject}|rule:{name}", f"工作法“{title}”的{SUBJECTS[subject]}")
            for name, (subject, title) in rules_offered().items()
            if subject in ("household", "person")
        ),
        ("village|", "全部行政村"),
    ]


def _slot(role: str, whom: str) -> dict[str, str]:
    of, _, chosen = whom.partition("|")
    return {"role": role, "of": of, "whom": chosen}


class PairStaffForm(PeopleForm):
    """Who goes into a pair instead."""

    staff = PeopleField(label="换成", error_messages={"required": "请写姓名。"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff"].single = True


class PublishForm(forms.Form):
    """From which day a proposal holds."""

    on = day_field("起始日期", "新结对从这一天起负责，要解除的责任到前一天为止。")


class AvoidanceForm(PeopleForm):
    """Two that must not be paired."""

    staff = PeopleField(label="责任人", error_messages={"required": "请写姓名。"})
    household = forms.CharField(label="户编号", max_length=40)
    reason = forms.CharField(label="原因", max_length=60, help_text="例如：亲属")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        self.by = by
        self.fields["staff"].single = True

    def clean_household(self) -> Household:
        """The household of the number."""
        found = visible(Household.objects.filter(number=self.cleaned_data["household"].strip()), self.by).first()
        if found is None:
            raise forms.ValidationError("没有找到这个户编号。")
        return found


class AvoidanceFileForm(forms.Form):
    """Many to avoid, as a table."""

    file = forms.FileField(label="表格", error_messages={"required": "请选择文件。"})
