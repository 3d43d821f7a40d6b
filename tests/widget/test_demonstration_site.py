"""The demonstration website says what clinic.yml and the article say, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

import pytest
import yaml
from widget_axe import violations
from widget_visitor import DESKTOP, PHONE, NewVisitor

from assistant.website import PAGES
from assistant.website.site import ARTICLE
from clinic import facts


def text_of(page: str) -> str:
    """What a reader sees, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_it_has_the_clinics_facts_and_the_whole_article() -> None:
    clinic, page = facts.load(), text_of(PAGES["/"]())
    known = (clinic.name, clinic.address, clinic.phone, clinic.email)
    for fact in [*known, *(person.name for person in clinic.therapists)]:
        assert str(fact) in page
    article = yaml.safe_load(ARTICLE.read_text(encoding="utf-8"))
    for section in article["sections"][:-1]:
        for sentence in section["sentences"]:
            assert sentence["text"] in page
    for day, times in (("Monday", "8 am to 8 pm"), ("Sunday", "closed")):
        assert f"{day} {times}" in page
    assert PAGES["/"]() == PAGES["/"]()


def test_what_it_says_of_the_clinic_stands_in_clinic_yml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another trade and other numbers, and nothing is left of these."""
    text = Path("clinic.yml").read_text(encoding="utf-8")
    text = text.replace("- name: massage therapy", "- name: acupuncture")
    text = text.replace("emergency: 911", "emergency: 112").replace(
        "line: 811", "line: 416-555-0166"
    )
    (tmp_path / "clinic.yml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("CLINIC_YML", str(tmp_path / "clinic.yml"))
    page = text_of(PAGES["/"]())
    assert "Acupuncture" in page
    assert "416-555-0166" in page
    for absent in ("Registered", "911", "811", "numbness between"):
        assert absent not in page


def test_its_file_of_the_chat_is_checked_by_the_browser() -> None:
    content = (Path("widget") / "dist" / "clinic-chat.js").read_bytes()
    known = base64.b64encode(hashlib.sha384(content).digest()).decode()
    for page in PAGES.values():
        assert f'integrity="sha384-{known}" crossorigin="anonymous"' in page()


def test_what_the_owner_left_empty_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Path("clinic.yml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("email:", "address:", "sample:"))]
    text = "\n".join(kept).replace("name: Sorrel Lane", "name: <b>Birch</b> & Lane")
    (tmp_path / "clinic.yml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("CLINIC_YML", str(tmp_path / "clinic.yml"))
    page = PAGES["/"]()
    assert "<b>Birch</b>" not in page
    assert "<b>Birch</b> & Lane Massage Therapy" in text_of(page)
    for absent in ("E-mail", "Address", "demonstration", "None", "Parking", "{"):
        assert absent not in text_of(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, PHONE, {"viewport": {"width": 320, "height": 640}}])
@pytest.mark.parametrize("path", list(PAGES))
def test_it_is_accessible_on_every_screen(
    new_visitor: NewVisitor, path: str, screen: dict[str, object], scheme: str
) -> None:
    visitor = new_visitor(**screen, color_scheme=scheme).visit(path)
    assert violations(visitor) == []
    wider = visitor.page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    assert not wider


def test_its_buttons_lead_to_the_chat(new_visitor: NewVisitor) -> None:
    visitor = new_visitor().visit("/")
    visitor.page.get_by_role("button", name="Book an appointment").first.click()
    assert visitor.field.input_value() == "I want to book an appointment"
    visitor.field.press("Enter")
    visitor.sees("You wrote: I want to book an appointment")
