"""Re-verification rounds: commitment, draw, verifiers, progress, the drawn households, report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import may, requires
from huqing.access.scope import covers, visible
from huqing.office import paging, places, roster_exports
from huqing.office.inspection_forms import CancelForm, DrawForm
from huqing.office.recheck_forms import AssignForm, RoundForm
from huqing.office.roster_filters import place_of
from huqing.office.views.shared import attempt
from huqing.papers.sheets import Cell, Column
from huqing.rosters import drawing, phone_form, rechecks
from huqing.rosters.models import RecheckDifference, RecheckItem, RecheckRound
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds

S, R = RecheckRound.State, RecheckItem.Outcome
SHOWN = {"open": "待核查", "met": "已核查", "absent": "没有见到", "undecided": "差异待判定", "nobody": "没有核查人"}
COLUMNS = [
    Column("户编号"),
    Column("户主"),
    Column("乡镇和村"),
    Column("组"),
    Column("层"),
    Column("核查人"),
    Column("结果"),
    Column("是否符合条件"),
    Column("核查日期", "date"),
    Column("差异处数", "integer"),
    Column("说明", width=40),
]


@requires("view_rosters")
def recheck_list(request: HttpRequest) -> HttpResponse:
    """The rounds of the county, and the households one is to verify oneself."""
    rows = _rounds(request).annotate(
        items_drawn=Count("items"), items_done=Count("items", filter=~Q(items__outcome=""))
    )
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"new": ["id"]}, default="-new", sortable=False
    )
    template = "office/rechecks/round_rows.html" if request.htmx else "office/rechecks/list.html"
    return render(request, template, {"page": page, "mine": rechecks.mine(request.user).filter(outcome="").count()})


@requires("manage_rechecks")
def recheck_new(request: HttpRequest) -> HttpResponse:
    """Fix the question of a round and publish its commitment."""
    form = RoundForm(request.POST if request.method == "POST" else None, by=request.user)
    if form.is_valid():
        made = attempt(form, lambda: drawing.commit(by=request.user, **form.question()))
        if made:
            messages.success(request, "承诺已公布。请监督人抄下或拍下承诺，再抽取。")
            return redirect("office:recheck", pk=made.pk)
    return render(request, "office/rechecks/new.html", {"form": form}, status=422 if form.is_bound else 200)


@requires("view_rosters")
def recheck(request: HttpRequest, pk: int) -> HttpResponse:
    """A round: commitment before the draw; verifiers, progress, households and results after it."""
    round_ = find(request, pk)
    what = request.POST.get("what", "") if may(request.user, "manage_rechecks") else ""
    forms: dict[str, Form] = {
        "draw": DrawForm(request.POST if what == "draw" else None, prefix="d"),
        "cancel": CancelForm(request.POST if what == "cancel" else None, prefix="c"),
        "assign": AssignForm(request.POST if what == "assign" else None, prefix="a", by=request.user),
        "form": Form(request.POST if what == "form" else None, prefix="f"),
        "close": Form(request.POST if what == "close" else None, prefix="z"),
    }
    form = forms.get(what)
    if form is not None and form.is_valid():
        done = attempt(form, lambda: _act(request, round_, what, form))
        if done is not None:
            if done:
                messages.success(request, done)
            return redirect("office:recheck", pk=pk)
    wanted = _wanted(request)
    items = _items(request, round_, wanted)
    page = paging.page(
        items,
        query=request.GET,
        path=request.path,
        orders={"place": ["region_code", "id"]},
        default="place",
        sortable=False,
    )
    context = {
        "round": round_,
        "forms": forms,
        "page": page,
        "wanted": wanted,
        "shown": list(SHOWN.items()),
        "progress": rechecks.progress(round_) if round_.drawn_at else None,
        "total": [sum(size) for size in zip(*round_.sizes.values(), strict=True)] or [0, 0],
        "asked": [record_kinds()[of][key].label for of, key in round_.fields],
        "label": codelist("label_kind").label(round_.frame["label"]) if round_.frame.get("label") else "全部农户",
        "whole": covers(request.user.region_code, round_.region_code),
    }
    if request.htmx and request.GET.get("after"):
        return render(request, "office/rechecks/items.html", context)
    return render(request, "office/rechecks/detail.html", context, status=422 if what else 200)


def _act(request: HttpRequest, round_: RecheckRound, what: str, form: Any) -> str:
    """Do what the form asks; the words that say it was done."""
    user, data = request.user, form.cleaned_data
    if what == "draw":
        drawn = drawing.draw_round(round_=round_, by=user, **data)
        return f"抽取完成，共 {drawn.items.count()} 户，记录可以下载验证。"
    if what == "cancel":
        drawing.cancel(round_=round_, by=user, **data)
        return "这一轮已取消。"
    if what == "assign":
        given, left = rechecks.assign(round_=round_, staff=form.staff(), by=user)
        _form(request, round_)
        return f"已给 {given} 户安排核查人。" + (
            f"还有 {left} 户没有可以去的人（都是责任人），请另外点名。" if left else ""
        )
    if what == "form":
        return "手机表单已发布，核查人同步手机后就能填。" if _form(request, round_) else ""
    rechecks.close(round_=round_, by=user)
    return "这一轮已结束，报告可以打印。"


def _form(request: HttpRequest, round_: RecheckRound) -> bool:
    """Have the phones' form ready; whoever assigns is told when that could not be done, and goes on."""
    try:
        return phone_form.publish(round_=round_, by=request.user) is not None
    except phone_form.PublishProblem as error:
        why = "；".join(dict.fromkeys(str(one) for one in error.problems))
        messages.error(request, f"手机表单没有发布，核查人可以先在网页“我的核查”里登记。原因：{why}")
        return False


def _wanted(request: HttpRequest) -> dict[str, Any]:
    state = request.GET.get("state", "")
    return {"state": state if state in SHOWN else "", **place_of(request)}


def _items(request: HttpRequest, round_: RecheckRound, wanted: dict[str, Any]) -> Any:
    """The drawn households that the account sees and the filters leave."""
    rows = visible(round_.items.all(), request.user, within=wanted["region"])
    undecided = RecheckDifference.objects.filter(item=OuterRef("pk"), decision="")
    narrowed: dict[str, Callable[[Any], Any]] = {
        "open": lambda found: found.filter(outcome=""),
        "met": lambda found: found.filter(outcome=R.MET),
        "absent": lambda found: found.filter(outcome=R.ABSENT),
        "undecided": lambda found: found.filter(Exists(undecided)),
        "nobody": lambda found: found.filter(verifier=None),
    }
    rows = narrowed.get(wanted["state"], lambda found: found)(rows)
    return rows.select_related("household", "verifier").annotate(differing=Count("differences"))


@requires("view_rosters")
def recheck_record(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of the draw as a file."""
    round_ = find(request, pk)
    if round_.record is None or not covers(request.user.region_code, round_.region_code):
        raise Http404
    answer = HttpResponse(drawing.record_file(round_), content_type="application/json; charset=utf-8")
    name = f"抽取记录_回头看_{round_.pk}.json"
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return answer


@requires("view_rosters")
def recheck_report(request: HttpRequest, pk: int) -> HttpResponse:
    """What the round says: error rates with their intervals, by stratum; on paper."""
    round_ = find(request, pk)
    if not round_.drawn_at or not covers(request.user.region_code, round_.region_code):
        raise Http404
    told = round_.report or rechecks.results(round_)
    kinds = record_kinds()
    fields = [
        (kinds["person" if row["of_person"] else "household"].by_key[row["field"]].label, row) for row in told["fields"]
    ]
    context = {"round": round_, "told": told, "fields": fields, "final": round_.report is not None}
    return render(request, "office/rechecks/report.html", context)


@requires("export")
@require_POST
def recheck_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The drawn households with what was found, as a workbook."""
    round_ = find(request, pk)
    rows = _items(request, round_, _wanted(request)).order_by("region_code", "pk")
    return roster_exports.workbook(
        request,
        name="核查户",
        note=f"回头看：{round_.title}",
        columns=COLUMNS,
        rows=(_cells(item) for item in rows.iterator(2_000)),
        action="recheck_export",
        detail={"round": round_.pk},
    )


def _cells(item: Any) -> list[Cell]:
    return [
        item.household.number,
        item.household.head_name,
        places.name_of(item.region_code),
        item.household.group_name,
        item.stratum,
        item.verifier.name if item.verifier else "",
        item.get_outcome_display(),
        item.get_verdict_display() if item.verdict else "",
        item.visited_on,
        item.differing,
        item.note,
    ]


def _rounds(request: HttpRequest) -> Any:
    """The rounds of one's county: everybody who may look sees that they take place and their commitment."""
    county = request.user.region_code[:6]
    rows = RecheckRound.objects.filter(region_code__startswith=county) if county else RecheckRound.objects.none()
    return rows.defer("question", "record", "seed_sealed").select_related("created_by")


def find(request: HttpRequest, pk: int) -> RecheckRound:
    """A round of the account's county, or 404."""
    found: RecheckRound | None = _rounds(request).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


urlpatterns = [
    path("rechecks/", recheck_list, name="rechecks"),
    path("rechecks/new/", recheck_new, name="recheck-new"),
    path("rechecks/<int:pk>/", recheck, name="recheck"),
    path("rechecks/<int:pk>/record/", recheck_record, name="recheck-record"),
    path("rechecks/<int:pk>/report/", recheck_report, name="recheck-report"),
    path("rechecks/<int:pk>/export/", recheck_export, name="recheck-export"),
]
