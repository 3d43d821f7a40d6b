"""Questions that the assistant could not answer well, for staff to sort."""
