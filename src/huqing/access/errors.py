"""Error reports without people's numbers, DEBUG included."""

from __future__ import annotations

from django.views.debug import ExceptionReporter

from huqing.access.numbers import hide_numbers


class Reporter(ExceptionReporter):
    """Error reports as page, text and mail: the finished report is sieved, so no variable or form value escapes it."""

    def get_traceback_html(self) -> str:
        """The report as a page."""
        return hide_numbers(super().get_traceback_html())

    def get_traceback_text(self) -> str:
        """The report as text."""
        return hide_numbers(super().get_traceback_text())
