"""The Rasa server's own reading and writing of the clinic's tables, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assistant.live import store
from clinic.live import chats, duty
from clinic.live.models import Chat, Step

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_who_is_where(do: Any) -> None:
    assert do(store.is_there)
    chats.ask("waits", NOW)
    chats.join("talks", "natalie", "Natalie Yeo", NOW)
    over = chats.join("over", "natalie", "Natalie Yeo", NOW)
    chats.close(over.pk, "natalie", NOW)
    standing, to_do = do(store.look, NOW)
    assert standing.people == {"talks": "Natalie Yeo"}
    assert standing.waiting == {"waits"}
    assert not standing.on_duty
    assert sorted(to_do) == ["over", "talks"]


@pytest.mark.parametrize(
    ("available", "later", "expected"),
    [(True, MINUTE, True), (True, 3 * MINUTE, False), (False, MINUTE, False)],
)
def test_whether_anyone_takes_chats(
    do: Any, available: bool, later: timedelta, expected: bool
) -> None:
    duty.set_available("natalie", "Natalie Yeo", available, NOW)
    assert do(store.look, NOW + later)[0].on_duty is expected
    assert bool(duty.available(NOW + later)) is expected


def test_steps_are_given_in_order_until_they_are_done(do: Any) -> None:
    chat = chats.join("c1", "natalie", "Natalie Yeo", NOW)
    chats.say(chat.pk, "natalie", "Hello", "k1", NOW)
    joined, said = do(store.to_do, "c1")
    assert (joined.kind, said.kind, said.text, said.name) == (
        *("joined", "said", "Hello", "Natalie Yeo"),
    )
    do(store.finish, joined, store.DONE, NOW)
    do(store.finish, said, store.GONE, NOW)
    assert do(store.to_do, "c1") == []
    assert do(store.look, NOW)[1] == []
    after = Step.objects.get(key="k1")
    assert (after.outcome, after.text, after.done_at) == ("gone", "", NOW)


def test_what_the_patient_does_is_noted(do: Any) -> None:
    chats.ask("c1", NOW)
    do(store.heard, "c1", "urgent", NOW + MINUTE)
    do(store.heard, "c1", "", NOW + 2 * MINUTE)
    chat = Chat.objects.get()
    assert (chat.patient_at, chat.alarm, chat.alarm_at) == (
        *(NOW + 2 * MINUTE, "urgent", NOW + MINUTE),
    )
    do(store.end, "c1", NOW + 3 * MINUTE)
    assert Chat.objects.get().state == "closed"
    # Only what is open can end.
    do(store.end, "c1", NOW + 4 * MINUTE)
    assert Chat.objects.get().changed_at == NOW + 3 * MINUTE


def test_a_live_chat_moves_with_the_patient(do: Any) -> None:
    """With all that is still to be carried out, and what was told in the other conversation."""
    chat = chats.join("before", "natalie", "Natalie Yeo", NOW)
    chats.say(chat.pk, "natalie", "Hello", "k1", NOW)
    chats.tell("after", "news", "It is confirmed.", {}, NOW)
    chats.ask("after", NOW - MINUTE)
    assert chats.stop_waiting("after", NOW)
    for _ in range(2):
        do(store.hand_on, "before", "after", NOW + MINUTE)
    moved = Chat.objects.get()
    assert (moved.pk, moved.conversation_id, moved.state) == (chat.pk, "after", "person")
    steps = do(store.to_do, "after")
    assert [step.kind for step in steps] == ["joined", "said", "news", "joined"]
    assert {step.name for step in steps if step.kind == "joined"} == {"Natalie Yeo"}
    assert moved.asks.get().asked_at == NOW - MINUTE


def test_a_live_chat_ends_where_somebody_is_in_the_other_one(do: Any) -> None:
    chats.ask("before", NOW)
    chats.join("after", "omar", "Omar Haddad", NOW)
    do(store.hand_on, "before", "after", NOW)
    do(store.hand_on, "nobody", "after", NOW)
    states = {chat.conversation_id: chat.state for chat in Chat.objects.all()}
    assert states == {"before": "closed", "after": "person"}
