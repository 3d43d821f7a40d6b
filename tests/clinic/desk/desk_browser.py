"""A desk with invented people in Chromium, for the tests that look at its pages.

Pictures of pages are in ``results/desk`` afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from widget_axe import TAGS, axe_source
from widget_browser import chromium

ROOT = Path(__file__).resolve().parents[3]
PICTURES = ROOT / "results" / "desk"
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 820}},
    "phone": {"viewport": {"width": 390, "height": 800}, "has_touch": True},
    "dark": {"viewport": {"width": 1280, "height": 820}, "color_scheme": "dark"},
}
NOW = "2026-11-23T15:00:00+00:00"


@dataclass(frozen=True)
class Desk:
    """A running desk with invented people; ``sessions`` by role."""

    address: str
    var: Path
    sessions: dict[str, str]


@contextlib.contextmanager
def running_desk(var: Path, *more: str) -> Iterator[Desk]:
    """A desk with its database in ``var``; ``more`` are arguments of desk_demo.py."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLINIC_")}
    environment = {**kept, "CLINIC_VAR": str(var), "CLINIC_DESK_PORT": str(port)}
    demo = Path(__file__).with_name("desk_demo.py")
    filled = subprocess.run(  # noqa: S603
        [sys.executable, str(demo), *more],
        env=environment,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert filled.returncode == 0, filled.stderr
    server = subprocess.Popen(
        [sys.executable, "-m", "clinic", "desk"],
        env={**environment, "CLINIC_NOW": NOW},
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/health", server)
        yield Desk(address, var, json.loads(filled.stdout.splitlines()[-1]))
    finally:
        server.terminate()
        said = server.communicate(timeout=20)[1]
    assert "Traceback" not in said
    # No telephone number of the demonstration; 555 alone may be a log line's milliseconds.
    assert not re.search(r"555\D?01\d\d", said)


def _wait_for(address: str, server: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, "the desk has ended"
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
    raise AssertionError("the desk does not answer")


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Chromium."""
    found = chromium()
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(
            executable_path=found.program,
            env={**os.environ, **found.environment},
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield one
        one.close()


@contextlib.contextmanager
def pages_of(opened: Browser, desk: Desk) -> Iterator[Any]:
    """Opens a page as somebody; afterwards nothing may have been refused or gone elsewhere."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(role: str | None = "everything", **options: Any) -> Page:
        settings = {"locale": "en-CA", "timezone_id": "America/Toronto", **options}
        context = opened.new_context(base_url=desk.address, **{**SCREENS["desktop"], **settings})
        contexts.append(context)
        if role:
            cookie = {"name": "desk_session", "value": desk.sessions[role], "url": desk.address}
            context.add_cookies([cookie])
        page = context.new_page()
        page.on("request", lambda sent: wrong.append(sent.url) if elsewhere(sent.url) else None)
        page.on(
            "console",
            lambda said: wrong.append(said.text) if is_wrong(said) else None,
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    def is_wrong(said: Any) -> bool:
        # A page that is not there, or a form that is wrong, is what some of these are about.
        return said.type == "error" and not said.text.startswith("Failed to load resource")

    def elsewhere(address: str) -> bool:
        return not address.startswith((desk.address, "data:", "blob:"))

    yield make
    for context in contexts:
        context.close()
    assert not wrong


def violations(page: Page) -> list[Any]:
    """What axe finds wrong on a page."""
    page.evaluate(axe_source())
    found = page.evaluate(
        "tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", TAGS
    )
    assert found["passes"], "axe did not run"
    return [(rule["id"], [n["html"][:120] for n in rule["nodes"]]) for rule in found["violations"]]
