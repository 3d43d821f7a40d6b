"""Pages for coming in: password, code, the first set-up, invitations; and for leaving."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_otp import login as verify
from django_otp.plugins.otp_static.models import StaticDevice

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.desk import upkeep
from clinic.desk.words import say
from clinic.people import factor, invitations, lockout
from clinic.people.access import EVERYBODY, HALF_WAY, LOGGED_IN, TAKING_CODES, address, open_to, who
from clinic.people.models import Person

_CODES_TO_SHOW = "recovery_codes"


@open_to(EVERYBODY)
@sensitive_post_parameters("password")
def enter(request: HttpRequest) -> HttpResponse:
    """Login and password. Wrong ones are never told apart."""
    if request.user.is_authenticated and request.user.is_verified():
        return redirect(_next(request))
    shown = {"next": request.POST.get("next") or request.GET.get("next", "")}
    if request.method != "POST":
        return render(request, "desk/login.html", {**shown, "idle": "idle" in request.GET})
    typed = request.POST.get("username", "")[:150].strip().casefold()
    now, place = clock.now(), address(request)
    known = Person.objects.filter(username=typed).exists()
    # A name nobody has may be a password in the wrong field: it is written nowhere.
    named = typed if known else ""
    if lockout.locked_until(typed, place, now):
        problem = say("errors.locked")
    elif person := authenticate(
        request, username=typed, password=request.POST.get("password", "")[:1000]
    ):
        login(request, person)
        request.session["next"] = shown["next"]
        return redirect("code")
    else:
        problem = say("errors.login")
        log.note(named, Action.FAILED_LOGIN)
        if lockout.failed(typed, place, now):
            log.note(named, Action.LOCKED_OUT)
            problem = say("errors.locked")
    shown |= {"problem": problem, "username": typed}
    return render(request, "desk/login.html", shown, status=400)


@open_to(HALF_WAY)
@sensitive_post_parameters("code")
def code(request: HttpRequest) -> HttpResponse:
    """The code of the app, or a recovery code. Without an app yet: setting it up."""
    person = request.user
    if person.is_verified():
        return redirect(_next(request))
    if not factor.has(person):
        return redirect("factor")
    if request.method != "POST":
        return render(request, "desk/code.html")
    now, place = clock.now(), address(request)
    if lockout.locked_until(person.username, place, now):
        problem = say("errors.locked")
    elif device := factor.check(person, request.POST.get("code", "")[:40]):
        _come_in(request, person, device)
        if isinstance(device, StaticDevice):
            left = factor.recovery_codes_left(person)
            log.note(person.username, Action.RECOVERY_CODE, count=left)
            messages.warning(request, say("flash.recovery_used", left=left))
        return redirect(_next(request))
    else:
        problem = say("errors.code")
        log.note(person.username, Action.FAILED_CODE)
        if lockout.failed(person.username, place, now):
            log.note(person.username, Action.LOCKED_OUT)
            logout(request)
            return render(request, "desk/login.html", {"problem": say("errors.locked")}, status=400)
    return render(request, "desk/code.html", {"problem": problem}, status=400)


@open_to(HALF_WAY)
@sensitive_post_parameters("code", "old")
def set_factor(request: HttpRequest) -> HttpResponse:
    """Putting the secret into an app on the phone, and showing its first code.

    Somebody who has one already must have given its code first.
    """
    person = request.user
    if factor.has(person) and not person.is_verified():
        return redirect("code")
    device = factor.being_set_up(person)
    shown = {
        "picture": factor.picture(device),
        "secret": factor.typed_secret(device),
        "link": device.config_url,
        # Not by somebody who finds a desk that is logged in.
        "asks_password": factor.has(person),
    }
    if request.method != "POST":
        return render(request, "desk/factor.html", shown)
    now, place = clock.now(), address(request)
    if lockout.locked_until(person.username, place, now):
        return render(
            request, "desk/factor.html", {**shown, "problem": say("errors.locked")}, status=400
        )
    if shown["asks_password"] and not _gave_password(request):
        wrong = {**shown, "problem": say("errors.old_password")}
        return render(request, "desk/factor.html", wrong, status=400)
    with transaction.atomic():
        confirmed = factor.confirm(person, request.POST.get("code", "")[:40])
        if confirmed is not None:
            log.note(person.username, Action.FACTOR_SET, f"person {person.username}")
    if confirmed is None:
        lockout.failed(person.username, place, now)
        log.note(person.username, Action.FAILED_CODE)
        return render(
            request, "desk/factor.html", {**shown, "problem": say("errors.code")}, status=400
        )
    _come_in(request, person, confirmed)
    return _show_codes(request, person)


def _come_in(request: HttpRequest, person: Person, device: object) -> None:
    verify(request, device)
    lockout.succeeded(person.username, address(request))
    log.note(person.username, Action.LOGIN)
    upkeep.tidy(clock.now())


def _show_codes(request: HttpRequest, person: Person) -> HttpResponse:
    """New recovery codes: in this answer only, and nowhere kept."""
    again = bool(person.codes_to_take)
    codes = factor.new_recovery_codes(person)
    shown = {"codes": codes, "which": person.codes_to_take, "again": again}
    return render(request, "desk/recovery.html", shown)


@open_to(EVERYBODY)
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """A link that works once: choosing a login and a password."""
    now, place = clock.now(), address(request)
    found = None if lockout.locked_until("", place, now) else invitations.find(secret, now)
    if found is None:
        # Guessing links counts as guessing passwords.
        lockout.failed("", place, now)
        return render(request, "desk/invitation.html", {"over": True}, status=404)
    shown = {"invitation": found, "name": found.name, "wrong": {}}
    if request.method != "POST":
        return _without_referrer(render(request, "desk/invitation.html", shown))
    typed = {
        "username": request.POST.get("username", "")[:150],
        "name": request.POST.get("name", "")[:150],
        "password": request.POST.get("password", "")[:1000],
    }
    done = invitations.accept(secret, now, **typed)
    if isinstance(done, dict):
        wrong = {
            field: [say(text) if text.startswith("errors.") else text for text in texts]
            for field, texts in done.items()
        }
        shown |= {"wrong": wrong, "username": typed["username"], "name": typed["name"]}
        return _without_referrer(render(request, "desk/invitation.html", shown, status=400))
    logout(request)
    login(request, done, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("factor")


def _without_referrer(response: HttpResponse) -> HttpResponse:
    # The address of the page is the secret. "same-origin" keeps it on this server, where the form
    # needs it.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@open_to(EVERYBODY)
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Ends this session."""
    if request.user.is_authenticated:
        log.note(who(request), Action.LOGOUT)
    logout(request)
    return redirect("login")


@open_to(LOGGED_IN)
def account(request: HttpRequest) -> HttpResponse:
    """One's own password, second factor, recovery codes and sessions."""
    return render(
        request,
        "desk/account.html",
        {"left": factor.recovery_codes_left(request.user), "roles": request.user.roles()},
    )


@open_to(LOGGED_IN)
@require_POST
def single_keys(request: HttpRequest) -> HttpResponse:
    """Single letters do something at the desk from now on, or nothing any more."""
    person = request.user
    person.single_keys = request.POST.get("single_keys") == "1"
    person.save(update_fields=["single_keys"])
    messages.success(request, say(f"flash.keys_{'on' if person.single_keys else 'off'}"))
    return redirect("account")


@open_to(LOGGED_IN)
@require_POST
@sensitive_post_parameters()
def change_password(request: HttpRequest) -> HttpResponse:
    """Another password; other sessions end."""
    person, now, place = request.user, clock.now(), address(request)
    wrong = []
    if lockout.locked_until(person.username, place, now):
        wrong = [say("errors.locked")]
    elif not _gave_password(request):
        wrong = [say("errors.old_password")]
    else:
        try:
            validate_password(request.POST.get("password", "")[:1000], person)
        except ValidationError as problem:
            wrong = problem.messages
    if wrong:
        shown = {
            "wrong": wrong,
            "left": factor.recovery_codes_left(person),
            "roles": person.roles(),
        }
        return render(request, "desk/account.html", shown, status=400)
    person.set_password(request.POST["password"][:1000])
    with transaction.atomic():
        person.save(update_fields=["password"])
        log.note(person.username, Action.PASSWORD_SET, f"person {person.username}")
    update_session_auth_hash(request, person)
    messages.success(request, say("flash.password_set"))
    return redirect("account")


@open_to(TAKING_CODES)
@sensitive_post_parameters("old")
def recovery(request: HttpRequest) -> HttpResponse:
    """New recovery codes, for whoever knows the password or has not taken the last ones."""
    person, now = request.user, clock.now()
    if request.method != "POST":
        # What was shown cannot be shown again, so there are others.
        return _show_codes(request, person) if person.codes_to_take else redirect("account")
    wrong = ""
    if lockout.locked_until(person.username, address(request), now):
        wrong = say("errors.locked")
    elif not _gave_password(request):
        wrong = say("errors.old_password")
    if wrong:
        messages.error(request, wrong)
        return redirect("account")
    with transaction.atomic():
        log.note(who(request), Action.FACTOR_SET, detail="recovery")
        return _show_codes(request, request.user)


@open_to(TAKING_CODES)
@require_POST
def codes_taken(request: HttpRequest) -> HttpResponse:
    """The person says that they have the recovery codes. Until then every page leads to them."""
    factor.recovery_codes_taken(request.user, request.POST.get("which", "")[:16])
    return redirect(_next(request))


@open_to(LOGGED_IN)
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Ends all of one's sessions, this one too."""
    end_sessions(request.user, who(request))
    logout(request)
    return redirect("login")


def _gave_password(request: HttpRequest) -> bool:
    """Whether somebody who is logged in typed their password ("old"); counts a wrong one."""
    person = request.user
    if person.check_password(request.POST.get("old", "")[:1000]):
        return True
    lockout.failed(person.username, address(request), clock.now())
    log.note(person.username, Action.FAILED_LOGIN, detail="password")
    return False


def end_sessions(person: Person, by: str) -> None:
    """All sessions of a person end with their next request."""
    with transaction.atomic():
        person.sign_outs += 1
        person.save(update_fields=["sign_outs"])
        log.note(by, Action.SIGNED_OUT_EVERYWHERE, f"person {person.username}")


def _next(request: HttpRequest) -> str:
    wanted = request.session.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if wanted and safe else "/"
