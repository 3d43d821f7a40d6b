"""The website's channel with an assistant that only repeats: starts in a second or two.

Everything but understanding is as in the real server: Sanic, Socket.IO, mailbox, tracker store.
Each message is stored in the tracker with its answer, so that a second handling would be seen.
Words in a message: ``fail`` makes answering fail; ``hold`` waits for a file "go" in the folder;
``die before`` and ``die after`` kill the server, once, before or after the turn is in the tracker.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import UserMessage, register
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Sanic

from assistant.channels.rest import ClinicRestInput
from assistant.channels.website import WebsiteInput
from assistant.serving import log
from assistant.tracker_store import ClinicTrackerStore


class Echo:
    """As much of an agent as the channel asks for."""

    def __init__(self, folder: Path) -> None:
        self.domain = Domain.empty()
        self._folder = folder
        url = os.environ.get("CLINIC_DATABASE_URL")
        self.tracker_store = (
            ClinicTrackerStore(self.domain, dialect="postgresql", host=url)
            if url
            else ClinicTrackerStore(
                self.domain, dialect="sqlite", db=str(folder / "conversations.sqlite3")
            )
        )
        self.nlg = self
        self.action_endpoint = self

    async def generate(self, name: str, *_: Any) -> dict[str, Any]:
        """Any wording."""
        return {"text": f"wording {name}", "metadata": {"response": name}}

    async def request(self, **_: Any) -> dict[str, Any]:
        """Any action."""
        return {"events": [{"event": "slot", "name": "erase_chat", "value": True}]}

    async def handle_message(self, message: UserMessage) -> None:
        """Repeats the words."""
        tracker = await self.tracker_store.retrieve(message.sender_id)
        tracker = tracker or DialogueStateTracker(message.sender_id, [])
        if "fail" in message.text:
            raise RuntimeError
        if "hold" in message.text:
            (self._folder / "holding").touch()
        while "hold" in message.text and not (self._folder / "go").exists():
            await asyncio.sleep(0.01)
        if "die before" in message.text:
            self._die_once(message.message_id)
        said = BotUttered(
            f"you said {message.text}",
            {"buttons": [{"title": "Again", "payload": f"/again {message.text}"}]},
            {"metadata": {"response": "utter_echo"}},
        )
        tracker.update(UserUttered(message.text, message_id=message.message_id), self.domain)
        tracker.update(said, self.domain)
        await message.output_channel.send_response(message.sender_id, said.message())
        await self.tracker_store.save(tracker)
        if "die after" in message.text:
            self._die_once(message.message_id)

    def _die_once(self, message_id: str) -> None:
        died = self._folder / f"died-{message_id}"
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Runs until it is told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    log.configure()
    app = Sanic("echo", configure_logging=False)
    app.ctx.agent = Echo(Path(os.environ["CLINIC_VAR"]))
    register([WebsiteInput(), ClinicRestInput()], app, route="/webhooks/")

    app.run("127.0.0.1", options.port, workers=1, access_log=False)


if __name__ == "__main__":
    main()
