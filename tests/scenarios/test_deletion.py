"""A patient who asks for it is forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from scenario_chat import TABLES, Chat, hold_as_record, read, stored
from scenario_steps import answers, expect, fragments, play


def everything_in(database: Path) -> str:
    """All values of all tables of a SQLite file."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        return "\n".join(connection.iterdump())


def test_delete_my_data(chat: Chat, new_chat: Callable[[], Chat]) -> None:
    """Requests lose everything personal, messages, feedback and the conversation are gone."""
    other = new_chat()
    play(other, fragments()["book"])
    chat.say("does the massage hurt")
    chat.click("Helpful")
    own_name = {"patient": "Philomena Quackenbush"}
    own_contact = {"patient": "philomena.q@example.org"}
    for form in ("start_booking", "start_message"):
        play(chat, fragments()[form])
        play(chat, [{"fill": {"with": {"patient_name": own_name, "patient_contact": own_contact}}}])
    kept = stored(chat)
    assert [len(rows) for rows in (kept.requests, kept.messages, kept.feedback)] == [1, 1, 1]
    reference = kept.requests[0]["reference"]

    play(chat, fragments()["start_deletion"])
    play(chat, [answers()["confirm_delete"]])
    expect(chat, {"contains": "deleted", "not_contains": "{clinic_phone}"})

    kept = stored(chat)
    assert [len(rows) for rows in (kept.requests, kept.messages, kept.feedback)] == [0, 0, 0]
    assert chat.events() == []
    databases = (chat.servers.clinic_database, chat.servers.tracker_database)
    for database in databases:
        # That it is looked at once more is noted until the worker has done so.
        lines = everything_in(database).casefold().splitlines()
        dump = "\n".join(line for line in lines if "conversations_recheck" not in line)
        for word in ("philomena", "quackenbush", chat.sender):
            assert word not in dump, f"{word} is still in {database.name}"
    (emptied,) = read(
        databases[0],
        f"SELECT * FROM {TABLES['requests']} WHERE reference = ?",  # noqa: S608
        reference,
    )
    assert (emptied["status"], emptied["patient_name"]) == ("cancelled", "")
    assert len(stored(other).requests) == 1, "somebody else's request is gone"


def test_what_the_clinic_holds_as_a_record_is_kept_and_the_patient_reads_so(chat: Chat) -> None:
    """Nothing is deleted, nothing is said to be, and the chat goes on."""
    play(chat, fragments()["book"])
    hold_as_record(chat.servers.clinic_database, chat.sender)
    play(chat, fragments()["start_deletion"])
    play(chat, [answers()["confirm_delete"]])
    expect(
        chat,
        {
            "response": ["utter_data_kept"],
            "contains": ["not deleted", "{clinic_phone}"],
            "form": None,
        },
    )
    (request,) = stored(chat).requests
    assert (request["status"], bool(request["patient_name"])) == ("requested", True)
    asked = "SELECT settled_at FROM privacy_deletionrequest WHERE conversation_id = ?"
    assert read(chat.servers.clinic_database, asked, chat.sender) == [{"settled_at": None}]
    chat.say("does the massage hurt")
    assert len(chat.events()) > 10
    expect(chat, {"response": ["utter_faq/does_it_hurt"]})


def test_the_next_message_begins_a_new_conversation(chat: Chat) -> None:
    """Nothing of what was deleted comes back."""
    play(chat, fragments()["start_booking"])
    play(chat, [{"fill": {"until": "patient_contact"}}])
    play(chat, fragments()["start_deletion"])
    play(chat, [answers()["confirm_delete"]])
    chat.say("hello")
    expect(chat, {"response": ["utter_greet"], "form": None, "slots": {"patient_name": None}})
    play(chat, fragments()["start_booking"])
    expect(chat, {"slots": {"patient_name": None}})


def test_deleting_twice(chat: Chat) -> None:
    """There is nothing to delete, and that is no error."""
    for _ in range(2):
        play(chat, fragments()["start_deletion"])
        play(chat, [answers()["confirm_delete"]])
        expect(chat, {"contains": "deleted"})
    assert chat.events() == []
