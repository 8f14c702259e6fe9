"""What other parts may listen to: a household's file changed."""

from django.dispatch import Signal

# Sent with ``household`` inside the transaction that changed its file, members, labels or place. Imports send their
# own signal once instead of one per household.
household_changed = Signal()

# Sent with ``region_ids`` inside the transaction in which villages got new codes; ``region_code`` of their households,
# people, grids and department records has been rewritten by then. Whoever repeats it elsewhere copies it again.
regions_recoded = Signal()
