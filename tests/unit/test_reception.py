"""What becomes of updates from messaging apps that cannot be taken at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
)

from assistant.channels import mailbox
from assistant.channels.apps import late, reception, senders, updates
from assistant.channels.apps.app import Kind, Update
from assistant.channels.apps.reception import Reception
from assistant.channels.arrivals import Arrivals
from assistant.channels.locks import LocalLocks
from assistant.channels.mailbox import Mailbox
from assistant.channels.messenger import Messenger
from assistant.live import standing
from assistant.live.standing import Standing
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
        take = updates.take

        def try_it(connection: Any, known: Any, update: Update, now: Any) -> Any:
            self.tries[update.id] += 1
            if error := fails(update, self.tries):
                raise error
            return take(connection, known, update, now)

        monkeypatch.setattr(updates, "take", try_it)
        monkeypatch.setattr(reception, "AGAIN_AFTER", 0.01)

    def take(self, *told: tuple[str, str]) -> list[tuple[str, str]]:
        """Has words by patients taken; who then has what in the mailbox, in its order."""
        asyncio.run(self._take([Update(text, who, text=text) for who, text in told]))
        with self.engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT name, conversation FROM app_senders"))
            names = {conversation: name for name, conversation in rows}
            called = {self.reception._seal.names("messenger", who)[0]: who for who, _ in told}
            query = sa.select(mailbox.messages).order_by(mailbox.messages.c.number)
            found = [mailbox._stored(row) for row in connection.execute(query)]
        return [(called[names[each.conversation]], each.input or each.response) for each in found]

    def texts(self, *told: Update) -> list[str]:
        """Has updates taken; what is in the mailbox then: words, or what was said to them."""
        asyncio.run(self._take(told))
        with self.engine.connect() as connection:
            query = sa.select(mailbox.messages).order_by(mailbox.messages.c.number)
            found = [mailbox._stored(row) for row in connection.execute(query)]
        return [each.input or each.response for each in found]

    async def _take(self, told: Sequence[Update]) -> None:
        for update in told:
            await self.reception.take(update)
        taking = asyncio.create_task(self.reception._take_all())
        async with asyncio.timeout(30):
            while await self.chat.box.read(updates.waiting, "messenger"):
                await asyncio.sleep(0.01)
        taking.cancel()
        await self.reception.stop()
        await self.chat.box.close()


def test_what_is_put_off_keeps_its_place_and_no_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return updates.Unsent() if update.id == "first" and tries["first"] < 5 else None

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


@pytest.mark.parametrize("error", [IntegrityError, DataError, ProgrammingError])
def test_one_that_the_database_never_takes_keeps_back_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[DBAPIError]
) -> None:
    """It is to be written anew; that the database is away would concern all."""
    refusal = error("INSERT", None, ValueError())
    clinic = Clinic(
        tmp_path, monkeypatch, lambda update, _: refusal if "odd" in update.id else None
    )
    assert clinic.take(("700", "odd"), ("701", "hello")) == [("701", "hello"), ("700", "lost")]


def test_all_wait_while_the_database_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long: what is not read then is not lost."""

    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        away = tries["first"] < 9
        return OperationalError("INSERT", None, ValueError()) if away else None

    clinic = Clinic(tmp_path, monkeypatch, fails)
    assert clinic.take(("700", "first"), ("701", "other")) == [("700", "first"), ("701", "other")]


def test_where_not_even_that_can_be_said_the_next_is_read_and_it_is_said_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return ValueError() if update.id == "first" else None

    clinic = Clinic(tmp_path, monkeypatch, fails)
    give_up, failed = updates.give_up, []

    def give_up_later(*given: Any) -> Any:
        if not failed:
            failed.append(given)
            raise ValueError
        return give_up(*given)

    monkeypatch.setattr(updates, "give_up", give_up_later)
    monkeypatch.setattr(reception, "TOLD_AGAIN_AFTER", 0.1)
    said = clinic.take(("7001", "first"), ("7001", "second"))
    assert [text for _, text in said][:1] == ["second"]
    assert len(said) == 2


def test_trying_again_is_no_further_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return updates.Unsent() if tries[update.id] < 9 else None

    clinic = Clinic(tmp_path, monkeypatch, fails, per_minute=3)
    taken = clinic.take(*(("700", f"message {number}") for number in range(4)))
    assert [text for _, text in taken] == ["message 0", "message 1", "message 2", "too_fast"]


def never(update: Update, tries: Counter[str]) -> None:
    """Nothing fails."""


def written(*moments: float) -> list[Update]:
    """Messages of one patient, so many seconds after a moment ten minutes ago."""
    began = time.time() - 600
    return [Update(str(at), "700", text=f"at {at}", at=began + at) for at in moments]


def test_who_waits_as_long_as_they_are_told_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused does not count; and it is said again to whoever writes too early again."""
    clinic = Clinic(tmp_path, monkeypatch, never, per_minute=2)
    assert clinic.texts(*written(0, 50, 55, 57, 61, 62, 111)) == [
        *("at 0", "at 50", "too_fast", "at 61", "too_fast", "at 111")
    ]


@pytest.mark.parametrize("lost", [False, True])
def test_a_button_that_was_refused_can_be_pressed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """Telegram's name for it is the same then. One that was taken is not taken twice."""
    now = datetime.now(UTC)
    press = Update("press", "700", Kind.BUTTON)
    known = updates.Known("telegram", ["patient"], "press", "", now)
    with Clinic(tmp_path, monkeypatch, never).engine.begin() as connection:

        def arrives() -> bool:
            return updates.arrive(connection, "telegram", ["press"], "content", now)

        assert arrives()
        assert not arrives()
        if lost:
            updates.give_up(connection, known, press, now)
        else:
            refusal = {"refusal": "too_fast", "values": (("seconds", 3),)}
            updates.take(connection, replace(known, **refusal), press, now)
        assert arrives()
        updates.take(connection, known, press, now)
        assert not arrives()
        query = sa.select(mailbox.messages.c.response).order_by(mailbox.messages.c.number)
        said = list(connection.execute(query).scalars())
    assert said == ["lost" if lost else "too_fast", "unknown_button"]


def test_what_has_waited_at_the_provider_is_not_too_fast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order in which it comes."""
    clinic = Clinic(tmp_path, monkeypatch, never, per_minute=2)
    moments = (300, 330, 0, 30, 120, 150, 360)
    assert clinic.texts(*written(*moments)) == [f"at {at}" for at in moments]


def test_what_another_app_was_told_is_kept_however_much_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = Clinic(tmp_path, monkeypatch, never, per_minute=2)
    told = [Update(f"other {n}", "700", text=f"word {n}", overheard=True) for n in range(5)]
    assert clinic.texts(*told, *written(0, 1)) == [f"word {n}" for n in range(5)] + ["at 0", "at 1"]


@pytest.mark.parametrize(
    "update",
    [
        Update("first", "700", Kind.OPTED_OUT),
        Update("first", "700", Kind.FAILED, reason="stopped"),
        Update("first", "700", text="my seat is numb", overheard=True),
    ],
)
def test_what_cannot_be_asked_for_anew_is_taken_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: Update
) -> None:
    """And keeps nobody waiting meanwhile."""

    def fails(update: Update, tries: Counter[str]) -> Exception | None:
        return ValueError() if update.id == "first" and tries["first"] < 9 else None

    monkeypatch.setattr(reception, "TOLD_AGAIN_AFTER", 0.1)
    clinic = Clinic(tmp_path, monkeypatch, fails)
    clinic.texts(Update("before", "700", text="hello"), update)
    assert clinic.tries["first"] == 9
    query = "SELECT state FROM app_senders"
    with clinic.engine.connect() as connection:
        state = connection.execute(sa.text(query)).scalar()
    assert state == {"opted_out": "optedout", "failed": "stopped"}.get(update.kind, "standby")


def test_a_persons_typing_is_shown_again_until_they_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app's own sign ends by itself, and a person types for a minute.

    Or until the desk cannot be read: then nobody is told when they stop.
    """
    clinic = Clinic(tmp_path, monkeypatch, never)
    monkeypatch.setattr(reception, "TYPING_TIMES", 2)
    monkeypatch.setattr(Messenger, "typing_lasts", reception.TYPING_AHEAD + 0.001)
    shown: list[str] = []

    async def typing(self: Messenger, address: str) -> None:
        shown.append(address)

    monkeypatch.setattr(Messenger, "typing", typing)

    async def desk_is_away() -> None:
        standing.update(Standing())

    async def type_and_stop() -> None:
        await clinic.reception.take(Update("1", "700", text="hello"))
        taking = asyncio.create_task(clinic.reception._take_all())
        async with asyncio.timeout(30):
            while not clinic.reception._readers:
                await asyncio.sleep(0.01)
            (conversation,) = clinic.reception._readers
            monkeypatch.setattr(standing, "_current", Standing(typing=frozenset([conversation])))
            for stop in (lambda: clinic.reception.typed(conversation, False), desk_is_away):
                shown.clear()
                await clinic.reception.typed(conversation, True)
                while len(shown) < 5:
                    await asyncio.sleep(0.01)
                await stop()
                while clinic.reception._typing:
                    await asyncio.sleep(0.01)
        taking.cancel()
        await clinic.chat.box.close()

    asyncio.run(type_and_stop())
    assert set(shown) == {"700"}


@pytest.mark.parametrize(
    ("state", "said"), [(senders.OPEN, ["hello", "joined"]), (senders.STOPPED, ["hello"])]
)
def test_that_a_person_has_come_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, said: list[str]
) -> None:
    """Two servers carry out one step; and to whoever takes no messages it is not said."""
    clinic = Clinic(tmp_path, monkeypatch, never)
    assert clinic.texts(Update("1", "700", text="hello")) == ["hello"]
    clinic = Clinic(tmp_path, monkeypatch, never)
    with clinic.engine.begin() as connection:
        connection.execute(senders.senders.update().values(state=state))
        conversation = connection.execute(sa.select(senders.senders.c.conversation)).scalar()

    # Here it matters what is said, not that it is sent.
    monkeypatch.setattr(clinic.reception._couriers, "wake", lambda name: None)

    async def join() -> None:
        for _ in range(2):
            await clinic.reception.joined(conversation, "Natalie Yeo", "step 1")
        await clinic.chat.box.close()

    asyncio.run(join())
    with clinic.engine.connect() as connection:
        found = mailbox.after(connection, conversation, 0)
    assert [each.input or each.response for each in found] == said


def test_an_update_is_known_by_the_key_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Providers send one again for days, and the key may be changed meanwhile."""
    clinic = Clinic(tmp_path, monkeypatch, never)
    assert clinic.texts(Update("1", "700", text="hello")) == ["hello"]
    clinic = Clinic(tmp_path, monkeypatch, never)
    clinic.reception._seal = Seal(["n" * 60, "k" * 60])
    again = [Update(number, "700", text="hello") for number in ("1", "2", "2")]
    assert clinic.texts(*again) == ["hello", "hello"]


def test_what_tells_no_moment_is_known_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a request that somebody has kept would be answered again."""
    clinic = Clinic(tmp_path, monkeypatch, never)
    clinic.texts(Update("1", "700", text="hello"), *written(0))
    with clinic.engine.begin() as connection:
        updates.forget_updates(connection, datetime.now(UTC) + timedelta(days=1))
        left = connection.execute(sa.select(updates.updates.c.lasting)).scalars()
        assert list(left) == [True]
    clinic = Clinic(tmp_path, monkeypatch, never)
    assert clinic.texts(Update("1", "700", text="hello")) == ["hello", "at 0"]


def test_an_update_whose_key_is_lost_is_told_to_staff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clinic = Clinic(tmp_path, monkeypatch, never)
    noted: list[tuple[Any, ...]] = []

    async def write(operation: Any, *values: Any) -> None:
        noted.append((operation, *values[:4]))

    async def start() -> None:
        await clinic.reception.take(Update("1", "700", text="hello"))
        clinic.reception._seal = Seal(["n" * 60])
        clinic.chat.live = SimpleNamespace(desk=SimpleNamespace(write=write))
        await clinic.reception._read_waiting()
        await clinic.chat.box.close()

    asyncio.run(start())
    assert noted == [(late.note, "", "messenger", late.STUCK, "unread")]
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("redis_url", ["", "redis://127.0.0.1:6379/0"])
def test_what_another_server_has_left_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    """When it was there at two looks; a server on its own reads it at its start."""
    clinic = Clinic(tmp_path, monkeypatch, never)
    clinic.chat.settings.redis_url = redis_url
    other = Clinic(tmp_path, monkeypatch, never).reception

    async def look() -> list[int]:
        await other.take(Update("1", "700", text="hello"))
        seen: set[str] = set()
        counts = []
        for _ in range(4):
            seen = await clinic.reception._take_over(seen)
            counts.append(clinic.reception._arrived.qsize())
        await other._chat.box.close()
        await clinic.chat.box.close()
        return counts

    assert asyncio.run(look()) == ([0, 1, 1, 1] if redis_url else [0, 0, 0, 0])
