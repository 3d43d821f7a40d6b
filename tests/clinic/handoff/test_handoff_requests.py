"""Way out ``requests`` against a real mail server: invitations, notices, encryption, refusals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from handoff_peers.bad import BadServer, dripping, silent
from handoff_peers.mail import MailServer, free_port, make_certificate
from handoff_peers.samples import NOW, START, appointment, settings_for
from icalendar import Calendar

from clinic.booking.handoff import invitations, mail, words
from clinic.booking.handoff.interface import Event, Outcome, Part, Reason, Trouble
from clinic.booking.handoff.requests import Requests
from clinic.environment import EnvironmentProblem
from clinic.facts import Facts


def calendar_of(message: EmailMessage) -> tuple[Calendar, str]:
    (part,) = [p for p in message.walk() if p.get_content_type() == "text/calendar"]
    return Calendar.from_ical(part.get_content()), str(part.get_param("method"))


def test_the_patient_gets_an_invitation_that_programs_understand(
    sample: Facts, mail_server: MailServer
) -> None:
    delivery = Requests(sample, settings_for(mail_server)).deliver(appointment(), Part.PATIENT)
    assert delivery.outcome == Outcome.SENT
    assert delivery.finish
    delivery.finish()
    (message,) = mail_server.mailbox.messages
    assert mail_server.mailbox.recipients == ["priya@example.com"]
    assert message["To"] == "priya@example.com"
    assert message["Reply-To"] == sample.email
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    text = message.get_body(("plain",)).get_content()
    assert "Thursday, 26 November 2026, 4 pm to 5 pm (EST)" in text
    assert "7KQ3RD" in text
    assert "not booked yet" in text

    calendar, method = calendar_of(message)
    assert method == str(calendar["METHOD"]) == "REQUEST"
    (event,) = calendar.events
    assert event["STATUS"] == "TENTATIVE"
    assert event["UID"] == appointment().uid
    assert event["SEQUENCE"] == 0
    assert event.start == START
    assert event.end == START + timedelta(hours=1)
    assert event["DTSTART"].params["TZID"] == "America/Toronto"
    assert str(event["ATTENDEE"]) == "mailto:priya@example.com"
    (zone,) = calendar.timezones
    assert zone["TZID"] == "America/Toronto"


@pytest.mark.parametrize(
    ("status", "method", "shown"),
    [
        (Event.REQUESTED, "REQUEST", "TENTATIVE"),
        (Event.CHANGED, "REQUEST", "TENTATIVE"),
        (Event.CONFIRMED, "REQUEST", "CONFIRMED"),
        (Event.DECLINED, "CANCEL", "CANCELLED"),
        (Event.CANCELLED, "CANCEL", "CANCELLED"),
        (Event.EXPIRED, "CANCEL", "CANCELLED"),
    ],
)
def test_every_state_updates_the_same_entry(
    sample: Facts, mail_server: MailServer, status: Event, method: str, shown: str
) -> None:
    way = Requests(sample, settings_for(mail_server))
    way.deliver(appointment(status=status, sequence=3), Part.PATIENT)
    (message,) = mail_server.mailbox.messages
    calendar, found = calendar_of(message)
    (event,) = calendar.events
    assert (found, str(calendar["METHOD"]), str(event["STATUS"])) == (method, method, shown)
    assert (event["UID"], event["SEQUENCE"]) == (appointment().uid, 3)


def test_the_zone_in_an_invitation_says_what_the_real_zone_says(sample: Facts) -> None:
    zone = ZoneInfo("America/Toronto")
    for date in ((2026, 11, 26, 16), (2027, 3, 14, 9), (2027, 7, 1, 9)):
        day = datetime(*date, tzinfo=zone)
        start = day.astimezone(UTC)
        text, _ = invitations.invitation(appointment(starts_at=start), sample, "desk@example.com")
        (given,) = Calendar.from_ical(text).timezones
        built = given.to_tz(lookup_tzid=False)
        assert day.replace(tzinfo=built).utcoffset() == day.utcoffset()
    # The clock jumps from 2 to 3 am on 14 March 2027: written with the time before the change.
    (daylight,) = [
        part
        for part in Calendar.from_ical(text).timezones[0].walk("DAYLIGHT")
        if part["DTSTART"].dt.year == 2027
    ]
    assert daylight["DTSTART"].to_ical() == b"20270314T020000"


def test_a_request_without_a_time_is_a_letter_without_an_invitation(
    sample: Facts, mail_server: MailServer
) -> None:
    way = Requests(sample, settings_for(mail_server))
    for status in Event:
        way.deliver(appointment(starts_at=None, status=status), Part.PATIENT)
        way.deliver(appointment(status=status), Part.PATIENT)
    plain = mail_server.mailbox.messages[::2]
    assert [message.get_content_type() for message in plain] == ["text/plain"] * len(Event)
    assert len({message["Subject"] for message in plain}) == len(Event)


def test_the_clinic_reads_no_word_of_the_patient(sample: Facts, mail_server: MailServer) -> None:
    way = Requests(sample, settings_for(mail_server))
    for status in (Event.REQUESTED, Event.CHANGED, Event.CANCELLED, Event.EXPIRED):
        way.deliver(appointment(status=status, patient_phone="+16045550142"), Part.CLINIC)
    assert mail_server.mailbox.recipients == [sample.email] * 4
    for message, raw in zip(mail_server.mailbox.messages, mail_server.mailbox.raw, strict=True):
        text = message.get_content()
        assert "P. N." in text
        assert "7KQ3RD" in text
        assert "massage therapy, 60 minutes, with Natalie Yeo" in text
        for word in (b"Priya", b"Nair", b"Zanzibar", b"numb", b"6045550142", b"priya@"):
            assert word not in raw


def test_the_note_is_in_no_letter_and_no_calendar(sample: Facts, mail_server: MailServer) -> None:
    Requests(sample, settings_for(mail_server)).deliver(appointment(), Part.PATIENT)
    (message,) = mail_server.mailbox.messages
    assert "Zanzibar" not in "".join(p.get_content() for p in message.iter_parts())
    assert b"Zanzibar" not in invitations.clinic_entry(appointment(), sample).to_ical()
    assert "Zanzibar" not in repr(appointment())


def test_a_second_try_gives_the_same_bytes(sample: Facts, mail_server: MailServer) -> None:
    way = Requests(sample, settings_for(mail_server))
    for part in (Part.PATIENT, Part.CLINIC):
        way.deliver(appointment(), part)
        way.deliver(appointment(), part)
    way.deliver(appointment(sequence=1, status=Event.CONFIRMED), Part.PATIENT)
    first, again, notice, notice_again, later = mail_server.mailbox.raw
    assert first == again
    assert notice == notice_again
    ids = [message["Message-ID"] for message in mail_server.mailbox.messages]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert ids[4] not in ids[:4]
    assert later != first


def test_the_clinic_is_not_told_what_it_did_itself(sample: Facts) -> None:
    way = Requests(sample, None)
    assert way.parts(appointment(), by_clinic=False) == (Part.PATIENT, Part.CLINIC)
    changed = appointment(status=Event.CHANGED)
    assert way.parts(changed, by_clinic=False) == (Part.PATIENT, Part.CLINIC)
    assert way.parts(changed, by_clinic=True) == (Part.PATIENT,)
    assert way.parts(appointment(status=Event.CONFIRMED), by_clinic=True) == (Part.PATIENT,)
    assert way.parts(appointment(patient_email=None), by_clinic=False) == (Part.CLINIC,)


def test_without_a_mail_server_nothing_is_sent_and_that_is_said(sample: Facts) -> None:
    delivery = Requests(sample, None).deliver(appointment(), Part.PATIENT)
    assert (delivery.outcome, delivery.reason) == (Outcome.STUCK, Reason.NO_MAIL)


@pytest.mark.parametrize(
    ("command", "answer", "final", "reason"),
    [
        ("RCPT", "450 mailbox busy", False, Reason.BUSY),
        ("RCPT", "550 no such user priya@example.com", True, Reason.REFUSED),
        ("DATA", "451 try again", False, Reason.BUSY),
        ("DATA", "554 looks like spam", True, Reason.REFUSED),
        ("DATA", "421 closing", False, Reason.BUSY),
    ],
)
def test_a_refusal_is_final_or_not_as_the_server_says(
    sample: Facts, mail_server: MailServer, command: str, answer: str, final: bool, reason: Reason
) -> None:
    mail_server.mailbox.answers[command] = answer
    with pytest.raises(Trouble) as caught:
        Requests(sample, settings_for(mail_server)).deliver(appointment(), Part.PATIENT)
    assert (caught.value.final, caught.value.reason) == (final, reason)
    assert caught.value.code == answer[:3]
    assert "priya" not in f"{caught.value!r} {caught.value}"
    assert not mail_server.mailbox.raw


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_is_encrypted_and_logged_in(
    sample: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool
) -> None:
    certificate = make_certificate(tmp_path)
    server = MailServer(
        login=("desk", "mail-secret"), certificate=certificate, implicit_tls=implicit
    )
    try:
        settings = settings_for(
            server,
            host="localhost",
            security="tls" if implicit else "starttls",
            user="desk",
            password="mail-secret",  # noqa: S106
        )
        way = Requests(sample, settings)
        with pytest.raises(Trouble) as caught:
            way.deliver(appointment(), Part.PATIENT)
        assert caught.value.reason == Reason.NOT_TRUSTED
        assert not server.mailbox.logins

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        way.deliver(appointment(), Part.PATIENT)
        assert server.mailbox.encrypted == [True]
        assert server.mailbox.logins == ["desk"]

        wrong = settings_for(
            server, host="localhost", security=settings.security, user="desk",
            password="wrong-secret",  # noqa: S106
        )  # fmt: skip
        with pytest.raises(Trouble) as caught:
            Requests(sample, wrong).deliver(appointment(), Part.PATIENT)
        assert (caught.value.reason, caught.value.final) == (Reason.LOGIN, True)
        assert "secret" not in f"{caught.value} {settings!r}"
    finally:
        server.stop()


def test_a_server_without_encryption_is_not_used_when_it_is_demanded(
    sample: Facts, mail_server: MailServer
) -> None:
    with pytest.raises(Trouble) as caught:
        Requests(sample, settings_for(mail_server, security="starttls")).deliver(
            appointment(), Part.PATIENT
        )
    assert caught.value.final
    assert not mail_server.mailbox.raw


def test_a_server_that_is_not_there_is_tried_again(sample: Facts, mail_server: MailServer) -> None:
    with pytest.raises(Trouble) as caught:
        Requests(sample, settings_for(mail_server, port=free_port())).deliver(
            appointment(), Part.PATIENT
        )
    assert (caught.value.reason, caught.value.final) == (Reason.UNREACHABLE, False)


@pytest.mark.parametrize("behave", [silent, dripping(b"220-still here\r\n")])
def test_a_slow_server_is_waited_for_as_long_as_one_answer_may_take(
    sample: Facts,
    mail_server: MailServer,
    bad_server: Callable[..., BadServer],
    monkeypatch: pytest.MonkeyPatch,
    behave: Callable[..., None],
) -> None:
    monkeypatch.setattr(mail, "LIMIT", 0.4)
    port = bad_server(behave).port
    start = time.monotonic()
    with pytest.raises(Trouble) as caught:
        Requests(sample, settings_for(mail_server, port=port)).deliver(appointment(), Part.CLINIC)
    assert caught.value.reason == Reason.TOO_SLOW
    assert time.monotonic() - start < 3


def test_lines_that_start_with_a_dot_arrive_whole(
    sample: Facts, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = {"subject": "dots", "text": ".\n..\n.one\nplain\n\n"}
    monkeypatch.setattr(words, "letter", lambda *_: letter)
    Requests(sample, settings_for(mail_server)).deliver(appointment(), Part.CLINIC)
    (message,) = mail_server.mailbox.messages
    assert message.get_content().splitlines()[:4] == [".", "..", ".one", "plain"]


def test_names_of_other_alphabets_and_addresses_go_through(
    sample: Facts, mail_server: MailServer
) -> None:
    way = Requests(sample, settings_for(mail_server))
    way.deliver(appointment(patient_name="Zoë 李", patient_email="zoë@example.com"), Part.PATIENT)
    way.deliver(appointment(patient_name="Zoë 李"), Part.CLINIC)
    assert mail_server.mailbox.recipients[0] == "zoë@example.com"
    assert "Z. 李." in mail_server.mailbox.messages[1].get_content()
    assert words.initials("  ") == "-"
    assert words.initials("Marie-Claire Tremblay (mother)") == "M. T."


def test_no_log_line_holds_a_patient_or_a_secret(
    sample: Facts, mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    way = Requests(sample, settings_for(mail_server))
    way.deliver(appointment(), Part.PATIENT)
    mail_server.mailbox.answers["RCPT"] = "550 no priya here"
    with pytest.raises(Trouble):
        way.deliver(appointment(), Part.PATIENT)
    # aiosmtpd, the other side, runs in this process and logs what it likes.
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("mail.", "asyncio"))]
    assert "priya" not in "".join(ours).lower()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"CLINIC_SMTP_HOST": "mail server"}, 'CLINIC_SMTP_HOST is "mail server"'),
        ({"CLINIC_SMTP_SECURITY": "ssl"}, 'CLINIC_SMTP_SECURITY is "ssl".*starttls, tls, none'),
        ({"CLINIC_SMTP_SECURITY": "none"}, "only for a mail server on this computer"),
        ({"CLINIC_SMTP_PORT": "70000"}, 'CLINIC_SMTP_PORT is "70000"'),
        ({"CLINIC_SMTP_PORT": "²"}, "CLINIC_SMTP_PORT is"),
        ({"CLINIC_SMTP_USER": "desk"}, "CLINIC_SMTP_PASSWORD is empty"),
        ({"CLINIC_SMTP_PASSWORD": "hidden"}, "CLINIC_SMTP_USER is empty"),
        ({"CLINIC_MAIL_FROM": "desk"}, 'CLINIC_MAIL_FROM is "desk"'),
        ({"CLINIC_MAIL_FROM": ""}, "CLINIC_MAIL_FROM is"),
    ],
)
def test_a_wrong_mail_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], sentence: str
) -> None:
    good = {"CLINIC_SMTP_HOST": "smtp.example.com", "CLINIC_MAIL_FROM": "desk@example.com"}
    for name, value in (good | changes).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentProblem, match=sentence) as caught:
        mail.settings()
    assert "Allowed: " in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_good_mail_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLINIC_SMTP_HOST", raising=False)
    assert mail.settings() is None
    monkeypatch.setenv("CLINIC_SMTP_HOST", "smtp.example.com")
    monkeypatch.setenv("CLINIC_MAIL_FROM", "desk@clinic.example.com")
    settings = mail.settings()
    assert settings
    assert (settings.port, settings.security, settings.domain) == (
        587,
        "starttls",
        "clinic.example.com",
    )
    monkeypatch.setenv("CLINIC_SMTP_SECURITY", "tls")
    assert (mail.settings() or settings).port == 465
    assert NOW < START
