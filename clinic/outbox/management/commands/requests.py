"""``python -m clinic requests``: requests to decide, for staff until there is a desk.

Shows names and contacts, so it is for the terminal of someone at the clinic and not for a log.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.commands import NotedCommand
from clinic.audit.models import Action
from clinic.booking import handoff
from clinic.booking.calendar import Slot
from clinic.booking.models import AppointmentRequest, Status, WaitingEntry
from clinic.booking.requests import change_status, reschedule_request
from clinic.outbox.models import LinkGiven
from clinic.text import BadInput

_DECISIONS = {
    "confirm": Status.CONFIRMED,
    "decline": Status.DECLINED,
    "cancel": Status.CANCELLED,
}
_LISTS = {"list": "bookings", "waiting": "waiting list", "links": "links given"}
_EXAMPLE = "2026-11-26T16:00"


class Command(NotedCommand):
    """Lists by default; otherwise decides about one request."""

    help = "Show open requests, the waiting list and links given; decide about one request."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, with which request."""
        super().add_arguments(parser)
        parser.add_argument(
            "what",
            nargs="?",
            choices=("list", "waiting", "links", "show", *_DECISIONS, "move"),
            default="list",
        )
        parser.add_argument("reference", nargs="?", help="the request's six letters and digits")
        parser.add_argument("--to", help=f"move: the new start on the clinic's clock, {_EXAMPLE}")
        parser.add_argument("--with", dest="therapist", help="move: another therapist")

    def handle(self, *_: Any, what: str, reference: str | None, who: str, **options: Any) -> None:
        """Raises CommandError with one sentence for what cannot be done."""
        if lists := {"list": self._list, "waiting": self._waiting, "links": self._links}.get(what):
            log.note(who, Action.LIST, _LISTS[what], detail="with contacts")
            lists()
            return
        request = _find(reference)
        about = f"request {request.reference}"
        try:
            with transaction.atomic():
                if what == "move":
                    request = _move(request, options["to"], options["therapist"], who)
                    log.note(who, Action.CHANGE, about, detail="moved")
                elif what in _DECISIONS:
                    request = change_status(request, _DECISIONS[what], who)
                    log.note(who, Action.CHANGE, about, detail=request.status)
                log.note(who, Action.UNMASK, about, detail="contact")
        except BadInput as problem:
            raise CommandError(str(problem)) from None
        self._show(request)

    def _list(self) -> None:
        undecided = AppointmentRequest.objects.filter(
            status__in=(Status.REQUESTED, Status.CHANGED)
        ).order_by("starts_at", "pk")
        for request in undecided:
            self.stdout.write(_line(request))
        if not undecided:
            self.stdout.write("Nothing is to be decided.")

    def _waiting(self) -> None:
        entries = WaitingEntry.objects.filter(state=WaitingEntry.State.WAITING).order_by("pk")
        for entry in entries:
            told = entry.offers.filter(state="told").count()
            self.stdout.write(
                f"{entry.reference}  {entry.patient_name}, {entry.patient_contact}: "
                f"{entry.minutes} minutes with {entry.therapist or 'anyone'} until "
                f"{_local(entry.until):%Y-%m-%d}, told of {told}"
            )
        if not entries:
            self.stdout.write("Nobody is waiting.")

    def _links(self) -> None:
        given = LinkGiven.objects.order_by("-id")[:100]
        for link in given:
            self.stdout.write(
                f"{_local(link.at):%Y-%m-%d %H:%M}  {link.conversation_id}  {link.address}"
            )
        if not given:
            self.stdout.write("Nobody was sent to the booking page.")

    def _show(self, request: AppointmentRequest) -> None:
        self.stdout.write(_line(request))
        for title, value in (
            ("asked for", request.preferred_time),
            ("new or returning", request.new_or_returning),
            ("for", request.for_whom),
            ("note", request.note),
        ):
            if value:
                self.stdout.write(f"    {title}: {value}")
        for change in request.status_changes.all():
            self.stdout.write(
                f"    {_local(change.at):%Y-%m-%d %H:%M} {change.status} by {change.who}"
            )
        state = handoff.delivery_state(request)
        if state:
            self.stdout.write(f"    delivery: {state.state}")
            for reason in state.reasons:
                self.stdout.write(f"      {reason}")


def _find(reference: str | None) -> AppointmentRequest:
    request = AppointmentRequest.objects.filter(reference=(reference or "").upper()).first()
    if request is None:
        raise CommandError(
            f'there is no request "{reference or ""}". Allowed: a reference of the list, for '
            "example 7KQ3RD."
        )
    return request


def _move(
    request: AppointmentRequest, to: str | None, therapist: str | None, who: str
) -> AppointmentRequest:
    clinic = facts.current()
    try:
        start = datetime.fromisoformat(to or "")
    except ValueError:
        raise CommandError(
            f'--to is "{to or ""}". Allowed: a day and time on the clinic\'s clock, for example '
            f"{_EXAMPLE}."
        ) from None
    # In UTC, so that the end is right on a day on which the clocks change.
    start = (start if start.tzinfo else start.replace(tzinfo=clinic.zone)).astimezone(UTC)
    names = [person.name for person in clinic.therapists]
    who_treats = therapist or request.therapist or names[0]
    if who_treats not in names:
        raise CommandError(f'--with is "{who_treats}". Allowed: {", ".join(names)}.')
    minutes = request.minutes or clinic.services[0].minutes[0]
    slot = Slot(who_treats, start, start + timedelta(minutes=minutes))
    if slot.start_utc <= clock.now():
        raise CommandError(f"--to is in the past. Allowed: a coming time, for example {_EXAMPLE}.")
    moved = reschedule_request(request, slot, who=who)
    if moved is None:
        raise CommandError("that time is somebody else's. Nothing was changed.")
    return moved


def _line(request: AppointmentRequest) -> str:
    when = f"{_local(request.starts_at):%a %Y-%m-%d %H:%M}" if request.starts_at else "no time yet"
    length = f", {request.minutes} minutes" if request.minutes else ""
    return (
        f"{request.reference}  {request.status}  {when}{length} with "
        f"{request.therapist or 'anyone'}: {request.patient_name}, {request.patient_contact}"
    )


def _local(moment: datetime) -> datetime:
    return moment.astimezone(facts.current().zone)
