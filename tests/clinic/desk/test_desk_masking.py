"""One number, typed wherever a patient can type: no page, download, letter or log has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from desk_chats import NOW, chat, understood
from desk_people import browser, person
from test_desk_access import _routes

PHONE = "416-555-0177"
DIGITS = re.compile(r"555\D{0,3}0177")
#: Wednesday, 2 pm in Toronto.
START = datetime(2026, 11, 25, 19, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, database: Any) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())


@pytest.fixture
def typed() -> dict[str, str]:
    """A patient who repeats the number everywhere; the values that addresses are made with."""
    from clinic.booking import holds, waiting
    from clinic.booking.requests import change_status, create_request
    from clinic.handoff.messages import leave_message
    from clinic.live import chats
    from clinic.outbox.models import Item
    from clinic.questions.collecting import collect
    from clinic.questions.models import Question

    said = chat(
        "private",
        [
            ("patient", f"call me at {PHONE}", {
                **understood("book_appointment", 0.91),
                "entities": [{"entity": "phone", "value": PHONE}],
                "slots": {"patient_contact": PHONE},
                "triage": {"words": f"call {PHONE}"},
                "payload": f'/inform{{"phone": "{PHONE}"}}',
            }),
            ("assistant", f"We call {PHONE}.", {
                "response": "utter_summary", "buttons": [{"title": f"Call {PHONE}"}],
            }),
            ("patient", f"what about {PHONE} then", {"understood": False, "confidence": 0.2}),
            ("assistant", "Please say it in other words.", {"response": "utter_not_understood_1"}),
        ],
        at=NOW - timedelta(minutes=2),
        not_understood=1,
    )  # fmt: skip
    hold = holds.hold("Natalie Yeo", START, 60, "private", NOW)
    assert hold is not None
    request = create_request(
        conversation_id="private",
        patient_name=f"Priya {PHONE}",
        patient_contact=PHONE,
        preferred_time=f"wednesday, call {PHONE}",
        note=f"my number is {PHONE}",
        for_whom=f"my mother {PHONE}",
        service="massage therapy",
        idempotency_key="1",
        hold=hold,
        now=NOW,
    )
    change_status(request, "declined", "mara", NOW)
    Item.objects.filter(part="chat").update(state="stuck", reason="not_reached")
    message = leave_message(
        conversation_id="private",
        patient_contact=PHONE,
        patient_name=f"Priya {PHONE}",
        text=f"Please call {PHONE}",
        idempotency_key="2",
    )
    waiting.join_waiting_list(
        conversation_id="private",
        patient_name=f"Priya {PHONE}",
        patient_contact=PHONE,
        minutes=60,
        windows=[(START, START + timedelta(hours=8))],
        note=f"my number is {PHONE}",
        for_whom=f"my mother {PHONE}",
        idempotency_key="3",
        now=NOW,
    )
    live = chats.ask("private", NOW)
    while collect():
        pass
    return {
        "conversations": str(said.pk),
        "questions": str(Question.objects.get().pk),
        "live": str(live.pk),
        "bookings": request.reference,
        "messages": message.reference,
    }


def addresses(values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every address of the desk, with values that are there."""
    for name, pattern in _routes().items():
        path = str(pattern.pattern)
        value = values.get(path.partition("/")[0], "1")
        yield name, "/" + re.sub(r"<[^>]*>", value, path)


def test_it_is_on_no_page_and_in_no_download(
    typed: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    from clinic.audit.models import Entry
    from clinic.people.roles import Role
    from clinic.questions import inbox

    desk = browser(person("ada", *Role))
    desk.post(f"/conversations/{typed['conversations']}/note", {"text": f"again, {PHONE}"})
    opened = set()
    more = [
        ("conversations", "/conversations/?text=call"),
        ("bookings", "/bookings/?show=over"),
        ("week", "/bookings/week?from=2026-11-23"),
        ("live-news", f"/live/{typed['live']}/news?after=0"),
        ("transcript", f"/conversations/{typed['conversations']}?poll=1&after=0"),
    ]
    for name, address in [*addresses(typed), *more]:
        if name in ("logout", "invitation"):
            continue
        page = desk.get(address, headers={"HX-Request": "true"} if "after=" in address else {})
        if page.status_code != 200:
            assert page.status_code in (302, 404, 405), (name, page.status_code)
            continue
        opened.add(name)
        body = b"".join(page) if page.streaming else page.content
        assert not DIGITS.search(body.decode()), name
    assert opened >= {
        *("today", "bookings", "booking", "week", "waiting-list", "deliveries", "messages", "live"),
        *("live-chat", "live-news", "conversations", "transcript", "as-test", "download-csv"),
        *("download-json", "questions", "question", "insights", "privacy", "audit"),
        "people",
    }
    found = desk.post("/bookings/find", {"q": "priya"})
    assert typed["bookings"] in found.content.decode()
    assert not DIGITS.search(found.content.decode())
    inbox.decide([int(typed["questions"])], "topic", "ada", "faq/cost")
    patch = desk.post("/questions/patch").content.decode()
    assert "what about" in patch
    assert not DIGITS.search(patch)
    kept = " ".join(str(row) for row in Entry.objects.values_list())
    assert not DIGITS.search(kept)
    assert not DIGITS.search(caplog.text)


def test_it_is_in_no_letter_to_the_clinic_and_not_in_the_chat(typed: dict[str, str]) -> None:
    from clinic import facts
    from clinic.booking.handoff import words
    from clinic.booking.models import StatusChange
    from clinic.live.models import Step
    from clinic.outbox.reading import appointment_of

    told = []
    for change in StatusChange.objects.filter(status="requested"):
        told += words.letter("clinic", appointment_of(change, 0), facts.current()).values()
    told += Step.objects.values_list("text", flat=True)
    told += Step.objects.values_list("attached", flat=True)
    assert len(told) >= 3
    assert not DIGITS.search(" ".join(told))


def test_it_is_in_no_notice_and_not_in_the_calendar(
    typed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack, the letter about somebody who waits, the entry in the clinic's own calendar."""
    from types import SimpleNamespace

    from clinic import facts
    from clinic.booking.handoff.invitations import clinic_entry
    from clinic.booking.handoff.mail import MailSettings
    from clinic.booking.models import StatusChange
    from clinic.live import upkeep
    from clinic.live.letters import wait_letter
    from clinic.live.models import Step
    from clinic.outbox import slack
    from clinic.outbox.models import Item
    from clinic.outbox.reading import appointment_of

    upkeep.look(NOW + timedelta(minutes=10), facts.current().live_chat)
    sent: list[bytes] = []
    monkeypatch.setenv(slack.SETTING, "http://127.0.0.1:9/services/T/B/x")
    monkeypatch.setattr(
        slack.web, "call", lambda *given: sent.append(given[3]) or SimpleNamespace(status=200)
    )
    assert slack.enqueue(NOW) > 1
    for item in Item.objects.filter(part="slack"):
        slack.tell(item)
    settings = MailSettings("127.0.0.1", 25, "none", "clinic@example.com")
    step = Step.objects.get(kind="long_wait")
    sent.append(wait_letter(step, facts.current(), settings).as_bytes())
    for change in StatusChange.objects.filter(status="requested"):
        sent.append(clinic_entry(appointment_of(change, 0), facts.current()).to_ical())
    assert len(sent) >= 4
    assert not DIGITS.search(b" ".join(sent).decode())
