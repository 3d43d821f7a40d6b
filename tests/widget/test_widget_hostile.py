"""Text that wants to be more than text, from the patient or from the server."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from fake_clinic import FakeClinic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect
from widget_visitor import NewVisitor, Visitor

MARKUP = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
LINKS = (
    "javascript:document.title='hacked'//",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>1</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "https://clinic.example.com@evil.example.com/",
)


@pytest.mark.parametrize("side", ["patient", "assistant"])
def test_markup_is_shown_as_it_was_written(visitor: Visitor, clinic: FakeClinic, side: str) -> None:
    clinic.answering = lambda _: [{"text": MARKUP if side == "assistant" else "Well."}]
    visitor.open().say(MARKUP if side == "patient" else "hello")
    expect(visitor.theirs).to_have_count(1)
    shown = visitor.mine if side == "patient" else visitor.theirs
    assert shown.locator(".text").inner_text() == MARKUP
    assert visitor.log.locator("img, script").count() == 0
    assert visitor.page.title() == "A page of a clinic"


@pytest.mark.parametrize("link", LINKS)
def test_only_harmless_links_are_links(visitor: Visitor, clinic: FakeClinic, link: str) -> None:
    source = {"label": link}
    card = {"type": "booking", "reference": "A", "starts": "2026-12-03T17:00:00Z", "ics": link}
    clinic.answering = lambda _: [
        {"text": f"See {link} or **{link}**", "source": source, "card": card},
        {"text": "Done."},
    ]
    visitor.open().say(link).sees("Done.")
    for anchor in visitor.log.get_by_role("link").all():
        href = anchor.get_attribute("href") or ""
        assert href == "tel:911" or href.endswith("/privacy")
    visitor.log.get_by_role("button", name="Add to calendar").click()
    assert len(visitor.context.pages) == 1
    assert visitor.page.title() == "A page of a clinic"


def test_endless_words_and_turned_directions_stay_in_their_bubble(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    turned = "\u202egnihton\u202c \u2067call 119\u2069"
    clinic.answering = lambda _: [{"text": "x" * 10_000}, {"text": turned}, {"text": "مرحبا"}]
    visitor.open().say("y" * 1_999).sees("مرحبا")
    panel = visitor.panel.bounding_box()
    assert panel is not None
    for bubble in visitor.log.locator(".bubble").all():
        box = bubble.bounding_box()
        assert box is not None
        assert box["x"] >= panel["x"]
        assert box["x"] + box["width"] <= panel["x"] + panel["width"]
    assert visitor.log.evaluate("log => log.scrollWidth <= log.clientWidth")
    assert "\u202e" not in visitor.theirs.nth(1).inner_text()


def test_names_and_titles_are_words_as_well(visitor: Visitor, clinic: FakeClinic) -> None:
    buttons = [{"title": MARKUP, "payload": "/one"}]
    clinic.answering = lambda _: [{"text": "Which?", "buttons": buttons}]
    visitor.open().say("hello").sees("Which?")
    clinic.emit("handoff", {"state": "joined", "name": MARKUP})
    clinic.push(text="Hello.", name=MARKUP, buttons=buttons, **{"from": "person"})
    visitor.sees("Hello.")
    assert visitor.panel.locator("#speaker").inner_text() == f"{MARKUP}, from the clinic"
    assert MARKUP in visitor.theirs.last.locator(".meta").inner_text()
    assert visitor.panel.locator("img, script").count() == 0
    visitor.choose(MARKUP)
    expect(visitor.mine.last.locator(".text")).to_have_text(MARKUP)
    assert visitor.page.title() == "A page of a clinic"


def test_marks_that_turn_the_patients_own_words_are_left_out(visitor: Visitor) -> None:
    visitor.open().say("\u202egnihton\u202c and \u2067911\u2069")
    expect(visitor.mine.locator(".text")).to_have_text("gnihton and 911")


def test_answers_of_the_wrong_shape_do_no_harm(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    for odd in (
        {"text": None},
        {"text": 7, "buttons": None, "card": {"type": "unknown"}},
        {"text": "odd", "at": "yesterday", "kind": "<b>", "source": {}},
        {"text": "", "card": {"type": "booking", "reference": "B", "starts": "soon"}},
    ):
        clinic.push(**odd)
    for event in ("typing", "handoff", "error", "history"):
        clinic.emit(event, {"messages": []} if event == "history" else {})
    clinic.push(text="Still here.")
    visitor.sees("Still here.")


FAKE: dict[str, FakeClinic] = {}


@pytest.fixture
def shown(new_visitor: NewVisitor, clinic: FakeClinic) -> Visitor:
    """A window that is open, for many messages."""
    FAKE["clinic"] = clinic
    visitor = new_visitor().visit()
    visitor.open().say("hello").sees("You wrote: hello")
    return visitor


pieces = st.sampled_from(
    [
        *("**", "*", "- ", "\n", "\n\n", "911", "416-555-0142", "tel:", "mailto:", "javascript:"),
        *("https://example.com/", "<a href=", "<script>", ")", "(", "\u202e", "\\", "&lt;", "é"),
    ]
)
texts = st.lists(pieces | st.text(max_size=12), max_size=25).map("".join)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=texts)
def test_any_text_is_shown_without_markup_and_without_unsafe_links(
    shown: Visitor, text: str
) -> None:
    clean = "".join(letter for letter in text if not 0xD800 <= ord(letter) < 0xE000)
    message = FAKE["clinic"].push(text=clean + ".")
    bubble = shown.log.locator(f"#m-{message['id']} .text")
    expect(bubble).to_be_attached()
    assert bubble.locator(":not(p, ul, li, strong, br, a)").count() == 0
    for href in bubble.locator("a").evaluate_all("links => links.map(link => link.href)"):
        assert urlsplit(href).scheme in {"http", "https", "mailto", "tel"}
    letters = [letter for letter in clean if letter.isalnum()]
    read = [letter for letter in bubble.inner_text() if letter.isalnum()]
    gone = [*"mailto", *"tel"]
    assert [x for x in read if x.lower() not in gone] == [
        x for x in letters if x.lower() not in gone
    ]
