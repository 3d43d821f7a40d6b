"""The website's channel with an assistant that only repeats: starts in a second or two.

Everything but understanding is as in the real server: Sanic, Socket.IO, mailbox, tracker store.
Each message is stored in the tracker with its answer, so that a second handling would be seen.
Words in a message: ``fail`` makes answering fail; ``hold`` waits for a file "go" in the folder;
``die before`` and ``die after`` kill the server, once, before or after they are in the tracker;
``numb`` is a danger sign; ``booked`` brings an appointment; ``erase`` deletes the conversation;
``rate`` is answered with something to be rated. A file "lost" in the folder makes the next commit
look like one that has failed, though it has not. Thumbs are lines of the file "rated"; while there
is a file "away", the clinic cannot be asked for anything.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sqlite3
import zlib
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import UserMessage, register
from rasa.core.lock_store import InMemoryLockStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Sanic

from assistant.channels.apps.input import (
    MessengerInput,
    TelegramInput,
    TextsInput,
    TwilioWhatsAppInput,
    WhatsAppInput,
)
from assistant.channels.rest import ClinicRestInput
from assistant.channels.website import WebsiteInput
from assistant.serving import log
from assistant.serving.pages import pages
from assistant.tracker_store import ClinicTrackerStore

CARD = {"status": "confirmed", "ics": "BEGIN:VCALENDAR"}


class Store(ClinicTrackerStore):
    """Dies when it is told to, after saving."""

    folder: Path

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Called by Rasa."""
        await super().save(tracker)
        _die_if_told(self.folder, "die after", getattr(tracker.events[-1], "text", ""))


def _lose_answers(dialect: Any, lost: Path) -> None:
    commit = dialect.do_commit

    def do_commit(connection: Any) -> None:
        commit(connection)
        if lost.exists():
            lost.unlink()
            raise sqlite3.OperationalError("the connection was lost")

    dialect.do_commit = do_commit


def _die_if_told(folder: Path, words: str, text: str) -> None:
    died = folder / f"died-{zlib.crc32(text.encode())}"
    if words in text and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class Echo:
    """As much of an agent as the channel asks for."""

    def __init__(self, folder: Path) -> None:
        self.domain = Domain.empty()
        self._folder = folder
        url = os.environ.get("CLINIC_DATABASE_URL")
        self.tracker_store = (
            Store(self.domain, dialect="postgresql", host=url)
            if url
            else Store(self.domain, dialect="sqlite", db=str(folder / "conversations.sqlite3"))
        )
        self.tracker_store.folder = folder
        _lose_answers(self.tracker_store.engine.dialect, folder / "lost")
        self.nlg = self
        self.processor = self
        self.lock_store = InMemoryLockStore()
        self.action_endpoint = self

    async def generate(self, name: str, *_: Any, **values: Any) -> dict[str, Any]:
        """Any wording."""
        filled = "".join(f" {value}" for value in values.values())
        return {"text": f"wording {name}{filled}", "metadata": {"response": name}}

    async def log_message(self, message: UserMessage, **_: Any) -> DialogueStateTracker:
        """Understands the words and answers nothing."""
        tracker = await self.tracker_store.retrieve(message.sender_id)
        tracker = tracker or DialogueStateTracker(message.sender_id, [])
        level = "emergency" if "numb" in message.text else None
        heard = UserUttered(
            message.text,
            {"name": "other"},
            parse_data={"intent": {"name": "other"}, "acts": [], "triage": {"level": level}},
            input_channel=message.input_channel,
            message_id=message.message_id,
            metadata=message.metadata,
        )
        tracker.update(heard, self.domain)
        _die_if_told(self._folder, "die before", message.text)
        return tracker

    async def request(self, json: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Any action."""
        if (self._folder / "away").exists():
            raise OSError
        if json["next_action"] == "action_save_feedback":
            told = {
                each["entity"]: each["value"]
                for each in json["tracker"]["latest_message"]["entities"]
            }
            with (self._folder / "rated").open("a", encoding="utf-8") as file:
                file.write(f"{told['value']}\n")
            return {"responses": [{"response": "utter_feedback_noted"}]}
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
        _die_if_told(self._folder, "die before", message.text)
        if "erase" in message.text:
            await message.output_channel.send_response(message.sender_id, {"text": "all is gone"})
            self.tracker_store.erase(message.sender_id)
            return
        said = BotUttered(
            f"you said {message.text}",
            {
                "buttons": [
                    {"title": "Again", "payload": f"/again {message.text}"},
                    *([{"title": "Good", "payload": "/good", "kind": "rating"}] * 2)[
                        : 2 * ("rate" in message.text)
                    ],
                ],
                **({"card": CARD} if "booked" in message.text else {}),
            },
            {"metadata": {"response": _response_to(message.text)}},
        )
        heard = UserUttered(
            message.text, message_id=message.message_id, input_channel=message.input_channel
        )
        tracker.update(heard, self.domain)
        tracker.update(said, self.domain)
        await message.output_channel.send_response(message.sender_id, said.message())
        await self.tracker_store.save(tracker)


def _response_to(text: str) -> str:
    return "utter_emergency" if "numb" in text else "utter_echo"


def main() -> None:
    """Runs until it is told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    log.configure()
    app = Sanic("echo", configure_logging=False)
    app.ctx.agent = Echo(Path(os.environ["CLINIC_VAR"]))
    apps = [
        TelegramInput(),
        TextsInput(),
        TwilioWhatsAppInput(),
        WhatsAppInput(),
        MessengerInput(),
    ]
    app.blueprint(pages())
    register([WebsiteInput(), *apps, ClinicRestInput()], app, route="/webhooks/")

    app.run("127.0.0.1", options.port, workers=1, access_log=False)


if __name__ == "__main__":
    main()
