"""Checks of the responses, wording by wording: sources, variables, needs, buttons, files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from assistant.checks.project import RETRIEVAL_INTENT, SET_BY_CODE, Project
from assistant.nlg import FROM_THE_ALARM, FROM_THE_CHAT, FROM_THE_MESSAGE
from assistant.nlu import mentions, texting
from clinic import facts

_VARIABLE = re.compile(r"{(\w+)}")
# Braces are doubled in a payload: one pair would be a variable.
_PAYLOAD = re.compile(r"/(?P<label>\w+(?:/\w+)?)(?P<entities>{{.*}})?")
_TOPIC_RESPONSE = re.compile(r"utter_(?:faq/|more_|because_|how_long_)(?P<topic>\w+)")


def check_sources(project: Project) -> Iterator[str]:
    """Every wording says where it comes from, and the source is one that is known."""
    sections = project.read("data/article.yml")["sections"]
    headings = {str(section["heading"]) for section in sections}
    named = set(project.mapping("data/sources.yml", "sources"))
    for wording in project.wordings:
        sources = wording.metadata.get("source")
        if not isinstance(sources, list) or not sources:
            yield f"{wording} has no source. Name at least one under metadata: source, as a list."
            continue
        for source in sources:
            kind, _, rest = str(source).partition(": ")
            known = (
                source in named
                or (kind == "article" and rest in headings)
                or (kind == "clinic.yml" and facts.is_key(rest))
            )
            if not known:
                yield (
                    f"{wording} has the source {source!r}. Allowed: article: <heading>, "
                    "clinic.yml: <key>, or one of data/sources.yml."
                )


def check_variables(project: Project) -> Iterator[str]:
    """Every {variable} is a fact of the clinic, a slot or what an action hands over."""
    known = {*project.facts.variables(), *project.domain["slots"], *project.given_by_actions}
    known |= FROM_THE_MESSAGE | FROM_THE_ALARM | FROM_THE_CHAT
    for wording in project.wordings:
        for text in wording.texts:
            for name in _VARIABLE.findall(text):
                if name not in known:
                    yield (
                        f"{wording} has the variable {{{name}}}, which nothing fills. "
                        "Allowed: the variables of clinic.yml and the slots of domain.yml."
                    )


def check_needs(project: Project) -> Iterator[str]:
    """What a wording needs can be known, and one wording of each response needs nothing."""
    known = {*project.facts.variables(), *project.domain["slots"]}
    known |= FROM_THE_MESSAGE | FROM_THE_ALARM
    for wording in project.wordings:
        for name in wording.needs:
            if name not in known:
                yield f"{wording} needs {name!r}. Allowed: {', '.join(sorted(known))}."
    for name, wordings in project.responses.items():
        if all(wording.needs or wording.about for wording in wordings):
            yield (
                f"{wordings[0].file}: {name} has no wording without needs. "
                "Write one that says the assistant does not have it, and how to ask."
            )


def check_mentions(project: Project) -> Iterator[str]:
    """What a wording is about stands in data/mentions.yml, in expressions that can be read."""
    path = "data/mentions.yml"
    known = project.mapping(path, "mentions")
    for wording in project.wordings:
        if wording.about is not None and wording.about not in known:
            yield f"{wording} is about {wording.about!r}. Allowed: the keys of {path}."
    for key, entry in known.items():
        if not entry.get("named"):
            yield f"{path}: {key} has no name. Write under named: how an answer names it."
        try:
            mentions.pattern(entry["words"])
        except (re.error, KeyError, TypeError) as error:
            yield f"{path}: the words of {key} cannot be read: {error}."


def check_shorthand(project: Project) -> Iterator[str]:
    """data/texting.yml holds pairs: an expression that can be read, and its words."""
    path = "data/texting.yml"
    for number, pair in enumerate(project.read(path)["shorthand"], start=1):
        try:
            typed, words = pair
            texting.pattern(str(typed)).sub(str(words), "")
        except (re.error, TypeError, ValueError) as error:
            yield f"{path}: pair {number} of the shorthand cannot be read: {error}."


def check_texts(project: Project) -> Iterator[str]:
    """Every response has a text to say."""
    for path in project.files("data/responses"):
        for name, entries in project.mapping(path, "responses").items():
            if not entries or not all(str(entry.get("text") or "").strip() for entry in entries):
                yield f"{path}: {name} has a wording without text."


def check_files(project: Project) -> Iterator[str]:
    """A topic's answers stand in the file of its name, and a response in one file only."""
    for path in project.files("data/responses"):
        for name in project.mapping(path, "responses"):
            match = _TOPIC_RESPONSE.fullmatch(name)
            if match and path != f"data/responses/{match['topic']}.yml":
                yield f"{path}: the place of {name} is data/responses/{match['topic']}.yml."
    for name, wordings in project.responses.items():
        files = sorted({wording.file for wording in wordings})
        if len(files) > 1:
            yield f"{files[1]}: {name} stands in {files[0]} too. Keep it in one place."


def check_buttons(project: Project) -> Iterator[str]:
    """Every button sends something that is understood."""
    for wording in project.wordings:
        for button in wording.buttons:
            problem = payload_problem(str(button.get("payload", "")), project)
            if problem:
                yield f"{wording}: the button {str(button.get('title'))!r} sends {problem}"


def payload_problem(payload: str, project: Project) -> str | None:
    """Says what is wrong with a payload and what is allowed, or None.

    A payload is ``/intent``, ``/faq/<topic>``, ``/intent{{"entity":"value"}}``, or words.
    """
    if not payload.startswith("/"):
        return None if payload.strip() else "nothing. Allowed: /intent, /faq/<topic> or words."
    match = _PAYLOAD.fullmatch(payload)
    if not match:
        return f"{payload!r}. Allowed: /intent, /faq/<topic> or /intent{{{{entities}}}}."
    intent, _, topic = match["label"].partition("/")
    if topic or intent == RETRIEVAL_INTENT:
        if intent != RETRIEVAL_INTENT or f"utter_faq/{topic}" not in project.responses:
            return f"{payload!r}, and no response answers that. Allowed: /faq/<topic>."
    elif intent not in project.intents - SET_BY_CODE:
        return f"{payload!r}. Allowed: an intent of domain.yml that a patient may send."
    return _entities_problem(match["entities"], payload, project)


def _entities_problem(entities: str | None, payload: str, project: Project) -> str | None:
    if entities is None:
        return None
    try:
        named = json.loads(entities[1:-1])
    except ValueError:
        return f"{payload!r}, which is not JSON in doubled braces."
    for name in named:
        if name not in project.domain["entities"]:
            return f"{payload!r}, and domain.yml has no entity {name}."
    if "field" in named and named["field"] not in project.form_slots:
        return f"{payload!r}, and no form has a slot {named['field']}."
    return None
