"""The list of sessions: filters in an address, pages, and the way to the next unreviewed one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from clinic.conversations import listing, search
from clinic.conversations.listing import Filters
from clinic.conversations.models import Message, Session, SessionTag, SessionTopic, Tag
from clinic.text import BadInput

START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def session(number: int, minutes: int | None = None, **more: Any) -> Session:
    """A session whose last activity is so many minutes after START."""
    at = START + timedelta(minutes=number if minutes is None else minutes)
    values = {
        "channel": "website",
        "started_at": at,
        "last_activity_at": at,
        "first_event_id": number,
        "last_event_id": number,
        "messages": 2,
        "patient_messages": 1,
        "not_understood": 0,
        "outcome": "answered",
        **more,
    }
    return Session.objects.create(conversation_id=f"c{number}", number=1, **values)


def ids(page: listing.Page) -> list[str]:
    return [found.conversation_id for found in page.sessions]


def test_filters_survive_the_address() -> None:
    filters = Filters(
        since=date(2026, 11, 1),
        until=date(2026, 11, 2),
        channel="website",
        topic="faq/cost",
        outcome="answered",
        confidence_below=0.4,
        red_flag=True,
        not_understood=False,
        feedback="down",
        reviewed=False,
        hold=True,
        tag="follow up",
        assigned="natalie",
        text='"burning leg" & more',
    )
    assert Filters.from_query("?" + filters.to_query()) == filters
    to_the_minute = Filters(since=datetime(2026, 11, 23, 19, 5, tzinfo=UTC))
    assert to_the_minute.to_query() == "since=2026-11-23T14%3A05"
    assert Filters.from_query(to_the_minute.to_query()) == to_the_minute
    assert Filters().to_query() == ""
    assert Filters.from_query({"page": "2", "channel": " "}) == Filters()


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=2026-11-27T24:30",
        "confidence_below=nan",
        "confidence_below=2",
        "reviewed=maybe",
        "outcome=good",
        "feedback=sideways",
        "text=" + "a" * 201,
    ],
)
def test_what_is_not_allowed_is_named(query: str) -> None:
    with pytest.raises(BadInput, match=query.partition("=")[0]):
        Filters.from_query(query)


def test_each_filter_finds_its_own(any_database: str) -> None:
    session(0)
    session(1, channel="sms")
    session(2, outcome="abandoned")
    session(3, lowest_confidence=0.1)
    session(4, triage_level="urgent")
    session(5, feedback_down=True)
    session(6, reviewed_at=START)
    session(7, assigned_to="natalie")
    session(8, hold=True)
    session(9, not_understood=1)
    session(10, minutes=3 * 24 * 60)
    SessionTopic.objects.create(session=session(11), topic="faq/cost")
    tagged = session(12)
    SessionTag.objects.create(session=tagged, tag=Tag.objects.create(name="odd"), by="natalie")
    search.put([(session(13).pk, ["my calf burns at night"])])
    for number, filters in {
        1: Filters(channel="sms"),
        2: Filters(outcome="abandoned"),
        3: Filters(confidence_below=0.2),
        4: Filters(red_flag=True),
        5: Filters(feedback="any"),
        6: Filters(reviewed=True),
        7: Filters(assigned="natalie"),
        8: Filters(hold=True),
        9: Filters(not_understood=True),
        10: Filters(since=date(2026, 11, 2)),
        11: Filters(topic="faq/cost"),
        12: Filters(tag="odd"),
        13: Filters(text="burning calf"),
    }.items():
        assert ids(listing.page(filters)) == [f"c{number}"], filters
        assert listing.count(filters) == 1, filters
    assert listing.count(Filters(reviewed=False)) == 13
    assert listing.choices()["channel"] == ["sms", "website"]


def test_a_day_is_a_day_at_the_clinic(any_database: str) -> None:
    # 03:00 UTC on the 2nd is still the evening of the 1st in Toronto
    session(1, minutes=15 * 60)
    assert ids(listing.page(Filters(until=date(2026, 11, 1)))) == ["c1"]
    assert ids(listing.page(Filters(since=date(2026, 11, 2)))) == []


def test_words_with_signs_are_only_words(any_database: str) -> None:
    search.put([(session(1).pk, ["is it 50% off (really)?"])])
    for text in ('"', "50%", "(really", "off*", "a OR b", "NEAR(", "-off", "'; DROP"):
        listing.page(Filters(text=text))
    assert ids(listing.page(Filters(text="50% off"))) == ["c1"]
    assert ids(listing.page(Filters(text='"off 50"'))) == []
    assert ids(listing.page(Filters(text="?!"))) == []
    assert ids(listing.page(Filters(text="is it"))) == ["c1"]


def test_numbers_and_addresses_are_not_found(any_database: str) -> None:
    said = ["416-555-0177 or priya@example.com", "six four seven, double five five 0122"]
    search.put([(session(1).pk, [*said, "since 2015, at night"])])
    for text in ('"555 0177"', "0177", "416", "555", "example", "priya", "seven", "0122", "177"):
        assert ids(listing.page(Filters(text=text))) == [], text
    assert ids(listing.page(Filters(text="2015 night"))) == ["c1"]


def test_an_index_that_holds_numbers_is_made_anew_by_the_update(any_database: str) -> None:
    from django.core.management import call_command

    one = session(1)
    for event, text in enumerate(("my calf burns,", "call 416-555-0177", "jo@example.com")):
        Message.objects.create(event_id=event, session=one, at=START, author="patient", text=text)
    other = session(2)
    Message.objects.create(event_id=9, session=other, at=START, author="patient", text="burning")
    call_command("migrate", "conversations", "0015", verbosity=0)
    # As it was kept before: all of it.
    with connection.cursor() as cursor:
        cursor.execute(
            search._PUT[connection.vendor], [one.pk, "my calf burns call 416 555 0177 jo example"]
        )
    assert ids(listing.page(Filters(text="0177"))) == ["c1"]
    call_command("migrate", verbosity=0)
    for text in ("0177", "416", "jo", "example"):
        assert ids(listing.page(Filters(text=text))) == [], text
    assert ids(listing.page(Filters(text="calf burning call"))) == ["c1"]
    assert ids(listing.page(Filters(text="burns"))) == ["c2", "c1"]
    if any_database == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            pages = cursor.execute("SELECT block FROM conversations_search_data").fetchall()
        assert not any(b"0177" in page for (page,) in pages)


def test_the_search_works_after_more_removals_than_sqlite_can_describe(database: Path) -> None:
    kept = session(1)
    search.put([(kept.pk, ["my calf burns"])])
    # More than a page of it, so that it is not made small again by itself.
    words = [" ".join(f"word{doc * n}" for n in range(30)) for doc in range(300)]
    search.put([(kept.pk + 2 + doc, [text]) for doc, text in enumerate(words)])
    for number in range(1050):
        search.put([(kept.pk + 1, [f"calf other{number}"])])
        search.remove([kept.pk + 1])
        search.forget_removed()
    connection.close()
    assert ids(listing.page(Filters(text="calf"))) == ["c1"]
    for number in range(200):
        search.put([(kept.pk + 1, [f"calf other{number}"])])
        search.remove([kept.pk + 1])
        search.forget_removed()
    before = description()
    search.tidy()
    assert description() < 100 < before
    assert ids(listing.page(Filters(text="calf"))) == ["c1"]


def description() -> int:
    """The length of what SQLite notes about the search's index, in bytes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT length(block) FROM conversations_search_data WHERE id = 10")
        return int(cursor.fetchone()[0])


def test_pages_lead_forth_and_back(any_database: str) -> None:
    for number in range(7):
        session(number, minutes=number // 3)  # some at the same moment
    first = listing.page(Filters(), size=3)
    second = listing.page(Filters(), older=first.older, size=3)
    third = listing.page(Filters(), older=second.older, size=3)
    assert ids(first) + ids(second) + ids(third) == [f"c{n}" for n in (6, 5, 4, 3, 2, 1, 0)]
    assert first.newer is None
    assert third.older is None
    assert ids(listing.page(Filters(), newer=third.newer, size=3)) == ids(second)
    assert ids(listing.page(Filters(), newer=second.newer, size=3)) == ids(first)
    with pytest.raises(BadInput):
        listing.page(Filters(), older="here")


def test_the_next_unreviewed_one(any_database: str) -> None:
    for number in range(5):
        session(number, reviewed_at=START if number == 2 else None)
    at = Session.objects.get(conversation_id="c3")
    older = listing.next_unreviewed(Filters(), at)
    newer = listing.previous_unreviewed(Filters(), at)
    assert older
    assert older.conversation_id == "c1"
    assert newer
    assert newer.conversation_id == "c4"
    assert listing.next_unreviewed(Filters(channel="sms"), at) is None


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(channel="sms"),
        Filters(outcome="abandoned"),
        Filters(confidence_below=0.1),
        Filters(red_flag=True),
        Filters(feedback="any"),
        Filters(reviewed=False),
        Filters(assigned="natalie"),
        Filters(hold=True),
        Filters(since=date(2026, 11, 1), not_understood=True, channel="website"),
    ],
)
def test_a_page_is_read_along_one_index(database: Path, filters: Filters) -> None:
    """However many sessions there are, no row is read that is not shown, and none sorted."""
    rows = listing.matching(filters).order_by("-last_activity_at", "-id").values_list("id")
    plan = rows.explain()
    assert "COVERING INDEX session_list" in plan
    assert "TEMP B-TREE" not in plan
