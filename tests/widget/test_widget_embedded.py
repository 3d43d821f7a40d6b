"""The chat window as a clinic embeds it: a page of its own, the assistant at another address."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from echo_servers import echo_server
from fake_clinic import BUNDLE, ROOT
from playwright.sync_api import Browser, expect, sync_playwright
from websocket import WebSocketBadStatusException, create_connection
from widget_browser import chromium
from widget_visitor import DESKTOP, Visitor
from window import READY

# Names that are no loopback's, which Chromium is told to find on this machine.
LISTED, ANOTHER = "www.sorrel-lane.example.com", "www.elsewhere.example.com"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A clinic</title></head><body>
<h1>A clinic</h1>
<script src="{server}/widget/clinic-chat.js" integrity="{integrity}" crossorigin="anonymous" defer>
</script>
<clinic-chat phone="416-555-0142"></clinic-chat>
</body></html>"""
POLICY = (
    "default-src 'none'; script-src {server}; style-src 'self'; connect-src {server} {line}; "
    "img-src 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types lit-html"
)
WATCH = (
    "window.violations = []; document.addEventListener('securitypolicyviolation', "
    "event => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"
)


def integrity(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


@dataclass
class Site:
    """The clinic's own web server, and where the assistant is."""

    port: int
    server: str

    def page(self, host: str = LISTED, path: str = "/") -> str:
        return f"http://{host}:{self.port}{path}"


class Pages(http.server.BaseHTTPRequestHandler):
    """The clinic's page at /; at /altered the same with the sum of another file, at /polling with a
    policy that lets no WebSocket through."""

    def __init__(self, site: Site, *rest: Any) -> None:
        self.site = site
        super().__init__(*rest)

    def do_GET(self) -> None:
        """Called by the server."""
        if self.path not in ("/", "/altered", "/polling"):
            self.send_error(404)
            return
        content = BUNDLE.read_bytes() + (b" " if self.path == "/altered" else b"")
        server = self.site.server
        page = PAGE.format(server=server, integrity=integrity(content)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        line = "" if self.path == "/polling" else server.replace("http:", "ws:")
        self.send_header("Content-Security-Policy", POLICY.format(server=server, line=line))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Both servers; ``clinic.yml`` lists the clinic's page."""
    folder = tmp_path_factory.mktemp("embedded")
    found = Site(0, "")
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, found))
    found.port = web.server_port
    threading.Thread(target=web.serve_forever, daemon=True).start()
    text = (ROOT / "clinic.yml").read_text(encoding="utf-8")
    listed = text.replace("allowed_origins:\n  #", f"allowed_origins: [{found.page(path='')}]\n  #")
    assert listed != text
    (folder / "clinic.yml").write_text(listed, encoding="utf-8")
    server = echo_server(folder, CLINIC_YML=str(folder / "clinic.yml"))
    found.server = server.url.removesuffix(READY)
    yield found
    server.stop()
    web.shutdown()
    web.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, which finds the clinic's website on this machine."""
    found = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=found.program,
            env={**os.environ, **found.environment},
            args=[
                *("--no-sandbox", "--disable-dev-shm-usage"),
                f"--host-resolver-rules=MAP {LISTED} 127.0.0.1, MAP {ANOTHER} 127.0.0.1",
            ],
        )
        yield running
        running.close()


@pytest.fixture
def patient(browser: Browser, site: Site) -> Iterator[Visitor]:
    """A patient who has been to no page yet."""
    visitor = Visitor(browser.new_context(**DESKTOP, locale="en-CA"), site.server)
    visitor.page.add_init_script(WATCH)
    yield visitor
    assert visitor.errors == []
    visitor.context.close()


@pytest.mark.parametrize("path", ["/", "/polling"])
def test_it_works_on_a_page_that_is_listed(patient: Visitor, site: Site, path: str) -> None:
    patient.page.goto(site.page(path=path))
    patient.open().say("hello").sees("you said hello")
    patient.page.reload()
    patient.sees("you said hello")
    patient.say("goodbye").sees("you said goodbye")
    assert patient.texts() == ["hello", "you said hello", "goodbye", "you said goodbye"]
    violations = patient.page.evaluate("window.violations")
    assert all(path == "/polling" and "connect-src ws:" in each for each in violations)
    own = [address for address in patient.foreign if not address.startswith(site.page(path=""))]
    assert own == []


@pytest.mark.parametrize("path", ["/", "/polling"])
def test_on_a_page_that_is_not_listed_it_gives_the_number(
    patient: Visitor, site: Site, path: str
) -> None:
    patient.page.goto(site.page(ANOTHER, path))
    patient.open().sees("The chat is not set up for this page.")
    expect(patient.panel.locator(".bar").get_by_role("link", name="416-555-0142")).to_be_visible()


def test_where_no_place_is_free_it_says_so_and_waits(patient: Visitor, site: Site) -> None:
    """Too many connections from one address, none of which has said yet what it wants."""
    line = f"{site.server.replace('http:', 'ws:')}/chat/socket.io/?EIO=4&transport=websocket"
    with contextlib.ExitStack() as silent:
        with contextlib.suppress(WebSocketBadStatusException):
            while True:
                silent.enter_context(contextlib.closing(create_connection(line)))
        patient.page.goto(site.page())
        patient.open().say("hello").sees("Many people are writing at this moment.")
    patient.sees("you said hello")


def test_a_file_that_was_altered_is_not_run(patient: Visitor, site: Site) -> None:
    said: list[str] = []
    patient.page.on("console", lambda line: said.append(line.text))
    patient.page.goto(site.page(path="/altered"))
    patient.page.wait_for_load_state("networkidle")
    assert any("integrity" in line for line in said), said
    expect(patient.launcher).to_have_count(0)
