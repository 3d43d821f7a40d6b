"""WhatsApp: Meta's Cloud API. docs/whatsapp.md.

https://developers.facebook.com/documentation/business-messaging/whatsapp
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from assistant.channels.apps.app import (
    Answer,
    Call,
    Choice,
    Finding,
    Kind,
    Outgoing,
    Received,
    Update,
)
from assistant.channels.apps.meta import (
    APP_SECRET,
    VERIFY_TOKEN,
    MetaApp,
    at,
    objects,
    plain_of,
    reason_of,
    shortened,
    words_of,
)
from assistant.channels.apps.outgoing import on_one_line
from assistant.channels.apps.sentences import words
from assistant.channels.apps.splitting import split

TOKEN, NUMBER = "CLINIC_WHATSAPP_TOKEN", "CLINIC_WHATSAPP_NUMBER"
TEMPLATE = "CLINIC_WHATSAPP_TEMPLATE"
# The language in which the template is approved: the clinic's news are in English.
TEMPLATE_LANGUAGE = "en"
# Characters of a text, of a text above buttons, and of what fills a template.
LONGEST, LONGEST_BODY, LONGEST_FILLING = 4096, 1024, 900
# Buttons of a message and rows of a list, and the characters that stand on them.
BUTTONS, ROWS = 3, 10
ON_BUTTON, ON_ROW, BELOW_ROW = 20, 24, 72
# What a message may be besides words. "unsupported": what the API does not pass on.
_MEDIA = {"audio", "contacts", "document", "image", "location", "order", "sticker"}
_MEDIA |= {"unsupported", "video"}
# A phone number, or the id by which one business knows somebody (business-scoped user id).
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}")
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)


class WhatsApp(MetaApp):
    """Chats with the clinic's number."""

    name = "whatsapp"
    title = "WhatsApp"
    settings = (APP_SECRET, VERIFY_TOKEN, TOKEN, NUMBER)
    defaults: ClassVar[Mapping[str, str]] = {**MetaApp.defaults, TEMPLATE: ""}
    stand_in = "CLINIC_WHATSAPP_ADDRESS"
    subject = "whatsapp_business_account"
    # https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
    per_second = 70.0
    # The same page: to one patient, one every six seconds after the first 45.
    per_chat = (6.0, 40)

    def __init__(self, secrets: Mapping[str, str], address: str, http: httpx.AsyncClient) -> None:
        super().__init__(secrets, address, http)
        self._phone = ""

    @classmethod
    def problem(cls, secrets: Mapping[str, str]) -> str | None:
        """What is wrong with the settings."""
        if not re.fullmatch(r"[!-~]{20,}", secrets[TOKEN]):
            return (
                f"{TOKEN} is not an access token (its value is not shown). Allowed: what Meta "
                "gives for a system user, at least 20 characters without spaces."
            )
        if not re.fullmatch(r"\d{5,20}", secrets[NUMBER], re.ASCII):
            return (
                f'{NUMBER} is "{secrets[NUMBER]}". Allowed: the "phone number ID" that Meta shows, '
                "5 to 20 digits; it is not the phone number."
            )
        if not re.fullmatch(r"[a-z0-9_]{0,512}", secrets[TEMPLATE]):
            return (
                f'{TEMPLATE} is "{secrets[TEMPLATE]}". Allowed: empty, or the name of an approved '
                "template: small letters, numbers and _."
            )
        return super().problem(secrets)

    def updates(self, request: Received) -> list[Update]:
        """All messages of a request, and the news that some did not arrive."""
        found = []
        for entry in self.entries(request):
            self.has_any(entry, "changes")
            for change in objects(entry["changes"]):
                value: Any = change.get("value")
                ours = at(value, "metadata", "phone_number_id") == self.secrets[NUMBER]
                if ours and change.get("field") == "messages":
                    found += [*_messages(value), *_failures(value)]
        return found

    def render(self, message: Outgoing) -> list[Call]:
        """Text in parts; up to three choices are buttons of the last one, more are a list."""
        text = _bold(message.text)
        choices = (*message.choices, *message.rating)
        if not choices:
            return _texts(text)
        body = split(text, LONGEST_BODY)[-1]
        calls = _texts(text[: len(text) - len(body)])
        titles = {choice.title for choice in choices}
        if len(titles) == len(choices) <= BUTTONS and max(map(len, titles)) <= ON_BUTTON:
            return [*calls, _buttons(body, choices)]
        said = words()["lists"]
        for start in range(0, len(choices), ROWS):
            page = choices[start : start + ROWS]
            options = [part for part in page if part not in message.rating]
            above = (said["more"] if options else said["rating"]) if start else body
            calls.append(_list(above, options, page) if options else _buttons(above, page))
        return calls

    def render_late(self, message: Outgoing) -> list[Call]:
        """An approved template, filled with what became of an appointment."""
        name = self.secrets[TEMPLATE]
        if not name or not message.appointment:
            return []
        # What fills a template must be on one line.
        filling = on_one_line(message, LONGEST_FILLING)
        parameters = [{"type": "text", "text": filling}]
        template = {
            "name": name,
            "language": {"policy": "deterministic", "code": TEMPLATE_LANGUAGE},
            "components": [{"type": "body", "parameters": parameters}],
        }
        return [Call("template", {"type": "template", "template": template})]

    async def send(self, address: str, call: Call) -> Answer:
        """Who has no phone number here is named by the id."""
        to = {"to": address} if _NUMBER.fullmatch(address) else {"recipient": address}
        return await self._call({"recipient_type": "individual", **to, **call.body})

    async def acknowledge(self, update: Update, chosen: str, awaited: bool) -> None:
        """Shows the marks for "read" and, until the answer, that one is being made: one call."""
        if "message" not in update.handle:
            return
        read = {"status": "read", "message_id": update.handle["message"]}
        typing = {"typing_indicator": {"type": "text"}} if awaited else {}
        await self._call({**read, **typing})

    async def link(self, token: str) -> str:
        """Opens the chat with the clinic's number, which Meta tells, and words filled in."""
        if not self._phone:
            told = await self.look_up(self.secrets[NUMBER], TOKEN, "display_phone_number")
            self._phone = re.sub(r"\D", "", told)
        text = quote(words()["link"].format(token=token))
        return f"https://wa.me/{self._phone}?text={text}" if self._phone else ""

    async def check(self, webhook: str) -> list[Finding]:
        """The clinic's number, where Meta calls for it and with what, and the template.

        The number's own address goes before others.
        """
        fields = {"fields": "display_phone_number,webhook_configuration,health_status"}
        told = await self.ask_graph("GET", self.secrets[NUMBER], TOKEN, params=fields)
        number = Finding(True, f"The number is {words_of(told.get('display_phone_number'))}.")
        places = ("phone_number", "whatsapp_business_account", "application")
        called = (words_of(at(told, "webhook_configuration", place)) for place in places)
        _, passed = await self.subscription(TOKEN)
        messages = Finding(True, "The app passes on messages.")
        if "messages" not in passed:
            where = "Subscribe to them at Meta, under WhatsApp, Configuration, Webhook fields."
            messages = Finding(False, f"The app does not pass on messages. {where}")
        template = await self._check_template(told)
        return [number, self.calls(next(filter(None, called), ""), webhook), messages, template]

    async def _check_template(self, told: Mapping[str, Any]) -> Finding:
        """Whether the template is approved, in the account that Meta tells with the number.

        https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates
        """
        name = self.secrets[TEMPLATE]
        if not name:
            return Finding(None, f"{TEMPLATE} is empty: news a day later are not sent.")
        entities = objects(at(told, "health_status", "entities"))
        account = next((one for one in entities if one.get("entity_type") == "WABA"), None)
        place = plain_of(at(account, "id"))
        if not place:
            return Finding(None, f'Meta does not tell whether "{name}" ({TEMPLATE}) is approved.')
        query = {"name": name, "fields": "name,language,status"}
        found = await self.ask_graph("GET", f"{place}/message_templates", TOKEN, params=query)
        mine = {"name": name, "language": TEMPLATE_LANGUAGE}
        status = next(
            (
                one.get("status")
                for one in objects(found.get("data"))
                if mine.items() <= one.items()
            ),
            None,
        )
        known = f'The template "{name}" ({TEMPLATE}) in the language "{TEMPLATE_LANGUAGE}"'
        if status is None:
            return Finding(False, f"{known} is not there.")
        return Finding(status == "APPROVED", f"{known} is {str(status)[:30].lower()}.")

    async def connect(self, webhook: str) -> str:
        """Meta tries the address at once, so this server must run."""
        theirs = {"override_callback_uri": webhook, "verify_token": self.secrets[VERIFY_TOKEN]}
        order = {"webhook_configuration": theirs}
        await self.ask_graph("POST", self.secrets[NUMBER], TOKEN, json=order)
        return f"Meta calls {webhook} for this number."

    async def _call(self, body: Mapping[str, Any]) -> Answer:
        path = f"{self.secrets[NUMBER]}/messages"
        return await self.graph(path, TOKEN, {"messaging_product": "whatsapp", **body})


def _messages(value: dict[str, Any]) -> Iterator[Update]:
    contacts = list(objects(value.get("contacts")))
    for message in objects(value.get("messages")):
        sender, name = _sender(message, contacts), plain_of(message.get("id"))
        # Groups are made by the business alone; this one makes none.
        if not sender or not name or "group_id" in message:
            continue
        number = words_of(message.get("from"))
        phone = number if number != sender and _NUMBER.fullmatch(number) else ""
        handle = {"message": name}
        update = Update(name, sender, phone=phone, at=_moment(message), handle=handle)
        if found := _content(update, message):
            yield found


def _sender(message: dict[str, Any], contacts: list[dict[str, Any]]) -> str:
    """Whom to answer: the id for this business, or else the number; "" when neither is there."""
    number = words_of(message.get("from"))
    same_number = [one for one in contacts if number and one.get("wa_id") == number]
    known = (same_number or (contacts if len(contacts) == 1 else []) or [{}])[0]
    for user_id in (message.get("from_user_id"), known.get("user_id")):
        if _USER_ID.fullmatch(words_of(user_id)):
            return str(user_id)
    return number if _NUMBER.fullmatch(number) else ""


def _content(update: Update, message: dict[str, Any]) -> Update | None:
    kind = message.get("type")
    if kind == "text":
        text = words_of(at(message, "text", "body"))
        return replace(update, text=text) if text else None
    if kind == "interactive":
        replies = (at(message, "interactive", each) for each in ("button_reply", "list_reply"))
        pressed = next((each for each in replies if each), None)
        return pressed and replace(update, kind=Kind.BUTTON, token=plain_of(at(pressed, "id")))
    if kind == "button":
        # A button of a template says what stands on it.
        return replace(update, text=words_of(at(message, "button", "text")))
    if isinstance(kind, str) and kind in _MEDIA:
        return replace(update, kind=Kind.MEDIA, text=words_of(at(message, kind, "caption")))
    return replace(update, kind=Kind.EDITED) if kind == "edit" else None


def _failures(value: dict[str, Any]) -> Iterator[Update]:
    """Many messages are taken first, and found undeliverable afterwards."""
    contacts = list(objects(value.get("contacts")))
    for status in objects(value.get("statuses")):
        who = {"from": status.get("recipient_id"), "from_user_id": status.get("recipient_user_id")}
        sender, name = _sender(who, contacts), plain_of(status.get("id"))
        if status.get("status") == "failed" and sender and name:
            reason = reason_of(next(objects(status.get("errors")), None))
            update = Update(f"failed {name}", sender, Kind.FAILED, reason=reason, about=name)
            yield replace(update, at=_moment(status))


def _moment(message: dict[str, Any]) -> float | None:
    seconds = words_of(message.get("timestamp"))
    return float(seconds) if _SECONDS.fullmatch(seconds) else None


def _bold(text: str) -> str:
    return text.replace("**", "*").strip()


def _texts(text: str) -> list[Call]:
    return [
        Call("text", {"type": "text", "text": {"body": part, "preview_url": False}})
        for part in split(text, LONGEST)
    ]


def _buttons(body: str, choices: Sequence[Choice]) -> Call:
    buttons = [
        {"type": "reply", "reply": {"id": choice.token, "title": choice.title}}
        for choice in choices
    ]
    return _interactive("button", body, {"buttons": buttons})


def _list(body: str, choices: Sequence[Choice], page: Sequence[Choice]) -> Call:
    """A list of a page's choices, and below them its thumbs."""
    said = words()["lists"]
    thumbs = [choice for choice in page if choice not in choices]
    sections = [
        {"title": said[title], "rows": [_row(choice) for choice in rows]}
        for title, rows in (("choices", choices), ("rating", thumbs))
        if rows
    ]
    return _interactive("list", body, {"button": said["open"], "sections": sections})


def _row(choice: Choice) -> dict[str, str]:
    row = {"id": choice.token, "title": shortened(choice.title, ON_ROW)}
    if row["title"] != choice.title:
        row["description"] = shortened(choice.title, BELOW_ROW)
    return row


def _interactive(kind: str, body: str, action: dict[str, Any]) -> Call:
    content = {"type": kind, "body": {"text": body}, "action": action}
    return Call("interactive", {"type": "interactive", "interactive": content})
