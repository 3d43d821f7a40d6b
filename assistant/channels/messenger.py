"""Messenger: Meta's Messenger Platform, for one Facebook page. docs/messenger.md.

https://developers.facebook.com/docs/messenger-platform
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from assistant.channels.apps.app import (
    CONNECT,
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
    SUBSCRIPTIONS,
    VERIFY_TOKEN,
    MetaApp,
    at,
    objects,
    plain_of,
    shortened,
    words_of,
)
from assistant.channels.apps.splitting import plain, split

TOKEN, PAGE = "CLINIC_MESSENGER_TOKEN", "CLINIC_MESSENGER_PAGE"
# Characters of a text; quick replies of a message, and the characters that stand on them.
LONGEST, REPLIES, ON_REPLY = 2000, 13, 20
# What the page has to pass on.
FIELDS = (
    *("messages", "messaging_postbacks", "messaging_referrals", "message_edits"),
    *("standby", "message_echoes", "messaging_handovers"),
)
# What is sent along with everything, by which its echo is known again.
OURS = "clinic-assistant"
# Meta's own app, in which people answer: the page's inbox.
# https://developers.facebook.com/docs/messenger-platform/handover-protocol/pass-thread-control
INBOX = "263902037430900"
# What the button "Get started", which the clinic sets up, sends back.
GET_STARTED = "GET_STARTED"
_PERSON = re.compile(r"\d{1,32}", re.ASCII)


class Messenger(MetaApp):
    """Chats with the clinic's page."""

    name = "messenger"
    title = "Messenger"
    settings = (APP_SECRET, VERIFY_TOKEN, TOKEN, PAGE)
    stand_in = "CLINIC_MESSENGER_ADDRESS"
    subject = "page"
    # https://developers.facebook.com/docs/messenger-platform/overview/rate-limiting: 300 for texts.
    per_second = 250.0
    typing_lasts = 20.0

    @classmethod
    def problem(cls, secrets: Mapping[str, str]) -> str | None:
        """What is wrong with the settings."""
        if not re.fullmatch(r"[!-~]{20,}", secrets[TOKEN]):
            return (
                f"{TOKEN} is not an access token (its value is not shown). Allowed: what Meta "
                "gives for the page, at least 20 characters without spaces."
            )
        if not re.fullmatch(r"\d{5,32}", secrets[PAGE], re.ASCII):
            return f'{PAGE} is "{secrets[PAGE]}". Allowed: the ID of the page, 5 to 32 digits.'
        return super().problem(secrets)

    def updates(self, request: Received) -> list[Update]:
        """All events of a request: Meta sends up to a thousand in one.

        Those under "standby" are for another app, or for the people who answer in the page's inbox.
        https://developers.facebook.com/docs/messenger-platform/handover-protocol
        """
        return [
            update
            for entry in self.entries(request)
            if entry.get("id") == self.secrets[PAGE]
            if self.has_any(entry, "messaging", "standby", "changes")
            for part, read in (("messaging", self._update), ("standby", self._overheard))
            for event in objects(entry.get(part))
            if (update := read(event))
        ]

    def render(self, message: Outgoing) -> list[Call]:
        """Text in parts; the choices are quick replies below the last one."""
        choices = (*message.choices, *message.rating)[:REPLIES]
        text = "\n".join([plain(message.text), *_unabridged(message.choices)])
        parts = split(text, LONGEST)
        bodies: list[dict[str, Any]] = [{"text": part, "metadata": OURS} for part in parts]
        if choices:
            bodies[-1]["quick_replies"] = [
                {
                    "content_type": "text",
                    "title": shortened(choice.title, ON_REPLY),
                    "payload": choice.token,
                }
                for choice in choices
            ]
        # Meta wants to know what nobody has asked for.
        kind = {"messaging_type": "UPDATE" if message.unasked else "RESPONSE"}
        return [Call("messages", {**kind, "message": one}) for one in bodies]

    async def send(self, address: str, call: Call) -> Answer:
        """Patients are named by their id for this page."""
        return await self._call(address, call.body)

    async def acknowledge(self, update: Update, chosen: str, awaited: bool) -> None:
        """Shows that it was read."""
        if update.handle:
            await self._call(update.sender, {"sender_action": "mark_seen"})

    async def typing(self, address: str) -> None:
        """Shown for twenty seconds, or until a message arrives."""
        await self._call(address, {"sender_action": "typing_on"})

    async def link(self, token: str) -> str:
        """Opens the chat with the page, with the token as its referral."""
        return f"https://m.me/{self.secrets[PAGE]}?ref={token}"

    async def check(self, webhook: str) -> list[Finding]:
        """What the page passes on to the clinic's app, and whom that one calls with what."""
        path = f"{self.secrets[PAGE]}/subscribed_apps"
        told = await self.ask_graph("GET", path, TOKEN)
        passed = {name for app in objects(told.get("data")) for name in _names(app)}
        called, fields = await self.subscription(TOKEN)
        return [
            self._passes("The page", passed),
            self.calls(called, webhook),
            *([self._passes("The app", fields)] if called else []),
        ]

    def _passes(self, who: str, names: set[str]) -> Finding:
        missing = [name for name in FIELDS if name not in names]
        if missing:
            text = f"{who} does not pass on {', '.join(missing)}. {CONNECT} {self.name}"
            return Finding(False, text)
        return Finding(True, f"{who} passes on {', '.join(FIELDS)}.")

    async def connect(self, webhook: str) -> str:
        """Has Meta call this server, which it tries at once, and the page pass on what is read.

        The page also offers to begin a chat then.
        """
        order = {"object": self.subject, "callback_url": webhook, "fields": ",".join(FIELDS)}
        order["verify_token"] = self.secrets[VERIFY_TOKEN]
        await self.ask_as_app("POST", SUBSCRIPTIONS, TOKEN, json=order)
        path = f"{self.secrets[PAGE]}/subscribed_apps"
        await self.ask_graph("POST", path, TOKEN, json={"subscribed_fields": list(FIELDS)})
        # The button that opens a chat.
        start = {"get_started": {"payload": GET_STARTED}}
        await self.ask_graph("POST", f"{self.secrets[PAGE]}/messenger_profile", TOKEN, json=start)
        return f"Meta calls {webhook}, and the page passes on its messages."

    async def _call(self, address: str, body: Mapping[str, Any]) -> Answer:
        path = f"{self.secrets[PAGE]}/messages"
        return await self.graph(path, TOKEN, {"recipient": {"id": address}, **body})

    def _update(self, event: dict[str, Any]) -> Update | None:
        sender = words_of(at(event, "sender", "id"))
        if not _PERSON.fullmatch(sender) or sender == self.secrets[PAGE]:
            return None
        update = Update("", sender, at=_moment(event), handle={"seen": True})
        for part, read in (
            ("message", _message),
            ("postback", _postback),
            ("referral", _referral),
            ("message_edit", _edited),
            ("pass_thread_control", partial(_handed_over, given=True)),
            ("take_thread_control", partial(_handed_over, given=False)),
        ):
            if isinstance(content := event.get(part), dict):
                return read(update, content)
        return None

    def _overheard(self, event: dict[str, Any]) -> Update | None:
        """What was said in a chat that another app has, by the patient or to them."""
        message, postback = event.get("message"), event.get("postback")
        content = message if isinstance(message, dict) else postback
        if not isinstance(content, dict) or content.get("is_deleted"):
            return None
        echo = content.get("is_echo") is True
        person = words_of(at(event, "recipient" if echo else "sender", "id"))
        # A button's payload is told only to the app that has shown it.
        text = words_of(content.get("text")) or words_of(content.get("title"))
        name = plain_of(content.get("mid"))
        if not _PERSON.fullmatch(person) or person == self.secrets[PAGE] or not name or not text:
            return None
        if echo and content.get("metadata") == OURS:
            return None
        update = Update(name, person, text=text, at=_moment(event), overheard=not echo)
        return replace(update, kind=Kind.SAID) if echo else update


def _names(app: dict[str, Any]) -> list[str]:
    """What is passed on to an app."""
    names = app.get("subscribed_fields")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _message(update: Update, message: dict[str, Any]) -> Update | None:
    name = plain_of(message.get("mid"))
    # An echo is what the page itself has said, by this server or by a person in the page's inbox.
    if not name or message.get("is_echo") or message.get("is_deleted"):
        return None
    update = replace(update, id=name, text=words_of(message.get("text")))
    if isinstance(reply := message.get("quick_reply"), dict):
        token = plain_of(reply.get("payload"))
        return replace(update, kind=Kind.BUTTON, text="", token=token)
    if next(objects(message.get("attachments")), None):
        return replace(update, kind=Kind.MEDIA)
    return update if update.text else None


def _postback(update: Update, postback: dict[str, Any]) -> Update | None:
    """A button outside of what is written: "Get started", or one of the page's menu."""
    token, name = plain_of(postback.get("payload")), plain_of(postback.get("mid"))
    if not name and update.at is None:
        return None
    update = replace(update, id=name or f"postback {update.sender} {update.at} {token}")
    if token == GET_STARTED:
        return _opened(update, postback.get("referral"))
    return replace(update, kind=Kind.BUTTON, token=token)


def _referral(update: Update, referral: dict[str, Any]) -> Update | None:
    """Somebody who wrote before opens the chat again by a link."""
    if update.at is None:
        return None
    name = f"referral {update.sender} {update.at}"
    return _opened(replace(update, id=name), referral)


def _opened(update: Update, referral: Any) -> Update:
    return replace(update, kind=Kind.START, link=plain_of(at(referral, "ref")))


def _edited(update: Update, edit: dict[str, Any]) -> Update | None:
    # However often one message is changed, it is said once that changes are not read.
    name = plain_of(edit.get("mid"))
    return replace(update, id=f"edited {name}", kind=Kind.EDITED) if name else None


def _handed_over(update: Update, event: dict[str, Any], *, given: bool) -> Update | None:
    """Meta passes a chat to this app, or has taken it away for another; the inbox is another."""
    if update.at is None:
        return None
    if str(event.get("new_owner_app_id")) == INBOX:
        given = False
    elif str(event.get("previous_owner_app_id")) == INBOX:
        given = True
    name = f"{'given' if given else 'taken'} {update.sender} {update.at}"
    return replace(update, id=name, kind=Kind.GIVEN if given else Kind.TAKEN, handle={})


def _moment(event: dict[str, Any]) -> float | None:
    """Events tell it in thousandths of a second."""
    moment = event.get("timestamp")
    if not isinstance(moment, int) or isinstance(moment, bool) or not 0 < moment < 10**14:
        return None
    return moment / 1000


def _unabridged(choices: tuple[Choice, ...]) -> list[str]:
    """The choices in full, as lines, where their buttons cannot show them so."""
    fit = len(choices) <= REPLIES and all(len(choice.title) <= ON_REPLY for choice in choices)
    return [] if fit else ["", *(f"• {choice.title}" for choice in choices)]
