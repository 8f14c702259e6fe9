"""Form by form: how many visits were reported and entries avoided, the answers side by side, and exports."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.office import paging, places
from huqing.office.views.visits import filters, wanted_of
from huqing.visits import exports, queries, savings, tables
from huqing.visits.describing import DAY_QUESTION
from huqing.visits.models import Form

ORDERS = {"new": ["newest"]}
PAGE_SIZE = 25


@requires("view_visits")
def visit_forms(request: HttpRequest) -> HttpResponse:
    """All forms with their numbers."""
    forms = savings.per_form(request.user)
    context = {
        "used": [item for item in forms if item.saving.submissions],
        "unused": [item for item in forms if not item.saving.submissions],
        "total": savings.total(request.user),
    }
    return render(request, "office/visits/forms.html", context)


@requires("view_visits")
def visit_table(request: HttpRequest, pk: int) -> HttpResponse:
    """The submissions of one form side by side, a page at a time; repeats stand in the export."""
    form = get_object_or_404(Form, pk=pk)
    wanted = wanted_of(request)
    found = queries.listed(request.user, wanted).filter(form=form).select_related("version")
    page = paging.page(
        found,
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="-new",
        sortable=False,
        ids_first=True,
        size=PAGE_SIZE,
    )
    layout = tables.layout_of(form)
    rows = tables.rows_of(layout, layout.main, page.rows, request.user, place=places.name_of)
    columns = [index for index, head in enumerate(layout.main.heads) if _worth_a_column(head)]
    answered = [(visit, [row.text[index] for index in columns]) for visit, row in zip(page.rows, rows, strict=True)]
    context = {
        **filters(request, wanted),
        "form": form,
        "page": page,
        "heads": [layout.main.heads[index] for index in columns],
        "rows": answered,
        "repeats": [table.title for table in layout.tables[1:]],
        "formats": list(exports.KINDS.items()),
        "query": request.GET.urlencode(),
    }
    return render(request, "office/visits/table_rows.html" if request.htmx else "office/visits/table.html", context)


def _worth_a_column(head: tables.Head) -> bool:
    """Whom and when stands in the first column; values only the form itself needs stand in the export."""
    asked = head.question
    return asked is not None and asked.shown and not asked.subject and asked.name != DAY_QUESTION


@requires("export_visits")
@require_POST
def visit_export(request: HttpRequest, pk: int) -> HttpResponse:
    """What the table's filters leave, as a file; audited and marked with who made it."""
    form = get_object_or_404(Form, pk=pk)
    try:
        made = exports.export(
            form=form,
            wanted=wanted_of(request),
            kind=request.POST.get("format", ""),
            by=request.user,
            place=places.name_of,
        )
    except exports.ExportError as error:
        messages.error(request, str(error))
        query = request.GET.urlencode()
        return redirect(f"{reverse('office:visit-table', args=[pk])}{'?' if query else ''}{query}")
    response = HttpResponse(made.content, content_type=made.kind)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=made.name)
    return response


urlpatterns = [
    path("visit-forms/", visit_forms, name="visit-forms"),
    path("visit-forms/<int:pk>/", visit_table, name="visit-table"),
    path("visit-forms/<int:pk>/export/", visit_export, name="visit-export"),
]
