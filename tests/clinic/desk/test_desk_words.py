"""The desk's words: every value of the program has one, and its log says nothing of patients."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from clinic.desk import words
from clinic.desk.logs import PrivateFormatter

DESK = Path(words.__file__).parent


def test_every_value_has_a_word() -> None:
    from clinic.audit.models import Action
    from clinic.booking.handoff import words as letters
    from clinic.booking.handoff.interface import Part
    from clinic.booking.models import Status, Visit
    from clinic.booking.requests import REFUSED
    from clinic.conversations.models import Correction, Session
    from clinic.conversations.reading import BOOKING_STEPS
    from clinic.desk.navigation import PAGES
    from clinic.outbox.models import OPEN, State
    from clinic.people.roles import Right, Role
    from clinic.questions.models import REASONS
    from clinic.questions.models import State as QuestionState

    reasons = set(letters.wording()["reasons"])
    noted = reasons | {REFUSED}
    wording = words.wording()
    for group, values in (
        ("actions", set(Action)),
        ("pages", {name for name, _ in PAGES}),
        ("roles", set(Role)),
        ("roles_long", set(Role)),
        ("rights", set(Right)),
        ("statuses", set(Status.values)),
        ("visits", set(Visit.values)),
        ("outcomes", set(Session.Outcome.values)),
        ("corrections", set(Correction.Kind.values)),
        ("delivery_states", {*OPEN, State.STUCK}),
        ("parts", set(Part)),
        ("funnel", set(BOOKING_STEPS)),
        ("decline_reasons", noted),
        ("audit_reasons", reasons | set(wording["unmask_reasons"])),
        ("question_states", set(QuestionState.values)),
        ("question_reasons", set(REASONS)),
    ):
        missing = {str(value) for value in values} - set(wording[group])
        assert not missing, (group, missing)


def test_every_key_that_is_said_is_there() -> None:
    said = re.compile(r"""\bsay\(\s*"([a-z_.]+)"|{% say "([a-z_.]+)" %}""")
    python = [*DESK.rglob("*.py"), *(DESK.parent / "people").rglob("*.py")]
    found = [
        key
        for file in [*python, *DESK.rglob("*.html")]
        for match in said.findall(file.read_text("utf-8"))
        for key in match
        if key and not key.endswith(".")
    ]
    assert len(found) > 40
    for key in found:
        words.say(key)


def test_the_ready_made_filters_are_filters() -> None:
    from clinic.conversations.listing import Filters

    for each in words.wording()["ready_made"].values():
        assert Filters.from_query(each["query"]).to_query() == each["query"]


@pytest.mark.parametrize("secret", ["416-555-0177", "/conversations/?text=priya"])
def test_the_log_says_what_failed_and_nothing_else(secret: str) -> None:
    try:
        raise ValueError(f"no such thing as {secret}")
    except ValueError:
        import sys

        failed = sys.exc_info()
    record = logging.LogRecord(
        "django.request", logging.ERROR, "x.py", 1, "Internal Server Error: %s", (secret,), failed
    )
    line = PrivateFormatter().format(record)
    assert secret not in line
    assert "Internal Server Error: … (ValueError at test_desk_words.py:" in line
