"""What every custom action shares."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

logger = logging.getLogger(__name__)

Event = dict[str, Any]


class ClinicAction(Action, ABC):
    """An action that always ends in words, unless it has none for its failure.

    ``perform`` does the work. If it raises, the patient reads ``SORRY`` and keeps what they
    gave; the log has the kind of error, never the message or the patient.
    """

    NAME: ClassVar[str]
    SORRY: ClassVar[str | None] = "utter_technical_problem"

    def name(self) -> str:
        """The name in domain.yml."""
        return self.NAME

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[Event]:
        """Performs the action, or says that it could not be done."""
        try:
            return await self.perform(dispatcher, tracker)
        except Exception as error:
            logger.error("%s failed: %s", self.NAME, type(error).__name__)
            if self.SORRY:
                dispatcher.utter_message(response=self.SORRY)
            return self.after_failure(tracker)

    @abstractmethod
    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Does the work and returns the events."""

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """Events that let the patient try again. None are needed unless said otherwise."""
        return []
