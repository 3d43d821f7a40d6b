"""What becomes of updates from messaging apps that cannot be taken at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from assistant.channels import mailbox
from assistant.channels.apps import reception, senders
from assistant.channels.apps.app import Update
from assistant.channels.apps.reception import Reception
from assistant.channels.arrivals import Arrivals
from assistant.channels.locks import LocalLocks
from assistant.channels.mailbox import Mailbox
from assistant.channels.messenger import Messenger
from clinic.seal import Seal

Fails = Callable[[Update, Counter[str]], Exception | None]


class Clinic:
    """A reception with the mailbox of a test; ``fails`` says what goes wrong with a try."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, fails: Fails, per_minute: int = 20
    ) -> None:
        self.tries: Counter[str] = Counter()
        self.engine = sa.create_engine(f"sqlite:///{folder / 'kept.sqlite3'}")
        self.chat = SimpleNamespace(
            arrivals=Arrivals(),
            box=Mailbox(self.engine),
            locks=LocalLocks(),
            settings=SimpleNamespace(per_minute=per_minute),
            accepted=lambda asked: None,
        )
        self.chat.box.create_tables()
        app = Messenger({}, "http://127.0.0.1:1", httpx.AsyncClient())
        self.reception = Reception(app, self.chat, Seal(["k" * 60]), "")  # type: ignore[arg-type]
        take = senders.take

        def try_it(connection: Any, known: Any, update: Update, now: Any) -> Any:
            self.tries[update.id] += 1
            if error := fails(update, self.tries):
                raise error
            return take(connection, known, update, now)

        monkeypatch.setattr(senders, "take", try_it)
        monkeypatch.setattr(reception, "AGAIN_AFTER", 0.01)

    def take(self, *updates: tuple[str, str]) -> list[tuple[str, str]]:
        """Has words by patients taken; who then has what in the mailbox, in its order."""
        asyncio.run(self._take(updates))
        with self.engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT name, conversation FROM app_senders"))
            names = {conversation: name for name, conversation in rows}
            called = {self.reception._seal.names("messenger", who)[0]: who for who, _ in updates}
            query = sa.select(mailbox.messages).order_by(mailbox.messages.c.number)
            found = [mailbox._stored(row) for row in connection.execute(query)]
        return [(called[names[each.conversation]], each.input or each.response) for each in found]

    async def _take(self, updates: tuple[tuple[str, str], ...]) -> None:
        for who, text in updates:
            await self.reception.take(Update(text, who, text=text))
        taking = asyncio.create_task(self.reception._take_all())
        async with asyncio.timeout(30):
            while await self.chat.box.read(senders.waiting, "messenger"):
                await asyncio.sleep(0.01)
        taking.cancel()
        await self.reception.stop()
        await self.chat.box.close()


def test_what_is_put_off_keeps_its_place_and_no_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return senders.Unsent() if update.id == "first" and tries["first"] < 5 else None

    clinic = Clinic(tmp_path, monkeypatch, fails)
    taken = clinic.take(("700", "first"), ("700", "second"), ("701", "other"), ("700", "third"))
    assert taken == [("701", "other"), ("700", "first"), ("700", "second"), ("700", "third")]
    assert clinic.tries == {"first": 5, "second": 1, "third": 1, "other": 1}


def test_an_update_over_which_a_mistake_is_made_is_taken_again_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return KeyError() if update.id == "first" and tries["first"] <= 3 else None

    clinic = Clinic(tmp_path, monkeypatch, fails)
    assert clinic.take(("700", "first"), ("700", "second")) == [
        ("700", "first"),
        ("700", "second"),
    ]


def test_one_that_can_never_be_taken_is_to_be_written_anew_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = Clinic(
        tmp_path, monkeypatch, lambda update, _: KeyError() if "odd" in update.id else None
    )
    assert clinic.take(("700", "odd"), ("700", "my seat is numb")) == [
        ("700", "lost"),
        ("700", "my seat is numb"),
    ]


def test_where_not_even_that_can_be_said_the_next_is_read_and_it_is_said_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return ValueError() if update.id == "first" else None

    clinic = Clinic(tmp_path, monkeypatch, fails)
    give_up, failed = senders.give_up, []

    def give_up_later(*given: Any) -> Any:
        if not failed:
            failed.append(given)
            raise ValueError
        return give_up(*given)

    monkeypatch.setattr(senders, "give_up", give_up_later)
    monkeypatch.setattr(reception, "TOLD_AGAIN_AFTER", 0.1)
    said = clinic.take(("7001", "first"), ("7001", "second"))
    assert [text for _, text in said][:1] == ["second"]
    assert len(said) == 2


def test_trying_again_is_no_further_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return senders.Unsent() if tries[update.id] < 9 else None

    clinic = Clinic(tmp_path, monkeypatch, fails, per_minute=3)
    taken = clinic.take(*(("700", f"message {number}") for number in range(4)))
    assert [text for _, text in taken] == ["message 0", "message 1", "message 2", "too_fast"]
