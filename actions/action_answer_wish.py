"""Answers the wish to be treated by a woman, by a man, or by somebody who is not here."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services
from actions.base import ClinicAction, Event
from actions.reading import slot_events, text_of
from actions.times import words
from assistant.policies.wishes import somebody_wished, therapist_wish
from clinic import facts


class ActionAnswerWish(ClinicAction):
    """Says what clinic.yml says, no more, and puts the wish into the note for the clinic."""

    NAME = "action_answer_wish"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """With one therapist who fits, that one is wished for."""
        named = somebody_wished(text_of(tracker))
        wish = str(therapist_wish(text_of(tracker)) or named)
        therapists = facts.current().therapists
        fitting = [therapist.name for therapist in therapists if therapist.gender == wish]
        if named == wish:
            response = "utter_only_these_therapists"
        elif fitting:
            response = "utter_therapist_fits"
        elif all(therapist.gender for therapist in therapists):
            response = "utter_no_therapist_fits"
        else:
            response = "utter_therapist_not_told"
        names = " or ".join(fitting or services.therapists())
        dispatcher.utter_message(response=response, wish=wish, therapist=names)
        wished = words()["named_in_note" if named == wish else "wish_in_note"].format(wish=wish)
        note = tracker.slots.get("note") or ""
        values = {} if wished in note else {"note": "\n".join(filter(None, (note, wished)))}
        if len(fitting) == 1:
            values["therapist"] = fitting[0]
        return slot_events(values)
