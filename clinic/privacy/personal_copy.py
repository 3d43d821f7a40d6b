"""The copy that a person gets of all that is kept of them.

Needs ``clinic.setup.ready()``. What it holds is unmasked: who asks and why belongs in the audit
log, before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from clinic import clock
from clinic.booking.models import AppointmentRequest, Hold, WaitingEntry
from clinic.conversations.models import Correction, Feedback, Message, Note, Session
from clinic.handoff.models import PatientMessage
from clinic.live.models import Chat
from clinic.outbox.models import LateMessage, LinkGiven
from clinic.privacy.models import DeletionRequest

#: Numbers and keys of the program, which say nothing of anybody.
KEYS = frozenset(
    {"id", "idempotency_key", "event_id", "first_event_id", "last_event_id", "session_id", "key"}
    | {"request_id", "change_id", "offer_id", "step_id", "late_id", "entry_id", "chat_id", "draft"}
    | {"leased_by", "leased_until", "external_id", "sequence"}
)
#: Of a message, in words that say more to whoever gets the copy than those of the program.
_MESSAGE = {
    "topics": "understood_as",
    "slots": "noted_down",
    "payload": "clicked",
    "guess": "best_guess",
    "alternatives": "next_best_guesses",
    "triage_level": "danger_sign",
    "triage": "danger_signs_found",
    "entities": "found_in_it",
    "actions": "done_about_it",
    "form": "answer_in",
    "response": "answer",
    "feedback": "thumb",
    "feedback_reason": "thumb_reason",
}
_NOTHING: tuple[Any, ...] = (None, "", [], {})


def personal_copy(conversation_ids: Iterable[str]) -> dict[str, Any]:
    """All that is kept of conversations, as values for JSON, for the person they belong to.

    What was said, what the assistant and staff took it for, and what was done about it. Moments are
    ISO 8601 in UTC; what is empty is left out.
    """
    conversations = sorted(set(conversation_ids))
    return {
        "made_at": clock.now().isoformat(),
        "conversations": [_conversation(who) for who in conversations],
        "appointment_requests": [
            _row(each, {"history": "status_changes", "told": "deliveries"})
            for each in _of(AppointmentRequest, conversations)
        ],
        "messages_to_the_clinic": _rows(PatientMessage, conversations),
        "waiting_list": [
            _row(each, {"offers": "offers"}) for each in _of(WaitingEntry, conversations)
        ],
        "times_held": _rows(Hold, conversations),
        "live_chats": [
            _row(each, {"asks": "asks", "steps": "steps"}) for each in _of(Chat, conversations)
        ],
        "not_delivered": _rows(LateMessage, conversations),
        "ratings": _rows(Feedback, conversations),
        "links_given": _rows(LinkGiven, conversations),
        "asked_to_delete": _rows(DeletionRequest, conversations),
    }


def _conversation(who: str) -> dict[str, Any]:
    sessions = Session.objects.filter(conversation_id=who).order_by("number")
    said = list(Message.objects.filter(session__in=sessions).order_by("event_id"))
    notes = Note.objects.filter(session__in=sessions, removed_at=None).order_by("at")
    wrong = {one.event_id: one for one in Correction.objects.filter(session__in=sessions)}
    return {
        "conversation": who,
        "channels": sorted({session.channel for session in sessions}),
        "sessions": [
            {**_row(each), "tags": [tag.name for tag in each.tags.order_by("name")]}
            for each in sessions
        ],
        "messages": [_message(each, wrong.get(each.pk)) for each in said],
        "notes_of_staff": [_row(note) for note in notes],
    }


def _message(message: Message, wrong: Correction | None) -> dict[str, Any]:
    columns = {_MESSAGE.get(name, name): value for name, value in _row(message).items()}
    columns["from"] = columns.pop("person", None) or columns.pop("author")
    columns.pop("author", None)
    if wrong is not None:
        columns["said_to_be_wrong"] = _row(wrong)
    return {"at": message.at.isoformat(), "from": columns["from"], "text": message.text, **columns}


def _rows(model: type[Model], conversations: list[str]) -> list[dict[str, Any]]:
    return [_row(each) for each in _of(model, conversations)]


def _of(model: type[Model], conversations: list[str]) -> Iterable[Model]:
    return model._default_manager.filter(conversation_id__in=conversations).order_by("pk")


def _row(row: Model, related: Mapping[str, str] | None = None) -> dict[str, Any]:
    """All columns of a row that hold something, and lists of the rows that hang on it."""
    values = {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields}
    found = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if name not in KEYS and value not in _NOTHING
    }
    for name, attribute in (related or {}).items():
        found[name] = [_row(each) for each in getattr(row, attribute).order_by("pk")]
    return found
