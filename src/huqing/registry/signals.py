"""What other parts may listen to: a household file that changed."""

from django.dispatch import Signal

# Sent with ``household`` inside the transaction of every change of a file that a person makes on the screen.
household_changed = Signal()
