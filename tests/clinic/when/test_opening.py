"""Opening hours as intervals: holidays of a province, midnight, the clocks changing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from clinic.opening import OpeningHours


def _iso(hours: OpeningHours, start: str, end: str) -> list[tuple[str, str]]:
    found = hours.intervals(datetime.fromisoformat(start), datetime.fromisoformat(end))
    return [(a.isoformat(), b.isoformat()) for a, b in found]


def test_a_statutory_holiday_of_the_province_is_closed() -> None:
    ontario = OpeningHours("Mo-Su 08:00-20:00; PH off", "America/Toronto", "ON")
    columbia = OpeningHours("Mo-Su 08:00-20:00; PH off", "America/Vancouver", "BC")
    boxing, remembrance = date(2026, 12, 26), date(2026, 11, 11)
    assert (ontario.on(boxing), ontario.holiday(boxing)) == ((), "Boxing Day")
    assert ontario.on(remembrance)
    assert ontario.holiday(remembrance) is None
    assert columbia.on(boxing)
    assert (columbia.on(remembrance), columbia.holiday(remembrance)) == ((), "Remembrance Day")


def test_holidays_count_only_where_the_hours_say_so() -> None:
    hours = OpeningHours("Mo-Su 08:00-20:00", "America/Toronto", "ON")
    assert hours.on(date(2026, 12, 25))
    assert OpeningHours("Mo-Su 08:00-20:00; PH off", "America/Toronto", None).on(date(2026, 12, 26))


def test_intervals_are_clipped_to_both_ends() -> None:
    hours = OpeningHours("Mo-Fr 09:00-12:00,13:00-17:00", "America/Toronto", "ON")
    assert _iso(hours, "2026-11-23T10:00-05:00", "2026-11-23T14:00-05:00") == [
        ("2026-11-23T10:00:00-05:00", "2026-11-23T12:00:00-05:00"),
        ("2026-11-23T13:00:00-05:00", "2026-11-23T14:00:00-05:00"),
    ]
    assert _iso(hours, "2026-11-23T14:00-05:00", "2026-11-23T10:00-05:00") == []


def test_a_stretch_over_midnight_stays_whole() -> None:
    hours = OpeningHours("Fr 20:00-02:00", "America/Toronto", "ON")
    assert _iso(hours, "2026-11-27T12:00-05:00", "2026-11-28T12:00-05:00") == [
        ("2026-11-27T20:00:00-05:00", "2026-11-28T02:00:00-05:00")
    ]


@pytest.mark.parametrize(("day", "hours_open"), [("2026-11-01", 25), ("2027-03-14", 23)])
def test_a_day_on_which_the_clocks_change(day: str, hours_open: int) -> None:
    hours = OpeningHours("24/7", "America/Toronto", "ON")
    start = hours.moment(date.fromisoformat(day), 0)
    end = hours.moment(date.fromisoformat(day) + timedelta(days=1), 0)
    assert end - start == timedelta(hours=hours_open)
    ((opens, closes),) = hours.intervals(start, end)
    assert closes.astimezone(UTC) - opens.astimezone(UTC) == timedelta(hours=hours_open)


@pytest.mark.parametrize(
    ("spec", "zone", "province", "named"),
    [
        ("Mo-Sa 8-20", "America/Toronto", "ON", ["Mo-Sa 8-20", "Mo-Sa 08:00-20:00"]),
        ("", "America/Toronto", "ON", ["opening hours"]),
        ("Mo-Sa 08:00-20:00; SH off", "America/Toronto", "ON", ["SH"]),
        ("Mo-Sa 08:00-20:00", "Toronto", "ON", ["Toronto", "America/Toronto"]),
        ("Mo-Sa 08:00-20:00", "../etc", "ON", ["../etc"]),
        ("Mo-Sa 08:00-20:00", "America/Toronto", "Ontario", ["Ontario", "ON"]),
    ],
)
def test_a_wrong_value_is_named_with_an_example(
    spec: str, zone: str, province: str, named: list[str]
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        OpeningHours(spec, zone, province)
    assert all(part in str(caught.value) for part in named)
    assert "\n" not in str(caught.value)


def test_moments_without_a_zone_are_refused() -> None:
    hours = OpeningHours("24/7", "America/Toronto", "ON")
    with pytest.raises(ValueError, match="time zone"):
        hours.intervals(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001
