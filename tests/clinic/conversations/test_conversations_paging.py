"""Pages of the list, whatever the list is: nothing twice, nothing left out, forth and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.conversations import listing
from clinic.conversations.listing import Filters
from clinic.conversations.models import Session

START = datetime(2026, 11, 1, tzinfo=UTC)
# Few different moments, so that many sessions have the same.
sessions = st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=25)


def keep(rows: list[tuple[int, bool]]) -> None:
    """Sessions so many microseconds after START, reviewed or not, in place of all others."""
    Session.objects.all().delete()
    Session.objects.bulk_create(
        Session(
            conversation_id=f"c{number}",
            number=1,
            channel="website",
            started_at=START,
            last_activity_at=START + timedelta(microseconds=later),
            first_event_id=number,
            last_event_id=number,
            messages=1,
            patient_messages=1,
            not_understood=0,
            outcome="answered",
            reviewed_at=START if reviewed else None,
        )
        for number, (later, reviewed) in enumerate(rows)
    )


def keys(page: listing.Page) -> list[int]:
    return [session.pk for session in page.sessions]


@given(sessions, st.integers(1, 7), st.sampled_from((None, True, False)))
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_pages(
    database: Path, rows: list[tuple[int, bool]], size: int, reviewed: bool | None
) -> None:
    keep(rows)
    filters = Filters(reviewed=reviewed)
    wanted = [
        session.pk
        for session in Session.objects.order_by("-last_activity_at", "-id")
        if reviewed is None or bool(session.reviewed_at) is reviewed
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
    database: Path, rows: list[tuple[int, bool]], data: st.DataObject
) -> None:
    keep(rows)
    everything = list(Session.objects.order_by("-last_activity_at", "-id"))
    place = data.draw(st.integers(0, len(everything) - 1))
    older = [each for each in everything[place + 1 :] if not each.reviewed_at]
    newer = [each for each in everything[:place] if not each.reviewed_at]
    here = everything[place]
    assert listing.next_unreviewed(Filters(), here) == (older[0] if older else None)
    assert listing.previous_unreviewed(Filters(), here) == (newer[-1] if newer else None)
