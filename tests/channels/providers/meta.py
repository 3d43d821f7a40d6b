"""What the stand-ins for WhatsApp and Messenger share: Meta's signature, Graph API and errors."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any, ClassVar

import httpx
import yaml

from providers.provider import Provider

APP_SECRET = "0123456789abcdef" * 2
VERIFY_TOKEN = "invented-" * 3
TOKEN = "invented-token-" * 3
VERSION = "v26.0"
APP = "2400000000001"
SIGNATURE = "x-hub-signature-256"
DAY = 24 * 3600.0


def signed(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    """The headers of a genuine request."""
    code = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    return {SIGNATURE: f"sha256={code}", "content-type": "application/json"}


class MetaProvider(Provider):
    """``heard`` is when each patient last wrote, in seconds since 1970."""

    subject: ClassVar[str]
    # What the path of a call names the clinic by.
    place: ClassVar[str]
    too_long = 3_200_000

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[str, float] = {}
        # What Meta tells the app's address of.
        self.told: list[str] = []
        table = Path(__file__).with_name(f"{self.name}.yml")
        self.limits: dict[str, Any] = yaml.safe_load(table.read_text(encoding="utf-8"))
        self.rates = self.limits

    def settings(self) -> dict[str, str]:
        upper = self.name.upper()
        return {
            "CLINIC_META_APP_SECRET": APP_SECRET,
            "CLINIC_META_VERIFY_TOKEN": VERIFY_TOKEN,
            f"CLINIC_{upper}_TOKEN": TOKEN,
            f"CLINIC_{upper}_ADDRESS": self.url,
        }

    def request(self, *entries: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        """Any entries, signed."""
        body = json.dumps({"object": self.subject, "entry": list(entries)}).encode()
        return signed(body), body

    def sealed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        return signed(body), body

    def hear(self, sender: str, at: float | None) -> float:
        """Notes when a patient wrote, now unless ``at`` says otherwise."""
        moment = time.time() if at is None else at
        self.heard[sender] = max(moment, self.heard.get(sender, 0.0))
        return moment

    def is_open(self, sender: str) -> bool:
        """Whether the patient wrote so lately that plain messages are taken."""
        return time.time() - self.heard.get(sender, 0.0) < DAY

    def forged(self) -> list[tuple[str, dict[str, str], bytes]]:
        good, body = self.text("700", "forged numb words")
        foreign = body.replace(self.subject.encode(), b"another_object")
        old = hmac.digest(APP_SECRET.encode(), body, hashlib.sha1).hex()
        kind = {"content-type": "application/json"}
        return [
            ("no signature", kind, body),
            ("the old signature alone", {**kind, "x-hub-signature": f"sha1={old}"}, body),
            ("another secret", signed(body, "f" * 32), body),
            ("an empty one", {**good, SIGNATURE: ""}, body),
            ("no name of the method", {**good, SIGNATURE: good[SIGNATURE][7:]}, body),
            ("letters that are no ASCII", {**good, SIGNATURE: "sha256=é" * 10}, body),
            ("a body cut off", good, body[:-5]),
            ("a body with more", good, body + b" "),
            ("half a body, signed", signed(body[:-5]), body[:-5]),
            ("no object", signed(b"[]"), b"[]"),
            ("another object", signed(foreign), foreign),
            ("nothing in it", signed(b'{"object": "x"}'), b'{"object": "x"}'),
            *(
                (f"another version: {name}", signed(other), other)
                for name in ("changes", "messaging")
                if (other := body.replace(f'"{name}"'.encode(), b'"events"')) != body
            ),
        ]

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if headers.get("authorization") != f"Bearer {self.login_of(path)}":
            return self.error(190, 401)
        if not body:
            return self.tell(path)
        if not re.fullmatch(rf"/{re.escape(VERSION)}/{self.place}/messages", path):
            return self.order(path.removeprefix(f"/{VERSION}"), json.loads(body))
        return self.take(json.loads(body))

    def login_of(self, path: str) -> str:
        """The token that an address asks for."""
        return f"{APP}|{APP_SECRET}" if path.startswith(f"/{VERSION}/{APP}/") else TOKEN

    def tries(self, url: str, token: str) -> bool:
        """Whether an address answers as the one who knows the token."""
        query = {"hub.mode": "subscribe", "hub.challenge": "4242", "hub.verify_token": token}
        return httpx.get(url, params=query, trust_env=False).text == "4242"

    def tell(self, path: str) -> tuple[int, bytes]:
        """Answers a question."""
        if path == f"/{VERSION}/app":
            return 200, json.dumps({"id": APP, "name": "The clinic"}).encode()
        if path != f"/{VERSION}/{APP}/subscriptions":
            return self.breach(f"no such address: {path}")
        fields = [{"name": name, "version": VERSION} for name in self.told]
        mine = {"object": self.subject, "callback_url": self.webhook, "fields": fields}
        other = {"object": "user", "callback_url": "https://example.com/", "fields": []}
        found = [other, *([{**mine, "active": True}] if self.webhook else [])]
        return 200, json.dumps({"data": found}).encode()

    def order(self, path: str, call: dict[str, Any]) -> tuple[int, bytes]:
        """Does what is no message."""
        return self.breach(f"no such address: {path}")

    def take(self, call: dict[str, Any]) -> tuple[int, bytes]:
        """Answers a call with the right login."""
        raise NotImplementedError

    def within(self, name: str, size: int) -> bool:
        """Whether a size is allowed by the table."""
        least, most = self.limits[name]
        return bool(least <= size <= most)

    @staticmethod
    def error(code: int, status: int = 400, subcode: int | None = None) -> tuple[int, bytes]:
        """An error of the Graph API."""
        content: dict[str, Any] = {"message": "An invented one", "code": code, "type": "Exception"}
        if subcode is not None:
            content["error_subcode"] = subcode
        return status, json.dumps({"error": content}).encode()
