"""What a plan refuses."""


class PlanError(ValueError):
    """It may not be done now; the message says why and what to do instead."""
