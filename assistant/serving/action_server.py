"""The action server: ``python -m assistant.serving.action_server``, started by script/server.

Like ``rasa run actions``, with these differences: it listens on this machine only (whoever
reaches it can read and write what the clinic keeps), answers no other website, and logs nothing
a patient wrote.
"""

from __future__ import annotations

from assistant.serving import log, process

process.begin()

import argparse  # noqa: E402
from typing import Any  # noqa: E402

from rasa_sdk.endpoint import create_app  # noqa: E402


async def _settle(app: Any, loop: Any) -> None:
    process.settle()
    log.serve()


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m assistant.serving.action_server")
    parser.add_argument("--port", type=int, default=5055)
    options = parser.parse_args()
    log.configure()
    app = create_app("actions", cors_origins="")
    app.register_listener(_settle, "after_server_start")
    app.run("127.0.0.1", options.port, workers=1, access_log=False)


if __name__ == "__main__":
    main()
