"""Today: what happened since the last visit leads to where it stands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from desk_chats import NOW, chat
from desk_people import browser, person


@pytest.fixture
def front_desk(database: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    return browser(person("mara", "front_desk", "reviewer"))


def test_a_red_flag_after_a_review_is_one_to_look_at(front_desk: Any, tmp_path: Path) -> None:
    from fabricated import Events, Talk

    from clinic.conversations.models import Message, Session
    from clinic.conversations.projection import Tail
    from clinic.conversations.store import Sqlite

    events = Events(tmp_path / "conversations.sqlite3")
    events.write("c", Talk(at=NOW.timestamp() - 60).start().patient("numb", level="urgent"))
    store = Sqlite(events.file)
    tail = Tail(store)
    tail.step()
    (session,) = Session.objects.all()
    page = f"/conversations/{session.pk}"
    assert "red_flag=yes" in front_desk.get("/").content.decode()
    front_desk.post(f"{page}/review")
    assert "red_flag=yes" not in front_desk.get("/").content.decode()
    assert "New since" not in front_desk.get(page).content.decode()
    events.write("c", Talk(at=NOW.timestamp() + 60).patient("cannot walk", level="emergency"))
    tail.step()
    store.close()
    assert "red_flag=yes" in front_desk.get("/").content.decode()
    assert "new since the review" in front_desk.get("/conversations/").content.decode()
    shown = front_desk.get(page).content.decode()
    assert "New since the review" in shown
    news = Message.objects.get(text="cannot walk")
    assert f'href="{page}?message={news.pk}#m{news.pk}"' in shown
    front_desk.post(f"{page}/review")
    assert "New since" not in front_desk.get(page).content.decode()


def lines(page: Any) -> dict[str, str]:
    """What stands under "Since your last visit", with the address of its list."""
    since = page.content.decode().partition("Since your last visit")[2]
    found = re.findall(r'<li><a href="([^"]+)"><strong[^>]*>(.*?)</a>', since)
    return {re.sub(r"<[^>]+>", "", words): at.replace("&amp;", "&") for at, words in found}


def request_of(number: int, at: datetime) -> Any:
    from clinic.booking.requests import create_request

    return create_request(
        conversation_id=f"c{number}",
        patient_name=f"Patient{number}",
        patient_contact="sam@example.com",
        preferred_time="soon",
        idempotency_key=str(number),
        now=at,
    )


def changed(request: Any, status: str, reason: str, at: datetime) -> None:
    request.status_changes.create(status=status, who="patient", reason=reason, at=at)


def test_what_happened_since_the_last_visit_opens_its_list(
    front_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number and the list say the same, though more stands on that day."""
    from clinic.booking.requests import REFUSED

    lost = [("patient", "hm", {"understood": False})]
    before = NOW - timedelta(minutes=61, seconds=20)
    chat("earlier", lost, at=before, not_understood=1)
    ends = [("confirmed", ""), ("cancelled", ""), ("changed", ""), ("requested", REFUSED)]
    for number, (status, reason) in enumerate(ends):
        changed(request_of(number, before), status, reason, before)
    request_of(8, before)
    front_desk.get("/")
    later = NOW + timedelta(hours=2, seconds=40)
    monkeypatch.setenv("CLINIC_NOW", later.isoformat())
    assert lines(front_desk.get("/")) == {}, "nothing has happened since"
    chat("later", lost, at=later, not_understood=1)
    for number, (status, reason) in enumerate(ends, 10):
        changed(request_of(number, before), status, reason, later)
    request_of(18, later)
    found = lines(front_desk.get("/"))
    assert set(found) == {
        "1 conversation",
        "1 conversation with a question not understood",
        "1 appointment requested",
        "1 proposed time accepted by the patient",
        "1 appointment cancelled by the patient",
        "1 request changed by the patient",
        "1 proposed time refused, to find another",
    }
    for words, address in found.items():
        page = front_desk.get(address).content.decode()
        rows = re.findall(r'<li class="row ', page)
        assert len(rows) == 1, words
        assert "Patient" not in page or re.search(r"Patient1\d", page), words
    assert found["1 conversation"].endswith("since=2026-11-23T10%3A00")
    card = 'href="/conversations/?since=2026-11-23T10%3A00&amp;not_understood=yes&amp;reviewed=no"'
    assert f'{card}><span class="big number">1<' in front_desk.get("/").content.decode()


@pytest.mark.parametrize("since", ["", "soon", "2026-11-23T25:00"])
def test_a_list_of_no_moment_is_the_one_to_decide(front_desk: Any, since: str) -> None:
    page = front_desk.get(f"/bookings/?show=requested&since={since}")
    assert page.status_code == 302
    assert page.headers["Location"] == "/bookings/"
