"""What other parts may listen to: an import whose rows came into the registry or were taken back."""

from django.dispatch import Signal

# Sent with ``intake`` (the Import) inside the transaction that applied or undid it; its state tells which.
applied = Signal()

# Sent with ``intake`` inside the transaction of an undo, before the households and people that it made go.
# A receiver that holds a person's decision about one of them raises ``huqing.intake.errors.UndoRefused``.
undoing = Signal()
