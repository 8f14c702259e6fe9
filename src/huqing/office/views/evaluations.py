"""Evaluations: villages that wait for one, calling a meeting, and the meeting itself, shown on a projector."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from huqing.access.permissions import requires
from huqing.cases import evaluations, needs, panels
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Evaluation, Evaluator
from huqing.cases.procedure import procedure_of
from huqing.office import paging
from huqing.registry.models import Region

ORDERS = {"new": ["id"]}
VILLAGES_SHOWN = 200
DIGITS = 4
TYPED = ("said", "method", "host", "supervisor", "recorder", "minutes")


@requires("view_cases")
def evaluation_list(request: HttpRequest) -> HttpResponse:
    """Villages with cases that wait for a meeting, and the meetings, the newest first."""
    waiting = list(
        evaluations.waiting(request.user)
        .values_list("region_code")
        .annotate(count=Count("pk"))
        .order_by("region_code")[: VILLAGES_SHOWN + 1]
    )
    page = paging.page(
        Evaluation.objects.visible_to(request.user).annotate(cases=Count("lines")),
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="-new",
        sortable=False,
    )
    context = {"page": page, "waiting": waiting[:VILLAGES_SHOWN], "more": len(waiting) > VILLAGES_SHOWN}
    return render(request, "office/evaluations/list.html", context)


def _village(request: HttpRequest, code: str) -> Region:
    found = Region.objects.visible_to(request.user).filter(code=code, level=Region.Level.VILLAGE).first()
    if found is None:
        raise Http404("没有这个村，或它不在您的管辖区划内。")
    return found


@requires("handle_cases")
def evaluation_add(request: HttpRequest, code: str) -> HttpResponse:
    """Call a meeting of a village's evaluators: which households, when, who keeps out."""
    village, posted = _village(request, code), request.POST
    rows = evaluations.waiting(request.user, village).select_related("state", "procedure", "household__village")
    waiting = list(rows.order_by("pk")[: evaluations.MOST_CASES])
    again = [case for case in waiting if needs.revisits(case)]
    first = [case for case in waiting if case not in again]
    pool = list(Evaluator.objects.filter(village=village, left_on=None))
    wrong = ""
    if request.method == "POST":
        keys = {key for key in posted.getlist("case") if key.isdecimal()}
        size = posted.get("size", "")
        try:
            made = evaluations.prepare(
                cases=[case for case in first if str(case.pk) in keys],
                size=int(size) if size.isdecimal() and len(size) < DIGITS else 0,
                excluded={one.pk: posted.get(f"why-{one.pk}", "") for one in pool if posted.get(f"out-{one.pk}")},
                held_on=_day(posted.get("held_on", "")),
                place=posted.get("place", ""),
                by=request.user,
            )
            return redirect("office:evaluation", pk=made.pk)
        except CaseError as error:
            wrong = str(error)
    wanted = request.GET.get("case", "")
    ticked = posted.getlist("case") or ([wanted] if wanted else [str(case.pk) for case in first])
    out = panels.must_keep_out(first, pool, today())
    context = {
        "village": village,
        "first": first,
        "again": again,
        "ticked": ticked,
        "pool": [(one, out.get(one.pk, "")) for one in pool],
        "free": len(pool) - len(out),
        "least": needs.PANEL_AT_LEAST,
        "held_on": posted.get("held_on") or today().isoformat(),
        "place": posted.get("place", ""),
        "size": posted.get("size") or needs.PANEL_AT_LEAST,
        "wrong": wrong,
    }
    return render(request, "office/evaluations/add.html", context, status=422 if wrong else 200)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise CaseError("评议日期请写成 2026-03-01 的样子。") from None


@requires("handle_cases")
def evaluation_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Call the panel once more about one household after its re-visit."""
    case = Case.objects.visible_to(request.user).filter(pk=pk).first()
    if case is None:
        raise Http404("没有这件事项，或它不在您的管辖区划内。")
    if request.method != "POST":
        return redirect("office:case", pk=pk)
    try:
        made = evaluations.call_again(case=case, by=request.user)
    except CaseError as error:
        messages.error(request, str(error))
        return redirect("office:case", pk=pk)
    return redirect("office:evaluation", pk=made.pk)


def _find(request: HttpRequest, pk: int) -> Evaluation:
    found = Evaluation.objects.visible_to(request.user).select_related("village", "closed_by").filter(pk=pk).first()
    # A grid worker sees the meetings about the own households only: their lines name people.
    if found is None or not found.lines.filter(case__in=Case.objects.visible_to(request.user)).exists():
        raise Http404("没有这次评议会，或它不在您的管辖区划内。")
    return found


@requires("view_cases")
def evaluation_view(request: HttpRequest, pk: int) -> HttpResponse:
    """The meeting, one stage at a time and readable from the back of a room."""
    return _page(request, _find(request, pk))


def _page(request: HttpRequest, meeting: Evaluation, wrong: str = "") -> HttpResponse:
    stage = "done" if meeting.closed_at else "vote" if meeting.attended else "attend" if meeting.record else "draw"
    asked = request.GET.get("stage")
    if asked == "attend" and stage == "vote":
        stage = "attend"
    context = {
        "meeting": meeting,
        "stage": stage,
        "lines": _lines(request, meeting),
        "came": set(meeting.attended if meeting.attended is not None else meeting.panel),
        "candidates": len(meeting.question.get("candidates", ())),
        "size": meeting.question.get("count", {}).get("", ""),
        "methods": Evaluation.Method.choices,
        "wrong": wrong,
        **{name: request.POST.get(name, "") for name in TYPED},
    }
    return render(request, "office/evaluations/meeting.html", context, status=422 if wrong else 200)


def _lines(request: HttpRequest, meeting: Evaluation) -> list[dict[str, Any]]:
    """The households of a meeting with their counts, and the step that may follow."""
    lines = meeting.lines.filter(case__in=Case.objects.visible_to(request.user))
    waiting = {line.pk for line in evaluations.standing(meeting)}
    found = []
    for line in lines.select_related("case__household", "case__state", "case__procedure"):
        counts = None if line.agree is None else (line.agree, line.against or 0, line.abstain or 0)
        carried = counts is not None and needs.carried({"agree": counts[0], "present": sum(counts)})
        moves = procedure_of(line.case.procedure).moves_from(line.case.state.key)
        following = next((move for move in moves if "ballot" in move.needs), None)
        now = line.pk in waiting
        posted = {name: request.POST.get(f"{name}-{line.case_id}", "") for name in ("agree", "against", "abstain")}
        found.append(
            {
                "line": line,
                "case": line.case,
                "waits": now,
                "counts": counts,
                "present": sum(counts) if counts else 0,
                "carried": carried,
                "move": following if now and carried else None,
                "posted": posted,
                "opinion": request.POST.get(f"opinion-{line.case_id}", ""),
            }
        )
    return found


@requires("handle_cases")
def evaluation_do(request: HttpRequest, pk: int) -> HttpResponse:
    """Draw, take attendance, or write the votes down."""
    meeting, posted = _find(request, pk), request.POST
    if request.method != "POST":
        return redirect("office:evaluation", pk=pk)
    do = posted.get("do", "")
    try:
        if do == "hold":
            evaluations.hold(prepared=meeting, said=posted.get("said", ""), by=request.user)
        elif do == "attend":
            evaluations.attend(evaluation=meeting, present=posted.getlist("present"), by=request.user)
        elif do == "close":
            evaluations.close(
                evaluation=meeting,
                votes=_votes(request, meeting),
                method=posted.get("method", ""),
                host=posted.get("host", ""),
                supervisor=posted.get("supervisor", ""),
                recorder=posted.get("recorder", ""),
                minutes=posted.get("minutes", ""),
                by=request.user,
            )
        else:
            raise CaseError("没有这一步，请刷新页面后再试。")
    except CaseError as error:
        return _page(request, meeting, str(error))
    return redirect("office:evaluation", pk=pk)


def _votes(request: HttpRequest, meeting: Evaluation) -> dict[int, evaluations.Vote]:
    found = {}
    for line in evaluations.standing(meeting):
        counts = []
        for name, title in (("agree", "同意"), ("against", "不同意"), ("abstain", "弃权")):
            text = request.POST.get(f"{name}-{line.case_id}", "").strip() or ("0" if name == "abstain" else "")
            if not (text.isascii() and text.isdecimal() and len(text) < DIGITS):
                raise CaseError(f"{line.case.household.head_name}户的“{title}”票数请写数字。")
            counts.append(int(text))
        found[line.case_id] = evaluations.Vote(*counts, opinion=request.POST.get(f"opinion-{line.case_id}", ""))
    return found


SHEETS = {"attendance": "签到表", "ballots": "表决票", "count": "计票表", "minutes": "会议记录"}


@requires("view_cases")
def evaluation_sheet(request: HttpRequest, pk: int, sheet: str) -> HttpResponse:
    """A sheet of the meeting for paper: attendance with signatures, ballots, the count, the minutes."""
    if sheet not in SHEETS:
        raise Http404("没有这种表。")
    meeting = _find(request, pk)
    context = {
        "meeting": meeting,
        "sheet": sheet,
        "title": SHEETS[sheet],
        "lines": _lines(request, meeting),
        "came": set(meeting.attended or ()),
        "voters": range(len(meeting.attended if meeting.attended is not None else meeting.panel)),
    }
    return render(request, "office/evaluations/sheet.html", context)


@requires("view_cases")
def evaluation_record(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of a draw, for ``huqing draw verify``."""
    meeting = _find(request, pk)
    if meeting.record is None:
        raise Http404("还没有抽取。")
    name = quote(f"{meeting.village.name}{meeting.held_on:%Y%m%d}评议小组抽取记录.json")
    return HttpResponse(
        json.dumps(meeting.record, ensure_ascii=False, indent=1),
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


@requires("handle_cases")
def evaluators(request: HttpRequest, code: str) -> HttpResponse:
    """A village's pool of evaluators."""
    village = _village(request, code)
    wrong = ""
    if request.method == "POST":
        try:
            gone = request.POST.get("remove", "")
            if gone.isdecimal():
                one = Evaluator.objects.filter(pk=gone, village=village).first()
                if one is not None:
                    panels.remove_evaluator(evaluator=one, by=request.user)
            else:
                panels.add_evaluators(village=village, people=_people(request.POST.get("people", "")), by=request.user)
            return redirect("office:evaluators", code=code)
        except CaseError as error:
            wrong = str(error)
    out = panels.barred(village, today())
    pool = [(one, out.get(one.name, "")) for one in Evaluator.objects.filter(village=village, left_on=None)]
    context = {
        "village": village,
        "pool": pool,
        "barred": sorted(out.items()),
        "wrong": wrong,
        "people": request.POST.get("people", ""),
    }
    return render(request, "office/cases/evaluators.html", context, status=422 if wrong else 200)


def _people(text: str) -> list[tuple[str, str]]:
    """Lines of “小组 姓名”; CaseError names the line that is not."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.replace("，", " ").replace(",", " ").replace("\t", " ").split()
        if not parts:
            continue
        if len(parts) != 2:
            raise CaseError(f"第 {number} 行“{line.strip()[:30]}”应写成“小组 姓名”，例如“3组 张三”。")
        found.append((parts[0], parts[1]))
    if not found:
        raise CaseError("请写评议员，每行一人：小组 姓名。")
    return found


urlpatterns = [
    path("evaluations/", evaluation_list, name="evaluations"),
    path("evaluations/new/<str:code>/", evaluation_add, name="evaluation-add"),
    path("evaluations/<int:pk>/", evaluation_view, name="evaluation"),
    path("evaluations/<int:pk>/do/", evaluation_do, name="evaluation-do"),
    path("evaluations/<int:pk>/sheets/<slug:sheet>/", evaluation_sheet, name="evaluation-sheet"),
    path("evaluations/<int:pk>/record.json", evaluation_record, name="evaluation-record"),
    path("cases/<int:pk>/vote-again/", evaluation_again, name="evaluation-again"),
    path("evaluators/<str:code>/", evaluators, name="evaluators"),
]
