"""The staff desk's pages about live chats."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from desk_people import browser, deeds, person

from clinic import clock
from clinic.conversations.models import Message, Session
from clinic.live import chats, duty
from clinic.live.models import Chat, Step
from clinic.privacy.deletion import delete_conversation

PHONE = "604-555-0142"


@pytest.fixture
def chat(natalie: Any) -> Chat:
    """A patient who waits, and has typed a phone number."""
    wrote("is anybody there, call me at " + PHONE)
    return chats.ask("c1")


def wrote(text: str, author: str = "patient", **values: Any) -> Message:
    """Something that was said in the conversation, as the clinic reads it."""
    now = clock.now()
    session, _ = Session.objects.get_or_create(
        conversation_id="c1",
        number=1,
        defaults={
            "channel": "website",
            "started_at": now,
            "last_activity_at": now,
            "first_event_id": 1,
            "last_event_id": 1,
            "messages": 1,
            "patient_messages": 1,
            "not_understood": 0,
            "outcome": "answered",
        },
    )
    event = Message.objects.count() + 1
    return Message.objects.create(
        event_id=event, session=session, at=now, author=author, text=text, **values
    )


def page(client: Any, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response
    return str(response.content.decode())


def joined(client: Any, chat: Chat) -> str:
    """Joins and returns the chat's page."""
    assert client.post(f"/live/{chat.pk}/join")["Location"] == f"/live/{chat.pk}"
    return page(client, f"/live/{chat.pk}")


def key_in(html: str) -> str:
    found = re.search(r'name="key" value="(\w+)"', html)
    assert found
    return found[1]


def poll(client: Any, html: str) -> Any:
    """Asks for news as the page would."""
    found = re.search(r'hx-get="(/live/\d+/news[^"]*)"', html)
    assert found
    return client.get(found[1].replace("&amp;", "&"), headers={"HX-Request": "true"})


def test_who_waits_is_on_the_list_without_their_number(natalie: Any, chat: Chat) -> None:
    html = page(natalie, "/live/")
    assert f"Chat {chat.pk}" in html
    assert "is anybody there" in html
    assert PHONE not in html
    assert "<title>(1) Live chat" in page(natalie, "/live/?poll=1", **{"HX-Request": "true"})


def test_many_who_wait_are_reached_page_by_page(
    natalie: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.live import reading

    monkeypatch.setattr(reading, "PAGE", 2)
    now = clock.now()
    waiting = [chats.ask(f"w{place}", now + timedelta(seconds=place)).pk for place in range(5)]
    for place in range(3):
        chats.join(f"p{place}", "natalie", "Natalie Yeo", now)
    address, found = "/live/", []
    while address:
        html = page(natalie, address)
        assert 'Waiting <span class="count red">5</span>' in html
        found += [int(number) for number in re.findall(r'id="join-(\d+)"', html)]
        more = re.search(r'id="waiting-more" href="([^"]+)"', html)
        # It stays where it is when it renews itself.
        assert f'hx-get="/live/?poll=1{"&amp;" + address[7:] if address[7:] else ""}"' in html
        address = more and "/live/" + more[1]
    assert found == waiting
    assert 'id="with-more" href="?with=2"' in page(natalie, "/live/")
    # The page whose chats have gone meanwhile begins anew.
    assert f'id="join-{waiting[0]}"' in page(natalie, "/live/?from=400&with=x")


def test_the_focus_stays_when_the_list_renews_itself(natalie: Any, chat: Chat) -> None:
    wrote("hello")
    html = page(natalie, "/live/?poll=1", **{"HX-Request": "true"})
    for element in re.findall(r"<(?:button|a)\b[^>]*>", html):
        assert ' id="' in element, element


def test_nobody_is_connected_before_somebody_takes_chats(natalie: Any) -> None:
    assert "You take no chats" in page(natalie, "/live/")
    natalie.post("/live/available", {"available": "1"})
    assert "You take chats" in page(natalie, "/live/")
    assert [one.name for one in duty.available()] == ["Natalie Yeo"]
    natalie.post("/live/available", {"available": "0"})
    assert duty.available() == []


def test_any_open_page_of_the_desk_keeps_somebody_available(natalie: Any) -> None:
    natalie.post("/live/available", {"available": "1"})
    before = clock.now() - timedelta(minutes=1)
    duty.set_available("natalie", "Natalie Yeo", True, before)
    assert "/live/badge?poll=1" in page(natalie, "/")
    page(natalie, "/live/badge?poll=1")
    assert duty.available(before + timedelta(minutes=2, seconds=30))


def test_the_menu_says_how_many_wait(natalie: Any, chat: Chat) -> None:
    assert ">1</span>" in page(natalie, "/live/badge?poll=1")
    chats.dismiss(chat.pk)
    assert "count" not in page(natalie, "/live/badge?poll=1")


def test_a_patient_who_was_dismissed_can_be_put_back(natalie: Any, chat: Chat) -> None:
    def dismissed() -> str:
        done = natalie.post(f"/live/{chat.pk}/dismiss", follow=True).content.decode()
        found = re.search(r'action="(/live/\d+/put-back)"', done)
        assert found
        return found[1]

    undo = dismissed()
    assert Chat.objects.get().state == "closed"
    assert "waits again" in natalie.post(undo, follow=True).content.decode()
    assert Chat.objects.get().state == "waiting"
    undo = dismissed()
    chats.join("c1", "sam", "Sam Lee")
    chats.close(chat.pk, "sam")
    assert "has come into that chat" in natalie.post(undo, follow=True).content.decode()
    assert Chat.objects.get().state == "closed"


def test_joining_replying_and_handing_back(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    assert PHONE not in html
    assert "Hand back to the assistant" in html
    natalie.post(f"/live/{chat.pk}/reply", {"text": "Hello", "key": key_in(html)})
    assert "On its way: “Hello”" in page(natalie, f"/live/{chat.pk}")
    natalie.post(f"/live/{chat.pk}/hand-back")
    assert list(chat.steps.values_list("kind", "text")) == [
        ("joined", ""),
        ("said", "Hello"),
        ("left", ""),
    ]
    assert Chat.objects.get().state == "bot"
    about = {"about": f"live chat {chat.pk}"}
    assert deeds(**about, action="live") == [("natalie", "live")] * 3
    assert ("natalie", "view") in deeds(**about)


def test_a_reply_sent_twice_is_one(natalie: Any, chat: Chat) -> None:
    key = key_in(joined(natalie, chat))
    for _ in range(2):
        natalie.post(f"/live/{chat.pk}/reply", {"text": "Hello", "key": key})
    assert Step.objects.filter(kind="said").count() == 1


def test_only_what_is_new_is_sent_again(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    assert poll(natalie, html).status_code == 204
    wrote("my hip hurts")
    news = poll(natalie, html).content.decode()
    assert "my hip hurts" in news
    assert "is anybody there" not in news
    assert "hx-swap-oob" not in news
    assert poll(natalie, news).status_code == 204


def test_a_red_flag_appears_without_touching_what_is_being_typed(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    Chat.objects.filter(pk=chat.pk).update(alarm="emergency", alarm_at=clock.now())
    news = poll(natalie, html).content.decode()
    assert "Red flag" in news
    assert 'id="alarm" hx-swap-oob' in news
    assert "<textarea" not in news


def test_losing_a_chat_shows_at_once(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    chats.join("c1", "sam", "Sam Lee")
    news = poll(natalie, html).content.decode()
    assert "Sam Lee" in news
    assert "Take over" in news
    refused = natalie.post(
        f"/live/{chat.pk}/reply",
        {"text": "still me", "key": key_in(html)},
        headers={"HX-Request": "true"},
    )
    assert refused.status_code == 422
    assert "not in this chat any more" in refused.content.decode()
    assert "still me" in refused.content.decode(), "what was typed is kept"
    assert Chat.objects.get().person == "sam"


def test_what_has_nowhere_to_go_is_said(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    step = chats.say(chat.pk, "natalie", "Hello", "k1")
    Step.objects.filter(pk=step.pk).update(done_at=clock.now(), outcome="gone", text="")
    assert "closed or deleted this chat" in poll(natalie, html).content.decode()


def test_a_chat_that_the_patient_deletes_says_so_and_asks_no_more(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    delete_conversation("c1")
    news = poll(natalie, html).content.decode()
    assert "The patient has deleted this chat" in news
    assert "hx-get" not in news


def test_any_conversation_of_the_website_can_be_joined(natalie: Any) -> None:
    session = wrote("hello").session
    assert f"/live/conversation/{session.pk}/join" in page(natalie, "/live/")
    natalie.post(f"/live/conversation/{session.pk}/join")
    assert (Chat.objects.get().conversation_id, Chat.objects.get().state) == ("c1", "person")
    Session.objects.update(channel="rest")
    assert natalie.post(f"/live/conversation/{session.pk}/join").status_code == 404


def test_typing_keeps_a_person_in_the_chat(natalie: Any, chat: Chat) -> None:
    joined(natalie, chat)
    Chat.objects.update(staff_at=clock.now() - timedelta(minutes=9))
    natalie.post(f"/live/{chat.pk}/stay", headers={"HX-Request": "true"})
    assert clock.now() - Chat.objects.get().staff_at < timedelta(minutes=1)


def test_looking_alone_is_no_activity(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    before = Chat.objects.get().staff_at
    poll(natalie, html)
    assert Chat.objects.get().staff_at == before


def test_how_the_patient_can_be_reached_is_shown_with_a_reason(natalie: Any, chat: Chat) -> None:
    """The quick reply asks for it, and an answer that nobody can read helps nobody."""
    wrote("or write to priya@example.com, my number is (604) 555-0142")
    wrote("call us at 416-555-0100", author="assistant")
    html = joined(natalie, chat)
    assert PHONE not in html
    assert "priya@" not in html
    address = f"/live/{chat.pk}/contact"
    assert f'action="{address}"' in html
    assert natalie.post(address).status_code == 400
    assert not deeds(action="unmask")
    why = {"reason": "reach_patient"}
    shown = natalie.post(address, why, headers={"HX-Request": "true"}).content.decode()
    assert 'href="tel:+16045550142"' in shown
    assert 'href="mailto:priya@example.com"' in shown
    assert shown.count("href=") == 2
    about = {"action": "unmask", "about": f"live chat {chat.pk}"}
    assert deeds(**about, reason="reach_patient") == [("natalie", "unmask")]
    whole = natalie.post(address, why).content.decode()
    assert "<h1>" in whole
    assert 'href="tel:+16045550142"' in whole
    assert browser(person("robin", "reviewer")).post(address, why).status_code == 403


def test_a_number_that_staff_type_is_hidden_while_it_is_on_its_way(
    natalie: Any, chat: Chat
) -> None:
    joined(natalie, chat)
    for key in ("k1", "k2"):
        chats.say(chat.pk, "natalie", f"Shall I call {PHONE}?", key)
    Step.objects.filter(key="k1").update(outcome="failed", done_at=clock.now())
    html = page(natalie, f"/live/{chat.pk}")
    assert "On its way: “Shall I call [phone]?”" in html
    assert "Not delivered: “Shall I call [phone]?”" in html
    assert PHONE not in html


def test_quick_replies_are_filled_in(natalie: Any, chat: Chat) -> None:
    html = joined(natalie, chat)
    assert "this is Natalie Yeo from Sorrel Lane Massage Therapy" in html


def test_words_are_no_markup(natalie: Any, chat: Chat) -> None:
    wrote("<script>alert(1)</script>")
    assert "<script>alert" not in joined(natalie, chat)


def test_others_do_not_get_in(natalie: Any, chat: Chat) -> None:
    reviewer = browser(person("robin", "reviewer"))
    assert reviewer.get(f"/live/{chat.pk}").status_code == 403
    assert reviewer.post(f"/live/{chat.pk}/join").status_code == 403
    assert Chat.objects.get().state == "waiting"
