"""Stopping those who guess passwords or codes.

Wrong tries are counted for the login together with the address they come from, for the login alone
and for the address alone; the last two have room for a whole clinic behind one address, and for
a login that somebody elsewhere tries to lock. What is counted is stored as a keyed hash.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import salted_hmac

from clinic.networks import counted_as
from clinic.people.models import WrongTries

#: Wrong tries before the lock: from one address for one login, for one login, from one address.
PAIR, LOGIN, ADDRESS = 5, 20, 40
LOCKED = timedelta(minutes=15)
#: After so long without a wrong try, the count starts anew.
FORGOTTEN = timedelta(hours=1)


def locked_until(login: str, address: str, now: datetime) -> datetime | None:
    """Until when nothing is looked at for this login from this address; None when free."""
    ends = WrongTries.objects.filter(
        digest__in=[digest for digest, _ in _counted(login, address)], locked_until__gt=now
    ).values_list("locked_until", flat=True)
    return max((end for end in ends if end), default=None)


def failed(login: str, address: str, now: datetime) -> bool:
    """Count one wrong try. Whether it was the one that locks."""
    locks = False
    with transaction.atomic():
        for digest, allowed in sorted(_counted(login, address)):
            WrongTries.objects.bulk_create([WrongTries(digest=digest)], ignore_conflicts=True)
            tries = WrongTries.objects.select_for_update().get(digest=digest)
            if tries.last_at is None or now - tries.last_at > FORGOTTEN:
                tries.count = 0
            tries.count += 1
            tries.last_at = now
            if tries.count >= allowed:
                locks = locks or not (tries.locked_until and tries.locked_until > now)
                tries.locked_until = now + LOCKED
                tries.count = 0
            tries.save()
    return locks


def succeeded(login: str, address: str) -> None:
    """Forget the wrong tries of this login from this address."""
    pair, _ = _counted(login, address)[0]
    WrongTries.objects.filter(digest=pair).delete()


def free(login: str) -> None:
    """An administrator lets this login try again, from wherever."""
    WrongTries.objects.filter(digest=_digest("login", login.casefold())).delete()


def _counted(login: str, address: str) -> list[tuple[str, int]]:
    login = login.strip().casefold()
    address = counted_as(address)
    return [
        (_digest("pair", f"{login} {address}"), PAIR),
        (_digest("login", login), LOGIN),
        (_digest("address", address), ADDRESS),
    ]


def _digest(kind: str, value: str) -> str:
    return str(salted_hmac(f"clinic.people.{kind}", value, algorithm="sha256").hexdigest())
