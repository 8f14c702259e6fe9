"""The grid editor: one grid's name, worker, groups and merging; beside the village's page of ``regions``."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone

from huqing.access.permissions import may, requires
from huqing.access.scope import visible
from huqing.office.grid_forms import groups_of
from huqing.office.ledger_forms import PeopleField, PeopleForm, day_field
from huqing.office.views.shared import attempt
from huqing.registry.actions import rename_grid
from huqing.registry.models import Grid
from huqing.teams import grids
from huqing.teams.ledger_queries import GRID_WORKER, today
from huqing.teams.models import Responsibility


class RenameForm(forms.Form):
    """A grid's name."""

    name = forms.CharField(label="网格名称", max_length=60)


class WorkerForm(PeopleForm):
    """Who works in the grid from a day on."""

    staff = PeopleField(
        label="网格员",
        help_text="写已登记人员的姓名；重名的写“姓名（单位）”或人员编号。",
        error_messages={"required": "请写姓名。"},
    )
    on = day_field("从哪天起", "原来的网格员负责到前一天，记为交接。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff"].single = True


class MergeForm(forms.Form):
    """Into which grid of the village this one goes."""

    into = forms.ModelChoiceField(
        label="并入哪个网格",
        queryset=Grid.objects.none(),
        empty_label="请选择",
        error_messages={"required": "请选择网格。"},
    )
    on = day_field("合并日期", "全部农户从这一天起归那个网格；这个网格的责任到前一天为止。")

    def __init__(self, *args: Any, grid: Grid, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Grid.objects.filter(village=grid.village_id).exclude(pk=grid.pk)
        self.fields["into"].queryset = others.order_by("number")


@requires("manage_grids")
def grid_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one grid; which form was sent is told by its button."""
    grid = _grid(request, pk)
    what = request.POST.get("what", "") if request.method == "POST" else ""
    day = timezone.localdate()

    def bound(name: str) -> Any:
        return request.POST if what == name else None

    shown: dict[str, forms.Form] = {"rename": RenameForm(bound("rename"), initial={"name": grid.name})}
    if may(request.user, "manage_duties"):
        shown["worker"] = WorkerForm(bound("worker"), by=request.user, prefix="w", initial={"on": day})
        if grid.village.grids.count() > 1:
            shown["merge"] = MergeForm(bound("merge"), grid=grid, prefix="m", initial={"on": day})
    form = shown.get(what)
    if form is not None and form.is_valid():
        said = attempt(form, lambda: _ACTS[what](request, grid, form.cleaned_data))
        if said:
            messages.success(request, said)
            gone = not Grid.objects.filter(pk=pk).exists()
            return redirect("office:region", code=grid.region_code) if gone else redirect("office:grid", pk=pk)
    lines = Responsibility.objects.filter(grid=grid).select_related("staff__unit", "successor")
    context = {
        "grid": grid,
        "forms": shown,
        "workers": grids.workers(grid.village_id, today()).get(grid.pk, []),
        "history": lines.filter(role=GRID_WORKER, until__lt=today()).order_by("-since", "-pk")[:50],
        "groups": [
            (name or "没有写小组的", n)
            for name, parts in groups_of(grid.region_code).items()
            for part, n in parts
            if part == grid.name
        ],
        "households": grid.households.filter(status="active").count(),
    }
    return render(request, "office/regions/grid.html", context, status=422 if what else 200)


def _rename(request: HttpRequest, grid: Grid, data: dict[str, Any]) -> str:
    return f"网格已改名为“{rename_grid(grid=grid, name=data['name'], by=request.user).name}”。"


def _worker(request: HttpRequest, grid: Grid, data: dict[str, Any]) -> str:
    grids.set_worker(grid=grid, staff=data["staff"][0], on=data["on"], by=request.user)
    return f"{data['staff'][0].name} 从 {data['on']} 起是这个网格的网格员。"


def _merge(request: HttpRequest, grid: Grid, data: dict[str, Any]) -> str:
    name, into = grid.name, data["into"]
    gone = grids.merge(grid=grid, into=into, on=data["on"], by=request.user)
    return f"{name}已并入{into.name}。" if gone else f"{name}的农户已并入{into.name}；{name}有责任记录，留作空网格。"


_ACTS = {"rename": _rename, "worker": _worker, "merge": _merge}


def _grid(request: HttpRequest, pk: int) -> Grid:
    rows = Grid.objects.select_related("village")
    found = (rows if not request.user.region_code else visible(rows, request.user)).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这个网格，或它不在您的管辖范围内。")
    return found


urlpatterns = [path("grids/<int:pk>/", grid_page, name="grid")]
