"""Reads messages for the form that moves or cancels an appointment."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, own_requests, proposals, services, times
from actions.choosing import (
    CHANGE_ENDED,
    UNCHOSEN,
    WISHED,
    answer_to_offers,
    picked_instead,
    take_up,
    with_free_times,
    with_time,
    with_wish,
)
from actions.form_validation import (
    FormValidation,
    asked_in,
    goes_on,
    no_problem,
    said_before,
    starting,
)
from actions.reading import (
    SKIPPED,
    beside,
    entity_of,
    intent_of,
    is_correction,
    text_of,
)
from assistant.policies.forms import WHICH_APPOINTMENT
from assistant.policies.sent_request import TELL_OF_A_REQUEST
from assistant.policies.wishes import kind_of_change, reference_in, says
from clinic import setup

# Asked for to find the appointment.
ASKED_TO_FIND = frozenset({"change_reference", "change_contact"})
# The next question is named, since the problem is told in its place.
NOT_FOUND = {
    "change_reference": None,
    "change_contact": None,
    "problem_count": 1,
    "requested_slot": "change_reference",
}
# Said in the place of the question what shall become of the appointment.
INSTEAD_OF_THE_KIND = {"change_kind": None, "problem_count": 1, "requested_slot": "change_kind"}
# Asked where it is not told which of several is meant, and where none of them is.
WHICH, NONE_OF_THEM = WHICH_APPOINTMENT
# What shall become of it without another time.
WITHOUT_A_TIME = frozenset({"cancel", proposals.ACCEPT, proposals.LEAVE})


class ValidateChangeForm(FormValidation):
    """Finds the appointment by its reference and contact, then reads what shall become of it."""

    NAME = "validate_change_form"
    SLOTS = (
        "change_reference",
        "change_contact",
        "change_kind",
        "preferred_time",
        "chosen_time",
        "confirm_change",
    )
    CONFIRMATION = "confirm_change"
    REPLACED = frozenset({"chosen_time"})

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the message sets, a time that is held included."""
        tracker, which = await _which_of_this_chat(_only_the_move(tracker))
        values = await self._values(tracker, which)
        if which.get("requested_slot"):
            # which one is asked for before all else
            return {**values, **which}
        if which and values.get("problem") == "invalid_confirm_change":
            values |= no_problem()
        return {**values, **which}

    async def _values(self, tracker: Tracker, which: dict[str, Any]) -> dict[str, Any]:
        asked = asked_in(tracker)
        if asked == "chosen_time":
            answer = await answer_to_offers(tracker)
            if answer is not None:
                return answer
        if asked == "preferred_time" and tracker.slots.get("problem_times"):
            answer = await picked_instead(tracker)
            if answer is not None:
                return answer
        values = {**_from_this_chat(tracker), **self.read_message(tracker), **which}
        values |= _reference_said(tracker, asked)
        values |= await _of_a_proposal(tracker, asked)
        values |= _kind(tracker, asked)
        known = {**tracker.slots, **values}
        found = bool(known.get("change_reference") and known.get("change_contact"))
        # anew when the form starts: it may be another one, or not be as it was
        known_still = values if starting(tracker) else known
        if found and not known_still.get("found_request"):
            values |= await _look_up(tracker, known)
            if values.get("problem") in ("utter_request_not_found", "utter_too_many_tries"):
                return values
        values |= _answer(tracker, asked, {**tracker.slots, **values}, found)
        if {**tracker.slots, **values}.get("change_kind") in WITHOUT_A_TIME:
            return {**values, "preferred_time": SKIPPED, "chosen_time": SKIPPED}
        if not found:
            values |= _wish_before_found(tracker, asked)
            values |= _leans_on_the_appointment(tracker)
        said_before = tracker.slots.get("unclear_time")
        if found and said_before and not values.get("preferred_time"):
            return await with_wish(tracker, values, said_before)
        # a wish is kept with its windows also before it is known which appointment it is for
        wishes = values.get("preferred_time") is not None
        values = await with_time(tracker, values) if found or wishes else values
        if not found:
            values |= _not_a_reference(tracker, values)
        return await with_free_times(tracker, values)

    async def take_up(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
        """What the message says comes before what was kept, if that was about the same one."""
        before = tracker.slots.get("change_reference")
        meant = {**_from_this_chat(tracker), **_reference_said(tracker, None)}
        meant |= await _of_a_proposal(tracker, None)
        forgotten = drafts.set_aside(tracker)
        if before and meant.get("change_reference", before) != before:
            forgotten |= {**CHANGE_ENDED, **WISHED}
        if forgotten:
            # a time kept for the one or for the other appointment is not that of this one
            await times.let_go(tracker.sender_id)
            tracker.slots.update(forgotten)
        values = {**forgotten, **await self.values_from(tracker)}
        anew = {"preferred_time", "chosen_time"} & values.keys()
        return values if anew else {**await take_up(dispatcher, tracker), **values}


def _from_this_chat(tracker: Tracker) -> dict[str, Any]:
    """A request made in this chat needs no reference typed again.

    A form that was offered with the appointment it is about stays with that one.
    """
    slots = tracker.slots
    if asked_in(tracker) is not None or not slots.get("reference"):
        return {}
    if not slots.get("patient_contact"):
        return {}
    if slots.get("change_reference") and goes_on(tracker, "change_form"):
        return {}
    return {"change_reference": slots["reference"], "change_contact": slots["patient_contact"]}


def _only_the_move(tracker: Tracker) -> Tracker:
    """Of "no don't cancel, move it to Saturday" what shall become of it."""
    text = text_of(tracker)
    if not says("not_cancelling", text) or kind_of_change(text) != "move":
        return tracker
    rest = re.sub(times.words()["not_cancelling"], " ", text, flags=re.IGNORECASE)
    return beside(
        tracker, re.sub(r"^\W*(?:(?:oh|no|wait|nope)\b\W*)*", "", rest, flags=re.IGNORECASE)
    )


async def _which_of_this_chat(tracker: Tracker) -> tuple[Tracker, dict[str, Any]]:
    """The slots of the request from this chat that is meant, or of the question which.

    Beside it the conversation as if only the rest had been said: of "move my 10 am to Friday" the
    Friday.
    """
    asked = asked_in(tracker)
    if asked == "change_reference" and tracker.slots.get("problem") not in WHICH_APPOINTMENT:
        return tracker, {}
    if asked not in (None, "change_reference", "confirm_change") or _tells_elsewhere(tracker):
        return tracker, {}
    text = text_of(tracker)
    moves = _kind_now(tracker) != "cancel"
    parts = re.search(times.words()["moves_which"], text, re.IGNORECASE) if moves else None
    which, told = await setup.call(
        _which, tracker, asked, parts[1] if parts else "" if moves else text, moves
    )
    if asked == "change_reference" and which:
        return beside(tracker, ""), which
    return (beside(tracker, (parts and parts[2]) or "") if told and moves else tracker), which


def _tells_elsewhere(tracker: Tracker) -> bool:
    """Which one is meant is told by a reference, by a proposal or by what is gone on with."""
    asked = asked_in(tracker)
    if asked is not None:
        return reference_in(text_of(tracker)) is not None
    kept = tracker.slots.get("change_reference") and goes_on(tracker, "change_form")
    told = reference_in(text_of(tracker)) or proposals.answered(tracker)
    return bool(kept or told)


def _kind_now(tracker: Tracker) -> str | None:
    kind = entity_of(tracker, "kind") or kind_of_change(text_of(tracker))
    return kind or tracker.slots.get("change_kind")


def _which(
    tracker: Tracker, asked: str | None, tells: str, moves: bool
) -> tuple[dict[str, Any], bool]:
    """The slots, and whether the time told is that of the request."""
    slots, text = tracker.slots, text_of(tracker)
    requests = own_requests.standing(tracker.sender_id, slots.get("reference"))
    if asked == "change_reference":
        found = own_requests.of_the_list(requests, text)
        return (_of_ours(found, requests, slots) if found or requests else {}), False
    if asked == "confirm_change":
        return _another_instead(requests, slots, text, tells, moves), False
    if not requests:
        return {}, False
    several = len(requests) > 1
    timed = own_requests.by_time(requests, tells) if several and moves and tells else None
    if timed:
        return {"change_kind": "move", **_of_ours(timed, requests, slots)}, True
    found = own_requests.meant(requests, text, by_times=not moves)
    if found is None or (found == [] and moves):
        just_sent = text and said_before(tracker, *TELL_OF_A_REQUEST)
        if not several or (just_sent and not says("names_an_appointment", text)):
            return {}, False
        found = requests
    if not several and found:
        return {}, False
    return _of_ours(found, requests, slots), False


def _another_instead(
    requests: list[Any], slots: dict[str, Any], text: str, tells: str, moves: bool
) -> dict[str, Any]:
    """ "No, that's Emily's, cancel mine": another one than that which was asked about."""
    asked_about = [r for r in requests if r.reference == slots.get("change_reference")]
    if not asked_about:
        return {}
    found = own_requests.meant(requests, text, by_times=not moves)
    if found is None and tells:
        found = own_requests.by_time(requests, tells)
    if found == asked_about:
        return {}
    if found is None:
        return _of_ours([], requests, slots) if says("another_is_meant", text) else {}
    if own_requests.tells_only_which_not(requests, text):
        return _of_ours(requests if len(requests) > 1 else [], requests, slots)
    return _of_ours(found, requests, slots)


def _of_ours(found: list[Any] | None, requests: list[Any], slots: dict[str, Any]) -> dict[str, Any]:
    """The slots of the one that is meant; else of the question which."""
    if found is not None and len(found) == 1:
        one = found[0]
        anew = UNCHOSEN if slots.get("chosen_time") else {}
        contact = {"change_contact": one.patient_contact_typed, "confirm_change": None}
        return {**_found(one), **contact, **anew}
    listed = [own_requests.label(request) for request in found or requests]
    return {
        **dict.fromkeys(("change_reference", "change_contact", "found_request")),
        "confirm_change": None,
        "problem": NONE_OF_THEM if found == [] else WHICH,
        "problem_count": 1,
        "problem_text": "; ".join(listed),
        "problem_choices": listed,
        "requested_slot": "change_reference",
    }


def _reference_said(tracker: Tracker, asked: str | None) -> dict[str, Any]:
    """ "Cancel K7M3QX": the reference in the message that begins the change."""
    found = reference_in(text_of(tracker)) if asked is None else None
    return {"change_reference": found} if found else {}


def _not_a_reference(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """ "My ref is AB-1234": that it can be none is said with the first question for it."""
    if not starting(tracker) or {**tracker.slots, **values}.get("change_reference"):
        return {}
    if not re.search(times.words()["wrong_reference"], text_of(tracker), re.IGNORECASE):
        return {}
    # the question is named, since the problem is told in its place
    problem = {"problem": "invalid_change_reference", "problem_count": 1}
    return {**problem, "requested_slot": "change_reference"}


def _wish_before_found(tracker: Tracker, asked: str | None) -> dict[str, Any]:
    """ "3 pm", said to the question for a reference after "friday": that day at 3."""
    time = entity_of(tracker, "time")
    return {"preferred_time": time} if time and asked in ASKED_TO_FIND else {}


def _leans_on_the_appointment(tracker: Tracker) -> dict[str, Any]:
    """ "To the same time on Friday": read when it is known which appointment is moved."""
    text = text_of(tracker)
    leans = says("at_that_time", text) or says("leans_on_the_day", text)
    return {"unclear_time": text} if leans and not entity_of(tracker, "time") else {}


async def _of_a_proposal(tracker: Tracker, asked: str | None) -> dict[str, Any]:
    """The request whose proposed time the message answers; another time unless it says more."""
    proposal = proposals.answered(tracker) if asked is None else None
    if proposal is None:
        return {}
    found = await setup.call(_found_of, tracker.sender_id, proposal)
    return {"change_kind": "move", **found} if found else {}


def _found_of(conversation: str, proposal: str) -> dict[str, Any] | None:
    from clinic.booking.requests import NEXT

    request = proposals.of_conversation(conversation, proposal)
    if request is None or not NEXT[request.status]:
        return None
    return {**_found(request), "change_contact": request.patient_contact_typed}


def _answer(
    tracker: Tracker, asked: str | None, known: dict[str, Any], found: bool
) -> dict[str, Any]:
    """What is said to a time that the clinic proposes, also before the request is found.

    Asked whether it suits, a yes is enough; otherwise it is read back first.
    """
    text, kind = text_of(tracker), entity_of(tracker, "kind")
    accepts = says("accepts_time", text) and not says("refuses_time", text)
    if found and not known.get("proposal"):
        nothing = {**INSTEAD_OF_THE_KIND, "problem": "utter_nothing_to_accept"}
        return nothing if known.get("change_kind") in (proposals.ACCEPT, proposals.LEAVE) else {}
    if asked == "confirm_change":
        return {}
    if kind == proposals.LEAVE or (found and says("wants_call", text)):
        chosen = {"change_kind": proposals.LEAVE, **no_problem()}
        return {**chosen, "confirm_change": "yes" if asked == "change_kind" else None}
    at_the_question = asked == "change_kind" and found
    offered = times.Offer.from_dict(known["last_appointment"]).start if found else None
    other = offered is not None and proposals.names_another_time(text, offered)
    yes = kind == proposals.ACCEPT or (at_the_question and intent_of(tracker) == "affirm")
    if not other and (yes or (accepts and asked in (None, *ASKED_TO_FIND, "change_kind"))):
        chosen = {"change_kind": proposals.ACCEPT, **no_problem()}
        return {**chosen, "confirm_change": "yes" if at_the_question else None}
    refuses = intent_of(tracker) == "deny" or says("refuses_time", text)
    if at_the_question and refuses and not known.get("change_kind"):
        return {**INSTEAD_OF_THE_KIND, "problem": "utter_what_instead"}
    return {}


def _kind(tracker: Tracker, asked: str | None) -> dict[str, Any]:
    """What shall become of the appointment, whenever it is said.

    At the end, "cancel it" is a yes to "shall I cancel it?", and a change of mind otherwise.
    """
    before = tracker.slots.get("change_kind")
    kind = entity_of(tracker, "kind")
    text = text_of(tracker)
    if kind not in ("move", "cancel"):
        kind = kind_of_change(text)
    if kind is None and before is None and _names_another_time(tracker, asked):
        kind = "move"
    if kind is None:
        return {}
    if kind == before and asked == "confirm_change":
        yes = kind == "cancel" and not says("says_no", text)
        return {"confirm_change": "yes", **no_problem()} if yes else {}
    if kind == before:
        # said again, it is no wrong answer to the question for the reference
        return no_problem() if asked in ASKED_TO_FIND else {}
    moves = before and kind == "move"
    wish: dict[str, Any] = {"chosen_time": None} if moves else {}
    if moves and entity_of(tracker, "time") is None:
        wish["preferred_time"] = None
    return {"change_kind": kind, "confirm_change": None, **wish, **no_problem()}


def _names_another_time(tracker: Tracker, asked: str | None) -> bool:
    """ "Wait make it 4", said to the request that was just sent, or when asked what to do."""
    if tracker.slots.get("proposal") or asked not in (None, "change_kind"):
        return False
    if says("only_later", text_of(tracker)):
        return True
    told = entity_of(tracker, "time") is not None
    return told and (asked == "change_kind" or is_correction(text_of(tracker)))


async def _look_up(tracker: Tracker, known: dict[str, Any]) -> dict[str, Any]:
    found = await setup.call(
        _find,
        tracker.sender_id,
        known["change_reference"],
        known["change_contact"],
        (tracker.latest_message.get("metadata") or {}).get("address"),
    )
    if isinstance(found, str):
        return {**NOT_FOUND, "problem": found}
    return found


def _find(
    conversation: str, reference: str, contact: str, address: str | None
) -> dict[str, Any] | str:
    """The request's slots, or the name of the problem."""
    from clinic.booking.finding import Throttled, find_request
    from clinic.booking.requests import NEXT

    request = find_request(reference, contact, conversation_id=conversation, address=address)
    if isinstance(request, Throttled):
        return "utter_too_many_tries"
    if request is None or not NEXT[request.status]:
        return "utter_request_not_found"
    return _found(request)


def _found(request: Any) -> dict[str, Any]:
    """The slots that tell of a request."""
    from clinic.booking.requests import standing_proposal

    proposal = standing_proposal(request)
    found: dict[str, Any] = {
        "change_reference": request.reference,
        "proposal": f"{request.reference}-{proposal.pk}" if proposal else None,
        "service": (
            services.in_full(request.service, request.minutes)
            if request.service and request.minutes
            else None
        ),
        "therapist": request.therapist or None,
        "found_request": request.preferred_time,
    }
    if request.starts_at is not None:
        minutes = int((request.ends_at - request.starts_at).total_seconds() // 60)
        offer = times.Offer(request.starts_at, minutes, request.therapist)
        found["found_request"] = offer.read_back()
        found["last_appointment"] = {**offer.as_dict(), "service": request.service}
    return found
