"""A browser, a clinic that can be made to misbehave, and patients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from fake_clinic import FakeClinic
from playwright.sync_api import Browser, sync_playwright
from widget_browser import chromium
from widget_visitor import DESKTOP, NewVisitor, Visitor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once."""
    found = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.program,
            env={**os.environ, **found.environment},
            # Its sandbox needs rights that a container does not give.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture
def clinic() -> Iterator[FakeClinic]:
    """A server of the protocol, fresh for each test."""
    server = FakeClinic()
    yield server
    server.end()


@pytest.fixture
def new_visitor(browser: Browser, clinic: FakeClinic) -> Iterator[NewVisitor]:
    """Opens tabs; ``context=`` of another one for a second tab in the same browser."""
    visitors: list[Visitor] = []

    def make(*, context: Any = None, **options: Any) -> Visitor:
        settings = {**DESKTOP, "locale": "en-CA", "timezone_id": "America/Toronto", **options}
        visitor = Visitor(context or browser.new_context(**settings), clinic.url)
        visitors.append(visitor)
        return visitor

    yield make
    try:
        for visitor in visitors:
            visitor.check()
    finally:
        for context in {visitor.context for visitor in visitors}:
            context.close()


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    """A patient on the page, with the chat closed."""
    return new_visitor().visit()
