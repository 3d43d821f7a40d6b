"""Asking for a person, joining, replying, handing back: what is stored for the Rasa server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps

from clinic.facts import LiveChat
from clinic.live import chats, duty, upkeep
from clinic.live.models import Ask, Chat, Step
from clinic.outbox.models import Item
from clinic.privacy.deletion import delete_conversation
from clinic.text import BadInput

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SETTINGS = LiveChat(wait=5 * MINUTE, idle=10 * MINUTE)

pytestmark = pytest.mark.usefixtures("database")


def joined(at: datetime = NOW) -> Chat:
    chats.ask("c1", at)
    return chats.join("c1", "natalie", "Natalie Yeo", at)


def steps(chat: Chat) -> list[str]:
    return list(chat.steps.values_list("kind", flat=True))


def state() -> str:
    return Chat.objects.get().state


def available(at: datetime) -> None:
    duty.set_available("natalie", "Natalie Yeo", True, at)


def test_asking_twice_keeps_the_first_place_in_the_queue() -> None:
    chats.ask("c1", NOW)
    chat = chats.ask("c1", NOW + MINUTE)
    assert (chat.state, chat.asked_at) == ("waiting", NOW)
    assert steps(chat) == []


def test_asking_does_not_send_a_person_away() -> None:
    joined()
    assert chats.ask("c1", NOW + MINUTE).state == "person"


def test_a_chat_from_joining_to_handing_back() -> None:
    chat = joined()
    chats.say(chat.pk, "natalie", "  Hello, I am Natalie. ", "k1", NOW + MINUTE)
    chats.hand_back(chat.pk, "natalie", NOW + 2 * MINUTE)
    chat.refresh_from_db()
    assert (chat.state, chat.staff_at) == ("bot", NOW + MINUTE)
    assert steps(chat) == ["joined", "said", "left"]
    said = Step.objects.get(kind="said")
    assert (said.text, said.name, said.who) == ("Hello, I am Natalie.", "Natalie Yeo", "natalie")
    assert all(step.done_at is None for step in chat.steps.all())


def test_a_reply_that_is_sent_twice_is_one() -> None:
    chat = joined()
    first = chats.say(chat.pk, "natalie", "Hello", "k1", NOW)
    assert chats.say(chat.pk, "natalie", "Hello", "k1", NOW) == first
    assert steps(chat) == ["joined", "said"]


def test_any_conversation_can_be_joined_and_joining_twice_is_once() -> None:
    chats.join("c9", "natalie", "Natalie Yeo", NOW)
    chat = chats.join("c9", "natalie", "Natalie Yeo", NOW + MINUTE)
    assert (chat.joined_at, chat.asked_at) == (NOW, None)
    assert steps(chat) == ["joined"]


def test_an_old_danger_sign_is_not_shown_to_whoever_comes_much_later() -> None:
    chat = joined()
    Chat.objects.update(alarm="emergency", alarm_at=NOW)
    chats.hand_back(chat.pk, "natalie", NOW + MINUTE)
    chats.join("c1", "natalie", "Natalie Yeo", NOW + 30 * MINUTE)
    assert Chat.objects.get().alarm == "emergency", "it is not over after half an hour"
    chats.close(chat.pk, "natalie", NOW + 40 * MINUTE)
    later = chats.join("c1", "natalie", "Natalie Yeo", NOW + timedelta(days=3))
    assert (later.alarm, later.alarm_at) == ("", None)
    Chat.objects.update(alarm="emergency", alarm_at=NOW, state="person", person="natalie")
    chats.join("c1", "sam", "Sam Lee", NOW + timedelta(days=3))
    assert Chat.objects.get().alarm == "emergency", "while a person is there it stays"


def test_whoever_takes_over_is_the_one_who_writes() -> None:
    chat = joined()
    chats.join("c1", "sam", "Sam Lee", NOW + MINUTE)
    with pytest.raises(BadInput):
        chats.say(chat.pk, "natalie", "Hello", "k1", NOW + MINUTE)
    assert chats.say(chat.pk, "sam", "Hello", "k2", NOW + MINUTE).name == "Sam Lee"
    assert steps(chat) == ["joined", "joined", "said"]


@pytest.mark.parametrize("text", ["", " \n ", "x" * 2001])
def test_a_reply_has_words_and_not_too_many(text: str) -> None:
    chat = joined()
    with pytest.raises(BadInput):
        chats.say(chat.pk, "natalie", text, "k1", NOW)


@pytest.mark.parametrize("end", [chats.hand_back, chats.close])
def test_nothing_is_said_after_the_end(end: object) -> None:
    chat = joined()
    end(chat.pk, "natalie", NOW)  # type: ignore[operator]
    with pytest.raises(BadInput):
        chats.say(chat.pk, "natalie", "one more thing", "k1", NOW)
    with pytest.raises(BadInput):
        end(chat.pk, "natalie", NOW)  # type: ignore[operator]


def test_who_is_available_until_their_browser_is_closed() -> None:
    available(NOW)
    assert [one.name for one in duty.available(NOW + MINUTE)] == ["Natalie Yeo"]
    assert duty.available(NOW + 3 * MINUTE) == []
    assert duty.seen("natalie", NOW + 3 * MINUTE)
    assert duty.available(NOW + 4 * MINUTE)
    duty.set_available("natalie", "Natalie Yeo", False, NOW + 4 * MINUTE)
    assert not duty.seen("natalie", NOW + 4 * MINUTE)
    assert duty.available(NOW + 4 * MINUTE) == []


def test_a_long_wait_is_told_once() -> None:
    chat = chats.ask("c1", NOW)
    available(NOW + 4 * MINUTE)
    upkeep.look(NOW + 4 * MINUTE, SETTINGS)
    assert steps(chat) == []
    for minutes in (5, 6, 7):
        available(NOW + minutes * MINUTE)
        upkeep.look(NOW + minutes * MINUTE, SETTINGS)
    assert steps(chat) == ["long_wait"]
    assert state() == "waiting"


def test_who_waits_is_told_as_soon_as_nobody_is_available_any_more() -> None:
    chat = chats.ask("c1", NOW)
    upkeep.look(NOW + MINUTE, SETTINGS)
    assert steps(chat) == ["long_wait"]


def test_asking_anew_can_be_told_anew() -> None:
    chat = chats.ask("c1", NOW)
    upkeep.look(NOW + 5 * MINUTE, SETTINGS)
    assert chats.stop_waiting("c1", NOW + 6 * MINUTE)
    chats.ask("c1", NOW + 60 * MINUTE)
    upkeep.look(NOW + 65 * MINUTE, SETTINGS)
    assert steps(chat) == ["long_wait", "long_wait"]


def test_who_has_not_written_for_an_hour_waits_no_more() -> None:
    chats.ask("c1", NOW)
    for minutes in (5, 59):
        upkeep.look(NOW + minutes * MINUTE, SETTINGS)
        assert state() == "waiting"
    upkeep.look(NOW + 60 * MINUTE, SETTINGS)
    assert state() == "closed"


@pytest.mark.parametrize("settings", [SETTINGS, LiveChat(wait=60 * MINUTE, idle=10 * MINUTE)])
def test_nobody_is_forgotten_before_being_told(settings: LiveChat) -> None:
    """The worker stood for two hours, or the clinic lets patients wait for one."""
    chat = chats.ask("c1", NOW)
    available(NOW + 120 * MINUTE)
    upkeep.look(NOW + 120 * MINUTE, settings)
    assert (state(), steps(chat)) == ("waiting", ["long_wait"])
    item = Item.objects.get()
    assert (item.step.kind, item.part) == ("long_wait", "clinic")
    upkeep.look(NOW + 129 * MINUTE, settings)
    assert state() == "waiting", "they may answer now"
    upkeep.look(NOW + 130 * MINUTE, settings)
    assert state() == "closed"


def test_a_person_who_vanishes_is_noticed() -> None:
    chat = joined()
    Chat.objects.update(patient_at=NOW + 9 * MINUTE)
    assert chats.stay(chat.pk, "natalie", NOW + 8 * MINUTE)
    upkeep.look(NOW + 17 * MINUTE, SETTINGS)
    assert state() == "person"
    for _ in range(2):
        upkeep.look(NOW + 18 * MINUTE, SETTINGS)
    assert state() == "bot"
    assert steps(chat) == ["joined", "vanished"]
    assert not chats.stay(chat.pk, "natalie", NOW + 18 * MINUTE)


def test_a_person_who_had_the_last_word_has_left() -> None:
    chat = joined()
    chats.say(chat.pk, "natalie", "Goodbye", "k1", NOW + MINUTE)
    upkeep.look(NOW + 11 * MINUTE, SETTINGS)
    assert steps(chat) == ["joined", "said", "left"]


def test_dismissing_takes_off_the_list_who_waits_and_nobody_else() -> None:
    chat = chats.ask("c1", NOW)
    assert chats.dismiss(chat.pk, NOW)
    assert state() == "closed"
    joined()
    assert not chats.dismiss(chat.pk, NOW)


def test_whoever_is_dismissed_is_told_unless_they_know() -> None:
    chat = chats.ask("c1", NOW)
    chats.dismiss(chat.pk, NOW + MINUTE)
    assert steps(chat) == ["long_wait"]
    assert chats.put_back(chat.pk, NOW + 2 * MINUTE)
    chats.dismiss(chat.pk, NOW + 3 * MINUTE)
    assert steps(chat) == ["long_wait"]
    # Another time is told anew.
    chats.ask("c1", NOW + 4 * MINUTE)
    chats.dismiss(chat.pk, NOW + 5 * MINUTE)
    assert steps(chat) == ["long_wait", "long_wait"]


def test_whoever_is_put_back_waits_another_hour() -> None:
    chat = chats.ask("c1", NOW)
    chats.dismiss(chat.pk, NOW + 55 * MINUTE)
    assert chats.put_back(chat.pk, NOW + 61 * MINUTE)
    upkeep.look(NOW + 62 * MINUTE, SETTINGS)
    assert state() == "waiting"
    upkeep.look(NOW + 121 * MINUTE, SETTINGS)
    assert state() == "closed"


def test_only_what_was_dismissed_is_put_back() -> None:
    chat = chats.ask("c1", NOW)
    for minutes in (5, 60):
        upkeep.look(NOW + minutes * MINUTE, SETTINGS)
    assert state() == "closed"
    assert not chats.put_back(chat.pk, NOW + 61 * MINUTE)
    chats.ask("c1", NOW + 70 * MINUTE)
    chats.dismiss(chat.pk, NOW + 71 * MINUTE)
    chats.join("c1", "natalie", "Natalie Yeo", NOW + 72 * MINUTE)
    chats.close(chat.pk, "natalie", NOW + 73 * MINUTE)
    assert not chats.put_back(chat.pk, NOW + 74 * MINUTE)


def test_deleting_the_conversation_leaves_nothing(database: Path) -> None:
    chat = joined()
    chats.say(chat.pk, "natalie", "Your hip", "k1", NOW)
    delete_conversation("c1")
    assert Chat.objects.count() == Step.objects.count() == 0


def test_old_chats_are_deleted_and_open_ones_kept() -> None:
    closed = joined()
    chats.close(closed.pk, "natalie", NOW)
    chats.ask("c2", NOW)
    assert upkeep.purge(NOW) == 0
    assert upkeep.purge(NOW + MINUTE) == 1
    assert Chat.objects.get().conversation_id == "c2"


def test_an_old_chat_is_kept_until_it_has_been_told() -> None:
    chats.close(joined().pk, "natalie", NOW)
    later = NOW + timedelta(days=100)
    step = chats.tell("c1", "change-1", "It is confirmed.", {}, later)
    assert upkeep.purge(later) == 0
    assert Step.objects.get(kind="news") == step


def test_what_was_asked_before_an_update_is_not_forgotten() -> None:
    joined()
    chats.ask("c2", NOW)
    chats.join("never asked", "natalie", "Natalie Yeo", NOW)
    Ask.objects.all().delete()
    import_module("clinic.live.migrations.0003_asks").from_chats(apps, None)
    asks = Ask.objects.values_list("chat__conversation_id", "asked_at", "joined_at")
    assert sorted(asks) == [("c1", NOW, NOW), ("c2", NOW, None)]
