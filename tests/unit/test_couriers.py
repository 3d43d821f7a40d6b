"""How what is said is sent to a messaging app: mistakes, giving up, the notice, the pace."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import sqlalchemy as sa

from assistant.channels import mailbox
from assistant.channels.apps import couriers, links, senders, taken, updates
from assistant.channels.apps.app import SENT, Answer, App, Call, Outcome, Outgoing, Received, Update
from assistant.channels.apps.couriers import Couriers, Pace
from assistant.channels.apps.senders import Sender
from assistant.channels.apps.updates import Known
from assistant.channels.bubbles import Bubble
from assistant.channels.locks import LocalLocks
from assistant.channels.mailbox import Mailbox
from clinic.seal import Seal

LATER = Answer(Outcome.LATER, "busy")
REFUSED = Answer(Outcome.REFUSED, "refused")
SEAL = Seal(["k" * 60])
NOTICE = "notice"


class Pigeon(App):
    """An app whose calls are words.

    ``answers``: what becomes of the next calls; ``taken``: those to calls that are taken.
    """

    name = "pigeon"
    title = "Pigeon"
    settings = ()
    stand_in = "CLINIC_PIGEON_ADDRESS"
    address = ""
    per_second = 1e6
    numbered: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__({}, "", httpx.AsyncClient())
        self.sent: list[str] = []
        self.answers: list[Answer] = []
        self.taken: list[Answer] = []
        self.before: Callable[[str], None] = lambda text: None

    def verify(self, request: Received) -> bool:
        """Never asked."""
        return False

    def updates(self, request: Received) -> list[Update]:
        """Never asked."""
        return []

    def render(self, message: Outgoing) -> list[Call]:
        """One call for each line."""
        if "odd" in message.text:
            raise IndexError
        text = NOTICE if "automated assistant" in message.text else message.text
        return [Call("say", {"text": line}) for line in text.splitlines()]

    async def send(self, address: str, call: Call) -> Answer:
        """What the test wants."""
        text = str(call.body["text"])
        self.before(text)
        if "bad call" in text:
            raise UnicodeEncodeError("utf-8", text, 0, 1, "half an emoji")
        answer = self.answers.pop(0) if self.answers else SENT
        if answer == SENT:
            self.sent.append(text)
            return self.taken.pop(0) if self.taken else SENT
        return answer


class Post:
    """Couriers with a mailbox, and one patient in the app. ``told``: what staff are told."""

    def __init__(self, folder: Path) -> None:
        self.app = Pigeon()
        self.engine = sa.create_engine(f"sqlite:///{folder / 'kept.sqlite3'}")
        self.box = Mailbox(self.engine)
        self.box.create_tables()
        self.told: list[tuple[str, str]] = []
        self.name = SEAL.names("pigeon", "700")[0]
        with self.engine.begin() as connection:
            known = Known("pigeon", [self.name], "u", SEAL.close("700"), datetime.now(UTC))
            self.conversation = updates.writer(
                connection, known, Update("u", "700"), datetime.now(UTC)
            ).conversation

    def say(self, text: str, ago: timedelta = timedelta(0), **more: Any) -> None:
        """The assistant has something to say since a while."""
        at = (datetime.now(UTC) - ago).isoformat(timespec="milliseconds")
        body = {"id": str(uuid.uuid4()), "at": at, "from": "assistant", "text": text, **more}
        with self.engine.begin() as connection:
            mailbox.post(connection, self.conversation, [Bubble("", body)], datetime.now(UTC))

    def answer(self, text: str | None, response: str) -> None:
        """The patient writes, or presses a button, and is answered by a response."""
        now = datetime.now(UTC)
        body = {"id": str(uuid.uuid4()), "text": text or "", mailbox.VIA: "pigeon"}
        said = {"id": str(uuid.uuid4()), "text": "an answer", "from": "assistant"}
        said |= {"at": now.isoformat(), "in_reply_to": body["id"]}
        if text is None:
            self.say("Which?", buttons=[{"title": "This one of three", "payload": "/this"}])
        with self.engine.begin() as connection:
            payload = "/this" if text is None else None
            asked = mailbox.accept(connection, self.conversation, body, payload, now, "fr").message
            mailbox.finish(connection, asked, [Bubble(response, said)], now)

    def sender(self) -> Sender:
        """The patient's row."""
        with self.engine.connect() as connection:
            found = senders.get(connection, self.name)
        assert found is not None
        return found

    def change(self, **values: Any) -> None:
        """Changes the patient's row."""
        with self.engine.begin() as connection:
            connection.execute(senders.senders.update().values(values))

    def reached(self) -> list[str]:
        """The messages that count as read."""
        query = sa.select(mailbox.messages).where(mailbox.messages.c.reached)
        with self.engine.connect() as connection:
            return [json.loads(row.body)["text"] for row in connection.execute(query)]

    def send(self, until: Callable[[], bool]) -> None:
        """Has all sent, until something holds."""
        asyncio.run(self._send(until))

    async def _send(self, until: Callable[[], bool]) -> None:
        async def report(conversation: str, state: str, reason: str) -> None:
            assert conversation == self.conversation
            self.told.append((state, reason))

        made = Couriers(self.app, self.box, SEAL, LocalLocks(), "", report)
        made.wake(self.name)
        async with asyncio.timeout(30):
            while made._running or not until():
                await asyncio.sleep(0.01)
        await made.stop(1)


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    monkeypatch.setattr(couriers, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(couriers, "LONGEST_WAIT", 0.01)
    made = Post(tmp_path)
    yield made
    asyncio.run(made.box.close())


def all_is_sent(post: Post) -> Callable[[], bool]:
    def sent() -> bool:
        with post.engine.connect() as connection:
            return post.sender().sent == mailbox.standing(connection, post.conversation).last_seq

    return sent


def test_the_notice_stands_before_the_first_answer_and_after_an_alarm(post: Post) -> None:
    post.say("hello")
    post.say("more")
    post.send(all_is_sent(post))
    assert post.app.sent == [NOTICE, "hello", "more"]
    post.change(noticed=False)
    post.say("go there now", kind="emergency")
    post.send(all_is_sent(post))
    assert post.app.sent[3:] == ["go there now", NOTICE]


@pytest.mark.parametrize("words", ["odd words", "a bad call"])
def test_a_mistake_over_one_message_keeps_back_no_other(post: Post, words: str) -> None:
    """It is tried a few times, and then staff are told."""
    post.change(noticed=True)
    post.say(words)
    post.say("go there now", kind="emergency")
    post.send(lambda: bool(post.app.sent))
    assert post.app.sent == ["go there now"]
    assert ("stuck", "mistake") in post.told
    assert ("failed", "mistake") in post.told
    assert post.reached() == ["go there now"]


def test_what_could_not_be_sent_for_a_day_is_given_up_and_the_next_is_sent(post: Post) -> None:
    """And staff see it; the message that came later has a day of its own."""
    post.change(
        noticed=True, attempts=40, reason="busy", failing_since=datetime.now(UTC) - DAY_AND_MORE
    )
    post.say("old", DAY_AND_MORE)
    post.say("of the day", DAY_AND_MORE)
    post.say("new")
    post.app.answers = [LATER, LATER, LATER, SENT]
    post.send(lambda: bool(post.app.sent))
    assert post.app.sent == ["new"]
    assert [told for told in post.told if told[0] == "stuck"] == [("stuck", "busy")] * 2
    assert post.told[-1] == ("", "")
    assert (post.sender().attempts, post.sender().failing_since) == (0, None)
    assert post.reached() == ["new"]


DAY_AND_MORE = timedelta(hours=25)


def test_less_than_a_day_is_no_reason_to_give_up(post: Post) -> None:
    since = datetime.now(UTC) - timedelta(hours=23)
    post.change(noticed=True, attempts=40, reason="busy", failing_since=since)
    post.say("old", timedelta(hours=23))
    post.app.answers = [LATER, SENT]
    post.send(lambda: bool(post.app.sent))
    assert post.app.sent == ["old"]


def test_a_long_pause_is_told_at_once(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider asks for hours: staff do not wait for the third try."""
    monkeypatch.setattr(couriers, "LONGEST_WAIT", 300.0)
    post.change(noticed=True)
    post.say("hello")
    post.app.answers = [Answer(Outcome.LATER, "rate_limit", 7200.0)]
    post.send(lambda: bool(post.told))
    assert post.told == [("failed", "rate_limit")]


def test_a_refused_message_is_not_read(post: Post) -> None:
    """It is told, and does not count as read with the next one."""
    post.change(noticed=True)
    post.say("refused")
    post.say("hello")
    post.app.answers = [REFUSED]
    post.send(all_is_sent(post))
    assert post.told == [("stuck", "refused")]
    assert post.reached() == ["hello"]


@pytest.mark.parametrize("early", [False, True])
def test_a_message_of_which_a_part_is_reported_lost_is_not_read(post: Post, early: bool) -> None:
    """Whether it is told before its last part was taken, or afterwards; the one before is read."""
    post.change(noticed=True)
    post.app.taken = [replace(SENT, id=name) for name in ("1", "2", "3")]

    def lose(text: str = "three") -> None:
        if text == "three":
            with post.engine.begin() as connection:
                names = SEAL.names("pigeon", "call 2")
                assert taken.lose(connection, names, datetime.now(UTC)) == post.conversation

    if early:
        post.app.before = lose
    post.say("one")
    post.say("two\nthree")
    post.send(all_is_sent(post))
    if not early:
        lose()
    assert post.reached() == ["one"]


def test_a_loss_that_is_told_before_the_taking_is_noted(post: Post) -> None:
    post.change(noticed=True)
    post.app.taken = [replace(SENT, id="1")]

    def lose(text: str) -> None:
        with post.engine.begin() as connection:
            assert not taken.lose(connection, SEAL.names("pigeon", "call 1"), datetime.now(UTC))

    post.app.before = lose
    post.say("one")
    post.send(all_is_sent(post))
    assert post.reached() == []


def test_a_call_that_is_taken_after_the_deletion_is_not_noted(post: Post) -> None:
    post.change(noticed=True)
    post.app.taken = [replace(SENT, id="1")]

    def leave(text: str) -> None:
        with post.engine.begin() as connection:
            senders.leave(connection, post.conversation)

    post.app.before = leave
    post.say("one")
    post.send(lambda: post.app.sent == ["one"])
    with post.engine.connect() as connection:
        assert connection.execute(sa.select(taken.taken)).all() == []


def test_an_address_that_cannot_be_read(post: Post) -> None:
    post.change(address="nonsense")
    post.say("hello")
    post.send(all_is_sent(post))
    assert post.told == [("stuck", "key_lost")]
    assert post.reached() == []


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        # The notice is refused, or what stands after it.
        ([REFUSED], [NOTICE, "second"]),
        ([SENT, REFUSED], [NOTICE, "second"]),
    ],
)
def test_the_notice_is_said_until_it_was_read(
    post: Post, answers: list[Answer], sent: list[str]
) -> None:
    post.say("first")
    post.say("second")
    post.app.answers = answers
    post.send(all_is_sent(post))
    assert post.app.sent == sent


FRENCH, ENGLISH = "utter_speak_french", "utter_faq/cost"


@pytest.mark.parametrize(
    ("asked", "locale"),
    [
        ([("how much is it please", ENGLISH), ("and where are you", ENGLISH)], "en"),
        ([("how much is it please", ENGLISH), ("où est la clinique", FRENCH)], "fr"),
        ([("où est la clinique", FRENCH), ("how much is it please", ENGLISH)], "fr"),
        # A name, a number, what is not understood.
        ([("how much is it please", ENGLISH), ("Priya Nair", ENGLISH)], "fr"),
        ([("ah bon alors", "utter_not_understood_1"), ("how much is it", ENGLISH)], "fr"),
        (
            [("how much is it please", ENGLISH), (None, ENGLISH), ("and where are you", ENGLISH)],
            "en",
        ),
        ([("how much is it please", ENGLISH), (None, ENGLISH)], "fr"),
    ],
)
def test_who_writes_in_english_again_is_spoken_to_in_english(
    post: Post, asked: list[tuple[str | None, str]], locale: str
) -> None:
    """After two messages; a button (None) tells nothing of a language."""
    post.change(noticed=True, locale="fr")
    for text, response in asked:
        post.answer(text, response)
    post.send(all_is_sent(post))
    assert post.sender().locale == locale


def test_nothing_follows_a_stop_not_even_the_rest_of_a_message(post: Post) -> None:
    post.change(noticed=True)
    post.say("one\ntwo\nthree")

    def stop(text: str) -> None:
        if text == "two":
            post.change(state=senders.OPTED_OUT)

    post.app.before = stop
    post.send(all_is_sent(post))
    assert post.app.sent == ["one", "two"]
    assert post.told == [("stuck", "opted_out")]
    assert post.reached() == []


def test_nothing_follows_a_stop_that_comes_while_a_turn_is_waited_for(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In WhatsApp through Twilio that can be six seconds."""
    post.change(noticed=True)
    post.say("hello")

    async def turn(self: Pace) -> None:
        post.change(state=senders.OPTED_OUT)

    monkeypatch.setattr(Pace, "turn", turn)
    post.send(all_is_sent(post))
    assert post.app.sent == []
    assert post.told == [("stuck", "opted_out")]


def test_a_call_that_was_refused_does_not_overwrite_a_stop(post: Post) -> None:
    """Twilio refuses what is on its way when the STOP comes."""
    post.change(noticed=True)
    post.say("hello")
    post.app.before = lambda text: post.change(state=senders.OPTED_OUT)
    post.app.answers = [Answer(Outcome.STOPPED, "stopped")]
    post.send(all_is_sent(post))
    assert post.sender().state == senders.OPTED_OUT
    assert post.told == [("stuck", "opted_out")]


@pytest.mark.parametrize("answer", [SENT, REFUSED, Answer(Outcome.STOPPED, "stopped")])
def test_of_who_leaves_nothing_is_kept_whatever_becomes_of_the_last_words(
    post: Post, answer: Answer
) -> None:
    post.change(noticed=True, state=senders.LEAVING)
    post.say("all is deleted")
    post.app.answers = [answer]

    def gone() -> bool:
        with post.engine.connect() as connection:
            return senders.get(connection, post.name) is None

    post.send(gone)
    with post.engine.connect() as connection:
        assert not mailbox.after(connection, post.conversation, 0)


def test_a_link_waits_for_an_answer_that_is_being_made(post: Post) -> None:
    """Also when the couriers have looked meanwhile, and found nothing to send yet."""
    asked = {"id": str(uuid.uuid4()), "text": "hello", mailbox.VIA: "pigeon"}
    now = datetime.now(UTC)
    with post.engine.begin() as connection:
        mailbox.accept(connection, post.conversation, asked, None, now, "en")
        links.store(connection, "t" * 22, "another", now)
        updates.arrive(connection, "pigeon", ["link"], "content", now)
    post.send(all_is_sent(post))
    known = Known("pigeon", [post.name], "link", SEAL.close("700"), now)
    with post.engine.begin() as connection, pytest.raises(updates.Unsent):
        updates.take(connection, known, Update("link", "700", link="t" * 22), now)


def test_a_pace_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some at once after a pause, then one each time; the clock is the test's."""
    now = [100.0]
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))
        now[0] += seconds

    monkeypatch.setattr(couriers.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(couriers.asyncio, "sleep", sleep)

    async def turns(pace: Pace, count: int) -> list[float]:
        begun = []
        for _ in range(count):
            await pace.turn()
            begun.append(round(now[0], 3))
        return begun

    assert asyncio.run(turns(Pace(0.5), 4)) == [100.0, 100.5, 101.0, 101.5]
    pace = Pace(6.0, 3)
    assert asyncio.run(turns(pace, 5)) == [101.5, 101.5, 101.5, 107.5, 113.5]
    now[0] += 12
    assert asyncio.run(turns(pace, 3)) == [125.5, 125.5, 131.5]
