"""Every look at a page that tells of patients or colleagues is in the audit log."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from desk_chats import NOW
from desk_people import browser, person
from test_desk_access import _routes
from test_desk_masking import _monday, addresses, typed  # noqa: F401


def noted(who: str) -> int:
    from clinic.audit.models import Entry

    return Entry.objects.filter(who=who).count()


def test_every_page_is_noted(typed: dict[str, str]) -> None:  # noqa: F811
    from clinic.people.roles import Right, Role

    rights = {name: pattern.callback.right for name, pattern in _routes().items()}
    opened = set()
    for name, address in addresses(typed):
        if rights[name] not in set(Right):
            continue
        # Somebody who has not looked at anything before.
        if browser(person(name, *Role)).get(address).status_code == 200:
            opened.add(name)
            # How many patients wait tells nothing of anybody.
            assert (noted(name) > 0) == (name != "live-badge"), name
    assert opened >= {
        *("today", "bookings", "booking", "week", "waiting-list", "deliveries", "messages", "live"),
        *("live-chat", "live-news", "live-badge", "conversations", "transcript", "as-test"),
        *("download-csv", "download-json", "questions", "question", "insights", "privacy"),
        *("audit", "people"),
    }


def test_what_a_page_asks_for_by_itself_is_one_look(
    typed: dict[str, str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from clinic.audit.models import Entry
    from clinic.people.roles import Role

    desk = browser(person("ada", *Role))
    headers = {"HX-Request": "true"}
    asked = {
        "/?poll=1": "page today",
        "/live/?poll=1": "live chats",
        f"/live/{typed['live']}/news?poll=1&after=0": f"live chat {typed['live']}",
        f"/conversations/{typed['conversations']}?poll=1&after=0": (
            f"conversation {typed['conversations']}"
        ),
    }

    def looks() -> dict[str, int]:
        for _ in range(3):
            for address in asked:
                assert desk.get(address, headers=headers).status_code == 200
        return {about: Entry.objects.filter(about=about).count() for about in asked.values()}

    assert looks() == dict.fromkeys(asked.values(), 1)
    monkeypatch.setenv("CLINIC_NOW", (NOW + timedelta(hours=13)).isoformat())
    assert looks() == dict.fromkeys(asked.values(), 2)


def test_a_page_that_is_opened_anew_is_another_look(typed: dict[str, str]) -> None:  # noqa: F811
    desk: Any = browser(person("mara", "front_desk"))
    for count in (1, 2):
        desk.get("/")
        assert noted("mara") == count


def test_the_log_of_one_thing_is_of_that_alone(typed: dict[str, str]) -> None:  # noqa: F811
    from clinic.audit import log
    from clinic.audit.models import Action
    from clinic.people.roles import Role

    for about in ("conversation 12", "conversation 120", "conversations", "request 7KQ3RD"):
        log.note("mara", Action.VIEW, about)
    desk = browser(person("ada", *Role))

    def found(about: str) -> set[str]:
        page = desk.get("/audit/", {"about": about, "who": "mara"}).content.decode()
        return set(re.findall(r"<td>((?:conversation|request)[^<]*)</td>", page))

    assert found("conversation 12") == {"conversation 12"}
    assert found(" conversation 12 ") == {"conversation 12"}
    assert found("conversation") == {"conversation 12", "conversation 120"}
    assert found("request 7KQ3RD") == {"request 7KQ3RD"}
    assert found("conversation 1") == set()
