"""The action server as the Rasa server calls it: waited for only as long as a patient waits."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from rasa.core.constants import DEFAULT_REQUEST_TIMEOUT
from rasa.utils.endpoints import EndpointConfig

logger = logging.getLogger(__name__)

# Seconds for one action of a turn. The slowest waits 5 s for a connected calendar and 5 s for a
# busy database; Rasa would wait five minutes for a server that hangs.
PATIENCE = 15
# Actions that say nothing and change nothing in the conversation. They follow an alarm, which must
# be on the patient's screen whatever becomes of them.
NOT_WAITED_FOR = frozenset({"action_release_time"})


class ActionEndpoint(EndpointConfig):
    """Calls the action server for :class:`rasa.core.actions.action.RemoteAction`."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        # The loop alone would let a task be collected before it is done.
        self._under_way: set[asyncio.Task[None]] = set()

    async def request(self, method: str = "post", **kwargs: Any) -> Any:
        """Sends a request as Rasa's does, and returns the action server's answer.

        Raises TimeoutError after 15 seconds, unless ``timeout`` says another number.
        """
        if kwargs.get("timeout") == DEFAULT_REQUEST_TIMEOUT:
            kwargs["timeout"] = PATIENCE
        action = (kwargs.get("json") or {}).get("next_action")
        if action not in NOT_WAITED_FOR:
            return await super().request(method, **kwargs)
        task = asyncio.create_task(self._in_the_background(action, method, kwargs))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return {"events": [], "responses": []}

    async def _in_the_background(self, action: str, method: str, kwargs: dict[str, Any]) -> None:
        try:
            await super().request(method, **kwargs)
        except Exception as error:
            logger.error("%s failed: %s", action, type(error).__name__)
