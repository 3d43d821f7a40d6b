"""What WhatsApp and Messenger share: Meta's signature, its trial of an address, its Graph API.

Webhooks: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
Errors: https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import httpx

from assistant.channels.apps.app import (
    SENT,
    Answer,
    App,
    BadBody,
    NoAnswer,
    Outcome,
    Received,
    same,
)

APP_SECRET, VERIFY_TOKEN = "CLINIC_META_APP_SECRET", "CLINIC_META_VERIFY_TOKEN"
VERSION = "CLINIC_META_VERSION"
# What an app at Meta is told of, and where.
SUBSCRIPTIONS = "subscriptions"
# What a failed call says: its code, or the subcode where that says more.
_CODES = {
    "login": {0, 3, 10, 102, 190, 368, 131005, 131031, 131042, 131045, 133010},
    "rate_limit": {4, 17, 32, 613, 80007, 130429, 131048, 131056},
    "busy": {1, 2, 131000, 131016, 133004},
    "window": {131047},
    "stopped": {551, 131026},
}
_SUBCODES = {2018278: "window", 2018300: "standby", 1545041: "stopped", 33: "login"}
_OUTCOMES = {
    "login": Outcome.LATER,
    "rate_limit": Outcome.LATER,
    "busy": Outcome.LATER,
    "stopped": Outcome.STOPPED,
}
# Ids and tokens are printable ASCII.
_PLAIN = re.compile(r"[!-~]{1,512}")


class MetaApp(App):
    """An app of Meta's. ``subject`` is what its webhooks call themselves ("object")."""

    address = "https://graph.facebook.com"
    window = timedelta(hours=24)
    # Up to a thousand events come in one, in WhatsApp with up to 3 MB.
    longest_request = 3 * 1024 * 1024
    defaults: ClassVar[Mapping[str, str]] = {VERSION: "v26.0"}
    subject: ClassVar[str]

    @classmethod
    def problem(cls, secrets: Mapping[str, str]) -> str | None:
        """What is wrong with the settings that both apps have."""
        if not re.fullmatch(r"[0-9a-f]{32}", secrets[APP_SECRET]):
            return (
                f"{APP_SECRET} is not an app's secret (its value is not shown). Allowed: what Meta "
                "shows under App settings, Basic: 32 characters from 0 to 9 and a to f."
            )
        if not re.fullmatch(r"[\w-]{16,100}", secrets[VERIFY_TOKEN], re.ASCII):
            return (
                f"{VERIFY_TOKEN} cannot be used (its value is not shown). Allowed: 16 to 100 "
                "random letters, numbers, _ or -."
            )
        if not re.fullmatch(r"v\d{2}\.\d", secrets[VERSION], re.ASCII):
            return (
                f'{VERSION} is "{secrets[VERSION]}". Allowed: a version of the Graph API, for '
                f"example {cls.defaults[VERSION]}."
            )
        return None

    def verify(self, request: Received) -> bool:
        """The header holds a keyed hash of the body, by the app's secret."""
        key = self.secrets[APP_SECRET].encode()
        right = hmac.digest(key, request.body, hashlib.sha256).hex()
        return same(request.headers.get("x-hub-signature-256", ""), f"sha256={right}")

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Meta tries the address once: whoever knows the token gets its number back."""
        token, number = query.get("hub.verify_token", ""), query.get("hub.challenge", "")
        asked = query.get("hub.mode") == "subscribe" and _PLAIN.fullmatch(number)
        return number if asked and same(token, self.secrets[VERIFY_TOKEN]) else None

    def entries(self, request: Received) -> Iterator[dict[str, Any]]:
        """All parts of a request: Meta may put several into one. Raises BadBody."""
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise BadBody from None
        if at(body, "object") != self.subject or not isinstance(body.get("entry"), list):
            raise BadBody
        return objects(body["entry"])

    @staticmethod
    def has_any(entry: dict[str, Any], *names: str) -> bool:
        """Whether a part is of the version that is read here: with one of these lists.

        Raises BadBody when it is not.
        """
        if not any(isinstance(entry.get(name), list) for name in names):
            raise BadBody
        return True

    async def graph(self, path: str, token: str, body: Mapping[str, Any]) -> Answer:
        """Makes one call of the Graph API."""
        url = f"{self.api}/{self.secrets[VERSION]}/{path}"
        response = await self.post(url, json=body, headers=self._login(token))
        return response if isinstance(response, Answer) else _answer(response)

    async def look_up(self, path: str, token: str, field: str) -> str:
        """A text that the Graph API knows about something; "" when it does not tell."""
        url = f"{self.api}/{self.secrets[VERSION]}/{path}"
        try:
            response = await self.http.get(
                url, params={"fields": field}, headers=self._login(token)
            )
            return words_of(at(response.json(), field)) if response.status_code == 200 else ""
        except (httpx.HTTPError, ValueError):
            return ""

    async def ask_graph(self, method: str, path: str, token: str, **content: Any) -> dict[str, Any]:
        """A question or an order to the Graph API; its answer. Raises NoAnswer."""
        url = f"{self.api}/{self.secrets[VERSION]}/{path}"
        return await self.ask(method, url, headers=self._login(token), **content)

    async def ask_as_app(
        self, method: str, what: str, token: str, **content: Any
    ) -> dict[str, Any]:
        """A question or an order about the clinic's app at Meta itself. Raises NoAnswer.

        Its id is told by one of its tokens; with its secret that is a login of its own.
        https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens
        """
        app = plain_of((await self.ask_graph("GET", "app", token)).get("id"))
        if not app:
            raise NoAnswer(f"Meta does not say which app {token} belongs to.")
        login = {"Authorization": f"Bearer {app}|{self.secrets[APP_SECRET]}"}
        url = f"{self.api}/{self.secrets[VERSION]}/{app}/{what}"
        return await self.ask(method, url, headers=login, **content)

    async def subscription(self, token: str) -> tuple[str, set[str]]:
        """Whom Meta calls for the clinic's app, "" for nobody, and with what. Raises NoAnswer.

        https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
        """
        told = await self.ask_as_app("GET", SUBSCRIPTIONS, token)
        mine = [one for one in objects(told.get("data")) if one.get("object") == self.subject]
        active = [one for one in mine if one.get("active") is not False]
        called = words_of(at(active[0], "callback_url")) if active else ""
        fields = (field for one in active for field in objects(one.get("fields")))
        return called, {words_of(field.get("name")) for field in fields}

    def no_login(self, response: httpx.Response) -> bool:
        """Meta says it by a code, and often with status 400."""
        return super().no_login(response) or _answer(response).reason == "login"

    def _login(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets[token]}"}


def reason_of(error: Any) -> str:
    """Why a message failed, as ``Answer.reason``, from an error of the Graph API's."""
    code, subcode = at(error, "code"), at(error, "error_subcode")
    if isinstance(subcode, int) and subcode in _SUBCODES:
        return _SUBCODES[subcode]
    if not isinstance(code, int):
        return "refused"
    if 200 <= code < 300:
        # Permissions that were not granted, or taken away.
        return "login"
    return next((reason for reason, codes in _CODES.items() if code in codes), "refused")


def at(value: Any, *keys: str) -> Any:
    """What stands at a path of objects, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list; nothing for what is no list."""
    return (
        (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
    )


def words_of(value: Any) -> str:
    """A text, or ""."""
    return value if isinstance(value, str) else ""


def plain_of(value: Any) -> str:
    """An id or a token, or ""."""
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else ""


def shortened(title: str, most: int) -> str:
    """A title of at most so many characters."""
    return title if len(title) <= most else title[: most - 1].rstrip() + "…"


def _answer(response: httpx.Response) -> Answer:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.status_code == 200:
        # Messenger reports no loss, and does not list what it has taken.
        return replace(SENT, id=plain_of(at(next(objects(at(body, "messages")), None), "id")))
    error = at(body, "error")
    if error is None and response.status_code in (401, 403):
        return Answer(Outcome.LATER, "login")
    reason = "busy" if at(error, "is_transient") is True else reason_of(error)
    return Answer(_OUTCOMES.get(reason, Outcome.REFUSED), reason)
