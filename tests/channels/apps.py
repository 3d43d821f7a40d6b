"""Messaging apps for tests: the providers, and a server that repeats what it is told."""

from __future__ import annotations

from providers.messenger import Messenger
from providers.provider import Provider
from providers.telegram import Telegram
from providers.twilio import Texts, TwilioWhatsApp
from providers.whatsapp import WhatsApp

PROVIDERS: dict[str, type[Provider]] = {
    "messenger": Messenger,
    "sms": Texts,
    "telegram": Telegram,
    "twilio-whatsapp": TwilioWhatsApp,
    "whatsapp": WhatsApp,
}
