"""Bookings at the desk: deciding, proposing, what the patient is told, contacts, what is stuck."""

from __future__ import annotations

import html
import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from desk_chats import chat
from desk_people import browser, deeds, person

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
#: Wednesday, 2 pm in Toronto.
START = datetime(2026, 11, 25, 19, tzinfo=UTC)
PHONE = "416-555-0177"


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, database: Path) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    monkeypatch.setenv("CLINIC_SMTP_HOST", "smtp.example.com")


@pytest.fixture
def desk() -> Any:
    return browser(person("mara", "front_desk"))


def ask(contact: str = "priya@example.com", start: datetime | None = START, **more: Any) -> Any:
    from clinic.booking import holds
    from clinic.booking.requests import create_request

    hold = None
    conversation = more.pop("conversation_id", "a-patient")
    if start:
        hold = holds.hold("Natalie Yeo", start, 60, conversation, NOW)
        assert hold
    values = {
        "patient_name": "Priya Nair",
        "preferred_time": "wednesday at 2",
        "minutes": 60,
        "service": "massage therapy",
        "idempotency_key": f"{conversation} {start}",
        **more,
    }
    return create_request(
        conversation_id=conversation, patient_contact=contact, hold=hold, now=NOW, **values
    )


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.content.decode()))


def test_a_request_is_confirmed_with_one_click_and_the_patient_is_told(desk: Any) -> None:
    from clinic.outbox.models import Item

    request = ask()
    listed = desk.get("/bookings/")
    assert "Wed 25 Nov, 2:00 pm" in text(listed)
    done = desk.post(f"/bookings/{request.reference}/confirm", follow=True)
    assert "Confirmed. The patient is told by e-mail and in the chat." in text(done)
    request.refresh_from_db()
    assert request.status == "confirmed"
    change = request.status_changes.latest("pk")
    assert change.who == "mara"
    assert Item.objects.filter(change=change, part="patient").exists()
    assert ("mara", "change") in deeds(about=f"request {request.reference}")
    assert "Nothing is waiting for your answer" in text(desk.get("/bookings/"))
    assert "Priya Nair" in text(desk.get("/bookings/?show=coming"))


def test_all_that_match_a_name_are_reached(desk: Any) -> None:
    for number in range(60):
        ask(conversation_id=f"c{number}", start=None, patient_name=f"Sam Roy {number}")
    ask(conversation_id="other", start=None, patient_name="Priya Nair")
    first = desk.post("/bookings/find", {"q": "sam roy"})
    after = re.search(r'name="after" value="(\d+)"', first.content.decode())[1]
    second = desk.post("/bookings/find", {"q": "sam roy", "after": after})
    seen = re.findall(r"Sam Roy \d+", text(first) + text(second))
    assert len(set(seen)) == 60
    assert "Priya" not in text(first) + text(second)
    assert desk.post("/bookings/find", {"q": " "})["Location"] == "/bookings/"
    assert "Nothing matches" in text(desk.post("/bookings/find", {"q": "Nobody"}))


@pytest.mark.parametrize("show", ["decide", "coming", "over"])
def test_every_booking_of_a_long_list_is_reached(any_database: str, desk: Any, show: str) -> None:
    from clinic.booking.models import AppointmentRequest

    status = {"decide": "requested", "coming": "confirmed", "over": "declined"}[show]
    made = []
    for number in range(120):
        # Some at the same time, some without one.
        start = START + timedelta(hours=number // 2) if number % 5 else None
        made.append(
            AppointmentRequest.objects.create(
                reference=f"R{number:05}",
                conversation_id=f"c{number}",
                patient_name="Sam Roy",
                patient_contact="sam@example.com",
                patient_contact_kind="email",
                preferred_time="soon",
                idempotency_key=str(number),
                status=status,
                therapist="Natalie Yeo",
                starts_at=start,
                ends_at=start and start + timedelta(hours=1),
            ).reference
        )
    address, seen = f"/bookings/?show={show}", []
    while address:
        page = desk.get(address).content.decode()
        seen += re.findall(r'href="/bookings/(R\d{5})"', page)
        older = re.search(r'href="(\?show=[^"]*after=[^"]*)"', page)
        address = f"/bookings/{html.unescape(older[1])}" if older else ""
        assert len(seen) <= len(made), "the same page again"
    assert sorted(seen) == made
    for odd in ("x", "-", "nonsense-3", "9" * 40, "20261125T190000-" + "9" * 40):
        assert desk.get(f"/bookings/?show={show}&after={odd}").status_code == 200


def test_declining_tells_the_reason_that_was_chosen(desk: Any) -> None:
    from clinic import facts
    from clinic.booking.handoff import words
    from clinic.outbox.reading import appointment_now

    request = ask()
    desk.post(f"/bookings/{request.reference}/decline", {"reason": "away"})
    request.refresh_from_db()
    assert request.status == "declined"
    letter = words.letter("patient", appointment_now(request), facts.current())["text"]
    assert "The therapist is away then." in letter
    other = ask(conversation_id="b", start=START + timedelta(hours=3))
    desk.post(f"/bookings/{other.reference}/decline", {"reason": "no such reason"})
    letter = words.letter("patient", appointment_now(other), facts.current())["text"]
    assert f"Reference {other.reference}\n\nTo find another time" in letter


def test_another_time_is_proposed_and_kept(desk: Any) -> None:
    from clinic import facts
    from clinic.booking.handoff import words
    from clinic.outbox.reading import appointment_now

    request = ask()
    page = desk.get(f"/bookings/{request.reference}").content.decode()
    offered = re.findall(r'name="slot" value="([^"]+\|[^"]+)"', page)
    assert len(offered) == 8
    starts = [datetime.fromisoformat(one.split("|")[1]) for one in offered]
    assert len({start.date() for start in starts}) >= 3, "a choice of days"
    assert all(b - a >= timedelta(hours=1) for a, b in itertools.pairwise(starts))
    assert START not in starts
    done = desk.post(f"/bookings/{request.reference}/move", {"slot": offered[0]}, follow=True)
    assert "The other time is kept for the patient." in text(done)
    request.refresh_from_db()
    assert request.status == "changed"
    assert request.starts_at == datetime.fromisoformat(offered[0].split("|")[1])
    letter = words.letter("patient", appointment_now(request), facts.current())
    assert "We can offer this one" in letter["text"]
    typed = {"slot": "", "day": "2026-11-27", "time": "16:15", "therapist": "Natalie Yeo"}
    desk.post(f"/bookings/{request.reference}/move", typed)
    request.refresh_from_db()
    assert request.starts_at == datetime(2026, 11, 27, 21, 15, tzinfo=UTC)


def propose(desk: Any, request: Any) -> Any:
    """Mara offers Friday at 4:15 pm; the change by which she did."""
    typed = {"slot": "", "day": "2026-11-27", "time": "16:15", "therapist": "Natalie Yeo"}
    desk.post(f"/bookings/{request.reference}/move", typed)
    return request.status_changes.get(status="changed")


def test_who_accepted_a_proposed_time_is_seen(desk: Any) -> None:
    from clinic.booking.requests import accept_proposal

    request = ask()
    proposal = propose(desk, request)
    page = f"/bookings/{request.reference}"
    assert "The patient can accept it in the chat" in text(desk.get(page))
    desk.get("/")
    accept_proposal(request, proposal.pk, NOW)
    assert "confirmed by the patient" in text(desk.get(page))
    assert "Nothing is waiting for your answer" in text(desk.get("/bookings/"))
    assert "Fri 27 Nov, 4:15 pm" in text(desk.get("/bookings/?show=coming"))


def test_a_proposed_time_that_does_not_suit_waits_for_another(desk: Any) -> None:
    from clinic.booking.requests import refuse_proposal

    request = ask()
    refuse_proposal(request, propose(desk, request).pk, NOW)
    assert "No time yet" in text(desk.get("/bookings/"))
    shown = text(desk.get(f"/bookings/{request.reference}"))
    assert "does not suit the patient. They were told that someone gets in touch" in shown
    assert "time given back by the patient" in shown
    assert "The patient can accept it" not in shown


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"slot": ""}, 400),
        ({"slot": "Somebody Else|2026-11-26T19:00:00+00:00"}, 400),
        ({"slot": "", "day": "2026-11-20", "time": "10:00", "therapist": "Natalie Yeo"}, 400),
        ({"slot": "Natalie Yeo|2026-11-26T19:15:00+00:00"}, 409),
    ],
)
def test_a_time_that_cannot_be_is_refused(desk: Any, form: dict[str, str], status: int) -> None:
    request = ask()
    ask(conversation_id="another", start=datetime(2026, 11, 26, 19, tzinfo=UTC))
    assert desk.post(f"/bookings/{request.reference}/move", form).status_code == status
    request.refresh_from_db()
    assert (request.status, request.starts_at) == ("requested", START)


def test_two_people_cannot_decide_differently(desk: Any) -> None:
    request = ask()
    desk.post(f"/bookings/{request.reference}/decline")
    late = browser(person("rui", "front_desk")).post(f"/bookings/{request.reference}/confirm")
    assert late.status_code == 409
    assert "Somebody else has decided" in text(late)
    request.refresh_from_db()
    assert request.status == "declined"


def test_a_contact_is_hidden_until_it_is_asked_for_and_that_is_noted(desk: Any) -> None:
    request = ask(
        PHONE,
        preferred_time=f"wednesday, call {PHONE}",
        note=f"my number is {PHONE}, born 12 May 1980",
        patient_name=f"Priya {PHONE}",
        for_whom=f"my mother {PHONE}",
    )
    digits = re.compile(r"555\D{0,3}0177")
    for address in (
        "/",
        "/bookings/",
        "/bookings/week?from=2026-11-23",
        f"/bookings/{request.reference}",
        "/bookings/deliveries",
    ):
        page = desk.get(address)
        assert page.status_code == 200
        assert not digits.search(page.content.decode()), address
        assert "12 May 1980" not in page.content.decode()
    found = desk.post("/bookings/find", {"q": "priya"})
    assert request.reference in text(found)
    assert not digits.search(found.content.decode())
    address = f"/bookings/{request.reference}/contact"
    for nothing in ({}, {"reason": "curious"}):
        assert desk.post(address, nothing).status_code == 400
    assert not deeds(action="unmask")
    why = {"reason": "reach_patient"}
    shown = desk.post(address, why, headers={"HX-Request": "true"})
    assert "tel:+14165550177" in shown.content.decode()
    assert deeds(action="unmask", reason="reach_patient") == [("mara", "unmask")]
    whole = desk.post(address, why)
    assert digits.search(whole.content.decode())


def test_who_looked_at_a_booking_is_noted(desk: Any) -> None:
    request = ask()
    desk.get(f"/bookings/{request.reference}")
    found = desk.post("/bookings/find", {"q": "Priya Nair"})
    assert request.reference in text(found)
    assert "Priya" not in found.request["PATH_INFO"] + found.request.get("QUERY_STRING", "")
    assert deeds(action="view") == [("mara", "view")]
    assert deeds(action="search") == [("mara", "search")]
    from clinic.audit.models import Entry

    kept = " ".join(str(list(row)) for row in Entry.objects.values_list())
    assert "Priya" not in kept
    assert set(Entry.objects.values_list("address", flat=True)) == {"127.0.0.1"}


def test_the_week_shows_requests_and_times_held_in_chats(desk: Any) -> None:
    from clinic.booking import holds

    ask()
    start = START + timedelta(days=1)
    holds.hold("Natalie Yeo", start, 30, "open-chat", NOW)
    page = text(desk.get("/bookings/week"))
    assert "2:00 pm to 3:00 pm Priya Nair to confirm" in page
    assert "2:00 pm to 2:30 pm held in a chat" in page
    assert "Sun 29 Nov Not there" in page
    assert "Mon 23 Nov today 8 am to 8 pm Free" in page
    for odd in ("nonsense", "0001-01-01", "9999-12-31"):
        assert desk.get(f"/bookings/week?from={odd}").status_code == 200


def test_the_week_of_two_therapists_keeps_theirs_apart(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinics import NATALIE, SAM, clinic_of

    from clinic import facts
    from clinic.booking import holds

    two = clinic_of(people={NATALIE: None, SAM: "Tu-Fr 10:00-16:00"})
    monkeypatch.setattr(facts, "current", lambda: two)
    ask()
    holds.hold(SAM, START, 30, "open-chat", NOW)
    page = desk.get("/bookings/week").content.decode()
    headings = re.findall(r"<h2>([^<]+)</h2>", page)
    assert headings == [NATALIE, SAM], "with two, both are named"
    natalies, _, sams = page.partition(f"<h2>{SAM}</h2>")
    assert "Priya Nair" in natalies
    assert "held in a chat" not in natalies
    assert "held in a chat" in sams
    assert "Priya Nair" not in sams
    # Each by their own hours.
    assert "8 am to 8 pm" in natalies
    assert "10 am to 4 pm" in sams
    assert "8 am to 8 pm" not in sams


def test_who_is_not_in_clinic_yml_any_more_stays_in_the_week(desk: Any) -> None:
    from clinic.booking.models import AppointmentRequest

    ask()
    assert "in clinic.yml any more" not in text(desk.get("/bookings/week"))
    AppointmentRequest.objects.update(therapist="Ada Formerly")
    page = text(desk.get("/bookings/week"))
    _, _, theirs = page.partition("Ada Formerly")
    assert "Nobody of this name is in clinic.yml any more" in theirs
    assert "2:00 pm to 3:00 pm Priya Nair to confirm" in theirs


def test_what_is_past_in_the_week_is_not_free(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wednesday_evening = datetime(2026, 11, 26, 2, tzinfo=UTC)
    monkeypatch.setenv("CLINIC_NOW", wednesday_evening.isoformat())
    answer = desk.get("/bookings/week")
    page = text(answer)
    hours = "8 am to 8 pm"
    over = f"Mon 23 Nov {hours} Tue 24 Nov {hours} Wed 25 Nov today {hours} Thu 26 Nov {hours} Free"
    assert over in page
    assert answer.content.decode().count('class="day past"') == 2


def test_without_mail_the_page_says_so_once(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No mail server" not in text(desk.get("/bookings/deliveries"))
    monkeypatch.delenv("CLINIC_SMTP_HOST")
    request = ask()
    assert text(desk.get("/bookings/deliveries")).count("No mail server is set up") == 1
    done = desk.post(f"/bookings/{request.reference}/confirm", follow=True)
    assert "Confirmed. The patient is told in the chat." in text(done)


def test_what_is_stuck_is_shown_and_tried_again(desk: Any) -> None:
    from clinic.outbox.models import Item

    request = ask()
    Item.objects.update(state="stuck", reason="login", code="535")
    assert "2 deliveries that failed" in text(desk.get("/"))
    page = text(desk.get("/bookings/deliveries"))
    assert "the other side refuses our login" in page
    item = Item.objects.filter(request=request).first()
    desk.post(f"/bookings/deliveries/{item.pk}/retry", {"back": f"/bookings/{request.reference}"})
    item.refresh_from_db()
    assert (item.state, item.retried_by) == ("waiting", "mara")
    desk.post("/bookings/deliveries/retry-all")
    assert not Item.objects.filter(state="stuck").exists()


def test_who_has_not_read_the_answer_is_called(desk: Any) -> None:
    from clinic.booking.requests import change_status
    from clinic.outbox import queue, telling

    request = ask(PHONE)
    done = desk.post(f"/bookings/{request.reference}/confirm", follow=True)
    assert "The patient is told in the chat. If they have not read it" in text(done)
    assert "Message in the chat: not read yet" in text(done)
    assert "to call" not in text(desk.get("/"))
    telling.look(queue.real_now() + telling.READ_WITHIN)
    assert "1 patient to call about a booking" in text(desk.get("/"))
    page = desk.get("/bookings/deliveries")
    assert "Please call" in text(page)
    assert "Their appointment is confirmed. Wed 25 Nov, 2:00 pm" in text(page)
    assert "0177" not in page.content.decode()
    one = desk.get(f"/bookings/{request.reference}")
    assert "Message in the chat: needs you" in text(one)
    (address,) = re.findall(r'action="(/bookings/deliveries/\d+/done)"', one.content.decode())
    told = desk.post(address, {"back": f"/bookings/{request.reference}"}, follow=True)
    assert "Noted as done." in text(told)
    assert "Message in the chat: done by hand" in text(told)
    assert "by mara" in text(told)
    undo = re.search(r'action="(/bookings/deliveries/\d+/not-done)"', told.content.decode())[1]
    desk.post(undo)
    assert "1 patient to call about a booking" in text(desk.get("/"))
    assert "not read it" in text(desk.get(f"/bookings/{request.reference}"))
    assert "changed that since" in text(desk.post(undo, follow=True))
    desk.post(address)
    about = f"delivery {address.split('/')[3]}"
    assert deeds(about=about) == [("mara", "change"), ("mara", "undo"), ("mara", "change")]
    assert "to call" not in text(desk.get("/"))
    assert "It has arrived meanwhile" in text(desk.post(address, follow=True))
    change_status(request, "cancelled", "mara")
    assert "Message in the chat: not read yet" in text(desk.get(f"/bookings/{request.reference}"))


def test_a_message_is_answered_and_that_can_be_undone(desk: Any) -> None:
    from clinic.handoff.messages import leave_message

    message = leave_message(
        conversation_id="a-patient",
        patient_contact=PHONE,
        text=f"Please call me at {PHONE} about parking",
        idempotency_key="1",
    )
    page = desk.get("/messages/")
    assert "about parking" in text(page)
    assert "555-0177" not in page.content.decode()
    assert "1 message to answer" in text(desk.get("/"))
    done = desk.post(f"/messages/{message.reference}/answered", follow=True)
    undo = re.search(r'action="(/messages/\w+/new)"', done.content.decode())[1]
    desk.post(undo)
    message.refresh_from_db()
    assert message.status == "new"
    address = f"/messages/{message.reference}/contact"
    assert desk.post(address).status_code == 400
    shown = desk.post(address, {"reason": "reach_patient"}, headers={"HX-Request": "true"})
    assert "tel:+14165550177" in shown.content.decode()
    noted = {"action": "unmask", "about": f"message {message.reference}"}
    assert deeds(**noted, reason="reach_patient") == [("mara", "unmask")]


def test_more_messages_than_one_page_are_all_reached(desk: Any) -> None:
    from clinic.handoff.messages import leave_message
    from clinic.handoff.models import PatientMessage

    made = {
        leave_message(
            conversation_id=f"c{number}",
            patient_contact=PHONE,
            text="Please call",
            idempotency_key=str(number),
        ).reference
        for number in range(120)
    }
    for show in ("", "?show=answered"):
        address, seen = f"/messages/{show}", []
        while address:
            page = desk.get(address).content.decode()
            seen += re.findall(r'action="/messages/(\w{6})/contact"', page)
            more = re.search(r'rel="next" href="([^"]*)"', page)
            address = f"/messages/{html.unescape(more[1])}" if more else ""
            assert len(seen) <= len(made), "the same page again"
        assert set(seen) == made
        PatientMessage.objects.update(status="answered")


def test_today_lists_the_appointments_still_to_come(desk: Any) -> None:
    from clinic.booking.requests import change_status

    for place, start in enumerate((NOW + timedelta(hours=2), START)):
        change_status(ask(conversation_id=f"c{place}", start=start), "confirmed", "mara", NOW)
    page = text(desk.get("/"))
    assert "Appointments today 12:00 pm Priya Nair 60 min with Natalie Yeo" in page
    assert page.count("Priya Nair") == 1


def test_today_says_what_waits_and_what_happened_since_the_last_visit(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nothing waits for you" in text(desk.get("/"))
    ask()
    # Whoever is here for the first time has no last visit.
    first = text(desk.get("/"))
    assert "1 booking to decide" in first
    assert "last visit" not in first
    monkeypatch.setenv("CLINIC_NOW", (NOW + timedelta(hours=20)).isoformat())
    page = text(desk.get("/"))
    assert "1 booking to decide the oldest 20 h ago" in page
    assert "Since your last visit" in page
    assert "1 appointment requested" in page
    # The page keeps itself up to date without being another visit.
    part = desk.get("/?poll=1", headers={"HX-Request": "true"})
    assert "1 appointment requested" in text(part)
    assert "<html" not in part.content.decode()


def test_messages_in_apps_that_did_not_arrive(desk: Any) -> None:
    """What needs someone comes first and can be taken off the list; deleting takes it along."""
    from clinic.outbox.models import LateMessage
    from clinic.privacy.deletion import delete_conversation

    for conversation, state, reason in (
        ("one", "failed", "busy"),
        ("two", "stuck", "stopped"),
        ("three", "stuck", "refused"),
    ):
        LateMessage.objects.create(
            conversation_id=conversation, app="telegram", state=state, reason=reason, at=NOW
        )
    assert "2 deliveries that failed" in text(desk.get("/"))
    page = text(desk.get("/bookings/deliveries"))
    assert page.index("has blocked the assistant") < page.index("out of order")
    number = LateMessage.objects.get(conversation_id="two").pk
    desk.post(f"/bookings/deliveries/late/{number}")
    assert deeds(detail="settled") == [("mara", "change")]
    desk.post(f"/bookings/deliveries/late/{number}")
    assert "It has arrived meanwhile" in text(desk.get("/bookings/deliveries"))
    assert deeds(detail="settled") == [("mara", "change")]
    delete_conversation("three")
    delete_conversation("two")
    assert [row.conversation_id for row in LateMessage.objects.all()] == ["one"]


def test_what_was_seen_to_by_mistake_is_to_be_seen_to_again(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.desk.upkeep import tidy
    from clinic.outbox.models import LateMessage

    row = LateMessage.objects.create(
        conversation_id="two", app="telegram", state="stuck", reason="stopped", at=NOW
    )
    seen_to = f"/bookings/deliveries/late/{row.pk}"
    done = desk.post(seen_to, follow=True).content.decode()
    assert "1 delivery that failed" not in text(desk.get("/"))
    undo = re.search(r'action="([^"]+)"[^>]*>(?:(?!</form>).)*Undo', done, re.S)[1]
    assert "Undone" in text(desk.post(undo, follow=True))
    assert "1 delivery that failed" in text(desk.get("/"))
    assert "left as it is" in text(desk.post(undo, follow=True)), "it was open already"
    # It is kept for as long as that can be undone.
    desk.post(seen_to)
    tidy(NOW + timedelta(hours=23))
    assert LateMessage.objects.exists()
    tidy(NOW + timedelta(hours=25))
    assert not LateMessage.objects.exists()


@pytest.mark.parametrize("state", ["failed", "stuck"])
def test_what_does_not_arrive_after_it_was_seen_to_is_news(
    desk: Any, database: Path, state: str
) -> None:
    import sqlalchemy as sa

    from assistant.channels.apps import late as assistants
    from clinic.outbox import late
    from clinic.outbox.models import LateMessage

    row = LateMessage.objects.create(
        conversation_id="two", app="sms", state="stuck", reason="stopped", at=NOW
    )
    desk.post(f"/bookings/deliveries/late/{row.pk}")
    assert not late.unsettled().exists()
    engine = sa.create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        assistants.note(connection, "two", "sms", state, "busy", NOW)
    engine.dispose()
    assert [one.state for one in late.unsettled()] == [state]


def test_many_deliveries_are_reached_to_the_last_page_by_page(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail server was down over a weekend."""
    from clinic.desk import deliveries
    from clinic.outbox.models import Item, LateMessage

    monkeypatch.setattr(deliveries, "PAGE", 2)
    for number in range(5):
        ask(f"priya{number}@example.com", None, conversation_id=f"c{number}")
        for state in ("stuck", "failed"):
            LateMessage.objects.create(
                conversation_id=f"{state}{number}",
                app="sms",
                state=state,
                reason="busy",
                at=NOW,
            )
    items = list(Item.objects.exclude(part="slack").order_by("pk"))
    assert len(items) >= 5
    for place, item in enumerate(items):
        Item.objects.filter(pk=item.pk).update(state=("stuck", "failed")[place % 2], reason="login")
    seen: set[str] = set()
    addresses, looked = ["/bookings/deliveries"], set()
    while addresses:
        address = addresses.pop()
        looked.add(address)
        page = desk.get(address).content.decode()
        # Two of each kind.
        assert page.count('<li class="row">') <= 8
        seen |= set(re.findall(r'action="/bookings/deliveries/(\d+)/retry"', page))
        seen |= {f"late {one}" for one in re.findall(r"deliveries/late/(\d+)", page)}
        more = {
            f"/bookings/deliveries{link}"
            for link in re.findall(r'rel="next" href="(\?[^"]+)', page)
        }
        addresses += more - looked
    late = LateMessage.objects.filter(state="stuck")
    assert seen == {str(item.pk) for item in items} | {f"late {row.pk}" for row in late}
    assert len({address.partition("=")[0] for address in looked}) == 5


def test_a_long_waiting_list_is_reached_to_its_end(desk: Any) -> None:
    from clinic.booking.waiting import join_waiting_list

    made = [
        join_waiting_list(
            conversation_id=f"waits{number}",
            patient_name="Sam Roy",
            patient_contact=PHONE,
            minutes=60,
            windows=[(START, START + timedelta(hours=8))],
            idempotency_key=f"waits{number}",
            now=NOW,
            note="",
            for_whom="",
            new_or_returning="new",
            consent_version="2026-11",
            consent_at=NOW,
        ).reference
        for number in range(120)
    ]
    query: str | None = ""
    seen: list[str] = []
    while query is not None:
        page = desk.get(f"/bookings/waiting-list{query}").content.decode()
        rows = re.findall(r'action="/bookings/waiting-list/(\w{6})/take-off"', page)
        assert len(rows) <= 50
        seen += rows
        assert len(seen) <= len(made), "the same page again"
        more = re.search(r'rel="next" href="([^"]*)"', page)
        query = html.unescape(more[1]) if more else None
    assert seen == made


def test_who_waits_is_shown_with_all_they_said_and_can_be_taken_off(desk: Any) -> None:
    from clinic.booking.waiting import join_waiting_list

    entry = join_waiting_list(
        conversation_id="waits",
        patient_name="Sam Roy",
        patient_contact=PHONE,
        minutes=60,
        windows=[(START, START + timedelta(hours=8))],
        idempotency_key="waits",
        now=NOW,
        note="A sore neck.",
        for_whom="my mother",
        new_or_returning="new",
        consent_version="2026-11",
        consent_at=NOW,
    )
    page = text(desk.get("/bookings/waiting-list"))
    for shown in ("Sam Roy for my mother", "new here", "A sore neck."):
        assert shown in page
    address = f"/bookings/waiting-list/{entry.reference}/contact"
    assert desk.post(address).status_code == 400
    assert "tel:+14165550177" in desk.post(address, {"reason": "emergency"}).content.decode()
    assert deeds(action="unmask", reason="emergency") == [("mara", "unmask")]
    done = desk.post(f"/bookings/waiting-list/{entry.reference}/take-off", follow=True)
    assert "Off the waiting list." in text(done)
    assert "Nobody waits" in text(done)
    assert ("mara", "change") in deeds(about=f"waiting {entry.reference}")
    undo = re.search(r'action="(/bookings/waiting-list/\w+/put-back)"', done.content.decode())
    assert undo
    back = desk.post(undo[1], follow=True)
    assert "Sam Roy" in text(back)
    # Whoever has got a time meanwhile is not put back.
    entry.state = "booked"
    entry.save()
    assert "Nobody waits" in text(desk.post(undo[1], follow=True))


def test_who_was_sent_to_the_booking_page(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from clinic.outbox.models import LinkGiven

    assert "Sent to book" not in text(desk.get("/bookings/"))
    session = chat("sent-on")
    for number in range(51):
        LinkGiven.objects.create(
            conversation_id="sent-on" if number == 50 else f"other-{number}",
            program="jane",
            address=f"https://sorrel-lane.janeapp.com/#/{number}",
            at=NOW,
        )
    assert "Sent to book" in text(desk.get("/bookings/"))
    page = desk.get("/bookings/links")
    assert "https://sorrel-lane.janeapp.com/#/50" in text(page)
    assert f"/conversations/{session.pk}" in page.content.decode()
    older = re.search(r'href="(\?after=\d+)"', page.content.decode())
    assert older
    assert "https://sorrel-lane.janeapp.com/#/0" in text(desk.get(f"/bookings/links{older[1]}"))
