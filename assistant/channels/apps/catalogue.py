"""All messaging apps, for what needs no Rasa: checking settings and telling which are off."""

from __future__ import annotations

from assistant.channels.apps.app import App
from assistant.channels.messenger import Messenger
from assistant.channels.telegram import Telegram
from assistant.channels.twilio import Texts, TwilioWhatsApp
from assistant.channels.whatsapp import WhatsApp

APPS: tuple[type[App], ...] = (Telegram, Texts, TwilioWhatsApp, WhatsApp, Messenger)
