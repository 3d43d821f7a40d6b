"""Numbers that open their lists, and the audit log's page."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from desk_chats import NOW, chat
from desk_people import browser, deeds, person


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, any_database: str) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())


@pytest.fixture
def desk() -> Any:
    return browser(person("rui", "reviewer", "privacy_officer"))


def test_each_number_is_the_length_of_the_list_it_opens(desk: Any) -> None:
    from clinic.conversations.listing import Filters, count

    chat("a", topics=["faq/cost"], feedback_up=True)
    chat("b", topics=["faq/cost"], outcome="red_flag", triage_level="urgent")
    chat("c", outcome="not_understood", not_understood=1, feedback_down=True)
    chat("d", outcome="handed_to_person", at=NOW - timedelta(days=29))
    chat("old", at=NOW - timedelta(days=31))
    page = desk.get("/insights/").content.decode()
    tiles = re.findall(
        r'href="/conversations/\?([^"]*)"><span class="big number">(\d+)</span>', page
    )
    assert len(tiles) == 9
    assert [int(number) for _, number in tiles] == [4, 4, 1, 0, 1, 1, 1, 1, 1]
    for query, number in tiles:
        filters = Filters.from_query(query.replace("&amp;", "&"))
        assert count(filters) == int(number), query
    assert re.search(r"topic=faq%2Fcost[^>]*>Cost</a>.*?>2</span>", page, re.S)


def test_messages_are_counted_beside_conversations(desk: Any) -> None:
    from clinic.desk import figures

    talk = [("patient", "Hello", {}), ("assistant", "Hi", {}), ("patient", "Bye", {})]
    chat("a", talk, at=datetime(2026, 11, 20, 15, tzinfo=UTC))
    chat("b", at=datetime(2026, 11, 20, 16, tzinfo=UTC))
    chat("c", talk, at=datetime(2026, 11, 19, 16, tzinfo=UTC))
    counted = figures.Counted(figures.Days(date(2026, 11, 19), date(2026, 11, 20)))
    assert [(bar.name, bar.number) for bar in counted.messages_by_day()] == [
        ("Thu 19 Nov", 2),
        ("Fri 20 Nov", 3),
    ]
    page = desk.get("/insights/?since=2026-11-19&until=2026-11-20").content.decode()
    [shown] = re.findall(r'number">(\d+)</span> <span>messages from patients', page)
    assert shown == "5"
    days = page[page.index("Messages a day") :]
    assert re.findall(r'class="value"[^>]*>(\d+)<', days)[:2] == ["2", "3"]


def test_days_are_those_of_the_clinics_clock() -> None:
    from clinic.desk import figures

    # Half past eleven at night in Toronto, half past four the next day in UTC.
    chat("late", at=datetime(2026, 11, 20, 4, 30, tzinfo=UTC))
    days = figures.Days(date(2026, 11, 18), date(2026, 11, 20))
    assert [bar.number for bar in figures.Counted(days).by_day()] == [0, 1, 0]


def test_the_funnel_and_the_hours_open_the_lists_they_count(desk: Any) -> None:
    from clinic.conversations.listing import Filters, count
    from clinic.desk import figures

    for place, step in enumerate((0, 1, 2, 6)):
        chat(f"c{place}", booking_step=step, began_hour=9 if step else 10)
    days = figures.Days(date(2026, 11, 1), date(2026, 11, 30))
    counted = figures.Counted(days)
    assert [(bar.name, bar.number) for bar in counted.funnel()] == [
        ("begun", 3),
        ("service", 2),
        ("chosen_time", 1),
        ("patient_name", 1),
        ("patient_contact", 1),
        ("sent", 1),
    ]
    bars = [*counted.funnel(), *counted.by_hour(), *counted.by_day()]
    assert len(bars) == 6 + 24 + 30
    page = desk.get("/insights/?since=2026-11-01&until=2026-11-30").content.decode()
    for bar in bars:
        assert count(Filters.from_query(bar.query)) == bar.number, bar
        if bar.number:
            assert f'?{bar.query.replace("&", "&amp;")}"' in page
    for odd in ("hour=24", "hour=x", "hour=-1", "booking=wish"):
        assert desk.get(f"/conversations/?{odd}").status_code == 400


def test_a_month_can_be_printed_and_odd_days_do_no_harm(desk: Any) -> None:
    chat("a")
    assert "November 2026" in desk.get("/insights/?month=2026-11").content.decode()
    for odd in ("month=2026-13", "month=x", "since=2026-01-01&until=1999-01-01", "since=x"):
        assert "25 Oct 2026" in desk.get(f"/insights/?{odd}").content.decode()
    assert "No conversations in these days" in desk.get("/insights/?month=2020-01").content.decode()


def test_how_long_people_waited_opens_the_list_of_them(desk: Any) -> None:
    from clinic.booking.requests import change_status, create_request
    from clinic.live import chats

    start = NOW - timedelta(days=3)
    references = []
    for place, hours in enumerate((1, 2, 30)):
        request = create_request(
            conversation_id=f"r{place}",
            patient_name="Sam",
            patient_contact="sam@example.com",
            preferred_time="soon",
            idempotency_key=str(place),
            now=start,
        )
        change_status(request, "confirmed", "mara", start + timedelta(hours=hours))
        references.append(request.reference)
    talk = chat("c")
    chats.ask("c", start)
    chats.join("c", "mara", "Mara", start + timedelta(minutes=4))
    page = desk.get("/insights/").content.decode()
    links = re.findall(r'href="(/insights/waits/[^"]+)">([^<]+)<', page)
    assert [words for _, words in links] == ["2 h", "4 min"]
    requests, persons = (desk.get(link.replace("&amp;", "&")).content.decode() for link, _ in links)
    shown = re.findall(r"request (\w{6})", requests)
    assert shown == references[::-1]
    assert "Sam" not in requests
    assert f'href="/conversations/{talk.pk}"' in persons
    assert deeds(action="list", about="waits") == [("rui", "list")] * 2
    assert (
        "Nobody waited"
        in desk.get("/insights/waits/person?since=2026-01-01&until=2026-01-02").content.decode()
    )


def asked_and_decided(key: str, asked: datetime, decided: datetime) -> str:
    """A request, and when it was confirmed; its reference."""
    from clinic.booking.requests import change_status, create_request

    request = create_request(
        conversation_id=key,
        patient_name="Sam",
        patient_contact="sam@example.com",
        preferred_time="soon",
        idempotency_key=key,
        now=asked,
    )
    change_status(request, "confirmed", "mara", decided)
    return str(request.reference)


def test_each_wait_counts_in_one_month(any_database: str) -> None:
    """In that in which it ended: those of a weekend between two months are the longest."""
    from clinic.booking.models import AppointmentRequest
    from clinic.desk import figures
    from clinic.live import chats

    saturday, sunday = (
        datetime(2026, 10, 31, 15, tzinfo=UTC),
        datetime(2026, 11, 1, 15, tzinfo=UTC),
    )
    reference = asked_and_decided("r", saturday, sunday)
    chat("c", at=saturday)
    chats.ask("c", saturday)
    chats.join("c", "mara", "Mara", sunday)
    october = figures.Days(date(2026, 10, 1), date(2026, 10, 31))
    november = figures.Days(date(2026, 11, 1), date(2026, 11, 30))
    for find in (figures.waits_for_answer, figures.waits_for_person):
        assert find(october) == []
        [wait] = find(november)
        assert (wait.since, wait.length) == (saturday, sunday - saturday)
    [answered] = figures.waits_for_answer(november)
    assert answered.request == AppointmentRequest.objects.get(reference=reference).pk


def test_asking_twice_is_waiting_twice_and_who_waited_for_nobody_is_shown(desk: Any) -> None:
    from clinic.desk import figures
    from clinic.live import chats

    start = NOW - timedelta(days=1)
    talk = chat("c", at=start)
    for number, minutes in enumerate((4, 6)):
        begin = start + timedelta(hours=number)
        chats.ask("c", begin)
        joined = chats.join("c", "mara", "Mara", begin + timedelta(minutes=minutes))
        chats.hand_back(joined.pk, "mara", begin + timedelta(minutes=30))
    chat("gone", at=start)
    chats.ask("gone", start)
    assert chats.stop_waiting("gone", start + timedelta(minutes=20))
    chats.ask("still here", NOW)
    days = figures.Days(date(2026, 11, 1), date(2026, 11, 30))
    waits = figures.waits_for_person(days)
    assert [wait.length and wait.length.seconds // 60 for wait in waits] == [None, 6, 4]
    assert [wait.session and wait.session.pk for wait in waits] == [talk.pk + 1, talk.pk, talk.pk]
    page = desk.get("/insights/").content.decode()
    assert re.search(r'waits/person[^>]*>5 min</a> <span class="small">1 without an answer', page)
    assert "nobody came" in desk.get("/insights/waits/person").content.decode()


def test_what_counts_as_a_wait_for_an_answer(any_database: str) -> None:
    """A change that the patient asked for, what nobody answered, but not what they took back."""
    from clinic.desk import figures

    begin = NOW - timedelta(days=2)

    def history(key: str, *steps: tuple[str, str, int]) -> int:
        """A request with ``(status, who, hours after the beginning)``."""
        from clinic.booking.requests import create_request

        request = create_request(
            conversation_id=key,
            patient_name="Sam",
            patient_contact="sam@example.com",
            preferred_time="soon",
            idempotency_key=key,
            now=begin,
        )
        for status, who, hours in steps:
            at = begin + timedelta(hours=hours)
            request.status_changes.create(status=status, who=who, at=at)
        return int(request.pk)

    changed = history(
        "c", ("confirmed", "mara", 1), ("changed", "patient", 10), ("confirmed", "mara", 14)
    )
    moved_twice = history("m", ("changed", "patient", 2), ("declined", "mara", 5))
    refused = history("r", ("changed", "mara", 3), ("requested", "patient", 20))
    expired = history("e", ("expired", "assistant", 40))
    history("p", ("changed", "mara", 6), ("expired", "assistant", 40))
    history("t", ("cancelled", "patient", 2), ("cancelled", "mara", 3))
    history("w")
    waits = figures.waits_for_answer(figures.Days(date(2026, 11, 1), date(2026, 11, 30)))
    found = [(one.request, one.length and one.length // timedelta(hours=1)) for one in waits]
    assert found[0] == (expired, None)
    assert set(found[1:]) >= {(changed, 4), (changed, 1), (moved_twice, 5), (refused, 3)}
    assert len(found) == 6, "and the first answer to p"


def test_messages_that_were_left_are_waited_for_too(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.handoff.messages import leave_message
    from clinic.handoff.models import PatientMessage

    chat("c")
    left = leave_message(
        conversation_id="c",
        patient_contact="sam@example.com",
        text="please call",
        idempotency_key="c",
    )
    PatientMessage.objects.update(created_at=NOW - timedelta(hours=3))
    mara = browser(person("mara", "front_desk"))
    mara.post(f"/messages/{left.reference}/answered")
    assert ">3 h</a>" in desk.get("/insights/").content.decode()
    page = desk.get("/insights/waits/message").content.decode()
    assert f"message {left.reference}" in page
    # Not after all.
    mara.post(f"/messages/{left.reference}/new")
    assert "Nobody waited" in desk.get("/insights/waits/message").content.decode()


def test_every_wait_can_be_reached(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from clinic.desk import insights

    monkeypatch.setattr(insights, "_SHOWN", 2)
    every = {
        asked_and_decided(f"r{hours}", NOW - timedelta(hours=hours), NOW) for hours in range(1, 6)
    }
    address, found = "/insights/waits/request", []
    while address:
        page = desk.get(address).content.decode()
        assert "5 in all" in page
        found += re.findall(r"request (\w{6})", page)
        next_ = re.search(r'rel="next" href="([^"]+)"', page)
        address = next_ and "/insights/waits/request" + next_[1].replace("&amp;", "&")
    assert (len(found), set(found)) == (5, every)
    assert desk.get("/insights/waits/request?start=x").status_code == 200


def test_the_audit_log_is_searched_and_looking_at_it_is_noted(desk: Any) -> None:
    from clinic.audit import log
    from clinic.audit.models import Action

    for number in range(130):
        log.note("mara", Action.VIEW, f"conversation {number}")
    log.note("ana", Action.EXPORT, "conversations", detail="csv", count=7)
    page = desk.get("/audit/").content.decode()
    assert page.count("<tr>") == 101
    older = re.search(r'rel="next" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert "conversation 3<" in desk.get(f"/audit/{older}").content.decode()
    found = desk.get("/audit/?who=ana&action=export").content.decode()
    assert "downloaded: csv" in found
    assert found.count("<tr>") == 2
    assert "No entry fits" in desk.get("/audit/?until=2020-01-01").content.decode()
    assert desk.get("/audit/?since=nonsense&before=x").status_code == 200
    assert deeds(action="list", about="audit")[0] == ("rui", "list")
