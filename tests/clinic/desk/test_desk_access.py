"""Each page times each role, forms from elsewhere, headers, and the audit log itself."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from desk_people import browser, deeds, person

ROOT = Path(__file__).resolve().parents[3]


def _routes() -> dict[str, Any]:
    """All views by the name of their address."""
    from django.urls import get_resolver

    found = {}

    def walk(patterns: Any) -> None:
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns)
            else:
                found[pattern.name] = pattern

    walk(get_resolver().url_patterns)
    return found


def _address(pattern: Any) -> str:
    """An address of the pattern, with invented values."""
    values = {"int": "1", "str": "none", "slug": "none", "path": "none"}
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda m: values[m[1] or "str"], str(pattern.pattern))


def test_every_view_says_for_whom_it_is_open() -> None:
    from clinic.people.access import EVERYBODY, HALF_WAY, LOGGED_IN, TAKING_CODES
    from clinic.people.roles import Right

    for name, pattern in _routes().items():
        right = getattr(pattern.callback, "right", None)
        assert right in {EVERYBODY, HALF_WAY, TAKING_CODES, LOGGED_IN, *Right}, name
    open_ones = {n for n, p in _routes().items() if p.callback.right == EVERYBODY}
    assert open_ones == {"health", "login", "logout", "invitation"}


def test_each_page_is_allowed_or_refused_for_each_role(everyone: dict[str, Any]) -> None:
    from clinic.people.roles import ALLOWED, Right

    tried = 0
    for name, pattern in _routes().items():
        right = pattern.callback.right
        if right not in set(Right):
            continue
        address = _address(pattern)
        for role, someone in everyone.items():
            client = browser(someone)
            client.raise_request_exception = False
            for method in (client.get, client.post):
                status = method(address).status_code
                if role in ALLOWED[right]:
                    assert status not in (403, 500), f"{name} for {role}: {status}"
                else:
                    assert status == 403, f"{name} for {role}: {status}"
                tried += 1
        outside = browser().get(address)
        assert outside.status_code == 302
        assert outside["Location"].startswith("/login?next=")
    assert tried >= 8 * 8


#: Pages that tests open by a click or a link; parts of pages, files, and what leads elsewhere.
BY_HAND = {"booking", "invitation", "login", "code", "factor", "recovery", "live-chat"}
NO_PAGES = {"as-test", "download-csv", "download-json", "health", "live-badge", "live-news"}


def test_every_page_is_looked_at_with_axe(everyone: dict[str, Any]) -> None:
    from django.urls import resolve
    from test_desk_browser import PAGES
    from test_desk_states import STATES

    addresses = [*PAGES.values(), *(address for address, _ in STATES.values())]
    looked_at = {resolve(address.partition("?")[0]).url_name for address in addresses}
    client = browser(person("natalie", *everyone))
    pages = {
        name
        for name, pattern in _routes().items()
        if client.get(_address(pattern)).status_code != 405
    }
    assert pages - looked_at - BY_HAND == NO_PAGES


def test_the_page_for_staff_says_what_each_role_sees() -> None:
    """docs/staff-desk.md, line by line."""
    from clinic.people.roles import ALLOWED, Right, Role

    lines = {
        "Today": {Right.TODAY},
        "Bookings, messages, live chat": {Right.BOOKINGS, Right.LIVE},
        "Read conversations": {Right.CONVERSATIONS},
        "Review, tag, note, download": {Right.REVIEW, Right.EXPORT},
        "Questions": {Right.QUESTIONS},
        "Insights": {Right.INSIGHTS},
        "Privacy, audit log": {Right.PRIVACY, Right.AUDIT},
        "People": {Right.PEOPLE},
    }
    assert set().union(*lines.values()) == set(Right)
    page = (ROOT / "docs" / "staff-desk.md").read_text("utf-8")
    table = page[page.index("## Who sees what") :].partition("\n\n")[0].splitlines()
    head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1:]]
    roles = [Role(name.replace(" ", "_")) for name in head[1:]]
    assert len(roles) == len(Role)
    said = {
        name: {role for role, cell in zip(roles, cells, strict=True) if cell == "yes"}
        for name, *cells in rows
    }
    assert said.keys() == lines.keys()
    for name, rights in lines.items():
        assert all(ALLOWED[right] == said[name] for right in rights), name


def test_a_refusal_is_noted(everyone: dict[str, Any]) -> None:
    browser(everyone["reviewer"]).get("/people/")
    assert deeds(action="refused", about="page people") == [("reviewer", "refused")]


def test_forms_from_elsewhere_are_not_accepted(everyone: dict[str, Any]) -> None:
    client = browser(everyone["administrator"], csrf=True)
    for name, pattern in _routes().items():
        refused = client.post(_address(pattern))
        assert refused.status_code == 403, name
        assert b"The form was not accepted" in refused.content
    from clinic.people.models import Person

    assert Person.objects.filter(is_active=True).count() == 4


def test_a_page_loads_nothing_from_elsewhere_and_is_not_kept(everyone: dict[str, Any]) -> None:
    page = browser(everyone["administrator"]).get("/people/")
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page["Cache-Control"] == "no-store"
    text = page.content.decode()
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", text)


def test_templates_hold_no_inline_script_or_style() -> None:
    for file in (ROOT / "clinic").rglob("templates/**/*.html"):
        text = file.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text), file


def test_cookies_are_sent_encrypted_only_when_people_come_over_tls(tmp_path: Path) -> None:
    import subprocess
    import sys

    said = (
        "from django.conf import settings as s; "
        "print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, "
        "s.SESSION_COOKIE_HTTPONLY, 'desk.example.com' in s.ALLOWED_HOSTS)"
    )
    for address, expected in (
        ("https://desk.example.com", "__Host-desk_session True True True True"),
        ("", "desk_session False False True False"),
    ):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", said],
            cwd=ROOT,
            env={
                "CLINIC_VAR": str(tmp_path),
                "CLINIC_DESK_ADDRESS": address,
                "DJANGO_SETTINGS_MODULE": "clinic.desk.settings",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("CLINIC_DESK_PORT", "many", 'CLINIC_DESK_PORT is "many"'),
        ("CLINIC_DESK_IDLE_MINUTES", "0", 'CLINIC_DESK_IDLE_MINUTES is "0"'),
        ("CLINIC_DESK_ADDRESS", "desk.example.com", "Allowed: empty, or https:// and a name"),
        ("CLINIC_DESK_ADDRESS", "https://desk.example.com/desk", "Allowed: empty"),
        ("CLINIC_DESK_ADDRESS", "http://desk.example.com", "would be sent unencrypted"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    from clinic.desk import options
    from clinic.environment import EnvironmentProblem

    monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentProblem) as caught:
        options.read()
    assert named in str(caught.value)


def test_the_script_of_others_is_the_file_of_the_registry() -> None:
    noted = (ROOT / "clinic/desk/static/LICENSES.md").read_text("utf-8")
    name, expected = re.search(r"\| (desk/htmx\S+) \|.*`([0-9a-f]{64})`", noted).groups()
    file = ROOT / "clinic/desk/static" / name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == expected


def test_the_audit_log_is_only_added_to(any_database: str) -> None:
    from django.db import DatabaseError, connection, transaction

    from clinic.audit import log
    from clinic.audit.models import Action, Entry

    entry = log.note("mara", Action.VIEW, "conversation 1")
    with pytest.raises(TypeError):
        entry.save()
    for deed in (
        lambda: Entry.objects.update(who="somebody else"),
        lambda: Entry.objects.all().delete(),
        lambda: connection.cursor().execute("DELETE FROM audit_entry"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()
    assert [one.who for one in Entry.objects.all()] == ["mara"]


def test_rights_follow_the_roles_given_on_the_page(database: Path) -> None:
    mara = person("mara", "front_desk")
    client = browser(mara)
    assert client.get("/people/").status_code == 403
    browser(person("ada", "administrator")).post("/people/mara/roles", {"roles": "administrator"})
    assert client.get("/people/").status_code == 200
