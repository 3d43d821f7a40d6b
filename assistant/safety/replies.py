"""Reads a message as the reply to a check question."""

from __future__ import annotations

from assistant.safety.clauses import Words, word_set
from assistant.safety.context import Cues
from assistant.safety.patterns import Places

# A longer text is a story, not an answer that can be taken as a clear "no".
LONGEST_ANSWER = 25
_OPENS = ("no_word", "yes_word", "small_talk")
_FILLERS = word_set("but like i im its it is mean omg wtf ugh dude man please")
_PLAIN_NO = ("no_word", "not", "is_fine", "went_away", "unchanged", "long_ago")


def read_reply(message: Words, places: Places, cues: Cues) -> str | None:
    """Returns "old" for a clear no or "old and unchanged", "gone", "yes", or None when unclear.

    The question is "is this new?" or "do you have this as well?", so only a plain no or an
    explicit old time may end the matter.
    """
    if not message.words or places.get("unsure"):
        return None
    protected = places.get("unchanged", []) + places.get("not_a_negation", [])
    new = [
        cue
        for cue in cues.new
        if not any(other.start <= cue.start and cue.end <= other.end for other in protected)
    ]
    if _insists(message, places):
        return "yes"
    starts_with_no = any(place.start <= 1 for place in places.get("no_word", []))
    yes = [
        place
        for place in places.get("yes_word", [])
        if not any(other.start <= place.start < other.end for other in protected)
    ]
    starts_with_yes = any(place.start == 0 for place in yes)
    old_for_long = bool(places.get("unchanged") or cues.past or cues.lasting)
    old = old_for_long or bool(places.get("went_away"))
    if len(message.words) > LONGEST_ANSWER:
        return "yes" if starts_with_yes and not old else None
    if old and not new and not (starts_with_no and starts_with_yes):
        return "old" if old_for_long else "gone"
    if starts_with_no:
        # "No, it started yesterday" is not the no that was asked for.
        return "yes" if new or yes else "old"
    if starts_with_yes or new:
        return "yes"
    return None


def _insists(message: Words, places: Places) -> bool:
    """As in "no like seriously it's numb": says it once more, and takes nothing back.

    "No, really nothing", "no, honestly it's fine" are a plain no.
    """
    said = places.get("insists", [])
    if not said or len(message.words) > LONGEST_ANSWER:
        return False
    first = said[0]
    opens = all(
        any(place.start <= at < place.end for name in _OPENS for place in places.get(name, []))
        or message.words[at] in _FILLERS
        for at in range(first.start)
    )
    after = [place for name in _PLAIN_NO for place in places.get(name, [])]
    harmless = [*said, *places.get("not_a_negation", [])]
    return opens and not any(
        place.start >= first.end
        and not any(other.start <= place.start < other.end for other in harmless)
        for place in after
    )
