"""Way out ``caldav`` against a real Radicale; what was written is read by another program."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from handoff_peers.bad import BadServer, dripping, saying, silent
from handoff_peers.calendars import Radicale
from handoff_peers.mail import free_port
from handoff_peers.samples import NOW, START, appointment, with_system

from clinic.booking.handoff import caldav, patience, web
from clinic.booking.handoff.caldav import CalDav, merged, without
from clinic.booking.handoff.interface import Event, Outcome, Part, Reason, Trouble
from clinic.booking.handoff.requests import Requests
from clinic.environment import EnvironmentProblem
from clinic.facts import Facts, Therapist

HOUR = timedelta(hours=1)
_names = (f"calendar{number}" for number in count())


@dataclass
class Desk:
    """A clinic with an empty calendar for Natalie."""

    server: Radicale
    clinic: Facts
    calendar: str
    way: CalDav

    def titles(self) -> list[str]:
        return sorted(str(event["SUMMARY"]) for event in self.server.events(self.calendar))


@pytest.fixture
def desk(radicale: Radicale, sample: Facts, caldav_login: str) -> Desk:
    calendar = radicale.make_calendar(next(_names))
    clinic = with_system(sample, way="caldav", therapists={"Natalie Yeo": calendar})
    return Desk(radicale, clinic, calendar, CalDav(clinic, Requests(clinic, None), caldav_login))


def entry(title: str, start: datetime, minutes: int = 60, more: str = "", uid: str = "") -> str:
    end = start + timedelta(minutes=minutes)
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//front desk//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid or title}\r\nDTSTAMP:20261101T000000Z\r\nSUMMARY:{title}\r\n{more}"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{end:%Y%m%dT%H%M%SZ}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def test_a_request_stands_in_the_calendar_once_and_says_little(desk: Desk) -> None:
    for _ in range(3):
        delivery = desk.way.deliver(appointment(), Part.SYSTEM)
        assert delivery.outcome == Outcome.SENT
        assert delivery.external_id.startswith(desk.calendar)
    (event,) = desk.server.events(desk.calendar)
    assert event["SUMMARY"] == "To confirm: P. N., massage therapy, 60 minutes, with Natalie Yeo"
    assert event["STATUS"] == "TENTATIVE"
    assert (event.start, event.end) == (START, START + HOUR)
    text = event.to_ical().decode()
    for word in ("Priya", "Nair", "Zanzibar", "priya@example.com"):
        assert word not in text


def test_busy_times_are_read_with_recurring_and_tentative_ones(desk: Desk) -> None:
    add = desk.server.add_event
    lunch = datetime(2026, 11, 2, 17, tzinfo=UTC)  # every Monday and Thursday
    add(desk.calendar, entry("lunch", lunch, 60, "RRULE:FREQ=WEEKLY;BYDAY=MO,TH\r\n"))
    add(desk.calendar, entry("maybe", START, 30, "STATUS:TENTATIVE\r\n"))
    add(desk.calendar, entry("no", START + HOUR, 30, "STATUS:CANCELLED\r\n"))
    add(desk.calendar, entry("birthday", START + HOUR, 30, "TRANSP:TRANSPARENT\r\n"))
    day = datetime(2026, 11, 26, 5, tzinfo=UTC)
    noon = datetime(2026, 11, 26, 17, tzinfo=UTC)
    found = desk.way.offer_busy(day, day + timedelta(days=1), "Natalie Yeo")
    assert found == [(noon, noon + HOUR), (START, START + HOUR / 2)]
    assert desk.way.offer_busy(day, noon, "Natalie Yeo") == []
    half = noon + HOUR / 2
    assert desk.way.offer_busy(half, START, "Natalie Yeo") == [(half, noon + HOUR)]


def test_a_time_that_was_taken_meanwhile_is_not_written(desk: Desk) -> None:
    desk.server.add_event(desk.calendar, entry("by phone", START + HOUR / 2, 60))
    delivery = desk.way.deliver(appointment(), Part.SYSTEM)
    assert (delivery.outcome, delivery.reason) == (Outcome.STUCK, Reason.TIME_TAKEN)
    assert desk.titles() == ["by phone"]


def test_times_that_only_touch_do_not_collide(desk: Desk) -> None:
    desk.server.add_event(desk.calendar, entry("before", START - HOUR))
    desk.server.add_event(desk.calendar, entry("after", START + HOUR))
    assert desk.way.deliver(appointment(), Part.SYSTEM).outcome == Outcome.SENT


def test_confirming_keeps_what_the_clinic_added_and_where_it_moved_it(desk: Desk) -> None:
    desk.way.deliver(appointment(), Part.SYSTEM)
    with desk.server.client() as client:
        (event,) = client.calendar(url=desk.calendar).events()
        event.icalendar_component["LOCATION"] = "Room 2"
        event.icalendar_component["SEQUENCE"] = 9
        event.icalendar_component["DTSTART"].dt += HOUR
        event.icalendar_component["DTEND"].dt += HOUR
        event.save()
    confirmed = appointment(status=Event.CONFIRMED, sequence=1)
    assert desk.way.deliver(confirmed, Part.SYSTEM).outcome == Outcome.SENT
    (found,) = desk.server.events(desk.calendar)
    assert (found["STATUS"], found["LOCATION"]) == ("CONFIRMED", "Room 2")
    assert found["SUMMARY"].startswith("P. N.")
    assert found.start == START + HOUR
    assert found["SEQUENCE"] > 9


def test_a_change_moves_the_event_also_over_its_own_old_time(desk: Desk) -> None:
    desk.way.deliver(appointment(), Part.SYSTEM)
    moved = appointment(status=Event.CHANGED, sequence=1, starts_at=START + HOUR / 2)
    assert desk.way.deliver(moved, Part.SYSTEM).outcome == Outcome.SENT
    (found,) = desk.server.events(desk.calendar)
    assert (found.start, found.end) == (START + HOUR / 2, START + 1.5 * HOUR)

    desk.server.add_event(desk.calendar, entry("by phone", START + 2 * HOUR))
    again = appointment(status=Event.CHANGED, sequence=2, starts_at=START + HOUR * 1.25)
    assert desk.way.deliver(again, Part.SYSTEM).reason == Reason.TIME_TAKEN


def test_a_confirmation_after_a_change_that_never_arrived_moves_the_event(desk: Desk) -> None:
    desk.way.deliver(appointment(), Part.SYSTEM)
    confirmed = appointment(status=Event.CONFIRMED, sequence=2, starts_at=START + 3 * HOUR)
    desk.way.deliver(confirmed, Part.SYSTEM)
    (found,) = desk.server.events(desk.calendar)
    assert (found.start, found["STATUS"]) == (START + 3 * HOUR, "CONFIRMED")


@pytest.mark.parametrize("status", [Event.DECLINED, Event.CANCELLED, Event.EXPIRED])
def test_what_is_over_is_removed_and_removing_again_is_no_error(desk: Desk, status: Event) -> None:
    desk.way.deliver(appointment(), Part.SYSTEM)
    for _ in range(2):
        over = appointment(status=status, sequence=1)
        assert desk.way.deliver(over, Part.SYSTEM).outcome == Outcome.SENT
    assert desk.titles() == []


def test_an_event_deleted_in_the_calendar_is_written_anew_when_confirmed(desk: Desk) -> None:
    desk.way.deliver(appointment(), Part.SYSTEM)
    with desk.server.client() as client:
        client.calendar(url=desk.calendar).events()[0].delete()
    desk.way.deliver(appointment(status=Event.CONFIRMED, sequence=1), Part.SYSTEM)
    assert desk.titles() == ["P. N., massage therapy, 60 minutes, with Natalie Yeo"]


def test_another_therapist_means_another_calendar(
    desk: Desk, radicale: Radicale, caldav_login: str
) -> None:
    other = radicale.make_calendar(next(_names))
    sam = Therapist("Sam Lee", None, None, (), None, ())
    clinic = with_system(
        desk.clinic, way="caldav", therapists={"Natalie Yeo": desk.calendar, sam.name: other}
    )
    way = CalDav(clinic, Requests(clinic, None), caldav_login)
    way.deliver(appointment(), Part.SYSTEM)
    moved = appointment(status=Event.CHANGED, sequence=1, therapist="Sam Lee")
    way.deliver(moved, Part.SYSTEM)
    assert desk.titles() == []
    assert len(radicale.events(other)) == 1
    way.deliver(appointment(status=Event.CANCELLED, sequence=2), Part.SYSTEM)
    assert radicale.events(other) == []


def test_two_tries_at_once_write_one_event(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    original = web.call

    def call(method: str, *arguments: Any, **named: Any) -> web.Answer:
        if method == "PUT":
            # Another try is faster, between our look and our writing.
            monkeypatch.setattr(web, "call", original)
            assert desk.way.deliver(appointment(), Part.SYSTEM).outcome == Outcome.SENT
        return original(method, *arguments, **named)

    monkeypatch.setattr(web, "call", call)
    with pytest.raises(Trouble) as caught:
        desk.way.deliver(appointment(), Part.SYSTEM)
    assert (caught.value.reason, caught.value.final) == (Reason.CHANGED_MEANWHILE, False)
    assert desk.way.deliver(appointment(), Part.SYSTEM).outcome == Outcome.SENT
    assert len(desk.titles()) == 1


def test_a_stranger_with_our_event_s_name_is_left_alone(desk: Desk) -> None:
    place = f"{desk.calendar}{appointment().uid}.ics"
    stranger = entry("stranger", START + 9 * HOUR).encode()
    web.call("PUT", place, {"Authorization": desk.way._login}, stranger)
    with pytest.raises(Trouble) as caught:
        desk.way.deliver(appointment(), Part.SYSTEM)
    assert (caught.value.reason, caught.value.final) == (Reason.CONFLICT, True)
    assert desk.titles() == ["stranger"]


def test_a_wrong_password_or_calendar_is_final(desk: Desk) -> None:
    letters = Requests(desk.clinic, None)
    wrong = CalDav(desk.clinic, letters, web.login("clinic", "wrong-secret"))
    with pytest.raises(Trouble) as caught:
        wrong.deliver(appointment(), Part.SYSTEM)
    assert (caught.value.reason, caught.value.final) == (Reason.LOGIN, True)
    assert "secret" not in str(caught.value)

    lost = with_system(
        desk.clinic, way="caldav", therapists={"Natalie Yeo": f"{desk.calendar}no/such/"}
    )
    with pytest.raises(Trouble) as caught:
        CalDav(lost, letters, desk.way._login).offer_busy(START, START + HOUR, "Natalie Yeo")
    assert caught.value.final

    with pytest.raises(Trouble) as caught:
        desk.way.deliver(appointment(therapist="Someone Gone"), Part.SYSTEM)
    assert (caught.value.reason, caught.value.final) == (Reason.NO_SYSTEM, True)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (silent, Reason.TOO_SLOW),
        (dripping(b"HTTP/1.1 200 OK\r\nX-Slow: yes\r\n"), Reason.TOO_SLOW),
        (saying(b""), Reason.UNREACHABLE),
        (saying(b"220 smtp.example.com\r\n"), Reason.UNEXPECTED),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), Reason.UNEXPECTED),
        (saying(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), Reason.UNEXPECTED),
        (saying(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), Reason.BUSY),
    ],
)
def test_a_server_out_of_order_is_tried_again_later(
    desk: Desk,
    bad_server: Callable[..., BadServer],
    monkeypatch: pytest.MonkeyPatch,
    behave: Callable[..., None],
    reason: Reason,
) -> None:
    monkeypatch.setattr(patience, "LIMIT", 0.4)
    address = f"http://127.0.0.1:{bad_server(behave).port}/natalie/"
    clinic = with_system(desk.clinic, way="caldav", therapists={"Natalie Yeo": address})
    start = time.monotonic()
    with pytest.raises(Trouble) as caught:
        CalDav(clinic, Requests(clinic, None), desk.way._login).offer_busy(
            START, START + HOUR, "Natalie Yeo"
        )
    assert (caught.value.reason, caught.value.final) == (reason, False)
    assert time.monotonic() - start < 3


def test_a_server_that_is_not_there_is_tried_again_later(desk: Desk) -> None:
    address = f"http://127.0.0.1:{free_port()}/natalie/"
    clinic = with_system(desk.clinic, way="caldav", therapists={"Natalie Yeo": address})
    with pytest.raises(Trouble) as caught:
        CalDav(clinic, Requests(clinic, None), "x").deliver(appointment(), Part.SYSTEM)
    assert (caught.value.reason, caught.value.final) == (Reason.UNREACHABLE, False)


def test_all_calls_of_one_delivery_have_a_limit_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caldav, "IN_ALL", 0)
    with pytest.raises(Trouble) as caught:
        desk.way.deliver(appointment(), Part.SYSTEM)
    assert (caught.value.reason, caught.value.final) == (Reason.TOO_SLOW, False)


def test_a_password_is_not_sent_unencrypted() -> None:
    with pytest.raises(ValueError, match="https"):
        web.call("GET", "http://calendar.example.com/", {})
    with pytest.raises(ValueError, match="https"):
        web.call("GET", "ftp://127.0.0.1/", {})


def test_the_login_comes_from_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_CALDAV_USER", "clinic")
    monkeypatch.delenv("CLINIC_CALDAV_PASSWORD", raising=False)
    with pytest.raises(EnvironmentProblem, match=r"CLINIC_CALDAV_PASSWORD is empty.*Allowed"):
        caldav.login_from_environment()


def test_stretches_are_joined_and_cut() -> None:
    def at(hour: float) -> datetime:
        return NOW + hour * HOUR

    assert merged([(at(3), at(4)), (at(1), at(2)), (at(2), at(3)), (at(9), at(9))]) == [
        (at(1), at(4))
    ]
    assert without((at(1), at(4)), (at(2), at(3))) == [(at(1), at(2)), (at(3), at(4))]
    assert without((at(1), at(2)), (at(2), at(3))) == [(at(1), at(2))]
    assert without((at(1), at(2)), (at(0), at(3))) == []
