"""What is done at the desk and its entry in the audit log are stored together, or neither is."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from desk_chats import NOW, chat
from desk_people import browser, person

PHONE = "416-555-0177"
EVERY_ROLE = ("front_desk", "reviewer", "privacy_officer", "administrator")
#: A time to offer.
SLOT = {"slot": "", "day": "2026-11-27", "time": "16:15", "therapist": "Natalie Yeo"}


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, database: Path, tmp_path: Path) -> None:
    from django.conf import settings

    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    monkeypatch.setattr(settings, "VAR", tmp_path)


class World:
    """A clinic with one thing of each kind; the addresses are those of its forms."""

    def __init__(self) -> None:
        from clinic.booking.requests import create_request
        from clinic.booking.waiting import join_waiting_list
        from clinic.conversations.models import Note
        from clinic.desk import reviewing
        from clinic.desk.models import SavedFilter
        from clinic.handoff.messages import leave_message
        from clinic.live import chats
        from clinic.outbox.models import Item, LateMessage
        from clinic.people import invitations
        from clinic.people.roles import Role
        from clinic.privacy.models import DeletionRequest
        from clinic.questions.models import Question

        who = {"patient_name": "Priya Nair", "patient_contact": PHONE, "now": NOW}
        line = ("patient", "is it cheap", {"understood": False})
        self.session = chat("a", [line], outcome="red_flag", triage_level="urgent")
        self.request = create_request(
            conversation_id="a", preferred_time="soon", idempotency_key="1", **who
        )
        Item.objects.update(state="stuck", reason="login")
        self.item = Item.objects.first()
        self.waits = join_waiting_list(
            conversation_id="w",
            windows=[(NOW, NOW + timedelta(days=2))],
            minutes=60,
            idempotency_key="2",
            **who,
        )
        self.message = leave_message(
            conversation_id="m", patient_contact=PHONE, text="call", idempotency_key="3"
        )
        self.late = LateMessage.objects.create(
            conversation_id="l", app="telegram", state="stuck", reason="stopped", at=NOW
        )
        self.waiting = chats.ask("asks", NOW)
        self.joined = chats.join("talks", "everybody", "Everybody", NOW)
        seen = {"first_at": NOW, "last_at": NOW}
        Question.objects.create(pk=100, key="x", text="x", **seen)
        Question.objects.create(key="zzz zzz", text="zzz zzz", state="out_of_scope", **seen)
        Question.objects.create(key="z", text="z", state="false_alarm", **seen)
        self.note = Note.objects.create(session=self.session, text="So", by="everybody")
        self.filter = SavedFilter.objects.create(by="everybody", name="x", query="reviewed=no")
        other = chat("b")
        self.undo = reviewing.review([other.pk], "everybody")
        self.wish = DeletionRequest.objects.create(conversation_id="b")
        self.mara = person("mara", "front_desk")
        self.gone = person("gone", "reviewer")
        self.gone.is_active = False
        self.gone.save()
        invitations.invite("everybody", NOW, roles={Role.REVIEWER}, name="New")
        self.invitation = invitations.working(NOW).get()


#: By the name of the address: what it is about, and the form.
DEEDS: dict[str, tuple[str, dict[str, str]]] = {
    "confirm": ("request.reference", {}),
    "decline": ("request.reference", {}),
    "cancel": ("request.reference", {}),
    "move": ("request.reference", SLOT),
    "message-answered": ("message.reference", {}),
    "waiting-take-off": ("waits.reference", {}),
    "retry": ("item.pk", {}),
    "delivery-done": ("item.pk", {}),
    "retry-all": ("", {}),
    "settle-late": ("late.pk", {}),
    "live-join": ("waiting.pk", {}),
    "live-join-session": ("session.pk", {}),
    "live-dismiss": ("waiting.pk", {}),
    "live-reply": ("joined.pk", {"text": "hello", "key": "k"}),
    "live-hand-back": ("joined.pk", {}),
    "live-close": ("joined.pk", {}),
    "live-available": ("", {"available": "1"}),
    "review": ("session.pk", {}),
    "tag": ("session.pk", {"tag": "prices"}),
    "note": ("session.pk", {"text": "Look"}),
    "drop-note": ("note.pk", {}),
    "assign": ("session.pk", {"to": "mara"}),
    "bulk": ("", {"what": "review", "all": "1", "newest": "999999"}),
    "hold": ("session.pk", {"hold": "yes"}),
    "correct": ("session.first_event_id", {"wrong": "false_alarm"}),
    "decide": ("", {"questions": "100", "what": "out_of_scope"}),
    "patch": ("", {"mark": "1"}),
    "for-clinician": ("", {"mark": "1"}),
    "save-filter": ("", {"name": "mine", "query": "outcome=answered"}),
    "drop-filter": ("filter.pk", {}),
    "undo": ("undo.pk", {}),
    "settle-wish": ("wish.pk", {}),
    "erase-person": ("", {"person": PHONE, "sure": "1", "reason": "patient_asked"}),
    "erase-conversation": ("session.pk", {"sure": "1", "reason": "patient_asked"}),
    "change-roles": ("mara.username", {"roles": "reviewer"}),
    "stop-person": ("mara.username", {}),
    "bring-back": ("gone.username", {}),
    "begin-anew": ("mara.username", {}),
    "sign-out-person": ("mara.username", {}),
    "invite": ("", {"name": "Sam", "roles": "reviewer"}),
    "take-back": ("invitation.pk", {}),
}
#: Each conversation by itself, and what could not be is said.
ERASING = {"erase-person", "erase-conversation"}
#: They change nothing, or are the way back of one above and made in the same way. What is taken
#: out of a conversation has a test of its own.
OTHERS = {
    *(
        "booking-contact",
        "message-contact",
        "waiting-contact",
        "unmask",
        "live-stay",
        "live-contact",
    ),
    *("find-booking", "find-person", "copy-person", "copy-conversation", "dry-run"),
    *("message-new", "waiting-put-back", "reopen-wish", "redact"),
    *("delivery-not-done", "live-put-back", "reopen-late", "give-back", "roles-before"),
}


def everything() -> dict[str, list[str]]:
    """All rows of all tables, but for the sessions of browsers and the audit log."""
    from django.db import connection

    with connection.cursor() as cursor:
        names = [
            name
            for name in connection.introspection.table_names(cursor)
            if name not in ("django_session", "audit_entry") and "search" not in name
        ]
        found = {}
        for name in names:
            cursor.execute(f'SELECT * FROM "{name}"')  # noqa: S608
            found[name] = sorted(map(repr, cursor.fetchall()))
        return found


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_done_that_cannot_be_noted(deed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError
    from django.urls import reverse

    from clinic.audit.models import Entry

    everybody = person("everybody", *EVERY_ROLE)
    desk = browser(everybody)
    desk.raise_request_exception = False
    about, form = DEEDS[deed]
    world = World()
    address = reverse(deed, args=[attrgetter(about)(world)] if about else [])
    before = everything()
    create = Entry.objects.create

    def full(**entry: Any) -> Any:
        if deed in ERASING and not entry["about"].startswith("receipt"):
            return create(**entry)
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Entry.objects, "create", full)
        refused = desk.post(address, form)
    if deed in ERASING:
        # The others are tried, and that it could not be done is said.
        assert refused.status_code == 302
        assert "Could not be erased" in desk.get("/privacy/").content.decode()
    else:
        assert refused.status_code == 500
    assert everything() == before
    noted = Entry.objects.count()
    assert desk.post(address, form).status_code in (200, 302)
    assert everything() != before
    assert Entry.objects.count() > noted


def test_every_deed_of_the_desk_is_tried() -> None:
    from test_desk_access import _address, _routes

    from clinic.people.roles import Right

    desk = browser(person("everybody", *EVERY_ROLE))
    forms = {
        name
        for name, pattern in _routes().items()
        if pattern.callback.right in set(Right) and desk.get(_address(pattern)).status_code == 405
    }
    assert forms == set(DEEDS) | OTHERS


WHY = {"reason": "patient_asked"}
#: Forms that are answered with a page, or with what stands on one, and how they are filled in.
PAGES = {
    "find-booking": {"q": "Priya"},
    "find-person": {"person": PHONE, **WHY},
    "copy-person": {"person": PHONE, **WHY},
    "copy-conversation": WHY,
    "erase-person": {"person": PHONE, **WHY},
    "dry-run": {},
    "unmask": WHY,
    **dict.fromkeys(("booking-contact", "message-contact", "waiting-contact", "live-contact"), WHY),
    # Decided by somebody else meanwhile, or not possible.
    **{key: {} for key in ("confirm", "decline", "cancel", "move")},
    # New links for a colleague, and files.
    **{key: DEEDS[key][1] for key in ("begin-anew", "invite", "patch", "for-clinician")},
}
ABOUT = {
    "booking-contact": "request.reference",
    "message-contact": "message.reference",
    "waiting-contact": "waits.reference",
    "live-contact": "waiting.pk",
    "live-stay": "joined.pk",
    "unmask": "session.pk",
    "copy-conversation": "session.pk",
    "redact": "session.first_event_id",
    "message-new": "message.reference",
    "waiting-put-back": "waits.reference",
    "reopen-wish": "wish.pk",
    "delivery-not-done": "item.pk",
    "live-put-back": "waiting.pk",
    "reopen-late": "late.pk",
    "give-back": "invitation.pk",
    "roles-before": "mara.username",
    **{deed: about for deed, (about, _) in DEEDS.items()},
}


@pytest.mark.parametrize("name", sorted({*DEEDS, *OTHERS}))
def test_a_form_that_is_answered_with_a_page_is_a_look(name: str) -> None:
    from django.urls import reverse

    from clinic.audit.models import Entry
    from clinic.desk.words import say

    person("everybody", *EVERY_ROLE)
    desk = browser(person("nosy", *EVERY_ROLE))
    about = ABOUT.get(name, "")
    address = reverse(name, args=[attrgetter(about)(World())] if about else [])
    if not about:
        World()
    bad_request = say("problems.bad_request.title")
    shown = False
    # As it should be, the same once more, without anything.
    for form in (PAGES.get(name), DEEDS.get(name, ("", {}))[1], PAGES.get(name, {}), {}):
        before = Entry.objects.filter(who="nosy").count()
        answer = desk.post(address, form or {})
        refused = bad_request in answer.content.decode()
        if answer.content and answer.status_code in (200, 400, 409) and not refused:
            shown = True
            assert Entry.objects.filter(who="nosy").count() > before, answer.status_code
    assert shown == (name in PAGES)
