"""The page of the administrator: who works at the desk, with which roles."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.desk.words import say
from clinic.live import chats, duty
from clinic.people import factor, invitations, lockout
from clinic.people.access import open_to, who
from clinic.people.entering import end_sessions
from clinic.people.models import Invitation, Person
from clinic.people.roles import ALLOWED, Right, Role


@open_to(Right.PEOPLE)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, and the links that are still to be used."""
    return _page(request)


def _page(request: HttpRequest, status: int = 200, **more: object) -> HttpResponse:
    now = clock.now()
    everybody = Person.objects.prefetch_related("groups")
    shown = {
        "people": [
            {"person": one, "roles": one.roles(), "factor": factor.has(one)} for one in everybody
        ],
        "invitations": invitations.working(now).select_related("person"),
        "all_roles": list(Role),
        "table": [(right, [role in ALLOWED[right] for role in Role]) for right in Right],
        **more,
    }
    return render(request, "desk/people.html", shown, status=status)


def link(secret: str) -> str:
    """The whole address of an invitation."""
    return f"{settings.DESK.address}{reverse('invitation', args=[secret])}"


@open_to(Right.PEOPLE)
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """A link for somebody new. It is shown in this answer only."""
    roles = _roles(request.POST)
    name = request.POST.get("name", "").strip()[:150]
    if not roles or not name:
        problem = say("errors.name" if not name else "errors.roles")
        return _page(request, 400, problem=problem, typed_name=name, typed_roles=roles)
    secret = invitations.invite(who(request), clock.now(), roles=roles, name=name)
    return _page(request, link=link(secret), link_for=name)


@open_to(Right.PEOPLE)
@require_POST
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """A link is not to work any more."""
    invitation = get_object_or_404(Invitation, pk=number)
    with transaction.atomic():
        invitations.take_back(invitation, clock.now())
        log.note(who(request), Action.CHANGE, f"invitation {number}", detail="taken back")
    undo = reverse("give-back", args=[number])
    messages.success(request, say("flash.invitation_taken_back"), extra_tags=undo)
    return redirect("people")


@open_to(Right.PEOPLE)
@require_POST
def give_back(request: HttpRequest, number: int) -> HttpResponse:
    """Undo of :func:`take_back`."""
    invitation = get_object_or_404(Invitation, pk=number)
    with transaction.atomic():
        done = invitations.give_back(invitation, clock.now())
        if done:
            log.note(who(request), Action.UNDO, f"invitation {number}", detail="taken back")
    if done:
        messages.success(request, say("flash.undone"))
    else:
        messages.warning(request, say("flash.undo_late"))
    return redirect("people")


@open_to(Right.PEOPLE)
@require_POST
def begin_anew(request: HttpRequest, username: str) -> HttpResponse:
    """A link for somebody who lost password or phone."""
    person = get_object_or_404(Person, username=username, is_active=True)
    with transaction.atomic():
        lockout.free(person.username)
        secret = invitations.invite(who(request), clock.now(), roles=set(), person=person)
    return _page(request, link=link(secret), link_for=person.name)


@open_to(Right.PEOPLE)
@require_POST
def change_roles(request: HttpRequest, username: str) -> HttpResponse:
    """Other roles. The last administrator stays one."""
    person = get_object_or_404(Person, username=username)
    roles = _roles(request.POST)
    with transaction.atomic():
        before = set(person.roles())
        done = _give(request, person, roles)
    if done:
        steps = urlencode({"roles": sorted(before), "instead": sorted(roles)}, doseq=True)
        undo = f"{reverse('roles-before', args=[person.username])}?{steps}"
        messages.success(request, say("flash.roles_changed", name=person.name), extra_tags=undo)
    return redirect("people")


@open_to(Right.PEOPLE)
@require_POST
def roles_before(request: HttpRequest, username: str) -> HttpResponse:
    """Undo of :func:`change_roles`, unless they were changed ``instead`` into others since."""
    person = get_object_or_404(Person, username=username)
    with transaction.atomic():
        person = Person.objects.select_for_update().get(pk=person.pk)
        if set(person.roles()) != _roles(request.GET, "instead"):
            messages.warning(request, say("flash.undo_changed"))
        elif _give(request, person, _roles(request.GET)):
            messages.success(request, say("flash.undone"))
    return redirect("people")


def _give(request: HttpRequest, person: Person, roles: set[Role]) -> bool:
    """Give somebody these roles and no others; False, and says why, for the last administrator."""
    if Role.ADMINISTRATOR not in roles and _is_last_administrator(person):
        messages.error(request, say("errors.last_administrator"))
        return False
    person.groups.set(Group.objects.filter(name__in=roles))
    about, detail = f"person {person.username}", " ".join(sorted(roles))
    log.note(who(request), Action.ROLES_CHANGED, about, detail=detail)
    return True


@open_to(Right.PEOPLE)
@require_POST
def stop(request: HttpRequest, username: str) -> HttpResponse:
    """Somebody has left: they cannot log in any more, and are out at once."""
    person = get_object_or_404(Person, username=username, is_active=True)
    with transaction.atomic():
        if _is_last_administrator(person):
            messages.error(request, say("errors.last_administrator"))
            return redirect("people")
        person.is_active = False
        person.save(update_fields=["is_active"])
        Invitation.objects.filter(person=person, used_at=None).update(until=clock.now())
        log.note(who(request), Action.PERSON_STOPPED, f"person {person.username}")
        duty.stop(person.username)
        left = chats.leave_all(person.username, clock.now())
        for chat in left:
            log.note(who(request), Action.LIVE, f"live chat {chat}", detail="handed_back")
        end_sessions(person, who(request))
    undo = reverse("bring-back", args=[person.username])
    done = "stopped_in_chats" if left else "stopped"
    told = say(f"flash.{done}", name=person.name, count=len(left))
    messages.success(request, told, extra_tags=undo)
    return redirect("people")


@open_to(Right.PEOPLE)
@require_POST
def bring_back(request: HttpRequest, username: str) -> HttpResponse:
    """Undo of :func:`stop`."""
    person = get_object_or_404(Person, username=username, is_active=False)
    with transaction.atomic():
        person.is_active = True
        person.save(update_fields=["is_active"])
        log.note(who(request), Action.PERSON_BACK, f"person {person.username}")
    messages.success(request, say("flash.back", name=person.name))
    return redirect("people")


@open_to(Right.PEOPLE)
@require_POST
def sign_out(request: HttpRequest, username: str) -> HttpResponse:
    """Ends somebody's sessions, for example after a phone was lost."""
    person = get_object_or_404(Person, username=username)
    end_sessions(person, who(request))
    messages.success(request, say("flash.signed_out", name=person.name))
    return redirect("people")


def _roles(given: QueryDict, name: str = "roles") -> set[Role]:
    return {Role(role) for role in given.getlist(name) if role in set(Role)}


def _is_last_administrator(person: Person) -> bool:
    administrators = invitations.administrators().select_for_update()
    return {one.pk for one in administrators} == {person.pk}
