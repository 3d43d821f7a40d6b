"""Checks of the names that one file gives and another uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.checks.project import RETRIEVAL_INTENT, Project
from assistant.policies import follow_ups
from assistant.policies.forms import offers_of
from assistant.policies.situation import Situation
from assistant.policies.turn import plan
from assistant.safety.table import CHECKS, SIGN_LEVELS
from clinic.contacts import ContactProblem

_RESPONSE = re.compile(r"utter_[a-z_]+[a-z](?:/[a-z_]+)?|utter_[a-z_]+_\d")
# The name of a problem with an answer is the name of a response without "utter_".
_PROBLEM = re.compile(r"invalid_[a-z_]+[a-z]|ask_which_[a-z_]+")
_ACTION = re.compile(r"(?:action|validate)_[a-z_]+")
_SETTING = re.compile(r"CLINIC_[A-Z_]+")
# Where Rasa writes the name of what was said.
_NO_RESPONSES = frozenset({"utter_action"})
# What is said to a question that leans on the last answer.
FOLLOW_UPS = "data/follow_ups.yml"
# Where actions are called from.
POLICIES = "assistant/policies/"
# Actions that Rasa brings.
_RASAS_OWN = frozenset({"action_listen", "action_restart", "action_session_start"})
# What a text can fill in and no code names.
_VARIABLE = re.compile(r"{(\w+)}")


def check_answers(project: Project) -> Iterator[str]:
    """Every intent and topic is answered."""
    for topic in sorted(project.topics):
        if f"utter_faq/{topic}" not in project.responses:
            yield f"data/responses/{topic}.yml: utter_faq/{topic} is missing."
    ruled = {name for _, kind, name in project.steps if kind == "intent"}
    for intent in sorted(project.intents - ruled):
        if not _is_planned(intent):
            yield f"domain.yml: nothing answers {intent}. Write a rule in data/rules."
    for path, kind, name in project.steps:
        if kind == "intent" and name.partition("/")[0] not in project.intents:
            yield f"{path}: domain.yml has no intent {name}."


def _is_planned(intent: str) -> bool:
    """The turn policy answers it without any rule, wherever the conversation is."""
    triage = {"level": "emergency"} if intent == "red_flag" else {}
    return plan(Situation(text="words", acts=((intent, 1.0),), triage=triage)) is not None


def check_responses(project: Project) -> Iterator[str]:
    """Every response that is named exists, and every response is named."""
    named = dict(_named_responses(project))
    for name, place in sorted(named.items()):
        if name not in project.responses:
            yield f"{place} says {name}, which is in no file of data/responses."
    used = named.keys() | set(_optional_responses(project))
    for name, wordings in sorted(project.responses.items()):
        if name not in used:
            yield f"{wordings[0].file}: nothing says {name}. Delete it, or use it."


def _named_responses(project: Project) -> Iterator[tuple[str, str]]:
    """Responses that have to exist, and who names them."""
    for path, kind, name in project.steps:
        if kind == "action" and name.startswith("utter_") and name != f"utter_{RETRIEVAL_INTENT}":
            yield name, path
    for form in project.forms:
        for offer in offers_of(form):
            yield offer, "assistant/policies/forms.py"
    for path, texts in project.code.items():
        for text in texts:
            if _RESPONSE.fullmatch(text) and text not in _NO_RESPONSES:
                yield text, path
            elif path.startswith("actions/") and _PROBLEM.fullmatch(text):
                yield f"utter_{text}", path
    for topic in project.topics:
        yield f"utter_faq/{topic}", f"data/nlu/{topic}.yml"
    for form, slots in project.forms.items():
        for slot in slots:
            of_form = f"utter_ask_{form}_{slot}"
            name = of_form if of_form in project.responses else f"utter_ask_{slot}"
            if f"action_ask_{slot}" not in project.domain["actions"]:
                yield name, f"domain.yml: {form}"
            if slot.startswith("confirm_"):
                yield f"utter_invalid_{slot}", f"domain.yml: {form}"
    for problem in ContactProblem:
        yield f"utter_invalid_patient_contact_{problem.value}", "clinic/contacts.py"
    for check in CHECKS:
        yield f"utter_check_{check}", "assistant/safety/table.py"
    for response in (*SIGN_LEVELS, *project.sign_responses):
        yield f"utter_{response}", "data/safety"
    for rating in project.read("data/titles.yml")["ratings"]:
        yield f"utter_feedback_thanks_{rating['value']}", "data/titles.yml"
    for entry in project.read(FOLLOW_UPS)["follow_ups"]:
        yield str(entry["says"]), FOLLOW_UPS


def _optional_responses(project: Project) -> Iterator[str]:
    """Responses that are said when they are there."""
    for topic in project.topics:
        yield f"utter_more_{topic}"
        yield f"utter_because_{topic}"
        yield f"utter_how_long_{topic}"
    for form, slots in project.forms.items():
        for slot in slots:
            yield f"utter_ask_{slot}_again"
            yield f"utter_ask_{slot}_shorter"
            yield f"utter_ask_{slot}_stuck"
            yield f"utter_ask_{form}_{slot}_stuck"


def check_titles(project: Project) -> Iterator[str]:
    """data/titles.yml has a title for every topic and none for what there is not."""
    path = "data/titles.yml"
    titles = project.mapping(path, "topics")
    for label in titles:
        if label not in project.labels:
            yield f"{path}: {label} is neither a topic nor an intent of data/nlu."
    for topic in sorted(project.topics):
        label = f"{RETRIEVAL_INTENT}/{topic}"
        if label not in titles:
            yield f"{path}: {label} has no title, so it is never offered."
    for label in project.read(path).get("popular") or []:
        if label not in titles:
            yield f"{path}: the popular {label} has no title under topics."


def check_fields(project: Project) -> Iterator[str]:
    """data/fields.yml names slots of forms, in regular expressions that can be read."""
    path = "data/fields.yml"
    for slot, words in project.mapping(path, "fields").items():
        if slot not in project.form_slots:
            yield f"{path}: no form of domain.yml has a slot {slot}."
        for word in words:
            try:
                re.compile(str(word))
            except re.error as error:
                yield f"{path}: {slot} has {word!r}, which is no regular expression: {error}."


def check_follow_ups(project: Project) -> Iterator[str]:
    """data/follow_ups.yml names topics, in regular expressions that can be read."""
    loaded = project.read(FOLLOW_UPS)
    for number, entry in enumerate(loaded["follow_ups"], start=1):
        for topic in entry.get("after") or []:
            if topic not in project.topics:
                yield f"{FOLLOW_UPS}: entry {number} follows {topic}, which is no topic."
        try:
            follow_ups.pattern(str(entry["words"]), loaded)
        except re.error as error:
            yield f"{FOLLOW_UPS}: the words of entry {number} cannot be read: {error}."


def check_domain(project: Project) -> Iterator[str]:
    """domain.yml holds what is used, and everything that is used."""
    in_code = {text for texts in project.code.values() for text in texts}
    in_rules = {name for _, kind, name in project.steps if kind == "action"}
    in_texts = {
        name
        for wording in project.wordings
        for text in wording.texts
        for name in _VARIABLE.findall(text)
    }
    for slot in project.domain["slots"]:
        if slot not in in_code | in_texts | project.form_slots:
            yield f"domain.yml: nothing uses the slot {slot}. Delete it, or use it."
    for entity in project.domain["entities"]:
        if entity not in in_code:
            yield f"domain.yml: nothing reads the entity {entity}. Delete it, or use it."
    for form, slots in project.forms.items():
        if form not in in_rules:
            yield f"domain.yml: no rule in data/rules starts {form}."
        for slot in slots:
            if slot not in project.domain["slots"]:
                yield f"domain.yml: {form} asks for {slot}, which is no slot."
    yield from _actions(project, in_rules)


def _actions(project: Project, in_rules: set[str]) -> Iterator[str]:
    declared = set(project.domain["actions"])
    written = _action_names(project, "actions/")
    called = in_rules | _action_names(project, POLICIES)
    by_rasa = {f"validate_{form}" for form in project.forms}
    by_rasa |= {f"action_ask_{slot}" for slot in project.form_slots}
    for action in sorted(declared):
        if action not in written:
            yield f"domain.yml: no class in actions/ is called {action}."
        if action not in called | by_rasa:
            yield f"domain.yml: nothing calls {action}. Delete it, or call it."
    for action in sorted((written | _action_names(project, POLICIES)) - declared):
        yield f"domain.yml: {action} is missing under actions."
    known = declared | set(project.forms) | _RASAS_OWN
    for path, kind, name in project.steps:
        if kind == "action" and not name.startswith("utter_") and name not in known:
            yield f"{path}: domain.yml has no action or form {name}."


def _action_names(project: Project, folder: str) -> set[str]:
    return {
        text
        for path, texts in project.code.items()
        for text in texts
        if path.startswith(folder) and _ACTION.fullmatch(text)
    } - _RASAS_OWN


def check_settings(project: Project) -> Iterator[str]:
    """Every setting that the code names is explained in .env.example."""
    example = project.root / ".env.example"
    documented = example.read_text(encoding="utf-8") if example.is_file() else ""
    for path, texts in sorted(project.code.items()):
        for name in sorted(texts):
            if _SETTING.fullmatch(name) and f"{name}=" not in documented:
                yield f"{path} reads {name}, which .env.example does not explain."
