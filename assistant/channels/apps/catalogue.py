"""All messaging apps, for what needs no Rasa: checking settings and telling which are off."""

from __future__ import annotations

from assistant.channels.apps.app import App
from assistant.channels.telegram import Telegram

APPS: tuple[type[App], ...] = (Telegram,)
