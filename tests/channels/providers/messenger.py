"""Messenger, as Meta's Messenger Platform is published, for one page."""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import Any

from providers.meta import APP, VERSION, MetaProvider
from providers.provider import Shown

PAGE = "1060000000001"
OUTSIDE_WINDOW = (10, 2018278)
# https://developers.facebook.com/docs/messenger-platform/error-codes
ANOTHER_S = (10, 2018300)
NOT_THERE = 551


class Messenger(MetaProvider):
    """Patients are named by their ids for this page."""

    name = "messenger"
    subject = "page"
    place = PAGE

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1000)
        # Patients whose chats another app has: ours may not even show that it types.
        self.elsewhere: set[str] = set()
        # What the page passes on to the app.
        self.passed: list[str] = []

    def settings(self) -> dict[str, str]:
        return {**super().settings(), "CLINIC_MESSENGER_PAGE": PAGE}

    def event(self, sender: str, **content: Any) -> dict[str, Any]:
        """Any event of a patient's. ``at`` stands for the true moment."""
        at = self.hear(sender, content.pop("at", None))
        who = {"sender": {"id": sender}, "recipient": {"id": PAGE}}
        return {**who, "timestamp": int(at * 1000), **content}

    def entry(self, *events: dict[str, Any], part: str = "messaging") -> dict[str, Any]:
        """Events as one entry."""
        return {"id": PAGE, "time": 1790000000000, part: list(events)}

    def message(self, sender: str, **content: Any) -> dict[str, Any]:
        """A message as an event."""
        number = content.pop("id", None) or next(self._numbers)
        more = {"at": content.pop("at")} if "at" in content else {}
        return self.event(sender, message={"mid": f"m_{number}", **content}, **more)

    def text(self, sender: str, words: str, **more: Any) -> tuple[dict[str, str], bytes]:
        return self.request(self.entry(self.message(sender, text=words, **more)))

    def overheard(self, sender: str, **content: Any) -> tuple[dict[str, str], bytes]:
        """A message to another app."""
        return self.request(self.entry(self.message(sender, **content), part="standby"))

    def echoed(self, sender: str, text: str, **more: Any) -> tuple[dict[str, str], bytes]:
        """A message from another app."""
        message = {"mid": f"m_{next(self._numbers)}", "is_echo": True, "app_id": 99, "text": text}
        who = {"sender": {"id": PAGE}, "recipient": {"id": sender}}
        event = {**who, "timestamp": int(time.time() * 1000), "message": {**message, **more}}
        return self.request(self.entry(event, part="standby"))

    def press(self, sender: str, token: str, **more: Any) -> tuple[dict[str, str], bytes]:
        every = (shown for sent in self.shown.values() for shown in sent)
        title = next(
            title for shown in every for title, payload in shown.buttons.items() if payload == token
        )
        reply = {"payload": token}
        message = self.message(sender, text=title, quick_reply=reply, **more)
        return self.request(self.entry(message))

    def unread(self, sender: str) -> list[tuple[tuple[dict[str, str], bytes], str]]:
        picture = {"type": "image", "payload": {"url": "https://example.com/x.jpg"}}
        edit = {"mid": "m_1", "text": "changed", "num_edit": 1}
        events = {
            "only read words": self.message(sender, attachments=[picture]),
            "changed an earlier message": self.event(sender, message_edit=edit),
        }
        return [(self.request(self.entry(event)), words) for words, event in events.items()]

    def ignored(self) -> list[tuple[dict[str, str], bytes]]:
        hello = self.message("700", text="hello")
        echoed = self.message("700", text="hello", is_echo=True, app_id=1)
        ours = {**echoed, "sender": {"id": PAGE}, "recipient": {"id": "700"}}
        events = [
            echoed,
            ours,
            self.message("700", is_deleted=True),
            self.event("700", read={"watermark": 1}),
            self.event("700", delivery={"mids": ["m_1"]}),
            self.event("700", reaction={"emoji": "👍"}),
            self.event("700", future={"anything": 1}),
        ]
        return [
            *(self.request(self.entry(event)) for event in events),
            self.request({**self.entry(hello), "id": f"{PAGE}9"}),
            self.request(),
        ]

    def follow(self, sender: str, url: str) -> tuple[dict[str, str], bytes]:
        page, _, token = url.partition("?ref=")
        assert page == f"https://m.me/{PAGE}"
        assert re.fullmatch(self.limits["ref"], token)
        opened = self.event(sender, referral={"ref": token, "source": "SHORTLINK"})
        return self.request(self.entry(opened))

    def examples(self) -> list[tuple[dict[str, str], bytes]]:
        opened = {"payload": "GET_STARTED", "referral": {"ref": "poster"}}
        inbox = {"previous_owner_app_id": "263902037430900", "new_owner_app_id": "1"}
        events = [
            self.event("700", pass_thread_control=inbox),
            self.event("700", take_thread_control={"previous_owner_app_id": "1"}),
            self.message("700", text="Yes", quick_reply={"payload": "a.0"}),
            self.event("700", postback={"title": "Yes", "payload": "a.0", "mid": "m_1"}),
            self.event("700", postback=opened),
            self.event("700", referral={"ref": "poster"}),
        ]
        pressed = self.event("700", postback={"title": "Book", "mid": "m_2"})
        return [
            *(self.request(self.entry(event)) for event in events),
            self.overheard("700", text="hello"),
            self.echoed("700", "hello"),
            self.request(self.entry(pressed, part="standby")),
        ]

    def counts(self, path: str, body: bytes) -> bool:
        return b'"sender_action"' not in body

    def tell(self, path: str) -> tuple[int, bytes]:
        if path != f"/{VERSION}/{PAGE}/subscribed_apps":
            return super().tell(path)
        apps = [{"id": "1", "subscribed_fields": self.passed}] if self.passed else []
        return 200, json.dumps({"data": apps}).encode()

    def order(self, path: str, call: dict[str, Any]) -> tuple[int, bytes]:
        if path == f"/{PAGE}/messenger_profile" and call.keys() == {"get_started"}:
            return 200, b'{"result": "success"}'
        if path == f"/{APP}/subscriptions":
            return self._subscribe(call)
        if path != f"/{PAGE}/subscribed_apps" or call.keys() != {"subscribed_fields"}:
            return super().order(path, call)
        self.passed = call["subscribed_fields"]
        return 200, b'{"success": true}'

    def _subscribe(self, call: dict[str, Any]) -> tuple[int, bytes]:
        if call.keys() != {"object", "callback_url", "fields", "verify_token"}:
            return self.breach(f"a subscription has {sorted(call)}")
        if not self.tries(call["callback_url"], call["verify_token"]):
            return self.error(2200)
        self.webhook, self.told = call["callback_url"], call["fields"].split(",")
        return 200, b'{"success": true}'

    def take(self, call: dict[str, Any]) -> tuple[int, bytes]:
        person = call.get("recipient", {}).get("id", "")
        if not re.fullmatch(self.limits["person"], person):
            return self.breach(f"nobody is named: {sorted(call)}")
        if person in self.elsewhere:
            return self.error(ANOTHER_S[0], 403, ANOTHER_S[1])
        if person in self.blocked:
            return self.error(NOT_THERE)
        if not self.is_open(person):
            return self.error(OUTSIDE_WINDOW[0], 403, OUTSIDE_WINDOW[1])
        if "sender_action" in call:
            if call["sender_action"] not in self.limits["actions"] or "message" in call:
                return self.breach(f"no sign {call}")
            self.signs.append((person, call["sender_action"]))
            return 200, json.dumps({"recipient_id": person}).encode()
        if call.get("messaging_type") not in self.limits["messaging_types"]:
            return self.breach("the type of the message is not named")
        checked = self._shown(call["message"])
        if isinstance(checked, str):
            return self.breach(checked)
        if self.too_fast(person):
            return self.error(613)
        self.show(person, checked)
        name = f"m_{next(self._numbers)}"
        return 200, json.dumps({"recipient_id": person, "message_id": name}).encode()

    def _shown(self, message: dict[str, Any]) -> Shown | str:
        if message.keys() - {"text", "quick_replies", "metadata"}:
            return f"a message has {sorted(message)}"
        if not self.within("metadata_characters", len(message["metadata"])):
            return "the metadata are too long or empty"
        if not self.within("text_characters", len(message["text"])):
            return "the text is too long or empty"
        if "quick_replies" not in message:
            return Shown(message["text"])
        replies = message["quick_replies"]
        if not self.within("quick_replies", len(replies)):
            return f"{len(replies)} quick replies"
        for reply in replies:
            if reply["content_type"] != "text":
                return "a quick reply that is no text"
            if not self.within("quick_reply_characters", len(reply["title"])):
                return f"the title of a quick reply has {len(reply['title'])} characters"
            if not self.within("payload_characters", len(reply["payload"])):
                return "the payload of a quick reply is too long or empty"
        buttons = {_whole(reply["title"], message["text"]): reply["payload"] for reply in replies}
        return Shown(message["text"], buttons)


def _whole(title: str, text: str) -> str:
    """A title as the patient reads it: a shortened one stands in full in the text."""
    start = title.removesuffix("…")
    lines = [line.removeprefix("• ") for line in text.splitlines() if line.startswith("• ")]
    return next((line for line in lines if line.startswith(start)), title)
