"""Conversations as Rasa writes them, without Rasa: a few or a hundred thousand."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

#: 2026-11-01 12:00 UTC.
START = 1_793_534_400.0

TABLE = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, sender_id VARCHAR(255) NOT NULL, type_name VARCHAR(255) NOT NULL,
    timestamp FLOAT, intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT
)
"""
INDEX = "CREATE INDEX IF NOT EXISTS ix_events_sender_id ON events (sender_id)"
INSERT = (
    "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
TOPICS = ("cost", "insurance", "symptoms", "techniques", "location", "what_to_wear", "privacy")
WORDS = tuple(
    "pain leg back burning numb sitting massage help cost price insurance appointment tuesday "  # noqa: SIM905
    "morning evening therapist parking stairs sleep night walk work driving stretch heat ice "
    "tingling calf foot hip doctor surgery pregnant treatment session towel question please".split()
)


class Event(NamedTuple):
    """One row of ``events`` but for its number and its conversation."""

    type_name: str
    timestamp: float
    intent_name: str | None
    action_name: str | None
    data: str


class Talk:
    """Builds a conversation's events, a second apart."""

    def __init__(self, at: float = START, channel: str = "website") -> None:
        self.at = at
        self.channel = channel
        self.events: list[Event] = []

    def _add(self, kind: str, intent: str | None = None, **data: Any) -> Talk:
        self.at += 1
        whole = {"event": kind, "timestamp": self.at, "metadata": {"model_id": "m" * 32}, **data}
        self.events.append(Event(kind, self.at, intent, data.get("name"), json.dumps(whole)))
        return self

    def start(self) -> Talk:
        """A session begins."""
        self._add("slot", name="session_started_metadata", value=None)
        self.action("action_session_start")
        self._add("session_started")
        return self.action("action_listen")

    def action(self, name: str, policy: str | None = "RulePolicy") -> Talk:
        """An action is done."""
        return self._add("action", name=name, policy=policy, confidence=1.0)

    def slot(self, name: str, value: Any) -> Talk:
        """Something is noted down."""
        return self._add("slot", name=name, value=value)

    def form(self, name: str | None) -> Talk:
        """A form begins, or with None ends."""
        return self._add("active_loop", name=name)

    def patient(
        self,
        text: str,
        label: str = "nlu_fallback",
        sure: float = 0.9,
        *,
        guess: str | None = None,
        level: str | None = None,
        reference: str = "",
        metadata: dict[str, Any] | None = None,
    ) -> Talk:
        """The patient says something that is taken for ``label``."""
        intent: dict[str, Any] = {"name": label.partition("/")[0], "confidence": sure}
        if "/" in label:
            intent["full_retrieval_intent_name"] = label
        ranking = [{"name": guess or label, "confidence": sure}]
        ranking += [
            {"name": f"faq/{topic}", "confidence": round((1 - sure) / (n + 2), 4)}
            for n, topic in enumerate(TOPICS)
            if f"faq/{topic}" != ranking[0]["name"]
        ]
        parse = {
            "intent": intent,
            "entities": [],
            "text": text,
            "triage": {"level": level, "signs": ["x"] if level else [], "why": None},
            "intent_ranking": ranking,
            "acts": [] if text.startswith("/") else [{"label": label, "confidence": sure}],
        }
        self._add(
            "user",
            intent["name"],
            text=text,
            parse_data=parse,
            input_channel=self.channel,
            message_id=reference,
            metadata=metadata or {},
        )
        return self._add("user_featurization", use_text_for_featurization=False)

    def assistant(
        self, text: str, response: str, buttons: dict[str, str] | None = None, **metadata: Any
    ) -> Talk:
        """The assistant answers with a wording; ``buttons`` are titles by payload."""
        own = {"response": response, "source": ["dialogue"], **metadata}
        self.action(response)
        return self.bot(text, {"utter_action": response, "metadata": own}, buttons)

    def bot(
        self, text: str, metadata: dict[str, Any], buttons: dict[str, str] | None = None
    ) -> Talk:
        """Something is said to the patient."""
        shown = [{"title": title, "payload": load} for load, title in (buttons or {}).items()]
        data = {"buttons": shown, "custom": None}
        return self._add("bot", text=text, data=data, metadata=metadata)

    def person(self, text: str, name: str) -> Talk:
        """Somebody at the clinic writes."""
        self._add("bot", text=text, data={}, metadata={"person": name, "live_step": "k1"})
        return self

    def listen(self) -> Talk:
        """The turn is over."""
        return self.action("action_listen")


def question(topic: str = "cost", text: str = "what does it cost", **how: Any) -> Talk:
    """A conversation with one question and its answer."""
    talk = Talk(**how).start().patient(text, f"faq/{topic}")
    return talk.assistant(f"About {topic}.", f"utter_faq/{topic}").listen()


class Events:
    """Rasa's table of events in a SQLite file of its own, as ``assistant.tracker_store`` has it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.connection = sqlite3.connect(file, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute(TABLE)
        self.connection.execute(INDEX)

    def write(self, conversation: str, talk: Talk) -> None:
        """Write a talk's events, and forget them there."""
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(INSERT, [(conversation, *each) for each in talk.events])
        talk.events.clear()

    def erase(self, conversation: str) -> None:
        """Remove a conversation, as the tracker store does."""
        self.connection.execute("DELETE FROM events WHERE sender_id = ?", (conversation,))


class ServerEvents:
    """The same table on PostgreSQL, as Rasa makes it there; ``url`` is that of the clinic."""

    def __init__(self, url: str) -> None:
        import psycopg2

        self._open = lambda: psycopg2.connect(url)
        self.connection = self._open()
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(
                TABLE.replace("INTEGER PRIMARY", "SERIAL PRIMARY").replace("FLOAT", "FLOAT8")
            )
            cursor.execute(INDEX)

    def begin(self, conversation: str, talk: Talk) -> Any:
        """Write a talk's events in a transaction of its own that goes on: commit() ends it."""
        connection = self._open()
        with connection.cursor() as cursor:
            rows = [(conversation, *each) for each in talk.events]
            cursor.executemany(INSERT.replace("?", "%s"), rows)
        talk.events.clear()
        return connection

    def write(self, conversation: str, talk: Talk) -> None:
        """Write a talk's events, and forget them there."""
        connection = self.begin(conversation, talk)
        connection.commit()
        connection.close()

    def erase(self, conversation: str) -> None:
        """Remove a conversation, as the tracker store does."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("DELETE FROM events WHERE sender_id = %s", (conversation,))

    def conversations(self) -> set[str]:
        """The conversations that have events."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT sender_id FROM events")
            return {who for (who,) in cursor.fetchall()}

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()


def many(conversations: int, seed: int = 1) -> Iterator[tuple[str, Event]]:
    """The events of many conversations, (conversation, event), in the order they are written.

    About thirty events each, over a year, a few dozen at the same time.
    """
    chance = random.Random(seed)  # noqa: S311
    step = 365 * 86400 / conversations
    running: list[tuple[str, list[Event]]] = []
    for number in range(conversations):
        running.append((f"conversation-{number:07d}", _any(chance, START + number * step).events))
        while len(running) > 30 or (running and number == conversations - 1):
            chosen = chance.randrange(len(running))
            who, events = running[chosen]
            for event in events[:9]:
                yield who, event
            del events[:9]
            if not events:
                del running[chosen]


def _any(chance: random.Random, at: float) -> Talk:
    talk = Talk(at, chance.choices(("website", "sms", "whatsapp"), (90, 8, 2))[0]).start()
    for _ in range(chance.randint(1, 5)):
        text = " ".join(chance.choices(WORDS, k=chance.randint(3, 14)))
        topic = chance.choices(TOPICS, range(len(TOPICS), 0, -1))[0]
        kind = chance.random()
        if kind < 0.08:
            talk.patient(text, "nlu_fallback", chance.uniform(0.05, 0.22), guess=f"faq/{topic}")
            talk.assistant("Please say it in other words.", "utter_not_understood_1")
        elif kind < 0.1:
            talk.patient(text, "red_flag", 1.0, guess=f"faq/{topic}", level="emergency")
            talk.slot("red_flag_level", "emergency")
            talk.assistant("Please call 911 now.", "utter_emergency")
        else:
            talk.patient(text, f"faq/{topic}", chance.uniform(0.3, 1.0))
            talk.assistant(f"This is what there is to say on {topic}. " * 3, f"utter_faq/{topic}")
        talk.listen()
    if chance.random() < 0.3:
        phone = f"416-555-01{chance.randrange(100):02d}"
        talk.patient("book please", "book_appointment").form("booking_form")
        for asked in ("service", "preferred_time", "patient_contact"):
            for slot in ("problem", "problem_count", "open_forms", "chosen", "note", "windows"):
                talk.slot(slot, None)
            talk.slot("requested_slot", asked)
            talk.assistant("Which one?", f"utter_ask_{asked}").listen()
            talk.patient(phone, "nlu_fallback", 0.1, guess="faq/cost").action("booking_form")
            talk.slot(asked, phone)
        talk.form(None).assistant("It is noted.", "utter_booking_requested").listen()
    return talk
