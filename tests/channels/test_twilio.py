"""Text messages and WhatsApp through Twilio: stopping, pictures, segments, signatures."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from providers.twilio import ACCOUNT, NUMBERS, TOKEN, Texts, Twilio, TwilioWhatsApp, limits, sign
from scenario_chat import read
from scenario_servers import wait_until
from test_apps import NOTICE, Echo, database, handled, migrated, started
from window import Window

from assistant.channels import twilio
from assistant.channels.apps import updates
from assistant.channels.apps.app import (
    BadBody,
    Call,
    Choice,
    Kind,
    Outcome,
    Outgoing,
    Received,
    Update,
)
from assistant.channels.apps.splitting import split
from assistant.channels.segments import longest, segments
from assistant.project import ROOT
from clinic.conversations import erasing
from clinic.conversations.store import open_store
from clinic.live import chats
from clinic.outbox.models import LateMessage
from clinic.privacy.erasing import erase

__all__ = ["database", "migrated"]

PUBLIC = "https://chat.example.com"
HERE = "http://127.0.0.1:5005"


@pytest.fixture(params=[Texts, TwilioWhatsApp])
def provider(request: pytest.FixtureRequest) -> Iterator[Twilio]:
    """Twilio's text messages, and its WhatsApp."""
    made = request.param()
    yield made
    made.close()
    assert not made.broken, made.broken


@pytest.fixture
def sms() -> Iterator[Texts]:
    """Twilio's text messages."""
    made = Texts()
    yield made
    made.close()
    assert not made.broken, made.broken


def app(kind: type[twilio.Twilio], transport: httpx.MockTransport | None = None) -> twilio.Twilio:
    """An app without a server."""
    secrets = {
        twilio.ACCOUNT: ACCOUNT,
        twilio.TOKEN: TOKEN,
        twilio.TEXTS: NUMBERS[""],
        twilio.WHATSAPP: NUMBERS["whatsapp:"],
        twilio.TEMPLATE: "",
    }
    return kind(secrets, HERE, httpx.AsyncClient(transport=transport))


def read_form(kind: type[twilio.Twilio], **fields: str) -> list[Update]:
    """What a genuine request tells."""
    number = kind.prefix + NUMBERS[kind.prefix]
    known = {"MessageSid": "SM" + "0" * 32, "AccountSid": ACCOUNT}
    form = urlencode({**known, "From" if "MessageStatus" in fields else "To": number, **fields})
    return app(kind).updates(Received(HERE, {}, form.encode()))


def write(provider: Twilio, sender: str, words: str, **more: str) -> None:
    """A patient writes, whether or not anything is said to it."""
    fields = provider.message(sender, words, **more)
    assert provider.deliver(provider.signed(fields)) == 200


def until_handled(folder: Path, words: str) -> None:
    """Waits until the assistant has worked on a message."""
    wait_until(lambda: handled(folder)[words] == 1, words)


# The words that end the messages.


def test_nothing_is_sent_after_a_stop(provider: Twilio, echo: Echo, tmp_path: Path) -> None:
    """Until the patient asks for it; what they write meanwhile is heard, for staff."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    write(provider, "700", " Stop ")
    write(provider, "700", "STOP")
    if provider.prefix:
        # In text messages it is Twilio that says so.
        assert "no more messages" in provider.until("700", 3)[-1].text
    before = len(provider.seen("700"))
    provider.quiet.add("700")
    for words in ("help", "numb since today"):
        write(provider, "700", words)
    until_handled(tmp_path, "numb since today")
    provider.quiet.clear()
    write(provider, "700", "start")
    after = provider.until("700", before + 1)[before:]
    assert [message.text.splitlines()[0] for message in after] == ["you said Hello"]
    assert provider.say("700", "more")[0].text.startswith("you said more")


@pytest.mark.usefixtures("database")
def test_staff_see_a_stop(database: Path, sms: Texts, echo: Echo) -> None:
    """At once, and again when something was meant for the patient; not after a start."""
    started(sms, echo)
    sms.say("700", "hello", count=2)
    write(sms, "700", "STOP")
    stuck = LateMessage.objects.filter(state="stuck", reason="opted_out")
    wait_until(stuck.exists, "staff know of the stop")
    stuck.delete()
    sms.quiet.add("700")
    write(sms, "700", "is anybody there")
    wait_until(stuck.exists, "staff know of what was not sent")
    sms.quiet.clear()
    write(sms, "700", "START")
    wait_until(lambda: not stuck.exists(), "it is over")


@pytest.mark.usefixtures("database")
def test_staff_see_a_phone_that_was_not_reached(database: Path, sms: Texts, echo: Echo) -> None:
    started(sms, echo)
    sms.say("700", "hello", count=2)
    assert sms.deliver(sms.status("700", "undelivered", ErrorCode="30003")) == 200
    stuck = LateMessage.objects.filter(state="stuck", reason="undelivered")
    wait_until(stuck.exists, "staff know")


@pytest.mark.usefixtures("database")
def test_yes_takes_no_late_message_off_the_desk(
    database: Path, sms: Texts, echo: Echo, tmp_path: Path
) -> None:
    """Nothing was stopped, so that there is nothing to end by it."""
    started(sms, echo)
    sms.say("700", "hello", count=2)
    sms.failing = [(429, {"retry-after": "3600"}, b"")]
    write(sms, "700", "second")
    failed = LateMessage.objects.filter(state="failed")
    wait_until(failed.exists, "it is late")
    write(sms, "700", "Yes")
    until_handled(tmp_path, "Yes")
    assert failed.exists()


def test_yes_ends_a_stop_and_is_an_answer_otherwise(provider: Twilio, echo: Echo) -> None:
    started(provider, echo)
    provider.say("700", "hello", count=2)
    assert provider.say("700", "Yes")[0].text.startswith("you said Yes")
    write(provider, "700", "unsubscribe")
    seen = len(provider.seen("700")) if not provider.prefix else len(provider.until("700", 4))
    write(provider, "700", "Yes")
    assert provider.until("700", seen + 1)[-1].text.startswith("you said Hello")


def test_a_call_that_twilio_refuses_does_not_undo_a_stop(
    sms: Texts, echo: Echo, tmp_path: Path
) -> None:
    """An answer is on its way when the patient writes STOP, and Twilio lets nothing through."""
    started(sms, echo)
    sms.say("700", "hello", count=2)
    kept, query = tmp_path / "conversations.sqlite3", "SELECT state FROM app_senders"

    def stop() -> None:
        sms.before_answer = None
        write(sms, "700", "STOP")
        wait_until(lambda: read(kept, query)[0]["state"] == "optedout", "the stop is stored")

    sms.before_answer = stop
    sms.failing = [(400, {}, b'{"code": 21610}')]
    write(sms, "700", "more")
    wait_until(lambda: sms.before_answer is None and not sms.failing, "the answer is refused")
    sms.quiet.add("700")
    write(sms, "700", "and more")
    until_handled(tmp_path, "and more")
    assert read(kept, query)[0]["state"] == "optedout"


def test_stop_as_the_first_word(sms: Texts, echo: Echo, tmp_path: Path) -> None:
    """It holds for what comes later, too."""
    started(sms, echo)
    sms.quiet.add("700")
    write(sms, "700", "STOP")
    write(sms, "700", "hello")
    until_handled(tmp_path, "hello")
    sms.quiet.clear()
    shown = sms.say("700", "START", count=2)
    assert NOTICE in shown[0].text
    assert shown[1].text.startswith("you said Hello")


def test_a_stop_outlives_the_chat(sms: Texts, echo: Echo, tmp_path: Path) -> None:
    """Deleting takes the number away, but not that nothing may be sent there."""
    started(sms, echo)
    sms.say("700", "hello", count=2)
    write(sms, "700", "STOP")
    sms.quiet.add("700")
    write(sms, "700", "erase me")
    database = tmp_path / "conversations.sqlite3"
    query = "SELECT address, state FROM app_senders"
    wait_until(lambda: read(database, query)[0]["address"] == "", "the number is gone")
    write(sms, "700", "hello again")
    until_handled(tmp_path, "hello again")
    assert read(database, query)[0]["state"] == "optedout"


def test_a_stop_outlives_the_nights_deletion(
    database: Path, sms: Texts, echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And "Erase all of it" at the desk: both are done by the clinic's own programs."""
    from django.conf import settings as django_settings

    monkeypatch.setattr(django_settings, "VAR", tmp_path)
    monkeypatch.setattr(erasing, "IDLE", -60)
    started(sms, echo)
    for patient in ("700", "701"):
        sms.say(patient, "hello", count=2)
    write(sms, "700", "STOP")
    chats_kept, query = tmp_path / "conversations.sqlite3", "SELECT * FROM app_senders"
    wait_until(lambda: any(r["state"] == "optedout" for r in read(chats_kept, query)), "a stop")
    before = {row["conversation"] for row in read(chats_kept, query)}
    assert len(erase(before, "retention").receipts) == 2
    (kept,) = read(chats_kept, query)
    assert (kept["state"], kept["address"], kept["phone"]) == ("optedout", "", "")
    assert kept["conversation"] not in before
    sms.quiet.add("700")
    write(sms, "700", "hello again")
    until_handled(tmp_path, "hello again")
    assert read(chats_kept, query)[0]["state"] == "optedout"


def test_a_stop_and_a_start_are_recorded(
    database: Path, sms: Texts, echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their moments, for the desk; the chat's deletion does not take them away."""
    from django.conf import settings as django_settings

    monkeypatch.setattr(django_settings, "VAR", tmp_path)
    started(sms, echo)
    sms.say("700", "hello", count=2)
    began = datetime.now(UTC)
    write(sms, "700", "STOP")
    query = "SELECT conversation, state FROM app_senders"
    kept = tmp_path / "conversations.sqlite3"
    wait_until(lambda: read(kept, query)[0]["state"] == "optedout", "the stop")
    sms.say("700", "START")
    store = open_store()
    (stop,) = store.stops([read(kept, query)[0]["conversation"]])
    store.close()
    assert stop.app == "sms"
    assert stop.resumed_at is not None
    assert began < stop.at < stop.resumed_at < datetime.now(UTC)


@pytest.mark.parametrize("typed", ["2", "the second", "two"])
def test_a_choice_in_words(sms: Texts, echo: Echo, tmp_path: Path, typed: str) -> None:
    """The second of what can be chosen is the thumb up, and can be chosen after a remark, too."""
    started(sms, echo)
    sms.say("700", "rate it", count=2)
    assert sms.say("700", typed)[0].text == "Thank you."
    wait_until((tmp_path / "rated").exists, "the thumb is stored")
    assert sms.say("700", "1")[0].text.startswith("you said /again rate it")


def test_only_what_was_said_last_can_be_chosen_from(
    database: Path, sms: Texts, echo: Echo, tmp_path: Path
) -> None:
    """A number answers what a person, or the window, has asked since."""
    started(sms, echo)
    sms.say("700", "rate it", count=2)
    query = "SELECT conversation FROM app_senders"
    (row,) = read(tmp_path / "conversations.sqlite3", query)
    chat = chats.join(row["conversation"], "natalie", "Natalie Yeo")
    chats.say(chat.pk, "natalie", "Do you want 1 hour or 2?", "question")
    sms.until("700", 3)
    write(sms, "700", "2")
    until_handled(tmp_path, "2")
    assert not (tmp_path / "rated").exists()


def test_a_number_chooses_nothing_of_another_window(sms: Texts, echo: Echo, tmp_path: Path) -> None:
    """What was answered on the website was not numbered there."""
    started(sms, echo)
    window = Window(sms.server).open()
    sms.deliver(sms.follow("700", window.call("link", {"app": "sms"})["url"]))
    sms.until("700", 2)
    window.ask("rate this")
    assert sms.say("700", "1")[0].text.startswith("you said 1")
    window.close()


def test_spanish_words(provider: Twilio, echo: Echo) -> None:
    started(provider, echo)
    provider.say("700", "hello", count=2)
    assert "hablar con una persona" in provider.say("700", "Ayuda")[0].text
    write(provider, "700", "ALTO")
    assert "no recibirá más" in provider.until("700", 4)[-1].text


def test_french_words(provider: Twilio, echo: Echo) -> None:
    """Twilio does not know them: the clinic says itself that there will be nothing more."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    assert "joindre une personne" in provider.say("700", "Aide")[0].text
    write(provider, "700", "Arrêt.")
    assert "ne recevrez plus" in provider.until("700", 4)[-1].text
    provider.quiet.add("700")
    write(provider, "700", "hello")
    assert provider.say("701", "the end", count=2)


def test_help(provider: Twilio, echo: Echo, tmp_path: Path) -> None:
    started(provider, echo)
    provider.say("700", "hello", count=2)
    (said,) = provider.say("700", "HELP")
    assert "STOP" in said.text
    assert "555-01" in said.text
    assert "911" in said.text
    assert "HELP" not in handled(tmp_path)


def test_cancel_ends_text_messages_only() -> None:
    """Twilio ends them at that word; in WhatsApp it is about an appointment."""
    for kind, prefix in ((twilio.Texts, ""), (twilio.TwilioWhatsApp, "whatsapp:")):
        (update,) = read_form(kind, Body="cancel", From=f"{prefix}+14165550123")
        assert update.kind == (Kind.TEXT if prefix else Kind.OPTED_OUT)


def test_words_of_the_clinics_own_choice() -> None:
    """Twilio says what it took them for."""
    asked = {"Body": "basta", "From": "+14165550123"}
    (update,) = read_form(twilio.Texts, **asked, OptOutType="STOP")
    assert (update.kind, update.handle["answered"]) == (Kind.OPTED_OUT, True)
    (update,) = read_form(twilio.Texts, **asked, OptOutType="START")
    assert (update.kind, update.resumes) == (Kind.START, True)
    (update,) = read_form(twilio.Texts, **asked, OptOutType="HELP")
    assert update.kind == Kind.HELP


def test_the_words_of_twilio() -> None:
    """Those that it acts on by itself are known here."""
    for word in limits()["stop"]:
        (update,) = read_form(twilio.Texts, Body=word.upper(), From="+14165550123")
        assert (update.kind, update.handle["answered"]) == (Kind.OPTED_OUT, True)
    for word in limits()["start"]:
        (update,) = read_form(twilio.Texts, Body=word, From="+14165550123")
        assert update.resumes


# What else arrives.


def test_a_picture(provider: Twilio, echo: Echo, tmp_path: Path) -> None:
    """With no words, and with some."""
    started(provider, echo)
    file = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "a/b"}
    write(provider, "700", "", **file)
    assert "I can only read words" in provider.until("700", 2)[-1].text
    write(provider, "700", "my scan", **file)
    said = [message.text for message in provider.until("700", 4)[2:]]
    assert "I can only read words" in said[0]
    assert said[1].startswith("you said my scan")
    assert set(handled(tmp_path)) == {"my scan"}


def test_a_place_in_whatsapp() -> None:
    form = {"Body": "", "From": "whatsapp:+14165550123", "Latitude": "43.6", "Longitude": "-79.3"}
    (update,) = read_form(twilio.TwilioWhatsApp, **form)
    assert update.kind == Kind.MEDIA


def test_a_button_of_a_template(echo: Echo, tmp_path: Path) -> None:
    """What stands on it is read; what it was made to send is nobody's command."""
    whatsapp = TwilioWhatsApp()
    started(whatsapp, echo)
    button = {"ButtonText": "I confirm", "ButtonPayload": "/restart", "MessageType": "button"}
    write(whatsapp, "700", "I confirm", **button)
    assert whatsapp.until("700", 2)[1].text.startswith("you said I confirm")
    assert set(handled(tmp_path)) == {"I confirm"}
    whatsapp.close()


def test_what_became_of_a_message(provider: Twilio, echo: Echo, tmp_path: Path) -> None:
    """Twilio tells it at the same address; nothing is answered to it."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    for status, more in (("sent", {}), ("delivered", {}), ("undelivered", {"ErrorCode": "30003"})):
        assert provider.deliver(provider.status("700", status, **more)) == 200
        assert provider.deliver(provider.status("799", status, **more)) == 200
    provider.say("700", "the end")
    assert set(handled(tmp_path)) == {"hello", "the end"}


def test_why_a_message_was_lost() -> None:
    lost = {"MessageStatus": "failed", "From": "+14165550100", "To": "+14165550123"}
    (update,) = read_form(twilio.Texts, **lost, ErrorCode="30003")
    assert (update.kind, update.sender, update.reason) == (
        Kind.FAILED,
        "+14165550123",
        "undelivered",
    )
    far = {**lost, "From": "whatsapp:+14165550101", "To": "whatsapp:+14165550123"}
    (update,) = read_form(twilio.TwilioWhatsApp, **far, ErrorCode="63016")
    assert update.reason == "window"


@pytest.mark.parametrize("other", ["12345", "CLINIC", "whatsapp:+14165550123", "+1", ""])
def test_programs_are_not_answered(other: str) -> None:
    """Nor what belongs to another channel."""
    assert read_form(twilio.Texts, Body="hello", From=other) == []


@pytest.mark.parametrize(
    "other",
    [
        {"To": "+14165550199"},
        {"AccountSid": "AC" + "0" * 32},
        {"To": ""},
    ],
)
def test_another_number_of_the_account_is_not_answered(other: dict[str, str]) -> None:
    """It may have the same address at Twilio, and would be answered from the clinic's."""
    said = {"Body": "hello", "From": "+14165550123"}
    assert len(read_form(twilio.Texts, **said)) == 1
    assert read_form(twilio.Texts, **said, **other) == []


# Signatures.


def test_behind_a_proxy(provider: Twilio, echo: Echo) -> None:
    """Signed is the public address, which is also where Twilio says what became of a message."""
    started(provider, echo, CLINIC_PUBLIC_ADDRESS=PUBLIC)
    assert provider.deliver(provider.text("700", "for the address inside")) == 403
    provider.public = PUBLIC
    provider.say("700", "hello", count=2)
    told = {call["StatusCallback"] for call in provider.sent}
    assert told == {f"{PUBLIC}/webhooks/{provider.name}/webhook"}


def test_a_captured_request_is_not_played_again(sms: Texts, echo: Echo, tmp_path: Path) -> None:
    """Its signature holds no moment: it is right for ever, and so it is known for ever."""
    started(sms, echo)
    request = sms.text("700", "hello")
    assert sms.deliver(request) == 200
    sms.until("700", 2)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'conversations.sqlite3'}")
    with engine.begin() as connection:
        updates.forget_updates(connection, datetime.now(UTC) + timedelta(days=365))
    engine.dispose()
    assert sms.deliver(request) == 200
    sms.say("700", "the end")
    assert handled(tmp_path) == {"hello": 1, "the end": 1}


def test_the_answer_says_nothing(sms: Texts, echo: Echo) -> None:
    """Twilio would send any text in it to the patient."""
    started(sms, echo)
    headers, body = sms.text("700", "hello")
    url = f"{sms.server}/webhooks/sms/webhook"
    answer = httpx.post(url, headers=headers, content=body, trust_env=False)
    assert answer.text == "<Response/>"
    assert answer.headers["content-type"].startswith("text/xml")


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes(body: bytes, signature: str) -> None:
    """Refused, and never with an error."""
    request = Received(HERE, {"x-twilio-signature": signature}, body)
    assert not app(twilio.Texts).verify(request)
    with pytest.raises(BadBody):
        app(twilio.Texts).updates(request)


_NAMES = [
    "MessageSid",
    "From",
    "To",
    "Body",
    "MessageStatus",
    "ErrorCode",
    "NumMedia",
    "OptOutType",
]
_VALUES = st.text(max_size=20) | st.sampled_from(
    ["SM" + "0" * 32, "+14165550123", "STOP", "yes", "failed", "30003", "1", "²"]
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_any_form(form: dict[str, str]) -> None:
    """Read, or refused as one that is none."""
    pairs = [(name, value) for name, value in form.items() if value.isprintable()]
    url = f"{HERE}/webhooks/sms/webhook"
    headers = {"x-twilio-signature": sign(url, pairs)}
    request = Received(url, headers, urlencode(pairs).encode())
    assert app(twilio.Texts).verify(request)
    try:
        assert len(app(twilio.Texts).updates(request)) <= 1
    except BadBody:
        assert not form.get("MessageSid", "").startswith("SM0")


# What is sent.


def test_choices_are_numbered() -> None:
    said = Outgoing(
        "**When** would suit you?",
        (Choice("Monday 9:00", "a.0"), Choice("Tuesday 10:00", "a.1")),
        (Choice("👍", "a.u"), Choice("👎", "a.d")),
    )
    lines = "1. Monday 9:00\n2. Tuesday 10:00\nReply with a number.\nHelpful? 3 = yes, 4 = no"
    (call,) = app(twilio.Texts).render(said)
    assert call.body == {"Body": f"When would suit you?\n\n{lines}"}
    (call,) = app(twilio.TwilioWhatsApp).render(said)
    assert call.body == {"Body": f"*When* would suit you?\n\n{lines}"}


def test_news_after_the_window() -> None:
    """By the approved template, of appointments only; without one staff are told."""
    news = Outgoing("**Confirmed**:\n\nMonday 9:00 " + "x" * 900, appointment=True)
    whatsapp = app(twilio.TwilioWhatsApp)
    assert whatsapp.render_late(news) == []
    whatsapp.secrets = {**whatsapp.secrets, twilio.TEMPLATE: "HX" + "0" * 32}
    assert whatsapp.render_late(Outgoing("Something else")) == []
    offered = replace(news, text="They can offer Monday.", choices=(Choice("Yes", "a.0"),))
    (call,) = whatsapp.render_late(offered)
    filling = json.loads(call.body["ContentVariables"])["1"]
    assert filling == 'They can offer Monday. You can answer: "Yes".'
    (call,) = whatsapp.render_late(news)
    filling = json.loads(call.body["ContentVariables"])["1"]
    assert filling.startswith("Confirmed: Monday 9:00 x")
    assert len(filling) == twilio.LONGEST_FILLING
    assert call.body["ContentSid"] == "HX" + "0" * 32


@pytest.mark.parametrize("template", ["", limits()["template"]])
def test_a_day_later_in_whatsapp(database: Path, echo: Echo, tmp_path: Path, template: str) -> None:
    """The template says what became of an appointment; without one staff are told."""
    whatsapp = TwilioWhatsApp()
    started(whatsapp, echo, CLINIC_TWILIO_TEMPLATE=template)
    whatsapp.say("700", "hello", count=2)
    write(whatsapp, "700", "booked, hold on")
    wait_until((tmp_path / "holding").exists, "it is being answered")
    whatsapp.heard["700"] = 0.0
    with sqlite3.connect(tmp_path / "conversations.sqlite3") as kept:
        kept.execute("UPDATE app_senders SET heard_at = '2020-01-01 00:00:00.000000'")
    (tmp_path / "go").touch()
    if template:
        assert whatsapp.until("700", 3)[-1].text.startswith("Your appointment: you said booked")
    else:
        wait_until(LateMessage.objects.filter(reason="window").exists, "the desk knows")
        assert len(whatsapp.seen("700")) == 2
    whatsapp.close()
    assert not whatsapp.broken


def test_twilio_itself_says_that_it_is_too_late(database: Path, echo: Echo) -> None:
    """When its clock and ours disagree: it takes the message, and tells it afterwards."""
    whatsapp = TwilioWhatsApp()
    started(whatsapp, echo)
    whatsapp.say("700", "hello", count=2)
    request = whatsapp.text("700", "more")
    whatsapp.heard["700"] = 0.0
    assert whatsapp.deliver(request) == 200
    wait_until(LateMessage.objects.filter(reason="window").exists, "the desk knows")
    whatsapp.close()
    assert not whatsapp.broken


def test_answers_are_short() -> None:
    """Those that the assistant has, with their choices: at most five segments, in one message."""
    responses: dict[str, list[dict[str, Any]]] = {}
    for file in (ROOT / "data" / "responses").glob("*.yml"):
        responses |= yaml.safe_load(file.read_text(encoding="utf-8"))["responses"]
    thumbs = (Choice("👍", "token"), Choice("👎", "token"))
    for name, variants in responses.items():
        rating = thumbs if name.startswith("utter_faq/") else ()
        for variant in variants:
            titles = [button["title"] for button in variant.get("buttons") or []]
            choices = tuple(Choice(title, "token") for title in titles)
            said = Outgoing(variant.get("text") or "-", choices, rating)
            (call,) = app(twilio.Texts).render(said)
            assert segments(call.body["Body"]) <= 5, name


def test_letters_that_would_cost_more() -> None:
    (call,) = app(twilio.Texts).render(Outgoing("It\u2019s \u201cold\u201d \u2013 yes\u2026"))
    assert call.body["Body"] == 'It\'s "old" - yes...'
    (call,) = app(twilio.Texts).render(Outgoing("Zoë Lefêvre"))
    assert call.body["Body"] == "Zoë Lefêvre"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # The two halves of a euro sign are not divided: 76 in a segment of 153.
        ("€" * 153, 3),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
        ("ê" * 134, 2),
        ("ê" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 67, 3),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count


@settings(deadline=None)
@given(st.text(max_size=3000, alphabet=st.characters(codec="utf-8")), st.integers(1, 10))
def test_parts_fit_into_segments(text: str, most: int) -> None:
    assert all(segments(part) <= most for part in split(text, longest(text, most)))


def test_the_count_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As a number, without a word."""
    made = app(twilio.Texts, httpx.MockTransport(lambda _: httpx.Response(201, json={})))
    with caplog.at_level(logging.INFO):
        asyncio.run(made.send("+14165550123", Call("Messages", {"Body": "secret " * 40})))
    assert "A text message of 2 segments was sent." in caplog.messages
    assert not any("secret" in line or "4165550123" in line for line in caplog.messages)


@pytest.mark.parametrize(
    ("status", "code", "outcome", "reason"),
    [
        (201, None, Outcome.SENT, ""),
        (400, 21610, Outcome.STOPPED, "stopped"),
        (400, 21211, Outcome.REFUSED, "refused"),
        (400, 63016, Outcome.REFUSED, "window"),
        (401, 20003, Outcome.LATER, "login"),
        (400, 21659, Outcome.LATER, "login"),
        (429, 20429, Outcome.LATER, "rate_limit"),
        (400, 30001, Outcome.LATER, "busy"),
        (500, None, Outcome.LATER, "busy"),
        (400, "21610", Outcome.REFUSED, "refused"),
    ],
)
def test_what_twilio_answers(status: int, code: object, outcome: Outcome, reason: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=json.dumps({"code": code}))

    made = app(twilio.Texts, httpx.MockTransport(answer))
    said = asyncio.run(made.send("+14165550123", Call("Messages", {"Body": "hello"})))
    assert (said.outcome, said.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (twilio.ACCOUNT, "AC123"),
        (twilio.TOKEN, "secret"),
        (twilio.TEXTS, "416-555-0100"),
        (twilio.TEXTS, "14165550100"),
    ],
)
def test_a_setting_that_cannot_be_used(setting: str, value: str) -> None:
    """The sentence names it; the token's value stays hidden."""
    secrets = {twilio.ACCOUNT: ACCOUNT, twilio.TOKEN: TOKEN, twilio.TEXTS: NUMBERS[""]}
    assert twilio.Texts.problem(secrets) is None
    problem = twilio.Texts.problem({**secrets, setting: value})
    assert problem is not None
    assert problem.startswith(setting)
    assert "secret" not in problem
