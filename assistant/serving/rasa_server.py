"""The Rasa server: ``python -m assistant.serving.rasa_server``, started by script/server.

Like ``rasa run``, with these differences: it listens where it is told and not everywhere; Rasa's
HTTP API, which reads and writes conversations, is not there, nor are the parts that test models
(0.7 s, 15 MB); ``/webhooks/health/`` tells whether messages are answered; nothing a patient wrote
is logged.
"""

from __future__ import annotations

from assistant.serving import log, process, spared

process.begin()
spared.channels()
with spared.databases():
    from rasa.core.agent import load_agent

import argparse  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from rasa.core.channels.channel import InputChannel, register  # noqa: E402
from rasa.core.utils import AvailableEndpoints  # noqa: E402
from rasa.shared.utils.common import class_from_module_path  # noqa: E402
from rasa.shared.utils.io import read_config_file  # noqa: E402
from sanic import Sanic  # noqa: E402

from assistant.serving import shortcuts  # noqa: E402
from assistant.serving.action_endpoint import ActionEndpoint  # noqa: E402
from assistant.serving.health import HealthInput, check  # noqa: E402
from assistant.serving.pages import pages  # noqa: E402


def channels(credentials: str) -> list[InputChannel]:
    """The channels that the credentials file names, and the health check."""
    named: dict[str, Any] = read_config_file(credentials)
    found = [_channel(name).from_credentials(values) for name, values in named.items()]
    return [*found, HealthInput()]


def _channel(name: str) -> type[InputChannel]:
    if "." in name:
        return class_from_module_path(name)
    # Loads all channels of Rasa, and their libraries with them.
    from rasa.core.channels import BUILTIN_CHANNELS

    return BUILTIN_CHANNELS[name]


def application(model: str, endpoints: AvailableEndpoints, credentials: str) -> Sanic:
    """The web application. It takes no connection before the model is loaded."""
    app = Sanic("assistant", configure_logging=False)
    register(channels(credentials), app, route="/webhooks/")
    app.blueprint(pages())

    @app.before_server_start
    async def load(app: Sanic, loop: Any) -> None:
        app.ctx.agent = await load_agent(model, endpoints=endpoints, loop=loop)
        status = await check(app.ctx.agent)
        if status != "ok":
            print(f"The Rasa server cannot answer: {status}.", file=sys.stderr, flush=True)
            os._exit(1)  # Sanic would add a page of its own to sys.exit
        process.settle()
        log.serve()

    @app.after_server_stop
    async def close(app: Sanic, loop: Any) -> None:
        broker = app.ctx.agent.tracker_store.event_broker
        if broker:
            await broker.close()

    return app


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m assistant.serving.rasa_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5005)
    parser.add_argument("--model", required=True)
    parser.add_argument("--endpoints", default="endpoints.yml")
    parser.add_argument("--credentials", default="credentials.yml")
    options = parser.parse_args()
    log.configure()
    shortcuts.take()
    shortcuts.trust_the_model()
    endpoints = AvailableEndpoints.read_endpoints(options.endpoints)
    endpoints.action = ActionEndpoint(**read_config_file(options.endpoints)["action_endpoint"])
    app = application(options.model, endpoints, options.credentials)
    app.run(options.host, options.port, workers=1, access_log=False)


if __name__ == "__main__":
    main()
