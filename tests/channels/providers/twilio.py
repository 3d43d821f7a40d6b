"""Twilio, as its API is published: text messages and WhatsApp."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlencode

import yaml

from providers.provider import Provider, Shown

ACCOUNT, TOKEN = "AC" + "0f" * 16, "5a" * 16
NUMBER = "PN" + "1e" * 16
HEADER = "x-twilio-signature"
NUMBERS = {"": "+14165550100", "whatsapp:": "+14165550101"}
_CHOICE = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_RATING = re.compile(r"^Helpful\? (\d+) = yes, (\d+) = no$", re.MULTILINE)


@lru_cache(maxsize=1)
def limits() -> dict[str, Any]:
    """The table beside this file."""
    return dict(yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")))


def sign(url: str, fields: list[tuple[str, str]]) -> str:
    """The signature of a request: of the address and all fields in order of their names."""
    signed = url + "".join(name + value for name, value in sorted(fields))
    digest = hmac.digest(TOKEN.encode(), signed.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode("ascii")


class Twilio(Provider):
    """Patients are named by the last digits of their numbers."""

    prefix: ClassVar[str] = ""
    setting: ClassVar[str]
    filled_in: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        for name in ("per_second", "per_chat"):
            if self.prefix in limits()[name]:
                self.rates[name] = limits()[name][self.prefix]
        # When each patient last wrote, in seconds since 1970.
        self.heard: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self.sent: list[dict[str, str]] = []
        # What they are called.
        self.sids: list[str] = []
        # Patients who asked for no more messages: nobody may even try.
        self.quiet: set[str] = set()

    def settings(self) -> dict[str, str]:
        return {
            "CLINIC_TWILIO_ACCOUNT": ACCOUNT,
            "CLINIC_TWILIO_TOKEN": TOKEN,
            self.setting: NUMBERS[self.prefix],
            f"{self.setting}_ADDRESS": self.url,
        }

    def address(self, sender: str) -> str:
        """A patient's number."""
        return f"{self.prefix}+1{sender:0>10}"

    def signed(self, fields: dict[str, str]) -> tuple[dict[str, str], bytes]:
        """Any request, signed for the address that Twilio calls."""
        pairs = list(fields.items())
        url = f"{self.public or self.server}/webhooks/{self.name}/webhook"
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        return {HEADER: sign(url, pairs), "content-type": kind}, urlencode(pairs).encode()

    def sealed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        """Bytes that are no form cannot be signed as one."""
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError:
            pairs = []
        url = f"{self.public or self.server}/webhooks/{self.name}/webhook"
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        return {HEADER: sign(url, pairs), "content-type": kind}, body

    def message(self, sender: str, words: str, **more: str) -> dict[str, str]:
        """The fields of a message, some of them blank as they come."""
        self.heard[sender] = time.time()
        number = f"SM{next(self._numbers):032x}"
        return {
            "ToCountry": "CA",
            "ToState": "",
            "SmsMessageSid": number,
            "NumMedia": "0",
            "ToCity": "",
            "FromZip": "",
            "SmsSid": number,
            "FromState": "ON",
            "SmsStatus": "received",
            "FromCity": "",
            "Body": words,
            "FromCountry": "CA",
            "To": self.prefix + NUMBERS[self.prefix],
            "ToZip": "",
            "NumSegments": "1",
            "MessageSid": number,
            "AccountSid": ACCOUNT,
            "From": self.address(sender),
            "ApiVersion": "2010-04-01",
            **more,
        }

    def text(self, sender: str, words: str, **more: Any) -> tuple[dict[str, str], bytes]:
        fields = self.message(sender, words)
        if "id" in more:
            fields["MessageSid"] = f"SM{more['id']:032x}"
        return self.signed(fields)

    def press(self, sender: str, token: str, **more: Any) -> tuple[dict[str, str], bytes]:
        return self.text(sender, token)

    def status(self, sender: str, status: str, **more: str) -> tuple[dict[str, str], bytes]:
        """What became of a message to a patient."""
        number = f"SM{next(self._numbers):032x}"
        return self.signed(
            {
                "MessageSid": number,
                "MessageStatus": status,
                "SmsStatus": status,
                "To": self.address(sender),
                "From": self.prefix + NUMBERS[self.prefix],
                "AccountSid": ACCOUNT,
                **more,
            }
        )

    def forged(self) -> list[tuple[str, dict[str, str], bytes]]:
        good, body = self.text("700", "forged numb words")
        nothing, empty = self.signed({})
        unknown, other = self.signed({"Body": "numb", "From": self.address("700")})
        broken, bent = self.signed({"MessageSid": "SM1", "From": self.address("700")})
        return [
            ("no signature", {"content-type": good["content-type"]}, body),
            ("a wrong one", {**good, HEADER: sign("http://127.0.0.1/", [])}, body),
            ("an empty one", {**good, HEADER: ""}, body),
            ("letters that are no ASCII", {**good, HEADER: "é" * 28}, body),
            ("a body cut off", good, body[:-5]),
            ("blank fields left out", good, urlencode(parse_qsl(body.decode())).encode()),
            ("another patient", good, body.replace(b"700", b"701")),
            ("no fields", nothing, empty),
            ("another version", unknown, other),
            ("an id that is none", broken, bent),
            ("bytes that are no form", good, b"\xff\xfe"),
        ]

    def unread(self, sender: str) -> list[tuple[tuple[dict[str, str], bytes], str]]:
        file = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "a"}
        return [(self.signed(self.message(sender, "", **file)), "only read words")]

    def ignored(self) -> list[tuple[dict[str, str], bytes]]:
        other = self.message("700", "hello")
        return [
            self.status("700", "delivered"),
            self.status("700", "sent"),
            self.status("799", "failed", ErrorCode="30003"),
            self.signed({**other, "From": "12345"}),
            self.signed({**other, "From": "CLINIC"}),
        ]

    def follow(self, sender: str, url: str) -> tuple[dict[str, str], bytes]:
        page, _, text = url.partition(self.filled_in)
        assert page.endswith(NUMBERS[self.prefix].removeprefix("+"))
        return self.text(sender, unquote(text))

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode("ascii")
        if headers.get("authorization") != f"Basic {login}":
            return self._error("authenticate")
        place, _, query = path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}").partition("?")
        if place == ".json":
            return 200, json.dumps({"sid": ACCOUNT, "status": "active", "type": "Full"}).encode()
        if place.startswith("/IncomingPhoneNumbers"):
            return self._number(place, dict(parse_qsl(query or body.decode())))
        if place != "/Messages.json":
            return self.breach(f"no address {path}")
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
        call = dict(pairs)
        least, most = limits()["body_characters"]
        if call.keys() - set(limits()["fields"]) or len(call) != len(pairs):
            return self.breach(f"fields {sorted(call)}")
        if ("Body" in call) == ("ContentSid" in call):
            return self.breach(f"a text, or a template: {sorted(call)}")
        text = call["Body"] if "Body" in call else self._filled(call)
        if not least <= len(text) <= most or self.too_many_segments(text):
            return self.breach("the text is too long or empty")
        if call["From"] != self.prefix + NUMBERS[self.prefix]:
            self.broken.append("the sender is not the clinic")
            return self._error("wrong_from")
        if not re.fullmatch(re.escape(self.prefix) + r"\+1\d{10}", call["To"]):
            self.broken.append("the number is none")
            return self._error("invalid_to")
        sender = call["To"].removeprefix(self.prefix + "+1").lstrip("0")
        if sender in self.quiet:
            return self.breach("somebody who wants nothing more was written to")
        if sender in self.blocked:
            return self._error("stopped")
        if self.too_fast(sender):
            return self._error("too_fast")
        self.sent.append(call)
        number = f"SM{next(self._numbers):032x}"
        self.sids.append(number)
        if self.prefix and "Body" in call and self._is_late(sender):
            # Taken, and told afterwards.
            lost = self.status(sender, "undelivered", ErrorCode="63016", MessageSid=number)
            threading.Thread(target=self.deliver, args=(lost,), daemon=True).start()
        else:
            self.show(sender, Shown(text, _buttons(text)))
        return 201, json.dumps({"sid": number, "status": "queued", "error_code": None}).encode()

    def _is_late(self, sender: str) -> bool:
        return time.time() - self.heard.get(sender, 0.0) > limits()["window_hours"] * 3600

    def _filled(self, call: dict[str, str]) -> str:
        """What a template says; "" when it is none."""
        variables = json.loads(call["ContentVariables"])
        known = call["ContentSid"] == limits()["template"] and variables.keys() == {"1"}
        whole = known and self.prefix and not re.search(r"[\n\t]| {5}", variables["1"])
        return str(limits()["template_text"].format(variables["1"])) if whole else ""

    def too_many_segments(self, text: str) -> bool:
        """Whether a phone could not put the message together."""
        return False

    def _number(self, place: str, asked: dict[str, str]) -> tuple[int, bytes]:
        known = {"sid": NUMBER, "phone_number": NUMBERS[""], "sms_method": "POST"}
        if place == "/IncomingPhoneNumbers.json":
            found = [known] if asked.get("PhoneNumber") == NUMBERS[""] else []
            told = [{**number, "sms_url": self.webhook} for number in found]
            return 200, json.dumps({"incoming_phone_numbers": told}).encode()
        if place != f"/IncomingPhoneNumbers/{NUMBER}.json":
            return self.breach(f"no address {place}")
        if asked.keys() != {"SmsUrl", "SmsMethod"} or asked["SmsMethod"] != "POST":
            return self.breach(f"fields {sorted(asked)}")
        self.webhook = asked["SmsUrl"]
        return 200, json.dumps({**known, "sms_url": self.webhook}).encode()

    def _error(self, name: str) -> tuple[int, bytes]:
        status, code, message = limits()["errors"][name]
        return status, json.dumps({"code": code, "message": message, "status": status}).encode()


class Texts(Twilio):
    """Text messages."""

    name = "sms"
    setting = "CLINIC_TWILIO_SMS"
    filled_in = "?&body="

    def too_many_segments(self, text: str) -> bool:
        plain = text.isascii()
        return len(text) > limits()["segments"] * (153 if plain else 67)


class TwilioWhatsApp(Twilio):
    """WhatsApp."""

    name = "twilio-whatsapp"
    setting = "CLINIC_TWILIO_WHATSAPP"
    filled_in = "?text="
    prefix = "whatsapp:"


def _buttons(text: str) -> dict[str, str]:
    """What a patient can choose, and the number to be typed."""
    found = {title: number for number, title in _CHOICE.findall(text)}
    if rating := _RATING.search(text):
        found |= {"👍": rating[1], "👎": rating[2]}
    return found
