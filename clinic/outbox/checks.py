"""Checking the settings of the way out at start, with Django's own checks."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from clinic import facts
from clinic.environment import EnvironmentProblem


def settings_of_the_way_out(**_: Any) -> list[CheckMessage]:
    """One error for the setting of the chosen way out, of mail or Slack that cannot be used."""
    from clinic.booking.handoff.ways import way_out
    from clinic.outbox import slack

    try:
        way_out(facts.load())
        slack.webhook()
    except (EnvironmentProblem, facts.ClinicFileError) as problem:
        return [Error(str(problem), id="clinic.outbox")]
    return []
