"""What is to be booked: length, therapist, whether it is a first visit, and for whom."""

from __future__ import annotations

import re

from actions.times import words
from assistant.nlu.therapists import THERAPIST, naming
from assistant.policies.wishes import says
from clinic import facts

ANYONE = "anyone"


def offered() -> list[str]:
    """Every service with every length, as it is read back: "massage therapy, 60 minutes"."""
    return [
        in_full(service.name, minutes)
        for service in facts.current().services
        for minutes in service.minutes
    ]


def in_full(name: str, minutes: int) -> str:
    """A service of clinic.yml with its length, as it is read back."""
    return f"{name}, {minutes} minutes"


def name_of(service: str) -> str:
    """The name in "massage therapy, 60 minutes", as clinic.yml has it."""
    return service.rsplit(", ", 1)[0]


def minutes_of(service: str) -> int:
    """The length in "massage therapy, 60 minutes"."""
    return int(service.rsplit(", ", 1)[1].split()[0])


def read(text: str) -> str | None:
    """The service that a message names, or None when it names none or several."""
    if text in offered():
        return text
    wanted = _minutes(text)
    found = [
        name
        for name in offered()
        if minutes_of(name) == wanted and (len(facts.current().services) == 1 or _names(name, text))
    ]
    return found[0] if len(found) == 1 else None


def read_instead(text: str, known: str | None) -> str | None:
    """As ``read``; of "45 minutes, no 60" the one that is not ``known``, else the last of them."""
    parts = re.split(words()["no_between_lengths"], text, flags=re.IGNORECASE)
    named = [service for part in parts if (service := read(part))]
    others = [service for service in named if service != known]
    return others[-1] if len(named) > 1 and others else read(text)


def pick(text: str, undecided: bool = False) -> str | None:
    """The service that an answer to "which one?" picks: as ``read``, by number, or by order.

    ``undecided`` leaves the choice to the assistant, which takes the middle one.
    """
    names = offered()
    numbers = set(map(int, re.findall(words()["number_of_minutes"], text, re.IGNORECASE)))
    by_number = [name for name in names if minutes_of(name) in numbers]
    if read(text):
        return read(text)
    if len(by_number) == 1:
        return by_number[0]
    index = ordinal(text, len(names))
    if index is not None:
        return names[index]
    by_length = sorted(names, key=minutes_of)
    for said, name in (("shortest_said", by_length[0]), ("longest_said", by_length[-1])):
        if re.search(words()[said], text, re.IGNORECASE):
            return name
    return names[len(names) // 2] if undecided else None


def not_offered(text: str) -> int | None:
    """The length that a message names, in minutes, when no service of this clinic has it."""
    wanted = _minutes(text)
    lengths = {minutes_of(name) for name in offered()}
    return wanted if wanted is not None and wanted not in lengths else None


def ordinal(text: str, count: int) -> int | None:
    """Which of ``count`` things "the second one" means, counted from 0."""
    patterns = [*words()["ordinals"][:count]]
    if patterns:
        # "the last one" of two is the second
        patterns[-1] = f"(?:{patterns[-1]}|{words()['last_of_all']})"
    for index, pattern in enumerate(patterns):
        rest, found = re.subn(pattern, "", text, flags=re.IGNORECASE)
        if found and re.match(words()["around_ordinals"], rest.strip(), re.IGNORECASE):
            return index
    return None


def _names(service: str, text: str) -> bool:
    return service.rsplit(", ", 1)[0].casefold() in text.casefold()


def _minutes(text: str) -> int | None:
    # "half an hour earlier" is about the time
    for pattern in (*words()["by_minutes"], words()["by_so_much"], words()["not_this_length"]):
        text = re.sub(pattern, "", text, flags=re.IGNORECASE)
    lengths = sorted({minutes_of(name) for name in offered()})
    for key, pick in (("shortest", lengths[0]), ("longest", lengths[-1])):
        if re.search(words()[key], text, re.IGNORECASE):
            return pick
    # "an hour and a half" before "an hour"
    for minutes, pattern in sorted(words()["lengths"].items(), reverse=True):
        if re.search(pattern, text, re.IGNORECASE):
            return int(minutes)
    for said in ("minutes", "made_to"):
        match = re.search(words()[said], text, re.IGNORECASE)
        if match:
            return int(match[1])
    alone = re.fullmatch(r"\W*(\d{2,3})\W*", text)
    if alone:
        return int(alone[1]) if int(alone[1]) in lengths else None
    for pattern in (*words()["length_beside_a_time"], *words()["length_alone"]):
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            return int(match[1])
    return None


def therapists() -> list[str]:
    """The therapists' names."""
    return [therapist.name for therapist in facts.current().therapists]


def read_therapist(text: str) -> str | None:
    """The therapist a message names by a name or "a woman", ANYONE, or None."""
    for name in therapists():
        if _names_person(rf"\b(?:{THERAPIST})\b", name, text):
            return name
    for therapist in facts.current().therapists:
        if therapist.gender and re.search(rf"\b{therapist.gender}\b", text, re.IGNORECASE):
            return therapist.name
    return ANYONE if re.search(words()["anyone"], text, re.IGNORECASE) else None


def wished_therapist(text: str) -> str | None:
    """The therapist a message asks for unasked ("60 minutes with Natalie"), ANYONE, or None.

    None also where there is only one to see.
    """
    names = therapists()
    if len(names) == 1:
        return None
    if says("other_therapist", text):
        others = [name for name in names if not _names_person(rf"\b(?:{THERAPIST})\b", name, text)]
        return others[0] if len(others) == 1 else None
    wished = [name for name in names if _names_person(words()["sees_therapist"], name, text)]
    if wished:
        return wished[0] if len(wished) == 1 else None
    anyone = re.search(rf"\bwith (?:{words()['anyone']})", text, re.IGNORECASE)
    return ANYONE if anyone else None


def _names_person(pattern: str, name: str, text: str) -> bool:
    return re.search(naming(pattern, [name]), text, re.IGNORECASE) is not None


def read_visit(text: str, asked: bool = False) -> str | None:
    """ "new" or "returning", or None when the message does not say.

    ``asked``: the question was about it, so that one word at the end is enough ("Jo Park, new").
    """
    for visit in ("returning", "new"):
        if re.search(words()[visit], text, re.IGNORECASE):
            return visit
    if asked:
        for visit, pattern in words()["visit_alone"].items():
            if re.search(pattern, text, re.IGNORECASE):
                return str(visit)
    return None


def without_visit(text: str) -> str:
    """The text up to where it says whether this is a first visit: "Jo Tremblay first time"."""
    places = [
        match.start()
        for pattern in (
            *(words()[visit] for visit in ("returning", "new", "about_a_visit")),
            *words()["visit_alone"].values(),
        )
        if (match := re.search(pattern, text, re.IGNORECASE))
    ]
    return text[: min(places)] if places else text


def read_for_whom(text: str) -> str | None:
    """Who is to be treated, as said ("my mother"), or None."""
    match = re.search(words()["for_whom"], text, re.IGNORECASE)
    # "one for me and one for my husband" is for both
    if not match or re.search(words()["for_myself"], text, re.IGNORECASE):
        return None
    # "book it for me mum"
    return re.sub(r"^me (?=\w)", "my ", next(filter(None, match.groups())), flags=re.IGNORECASE)
