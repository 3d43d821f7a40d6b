"""A patient's side of a chat, and what can be seen of it from outside.

What was said is read off the REST channel's answer. Which response that was, the slots and the
running form are read off the conversation's events in the tracker database, since the channel
passes on texts and buttons only.
"""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from scenario_servers import Servers

#: Messages that are not understood. Which of these the classifier can make nothing of changes with
#: every training.
VAGUE = (
    "between the two I suppose",
    "it depends I guess",
    "like last time but different",
    "sort of, kind of",
    "the other one",
    "left or right",
    "asdf qwer",
)

# Longer than any outage may keep a patient waiting.
LONGEST_ANSWER = 60  # seconds

_UNFILLED = re.compile(r"{\w+}|\bNone\b")


@dataclass(frozen=True)
class Reply:
    """One bubble: its text, and the titles of its buttons with what they send."""

    text: str
    buttons: Mapping[str, str]

    @property
    def first_button(self) -> str:
        """The title of the first button; fails when there is none."""
        assert self.buttons, f'there is no button below "{self.text}"'
        return next(iter(self.buttons))


class Chat:
    """One conversation over the REST channel.

    Every message must be answered in words, with no variable left unfilled: ``say`` checks it.
    """

    def __init__(self, servers: Servers, sender: str | None = None) -> None:
        self.servers = servers
        self.sender = sender or f"scenario-{uuid.uuid4().hex}"
        self.replies: list[Reply] = []
        self.transcript: list[str] = []
        self._events: list[dict[str, Any]] | None = None

    def say(self, text: str) -> list[Reply]:
        """Sends words; returns what is answered."""
        self.servers.typed.append(text)
        return self._send(text)

    def click(self, title: str) -> list[Reply]:
        """Clicks the newest button with this title; fails when there is none."""
        for reply in reversed(self.replies):
            if title in reply.buttons:
                return self._send(reply.buttons[title])
        shown = ", ".join(title for reply in self.replies for title in reply.buttons)
        raise AssertionError(f'there is no button "{title}" but: {shown}\n{self}')

    def send_raw(self, text: str) -> list[Reply]:
        """Sends a message without the checks of ``say``."""
        self._events = None
        response = httpx.post(
            f"{self.servers.rasa_url}/webhooks/rest/webhook",
            content=json.dumps({"sender": self.sender, "message": text}),
            timeout=LONGEST_ANSWER,
            trust_env=False,
        )
        response.raise_for_status()
        return [
            Reply(
                message.get("text", ""),
                {button["title"]: button["payload"] for button in message.get("buttons") or []},
            )
            for message in response.json()
        ]

    def _send(self, text: str) -> list[Reply]:
        self.transcript.append(f"> {text}")
        self.replies = self.send_raw(text)
        for reply in self.replies:
            buttons = " ".join(f"[{title}]" for title in reply.buttons)
            self.transcript.append(f"  {reply.text} {buttons}".rstrip())
        assert self.replies, f"nothing was answered\n{self}"
        for reply in self.replies:
            assert reply.text.strip(), f"a reply has no words\n{self}"
            assert not _UNFILLED.search(reply.text), f"a variable was not filled\n{self}"
        return self.replies

    def __str__(self) -> str:
        """The chat so far, to read when a test fails."""
        return "\n".join(self.transcript)

    @property
    def text(self) -> str:
        """All that was answered to the last message."""
        return "\n".join(reply.text for reply in self.replies)

    @property
    def buttons(self) -> list[str]:
        """The titles of all buttons under the last answer."""
        return [title for reply in self.replies for title in reply.buttons]

    def events(self) -> list[dict[str, Any]]:
        """The conversation's events, oldest first; none when it was erased."""
        if self._events is None:
            query = "SELECT data FROM events WHERE sender_id = ? ORDER BY id"
            rows = read(self.servers.tracker_database, query, self.sender)
            self._events = [json.loads(row["data"]) for row in rows]
        return self._events

    def responses(self) -> list[str]:
        """Names of the responses that answered the last message."""
        said: list[str] = []
        for event in reversed(self.events()):
            if event["event"] == "user":
                break
            if event["event"] == "bot":
                said.append(event["metadata"]["metadata"]["response"])
        return said[::-1]

    def noted(self) -> set[str]:
        """Names of the slots that were set since the last message."""
        names: set[str] = set()
        for event in reversed(self.events()):
            if event["event"] == "user":
                break
            if event["event"] == "slot" and event["value"] is not None:
                names.add(event["name"])
        return names

    def slots(self) -> dict[str, Any]:
        """The slots that are set."""
        slots = {
            event["name"]: event["value"] for event in self.events() if event["event"] == "slot"
        }
        return {name: value for name, value in slots.items() if value is not None}

    def slot(self, name: str) -> Any:
        """The value of a slot, or None."""
        return self.slots().get(name)

    @property
    def form(self) -> str | None:
        """The running form. A new session of the conversation begins without one."""
        form = None
        for event in self.events():
            if event["event"] == "active_loop":
                form = event["name"]
            elif event["event"] == "session_started":
                form = None
        return form

    @property
    def asked(self) -> str | None:
        """The slot that the running form asks for."""
        return self.slot("requested_slot") if self.form else None


@dataclass(frozen=True)
class Stored:
    """What the clinic keeps of one chat, one dictionary a row."""

    requests: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    feedback: list[dict[str, Any]]
    waiting: list[dict[str, Any]]


TABLES = {
    "requests": "booking_appointmentrequest",
    "messages": "handoff_patientmessage",
    "feedback": "conversations_feedback",
    "waiting": "booking_waitingentry",
}


def stored(chat: Chat) -> Stored:
    """Reads what the clinic keeps of this chat."""
    return Stored(
        **{
            name: read(
                chat.servers.clinic_database,
                f"SELECT * FROM {table} WHERE conversation_id = ? ORDER BY id",  # noqa: S608
                chat.sender,
            )
            for name, table in TABLES.items()
        }
    )


def give_back_times(chat: Chat) -> None:
    """Frees what a chat has taken: hundreds of them would fill the clinic's next two weeks."""
    theirs = (
        "SELECT hold.id FROM booking_hold AS hold"
        " LEFT JOIN booking_appointmentrequest AS request ON request.id = hold.request_id"
        " WHERE ? IN (hold.conversation_id, request.conversation_id)"
    )
    file = chat.servers.clinic_database
    with closing(sqlite3.connect(file, timeout=20)) as database, database:
        for delete in ("booking_bucket WHERE hold_id", "booking_hold WHERE id"):
            database.execute(f"DELETE FROM {delete} IN ({theirs})", (chat.sender,))  # noqa: S608


def read(database: Path, query: str, *values: Any) -> list[dict[str, Any]]:
    """Runs a query on a SQLite file that the servers use; one dictionary a row."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]


def hold_as_record(database: Path, conversation: str) -> None:
    """Marks a conversation as part of a client's health record, as the privacy officer does."""
    at = "2026-11-23 15:00:00"
    values = {
        "conversation_id": conversation,
        **dict.fromkeys(("number", "first_event_id", "last_event_id", "messages"), 1),
        **dict.fromkeys(("patient_messages", "not_understood", "began_hour", "booking_step"), 0),
        **dict.fromkeys(("feedback_up", "feedback_down"), False),
        **dict.fromkeys(("started_at", "last_activity_at"), at),
        **dict.fromkeys(("triage_level", "opening", "reviewed_by", "assigned_to", "hold_by"), ""),
        **{"channel": "website", "outcome": "answered", "topics": "[]", "hold": True},
    }
    marks = ", ".join("?" * len(values))
    insert = f"INSERT INTO conversations_session ({', '.join(values)}) VALUES ({marks})"  # noqa: S608
    with closing(sqlite3.connect(database, timeout=20)) as connection, connection:
        connection.execute(insert, list(values.values()))
