"""Rates and places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.channels.limits import Places, Rate


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_window_holds_more_than_the_limit(pauses: list[float], limit: int) -> None:
    rate, now, taken = Rate(limit, 60.0), 0.0, []
    for pause in pauses:
        now += pause
        wait = rate.wait("chat", now)
        if not wait:
            rate.count("chat", now)
            taken.append(now)
        assert sum(moment > now - 60 for moment in taken) <= limit
        # Nobody waits longer than that.
        assert rate.wait("chat", now + 60.001) == 0


def test_one_conversation_does_not_slow_another() -> None:
    rate = Rate(1)
    rate.count("chat", 0.0)
    assert rate.wait("chat", 1.0) == 59.0
    assert rate.wait("another", 1.0) == 0


def test_places_run_out_in_all_and_for_one_and_come_back() -> None:
    places = Places(3, 2)
    assert [places.take(address) for address in ("a", "a", "a", "b", "c")] == [
        True,
        True,
        False,
        True,
        False,
    ]
    places.leave("a")
    assert places.take("c")
