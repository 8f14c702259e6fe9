"""What cannot be done with an application, with the reason and the remedy."""

from __future__ import annotations

from collections.abc import Mapping


class ApplicationError(ValueError):
    """It cannot be sent, or not be answered so; ``fields`` says what is wrong where."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})
