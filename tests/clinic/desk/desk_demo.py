"""A desk on a Monday morning, with invented people: ``python desk_demo.py`` fills the database.

With ``busy`` there is more on it than a morning has: something in each list and table.

Prints the session of one person of each role as JSON, for browsers to be logged in with.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[3]), str(Path(__file__).resolve().parent)]
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.desk.settings"

from clinic import setup  # noqa: E402

setup.ready(migrate=True)

from desk_chats import NOW, chat, understood  # noqa: E402
from desk_people import browser, person  # noqa: E402

os.environ["CLINIC_NOW"] = NOW.isoformat()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
THERAPIST = "Natalie Yeo"


def people() -> dict[str, Any]:
    """One of each role, and somebody with all of them."""
    return {
        "front_desk": person("mara", "front_desk", name="Mara Singh"),
        "reviewer": person("rui", "reviewer", name="Rui Costa"),
        "privacy_officer": person("omar", "privacy_officer", name="Omar Haddad"),
        "administrator": person("ada", "administrator", name="Ada Byrne"),
        "everything": person(
            "natalie",
            *("front_desk", "reviewer", "privacy_officer", "administrator"),
            name="Natalie Yeo",
        ),
    }


def bookings() -> None:
    """Requests in all states, one with a stuck letter, somebody to call, and a message."""
    from clinic.booking import holds
    from clinic.booking.requests import change_status, create_request
    from clinic.handoff.messages import leave_message
    from clinic.outbox.models import Item

    wanted = [
        ("Priya Nair", "priya@example.com", 2, 14, 60, "confirmed", "Lower back and left leg."),
        ("Sam Wilson", "416-555-0199", 2, 16, 45, "", "Call me at 416-555-0199 after 5."),
        ("Ines Okafor", "ines@example.com", 3, 9, 30, "", ""),
        ("Tom Berg", "tom@example.com", 1, 11, 60, "confirmed", ""),
        ("Nora Stein", "nora@example.com", 0, 13, 45, "confirmed", ""),
        ("Lena Fox", "604-555-0123", 4, 10, 60, "declined", ""),
        ("Amir Khan", "amir@example.com", None, None, 45, "", "Evenings are best for me."),
    ]
    for place, (name, contact, day, hour, minutes, status, note) in enumerate(wanted):
        hold = None
        if day is not None:
            start = NOW.replace(hour=hour + 5, minute=0) + day * DAY
            hold = holds.hold(THERAPIST, start, minutes, f"booking-{place}", NOW - 9 * MINUTE)
            assert hold, name
        request = create_request(
            conversation_id=f"booking-{place}",
            patient_name=name,
            patient_contact=contact,
            preferred_time="in the next days, mornings if you can" if hold is None else "that time",
            idempotency_key=f"demo {place}",
            note=note,
            service="massage therapy",
            minutes=minutes,
            hold=hold,
            new_or_returning="new",
            now=NOW - place * 7 * HOUR if hold is None else NOW - 9 * MINUTE,
        )
        if status:
            change_status(request, status, "mara")
    Item.objects.filter(request__patient_name="Ines Okafor").update(state="stuck", reason="login")
    unread = Item.objects.filter(request__patient_name="Lena Fox", part="chat")
    unread.update(state="stuck", reason="not_reached")
    leave_message(
        conversation_id="a-message",
        patient_contact="416-555-0166",
        patient_name="Joan Mills",
        text="Is there parking close by with a walker? You can reach me at 416-555-0166.",
        idempotency_key="demo",
    )


def chats() -> None:
    """Conversations of all kinds, the newest an hour old."""
    from clinic.conversations.models import Session, Tag
    from clinic.desk import reviewing

    answer = "Massage can ease sciatica pain for some people, mainly by loosening tight muscles."
    alarm = "Please go to the nearest emergency department or call 911 now."
    faq = {"response": "utter_faq/how_massage_helps", "source": ["How Does Massage Help"]}
    chat(
        "booking-1",
        [
            ("patient", "Does massage help sciatica?", understood("faq/how_massage_helps", 0.94)),
            ("assistant", answer, {**faq, "feedback": "up"}),
            ("patient", "Can I book for Wednesday at 4?", understood("book_appointment", 0.97, **{
                "entities": [{"entity": "time", "value": "Wednesday at 4"}],
                "actions": [{"name": "booking_form", "policy": "RulePolicy"}],
            })),
            ("assistant", "What is your name?", {"response": "utter_ask_patient_name"}),
            ("patient", "Sam Wilson, 416-555-0199", {
                "form": "booking_form", "intent": "nlu_fallback", "guess": "greet",
                "confidence": 0.41, "slots": {"patient_name": "Sam Wilson"},
            }),
            ("assistant", "Thank you Sam. Your appointment is requested.", {
                "response": "utter_booking_done",
                "buttons": [{"title": "Ask something else"}],
            }),
        ],
        at=NOW - HOUR, outcome="requested_booking", lowest_confidence=0.94, feedback_up=True,
        began_hour=9, booking_step=6,
        topics=["faq/how_massage_helps", "book_appointment"],
    )  # fmt: skip
    chat(
        "flag",
        [
            ("patient", "My leg went numb and I cannot feel it when I wipe", understood(
                "faq/symptoms", 0.71, triage_level="emergency",
                triage={"sign": "saddle_numbness", "level": "emergency"},
            )),
            ("assistant", alarm, {"response": "utter_emergency"}),
        ],
        at=NOW - 3 * HOUR, outcome="red_flag", triage_level="emergency", lowest_confidence=0.71,
        topics=["faq/symptoms"],
    )  # fmt: skip
    odd = ["do you take bitcoin", "can my dog come along", "is the room heated in winter"]
    for place, words in enumerate(odd):
        chat(
            f"odd-{place}",
            [
                ("patient", words, {**understood("faq/cost", 0.31), "understood": False}),
                ("assistant", "I am not sure I understood you.", {"response": "utter_fallback"}),
            ],
            at=NOW - (5 + place) * HOUR, outcome="not_understood", lowest_confidence=0.31,
            feedback_down=place == 0,
        )  # fmt: skip
    topics = ["what_is_sciatica", "cost", "does_it_hurt", "opening_hours", "how_many_sessions"]
    said = [
        "What is sciatica?", "How much is an hour?", "Does it hurt?", "Are you open on Saturday?",
        "How often do I need to come?",
    ]  # fmt: skip
    for place in range(70):
        topic = f"faq/{topics[place % 5]}"
        at = NOW - place * 5 * HOUR - 8 * HOUR
        chat(
            f"faq-{place}",
            [
                ("patient", said[place % 5], understood(topic, 0.8 + place % 20 / 100)),
                ("assistant", answer, {"response": f"utter_{topic}"}),
            ],
            at=at, outcome="answered", topics=[topic], lowest_confidence=0.8 + place % 20 / 100,
            # Five hours behind UTC; some begin to book, and fewer and fewer go on.
            began_hour=(at - 5 * HOUR).hour, booking_step=max(0, 5 - place) if place < 9 else 0,
        )  # fmt: skip
    Tag.objects.create(name="parking")
    some = list(Session.objects.filter(outcome="answered").values_list("pk", flat=True)[40:])
    reviewing.review(some, "rui")
    reviewing.add_tag(some[:3], "parking", "rui")


def links() -> None:
    """Patients who were sent to a booking page, as long as the clinic had one of its own."""
    from clinic.outbox.models import LinkGiven

    for place, conversation in enumerate(("faq-3", "gone")):
        LinkGiven.objects.create(
            conversation_id=conversation,
            program="jane",
            address="https://sorrel-lane.janeapp.com/#/staff_member/1",
            at=NOW - (place + 30) * DAY,
        )


def questions() -> None:
    """What went wrong, collected and in groups."""
    from clinic.questions.collecting import collect
    from clinic.questions.models import Question

    while collect():
        pass
    questions = list(Question.objects.order_by("pk"))
    for place, question in enumerate(questions):
        question.group = questions[place - place % 2].pk
        question.save()


def busy() -> None:
    """Something in each list and table that the morning leaves empty."""
    from clinic.booking.models import WaitingEntry
    from clinic.conversations.models import Message, Session
    from clinic.desk import reviewing
    from clinic.handoff.models import PatientMessage
    from clinic.live import chats as live
    from clinic.live import duty
    from clinic.live.models import Chat
    from clinic.privacy.models import DeletionReceipt, RedactionReceipt, RetentionRun
    from clinic.questions import inbox, taught
    from clinic.questions.models import NO_LEVEL, Question

    WaitingEntry.objects.create(
        reference="WAIT24",
        conversation_id="faq-5",
        patient_name="Lou Kim",
        patient_contact_kind="phone",
        patient_contact="+14165550188",
        patient_contact_typed="416-555-0188",
        note="Mornings, and not on Friday.",
        minutes=60,
        windows=[[(NOW + DAY).isoformat(), (NOW + DAY + 3 * HOUR).isoformat()]],
        until=NOW + DAY + 3 * HOUR,
        idempotency_key="demo",
        created_at=NOW - DAY,
    )

    PatientMessage.objects.create(
        reference="MSG234",
        status="answered",
        conversation_id="faq-6",
        patient_contact_kind="email",
        patient_contact="lou@example.com",
        patient_contact_typed="lou@example.com",
        text="Do you have a lift?",
        idempotency_key="answered",
        created_at=NOW - DAY,
        answered_at=NOW - DAY + 3 * HOUR,
    )
    duty.set_available("natalie", "Natalie Yeo", True, NOW)
    live.ask("flag", NOW - 4 * MINUTE)
    Chat.objects.filter(conversation_id="flag").update(alarm="emergency", alarm_at=NOW - 3 * MINUTE)
    mine = live.join("booking-1", "natalie", "Natalie Yeo", NOW - 6 * MINUTE)
    live.say(mine.pk, "natalie", "Hello, Natalie here. What can I do?", "demo", NOW - 5 * MINUTE)
    for conversation, minutes in (("faq-0", 7), ("faq-1", 0)):
        live.ask(conversation, NOW - HOUR)
        if minutes:
            there = live.join(conversation, "mara", "Mara Singh", NOW - HOUR + minutes * MINUTE)
            live.hand_back(there.pk, "mara", NOW - MINUTE)
        else:
            live.stop_waiting(conversation, NOW - MINUTE)

    digest = "0" * 64
    RetentionRun.objects.create(
        at=NOW - 12 * HOUR, who="retention", older_than=NOW - 90 * DAY, deleted=4, held=1, talking=1
    )
    DeletionReceipt.objects.create(
        reference="DEL234",
        conversation_digest=digest,
        who="patient",
        requests_anonymised=1,
        messages_deleted=12,
        feedback_deleted=0,
        created_at=NOW - DAY,
    )
    RedactionReceipt.objects.create(
        reference="RED234",
        conversation_digest=digest,
        who="omar",
        whole=False,
        events=3,
        messages=1,
        created_at=NOW - DAY,
    )
    reviewing.hold("faq-7", "omar", on=True)

    talk = Session.objects.get(conversation_id="booking-1")
    reviewing.add_tag([talk.pk], "follow up", "rui")
    reviewing.assign([talk.pk], "rui", "natalie")
    first = Message.objects.filter(session=talk, author="patient").order_by("pk").first()
    assert first
    reviewing.add_note(talk, "Called back, all is well.", "rui")
    reviewing.add_note(talk, "Asked in the same words before.", "rui", first.pk)
    reviewing.correct(first, "topic", "faq/cost", "rui")

    known = next(iter(taught._examples(taught.FOLDER, 0)))
    wanted = next(
        label for label in ("faq/cost", "faq/location") if label != taught.label_of(known)
    )
    decided: list[tuple[str, str, str, dict[str, Any]]] = [
        (known, "topic", wanted, {}),
        ("is there a rack for bikes", "topic", "faq/location", {"now_as": "faq/location"}),
        ("my seat went numb", "missed_red_flag", "", {"now_level": "urgent"}),
        ("my foot fell asleep in the cinema", "false_alarm", "", {"now_level": NO_LEVEL}),
        ("do you have gift cards", "needs_answer", "", {}),
    ]
    for text, state, topic, now in decided:
        made = Question.objects.create(
            key=text,
            text=text,
            count=2,
            first_at=NOW - DAY,
            last_at=NOW - HOUR,
            not_understood=True,
        )
        inbox.decide([made.pk], state, "rui", topic)
        Question.objects.filter(pk=made.pk).update(**now)


if __name__ == "__main__":
    found = people()
    bookings()
    chats()
    links()
    questions()
    if "busy" in sys.argv[1:]:
        busy()
    name = browser().get("/health") and "desk_session"
    print(json.dumps({role: browser(one).cookies[name].value for role, one in found.items()}))
