"""Taking words out of a conversation in Rasa's database, where nobody is talking in it.

Rasa counts a conversation's rows to know what to add, so every row stays and only what is said in
it changes: Rasa's events and what the website keeps of it (the tables of
``assistant.channels.mailbox``), in one transaction. A slot that holds the words is emptied, so
that the assistant asks again rather than use what was removed. What the triage noted down stays: an
alarm is open until a doctor has looked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from clinic.conversations.erasing import Run, has_table, idle_in, in_rasas_database
from clinic.conversations.message_ids import event_message_id
from clinic.text import BadInput

#: What stands in place of what was taken out.
REMOVED = "[removed]"

#: Slots that hold what a patient said, as it was said.
_SAID = frozenset(
    {"change_contact", "contact_choices", "for_whom", "message_text", "next_patient", "note"}
    | {"patient_contact", "patient_name", "preferred_time", "problem_text"}
)
#: Slots of the triage: they hold words of its table.
_TRIAGE = frozenset(
    {"after_checked", "alarm_kind", "alarm_language", "alarm_person", "alarms", "red_flag_level"}
    | {"safety_check", "why"}
)
#: What an event of a message that is removed as a whole keeps of how it was understood.
_UNDERSTOOD = ("intent", "intent_ranking", "message_id", "response_selector", "triage")
#: Where an event, and a message of the website, hold words.
_SPOKEN = ("text", "parse_data", "metadata", "data")
_SHOWN = ("text", "buttons", "card")
#: Values under these are names of the program, wherever they stand.
_NAMES = frozenset(
    {"assistant_id", "entity", "extractor", "intent", "intent_ranking", "label", "live_step"}
    | {"message_id", "model_id", "person", "response", "response_selector", "source", "template"}
    | {"triage", "utter_action"}
)
#: A shorter value of a slot says nothing, and would be found everywhere.
_SHORTEST = 3
# Found nowhere.
_NOTHING = r"(?!)"
# Who wrote a message of the website, as its table has it.
_PATIENT = "patient"


@dataclass(frozen=True)
class Redacted:
    """The events that were changed, and how many messages of the website were."""

    events: tuple[int, ...]
    messages: int


@dataclass(frozen=True)
class _Row:
    """A message of the website: ``typed`` is what the assistant was given."""

    seq: int
    key: str
    sender: str
    typed: str
    body: dict[str, Any]


def redact_idle(
    conversation_id: str, event_id: int, words: str = "", *, reason: str = ""
) -> Redacted | None:
    """Take ``words`` of the message ``event_id`` out, wherever they stand in the conversation.

    They may stand in ``reason``, the patient's for a thumb on it, too; it is kept elsewhere.

    Without ``words`` that one message, what was noted down from it, and that where the clinic has
    said it again; nothing else that patient or clinic have said, were it in the same words. None
    when somebody is talking in the conversation. Raises ``clinic.text.BadInput`` when the words are
    not in the message or it is gone; errors of the database pass through.
    """
    words = words.strip()
    return in_rasas_database(lambda run: _redact(run, conversation_id, event_id, words, reason))


def without(text: str, words: str) -> str:
    """A text of the conversation from which the same words are taken out as from what was said."""
    return _pattern([words]).sub(REMOVED, text)


def _redact(
    run: Run, conversation_id: str, event_id: int, words: str, reason: str
) -> Redacted | None:
    if not idle_in(run, conversation_id):
        return None
    events = _events(run, conversation_id)
    rows = _mailbox(run, conversation_id)
    said = events.get(event_id, {}).get("text") or ""
    if not said or (words and not _pattern([words]).search(f"{said}\n{reason}")):
        raise BadInput("words are not in this message. Allowed: some of it, as they stand there.")
    if words:
        pattern = _pattern([words])
        new_events = {number: _taken_out(data, pattern) for number, data in events.items()}
        new_rows = [_row_without(row, pattern) for row in rows]
    else:
        new_events = _without_message(events, event_id)
        new_rows = _rows_without_message(rows, conversation_id, events, event_id)
    changed = [number for number, data in new_events.items() if data != events[number]]
    for number in changed:
        run("UPDATE events SET data = %s WHERE id = %s", [json.dumps(new_events[number]), number])
    others = [row for row, before in zip(new_rows, rows, strict=True) if row != before]
    for row in others:
        run(
            "UPDATE website_messages SET input = %s, body = %s "
            "WHERE conversation = %s AND seq = %s",
            [row.typed, json.dumps(row.body, ensure_ascii=False), conversation_id, row.seq],
        )
    return Redacted(tuple(changed), len(others))


def _without_message(events: dict[int, dict[str, Any]], event_id: int) -> dict[int, dict[str, Any]]:
    """The events without one message and what was noted down from it."""
    said = _pattern([events[event_id]["text"]])
    turn = _turn(events, event_id)
    repeated = _pattern(_noted_down(turn))
    new = dict(events)
    for number, data in events.items():
        if number == event_id:
            new[number] = _emptied(_replaced_in(data, _SPOKEN, said)) | {"text": REMOVED}
        elif number > event_id and data["event"] != "user":
            told = _emptied(_taken_out(data, said)) if _is_slot(turn.get(number)) else data
            new[number] = _taken_out(told, repeated)
    return new


def _rows_without_message(
    rows: list[_Row], conversation_id: str, events: dict[int, dict[str, Any]], event_id: int
) -> list[_Row]:
    """The same of the website's messages."""
    chosen = _chosen(rows, conversation_id, events, event_id)
    repeated = _pattern(_noted_down(_turn(events, event_id)))
    new = []
    for row in rows:
        if row.seq in chosen:
            typed = REMOVED if row.typed else ""
            new.append(replace(row, typed=typed, body=row.body | {"text": REMOVED}))
        elif chosen and row.seq > min(chosen) and row.sender != _PATIENT:
            new.append(_row_without(row, repeated))
        else:
            new.append(row)
    return new


def _chosen(
    rows: list[_Row], conversation_id: str, events: dict[int, dict[str, Any]], event_id: int
) -> set[int]:
    """The numbers of the website's messages that are the message of an event.

    What the clinic said has no name in Rasa's events: it is told by its place among all that was
    said in the same words.
    """
    chosen = events[event_id]
    if chosen["event"] == "user":
        name = chosen.get("message_id") or ""
        return {row.seq for row in rows if event_message_id(conversation_id, row.key) == name}
    said = chosen["text"]
    places = [
        number
        for number, data in events.items()
        if data["event"] != "user" and data.get("text") == said
    ]
    same = [row.seq for row in rows if row.sender != _PATIENT and row.body.get("text") == said]
    return {same[places.index(event_id)]} if len(same) == len(places) else set(same)


def _is_slot(data: dict[str, Any] | None) -> bool:
    return data is not None and data["event"] == "slot"


def _events(run: Run, conversation_id: str) -> dict[int, dict[str, Any]]:
    rows = run("SELECT id, data FROM events WHERE sender_id = %s ORDER BY id", [conversation_id])
    return {number: json.loads(data) for number, data in rows}


def _turn(events: dict[int, dict[str, Any]], event_id: int) -> dict[int, dict[str, Any]]:
    """A patient's message and what was done about it; nothing for other messages."""
    if events[event_id]["event"] != "user":
        return {}
    turn: dict[int, dict[str, Any]] = {}
    for number, data in events.items():
        if number > event_id and data["event"] == "user":
            break
        if number >= event_id:
            turn[number] = data
    return turn


def _noted_down(turn: dict[int, dict[str, Any]]) -> list[str]:
    """What a patient said in a message, as it was noted down."""
    values = [
        data["value"]
        for data in turn.values()
        if data["event"] == "slot" and data["name"] in _SAID and data["value"]
    ]
    return [value for value in values if isinstance(value, str) and len(value) >= _SHORTEST]


def _pattern(parts: Sequence[str]) -> re.Pattern[str]:
    """Finds any of these, in any case and with any space between the words, as whole words.

    Without any it finds nothing.
    """
    found = []
    for part in sorted(parts, key=len, reverse=True):
        inner = r"\s+".join(map(re.escape, part.split()))
        found.append(
            (r"(?<!\w)" if part[:1].isalnum() else "")
            + inner
            + (r"(?!\w)" if part[-1:].isalnum() else "")
        )
    return re.compile("|".join(found) or _NOTHING, re.IGNORECASE)


def _taken_out(data: dict[str, Any], pattern: re.Pattern[str]) -> dict[str, Any]:
    if data["event"] == "slot":
        holds = data["name"] not in _TRIAGE and pattern.search(_all_text(data["value"]))
        return data | {"value": None} if holds else data
    return _replaced_in(data, _SPOKEN, pattern)


def _emptied(data: dict[str, Any]) -> dict[str, Any]:
    """An event of a message that is removed as a whole, without what was taken from it."""
    if data["event"] == "slot" and data["name"] in _SAID:
        return data | {"value": None}
    if data["event"] != "user":
        return data
    parse = data.get("parse_data") or {}
    kept = {name: parse[name] for name in _UNDERSTOOD if name in parse}
    acts = [
        {name: act[name] for name in ("label", "confidence") if name in act}
        for act in parse.get("acts") or []
    ]
    return data | {"parse_data": kept | {"text": REMOVED, "entities": [], "acts": acts}}


def _replaced_in(
    data: dict[str, Any], names: Sequence[str], pattern: re.Pattern[str]
) -> dict[str, Any]:
    return data | {name: _replaced(data[name], pattern) for name in names if name in data}


def _replaced(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(REMOVED, value)
    if isinstance(value, dict):
        return {
            name: each if name in _NAMES else _replaced(each, pattern)
            for name, each in value.items()
        }
    return [_replaced(each, pattern) for each in value] if isinstance(value, list) else value


def _all_text(value: Any) -> str:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return "\n".join(map(_all_text, value))
    return value if isinstance(value, str) else ""


def _mailbox(run: Run, conversation_id: str) -> list[_Row]:
    if not has_table(run, "website_messages"):
        return []
    rows = run(
        "SELECT seq, id, sender, input, body FROM website_messages WHERE conversation = %s "
        "ORDER BY seq",
        [conversation_id],
    )
    return [
        _Row(seq, key, sender, typed, json.loads(body)) for seq, key, sender, typed, body in rows
    ]


def _row_without(row: _Row, pattern: re.Pattern[str]) -> _Row:
    body = _replaced_in(row.body, _SHOWN, pattern)
    return replace(row, typed=pattern.sub(REMOVED, row.typed), body=body)
