"""Pages of the list, whatever the list is: nothing twice, nothing left out, forth and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.conversations import listing, search
from clinic.conversations.listing import Filters
from clinic.conversations.models import Session, SessionTag, SessionTopic, Tag

START = datetime(2026, 11, 1, tzinfo=UTC)
# Few different moments, so that many sessions have the same; and what else is so of a session, one
# bit for each.
sessions = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 255)), max_size=25)


def keep(rows: list[tuple[int, int]]) -> None:
    """Sessions so many microseconds after START in place of all others."""
    Session.objects.all().delete()
    tag, _ = Tag.objects.get_or_create(name="parking")
    for number, (later, bits) in enumerate(rows):
        on = [bool(bits >> place & 1) for place in range(8)]
        session = Session.objects.create(
            conversation_id=f"c{number}",
            number=1,
            channel="sms" if on[1] else "website",
            started_at=START,
            last_activity_at=START + timedelta(microseconds=later),
            first_event_id=number,
            last_event_id=number,
            messages=1,
            patient_messages=1,
            not_understood=0,
            outcome="red_flag" if on[2] else "answered",
            triage_level="urgent" if on[3] else "",
            hold=on[4],
            began_hour=9 if on[5] else 10,
            topics=["faq/cost"] if on[6] else [],
            opening="a zebra on the stairs" if on[7] else "a zebra",
            reviewed_at=START if on[0] else None,
        )
        if on[6]:
            SessionTopic.objects.create(session=session, topic="faq/cost")
        if on[3]:
            SessionTag.objects.create(session=session, tag=tag, by="rui")
        search.put([(session.pk, [session.opening])])


def keys(page: listing.Page) -> list[int]:
    return [session.pk for session in page.sessions]


def fits(session: Session, filters: Filters) -> bool:
    """What ``listing.matching`` says, in Python."""
    return all(
        (
            filters.reviewed is None or bool(session.reviewed_at) is filters.reviewed,
            not filters.channel or session.channel == filters.channel,
            not filters.outcome or session.outcome == filters.outcome,
            filters.red_flag is None or (session.triage_level == "urgent") is filters.red_flag,
            filters.hold is None or session.hold is filters.hold,
            filters.hour is None or session.began_hour == filters.hour,
            not filters.topic or filters.topic in session.topics,
            not filters.tag or session.tags.filter(name=filters.tag).exists(),
            not filters.text or filters.text in session.opening.split(),
        )
    )


@given(
    sessions,
    st.integers(1, 7),
    st.builds(
        Filters,
        reviewed=st.none() | st.booleans(),
        channel=st.sampled_from(("", "", "sms")),
        outcome=st.sampled_from(("", "", "red_flag")),
        red_flag=st.none() | st.booleans(),
        hold=st.none() | st.booleans(),
        hour=st.sampled_from((None, None, 9)),
        topic=st.sampled_from(("", "", "faq/cost")),
        tag=st.sampled_from(("", "", "parking")),
        text=st.sampled_from(("", "", "stairs")),
    ),
)
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_pages(any_database: str, rows: list[tuple[int, int]], size: int, filters: Filters) -> None:
    keep(rows)
    wanted = [
        session.pk
        for session in Session.objects.order_by("-last_activity_at", "-id")
        if fits(session, filters)
    ]
    pages = [listing.page(filters, size=size)]
    while pages[-1].older:
        pages.append(listing.page(filters, older=pages[-1].older, size=size))
    assert [key for page in pages for key in keys(page)] == wanted
    assert all(len(page.sessions) == size for page in pages[:-1])
    assert listing.count(filters) == len(wanted)
    for page, next_page in pairwise(pages):
        assert next_page.newer
        assert keys(listing.page(filters, newer=next_page.newer, size=size)) == keys(page)


@given(sessions.filter(bool), st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_next_unreviewed(
    database: Path, rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    keep(rows)
    everything = list(Session.objects.order_by("-last_activity_at", "-id"))
    place = data.draw(st.integers(0, len(everything) - 1))
    older = [each for each in everything[place + 1 :] if not each.reviewed_at]
    newer = [each for each in everything[:place] if not each.reviewed_at]
    here = everything[place]
    assert listing.next_unreviewed(Filters(), here) == (older[0] if older else None)
    assert listing.previous_unreviewed(Filters(), here) == (newer[-1] if newer else None)
