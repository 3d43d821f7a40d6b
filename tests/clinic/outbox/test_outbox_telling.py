"""The patient hears of each decision in the chat, or somebody is asked to call."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from asking import ask, ask_without_time
from handoff_peers.samples import NOW, ROOT, START

from assistant.policies.proposals import proposal_in
from clinic import clock as clinic_clock
from clinic.booking.calendar import Slot
from clinic.booking.handoff import words
from clinic.booking.requests import (
    accept_proposal,
    cancel_request,
    change_status,
    expire,
    refuse_proposal,
    reschedule_request,
)
from clinic.live.models import Chat, Step
from clinic.outbox import queue, telling
from clinic.outbox.models import Item, LateMessage
from clinic.outbox.worker import Worker
from clinic.privacy.deletion import delete_conversation
from clinic.text import BadInput

PHONE = "416-555-0177"
LATER = telling.READ_WITHIN + timedelta(seconds=1)

pytestmark = pytest.mark.usefixtures("database")


class Windows:
    """What the patients' windows have shown."""

    def __init__(self) -> None:
        self.read: set[str] = set()

    def is_read(self, conversation: str, message_id: str) -> bool:
        """As the store of conversations answers."""
        return conversation in self.read


@pytest.fixture
def windows() -> Any:
    return Windows()


def told(outcome: str = "done") -> Step:
    """The Rasa server carries out what there is; the last of it."""
    Step.objects.filter(done_at=None).update(done_at=NOW, outcome=outcome)
    return Step.objects.latest("pk")


def chat_item() -> Any:
    return Item.objects.filter(part="chat").latest("pk")


def test_each_decision_is_told_in_the_chat_with_the_new_calendar_entry() -> None:
    request = ask(patient_contact=PHONE)
    assert not Step.objects.exists(), "the chat has said so itself"
    change_status(request, "confirmed", "natalie")
    slot = Slot("Natalie Yeo", START + timedelta(hours=2), START + timedelta(hours=3))
    reschedule_request(request, slot, who="natalie", now=NOW)
    change_status(request, "declined", "natalie", reason="away")
    said = list(Step.objects.order_by("pk"))
    assert {step.chat.conversation_id for step in said} == {"c1"}
    confirmed, proposed, declined = (json.loads(step.attached) for step in said)
    assert "is confirmed" in said[0].text
    assert request.reference in said[0].text
    assert (confirmed["card"]["status"], confirmed["buttons"]) == ("confirmed", [])
    assert "METHOD:PUBLISH" in confirmed["card"]["ics"]
    assert "can offer" in said[1].text
    assert proposed["card"]["starts"] > confirmed["card"]["starts"]
    assert proposed["card"]["ics"] != confirmed["card"]["ics"]
    proposal = f"{request.reference}-{request.status_changes.get(status='changed').pk}"
    assert [button["payload"] for button in proposed["buttons"]] == [
        f'/accept_time{{"proposal":"{proposal}"}}',
        f'/change_appointment{{"kind":"move","proposal":"{proposal}"}}',
        f'/refuse_time{{"proposal":"{proposal}"}}',
    ]
    assert proposal_in(proposed["buttons"]) == proposal
    assert proposal_in(confirmed["buttons"]) is None
    assert "The therapist is away then." in said[2].text
    assert "card" not in declined
    assert "Priya" not in "".join(step.text for step in said)


def test_what_nobody_answered_in_time_is_told_and_what_the_patient_did_is_not() -> None:
    request = ask(patient_contact=PHONE)
    expire(START + timedelta(minutes=1))
    assert "in time" in Step.objects.get().text
    other = ask(2, START + timedelta(hours=1), patient_contact=PHONE)
    cancel_request(other)
    assert Step.objects.count() == 1
    assert chat_item().request_id == request.pk


def propose(request: Any) -> int:
    """Natalie offers two hours later; the key of that change."""
    slot = Slot("Natalie Yeo", START + timedelta(hours=2), START + timedelta(hours=3))
    reschedule_request(request, slot, who="natalie", now=NOW)
    return int(request.status_changes.get(status="changed").pk)


def letters_of(mail_settings: Any, clock: Any) -> list[Any]:
    """The letters that the worker sends by now."""
    clock.pass_(seconds=1)
    Worker(now=clock, today=clinic_clock.now).run_due()
    return list(mail_settings.mailbox.messages)


def calendar_of(letter: Any) -> str:
    """The invitation in a letter."""
    (part,) = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    return str(part.get_payload(decode=True).decode())


def test_accepting_tells_the_clinic_and_brings_the_invitation_up_to_date(
    mail_settings: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    request = ask()
    proposal = propose(request)
    before = len(letters_of(mail_settings, clock))
    accept_proposal(request, proposal, NOW)
    assert Step.objects.count() == 1, "the chat says so itself"
    letters = letters_of(mail_settings, clock)[before:]
    patient, clinic = sorted(letters, key=lambda one: "priya" not in one["To"])
    assert patient["Subject"].endswith("is confirmed")
    assert "STATUS:CONFIRMED" in calendar_of(patient)
    assert f"Appointment {request.reference} accepted" in clinic["Subject"]
    assert "Priya" not in clinic.as_string()
    assert "the assistant on our website" in letters_text(mail_settings, "Another time")


def letters_text(mail_settings: Any, subject: str) -> str:
    """The words of the letter with this subject, on one line."""
    letter = next(one for one in mail_settings.mailbox.messages if subject in one["Subject"])
    (part,) = [part for part in letter.walk() if part.get_content_type() == "text/plain"]
    return " ".join(part.get_payload(decode=True).decode().split())


def test_refusing_takes_the_invitation_back_and_asks_the_clinic_to_get_in_touch(
    mail_settings: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    request = ask()
    proposal = propose(request)
    before = len(letters_of(mail_settings, clock))
    refuse_proposal(request, proposal, NOW)
    letters = letters_of(mail_settings, clock)[before:]
    patient, clinic = sorted(letters, key=lambda one: "priya" not in one["To"])
    assert "waits for another time" in patient["Subject"]
    assert "METHOD:CANCEL" in calendar_of(patient)
    assert f"Please get in touch: {request.reference}" in clinic["Subject"]
    # A time that is proposed afterwards is an invitation again.
    slot = Slot("Natalie Yeo", START + timedelta(hours=4), START + timedelta(hours=5))
    reschedule_request(request, slot, who="natalie", now=NOW)
    invitation = calendar_of(letters_of(mail_settings, clock)[-1])
    assert "METHOD:REQUEST" in invitation
    assert "SEQUENCE:3" in invitation


def test_every_decision_has_words_also_without_a_time() -> None:
    request = ask_without_time(patient_contact=PHONE)
    change_status(request, "confirmed", "natalie")
    for state in ("changed", "confirmed", "declined", "cancelled", "expired"):
        assert {state, f"{state}_without_time"} <= set(words.wording()["chat"])
    assert "For the exact time" in Step.objects.get().text
    assert "card" not in json.loads(Step.objects.get().attached)


def test_the_payloads_are_intents_of_the_assistant() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    intents = {
        name for one in domain["intents"] for name in ([one] if isinstance(one, str) else one)
    }
    buttons = [button for some in words.wording()["chat_buttons"].values() for button in some]
    assert buttons
    assert {button["payload"][1:].partition("{")[0] for button in buttons} <= intents


def test_read_in_the_chat_is_done(windows: Any) -> None:
    change_status(ask(patient_contact=PHONE), "confirmed", "natalie")
    told()
    now = queue.real_now()
    assert telling.look(now, windows) == 0
    assert chat_item().state == "waiting"
    windows.read.add("c1")
    assert telling.look(now, windows) == 1
    assert (chat_item().state, chat_item().sent_at) == ("sent", now)
    assert not queue.to_call().exists()


@pytest.mark.parametrize("outcome", ["done", "gone", "failed", ""])
def test_who_has_not_read_it_is_to_be_called(windows: Any, outcome: str) -> None:
    change_status(ask(patient_contact=PHONE), "declined", "natalie")
    if outcome:
        told(outcome)
    now = queue.real_now()
    # A chat that is closed, deleted or given up is not waited for.
    assert telling.look(now, windows) == (outcome in ("gone", "failed"))
    telling.look(now + LATER, windows)
    item = queue.to_call().get()
    assert "please call" in queue.in_words(item)
    with pytest.raises(BadInput):
        queue.retry(item.pk, "mara")
    assert queue.retry_all("mara") == 0
    queue.done_by_hand(item.pk, "mara")
    assert (chat_item().state, chat_item().done_by) == ("sent", "mara")
    telling.look(now + 2 * LATER, windows)
    assert not queue.to_call().exists()
    with pytest.raises(BadInput):
        queue.done_by_hand(item.pk, "rui")


def test_nobody_is_called_who_comes_back_to_the_chat_first(windows: Any) -> None:
    change_status(ask(patient_contact=PHONE), "confirmed", "natalie")
    told()
    now = queue.real_now() + LATER
    telling.look(now, windows)
    assert queue.to_call().exists()
    windows.read.add("c1")
    telling.look(now, windows)
    assert not queue.to_call().exists()


@pytest.mark.parametrize("by_hand", [False, True])
def test_who_was_told_and_has_not_got_it_after_all_is_to_be_called(
    windows: Any, by_hand: bool
) -> None:
    """A messaging app's provider had taken it, and reports it lost; not of who was called."""
    change_status(ask(patient_contact=PHONE), "confirmed", "natalie")
    told()
    now = queue.real_now()
    if by_hand:
        telling.look(now + LATER, windows)
        queue.done_by_hand(chat_item().pk, "mara")
    windows.read.add("c1")
    telling.look(now, windows)
    assert chat_item().state == "sent"
    windows.read.clear()
    telling.look(now, windows)
    assert chat_item().state == "sent", "nothing is stuck in an app"
    LateMessage.objects.create(
        conversation_id="c1", app="sms", state="stuck", reason="undelivered", at=now
    )
    telling.look(now + timedelta(days=15), windows)
    assert not queue.to_call().exists()
    telling.look(now, windows)
    assert queue.to_call().exists() is not by_hand
    windows.read.add("c1")
    telling.look(now, windows)
    assert chat_item().state == "sent"


def test_nobody_is_called_about_what_is_no_longer_so(windows: Any) -> None:
    request = ask(patient_contact=PHONE)
    change_status(request, "confirmed", "natalie")
    told()
    now = queue.real_now() + LATER
    telling.look(now, windows)
    cancel_request(request)
    telling.look(now, windows)
    assert not queue.to_call().exists()
    assert chat_item().state == "dropped"


def test_who_gave_an_address_gets_a_letter_and_is_not_called(
    mail_settings: Any, clock: Any, windows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    change_status(ask(), "confirmed", "natalie")
    told("gone")
    clock.pass_(seconds=1)
    Worker(now=clock, today=clinic_clock.now).run_due()
    telling.look(clock() + LATER, windows)
    letters = [one for one in mail_settings.mailbox.messages if one["To"] == "priya@example.com"]
    assert len(letters) == 1
    assert not Item.objects.filter(state="stuck").exists()


def test_without_mail_a_new_request_is_no_failure_and_a_decision_is_for_the_chat(
    clock: Any, windows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    worker = Worker(now=clock, today=clinic_clock.now)
    request = ask()
    clock.pass_(seconds=1)
    worker.run_due()
    assert set(Item.objects.values_list("state", flat=True)) == {"dropped"}
    change_status(request, "confirmed", "natalie")
    told()
    clock.pass_(seconds=1)
    worker.run_due()
    telling.look(clock() + LATER, windows)
    # Somebody must know, once, although there is an e-mail address.
    assert queue.to_call().get() == chat_item()
    assert Item.objects.filter(state="stuck").count() == 1
    windows.read.add("c1")
    telling.look(clock(), windows)
    assert not Item.objects.filter(state="stuck").exists()


def test_a_decision_that_is_undone_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    request = ask(patient_contact=PHONE)
    monkeypatch.setattr(
        "clinic.outbox.queue.Item.objects",
        SimpleNamespace(bulk_create=lambda *_, **__: 1 / 0),
    )
    with pytest.raises(ZeroDivisionError):
        change_status(request, "confirmed", "natalie")
    assert not Step.objects.exists()


def test_what_is_deleted_leaves_nothing_to_tell(windows: Any) -> None:
    change_status(ask(patient_contact=PHONE), "confirmed", "natalie")
    delete_conversation("c1")
    assert not Chat.objects.exists()
    telling.look(queue.real_now() + LATER, windows)
    assert not queue.to_call().exists()
