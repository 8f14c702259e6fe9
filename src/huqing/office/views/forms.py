"""Forms: what is in use, a new one checked, looked at and published, versions, and closing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.office import form_drafts, method_page
from huqing.office.form_drafts import Draft
from huqing.packs.workbook import LARGEST
from huqing.standards.codelists import codelist
from huqing.visits import publishing
from huqing.visits.conversions import form_of
from huqing.visits.models import Form, FormVersion
from huqing.visits.publishing import PublishProblem, Source

MOST_FILES = 30
ENDINGS = (".xlsx", ".xls", ".csv", ".md")
TONES = {Form.State.OPEN: "good", Form.State.CLOSING: "medium", Form.State.CLOSED: "past"}


def _forms() -> QuerySet[Form]:
    return Form.objects.select_related("method").annotate(records=Count("submissions"))


@requires("manage_methods")
def form_list(request: HttpRequest) -> HttpResponse:
    """All forms with their newest version."""
    newest: dict[int, FormVersion] = {}
    versions = FormVersion.objects.select_related("published_by").defer("source", "xform", "conversion")
    for version in versions.order_by("published_at", "pk"):
        newest[version.form_id] = version
    forms = [(form, newest.get(form.pk), TONES[Form.State(form.state)]) for form in _forms().order_by("title", "pk")]
    return render(request, "office/forms/list.html", {"forms": forms})


@requires("manage_methods")
def form_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One form: its questions, its versions, whether it is handed out."""
    form = get_object_or_404(_forms(), pk=pk)
    versions = list(form.versions.select_related("published_by").defer("source"))
    context = {
        "form": form,
        "tone": TONES[Form.State(form.state)],
        "kind": _kind(form.visit_kind),
        "versions": versions,
        "shown": method_page.form_shown(str(form.pk), form_of(versions[0])) if versions else None,
    }
    return render(request, "office/forms/detail.html", context)


def _kind(code: str) -> str:
    return codelist("visit_kind").label(code) if code in codelist("visit_kind") else ""


@requires("manage_methods")
def form_add(request: HttpRequest) -> HttpResponse:
    """Upload a form: everything that is wrong with it, or how it will look."""
    if request.method != "POST":
        return _upload_page(request)
    kind = request.POST.get("visit_kind", "")
    kind = kind if kind in codelist("visit_kind") else ""
    file = request.FILES.get("file")
    others = request.FILES.getlist("media")
    wrong = _wrong(file, others)
    if wrong:
        return _upload_page(request, wrong=wrong, kind=kind)
    media = {item.name: item.read() for item in others}
    draft = Draft(file.name, file.read(), media, kind)
    try:
        checked = publishing.check_form(Source(draft.content, draft.name, draft.media))
    except PublishProblem as error:
        return _upload_page(request, problems=error.problems, notes=error.notes, name=draft.name, kind=kind)
    known = Form.objects.filter(form_id=checked.form.form_id).first()
    context = {
        "key": form_drafts.keep(request.user, draft),
        "draft": draft,
        "kind": _kind(kind),
        "known": known,
        "last": known.versions.defer("source").first() if known else None,
        "same": known is not None and known.versions.filter(version=checked.form.version).exists(),
        "shown": method_page.form_shown("new", checked.form),
        "form_id": checked.form.form_id,
        "notes": checked.notes,
        "media": sorted(draft.media),
    }
    return render(request, "office/forms/preview.html", context)


def _wrong(file: Any, others: list[Any]) -> str:
    """What cannot even be looked at."""
    if file is None:
        return "请先选择表单文件。"
    if not file.name.lower().endswith(ENDINGS):
        return "表单文件要是 xlsx、xls、csv 或 md。请另存为其中一种再上传。"
    if file.size > LARGEST:
        return f"文件超过 {LARGEST >> 20} 兆。请删去图片和无关的表再上传。"
    if len(others) > MOST_FILES:
        return f"附件一次最多 {MOST_FILES} 个。"
    if sum(item.size for item in others) > publishing.LARGEST_TOTAL:
        return f"附件合计超过 {publishing.LARGEST_TOTAL >> 20} 兆。请压缩后再上传。"
    return ""


def _upload_page(request: HttpRequest, **more: Any) -> HttpResponse:
    context = {
        "wrong": "",
        "problems": [],
        "notes": [],
        "name": "",
        "kind": "",
        "kinds": codelist("visit_kind").items,
        **more,
    }
    status = 422 if more.get("wrong") or more.get("problems") else 200
    return render(request, "office/forms/add.html", context, status=status)


@requires("manage_methods")
@require_POST
def form_publish(request: HttpRequest) -> HttpResponse:
    """Publish what was looked at."""
    key = request.POST.get("key", "")
    draft = form_drafts.find(request.user, key)
    if draft is None:
        return _upload_page(request, wrong="上传的文件已过期或已发布，请重新选择文件。")
    try:
        version = publishing.publish_form(
            content=draft.content, name=draft.name, media=draft.media, by=request.user, visit_kind=draft.visit_kind
        )
    except PublishProblem as error:
        return _upload_page(request, problems=error.problems, name=draft.name, kind=draft.visit_kind)
    form_drafts.drop(request.user, key)
    messages.success(request, f"“{version.form.title}”{version.version} 版已发布，手机下次联网时自动取到。")
    return redirect("office:form", pk=version.form_id)


@requires("manage_methods")
@require_POST
def form_state(request: HttpRequest, pk: int, state: str) -> HttpResponse:
    """Hand a form out no more, close it, or hand it out again."""
    form = get_object_or_404(Form.objects.select_related("method"), pk=pk)
    if state == "open":
        return _reopen(request, form)
    publishing.retire_form(form=form, by=request.user, closed=state == "closed")
    done = "手机不再下载，已经在填的仍可上传。" if state != "closed" else "已停用，不再接收。"
    messages.success(request, f"“{form.title}”{done}")
    return redirect("office:form", pk=pk)


def _reopen(request: HttpRequest, form: Form) -> HttpResponse:
    """Publishing the newest version once more opens the form and changes nothing else."""
    version = form.versions.first()
    if version is None or version.source is None:
        messages.error(request, "这张表单没有原文件，请重新上传发布。")
        return redirect("office:form", pk=form.pk)
    media = {item.name: bytes(item.content) for item in version.media.all()}
    try:
        publishing.publish_form(
            content=bytes(version.source),
            name=version.source_name,
            media=media,
            by=request.user,
            method=form.method,
            visit=form.visit,
            visit_kind=form.visit_kind,
        )
    except PublishProblem as error:
        messages.error(request, f"不能重新启用：{error.problems[0]}")
    else:
        messages.success(request, f"“{form.title}”已重新启用。")
    return redirect("office:form", pk=form.pk)


@requires("manage_methods")
def form_source(request: HttpRequest, pk: int) -> HttpResponse:
    """The file a version was made from."""
    version = get_object_or_404(FormVersion, pk=pk, source__isnull=False)
    response = HttpResponse(bytes(version.source), content_type="application/octet-stream")
    name = version.source_name or f"{version.form.form_id}.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


urlpatterns = [
    path("forms/", form_list, name="forms"),
    path("forms/add/", form_add, name="form-add"),
    path("forms/publish/", form_publish, name="form-publish"),
    path("forms/<int:pk>/", form_page, name="form"),
    path("forms/<int:pk>/open/", form_state, {"state": "open"}, name="form-open"),
    path("forms/<int:pk>/closing/", form_state, {"state": "closing"}, name="form-closing"),
    path("forms/<int:pk>/closed/", form_state, {"state": "closed"}, name="form-closed"),
    path("forms/versions/<int:pk>/source/", form_source, name="form-source"),
]
