"""A patient at the clinic's website, who sees and does only what a page offers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

DESKTOP: dict[str, Any] = {"viewport": {"width": 1100, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
PATIENCE = 15_000  # milliseconds until what should be seen counts as missing
expect.set_options(timeout=PATIENCE)


class Visitor:
    """One tab. ``check()`` tells what the page did that it must never do."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._look)
        self.page.on("websocket", lambda line: self._own(line.url))

    def _look(self, request: Request) -> None:
        self._own(request.url)

    def _own(self, address: str) -> None:
        if address.startswith(("blob:", "data:")):
            return
        if urlsplit(address).netloc != urlsplit(self.url).netloc:
            self.foreign.append(address)

    def visit(self, path: str = "/page.html", **query: str) -> Visitor:
        """Goes to a page: ``lang``, ``dir``, and ``attributes`` for the element."""
        self.page.goto(self.url + path + (f"?{urlencode(query)}" if query else ""))
        return self

    def check(self) -> None:
        """Nothing was refused by the browser, failed or asked of another server."""
        assert self.errors == []
        assert self.foreign == []
        assert self.page.evaluate("window.violations ?? []") == []

    # What is there

    @property
    def chat(self) -> Locator:
        """The element."""
        return self.page.locator("clinic-chat")

    @property
    def launcher(self) -> Locator:
        """The button on the page."""
        return self.chat.locator("#launcher")

    @property
    def panel(self) -> Locator:
        """The window."""
        return self.page.get_by_role("dialog")

    @property
    def log(self) -> Locator:
        """The messages."""
        return self.page.get_by_role("log")

    @property
    def field(self) -> Locator:
        """Where the patient writes."""
        return self.chat.locator("textarea")

    @property
    def messages(self) -> Locator:
        """All messages, in order."""
        return self.log.locator(".message")

    @property
    def theirs(self) -> Locator:
        """What was not said by the patient."""
        return self.log.locator(".message.theirs")

    @property
    def mine(self) -> Locator:
        """What was said by the patient."""
        return self.log.locator(".message.mine")

    def texts(self) -> list[str]:
        """The messages' texts, in order."""
        return self.messages.locator(".text").all_inner_texts()

    def focused(self) -> str:
        """The id, name or text of what has the focus, in the window or on the page."""
        found: str = self.page.evaluate(
            """() => {
              let at = document.activeElement;
              while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
              return at?.id || at?.getAttribute("aria-label") || at?.textContent.trim() || "";
            }"""
        )
        return found

    def announcements(self) -> list[str]:
        """What the live regions have said since ``listen()``."""
        found: list[str] = self.page.evaluate("window.announced")
        return found

    def listen(self) -> None:
        """Notes from now on every text that appears in a live region."""
        self.page.evaluate(
            """() => {
              window.announced = [];
              const root = document.querySelector("clinic-chat").shadowRoot;
              for (const region of root.querySelectorAll("#news, #alerts")) {
                new MutationObserver((changes) => {
                  for (const change of changes)
                    for (const node of change.addedNodes) window.announced.push(node.textContent);
                }).observe(region, { childList: true, subtree: true, characterData: true });
              }
            }"""
        )

    def until(self, condition: str) -> None:
        """Waits until an expression is true on the page.

        Playwright's own wait would be refused by the page's policy: it uses eval.
        """
        self.until_it(lambda: self.page.evaluate(condition), condition)

    def until_it(self, holds: Callable[[], Any], what: str) -> None:
        """Waits until something holds at the server."""
        ends = time.monotonic() + PATIENCE / 1000
        while not holds():
            assert time.monotonic() < ends, f"waited in vain until {what}"
            self.page.wait_for_timeout(20)

    def heard(self) -> list[Any]:
        """The element's events: name and detail."""
        found: list[Any] = self.page.evaluate("window.heard")
        return found

    # What the patient does

    def open(self) -> Visitor:
        """Opens the window and waits for the connection."""
        self.launcher.click()
        expect(self.panel).to_be_visible()
        return self

    def say(self, text: str) -> Visitor:
        """Writes and sends."""
        self.field.fill(text)
        self.field.press("Enter")
        return self

    def choose(self, title: str) -> Visitor:
        """Presses an answer that is offered."""
        self.log.get_by_role("button", name=title, exact=True).click()
        return self

    def menu(self, item: str) -> Visitor:
        """Opens the menu and takes an item."""
        self.panel.get_by_role("button", name="More", exact=True).first.click()
        self.panel.get_by_role("button", name=item).click()
        return self

    def sees(self, text: str) -> Visitor:
        """Waits until the window shows a text."""
        expect(self.panel.get_by_text(text).first).to_be_visible()
        return self


#: Opens another tab; takes the browser's settings, or ``context=`` of a tab to share its browser.
NewVisitor = Callable[..., Visitor]
