"""Making a grid, and putting whole groups of a village into one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Count

from huqing.registry.models import Grid, Household


class NewGridForm(forms.Form):
    """A grid of a village."""

    name = forms.CharField(label="网格名称", max_length=60, help_text="例如“砚瓦村第3网格”。")


class AssignGridForm(forms.Form):
    """Which groups of a village belong to which grid."""

    groups = forms.MultipleChoiceField(
        label="村民小组", widget=forms.CheckboxSelectMultiple, error_messages={"required": "请至少选一个小组。"}
    )
    grid = forms.ModelChoiceField(
        label="划入哪个网格",
        queryset=Grid.objects.none(),
        empty_label="请选择",
        error_messages={"required": "请选择网格。"},
    )

    def __init__(self, *args: Any, village: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.village = village
        self.fields["groups"].choices = [(name, _shown(name, grids)) for name, grids in groups_of(village).items()]
        self.fields["grid"].queryset = Grid.objects.filter(region_code=village).order_by("number")

    def households(self) -> list[Household]:
        """Everybody in the chosen groups."""
        chosen = self.cleaned_data["groups"]
        rows = Household.objects.filter(region_code=self.village, status=Household.Status.ACTIVE)
        return list(rows.filter(group_name__in=chosen).select_related("village"))


def groups_of(village: str) -> dict[str, list[tuple[str, int]]]:
    """The groups of a village with the grids their households are in, and how many in each."""
    rows = (
        Household.objects.filter(region_code=village, status=Household.Status.ACTIVE)
        .values_list("group_name", "grid__name")
        .annotate(n=Count("pk"))
        .order_by("group_name", "grid__name")
    )
    groups: dict[str, list[tuple[str, int]]] = {}
    for name, grid, n in rows:
        groups.setdefault(name, []).append((grid or "未划入", n))
    return groups


def _shown(name: str, grids: list[tuple[str, int]]) -> str:
    where = "，".join(f"{grid} {n} 户" for grid, n in grids)
    return f"{name or '没有写小组的'}（现在：{where}）"
