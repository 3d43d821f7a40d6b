"""The demonstration page at ``/`` and the chat window's files, as a clinic's own site serves them.

Only files that were there at the start are served, from memory; there is no listing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.project import ROOT
from assistant.website import PAGES

WIDGET = ROOT / "widget" / "dist"
SITE = ROOT / "assistant" / "website" / "static"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
# A page under this policy runs no script, style, font or request but its own server's.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types lit-html"
)
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def pages() -> Blueprint:
    """Returns the routes."""
    blueprint = Blueprint("pages")
    # Other sites embed the window and check its hash, which takes their browser's CORS.
    embedded = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    for address, folder, headers in (("/widget", WIDGET, embedded), ("/site", SITE, {})):
        for file in sorted(folder.glob("*")):
            if file.suffix in TYPES:
                _add_file(blueprint, f"{address}/{file.name}", file, headers)
    for address, page in PAGES.items():

        async def show(request: Request, page: Callable[[], str] = page) -> HTTPResponse:
            return response.html(page(), headers={**SAFE, "Content-Security-Policy": POLICY})

        blueprint.add_route(show, address, name=f"page {address}")
    return blueprint


def _add_file(blueprint: Blueprint, address: str, file: Path, headers: dict[str, str]) -> None:
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    sent = {**SAFE, **headers, "ETag": tag, "Cache-Control": "no-cache"}

    async def send(request: Request) -> HTTPResponse:
        if request.headers.get("if-none-match") == tag:
            return response.empty(304, headers=sent)
        return response.raw(content, headers=sent, content_type=TYPES[file.suffix])

    blueprint.add_route(send, address, name=f"file {address}")
