"""Today: what happened since the last visit leads to where it stands."""

from __future__ import annotations

import re
from datetime import timedelta
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


def test_what_happened_since_the_last_visit_opens_its_list(
    front_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.booking.requests import change_status, create_request

    front_desk.get("/")
    later = NOW + timedelta(hours=2)
    monkeypatch.setenv("CLINIC_NOW", later.isoformat())
    chat("lost", at=later, not_understood=1, lines=[("patient", "hm", {"understood": False})])
    for number, status in enumerate(("", "confirmed", "cancelled")):
        made = create_request(
            conversation_id=f"c{number}",
            patient_name=f"Patient{number}",
            patient_contact="sam@example.com",
            preferred_time="soon",
            idempotency_key=str(number),
            now=later,
        )
        if status:
            change_status(made, status, "patient", later)
    page = front_desk.get("/").content.decode()
    since = page[page.index("Since your last visit") :]
    links = {
        words: address.replace("&amp;", "&")
        for address, words in re.findall(r'<li><a href="([^"]+)"><strong[^>]*>(.*?)</a>', since)
    }
    assert {re.sub(r"<[^>]+>", "", words) for words in links} == {
        "1 conversation",
        "1 question not understood",
        "3 appointments requested",
        "1 proposed time accepted by the patient",
        "1 appointment cancelled by the patient",
    }
    for words, part in (
        ("1</strong> conversation", "hm"),
        ("1</strong> question not understood", "hm"),
        ("3</strong> appointments requested", "Patient0"),
        ("1</strong> proposed time accepted by the patient", "Patient1"),
        ("1</strong> appointment cancelled by the patient", "Patient2"),
    ):
        assert part in front_desk.get(links[words]).content.decode(), words
