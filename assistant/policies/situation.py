"""The situation that a turn sees, and the turn that answers it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from assistant.policies import alarm
from assistant.policies.forms import offers_of

LONGEST_MESSAGE = 2000  # characters
# Whether a person would come into the chat.
THERE, AWAY = "there", "away"
# What an act must reach to interrupt a form, by what the form asks for.
CLEAR = 0.4
CLEAR_IN_FREE_TEXT = 0.6
# Details that are values, not signs of a problem.
GIVEN = frozenset({"time", "name", "contact"})


@dataclass(frozen=True)
class Situation:
    """A message and where the conversation is.

    ``acts`` are (label, confidence) pairs in the order asked; ``details`` maps what was found in
    the message ("time", "name", "contact") to its value. ``name`` is the whole message read as a
    person's name, when it can be. ``said_before`` are the names of the responses of the turn
    before, oldest first; ``last_topic`` is the topic last answered. ``requested`` is whether a
    request was sent in this conversation, ``has_draft`` whether one was begun that was not,
    ``passes_change_on`` whether the message that is being written asks the clinic to change an
    appointment without a reference, ``waits`` whether the patient joined the waiting list,
    ``several_therapists`` whether there is one to choose. ``open_forms`` were begun and neither
    completed nor given up, the latest last. ``back_after_a_break`` is whether nothing was written
    before it in this session, or for long.
    ``alarms`` are the signs of the open red flag (see ``alarm.Alarm``), ``alarm_kind`` what the
    latest is, ``alarm_person`` whom it is about when not the patient, ``person_told`` the
    person that the patient's words named last ("your mother"), ``person_just_told`` whom alone the
    message before was about, ``alarm_language`` the language it
    was told in when that is "french" or "spanish", ``after_checked`` what the message asked for
    that said the patient was checked. ``responses`` are the names of all responses
    there are. ``books_elsewhere`` is whether the clinic sends its patients to a booking program
    of its own. ``proposal`` is the time that the clinic proposes, when the words before the
    message asked about it. ``person`` is whether someone at the clinic would come into this chat
    (THERE) or nobody now (AWAY), None where that is not possible.
    """

    text: str
    acts: tuple[tuple[str, float], ...]
    triage: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    form: str | None = None
    requested_slot: str | None = None
    red_flag_level: str | None = None
    alarms: tuple[alarm.Alarm, ...] = ()
    alarm_kind: str | None = None
    alarm_person: str | None = None
    person_told: str | None = None
    person_just_told: str | None = None
    alarm_language: str | None = None
    after_checked: tuple[tuple[str, float], ...] = ()
    open_forms: tuple[str, ...] = ()
    back_after_a_break: bool = False
    safety_check: Mapping[str, Any] | None = None
    said_before: tuple[str, ...] = ()
    last_topic: str | None = None
    requested: bool = False
    waits: bool = False
    several_therapists: bool = False
    has_draft: bool = False
    passes_change_on: bool = False
    responses: Collection[str] = ()
    books_elsewhere: bool = False
    proposal: str | None = None
    person: str | None = None

    @property
    def clicked(self) -> bool:
        """The message is the payload of a button."""
        return self.text.startswith("/")

    @property
    def could_be_a_name(self) -> bool:
        """The whole message can be read as a person's name."""
        return self.name is not None

    @property
    def tells_a_time(self) -> bool:
        """A time was found in the message, or what may be one."""
        return bool(self.details.keys() & {"time", "time_unclear"})

    @property
    def intent(self) -> str:
        """Label of the first act."""
        return self.acts[0][0] if self.acts else "nlu_fallback"

    @property
    def last_said(self) -> str:
        """The response that ended the turn before; empty when there was none."""
        return self.said_before[-1] if self.said_before else ""

    @property
    def offered(self) -> str | None:
        """The form that the turn before ended by offering again."""
        return next((form for form in self.open_forms if self.last_said in offers_of(form)), None)

    @property
    def open_once_stopped(self) -> list[str] | None:
        """The forms that are open when the running one stops."""
        others = [form for form in self.open_forms if form != self.form]
        return [*others, self.form] if self.form else others or None


@dataclass(frozen=True)
class Turn:
    """The actions of a turn, and the slots to set before the first of them.

    ``stop_form`` ends the running form; what it holds is kept.
    """

    actions: tuple[str, ...]
    slots: Mapping[str, Any] = field(default_factory=dict)
    stop_form: bool = False
