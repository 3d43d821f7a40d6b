"""Starts echo_server.py as a program of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scenario_servers import Server, free_port
from window import READY, SETTINGS

from assistant.project import ROOT
from assistant.server import ENVIRONMENT


def echo_server(folder: Path, **settings: str) -> Server:
    """A server that has started; those of one folder have one database and one key."""
    port = free_port()
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "PYTHONPATH": str(ROOT),
        "CLINIC_VAR": str(folder),
        "CLINIC_DATABASE_URL": "",
        **SETTINGS,
        **settings,
    }
    program = str(Path(__file__).with_name("echo_server.py"))
    command = [sys.executable, "-W", "ignore", program, "--port", str(port)]
    log = folder / f"echo-{port}.log"
    server = Server("the echo server", command, environment, f"http://127.0.0.1:{port}{READY}", log)
    server.start()
    server.wait()
    return server
