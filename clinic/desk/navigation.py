"""The menu: the pages somebody may open."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from clinic.desk.words import say
from clinic.people.access import may
from clinic.people.roles import Right

#: Page and the right it takes, in the order of the menu. The name is that of the address.
PAGES: tuple[tuple[str, Right], ...] = (
    ("today", Right.TODAY),
    ("bookings", Right.BOOKINGS),
    ("messages", Right.BOOKINGS),
    ("live", Right.LIVE),
    ("conversations", Right.CONVERSATIONS),
    ("questions", Right.QUESTIONS),
    ("insights", Right.INSIGHTS),
    ("privacy", Right.PRIVACY),
    ("audit", Right.AUDIT),
    ("people", Right.PEOPLE),
)


@dataclass(frozen=True)
class Item:
    """One line of the menu."""

    name: str
    title: str
    address: str
    here: bool


def menu(request: HttpRequest) -> list[Item]:
    """The lines for whoever is asking."""
    path = request.path
    items = []
    for name, right in PAGES:
        try:
            address = reverse(name)
        except NoReverseMatch:
            continue
        if may(request, right):
            here = path == address if address == "/" else path.startswith(address)
            items.append(Item(name, say(f"pages.{name}"), address, here))
    return items
