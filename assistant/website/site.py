"""A small clinic's website with the chat window on it, made from clinic.yml and the article.

For a first look and for trying things out: an owner has a website already and puts the chat there
(docs/embedding.md). Every fact on it stands in clinic.yml or data/article.yml, the words around
them in wording.yml; what clinic.yml leaves empty is left out.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assistant.project import ROOT
from clinic import clock, facts, hours
from clinic.facts import Facts

HERE = Path(__file__).parent
ARTICLE = ROOT / "data" / "article.yml"
# By this browsers know that the chat window's file is the one that was there at the start.
_WINDOW = hashlib.sha384((ROOT / "widget" / "dist" / "clinic-chat.js").read_bytes()).digest()
INTEGRITY = f"sha384-{base64.b64encode(_WINDOW).decode()}"


# The article keeps sentences, and this many are a paragraph that is read with ease.
SENTENCES = 3


class Section(NamedTuple):
    """A heading of the article and the paragraphs below it."""

    heading: str
    paragraphs: list[str]


class Day(NamedTuple):
    """A day of the week and when the clinic is open, in words; today's is marked."""

    name: str
    times: str
    today: bool


def home() -> str:
    """The front page."""
    clinic = facts.current()
    title, author, sections = _article()
    names = {person.name for person in clinic.therapists}
    # Who treats is told from clinic.yml.
    shown = [part for part in sections if not any(name in part[0] for name in names)]
    (first, (lead, *rest)), *others = shown
    return _render(
        "home.html",
        clinic,
        title=title,
        author=author,
        lead=lead,
        sections=[
            Section(heading, _paragraphs(sentences))
            for heading, sentences in [(first, rest), *others]
        ],
        week=_week(clinic),
    )


def privacy() -> str:
    """What is kept of a chat, for how long, and whom to ask."""
    return _render("privacy.html", facts.current())


def _render(template: str, clinic: Facts, **values: Any) -> str:
    variables = clinic.variables()
    return (
        _templates()
        .get_template(template)
        .render(
            clinic=clinic,
            facts=variables,
            integrity=INTEGRITY,
            words={key: _filled(text, variables) for key, text in _wording().items()},
            **values,
        )
    )


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=1)
def _wording() -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load((HERE / "wording.yml").read_text(encoding="utf-8"))
    return loaded


def _filled(text: str, variables: dict[str, str | None]) -> str:
    """A sentence with its facts; empty when one of them is not known."""
    names = {name for name in variables if f"{{{name}}}" in text}
    if any(variables[name] is None for name in names):
        return ""
    return text.format(**{name: variables[name] for name in names})


def _article() -> tuple[str, str, list[tuple[str, list[str]]]]:
    """The title, the author, and each heading with its sentences, spelling mistakes mended."""
    article = yaml.safe_load(ARTICLE.read_text(encoding="utf-8"))
    sections = [
        (part["heading"], [_mended(sentence) for sentence in part["sentences"]])
        for part in article["sections"]
    ]
    return article["title"], article["author"]["name"], sections


def _paragraphs(sentences: list[str]) -> list[str]:
    starts = range(0, len(sentences), SENTENCES)
    return [" ".join(sentences[start : start + SENTENCES]) for start in starts]


def _mended(sentence: dict[str, Any]) -> str:
    text: str = sentence["text"]
    for wrong, right in sentence.get("typos", {}).items():
        text = text.replace(wrong, right)
    return text


def _week(clinic: Facts) -> list[Day]:
    """The opening hours day by day; empty when the owner has put them into words."""
    today = clock.now().astimezone(clinic.zone).date()
    week = None if clinic.opening_hours_in_words else clinic.times.regular_week(today.year)
    if week is None:
        return []
    names = hours.wording()["days"]
    closed = _wording()["closed"]
    return [
        Day(
            names[number],
            hours.join([_span(span) for span in spans]) if spans else closed,
            number == today.weekday(),
        )
        for number, spans in enumerate(week)
    ]


def _span(span: hours.Span) -> str:
    begin, end = hours.clock_words(span.start), hours.clock_words(span.end)
    return hours.say("time_range", start=begin, end=end)
