"""The REST channel: Rasa's own, with payloads only from buttons that were shown.

``POST /webhooks/rest/webhook`` with ``{"sender": ..., "message": ...}``, as in Rasa. For
tests and for the machine itself: it trusts its caller and must not face the internet. It is there
only with ``CLINIC_REST=on``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.channels.rest import RestInput
from sanic import Blueprint

from assistant.channels.answering import answer
from assistant.channels.chat_settings import rest_is_on


class ClinicRestInput(RestInput):
    """Rasa's REST channel behind the check of payloads."""

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Returns the channel's routes, none unless it is on. Raises EnvironmentProblem."""
        if not rest_is_on():
            return Blueprint(self.name())
        blueprint: Blueprint

        async def checked(message: UserMessage) -> Any:
            return await answer(blueprint.ctx.app.ctx.agent, message, on_new_message)

        blueprint = super().blueprint(checked)

        @blueprint.listener("before_server_start")
        async def remember_app(app: Any, loop: Any) -> None:
            blueprint.ctx.app = app

        return blueprint
