"""Postings: what waits to be published, one posting as the public sees it and as it is printed, objections."""

from __future__ import annotations

import datetime as dt
import errno
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.actions import show_sealed
from huqing.access.permissions import Refused, requires
from huqing.cases import postings
from huqing.cases.announcing import DEFAULT, KINDS, rows_of
from huqing.cases.calendar import today
from huqing.cases.errors import CaseError
from huqing.cases.models import Objection, PostingProof, PublicPosting
from huqing.office import paging
from huqing.office.views.public import forget
from huqing.registry.models import Region
from huqing.visits import photos
from huqing.visits.files import Arrival

ORDERS = {"new": ["id"]}
MOST = 500
RELATED = 10
MOST_PHOTO = 20 * 2**20


@requires("view_cases")
def posting_list(request: HttpRequest) -> HttpResponse:
    """Postings of one's area, and the villages with cases that wait for one."""
    day = today()
    open_ = Count("objections", filter=Q(objections__state=Objection.State.OPEN))
    found = PublicPosting.objects.visible_to(request.user).select_related("village").annotate(open_objections=open_)
    page = paging.page(found, query=request.GET, path=request.path, orders=ORDERS, default="-new", sortable=False)
    rows = [(posting, state_of(posting)) for posting in page.rows]
    context = {"page": page, "rows": rows, "waiting": _waiting(request), "day": day}
    return render(request, "office/postings/list.html", context)


def state_of(posting: PublicPosting) -> tuple[str, str]:
    """A posting's state in words, and its tone."""
    if posting.stopped_on is not None:
        return "提前撤下", "past"
    return ("公示中", "ok") if posting.ends_on >= today() else ("已期满", "past")


def _waiting(request: HttpRequest) -> list[tuple[str, int]]:
    counted = postings.waiting(request.user).order_by().values_list("region_code").annotate(count=Count("pk"))
    return list(counted.order_by("region_code")[:MOST])


@requires("handle_cases")
def posting_add(request: HttpRequest, code: str) -> HttpResponse:
    """Preview exactly what the public will see, then publish it."""
    village = Region.objects.visible_to(request.user).filter(code=code, level=Region.Level.VILLAGE).first()
    if village is None:
        raise Http404("没有这个村，或它不在您的管辖区划内。")
    waiting = list(postings.waiting(request.user, village).select_related("household__village")[:MOST])
    levels = list(dict.fromkeys(case.state.title for case in waiting))
    asked = request.GET.get("level") or request.POST.get("level")
    level = asked if asked in levels else (levels[0] if levels else "")
    chosen = [case for case in waiting if case.state.title == level]
    kind = postings.kind_of(chosen[0]) if chosen else None
    fields = kind.fields if kind else {}
    wanted = [name for name in fields if name in request.GET.getlist("column") + request.POST.getlist("column")]
    columns = wanted or list(DEFAULT)
    wrong, rows = "", []
    try:
        rows = rows_of(chosen, kind, columns)
        if request.method == "POST" and chosen:
            made = postings.publish(cases=chosen, by=request.user, columns=columns)
            forget()
            messages.success(
                request, f"已发布，{'公告' if kind and kind.notice else '公示'}到 {made.ends_on:%Y-%m-%d}。"
            )
            return redirect("office:posting", pk=made.pk)
    except CaseError as error:
        wrong = str(error)
    context = {
        "village": village,
        "levels": levels,
        "level": level,
        "kind": kind,
        "title": postings.title_of(chosen) if chosen else "",
        "fields": [(name, title, name in columns) for name, title in fields.items()],
        "chosen_columns": columns,
        "columns": [fields[name] for name in columns if name in fields],
        "rows": rows,
        "wrong": wrong,
    }
    return render(request, "office/postings/add.html", context, status=422 if wrong else 200)


def _find(request: HttpRequest, pk: int) -> PublicPosting:
    found = (
        PublicPosting.objects.visible_to(request.user).select_related("village__parent", "published_by").filter(pk=pk)
    )
    posting = found.first()
    if posting is None:
        raise Http404("没有这次公示，或它不在您的管辖区划内。")
    return posting


@requires("view_cases")
def posting_view(request: HttpRequest, pk: int) -> HttpResponse:
    """One posting with its objections; prints as the notice."""
    return _page(request, _find(request, pk))


@requires("view_cases")
def posting_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """The notice as it hangs in the village, on A4 or in large letters on A3."""
    posting = _find(request, pk)
    size = "a3" if request.GET.get("size") == "a3" else "a4"
    rows = postings.rows_shown(posting)
    context = {"posting": posting, "rows": rows, "kind": KINDS.get(posting.kind), "size": size}
    return render(request, "office/postings/notice.html", context)


def _page(
    request: HttpRequest, posting: PublicPosting, *, wrong: str = "", status: int = 200, **more: Any
) -> HttpResponse:
    state, tone = state_of(posting)
    context = {
        "posting": posting,
        "state": state,
        "tone": tone,
        "running": state == "公示中",
        "objections": posting.objections.select_related("case__household", "answered_by"),
        "proofs": posting.proofs.select_related("by"),
        "kind": KINDS.get(posting.kind),
        "earlier": _earlier(posting),
        "day": today(),
        "lines": posting.lines.select_related("case__household"),
        "wrong": wrong,
        **more,
    }
    return render(request, "office/postings/detail.html", context, status=status)


def _earlier(posting: PublicPosting) -> list[PublicPosting]:
    """Other postings of the same cases: what came before stays for the record."""
    cases = posting.lines.values("case")
    others = PublicPosting.objects.filter(lines__case__in=cases).exclude(pk=posting.pk).distinct()
    return list(others.order_by("-pk")[:RELATED])


@requires("handle_cases")
@require_POST
def posting_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a posting down before its time."""
    posting = _find(request, pk)
    try:
        postings.stop(posting=posting, by=request.user, reason=request.POST.get("reason", ""))
    except CaseError as error:
        return _page(request, posting, wrong=str(error), status=422)
    messages.success(request, "已撤下。改正后须重新公示，天数重新计算。")
    return redirect("office:posting", pk=pk)


@requires("handle_cases")
@require_POST
def proof_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Note where and when a posting hung, with a photo of the board if there is one."""
    posting, photo = _find(request, pk), request.FILES.get("photo")
    try:
        try:
            on = dt.date.fromisoformat(request.POST.get("on", ""))
        except ValueError:
            raise CaseError("张贴日期请写成 2026-03-01 的样子。") from None
        postings.prove(
            posting=posting,
            on=on,
            place=request.POST.get("place", ""),
            photo=_stored(photo) if photo else "",
            by=request.user,
        )
    except CaseError as error:
        return _page(request, posting, wrong=str(error), status=422)
    messages.success(request, "已登记张贴情况。")
    return redirect("office:posting", pk=pk)


def _stored(photo: UploadedFile) -> str:
    """Store an uploaded photo, without its position; CaseError if it is none."""
    if (photo.size or 0) > MOST_PHOTO:
        raise CaseError(f"照片不能超过 {MOST_PHOTO // 2**20} 兆，请缩小后再传。")
    try:
        stored = _kept(photo)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise CaseError("服务器磁盘已满，照片没有收下。请先不带照片登记，并告诉系统管理员。") from error
    if stored.refused or not stored.kind.startswith("image/"):
        raise CaseError(f"照片没有收下：{stored.refused or '请传 JPEG 或 PNG 照片'}")
    return stored.sha256


def _kept(photo: UploadedFile) -> photos.Stored:
    """What became of the file; OSError when the disk is full, even from closing what was half written."""
    arrival = Arrival((photo.name or "photo.jpg")[-200:])
    try:
        for chunk in photo.chunks():
            arrival.write(chunk)
        return photos.store(arrival)
    finally:
        arrival.discard()


@requires("view_cases")
def proof_photo(request: HttpRequest, pk: int) -> HttpResponse:
    """The photo of a notice board."""
    proof = PostingProof.objects.visible_to(request.user).filter(pk=pk).exclude(photo="").first()
    if proof is None:
        raise Http404("没有这张照片。")
    try:
        with photos.open_photo(proof.photo) as file:
            content = file.read()
    except FileNotFoundError as error:
        raise Http404("照片不在服务器上，请联系系统管理员从备份恢复。") from error
    kind = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=kind, headers=headers)


@requires("handle_cases")
@require_POST
def objection_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down an objection somebody came with."""
    posting = _find(request, pk)
    key = request.POST.get("case", "")
    line = posting.lines.filter(case=key).select_related("case").first() if key.isdecimal() and len(key) < 12 else None
    try:
        postings.object_to(
            posting=posting,
            text=request.POST.get("text", ""),
            case=line.case if line else None,
            contact=request.POST.get("contact", ""),
            by=request.user,
        )
    except CaseError as error:
        typed = {name: request.POST.get(name, "") for name in ("text", "contact")}
        return _page(request, posting, wrong=str(error), status=422, objecting={**typed, "case": key})
    messages.success(request, "异议已登记，处理完之前这些事项不能进入下一步。")
    return redirect("office:posting", pk=pk)


def _objection(request: HttpRequest, pk: int) -> Objection:
    found = Objection.objects.visible_to(request.user).select_related("posting").filter(pk=pk).first()
    if found is None:
        raise Http404("没有这件异议，或它不在您的管辖区划内。")
    return found


@requires("handle_cases")
@require_POST
def objection_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer an objection."""
    objection = _objection(request, pk)
    try:
        postings.answer(
            objection=objection,
            upheld=request.POST.get("upheld") == "1",
            text=request.POST.get("answer", ""),
            by=request.user,
        )
    except CaseError as error:
        typed = {"answer_of": pk, "typed": request.POST.get("answer", "")}
        return _page(request, _find(request, objection.posting_id), wrong=str(error), status=422, **typed)
    messages.success(request, "已答复。")
    return redirect("office:posting", pk=objection.posting_id)


@requires("handle_cases")
@require_POST
def objection_contact(request: HttpRequest, pk: int) -> HttpResponse:
    """How to reach whoever objected, after a reason that is audited."""
    objection = _objection(request, pk)
    posting = _find(request, objection.posting_id)
    try:
        told = show_sealed(by=request.user, subject=objection, field="contact", reason=request.POST.get("reason", ""))
    except (ValidationError, Refused) as error:
        wrong = "；".join(getattr(error, "messages", [str(error)]))
        return _page(request, posting, wrong=wrong, status=422)
    return _page(request, posting, contact_of=pk, contact=told)


urlpatterns = [
    path("postings/", posting_list, name="postings"),
    path("postings/<int:pk>/", posting_view, name="posting"),
    path("postings/new/<str:code>/", posting_add, name="posting-add"),
    path("postings/<int:pk>/notice/", posting_notice, name="posting-notice"),
    path("postings/<int:pk>/stop/", posting_stop, name="posting-stop"),
    path("postings/<int:pk>/proofs/", proof_add, name="proof-add"),
    path("posting-proofs/<int:pk>/photo/", proof_photo, name="proof-photo"),
    path("postings/<int:pk>/objections/", objection_add, name="objection-add"),
    path("objections/<int:pk>/answer/", objection_answer, name="objection-answer"),
    path("objections/<int:pk>/contact/", objection_contact, name="objection-contact"),
]
