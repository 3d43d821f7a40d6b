"""A patient's browser and one at the staff desk: a person takes over the chat and hands it back."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from scenario_logs import said_in_logs
from scenario_servers import Server, Servers, current_model, free_port, servers_in
from widget_axe import violations
from widget_visitor import DESKTOP, Visitor

from assistant.project import ROOT


@dataclass
class Clinic:
    """Everything script/server starts."""

    servers: Servers
    desk: Server
    worker: Server

    @property
    def desk_url(self) -> str:
        """Where the staff desk is."""
        return self.desk.url.removesuffix("/health")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A Rasa server, an action server, the staff desk and the worker."""
    folder = tmp_path_factory.mktemp("clinic")
    servers = servers_in(folder, current_model())
    port = free_port()
    environment = servers.rasa.environment | {"CLINIC_DESK_PORT": str(port)}
    python = [sys.executable, "-m", "clinic"]
    url = f"http://127.0.0.1:{port}/health"
    everything = Clinic(
        servers,
        Server("the desk", [*python, "desk"], environment, url, folder / "desk.log"),
        Server("the worker", [*python, "deliver"], environment, "", folder / "worker.log"),
    )
    subprocess.run([*python, "migrate"], env=environment, cwd=ROOT, check=True)  # noqa: S603
    everything.desk.start()
    everything.worker.start()
    servers.start()
    everything.desk.wait()
    yield everything
    servers.stop()
    everything.desk.stop()
    everything.worker.stop()
    assert not said_in_logs(servers), "patients' words are in a log"
    for program in (everything.desk, everything.worker):
        log = program.log.read_text(encoding="utf-8")
        assert not [text for text in servers.typed if text in log], f"words in {program.log}"


@pytest.fixture(scope="module")
def session(clinic: Clinic) -> str:
    """The cookie of somebody at the front desk."""
    made = subprocess.run(  # noqa: S603
        [sys.executable, str(Path(__file__).with_name("desk_session.py"))],
        env=clinic.desk.environment,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return made.stdout.strip()


@pytest.fixture
def natalie(browser: Browser, clinic: Clinic, session: str) -> Iterator[Visitor]:
    """At the front desk, logged in."""
    context = browser.new_context(**DESKTOP)
    cookie = {"name": "desk_session", "value": session, "url": clinic.desk_url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    visitor = Visitor(context, clinic.desk_url)
    visitor.page.on(
        "console",
        lambda said: visitor.errors.append(said.text) if said.type == "error" else None,
    )
    yield visitor
    visitor.check()
    context.close()


@pytest.fixture
def patient(browser: Browser, clinic: Clinic) -> Iterator[Visitor]:
    """On the clinic's website."""
    visitor = Visitor(browser.new_context(**DESKTOP, locale="en-CA"), clinic.servers.rasa_url)
    yield visitor.visit("/")
    visitor.check()
    visitor.context.close()


def test_a_person_takes_over_and_hands_back(
    patient: Visitor, natalie: Visitor, clinic: Clinic
) -> None:
    def writes(text: str) -> None:
        clinic.servers.typed.append(text)
        patient.say(text)

    def replies(text: str) -> None:
        clinic.servers.typed.append(text)
        desk.get_by_label("Your reply").fill(text)
        desk.keyboard.press("Enter")

    desk, speaker = natalie.visit("/live/").page, patient.panel.locator("#speaker")
    expect(desk.locator("#live")).to_contain_text("You take no chats.")
    desk.get_by_role("button", name="Take chats").click()
    expect(desk.locator("#live")).to_contain_text("You take chats.")
    assert violations(natalie) == []

    patient.open()
    writes("can I talk to a real person please")
    expect(patient.theirs.last).to_contain_text("I have asked someone at Sorrel Lane")
    patient.sees("We have asked someone at the clinic to join.")
    # The list brings itself up to date, and so does the title of the tab.
    expect(desk.locator("#live")).to_contain_text("can I talk to a real person please")
    expect(desk).to_have_title(re.compile(r"^\(1\) Live chat"))
    assert violations(natalie) == []
    desk.get_by_role("button", name="Join chat").click()
    patient.sees("Natalie Yeo from the clinic has joined.")
    expect(speaker).to_contain_text("Natalie Yeo, from the clinic")
    assert violations(natalie) == []

    answers = patient.theirs.count()
    writes("my insurer wants a receipt for Monday, call me at 604-555-0142")
    said = desk.get_by_role("log")
    expect(said).to_contain_text("my insurer wants a receipt for Monday")
    assert "0142" not in said.inner_text()
    desk.get_by_role("button", name="One moment").click()
    expect(desk.get_by_label("Your reply")).to_have_value(re.compile("One moment please"))
    desk.get_by_role("button", name="Send").click()
    expect(patient.theirs.last).to_contain_text("One moment please, I am looking that up.")
    assert patient.theirs.count() == answers + 1, "the assistant said nothing"
    expect(said).to_contain_text("One moment please")
    expect(desk.get_by_label("Your reply")).to_have_value("")

    writes("since this morning I cant feel anything when I wipe")
    expect(patient.log.locator(".emergency")).to_contain_text("emergency department")
    expect(desk.locator("#alarm")).to_contain_text("Red flag")
    assert violations(natalie) == []
    replies("Is somebody with you who can drive?")
    expect(patient.theirs.last).to_contain_text("Is somebody with you who can drive?")

    # Another page of the website, and the server dies: nothing is lost or doubled.
    before = patient.texts()
    patient.visit("/privacy")
    expect(speaker).to_contain_text("Natalie Yeo, from the clinic")
    expect(patient.messages).to_have_count(len(before))
    assert patient.texts() == before
    clinic.servers.rasa.stop(signal.SIGKILL)
    replies("Please go now, your receipt can wait.")
    expect(desk.locator("#sending")).to_contain_text("On its way: “Please go now")
    clinic.servers.rasa.start()
    clinic.servers.rasa.wait()
    expect(patient.theirs.last).to_contain_text("Please go now", timeout=60_000)
    expect(desk.locator("#sending")).to_be_empty(timeout=60_000)
    assert patient.texts() == [*before, "Please go now, your receipt can wait."]

    desk.get_by_role("button", name="Hand back to the assistant").click()
    expect(desk.get_by_role("status").first).to_contain_text("is with the assistant again")
    expect(patient.theirs.last).to_contain_text("Natalie Yeo has left the chat.")
    expect(speaker).to_contain_text("Automated assistant")
    writes("what are your opening hours?")
    expect(patient.log).to_contain_text("8 am to 8 pm")


def test_a_decision_about_a_booking_reaches_the_open_chat(
    patient: Visitor, natalie: Visitor, clinic: Clinic
) -> None:
    patient.open()
    text = "can I book 60 minutes with Natalie thursday after 4, I am Priya, 604-555-0142"
    clinic.servers.typed.append(text)
    patient.say(text)
    patient.sees("Which one suits you?")
    patient.log.get_by_role("button", name=re.compile("^Thu ")).first.click()
    patient.choose("Send request")
    patient.sees("Your appointment is requested")

    desk = natalie.visit("/bookings/").page
    row = desk.locator(".row", has_text="Priya")
    row.get_by_role("link").first.click()
    address = desk.url
    expect(desk.locator("main")).not_to_contain_text("604-555")
    desk.get_by_role("button", name="Confirm").click()
    expect(desk.get_by_role("status").first).to_contain_text("The patient is told in the chat.")
    patient.sees("Your appointment is confirmed")
    card = patient.theirs.last
    expect(card).to_contain_text("calendar")
    # The worker looks every few seconds.
    for _ in range(20):
        desk.goto(address)
        if "Message in the chat: read" in desk.locator("main").inner_text():
            break
        desk.wait_for_timeout(500)
    expect(desk.locator("main")).to_contain_text("Message in the chat: read")
