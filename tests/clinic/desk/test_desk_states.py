"""The desk with something in each list, and its pages for what goes wrong, looked at with axe."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from desk_browser import PICTURES, SCREENS, Desk, browser, pages_of, running_desk, violations
from playwright.sync_api import Browser, Page, Route, expect

#: Pages, and what has to stand on each so that it is the state that is meant.
STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "today": ("/", ("patient waits for a person", "missed red flag to hand")),
    "waiting-list": ("/bookings/waiting-list", ("Lou Kim", "Mornings, and not on Friday.")),
    "live": ("/live/", ("You take chats.", "With a person", "Join")),
    "privacy": ("/privacy/", ("DEL234", "RED234")),
    "questions-conflict": ("/questions/?state=topic", ("already", "understood now")),
    "questions-missed": ("/questions/?state=missed_red_flag", ("my seat went numb",)),
    "questions-false-alarm": ("/questions/?state=false_alarm", ("understood now",)),
    "questions-unanswered": ("/questions/?state=needs_answer", ("gift cards",)),
    "question": ("/questions/1", ("do you take bitcoin",)),
    "transcript": (
        "/conversations/1",
        ("follow up", "Called back, all is well.", "Wrong, says rui", "Asked in the same words"),
    ),
    "transcript-held": ("/conversations/?hold=yes", ("client record",)),
    "waits-person": ("/insights/waits/person", ("nobody came", "7 min")),
    "waits-message": ("/insights/waits/message", ("3 h", "message MSG234")),
    "refused-values": ("/conversations/?hour=99", ("hour is not known",)),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_desk(tmp_path_factory.mktemp("desk"), "busy") as running:
        yield running


@pytest.fixture(scope="module")
def opened(desk: Desk) -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture
def open_desk(opened: Browser, desk: Desk) -> Iterator[Any]:
    with pages_of(opened, desk) as make:
        yield make


def look(page: Page, name: str, screen: str) -> None:
    """Nothing is wrong, nothing is cut off; with everything open, and as it is."""
    page.screenshot(path=PICTURES / f"busy-{name}-{screen}.png", full_page=True)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert violations(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_a_busy_desk(open_desk: Any, screen: str) -> None:
    page = open_desk(**SCREENS[screen])
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, (address, words) in STATES.items():
        page.goto(address)
        for each in words:
            expect(page.locator("body"), name).to_contain_text(each)
        look(page, name, screen)
    page.goto("/live/")
    chats = [link.get_attribute("href") for link in page.locator(".row .main").all()]
    assert len(chats) == 2
    for number, (address, words) in enumerate(
        zip(chats, ("numb", "Natalie here. What can I do?"), strict=True)
    ):
        page.goto(address)
        expect(page.locator("main")).to_contain_text(words)
        look(page, f"live-chat-{number}", screen)


@pytest.mark.parametrize("screen", SCREENS)
def test_what_is_shown_on_request_has_no_violations(open_desk: Any, screen: str) -> None:
    """A contact, hidden words of a conversation, a link for somebody new."""
    page = open_desk(**SCREENS[screen])
    page.goto("/bookings/waiting-list")
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator("main")).to_contain_text("+14165550188")
    look(page, "contact", screen)
    page.goto("/conversations/1")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.locator("#reason").select_option("complaint")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("main")).to_contain_text("416-555-0199")
    look(page, "unmasked", screen)
    page.goto("/people/")
    page.get_by_label("Name", exact=True).fill("Noor Aziz")
    page.locator(".card input[name=roles][value=reviewer]").check()
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("status")).to_contain_text("A link for Noor Aziz")
    look(page, "link", screen)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_pages_for_what_goes_wrong_have_no_violations(
    open_desk: Any, desk: Desk, screen: str
) -> None:
    page = open_desk("administrator", **SCREENS[screen])
    answer = page.goto("/conversations/")
    assert answer.status == 403
    look(page, "refused", screen)
    page.goto("/people/")
    page.locator("input[name=csrfmiddlewaretoken]").evaluate_all(
        "all => all.forEach(e => e.remove())"
    )
    with page.expect_response(lambda got: got.request.method == "POST") as sent:
        page.locator('form[action="/logout"] button').evaluate("button => button.click()")
    assert sent.value.status == 403
    page.wait_for_load_state()
    expect(page.locator("main")).to_contain_text("The form was not accepted")
    look(page, "form", screen)
    for name, words in (("failed", "Something went wrong"), ("bad_request", "not understood")):
        page.route(f"**/{name}", partial(fulfil, problem(name)))
        page.goto(f"/{name}")
        expect(page.locator("main")).to_contain_text(words)
        look(page, name, screen)


def fulfil(body: str, route: Route) -> None:
    route.fulfill(body=body, content_type="text/html")


def problem(name: str) -> str:
    """A page that nobody can bring about from outside, as the desk makes it."""
    from django.test import RequestFactory

    from clinic.desk import problems

    return getattr(problems, name)(RequestFactory().get("/")).content.decode()
