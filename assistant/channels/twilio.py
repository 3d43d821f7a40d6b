"""Twilio: text messages (SMS), and WhatsApp through Twilio. docs/twilio.md."""

from __future__ import annotations

import json
import logging
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote

import httpx
import yaml
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from assistant.channels.apps import settings
from assistant.channels.apps.app import (
    CONNECT,
    SENT,
    Answer,
    App,
    BadBody,
    Call,
    Finding,
    Kind,
    NoAnswer,
    Outcome,
    Outgoing,
    Received,
    Update,
)
from assistant.channels.apps.outgoing import on_one_line
from assistant.channels.apps.sentences import sentence, words
from assistant.channels.apps.splitting import plain, split
from assistant.channels.segments import longest, segments

logger = logging.getLogger(__name__)
# What text messages cost can be counted in the log, which otherwise holds warnings only.
logger.setLevel(logging.INFO)

ACCOUNT, TOKEN = "CLINIC_TWILIO_ACCOUNT", "CLINIC_TWILIO_TOKEN"
TEXTS, WHATSAPP = "CLINIC_TWILIO_SMS", "CLINIC_TWILIO_WHATSAPP"
TEMPLATE = "CLINIC_TWILIO_TEMPLATE"
# Characters that fill a template; its own words stand around them in 1,024 at most.
LONGEST_FILLING = 900
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_MESSAGE = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
# Fields of one request, far more than Twilio sends.
_MOST_FIELDS = 300
# What Twilio says to a message that will not arrive.
_LOST = ("failed", "undelivered")
# How often and after what Twilio calls the webhook again.
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
RETRIES = "#rc=5&rp=all"


class Twilio(App):
    """What text messages and WhatsApp have in common."""

    address = "https://api.twilio.com"
    numbered = True
    notice = "text_notice"
    accepted = ("<Response/>", "text/xml; charset=utf-8")
    # The setting that holds the clinic's number, and what stands before numbers.
    number: ClassVar[str]
    prefix: ClassVar[str] = ""

    @classmethod
    def problem(cls, secrets: Mapping[str, str]) -> str | None:
        """What is wrong with the settings."""
        if not re.fullmatch(r"AC[0-9a-f]{32}", secrets[ACCOUNT]):
            return f"{ACCOUNT} is no account's SID. Allowed: AC and 32 digits or letters a to f."
        if not re.fullmatch(r"[0-9a-f]{32}", secrets[TOKEN]):
            return (
                f"{TOKEN} is no auth token (its value is not shown). Allowed: 32 digits or letters "
                "a to f, from the first page of Twilio's console."
            )
        if not _PHONE.fullmatch(secrets[cls.number]):
            return (
                f'{cls.number} is "{secrets[cls.number]}". Allowed: the number with + and its '
                "country, without spaces, for example +14165550100."
            )
        return None

    def verify(self, request: Received) -> bool:
        """Twilio signs the address that it calls and all fields, blank ones, too."""
        try:
            fields = _fields(request.body)
        except ValueError:
            return False
        signature = request.headers.get("x-twilio-signature", "")
        validator = RequestValidator(self.secrets[TOKEN])
        return bool(validator.validate(request.url, fields, signature))

    def updates(self, request: Received) -> list[Update]:
        """One message, or what became of one of ours; that it is on its way does not matter."""
        try:
            fields = _fields(request.body)
        except ValueError:
            raise BadBody from None
        number = fields.one("MessageSid")
        if not _MESSAGE.fullmatch(number):
            raise BadBody
        status = fields.one("MessageStatus")
        ours, other = map(fields.one, ("From", "To") if status else ("To", "From"))
        # Another number of the account may have the same address.
        to_us = (self.prefix + self.secrets[self.number], self.secrets[ACCOUNT])
        if (ours, fields.one("AccountSid")) != to_us:
            return []
        if not self._is_patient(other) or (status and status not in _LOST):
            return []
        if status:
            code = fields.one("ErrorCode")
            reason = _reason(int(code) if re.fullmatch("[0-9]{1,9}", code) else None)
            reason = reason if reason in ("window", "stopped") else "undelivered"
            name = f"{number} {status}"
            return [Update(name, other, Kind.FAILED, reason=reason, about=number)]
        return [self._message(number, other, fields)]

    def render(self, message: Outgoing) -> list[Call]:
        """Text with the choices below it as a numbered list, in parts if need be."""
        text = self._written("\n\n".join(filter(None, (message.text, _choices(message)))))
        return [Call("Messages", {"Body": part}) for part in split(text, self._longest(text))]

    async def send(self, address: str, call: Call) -> Answer:
        """Twilio takes a message, or says by a code why not."""
        content = {"To": address, "From": self.prefix + self.secrets[self.number], **call.body}
        if public := settings.public_address():
            content["StatusCallback"] = f"{public}/webhooks/{self.name}/webhook"
        response = await self._call(call.method, content)
        if isinstance(response, Answer):
            return response
        if response.status_code == 201:
            self._count(str(call.body.get("Body", "")))
            number = _told(response, "sid")
            return replace(SENT, id=number if isinstance(number, str) else "")
        reason = _reason(_told(response, "code"), response.status_code)
        if reason in ("login", "rate_limit", "busy"):
            return Answer(Outcome.LATER, reason)
        return Answer(Outcome.STOPPED if reason == "stopped" else Outcome.REFUSED, reason)

    async def acknowledge(self, update: Update, chosen: str, awaited: bool) -> None:
        """Whoever asks for no more messages reads once that there will be none."""
        if update.kind == Kind.OPTED_OUT and not update.handle.get("answered"):
            said = self._written(sentence("opted_out", update.locale))
            await self.send(update.sender, Call("Messages", {"Body": said}))

    async def link(self, token: str) -> str:
        """Opens the app with the clinic's number, and words filled in."""
        return self._address_of(self.secrets[self.number], words()["link"].format(token=token))

    async def check(self, webhook: str) -> list[Finding]:
        """Whether the account is open, and what is known of the number."""
        account = await self._ask("GET", "")
        status = account.get("status")
        found = [Finding(status == "active", f"The account at Twilio is {status}.")]
        if account.get("type") == "Trial":
            found.append(
                Finding(None, "In a trial account only verified phones can be written to.")
            )
        return found

    async def _ask(self, method: str, what: str, **content: Any) -> dict[str, Any]:
        account = self.secrets[ACCOUNT]
        url = f"{self.api}/2010-04-01/Accounts/{account}{what}.json"
        return await self.ask(method, url, auth=(account, self.secrets[TOKEN]), **content)

    async def _call(self, what: str, content: dict[str, Any]) -> httpx.Response | Answer:
        account = self.secrets[ACCOUNT]
        url = f"{self.api}/2010-04-01/Accounts/{account}/{what}.json"
        return await self.post(url, data=content, auth=(account, self.secrets[TOKEN]))

    @abstractmethod
    def _address_of(self, number: str, text: str) -> str:
        """What opens a chat with a number, with a text filled in."""

    def _is_patient(self, address: str) -> bool:
        """Short numbers and names belong to other programs, and are not answered."""
        number = address.removeprefix(self.prefix)
        return address.startswith(self.prefix) and bool(_PHONE.fullmatch(number))

    def _message(self, number: str, sender: str, fields: _Fields) -> Update:
        text = fields.one("Body")
        word, exact = _word(text), " ".join(text.split()).casefold()
        opted = fields.one("OptOutType")
        table = _table()
        locale = next((name for name in ("fr", "es") if word in table["words"][name]), "en")
        if opted == "STOP" or self._stops(word):
            answered = bool(opted) or self._handles(exact)
            done = {"answered": answered}
            return Update(number, sender, Kind.OPTED_OUT, locale=locale, handle=done)
        if word in _table()["start_after_stop"]:
            return Update(number, sender, text=text, resumes=True)
        if opted == "START" or word in _table()["start"]:
            return Update(number, sender, Kind.START, resumes=True)
        if opted == "HELP" or word in table["help"]:
            return Update(number, sender, Kind.HELP, locale=locale)
        # A place has coordinates and no words; whatever else comes, comes as a file.
        files = fields.one("NumMedia") not in ("", "0") or bool(fields.one("Latitude"))
        return Update(number, sender, Kind.MEDIA if files else Kind.TEXT, text)

    def _stops(self, word: str) -> bool:
        stop = _table()["stop"]
        return word in (*stop["twilio"], *stop["others"])

    def _handles(self, exact: str) -> bool:
        """Whether Twilio itself acts on a word that ends the messages."""
        return exact in _table()["stop"]["twilio"]

    def _written(self, text: str) -> str:
        return plain(text)

    def _longest(self, text: str) -> int:
        return int(_table()["body"])

    def _count(self, text: str) -> None:
        """Notes what was sent."""
        return


class Texts(Twilio):
    """Text messages to the clinic's number."""

    name = "sms"
    title = "SMS through Twilio"
    settings = (ACCOUNT, TOKEN, TEXTS)
    stand_in = "CLINIC_TWILIO_SMS_ADDRESS"
    number = TEXTS
    # Twilio itself passes them on at the rate that the number is allowed.
    per_second = 10.0

    async def check(self, webhook: str) -> list[Finding]:
        """Also where Twilio calls when a text message comes in."""
        found, number = await super().check(webhook), await self._number()
        called = str(number.get("sms_url") or "").partition("#")[0]
        found.append(self.calls(called, webhook))
        if called == webhook and number.get("sms_method") != "POST":
            found.append(Finding(False, f"Twilio does not call by POST. {CONNECT} {self.name}"))
        if number.get("sms_application_sid"):
            text = "A TwiML app is set for the number and called in place of it: take it out."
            found.append(Finding(False, text))
        return found

    async def connect(self, webhook: str) -> str:
        """Twilio then calls again when the server was not there."""
        number = await self._number()
        content = {"SmsUrl": webhook + RETRIES, "SmsMethod": "POST"}
        await self._ask("POST", f"/IncomingPhoneNumbers/{number['sid']}", data=content)
        return f"Twilio calls {webhook} when a text message comes in."

    async def _number(self) -> dict[str, Any]:
        """What Twilio knows of the clinic's number. Raises NoAnswer."""
        asked = {"PhoneNumber": self.secrets[TEXTS]}
        told = await self._ask("GET", "/IncomingPhoneNumbers", params=asked)
        for number in told.get("incoming_phone_numbers") or []:
            if number.get("phone_number") == self.secrets[TEXTS] and number.get("sid"):
                return dict(number)
        raise NoAnswer(f"The account at Twilio has no number {self.secrets[TEXTS]} ({TEXTS}).")

    def _address_of(self, number: str, text: str) -> str:
        # RFC 5724, as iPhones understand it, too.
        return f"sms:{number}?&body={quote(text)}"

    def _written(self, text: str) -> str:
        return plain(text).translate(_lookalikes())

    def _longest(self, text: str) -> int:
        return min(super()._longest(text), longest(text, int(_table()["segments"])))

    def _count(self, text: str) -> None:
        logger.info("A text message of %d segments was sent.", segments(text))


class TwilioWhatsApp(Twilio):
    """WhatsApp, to a number that Twilio runs there for the clinic."""

    name = "twilio-whatsapp"
    title = "WhatsApp through Twilio"
    settings = (ACCOUNT, TOKEN, WHATSAPP)
    stand_in = "CLINIC_TWILIO_WHATSAPP_ADDRESS"
    number = WHATSAPP
    prefix = "whatsapp:"
    # https://www.twilio.com/docs/whatsapp/api: 80 messages a second and number.
    per_second = 70.0
    # WhatsApp's own rule: to one patient, one every six seconds after the first 45.
    per_chat = (6.0, 40)
    # https://www.twilio.com/docs/whatsapp/key-concepts
    window = timedelta(hours=24)
    defaults: ClassVar[Mapping[str, str]] = {TEMPLATE: ""}

    @classmethod
    def problem(cls, secrets: Mapping[str, str]) -> str | None:
        """What is wrong with the settings."""
        if secrets[TEMPLATE] and not re.fullmatch(r"HX[0-9a-f]{32}", secrets[TEMPLATE]):
            return (
                f'{TEMPLATE} is "{secrets[TEMPLATE]}". Allowed: empty, or the SID of an approved '
                "template: HX and 32 digits or letters a to f."
            )
        return super().problem(secrets)

    def render_late(self, message: Outgoing) -> list[Call]:
        """An approved template, filled with what became of an appointment."""
        template = self.secrets[TEMPLATE]
        if not template or not message.appointment:
            return []
        # What fills a template must be on one line.
        filling = on_one_line(message, LONGEST_FILLING)
        variables = json.dumps({"1": filling}, ensure_ascii=False)
        return [Call("Messages", {"ContentSid": template, "ContentVariables": variables})]

    async def check(self, webhook: str) -> list[Finding]:
        """Twilio tells of WhatsApp's senders nothing by the interface that is used here."""
        text = f"Whether it calls {webhook} stands in Twilio's console, under Senders, WhatsApp."
        return [*await super().check(webhook), Finding(None, text)]

    async def connect(self, webhook: str) -> str:
        """Done by hand."""
        place = f"in Twilio's console, under Senders, WhatsApp: {webhook}{RETRIES}, by POST"
        raise NoAnswer(f"Where Twilio calls for WhatsApp is set {place}.")

    def _address_of(self, number: str, text: str) -> str:
        # https://faq.whatsapp.com/5913398998672934
        return f"https://wa.me/{number.removeprefix('+')}?text={quote(text)}"

    def _written(self, text: str) -> str:
        return text.replace("**", "*")

    def _stops(self, word: str) -> bool:
        return super()._stops(word) and word not in _table()["stop"]["only_in_texts"]

    def _handles(self, exact: str) -> bool:
        return False


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    file = Path(__file__).with_name("twilio.yml")
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def _lookalikes() -> dict[int, str]:
    return str.maketrans(_table()["lookalikes"])


class _Fields(dict[str, list[str]]):
    """A form as RequestValidator takes it."""

    def getlist(self, name: str) -> list[str]:
        """All values of a field."""
        return self[name]

    def one(self, name: str) -> str:
        """The first value, "" without any."""
        return self.get(name, [""])[0]


def _fields(body: bytes) -> _Fields:
    """The fields of a form, blank ones kept. Raises ValueError."""
    text = body.decode("ascii")
    found = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    return _Fields(found)


def _word(text: str) -> str:
    """A message as the tables write words: "Stop." is "stop"."""
    return " ".join(text.split()).casefold().rstrip(".! ")


def _choices(message: Outgoing) -> str:
    """The choices by their numbers, and the thumbs in words."""
    numbered = enumerate(message.choices, message.first)
    lines = [f"{place}. {choice.title}" for place, choice in numbered]
    if lines:
        lines.append(_table()["choose"])
    if message.rating:
        first = message.first + len(message.choices)
        lines.append(_table()["rate"].format(up=first, down=first + 1))
    return "\n".join(lines)


def _told(response: httpx.Response, name: str) -> Any:
    """What Twilio says in its answer, or None."""
    try:
        body = response.json()
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None


def _reason(code: Any, status: int = 400) -> str:
    """Why a message is not sent, by Twilio's code or by that of HTTP."""
    for reason, codes in _table()["errors"].items():
        if code in codes:
            return str(reason)
    return "login" if status in (401, 403, 404) else "refused"
