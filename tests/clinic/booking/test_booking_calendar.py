"""Which times are free, on ordinary days and on the others."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from clinics import ALEX, NATALIE, NOW, SAM, at, clinic_of, said
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.booking.calendar import Slot, bookable, free_times, nearest
from clinic.booking.holds import hold
from clinic.booking.models import Hold
from clinic.facts import Facts
from clinic.text import BadInput

pytestmark = pytest.mark.usefixtures("database")

ONE = clinic_of(people={NATALIE: None})


def day(text: str, minutes: int = 60, clinic: Facts = ONE, **others: Any) -> list[str]:
    """The starts offered on a day, asked on the Monday before Christmas month."""
    start, end = at(f"{text} 00:00", clinic), at(f"{text} 00:00", clinic) + timedelta(days=1)
    values: dict[str, Any] = {"now": NOW, "therapist": NATALIE, "clinic": clinic} | others
    return said(
        free_times(minutes, values.pop("therapist"), start, end, values.pop("now"), **values),
        clinic,
    )


def book(start: str, minutes: int = 60, who: str = NATALIE, clinic: Facts = ONE) -> Hold:
    conversation = f"{who} {start}"
    kept = hold(who, at(start, clinic), minutes, conversation, NOW, clinic=clinic)
    assert kept is not None
    return kept


def test_a_day_is_offered_from_opening_until_the_last_that_ends_at_closing() -> None:
    found = day("2026-11-24")
    assert found[:3] == ["08:00", "08:30", "09:00"]
    assert found[-1] == "19:00"
    assert len(found) == 23
    assert day("2026-11-24", 45)[-1] == "19:00"
    assert day("2026-11-24", 30)[-1] == "19:30"


def test_slots_are_in_utc_and_as_long_as_asked() -> None:
    (first, *_) = free_times(45, None, NOW, NOW + timedelta(days=1), NOW, clinic=ONE)
    assert first == Slot(
        NATALIE,
        datetime(2026, 11, 23, 16, 30, tzinfo=UTC),
        datetime(2026, 11, 23, 17, 15, tzinfo=UTC),
    )
    assert first.start_utc.tzinfo is UTC
    assert first.end_utc - first.start_utc == timedelta(minutes=45)


def test_what_is_asked_for_lies_wholly_in_the_window() -> None:
    found = free_times(60, NATALIE, at("2026-11-24 14:00"), at("2026-11-24 16:00"), NOW, clinic=ONE)
    assert said(found) == ["14:00", "14:30", "15:00"]
    assert not free_times(
        60, NATALIE, at("2026-11-24 14:10"), at("2026-11-24 15:20"), NOW, clinic=ONE
    )


def test_an_appointment_takes_its_time_and_the_buffer_on_both_sides() -> None:
    book("2026-11-24 12:00")
    assert [t for t in day("2026-11-24") if "10:00" < t < "15"] == [
        "10:30",
        "13:30",
        "14:00",
        "14:30",
    ]
    quarter = clinic_of(people={NATALIE: None}, step=15)
    around = [t for t in day("2026-11-24", clinic=quarter) if "10:30" < t < "14"]
    assert around == ["10:45", "13:15", "13:30", "13:45"]
    none = clinic_of(people={NATALIE: None}, buffer=0)
    # What is kept already keeps the buffer it was made with.
    assert [t for t in day("2026-11-24", clinic=none) if "10:30" < t < "14"] == ["11:00", "13:30"]


def test_the_buffer_may_run_past_closing() -> None:
    late = clinic_of("Mo-Sa 08:00-20:00", people={NATALIE: None}, buffer=120)
    assert day("2026-11-24", clinic=late)[-1] == "19:00"


def test_a_buffer_and_a_length_that_are_no_multiple_of_five_round_up() -> None:
    odd = clinic_of(people={NATALIE: None}, buffer=7, step=5)
    kept = hold(NATALIE, at("2026-11-24 12:00"), 33, "c", NOW, clinic=odd)
    assert kept is not None
    assert kept.free_at == at("2026-11-24 12:40")
    around = [t for t in day("2026-11-24", 33, clinic=odd) if "11:00" < t < "13"]
    assert around == ["11:05", "11:10", "11:15", "11:20", "12:40", "12:45", "12:50", "12:55"]


@pytest.mark.parametrize("minutes", [60, 61, 150, 151, 480])
def test_a_service_longer_than_the_last_gap_is_not_squeezed_in(minutes: int) -> None:
    book("2026-11-24 08:00", 480)
    book("2026-11-24 17:30", 60)
    # From 16:15 to 17:30, less the buffer, and from 18:45 to 20:00.
    found = day("2026-11-24", minutes)
    assert found == {60: ["19:00"], 61: [], 150: [], 151: [], 480: []}[minutes]
    fine = clinic_of(people={NATALIE: None}, step=5)
    found = day("2026-11-24", minutes, clinic=fine)
    assert found == {60: ["16:15", "18:45", "18:50", "18:55", "19:00"]}.get(
        minutes, {61: ["18:45", "18:50", "18:55"]}.get(minutes, [])
    )


def test_statutory_holidays_are_those_of_the_province() -> None:
    assert day("2026-12-25") == []
    assert day("2026-12-26") == []
    west = clinic_of(zone="America/Vancouver", province="BC", people={NATALIE: None})
    assert day("2026-12-26", clinic=west)
    june = datetime(2026, 6, 1, 12, tzinfo=UTC)
    quebec = clinic_of(zone="America/Toronto", province="QC", people={NATALIE: None})
    assert day("2026-06-24", clinic=quebec, now=june) == []
    assert day("2026-06-24", now=june)


def test_sundays_and_breaks_are_closed() -> None:
    assert day("2026-11-29") == []
    split = clinic_of("Mo-Fr 09:00-12:00,13:00-17:00", people={NATALIE: None})
    assert day("2026-11-24", clinic=split) == [
        *("09:00", "09:30", "10:00", "10:30", "11:00"),
        *("13:00", "13:30", "14:00", "14:30", "15:00", "15:30", "16:00"),
    ]


def test_notice_and_horizon() -> None:
    assert day("2026-11-23")[0] == "11:30"
    assert day("2026-11-23", now=NOW + timedelta(seconds=1))[0] == "12:00"
    assert day("2026-11-22", now=NOW) == []
    last = date(2026, 11, 23) + timedelta(days=90)
    assert last == date(2027, 2, 21)  # a Sunday
    assert day("2027-02-20")
    near = clinic_of(people={NATALIE: None}, horizon=1)
    assert day("2026-11-24", clinic=near)[-1] == "19:00"
    assert day("2026-11-25", clinic=near) == []
    # Late in the evening it is another day already in UTC.
    evening = at("2026-11-23 23:30")
    assert day("2026-11-24", clinic=near, now=evening)
    assert day("2026-11-25", clinic=near, now=evening) == []


@pytest.mark.parametrize(
    ("zone", "step", "hours", "first"),
    [
        ("America/Toronto", 60, "Mo-Sa 08:30-20:00", "09:00"),
        ("America/St_Johns", 60, "Mo-Sa 08:00-20:00", "08:00"),
        ("America/St_Johns", 20, "Mo-Sa 08:07-20:00", "08:20"),
        ("Asia/Kathmandu", 30, "Mo-Sa 08:00-20:00", "08:00"),
        ("America/Toronto", 15, "Mo-Sa 08:07-20:00", "08:15"),
    ],
)
def test_the_grid_is_that_of_the_clinics_clock(
    zone: str, step: int, hours: str, first: str
) -> None:
    clinic = clinic_of(hours, zone=zone, step=step, people={NATALIE: None})
    found = day("2026-11-25", clinic=clinic)
    assert found[0] == first
    assert {int(t[3:]) % step for t in found} == {0}


def test_anyone_is_everyone_in_the_order_of_the_file() -> None:
    two = clinic_of()
    book("2026-11-24 08:00", clinic=two)
    found = free_times(60, None, at("2026-11-24 08:00"), at("2026-11-24 10:30"), NOW, clinic=two)
    assert [(s.therapist, *said([s])) for s in found] == [
        (SAM, "08:00"),
        (SAM, "08:30"),
        (SAM, "09:00"),
        (NATALIE, "09:30"),
        (SAM, "09:30"),
    ]


def test_a_therapists_own_hours_count_only_while_the_clinic_is_open() -> None:
    clinic = clinic_of(
        "Mo-Sa 08:00-20:00; PH off",
        people={
            NATALIE: "Tu,Fr 06:00-09:00,12:00-14:00,19:00-23:00; Dec 25 09:00-12:00",
            SAM: None,
        },
    )
    assert day("2026-11-24", clinic=clinic) == ["08:00", "12:00", "12:30", "13:00", "19:00"]
    assert day("2026-11-25", clinic=clinic) == []
    assert day("2026-12-25", clinic=clinic) == []
    assert len(day("2026-11-25", clinic=clinic, therapist=None)) == 23


def test_busy_times_of_a_connected_calendar_count_like_appointments() -> None:
    lunch = [(at("2026-11-24 12:00"), at("2026-11-24 13:00"))]
    assert [t for t in day("2026-11-24", busy=lunch) if "10:00" < t < "14"] == ["10:30", "13:30"]
    two = clinic_of()
    theirs = {SAM: lunch}
    assert len(day("2026-11-24", clinic=two, busy=theirs)) == 23
    assert len(day("2026-11-24", clinic=two, busy=theirs, therapist=SAM)) == 18
    whole = [(at("2026-11-20 00:00"), at("2026-11-30 00:00")), (NOW, NOW)]
    assert day("2026-11-24", busy=whole) == []
    seconds = [(at("2026-11-24 08:59:59"), at("2026-11-24 09:00:01"))]
    fine = clinic_of(people={NATALIE: None}, step=5, buffer=0)
    assert day("2026-11-24", 30, busy=seconds, clinic=fine)[:6] == [
        *("08:00", "08:05", "08:10", "08:15", "08:20", "08:25"),
    ]
    assert "08:30" not in day("2026-11-24", 30, busy=seconds, clinic=fine)
    assert day("2026-11-24", 30, busy=seconds, clinic=fine)[6] == "09:05"


def test_what_one_holds_oneself_or_is_about_to_leave_is_not_in_the_way() -> None:
    mine = book("2026-11-24 12:00")
    assert "12:00" not in day("2026-11-24")
    assert "12:00" in day("2026-11-24", conversation_id=mine.conversation_id)
    assert "12:00" not in day("2026-11-24", conversation_id="other")
    assert "12:00" in day("2026-11-24", now=NOW + timedelta(minutes=10))


def test_the_day_the_clocks_go_forward_is_an_hour_shorter() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    always = clinic_of("24/7", people={NATALIE: None}, buffer=0, step=60)
    found = free_times(60, None, at("2026-03-08 00:00"), at("2026-03-09 00:00"), now, clinic=always)
    assert said(found)[:4] == ["00:00", "01:00", "03:00", "04:00"]
    assert len(found) == 23
    assert all(b.start_utc == a.end_utc for a, b in pairwise(found))
    # From one to half past three is an hour and a half.
    night = clinic_of("Mo-Su 01:00-03:30", people={NATALIE: None}, step=30)
    assert day("2026-03-08", 90, clinic=night, now=now) == ["01:00"]
    assert day("2026-03-07", 90, clinic=night, now=now) == ["01:00", "01:30", "02:00"]


def test_the_day_the_clocks_go_back_is_an_hour_longer() -> None:
    now = datetime(2026, 10, 26, 12, tzinfo=UTC)
    always = clinic_of("24/7", people={NATALIE: None}, buffer=0, step=60)
    found = free_times(60, None, at("2026-11-01 00:00"), at("2026-11-02 00:00"), now, clinic=always)
    assert said(found)[:4] == ["00:00", "01:00", "01:00", "02:00"]
    assert len(found) == 25
    assert len({slot.start_utc for slot in found}) == 25
    # Ordinary hours are what they always are.
    assert len(day("2026-11-02", now=now)) == 23


def test_appointments_over_midnight() -> None:
    late = clinic_of("Mo-Su 20:00-02:00", people={NATALIE: None}, buffer=15, step=30)
    start, end = at("2026-11-24 20:00"), at("2026-11-25 02:00")
    found = said(free_times(60, None, start, end, NOW, clinic=late))
    assert found[-5:] == ["23:00", "23:30", "00:00", "00:30", "01:00"]
    book("2026-11-24 23:30", clinic=late)
    found = said(free_times(60, None, start, end, NOW, clinic=late))
    assert found == ["20:00", "20:30", "21:00", "21:30", "22:00", "01:00"]
    # Two days whose hours meet at midnight are one stretch.
    meet = clinic_of("Mo-Su 00:00-24:00", people={NATALIE: None})
    found = said(
        free_times(480, None, at("2026-12-01 20:00"), at("2026-12-02 04:30"), NOW, clinic=meet)
    )
    assert found == ["20:00", "20:30"]


def test_the_turn_of_the_year() -> None:
    always = clinic_of("Mo-Su 00:00-24:00; PH off", people={NATALIE: None})
    found = free_times(60, None, at("2026-12-31 22:00"), at("2027-01-02 02:00"), NOW, clinic=always)
    assert said(found, form="%d %H:%M") == [
        *("31 22:00", "31 22:30", "31 23:00"),
        *("02 00:00", "02 00:30", "02 01:00"),
    ]


@pytest.mark.parametrize(
    ("minutes", "therapist", "start", "said_"),
    [
        (0, None, NOW, "minutes is 0"),
        (481, None, NOW, "Allowed: 1 to 480"),
        (60, "Nobody", NOW, f"Allowed: {NATALIE}"),
        (60, None, NOW.replace(tzinfo=None), "time zone"),
    ],
)
def test_nonsense_is_named(
    minutes: int, therapist: str | None, start: datetime, said_: str
) -> None:
    with pytest.raises(BadInput, match=said_):
        free_times(minutes, therapist, start, NOW + timedelta(days=2), NOW, clinic=ONE)
    naive = [(NOW.replace(tzinfo=None), NOW)]
    with pytest.raises(BadInput, match="time zone"):
        free_times(60, None, NOW, NOW + timedelta(days=2), NOW, busy=naive, clinic=ONE)


def test_an_empty_window_has_nothing() -> None:
    assert free_times(60, None, NOW, NOW - timedelta(days=2), NOW, clinic=ONE) == []
    assert free_times(60, None, NOW - timedelta(days=9), NOW, NOW, clinic=ONE) == []
    far = NOW + timedelta(days=4000)
    assert free_times(60, None, far, far + timedelta(days=2), NOW, clinic=ONE) == []


def test_the_nearest_times_are_on_both_sides_and_each_start_once() -> None:
    two = clinic_of()
    around = at("2026-11-24 12:00")
    for who in (NATALIE, SAM):
        book("2026-11-24 12:00", who=who, clinic=two)
    found = nearest(60, None, around, NOW, clinic=two)
    assert said(found, form="%d %H:%M") == ["24 10:00", "24 10:30", "24 13:30"]
    assert {slot.therapist for slot in found} == {NATALIE}
    # Nothing near: further away, up to the horizon.
    assert said(nearest(60, None, at("2026-12-26 10:00"), NOW, clinic=two), form="%d %H:%M") == [
        *("24 18:00", "24 18:30", "24 19:00"),
    ]
    far = nearest(60, NATALIE, at("2028-01-01 10:00"), NOW, count=2, clinic=two)
    assert said(far, form="%Y-%m-%d %H:%M") == ["2027-02-20 18:30", "2027-02-20 19:00"]
    past = nearest(60, NATALIE, at("2024-01-01 10:00"), NOW, count=1, clinic=two)
    assert said(past, form="%d %H:%M") == ["23 11:30"]
    rare = clinic_of("2026 Dec 07 10:00-11:00", people={NATALIE: None})
    assert said(nearest(60, None, around, NOW, clinic=rare), form="%d %H:%M") == ["07 10:00"]


@pytest.mark.parametrize(
    ("start", "minutes", "possible"),
    [
        ("2026-11-24 10:00", 60, True),
        ("2026-11-24 19:00", 60, True),
        ("2026-11-24 19:05", 60, False),
        ("2026-11-24 07:55", 60, False),
        ("2026-11-24 10:00:30", 60, False),
        ("2026-11-23 11:30", 60, True),
        ("2026-11-23 11:29", 60, False),
        ("2026-12-25 10:00", 60, False),
        ("2027-02-20 19:00", 60, True),
        ("2027-02-22 10:00", 60, False),
    ],
)
def test_whether_a_time_may_be_asked_for(start: str, minutes: int, possible: bool) -> None:
    assert bookable(NATALIE, at(start), minutes, NOW, ONE) is possible


# Properties. Everything in minutes after a Monday midnight in UTC, the clinic in Toronto.

START = datetime(2026, 3, 2, tzinfo=UTC)  # the clocks go forward six days later
HOURS = st.sampled_from(
    [
        "Mo-Sa 08:00-20:00; PH off",
        "Mo-Fr 09:00-12:00,13:00-17:30",
        "Mo-Su 20:00-03:30",
        "24/7",
        "Mo-Su 00:00-02:30,22:10-24:00",
    ]
)
STRETCHES = st.lists(
    st.tuples(st.integers(0, 9 * 1440), st.integers(1, 300)).map(
        lambda pair: (START + timedelta(minutes=pair[0]), START + timedelta(minutes=sum(pair)))
    ),
    max_size=25,
)


@given(
    hours=HOURS,
    busy=STRETCHES,
    minutes=st.sampled_from([5, 30, 33, 45, 60, 90, 240]),
    buffer=st.sampled_from([0, 7, 15, 60]),
    step=st.sampled_from([5, 15, 20, 60]),
    now=st.integers(0, 3 * 1440),
    first=st.integers(0, 8 * 1440),
    length=st.integers(0, 3 * 1440),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_exactly_the_times_that_overlap_nothing_are_offered(
    hours: str,
    busy: list[tuple[datetime, datetime]],
    minutes: int,
    buffer: int,
    step: int,
    now: int,
    first: int,
    length: int,
) -> None:
    clinic = clinic_of(hours, buffer=buffer, step=step, people={NATALIE: None}, notice=1)
    present = START + timedelta(minutes=now)
    begin = START + timedelta(minutes=first)
    end = begin + timedelta(minutes=length)
    found = free_times(minutes, None, begin, end, present, busy=busy, clinic=clinic)
    offered = {slot.start_utc for slot in found}
    kept = timedelta(minutes=buffer)
    # The lock counts in fives, so a busy time keeps those it touches.
    taken = [(_five(a, -1), _five(b + kept, 1)) for a, b in busy]

    def possible(start: datetime) -> bool:
        stop = start + timedelta(minutes=minutes)
        opened = clinic.times.stretches(start - timedelta(days=1), stop + timedelta(days=1))
        return (
            begin <= start
            and stop <= end
            and start >= present + timedelta(hours=1)
            and any(a <= start and stop <= b for a, b in opened)
            and not any(a < _five(stop + kept, 1) and start < b for a, b in taken)
        )

    moment = _five(begin, -1)
    while moment < end:
        if moment.astimezone(clinic.zone).minute % step == 0:
            assert (moment in offered) == possible(moment), moment
        moment += timedelta(minutes=5)
    assert all(slot.start_utc.astimezone(clinic.zone).minute % step == 0 for slot in found)
    assert len(offered) == len(found)


def _five(moment: datetime, direction: int) -> datetime:
    minutes = (moment - START) / timedelta(minutes=5)
    whole = int(minutes // 1) if direction < 0 else -int(-minutes // 1)
    return START + timedelta(minutes=5 * whole)


@given(
    wanted=st.lists(
        st.tuples(
            st.sampled_from([NATALIE, SAM, ALEX]),
            st.integers(0, 2 * 144),
            st.sampled_from([30, 45, 60, 90]),
        ),
        max_size=12,
    ),
    minutes=st.sampled_from([30, 60]),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_taking_a_time_frees_no_other_and_leaves_nothing_that_overlaps(
    wanted: list[tuple[str, int, int]], minutes: int
) -> None:
    Hold.objects.all().delete()
    clinic = clinic_of(people={NATALIE: None, SAM: None, ALEX: "Tu 10:00-16:00"}, step=15)
    window = (at("2026-11-24 00:00"), at("2026-11-26 00:00"))
    before = set(free_times(minutes, None, *window, NOW, clinic=clinic))
    for number, (who, five, length) in enumerate(wanted):
        start = window[0] + timedelta(minutes=10 * five)
        kept = hold(who, start, length, f"c{number}", NOW, clinic=clinic)
        after = set(free_times(minutes, None, *window, NOW, clinic=clinic))
        if kept is None:
            assert after == before
        else:
            assert after <= before
            lost = before - after
            buffer = clinic.booking.buffer
            assert {slot for slot in before if _touches(slot, kept, buffer)} == lost
        before = after


def _touches(slot: Slot, kept: Hold, buffer: timedelta) -> bool:
    return (
        slot.therapist == kept.therapist
        and slot.start_utc < kept.free_at
        and kept.starts_at < slot.end_utc + buffer
    )


FREE_TIMES = 0.05  # seconds


def test_four_weeks_of_three_people_with_500_booked() -> None:
    clinic = clinic_of(people={NATALIE: None, SAM: None, ALEX: None}, step=15)
    fill(500, clinic)
    end = NOW + timedelta(days=28)
    seconds = []
    for _ in range(7):
        begin = time.perf_counter()
        found = free_times(60, None, NOW, end, NOW, clinic=clinic)
        seconds.append(time.perf_counter() - begin)
    taken = Hold.objects.values_list("therapist", "starts_at", "free_at")
    assert found
    assert not any(
        slot.therapist == who and slot.start_utc < free_at and starts_at < slot.end_utc
        for slot in found
        for who, starts_at, free_at in taken
    )
    # The best: what it costs, and not what else was going on.
    assert min(seconds) <= FREE_TIMES
    # What script/bench --booking shows.
    print(
        "figure: free times, 28 days, 3 therapists, 500 booked: "
        f"best {min(seconds) * 1000:.0f} ms, median {statistics.median(seconds) * 1000:.0f} ms"
    )


def fill(number: int, clinic: Facts) -> None:
    """Appointments on every second free time, one therapist after the other."""
    kept = []
    for day_number in range(1, 29):
        for who in (person.name for person in clinic.therapists):
            opens = at(f"{(date(2026, 11, 23) + timedelta(days=day_number)).isoformat()} 08:00")
            kept += [
                Hold(
                    therapist=who,
                    starts_at=opens + timedelta(minutes=105 * n),
                    ends_at=opens + timedelta(minutes=105 * n + 60),
                    free_at=opens + timedelta(minutes=105 * n + 75),
                    conversation_id=f"{who} {day_number} {n}",
                    draft="1",
                    held_at=NOW,
                    expires_at=NOW + timedelta(days=99),
                )
                for n in range(6)
            ]
    Hold.objects.bulk_create(kept[:number])
    assert Hold.objects.count() == number
