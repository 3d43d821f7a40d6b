"""Notices to staff in Slack, by an incoming webhook: somebody waits, or something is stuck.

They say where to look at the staff desk and nothing else: what it is about stands there. Patients
cannot write to the assistant in Slack.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta
from typing import Any

from clinic.booking.handoff import web
from clinic.booking.handoff.chosen import is_this_computer
from clinic.booking.handoff.interface import Delivery, Part, Reason, Trouble
from clinic.desk import options
from clinic.environment import EnvironmentProblem
from clinic.live.models import Kind, Step
from clinic.live.models import State as ChatState
from clinic.outbox import late, queue
from clinic.outbox.models import Item, State

SETTING = "CLINIC_SLACK_WEBHOOK"
#: What has been stuck for longer when the notices are turned on is not told of.
_NEWS = timedelta(hours=24)
_WEBHOOK = re.compile(r"https://hooks\.slack\.com/services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+")
_STAND_IN = re.compile(r"http://([a-z0-9.]+):\d+/[A-Za-z0-9/]*")


def webhook() -> str:
    """Where notices go; "" when none are sent. Raises EnvironmentProblem."""
    value = os.environ.get(SETTING, "").strip()
    here = _STAND_IN.fullmatch(value)
    if not value or _WEBHOOK.fullmatch(value) or (here and is_this_computer(here[1])):
        return value
    raise EnvironmentProblem(
        f"{SETTING} is no incoming webhook (its value is a secret and not shown). Allowed: empty, "
        "or the address that Slack gives, which begins with https://hooks.slack.com/services/."
    )


def enqueue(now: datetime) -> int:
    """Note down a notice for whoever waits too long and whatever has become stuck; how many.

    Again changes nothing. ``now`` is the real clock's.
    """
    if not webhook():
        return 0
    noted = 0
    for step in Step.objects.filter(kind=Kind.LONG_WAIT, chat__state=ChatState.WAITING):
        noted += _note({"step": step, "change": None, "offer": None, "late": None}, now)
    stuck = Item.objects.filter(state=State.STUCK, waiting_since__gte=now - _NEWS)
    for item in stuck.exclude(part=Part.SLACK):
        about = {"step": item.step, "change": item.change, "offer": item.offer, "late": None}
        noted += _note(about, now, request=item.request, sequence=item.sequence)
    for row in late.stuck().filter(at__gte=now - _NEWS):
        noted += _note({"step": None, "change": None, "offer": None, "late": row}, now)
    return noted


def _note(about: dict[str, Any], now: datetime, **more: Any) -> bool:
    values = {"sequence": 0, "due_at": now, "waiting_since": now, **more}
    return Item.objects.get_or_create(**about, part=Part.SLACK, defaults=values)[1]


def tell(item: Item) -> Delivery | None:
    """Send a notice; None when it is not needed any more. Raises ``Trouble``."""
    address = options.read().address
    if item.step is not None and item.step.chat.state == ChatState.WAITING:
        return _send("waits", f"{address}/live/{item.step.chat_id}")
    if item.late_id is not None:
        # Gone when somebody has seen to it, or it has arrived.
        open_still = late.stuck().filter(pk=item.late_id).exists()
        return _send("stuck", f"{address}/bookings/deliveries") if open_still else None
    same = Item.objects.filter(change=item.change, offer=item.offer, step=item.step)
    if same.exclude(pk=item.pk).filter(state=State.STUCK).exists():
        return _send("stuck", f"{address}/bookings/deliveries")
    return None


def _send(what: str, address: str) -> Delivery | None:
    to = webhook()
    if not to:
        # Turned off meanwhile.
        return None
    body = json.dumps({"text": queue.wording()["slack"][what].format(address=address)}).encode()
    answer = web.call("POST", to, {"Content-Type": "application/json"}, body)
    status, code = answer.status, str(answer.status)
    if status == 200:
        return Delivery.sent()
    if status == 429:
        raise Trouble(Reason.RATE_LIMIT, code)
    if status >= 500 or status == 408:
        raise Trouble(Reason.BUSY, code)
    # Taken back, or its channel archived: Slack says 403, 404 or 410.
    raise Trouble(Reason.LOGIN, code, final=True)
