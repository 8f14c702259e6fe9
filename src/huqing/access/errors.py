"""Error reports without people's numbers and without phones' tokens, DEBUG included."""

from __future__ import annotations

from django.views.debug import ExceptionReporter

from huqing.access.keys import PREFIX
from huqing.access.logs import sieved


class Reporter(ExceptionReporter):
    """Error reports as page, text and mail: the finished report is sieved, so no variable or form value escapes it."""

    def get_traceback_html(self) -> str:
        """The report as a page."""
        return self._sieved(super().get_traceback_html())

    def get_traceback_text(self) -> str:
        """The report as text."""
        return self._sieved(super().get_traceback_text())

    def _sieved(self, report: str) -> str:
        """Without the token of this request wherever it stands: variables are shown without their address."""
        path = getattr(self.request, "path_info", "") or ""
        key = path.removeprefix(PREFIX).partition("/")[0] if path.startswith(PREFIX) else ""
        return sieved(report.replace(key, "…") if key else report)
