"""Limits that the Rasa server needs too, which does without Django."""

from __future__ import annotations

from datetime import timedelta

#: Someone whose browser has not been heard of for so long takes no chats.
GONE_AFTER = timedelta(minutes=2)
