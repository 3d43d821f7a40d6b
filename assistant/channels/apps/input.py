"""The web addresses of a messaging app: ``/webhooks/NAME/webhook``, where its provider calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic, response
from sanic.exceptions import PayloadTooLarge
from sanic.request import Request
from sanic.response import HTTPResponse

from assistant.channels import mailbox
from assistant.channels.apps import settings
from assistant.channels.apps.app import App, BadBody, Received, client
from assistant.channels.apps.reception import Reception
from assistant.channels.messenger import Messenger
from assistant.channels.telegram import Telegram
from assistant.channels.twilio import Texts, TwilioWhatsApp
from assistant.channels.whatsapp import WhatsApp
from clinic import environment
from clinic.seal import Seal

logger = logging.getLogger(__name__)


class AppInput(InputChannel):
    """An app as Rasa knows channels: named in ``credentials.yml``, off without its secrets."""

    app: ClassVar[type[App]]

    @classmethod
    def name(cls) -> str:
        """The channel's name."""
        return cls.app.name

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Returns the app's addresses, none when it is off. Raises EnvironmentProblem."""
        blueprint = Blueprint(self.name())
        found = settings.read(self.app)
        public = settings.public_address()
        if found is None:
            return blueprint
        here = f"{public}/webhooks/{self.name()}"
        seal = Seal(environment.chat_keys(environment.var_folder()))

        @blueprint.listener("after_server_start")
        async def start(app: Sanic, loop: Any) -> None:
            chat = getattr(app.ctx, "chat", None)
            if chat is None:
                raise RuntimeError("credentials.yml: WebsiteInput must stand before apps.")
            made = self.app(found.secrets, found.address, client())
            reception = Reception(made, chat, seal, here if public else "")
            chat.outlets.append(reception)
            await reception.start()
            blueprint.ctx.app, blueprint.ctx.reception = made, reception

        @blueprint.listener("before_server_stop")
        async def stop(app: Sanic, loop: Any) -> None:
            await blueprint.ctx.reception.stop()
            await blueprint.ctx.app.http.aclose()

        @blueprint.get("/")
        async def ready(request: Request) -> HTTPResponse:
            there = hasattr(blueprint.ctx, "reception")
            return response.json({"status": "ok" if there else "starting"}, 200 if there else 503)

        @blueprint.get("/webhook")
        async def challenge(request: Request) -> HTTPResponse:
            if not hasattr(blueprint.ctx, "reception"):
                return response.empty(503)
            query = {key: str(request.args.get(key)) for key in request.args}
            answer = blueprint.ctx.app.challenge(query)
            return response.empty(403) if answer is None else response.text(answer)

        # As a stream: the size that the server's other addresses take is not the provider's.
        @blueprint.post("/webhook", stream=True)
        async def receive(request: Request) -> HTTPResponse:
            if not hasattr(blueprint.ctx, "reception"):
                return response.empty(503)
            assert request.stream is not None
            request.stream.request_max_size = self.app.longest_request
            try:
                await request.receive_body()
            except PayloadTooLarge:
                _log_refusal(self.app, "it is too long")
                raise
            # Behind a reverse proxy the address of the request is not the one that was called.
            query = f"?{request.query_string}" if request.query_string else ""
            url = f"{here}/webhook{query}" if public else request.url
            headers = {name.lower(): value for name, value in request.headers.items()}
            received = Received(url, headers, request.body)
            if not blueprint.ctx.app.verify(received):
                return _refuse(self.app, 403, "it is not signed by the provider")
            try:
                updates = blueprint.ctx.app.updates(received)
            except BadBody:
                return _refuse(self.app, 400, "its body cannot be read")
            try:
                with request.app.ctx.chat.arrivals.one():
                    await asyncio.gather(*map(blueprint.ctx.reception.take, updates))
            except Exception as error:
                # The provider sends it again.
                logger.error("An update could not be stored: %s", type(error).__name__)
                return response.empty(503)
            body, kind = self.app.accepted
            return response.text(body, content_type=kind)

        @blueprint.get("/calendar/<ticket:str>")
        async def calendar(request: Request, ticket: str) -> HTTPResponse:
            message_id = seal.read_ticket(ticket.removesuffix(".ics"))
            box = request.app.ctx.chat.box
            message = message_id and await box.read(mailbox.find_anywhere, message_id)
            file = message and (message.body.get("card") or {}).get("ics")
            if not file:
                return response.text(_GONE, 404)
            named = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
            kind = "text/calendar; charset=utf-8"
            return response.raw(file.encode(), content_type=kind, headers={**named, **_PRIVATE})

        return blueprint


class TelegramInput(AppInput):
    """Telegram, in ``credentials.yml``."""

    app = Telegram


class TextsInput(AppInput):
    """SMS, in ``credentials.yml``."""

    app = Texts


class TwilioWhatsAppInput(AppInput):
    """WhatsApp through Twilio, in ``credentials.yml``."""

    app = TwilioWhatsApp


class WhatsAppInput(AppInput):
    """WhatsApp, in ``credentials.yml``."""

    app = WhatsApp


class MessengerInput(AppInput):
    """Messenger, in ``credentials.yml``."""

    app = Messenger


_GONE = "This link does not work any more. Please ask in the chat for the appointment."
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _refuse(app: type[App], status: int, why: str) -> HTTPResponse:
    _log_refusal(app, why)
    return response.empty(status)


def _log_refusal(app: type[App], why: str) -> None:
    logger.warning("A request for %s was refused: %s.", app.title, why)
