"""Going on in an app with a chat from the website: what there was before, and who was in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from providers.telegram import Telegram
from scenario_chat import read
from scenario_servers import wait_until
from test_apps import Echo, database, migrated, restart, settled, started
from window import Window

from clinic.live import chats
from clinic.live.models import Chat
from clinic.outbox.models import LateMessage

__all__ = ["database", "migrated"]


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    made = Telegram()
    yield made
    made.close()
    assert not made.broken, made.broken


def conversations(folder: Path) -> list[str]:
    """Where senders write."""
    rows = read(folder / "conversations.sqlite3", "SELECT conversation FROM app_senders")
    return [str(row["conversation"]) for row in rows]


def follow(telegram: Telegram, window: Window, sender: str = "700") -> None:
    """The patient opens the link that their window shows."""
    before = len(telegram.seen(sender))
    link = window.call("link", {"app": "telegram"})
    assert telegram.deliver(telegram.follow(sender, link["url"])) == 200
    telegram.wait(
        lambda: any("from the website" in each.text for each in telegram.shown[sender][before:]),
        "the link is followed",
    )


def moved(chat: Chat, conversation: str) -> bool:
    chat.refresh_from_db()
    return bool(chat.conversation_id == conversation)


def test_what_could_not_be_sent_yet_comes_along(
    database: Path, telegram: Telegram, echo: Echo
) -> None:
    """It is said where the patient goes on, and nothing is late where they were before.

    An appointment stays one: with its calendar file, and its template a day later.
    """
    started(telegram, echo)
    telegram.say("700", "hello", count=2)
    telegram.failing = [(503, {}, b"")] * 4
    assert telegram.deliver(telegram.text("700", "booked")) == 200
    wait_until(lambda: LateMessage.objects.filter(state="failed").exists(), "it is late")
    window = Window(telegram.server).open()
    window.ask("hello from the website")
    link = window.call("link", {"app": "telegram"})
    assert telegram.deliver(telegram.follow("700", link["url"])) == 200
    shown = telegram.until("700", 4)
    assert shown[2].text.startswith("you said booked")
    assert "from the website" in shown[3].text
    sentences = window.until(
        lambda: [each for each in window.seen if each["from"] == "clinic"], "the app's sentence"
    )
    assert {each.get("lang") for each in sentences} == {"en"}
    carried = window.until(
        lambda: next((each for each in window.seen if "booked" in each["text"]), None), "it"
    )
    assert carried["card"]["ics"] == "BEGIN:VCALENDAR"
    assert carried["buttons"] == []
    wait_until(lambda: not LateMessage.objects.exists(), "nothing is late any more")
    window.close()


def test_a_person_comes_along(
    database: Path, telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """The conversation before is left, and whoever was in it goes on in the other one."""
    started(telegram, echo)
    telegram.say("700", "hello", count=2)
    (before,) = conversations(tmp_path)
    chat = chats.join(before, "natalie", "Natalie Yeo")
    window = Window(telegram.server).open()
    window.ask("hello from the website")
    follow(telegram, window)
    (after,) = conversations(tmp_path)
    assert after != before
    wait_until(lambda: moved(chat, after), "the person is in the other conversation")
    joined = ("handoff", {"state": "joined", "name": "Natalie Yeo"})
    window.until(lambda: joined in window.events, "the window tells of the person")
    chats.say(chat.pk, "natalie", "Here I am again.", "again")
    telegram.wait(
        lambda: any("Here I am again." in each.text for each in telegram.shown["700"]), "words"
    )
    tied = read(tmp_path / "conversations.sqlite3", "SELECT * FROM app_earlier")
    assert [(row["conversation"], row["later"]) for row in tied] == [(before, after)]
    window.close()


def test_a_person_comes_along_after_the_server_died(
    database: Path, telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """The clinic's database was away."""
    server = started(telegram, echo)
    telegram.say("700", "hello", count=2)
    (before,) = conversations(tmp_path)
    waits = chats.ask(before)
    window = Window(telegram.server).open()
    window.ask("hello from the website")
    database.rename(tmp_path / "elsewhere")
    follow(telegram, window)
    (after,) = conversations(tmp_path)
    settled(tmp_path)
    database.unlink(missing_ok=True)
    (tmp_path / "elsewhere").rename(database)
    restart(telegram, server)
    wait_until(lambda: moved(waits, after), "the patient waits in the other conversation")
    assert waits.state == "waiting"


def test_an_answer_arrives_before_the_move(telegram: Telegram, echo: Echo, tmp_path: Path) -> None:
    """Otherwise it would stand in a conversation that the patient does not read any more."""
    started(telegram, echo)
    window = Window(telegram.server).open()
    window.ask("hello")
    link = window.call("link", {"app": "telegram"})
    assert telegram.deliver(telegram.text("700", "hold on")) == 200
    wait_until((tmp_path / "holding").exists, "it is being answered")
    assert telegram.deliver(telegram.follow("700", link["url"])) == 200
    (tmp_path / "go").touch()
    shown = [message.text for message in telegram.until("700", 3)]
    assert shown[1].startswith("you said hold on")
    assert "from the website" in shown[2]
    window.close()


def test_what_is_written_after_a_link_is_said_where_it_leads(
    telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """Also while the link has to wait for an answer that is under way."""
    started(telegram, echo)
    window = Window(telegram.server).open()
    window.ask("hello")
    link = window.call("link", {"app": "telegram"})
    assert telegram.deliver(telegram.text("700", "hold on")) == 200
    wait_until((tmp_path / "holding").exists, "it is being answered")
    assert telegram.deliver(telegram.follow("700", link["url"])) == 200
    assert telegram.deliver(telegram.text("700", "here I am")) == 200
    # Somebody else is answered: everything that came before was looked at.
    telegram.say("701", "good morning", count=2)
    (tmp_path / "go").touch()
    shown = [message.text for message in telegram.until("700", 4)]
    assert shown[1].startswith("you said hold on")
    assert "from the website" in shown[2]
    assert shown[3].startswith("you said here I am")
    window.until(
        lambda: any("you said here I am" in each["text"] for each in window.seen), "the answer"
    )
    window.close()


def test_a_thumb_is_stored_when_the_clinic_is_there_again(
    telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """Also when the server died meanwhile."""
    server = started(telegram, echo)
    (tmp_path / "away").touch()
    answer = telegram.say("700", "rate it", count=2)[-1]
    assert telegram.deliver(telegram.press("700", answer.buttons["👎"])) == 200
    kept, query = tmp_path / "conversations.sqlite3", "SELECT * FROM app_errands"
    wait_until(lambda: len(read(kept, query)) == 1, "the thumb waits")
    restart(telegram, server)
    assert not (tmp_path / "rated").exists()
    (tmp_path / "away").unlink()
    restart(telegram, server)
    wait_until(lambda: not read(kept, query), "the thumb is stored")
    assert (tmp_path / "rated").read_text(encoding="utf-8") == "down\n"
