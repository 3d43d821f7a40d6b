"""Lists of conversations as files, masked like the pages, a portion at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from clinic.conversations import listing
from clinic.conversations.listing import Filters
from clinic.conversations.models import Message, Session
from clinic.desk.moments import local
from clinic.privacy.known_names import known_names
from clinic.privacy.masking import mask, mask_all

_AT_ONCE = 500
COLUMNS = (
    *("conversation", "link", "channel", "started", "last_activity", "outcome", "triage"),
    *("topics", "messages", "not_understood", "lowest_confidence", "feedback", "tags"),
    *("reviewed_by", "reviewed", "assigned_to", "hold", "opening"),
)


def as_csv(filters: Filters, base: str) -> Iterator[str]:
    """One line for each conversation, the newest first. ``base`` begins the links."""
    yield "\ufeff"  # without it, spreadsheets take UTF-8 for something else
    yield _line(COLUMNS)
    for session, names in _all(filters):
        row = _row(session, base, names)
        yield _line([_cell(row[column]) for column in COLUMNS])


def as_json(filters: Filters, base: str) -> Iterator[str]:
    """One object for each conversation, with what was said."""
    yield "["
    first = True
    for session, names in _all(filters):
        row = _row(session, base, names)
        said = Message.objects.filter(session=session).order_by("event_id")
        row["said"] = [
            {
                "at": message.at.isoformat(),
                "from": message.author,
                "text": mask(message.text, names),
                "understood_as": message.topics,
                "confidence": message.confidence,
                "triage": message.triage_level,
                "noted_down": mask_all(message.slots, names),
                "response": message.response,
                "card": message.card,
                "feedback": message.feedback,
                "feedback_reason": mask(message.feedback_reason, names),
            }
            for message in said
        ]
        yield ("\n" if first else ",\n") + json.dumps(row, ensure_ascii=False)
        first = False
    yield "\n]\n"


def _all(filters: Filters) -> Iterator[tuple[Session, tuple[str, ...]]]:
    older: str | None = None
    while True:
        page = listing.page(filters, older=older, size=_AT_ONCE)
        names = known_names({session.conversation_id for session in page.sessions})
        for session in page.sessions:
            yield session, names[session.conversation_id]
        if page.older is None:
            return
        older = page.older


def _row(session: Session, base: str, names: tuple[str, ...]) -> dict[str, Any]:
    thumbs = [name for name in ("up", "down") if getattr(session, f"feedback_{name}")]
    return {
        "conversation": session.pk,
        "link": f"{base}/conversations/{session.pk}",
        "channel": session.channel,
        "started": local(session.started_at).isoformat(timespec="seconds"),
        "last_activity": local(session.last_activity_at).isoformat(timespec="seconds"),
        "outcome": session.outcome,
        "triage": session.triage_level,
        "topics": session.topics,
        "messages": session.messages,
        "not_understood": session.not_understood,
        "lowest_confidence": session.lowest_confidence,
        "feedback": thumbs,
        "tags": sorted(tag.name for tag in session.tags.all()),
        "reviewed_by": session.reviewed_by,
        "reviewed": session.reviewed_at.isoformat() if session.reviewed_at else "",
        "assigned_to": session.assigned_to,
        "hold": session.hold,
        "opening": mask(session.opening, names),
    }


def _cell(value: Any) -> str:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    text = "" if value is None else str(value)
    # A spreadsheet takes what begins like this for a formula, and patients write what they like.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
