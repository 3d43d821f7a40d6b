"""Telegram, as its Bot API is published, for one bot."""

from __future__ import annotations

import itertools
import json
import re
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from providers.provider import Provider, Shown

TOKEN = "4242:" + "invented-token-" * 3
SECRET = "invented-secret-" * 3
HEADER = "x-telegram-bot-api-secret-token"


@lru_cache(maxsize=1)
def limits() -> dict[str, Any]:
    """The table beside this file."""
    return dict(yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")))


def _within(name: str, size: int) -> bool:
    least, most = limits()[name]
    return bool(least <= size <= most)


class Telegram(Provider):
    """Patients are named by the numbers of their chats."""

    name = "telegram"

    def __init__(self) -> None:
        super().__init__()
        self.rates = limits()
        self._numbers = itertools.count(1000)
        self._messages: dict[int, dict[str, Any]] = {}
        self.open_queries: set[str] = set()
        self.chosen: list[list[str]] = []
        self.kinds: list[str] = []

    def settings(self) -> dict[str, str]:
        return {
            "CLINIC_TELEGRAM_TOKEN": TOKEN,
            "CLINIC_TELEGRAM_SECRET": SECRET,
            "CLINIC_TELEGRAM_ADDRESS": self.url,
        }

    def update(self, **content: Any) -> tuple[dict[str, str], bytes]:
        """Any update, signed."""
        body = {"update_id": next(self._numbers), **content}
        return self.sealed(json.dumps(body).encode())

    def sealed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        return {HEADER: SECRET, "content-type": "application/json"}, body

    def message(self, sender: str, **content: Any) -> dict[str, Any]:
        """A message of a private chat."""
        number = next(self._numbers)
        chat = {"id": int(sender), "type": "private"}
        author = {"id": int(sender), "is_bot": False, "first_name": "Ines", "language_code": "en"}
        at = int(time.time())
        return {"message_id": number, "date": at, "chat": chat, "from": author, **content}

    def text(self, sender: str, words: str, **more: Any) -> tuple[dict[str, str], bytes]:
        update = {"message": self.message(sender, text=words)}
        if "id" in more:
            update["update_id"] = more["id"]
        return self.update(**update)

    def press(self, sender: str, token: str, **more: Any) -> tuple[dict[str, str], bytes]:
        number, message = next(
            (number, message)
            for number, message in reversed(self._messages.items())
            if token in json.dumps(message)
        )
        query = str(next(self._numbers))
        self.open_queries.add(query)
        asked = self.message(sender)
        shown = {**asked, **message, "message_id": number, "from": {"id": 4242, "is_bot": True}}
        return self.update(
            callback_query={
                "id": query,
                "from": asked["from"],
                "chat_instance": "1",
                "message": shown,
                "data": token,
            }
        )

    def forged(self) -> list[tuple[str, dict[str, str], bytes]]:
        good, body = self.text("700", "forged numb words")
        return [
            ("no signature", {"content-type": "application/json"}, body),
            ("a wrong one", {**good, HEADER: SECRET[:-1] + "x"}, body),
            ("an empty one", {**good, HEADER: ""}, body),
            ("letters that are no ASCII", {**good, HEADER: "é" * 10}, body),
            ("a body cut off", good, body[:-5]),
            ("no update", good, b"[]"),
            ("an id that is no number", good, body.replace(b'"update_id": ', b'"update_id": "x')),
            ("another version", good, json.dumps({"id": 1, "text": "numb"}).encode()),
        ]

    def unread(self, sender: str) -> list[tuple[tuple[dict[str, str], bytes], str]]:
        edited = self.message(sender, text="changed")
        return [
            (
                self.update(message=self.message(sender, photo=[{"file_id": "1"}])),
                "only read words",
            ),
            (self.update(edited_message=edited), "changed an earlier message"),
        ]

    def ignored(self) -> list[tuple[dict[str, str], bytes]]:
        return [
            self.update(),
            self.update(poll={"id": "1"}),
            self.update(message_reaction={"chat": {"id": 700}, "date": 1}),
            self.update(message={"message_id": 1, "chat": {"id": 700, "type": "private"}}),
            self.update(callback_query={"id": "1", "from": {"id": 700}, "data": "x"}),
            self.update(future={"anything": [1]}),
        ]

    def examples(self) -> list[tuple[dict[str, str], bytes]]:
        message = self.message("700", text="Which?")
        query = {"id": "1", "from": message["from"], "message": message, "data": "a.0"}
        return [self.update(callback_query=query), self.blocks("700")]

    def blocks(self, sender: str) -> tuple[dict[str, str], bytes]:
        """A patient blocks the bot."""
        self.blocked.add(sender)
        message = self.message(sender)
        change = {name: message[name] for name in ("chat", "from", "date")}
        return self.update(my_chat_member={**change, "new_chat_member": {"status": "kicked"}})

    def counts(self, path: str, body: bytes) -> bool:
        return path.endswith("/sendMessage")

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        token, _, method = path.removeprefix("/bot").partition("/")
        if token != TOKEN:
            return _error(401, "Unauthorized")
        call = json.loads(body)
        handler = getattr(self, f"_{method}", None)
        if handler is None:
            return self.breach(f"no method {method}")
        return handler(call)  # type: ignore[no-any-return]

    def _sendMessage(self, call: dict[str, Any]) -> tuple[int, bytes]:
        known = {"chat_id", "text", "reply_markup", "link_preview_options"}
        if call.keys() - known or not isinstance(call["chat_id"], int):
            return self.breach(f"fields {sorted(call)}")
        if not _within("text_characters", len(call["text"])):
            return self.breach("the text is too long or empty")
        if problem := _keyboard_problem(call.get("reply_markup")):
            return self.breach(problem)
        chat = str(call["chat_id"])
        if chat in self.blocked:
            return _error(403, "Forbidden: bot was blocked by the user")
        if self.too_fast(chat):
            return too_many(1)[0], too_many(1)[2]
        buttons = {
            button["text"]: button["callback_data"]
            for row in call.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
        }
        self.show(chat, Shown(call["text"], buttons))
        number = next(self._numbers)
        self._messages[number] = {key: call[key] for key in call if key != "chat_id"}
        return _ok({"message_id": number, "chat": {"id": call["chat_id"]}})

    def _answerCallbackQuery(self, call: dict[str, Any]) -> tuple[int, bytes]:
        if not _within("callback_answer_characters", len(call.get("text", ""))):
            return self.breach("the answer to a callback is too long")
        if call["callback_query_id"] not in self.open_queries:
            return _error(400, "Bad Request: query is too old")
        self.open_queries.discard(call["callback_query_id"])
        return _ok(True)

    def _editMessageReplyMarkup(self, call: dict[str, Any]) -> tuple[int, bytes]:
        if problem := _keyboard_problem(call.get("reply_markup")):
            return self.breach(problem)
        message = self._messages.get(call["message_id"])
        if message is None:
            return self.breach("the message is not there")
        if message.get("reply_markup") == call["reply_markup"]:
            return _error(400, "Bad Request: message is not modified")
        message["reply_markup"] = call["reply_markup"]
        rows = call["reply_markup"]["inline_keyboard"]
        self.chosen.append([button["text"] for row in rows for button in row])
        return _ok(message)

    def _getMe(self, call: dict[str, Any]) -> tuple[int, bytes]:
        return _ok({"id": 4242, "is_bot": True, "username": "invented_clinic_bot"})

    def _getWebhookInfo(self, call: dict[str, Any]) -> tuple[int, bytes]:
        kinds = {"allowed_updates": self.kinds} if self.kinds else {}
        return _ok({"url": self.webhook, "pending_update_count": 0, **kinds})

    def _setWebhook(self, call: dict[str, Any]) -> tuple[int, bytes]:
        if call.keys() != {"url", "secret_token", "allowed_updates"}:
            return self.breach(f"fields {sorted(call)}")
        assert call["secret_token"] == SECRET
        self.webhook, self.kinds = call["url"], call["allowed_updates"]
        return _ok(True)

    def follow(self, sender: str, url: str) -> tuple[dict[str, str], bytes]:
        page, _, token = url.partition("?start=")
        assert page == "https://t.me/invented_clinic_bot"
        assert re.fullmatch(limits()["start_parameter"], token)
        return self.text(sender, f"/start {token}")

    def _sendChatAction(self, call: dict[str, Any]) -> tuple[int, bytes]:
        if call["action"] not in limits()["actions"]:
            return self.breach(f"no action {call['action']}")
        self.signs.append((str(call["chat_id"]), call["action"]))
        return _ok(True)


def _keyboard_problem(markup: Any) -> str | None:
    if markup is None:
        return None
    buttons = [button for row in markup["inline_keyboard"] for button in row]
    if not buttons or len(buttons) > limits()["buttons"]:
        return f"{len(buttons)} buttons"
    for button in buttons:
        if set(button) != {"text", "callback_data"} or not button["text"]:
            return f"a button has {sorted(button)}"
        if not _within("callback_data_bytes", len(button["callback_data"].encode())):
            return "callback_data is too long or empty"
    return None


def _ok(result: Any) -> tuple[int, bytes]:
    return 200, json.dumps({"ok": True, "result": result}).encode()


def _error(status: int, description: str, **parameters: int) -> tuple[int, bytes]:
    body = {"ok": False, "error_code": status, "description": description}
    return status, json.dumps({**body, "parameters": parameters}).encode()


def too_many(seconds: int) -> tuple[int, dict[str, str], bytes]:
    """The answer to more calls than are allowed."""
    status, body = _error(429, "Too Many Requests", retry_after=seconds)
    return status, {}, body


assert re.fullmatch(limits()["secret_token"], SECRET)
