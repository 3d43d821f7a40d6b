"""Finding a request again by its reference and the contact it was made with.

Needs ``clinic.setup.ready()``. Both together are all a patient has to prove who they are, so wrong
pairs are counted, in the database, and slow further ones down: per conversation, per reference and
contact tried and, where the channel knows it, per network address. What is counted is stored as a
keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from clinic import clock
from clinic.booking.models import AppointmentRequest, WrongPairs
from clinic.contacts import Contact, read_contact
from clinic.references import ALPHABET, LENGTH

#: Wrong pairs that cost nothing.
FREE_TRIES = 5
#: The wait after the fifth wrong pair; it doubles with each further one, up to LONGEST_WAIT.
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
#: After this long without a wrong pair, the count starts anew.
FORGOTTEN = timedelta(hours=24)


@dataclass(frozen=True)
class Throttled:
    """Too many wrong pairs: nothing was looked up. Ask again after ``seconds``."""

    seconds: int


def find_request(
    reference: str,
    contact: str | Contact,
    *,
    conversation_id: str,
    address: str | None = None,
    now: datetime | None = None,
) -> AppointmentRequest | Throttled | None:
    """The request with this reference that was made with this contact, in whatever state.

    ``reference`` and ``contact`` may be as typed ("k3f-9pq", "it's 604 555 0142"). None when there
    is no such pair, without a hint at which of the two is wrong. ``address`` stands for the network
    address the conversation comes from, if known. Database errors pass through.
    """
    now = now or clock.now()
    given = contact if isinstance(contact, Contact) else read_contact(contact)
    value = _comparable(given.value) if given else ""
    wanted = _reference(reference)
    counted = [
        f"{kind}:{tried}"
        for kind, tried in (
            ("conversation", conversation_id),
            ("reference", wanted),
            ("contact", value),
            ("address", address),
        )
        if tried
    ]
    with transaction.atomic():
        # Locked until the answer is known: a hundred tries at once are a hundred in a row.
        counters = [_locked(digest) for digest in sorted(map(_digest, counted))]
        blocked = [c.blocked_until for c in counters if c.blocked_until and c.blocked_until > now]
        if blocked:
            return Throttled(-int((now - max(blocked)) // timedelta(seconds=1)))
        request = _pair(wanted, value)
        if request is None:
            for counter in counters:
                _count(counter, now)
    return request


def expire(now: datetime) -> int:
    """Forget wrong pairs of long ago; the number of counts deleted."""
    # Without a moment: looked up and found right.
    over = Q(last_at__lte=now - FORGOTTEN) | Q(last_at__isnull=True)
    deleted, _ = WrongPairs.objects.filter(over).delete()
    return int(deleted)


def _pair(reference: str, value: str) -> AppointmentRequest | None:
    request = AppointmentRequest.objects.filter(reference=reference).first()
    kept = _comparable(request.patient_contact) if request else ""
    # Compared even when there is nothing to compare with, so that both take the same time.
    same = constant_time_compare(_digest(kept), _digest(value))
    return request if same and kept else None


def _reference(typed: str) -> str:
    """``typed`` without what people put in between; "" when it cannot be a reference."""
    plain = "".join(c for c in typed.upper() if c not in " -_.#\t\n")
    return plain if len(plain) == LENGTH and set(plain) <= set(ALPHABET) else ""


def _comparable(contact: str) -> str:
    """A stored contact without its extension, in lower case: nobody repeats those exactly."""
    return contact.partition(";")[0].casefold()


def _digest(text: str) -> str:
    return str(salted_hmac("clinic.booking.finding", text, algorithm="sha256").hexdigest())


def _locked(digest: str) -> WrongPairs:
    WrongPairs.objects.bulk_create([WrongPairs(digest=digest)], ignore_conflicts=True)
    return WrongPairs.objects.select_for_update().get(digest=digest)


def _count(counter: WrongPairs, now: datetime) -> None:
    if counter.last_at is not None and now - counter.last_at > FORGOTTEN:
        counter.count = 0
    counter.count += 1
    counter.last_at = now
    if counter.count >= FREE_TRIES:
        # The exponent has a limit so that the number stays a number.
        wait = min(FIRST_WAIT * 2 ** min(counter.count - FREE_TRIES, 16), LONGEST_WAIT)
        counter.blocked_until = now + wait
    counter.save()
