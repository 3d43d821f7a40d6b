"""The network fails, the server is killed, the page is left: nothing is lost or said twice."""

from __future__ import annotations

import re

import pytest
from fake_clinic import BOOKING, FakeClinic
from playwright.sync_api import WebSocket, WebSocketRoute, expect
from widget_visitor import NewVisitor, Visitor


class Line:
    """One tab's line to the server, which can be cut while other tabs keep theirs."""

    def __init__(self, visitor: Visitor) -> None:
        self._page = visitor.page
        self._whole = True
        self._open: list[WebSocketRoute] = []
        address = re.compile("/chat/socket.io/")
        visitor.page.route_web_socket(address, self._connect)
        visitor.page.route(
            address, lambda route: route.continue_() if self._whole else route.abort()
        )

    def _connect(self, socket: WebSocketRoute) -> None:
        if not self._whole:
            socket.close()
            return
        socket.connect_to_server()
        self._open.append(socket)

    def tell(self, frame: str) -> None:
        """Sends the page what no server of ours would."""
        self._open[-1].send(frame)

    def cut(self) -> None:
        """Ends what is open and lets nothing through."""
        self._whole = False
        for socket in self._open:
            socket.close()

    def mend(self) -> None:
        """Lets everything through again, of which the browser tells the page."""
        self._whole = True
        self._page.evaluate("dispatchEvent(new Event('online'))")


def come(visitor: Visitor, clinic: FakeClinic, times: int) -> None:
    """Waits until so many messages have come to the server."""
    visitor.until_it(lambda: len(clinic.received) >= times, f"{times} messages have come")


def let_in(visitor: Visitor, clinic: FakeClinic, times: int) -> None:
    """Waits until the server has let windows in so many times."""
    visitor.until_it(lambda: len(clinic.handshakes) >= times, f"{times} windows were let in")


def test_what_is_written_without_a_connection_is_sent_once_it_is_back(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().say("one").sees("You wrote: one")
    clinic.stop()
    bar = visitor.panel.locator(".bar")
    expect(bar).to_contain_text("No connection. Your messages are kept")
    expect(bar.get_by_role("link", name="416-555-0142")).to_be_visible()
    visitor.say("two").say("three")
    expect(visitor.mine.locator(".delivery")).to_have_text(
        ["Sent", "Waits for the connection", "Waits for the connection"]
    )
    clinic.start()
    visitor.sees("You wrote: three")
    expect(bar).to_have_count(0)
    assert [message["text"] for message in clinic.received] == ["one", "two", "three"]
    assert visitor.texts() == [
        *("one", "You wrote: one", "two", "You wrote: two", "three", "You wrote: three")
    ]


def test_the_browser_is_offline(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("one").sees("You wrote: one")
    clinic.stop()
    visitor.context.set_offline(True)
    clinic.start()
    expect(visitor.panel.locator(".bar")).to_contain_text("No connection")
    visitor.say("two")
    expect(visitor.mine.last.locator(".delivery")).to_have_text("Waits for the connection")
    visitor.context.set_offline(False)
    visitor.sees("You wrote: two")
    assert len(clinic.received) == 2


def test_a_server_killed_before_it_answers(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().say("one").sees("You wrote: one")
    clinic.answers = False
    visitor.say("two")
    expect(visitor.mine.last.locator(".delivery")).to_have_text("Sent")
    clinic.stop()
    expect(visitor.panel.locator(".bar")).to_be_visible()
    # The answer was stored while nobody was there to get it.
    clinic.talk.add(text="The late answer.")
    clinic.start()
    visitor.sees("The late answer.")
    assert visitor.texts() == ["one", "You wrote: one", "two", "The late answer."]


def test_a_server_killed_before_it_acknowledges(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.acknowledges = False
    visitor.open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sending")
    clinic.stop()
    expect(visitor.mine.locator(".delivery")).to_have_text("Waits for the connection")
    clinic.acknowledges = True
    clinic.start()
    visitor.sees("You wrote: one")
    assert len({message["id"] for message in clinic.received}) == 1
    assert visitor.texts() == ["one", "You wrote: one"]


def test_a_message_that_was_stored_but_not_acknowledged_is_not_said_twice(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.acknowledges = False
    visitor.open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sending")
    clinic.stop()
    sent = clinic.received[0]
    clinic.talk.add(id=sent["id"], text=sent["text"], **{"from": "patient"})
    clinic.talk.add(text="Answered meanwhile.", in_reply_to=sent["id"])
    clinic.acknowledges = True
    clinic.start()
    visitor.sees("Answered meanwhile.")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    visitor.say("two").sees("You wrote: two")
    assert visitor.texts() == ["one", "Answered meanwhile.", "two", "You wrote: two"]


def test_a_message_that_was_refused_and_is_there_all_the_same_is_sent(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    """The database took it, and the server did not hear of that."""
    visitor.open().say("one").sees("You wrote: one")
    clinic.rejections = [{"code": "too_fast", "message": "Wait.", "retry_after": 60}]
    visitor.say("two").sees("Your message is sent in a moment.")
    clinic.push(id=clinic.received[-1]["id"], text="two", **{"from": "patient"})
    expect(visitor.mine.locator(".delivery")).to_have_text(["Sent", "Sent"])
    expect(visitor.mine.last.locator(".quiet")).to_have_count(0)
    assert visitor.texts() == ["one", "You wrote: one", "two"]


def test_what_comes_back_while_it_is_being_sent_is_sent(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    """A database that stood still stores all at once what was sent three times."""
    visitor = new_visitor()
    visitor.page.clock.install()
    visitor.visit().open().say("one").sees("You wrote: one")
    clinic.acknowledges = False
    visitor.say("two")
    for times in (2, 3, 4):
        come(visitor, clinic, times)
        if times == 4:
            sent = clinic.received[-1]
            clinic.push(id=sent["id"], text="two", **{"from": "patient"})
            expect(visitor.mine.last.locator(".delivery")).to_have_text("Sent")
        visitor.page.clock.fast_forward(8_100)
    clinic.acknowledges = True
    visitor.say("three").sees("You wrote: three")
    expect(visitor.mine.locator(".delivery")).to_have_text(["Sent"] * 3)
    expect(visitor.mine.locator(".failure")).to_have_count(0)


def test_a_refused_message_says_why_and_can_be_sent_again_or_removed(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.rejections = [
        {"code": "bad_message", "message": "This message could not be read."},
        {"code": "bad_message", "message": "This message could not be read."},
    ]
    visitor.open().say("one").sees("This message could not be read.")
    expect(visitor.mine).to_contain_text("Not sent")
    visitor.say("two").sees("This message could not be read.")
    visitor.mine.first.get_by_role("button", name="Try again").click()
    visitor.sees("You wrote: one")
    visitor.mine.last.get_by_role("button", name="Remove").click()
    expect(visitor.mine).to_have_count(1)
    assert visitor.texts() == ["one", "You wrote: one"]


def test_what_is_too_large_for_the_server_is_said_to_be_and_not_sent_again(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.acknowledges = False
    visitor.open().say("one")
    come(visitor, clinic, 1)
    talk = clinic.conversations[0]
    clinic.emit("error", {"code": "too_large", "message": "Please send less at once."}, talk)
    expect(visitor.mine).to_contain_text("Not sent. Please send less at once.")
    clinic.acknowledges = True
    clinic.stop()
    clinic.start()
    visitor.say("two").sees("You wrote: two")
    assert [message["text"] for message in clinic.received] == ["one", "two"]


def test_without_any_acknowledgement_the_patient_is_asked(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.acknowledges = False
    visitor.visit().open().say("one")
    for times in (1, 2, 3):
        come(visitor, clinic, times)
        visitor.page.clock.fast_forward(8_100)
    visitor.sees("Not sent")
    # The clinic may have it all the same.
    expect(visitor.mine.get_by_role("button", name="Remove")).to_have_count(0)
    clinic.acknowledges = True
    visitor.mine.get_by_role("button", name="Try again").click()
    visitor.sees("You wrote: one")
    assert visitor.texts() == ["one", "You wrote: one"]


def test_too_fast_is_sent_a_little_later(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.rejections = [{"code": "too_fast", "message": "Wait.", "retry_after": 1}]
    visitor.open().say("one").sees("Your message is sent in a moment.")
    visitor.sees("You wrote: one")
    assert visitor.texts() == ["one", "You wrote: one"]


BUSY = {
    "code": "server_busy",
    "message": "I cannot take your message. Call us at 416-555-0142. In an emergency call 911.",
    "retry_after": 5,
}


def test_what_a_busy_server_says_is_not_called_the_patients_haste(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.rejections = [BUSY] * 3
    visitor.visit().open().listen()
    visitor.say("one").sees("I cannot take your message.")
    for number in ("416-555-0142", "911"):
        expect(visitor.mine.get_by_role("link", name=number)).to_be_visible()
    expect(visitor.mine.locator(".delivery")).to_have_text("Sending")
    expect(visitor.mine).not_to_contain_text("a little fast")
    visitor.until("window.announced.some(one => one.includes('I cannot take your message.'))")
    for times in (2, 3):
        visitor.page.clock.fast_forward(5_100)
        come(visitor, clinic, times)
    slow = visitor.log.locator(".slow")
    expect(slow).to_contain_text("Your message is not sent yet")
    clinic.answers = False
    visitor.page.clock.fast_forward(5_100)
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    expect(slow).to_contain_text("Your message is here")
    expect(visitor.mine).not_to_contain_text("I cannot take your message.")
    heard = [one for one in visitor.announcements() if "I cannot take" in one]
    assert len(heard) == 1


def test_who_writes_on_does_not_shorten_the_time_the_server_asked_for(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.rejections = [{"code": "too_fast", "message": "Wait.", "retry_after": 20}]
    visitor.visit().open().say("one").sees("Your message is sent in a moment.")
    visitor.say("two").say("three")
    visitor.page.clock.fast_forward(15_000)
    news = clinic.push(text="News.")
    # What was sent before has come, too.
    visitor.until_it(lambda: clinic.shown == [news["seq"]], "the news are reported as shown")
    assert [message["text"] for message in clinic.received] == ["one"]
    visitor.page.clock.fast_forward(6_000)
    visitor.sees("You wrote: three")
    assert [one["text"] for one in clinic.received] == ["one", "one", "two", "three"]


def test_after_ten_seconds_without_an_answer_the_number_is_given(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.answers = False
    visitor.visit().open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    slow = visitor.log.locator(".slow")
    visitor.page.clock.fast_forward(4_000)
    expect(slow).to_have_count(0)
    visitor.page.clock.fast_forward(7_000)
    expect(slow).to_contain_text("This takes longer than usual")
    expect(slow.get_by_role("link", name="416-555-0142")).to_have_attribute(
        "href", "tel:4165550142"
    )
    # News of something else is no answer.
    clinic.push(text="Your appointment is confirmed.")
    visitor.sees("Your appointment is confirmed.")
    expect(slow).to_be_visible()
    clinic.push(text="At last.", in_reply_to=clinic.received[0]["id"])
    visitor.sees("At last.")
    expect(slow).to_have_count(0)


def test_news_before_the_time_is_over_is_no_answer(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.answers = False
    visitor.visit().open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    clinic.push(text="From the app.", **{"from": "clinic"})
    visitor.sees("From the app.")
    visitor.page.clock.fast_forward(11_000)
    expect(visitor.log.locator(".slow")).to_be_visible()


@pytest.mark.parametrize("says", [True, False])
def test_what_a_person_was_there_for_waits_for_no_answer_of_the_assistant(
    new_visitor: NewVisitor, clinic: FakeClinic, says: bool
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.answers = False
    visitor.visit().open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    clinic.emit("handoff", {"state": "joined", "name": "Natalie"})
    if says:
        clinic.push(text="Natalie here.", name="Natalie", **{"from": "person"})
    clinic.emit("handoff", {"state": "left"})
    clinic.push(text="Natalie has left the chat.")
    visitor.sees("Natalie has left the chat.")
    visitor.page.clock.fast_forward(11_000)
    expect(visitor.log.locator(".slow")).to_have_count(0)
    visitor.say("two")
    expect(visitor.mine.locator(".delivery")).to_have_text(["Sent", "Sent"])
    visitor.page.clock.fast_forward(11_000)
    expect(visitor.log.locator(".slow")).to_be_visible()


def test_what_the_server_says_about_a_late_answer_is_shown_until_it_comes(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.answers = False
    visitor.open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    text = "I could not answer that. Please call the clinic at 416-555-0142."
    asked = clinic.received[0]["id"]
    clinic.emit("error", {"code": "no_answer", "message": text, "in_reply_to": asked})
    late = visitor.log.locator(".slow")
    expect(late).to_contain_text("I could not answer that.")
    expect(late.get_by_role("link", name="416-555-0142")).to_be_visible()
    clinic.push(text="At last.", in_reply_to=asked)
    visitor.sees("At last.")
    expect(late).to_have_count(0)


def test_written_into_a_conversation_that_was_closed_elsewhere(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().say("one").sees("You wrote: one")
    clinic.conversations.clear()
    clinic.rejections = [{"code": "not_found", "message": "This chat is not here any more."}]
    visitor.say("two").sees("You wrote: two")
    assert visitor.texts() == ["two", "You wrote: two"]
    visitor.sees("Your earlier chat had ended, so this is a new one.")


@pytest.mark.parametrize("keep", ["session", "local"])
def test_a_reload_and_the_next_page_keep_the_conversation(
    new_visitor: NewVisitor, keep: str
) -> None:
    visitor = new_visitor().visit(attributes=f'keep="{keep}"')
    visitor.open().say("one").sees("You wrote: one")
    visitor.field.fill("half a sen")
    visitor.page.reload()
    visitor.sees("You wrote: one")
    expect(visitor.field).to_have_value("half a sen")
    visitor.visit("/other.html", attributes=f'keep="{keep}"')
    visitor.sees("You wrote: one")
    visitor.say("two").sees("You wrote: two")
    assert visitor.texts() == ["one", "You wrote: one", "two", "You wrote: two"]


def test_a_message_not_sent_yet_survives_a_reload(visitor: Visitor, clinic: FakeClinic) -> None:
    clinic.acknowledges = False
    visitor.open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sending")
    clinic.acknowledges = True
    visitor.page.reload()
    visitor.sees("You wrote: one")
    assert visitor.texts() == ["one", "You wrote: one"]


def test_by_default_nothing_is_left_when_the_tab_is_closed(new_visitor: NewVisitor) -> None:
    visitor = new_visitor().visit()
    visitor.open().say("one").sees("You wrote: one")
    visitor.page.close()
    later = new_visitor(context=visitor.context).visit()
    assert later.page.evaluate("localStorage.length + sessionStorage.length") == 0
    later.open().sees("Before you write")
    expect(later.messages).to_have_count(0)
    # The first tab is gone and cannot be looked at any more.
    visitor.check = lambda: None  # type: ignore[method-assign]


def test_kept_locally_it_is_there_in_the_next_tab(new_visitor: NewVisitor) -> None:
    visitor = new_visitor().visit(attributes='keep="local"')
    visitor.open().say("one").sees("You wrote: one")
    visitor.page.close()
    later = new_visitor(context=visitor.context).visit(attributes='keep="local"')
    later.sees("You wrote: one")
    visitor.check = lambda: None  # type: ignore[method-assign]


REQUESTED = ["clinic-chat:booking-requested", "null"]


@pytest.mark.parametrize("keep", ["session", "local"])
@pytest.mark.parametrize("answered", ["during the reload", "after it"])
def test_a_request_is_told_to_the_page_that_follows(
    new_visitor: NewVisitor, clinic: FakeClinic, keep: str, answered: str
) -> None:
    clinic.answers = False
    visitor = new_visitor().visit(attributes=f'keep="{keep}"').open().say("book")
    expect(visitor.mine.locator(".delivery")).to_have_text("Sent")
    answer = {"text": "Requested.", "card": BOOKING, "in_reply_to": clinic.received[0]["id"]}
    if answered == "during the reload":
        clinic.talk.add(**answer)
    visitor.page.reload()
    expect(visitor.mine).to_have_count(1)
    if answered == "after it":
        clinic.push(**answer)
    visitor.sees("Requested.")
    assert visitor.heard().count(REQUESTED) == 1
    # Another one, and none of the two is counted again.
    other = {**BOOKING, "reference": "ZZ9ZZ9"}
    visitor.say("another").mine.nth(1).locator(".delivery", has_text="Sent").wait_for()
    clinic.push(text="Too.", card=other, in_reply_to=clinic.received[1]["id"])
    visitor.sees("Too.")
    assert visitor.heard().count(REQUESTED) == 2
    visitor.page.reload()
    visitor.sees("Too.")
    assert REQUESTED not in visitor.heard()


def test_what_another_tab_showed_first_is_told_to_who_asked(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    clinic.answers = False
    asking = new_visitor()
    line = Line(asking)
    asking.visit(attributes='keep="local"').open().say("book")
    expect(asking.mine.locator(".delivery")).to_have_text("Sent")
    other = new_visitor(context=asking.context).visit(attributes='keep="local"')
    expect(other.mine).to_have_count(1)
    line.cut()
    expect(asking.panel.locator(".bar")).to_be_visible()
    asking.listen()
    clinic.push(text="Requested.", card=BOOKING, in_reply_to=clinic.received[0]["id"])
    other.sees("Requested.")
    other.until("""Object.values(localStorage).join().includes('"read":2')""")
    line.mend()
    asking.sees("Requested.")
    asking.until("window.announced.some(one => one.includes('Requested.'))")
    assert [*asking.heard(), *other.heard()].count(REQUESTED) == 1


def test_two_tabs_show_one_conversation(new_visitor: NewVisitor, clinic: FakeClinic) -> None:
    first = new_visitor().visit()
    first.open().say("one").sees("You wrote: one")
    second = new_visitor(context=first.context).visit("/other.html")
    second.open().sees("You wrote: one")
    second.say("two").sees("You wrote: two")
    first.sees("You wrote: two").say("three")
    second.sees("You wrote: three")
    first.sees("You wrote: three")
    said = ["one", "You wrote: one", "two", "You wrote: two", "three", "You wrote: three"]
    assert first.texts() == said
    assert second.texts() == said
    assert len(clinic.conversations) == 1


def test_deleted_in_one_tab_is_gone_in_the_other(new_visitor: NewVisitor) -> None:
    first = new_visitor().visit()
    first.open().say("one").sees("You wrote: one")
    second = new_visitor(context=first.context).visit()
    second.open().sees("You wrote: one")
    first.menu("Delete my chat")
    first.panel.get_by_role("button", name="Delete", exact=True).click()
    first.sees("Your chat has been deleted")
    second.sees("Your chat has been deleted")
    expect(second.messages).to_have_count(0)


@pytest.mark.parametrize("delivery", ["Sending", "Not sent"])
def test_what_is_not_sent_yet_is_deleted_as_well(
    visitor: Visitor, clinic: FakeClinic, delivery: str
) -> None:
    visitor.open().say("one").sees("You wrote: one")
    clinic.rejections = [
        {"code": "too_fast", "message": "Wait.", "retry_after": 60}
        if delivery == "Sending"
        else {"code": "bad_message", "message": "This could not be read."}
    ]
    visitor.say("my secret")
    expect(visitor.mine.last).to_contain_text(delivery)
    visitor.menu("Delete my chat")
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("Your chat has been deleted, here and at the clinic.")
    expect(visitor.messages).to_have_count(0)
    assert "secret" not in visitor.page.evaluate("JSON.stringify(sessionStorage)")
    visitor.say("afresh").sees("You wrote: afresh")
    assert [message["text"] for message in clinic.received] == ["one", "my secret", "afresh"]


@pytest.mark.parametrize("while_", ["the page is open", "it is loaded anew"])
def test_a_conversation_that_has_ended_is_followed_by_a_new_one(
    visitor: Visitor, clinic: FakeClinic, while_: str
) -> None:
    visitor.open().say("one").sees("You wrote: one")
    clinic.conversations.clear()
    if while_ == "the page is open":
        clinic.stop()
        clinic.start()
    else:
        visitor.page.reload()
    visitor.sees("Your earlier chat had ended, so this is a new one.")
    visitor.say("two").sees("You wrote: two")
    assert visitor.texts() == ["two", "You wrote: two"]


def test_a_page_that_is_not_allowed_gets_the_number(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    clinic.refusal = "origin_not_allowed"
    visitor = new_visitor().visit(attributes='phone="416-555-0142"').open()
    visitor.sees("The chat is not set up for this page.")
    expect(visitor.panel.locator(".bar").get_by_role("link", name="416-555-0142")).to_be_visible()


@pytest.mark.parametrize("refusal", ["server_busy", "too_many_connections", ""])
def test_a_full_server_is_asked_again(visitor: Visitor, clinic: FakeClinic, refusal: str) -> None:
    clinic.refusal, clinic.full = refusal, not refusal
    visitor.open().say("one").sees("Many people are writing at this moment.")
    expect(visitor.panel.get_by_text("No connection")).to_have_count(0)
    clinic.refusal, clinic.full = "", False
    visitor.sees("You wrote: one")


def test_a_server_that_refuses_is_asked_less_and_less_often(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    opened: list[object] = []
    refused: list[object] = []

    def watch(line: WebSocket) -> None:
        opened.append(line)
        line.on("framereceived", lambda frame: refused.append(frame) if frame[:2] == "44" else None)

    def until_refused(times: int) -> None:
        visitor.until_it(lambda: len(refused) >= times, f"{times} refusals")
        visitor.page.evaluate("0")  # what the page does about it is done

    visitor.page.on("websocket", watch)
    clinic.refusal = "server_busy"
    visitor.page.clock.install(time="2026-11-23T15:00:00Z")
    visitor.visit().page.clock.pause_at("2026-11-23T15:01:00Z")
    visitor.launcher.click()
    visitor.page.clock.run_for(200)
    for times, pause in enumerate((1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000), 1):
        until_refused(times)
        visitor.page.clock.run_for(pause - 100)
        assert len(opened) == times
        visitor.page.clock.run_for(200)
    until_refused(8)


def test_what_no_server_says_ends_the_connection_and_nothing_else(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    line = Line(visitor)
    visitor.visit().open().say("one").sees("You wrote: one")
    for number, frame in enumerate(("42{}", '42["message"', "43", "49", "x"), 2):
        line.tell(frame)
        let_in(visitor, clinic, number)
    visitor.say("two").sees("You wrote: two")
    assert visitor.texts() == ["one", "You wrote: one", "two", "You wrote: two"]


def test_where_websockets_are_blocked_it_works_by_polling(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.stop()
    clinic.transports = ["polling"]
    clinic.start()
    visitor.open().say("one").sees("You wrote: one")


def test_an_answer_that_an_acknowledgement_overtakes_is_announced(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().say("one").sees("You wrote: one").listen()
    clinic.overtaken = [{"text": "Said before."}]
    clinic.answers = False
    visitor.say("two")
    expect(visitor.mine.last.locator(".delivery")).to_have_text("Sent")
    clinic.catch_up()
    visitor.sees("Said before.")
    visitor.until("window.announced.some(one => one.includes('Said before.'))")
    assert visitor.texts() == ["one", "You wrote: one", "Said before.", "two"]


def test_an_answer_that_an_acknowledgement_overtakes_comes_with_the_next_connection(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    visitor.open().say("one").sees("You wrote: one")
    clinic.overtaken = [{"text": "Said before."}]
    clinic.answers = False
    visitor.say("two")
    expect(visitor.mine.last.locator(".delivery")).to_have_text("Sent")
    clinic.stop()
    expect(visitor.panel.locator(".bar")).to_be_visible()
    clinic.start()
    visitor.sees("Said before.")
    assert visitor.texts() == ["one", "You wrote: one", "Said before.", "two"]
    assert clinic.handshakes[-1]["last_seq"] == 2


def test_of_two_messages_the_second_is_waited_for_as_well(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.answers = False
    visitor.visit().open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text(["Sent"])
    visitor.page.clock.fast_forward(6_000)
    visitor.say("two")
    expect(visitor.mine.locator(".delivery")).to_have_text(["Sent", "Sent"])
    clinic.push(text="To the first.", in_reply_to=clinic.received[0]["id"])
    visitor.sees("To the first.")
    slow = visitor.log.locator(".slow")
    visitor.page.clock.fast_forward(6_000)
    expect(slow).to_have_count(0)
    visitor.page.clock.fast_forward(5_000)
    expect(slow).to_contain_text("This takes longer than usual")
    clinic.push(text="To the second.", in_reply_to=clinic.received[1]["id"])
    visitor.sees("To the second.")
    expect(slow).to_have_count(0)


def test_who_asks_again_and_again_is_not_kept_from_the_number(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    visitor = new_visitor()
    visitor.page.clock.install()
    clinic.answers = False
    visitor.visit().open().say("one")
    expect(visitor.mine.locator(".delivery")).to_have_text(["Sent"])
    visitor.page.clock.fast_forward(7_000)
    visitor.say("are you there?")
    expect(visitor.mine.locator(".delivery")).to_have_text(["Sent", "Sent"])
    visitor.page.clock.fast_forward(4_000)
    expect(visitor.log.locator(".slow")).to_contain_text("This takes longer than usual")


def test_what_was_refused_for_good_is_not_sent_again_by_a_reload(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.rejections = [{"code": "bad_message", "message": "This message could not be read."}]
    visitor.open().say("one").sees("This message could not be read.")
    visitor.page.reload()
    visitor.sees("This message could not be read.")
    visitor.say("two").sees("You wrote: two")
    assert [message["text"] for message in clinic.received] == ["one", "two"]
    visitor.log.get_by_role("button", name="Try again").click()
    visitor.sees("You wrote: one")


def shown(visitor: Visitor) -> Visitor:
    """Opens the window, which with keep="local" is open as it was in the other tab."""
    kept = visitor.chat.get_attribute("keep") == "local"
    return visitor if kept else visitor.open()


@pytest.mark.parametrize("keep", ["session", "local"])
def test_started_again_in_one_tab_it_is_so_in_the_other(
    new_visitor: NewVisitor, clinic: FakeClinic, keep: str
) -> None:
    first = new_visitor().visit(attributes=f'keep="{keep}"')
    first.open().say("one").sees("You wrote: one")
    second = new_visitor(context=first.context).visit(attributes=f'keep="{keep}"')
    shown(second).sees("You wrote: one")
    first.menu("Start again")
    first.panel.get_by_role("button", name="Start again", exact=True).last.click()
    expect(first.messages).to_have_count(0)
    expect(second.messages).to_have_count(0)
    first.say("afresh").sees("You wrote: afresh")
    second.sees("You wrote: afresh")
    assert first.texts() == second.texts() == ["afresh", "You wrote: afresh"]


@pytest.mark.parametrize("keep", ["session", "local"])
def test_a_tab_without_a_connection_follows_when_the_other_starts_again(
    new_visitor: NewVisitor, clinic: FakeClinic, keep: str
) -> None:
    first = new_visitor().visit(attributes=f'keep="{keep}"')
    first.open().say("one").sees("You wrote: one")
    second = new_visitor(context=first.context)
    line = Line(second)
    shown(second.visit(attributes=f'keep="{keep}"')).sees("You wrote: one")
    line.cut()
    expect(second.panel.locator(".bar")).to_contain_text("No connection")
    first.menu("Start again")
    first.panel.get_by_role("button", name="Start again", exact=True).last.click()
    expect(first.messages).to_have_count(0)
    first.say("afresh").sees("You wrote: afresh")
    line.mend()
    second.sees("You wrote: afresh")
    expect(second.log.locator(".note")).to_have_count(0)
    second.say("from here").sees("You wrote: from here")
    first.sees("You wrote: from here")
    assert first.texts() == second.texts()
    assert first.texts()[0] == "afresh"
    assert len(clinic.conversations) == 2


def test_who_would_rather_not_is_not_drawn_into_another_tabs_chat(
    new_visitor: NewVisitor, clinic: FakeClinic
) -> None:
    talking = new_visitor().visit()
    refusing = new_visitor(context=talking.context).visit().open()
    refusing.panel.get_by_role("button", name="I would rather not").click()
    refusing.sees("Nothing is stored.")
    greeted = len(clinic.handshakes)
    talking.open().say("one").sees("You wrote: one")
    third = new_visitor(context=talking.context).visit().open()
    third.sees("You wrote: one")
    assert len(clinic.handshakes) == greeted + 2
    assert "token" not in refusing.page.evaluate("JSON.stringify(sessionStorage)")
    refusing.panel.get_by_role("button", name="Back to the chat").click()
    refusing.sees("You wrote: one")


def test_what_one_tab_has_forgotten_another_does_not_bring_back(new_visitor: NewVisitor) -> None:
    first = new_visitor().visit(attributes='keep="local"')
    first.open().say("one").sees("You wrote: one")
    second = new_visitor(context=first.context).visit(attributes='keep="local"')
    second.sees("You wrote: one")
    first.menu("Delete my chat")
    first.panel.get_by_role("button", name="Delete", exact=True).click()
    second.sees("Your chat has been deleted")
    second.panel.get_by_role("button", name="Minimise the chat").click()
    kept = second.page.evaluate("JSON.stringify(localStorage)")
    assert "agreed" not in kept
    assert "read" not in kept


def test_without_a_connection_an_earlier_chat_is_not_called_a_new_one(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.answering = lambda _: [{"text": "Please call 988 now.", "kind": "emergency"}]
    visitor.open().say("one").sees("Please call 988 now.")
    clinic.refusal = "server_busy"
    visitor.page.reload()
    visitor.sees("Your earlier messages are shown as soon as there is a connection.")
    expect(visitor.panel.get_by_text("Before you write")).to_have_count(0)
    expect(visitor.panel.get_by_text("You could ask")).to_have_count(0)
    pinned = visitor.panel.get_by_role("region", name="Emergency")
    expect(pinned.get_by_role("link", name="Call 988")).to_be_visible()
    assert "Please call" not in visitor.page.evaluate("JSON.stringify(sessionStorage)")
    visitor.listen()
    pinned.get_by_role("button", name="Show the message").click()
    visitor.sees("That did not work just now.")
    visitor.until("window.announced.some(one => one.includes('That did not work just now.'))")
    clinic.refusal = ""
    visitor.sees("Please call 988 now.")
    expect(pinned).to_have_count(0)
    expect(visitor.log.get_by_text("That did not work just now.")).to_have_count(0)


def test_an_emergency_far_back_stays_in_view_and_can_be_read(
    visitor: Visitor, clinic: FakeClinic
) -> None:
    clinic.answering = lambda _: [{"text": "Please call 988 now.", "kind": "emergency"}]
    visitor.open().say("one").sees("Please call 988 now.")
    for number in range(120):
        clinic.push(text=f"Number {number}.")
    visitor.sees("Number 119.").page.reload()
    visitor.sees("Number 119.")
    pinned = visitor.panel.get_by_role("region", name="Emergency")
    expect(pinned.get_by_role("link", name="Call 988")).to_be_visible()
    clinic.refuses = {"history"}
    pinned.get_by_role("button", name="Show the message").click()
    expect(visitor.log.get_by_text("That did not work just now.")).to_be_in_viewport()
    clinic.refuses = set()
    pinned.get_by_role("button", name="Show the message").click()
    expect(visitor.log.get_by_text("Please call 988 now.")).to_be_in_viewport()
    expect(visitor.log.get_by_text("That did not work just now.")).to_have_count(0)
