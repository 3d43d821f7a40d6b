"""All receipts and all nights, and the receipt that a patient quotes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic.audit import log
from clinic.audit.models import Action
from clinic.desk import paging
from clinic.people.access import open_to, who
from clinic.people.roles import Right
from clinic.privacy.models import DeletionReceipt, RedactionReceipt, RetentionRun
from clinic.references import LENGTH

PAGE = 50
_KINDS: dict[str, Any] = {
    "erased": DeletionReceipt,
    "taken_out": RedactionReceipt,
    "nights": RetentionRun,
}


@open_to(Right.PRIVACY)
def receipts(request: HttpRequest) -> HttpResponse:
    """A page of one kind (``kind``), the newest first; or what has a reference (``reference``)."""
    kind = request.GET.get("kind", "erased")
    kind = kind if kind in _KINDS else "erased"
    reference = request.GET.get("reference", "").strip().upper()[:LENGTH]
    rows = _KINDS[kind]._default_manager.all()
    if reference:
        # A receipt of either kind: whoever quotes it does not know which.
        rows = DeletionReceipt.objects.filter(reference=reference)
        kind = "erased" if rows.exists() else "taken_out"
        rows = _KINDS[kind]._default_manager.filter(reference=reference)
    page = paging.newest_first(rows, request.GET.get("after", ""), PAGE)
    log.note(who(request), Action.LIST, "receipts", detail=kind, count=len(page.rows))
    shown = {
        "kind": kind,
        "kinds": list(_KINDS),
        "reference": reference,
        kind: page.rows,
        "rows": page.rows,
        "more": page.more,
    }
    return render(request, "desk/receipts.html", shown)
