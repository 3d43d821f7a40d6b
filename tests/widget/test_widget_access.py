"""Keyboard, screen reader, contrast, zoom: WCAG 2.2 AA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_clinic import BOOKING, EMERGENCY, FakeClinic
from playwright.sync_api import Locator, expect
from widget_axe import violations
from widget_visitor import PHONE, NewVisitor, Visitor

TIMES = [{"title": "Thu Dec 3, 5 pm", "payload": "/time{1}"}, {"title": "More", "payload": "/more"}]


def closed(visitor: Visitor, clinic: FakeClinic) -> None:
    expect(visitor.launcher).to_be_visible()


def consent(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().sees("By writing here you agree")


def refused(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().panel.get_by_role("button", name="I would rather not").click()
    visitor.sees("Nothing is stored.")


def talking(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [
        {"text": "An **answer**.\n\n- one\n- two", "source": {"label": "From our article: X"}},
        {"text": "Which?", "rateable": True, "buttons": TIMES},
    ]
    visitor.open().say("hello").sees("Which?")


def menu(visitor: Visitor, clinic: FakeClinic) -> None:
    talking(visitor, clinic)
    visitor.panel.get_by_role("button", name="More", exact=True).first.click()


def explaining(visitor: Visitor, clinic: FakeClinic) -> None:
    talking(visitor, clinic)
    visitor.log.get_by_role("button", name="This did not help").click()
    expect(visitor.log.get_by_label("What was missing")).to_be_focused()


def deleting(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").menu("Delete my chat").sees("cannot be brought back")


def booked(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [{"text": "Requested.", "card": BOOKING}]
    visitor.open().say("hello").sees("GY3CF7")


def typing(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.types, clinic.answers = True, False
    visitor.open().say("hello")
    expect(visitor.log.locator(".typing")).to_be_visible()


def offline(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    clinic.stop()
    visitor.say("waiting").sees("No connection.")


def failed(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.rejections = [{"code": "bad_message", "message": "This could not be read."}]
    visitor.open().say("hello").sees("Not sent")


def emergency(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [
        {"text": EMERGENCY, "kind": "emergency"},
        {"text": "See a doctor today.", "kind": "urgent"},
        {"text": "Is it new?", "kind": "check", "buttons": TIMES},
    ]
    visitor.open().say("hello").sees("Is it new?")


def handoff(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    clinic.emit("handoff", {"state": "joined", "name": "Natalie"})
    clinic.push(text="Hello, Natalie here.", name="Natalie", **{"from": "person"})
    visitor.sees("Natalie here")


def unread(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello").launcher.click()
    clinic.push(text="One more.")
    expect(visitor.chat.locator(".badge")).to_have_text("1")


def going_on(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.apps = ["telegram", "messenger", "sms"]
    visitor.open().menu("Continue in an app")
    visitor.panel.get_by_role("button", name="Telegram").click()
    expect(visitor.panel.get_by_role("link", name="Open the app")).to_be_visible()


def pinned(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [{"text": EMERGENCY, "kind": "emergency"}]
    visitor.open().say("hello").sees("Please go")
    clinic.answering = lambda _: [{"text": "More. " * 400}]
    visitor.say("and then").sees("More. More.")
    expect(visitor.panel.get_by_role("region", name="Emergency")).to_be_visible()


def slow(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answers = False
    visitor.open().say("hello")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    clinic.emit("error", {"code": "no_answer", "message": "It takes long: 416-555-0142."})
    expect(visitor.log.locator(".slow")).to_be_visible()


def delayed(visitor: Visitor, clinic: FakeClinic) -> None:
    message = "I cannot take it. Call the clinic at 416-555-0142. In an emergency call 911."
    clinic.rejections = [{"code": "server_busy", "message": message, "retry_after": 60}]
    visitor.open().say("hello").sees("I cannot take it.")


def waiting(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.page.clock.install()
    clinic.answers = False
    visitor.page.reload()
    visitor.open().say("hello")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    visitor.page.clock.fast_forward(11_000)
    visitor.sees("This takes longer than usual")


def busy(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.refusal = "server_busy"
    visitor.visit(attributes='phone="416-555-0142"').open().sees("Many people are writing")


def not_allowed(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.refusal = "origin_not_allowed"
    visitor.visit(attributes='phone="416-555-0142"').open()
    visitor.sees("The chat is not set up for this page.")


def inviting(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.visit(attributes='invite-after="0.01"')
    expect(visitor.chat.locator(".invitation")).to_be_visible()


def starting_again(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").menu("Start again").sees("disappear from this window")


def too_long(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("x" * 2001).sees("Your message has 2001 characters.")


def deleted(visitor: Visitor, clinic: FakeClinic) -> None:
    deleting(visitor, clinic)
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("Your chat has been deleted")


def far_up(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    for number in range(60):
        clinic.push(text=f"Number {number}.")
    visitor.sees("Number 59.").page.reload()
    visitor.sees("Number 59.")
    visitor.log.evaluate("log => (log.scrollTop = 0)")
    expect(visitor.log.get_by_role("button", name="Earlier messages")).to_be_in_viewport()
    clinic.push(text="Something new.")
    expect(visitor.panel.get_by_role("button", name="New messages")).to_be_visible()


def confirming(visitor: Visitor, clinic: FakeClinic) -> None:
    text = "Here is your request:\nTime: Thursday\nName: Priya\n\nShall I send it?"
    clinic.answering = lambda _: [{"text": text, "kind": "summary", "buttons": TIMES}]
    visitor.open().say("hello").sees("Shall I send it?")


def unrated(visitor: Visitor, clinic: FakeClinic) -> None:
    talking(visitor, clinic)
    clinic.refuses = {"feedback"}
    visitor.log.get_by_role("button", name="This helped").click()
    visitor.sees("That did not work just now.")


def missing(visitor: Visitor, clinic: FakeClinic) -> None:
    emergency(visitor, clinic)
    clinic.refusal = "server_busy"
    visitor.page.reload()
    visitor.sees("Your earlier messages are shown")


STATES: list[Callable[[Visitor, FakeClinic], None]] = [
    *(closed, consent, refused, talking, menu, explaining, deleting, booked, typing),
    *(offline, failed, emergency, handoff, unread, going_on),
    *(pinned, slow, busy, not_allowed, inviting, starting_again, too_long, deleted, far_up),
    *(confirming, unrated, missing, delayed, waiting),
]


# What is pressed; links in the sentences of a message are as high as its lines.
TARGETS = "button, textarea, input, a:not(.text a)"


def too_small(visitor: Visitor) -> list[str]:
    """What can be pressed and is less than 44 pixels high or wide."""
    found: list[str] = visitor.chat.evaluate(
        """(chat, targets) => [...chat.shadowRoot.querySelectorAll(targets)]
             .filter((one) => one.checkVisibility())
             .filter((one) => {
               const { width, height } = one.getBoundingClientRect();
               return Math.min(width, height) < 44;
             })
             .map((one) => one.outerHTML)""",
        TARGETS,
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_and_every_target_is_at_least_44_pixels(
    new_visitor: NewVisitor,
    clinic: FakeClinic,
    state: Callable[[Visitor, FakeClinic], None],
    scheme: str,
) -> None:
    visitor = new_visitor(color_scheme=scheme, reduced_motion="reduce").visit()
    state(visitor, clinic)
    assert violations(visitor) == []
    assert too_small(visitor) == []


NARROW = {"viewport": {"width": 320, "height": 640}}
LAYOUTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "320 px": (NARROW, {}),
    "phone": (PHONE, {}),
    "right to left": ({}, {"dir": "rtl", "lang": "ar"}),
    "forced colours": ({"forced_colors": "active"}, {}),
    # 1280 x 800 at 200 %
    "zoomed": ({"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}, {}),
}


@pytest.mark.parametrize("state", [consent, booked, emergency, talking, pinned, confirming])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    new_visitor: NewVisitor,
    clinic: FakeClinic,
    state: Callable[[Visitor, FakeClinic], None],
    layout: str,
) -> None:
    options, query = LAYOUTS[layout]
    visitor = new_visitor(reduced_motion="reduce", **options).visit(**query)
    state(visitor, clinic)
    assert violations(visitor) == []
    too_wide = visitor.chat.evaluate(
        """chat => [...chat.shadowRoot.querySelectorAll("dialog, .log, .bubble, .card, .replies")]
             .filter(part => part.scrollWidth > part.clientWidth + 1)
             .map(part => part.className || part.tagName)"""
    )
    assert too_wide == []
    expect(visitor.field).to_be_in_viewport()
    for name in ("More", "Minimise the chat"):
        expect(visitor.panel.get_by_role("button", name=name, exact=True).first).to_be_in_viewport()


def french_notice(visitor: Visitor, clinic: FakeClinic) -> None:
    expect(visitor.open().panel.locator("#notice")).to_contain_text("90")


@pytest.mark.parametrize(
    ("state", "options"), [(french_notice, NARROW), (emergency, {}), (booked, {}), (typing, NARROW)]
)
def test_axe_finds_nothing_in_french(
    new_visitor: NewVisitor,
    clinic: FakeClinic,
    state: Callable[[Visitor, FakeClinic], None],
    options: dict[str, Any],
) -> None:
    visitor = new_visitor(reduced_motion="reduce", **options).visit(lang="fr")
    state(visitor, clinic)
    assert language_of(visitor.panel.locator("#speaker")) == "fr"
    assert violations(visitor) == []


def test_booking_with_the_keyboard_alone(visitor: Visitor, clinic: FakeClinic) -> None:
    def answering(text: str) -> list[dict[str, Any]]:
        if text == "I want to book an appointment":
            return [{"text": "Which time?", "buttons": TIMES}]
        if text == "/time{1}":
            return [{"text": "Your name and phone?"}]
        return [{"text": "Requested.", "card": BOOKING}]

    clinic.answering = answering
    keys = visitor.page.keyboard
    visitor.page.locator("#page-button").focus()
    keys.press("Tab")
    assert visitor.focused() == "launcher"
    keys.press("Enter")
    expect(visitor.field).to_be_focused()
    # Back from the field to what is offered, the last of it first.
    keys.press("Shift+Tab")
    assert visitor.focused() == "I want to book an appointment"
    keys.press("Enter")
    visitor.sees("Which time?")
    assert visitor.focused() == "text"
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    assert visitor.focused() == "Thu Dec 3, 5 pm"
    keys.press("Space")
    visitor.sees("Your name and phone?")
    assert visitor.focused() == "text"
    keys.type("Priya, 604-555-0142")
    keys.press("Enter")
    visitor.sees("GY3CF7")
    assert visitor.focused() == "text"
    keys.press("Shift+Tab")
    assert visitor.focused() == "Add to calendar"
    keys.press("Escape")
    expect(visitor.panel).to_be_hidden()
    assert visitor.focused() == "launcher"


def test_what_can_be_answered_is_nearer_to_the_field_than_any_thumb(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.answering = lambda text: [
        {"text": f"You wrote: {text}", "rateable": True, "buttons": TIMES}
    ]
    visitor.open().say("one").sees("You wrote: one").say("two").sees("You wrote: two")
    stops = []
    for _ in range(6):
        visitor.page.keyboard.press("Shift+Tab")
        stops.append(visitor.focused())
    assert stops[:4] == ["More", "Thu Dec 3, 5 pm", "This did not help", "This helped"]
    assert stops[4:] == ["This did not help", "This helped"]


def test_all_of_the_menu_with_the_keyboard(visitor: Visitor) -> None:
    keys = visitor.page.keyboard
    visitor.open().say("hello").sees("You wrote: hello")
    more = visitor.panel.get_by_role("button", name="More", exact=True)
    more.focus()
    keys.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    keys.press("Escape")
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(more).to_be_focused()
    keys.press("Space")
    keys.press("Tab")  # Minimise
    for _ in range(3):
        keys.press("Tab")
    assert visitor.focused() == "Delete my chat"
    keys.press("Enter")
    assert visitor.focused() == "cover-title"
    keys.press("Escape")
    visitor.sees("You wrote: hello")
    expect(visitor.panel).to_be_visible()


def test_the_window_beside_the_page_holds_nobody_and_the_full_screen_does(
    new_visitor: NewVisitor,
) -> None:
    beside = new_visitor().visit().open()
    beside.page.locator("#page-button").focus()
    assert beside.focused() == "page-button"
    whole = new_visitor(**PHONE).visit()
    whole.launcher.tap()
    expect(whole.panel).to_be_visible()
    whole.page.locator("#page-button").evaluate("button => button.focus()")
    assert whole.focused() != "page-button"


def test_an_arriving_message_is_read_once_and_moves_nothing(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().listen()
    visitor.say("hello")
    visitor.until("window.announced.length == 1")
    visitor.field.fill("I am just wri")
    clinic.push(text="An **important** answer.", buttons=TIMES)
    visitor.sees("An important answer.")
    visitor.until("window.announced.length == 2")
    assert visitor.focused() == "text"
    expect(visitor.field).to_have_value("I am just wri")
    # The list itself must not be read as well, nor be read again when it is drawn again.
    expect(visitor.log).to_have_attribute("aria-live", "off")
    visitor.menu("Start again")
    visitor.panel.get_by_role("button", name="Cancel").click()
    visitor.say("more").sees("You wrote: more")
    visitor.until("window.announced.length == 3")
    assert visitor.announcements() == [
        "Automated assistant: You wrote: hello",
        "Automated assistant: An important answer. Choose an answer: Thu Dec 3, 5 pm, More.",
        "Automated assistant: You wrote: more",
    ]


def said(visitor: Visitor, text: str) -> None:
    visitor.until(f"window.announced.some(one => one.includes({text!r}))")


def test_what_the_window_says_of_itself_is_announced(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().listen()
    visitor.say("x" * 2001)
    said(visitor, "Your message has 2001 characters.")
    visitor.field.fill("")
    visitor.say("hello").sees("You wrote: hello")
    for number in range(60):
        clinic.push(text=f"Number {number}.")
    visitor.sees("Number 59.").page.reload()
    visitor.sees("Number 59.").listen()
    clinic.refuses = {"history"}
    earlier = visitor.log.get_by_role("button", name="Earlier messages")
    earlier.click()
    said(visitor, "That did not work just now.")
    expect(visitor.log.locator(".note")).to_have_text(
        "That did not work just now. Please try again."
    )
    clinic.refuses = set()
    earlier.click()
    expect(visitor.log.locator(".note")).to_have_count(0)


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        ("server_busy", "Many people are writing"),
        ("origin_not_allowed", "not set up for this page"),
    ],
)
def test_a_connection_that_is_refused_is_announced(
    visitor: Visitor, clinic: FakeClinic, refusal: str, text: str
) -> None:
    clinic.refusal = refusal
    visitor.listen()
    visitor.open().sees(text)
    said(visitor, text)


def test_of_the_connection_only_the_open_window_speaks(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().say("hello").sees("You wrote: hello").listen()
    offline = "document.querySelector('clinic-chat')._offline"
    clinic.stop()
    said(visitor, "No connection.")
    clinic.start()
    said(visitor, "Connected again")
    visitor.panel.get_by_role("button", name="Minimise the chat").click()
    clinic.stop()
    visitor.until(offline)
    clinic.start()
    visitor.until(f"!{offline}")
    clinic.push(text="One more.")
    said(visitor, "1 new message")
    told = [one for one in visitor.announcements() if "onnect" in one]
    assert len(told) == 2


def language_of(part: Locator) -> str:
    """The language in which a screen reader reads an element."""
    found: str = part.evaluate(
        """part => {
          for (let at = part; at; at = at.parentElement ?? at.getRootNode().host)
            if (at.lang) return at.lang;
        }"""
    )
    return found


@pytest.mark.parametrize(("page", "own"), [("fr-CA", "fr"), ("ar", "en"), ("en-CA", "en")])
def test_everything_is_read_in_its_own_language(
    new_visitor: NewVisitor, clinic: FakeClinic, page: str, own: str
) -> None:
    clinic.answering = lambda text: [
        {"text": "An answer.", "source": {"label": "From our article: X"}, "buttons": TIMES}
        if text == "eins"
        else {"text": "Appelez le 911.", "lang": "fr"}
    ]
    visitor = new_visitor().visit(lang=page, attributes='invite-after="0.01"')
    assert language_of(visitor.launcher) == own
    assert language_of(visitor.chat.locator(".invitation-text")) == own
    visitor.open().listen()
    visitor.say("eins").sees("An answer.")
    assert language_of(visitor.panel.locator("#speaker")) == own
    for part in (".text p", ".source", ".reply"):
        assert language_of(visitor.theirs.last.locator(part).first) == "en"
    news = visitor.chat.locator("#news span", has_text="An answer.")
    expect(news).to_be_attached()
    assert language_of(news) == "en"
    assert language_of(visitor.chat.locator("#news")) == own
    visitor.say("zwei").sees("Appelez le 911.")
    assert language_of(visitor.theirs.last.locator(".text p")) == "fr"
    clinic.push(text="Bonjour.", name="Natalie", **{"from": "person"})
    visitor.sees("Bonjour.")
    assert language_of(visitor.theirs.last.locator(".text p")) == own
    clinic.push(text="From the app.", lang="en", **{"from": "clinic"})
    visitor.sees("From the app.")
    assert language_of(visitor.theirs.last.locator(".text p")) == "en"


def test_an_emergency_is_read_at_once(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    clinic.push(text="Call 911 now.", kind="emergency")
    alert = visitor.chat.locator("#alerts p")
    expect(alert).to_have_text("Emergency. Automated assistant: Call 911 now.")


def test_who_is_typing_elsewhere_on_the_page_is_left_alone(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    visitor.page.locator("#page-button").focus()
    clinic.push(text="One.")
    visitor.sees("One.")
    assert visitor.focused() == "page-button"
    visitor.launcher.click()
    visitor.page.locator("#page-button").focus()
    clinic.push(text="Two.")
    expect(visitor.chat.locator(".badge")).to_have_text("1")
    assert visitor.focused() == "page-button"


def test_each_message_names_who_said_it(visitor: Visitor) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    expect(visitor.mine.locator(".hidden")).to_have_text("You:")
    expect(visitor.theirs.locator(".hidden")).to_have_text("Automated assistant:")


def test_without_motion_nothing_moves(new_visitor: NewVisitor, clinic: FakeClinic) -> None:
    visitor = new_visitor(reduced_motion="reduce").visit()
    typing(visitor, clinic)
    assert visitor.page.evaluate("document.getAnimations().length") == 0


def test_reading_further_up_is_not_disturbed(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda text: [{"text": f"{text}\n\n" + "Long. " * 300}]
    visitor.open().say("one").say("two")
    expect(visitor.theirs).to_have_count(2)
    visitor.log.evaluate("log => (log.scrollTop = 0)")
    expect(visitor.panel.locator("#notice")).to_be_in_viewport()
    clinic.push(text="Something new.")
    below = visitor.panel.get_by_role("button", name="New messages")
    expect(below).to_be_visible()
    assert visitor.log.evaluate("log => log.scrollTop") == 0
    below.click()
    expect(visitor.theirs.last).to_be_in_viewport()
