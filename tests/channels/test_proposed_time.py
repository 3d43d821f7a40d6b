"""Staff propose another time at the desk, and the patient answers in the chat."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scenario_chat import read
from scenario_servers import Servers
from window import Window

from clinic.environment import sqlite

_CLINIC = Path(__file__).parents[1] / "clinic"
if str(_CLINIC / "desk") not in sys.path:
    sys.path.insert(0, str(_CLINIC / "desk"))

from desk_people import browser, person  # noqa: E402

# Pointing Django at another database comes from the tests of what the clinic keeps.
_spec = importlib.util.spec_from_file_location("clinic_fixtures", _CLINIC / "conftest.py")
assert _spec
assert _spec.loader
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

PHONE = "604-555-0173"
# Each booking has a day of its own.
_days = itertools.count(4)

NewWindow = Callable[[], Window]


class Desk:
    """Mara at the front desk, where requests are decided."""

    def __init__(self, servers: Servers) -> None:
        self._browser = browser(person("mara", "front_desk"))
        self._servers = servers

    def proposes(self, reference: str, hour: int = 15) -> None:
        """Another hour, on the day after the one that was asked for."""
        day = f"2027-01-{self.day_of(reference) + 1:02d}"
        form = {"slot": "", "day": day, "time": f"{hour}:00", "therapist": "Natalie Yeo"}
        done = self._browser.post(f"/bookings/{reference}/move", form)
        assert done.status_code == 302, done.content

    def declines(self, reference: str) -> None:
        """It cannot be offered any more."""
        assert self._browser.post(f"/bookings/{reference}/decline").status_code == 302

    def page(self, reference: str) -> str:
        """What stands on the page of a request."""
        return " ".join(self._browser.get(f"/bookings/{reference}").content.decode().split())

    def day_of(self, reference: str) -> int:
        """Of the month, as it was asked for."""
        return int(self.first(reference)["starts_at"][8:10])

    def first(self, reference: str) -> dict[str, Any]:
        """The first change of a request."""
        return self.changes(reference)[0]

    def changes(self, reference: str) -> list[dict[str, Any]]:
        """Its history, oldest first."""
        query = (
            "SELECT c.* FROM booking_statuschange c JOIN booking_appointmentrequest r "
            "ON r.id = c.request_id WHERE r.reference = ? ORDER BY c.id"
        )
        return read(self._servers.clinic_database, query, reference)

    def now(self, reference: str) -> dict[str, Any]:
        """The request as it is kept."""
        query = "SELECT * FROM booking_appointmentrequest WHERE reference = ?"
        return read(self._servers.clinic_database, query, reference)[0]


@pytest.fixture(scope="module")
def desk(servers: Servers) -> Iterator[Desk]:
    from django.core.management import call_command

    with _fixtures.pointed_at(sqlite(servers.clinic_database)):
        # The desk's own tables, beside those that the action server has made.
        call_command("migrate", verbosity=0, interactive=False)
        yield Desk(servers)


def text(answers: list[dict[str, Any]]) -> str:
    return "\n".join(one["text"] for one in answers)


def book(window: Window) -> str:
    """Mirabel asks for an hour on a free day of January; the reference."""
    day = next(_days)
    # No Sundays, on which the clinic is closed.
    day = day if (day - 3) % 7 else next(_days)
    window.ask(f"can I book 60 minutes January {day} at 11 am, I'm Mirabel Okonkwo, {PHONE}")
    for _ in range(4):
        if any(button["title"] == "Send request" for button in window.seen[-1]["buttons"]):
            break
        window.ask("no")
    said = text(window.answers(window.press("Send request")))
    return said.partition("your reference is ")[2][:6]


def is_proposed(desk: Desk, window: Window, hour: int = 15) -> str:
    """A request for which another time was proposed, which the patient has before their eyes."""
    reference = book(window)
    desk.proposes(reference, hour)
    window.until(lambda: "They can offer" in window.seen[-1]["text"], "the proposal")
    return reference


def test_it_is_accepted_by_its_button_once(desk: Desk, window: Window) -> None:
    reference = is_proposed(desk, window)
    said = window.answers(window.press("Yes, that suits me"))
    assert "your appointment is confirmed" in text(said)
    assert "3 pm to 4 pm" in text(said)
    assert said[0]["card"]["status"] == "confirmed"
    again = window.answers(window.press("Yes, that suits me"))
    assert "your appointment is confirmed" in text(again)
    assert [(one["status"], one["who"]) for one in desk.changes(reference)][2:] == [
        ("changed", "mara"),
        ("confirmed", "patient"),
    ]
    assert "confirmed</strong> by the patient" in desk.page(reference)


@pytest.mark.parametrize("words", ["yes", "ok that works perfect", "c'est bon"])
def test_it_is_accepted_in_words_right_after_it(desk: Desk, window: Window, words: str) -> None:
    reference = is_proposed(desk, window)
    assert "your appointment is confirmed" in text(window.ask(words))
    assert desk.now(reference)["status"] == "confirmed"


def test_a_question_in_between_is_answered_and_then_it_is_asked_again(
    desk: Desk, window: Window
) -> None:
    reference = is_proposed(desk, window)
    said = window.ask("what should I wear?")
    assert "Does it suit you?" in said[-1]["text"]
    assert "your appointment is confirmed" in text(window.ask("yes it does"))
    assert desk.now(reference)["status"] == "confirmed"


def test_another_time_is_asked_for_instead(desk: Desk, window: Window) -> None:
    reference = is_proposed(desk, window)
    # On the day that was asked for, later: it is open.
    day = desk.day_of(reference)
    said = text(window.ask(f"no, january {day} at 1 pm would be better"))
    assert "1 pm to 2 pm" in said
    window.ask("yes")
    stands = desk.now(reference)
    assert (stands["status"], stands["starts_at"][8:13]) == ("changed", f"{day:02d} 18")
    assert desk.changes(reference)[-1]["who"] == "patient"


def test_it_is_refused_and_left_to_the_clinic(desk: Desk, window: Window) -> None:
    reference = is_proposed(desk, window)
    said = window.ask("no sorry that doesn't work for me")
    titles = [button["title"] for button in said[-1]["buttons"]]
    assert titles == ["Another time", "Get in touch with me", "Cancel it"]
    assert desk.now(reference)["status"] == "changed"
    said = window.answers(window.press("Get in touch with me"))
    assert f"in touch with you at {PHONE}" in text(said)
    stands = desk.now(reference)
    assert (stands["status"], stands["starts_at"]) == ("requested", None)
    assert "does not suit the patient" in desk.page(reference)
    # What was offered is gone.
    late = text(window.answers(window.press("Yes, that suits me")))
    assert "does not stand any more" in late
    assert desk.now(reference)["status"] == "requested"


def test_it_is_refused_and_cancelled(desk: Desk, window: Window) -> None:
    reference = is_proposed(desk, window)
    window.answers(window.press("It does not suit me"))
    window.answers(window.press("Cancel it"))
    window.ask("yes")
    assert desk.now(reference)["status"] == "cancelled"


def test_what_staff_have_decided_meanwhile_is_told(desk: Desk, window: Window) -> None:
    reference = is_proposed(desk, window)
    desk.declines(reference)
    window.until(lambda: "cannot offer" in window.seen[-1]["text"], "the refusal")
    said = text(window.answers(window.press("Yes, that suits me")))
    assert "does not stand any more" in said
    assert "could not give you" in said
    assert desk.now(reference)["status"] == "declined"


def test_an_older_proposal_is_not_taken_for_the_newer_one(desk: Desk, window: Window) -> None:
    reference = is_proposed(desk, window)
    older = next(b for b in window.seen[-1]["buttons"] if b["title"] == "Yes, that suits me")
    desk.proposes(reference, 17)
    window.until(lambda: "5 pm to 6 pm" in window.seen[-1]["text"], "the newer one")
    message = {"id": "00000000-0000-4000-8000-000000000001", **older}
    assert window.call("message", message)["ok"]
    said = text(window.answers(message["id"]))
    assert "does not stand any more" in said
    assert "5 pm to 6 pm" in said
    assert desk.now(reference)["status"] == "changed"
    assert "5 pm to 6 pm" in text(window.ask("ok yes"))
    assert desk.now(reference)["status"] == "confirmed"


def test_who_got_a_letter_answers_with_the_reference(
    desk: Desk, window: Window, new_window: NewWindow
) -> None:
    reference = is_proposed(desk, window)
    elsewhere = new_window().open()
    said = elsewhere.ask(f"I got your email, that day is fine, ref {reference.lower()}")
    assert "which phone number or e-mail" in text(said)
    assert "Shall I accept it" in text(elsewhere.ask(PHONE))
    assert "your appointment is confirmed" in text(elsewhere.ask("yes please"))
    assert desk.now(reference)["status"] == "confirmed"


def test_another_draft_goes_on_after_the_answer(desk: Desk, window: Window) -> None:
    reference = book(window)
    window.ask("book another one")
    asked = window.ask("45 minutes")
    desk.proposes(reference)
    window.until(lambda: "They can offer" in window.seen[-1]["text"], "the proposal")
    said = window.ask("yes that works")
    assert "your appointment is confirmed" in said[0]["text"]
    assert len(said) == 2
    assert asked
    assert desk.now(reference)["status"] == "confirmed"


def test_nothing_is_accepted_while_something_dangerous_is_open(desk: Desk, window: Window) -> None:
    reference = is_proposed(desk, window)
    window.ask("I can't feel anything between my legs since this morning")
    said = text(window.answers(window.press("Yes, that suits me")))
    assert "can't" in said
    assert desk.now(reference)["status"] == "changed"
