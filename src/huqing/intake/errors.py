"""What can go wrong with an import, in words for the person at the screen."""

from __future__ import annotations


class IntakeError(Exception):
    """An import cannot go on; the message says why and what to do instead."""


class NotAllowed(IntakeError):
    """This account may not do this; the message says who may."""


class WrongState(IntakeError):
    """The import is not in a state that allows this; the message names the state and what comes first."""


class UndoRefused(IntakeError):
    """Later changes build on this import; the message names them."""
