"""Whatever is said, rated and deleted, and whenever it is read: staff read what was said."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from fabricated import Events, Talk, question
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clinic.conversations import listing, projection
from clinic.conversations.feedback import save_feedback
from clinic.conversations.listing import Filters
from clinic.conversations.models import Feedback, Message, Position, Recheck, Session
from clinic.conversations.projection import Tail
from clinic.conversations.store import Sqlite
from clinic.privacy.deletion import delete_conversation

who = st.sampled_from("abcd")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("asks"), who),
        st.tuples(st.just("comes back"), who),
        st.tuples(st.just("rates"), who),
        st.tuples(st.just("deletes"), who),
        st.tuples(st.just("opens"), who),
        st.tuples(st.sampled_from(("read", "restart", "rebuild")), st.just("")),
    ),
    max_size=25,
)
_folders = itertools.count()


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """An overlap so small that what it hides shows, and what is being erased seen at each look."""
    monkeypatch.setattr(projection, "LOOKED_AT_EVERY", 0.0)
    monkeypatch.setattr(projection, "OVERLAP", 3)
    monkeypatch.setattr(projection, "OVERLAP_AT_START", 6)


@pytest.mark.usefixtures("quick_looks")
@example([("asks", "b"), ("asks", "a"), ("read", ""), ("deletes", "b")])
@given(steps)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_staff_read_what_was_said(
    database: Path, tmp_path: Path, done: list[tuple[str, str]]
) -> None:
    for model in (Session, Feedback, Position, Recheck):
        model.objects.all().delete()
    events = Events(tmp_path / f"{next(_folders)}.sqlite3")
    store = Sqlite(events.file)
    tail = Tail(store)
    said: dict[str, list[str]] = {}
    erased: set[str] = set()
    for number, (what, conversation) in enumerate(done):
        if conversation in erased:
            # A look comes each second. More than the overlap is not erased and written in one.
            tail.step()
            erased.clear()
        if what == "asks" and said.get(conversation):
            talk = Talk().patient(f"word{number}", "faq/cost")
            events.write(conversation, talk.assistant("100", "utter_faq/cost").listen())
            said[conversation].append(f"word{number}")
        elif what in ("asks", "comes back"):
            events.write(conversation, question(text=f"word{number}"))
            said.setdefault(conversation, []).append(f"word{number}")
        elif what == "opens":
            events.write(conversation, Talk().start().assistant("Hello", "utter_greet").listen())
        elif what == "rates":
            save_feedback(
                conversation_id=conversation,
                answer="utter_faq/cost",
                value="down",
                message_reference="",
            )
        elif what == "deletes":
            delete_conversation(conversation)
            if number % 2:
                tail.step()
            events.erase(conversation)
            said.pop(conversation, None)
            erased.add(conversation)
        elif what == "read":
            tail.step()
        elif what == "restart":
            tail = Tail(store)
        elif what == "rebuild":
            projection.rebuild(store)
    while tail.step():
        pass
    tail.step()
    found = projection.reconcile(store)
    assert found.equal, found
    kept: dict[str, list[str]] = {}
    rows = Message.objects.filter(author="patient").order_by("event_id")
    for conversation, text in rows.values_list("session__conversation_id", "text"):
        kept.setdefault(conversation, []).append(text)
    assert kept == said
    for conversation, words in said.items():
        page = listing.page(Filters(text=words[-1]))
        assert [each.conversation_id for each in page.sessions] == [conversation]
    store.close()
    events.connection.close()
