"""Conversations as the projection leaves them, invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def chat(
    conversation: str = "a-patient",
    lines: list[tuple[str, str, dict[str, Any]]] | None = None,
    *,
    at: datetime = NOW - timedelta(hours=2),
    number: int = 1,
    **values: Any,
) -> Any:
    """A session with messages ``(author, text, more columns)``, a minute apart."""
    from clinic.conversations import counting, search
    from clinic.conversations.models import Message, Session, SessionTopic

    lines = [("patient", "What is sciatica?", {})] if lines is None else lines
    first = (
        Message.objects.order_by("-event_id").values_list("event_id", flat=True).first() or 0
    ) + 1
    moments = [at + timedelta(minutes=count) for count in range(len(lines))]
    opening = next((text for author, text, _ in lines if author == "patient"), "")
    session = Session.objects.create(
        conversation_id=conversation,
        number=number,
        started_at=at,
        last_activity_at=moments[-1] if moments else at,
        first_event_id=first,
        last_event_id=first + max(len(lines) - 1, 0),
        messages=len(lines),
        patient_messages=sum(author == "patient" for author, *_ in lines),
        **{
            "channel": "website",
            "outcome": "answered",
            "not_understood": sum(not more.get("understood", True) for *_, more in lines),
            "opening": opening[:200],
            **values,
        },
    )
    Message.objects.bulk_create(
        Message(
            event_id=first + place, session=session, at=moment, author=author, text=text, **more
        )
        for place, (moment, (author, text, more)) in enumerate(zip(moments, lines, strict=True))
    )
    SessionTopic.objects.bulk_create(
        SessionTopic(session=session, topic=topic) for topic in session.topics
    )
    counting.spoil([session.last_activity_at])
    search.put([(session.pk, [text for _, text, _ in lines])])
    return session


def understood(topic: str, confidence: float, **more: Any) -> dict[str, Any]:
    """The columns of a patient's message that was taken for a topic."""
    return {
        "intent": topic,
        "guess": topic,
        "confidence": confidence,
        "topics": [topic],
        "alternatives": [{"name": "faq/symptoms", "confidence": round((1 - confidence) / 2, 2)}],
        **more,
    }
