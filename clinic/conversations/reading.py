"""From Rasa's events to what was said and what came of it. Pure functions, no database.

What Rasa's events mean is measured, not guessed: a session begins at ``action_session_start``; a
message that was taken for nothing has ``nlu_fallback`` as its intent and the real guess in its
ranking; inside a form that is no failure, so what counts is what the assistant answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from clinic.conversations.models import Message, Session

Author = Message.Author
Outcome = Session.Outcome

FALLBACK = "nlu_fallback"
NOTHING_GUESSED = frozenset({FALLBACK, "no_words", "red_flag"})
COURTESIES = frozenset({"goodbye", "greet", "thank"})
#: In the answer to a message: it was not understood.
NOT_UNDERSTOOD = "utter_not_understood_"
#: Said when a request or a message has been stored.
BOOKED = frozenset(
    {"utter_booking_requested", "utter_waiting_list_joined", "utter_appointment_moved"}
)
HANDED_OVER = frozenset({"utter_message_saved", "utter_person_called"})
ANSWER = "utter_faq/"
#: Metadata of a live chat's messages: the assistant was silent, who spoke, which step it was.
SILENT, PERSON, LIVE_STEP = "silent", "person", "live_step"
#: How far a booking came: begun, which of its questions was answered last in this order, sent.
BOOKING_STEPS = ("begun", "service", "chosen_time", "patient_name", "patient_contact", "sent")
ALARMS = ("urgent", "emergency")
LEVELS = ("", "check", *ALARMS)

_BOOKING_FORM, _BOOKING = "booking_form", "book_appointment"
_BOOKING_SENT = frozenset({"utter_booking_requested", "utter_waiting_list_joined"})
_SESSION_START = "action_session_start"
_SILENT = frozenset({"action_listen", _SESSION_START, "action_extract_slots"})
# The assistant's own notes. What the patient gave is in the others.
_INTERNAL = frozenset(
    {"draft_aside", "offered_times", "open_forms", "person_name", "problem", "problem_choices"}
    | {"problem_count", "problem_text", "problem_times", "requested_slot"}
    | {"session_started_metadata", "shown_times", "turn_plan", "windows"}
)
# What tells of which appointment a card was, and how it stood then.
_CARD = ("reference", "status", "starts", "ends", "minutes", "service", "therapist")
_UNSTORABLE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_ALTERNATIVES = 3
_OPENING = 200


class Row(NamedTuple):
    """One of Rasa's events: ``data`` is JSON, ``timestamp`` seconds since 1970."""

    id: int
    type_name: str
    timestamp: float
    data: str


@dataclass
class Told:
    """A session: the values of ``Session``, those of its ``Message`` rows, and its topics."""

    first_event_id: int
    values: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)

    def said(self) -> list[str]:
        """All that was said, for the search."""
        return [message["text"] for message in self.messages]


def sessions_of(rows: Iterable[Row], zone: tzinfo = UTC) -> list[Told | None]:
    """The sessions that a conversation's events tell of, in the order of their ids.

    None stands for a session in which the patient said nothing. ``zone`` is that of the clinic's
    clock.
    """
    told: list[Told | None] = []
    reader: _Reader | None = None
    for row in rows:
        data = _loads(row.data)
        starts = row.type_name == "action" and data.get("name") == _SESSION_START
        if reader is None or (starts and reader.begun):
            if reader:
                told.append(reader.told())
            reader = _Reader(row.id, zone)
        reader.begun |= starts or row.type_name == "user"
        reader.read(row, data)
    if reader:
        told.append(reader.told())
    return told


def rate(told: Told, event_id: int, value: str, reason: str = "") -> None:
    """Note a thumb, "up" or "down", and the patient's reason on one of the session's answers."""
    for message in told.messages:
        if message["event_id"] == event_id:
            message |= {"feedback": value, "feedback_reason": reason}
    values = {message["feedback"] for message in told.messages}
    told.values |= {"feedback_up": "up" in values, "feedback_down": "down" in values}


class _Reader:
    """Reads the events of one session, in order."""

    def __init__(self, first_event_id: int, zone: tzinfo) -> None:
        self.begun = False
        self._zone = zone
        self._told = Told(first_event_id)
        self._slots: dict[str, Any] = {}
        self._form = ""
        self._channel = ""
        self._last = (first_event_id, 0.0)
        self._started = 0.0
        self._asked: dict[str, Any] | None = None
        self._levels: set[str] = set()
        self._responses: set[str] = set()
        self._buttons: dict[str, str] = {}
        self._rankable: list[float] = []
        self._booking_begun = False
        self._booking_answered: set[str] = set()

    def read(self, row: Row, data: Mapping[str, Any]) -> None:
        self._started = self._started or row.timestamp
        self._last = (row.id, row.timestamp)
        handle = {
            "user": self._user,
            "bot": self._bot,
            "action": self._action,
            "slot": self._slot,
            "active_loop": self._loop,
        }.get(row.type_name)
        if handle:
            handle(row, data)

    def told(self) -> Told | None:
        told = self._told
        patient = [each for each in told.messages if each["author"] == Author.PATIENT]
        if not patient:
            return None
        told.values = {
            "channel": self._channel[:64] or "unknown",
            "started_at": _moment(self._started),
            "last_activity_at": told.messages[-1]["at"],
            "last_event_id": self._last[0],
            "messages": len(told.messages),
            "patient_messages": len(patient),
            "not_understood": sum(not each["understood"] for each in patient),
            "outcome": self._outcome(patient),
            "triage_level": max(self._levels, key=LEVELS.index, default=""),
            "lowest_confidence": min(self._rankable, default=None),
            "feedback_up": False,
            "feedback_down": False,
            "topics": told.topics,
            "opening": patient[0]["text"][:_OPENING],
            "began_hour": _moment(self._started).astimezone(self._zone).hour,
            "booking_step": self._booking_step(),
        }
        return told

    def _outcome(self, patient: list[dict[str, Any]]) -> str:
        asked = [each for each in patient if each["intent"] not in COURTESIES] or patient
        if self._levels & set(ALARMS):
            return Outcome.RED_FLAG
        with_person = any(each["author"] == Author.PERSON for each in self._told.messages)
        if with_person or self._responses & HANDED_OVER:
            return Outcome.HANDED_TO_PERSON
        if self._responses & BOOKED:
            return Outcome.REQUESTED_BOOKING
        if not asked[-1]["understood"]:
            return Outcome.NOT_UNDERSTOOD
        if self._form or self._slots.get("open_forms"):
            return Outcome.ABANDONED
        return Outcome.ANSWERED

    def _booking_step(self) -> int:
        if not self._booking_begun and _BOOKING not in self._told.topics:
            return 0
        if self._responses & _BOOKING_SENT:
            return len(BOOKING_STEPS)
        steps = enumerate(BOOKING_STEPS, 1)
        return max((place for place, name in steps if name in self._booking_answered), default=1)

    def _user(self, row: Row, data: Mapping[str, Any]) -> None:
        parse = data.get("parse_data") or {}
        intent = parse.get("intent") or {}
        acts = parse.get("acts") or []
        ranking = [each for each in parse.get("intent_ranking") or [] if each["name"] != FALLBACK]
        triage = parse.get("triage") or {}
        typed = data.get("text") or ""
        title = self._buttons.get(typed)
        clicked = title is not None or typed.startswith("/")
        name = intent.get("full_retrieval_intent_name") or intent.get("name") or ""
        guess, confidence = _guess(name, intent, acts, ranking)
        silent = (data.get("metadata") or {}).get(SILENT)
        if silent:
            # A person answers: nothing was acted on.
            confidence = None
        level = triage.get("level") or ""
        if level in LEVELS:
            self._levels.add(level)
        self._channel = self._channel or data.get("input_channel") or ""
        self._asked = _message(
            row,
            Author.PATIENT,
            text=typed if title is None else title,
            payload=typed if clicked else "",
            reference=str(data.get("message_id") or "")[:255],
            intent=name,
            guess=guess,
            confidence=confidence,
            alternatives=[
                {"name": each["name"], "confidence": round(each["confidence"], 4)}
                for each in ranking
                if each["name"] != guess
            ][:_ALTERNATIVES],
            triage_level=level,
            triage={key: value for key, value in triage.items() if value} if level else {},
            entities=[
                {"entity": each.get("entity"), "value": each.get("value")}
                for each in parse.get("entities") or []
            ],
            form=self._form,
        )
        self._told.messages.append(self._asked)
        if level in ALARMS:
            self._topic("red_flag")
        if not self._form and not silent:
            for label in [each["label"] for each in acts] or [name]:
                if label not in NOTHING_GUESSED and label not in COURTESIES:
                    self._topic(label)
            if not clicked and confidence is not None and name != "no_words":
                self._rankable.append(confidence)

    def _bot(self, row: Row, data: Mapping[str, Any]) -> None:
        metadata = data.get("metadata") or {}
        own = metadata.get("metadata") or {}
        response = own.get("response") or metadata.get("utter_action") or ""
        buttons = [
            {"title": str(each.get("title", "")), "payload": str(each.get("payload", ""))}
            for each in (data.get("data") or {}).get("buttons") or []
            if each.get("kind") != "rating"
        ]
        for each in buttons:
            self._buttons[each["payload"]] = each["title"]
        self._responses.add(response)
        self._told.messages.append(
            _message(
                row,
                _author(metadata),
                text=data.get("text") or "",
                person=metadata.get(PERSON) or "",
                response=response,
                source=own.get("source") or [],
                buttons=buttons,
                card=_card(metadata.get("card")),
            )
        )
        if response.startswith(ANSWER):
            self._topic(response.removeprefix("utter_"))
        if response.startswith(NOT_UNDERSTOOD) and self._asked:
            self._asked["understood"] = False

    def _action(self, row: Row, data: Mapping[str, Any]) -> None:
        name = data.get("name")
        if name and name not in _SILENT and self._asked:
            self._asked["actions"].append({"name": name, "policy": data.get("policy") or ""})

    def _slot(self, row: Row, data: Mapping[str, Any]) -> None:
        name, value = str(data.get("name")), data.get("value")
        if name == "red_flag_level" and value in ALARMS:
            self._levels.add(value)
        before = self._slots.get(name)
        self._slots[name] = value
        if self._asked and name not in _INTERNAL and value != before:
            self._asked["slots"][name] = value
            if value not in (None, ""):
                self._booking_answered.add(name)

    def _loop(self, row: Row, data: Mapping[str, Any]) -> None:
        self._form = data.get("name") or ""
        self._booking_begun |= self._form == _BOOKING_FORM

    def _topic(self, label: str) -> None:
        for topics in (self._told.topics, (self._asked or {}).get("topics")):
            if label and topics is not None and label not in topics:
                topics.append(label)


def _card(shown: Any) -> dict[str, Any]:
    """What is kept of the card of an appointment."""
    return {name: shown[name] for name in _CARD if shown.get(name)} if shown else {}


def _author(metadata: Mapping[str, Any]) -> str:
    """Who said it: a live chat's steps that no person said are told by the system."""
    if metadata.get(PERSON):
        return Author.PERSON
    return Author.NOTE if LIVE_STEP in metadata else Author.ASSISTANT


def _loads(text: str) -> dict[str, Any]:
    """An event's data, without what no database stores: NUL and halves of characters."""
    data = json.loads(text)
    return _storable(data) if _UNSTORABLE.search(text) else data


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list) else value


def _guess(
    name: str,
    intent: Mapping[str, Any],
    acts: list[dict[str, Any]],
    ranking: list[dict[str, Any]],
) -> tuple[str, float | None]:
    """The likeliest intent and how sure it was, whether or not it was acted on."""
    first = acts[0] if acts else {}
    if first and first["label"] not in NOTHING_GUESSED:
        label, sure = first["label"], first.get("confidence")
    elif ranking and (first or name in NOTHING_GUESSED):
        label, sure = ranking[0]["name"], ranking[0].get("confidence")
    else:
        label, sure = name, intent.get("confidence")
    return label, None if sure is None else round(float(sure), 4)


def _message(row: Row, author: str, **values: Any) -> dict[str, Any]:
    """The values of a ``Message``: those given, and what is empty otherwise."""
    return {
        "event_id": row.id,
        "at": _moment(row.timestamp),
        "author": author,
        "text": "",
        "payload": "",
        "reference": "",
        "intent": "",
        "guess": "",
        "confidence": None,
        "alternatives": [],
        "topics": [],
        "triage_level": "",
        "triage": {},
        "entities": [],
        "actions": [],
        "slots": {},
        "form": "",
        "understood": True,
        "response": "",
        "source": [],
        "buttons": [],
        "card": {},
        "feedback": "",
        "feedback_reason": "",
        "person": "",
        **values,
    }


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
