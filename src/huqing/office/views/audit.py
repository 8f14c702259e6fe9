"""The audit log: filters, one event, and whether the chain of events is whole."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access import audit
from huqing.access import queries as access
from huqing.access.models import AuditEvent
from huqing.access.permissions import requires
from huqing.office import audit_words, paging, queries
from huqing.office.forms import AuditFilterForm

# Newest first: the ids fall as time goes back.
ORDERS = {"id": ["id"]}


@requires("view_audit")
def event_list(request: HttpRequest) -> HttpResponse:
    """The log, newest first, with filters."""
    form = AuditFilterForm(request.GET, actions=audit.action_names())
    wanted = form.cleaned_data if form.is_valid() else {}
    found = access.audit_events(
        by=request.user,
        action=wanted.get("action") or "",
        actor=wanted.get("actor") or "",
        since=wanted.get("since"),
        until=wanted.get("until"),
    )
    page = paging.page(found, query=request.GET, path=request.path, orders=ORDERS, default="-id")
    context = {"form": form, "page": page, "events": queries.named(page.rows)}
    return render(request, "office/audit/rows.html" if request.htmx else "office/audit/list.html", context)


@requires("view_audit")
def event_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One event with everything that was recorded."""
    event = queries.named([get_object_or_404(AuditEvent.objects.select_related("actor"), pk=pk)])[0]
    return render(request, "office/audit/detail.html", {"event": event, "lines": audit_words.lines(event.detail)})


@requires("view_audit")
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Recompute the whole chain and say whether it holds."""
    return render(request, "office/audit/verified.html", {"report": audit.verify()})


urlpatterns = [
    path("audit/", event_list, name="audit"),
    path("audit/verify/", verify, name="audit-verify"),
    path("audit/<int:pk>/", event_detail, name="audit-event"),
]
