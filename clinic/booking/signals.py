"""What others may listen to, so that this room need not know them."""

from __future__ import annotations

from django.dispatch import Signal

#: A request came into a state: ``change`` is the new ``StatusChange``. Sent inside the transaction
#: that stores it, so that what a listener writes is kept or undone together with it; a listener
#: that raises undoes the change.
status_changed = Signal()
