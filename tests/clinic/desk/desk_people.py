"""People at the desk, and browsers they are logged in with."""

from __future__ import annotations

from typing import Any

PASSWORD = "three unrelated words"  # noqa: S105
ADDRESS = "http://127.0.0.1:8010"


def person(username: str, *roles: str, name: str = "", factor: bool = True) -> Any:
    """Somebody with these roles, and an app on the phone unless told otherwise."""
    from django.contrib.auth.models import Group
    from django_otp.plugins.otp_totp.models import TOTPDevice

    from clinic.people.models import Person

    made = Person(username=username, name=name or username.title())
    made.set_password(PASSWORD)
    made.save()
    made.groups.set(Group.objects.filter(name__in=roles))
    if factor:
        TOTPDevice.objects.create(user=made, name="app", confirmed=True)
    return made


def browser(someone: Any = None, *, csrf: bool = False) -> Any:
    """A browser; with somebody it is logged in, code and all. ``csrf``: forms are checked."""
    from django.test import Client
    from django_otp import DEVICE_ID_SESSION_KEY

    client = Client(
        enforce_csrf_checks=csrf, headers={"host": "127.0.0.1"}, raise_request_exception=True
    )
    if someone is not None:
        client.force_login(someone, "django.contrib.auth.backends.ModelBackend")
        session = client.session
        device = someone.totpdevice_set.get(confirmed=True)
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()
    return client


def code_of(someone: Any) -> str:
    """What the app of this person shows now."""
    from django_otp.oath import TOTP

    device = someone.totpdevice_set.latest("pk")
    # Each code works once: what the last one was, this one is not.
    device.last_t = -1
    device.throttling_failure_count = 0
    device.throttling_failure_timestamp = None
    device.save()
    return f"{TOTP(device.bin_key, device.step, device.t0, device.digits).token():06d}"


def deeds(**about: Any) -> list[tuple[str, str]]:
    """Who did what, by the audit log, oldest first."""
    from clinic.audit.models import Entry

    found = Entry.objects.filter(**about).order_by("id")
    return [(entry.who, entry.action) for entry in found]
