"""What other parts may listen to: a household's file changed."""

from django.dispatch import Signal

# Sent with ``household`` inside the transaction that changed its file, members, labels or place. Imports send their
# own signal once instead of one per household.
household_changed = Signal()

# Sent with ``region_ids`` inside the transaction in which villages got new codes; ``region_code`` of their households,
# people, grids and department records has been rewritten by then. Whoever repeats it elsewhere copies it again.
# ``codes`` maps the codes they had to those they have, for what knows a place by its code only (codes may be swapped:
# replace all at once); ``merged`` maps places that became part of another to that one, on the day ``on``.
regions_recoded = Signal()
