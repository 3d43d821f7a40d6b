"""Messenger: what is its own, beside what holds for all apps (test_apps.py)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from providers.messenger import Messenger
from providers.meta import DAY
from scenario_chat import read
from scenario_servers import Server, wait_until
from test_apps import NOTICE, database, handled, migrated, settled, started, texts

from assistant.channels.apps import settings
from assistant.channels.apps.app import Choice, Outgoing, Received, client
from assistant.channels.messenger import INBOX, OURS
from assistant.channels.messenger import Messenger as Channel
from clinic.conversations.listing import Filters, matching
from clinic.conversations.models import Message
from clinic.conversations.projection import Tail
from clinic.conversations.store import Sqlite
from clinic.environment import EnvironmentProblem
from clinic.live import chats
from clinic.outbox.models import LateMessage

__all__ = ["database", "migrated"]

Echo = Callable[..., Server]


@pytest.fixture
def messenger() -> Iterator[Messenger]:
    """Meta's servers."""
    made = Messenger()
    yield made
    made.close()
    assert not made.broken, made.broken


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch, messenger: Messenger) -> Channel:
    """The channel itself."""
    for name, value in messenger.settings().items():
        monkeypatch.setenv(name, value)
    found = settings.read(Channel)
    assert found is not None
    return Channel(found.secrets, found.address, client())


def choices(*titles: str) -> tuple[Choice, ...]:
    return tuple(Choice(title, f"53d1fb1b-f1e9.{place}") for place, title in enumerate(titles))


def rendered(channel: Channel, message: Outgoing) -> list[dict[str, Any]]:
    return [call.body["message"] for call in channel.render(message)]


def test_a_whole_batch(messenger: Messenger, echo: Echo, tmp_path: Path) -> None:
    """Many entries with many events are all answered, in order for each patient."""
    started(messenger, echo)
    people = [str(number) for number in range(700, 720)]
    first = [messenger.message(person, text="first") for person in people]
    second = [messenger.message(person, text="second") for person in people]
    assert messenger.deliver(messenger.request(*map(messenger.entry, first, second))) == 200
    for person in people:
        messenger.until(person, 3)
        said = [text.splitlines()[0] for text in texts(messenger, person)]
        assert said == ["you said first", "you said second"]
    assert handled(tmp_path) == {"first": 20, "second": 20}


def test_a_batch_may_be_large(messenger: Messenger, echo: Echo, tmp_path: Path) -> None:
    """Larger than anything else that this server takes."""
    started(messenger, echo)
    people = [str(number) for number in range(700, 720)]
    events = [messenger.message(person, text=f"{person} " + "é" * 1900) for person in people]
    request = messenger.request(messenger.entry(*events))
    assert len(request[1]) > 200_000
    assert messenger.deliver(request) == 200
    for person in people:
        assert messenger.until(person, 2)[1].text.startswith(f"you said {person}")
    assert set(handled(tmp_path).values()) == {1}


def test_what_does_not_matter(messenger: Messenger, echo: Echo, tmp_path: Path) -> None:
    """It is acknowledged, and nobody reads anything about it."""
    started(messenger, echo)
    for request in messenger.ignored():
        assert messenger.deliver(request) == 200
    messenger.say("701", "the end", count=2)
    assert messenger.seen("700") == []
    assert handled(tmp_path) == {"the end": 1}


def read_along(folder: Path) -> list[tuple[str, str, str]]:
    """Who said what to whom, as staff read it at the desk."""
    store = Sqlite(folder / "conversations.sqlite3")
    Tail(store).step()
    store.close()
    rows = Message.objects.order_by("event_id")
    return [(row.author, row.person, row.text.splitlines()[0]) for row in rows]


def handled_all(folder: Path) -> None:
    """Returns when nothing waits in the mailbox or before it."""
    file = folder / "conversations.sqlite3"
    waits = "SELECT 1 FROM website_messages WHERE state = 'pending'"
    arrived = "SELECT 1 FROM app_updates WHERE content != ''"
    wait_until(lambda: not (read(file, arrived) or read(file, waits)), "all is handled")


def test_an_old_message_is_not_played_again(
    messenger: Messenger, echo: Echo, tmp_path: Path
) -> None:
    started(messenger, echo)
    assert messenger.deliver(messenger.text("700", "numb", at=time.time() - 31 * DAY)) == 200
    messenger.say("701", "the end", count=2)
    assert handled(tmp_path) == {"the end": 1}


def test_what_another_app_has_is_read_by_staff_and_answered_by_nobody_here(
    database: Path, messenger: Messenger, echo: Echo, tmp_path: Path
) -> None:
    """Until the patient's words come here again."""
    started(messenger, echo)
    messenger.say("700", "hello", count=2)
    settled(tmp_path)
    messenger.elsewhere.add("700")
    messenger.signs.clear()
    ours = {"app_id": 1, "metadata": OURS}
    pressed = messenger.event("700", postback={"title": "Opening hours", "mid": "m_77"})
    requests = [
        messenger.echoed("700", "you said hello", **ours),
        messenger.overheard("700", text="is Mara there?"),
        messenger.echoed("700", "Mara here, how can I help?"),
        messenger.overheard("700", text="/restart"),
        messenger.request(messenger.entry(pressed, part="standby")),
        messenger.overheard("700", attachments=[{"type": "image"}]),
    ]
    for request in requests + requests[1:3]:
        assert messenger.deliver(request) == 200
    handled_all(tmp_path)
    assert messenger.signs == []
    assert len(messenger.seen("700")) == 2
    messenger.elsewhere.clear()
    assert messenger.say("700", "back again")[0].text.startswith("you said back again")
    handled_all(tmp_path)
    assert read_along(tmp_path) == [
        ("patient", "", "hello"),
        ("assistant", "", "you said hello"),
        ("patient", "", "is Mara there?"),
        ("person", "another app", "Mara here, how can I help?"),
        ("patient", "", "restart"),
        ("patient", "", "Opening hours"),
        ("patient", "", "back again"),
        ("assistant", "", "you said back again"),
    ]


def test_a_danger_sign_that_another_app_is_told_is_an_alarm_at_the_desk(
    database: Path, messenger: Messenger, echo: Echo, tmp_path: Path
) -> None:
    """Also of somebody who has never written to the assistant."""
    started(messenger, echo)
    messenger.elsewhere.add("700")
    assert messenger.deliver(messenger.overheard("700", text="my seat is numb")) == 200
    messenger.say("701", "the end", count=2)
    handled_all(tmp_path)
    assert messenger.seen("700") == []
    assert messenger.signs == [("701", "mark_seen")]
    assert ("patient", "", "my seat is numb") in read_along(tmp_path)
    (session,) = matching(Filters(red_flag=True, reviewed=False))
    assert (session.outcome, session.triage_level) == ("red_flag", "emergency")


def test_nothing_is_sent_while_another_app_has_the_chat(
    database: Path, messenger: Messenger, echo: Echo, tmp_path: Path
) -> None:
    """Staff are told so; it may be sent again once Meta gives the chat back."""
    started(messenger, echo)
    messenger.say("700", "hello", count=2)
    settled(tmp_path)
    (row,) = read(tmp_path / "conversations.sqlite3", "SELECT conversation FROM app_senders")
    chat = chats.join(row["conversation"], "natalie", "Natalie Yeo")
    owners = {"previous_owner_app_id": "1", "new_owner_app_id": "263902037430900"}
    taken = messenger.event("700", take_thread_control=owners)
    assert messenger.deliver(messenger.request(messenger.entry(taken))) == 200
    handled_all(tmp_path)
    chats.say(chat.pk, "natalie", "Nobody may read this.", "first")
    wait_until(lambda: LateMessage.objects.exists(), "the desk knows")
    assert LateMessage.objects.get().reason == "standby"
    assert len(messenger.seen("700")) == 2
    owners = {"previous_owner_app_id": "263902037430900", "new_owner_app_id": "1"}
    given = messenger.event("700", pass_thread_control=owners)
    assert messenger.deliver(messenger.request(messenger.entry(given))) == 200
    handled_all(tmp_path)
    chats.say(chat.pk, "natalie", "Here I am again.", "second")
    shown = messenger.until("700", 3)
    assert "Here I am again." in shown[2].text
    assert not any("Nobody" in message.text for message in shown)


def test_messenger_itself_says_that_another_app_has_the_chat(
    messenger: Messenger, echo: Echo
) -> None:
    """When that was not told, or not yet."""
    server = started(messenger, echo)
    messenger.say("700", "hello", count=2)
    messenger.elsewhere.add("700")
    assert messenger.deliver(messenger.text("700", "more")) == 200
    wait_until(lambda: "will not arrive: standby" in server.tail(), "the clinic is told")
    messenger.elsewhere.clear()
    assert messenger.say("700", "back again")[0].text.startswith("you said back again")


@pytest.mark.parametrize(
    ("event", "owners", "kind"),
    [
        ("pass_thread_control", ("2", "1"), "given"),
        ("take_thread_control", ("1", "2"), "taken"),
        # The page's inbox is never this app, whatever the event is called.
        ("pass_thread_control", ("1", INBOX), "taken"),
        ("take_thread_control", (INBOX, "1"), "given"),
        ("take_thread_control", (int(INBOX), 1), "given"),
        ("request_thread_control", ("1", "2"), None),
    ],
)
def test_whose_a_chat_is(
    channel: Channel, messenger: Messenger, event: str, owners: tuple[Any, Any], kind: str | None
) -> None:
    told = dict(zip(("previous_owner_app_id", "new_owner_app_id"), owners, strict=True))
    headers, body = messenger.request(messenger.entry(messenger.event("700", **{event: told})))
    updates = channel.updates(Received("https://example.com", headers, body))
    assert [update.kind for update in updates] == [kind] * (kind is not None)


def test_the_chat_is_opened(messenger: Messenger, echo: Echo) -> None:
    """By the button "Get started", and by a link; twice in a hurry is once."""
    started(messenger, echo)
    pressed = messenger.event("700", postback={"title": "Get started", "payload": "GET_STARTED"})
    for _ in range(2):
        assert messenger.deliver(messenger.request(messenger.entry(pressed))) == 200
    assert messenger.until("700", 2)[1].text.startswith("you said Hello")
    linked = messenger.event("700", referral={"ref": "poster", "source": "SHORTLINK"})
    assert messenger.deliver(messenger.request(messenger.entry(linked))) == 200
    assert messenger.until("700", 3)[2].text.startswith("you said Hello")


def test_a_postback_presses_a_button(messenger: Messenger, echo: Echo) -> None:
    """One that is not known is answered kindly."""
    started(messenger, echo)
    token = messenger.say("700", "hello", count=2)[1].buttons["Again"]
    for payload, answer in ((token, "you said /again hello"), ("MENU", "does not work any more")):
        event = messenger.event("700", postback={"title": "x", "payload": payload})
        before = len(messenger.seen("700"))
        assert messenger.deliver(messenger.request(messenger.entry(event))) == 200
        assert answer in messenger.until("700", before + 1)[-1].text


def test_what_is_no_words_is_answered_kindly(messenger: Messenger, echo: Echo) -> None:
    """Words beside a picture are read."""
    started(messenger, echo)
    picture = {"type": "image", "payload": {"url": "https://example.com/x.jpg"}}
    sent = messenger.message("700", text="my back", attachments=[picture])
    assert messenger.deliver(messenger.request(messenger.entry(sent))) == 200
    said = [shown.text for shown in messenger.until("700", 3) if NOTICE not in shown.text]
    assert "I can only read words" in said[0]
    assert said[1].startswith("you said my back")


def test_a_changed_message(messenger: Messenger, echo: Echo, tmp_path: Path) -> None:
    """It is said once that changes are not read."""
    started(messenger, echo)
    messenger.say("700", "hello", count=2)
    for number in (1, 2):
        edit = {"mid": "m_1000", "text": "numb", "num_edit": number}
        changed = messenger.event("700", message_edit=edit)
        assert messenger.deliver(messenger.request(messenger.entry(changed))) == 200
    assert "changed an earlier message" in messenger.until("700", 3)[2].text
    messenger.say("700", "the end")
    assert len(messenger.seen("700")) == 4
    assert handled(tmp_path) == {"hello": 1, "the end": 1}


def test_seen_and_typing(messenger: Messenger, echo: Echo, tmp_path: Path) -> None:
    """Typing is shown when an answer takes long."""
    started(messenger, echo)
    assert messenger.deliver(messenger.text("700", "hold on")) == 200
    messenger.wait(lambda: ("700", "typing_on") in messenger.signs, "typing is shown")
    assert ("700", "mark_seen") in messenger.signs
    (tmp_path / "go").touch()
    messenger.until("700", 2)


def test_a_day_later_nothing_is_sent(database: Path, messenger: Messenger, echo: Echo) -> None:
    """The clinic is told, about appointments too, and chats go on."""
    started(messenger, echo)
    assert messenger.deliver(messenger.text("700", "booked", at=time.time() - 25 * 3600)) == 200
    stuck = LateMessage.objects.filter(state="stuck", app="messenger", reason="window")
    wait_until(stuck.exists, "the clinic is told")
    assert messenger.seen("700") == []
    assert messenger.say("700", "more", count=2)[1].text.startswith("you said more")


def test_messenger_itself_says_that_it_is_too_late(messenger: Messenger, echo: Echo) -> None:
    """When its clock and ours disagree."""
    server = started(messenger, echo)
    messenger.say("700", "hello", count=2)
    request = messenger.text("700", "more")
    messenger.heard["700"] = 0.0
    assert messenger.deliver(request) == 200
    wait_until(lambda: "will not arrive: window" in server.tail(), "the clinic is told")


def test_somebody_who_is_not_there(messenger: Messenger, echo: Echo) -> None:
    """Who has blocked the page is sent nothing more until they write again."""
    server = started(messenger, echo)
    messenger.say("700", "hello", count=2)
    messenger.blocked.add("700")
    assert messenger.deliver(messenger.text("700", "more")) == 200
    wait_until(lambda: "will not arrive: stopped" in server.tail(), "the clinic is told")
    messenger.blocked.discard("700")
    assert messenger.say("700", "back again")[0].text.startswith("you said back again")


def test_up_to_thirteen_quick_replies(channel: Channel) -> None:
    """More choices, and long ones, stand in full in the text."""
    (few,) = rendered(channel, Outgoing("Which?", choices("One", "Two"), (Choice("👍", "a.u"),)))
    assert few["text"] == "Which?"
    assert [reply["title"] for reply in few["quick_replies"]] == ["One", "Two", "👍"]
    (many,) = rendered(channel, Outgoing("Which?", choices(*map(str, range(15)))))
    assert len(many["quick_replies"]) == 13
    assert many["text"].splitlines()[-1] == "• 14"
    (long,) = rendered(channel, Outgoing("Which?", choices("No", "Yes, please delete everything")))
    assert long["quick_replies"][1]["title"] == "Yes, please delete…"
    assert "• Yes, please delete everything" in long["text"]


def test_meta_is_told_what_nobody_asked_for(channel: Channel) -> None:
    kinds = [
        channel.render(Outgoing("hello", unasked=unasked))[0].body["messaging_type"]
        for unasked in (False, True)
    ]
    assert kinds == ["RESPONSE", "UPDATE"]


def test_a_long_text_comes_in_parts(channel: Channel) -> None:
    """The quick replies stand below the last."""
    text = "\n\n".join(f"Paragraph {place}. " + "word " * 90 for place in range(12))
    parts = rendered(channel, Outgoing(text, choices("One")))
    assert all(len(part["text"]) <= 2000 for part in parts)
    assert ["quick_replies" in part for part in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("CLINIC_MESSENGER_TOKEN", "short", False),
        ("CLINIC_MESSENGER_PAGE", "sorrel.lane", True),
        ("CLINIC_META_VERSION", "v2", True),
    ],
)
def test_settings_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, messenger: Messenger, name: str, value: str, shown: bool
) -> None:
    for key, good in {**messenger.settings(), name: value}.items():
        monkeypatch.setenv(key, good)
    with pytest.raises(EnvironmentProblem) as problem:
        settings.read(Channel)
    assert name in str(problem.value)
    assert "Allowed" in str(problem.value)
    assert (f'"{value}"' in str(problem.value)) is shown
