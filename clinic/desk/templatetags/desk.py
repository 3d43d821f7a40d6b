"""What the templates of the desk say with."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils.html import format_html

from clinic import clock
from clinic.booking.handoff.interface import Part
from clinic.desk import moments, words
from clinic.outbox import queue
from clinic.outbox.models import Item, State
from clinic.privacy.masking import mask

register = template.Library()


@register.simple_tag
def say(key: str, **values: object) -> str:
    """Words of ``wording.yml``."""
    return words.say(key, **values)


@register.simple_tag
def unmask_reasons() -> list[tuple[str, str]]:
    """Why somebody may want to see what is hidden: keys and words."""
    return list(words.wording()["unmask_reasons"].items())


@register.filter
def named(value: object, group: str) -> str:
    """The word for a value, from a group of ``wording.yml``."""
    return words.name_of(group, value)


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, with the whole moment beneath it."""
    if moment is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        moments.exact(moment),
        moments.relative(moment, clock.now()),
    )


@register.filter
def exact(moment: datetime | None) -> str:
    """The whole moment on the clinic's clock."""
    if moment is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), moments.exact(moment))


@register.filter
def time_of_day(moment: datetime | None) -> str:
    """The time on the clinic's clock."""
    return moments.clock_time(moment) if moment else ""


@register.filter
def day(moment: datetime | None) -> str:
    """The day on the clinic's clock."""
    return moments.day(moment) if moment else ""


@register.filter
def percent(share: float | None) -> str:
    """A share of one as a whole number of hundredths."""
    return "" if share is None else f"{round(share * 100)} %"


@register.filter
def masked(text: str | None) -> str:
    """A patient's words without phone numbers, addresses, birth dates and health numbers."""
    return mask(text) if text else ""


@register.filter
def named_count(key: str, count: int) -> str:
    """What waits, for one or for several."""
    return words.say(f"today.{key}.{'one' if count == 1 else 'many'}")


@register.filter
def happened_count(key: str, count: int) -> str:
    """What happened, for one or for several."""
    return words.say(f"happened.{key}.{'one' if count == 1 else 'many'}")


@register.simple_tag
def masked_with(text: str, names: tuple[str, ...]) -> str:
    """As :func:`masked`, also without these names."""
    return mask(text, names)


@register.filter
def when(moment: datetime) -> str:
    """The whole moment as plain text, for labels."""
    return moments.exact(moment)


@register.filter
def delivery_state(item: Item) -> str:
    """How far a delivery is."""
    in_chat = item.part == Part.CHAT
    special = {State.WAITING: "unread" if in_chat else "", State.SENT: "read" if in_chat else ""}
    state = "done" if item.done_by else special.get(State(item.state)) or item.state
    return words.name_of("delivery_states", state)


@register.filter
def why_not(item: Item) -> str:
    """Why a delivery has not arrived."""
    return queue.in_words(item)


@register.filter
def plain(value: object) -> str:
    """A name of this program as words: "action_listen" as "listen"."""
    return words.plain(value)


@register.filter
def topic(name: str) -> str:
    """A topic in words: "faq/what_is_sciatica" as "What is sciatica"."""
    return words.name_of_topic(name)


@register.filter
def long(length: timedelta | None) -> str:
    """How long something took, in its largest unit."""
    return moments.length(length) if length is not None else words.say("moments.unknown")
