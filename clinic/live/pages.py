"""The staff desk's pages about live chats: the list, one chat, and what is done in it.

All work as plain forms; htmx only spares loading the page anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations.models import Session
from clinic.desk.reasons import reason_of
from clinic.live import chats, duty, reading
from clinic.live.limits import CHANNELS
from clinic.live.models import Chat, State
from clinic.live.wording import wording
from clinic.people.access import open_to, who
from clinic.people.roles import Right
from clinic.text import BadInput

_QUICK = Path(__file__).with_name("quick_replies.yml")


@open_to(Right.LIVE)
def live(request: HttpRequest) -> HttpResponse:
    """Who waits, who is talked to, and whether this person takes chats."""
    now = clock.now()
    duty.seen(who(request), now)
    waiting_from, with_from = (_place(request.GET.get(name, "")) for name in ("from", "with"))
    found = reading.lists(waiting_from, with_from)
    places = {"from": waiting_from, "with": with_from}
    shown = {
        "waiting": found.waiting,
        "waiting_count": found.waiting_count,
        "waiting_more": _next_page(waiting_from, found.waiting_count),
        "with_person": found.with_person,
        "with_person_more": _next_page(with_from, found.with_person_count),
        "place": urlencode({name: place for name, place in places.items() if place}),
        "recent": reading.recent(now),
        "available": duty.available(now),
        "me": who(request),
        "is_available": any(one.who == who(request) for one in duty.available(now)),
        "offered": facts.current().live_chat.wait is not None,
    }
    if request.headers.get("HX-Request"):
        log.note_once(who(request), Action.LIST, "live chats")
        return render(request, "live/list_part.html", shown | {"polled": True})
    count = len(found.waiting) + len(found.with_person)
    log.note(who(request), Action.LIST, "live chats", count=count)
    return render(request, "live/list.html", shown)


def _place(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 7 else 0


def _next_page(place: int, count: int) -> int | None:
    return place + reading.PAGE if count > place + reading.PAGE else None


@open_to(Right.LIVE, patients=False)
def badge(request: HttpRequest) -> HttpResponse:
    """How many wait, for the menu of every page; whoever has one open is still here."""
    duty.seen(who(request), clock.now())
    count = Chat.objects.filter(state=State.WAITING).count()
    return render(request, "live/badge.html", {"count": count})


@open_to(Right.LIVE)
@require_POST
def available(request: HttpRequest) -> HttpResponse:
    """Takes chats from now on, or no more."""
    takes = request.POST.get("available") == "1"
    with transaction.atomic():
        duty.set_available(who(request), request.user.name, takes, clock.now())
        log.note(who(request), Action.LIVE, "live chats", detail="available" if takes else "away")
    return redirect("live")


@open_to(Right.LIVE)
def chat(request: HttpRequest, number: int) -> HttpResponse:
    """One chat: what was said, and the reply."""
    found = get_object_or_404(Chat, pk=number)
    log.note(who(request), Action.VIEW, f"live chat {found.pk}")
    return render(request, "live/chat.html", _shown(request, found))


@open_to(Right.LIVE)
def news(request: HttpRequest, number: int) -> HttpResponse:
    """What has changed in a chat since the page last asked: new messages and changed parts."""
    duty.seen(who(request), clock.now())
    found = Chat.objects.filter(pk=number).first()
    if found is None:
        # While the page was open, the patient has deleted everything.
        return render(request, "live/gone.html")
    after = request.GET.get("after", "")
    shown = _shown(request, found, int(after) if after.isdecimal() else 0)
    had = dict(zip(shown["versions"], request.GET.get("had", "").split("|"), strict=False))
    shown["changed"] = {name for name, now in shown["versions"].items() if had.get(name) != now}
    if not shown["said"] and not shown["changed"]:
        return HttpResponse(status=204)
    log.note_once(who(request), Action.VIEW, f"live chat {found.pk}")
    return render(request, "live/news.html", shown)


@open_to(Right.LIVE)
@require_POST
def contact(request: HttpRequest, number: int) -> HttpResponse:
    """Shows how the patient wrote that they can be reached. Who looked and why is noted."""
    found = get_object_or_404(Chat, pk=number)
    about, reason = f"live chat {found.pk}", reason_of(request)
    log.note(who(request), Action.UNMASK, about, detail="contact", reason=reason)
    written = {"chat": found, "contacts": reading.contacts(found), "contacts_shown": True}
    if request.headers.get("HX-Request"):
        return render(request, "live/contacts.html", written)
    return render(request, "live/chat.html", _shown(request, found) | written)


@open_to(Right.LIVE)
@require_POST
def join(request: HttpRequest, number: int) -> HttpResponse:
    """Comes into a chat of the list, or takes it over."""
    return _join(request, get_object_or_404(Chat, pk=number).conversation_id)


@open_to(Right.LIVE)
@require_POST
def join_session(request: HttpRequest, number: int) -> HttpResponse:
    """Comes into any conversation of the website or a messaging app."""
    session = get_object_or_404(Session, pk=number, channel__in=CHANNELS)
    return _join(request, session.conversation_id)


def _join(request: HttpRequest, conversation_id: str) -> HttpResponse:
    with transaction.atomic():
        found = chats.join(conversation_id, who(request), request.user.name, clock.now())
        log.note(who(request), Action.LIVE, f"live chat {found.pk}", detail="joined")
    return redirect("live-chat", found.pk)


@open_to(Right.LIVE)
@require_POST
def reply(request: HttpRequest, number: int) -> HttpResponse:
    """Writes to the patient."""
    found = get_object_or_404(Chat, pk=number)
    text, problem = request.POST.get("text", ""), ""
    try:
        with transaction.atomic():
            chats.say(found.pk, who(request), text, request.POST.get("key", ""), clock.now())
            log.note(who(request), Action.LIVE, f"live chat {found.pk}", detail="replied")
    except BadInput:
        found.refresh_from_db()
        there = found.state == State.PERSON and found.person == who(request)
        problem = wording()["problems"]["text" if there else "not_there"]
    if not problem and not request.headers.get("HX-Request"):
        return redirect("live-chat", found.pk)
    shown = _shown(request, found) | {"problem": problem, "typed": text if problem else ""}
    part = "live/reply.html" if request.headers.get("HX-Request") else "live/chat.html"
    return render(request, part, shown, status=200 if not problem else 422)


@open_to(Right.LIVE)
@require_POST
def stay(request: HttpRequest, number: int) -> HttpResponse:
    """Is still there: typing, or said so."""
    chats.stay(number, who(request), clock.now(), typing=request.GET.get("typing") == "1")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("live-chat", number)


@open_to(Right.LIVE)
@require_POST
def hand_back(request: HttpRequest, number: int) -> HttpResponse:
    """The assistant answers again."""
    return _end(request, number, chats.hand_back, "handed_back")


@open_to(Right.LIVE)
@require_POST
def close(request: HttpRequest, number: int) -> HttpResponse:
    """The chat is finished."""
    return _end(request, number, chats.close, "closed")


def _end(request: HttpRequest, number: int, end: Callable[..., Chat], what: str) -> HttpResponse:
    found = get_object_or_404(Chat, pk=number)
    try:
        with transaction.atomic():
            end(found.pk, who(request), clock.now())
            log.note(who(request), Action.LIVE, f"live chat {found.pk}", detail=what)
    except BadInput:
        messages.error(request, wording()["problems"]["not_there"])
        return redirect("live-chat", found.pk)
    messages.success(request, wording()["done"][what].format(number=found.pk))
    return redirect("live")


@open_to(Right.LIVE)
@require_POST
def dismiss(request: HttpRequest, number: int) -> HttpResponse:
    """Takes a chat off the list in which nobody has to come any more."""
    found = get_object_or_404(Chat, pk=number)
    with transaction.atomic():
        done = chats.dismiss(found.pk, clock.now())
        if done:
            log.note(who(request), Action.LIVE, f"live chat {found.pk}", detail="dismissed")
    if done:
        told = wording()["done"]["dismissed"].format(number=found.pk)
        messages.success(request, told, extra_tags=reverse("live-put-back", args=[found.pk]))
    return redirect("live")


@open_to(Right.LIVE)
@require_POST
def put_back(request: HttpRequest, number: int) -> HttpResponse:
    """Somebody should come after all."""
    found = get_object_or_404(Chat, pk=number)
    with transaction.atomic():
        done = chats.put_back(found.pk, clock.now())
        if done:
            log.note(who(request), Action.LIVE, f"live chat {found.pk}", detail="put back")
    if done:
        messages.success(request, wording()["done"]["put_back"].format(number=found.pk))
    else:
        messages.info(request, wording()["problems"]["put_back"])
    return redirect("live")


def _shown(request: HttpRequest, found: Chat, after: int = 0) -> dict[str, Any]:
    said = reading.said(found, after)
    on_their_way = reading.on_their_way(found)
    lost = reading.lost(found)
    mine = found.state == State.PERSON and found.person == who(request)
    typing = reading.patient_types(found, clock.now())
    failed = reading.given_up(found)
    return {
        "chat": found,
        "said": said,
        "last": said[-1].event_id if said else after,
        "mine": mine,
        "on_their_way": on_their_way,
        "lost": lost,
        "failed": failed,
        "typing": typing,
        "idle_minutes": round(facts.current().live_chat.idle.total_seconds() / 60),
        "key": uuid.uuid4().hex,
        "quick_replies": _quick_replies(request.user.name),
        # What each part of the page shows, so that only those that change are sent again.
        "versions": {
            "state": f"{found.state}-{found.person}-{lost}",
            "alarm": str(found.alarm_at or ""),
            "sending": "-".join(str(step.pk) for step in (*on_their_way, *failed)) + str(typing),
        },
    }


@lru_cache(maxsize=8)
def _quick_replies(name: str) -> list[dict[str, str]]:
    clinic = facts.current()
    values = {"name": name, "clinic_phone": clinic.phone, "clinic_name": clinic.name}
    found = yaml.safe_load(_QUICK.read_text(encoding="utf-8"))
    return [{key: text.format(**values) for key, text in one.items()} for one in found]
