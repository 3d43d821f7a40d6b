"""Which web pages may open a chat.

Browsers say which page a script runs on (RFC 6454); nothing else that connects has to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def allowed(origin: str | None, host: str, listed: Collection[str]) -> bool:
    """Whether a page may connect: a listed one, or one served from the address it connects to.

    ``origin`` is the header (None: sent by no browser, or to the page's own server), ``host`` is
    what the request calls this server. A page of this server itself counts only when it is reached
    by a number or as localhost: any name can be made to point here.
    """
    if origin is None or origin in listed:
        return True
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host}")
        _ = page.port
    except ValueError:
        return False
    # Nothing but scheme, host and port: two headers, for one, arrive joined by a comma.
    if origin != f"{page.scheme}://{page.netloc}" or page.scheme not in ("http", "https"):
        return False
    if not page.hostname:
        return False
    if _loopback(page.hostname) and here.hostname is not None and _loopback(here.hostname):
        return True
    return page.netloc == host and _number(page.hostname)


def _loopback(name: str) -> bool:
    return name == "localhost" or (_number(name) and ipaddress.ip_address(name).is_loopback)


def _number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
