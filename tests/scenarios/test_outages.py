"""Something is broken, and the patient still reads what to do."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from scenario_chat import Chat, stored
from scenario_servers import Servers, locked, wait_until
from scenario_steps import expect, fill, fragments, play

from assistant.serving.action_endpoint import PATIENCE

DANGER = "since this morning I cannot feel anything when I wipe myself"
# Seconds in which a message is answered that waits for nobody, on a busy computer.
AT_ONCE = 3
TECHNICAL = {"contains": ["{clinic_phone}", "went wrong on our side"]}
NEW_CHAT = Callable[[], Chat]


@pytest.fixture
def chat_with_half_a_booking(chat: Chat) -> Chat:
    """A conversation that has given a name and is asked for a contact."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="patient_contact")
    return chat


class TestActionServerKilled:
    """Custom actions cannot be run: no validation, no storing."""

    @pytest.fixture
    def half_a_booking(self, servers: Servers) -> Chat:
        """A booking in the middle when it happens."""
        chat = Chat(servers)
        play(chat, fragments()["start_booking"])
        fill(chat, until="patient_contact")
        return chat

    @pytest.fixture
    def killed(self, servers: Servers, half_a_booking: Chat) -> Iterator[None]:
        """The action server is gone while the test runs."""
        servers.actions.stop(signal.SIGKILL)
        yield
        servers.actions.restart()

    def test_what_still_works(
        self, killed: None, servers: Servers, half_a_booking: Chat, new_chat: NEW_CHAT
    ) -> None:
        """Questions and alarms need no action; booking says so; then it all goes on."""
        asking = new_chat()
        asking.say("does the massage hurt")
        expect(asking, {"response": ["utter_faq/does_it_hurt"]})
        asking.click("Helpful")
        expect(asking, TECHNICAL)

        in_danger = new_chat()
        play(in_danger, fragments()["emergency"])
        play(in_danger, fragments()["insists_on_booking"])

        booking = new_chat()
        booking.say("I would like to make an appointment please")
        expect(booking, TECHNICAL)
        booking.say("does the massage hurt")
        expect(booking, {"response": "utter_faq/does_it_hurt"})

        half_a_booking.say("604-555-0173")
        expect(half_a_booking, TECHNICAL)
        half_a_booking.say("what does it cost")
        expect(half_a_booking, {"response": "utter_faq/cost"})

        in_danger_in_a_form = half_a_booking
        play(in_danger_in_a_form, fragments()["emergency"])

        servers.actions.restart()
        play(half_a_booking, fragments()["insists_on_booking"])
        play(half_a_booking, fragments()["has_been_checked"])
        half_a_booking.click("Yes, go on")
        expect(half_a_booking, {"slots": {"patient_name": "Priya Venkataraman"}})
        fill(half_a_booking)
        assert len(stored(half_a_booking).requests) == 1, half_a_booking
        booking.say("I want to book")
        expect(booking, {"form": "booking_form", "not_response": "utter_technical_problem"})
        fill(booking)
        assert len(stored(booking).requests) == 1, booking
        asking.say("does the massage hurt")
        asking.click("Helpful")
        assert len(stored(asking).feedback) == 1, asking

    def test_at_the_last_step(self, killed: None, servers: Servers, new_chat: NEW_CHAT) -> None:
        """Nothing is said to be sent that was not."""
        servers.actions.restart()
        chat = new_chat()
        play(chat, fragments()["start_booking"])
        fill(chat, until="confirm_booking")
        servers.actions.stop(signal.SIGKILL)
        chat.click("Send request")
        expect(chat, TECHNICAL | {"not_contains": "is requested"})
        servers.actions.restart()
        assert not stored(chat).requests, chat
        chat.say("I want to book")
        fill(chat)
        assert len(stored(chat).requests) == 1, chat


class TestActionServerHangs:
    """It takes connections and never answers."""

    @pytest.fixture
    def hanging(self, servers: Servers, chat_with_half_a_booking: Chat) -> Iterator[Chat]:
        """A booking in the middle when it happens."""
        assert servers.actions.process is not None
        servers.actions.process.send_signal(signal.SIGSTOP)
        yield chat_with_half_a_booking
        servers.actions.process.send_signal(signal.SIGCONT)

    def test_an_alarm_in_a_form(self, hanging: Chat) -> None:
        """It is told at once, and alone."""
        asked_at = time.monotonic()
        hanging.say(DANGER)
        assert time.monotonic() - asked_at < AT_ONCE, hanging
        expect(hanging, {"response": ["utter_emergency"], "contains": "911", "form": None})

    def test_an_answer_in_a_form(self, hanging: Chat) -> None:
        """The patient is not kept waiting for minutes."""
        asked_at = time.monotonic()
        hanging.say("604-555-0173")
        expect(hanging, TECHNICAL)
        assert time.monotonic() - asked_at < PATIENCE + AT_ONCE, hanging


class TestClinicDatabaseLocked:
    """Another process holds the clinic's database."""

    def test_an_alarm_in_a_form(self, chat_with_half_a_booking: Chat, servers: Servers) -> None:
        """It is told at once and alone, although the time cannot be given back."""
        chat = chat_with_half_a_booking
        with locked(servers.clinic_database):
            asked_at = time.monotonic()
            chat.say(DANGER)
            assert time.monotonic() - asked_at < AT_ONCE, chat
            wait_until(
                lambda: "action_release_time failed: OperationalError" in servers.actions.tail(),
                "giving the time back was tried in vain",
            )
        expect(chat, {"response": ["utter_emergency"], "contains": "911", "form": None})

    def test_booking(self, chat: Chat, servers: Servers) -> None:
        """The patient is told that nothing was stored, and tries again."""
        play(chat, fragments()["start_booking"])
        fill(chat, until="confirm_booking")
        with locked(servers.clinic_database):
            chat.click("Send request")
            expect(
                chat,
                {
                    "response": "utter_booking_not_saved",
                    "contains": ["could not store", "{clinic_phone}"],
                    "buttons_include": "Try again",
                },
            )
            chat.say("does the massage hurt")
            expect(chat, {"response": "utter_faq/does_it_hurt"})
        assert not stored(chat).requests, chat
        chat.say("I want to book")
        fill(chat)
        (request,) = stored(chat).requests
        assert request["patient_name"] == "Priya Venkataraman"

    def test_choosing_a_time(self, chat: Chat, servers: Servers) -> None:
        """A time that cannot be held is not taken for chosen."""
        play(chat, fragments()["start_booking"])
        fill(chat, until="chosen_time")
        with locked(servers.clinic_database):
            chat.click(chat.buttons[0])
            expect(chat, {"contains": "{clinic_phone}", "slots": {"chosen_time": None}})
        expect(chat, {"form": "booking_form"})
        fill(chat)
        assert len(stored(chat).requests) == 1, chat

    def test_message(self, chat: Chat, servers: Servers) -> None:
        """The message is not lost."""
        play(chat, fragments()["start_message"])
        fill(chat, until="confirm_message")
        with locked(servers.clinic_database):
            chat.click("Send message")
            expect(
                chat,
                {"response": "utter_message_not_saved", "contains": "{clinic_phone}"},
            )
        assert not stored(chat).messages, chat
        chat.click("Try again")
        fill(chat)
        (message,) = stored(chat).messages
        assert "pillow" in message["text"]

    def test_deletion(self, chat: Chat, servers: Servers) -> None:
        """Nothing is said to be deleted that was not."""
        play(chat, fragments()["leave_message"])
        play(chat, fragments()["start_deletion"])
        with locked(servers.clinic_database):
            chat.click("Delete it")
            expect(chat, {"response": "utter_delete_failed", "contains": "{clinic_phone}"})
        assert len(stored(chat).messages) == 1, chat
        assert chat.events(), "the conversation was erased although the rest was not"
        chat.click("Try again")
        fill(chat)
        assert not stored(chat).messages, chat
        assert not chat.events(), chat


class TestTrackerDatabase:
    """Conversations cannot be read or written."""

    def test_locked(self, chat_with_half_a_booking: Chat, new_chat: NEW_CHAT) -> None:
        """Questions and alarms are answered, and the form goes on afterwards."""
        chat, other, in_danger = chat_with_half_a_booking, new_chat(), new_chat()
        with locked(chat.servers.tracker_database):
            other.say("does the massage hurt")
            assert "massage" in other.text.casefold(), other
            in_danger.say("since this morning I cannot feel anything when I wipe myself")
            assert "911" in in_danger.text, in_danger
        expect(chat, {"form": "booking_form", "asks": "patient_contact"})
        fill(chat)
        assert len(stored(chat).requests) == 1, chat
        other.say("what does it cost")
        expect(other, {"response": ["utter_faq/cost"]})

    def test_alarm_that_cannot_be_written(self, chat: Chat) -> None:
        """It is open all the same, and written down later."""
        chat.say("hello")
        with locked(chat.servers.tracker_database, "IMMEDIATE"):
            chat.say("since this morning I cannot feel anything when I wipe myself")
            assert "911" in chat.text, chat
            chat.say("I do not care, just book me an appointment")
            assert "can't take an appointment request until" in chat.text, chat
        play(chat, fragments()["insists_on_booking"])
        expect(chat, {"slots": {"red_flag_level": "emergency"}})
        written = [event["text"] for event in chat.events() if event["event"] == "user"]
        assert len([text for text in written if text]) == 4, chat

    def test_full(self, chat_with_half_a_booking: Chat, new_chat: NEW_CHAT) -> None:
        """An alarm that could not be written down is still open afterwards."""
        chat, in_danger = chat_with_half_a_booking, new_chat()
        in_danger.say("hello")
        with chat.servers.rasa.no_room_on_disk():
            chat.say("what does it cost")
            assert "{clinic_phone}" not in chat.text, chat
            in_danger.say("since this morning I cannot feel anything when I wipe myself")
            assert "911" in in_danger.text, in_danger
        play(in_danger, fragments()["insists_on_booking"])
        expect(in_danger, {"slots": {"red_flag_level": "emergency"}})
        fill(chat)
        assert len(stored(chat).requests) == 1, chat


class TestRestart:
    """A server that crashed, or was updated, in the middle of a conversation."""

    def test_rasa_in_the_middle_of_a_form(self, servers: Servers, new_chat: NEW_CHAT) -> None:
        """Nothing is lost: neither what was given, nor an open alarm, nor a check question."""
        booking, alarmed, checked = new_chat(), new_chat(), new_chat()
        play(booking, fragments()["start_booking"])
        fill(booking, until="patient_contact")
        play(alarmed, fragments()["emergency"])
        play(checked, fragments()["check_question"])
        servers.rasa.stop(signal.SIGKILL)
        servers.rasa.restart()
        fill(booking)
        (request,) = stored(booking).requests
        assert request["patient_name"] == "Priya Venkataraman"
        play(alarmed, fragments()["insists_on_booking"])
        checked.say("what are your opening hours")
        expect(checked, {"response": "utter_check_weakness"})
        checked.say("what are your opening hours")
        expect(checked, {"response": "utter_urgent"})

    def test_actions_in_the_middle_of_a_form(
        self, servers: Servers, chat_with_half_a_booking: Chat
    ) -> None:
        """The action server remembers nothing that would be missed."""
        servers.actions.restart()
        fill(chat_with_half_a_booking)
        assert len(stored(chat_with_half_a_booking).requests) == 1, chat_with_half_a_booking
