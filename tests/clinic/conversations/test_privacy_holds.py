"""A client record that becomes one while the night's deletion is at work."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from fabricated import Events, Talk

from clinic import clock
from clinic.conversations.models import Session
from clinic.conversations.projection import Tail, rebuild
from clinic.conversations.store import Sqlite
from clinic.desk import reviewing
from clinic.privacy import retention


def test_a_hold_that_comes_after_the_list_was_made_is_kept(
    database: Path,
    events: Events,
    tail: Tail,
    store: Sqlite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", events.file.parent)
    for conversation in ("held", "goes"):
        talk = Talk(time.time() - 9000).start().patient("hello", "greet")
        events.write(conversation, talk.assistant("Hi", "utter_greet").listen())
    tail.step()
    tonight = clock.now() + timedelta(days=1000)
    assert sorted(retention.due(tonight, store).delete) == ["goes", "held"]
    erase = retention.erase

    def meanwhile(conversations: list[str], who: str) -> object:
        reviewing.hold("held", "omar", on=True)
        return erase(conversations, who)

    monkeypatch.setattr(retention, "erase", meanwhile)
    done = retention.run(tonight, "retention", store)
    assert (done.deleted, done.held, done.failed) == (1, 1, 0)
    assert Session.objects.get().conversation_id == "held"


def later(events: Events, tail: Tail) -> Session:
    """The patient comes back after a break; the session of that."""
    talk = Talk(time.time()).start().patient("hello again", "greet")
    events.write("held", talk.assistant("Hi", "utter_greet").listen())
    tail.step()
    return Session.objects.get(conversation_id="held", number=2)


@pytest.mark.parametrize("how", ["goes on", "undone", "taken away"])
def test_what_comes_later_in_a_client_record_is_part_of_it(
    how: str, database: Path, events: Events, tail: Tail, store: Sqlite
) -> None:
    talk = Talk(time.time() - 2 * 86_400).start().patient("hello", "greet")
    events.write("held", talk.assistant("Hi", "utter_greet").listen())
    tail.step()
    undo = reviewing.hold("held", "omar", on=True)
    assert undo is not None
    first = Session.objects.get()
    second = later(events, tail)
    assert (second.hold, second.hold_by, second.hold_at) == (True, "omar", first.hold_at)
    # What the projection loses and makes again, too.
    second.delete()
    rebuild(store)
    assert Session.objects.filter(hold=True).count() == 2
    if how == "undone":
        reviewing.take_back(undo, "omar", clock.now())
    elif how == "taken away":
        reviewing.hold("held", "omar", on=False)
    rows = Session.objects.order_by("number").values_list("hold", flat=True)
    assert list(rows) == [how == "goes on"] * 2


def test_what_came_later_before_is_part_of_it_after_an_update(
    database: Path, events: Events, tail: Tail
) -> None:
    from django.core.management import call_command

    events.write("held", Talk(time.time() - 2 * 86_400).start().patient("hello", "greet").listen())
    tail.step()
    reviewing.hold("held", "omar", on=True)
    second = later(events, tail)
    events.write("other", Talk().start().patient("hello", "greet").listen())
    tail.step()
    call_command("migrate", "conversations", "0016", verbosity=0)
    Session.objects.filter(pk=second.pk).update(hold=False, hold_by="", hold_at=None)
    call_command("migrate", verbosity=0)
    held = Session.objects.filter(hold=True, hold_by="omar").exclude(hold_at=None)
    assert {session.conversation_id for session in held} == {"held"}
    assert held.count() == 2
