"""One conversation: as the patient saw it, with what the assistant understood beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.models import AppointmentRequest
from clinic.conversations.listing import ALARMS, Filters
from clinic.conversations.models import Correction, Message, Note, Session, Tag
from clinic.conversations.store import Stop, open_store
from clinic.conversations.ties import with_tied
from clinic.desk import conversations, reviewing, undoing
from clinic.desk.topics import topics
from clinic.desk.words import say, wording
from clinic.live.limits import CHANNELS
from clinic.live.reading import RECENT
from clinic.people.access import may, open_to, refuse, who
from clinic.people.models import Person
from clinic.people.roles import Right
from clinic.privacy import redacting
from clinic.privacy.known_names import known_names
from clinic.privacy.masking import mask, mask_all
from clinic.privacy.records import Held
from clinic.questions import exporting
from clinic.text import BadInput

#: Messages to load at once, the latest.
PORTION = 60
_LONGEST_WORDS = 2000
#: What says in the address which part of a long conversation is shown.
_PLACES = ("message", "before")
#: What htmx takes for "do not ask again".
_STOP_ASKING = 286


@open_to(Right.CONVERSATIONS)
def transcript(request: HttpRequest, number: int) -> HttpResponse:
    """The latest messages; those around one (``message``); or those before one (``before``)."""
    session = get_object_or_404(Session, pk=number)
    after = request.GET.get("after", "")
    if request.headers.get("HX-Request") and after.isdecimal():
        return _news(request, session, int(after))
    log.note(who(request), Action.VIEW, f"conversation {session.pk}")
    return _page(request, session)


def _news(request: HttpRequest, session: Session, after: int) -> HttpResponse:
    """What was said since the page was loaded, as long as somebody may still be talking."""
    said = list(Message.objects.filter(session=session, event_id__gt=after).order_by("event_id"))
    if not said:
        return HttpResponse(status=204 if _is_going_on(session) else _STOP_ASKING)
    log.note_once(who(request), Action.VIEW, f"conversation {session.pk}")
    names = known_names([session.conversation_id])[session.conversation_id]
    shown = {
        "session": session,
        "lines": _lines(session, said, names, unmasked=False),
        "last": said[-1].event_id,
        **_addresses(session, "", {}),
        **_for_lines(request),
    }
    return render(request, "desk/transcript_news.html", shown)


def _is_going_on(session: Session) -> bool:
    return clock.now() - session.last_activity_at < RECENT


def _for_lines(request: HttpRequest) -> dict[str, Any]:
    """What the lines need beside what was said."""
    return {
        "may_review": may(request, Right.REVIEW),
        "me": who(request),
        "may_redact": may(request, Right.PRIVACY),
        "topics": topics(),
        "kinds": [kind for kind in Correction.Kind.values if kind != Correction.Kind.TOPIC],
    }


def _page(request: HttpRequest, session: Session, *, unmasked: bool = False) -> HttpResponse:
    try:
        filters = Filters.from_query(request.GET)
    except BadInput:
        filters = Filters()
    names = known_names([session.conversation_id])[session.conversation_id]
    said, earlier, later = _portion(request, session)
    query = filters.to_query()
    place = {name: request.GET[name] for name in _PLACES if request.GET.get(name, "").isdecimal()}
    shown: dict[str, Any] = {
        "session": session,
        "lines": _lines(session, said, names, unmasked),
        "earlier": earlier,
        "later": later,
        "query": query,
        "place": "&".join(filter(None, (query, urlencode(place)))),
        "may_export": may(request, Right.EXPORT),
        **_addresses(session, query, place),
        **_for_lines(request),
    }
    if request.headers.get("HX-Request") and request.GET.get("before"):
        return render(request, "desk/transcript_lines.html", shown)
    theirs = with_tied([session.conversation_id])
    others = Session.objects.filter(conversation_id__in=theirs).exclude(pk=session.pk)
    bookings = AppointmentRequest.objects.filter(conversation_id__in=theirs)
    shown |= {
        "joinable": session.channel in CHANNELS,
        "others": others.order_by("-started_at")[:20],
        "tied": len(theirs) - 1,
        "bookings": bookings if may(request, Right.BOOKINGS) else [],
        "stops": _stops(theirs),
        "tags": session.tags.order_by("name"),
        "all_tags": Tag.objects.order_by("name")[:200],
        "notes": [
            (note, mask(note.text, names))
            for note in session.notes.filter(event_id=None, removed_at=None).order_by("at")
        ],
        "people": Person.objects.filter(is_active=True),
        "last": said[-1].event_id if said and not later and _is_going_on(session) else None,
        "may_mark": _may_mark(request, session),
        "new": _new_since_review(session),
        "may_unmask": may(request, Right.PRIVACY),
        "unmasked": unmasked,
        "reasons": wording()["unmask_reasons"],
        **conversations.neighbours(filters, session),
    }
    return render(request, "desk/transcript.html", shown)


def _addresses(session: Session, query: str, place: dict[str, str]) -> dict[str, str]:
    """Of what is shown (``here``), the end, and, with its number behind, one message."""
    page = reverse("transcript", args=[session.pk])

    def address(*parts: str) -> str:
        return page + "?" * any(parts) + "&".join(filter(None, parts))

    return {
        "here": address(query, urlencode(place)),
        "end": address(query),
        "one": address(query, "message="),
        "before": address(query, "before="),
    }


def _stops(conversations: set[str]) -> list[Stop]:
    """In which apps the patient asked for no more messages."""
    store = open_store()
    try:
        return store.stops(sorted(conversations))
    finally:
        store.close()


def _portion(request: HttpRequest, session: Session) -> tuple[list[Message], int | None, bool]:
    """Messages in order; where earlier ones begin, and whether there are later ones."""
    rows = Message.objects.filter(session=session)
    before, message = request.GET.get("before", ""), request.GET.get("message", "")
    later = False
    if before.isdecimal():
        rows = rows.filter(event_id__lt=int(before))
    elif message.isdecimal():
        after = rows.filter(event_id__gt=int(message)).order_by("event_id")
        ends = list(after.values_list("event_id", flat=True)[: PORTION // 2 + 1])
        if len(ends) > PORTION // 2:
            rows, later = rows.filter(event_id__lt=ends[-1]), True
    found = list(rows.order_by("-event_id")[: PORTION + 1])
    earlier = found[PORTION - 1].event_id if len(found) > PORTION else None
    return found[:PORTION][::-1], earlier, later


def _lines(
    session: Session, said: list[Message], names: tuple[str, ...], unmasked: bool
) -> list[dict[str, Any]]:
    """What is shown of each message."""
    keys = [message.pk for message in said]
    corrections = {one.event_id: one for one in Correction.objects.filter(event_id__in=keys)}
    notes: dict[int, list[Note]] = {}
    for note in session.notes.filter(event_id__in=keys, removed_at=None).order_by("at"):
        notes.setdefault(note.event_id, []).append(note)

    def words(text: str) -> str:
        return text if unmasked else mask(text, names)

    def values(value: Any) -> Any:
        return value if unmasked else mask_all(value, names)

    return [
        {
            "message": message,
            "taken_for": message.topics or ([message.intent] if message.intent else []),
            "text": words(message.text),
            "payload": words(message.payload),
            "entities": values(message.entities),
            "slots": {
                name: value for name, value in values(message.slots).items() if value is not None
            },
            "triage": values(message.triage),
            "buttons": [words(str(button.get("title", ""))) for button in message.buttons],
            "starts": _moment(message.card.get("starts")),
            "reason": words(message.feedback_reason),
            "correction": corrections.get(message.pk),
            "notes": [(note, words(note.text)) for note in notes.get(message.pk, [])],
        }
        for message in said
    ]


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


@open_to(Right.PRIVACY)
@require_POST
def unmask(request: HttpRequest, number: int) -> HttpResponse:
    """Shows what is hidden, on this page only. Who looked and why is noted."""
    session = get_object_or_404(Session, pk=number)
    reason = request.POST.get("reason", "")
    if reason not in wording()["unmask_reasons"]:
        messages.error(request, say("errors.reason"))
        return redirect("transcript", session.pk)
    log.note(who(request), Action.UNMASK, f"conversation {session.pk}", reason=reason)
    return _page(request, session, unmasked=True)


@open_to(Right.PRIVACY)
@require_POST
def redact(request: HttpRequest, number: int) -> HttpResponse:
    """Takes words out of the conversation of a message, or all of the message, for good."""
    message = get_object_or_404(Message.objects.select_related("session"), pk=number)
    words = request.POST.get("words", "").strip()[:_LONGEST_WORDS]
    if not request.POST.get("sure"):
        messages.error(request, say("errors.sure_redact"))
        return undoing.back(request, "conversations")
    store = open_store()
    try:
        done = redacting.redact(message, words, who(request), store)
    except Held:
        messages.warning(request, say("flash.redact_held"))
    except redacting.Talking:
        messages.warning(request, say("flash.redact_talking"))
    except BadInput:
        messages.error(request, say("errors.redact"))
    else:
        messages.success(request, say("flash.redacted", receipt=done.receipt))
    finally:
        store.close()
    return undoing.back(request, "conversations")


@open_to(Right.EXPORT)
def as_test(request: HttpRequest, number: int) -> HttpResponse:
    """The conversation as one to test the assistant with, without what tells who somebody is."""
    session = get_object_or_404(Session, pk=number)
    log.note(who(request), Action.EXPORT, f"conversation {session.pk}", detail="test")
    response = HttpResponse(
        exporting.conversation(session), content_type="text/yaml; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="conversation_{session.pk}.yml"'
    return response


@open_to(Right.CONVERSATIONS)
@require_POST
def review(request: HttpRequest, number: int) -> HttpResponse:
    """Reviewed, or not after all; then on to the next one if that was asked for.

    Whoever reads conversations can say so of a red flag: it may not wait for a reviewer.
    """
    session = get_object_or_404(Session, pk=number)
    if not _may_mark(request, session):
        return refuse(request)
    reviewed = request.POST.get("reviewed", "yes") == "yes"
    undo = reviewing.review([session.pk], who(request), reviewed)
    undoing.tell(request, undo, "reviewed" if reviewed else "not_reviewed", count=1)
    return undoing.back(request, "conversations")


def _new_since_review(session: Session) -> Message | None:
    """The first thing said after it was reviewed, when that made it one to look at again."""
    if session.reviewed_at or session.reviewed_before is None:
        return None
    said = Message.objects.filter(session=session, at__gt=session.reviewed_before)
    return said.order_by("event_id").first()


def _may_mark(request: HttpRequest, session: Session) -> bool:
    return may(request, Right.REVIEW) or session.triage_level in ALARMS


@open_to(Right.REVIEW)
@require_POST
def tag(request: HttpRequest, number: int) -> HttpResponse:
    """A tag on, or off (``off``)."""
    session = get_object_or_404(Session, pk=number)
    name = request.POST.get("tag", "")
    try:
        if request.POST.get("off"):
            undo = reviewing.remove_tag(session.pk, name, who(request))
            undoing.tell(request, undo, "untagged")
        else:
            undoing.tell(
                request, reviewing.add_tag([session.pk], name, who(request)), "tagged", count=1
            )
    except BadInput:
        messages.error(request, say("errors.tag"))
    return undoing.back(request, "conversations")


@open_to(Right.REVIEW)
@require_POST
def assign(request: HttpRequest, number: int) -> HttpResponse:
    """Give it to somebody."""
    session = get_object_or_404(Session, pk=number)
    to = request.POST.get("to", "")
    if to and not Person.objects.filter(username=to, is_active=True).exists():
        messages.error(request, say("errors.bulk"))
    else:
        undo = reviewing.assign([session.pk], to, who(request))
        undoing.tell(request, undo, "assigned", count=1)
    return undoing.back(request, "conversations")


@open_to(Right.REVIEW)
@require_POST
def note(request: HttpRequest, number: int) -> HttpResponse:
    """Write something about it, or about one of its messages (``message``)."""
    session = get_object_or_404(Session, pk=number)
    event = request.POST.get("message", "")
    about = int(event) if event.isdecimal() else None
    if about is not None:
        get_object_or_404(Message, pk=about, session=session)
    try:
        undo = reviewing.add_note(session, request.POST.get("text", ""), who(request), about)
        undoing.tell(request, undo, "noted")
    except BadInput:
        messages.error(request, say("errors.note"))
    return undoing.back(request, "conversations")


@open_to(Right.REVIEW)
@require_POST
def drop_note(request: HttpRequest, number: int) -> HttpResponse:
    """One's own note away."""
    found = get_object_or_404(Note, pk=number, by=who(request), removed_at=None)
    undoing.tell(request, reviewing.remove_note(found, who(request)), "note_removed")
    return undoing.back(request, "conversations")


@open_to(Right.REVIEW)
@require_POST
def correct(request: HttpRequest, number: int) -> HttpResponse:
    """ "This was wrong", of one message."""
    message = get_object_or_404(Message, pk=number, author=Message.Author.PATIENT)
    wrong = request.POST.get("wrong", "")
    kind, _, topic = wrong.partition(":")
    known = kind in Correction.Kind.values or not kind
    if not known or (kind == Correction.Kind.TOPIC and topic not in topics()):
        messages.error(request, say("errors.correction"))
    else:
        undo = reviewing.correct(message, kind, topic, who(request))
        undoing.tell(request, undo, "corrected" if kind else "not_corrected")
    return undoing.back(request, "conversations")
