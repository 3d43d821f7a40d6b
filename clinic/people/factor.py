"""The second factor: codes of an app on the phone, and recovery codes for the day it is lost.

Of the recovery codes only a keyed hash is kept; each works once.
"""

from __future__ import annotations

import base64
import io
import secrets

import segno
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from clinic.people.models import Person
from clinic.references import ALPHABET

RECOVERY_CODES = 10
_LENGTH = 12


def has(person: Person) -> bool:
    """Whether this person has set up the app."""
    return bool(TOTPDevice.objects.filter(user=person, confirmed=True).exists())


def being_set_up(person: Person) -> TOTPDevice:
    """The secret the person is about to put into the app; the same until it is confirmed."""
    device, _ = TOTPDevice.objects.get_or_create(
        user=person, confirmed=False, defaults={"name": "app"}
    )
    return device


def picture(device: TOTPDevice) -> str:
    """The QR code as SVG without styles, made here: nobody else learns the secret."""
    out = io.BytesIO()
    segno.make(device.config_url, error="m").save(
        out, kind="svg", scale=5, border=2, xmldecl=False, svgns=True, nl=False, light="#fff"
    )
    return out.getvalue().decode("ascii")


def typed_secret(device: TOTPDevice) -> str:
    """The secret for those who cannot take a picture, in groups of four."""
    plain = base64.b32encode(device.bin_key).decode("ascii").rstrip("=")
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def confirm(person: Person, code: str) -> TOTPDevice | None:
    """Use the app's first code: from now on this app counts and no other. None: a wrong code."""
    device = being_set_up(person)
    if not device.verify_token("".join(code.split())):
        return None
    with transaction.atomic():
        TOTPDevice.objects.filter(user=person, confirmed=True).delete()
        device.confirmed = True
        device.save()
    return device


def check(person: Person, code: str) -> TOTPDevice | StaticDevice | None:
    """The device whose code this is; None for a wrong one. A recovery code is used up."""
    plain = "".join(code.upper().replace("-", " ").split())
    if len(plain) == 6 and plain.isdecimal():
        for device in TOTPDevice.objects.filter(user=person, confirmed=True):
            if device.verify_token(plain):
                return device
        return None
    for device in StaticDevice.objects.filter(user=person, confirmed=True):
        if device.verify_token(_kept(plain)):
            return device
    return None


def new_recovery_codes(person: Person) -> list[str]:
    """Ten new codes, to be shown once; the ones before stop working.

    ``codes_to_take`` of the person names them until :func:`recovery_codes_taken`.
    """
    codes = [
        "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES)
    ]
    with transaction.atomic():
        # The same device as before: whoever came in by one of its codes stays in.
        device, _ = StaticDevice.objects.get_or_create(user=person, name="recovery")
        device.token_set.all().delete()
        StaticToken.objects.bulk_create(
            [StaticToken(device=device, token=_kept(code)) for code in codes]
        )
        person.codes_to_take = secrets.token_hex(8)
        person.save(update_fields=["codes_to_take"])
    return ["-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes]


def recovery_codes_taken(person: Person, which: str) -> None:
    """The person has these codes. About codes that stopped working meanwhile it says nothing."""
    Person.objects.filter(pk=person.pk, codes_to_take=which).update(codes_to_take="")


def recovery_codes_left(person: Person) -> int:
    """How many recovery codes still work."""
    return int(StaticToken.objects.filter(device__user=person).count())


def _kept(code: str) -> str:
    # The library's column has room for 16 characters: 64 bits.
    return str(salted_hmac("clinic.people.recovery", code, algorithm="sha256").hexdigest()[:16])
