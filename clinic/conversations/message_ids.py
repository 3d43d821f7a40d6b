"""What a patient's message is called in Rasa's events and in the clinic's tables.

The Rasa server, which does without Django, names it; here it is found again.
"""

from __future__ import annotations

import uuid


def event_message_id(conversation: str, message_id: str) -> str:
    """The name of the message that the mailbox knows as ``message_id``: the same for every try."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{conversation}/{message_id}").hex
