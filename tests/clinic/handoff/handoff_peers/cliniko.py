"""A local server that follows Cliniko's public documentation, errors included.

After docs.api.cliniko.com and github.com/redguava/cliniko-api: Basic authentication, User-Agent
with a contact, 200 calls a minute, pages of 50 to 100, filters in ``q[]``, numbers as text, times
for seven days at most, appointments that may collide and say so afterwards.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

KEY = "MS0xLWNsaW5pa28tdGVzdC1rZXk-ca1"
BUSINESS, PRACTITIONER = "1390053865344214699", "1390053863163176768"
TYPES = {"1390053865100944830": 30, "1390053865100944845": 45, "1390053865100944860": 60}
ZONE = ZoneInfo("America/Toronto")


class ClinikoServer:
    """One account with one business and one practitioner, open 9 to 17 in Toronto.

    ``fail`` answers the next calls with a status before anything else; ``fail_after`` carries the
    call out first and then answers so. ``page`` is the default page size. ``now`` is its clock.
    """

    def __init__(self, now: Callable[[], datetime], limit: int = 200) -> None:
        self.now = now
        self.limit = limit
        self.page = 50
        self.calls: list[tuple[str, str]] = []
        self.queries: list[tuple[str, dict[str, str]]] = []
        self.agents: set[str] = set()
        self.window: list[datetime] = []
        self.patients: list[dict[str, Any]] = []
        self.appointments: list[dict[str, Any]] = []
        self.fail: list[int] = []
        self.fail_after: list[int] = []
        self.bodies: list[dict[str, Any]] = []
        self.before_create: Callable[[], None] = lambda: None
        self._ids = itertools.count(1400000000000000001)
        self._lock = threading.RLock()
        handler = type("Handler", (_Handler,), {"account": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()

    def new_id(self) -> str:
        """Another number, as long as theirs."""
        return str(next(self._ids))

    def book(self, start: datetime, minutes: int, **more: Any) -> dict[str, Any]:
        """An appointment made by someone at the clinic."""
        entry = {
            "id": self.new_id(),
            "starts_at": _text(start),
            "ends_at": _text(start + timedelta(minutes=minutes)),
            "created_at": _text(self.now()),
            "cancelled_at": None,
            "archived_at": None,
            "notes": None,
            "practitioner_id": PRACTITIONER,
            "patient_id": "1",
        } | more
        self.appointments.append(entry)
        return entry

    def live(self) -> list[dict[str, Any]]:
        """The appointments that stand."""
        return [a for a in self.appointments if not a["cancelled_at"] and not a["archived_at"]]

    # What follows answers calls: (status, body).

    def answer(
        self, method: str, path: str, query: list[tuple[str, str]], body: dict[str, Any]
    ) -> tuple[int, Any]:
        """One call that passed the gate."""
        with self._lock:
            if method == "POST" and path == "/individual_appointments":
                self.before_create()
            for pattern, verb, function in _ROUTES:
                found = re.fullmatch(pattern, path)
                if found and verb == method:
                    return function(self, found, query, body)
            return 404, {"message": "Not found"}

    def available_times(self, found: Any, query: Any, body: Any) -> tuple[int, Any]:
        business, practitioner, kind = found.groups()
        if (business, practitioner) != (BUSINESS, PRACTITIONER) or kind not in TYPES:
            return 404, {"message": "Not found"}
        asked = dict(query)
        wrong = {
            "message": "Invalid time frame definition. Please check from/to param limitations."
        }
        try:
            first, last = (date.fromisoformat(asked[key]) for key in ("from", "to"))
        except (KeyError, ValueError):
            return 400, wrong
        today = self.now().astimezone(ZONE).date()
        if first < today or last < first or (last - first).days > 7:
            return 400, wrong
        length = timedelta(minutes=TYPES[kind])
        times = []
        day = first
        while day <= last:
            at = datetime(day.year, day.month, day.day, 9, tzinfo=ZONE).astimezone(UTC)
            end = at + timedelta(hours=8)
            while at + length <= end:
                if day.weekday() < 6 and at > self.now() and not self.collisions(at, at + length):
                    times.append({"appointment_start": _text(at)})
                at += timedelta(minutes=15)
            day += timedelta(days=1)
        return self.paged("available_times", times, query)

    def collisions(self, start: datetime, end: datetime, but: str = "") -> list[dict[str, Any]]:
        return [
            a
            for a in self.live()
            if a["id"] != but and _time(a["starts_at"]) < end and start < _time(a["ends_at"])
        ]

    def list_appointments(self, found: Any, query: Any, body: Any) -> tuple[int, Any]:
        kept = [a for a in self.live() if all(_passes(a, v) for k, v in query if k == "q[]")]
        return self.paged("individual_appointments", kept, query)

    def list_patients(self, found: Any, query: Any, body: Any) -> tuple[int, Any]:
        kept = [p for p in self.patients if all(_passes(p, v) for k, v in query if k == "q[]")]
        return self.paged("patients", kept, query)

    def create_patient(self, found: Any, query: Any, body: dict[str, Any]) -> tuple[int, Any]:
        missing = [key for key in ("first_name", "last_name") if not body.get(key)]
        if missing:
            return 422, {"errors": dict.fromkeys(missing, "can't be blank")}
        entry = {"id": self.new_id(), "archived_at": None, "email": "", **body}
        entry.setdefault("patient_phone_numbers", [])
        self.patients.append(entry)
        return 201, entry

    def create_appointment(self, found: Any, query: Any, body: dict[str, Any]) -> tuple[int, Any]:
        known = {
            "patient_id": {p["id"] for p in self.patients},
            "practitioner_id": {PRACTITIONER},
            "business_id": {BUSINESS},
            "appointment_type_id": set(TYPES),
        }
        wrong = {key: "must exist" for key, ids in known.items() if body.get(key) not in ids}
        if not body.get("starts_at"):
            wrong["starts_at"] = "can't be blank"
        if wrong:
            return 422, {"errors": wrong}
        start = _time(body["starts_at"])
        minutes = TYPES[body["appointment_type_id"]]
        end = _time(body["ends_at"]) if body.get("ends_at") else start + timedelta(minutes=minutes)
        entry = self.book(start, minutes, **body) | {"ends_at": _text(end)}
        self.appointments[-1] = entry
        return 201, entry

    def one(self, number: str) -> dict[str, Any] | None:
        return next((a for a in self.appointments if a["id"] == number), None)

    def get_appointment(self, found: Any, query: Any, body: Any) -> tuple[int, Any]:
        entry = self.one(found.group(1))
        return (200, entry) if entry else (404, {"message": "Not found"})

    def update_appointment(self, found: Any, query: Any, body: dict[str, Any]) -> tuple[int, Any]:
        entry = self.one(found.group(1))
        if entry is None:
            return 404, {"message": "Not found"}
        entry.update(body)
        return 200, entry

    def cancel_appointment(self, found: Any, query: Any, body: dict[str, Any]) -> tuple[int, Any]:
        entry = self.one(found.group(1))
        if entry is None:
            return 404, {"message": "Not found"}
        if body.get("cancellation_reason") not in (10, 20, 30, 31, 40, 50, 60):
            return 422, {"errors": {"cancellation_reason": "can't be blank"}}
        entry |= {"cancelled_at": _text(self.now()), **body}
        return 204, None

    def conflicts(self, found: Any, query: Any, body: Any) -> tuple[int, Any]:
        entry = self.one(found.group(1))
        if entry is None:
            return 404, {"message": "Not found"}
        others = self.collisions(
            _time(entry["starts_at"]), _time(entry["ends_at"]), but=entry["id"]
        )
        return 200, {"conflicts": {"exist": bool(others)}}

    def paged(self, name: str, entries: list[Any], query: list[tuple[str, str]]) -> tuple[int, Any]:
        asked = dict(query)
        size = min(int(asked.get("per_page", self.page)), self.page if self.page < 50 else 100)
        page = int(asked.get("page", 1))
        links = {"self": f"{self.base}/{name}?page={page}"}
        if page * size < len(entries):
            links["next"] = f"{self.base}/{name}?page={page + 1}"
        return 200, {
            name: entries[(page - 1) * size : page * size],
            "total_entries": len(entries),
            "links": links,
        }


_ROUTES: tuple[tuple[str, str, Callable[..., tuple[int, Any]]], ...] = (
    (
        r"/businesses/(\d+)/practitioners/(\d+)/appointment_types/(\d+)/available_times",
        "GET",
        ClinikoServer.available_times,
    ),
    (r"/individual_appointments", "GET", ClinikoServer.list_appointments),
    (r"/individual_appointments", "POST", ClinikoServer.create_appointment),
    (r"/individual_appointments/(\d+)", "GET", ClinikoServer.get_appointment),
    (r"/individual_appointments/(\d+)", "PATCH", ClinikoServer.update_appointment),
    (r"/individual_appointments/(\d+)/cancel", "PATCH", ClinikoServer.cancel_appointment),
    (r"/individual_appointments/(\d+)/conflicts", "GET", ClinikoServer.conflicts),
    (r"/patients", "GET", ClinikoServer.list_patients),
    (r"/patients", "POST", ClinikoServer.create_patient),
)


class _Handler(BaseHTTPRequestHandler):
    account: ClinikoServer
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        account = self.account
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        path = parts.path.removeprefix("/v1")
        account.calls.append((self.command, path))
        account.queries.append((path, dict(parse_qsl(parts.query))))
        status, headers = self._gate()
        if status == 200 and account.fail:
            status = account.fail.pop(0)
            if status == 429:
                headers = {"X-RateLimit-Reset": self._reset()}
        if status != 200:
            self._send(status, {"message": "refused"}, headers)
            return
        body = json.loads(text) if text else {}
        if body:
            account.bodies.append(body)
        status, answer = account.answer(self.command, path, parse_qsl(parts.query), body)
        if account.fail_after and self.command != "GET":
            status, answer = account.fail_after.pop(0), {"message": "out of order"}
        self._send(status, answer, {})

    def _gate(self) -> tuple[int, dict[str, str]]:
        account = self.account
        expected = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
        if self.headers.get("Authorization") != expected:
            return 401, {}
        agent = self.headers.get("User-Agent", "")
        account.agents.add(agent)
        if not re.fullmatch(r".+ \([^@\s]+@[^@\s]+\.[^@\s]+\)", agent):
            return 403, {}
        if self.headers.get("Accept") != "application/json":
            return 406, {}
        now = account.now()
        account.window = [t for t in account.window if now - t < timedelta(minutes=1)]
        if len(account.window) >= account.limit:
            return 429, {"X-RateLimit-Reset": self._reset()}
        account.window.append(now)
        return 200, {}

    def _reset(self) -> str:
        first = self.account.window[0] if self.account.window else self.account.now()
        return str(int((first + timedelta(minutes=1)).timestamp()) + 1)

    def _send(self, status: int, answer: Any, headers: dict[str, str]) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _serve

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _passes(entry: dict[str, Any], rule: str) -> bool:
    """Whether an entry fits a filter ``field:operator value``."""
    found = re.fullmatch(r"(\w+):(>=|<=|!=|~~|=|>|<|~)(.*)", rule)
    assert found, rule
    name, operator, value = found.groups()
    kept = str(entry.get(name) or "")
    if name.endswith("_at"):
        left, right = _time(kept), _time(value)
        return {">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right}[
            operator
        ]
    return {
        "=": kept.casefold() == value.casefold(),
        "!=": kept.casefold() != value.casefold(),
        "~": value.casefold() in kept.casefold(),
    }[operator]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
