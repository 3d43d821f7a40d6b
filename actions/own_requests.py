"""The requests that were sent in a conversation, and which of them the patient's words mean.

Where several were sent, none is changed before the words have told which: by its day or its
hour, or by whom it is for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from actions import times
from actions.request_status import when
from actions.services import ordinal
from assistant.policies import alarm
from assistant.policies.wishes import says
from clinic import clock

# "Emily's", "emilys", "my wifes one".
_POSSESSIVE = re.compile(r"(?<=\w\w)['\u2019]?s\b", re.IGNORECASE)
LEAST_OF_A_NAME = 2


def standing(conversation: str, reference: str | None) -> list[Any]:
    """Those that can still be moved or cancelled, the one that comes first first.

    ``reference`` is the one that the conversation told of last, also when it was sent elsewhere.
    """
    from clinic.booking.requests import NEXT

    now = clock.now()
    return [
        request
        for request in sent(conversation, reference)
        if NEXT[request.status] and (request.starts_at is None or request.starts_at > now)
    ]


def sent(conversation: str, reference: str | None) -> list[Any]:
    """All of them, whatever became of them, the one that comes first first."""
    from django.db.models import Q

    from clinic.booking.models import AppointmentRequest

    told = Q(conversation_id=conversation) | Q(reference=reference or "")
    return list(
        AppointmentRequest.objects.filter(told, erased_at=None).order_by("starts_at", "created_at")
    )


def label(request: Any) -> str:
    """A request among others: when it is, and for whom."""
    return f"{when(request)}, {request.patient_name}"


def meant(requests: Sequence[Any], text: str, *, by_times: bool = True) -> list[Any] | None:
    """Those that the words tell; None when they tell nothing that sets one apart.

    "Mine, not Emily's" and "the 14th, not the 21st" tell one, "not the 21st" all the others.
    ``by_times`` is False where a time in the text is one that is wished for.
    """
    excluded, told = _parts(text)
    others = _fitting(requests, excluded, by_times=by_times) or []
    left = [request for request in requests if request not in others]
    found = _fitting(left, told, by_times=by_times)
    return found if found is not None else (left if others else None)


def tells_only_which_not(requests: Sequence[Any], text: str) -> bool:
    """ "Don't cancel the 14th": what is not meant, and nothing besides."""
    excluded, told = _parts(text)
    return bool(_fitting(requests, excluded)) and _fitting(requests, told) is None


def of_the_list(requests: Sequence[Any], text: str) -> list[Any] | None:
    """The same, said to the list of them: "the first one" as well, or a line of it."""
    named = [request for request in requests if label(request) == text]
    index = None if named or re.search(r"\d", text) else ordinal(text, len(requests))
    return named or ([requests[index]] if index is not None else meant(requests, text))


def by_time(requests: Sequence[Any], text: str) -> list[Any] | None:
    """Those on the day or at the hour told; None when no time is told."""
    # "I can't come on the 14th" would be any day but that
    text = re.sub(times.words()["around_which_time"], " ", text, flags=re.IGNORECASE)
    understood = times.understood(text)
    windows = understood.windows
    if not windows or understood.soonest:
        return None
    timed = [request for request in requests if request.starts_at is not None]
    if not understood.names_day:
        return [request for request in timed if _at_that_hour(request.starts_at, text, windows)]
    on_day = {times.local_day(start) for start, _ in windows}
    days = [request for request in timed if times.local_day(request.starts_at) in on_day]
    if not days and not re.search(times.words()["dated"], text, re.IGNORECASE):
        # "Friday" is that of the appointment, and not the next there is
        named = {day.weekday() for day in on_day}
        days = [r for r in timed if times.local_day(r.starts_at).weekday() in named]
    if understood.names_time:
        return [request for request in days if _at_that_hour(request.starts_at, text, windows)]
    return days


def by_person(requests: Sequence[Any], text: str) -> list[Any] | None:
    """Those for the person told, or for the patient who writes; None when nobody is told."""
    plain = _POSSESSIVE.sub("", text)
    person = alarm.person_in(plain)
    somebody = person is not None and person != alarm.somebody()
    for_person = [request for request in requests if alarm.person_in(request.for_whom) == person]
    if somebody and for_person:
        return for_person
    named = [request for request in requests if _is_named(request.patient_name, text, plain)]
    if named:
        return named
    if somebody:
        return []
    if says("own_one", text):
        return [request for request in requests if not request.for_whom]
    return None


def _fitting(requests: Sequence[Any], text: str, *, by_times: bool = True) -> list[Any] | None:
    both = (by_person(requests, text), by_time(requests, text) if by_times else None)
    told = [found for found in both if found is not None]
    if not told:
        return None
    return [request for request in requests if all(request in found for found in told)]


def _parts(text: str) -> tuple[str, str]:
    """What tells the one that is not meant, and the rest."""
    pattern = re.compile(times.words()["not_that_one_but"], re.IGNORECASE)
    return " ".join(match[0] for match in pattern.finditer(text)), pattern.sub(" ", text)


def _at_that_hour(start: datetime, text: str, windows: list[Any]) -> bool:
    minute, _ = times.minutes_of_day((start, start))
    exact = times.point(text, windows[:1])
    if exact is not None:
        return times.minutes_of_day((exact, exact))[0] == minute
    return any(first <= minute < last for first, last in map(times.minutes_of_day, windows))


def _is_named(name: str, *texts: str) -> bool:
    """A name of the patient's stands in one of the texts."""
    parts = [part for part in re.findall(r"[^\W\d_]+", name) if len(part) > LEAST_OF_A_NAME]
    told = " ".join(texts)
    return any(re.search(rf"\b{re.escape(part)}\b", told, re.IGNORECASE) for part in parts)
