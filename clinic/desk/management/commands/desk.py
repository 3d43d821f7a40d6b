"""``python -m clinic desk``: the staff desk. Runs until stopped; script/server starts it."""

from __future__ import annotations

import logging
import signal
from typing import Any

import waitress
from django.conf import settings
from django.core.management.base import BaseCommand

from clinic.desk.logs import PrivateFormatter
from clinic.desk.wsgi import application

#: Pages are quick; more threads would only wait for the same database.
_THREADS = 6


class Command(BaseCommand):
    """Serves the desk on this computer only."""

    help = "Serve the staff desk, until stopped."

    def handle(self, *_: Any, **__: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        handler = logging.StreamHandler()
        handler.setFormatter(PrivateFormatter())
        logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
        desk = settings.DESK
        trusted: dict[str, Any] = {}
        if desk.proxies:
            # Only what the last counted proxies added is believed.
            trusted = {
                "trusted_proxy": "127.0.0.1",
                "trusted_proxy_count": desk.proxies,
                "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
                "clear_untrusted_proxy_headers": True,
            }
        server = waitress.create_server(
            application(),
            host="127.0.0.1",
            port=desk.port,
            threads=_THREADS,
            ident=None,
            **trusted,
        )

        def stop(*_: object) -> None:
            raise SystemExit(0)

        signal.signal(signal.SIGTERM, stop)
        server.run()
