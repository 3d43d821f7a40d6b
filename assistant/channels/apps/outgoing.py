"""From a message in the mailbox to one for a messaging app."""

from __future__ import annotations

from typing import Any

from assistant.channels import mailbox
from assistant.channels.apps.app import Choice, Outgoing
from assistant.channels.apps.sentences import sentence, words
from assistant.channels.apps.splitting import plain
from assistant.channels.bubbles import NEWS
from assistant.channels.mailbox import Stored
from clinic.seal import Seal

# Characters of a message's id in a token: 48 random bits, among the messages of one conversation.
_ID = 13
# Seconds for which a link to an appointment's calendar file opens it.
LINK_LIFE = 30 * 24 * 3600.0
_THUMBS = {"u": "up", "d": "down"}


def outgoing(message: Stored, locale: str, seal: Seal, address: str) -> Outgoing:
    """Returns what is said, with the buttons as tokens.

    ``address`` is where patients reach this channel, "" when they cannot.
    """
    body = message.body
    paragraphs = [str(body["text"])]
    if body["from"] == "person":
        paragraphs.insert(0, sentence("person", locale, name=body["name"]))
    if body.get("source"):
        paragraphs.append(str(body["source"]["label"]))
    if address and (body.get("card") or {}).get("ics"):
        file = f"{address}/calendar/{seal.ticket(message.id, LINK_LIFE)}.ics"
        paragraphs.append(sentence("calendar", locale, address=file))
    choices = [
        Choice(str(button["title"]), _token(message, str(place)))
        for place, button in enumerate(body.get("buttons") or [])
    ]
    thumbs = [
        Choice(words()["thumbs"][_THUMBS[mark]], _token(message, mark))
        for mark in _thumbs_of(message)
    ]
    return Outgoing(
        "\n\n".join(paragraphs) if body["from"] != "person" else "\n".join(paragraphs),
        tuple(choices),
        tuple(thumbs),
        str(body.get("kind") or ""),
        appointment=bool(body.get("card")) or message.response == NEWS,
        unasked=not (body.get("in_reply_to") or body.get(mailbox.VIA)),
    )


def on_one_line(message: Outgoing, longest: int) -> str:
    """What fills an approved template, which has no buttons: the text and what can be answered."""
    parts = [message.text]
    if message.choices:
        titles = ", ".join(f'"{choice.title}"' for choice in message.choices)
        parts.append(words()["late_choices"].format(choices=titles))
    filling = " ".join(plain(" ".join(parts)).split())
    return filling if len(filling) <= longest else filling[: longest - 1].rstrip() + "…"


def tokens(message: Stored) -> list[str]:
    """The tokens of a message's choices, in the order in which they are numbered."""
    places = map(str, range(len(message.body.get("buttons") or [])))
    return [_token(message, place) for place in (*places, *_thumbs_of(message))]


def button_of(connection: Any, conversation: str, token: str) -> tuple[Stored, str] | None:
    """The message that a token's button belongs to, and its payload; None without such a button.

    For a thumb the payload is "up" or "down".
    """
    start, _, place = token.partition(".")
    if len(start) != _ID or not token.isascii():
        return None
    message = mailbox.find_by_start(connection, conversation, start)
    if message is None:
        return None
    if place in _THUMBS and message.body.get("rateable"):
        return message, _THUMBS[place]
    buttons = message.body.get("buttons") or []
    if not place.isascii() or not place.isdigit() or int(place) >= len(buttons):
        return None
    return message, str(buttons[int(place)]["payload"])


def is_thumb(token: str) -> bool:
    """Whether a token is one of a thumb."""
    return token.partition(".")[2] in _THUMBS


def _thumbs_of(message: Stored) -> list[str]:
    return list(_THUMBS) if message.body.get("rateable") else []


def _token(message: Stored, place: str) -> str:
    return f"{message.id[:_ID]}.{place}"
