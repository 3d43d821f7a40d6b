"""Whole conversations in the browser with the assistant itself, on the demonstration website."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from providers.telegram import Telegram
from scenario_logs import said_in_logs
from scenario_servers import Servers, current_model, servers_in
from widget_axe import violations
from widget_visitor import DESKTOP, PHONE, Visitor


@pytest.fixture(scope="module")
def telegram() -> Iterator[Telegram]:
    """Telegram, as far as it is needed."""
    provider = Telegram()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, telegram: Telegram) -> Iterator[Servers]:
    """A Rasa server, which patients reach by Telegram, too, and an action server."""
    pair = servers_in(tmp_path_factory.mktemp("website"), current_model())
    pair.rasa.environment.update(telegram.settings())
    telegram.server = pair.rasa_url
    pair.start()
    yield pair
    pair.stop()
    assert not said_in_logs(pair), "patients' words are in a log"


def arrive(browser: Browser, servers: Servers, **options: Any) -> Visitor:
    """A patient on the clinic's front page."""
    settings = {**DESKTOP, "locale": "en-CA", "timezone_id": "America/Toronto", **options}
    visitor = Visitor(browser.new_context(**settings), servers.rasa_url)
    visitor.page.add_init_script(
        "window.violations = []; document.addEventListener('securitypolicyviolation', "
        "event => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"
    )
    return visitor.visit("/")


@pytest.fixture
def patient(browser: Browser, servers: Servers) -> Iterator[Visitor]:
    """At a desk."""
    visitor = arrive(browser, servers)
    yield visitor
    visitor.check()
    visitor.context.close()


@pytest.fixture
def on_the_phone(browser: Browser, servers: Servers) -> Iterator[Visitor]:
    """With a telephone in the hand."""
    visitor = arrive(browser, servers, **PHONE)
    yield visitor
    visitor.check()
    visitor.context.close()


def answered(visitor: Visitor, count: int) -> None:
    """Waits for so many messages of the assistant, and until it is not typing any more."""
    expect(visitor.theirs).to_have_count(count)
    expect(visitor.log.locator(".typing")).to_have_count(0)


def test_a_red_flag_interrupts_everything(on_the_phone: Visitor) -> None:
    visitor = on_the_phone
    visitor.launcher.tap()
    expect(visitor.panel.locator("#notice")).to_contain_text("stored by the clinic for 90 days")
    visitor.log.get_by_role("button", name="Does massage help sciatica?").tap()
    answered(visitor, 1)
    expect(visitor.theirs.first.locator(".source")).to_contain_text("article")
    visitor.say("can I book 60 minutes thursday after 4")
    answered(visitor, 2)
    visitor.say("since this morning I cant feel anything when I wipe")
    alarm = visitor.log.locator(".emergency")
    expect(alarm).to_contain_text("emergency department")
    expect(alarm.get_by_role("link", name="Call 911")).to_have_attribute("href", "tel:911")
    # Above the messages once the alarm itself is out of view.
    call = visitor.panel.get_by_role("link", name="Call 911").first
    expect(call).to_be_in_viewport()
    assert violations(visitor) == []
    visitor.say("just book it please")
    expect(visitor.theirs.last).to_contain_text("911")
    expect(visitor.log.get_by_role("region", name="Appointment request")).to_have_count(0)
    expect(call).to_be_in_viewport()


def test_booking_with_the_keyboard_alone_from_the_launcher_to_the_reference(
    patient: Visitor, servers: Servers
) -> None:
    keys = patient.page.keyboard
    patient.launcher.focus()
    keys.press("Enter")
    expect(patient.field).to_be_focused()
    words = "can I book 60 minutes with Natalie thursday after 4, I am Priya, 604-555-0142"
    servers.typed.append(words)
    keys.type(words)
    keys.press("Enter")
    answered(patient, 1)
    offered = patient.theirs.last.locator(".reply").all_inner_texts()
    assert len(offered) >= 3
    back_to(patient, offered[1])
    keys.press("Enter")
    answered(patient, 2)
    expect(patient.theirs.last).to_contain_text("Shall I send it?")
    rows = patient.theirs.last.locator(".card div")
    for row, (label, value) in enumerate(
        (
            ("Time", "Thursday, November 26"),
            ("Appointment", "massage therapy"),
            ("Name", "Priya"),
            ("Phone or e-mail", "604-555-0142"),
        )
    ):
        expect(rows.nth(row).locator("dt")).to_have_text(label)
        expect(rows.nth(row).locator("dd")).to_contain_text(value)
    assert patient.focused() == "text"
    back_to(patient, "Send request")
    keys.press("Space")
    card = patient.log.get_by_role("region", name="Appointment request")
    expect(card.locator(".reference strong")).to_have_text(re.compile(r"^[A-Z0-9]{6}$"))
    expect(card).to_contain_text("Requested, not confirmed yet")
    assert patient.focused() == "text"
    with patient.page.expect_download() as started:
        back_to(patient, "Add to calendar")
        keys.press("Enter")
    with open(started.value.path(), encoding="utf-8") as file:
        assert file.read().startswith("BEGIN:VCALENDAR")
    assert violations(patient) == []


def back_to(visitor: Visitor, what: str) -> None:
    """Goes back with Shift+Tab to something."""
    passed = []
    for _ in range(25):
        visitor.page.keyboard.press("Shift+Tab")
        passed.append(visitor.focused())
        if passed[-1] == what:
            return
    raise AssertionError(f"{what} is not reached: {passed}")


def test_a_server_killed_in_mid_answer_loses_and_doubles_nothing(
    patient: Visitor, servers: Servers
) -> None:
    patient.open().say("what is sciatica?")
    answered(patient, 1)
    for number, question in enumerate(("does it hurt?", "what should I wear?"), 2):
        patient.say(question)
        expect(patient.mine.last.locator(".delivery")).to_have_text("Sent")
        servers.rasa.stop(signal.SIGKILL)
        patient.say(f"are you still there, number {number}?")
        servers.rasa.start()
        servers.rasa.wait()
        expect(patient.mine.last.locator(".delivery")).to_have_text("Sent", timeout=60_000)
    answered(patient, 5)
    mine = patient.mine.locator(".text").all_inner_texts()
    assert mine == [
        "what is sciatica?",
        "does it hurt?",
        "are you still there, number 2?",
        "what should I wear?",
        "are you still there, number 3?",
    ]
    # What was seen as it came is what is there when the page is loaded anew.
    seen = patient.texts()
    patient.page.reload()
    answered(patient, 5)
    assert patient.texts() == seen


def test_reload_next_page_and_deletion(patient: Visitor) -> None:
    patient.open().say("what is sciatica?")
    answered(patient, 1)
    before = patient.texts()
    patient.visit("/privacy")
    answered(patient, 1)
    patient.page.reload()
    answered(patient, 1)
    assert patient.texts() == before
    patient.log.get_by_role("button", name="This helped").click()
    patient.sees("Thank you for telling us.")
    patient.page.reload()
    thumb = patient.log.get_by_role("button", name="This helped")
    expect(thumb).to_have_attribute("aria-pressed", "true")
    patient.menu("Delete my chat")
    patient.panel.get_by_role("button", name="Delete", exact=True).click()
    patient.sees("Your chat has been deleted, here and at the clinic.")
    patient.page.reload()
    expect(patient.panel.locator("#notice")).to_be_visible()
    expect(patient.messages).to_have_count(0)


def test_two_tabs_start_again_and_delete_together(patient: Visitor) -> None:
    patient.open().say("what is sciatica?")
    answered(patient, 1)
    other = Visitor(patient.context, patient.url).visit("/privacy").open()
    answered(other, 1)
    patient.menu("Start again")
    patient.panel.get_by_role("button", name="Start again", exact=True).last.click()
    for tab in (patient, other):
        expect(tab.messages).to_have_count(0)
    other.say("does it hurt?")
    for tab in (patient, other):
        answered(tab, 1)
    assert patient.texts() == other.texts()
    other.menu("Delete my chat")
    other.panel.get_by_role("button", name="Delete", exact=True).click()
    for tab in (patient, other):
        tab.sees("Your chat has been deleted, here and at the clinic.")
        expect(tab.messages).to_have_count(0)
    patient.say("what should I wear?")
    for tab in (patient, other):
        answered(tab, 1)
    assert patient.texts() == other.texts()
    other.check()


@pytest.mark.parametrize(
    "question", ["Does massage help sciatica?", "When is massage recommended?"]
)
def test_what_is_suggested_is_answered_from_the_article(patient: Visitor, question: str) -> None:
    patient.open().choose(question)
    answered(patient, 1)
    expect(patient.theirs.locator(".source")).to_contain_text("From our article")


def test_a_chat_goes_on_in_an_app(patient: Visitor, telegram: Telegram) -> None:
    """What was said on the website is known there, and what is said there is seen here."""
    patient.open().say("what is sciatica?")
    answered(patient, 1)
    patient.menu("Continue in an app")
    patient.panel.get_by_role("button", name="Telegram").click()
    link = patient.panel.get_by_role("link", name="Open the app")
    address = link.get_attribute("href")
    assert address is not None
    assert telegram.deliver(telegram.follow("7301", address)) == 200
    telegram.until("7301", 2)
    telegram.say("7301", "and what are the symptoms?")
    assert telegram.shown["7301"][-1].text
    patient.page.keyboard.press("Escape")
    patient.sees("and what are the symptoms?")
