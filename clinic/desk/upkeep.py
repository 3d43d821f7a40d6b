"""Throwing away what has served its time."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session

from clinic.conversations.models import Note
from clinic.desk.models import Undo
from clinic.desk.reviewing import UNDO
from clinic.outbox import late
from clinic.people.lockout import FORGOTTEN
from clinic.people.models import WrongTries


def tidy(now: datetime) -> None:
    """Sessions that are over, what can no longer be undone, and wrong tries of long ago.

    Quick when done at every login, which nobody minds to take a moment longer.
    """
    # Django counts the days of sessions by the real clock.
    Session.get_session_store_class().clear_expired()
    Undo.objects.filter(at__lte=now - UNDO).delete()
    late.tidy(now - UNDO)
    Note.objects.filter(removed_at__lte=now - UNDO).delete()
    WrongTries.objects.filter(last_at__lte=now - FORGOTTEN).delete()
