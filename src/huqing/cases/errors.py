"""What cannot be done in casework, with the reason and the remedy."""

from __future__ import annotations


class CaseError(ValueError):
    """A step cannot be taken, or a paper not be recorded; the message says why and what to do."""


class Moved(CaseError):
    """Somebody else took a step first."""
