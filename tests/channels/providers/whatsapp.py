"""WhatsApp, as Meta's Cloud API is published, for one number of a business."""

from __future__ import annotations

import itertools
import json
import re
import threading
from typing import Any
from urllib.parse import unquote

from providers.meta import VERSION, MetaProvider
from providers.provider import Shown

NUMBER, PHONE, ACCOUNT = "106540352242922", "15555550100", "102290129340398"


class WhatsApp(MetaProvider):
    """Patients are named by digits. Their id for this business is "CA." and these digits.

    ``hidden``: the numbers of these patients are not told. ``old``: these are known by their number
    alone, as before there were ids. ``templates``: what was sent by a template.
    """

    name = "whatsapp"
    subject = "whatsapp_business_account"
    place = NUMBER

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1000)
        self._buttons: dict[str, tuple[str, str]] = {}
        self.hidden: set[str] = set()
        self.old: set[str] = set()
        self.templates: list[str] = []
        self.read: list[str] = []
        self.told = ["messages"]
        # What became of the template.
        self.approved = "APPROVED"

    def settings(self) -> dict[str, str]:
        return {**super().settings(), "CLINIC_WHATSAPP_NUMBER": NUMBER}

    def change(self, field: str = "messages", **value: Any) -> tuple[dict[str, str], bytes]:
        """Any change, signed."""
        return self.request(self.entry(field, **value))

    def entry(self, field: str = "messages", **value: Any) -> dict[str, Any]:
        """Any change as one entry."""
        known = {"display_phone_number": PHONE, "phone_number_id": NUMBER}
        content = {"messaging_product": "whatsapp", "metadata": known, **value}
        return {"id": ACCOUNT, "changes": [{"value": content, "field": field}]}

    def contact(self, sender: str) -> dict[str, Any]:
        """A patient as webhooks name them."""
        found: dict[str, Any] = {"profile": {"name": "Ines"}}
        if sender not in self.old:
            found["user_id"] = f"CA.{sender}"
        if sender not in self.hidden:
            found["wa_id"] = sender
        return found

    def message(self, sender: str, **content: Any) -> dict[str, Any]:
        """A message of a patient's. ``id`` and ``at`` stand for the true ones."""
        number = content.pop("id", None) or next(self._numbers)
        at = self.hear(sender, content.pop("at", None))
        contact = self.contact(sender)
        who = {"from": contact.get("wa_id"), "from_user_id": contact.get("user_id")}
        told = {key: value for key, value in who.items() if value}
        return {**told, "id": f"wamid.{number}=", "timestamp": str(int(at)), **content}

    def messages(self, sender: str, *messages: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        """Messages of one patient, signed."""
        return self.change(contacts=[self.contact(sender)], messages=list(messages))

    def text(self, sender: str, words: str, **more: Any) -> tuple[dict[str, str], bytes]:
        return self.messages(
            sender, self.message(sender, type="text", text={"body": words}, **more)
        )

    def press(self, sender: str, token: str, **more: Any) -> tuple[dict[str, str], bytes]:
        kind, title = self._buttons[token]
        reply = {"type": kind, kind: {"id": token, "title": title}}
        return self.messages(
            sender, self.message(sender, type="interactive", interactive=reply, **more)
        )

    def unread(self, sender: str) -> list[tuple[tuple[dict[str, str], bytes], str]]:
        kinds = ("image", "audio", "sticker", "location", "contacts", "unsupported")
        media = [self.message(sender, type=kind, **{kind: {"id": "1"}}) for kind in kinds]
        edit = self.message(sender, type="edit", edit={"original_message_id": "wamid.1="})
        return [
            *((self.messages(sender, message), "only read words") for message in media),
            (self.messages(sender, edit), "changed an earlier message"),
        ]

    def ignored(self) -> list[tuple[dict[str, str], bytes]]:
        reaction = {"message_id": "wamid.1=", "emoji": "👍"}
        hello = {"type": "text", "text": {"body": "to others"}}
        delivered = {"id": "wamid.1=", "status": "read", "recipient_id": "700"}
        messages = (
            self.message("700", type="reaction", reaction=reaction),
            self.message("700", type="system", system={"body": "x"}),
            self.message("700", type="revoke", revoke={"original_message_id": "wamid.1="}),
            self.message("700", type="new", new={}),
            self.message("700", group_id="g", **hello),
        )
        return [
            *(self.messages("700", message) for message in messages),
            self.change("account_update", event="x"),
            self.change(contacts=[self.contact("700")], statuses=[delivered]),
            self.change(
                metadata={"phone_number_id": f"{NUMBER}9"},
                contacts=[self.contact("700")],
                messages=[self.message("700", **hello)],
            ),
            self.request(),
        ]

    def follow(self, sender: str, url: str) -> tuple[dict[str, str], bytes]:
        page, _, words = url.partition("?text=")
        assert page == f"https://wa.me/{PHONE}"
        return self.text(sender, unquote(words))

    def tell(self, path: str) -> tuple[int, bytes]:
        place, _, asked = unquote(path).partition("?fields=")
        if path.startswith(f"/{VERSION}/{ACCOUNT}/message_templates?name="):
            # Names that begin with what is asked for are told, too.
            language = self.limits["template_language"]
            mine = {"name": self.limits["template"], "language": language, "status": self.approved}
            found = [{**mine, "name": f"{mine['name']}_old"}, {**mine, "language": "fr"}, mine]
            return 200, json.dumps({"data": found}).encode()
        known: dict[str, Any] = {"display_phone_number": "+1 555-555-0100"}
        account = {"entity_type": "WABA", "id": ACCOUNT, "can_send_message": "AVAILABLE"}
        number = {**account, "entity_type": "PHONE_NUMBER", "id": NUMBER}
        known["health_status"] = {"can_send_message": "AVAILABLE", "entities": [number, account]}
        known["webhook_configuration"] = {"phone_number": self.webhook} if self.webhook else {}
        fields = asked.split(",")
        if place != f"/{VERSION}/{NUMBER}" or not asked or set(fields) - set(known):
            return super().tell(path)
        told = {"id": NUMBER, **{name: known[name] for name in fields}}
        return 200, json.dumps(told).encode()

    def order(self, path: str, call: dict[str, Any]) -> tuple[int, bytes]:
        """Meta tries an address before it calls it."""
        told = call.get("webhook_configuration", {})
        if path != f"/{NUMBER}" or told.keys() != {"override_callback_uri", "verify_token"}:
            return super().order(path, call)
        url, token = told["override_callback_uri"], told["verify_token"]
        if not self.tries(url, token):
            return self.error(2200)
        self.webhook = url
        return 200, b'{"success": true}'

    def examples(self) -> list[tuple[dict[str, str], bytes]]:
        self._buttons |= {"a.0": ("button_reply", "Yes"), "a.1": ("list_reply", "No")}
        failed = {"id": "wamid.1=", "status": "failed", "recipient_id": "700", "timestamp": "1"}
        return [
            self.press("700", "a.0"),
            self.press("700", "a.1"),
            self.messages("700", self.message("700", type="button", button={"text": "Yes"})),
            self.change(
                contacts=[self.contact("700")],
                statuses=[{**failed, "errors": [{"code": 131047, "error_subcode": 33}]}],
            ),
        ]

    def counts(self, path: str, body: bytes) -> bool:
        return bool(body) and b'"status"' not in body

    def take(self, call: dict[str, Any]) -> tuple[int, bytes]:
        if call.get("messaging_product") != "whatsapp":
            return self.breach("the product is not named")
        if "status" in call:
            return self._mark(call)
        sender = self._recipient(call)
        if sender is None or call.get("recipient_type") != "individual":
            return self.breach(f"nobody is named: {sorted(call)}")
        kind = call.get("type")
        checks = {"text": self._text, "interactive": self._interactive, "template": self._template}
        if kind not in checks or kind not in call:
            return self.breach(f"no type {kind}")
        checked = checks[kind](call[kind])
        if not isinstance(checked, Shown):
            return checked
        if limit := self.too_fast(sender):
            return self.error({"all": 130429, "one": 131056}[limit])
        name = f"wamid.{next(self._numbers)}="
        if sender in self.blocked:
            # The documented way to say no more than that somebody cannot be reached.
            self._fail_later(sender, name, 131026)
        elif kind != "template" and not self.is_open(sender):
            self._fail_later(sender, name, 131047)
        else:
            self.show(sender, checked)
        return 200, json.dumps({"messages": [{"id": name}]}).encode()

    def _recipient(self, call: dict[str, Any]) -> str | None:
        to, recipient = call.get("to"), call.get("recipient")
        if (to is None) == (recipient is None):
            return None
        if to is not None:
            return to if re.fullmatch(r"\d+", to) and to not in self.hidden else None
        known = re.fullmatch(self.limits["user_id"], str(recipient))
        return str(recipient).removeprefix("CA.") if known else None

    def _mark(self, call: dict[str, Any]) -> tuple[int, bytes]:
        if call["status"] != "read" or not str(call.get("message_id")).startswith("wamid."):
            return self.breach("what is marked as read is not named")
        typing = call.get("typing_indicator")
        if typing is not None and typing.get("type") not in self.limits["typing"]:
            return self.breach(f"no sign {typing}")
        self.read.append(call["message_id"])
        self.signs.append((call["message_id"], "typing" if typing else "read"))
        return 200, b'{"success": true}'

    def _text(self, text: dict[str, Any]) -> Shown | tuple[int, bytes]:
        if not self.within("text_characters", len(text["body"])):
            return self.breach("the text is too long or empty")
        return Shown(text["body"])

    def _interactive(self, content: dict[str, Any]) -> Shown | tuple[int, bytes]:
        body, action = content["body"]["text"], content["action"]
        if not self.within("body_characters", len(body)):
            return self.breach("the text above buttons is too long or empty")
        found = {"button": self._reply_buttons, "list": self._rows}[content["type"]](action)
        if isinstance(found, str):
            return self.breach(found)
        if len({token for _, token in found}) != len(found):
            return self.breach("two buttons have the same id")
        kind = {"button": "button_reply", "list": "list_reply"}[content["type"]]
        self._buttons |= {token: (kind, title) for title, token in found}
        return Shown(body, dict(found))

    def _reply_buttons(self, action: dict[str, Any]) -> list[tuple[str, str]] | str:
        replies = [button["reply"] for button in action["buttons"] if button["type"] == "reply"]
        if not self.within("buttons", len(action["buttons"])):
            return f"{len(action['buttons'])} buttons"
        if len({reply["title"] for reply in replies}) != len(action["buttons"]):
            return "two buttons have the same title, or no reply"
        for reply in replies:
            if not self.within("button_characters", len(reply["title"])):
                return f"the title of a button has {len(reply['title'])} characters"
            if not self.within("button_id_characters", len(reply["id"])):
                return "the id of a button is too long or empty"
        return [(reply["title"], reply["id"]) for reply in replies]

    def _rows(self, action: dict[str, Any]) -> list[tuple[str, str]] | str:
        sections = action["sections"]
        rows = [row for section in sections for row in section["rows"]]
        if not self.within("open_characters", len(action["button"])):
            return "what opens the list is too long or empty"
        if not self.within("sections", len(sections)) or not self.within("rows", len(rows)):
            return f"{len(rows)} rows in {len(sections)} sections"
        for section in sections:
            if not self.within("section_title_characters", len(section["title"])):
                return "the title of a section is too long or empty"
        for row in rows:
            if set(row) - {"id", "title", "description"}:
                return f"a row has {sorted(row)}"
            sizes = {"row_characters": row["title"], "row_id_characters": row["id"]}
            if "description" in row:
                sizes["row_description_characters"] = row["description"]
            for name, words in sizes.items():
                if not self.within(name, len(words)):
                    return f"{name}: {len(words)}"
        return [(row.get("description") or row["title"], row["id"]) for row in rows]

    def _template(self, template: dict[str, Any]) -> Shown | tuple[int, bytes]:
        known = (self.limits["template"], self.limits["template_language"])
        if (template["name"], template["language"]["code"]) != known:
            return self.error(132001, 404)
        (body,) = template["components"]
        (parameter,) = body["parameters"]
        filling = parameter["text"]
        if re.search(r"[\n\t]| {5}", filling):
            return self.breach("what fills a template has lines, tabs or many spaces")
        text = self.limits["template_text"].format(filling)
        if not self.within("template_characters", len(text)):
            return self.breach("what fills a template is too long")
        self.templates.append(filling)
        return Shown(text)

    def _fail_later(self, sender: str, name: str, code: int) -> None:
        """Such messages are taken; that they failed is told afterwards."""
        status = {"id": name, "status": "failed", "errors": [{"code": code, "title": "Invented"}]}
        contact = self.contact(sender)
        who = {"recipient_id": contact.get("wa_id"), "recipient_user_id": contact.get("user_id")}
        status |= {key: value for key, value in who.items() if value}
        request = self.change(contacts=[contact], statuses=[status])
        threading.Thread(target=self.deliver, args=(request,), daemon=True).start()
