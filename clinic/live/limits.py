"""What the Rasa server, which does without Django, has to know as this room does."""

from __future__ import annotations

import uuid
from datetime import timedelta

#: The channels in which a person at the clinic can take over.
CHANNELS = ("website", "telegram", "sms", "twilio-whatsapp", "whatsapp", "messenger")

#: Someone whose browser has not been heard of for so long takes no chats.
GONE_AFTER = timedelta(minutes=2)
#: A person whose page has not said so for so long is not typing any more. It says so every 4 s.
TYPED_WITHIN = timedelta(seconds=6)
#: A patient's window says when typing begins and ends; it may be closed in between.
PATIENT_TYPES_FOR = timedelta(minutes=1)


def message_id(conversation: str, key: str, number: int) -> str:
    """The id of the message of a step in the patient's window, the same for every try.

    ``number`` counts the messages of one step from 0.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{conversation}/{key}/{number}"))
