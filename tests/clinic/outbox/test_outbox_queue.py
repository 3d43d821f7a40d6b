"""What is noted down, given out, repeated and given up."""

from __future__ import annotations

import logging
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asking import ask, ask_without_time
from django.db import connections, transaction
from handoff_peers.samples import NOW, ROOT, START

from clinic.booking import handoff, holds
from clinic.booking.calendar import Slot
from clinic.booking.handoff.interface import Delivery, Outcome, Part, Reason, Trouble
from clinic.booking.models import AppointmentRequest, StatusChange
from clinic.booking.requests import cancel_request, change_status, reschedule_request
from clinic.outbox import links, queue
from clinic.outbox.models import Item, LinkGiven, State
from clinic.outbox.reading import appointment_of, uid_of
from clinic.outbox.worker import Worker
from clinic.privacy.deletion import delete_conversation
from clinic.text import BadInput

pytestmark = pytest.mark.usefixtures("database")


def rows(request: AppointmentRequest) -> list[tuple[str, int, str]]:
    return [(i.part, i.sequence, i.state) for i in Item.objects.filter(request=request)]


class Way:
    """A way out that does what it is told and remembers what it was given."""

    def __init__(self, *results: Delivery | Exception) -> None:
        self.results = list(results)
        self.given: list[tuple[Any, Part]] = []

    def deliver(self, appointment: Any, part: Part) -> Delivery:
        self.given.append((appointment, part))
        result = self.results.pop(0) if self.results else Delivery.sent()
        if isinstance(result, Exception):
            raise result
        return result


def worker(way: Way, clock: Callable[[], datetime], today: datetime = NOW) -> Worker:
    return Worker(now=clock, today=lambda: today, way_of=lambda _: way)  # type: ignore[arg-type,return-value]


def test_rows_are_written_with_the_change_or_not_at_all() -> None:
    request = ask()
    assert rows(request) == [("patient", 0, "waiting"), ("clinic", 0, "waiting")]

    def undone() -> None:
        with transaction.atomic():
            change_status(request, "confirmed", "natalie")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    request.refresh_from_db()
    assert request.status == "requested"
    assert len(rows(request)) == 2


def test_a_round_ends_while_there_is_more_to_deliver(
    clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail server that answers nothing keeps the worker's other duties waiting for one letter."""
    moment = [0.0]

    class Silent(Way):
        def deliver(self, appointment: Any, part: Part) -> Delivery:
            moment[0] += 30
            return super().deliver(appointment, part)

    monkeypatch.setattr("clinic.outbox.worker.time", SimpleNamespace(monotonic=lambda: moment[0]))
    ask()
    clock.pass_(seconds=1)
    way = Silent(*[Trouble(Reason.TOO_SLOW)] * 4)
    worker_ = worker(way, clock)
    assert worker_.run_due(seconds=5) == 1
    assert worker_.run_due(seconds=5) == 1
    assert [part for _, part in way.given] == ["patient", "clinic"]


def test_noting_down_again_changes_nothing() -> None:
    request = ask()
    handoff.after_request(request)
    handoff.after_request(request)
    assert len(rows(request)) == 2


def test_a_time_that_was_only_held_is_nobody_s_business() -> None:
    hold = holds.hold("Natalie Yeo", START, 60, "c1", NOW)
    assert hold
    assert not Item.objects.exists()
    request = ask_without_time()
    change = StatusChange(request=request, status="held", who="patient")
    change.save()
    assert queue.enqueue(change) == ()


def test_who_hears_of_what() -> None:
    request = ask()
    change_status(request, "confirmed", "natalie")
    slot = Slot("Natalie Yeo", START + timedelta(hours=2), START + timedelta(hours=3))
    reschedule_request(request, slot, who="natalie", now=NOW)
    cancel_request(request)
    assert [(part, number) for part, number, _ in rows(request)] == [
        ("patient", 0),
        ("clinic", 0),
        ("patient", 1),
        ("chat", 1),
        ("patient", 2),
        ("chat", 2),
        ("patient", 3),
        ("clinic", 3),
    ]
    by_phone = ask_without_time(patient_contact="604-555-0142")
    assert [part for part, _, _ in rows(by_phone)] == ["clinic"]


def test_rows_hold_nothing_personal() -> None:
    ask()
    text = str(list(Item.objects.values()))
    for word in ("Priya", "example.com", "Zanzibar", "thursday"):
        assert word not in text


def test_the_appointment_is_as_it_stood_after_that_change() -> None:
    request = ask()
    first = request.status_changes.get(status="requested")
    slot = Slot("Natalie Yeo", START - timedelta(hours=3), START - timedelta(hours=2))
    reschedule_request(request, slot, now=NOW)
    then = appointment_of(first, 0)
    assert (then.starts_at, then.sequence, then.status) == (START, 0, "requested")
    (moved,) = request.status_changes.filter(status="changed")
    now = appointment_of(moved, 1)
    assert now.starts_at == START - timedelta(hours=3)
    assert now.uid == then.uid == uid_of(request)
    assert (now.minutes, now.therapist, now.patient_email) == (
        60,
        "Natalie Yeo",
        "priya@example.com",
    )


def test_a_lease_keeps_others_away_until_it_is_over(clock: Any) -> None:
    ask(patient_contact="604-555-0142")
    clock.pass_(seconds=1)
    item = queue.claim(clock())
    assert item
    assert (item.part, item.attempts) == ("clinic", 1)
    assert queue.claim(clock()) is None
    clock.pass_(seconds=queue.LEASE.total_seconds() - 1)
    assert queue.claim(clock()) is None
    clock.pass_(seconds=2)
    again = queue.claim(clock())
    assert again
    assert again.pk == item.pk
    # The first one was only slow, and comes back too late.
    assert not queue.finish(item, Delivery.stuck(Reason.REFUSED), clock())
    assert queue.finish(again, Delivery.sent("x"), clock())
    item.refresh_from_db()
    assert (item.state, item.external_id, item.attempts) == ("sent", "x", 2)


def test_only_the_last_change_is_given_out_and_never_two_at_once(clock: Any) -> None:
    request = ask(patient_contact="604-555-0142")
    cancel_request(request)
    clock.pass_(seconds=1)
    item = queue.claim(clock())
    assert item
    assert item.sequence == 1
    assert rows(request) == [("clinic", 0, "dropped"), ("clinic", 1, "waiting")]

    other = ask(2, patient_contact="604-555-0143", start=START - timedelta(hours=4))
    first = queue.claim(clock() + timedelta(seconds=1))
    assert first
    cancel_request(other)
    assert queue.claim(clock() + timedelta(seconds=2)) is None  # the first is on its way
    queue.finish(first, Delivery.sent(), clock())
    second = queue.claim(clock() + timedelta(seconds=2))
    assert second
    assert (second.request_id, second.sequence) == (other.pk, 1)


def test_waiting_grows_and_the_other_side_s_wish_counts(clock: Any) -> None:
    seconds = [queue.wait_after(n).total_seconds() for n in range(1, 12)]
    assert seconds == [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800]
    assert queue.wait_after(10**6).total_seconds() == 1800

    ask(patient_contact="604-555-0142")
    until = clock() + timedelta(minutes=10)
    way = Way(Trouble(Reason.RATE_LIMIT, "429", retry_at=until), Trouble(Reason.BUSY, "503"))
    clock.pass_(seconds=1)
    assert worker(way, clock).run_due() == 1
    (item,) = Item.objects.all()
    assert (item.state, item.reason, item.due_at) == ("failed", "rate_limit", until)
    clock.at = until
    worker(way, clock).run_due()
    item.refresh_from_db()
    assert item.due_at == until + timedelta(seconds=20)
    clock.pass_(seconds=20)
    worker(way, clock).run_due()
    item.refresh_from_db()
    assert (item.state, item.reason, item.attempts) == ("sent", "", 3)
    assert item.sent_at == clock()


def test_after_a_day_someone_must_look_and_can_try_again(clock: Any) -> None:
    request = ask(patient_contact="604-555-0142")
    dead = Way(*[Trouble(Reason.UNREACHABLE) for _ in range(200)])
    tried = 0
    for _ in range(25 * 60):
        clock.pass_(minutes=1)
        tried += worker(dead, clock).run_due()
    (item,) = queue.stuck()
    assert 40 < tried == item.attempts < 70
    state = handoff.delivery_state(request)
    assert state
    assert state.state == "stuck"
    assert state.reasons == ("the notice to the clinic: the other computer cannot be reached",)
    clock.pass_(days=1)
    assert worker(dead, clock).run_due() == 0

    queue.retry(item.pk, "natalie", clock())
    assert worker(Way(), clock).run_due() == 1
    item.refresh_from_db()
    assert (item.state, item.retried_by) == ("sent", "natalie")
    state = handoff.delivery_state(request)
    assert state
    assert (state.state, state.reasons) == ("sent", ())


def test_everything_that_is_stuck_can_be_retried_at_once(clock: Any) -> None:
    for number in range(3):
        ask_without_time(number, patient_contact="604-555-0142")
    clock.pass_(seconds=1)
    wrong = Way(*[Trouble(Reason.LOGIN, "535", final=True) for _ in range(3)])
    worker(wrong, clock).run_due()
    assert len(list(queue.stuck())) == 3
    assert queue.retry_all("natalie", clock()) == 3
    assert worker(Way(), clock).run_due() == 3
    assert list(queue.stuck()) == []


def test_what_cannot_be_retried_says_so(clock: Any) -> None:
    request = ask(patient_contact="604-555-0142")
    clock.pass_(seconds=1)
    worker(Way(Trouble(Reason.REFUSED, final=True)), clock).run_due()
    (item,) = Item.objects.all()
    cancel_request(request)
    with pytest.raises(BadInput, match="last change"):
        queue.retry(item.pk, "natalie")
    clock.pass_(seconds=1)
    worker(Way(), clock).run_due()
    assert rows(request) == [("clinic", 0, "dropped"), ("clinic", 1, "sent")]
    for number in (item.pk, 10**6):
        with pytest.raises(BadInput, match="stuck or failed"):
            queue.retry(number, "natalie")


def test_the_state_of_a_request_is_that_of_its_worst_part(clock: Any) -> None:
    request = ask()
    assert [handoff.delivery_state(request).state] == ["waiting"]  # type: ignore[union-attr]
    clock.pass_(seconds=1)
    worker(Way(Delivery.sent(), Trouble(Reason.TOO_SLOW)), clock).run_due()
    state = handoff.delivery_state(request)
    assert state
    assert state.state == "failed"
    assert [item.state for item in state.items] == ["sent", "failed"]
    none = AppointmentRequest(reference="X", idempotency_key="x", pk=10**6)
    assert handoff.delivery_state(none) is None


def test_without_a_mail_server_the_request_is_kept_and_nothing_has_failed(clock: Any) -> None:
    request = ask()
    clock.pass_(seconds=1)
    assert Worker(now=clock, today=lambda: NOW).run_due() == 2
    assert handoff.delivery_state(request) is None
    assert not queue.stuck()
    request.refresh_from_db()
    assert request.status == "requested"


def test_a_letter_to_someone_whose_data_was_deleted_is_not_sent(clock: Any) -> None:
    request = ask()
    delete_conversation("c1")
    clock.pass_(seconds=1)
    way = Way()
    worker(way, clock).run_due()
    assert [part for _, part in way.given] == [Part.CLINIC]
    assert ("patient", 0, "dropped") in rows(request)
    assert way.given[0][0].patient_name == ""


def test_what_is_over_is_not_confirmed_to_anybody(clock: Any) -> None:
    request = ask()
    clock.pass_(seconds=1)
    way = Way()
    worker(way, clock, today=START).run_due()
    assert not way.given
    assert {item.reason for item in queue.stuck()} == {"over"}
    # That it was cancelled is still worth knowing.
    cancel_request(request)
    clock.pass_(seconds=1)
    worker(way, clock, today=START).run_due()
    assert len(way.given) == 2


def test_an_unforeseen_mistake_is_tried_again_and_logged_without_its_words(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ask()
    clock.pass_(seconds=1)
    worker(Way(ValueError("Priya Nair, Zanzibar"), KeyError("priya@example.com")), clock).run_due()
    assert {item.reason for item in Item.objects.all()} == {"own_mistake"}
    assert "ValueError in deliver line" in caplog.text
    for word in ("Priya", "Zanzibar", "priya@", "Nair"):
        assert word not in caplog.text


def test_the_goodbye_comes_after_the_result_is_stored(clock: Any) -> None:
    ask(patient_contact="604-555-0142")
    seen: list[str] = []
    finish: Callable[[], None] = lambda: seen.append(Item.objects.get().state)  # noqa: E731
    clock.pass_(seconds=1)
    worker(Way(Delivery.sent(finish=finish)), clock).run_due()
    assert seen == ["sent"]


def test_two_workers_never_deliver_the_same(any_database: str, tmp_path: Path) -> None:
    """Six processes, forty requests, on both databases: each part is given out exactly once."""
    for number in range(40):
        ask_without_time(number)
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(6), fork.SimpleQueue()

    def run() -> None:
        way = Way()
        barrier.wait()
        Worker(today=lambda: NOW, way_of=lambda _: way).run_due()  # type: ignore[arg-type,return-value]
        results.put([(a.reference, str(part)) for a, part in way.given])
        connections.close_all()

    processes = [fork.Process(target=run) for _ in range(6)]
    for process in processes:
        process.start()
    given = [entry for _ in processes for entry in results.get()]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert len(given) == len(set(given)) == 80
    assert set(Item.objects.values_list("state", flat=True)) == {State.SENT}
    assert any_database in ("sqlite", "postgresql")


def test_every_reason_state_and_part_has_words() -> None:
    words = queue.wording()
    assert set(words["reasons"]) == set(Reason)
    assert set(words["states"]) == set(State.values) - {State.DROPPED}
    assert set(words["parts"]) == set(Part)
    assert set(Outcome) == {"sent", "later", "stuck"}
    item = Item(part="clinic", reason="rate_limit", code="429")
    assert queue.in_words(item).endswith("(429)")
    assert queue.in_words(Item(part="clinic")) == ""


def test_where_a_patient_was_sent_is_noted_without_the_filled_in_data(
    clinic_file: Callable[[str], Path],
) -> None:
    with pytest.raises(ValueError, match="not link"):
        handoff.hand_over("c1")
    clinic_file("    way: link\n    program: acuity\n    address: https://sorrel.as.me/\n")
    link = handoff.hand_over("c1", name="Priya Nair", email="priya@example.com")
    assert "Priya" in link.address
    (given,) = LinkGiven.objects.all()
    assert (given.program, given.address) == ("acuity", "https://sorrel.as.me/")
    request = ask_without_time()
    handoff.hand_over("w1", request=request)
    assert [found.program for found in request.links_given.all()] == ["acuity"]
    assert links.forget("c1") == 1
    assert links.purge(given.at - timedelta(days=1)) == 0
    assert links.purge(given.at + timedelta(days=1)) == 1


@pytest.mark.parametrize(
    ("keys", "settings", "said"),
    [
        ("    way: requests\n", {"CLINIC_SMTP_HOST": "smtp.example.com"}, "CLINIC_MAIL_FROM is"),
        (
            "    way: caldav\n    therapists: {Natalie Yeo: https://dav.example.com/n/}\n",
            {},
            "CLINIC_CALDAV_USER is empty",
        ),
        (
            "    way: cliniko\n    business: 1\n    therapists: {Natalie Yeo: 2}\n"
            "    services: {massage therapy: {30: 3, 45: 4, 60: 5}}\n",
            {"CLINIC_CLINIKO_KEY": "hidden-key"},
            "CLINIC_CLINIKO_KEY does not look like a key",
        ),
    ],
)
def test_a_wrong_setting_of_the_way_out_is_named_at_start(
    tmp_path: Path,
    clinic_file: Callable[[str], Path],
    keys: str,
    settings: dict[str, str],
    said: str,
) -> None:
    environment = {"CLINIC_VAR": str(tmp_path), "CLINIC_YML": str(clinic_file(keys)), **settings}
    for command in (["check"], ["deliver", "--once"]):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "clinic", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert "hidden-key" not in done.stderr
