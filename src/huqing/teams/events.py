"""What others may listen to: an inspection found something, and a finding went one step on.

Sent inside the transaction that wrote it: ``finding_added`` with ``finding``, ``finding_stepped`` with ``finding`` and
``step``.
"""

from django.dispatch import Signal

finding_added = Signal()
finding_stepped = Signal()
