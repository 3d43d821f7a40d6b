"""Says for the clinic how the messaging apps stand, and connects them with their providers.

``python -m assistant channels check | connect NAME``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from assistant.channels.apps import settings
from assistant.channels.apps.app import App, Finding, NoAnswer, client
from assistant.channels.apps.catalogue import APPS
from clinic.environment import EnvironmentProblem

_MARKS = {True: "ok", False: "problem", None: "note"}


async def check() -> bool:
    """Prints what is found out about each app; whether all that are on are well."""
    well = True
    for kind in APPS:
        off = settings.off(kind)
        print(off or kind.title)
        for finding in [] if off else await _check(kind):
            print(f"  {_MARKS[finding.good]:9}{finding.text}")
            well = well and finding.good is not False
    return well


async def connect(name: str) -> str:
    """Has an app's provider call this server; a sentence that says so.

    Raises ValueError for an app that is not there or off, NoAnswer, EnvironmentProblem.
    """
    kinds = {kind.name: kind for kind in APPS}
    if name not in kinds:
        raise ValueError(f'There is no app "{name}". Allowed: {", ".join(kinds)}.')
    if off := settings.off(kinds[name]):
        raise ValueError(off)
    webhook = _webhook(kinds[name])
    if not webhook:
        raise ValueError(_NO_ADDRESS)
    async with _made(kinds[name]) as app:
        return await app.connect(webhook)


async def _check(kind: type[App]) -> list[Finding]:
    try:
        webhook = _webhook(kind)
        if not webhook:
            return [Finding(False, _NO_ADDRESS)]
        async with _made(kind) as app:
            is_set = Finding(True, f"Set: {settings.listed(kind.settings)}.")
            found = [is_set, await _answers(app.http, webhook)]
            try:
                return [*found, *await app.check(webhook)]
            except NoAnswer as error:
                return [*found, Finding(False, str(error))]
    except EnvironmentProblem as problem:
        return [Finding(False, str(problem))]


async def _answers(http: httpx.AsyncClient, webhook: str) -> Finding:
    """Whether the app of this server answers at its public address."""
    url = webhook.removesuffix("webhook")
    try:
        response = await http.get(url)
    except httpx.HTTPError as error:
        why = type(error).__name__
    else:
        if response.status_code == 200:
            return Finding(True, f"This server answers at {url}.")
        why = str(response.status_code)
    hint = "Is it running with these settings, and does the reverse proxy pass this on?"
    return Finding(False, f"This server does not answer at {url} ({why}). {hint}")


def _webhook(kind: type[App]) -> str:
    public = settings.public_address()
    return f"{public}/webhooks/{kind.name}/webhook" if public else ""


@asynccontextmanager
async def _made(kind: type[App]) -> AsyncIterator[App]:
    found = settings.read(kind)
    assert found is not None
    async with client() as http:
        yield kind(found.secrets, found.address, http)


_NO_ADDRESS = f"{settings.PUBLIC} is empty: nobody knows where providers reach this server."
