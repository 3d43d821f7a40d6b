"""Notices to staff in Slack: somebody waits, something is stuck, and nothing about a patient."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asking import ask
from django.db import connection
from handoff_peers.samples import NOW

from clinic.environment import EnvironmentProblem
from clinic.facts import LiveChat
from clinic.live import chats, upkeep
from clinic.outbox import queue, slack
from clinic.outbox.models import Item, LateMessage, State
from clinic.outbox.worker import Worker

WAIT = LiveChat(wait=timedelta(minutes=5))
LATER = NOW + timedelta(minutes=5)


class Slack:
    """An incoming webhook as Slack publishes it: JSON with a text, "ok" or an error in one word.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.answers: list[tuple[int, bytes]] = []
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = slack.answers.pop(0) if slack.answers else (200, b"ok")
                if body.keys() != {"text"} or self.headers["content-type"] != "application/json":
                    status, answer = 400, b"invalid_payload"
                if status == 200:
                    slack.texts.append(body["text"])
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/services/T0/B0/secret"


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    """Slack, with its webhook in the environment."""
    running = Slack()
    monkeypatch.setenv(slack.SETTING, running.url)
    monkeypatch.setenv("CLINIC_NOW", LATER.isoformat())
    yield running
    running.server.shutdown()
    running.server.server_close()


def look(clock: Any, **passes: float) -> None:
    """What the worker does every few seconds."""
    clock.pass_(**passes or {"seconds": 1})
    slack.enqueue(clock())
    Worker(now=clock, today=lambda: LATER).run_due()


def test_somebody_waits(database: Path, workspace: Slack, clock: Any) -> None:
    """Once, also for a clinic without mail, and not when somebody has come meanwhile."""
    waits, helped = chats.ask("secret-1", NOW), chats.ask("secret-2", NOW)
    look(clock)
    assert workspace.texts == []
    upkeep.look(LATER, WAIT)
    slack.enqueue(clock())
    chats.join(helped.conversation_id, "natalie", "Natalie Yeo", LATER)
    for _ in range(2):
        look(clock)
    (text,) = workspace.texts
    assert text.endswith(f"http://127.0.0.1:8010/live/{waits.pk}")
    assert "secret" not in text


def test_something_is_stuck(database: Path, workspace: Slack, clock: Any) -> None:
    """It is told once, names nobody, and is no part of the booking."""
    booked = ask()
    Item.objects.update(state=State.STUCK, waiting_since=clock())
    for _ in range(2):
        look(clock)
    (text,) = workspace.texts
    assert text.endswith("/bookings/deliveries")
    assert "Priya" not in text
    state = queue.state_of(booked)
    assert state is not None
    assert "slack" not in [item.part for item in state.items]


def test_a_message_in_an_app_is_stuck(database: Path, workspace: Slack, clock: Any) -> None:
    """Told once; not what is still tried, nor what somebody has seen to meanwhile."""
    said = {"app": "sms", "reason": "stopped", "at": clock()}
    LateMessage.objects.create(conversation_id="secret-1", state="failed", **said)
    LateMessage.objects.create(conversation_id="secret-2", state="stuck", **said)
    seen_to = LateMessage.objects.create(conversation_id="secret-3", state="stuck", **said)
    slack.enqueue(clock())
    # As the Rasa server deletes it.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_latemessage WHERE id = %s", [seen_to.pk])
    for _ in range(2):
        look(clock)
    (text,) = workspace.texts
    assert text.endswith("/bookings/deliveries")
    assert "secret" not in text


def test_what_was_settled_meanwhile_is_not_told(
    database: Path, workspace: Slack, clock: Any
) -> None:
    ask()
    Item.objects.update(state=State.STUCK, waiting_since=clock())
    slack.enqueue(clock())
    Item.objects.filter(state=State.STUCK).update(state=State.SENT)
    look(clock)
    assert workspace.texts == []


def test_slack_is_out_of_order_and_then_takes_the_webhook_back(
    database: Path, workspace: Slack, clock: Any
) -> None:
    """It is tried again; what Slack will never take is seen at the desk, and told nowhere."""
    workspace.answers = [(500, b"rollup_error"), (429, b""), (404, b"no_service")]
    chats.ask("c1", NOW)
    upkeep.look(LATER, WAIT)
    for _ in range(4):
        look(clock, minutes=10)
    assert workspace.answers == []
    assert workspace.texts == []
    (item,) = queue.stuck()
    assert (item.part, item.reason, item.code) == ("slack", "login", "404")
    assert "notice in Slack" in queue.in_words(item)


def test_without_a_webhook_nothing_is_noted(
    database: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(slack.SETTING, raising=False)
    ask()
    Item.objects.update(state=State.STUCK, waiting_since=clock())
    assert slack.enqueue(clock()) == 0


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/services/T0/B0/secret",
        "http://hooks.slack.com/services/T0/B0/secret",
        "https://hooks.slack.com.example.com/services/T0/B0/secret",
        "http://10.0.0.1:80/secret",
        "secret",
    ],
)
def test_another_address_is_refused_without_showing_it(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(slack.SETTING, value)
    with pytest.raises(EnvironmentProblem) as problem:
        slack.webhook()
    assert slack.SETTING in str(problem.value)
    assert "secret and not shown" in str(problem.value)
    assert value not in str(problem.value).replace("is a secret and not shown", "")


def test_the_address_that_slack_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(slack.SETTING, " https://hooks.slack.com/services/T0AB/B0CD/xyz ")
    assert slack.webhook() == "https://hooks.slack.com/services/T0AB/B0CD/xyz"
