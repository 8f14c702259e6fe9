"""What other parts may listen to: a household's file changed."""

from django.dispatch import Signal

# Sent with ``household`` inside the transaction that changed its file, members, labels or place. Imports send their
# own signal once instead of one per household.
household_changed = Signal()
