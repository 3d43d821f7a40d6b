"""Conversations at the desk: the list, downloads, one of them, reviewing, undoing, masking."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from desk_chats import NOW, chat, understood
from desk_people import browser, deeds, person
from django.db import connection

from clinic.conversations import ties
from clinic.conversations.store import Stop
from clinic.desk import transcript

PHONE = "416-555-0177"
DIGITS = re.compile(r"555\D{0,3}0177")


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, any_database: str) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())


@pytest.fixture
def desk() -> Any:
    return browser(person("rui", "reviewer"))


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.content.decode()))


def private() -> Any:
    """A conversation in which a patient tells a lot."""
    return chat(
        "private",
        [
            ("patient", f"I am Priya Nair, call {PHONE} or priya@example.com", {
                **understood("book_appointment", 0.91),
                "entities": [{"entity": "phone", "value": PHONE}],
                "slots": {"patient_name": "Priya Nair", "patient_contact": PHONE},
                "triage": {"words": f"call {PHONE}"},
                "payload": f"/inform{{\"phone\": \"{PHONE}\"}}",
            }),
            ("assistant", f"Thank you Priya, we call {PHONE}.", {
                "response": "utter_summary", "buttons": [{"title": f"Call {PHONE}"}],
            }),
            ("patient", "born 12 May 1980, health card 1234-567-890 AB", {"understood": False}),
        ],
        outcome="requested_booking",
        topics=["book_appointment"],
    )  # fmt: skip


def test_nothing_personal_is_shown_unmasked_anywhere(desk: Any) -> None:
    session = private()
    desk.post(f"/conversations/{session.pk}/note", {"text": f"Priya again, {PHONE}"})
    for address in (
        "/",
        "/conversations/",
        "/conversations/?text=call",
        "/conversations/download.csv",
        "/conversations/download.json",
        f"/conversations/{session.pk}",
        f"/conversations/{session.pk}?message={session.first_event_id}",
        f"/conversations/{session.pk}?before={session.last_event_id}",
    ):
        page = desk.get(address)
        assert page.status_code == 200, address
        body = b"".join(page) if page.streaming else page.content
        shown = body.decode()
        assert not DIGITS.search(shown), address
        for told in ("priya@example.com", "12 May 1980", "1234-567-890", "Nair"):
            assert told not in shown, (address, told)


def test_only_the_privacy_officer_sees_what_is_hidden_and_says_why(desk: Any) -> None:
    session = private()
    assert desk.post(f"/conversations/{session.pk}/unmask", {"reason": "x"}).status_code == 403
    officer = browser(person("omar", "privacy_officer"))
    officer.post(f"/conversations/{session.pk}/unmask")
    assert not deeds(action="unmask")
    shown = officer.post(f"/conversations/{session.pk}/unmask", {"reason": "reach_patient"})
    assert DIGITS.search(shown.content.decode())
    from clinic.audit.models import Entry

    entry = Entry.objects.get(action="unmask")
    assert (entry.who, entry.about, entry.reason) == (
        "omar",
        f"conversation {session.pk}",
        "reach_patient",
    )
    assert not DIGITS.search(officer.get(f"/conversations/{session.pk}").content.decode())


def test_every_look_is_noted_without_words(desk: Any) -> None:
    session = private()
    desk.get("/conversations/?text=priya")
    desk.get(f"/conversations/{session.pk}")
    desk.get("/conversations/download.csv")
    assert deeds(action="search") == [("rui", "search")]
    assert deeds(action="view", about=f"conversation {session.pk}") == [("rui", "view")]
    assert deeds(action="export") == [("rui", "export")]
    from clinic.audit.models import Entry

    kept = " ".join(str(list(row)) for row in Entry.objects.values_list())
    assert "priya" not in kept.lower()


def test_filters_stand_in_the_address_and_can_be_saved(desk: Any) -> None:
    chat("a", outcome="red_flag", triage_level="emergency")
    chat("b", [("patient", "do you take bitcoin", {"understood": False})], outcome="not_understood")
    page = desk.get("/conversations/?outcome=not_understood")
    assert "do you take bitcoin" in text(page)
    assert "What is sciatica" not in text(page)
    done = desk.post(
        "/conversations/filters",
        {"name": "Odd ones", "query": "outcome=not_understood&since="},
        follow=True,
    )
    assert done.request["QUERY_STRING"] == "outcome=not_understood"
    assert "Odd ones" in text(desk.get("/conversations/"))
    assert "Odd ones" not in text(browser(person("ana", "reviewer")).get("/conversations/"))
    number = re.search(r"/conversations/filters/(\d+)/drop", done.content.decode())[1]
    desk.post(f"/conversations/filters/{number}/drop")
    assert "Odd ones" not in text(desk.get("/conversations/"))
    assert desk.get("/conversations/?confidence_below=many").status_code == 400


def test_a_search_tells_nobody_that_a_number_occurs(desk: Any) -> None:
    link = f'href="/conversations/{private().pk}?'
    for text_ in (PHONE, "555 0177", "5550177", "priya@example.com", "1234-567-890"):
        page = desk.get("/conversations/", {"text": text_})
        assert page.status_code == 400
        assert "looks like a phone number" in text(page)
        assert desk.get("/conversations/download.json", {"text": text_}).status_code == 400
    assert desk.get("/conversations/", {"text": "since 2015"}).status_code == 200
    # Nor a few figures, nor half of an address at a time.
    for text_ in ("0177", "416", "555", "example", "1980", "567", "NAIP"):
        page = desk.get("/conversations/", {"text": text_})
        assert (page.status_code, link in page.content.decode()) == (200, False), text_
    assert link in desk.get("/conversations/", {"text": "thank health"}).content.decode()


def test_words_that_were_searched_for_are_not_saved(desk: Any) -> None:
    from clinic.desk.models import SavedFilter

    form = {"name": "mine", "query": "text=Priya+Nair&outcome=answered"}
    done = desk.post("/conversations/filters", form)
    assert done["Location"] == "/conversations/?outcome=answered&text=Priya+Nair"
    assert SavedFilter.objects.get().query == "outcome=answered"
    desk.post("/conversations/filters", {"name": "words", "query": "text=Priya"})
    assert SavedFilter.objects.count() == 1
    assert "Save filters" not in text(desk.get("/conversations/?text=Priya"))


@pytest.mark.parametrize("query", ["booking=chosen_time", "hour=9", "wrong=false_alarm", "tag=x"])
def test_a_filter_that_is_in_use_is_shown(desk: Any, query: str) -> None:
    assert "<details open>" in desk.get(f"/conversations/?{query}").content.decode()
    assert "<details open>" not in desk.get("/conversations/?reviewed=no&text=x").content.decode()


def test_pages_follow_each_other_without_gaps(desk: Any) -> None:
    for count in range(120):
        chat(f"c{count}", at=NOW - timedelta(minutes=5 * count))
    seen: list[str] = []
    address = "/conversations/?reviewed=no"
    while address:
        page = desk.get(address).content.decode()
        seen += re.findall(r'name="sessions" value="(\d+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older and "/conversations/" + older[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


def test_many_at_once_are_reviewed_tagged_and_given_and_that_is_undone(desk: Any) -> None:
    from clinic.conversations.models import Session

    some = [chat(f"c{count}") for count in range(3)]
    other = chat("other", outcome="red_flag")
    person("ana", "reviewer")
    ticked = {"sessions": [str(one.pk) for one in some[:2]], "newest": newest(desk)}
    desk.post("/conversations/bulk", {"what": "tag", "tag": "parking", **ticked})
    assert Session.objects.filter(tags__name="parking").count() == 2
    desk.post("/conversations/bulk", {"what": "assign", "to": "ana", **ticked})
    assert Session.objects.filter(assigned_to="ana").count() == 2
    done = desk.post(
        "/conversations/bulk",
        {
            "what": "review",
            "all": "1",
            "newest": newest(desk),
            "query": "outcome=answered",
            "back": "/conversations/",
        },
        follow=True,
    )
    assert "Marked as reviewed: 3." in text(done)
    assert Session.objects.filter(reviewed_by="rui").count() == 3
    other.refresh_from_db()
    assert other.reviewed_at is None
    undo = re.findall(r'action="(/undo/\d+)"', done.content.decode())[-1]
    # Nobody else can.
    browser(person("omar", "privacy_officer")).post(undo)
    assert Session.objects.filter(reviewed_by="rui").count() == 3
    desk.post(undo)
    assert not Session.objects.filter(reviewed_at__isnull=False).exists()
    assert "cannot be undone" in text(desk.post(undo, follow=True))
    assert Session.objects.filter(tags__name="parking").count() == 2


def newest(desk: Any) -> str:
    """Up to where the list was loaded, as its form says."""
    page = desk.get("/conversations/").content.decode()
    return re.search(r'name="newest" value="(\d+)"', page)[1]


@pytest.mark.parametrize("chosen", ["all", "ticked"])
def test_what_has_come_since_the_list_was_loaded_is_not_marked(desk: Any, chosen: str) -> None:
    """Nobody has seen the alarm that came meanwhile: it stays on Today."""
    from clinic.conversations.models import Session

    calm, worse = chat("calm"), chat("worse")
    seen = newest(desk)
    new = chat("new", outcome="red_flag", triage_level="emergency")
    Session.objects.filter(pk=worse.pk).update(
        triage_level="urgent", last_event_id=new.last_event_id + 1
    )
    which = {"all": "1"} if chosen == "all" else {"sessions": [calm.pk, worse.pk, new.pk]}
    form = {"what": "review", "newest": seen, **which}
    assert "Marked as reviewed: 1." in text(desk.post("/conversations/bulk", form, follow=True))
    assert [one.conversation_id for one in Session.objects.exclude(reviewed_at=None)] == ["calm"]
    page = text(desk.get("/"))
    assert re.search(r"\b2 red flags", page), page


def test_of_more_than_are_counted_the_newest_are_marked_and_that_is_undone(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.conversations import listing
    from clinic.conversations.models import Session
    from clinic.desk import conversations

    for module in (listing, conversations):
        monkeypatch.setattr(module, "MOST_COUNTED", 20)
    for count in range(25):
        chat(f"c{count}", at=NOW - timedelta(minutes=5 * count))
    page = text(desk.get("/conversations/"))
    assert "over 10,000" in page
    assert "the newest 10,000" in page
    form = {"what": "review", "all": "1", "query": "reviewed=no"}
    done = desk.post("/conversations/bulk", form | {"newest": newest(desk)}, follow=True)
    assert "Marked as reviewed: 20." in text(done)
    left = Session.objects.filter(reviewed_at=None).order_by("pk")
    assert [one.conversation_id for one in left] == [f"c{count}" for count in range(20, 25)]
    undo = re.findall(r'action="(/undo/\d+)"', done.content.decode())[-1]
    made: list[str] = []

    def noting(execute: Any, statement: str, *more: Any) -> Any:
        made.append(statement)
        return execute(statement, *more)

    with connection.execute_wrapper(noting):
        desk.post(undo)
    assert not Session.objects.exclude(reviewed_at=None).exists()
    written = [one for one in made if one.startswith('UPDATE "conversations_session"')]
    assert len(written) == 1, "however many there are"


def test_an_old_undo_leaves_alone_what_a_colleague_has_changed_since(desk: Any) -> None:
    from clinic.conversations.models import Correction, Session, SessionTag

    line = ("patient", "I cannot feel my leg", understood("faq/symptoms", 0.9))
    some = [chat(f"c{count}", [line]) for count in range(2)]
    first = Session.objects.filter(pk=some[0].pk)
    wrong = f"/messages-said/{some[0].first_event_id}/wrong"
    ana = browser(person("ana", "reviewer"))
    ticked = {"sessions": [str(one.pk) for one in some], "newest": newest(desk)}

    def undo_of(done: Any) -> str:
        return str(re.findall(r'action="(/undo/\d+)"', done.content.decode())[-1])

    def bulk(who: Any, **form: Any) -> str:
        return undo_of(who.post("/conversations/bulk", {**ticked, **form}, follow=True))

    reviewed = bulk(desk, what="review")
    tagged = bulk(desk, what="tag", tag="prices")
    given = bulk(desk, what="assign", to="rui")
    corrected = undo_of(desk.post(wrong, {"wrong": "topic:faq/cost"}, follow=True))
    one = f"/conversations/{some[0].pk}"
    for reviewed_again in ("no", "yes"):
        ana.post(f"{one}/review", {"reviewed": reviewed_again})
    ana.post(f"{one}/tag", {"tag": "prices", "off": "1"})
    ana.post(f"{one}/tag", {"tag": "prices"})
    ana.post(f"{one}/assign", {"to": "ana"})
    ana.post(wrong, {"wrong": "missed_red_flag"})
    for undo in (reviewed, tagged, given):
        done = text(desk.post(undo, follow=True))
        assert "Undone, but for 1 that somebody has changed since" in done
    assert "left as it is" in text(desk.post(corrected, follow=True))
    assert first.get().reviewed_by == "ana"
    assert first.get().assigned_to == "ana"
    assert [tag.by for tag in SessionTag.objects.all()] == ["ana"]
    assert Correction.objects.get().kind == "missed_red_flag"
    untouched = Session.objects.get(pk=some[1].pk)
    assert (untouched.reviewed_at, untouched.assigned_to) == (None, "")


def test_nothing_ticked_changes_nothing(desk: Any) -> None:
    chat()
    every = {"all": "1", "newest": newest(desk)}
    for form in (
        {"what": "review", "newest": "1"},
        {"what": "tag", "tag": "", **every},
        {"what": "burn", **every},
        {"what": "review", "all": "1"},
        {"what": "review", "all": "1", "newest": "9" * 30},
    ):
        assert "Tick at least one" in text(desk.post("/conversations/bulk", form, follow=True))


def test_a_table_is_downloaded_with_links_and_no_formulas(desk: Any) -> None:
    chat("a", [("patient", "=HYPERLINK(1)", {})])
    chat("b", lowest_confidence=0.4, topics=["faq/cost", "faq/insurance"])
    page = desk.get("/conversations/download.csv?outcome=answered")
    rows = list(csv.DictReader(io.StringIO(b"".join(page).decode("utf-8-sig"))))
    assert [row["opening"] for row in rows] == ["What is sciatica?", "'=HYPERLINK(1)"]
    assert rows[0]["topics"] == "faq/cost faq/insurance"
    assert rows[0]["link"].endswith(f"/conversations/{rows[0]['conversation']}")
    whole = json.loads(b"".join(desk.get("/conversations/download.json")))
    assert whole[0]["said"][0]["text"] == "What is sciatica?"


def test_a_long_conversation_shows_its_end_first(desk: Any) -> None:
    lines = [("patient", f"word{count} spoken", {}) for count in range(150)]
    session = chat("long", lines)
    page = desk.get(f"/conversations/{session.pk}")
    assert "word149 spoken" in text(page)
    assert "word89 spoken" not in text(page)
    before = re.search(r"\?before=(\d+)", page.content.decode())[1]
    part = desk.get(f"/conversations/{session.pk}?before={before}", headers={"HX-Request": "true"})
    assert "word89 spoken" in text(part)
    assert "word90 spoken" not in text(part)
    assert "<html" not in part.content.decode()
    linked = desk.get(f"/conversations/{session.pk}?message={session.first_event_id + 5}")
    assert "word5 spoken" in text(linked)
    assert "To the end of the conversation" in text(linked)


def test_a_conversation_that_goes_on_shows_what_is_new(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.conversations.models import Message, Session

    talk = chat(at=NOW - timedelta(minutes=1))
    address = f"/conversations/{talk.pk}"
    asks = re.search(r'hx-get="([^"]+after=\d+)"', desk.get(address).content.decode())[1]
    asks = asks.replace("&amp;", "&")
    looked = deeds(action="view")
    poll = {"headers": {"HX-Request": "true"}}
    assert desk.get(asks, **poll).status_code == 204
    last = talk.last_event_id + 1
    Message.objects.create(
        event_id=last, session=talk, at=NOW, author="patient", text="call 416-555-0177 please"
    )
    news = desk.get(asks, **poll).content.decode()
    assert news.count('<li class="line') == 1
    assert "0177" not in news
    assert f"after={last}" in news
    assert deeds(action="view") == looked, "one look is noted once"
    # It is over: nobody asks any more, and a page that is opened then does not begin to.
    monkeypatch.setenv("CLINIC_NOW", (NOW + timedelta(hours=1)).isoformat())
    over = f"/conversations/{talk.pk}?poll=1&after={last}"
    assert desk.get(over, **poll).status_code == 286
    assert "after=" not in desk.get(address).content.decode()
    assert Session.objects.count() == 1


def test_reviewing_leads_from_one_to_the_next_under_the_same_filters(desk: Any) -> None:
    newest = chat("a", at=NOW - timedelta(hours=1), outcome="red_flag")
    chat("b", at=NOW - timedelta(hours=2))
    oldest = chat("c", at=NOW - timedelta(hours=3), outcome="red_flag")
    page = desk.get(f"/conversations/{newest.pk}?outcome=red_flag").content.decode()
    assert f'/conversations/{oldest.pk}?outcome=red_flag" data-key="j"' in page
    back = f"/conversations/{newest.pk}?outcome=red_flag"
    done = desk.post(f"/conversations/{newest.pk}/review", {"back": back}, follow=True)
    assert "Reviewed by rui" in text(done)
    elsewhere = desk.post(f"/conversations/{newest.pk}/review", {"back": "//example.com/"})
    assert elsewhere["Location"] == "/conversations/"


def test_tags_notes_and_this_was_wrong(desk: Any) -> None:
    from clinic.conversations.models import Correction, Note
    from clinic.desk.upkeep import tidy

    session = chat("a", [("patient", "does it cost a lot", understood("faq/symptoms", 0.44))])
    at = f"/conversations/{session.pk}"
    desk.post(f"{at}/tag", {"tag": "prices", "back": at})
    desk.post(f"{at}/note", {"text": "Ask Natalie", "back": at})
    message = session.first_event_id
    desk.post(f"{at}/note", {"text": "This one", "message": message, "back": at})
    wrong = desk.post(
        f"/messages-said/{message}/wrong", {"wrong": "topic:faq/cost", "back": at}, follow=True
    )
    page = text(wrong)
    assert "prices" in page
    assert "Ask Natalie" in page
    assert "This one rui" in page
    assert "Wrong, says rui: Cost" in page
    undo = re.findall(r'action="(/undo/\d+)"', wrong.content.decode())[-1]
    desk.post(f"/messages-said/{message}/wrong", {"wrong": "missed_red_flag"})
    assert Correction.objects.get().kind == "missed_red_flag"
    assert "Somebody has changed that since" in text(desk.post(undo, follow=True))
    assert Correction.objects.get().kind == "missed_red_flag"
    desk.post(f"/messages-said/{message}/wrong", {"wrong": ""})
    for nonsense in ("topic:faq/astrology", "topic:", "burn"):
        desk.post(f"/messages-said/{message}/wrong", {"wrong": nonsense})
    assert not Correction.objects.exists()
    note = Note.objects.get(text="Ask Natalie")
    assert browser(person("ana", "reviewer")).post(f"/notes/{note.pk}/drop").status_code == 404
    gone = desk.post(f"/notes/{note.pk}/drop", {"back": at}, follow=True)
    assert "Ask Natalie" not in text(gone)
    assert desk.post(f"/notes/{note.pk}/drop").status_code == 404
    undo = re.findall(r'action="(/undo/\d+)"', gone.content.decode())[-1]
    assert "Ask Natalie" in text(desk.post(undo, {"back": at}, follow=True))
    desk.post(f"/notes/{note.pk}/drop")
    tidy(NOW + timedelta(hours=23))
    assert Note.objects.count() == 2
    tidy(NOW + timedelta(days=1))
    assert Note.objects.get().text == "This one", "gone for good once it cannot be undone"


def test_beside_each_message_stands_what_it_was_taken_for(desk: Any) -> None:
    card = {"reference": "ABC234", "status": "requested", "starts": "2026-11-25T14:00-05:00"}
    session = chat(
        "a",
        [
            ("patient", "thanks", {"intent": "thank", "guess": "thank", "confidence": 0.93}),
            ("patient", "yes", {"intent": "affirm", "confidence": 0.88, "form": "booking_form"}),
            (
                "patient",
                "hm",
                {
                    **{"intent": "nlu_fallback", "guess": "faq/cost", "confidence": 0.21},
                    "understood": False,
                },
            ),
            ("assistant", "Asked for.", {"card": {**card, "minutes": 60, "service": "massage"}}),
            (
                "assistant",
                "It costs.",
                {"feedback": "down", "feedback_reason": f"wrong, call {PHONE}"},
            ),
        ],
    )
    page = desk.get(f"/conversations/{session.pk}")
    shown = text(page)
    assert "Thank 93 %" in shown
    assert "Affirm 88 % answer in the booking" in shown
    assert "Nothing certain perhaps Cost 21 % not understood" in shown
    assert "Card: Wed 25 Nov, 2:00 pm, massage 60 min to confirm ABC234" in shown
    assert "thumb down : “wrong, call [phone]”" in shown
    assert not DIGITS.search(page.content.decode())
    (row,) = json.loads(b"".join(desk.get("/conversations/download.json")))
    assert row["said"][3]["card"]["reference"] == "ABC234"
    assert row["said"][4]["feedback_reason"] == "wrong, call [phone]"


def test_one_stays_where_one_was_in_a_long_conversation(desk: Any) -> None:
    """After something was done about a message, and on the page as it was looked at."""
    session = chat("long", [("patient", f"word{count} spoken", {}) for count in range(150)])
    early = session.first_event_id + 5
    at = f"/conversations/{session.pk}?outcome=answered&message={early}"
    page = desk.get(at).content.decode()
    places = {html.unescape(back) for back in re.findall(r'name="back" value="([^"]*)"', page)}
    assert f"{at}#m{early}" in places
    assert at in places, "what is about the whole conversation"
    note = {"text": "Look", "message": early, "back": f"{at}#m{early}"}
    done = desk.post(f"/conversations/{session.pk}/note", note, follow=True)
    assert "word5 spoken" in text(done)
    assert "To the end of the conversation" in text(done)
    drop = re.search(r'action="(/notes/\d+/drop)"', done.content.decode())[1]
    gone = desk.post(drop, {"back": f"{at}#m{early}"}, follow=True)
    assert "word5 spoken" in text(gone)
    officer = browser(person("omar", "privacy_officer"))
    page = officer.get(at).content.decode()
    unmask = html.unescape(re.search(r'action="([^"]*/unmask[^"]*)"', page)[1])
    shown = officer.post(unmask, {"reason": "complaint"})
    assert "word5 spoken" in text(shown)
    earlier = officer.get(f"/conversations/{session.pk}").content.decode()
    assert f'href="/conversations/{session.pk}?before=' in earlier


def test_the_front_desk_says_that_a_red_flag_was_seen_to() -> None:
    """At a clinic without a reviewer nobody else would take it off Today."""
    from clinic.conversations.models import Session

    alarm = chat("a", outcome="red_flag", triage_level="emergency")
    other = chat("b")
    desk = browser(person("mara", "front_desk"))
    assert "1 red flag to look at" in text(desk.get("/"))
    at = f"/conversations/{alarm.pk}"
    assert f'action="{at}/review"' in desk.get(at).content.decode()
    assert f'action="{at}/tag"' not in desk.get(at).content.decode()
    done = desk.post(f"{at}/review", {"back": at}, follow=True)
    assert "Reviewed by mara" in text(done)
    assert "red flag to look at" not in text(desk.get("/"))
    undo = re.findall(r'action="(/undo/\d+)"', done.content.decode())[-1]
    desk.post(undo)
    assert "1 red flag to look at" in text(desk.get("/"))
    assert desk.post(f"/conversations/{other.pk}/review").status_code == 403
    assert deeds(action="refused") == [("mara", "refused")]
    assert not Session.objects.filter(reviewed_at__isnull=False).exists()


def test_the_front_desk_reads_and_changes_nothing() -> None:
    session = chat()
    desk = browser(person("mara", "front_desk"))
    page = desk.get(f"/conversations/{session.pk}").content.decode()
    assert "What is sciatica" in page
    assert 'method="post" action="/conversations/' not in page
    for deed in ("review", "tag", "assign", "note"):
        assert desk.post(f"/conversations/{session.pk}/{deed}").status_code == 403


def test_words_of_patients_are_never_taken_for_html(desk: Any) -> None:
    session = chat("a", [("patient", "<script>alert(1)</script>", {})])
    for address in ("/conversations/", f"/conversations/{session.pk}"):
        assert "<script>alert" not in desk.get(address).content.decode()


def test_a_conversation_becomes_a_test_that_names_nobody(desk: Any) -> None:
    session = private()
    kept = desk.get(f"/conversations/{session.pk}/test.yml").content.decode()
    assert f"conversation_{session.pk}" in kept
    assert not DIGITS.search(kept)
    assert "Nair" not in kept
    assert deeds(action="export") == [("rui", "export")]


class Apps:
    """What the store knows of patients in messaging apps."""

    def tied(self, conversations: Sequence[str]) -> list[str]:
        """A chat in an app went on with one of the website."""
        pairs = {"on-the-site": "in-the-app", "in-the-app": "on-the-site"}
        return [pairs[each] for each in conversations if each in pairs]

    def stops(self, conversations: Sequence[str]) -> list[Stop]:
        """They wrote STOP there, and START a day later."""
        stop = Stop("sms", NOW - timedelta(days=3), NOW - timedelta(days=2))
        return [stop] if "in-the-app" in conversations else []

    def close(self) -> None:
        """Nothing to let go of."""


def test_one_person_is_shown_over_two_chats(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who went on in an app: the other chat, what was booked there, and that they wrote STOP."""
    for place in (transcript, ties):
        monkeypatch.setattr(place, "open_store", Apps)
    here, _, alone = chat("on-the-site"), chat("in-the-app", channel="sms"), chat("another")
    page = text(desk.get(f"/conversations/{here.pk}"))
    assert re.search(r"other sessions: Mon,? [\w ,]+ \(sms\)", page), page
    assert "Asked for no more messages in SMS" in page
    assert "and for messages again on" in page
    page = text(desk.get(f"/conversations/{alone.pk}"))
    assert "other sessions" not in page
    assert "no more messages" not in page
