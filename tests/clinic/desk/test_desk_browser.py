"""The desk in Chromium: what axe finds, what the policy allows, keys, phones, without scripts.

Pictures of each page are in ``results/desk`` afterwards. What pages look like with more on them,
and when something goes wrong, is in test_desk_states.py.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from desk_browser import (
    NOW,
    PICTURES,
    ROOT,
    SCREENS,
    Desk,
    browser,
    pages_of,
    running_desk,
    violations,
)
from playwright.sync_api import Browser, expect

PAGES = {
    "today": "/",
    "bookings": "/bookings/",
    "week": "/bookings/week",
    "over": "/bookings/?show=over",
    "waiting-list": "/bookings/waiting-list",
    "links": "/bookings/links",
    "deliveries": "/bookings/deliveries",
    "messages": "/messages/",
    "conversations": "/conversations/",
    "filtered": "/conversations/?text=massage&red_flag=no&since=2026-11-01",
    "nothing": "/conversations/?text=astrology",
    "transcript": "/conversations/1",
    "red-flag": "/conversations/2",
    "live": "/live/",
    "questions": "/questions/",
    "missed": "/questions/?state=missed_red_flag",
    "insights": "/insights/",
    "waits": "/insights/waits/request",
    "privacy": "/privacy/",
    "receipts": "/privacy/receipts?kind=nights",
    "audit": "/audit/",
    "people": "/people/",
    "account": "/account",
    "not-found": "/conversations/999999",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_desk(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture(scope="module")
def opened(desk: Desk) -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture
def open_desk(opened: Browser, desk: Desk) -> Iterator[Any]:
    with pages_of(opened, desk) as make:
        yield make


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_and_nothing_is_cut_off(open_desk: Any, screen: str) -> None:
    page = open_desk(**SCREENS[screen])
    for name, address in PAGES.items():
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert violations(page) == [], name
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, name
        page.goto(address)
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}-{screen}.png", full_page=True)
    reference = open_desk()
    reference.goto("/bookings/")
    page.goto(reference.locator(".row .main").nth(1).get_attribute("href"))
    assert violations(page) == []
    page.screenshot(path=PICTURES / f"booking-{screen}.png", full_page=True)


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_the_door_has_no_violations_and_lets_in_with_a_code(
    open_desk: Any, desk: Desk, screen: str
) -> None:
    from desk_people import PASSWORD
    from django_otp.oath import totp

    page = open_desk(None, **SCREENS[screen])
    page.goto("/bookings/")
    assert violations(page) == []
    page.screenshot(path=PICTURES / f"login-{screen}.png")
    page.get_by_label("Login").fill("mara")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("alert")).to_have_text("Login or password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Next").click()
    assert violations(page) == []
    with sqlite3.connect(desk.var / "clinic.sqlite3") as database:
        # Each code works once; the other screen may have used this one.
        database.execute("UPDATE otp_totp_totpdevice SET last_t = -1")
        [[key]] = database.execute(
            "SELECT key FROM otp_totp_totpdevice JOIN people_person ON people_person.id = user_id "
            "WHERE username = 'mara'"
        )
    page.get_by_label("Code").fill(f"{totp(bytes.fromhex(key)):06d}")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Bookings", level=1)).to_be_visible()


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_an_invitation_leads_to_the_desk(open_desk: Any, desk: Desk, screen: str) -> None:
    from desk_people import PASSWORD
    from django_otp.oath import totp

    said = subprocess.run(
        [sys.executable, "-m", "clinic", "first-administrator", "--anew"],
        env={**os.environ, "CLINIC_VAR": str(desk.var), "CLINIC_NOW": NOW},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    page = open_desk(None, **SCREENS[screen])
    page.goto(f"/invitation/{said.split('/invitation/')[1].split()[0]}")
    assert violations(page) == []
    page.get_by_label("Your name").fill("Joan Mills")
    page.get_by_label("Choose a login").fill(f"joan-{screen}")
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_role("button", name="Next: your phone").click()
    expect(page.get_by_role("img", name="The square for the app")).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=PICTURES / f"factor-{screen}.png", full_page=True)
    with sqlite3.connect(desk.var / "clinic.sqlite3") as database:
        [[key]] = database.execute(
            "SELECT key FROM otp_totp_totpdevice JOIN people_person ON people_person.id = user_id "
            "WHERE username = ?",
            (f"joan-{screen}",),
        )
    page.get_by_label("Six digits").fill(f"{totp(bytes.fromhex(key)):06d}")
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".codes code")).to_have_count(10)
    assert violations(page) == []
    page.get_by_role("button", name="I have them").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()


def test_questions_are_sorted_with_keys_only(open_desk: Any) -> None:
    page = open_desk("reviewer")
    page.goto("/questions/")
    rows = page.locator("[data-row]")
    before = rows.count()
    assert before >= 3
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = rows.nth(1).locator(".what").inner_text().splitlines()[0]
    page.keyboard.press("o")
    expect(page.get_by_role("status")).to_contain_text("Sorted: 1.")
    expect(rows).to_have_count(before - 1)
    expect(rows.filter(has_text=second)).to_have_count(0)
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("Undone.")
    expect(rows).to_have_count(before)
    page.keyboard.press("/")
    page.keyboard.type("dog")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    page.locator("details.context summary").click()
    expect(page.locator(".around .this")).to_contain_text("dog")
    # Letters that are typed are letters.
    page.get_by_role("searchbox").press("d")
    expect(rows).to_have_count(1)


def test_all_keys_of_the_questions_do_what_they_say(open_desk: Any) -> None:
    page = open_desk("reviewer")
    page.goto("/questions/")
    rows = page.locator("[data-row]")
    number = rows.count()
    for key, state in (("v", "topic"), ("n", "needs_answer"), ("d", "discarded")):
        page.keyboard.press("j")
        expect(page.locator("[data-row].here")).to_have_count(1)
        words = page.locator("[data-row].here .what > span").inner_text().splitlines()[0]
        page.keyboard.press(key)
        expect(page.get_by_role("status")).to_contain_text("Sorted: 1.")
        expect(rows).to_have_count(number - 1)
        page.goto(f"/questions/?state={state}")
        expect(rows.filter(has_text=words)).to_have_count(1)
        page.locator("[data-row] input[type=checkbox]").first.check()
        page.get_by_role("button", name="Back to open").click()
        expect(page.get_by_role("status")).to_contain_text("Sorted: 1.")
        page.goto("/questions/")
        expect(rows).to_have_count(number)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.first).to_have_class(re.compile(r"\bhere\b"))
    page.keyboard.press("x")
    expect(rows.first.get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("x")
    expect(rows.first.get_by_role("checkbox")).not_to_be_checked()
    page.keyboard.press("i")
    expect(page.get_by_label("Topic")).to_be_focused()
    expect(rows.first.get_by_role("checkbox")).to_be_checked()


def test_single_keys_can_be_turned_off(open_desk: Any) -> None:
    page = open_desk("reviewer")
    page.goto("/account")
    page.get_by_role("button", name="Turn single keys off").click()
    try:
        page.goto("/questions/")
        rows = page.locator("[data-row]")
        number = rows.count()
        rows.first.get_by_role("checkbox").focus()
        for key in "jox":
            page.keyboard.press(key)
        expect(page.locator("[data-row].here")).to_have_count(0)
        expect(rows).to_have_count(number)
        expect(page.locator("kbd").first).to_be_hidden()
        expect(page.locator(".keys")).to_be_hidden()
    finally:
        page.goto("/account")
        page.get_by_role("button", name="Turn single keys on").click()
    page.goto("/questions/")
    page.keyboard.press("j")
    expect(page.locator("[data-row].here")).to_have_count(1)


def test_conversations_are_reviewed_one_after_the_other_with_keys(open_desk: Any) -> None:
    page = open_desk("reviewer")
    page.goto("/conversations/?reviewed=no")
    page.locator(".row .main").first.click()
    page.wait_for_url("**/conversations/*?reviewed=no")
    page.wait_for_load_state()
    first = page.url
    page.keyboard.press("v")
    expect(page.locator(".tools")).to_contain_text("Reviewed by rui")
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Mark as reviewed")).to_be_visible()
    assert page.url != first
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Mark as reviewed")).to_be_visible()
    page.goto(first)
    page.get_by_role("button", name="Not reviewed").click()
    expect(page.get_by_role("button", name="Mark as reviewed")).to_be_visible()
    page.keyboard.press("v")
    expect(page.locator(".tools")).to_contain_text("Reviewed by rui")
    page.keyboard.press("u")
    expect(page.get_by_role("button", name="Mark as reviewed")).to_be_visible()


def test_a_booking_is_confirmed_on_a_phone_without_scripts(open_desk: Any) -> None:
    page = open_desk("front_desk", **SCREENS["phone"], java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="bookings to decide").click()
    row = page.locator(".row", has_text="Sam Wilson")
    row.get_by_role("link").first.click()
    expect(page.locator("main")).not_to_contain_text("0199")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main")).to_contain_text("+14165550199")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Confirmed.")


def test_a_contact_appears_in_its_place(open_desk: Any) -> None:
    page = open_desk("front_desk")
    page.goto("/messages/")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".shown")).to_contain_text("+14165550166")
    assert page.url.endswith("/messages/")


def test_today_keeps_itself_up_to_date(open_desk: Any) -> None:
    page = open_desk("reviewer")
    page.clock.install()
    page.goto("/")
    with page.expect_response(lambda answer: "poll=1" in answer.url) as answer:
        page.clock.fast_forward(31_000)
    assert answer.value.status == 200
    expect(page.locator("#today .todo")).to_be_visible()


def test_what_a_page_lists_is_printed_and_its_tools_are_not(open_desk: Any) -> None:
    page = open_desk()
    # What can be seen of the page's lists, on the screen and then on paper.
    listed = """() => [...document.querySelectorAll(
        "main :is(.row .what, .row .main, .row .words, tbody th, tbody td, .line .bubble, .todo li)"
      )].map(one => one.checkVisibility())"""
    tools = "main :is(button, input, select, textarea, .button, .sortbar, .bulkbar):visible"
    with_lists = set()
    for name, address in PAGES.items():
        page.emulate_media(media="screen")
        page.goto(address)
        seen = page.evaluate(listed)
        page.emulate_media(media="print")
        printed = page.evaluate(listed)
        assert len(seen) == len(printed), name
        lost = [place for place, on_screen in enumerate(seen) if on_screen and not printed[place]]
        assert not lost, name
        expect(page.locator(".side"), name).to_be_hidden()
        expect(page.locator(tools), name).to_have_count(0)
        if any(printed):
            with_lists.add(name)
    assert {"conversations", "filtered", "questions", "bookings", "messages"} <= with_lists
    assert len(with_lists) >= 12


def test_paper_is_light_when_the_screen_is_dark(open_desk: Any) -> None:
    page = open_desk(**SCREENS["dark"])
    page.emulate_media(media="print")
    for name in ("today", "booking-rows", "conversations", "questions", "insights", "transcript"):
        page.goto(PAGES.get(name, "/bookings/"))
        assert violations(page) == [], name
        shades = page.evaluate(
            "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
        )
        assert shades == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"], name


def test_the_page_of_numbers_prints(open_desk: Any) -> None:
    page = open_desk("reviewer")
    page.goto("/insights/?month=2026-11")
    days = page.locator(".chart").first
    numbers = [row.locator("td").text_content().strip() for row in days.locator("tbody tr").all()]
    expect(days.locator(".value").first).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".side")).to_be_hidden()
    expect(page.locator(".tiles")).to_be_visible()
    # Each day's number stands on its column, and on no other number.
    boxes = []
    for value in days.locator(".value").all():
        expect(value).to_be_visible()
        boxes.append(value.bounding_box())
    assert len(boxes) == len(numbers) > 10
    assert [value.text_content() for value in days.locator(".value").all()] == numbers
    for one, other in pairwise(boxes):
        assert one["x"] + one["width"] <= other["x"]
    hours = page.locator(".chart", has_text="hour of the day")
    for name in ("12 am", "6 am", "12 pm", "6 pm"):
        expect(hours.locator("svg > text", has_text=re.compile(f"^{name}$"))).to_be_visible()
    page.screenshot(path=PICTURES / "insights-print.png", full_page=True)
    (PICTURES / "insights.pdf").write_bytes(paper := page.pdf(format="Letter"))
    assert paper.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) <= 4


def test_a_year_prints_its_numbers_in_a_table(open_desk: Any) -> None:
    page = open_desk("reviewer")
    page.goto("/insights/?since=2025-12-01&until=2026-11-23")
    days = page.locator(".chart").first
    cell = days.locator("tbody td").last
    expect(cell).to_be_hidden()
    page.emulate_media(media="print")
    expect(cell).to_be_visible()
    expect(days.locator(".value")).to_have_count(0)
    expect(page.locator(".chart", has_text="hour of the day").locator("td").first).to_be_hidden()
    page.screenshot(path=PICTURES / "insights-year-print.png", full_page=True)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_pages_of_a_person_have_no_violations(open_desk: Any, screen: str) -> None:
    page = open_desk("privacy_officer", **SCREENS[screen])
    page.goto("/privacy/")
    page.get_by_label("Phone number, e-mail address or booking reference").fill("416-555-0199")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("main")).to_contain_text("Known as Sam Wilson")
    assert violations(page) == []
    page.screenshot(path=PICTURES / f"person-{screen}.png", full_page=True)


def test_a_monday_morning(open_desk: Any, desk: Desk, tmp_path: Path) -> None:
    """What waits since Friday, one thing after the other, until nothing does."""
    page = open_desk()
    page.goto("/")
    page.get_by_role("link", name="patient to call about a booking").click()
    expect(page.get_by_role("heading", name="Please call")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("0123")
    row = page.locator(".row", has_text="Lena Fox")
    row.get_by_role("button", name="Show").click()
    expect(row.get_by_role("link", name="+16045550123")).to_be_visible()
    row.get_by_role("button", name="I told them").click()
    expect(page.get_by_role("status")).to_contain_text("Noted as done.")
    expect(page.locator("main")).not_to_contain_text("Lena Fox")
    page.screenshot(path=PICTURES / "monday-1-called.png", full_page=True)

    page.goto("/")
    page.get_by_role("link", name="to decide").click()
    row = page.locator(".row", has_text="Ines Okafor")
    row.get_by_role("link").first.click()
    page.locator("input[name=slot]").first.check()
    page.get_by_role("button", name="Propose this time").click()
    expect(page.get_by_role("status")).to_contain_text(
        "The other time is kept for the patient. The patient is told in the chat."
    )
    expect(page.locator("main")).to_contain_text("Message in the chat: not read yet")
    page.screenshot(path=PICTURES / "monday-2-proposed.png", full_page=True)

    page.goto("/")
    page.get_by_role("link", name="red flag to look at").click()
    page.locator(".row .main").first.click()
    expect(page.locator("main")).to_contain_text("emergency")
    page.keyboard.press("v")
    expect(page.locator(".tools")).to_contain_text("Reviewed by natalie")

    page.goto("/messages/")
    page.get_by_role("button", name="Answered").click()
    expect(page.get_by_role("status")).to_contain_text("Marked as answered.")

    page.goto("/questions/")
    page.locator("[data-row]", has_text="dog").get_by_role("checkbox").check()
    page.get_by_label("Topic").select_option("faq/location")
    page.get_by_role("button", name="Belongs there").click()
    expect(page.get_by_role("status")).to_contain_text("Sorted: 1.")
    with page.expect_download() as got:
        page.get_by_role("button", name="Download 1 as examples").click()
    file = tmp_path / got.value.suggested_filename
    got.value.save_as(file)
    assert file.suffix == ".yml"
    assert "intent: faq/location" in file.read_text("utf-8")
    assert "can my dog come along" in file.read_text("utf-8")

    page.goto("/")
    for done in ("patient to call", "red flag", "message to answer"):
        expect(page.locator(".todo")).not_to_contain_text(done)
    page.screenshot(path=PICTURES / "monday-3-done.png", full_page=True)


@pytest.mark.parametrize(
    ("who", "summary", "button", "told"),
    [
        ("Amir Khan", "Decline", "Decline this request", "Declined."),
        ("Tom Berg", "Cancel for the patient", "Cancel this appointment", "Cancelled."),
    ],
)
def test_a_booking_is_declined_or_cancelled_with_what_the_patient_is_told(
    open_desk: Any, who: str, summary: str, button: str, told: str
) -> None:
    page = open_desk("front_desk")
    page.goto("/bookings/" if summary == "Decline" else "/bookings/?show=coming")
    page.locator(".row", has_text=who).get_by_role("link").first.click()
    page.locator("summary", has_text=summary).click()
    page.get_by_label("What the patient is told").locator("visible=true").select_option(index=1)
    reason = page.locator("details[open] select option:checked").inner_text()
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("status")).to_contain_text(told)
    history = page.locator("li", has_text="by mara").last
    expect(history).to_contain_text(told.lower().rstrip("."))
    assert reason
    expect(page.locator("main")).not_to_contain_text(button)
    page.goto("/bookings/?show=over")
    expect(page.locator(".row", has_text=who)).to_be_visible()
