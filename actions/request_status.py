"""What is said of a request that stands in the clinic's database.

Everything is returned as arguments of ``utter_message``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from actions import times
from clinic import clock


def status_of(request: Any) -> dict[str, Any]:
    """Requested, confirmed, declined, cancelled, expired, or asked whether another time suits."""
    from clinic.booking.handoff import words
    from clinic.booking.models import Status
    from clinic.booking.requests import standing_proposal
    from clinic.outbox.reading import appointment_now

    said = {
        Status.REQUESTED: "utter_status_requested",
        Status.CHANGED: "utter_status_changed",
        Status.CONFIRMED: "utter_status_confirmed",
        Status.DECLINED: "utter_status_declined",
        Status.CANCELLED: "utter_status_cancelled",
        Status.EXPIRED: "utter_status_expired",
    }
    proposed = standing_proposal(request)
    if proposed is None:
        return about(request, said[Status(request.status)])
    if request.starts_at <= clock.now():
        # nobody has noted it yet
        return about(request, said[Status.EXPIRED])
    buttons = words.buttons(appointment_now(request))
    return {**about(request, "utter_status_proposed"), "buttons": buttons}


def about(request: Any, response: str) -> dict[str, Any]:
    """A response with what stands in the request."""
    return {
        "response": response,
        "reference": request.reference,
        "chosen_time": when(request),
        "patient_contact": request.patient_contact_typed,
    }


def waits_for(entry: Any) -> str:
    """When an entry of the waiting list would start: "Tuesday, December 8, at 9 am"."""
    from clinic.booking.waiting import windows_of

    # the list keeps where the whole appointment lies
    longer = timedelta(minutes=entry.minutes - 1)
    return times.said([(start, end - longer) for start, end in windows_of(entry)])


def when(request: Any) -> str:
    """The time of a request, or the patient's wish while there is none."""
    if request.starts_at is None or request.ends_at is None:
        return str(request.preferred_time)
    minutes = int((request.ends_at - request.starts_at).total_seconds() // 60)
    return times.Offer(request.starts_at, minutes, request.therapist).read_back()
