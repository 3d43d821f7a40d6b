"""What a patient can do in the window, and what they read."""

from __future__ import annotations

import re
import threading

import pytest
from fake_clinic import BOOKING, EMERGENCY, ROOT, FakeClinic
from playwright.sync_api import Locator, expect
from widget_visitor import DESKTOP, PHONE, NewVisitor, Visitor


def test_a_question_is_answered(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("does massage help?").sees("You wrote: does massage help?")
    assert visitor.texts() == ["does massage help?", "You wrote: does massage help?"]
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    assert len(clinic.received) == 1
    assert clinic.handshakes[0]["locale"] == "en"
    assert "page" not in clinic.handshakes[0], "nobody needs it"


def test_before_the_first_message_the_patient_is_told(visitor: Visitor) -> None:
    notice = visitor.open().panel.locator("#notice")
    expect(notice).to_contain_text("automated assistant")
    expect(notice).to_contain_text("stored by the clinic for 90 days")
    expect(notice).to_contain_text("By writing here you agree")
    expect(notice.get_by_role("link", name="911")).to_have_attribute("href", "tel:911")
    privacy = notice.get_by_role("link", name="How we handle it")
    expect(privacy).to_have_attribute("href", f"{visitor.url}/privacy")


def test_nothing_is_asked_of_the_server_before_the_window_is_opened(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    expect(visitor.launcher).to_be_visible()
    assert clinic.handshakes == []


def test_who_would_rather_not_gets_the_number_and_leaves_nothing(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().sees("stored by the clinic for 90 days")
    visitor.panel.get_by_role("button", name="I would rather not").click()
    call = visitor.panel.get_by_role("link", name="Call 416-555-0142")
    expect(call).to_have_attribute("href", "tel:4165550142")
    expect(visitor.field).to_have_count(0)
    stored = visitor.page.evaluate("JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
    assert "token" not in stored
    visitor.panel.get_by_role("button", name="Back to the chat").click()
    visitor.say("hello").sees("You wrote: hello")


def test_after_the_first_message_refusing_is_not_offered_any_more(visitor: Visitor) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    expect(visitor.panel.locator("#notice")).to_be_attached()
    expect(visitor.panel.get_by_role("button", name="I would rather not")).to_have_count(0)


def test_suggested_questions_can_be_asked(visitor: Visitor) -> None:
    visitor.open().choose("Does massage help sciatica?")
    visitor.sees("You wrote: Does massage help sciatica?")


def test_answers_are_offered_once_and_the_chosen_one_stays_readable(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.answering = lambda text: [
        {"text": "Which?", "buttons": [{"title": "The first", "payload": "/choose{1}"}]}
        if text == "hello"
        else {"text": f"Chosen: {text}"}
    ]
    visitor.open().say("hello").choose("The first").sees("Chosen: /choose{1}")
    assert visitor.texts() == ["hello", "Which?", "The first", "Chosen: /choose{1}"]
    expect(visitor.log.get_by_role("button", name="The first")).to_have_count(0)
    sent = clinic.received[-1]
    assert (sent["payload"], sent["title"]) == ("/choose{1}", "The first")
    assert visitor.focused() == "text"


def test_formatting_links_and_source(visitor: Visitor, clinic: FakeClinic) -> None:
    text = (
        "Massage goes **alongside** care.\n\n- one\n- two\n\nWrite to mailto:hello@example.com, "
        "see https://example.com/a?b=1. Call 416-555-0142 or 911."
    )
    source = {"label": "From our article: When is massage recommended?"}
    clinic.answering = lambda _: [{"text": text, "source": source}]
    bubble = visitor.open().say("hello").theirs.locator(".bubble")
    expect(bubble.locator("strong")).to_have_text("alongside")
    assert bubble.locator("li").all_inner_texts() == ["one", "two"]
    links = {
        link.inner_text(): link.get_attribute("href") for link in bubble.get_by_role("link").all()
    }
    assert links == {
        "hello@example.com": "mailto:hello@example.com",
        "https://example.com/a?b=1": "https://example.com/a?b=1",
        "416-555-0142": "tel:4165550142",
        "911": "tel:911",
    }
    expect(bubble.locator(".source")).to_have_text(source["label"])


def test_an_emergency_stands_out_and_stays_in_view(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda text: [
        {"text": EMERGENCY, "kind": "emergency"} if text == "numb" else {"text": "More. " * 200}
    ]
    visitor.open().say("numb")
    message = visitor.log.locator(".emergency")
    expect(message).to_contain_text("Emergency")
    expect(message.locator("svg").first).to_be_visible()
    call = message.get_by_role("link", name="Call 911")
    expect(call).to_have_attribute("href", "tel:911")
    # Nothing stands above it while it can be read itself.
    expect(call).to_be_in_viewport()
    expect(visitor.panel.get_by_role("link", name="Call 911")).to_have_count(1)
    for number in range(3):
        visitor.say(f"and another {number}")
        expect(visitor.theirs).to_have_count(number + 2)
    pinned = visitor.panel.get_by_role("region", name="Emergency")
    expect(pinned).to_be_in_viewport()
    expect(pinned).to_contain_text("go to the nearest emergency department")
    expect(pinned.get_by_role("link", name="Call 911")).to_have_attribute("href", "tel:911")
    expect(message).not_to_be_in_viewport()
    pinned.get_by_role("button", name="Show the message").click()
    expect(message).to_be_in_viewport()
    expect(pinned).to_have_count(0)
    expect(call).to_be_in_viewport()


def test_a_crisis_line_is_called_by_its_own_number(visitor: Visitor, clinic: FakeClinic) -> None:
    text = "You can call or text 988 at any hour. In danger, call 911."
    clinic.answering = lambda _: [{"text": text, "kind": "emergency"}]
    visitor.open().say("hello")
    calls = visitor.log.locator(".emergency .calls a")
    expect(calls).to_have_count(2)
    clinic.answering = lambda _: [{"text": "More. " * 400}]
    visitor.say("and then")
    expect(visitor.theirs).to_have_count(2)
    assert calls.all_inner_texts() == ["Call 988", "Call 911"]
    pinned = visitor.panel.get_by_role("region", name="Emergency")
    expect(pinned.get_by_role("link", name="Call 988")).to_be_visible()


def test_a_booking_is_a_card_with_a_calendar_file(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [{"text": "Requested.", "card": BOOKING}]
    card = visitor.open().say("book").log.get_by_role("region", name="Appointment request")
    expect(card).to_contain_text("GY3CF7")
    expect(card).to_contain_text("60-minute massage therapy")
    expect(card).to_contain_text("Thursday, December 3")
    expect(card).to_contain_text("EST")
    expect(card).to_contain_text("Requested, not confirmed yet")
    with visitor.page.expect_download() as started:
        card.get_by_role("button", name="Add to calendar").click()
    assert started.value.suggested_filename == "appointment.ics"
    with open(started.value.path(), "rb") as file:
        assert file.read().decode() == BOOKING["ics"]
    assert ["clinic-chat:booking-requested", "null"] in visitor.heard()


SUMMARY = (
    "Here is your request for the clinic:\nTime: Thursday, December 3, 5 pm\n"
    "Name: Priya\nNote: none: really\n\nBy sending it you agree. Shall I send it?"
)


def test_what_is_to_be_confirmed_is_read_back_as_a_card(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    send = [{"title": "Send request", "payload": "/affirm"}]
    clinic.answering = lambda _: [{"text": SUMMARY, "kind": "summary", "buttons": send}]
    card = visitor.open().say("book").theirs.locator(".card")
    expect(card.locator("dt")).to_have_text(["Time", "Name", "Note"])
    expect(card.locator("dd")).to_have_text(["Thursday, December 3, 5 pm", "Priya", "none: really"])
    before, after = visitor.theirs.locator(".text > p").all_inner_texts()
    assert before == "Here is your request for the clinic:"
    assert after == "By sending it you agree. Shall I send it?"
    # A question with a colon in it is no card, nor is anything that is not to be confirmed.
    clinic.answering = lambda _: [
        {"text": "Yes or no: shall I send it?", "kind": "summary"},
        {"text": SUMMARY},
    ]
    visitor.say("and?")
    expect(visitor.theirs).to_have_count(3)
    expect(visitor.theirs.locator(".card")).to_have_count(1)


@pytest.mark.parametrize("status", ["confirmed", "declined", "cancelled", "changed", "expired"])
def test_what_the_clinic_decides_is_no_new_request(
    visitor: Visitor, clinic: FakeClinic, status: str
) -> None:
    clinic.answering = lambda _: [{"text": "News.", "card": {**BOOKING, "status": status}}]
    visitor.open().say("well?").sees("News.")
    assert not [name for name, _ in visitor.heard() if "booking" in name]


def test_a_request_is_counted_once_in_all_tabs_and_pages(
    visitor: Visitor, new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    other = new_visitor(context=visitor.context).visit()
    other.open().sees("You wrote: hello")
    clinic.answering = lambda _: [{"text": "Requested.", "card": BOOKING}]
    visitor.say("book").sees("Requested.")
    other.sees("Requested.")
    visitor.say("and now?")
    expect(visitor.log.get_by_text("Requested.", exact=True)).to_have_count(2)
    events = [*visitor.heard(), *other.heard()]
    visitor.page.reload()
    visitor.say("and here?")
    expect(visitor.log.get_by_text("Requested.", exact=True)).to_have_count(3)
    events += visitor.heard()
    assert [name for name, _ in events].count("clinic-chat:booking-requested") == 1


def test_thumbs_up_and_down_with_a_reason(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [{"text": "An answer.", "rateable": True}]
    visitor.open().say("one")
    visitor.log.get_by_role("button", name="This helped").click()
    visitor.sees("Thank you for telling us.")
    visitor.say("two")
    expect(visitor.log.get_by_text("An answer.")).to_have_count(2)
    visitor.log.get_by_role("button", name="This did not help").last.click()
    reason = visitor.log.get_by_label("What was missing or wrong?")
    expect(reason).to_be_focused()
    reason.fill("too long")
    reason.press("Enter")
    expect(visitor.log.get_by_text("Thank you for telling us.")).to_have_count(2)
    answers = [m["id"] for m in clinic.talk.messages if m["from"] == "assistant"]
    assert clinic.feedback == [
        {"message_id": answers[0], "value": "up"},
        {"message_id": answers[1], "value": "down"},
        {"message_id": answers[1], "value": "down", "reason": "too long"},
    ]


def test_a_thumb_pressed_again_is_taken_back(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [{"text": "An answer.", "rateable": True}]
    visitor.open().say("one").listen()
    up = visitor.log.get_by_role("button", name="This helped")
    down = visitor.log.get_by_role("button", name="This did not help")
    up.press("Enter")
    expect(up).to_have_attribute("aria-pressed", "true")
    visitor.page.reload()
    expect(up).to_have_attribute("aria-pressed", "true")
    visitor.listen()
    up.press("Enter")
    expect(up).to_have_attribute("aria-pressed", "false")
    expect(up).to_be_focused()
    expect(visitor.log.get_by_text("Thank you for telling us.")).to_have_count(0)
    down.press("Enter")
    visitor.log.get_by_role("button", name="Skip").click()
    expect(down).to_have_attribute("aria-pressed", "true")
    up.click()
    expect(down).to_have_attribute("aria-pressed", "false")
    assert [one["value"] for one in clinic.feedback] == ["up", "none", "down", "up"]
    visitor.until("window.announced.some(one => one.includes('Taken back.'))")


def test_a_thumb_that_does_not_arrive_is_not_thanked_for(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.answering = lambda _: [{"text": "An answer.", "rateable": True}]
    visitor.open().say("one").sees("An answer.").listen()
    clinic.refuses = {"feedback"}
    visitor.log.get_by_role("button", name="This helped").click()
    expect(visitor.theirs).to_contain_text("That did not work just now.")
    visitor.until("window.announced.some(one => one.includes('That did not work just now.'))")
    clinic.refuses = set()
    visitor.log.get_by_role("button", name="This did not help").click()
    reason = visitor.log.get_by_label("What was missing or wrong?")
    reason.fill("too long")
    clinic.refuses = {"feedback"}
    reason.press("Enter")
    expect(visitor.theirs).to_contain_text("That did not work just now.")
    expect(reason).to_have_value("too long")
    clinic.refuses = set()
    reason.press("Enter")
    visitor.sees("Thank you for telling us.")
    expect(visitor.theirs).not_to_contain_text("That did not work just now.")
    assert clinic.feedback[-1]["reason"] == "too long"


def test_a_copy_has_all_of_an_appointment(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.answering = lambda _: [{"text": "Requested.", "card": BOOKING}]
    visitor.open().say("book").sees("GY3CF7")
    with visitor.page.expect_download() as started:
        visitor.menu("Get a copy")
    with open(started.value.path(), encoding="utf-8") as file:
        copy = file.read()
    assert "Reference: GY3CF7\nWhen: Thursday, December 3" in copy
    for line in (
        "What: 60-minute massage therapy",
        "With: Natalie Yeo",
        "Where: 12 Sorrel Lane, Suite 3, Toronto",
        "Status: Requested, not confirmed yet",
    ):
        assert line in copy


def test_without_the_conversation_there_is_no_copy(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    saved: list[object] = []
    visitor.page.on("download", lambda download: saved.append(download))
    clinic.refusal = "server_busy"
    visitor.page.reload()
    visitor.menu("Get a copy").sees("The copy could not be made just now.")
    assert saved == []
    clinic.refusal = ""
    visitor.sees("You wrote: hello")
    with visitor.page.expect_download():
        visitor.menu("Get a copy")
    expect(visitor.log.get_by_text("The copy could not be made")).to_have_count(0)


def test_a_copy_holds_the_whole_conversation(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("first of all").sees("You wrote: first of all")
    for number in range(70):
        clinic.push(text=f"**Number** {number}")
    visitor.sees("Number 69").page.reload()
    visitor.sees("Number 69")
    assert "Number 3" not in visitor.texts()
    with visitor.page.expect_download() as started:
        visitor.menu("Get a copy")
    assert started.value.suggested_filename == "chat.txt"
    with open(started.value.path(), encoding="utf-8") as file:
        copy = file.read()
    assert copy.startswith("Chat with Sorrel Lane Massage Therapy\n")
    assert copy.index("You:\nfirst of all") < copy.index("You wrote: first of all")
    assert [f"Number {number}\n" in copy for number in range(70)] == [True] * 70


def test_half_a_copy_is_none(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("first of all").sees("You wrote: first of all")
    for number in range(70):
        clinic.push(text=f"Number {number}.")
    visitor.sees("Number 69.").page.reload()
    visitor.sees("Number 69.")
    saved: list[object] = []
    visitor.page.on("download", lambda download: saved.append(download))
    clinic.refuses = {"history"}
    visitor.menu("Get a copy").sees("The copy could not be made just now.")
    assert saved == []
    clinic.refuses = set()
    with visitor.page.expect_download():
        visitor.menu("Get a copy")


def test_earlier_messages_are_fetched_when_asked_for(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    for number in range(60):
        clinic.push(text=f"Number {number}.")
    visitor.sees("Number 59.").page.reload()
    visitor.sees("Number 59.")
    expect(visitor.messages).to_have_count(50)
    visitor.log.get_by_role("button", name="Earlier messages").click()
    expect(visitor.messages).to_have_count(62)
    assert visitor.texts()[:2] == ["hello", "You wrote: hello"]


def test_deleting_removes_everything_and_says_so(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("my secret").sees("You wrote: my secret")
    visitor.menu("Delete my chat").sees("cannot be brought back")
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("Your chat has been deleted, here and at the clinic.")
    expect(visitor.messages).to_have_count(0)
    assert all(not talk.messages for talk in clinic.conversations)
    assert "secret" not in visitor.page.evaluate("JSON.stringify(sessionStorage)")
    visitor.say("and again").sees("You wrote: and again")
    assert visitor.texts() == ["and again", "You wrote: and again"]


def test_a_deletion_that_fails_is_not_called_one(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.deletes = False
    clinic.not_deleted = {"ok": False}
    visitor.open().say("hello").sees("You wrote: hello")
    visitor.menu("Delete my chat")
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("could not be deleted")
    # The clinic has a reason of its own.
    kept = {"code": "record_kept", "message": "It is part of your {health} record."}
    clinic.not_deleted = {"ok": False, "error": kept}
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("It is part of your {health} record.")
    visitor.panel.get_by_role("button", name="Cancel").click()
    assert visitor.texts() == ["hello", "You wrote: hello"]


def test_a_deletion_that_takes_long_is_waited_for(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    visitor.visit().open().say("hello").sees("You wrote: hello")
    clinic.deleting = threading.Event()
    visitor.menu("Delete my chat")
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.page.clock.fast_forward(40_000)
    expect(visitor.panel.get_by_text("could not be deleted")).to_have_count(0)
    clinic.deleting.set()
    visitor.sees("Your chat has been deleted, here and at the clinic.")
    expect(visitor.field).to_be_visible()


def test_what_is_deleted_in_the_end_is_not_left_as_failed(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.deletes = False
    visitor.open().say("hello").sees("You wrote: hello")
    visitor.menu("Delete my chat")
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("Not now.")
    clinic.emit("deleted", {})
    visitor.sees("Your chat has been deleted, here and at the clinic.")
    expect(visitor.field).to_be_visible()
    expect(visitor.panel.get_by_text("Not now.")).to_have_count(0)


def test_who_would_rather_not_is_offered_nothing_to_delete(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().panel.get_by_role("button", name="I would rather not").click()
    visitor.sees("Nothing is stored.")
    visitor.panel.get_by_role("button", name="More", exact=True).click()
    expect(visitor.panel.get_by_role("link", name="Privacy")).to_be_visible()
    for item in ("Get a copy", "Start again", "Delete my chat"):
        expect(visitor.panel.get_by_role("button", name=item)).to_have_count(0)


def test_start_again(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    visitor.menu("Start again")
    visitor.panel.get_by_role("button", name="Start again", exact=True).last.click()
    expect(visitor.messages).to_have_count(0)
    visitor.say("a new one").sees("You wrote: a new one")
    expect(visitor.log.locator(".note")).to_have_count(0)
    assert visitor.texts() == ["a new one", "You wrote: a new one"]
    assert [len(talk.messages) for talk in clinic.conversations] == [2, 2]


def test_what_cannot_be_started_again_stays(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.refuses = {"restart"}
    visitor.open().say("hello").sees("You wrote: hello")
    visitor.menu("Start again")
    visitor.panel.get_by_role("button", name="Start again", exact=True).last.click()
    visitor.sees("That did not work just now.")
    visitor.panel.get_by_role("button", name="Cancel").click()
    assert visitor.texts() == ["hello", "You wrote: hello"]


def test_a_chat_goes_on_in_an_app(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.apps = ["telegram", "sms"]
    clinic.refuses = {"link"}
    visitor.open().say("hello").sees("You wrote: hello")
    visitor.menu("Continue in an app").sees("Your messages move with you.")
    expect(visitor.panel.get_by_role("button", name="Text messages")).to_be_visible()
    telegram = visitor.panel.get_by_role("button", name="Telegram")
    telegram.press("Enter")
    visitor.sees("No link could be made just now.")
    clinic.refuses = set()
    telegram.press("Enter")
    link = visitor.panel.get_by_role("link", name="Open the app")
    expect(link).to_be_focused()
    expect(link).to_have_attribute("href", "https://chat.example.com/telegram")
    visitor.sees("This link works once, until 3:15")
    visitor.page.keyboard.press("Escape")
    assert visitor.texts() == ["hello", "You wrote: hello"]


def test_without_apps_nothing_is_said_of_them(visitor: Visitor) -> None:
    visitor.open().panel.get_by_role("button", name="More", exact=True).click()
    expect(visitor.panel.get_by_role("button", name="Get a copy")).to_be_visible()
    expect(visitor.panel.get_by_role("button", name="Continue in an app")).to_have_count(0)


def test_a_person_joins_and_leaves(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    speaker = visitor.panel.locator("#speaker")
    expect(speaker).to_have_text("Automated assistant")
    clinic.emit("handoff", {"state": "requested"})
    visitor.sees("We have asked someone at the clinic to join")
    clinic.emit("handoff", {"state": "joined", "name": "Natalie"})
    visitor.sees("Natalie from the clinic has joined.")
    expect(speaker).to_have_text("Natalie, from the clinic")
    clinic.push(text="Hello, this is Natalie.", name="Natalie", **{"from": "person"})
    expect(visitor.theirs.last.locator(".meta")).to_contain_text("Natalie")
    clinic.emit("handoff", {"state": "left"})
    expect(speaker).to_have_text("Automated assistant")


def test_typing_is_shown_until_the_answer(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.types, clinic.answers = True, False
    visitor.open().say("hello")
    expect(visitor.log.locator(".typing")).to_be_visible()
    clinic.push(text="Here it is.")
    expect(visitor.log.locator(".typing")).to_have_count(0)


def test_messages_while_closed_are_counted(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("hello").sees("You wrote: hello")
    visitor.panel.get_by_role("button", name="Minimise the chat").click()
    clinic.push(text="One.")
    clinic.push(text="Two.")
    expect(visitor.chat.locator(".badge")).to_have_text("2")
    name = "Chat with us 2 new messages"
    expect(visitor.page.get_by_role("button", name=name)).to_be_visible()
    visitor.open()
    expect(visitor.chat.locator(".badge")).to_have_count(0)
    visitor.sees("Two.")
    assert clinic.shown[-1] == clinic.talk.last_seq


def test_what_nobody_has_seen_is_not_reported_as_shown(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    def two_more() -> None:
        there = visitor.chat.locator(".message")  # also under a cover
        count = there.count()
        clinic.push(text="One more.")
        clinic.push(text="And another.")
        expect(there).to_have_count(count + 2)

    def reported(seq: int) -> None:
        visitor.until_it(lambda: clinic.shown[-1] == seq, f"{seq} is reported as shown")

    def tab(state: str) -> None:
        visitor.page.evaluate(
            """state => {
              const value = { value: state, configurable: true };
              Object.defineProperty(document, "visibilityState", value);
              document.dispatchEvent(new Event("visibilitychange"));
            }""",
            state,
        )

    clinic.answering = lambda text: [{"text": f"{text}\n\n" + "Long. " * 400}]
    visitor.open().say("one").sees("Long.")
    reported(2)
    visitor.menu("Delete my chat").sees("cannot be brought back")
    two_more()
    visitor.panel.get_by_role("button", name="Cancel").click()
    reported(4)
    visitor.log.evaluate("log => (log.scrollTop = 0)")
    expect(visitor.panel.locator("#notice")).to_be_in_viewport()
    two_more()
    visitor.panel.get_by_role("button", name="New messages").click()
    reported(6)
    tab("hidden")
    two_more()
    tab("visible")
    reported(8)
    assert [seq for seq in clinic.shown if seq > 1] == [2, 4, 6, 8]


def test_a_long_text_is_refused_before_it_is_sent(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().sees("Before you write")
    visitor.say("x" * 2001).sees("Your message has 2001 characters. At most 2000 are possible.")
    assert clinic.received == []
    expect(visitor.field).to_have_value("x" * 2001)
    visitor.say("y" * 1990)
    visitor.sees("You wrote: yyy")


def test_characters_are_counted_as_the_server_counts_them(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().say("\U0001f469" * 1_990)
    visitor.sees("You wrote: ")
    assert clinic.received[0]["text"] == "\U0001f469" * 1_990
    visitor.say("\U0001f469" * 2_001)
    visitor.sees("Your message has 2001 characters. At most 2000 are possible.")


def test_the_field_grows_with_the_text_and_shrinks_again(visitor: Visitor) -> None:
    visitor.open()
    # The panel slides in.
    visitor.panel.evaluate("panel => Promise.all(panel.getAnimations().map(one => one.finished))")
    low = visitor.field.bounding_box()
    visitor.field.fill("one\ntwo\nthree\nfour")
    high = visitor.field.bounding_box()
    assert low is not None
    assert high is not None
    assert high["height"] > low["height"] + 60
    visitor.field.press("Enter")
    expect(visitor.mine).to_have_count(1)
    assert visitor.field.bounding_box() == pytest.approx(low, abs=0.5)


def test_an_invitation_comes_once_and_only_when_asked_for(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    visitor.visit(attributes='invite-after="30"')
    invitation = visitor.chat.locator(".invitation")
    visitor.page.clock.fast_forward(10_000)
    expect(invitation).to_have_count(0)
    visitor.page.clock.fast_forward(21_000)
    expect(invitation).to_be_visible()
    visitor.page.get_by_role("button", name="Hide this").click()
    visitor.page.reload()
    visitor.page.clock.fast_forward(60_000)
    expect(invitation).to_have_count(0)


def test_the_header_says_whose_chat_it_is(visitor: Visitor) -> None:
    visitor.open()
    expect(visitor.panel.get_by_role("heading", name="Sorrel Lane Massage Therapy")).to_be_visible()
    expect(visitor.page.get_by_role("dialog", name="Sorrel Lane Massage Therapy")).to_be_visible()


def test_each_message_has_its_time_and_each_day_a_line(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install(time="2026-11-23T15:00:00Z")
    visitor.visit().open().say("hello").sees("You wrote: hello")
    for at, text in (
        ("2026-11-20T14:05:00.000Z", "Friday's."),
        ("2026-11-22T23:30:00.000Z", "Yesterday's."),
        ("2026-11-23T04:30:00.000Z", "Late yesterday's, in Toronto."),
        ("2026-11-23T14:05:00.000Z", "Today's."),
    ):
        clinic.talk.add(text=text, at=at)
    clinic.talk.messages[:2] = []
    visitor.page.reload()
    visitor.sees("Today's.")
    expect(visitor.log.locator(".day")).to_have_text(["Friday, November 20", "Yesterday", "Today"])
    times = visitor.theirs.locator("time")
    expect(times).to_have_text(["9:05 AM", "11:30 PM", "9:05 AM"])
    assert times.first.get_attribute("datetime") == "2026-11-20T14:05:00.000Z"
    expect(times.first).to_have_attribute("title", "Nov 20, 2026, 9:05 AM")


STYLED = """
clinic-chat {
  --clinic-chat-accent: rgb(91, 42, 134); --clinic-chat-radius: 3px; --clinic-chat-width: 350px;
  --clinic-chat-accent-dark: rgb(200, 180, 255); --clinic-chat-inline: 50px;
  --clinic-chat-font: monospace; --clinic-chat-page: rgb(1, 2, 3);
}
clinic-chat::part(launcher) { border-color: rgb(0, 0, 255); }
clinic-chat::part(message-mine) { outline: 2px solid rgb(0, 128, 0); }
"""


def style(part: Locator, name: str) -> str:
    found: str = part.evaluate("(part, name) => getComputedStyle(part)[name]", name)
    return found


def test_the_page_can_style_it(visitor: Visitor) -> None:
    visitor.page.evaluate(
        "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); "
        "document.adoptedStyleSheets = [sheet]; }",
        STYLED,
    )
    visitor.open().say("hello").sees("You wrote: hello")
    assert style(visitor.launcher, "backgroundColor") == "rgb(91, 42, 134)"
    assert style(visitor.launcher, "borderTopColor") == "rgb(0, 0, 255)"
    assert style(visitor.panel, "borderTopLeftRadius") == "3px"
    assert style(visitor.panel, "width") == "350px"
    assert style(visitor.panel, "backgroundColor") == "rgb(1, 2, 3)"
    assert style(visitor.panel, "fontFamily") == "monospace"
    assert style(visitor.mine.first, "outlineColor") == "rgb(0, 128, 0)"
    box = visitor.launcher.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] == pytest.approx(DESKTOP["viewport"]["width"] - 50)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("theme", ["", "light", "dark"])
def test_the_theme_of_the_page_goes_before_the_systems(
    new_visitor: NewVisitor, system: str, theme: str
) -> None:
    visitor = new_visitor(color_scheme=system).visit(attributes=f'theme="{theme}"' if theme else "")
    expected = {"light": "rgb(20, 97, 90)", "dark": "rgb(124, 199, 187)"}[theme or system]
    assert style(visitor.launcher, "backgroundColor") == expected
    assert style(visitor.chat, "colorScheme") == (theme or system)


def test_every_part_and_property_of_the_documentation_is_there() -> None:
    text = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "widget/src").rglob("*.ts")]
    source = "\n".join(sources)
    (listed,) = re.findall(r"the parts (.*?)can be styled", text, re.DOTALL)
    parts = {name for value in re.findall(r'part="([\w -]+)', source) for name in value.split()}
    kinds = {"message-mine", "message-theirs"}
    kinds |= {"message-emergency", "message-urgent", "message-check"}
    assert set(re.findall(r"`([\w-]+)`", listed)) == parts | kinds
    known = {name.removesuffix("-dark") for name in re.findall(r"--clinic-chat-[a-z-]+", source)}
    assert set(re.findall(r"`(--clinic-chat-[a-z-]+)`", text)) == known


def test_the_page_can_open_close_and_suggest_and_hears_of_it(visitor: Visitor) -> None:
    visitor.page.evaluate("document.querySelector('clinic-chat').toggle()")
    expect(visitor.panel).to_be_visible()
    visitor.page.evaluate("document.querySelector('clinic-chat').toggle()")
    expect(visitor.panel).to_be_hidden()
    visitor.page.evaluate("window.heard.length = 0")
    visitor.page.evaluate("document.querySelector('clinic-chat').open()")
    expect(visitor.panel).to_be_visible()
    visitor.page.evaluate("document.querySelector('clinic-chat').close()")
    expect(visitor.panel).to_be_hidden()
    visitor.page.evaluate("document.querySelector('clinic-chat').suggest('Does it hurt?')")
    expect(visitor.field).to_have_value("Does it hurt?")
    visitor.field.press("Enter")
    visitor.sees("You wrote: Does it hurt?")
    names = [name for name, detail in visitor.heard()]
    assert names == ["open", "close", "open", "send"]
    assert {detail for name, detail in visitor.heard()} == {"null"}


def test_what_is_suggested_leaves_what_the_patient_is_writing(visitor: Visitor) -> None:
    suggest = "document.querySelector('clinic-chat').suggest('I want to book')"
    visitor.open().field.fill("My back hurts")
    visitor.page.locator("#page-button").focus()
    for _ in range(2):
        visitor.page.evaluate(suggest)
        expect(visitor.field).to_have_value("My back hurts\nI want to book")
        expect(visitor.field).to_be_focused()
    visitor.page.reload()
    expect(visitor.field).to_have_value("My back hurts\nI want to book")
    visitor.field.fill("")
    # Over whatever the window shows.
    visitor.panel.get_by_role("button", name="I would rather not").click()
    visitor.sees("Nothing is stored.").page.evaluate(suggest)
    expect(visitor.field).to_have_value("I want to book")
    visitor.menu("Delete my chat").sees("cannot be brought back")
    visitor.panel.get_by_role("button", name="Minimise the chat").click()
    visitor.page.evaluate(suggest)
    expect(visitor.field).to_be_focused()
    visitor.field.press("Enter")
    visitor.sees("You wrote: I want to book")


def test_on_a_phone_the_window_takes_the_screen_and_leaves_room_for_the_keyboard(
    new_visitor: NewVisitor,
) -> None:
    visitor = new_visitor(**PHONE).visit()
    visitor.launcher.tap()
    # It slides in.
    visitor.panel.evaluate("panel => Promise.all(panel.getAnimations().map(one => one.finished))")
    box = visitor.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    # No keyboard before the patient wants to write.
    assert visitor.focused() == "title"
    visitor.page.evaluate(
        """() => {
          const view = window.visualViewport;
          Object.defineProperty(view, "height", { value: 420, configurable: true });
          view.dispatchEvent(new Event("resize"));
        }"""
    )
    box = visitor.panel.bounding_box()
    assert box is not None
    assert box["height"] == 420
    expect(visitor.field).to_be_in_viewport()
    field = visitor.field.bounding_box()
    assert field is not None
    assert field["y"] + field["height"] <= 420


@pytest.mark.parametrize("dir_", ["ltr", "rtl"])
def test_on_a_phone_it_takes_the_screen_wherever_the_button_stands(
    new_visitor: NewVisitor, dir_: str
) -> None:
    phone = new_visitor(**PHONE, reduced_motion="reduce")
    visitor = phone.visit(dir=dir_, attributes='position="start"')
    visitor.launcher.tap()
    expect(visitor.panel).to_be_visible()
    assert visitor.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}


def test_french_from_the_page_or_from_the_element(new_visitor: NewVisitor) -> None:
    visitor = new_visitor().visit(lang="fr")
    visitor.page.get_by_role("button", name="Clavarder avec nous").click()
    expect(visitor.panel.locator("#notice")).to_contain_text("assistant automatisé")
    other = new_visitor().visit(attributes='lang="fr-CA"')
    expect(other.page.get_by_role("button", name="Clavarder avec nous")).to_be_visible()


@pytest.mark.parametrize("dir_", ["ltr", "rtl"])
def test_the_button_stands_at_the_end_of_the_line(new_visitor: NewVisitor, dir_: str) -> None:
    visitor = new_visitor().visit(dir=dir_)
    box = visitor.launcher.bounding_box()
    assert box is not None
    assert (box["x"] > 550) == (dir_ == "ltr")
    attributes = 'position="start" invite-after="0.01"'
    other = new_visitor(reduced_motion="reduce").visit(dir=dir_, attributes=attributes)
    boxes = [other.chat.locator(".invitation").bounding_box(), other.launcher.bounding_box()]
    for box in [*boxes, other.open().panel.bounding_box()]:
        assert box is not None
        right = DESKTOP["viewport"]["width"] - box["x"] - box["width"]
        assert (box["x"] if dir_ == "ltr" else right) == pytest.approx(20)
