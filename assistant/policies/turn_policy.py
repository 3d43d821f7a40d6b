"""Rasa policy: carries out what ``turn.plan`` decides, and leaves the rest to RulePolicy.

It also sees to it that every message is answered: when a turn is about to end and nothing
has been said in it, because an action failed or the action server is down, the patient
reads ``utter_technical_problem``, which holds the clinic's contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa.core.constants import POLICY_PRIORITY
from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActiveLoop,
    BotUttered,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.live import standing
from assistant.nlu.safety_triage import shared_triage
from assistant.policies import alarm
from assistant.policies.answers import topic_of
from assistant.policies.forms import FORMS
from assistant.policies.proposals import proposal_in
from assistant.policies.situation import AWAY, THERE, Situation, Turn
from assistant.policies.turn import plan
from assistant.policies.wishes import passes_change_on
from assistant.safety.together import MOST_EARLIER, MOST_EARLIER_FOR_HISTORY, assess_together
from clinic import facts
from clinic.live.limits import CHANNELS
from clinic.names import read_name

PLAN = "turn_plan"
NOTHING_SAID = "utter_technical_problem"
# Seconds of silence after which a form is offered again before it goes on.
BREAK = 2 * 60 * 60
# One of these is filled when an appointment was begun and not sent.
OF_A_DRAFT = ("preferred_time", "service")


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True
)
class TurnPolicy(Policy):
    """Safety, interruptions and several questions, before the rules."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Above RulePolicy, whose priority is 6."""
        return {POLICY_PRIORITY: 10}

    def train(
        self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any
    ) -> Resource:
        """Learns nothing; Rasa wants every policy to have this."""
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Predicts the turn's next action, or nothing when the rules should decide."""
        if tracker.latest_action_name == ACTION_LISTEN_NAME:
            turn = plan(situation(tracker, domain))
            if turn is None:
                return self._abstain(domain)
            first, *rest = turn.actions
            return self._do(first, [*rest, ACTION_LISTEN_NAME], domain, _events(turn))
        remaining = tracker.get_slot(PLAN)
        ends = remaining == [ACTION_LISTEN_NAME] or not remaining
        if ends and _failed_silently(tracker):
            return self._do(NOTHING_SAID, [ACTION_LISTEN_NAME], domain)
        if remaining:
            return self._do(remaining[0], remaining[1:], domain)
        return self._abstain(domain)

    def _do(
        self, action: str, rest: list[str], domain: Domain, events: list[Event] | None = None
    ) -> PolicyPrediction:
        return PolicyPrediction(
            self._prediction_for(action, domain),
            self.__class__.__name__,
            self.priority,
            events=[*(events or []), SlotSet(PLAN, rest or None)],
            # a running form's prediction is of this kind and would overrule any other
            is_no_user_prediction=True,
        )

    def _abstain(self, domain: Domain) -> PolicyPrediction:
        return self._prediction(self._default_predictions(domain))

    @staticmethod
    def _prediction_for(action: str, domain: Domain) -> list[float]:
        probabilities = [0.0] * domain.num_actions
        probabilities[domain.index_for_action(action)] = 1.0
        return probabilities


def _events(turn: Turn) -> list[Event]:
    events: list[Event] = [SlotSet(name, value) for name, value in turn.slots.items()]
    if turn.stop_form:
        events += [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None)]
    return events


def situation(tracker: DialogueStateTracker, domain: Domain) -> Situation:
    """Reads the situation from the tracker, right after a message of the patient."""
    message = tracker.latest_message
    assert message is not None
    data: dict[str, Any] = dict(message.parse_data)
    intent = data["intent"]
    clicked = (message.text or "").startswith("/") and "acts" not in data
    acts = [(intent.get("name"), intent.get("confidence", 1.0))] if clicked else data["acts"]
    return Situation(
        text=message.text or "",
        acts=tuple(
            act if isinstance(act, tuple) else (act["label"], act["confidence"]) for act in acts
        ),
        triage=_triage(tracker, message.text or "", data.get("triage") or {}),
        details={entity["entity"]: entity["value"] for entity in message.entities},
        name=read_name(message.text or ""),
        form=tracker.active_loop_name,
        requested_slot=tracker.get_slot(REQUESTED_SLOT),
        red_flag_level=tracker.get_slot("red_flag_level"),
        alarms=tuple(tracker.get_slot("alarms") or ()),
        alarm_kind=tracker.get_slot("alarm_kind"),
        alarm_person=tracker.get_slot("alarm_person"),
        person_told=_person_told(tracker),
        person_just_told=_person_just_told(tracker),
        alarm_language=tracker.get_slot("alarm_language"),
        after_checked=tuple(
            (str(label), float(sure)) for label, sure in tracker.get_slot("after_checked") or ()
        ),
        open_forms=tuple(tracker.get_slot("open_forms") or ()),
        back_after_a_break=_is_first_message(tracker) or _was_silent(tracker),
        safety_check=tracker.get_slot("safety_check"),
        said_before=_said_in_turn_before(tracker),
        last_topic=_last_topic(tracker),
        requested=tracker.get_slot("reference") is not None,
        passes_change_on=passes_change_on(tracker.get_slot("message_text")),
        waits=tracker.get_slot("waiting_reference") is not None,
        several_therapists=len(facts.current().therapists) > 1,
        has_draft=_has_draft(tracker),
        responses=domain.responses.keys(),
        books_elsewhere=facts.current().booking.system.way == "link",
        proposal=_proposal_before(tracker),
        person=_person(tracker),
    )


def _has_draft(tracker: DialogueStateTracker) -> bool:
    # set aside while an appointment is changed, which fills the same slots
    aside = tracker.get_slot("draft_aside")
    values = tracker.current_slot_values() if aside is None else aside
    return any(values.get(slot) for slot in OF_A_DRAFT)


def _person_told(tracker: DialogueStateTracker) -> str | None:
    """Whom the patient's latest words that name somebody are about: "your mother"."""
    for event in reversed(tracker.events):
        if isinstance(event, SessionStarted):
            break
        text = event.text or "" if isinstance(event, UserUttered) else ""
        person = None if text.startswith("/") else alarm.person_in(text)
        if person and person != alarm.somebody():
            return person
    return None


def _person_just_told(tracker: DialogueStateTracker) -> str | None:
    """Whom the patient's message before this one was about, and nobody else."""
    messages = 0
    for event in reversed(tracker.events):
        if isinstance(event, SessionStarted):
            break
        messages += isinstance(event, UserUttered)
        if messages == 2:
            text = event.text or ""
            of_others = not (text.startswith("/") or alarm.names_the_writer(text))
            person = alarm.person_in(text) if of_others else None
            return None if person == alarm.somebody() else person
    return None


def _person(tracker: DialogueStateTracker) -> str | None:
    if tracker.get_latest_input_channel() not in CHANNELS or not facts.current().live_chat.wait:
        return None
    return THERE if standing.current().on_duty else AWAY


def _triage(
    tracker: DialogueStateTracker, text: str, alone: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The assessment of a message, with what was said before it in this session."""
    if not alone.get("speaks") or text.startswith("/"):
        return alone
    earlier = _said_earlier(tracker, past_alarms=bool(alone.get("history")))
    return assess_together(shared_triage().assess, earlier, text, alone)


def _said_earlier(
    tracker: DialogueStateTracker, past_alarms: bool
) -> list[tuple[str, Mapping[str, Any]]]:
    """The patient's words since the last alarm or answered check question, oldest first.

    ``past_alarms`` looks further back, as far as the session goes.
    """
    said: list[tuple[str, Mapping[str, Any]]] = []
    own = True
    most = MOST_EARLIER_FOR_HISTORY if past_alarms else MOST_EARLIER
    for event in reversed(tracker.events):
        if isinstance(event, SessionStarted) or (_settles(event) and not past_alarms):
            break
        if not isinstance(event, UserUttered):
            continue
        if own:
            own = False  # the message itself
        elif event.text and not event.text.startswith("/"):
            said.append((event.text, event.parse_data.get("triage") or {}))
        if len(said) == most:
            break
    return said[::-1]


def _settles(event: Event) -> bool:
    """An alarm was given or closed, or a check question answered: what led to it is dealt with."""
    return isinstance(event, SlotSet) and event.key in ("red_flag_level", "safety_check")


def _is_first_message(tracker: DialogueStateTracker) -> bool:
    """No message before it in this session; the slots of an older session may be there."""
    messages = 0
    for event in reversed(tracker.events):
        if isinstance(event, SessionStarted):
            break
        messages += isinstance(event, UserUttered)
    return messages == 1


def _was_silent(tracker: DialogueStateTracker) -> bool:
    """Nothing was written for so long that what was going on is not taken for granted."""
    written = (event for event in reversed(tracker.events) if isinstance(event, UserUttered))
    message, before = next(written), next(written, None)
    return before is not None and message.timestamp - before.timestamp >= BREAK


def _said_in_turn_before(tracker: DialogueStateTracker) -> tuple[str, ...]:
    said: list[str] = []
    turns_back = 0
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            turns_back += 1
            if turns_back == 2:
                break
        elif isinstance(event, BotUttered) and turns_back == 1:
            said.append(str(event.metadata.get("utter_action", "")))
    return tuple(reversed(said))


def _proposal_before(tracker: DialogueStateTracker) -> str | None:
    """The proposal that the patient read of last, right before the message."""
    messages = 0
    for event in reversed(tracker.events):
        messages += isinstance(event, UserUttered)
        if messages > 1:
            break
        if isinstance(event, BotUttered) and messages:
            return proposal_in(event.data.get("buttons"))
    return None


def _last_topic(tracker: DialogueStateTracker) -> str | None:
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered):
            topic = topic_of(str(event.metadata.get("utter_action", "")))
            if topic:
                return topic
    return None


def _failed_silently(tracker: DialogueStateTracker) -> bool:
    """Something was done since the patient's message, and nothing was said.

    A form that has just been completed says nothing by itself: a rule goes on from there.
    """
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered):
            return False
        completes = isinstance(event, ActiveLoop) and event.name is None
        if completes and tracker.latest_action_name in FORMS.values():
            return False
        if isinstance(event, UserUttered):
            return True
    return False
