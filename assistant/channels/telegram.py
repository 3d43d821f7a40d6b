"""Telegram: the Bot API over plain HTTP (https://core.telegram.org/bots/api). docs/telegram.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx

from assistant.channels.apps.app import (
    CONNECT,
    SENT,
    Answer,
    App,
    BadBody,
    Call,
    Choice,
    Finding,
    Kind,
    Outcome,
    Outgoing,
    Received,
    Update,
    same,
)
from assistant.channels.apps.outgoing import is_thumb
from assistant.channels.apps.splitting import plain, split

TOKEN, SECRET = "CLINIC_TELEGRAM_TOKEN", "CLINIC_TELEGRAM_SECRET"
# Characters of a message (sendMessage, text).
LONGEST = 4096
# Characters of the titles of buttons that stand beside each other on a narrow phone.
ROW = 28
CHOSEN = "✓ "
# What a message may hold besides words (Message).
_MEDIA = {"animation", "audio", "contact", "dice", "document", "location", "paid_media", "photo"}
_MEDIA |= {"poll", "sticker", "story", "venue", "video", "video_note", "voice"}
# The kinds of updates that are read.
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
_COMMAND = re.compile(r"/start(?:@\w+)?(?:\s+([\w-]{1,64}))?\s*")


class Telegram(App):
    """Private chats with the clinic's bot."""

    name = "telegram"
    title = "Telegram"
    settings = (TOKEN, SECRET)
    stand_in = "CLINIC_TELEGRAM_ADDRESS"
    address = "https://api.telegram.org"
    # https://core.telegram.org/bots/faq: about 30 messages a second.
    per_second = 25.0
    # The same page: to one chat about one a second, and a few more for a short while.
    per_chat = (1.0, 5)
    typing_lasts = 5.0
    # The bot's user name, once it is known.
    _bot = ""

    @classmethod
    def problem(cls, secrets: Mapping[str, str]) -> str | None:
        """What is wrong with the settings."""
        if not re.fullmatch(r"\d+:[\w-]{30,}", secrets[TOKEN]):
            return (
                f"{TOKEN} is not a bot's token (its value is not shown). Allowed: what BotFather "
                "gives, a number, a colon and at least 30 letters, numbers, _ or -."
            )
        if not re.fullmatch(r"[A-Za-z0-9_-]{32,256}", secrets[SECRET]):
            return (
                f"{SECRET} cannot be used (its value is not shown). Allowed: 32 to 256 random "
                "letters, numbers, _ or -."
            )
        return None

    def verify(self, request: Received) -> bool:
        """Telegram sends the secret that the webhook was registered with."""
        sent = request.headers.get("x-telegram-bot-api-secret-token", "")
        return same(sent, self.secrets[SECRET])

    def updates(self, request: Received) -> list[Update]:
        """One update a request; none for kinds that do not matter here."""
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise BadBody from None
        number = _whole(_at(body, "update_id"))
        if number is None:
            raise BadBody
        for part, read in (
            ("message", _message),
            ("edited_message", _edited),
            ("callback_query", _press),
            ("my_chat_member", _member),
        ):
            if isinstance(content := body.get(part), dict):
                found = read(str(number), content)
                return [found] if found else []
        return []

    def render(self, message: Outgoing) -> list[Call]:
        """Text in parts; the buttons stand below the last."""
        parts = split(plain(message.text), LONGEST)
        bodies: list[dict[str, Any]] = [
            {"text": part, "link_preview_options": {"is_disabled": True}} for part in parts
        ]
        if rows := [*_rows(message.choices), *_rows(message.rating)]:
            bodies[-1]["reply_markup"] = {"inline_keyboard": rows}
        return [Call("sendMessage", body) for body in bodies]

    async def send(self, address: str, call: Call) -> Answer:
        """Telegram says in its answer why a call failed."""
        response = await self._call(call.method, {"chat_id": int(address), **call.body})
        if isinstance(response, Answer):
            return response
        if response.status_code == 200:
            return SENT
        if response.status_code in (401, 404):
            return Answer(Outcome.LATER, "login")
        description = str(_at(_json(response), "description")).casefold()
        if response.status_code == 403 or "chat not found" in description:
            return Answer(Outcome.STOPPED, "stopped")
        return Answer(Outcome.REFUSED, "refused")

    async def acknowledge(self, update: Update, chosen: str, awaited: bool) -> None:
        """Ends the waiting sign of a button, and shows which one was pressed."""
        if update.kind != Kind.BUTTON or not update.handle:
            return
        await self.repeated(update)
        rows = _after_choice(update.handle["rows"], update.token)
        if chosen and rows:
            place = {"chat_id": int(update.sender), "message_id": update.handle["message"]}
            keyboard = {"reply_markup": {"inline_keyboard": rows}}
            await self._call("editMessageReplyMarkup", {**place, **keyboard})

    async def repeated(self, update: Update) -> None:
        """A button that was pressed stays, and each time the app waits until it hears of it."""
        if "query" in update.handle:
            await self._call("answerCallbackQuery", {"callback_query_id": update.handle["query"]})

    async def typing(self, address: str) -> None:
        """Shown for five seconds, or until a message arrives."""
        await self._call("sendChatAction", {"chat_id": int(address), "action": "typing"})

    async def link(self, token: str) -> str:
        """Opens the chat with the bot, whose name Telegram tells."""
        if not self._bot:
            response = await self._call("getMe", {})
            if isinstance(response, httpx.Response) and response.status_code == 200:
                self._bot = _words(_at(_json(response), "result", "username"))
        return f"https://t.me/{self._bot}?start={token}" if self._bot else ""

    async def check(self, webhook: str) -> list[Finding]:
        """The bot's name, where Telegram calls, and what went wrong there last."""
        bot, told = await self._ask("getMe", {}), await self._ask("getWebhookInfo", {})
        found = [Finding(True, f"The bot is @{_words(bot.get('username'))}.")]
        found.append(self.calls(_words(told.get("url")), webhook))
        # Without a list Telegram sends all of these.
        if unsent := set(UPDATES) - set(_list(told.get("allowed_updates")) or UPDATES):
            kinds = ", ".join(sorted(unsent))
            found.append(Finding(False, f"Telegram keeps back {kinds}. {CONNECT} {self.name}"))
        if went_wrong := _words(told.get("last_error_message")):
            found.append(Finding(None, f"The last call that failed: {went_wrong[:200]!r}."))
        return found

    async def connect(self, webhook: str) -> str:
        """Telegram then sends the secret along with each call."""
        secret = {"secret_token": self.secrets[SECRET], "allowed_updates": list(UPDATES)}
        await self._ask("setWebhook", {"url": webhook, **secret})
        return f"{self.title} calls {webhook}."

    async def _ask(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.api}/bot{self.secrets[TOKEN]}/{method}"
        result = (await self.ask("POST", url, json=body)).get("result")
        return result if isinstance(result, dict) else {}

    def no_login(self, response: httpx.Response) -> bool:
        """A bot that Telegram does not know is not found."""
        return response.status_code in (401, 404)

    async def _call(self, method: str, body: dict[str, Any]) -> httpx.Response | Answer:
        return await self.post(f"{self.api}/bot{self.secrets[TOKEN]}/{method}", json=body)

    def wait_of(self, response: httpx.Response) -> float | None:
        """Telegram says it in the body (ResponseParameters)."""
        seconds = _whole(_at(_json(response), "parameters", "retry_after"))
        return None if seconds is None else float(seconds)


def _message(number: str, message: dict[str, Any]) -> Update | None:
    chat, author = _at(message, "chat", "id"), _at(message, "from")
    if _whole(chat) is None or not isinstance(author, dict) or author.get("is_bot"):
        return None
    update = Update(number, str(chat), at=_moment(message), locale=_locale(author))
    if _at(message, "chat", "type") != "private":
        return replace(update, kind=Kind.GROUP)
    if message.keys() & _MEDIA:
        return replace(update, kind=Kind.MEDIA, text=_words(message.get("caption")))
    text = _words(message.get("text"))
    if opened := _COMMAND.fullmatch(text):
        return replace(update, kind=Kind.START, link=opened[1] or "")
    return replace(update, text=text) if text else None


def _edited(number: str, message: dict[str, Any]) -> Update | None:
    found = _message(number, message)
    if found is None or found.kind == Kind.GROUP or not found.text:
        return None
    # However often one message is changed, it is said once that changes are not read.
    changed = f"edited {found.sender} {_at(message, 'message_id')}"
    at = _moment(message, "edit_date")
    return Update(changed, found.sender, Kind.EDITED, at=at, locale=found.locale)


def _press(number: str, query: dict[str, Any]) -> Update | None:
    message, token = query.get("message"), _words(query.get("data"))
    chat, place = _at(message, "chat", "id"), _whole(_at(message, "message_id"))
    if _at(message, "chat", "type") != "private" or _whole(chat) is None or place is None:
        return None
    query_id = query.get("id")
    if not token or not isinstance(query_id, str):
        return None
    rows = _at(message, "reply_markup", "inline_keyboard")
    return Update(
        # A button that is pressed twice in a hurry is pressed once.
        f"press {chat} {place} {token}",
        str(chat),
        Kind.BUTTON,
        token=token,
        locale=_locale(query.get("from")),
        handle={"query": query_id, "message": place, "rows": rows},
    )


def _member(number: str, change: dict[str, Any]) -> Update | None:
    """The bot was blocked by a patient, or added to a group."""
    chat, status = _at(change, "chat", "id"), _at(change, "new_chat_member", "status")
    if _whole(chat) is None:
        return None
    at = _moment(change)
    if _at(change, "chat", "type") == "private":
        return Update(number, str(chat), Kind.STOPPED, at=at) if status == "kicked" else None
    return Update(number, str(chat), Kind.GROUP, at=at) if status == "member" else None


def _rows(choices: tuple[Choice, ...]) -> list[list[dict[str, str]]]:
    """Buttons in rows: short ones beside each other."""
    rows: list[list[dict[str, str]]] = []
    width = ROW
    for choice in choices:
        width += len(choice.title) + 4
        if width > ROW:
            rows.append([])
            width = len(choice.title) + 4
        rows[-1].append({"text": choice.title, "callback_data": choice.token})
    return rows


def _after_choice(rows: Any, token: str) -> list[list[dict[str, str]]]:
    """The rows of a message in which a button was pressed: its rivals are gone."""
    buttons = [button for row in _list(rows) for button in _list(row) if isinstance(button, dict)]
    kept = []
    for button in buttons:
        title, data = _words(button.get("text")), _words(button.get("callback_data"))
        if not title or not data:
            continue
        if data == token:
            title = CHOSEN + title.removeprefix(CHOSEN)
        elif is_thumb(data) == is_thumb(token):
            continue
        kept.append(Choice(title, data))
    first = [choice for choice in kept if not is_thumb(choice.token)]
    return _rows(tuple(first)) + _rows(tuple(one for one in kept if is_thumb(one.token)))


def _at(value: Any, *keys: str) -> Any:
    """What stands at a path of objects, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    """A whole number of at most 52 bits, as Telegram promises."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**52
    return value if whole else None


def _moment(content: dict[str, Any], name: str = "date") -> float | None:
    """Telegram tells it in seconds since 1970."""
    seconds = _whole(content.get(name))
    return None if seconds is None or seconds < 0 else float(seconds)


def _locale(author: Any) -> str:
    return _words(_at(author, "language_code"))[:2] or "en"


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
