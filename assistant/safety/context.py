"""Judges how a match is meant: as a fact of now, denied, long past, or asked in general."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import pairwise

from assistant.safety.clauses import CONTRAST, Words, word_set
from assistant.safety.patterns import Match, Place, Places
from assistant.safety.table import CUES

# How far a "no" reaches over a list: "no fever, chills, weight loss or numbness".
NEGATION_REACH = 14
# A cue in front of a comma ("In 2015, ...") is short, else it is a statement of its own.
OPENING_WORDS = 7
# "Clot or sciatica difference": typed as into a search box.
SEARCH_WORDS = 7
# How far behind "my dog" its trouble may stand.
SUBJECT_REACH = 5
# How far behind "after leg day" its day may stand.
WHEN_IT_WAS = 1
# How far behind "since" the year may stand.
SINCE_REACH = 8


# Words that may stand between an illness and the question mark.
LAST_WORDS = 2
# How far behind "my father had" the illness may stand.
FAMILY_REACH = 3


class Meaning(Enum):
    """How a match is meant."""

    NEW = "new"
    """Said to be there, and to be new."""
    PRESENT = "present"
    """Said to be there; nothing about since when."""
    SUPPOSED = "supposed"
    """Only thought of: "if my leg goes numb"."""
    PASSING = "passing"
    """Over since nobody knows when, or over and back again."""
    LATELY = "lately"
    """Over, but it was there today or in the last days."""
    ASKED = "asked"
    """What causes it? Nobody and no illness named: a person asking about themselves."""
    LASTING = "lasting"
    """There for years, nothing said about change."""
    OLD = "old"
    """Over, or there for years and unchanged."""
    GENERAL = "general"
    """A question about an illness."""
    DENIED = "denied"
    """Said not to be there, or not of a person."""


@dataclass(frozen=True)
class Cues:
    """Where the message speaks of time, and how."""

    new: list[Place]
    past: list[Place]
    lasting: list[Place]


_NUMBER_WORDS = word_set(
    "a an one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty "
    "forty couple few several many some last past number of"
)
_LONG_UNITS = word_set("year years yr yrs decade decades ans annees anos")
_SESSION_UNITS = word_set("minute minutes min mins hour hours hr hrs")
_SHORT_UNITS = word_set(
    "minute minutes min mins hour hours hr hrs day days night nights week weeks wk wks weekend "
    "month months jours semaines mois dias semanas meses"
)
_SINCE = word_set("since in from back of depuis desde en around until")


def read_cues(message: Words, places: Places) -> Cues:
    """Finds the time cues of a message. Years are compared with the present one (UTC)."""
    over = [place for name in _OVER for place in places.get(name, [])]
    new = [cue for cue in places.get("new", []) if not _inside(cue, over)]
    past = list(places.get("long_ago", []))
    lasting: list[Place] = []
    since: list[int] = []
    words = message.words
    this_year = datetime.now(UTC).year
    for at, word in enumerate(words):
        if word in _LONG_UNITS:
            start = _quantity_start(words, at)
            following = words[at + 1] if at + 1 < len(words) else ""
            if start is None and following == "now":
                start = at  # "years now"
            if following in ("old", "male", "female", "of", "y") or start is None:
                continue
            if following in ("ago", "back", "earlier", "prior") or words[start - 1] == "hace":
                past.append(Place(start, at + 2))
            elif start > 0 and words[start - 1] in ("am", "im", "age", "aged", "is"):
                continue
            else:
                lasting.append(Place(start, at + 1))
        elif word in _SHORT_UNITS:
            start = _quantity_start(words, at)
            if start is not None and _is_time_span(words, start, at):
                new.append(Place(start, at + 1))
        elif re.fullmatch(r"(19|20)\d\d", word) and at > 0 and words[at - 1] in _IN_A_YEAR:
            if int(word) <= this_year - 2:
                (lasting if _follows(words, at, "since") else past).append(Place(at - 1, at + 1))
        elif word in ("since", "depuis", "desde"):
            since.append(at)
        elif re.fullmatch(r"\d{1,2}(yrs?|y)", word):
            lasting.append(Place(at, at + 1))
        elif re.fullmatch(r"\d{1,3}(days?|d|hrs?|h|wks?|weeks?|months?)", word):
            new.append(Place(at, at + 1))
    for at in since:
        # "Since my fall" is new; "since my fall in 2015", "always weak since my fall" are not.
        old = past + lasting + over
        told = any(
            (at < cue.end and cue.start <= at + SINCE_REACH)
            or message.clause[cue.start] == message.clause[at]
            for cue in old
        )
        if not told and words[max(at - 1, 0)] not in ("never", "not", "ever"):
            new.append(Place(at, at + 1))
    return Cues(
        [cue for cue in new if not _of_an_old_time(cue, words, past + lasting)], past, lasting
    )


def _of_an_old_time(cue: Place, words: list[str], old: list[Place]) -> bool:
    """As in "fifteen years now", "ever since my twins, fifteen years now", "I'm 50 now"."""
    if words[cue.start] == "now" and cue.end == cue.start + 1 and cue.start > 0:
        if words[cue.start - 1].isdigit():
            return True
        return any(other.end == cue.start for other in old)
    if words[cue.end - 1] == "since":
        return any(cue.end <= other.start <= cue.start + SINCE_REACH for other in old)
    return False


_INTRODUCE_TIME = word_set("in back about around some over almost nearly during the so")
# "History of lymphoma, back pain for two weeks": says nothing about the back pain.
_NO_OPENING = word_set("history past medical hx used previously")
_JOINS = word_set("and so because since as then")
# "Since my twins", "had my son": names a time, no other complaint.
_OF_A_TIME = word_set("since after before had having with from")
_OWN = word_set("i im ive my me myself mine now today since")
_SELF = word_set("i im ive my mine")
_FIRST = word_set("i im ive mine")
_HAD = word_set("had has beat survived got")
_COMPLAINT = ("hurting", "back_place", "bare_back")
# "So do I", "me too": it is the patient's as well.
_SHARED = word_set("too also same both likewise")
_AS_WELL = word_set("do did have had am was")
_THIRD = word_set("he she his her hers they their")
_OTHERS = _THIRD | word_set("him hes shes himself herself them themselves")
# Concepts that name somebody near.
_PEOPLE = ("elderly", "child", "young_child", "violent_person", "my_child")
_JOINS_NEW = word_set("and with but plus then")
_NEW_THING = word_set("new now recent sudden fresh")
_IS_THAT = {(verb, thing) for verb in ("is", "was") for thing in ("that", "this", "it")}
_SPEAKERS = word_set("i im ive he she they we hes shes je jai id")
_THINGS = word_set(
    "my it its there theres this now his her the when everything both all one also then today since"
)
_OVER = ("went_away", "unchanged", "long_ago")
# Concepts whose "no" really denies; in all others it belongs to the complaint itself, as in
# "no feeling", "not able to", "no strength".
_REAL_DENIALS = frozenset(CUES) | {"because_of_pain"}
# "Can hardly walk", "is numb down there": no questions.
_NO_QUESTION = word_set(
    "hardly barely only just still really now numb weak very so also sometimes about no not "
    "tingling painful getting going"
)
_MONTHS = word_set(
    "january february march april may june july august september october november december jan "
    "feb mar apr jun jul aug sep sept oct nov dec"
)
_IN_A_YEAR = _SINCE | _MONTHS | {"was"}
# "..., that was 2003, ...": a clause that only says when.
_OF_IT = word_set("that thats this its it all but and was back way")


def _inside(cue: Place, others: Iterable[Place]) -> bool:
    return any(other.start <= cue.start and cue.end <= other.end for other in others)


def _follows(words: list[str], at: int, cue: str) -> bool:
    return cue in words[max(0, at - 3) : at] or "depuis" in words[max(0, at - 3) : at]


def _quantity_start(words: list[str], at: int) -> int | None:
    """Start of "for the last ten" in front of a unit of time, or None if there is none."""
    start = at
    while start > 0 and (
        words[start - 1] in _NUMBER_WORDS
        or words[start - 1][0].isdigit()
        or words[start - 1] in ("for", "the", "over", "about", "these", "almost", "nearly", "than")
    ):
        start -= 1
    if start == at and not (at > 0 and words[at - 1] == "for"):
        return None
    return start


def _is_time_span(words: list[str], start: int, at: int) -> bool:
    """Not "30 weeks pregnant", and not the hour or the 45 minutes somebody wants to book."""
    following = words[at + 1] if at + 1 < len(words) else ""
    if following in ("pregnant", "old", "along"):
        return False
    said_as_span = following in ("ago", "now", "back", "later") or bool(
        {"last", "past", "since"} & set(words[max(0, start - 1) : at])
    )
    return said_as_span or words[at] not in _SESSION_UNITS


def judge(match: Match, message: Words, places: Places, cues: Cues) -> Meaning:
    """How one match is meant."""
    first, last = message.sentence_span(match.start)
    if _is_of_animal(match, message, places) or _is_of_others(match, message, places):
        return Meaning.DENIED
    if _is_denied(match, message, places, first, last):
        return Meaning.DENIED
    if _is_in_jest(match, message, places, cues):
        return Meaning.DENIED
    new = [cue for cue in cues.new if first <= cue.start < last]
    age = _age(match, message, places, cues, first, last)
    if age is not None and not new:
        return age
    question = _question(match, message, places, first, last)
    attributes = places.get("attribute", [])
    since_when = [cue for cue in new if not _inside(cue, attributes)]
    if question is Meaning.GENERAL and not since_when:
        return question
    if question is Meaning.SUPPOSED and _denied_next(last, message, places):
        # "If I ever got numb there I would go. None of that here."
        return Meaning.DENIED
    if question is not None and not new:
        return question
    if age is Meaning.PASSING and new:
        # "I could not pee yesterday but it is fine now": worth asking, not worth silence.
        return Meaning.LATELY
    if age is Meaning.OLD and new:
        return Meaning.PASSING
    return Meaning.NEW if new else Meaning.PRESENT


def _is_of_animal(match: Match, message: Words, places: Places) -> bool:
    """As in "my dog can't walk"; but not "tripped over the dog and my back hurts"."""
    return any(
        cue.end <= match.start <= cue.end + SUBJECT_REACH
        and message.clause[cue.start] == message.clause[match.start]
        for cue in places.get("animal", [])
    )


def _is_of_others(match: Match, message: Words, places: Places) -> bool:
    """As in "I lift patients who can't walk", as long as nobody says "I" or "my" in between."""
    others = places.get("said_of_others", [])
    if "works_with_people" in places:
        # "my client is incontinent" alone may ask for help for her
        others = [*others, *places.get("at_work", [])]
    return any(
        cue.end <= match.start
        and message.sentence[cue.start] == message.sentence[match.start]
        and not _OWN.intersection(message.words[cue.end : match.end])
        for cue in others
    )


def is_of_the_writer(match: Match, message: Words, places: Places) -> bool:
    """As in "my son comes along, I can't pee": nobody else between the clause's start and it."""
    start = message.clause.index(message.clause[match.start])
    words = set(message.words[start : match.end])
    others = [place for name in _PEOPLE for place in places.get(name, [])]
    named = any(start <= place.start < match.end for place in others)
    return bool(words & _FIRST) and not (words & _OTHERS or named)


def is_laughed_off(places: Places) -> bool:
    """As in "this makes me want to die lol"; not where there is a plan, or means to do it."""
    return bool(places.get("laughing")) and not places.get("in_earnest")


def _is_in_jest(match: Match, message: Words, places: Places, cues: Cues) -> bool:
    """As in "can't feel my legs after leg day lol": a laugh, sport or a price, nothing new.

    The day of the sport is not new: "after leg day yesterday".
    """
    sentence = message.sentence[match.start]
    jests = [*places.get("exercise", []), *places.get("trifle", [])]
    beside = any(
        message.sentence[place.start] == sentence and not match.covers(place) for place in jests
    )
    new = any(
        not any(jest.start <= cue.start <= jest.end + WHEN_IT_WAS for jest in jests)
        for cue in cues.new
    )
    return beside and "laughing" in places and not new


def is_in_the_family(match: Match, message: Words, places: Places) -> bool:
    """As in "my dad has cancer and my back hurts": an illness that is not the patient's.

    Where more is told of the relative ("... and her back hurts"), it may be the patient's.
    """
    led = any(
        0 <= match.start - cue.end <= FAMILY_REACH
        and message.clause[cue.start] == message.clause[match.start]
        for cue in places.get("someone_elses_illness", [])
    )
    rest = message.words[match.end :]
    after = set(rest)
    complaints = _complaints(message, places)
    clause = message.clause[match.start]
    # "... and her back hurts"; "she loves it here" tells of no pain
    theirs = any(own >= clause and words & _THIRD for own, words in complaints.items())
    before = message.words[max(0, match.start - FAMILY_REACH) : match.start]
    if before and _THIRD.intersection(before) and _HAD.intersection(before):
        # "my neighbour sent me, she had cancer. I have a stiff back": only the pain is one's own
        led = bool(complaints) and all(words & _FIRST for words in complaints.values())
    shared = bool(after & _SHARED) or any(
        word == "so" and following in _AS_WELL for word, following in pairwise(rest)
    )
    return led and bool(after & _SELF) and not theirs and not shared


def _complaints(message: Words, places: Places) -> dict[int, set[str]]:
    """The clauses that tell of pain, each with its words."""
    found = {message.clause[at.start] for name in _COMPLAINT for at in places.get(name, [])}
    return {
        clause: {
            word for word, own in zip(message.words, message.clause, strict=True) if own == clause
        }
        for clause in found
    }


def _is_denied(match: Match, message: Words, places: Places, first: int, last: int) -> bool:
    for cue in places.get("not", []):
        if not first <= cue.start < match.end or match.covers(cue):
            continue
        if _belongs_to_complaint(cue, match, places):
            continue
        target, reach = _denied_part(match, cue)
        if target is None or target - cue.end > reach:
            continue
        if not _negation_ends(cue.end, target, message, places):
            return True
    over = places.get("went_away", [])
    asked = message.sentence[match.start] in message.asked
    for cue in places.get("is_fine", []):
        if asked and cue.end == last:
            # "Numb between the legs, is massage ok?"
            continue
        if any(cue.start < other.end and other.start < cue.end for other in over):
            continue
        if tuple(message.words[max(0, cue.start - 2) : cue.start]) in _IS_THAT:
            # "It won't come out is that normal"
            continue
        same_clause = message.clause[cue.start] == message.clause[match.end - 1]
        if match.end <= cue.start <= match.end + 3 and same_clause and not match.covers(cue):
            return True
        if match.start < cue.start < match.end and _separates(cue, match, message):
            return True
    for cue in places.get("i_do_not", []):
        if match.end <= cue.start < last and cue.start - match.end <= 6:
            return True
    return _answered_no(match, message, places)


def _separates(cue: Place, match: Match, message: Words) -> bool:
    """As in "both feet are fine, just tingling in the left one": fine, then another clause."""
    parts = sorted(match.parts, key=lambda part: part.start)
    return any(
        earlier.end <= cue.start < later.start
        and cue.start - earlier.end <= 3
        and message.clause[cue.start] == message.clause[earlier.start]
        and message.clause[cue.start] != message.clause[later.start]
        for earlier, later in pairwise(parts)
    )


def _belongs_to_complaint(cue: Place, match: Match, places: Places) -> bool:
    """Whether a "no" denies nothing: part of "no feeling", "not able to", "not sure".

    "Don't want" denies nothing either, save when the very next words are the match.
    """
    harmless = [place for place in places.get("not_a_negation", []) if not match.covers(place)]
    return _inside(cue, harmless) or any(
        other.start <= cue.start and cue.end <= other.end and other != cue
        for name, others in places.items()
        if name not in _REAL_DENIALS
        for other in others
    )


def _denied_part(match: Match, cue: Place) -> tuple[int | None, int]:
    """Where the part stands that a "no" would deny, and how far the "no" may reach for it.

    In front of the whole match it may head a list. Inside it ("leg without any weakness")
    it must be close.
    """
    starts = [part.start for part in match.parts if part.start >= cue.end]
    if not starts:
        return None, 0
    return min(starts), NEGATION_REACH if len(starts) == len(match.parts) else 3


def _negation_ends(start: int, end: int, message: Words, places: Places) -> bool:
    """Whether something between a "no" and the match says that a new statement begins."""
    ends = {place.start for place in places.get("ends_negation", [])}
    for at in range(start, min(end + 1, len(message.words))):
        word = message.words[at]
        if at in ends and at != start:
            return True
        if word in CONTRAST and at == start:
            # "No but seriously, I can't feel my feet": the "no" answers something else.
            return True
        divided = at in message.comma_before or message.clause[at] != message.clause[at - 1]
        joined = at > 0 and message.words[at - 1] in _JOINS
        if word in _SPEAKERS and (divided or joined or at == start):
            return True
        if word in _THINGS and (divided or joined) and at != start:
            return True
        if message.words[start - 1] == "nothing" and at in message.comma_before:
            return True
        if at == start and at in message.comma_before and word not in ("no", "not", "nor"):
            # "No, numb between the legs": an answer, then a statement.
            return True
    return False


def filled_in(message: Words, places: Places) -> set[int]:
    """The sentences that are a form filled in with more than one no: "fever no, numbness no"."""
    words = message.words
    answers = [
        message.sentence[place.start]
        for place in places.get("no_word", [])
        if place.start > 0
        and message.clause[place.start - 1] == message.clause[place.start]
        and (place.end == len(words) or message.clause[place.end] != message.clause[place.start])
    ]
    return {sentence for sentence in answers if answers.count(sentence) > 1}


def _answered_no(match: Match, message: Words, places: Places) -> bool:
    """A form filled in: "Incontinence: no", "numb between the legs? none"."""
    at = match.end
    if at >= len(message.words):
        return False
    own = message.sentence[match.start]
    end = message.sentence_span(match.start)[1]
    if own in message.asked and at < end <= at + LAST_WORDS and end < len(message.words):
        at = end  # "cancer history? no"
    asked = own in message.asked and message.sentence[at] == own + 1
    listed = message.sentence[at] == own and (
        at in message.comma_before or own in filled_in(message, places)
    )
    if not asked and not listed:
        return False
    answers = [place for place in places.get("no_word", []) if place.start == at]
    if not answers:
        return False
    end = max(answer.end for answer in answers)
    return end >= len(message.words) or message.clause[end] != message.clause[at]


def _age(
    match: Match, message: Words, places: Places, cues: Cues, first: int, last: int
) -> Meaning | None:
    if any(_applies(cue, match, message) for cue in cues.past if first <= cue.start < last):
        return Meaning.OLD
    # Over, but nobody knows since when: not the same as old.
    for name, age in (("unchanged", Meaning.OLD), ("went_away", Meaning.PASSING)):
        for cue in places.get(name, []):
            if not first <= cue.start < last or match.covers(cue):
                continue
            if _speaks_of(cue, match, message):
                return age
        if _next_sentence_says(name, message, places, last):
            return age
    if any(_applies(cue, match, message) for cue in cues.lasting if first <= cue.start < last):
        return Meaning.LASTING
    return None


def _applies(cue: Place, match: Match, message: Words) -> bool:
    """Whether a time cue belongs to the match: same clause, or the opening of the sentence."""
    clause = message.clause[cue.start]
    if cue.end <= match.start and _begins_anew(cue.end, match.start, message):
        return False
    if any(clause == message.clause[part.start] for part in match.parts):
        return True
    start = cue.start
    while start > 0 and message.clause[start - 1] == clause:
        start -= 1
    end = cue.end
    while end < len(message.words) and message.clause[end] == clause:
        end += 1
    # "A clot in the lung, years ago, ...", "..., that was 2003, ...": nothing but the time.
    only_time = _JOINS.issuperset(message.words[cue.end : end]) and _OF_IT.issuperset(
        message.words[start : cue.start]
    )
    closes = only_time and match.end <= start
    if closes and message.clause[match.end - 1] == clause - 1:
        return True
    # "In 2015, ...", "When I was pregnant, ..."; not "lump removed two years ago, ...".
    if message.words[cue.start] in _NO_OPENING:
        return False
    introduced = cue.start - start == 1 and message.words[start] in _INTRODUCE_TIME
    opens = (cue.start == start or introduced) and end - start <= OPENING_WORDS
    listed = not any(
        message.words[at] in _SPEAKERS or message.words[at] in _THINGS
        for at in range(end, match.start)
    )
    follows = message.clause[match.start] == clause + 1 or listed
    return opens and end <= match.start and follows


def _begins_anew(start: int, end: int, message: Words) -> bool:
    """As in "history of cancer and new back pain": what follows "and new" is of its own time."""
    return any(
        message.words[at] in _JOINS_NEW and message.words[at + 1] in _NEW_THING
        for at in range(start, min(end, len(message.words) - 1))
    )


def _speaks_of(cue: Place, match: Match, message: Words) -> bool:
    """As in "..., it went away": said after the match, with no other thing named in between."""
    if cue.start < match.end:
        clause = message.clause[cue.start]
        return any(clause == message.clause[part.start] for part in match.parts)
    between = message.words[match.end : cue.start]
    return not any(
        word in ("my", "his", "her", "pain") and between[max(at - 1, 0)] not in _OF_A_TIME
        for at, word in enumerate(between)
    )


def _next_sentence_says(name: str, message: Words, places: Places, after: int) -> bool:
    """As in "My foot was numb. It went away."."""
    if after >= len(message.words):
        return False
    sentence = message.sentence[after]
    if message.words[after] not in ("it", "this", "that", "they", "all", "both", "everything"):
        return False
    return any(
        message.sentence[cue.start] == sentence and cue.start - after <= 5
        for cue in places.get(name, [])
    )


def _denied_next(after: int, message: Words, places: Places) -> bool:
    """Whether the next sentence begins with "none of that"."""
    return any(place.start == after for place in places.get("i_do_not", []))


def _question(
    match: Match, message: Words, places: Places, first: int, last: int
) -> Meaning | None:
    def inside(name: str) -> list[Place]:
        return [place for place in places.get(name, []) if first <= place.start < last]

    # "Is it normal that I can't feel when I wipe?" says that it is so.
    if any(place.start < match.end for place in inside("asks_if_usual")) and not any(
        place.start < match.start for place in inside("named_cause")
    ):
        return None
    about = [place for place in inside("asks_about") if place.start < match.end]
    begins = _begins_as_question(message, inside("question_start"), places, first) or (
        bool(inside("search_word"))
        and last - first <= SEARCH_WORDS
        and message.clause[first] == message.clause[last - 1]
    )
    # "Can I book for a foot that does not lift?" says that there is such a foot.
    if (about or begins) and not inside("request"):
        clauses = range(message.clause[match.start], message.clause[match.end - 1] + 1)
        own = [
            place
            for place in inside("personal")
            if message.clause[place.start] in clauses
            and not match.covers(place)
            and not _inside(place, about)
        ]
        if not own:
            return _kind_of_question(message, inside, places, clauses)
    supposed = [
        cue
        for cue in inside("supposed")
        if cue.start < match.end
        and not match.covers(cue)
        and not _inside(cue, inside("hedge"))
        and not _contrasted(cue.end, match.start, message)
    ]
    return Meaning.SUPPOSED if supposed else None


def _contrasted(start: int, end: int, message: Words) -> bool:
    """Whether a "but" stands between two positions: what follows is a statement again."""
    return any(word in CONTRAST for word in message.words[start:end])


def _begins_as_question(message: Words, openers: list[Place], places: Places, first: int) -> bool:
    at = first
    greetings = {place.start: place.end for place in places.get("small_talk", [])}
    while at in greetings:
        at = greetings[at]
    return any(
        place.start == at
        and not (place.end < len(message.words) and message.words[place.end] in _NO_QUESTION)
        for place in openers
    )


def _kind_of_question(
    message: Words, inside: Callable[[str], list[Place]], places: Places, clauses: range
) -> Meaning:
    """An illness named, or what something is: general. A bare complaint: one's own.

    So is a question followed or led by "it started", "I have this", "because I".
    """
    if any(message.clause[place.start] not in clauses for place in places.get("onset", [])):
        return Meaning.ASKED
    if inside("named_cause"):
        return Meaning.GENERAL
    if inside("definition") and not inside("cause_question"):
        return Meaning.GENERAL
    return Meaning.ASKED
