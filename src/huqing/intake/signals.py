"""What other parts may listen to: an import whose rows are in the registry."""

from django.dispatch import Signal

# Sent with ``intake`` (the Import) inside the transaction that applied or undid it.
applied = Signal()
