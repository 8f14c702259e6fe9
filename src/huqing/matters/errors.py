"""What cannot be done with a matter, with the reason and the remedy."""

from __future__ import annotations


class MatterError(ValueError):
    """A matter cannot be raised, or a step not be taken; the message says why and what to do."""


class Moved(MatterError):
    """Somebody else took a step first."""
