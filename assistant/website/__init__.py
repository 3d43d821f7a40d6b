"""The pages that the server shows at its own address: path and what makes the HTML."""

from __future__ import annotations

from collections.abc import Callable

from assistant.website.site import home, privacy

PAGES: dict[str, Callable[[], str]] = {"/": home, "/privacy": privacy}
