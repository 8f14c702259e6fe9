"""Writing on the household page: one field in place, full numbers with a reason, printing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from huqing.access.actions import show_sealed
from huqing.access.permissions import Refused, requires
from huqing.office import actions, edits, household_file
from huqing.office.forms import ShowSealedForm
from huqing.office.views.households import place
from huqing.registry.actions import Edit, RegistryError
from huqing.registry.models import Household, Person
from huqing.standards.fields import Field, record_kinds
from huqing.visits.timeline import timeline_of

LAST_REASON = "office.last_reason"


@requires("edit_household")
def field(request: HttpRequest, kind: str, pk: int, key: str) -> HttpResponse:
    """The form of one field, what it answers, and (``?show=1``) the field as it is."""
    row = _row(request, kind, pk)
    declared = _declared(kind, key)
    if request.method == "POST":
        return _save(request, kind, row, declared)
    if request.GET.get("show"):
        return _show(request, kind, row, declared, note="没有改动")
    return _form(request, kind, row, declared)


def _save(request: HttpRequest, kind: str, row: Household | Person, declared: Field) -> HttpResponse:
    typed = [value for value in request.POST.getlist("value") if value]
    on = _date(request.POST.get("on", ""))
    reason = request.POST.get("reason", "")
    problems = {}
    if on is None or on > timezone.localdate():
        problems["on_problem"] = "日期请写成 2025-03-01 的样子，且不能晚于今天。"
    if reason not in edits.REASONS:
        problems["reason_problem"] = "请选一个依据。"
    if problems or on is None:
        problems |= edits.problem_of(declared, typed)
        return _form(request, kind, row, declared, typed=typed, **problems)
    try:
        edit = edits.edit_field(
            by=request.user,
            row=row,
            field=declared,
            typed=typed,
            on=on,
            reason=reason,
            seen=request.POST.get("seen", ""),
        )
    except edits.Changed as error:
        return _form(request, kind, _row(request, kind, row.pk), declared, typed=typed, conflict=str(error))
    except ValidationError as error:
        return _form(request, kind, row, declared, typed=typed, problem="；".join(error.messages))
    except (RegistryError, Refused) as error:
        return _form(request, kind, row, declared, typed=typed, problem=str(error))
    request.session[LAST_REASON] = reason
    return _show(request, kind, _row(request, kind, row.pk), declared, note=_note(edit, declared))


def _note(edit: Edit, declared: Field) -> str:
    if declared.key in edit.older:
        return "已记入历史。档案里的值日期更近，没有改变。"
    if declared.key in edit.warnings:
        return f"已保存，请核对：{edit.warnings[declared.key]}"
    return "已保存" if edit.applied else "与原来相同，没有改动"


def _show(request: HttpRequest, kind: str, row: Household | Person, declared: Field, note: str = "") -> HttpResponse:
    entries = row.entries.select_related("source")
    if isinstance(row, Household):
        entries = entries.filter(person=None)
    origin = household_file.known_origins(row, entries).get(declared.key)
    context = {
        "kind": kind,
        "pk": row.pk,
        "facts": [household_file.fact(declared, row, origin)],
        "note": note,
    }
    return render(request, "office/households/facts.html", context)


def _form(
    request: HttpRequest,
    kind: str,
    row: Household | Person,
    declared: Field,
    *,
    typed: list[str] | None = None,
    **problems: str,
) -> HttpResponse:
    control, options = edits.control(declared)
    context: dict[str, Any] = {
        "kind": kind,
        "pk": row.pk,
        "field": declared,
        "sealed": declared.sealed,
        "control": control,
        "options": options,
        "reasons": edits.REASONS,
        "reason": request.POST.get("reason") or request.session.get(LAST_REASON, ""),
        "value": edits.typed_value(declared, row, typed),
        "on": request.POST.get("on") or timezone.localdate().isoformat(),
        "today": timezone.localdate(),
        "seen": edits.fingerprint(declared, row),
        "problem": "",
        "on_problem": "",
        "reason_problem": "",
        "conflict": "",
        **problems,
    }
    return render(request, "office/households/field_form.html", context, status=422 if problems else 200)


@requires("show_sealed")
def sealed(request: HttpRequest, kind: str, pk: int, key: str) -> HttpResponse:
    """A full number, after a reason; the reason is audited."""
    row = _row(request, kind, pk)
    declared = _declared(kind, key)
    if not declared.sealed:
        raise Http404
    form = ShowSealedForm(request.POST if request.method == "POST" else None)
    value = reason = ""
    if request.method == "POST" and form.is_valid():
        reason = form.text()
        try:
            value = show_sealed(by=request.user, subject=row, field=key, reason=reason)
        except ValidationError as error:
            form.add_error("other" if "reason" in getattr(error, "message_dict", {}) else None, error.messages)
        except Refused as error:
            form.add_error(None, str(error))
    context = {
        "kind": kind,
        "pk": pk,
        "key": key,
        "label": declared.label,
        "owner": str(row),
        "form": form,
        "value": value,
        "reason": reason,
    }
    status = 422 if request.method == "POST" and not value else 200
    return render(request, "office/households/sealed_form.html", context, status=status)


@requires("print")
def household_print(request: HttpRequest, pk: int) -> HttpResponse:
    """The household page made ready for paper; that it was printed is audited."""
    household = household_file.find(request.user, pk)
    actions.note_print(by=request.user, household=household)
    today = timezone.localdate()
    context = {
        "file": household_file.load(household, today=today),
        "household": household,
        "today": today,
        "timeline": timeline_of(household, request.user),
        "printing": True,
        **place(household),
    }
    return render(request, "office/households/detail.html", context)


def _row(request: HttpRequest, kind: str, pk: int) -> Household | Person:
    if kind == "household":
        return household_file.find(request.user, pk)
    if kind == "person":
        return household_file.find_person(request.user, pk)
    raise Http404


def _declared(kind: str, key: str) -> Field:
    declared = record_kinds()[kind].by_key.get(key)
    if declared is None or declared.linked or not household_file.editable(declared):
        raise Http404
    return declared


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


urlpatterns = [
    path("files/<str:kind>/<int:pk>/<str:key>/", field, name="field"),
    path("files/<str:kind>/<int:pk>/<str:key>/full/", sealed, name="sealed"),
    path("households/<int:pk>/print/", household_print, name="household-print"),
]
