"""Lists of dynamic management as workbooks: marked with who made them, audited, safe to open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

from huqing.access import audit
from huqing.papers.sheets import Cell, Column, Marking, Sheet, write_workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST = 50_000


def workbook(
    request: HttpRequest,
    *,
    name: str,
    note: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    action: str,
    detail: Mapping[str, Any],
) -> HttpResponse:
    """The rows as a download; what was exported and how many rows is in the audit log before it leaves."""
    now, target = timezone.localtime(), BytesIO()
    marking = Marking(by=request.user.display_name, at=now, note=note)
    count = write_workbook(target, [Sheet(name[:31], columns, rows)], marking=marking)
    with transaction.atomic():
        audit.record(
            by=request.user, action=action, region_code=request.user.region_code, detail={**detail, "rows": count}
        )
    response = HttpResponse(target.getvalue(), content_type=XLSX)
    file = f"{note}_{now:%Y%m%d%H%M}.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file)
    return response
