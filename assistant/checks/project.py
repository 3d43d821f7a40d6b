"""What the checks look at: the project's files, read once and in plain Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from clinic import facts
from clinic.text import fold

# Intents that no patient can send: the triage and the classifier set them.
SET_BY_CODE = frozenset({"red_flag", "nlu_fallback", "no_words"})
# Intents that only buttons send.
SENT_BY_BUTTONS = frozenset(
    {
        "accept_time",
        "join_waiting_list",
        "leave_form",
        "leave_message",
        "leave_to_clinic",
        "more_times",
        "other_day",
        "pick_time",
        "refuse_time",
        "resume_form",
        "sign_applies",
    }
)
# Intents that no example teaches.
WITHOUT_EXAMPLES = SET_BY_CODE | SENT_BY_BUTTONS
# The intent that the topics of the article and the clinic belong to.
RETRIEVAL_INTENT = "faq"
CODE_FOLDERS = ("assistant", "actions", "clinic")
# Answers to a yes-or-no question: the same few words are taught and judged everywhere.
REPLIES = "tests/safety/replies.yml"
# The checks name what they look for; that is no use of it.
NOT_LOOKED_AT = ("assistant/checks/", "assistant/data_checker.py")

_ENTITY = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|{[^}]*})")


class UnreadableFileError(ValueError):
    """A file is missing, is not YAML or has another shape; the text says which and where."""


@dataclass(frozen=True)
class Message:
    """A message that someone may write: an example to learn from or one to judge by."""

    file: str
    label: str | None
    text: str

    @property
    def folded(self) -> str:
        """The words alone: no case, no punctuation."""
        return fold(self.text)


@dataclass(frozen=True)
class Wording:
    """One wording of a response; ``number`` counts from 1."""

    file: str
    response: str
    number: int
    content: dict[str, Any]

    @property
    def metadata(self) -> dict[str, Any]:
        """Its sources and needs."""
        return dict(self.content.get("metadata") or {})

    @property
    def needs(self) -> list[str]:
        """The facts that have to be known."""
        return list(self.metadata.get("needs") or [])

    @property
    def about(self) -> str | None:
        """What a patient has to mention for it to be said, a key of data/mentions.yml."""
        about = self.metadata.get("about")
        return None if about is None else str(about)

    @property
    def buttons(self) -> list[dict[str, str]]:
        """Its buttons, each with title and payload."""
        return list(self.content.get("buttons") or [])

    @property
    def texts(self) -> list[str]:
        """What the patient reads: the text and the titles of the buttons."""
        titles = [str(button.get("title", "")) for button in self.buttons]
        return [str(self.content.get("text", "")), *titles]

    def __str__(self) -> str:
        return f"{self.file}: {self.response}, wording {self.number}"


class Project:
    """The files under ``root``. Every part is read when it is first asked for.

    A part that cannot be read raises UnreadableFileError.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> Any:
        """The content of a YAML file, not to be changed."""
        try:
            return _parse((self.root / path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UnreadableFileError(f"{path} cannot be read: {error.strerror}.") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            raise UnreadableFileError(
                f"{path}{line} is not YAML: {getattr(error, 'problem', error)}."
            ) from error

    def files(self, folder: str, pattern: str = "*.yml") -> list[str]:
        """Paths of the files in a folder and below it, in order of name."""
        found = (self.root / folder).rglob(pattern)
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def mapping(self, path: str, key: str) -> dict[str, Any]:
        """The mapping under ``key`` of a file."""
        content = self.read(path)
        value = content.get(key) if isinstance(content, dict) else None
        if not isinstance(value, dict):
            raise UnreadableFileError(f"{path} has no mapping under {key}.")
        return value

    @cached_property
    def domain(self) -> dict[str, Any]:
        """domain.yml."""
        content = self.read("domain.yml")
        for key in ("intents", "entities", "slots", "forms", "actions"):
            if not isinstance(content, dict) or not content.get(key):
                raise UnreadableFileError(f"domain.yml has nothing under {key}.")
        return dict(content)

    @cached_property
    def intents(self) -> set[str]:
        """The intents of domain.yml."""
        return set(self.domain["intents"])

    @cached_property
    def forms(self) -> dict[str, list[str]]:
        """The slots of each form."""
        return {name: list(form["required_slots"]) for name, form in self.domain["forms"].items()}

    @cached_property
    def form_slots(self) -> set[str]:
        """The slots of all forms."""
        return {slot for slots in self.forms.values() for slot in slots}

    @cached_property
    def examples(self) -> list[Message]:
        """What the intents are learnt from, by file. Labels are as in "faq/cost"."""
        return [message for path in self.files("data/nlu") for message in self._examples(path)]

    def _examples(self, path: str) -> Iterator[Message]:
        for entry in self.entries(path):
            for line in str(entry.get("examples") or "").splitlines():
                if line.strip().startswith("- "):
                    text = _ENTITY.sub(r"\1", line.strip()[2:])
                    yield Message(path, str(entry["intent"]), text)

    def entries(self, path: str) -> list[dict[str, Any]]:
        """The entries of a file in data/nlu, each with an intent."""
        content = self.read(path)
        entries = content.get("nlu") if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise UnreadableFileError(f"{path} has no list under nlu.")
        if not all(isinstance(entry, dict) and "intent" in entry for entry in entries):
            raise UnreadableFileError(f"{path} has an entry without an intent.")
        return entries

    @cached_property
    def labels(self) -> dict[str, str]:
        """Every intent and topic that has a file in data/nlu, and that file."""
        return {
            str(entry["intent"]): path
            for path in self.files("data/nlu")
            for entry in self.entries(path)
        }

    @cached_property
    def topics(self) -> set[str]:
        """The topics: "cost" for "faq/cost"."""
        prefix = f"{RETRIEVAL_INTENT}/"
        return {label.removeprefix(prefix) for label in self.labels if label.startswith(prefix)}

    @cached_property
    def wordings(self) -> list[Wording]:
        """All wordings of all responses, by file."""
        return [
            Wording(path, name, number, entry)
            for path in self.files("data/responses")
            for name, entries in self.mapping(path, "responses").items()
            for number, entry in enumerate(entries or [], 1)
        ]

    @cached_property
    def responses(self) -> dict[str, list[Wording]]:
        """The wordings of each response."""
        found: dict[str, list[Wording]] = {}
        for wording in self.wordings:
            found.setdefault(wording.response, []).append(wording)
        return found

    @cached_property
    def steps(self) -> list[tuple[str, str, str]]:
        """Every step of rules and stories: file, kind ("intent", "action"), name."""
        found: list[tuple[str, str, str]] = []
        for path in (*self.files("data/rules"), *self.files("data/stories")):
            content = self.read(path) or {}
            for rule in [*content.get("rules", []), *content.get("stories", [])]:
                for step in rule["steps"]:
                    found += [
                        (path, kind, str(step[kind]))
                        for kind in ("intent", "action")
                        if isinstance(step, dict) and kind in step
                    ]
        return found

    @cached_property
    def questions(self) -> list[dict[str, Any]]:
        """The questions of tests/evaluation/questions.yml."""
        path = "tests/evaluation/questions.yml"
        content = self.read(path)
        if not isinstance(content, dict) or not isinstance(content.get("questions"), list):
            raise UnreadableFileError(f"{path} has no list under questions.")
        return list(content["questions"])

    def test_file(self, path: str) -> tuple[str, list[str]]:
        """The intent and the messages of a file in tests/nlu."""
        content = self.read(path)
        whole = isinstance(content, dict) and isinstance(content.get("messages"), list)
        if not whole or "intent" not in content:
            raise UnreadableFileError(f"{path} has to have an intent and a list of messages.")
        return str(content["intent"]), [str(text) for text in content["messages"]]

    @cached_property
    def test_messages(self) -> list[Message]:
        """The messages of tests/nlu; the label is the file's intent."""
        found = []
        for path in self.files("tests/nlu"):
            intent, messages = self.test_file(path)
            found += [Message(path, intent, text) for text in messages]
        return found

    @cached_property
    def asked(self) -> list[Message]:
        """The messages of tests/evaluation/questions.yml."""
        return [
            Message("tests/evaluation/questions.yml", None, str(question["text"]))
            for question in self.questions
        ]

    @cached_property
    def judged_by(self) -> list[Message]:
        """Every message that the assistant is judged by, wherever it stands under tests/."""
        found = list(self.asked)
        for path in sorted(set(self.files("tests/safety")) - {REPLIES}):
            found += [Message(path, None, text) for text in _texts(self.read(path))]
        return [*found, *self.test_messages]

    @cached_property
    def signs(self) -> list[Message]:
        """What the triage compares messages with: the texts in data/safety."""
        return [
            Message(path, None, text)
            for path in self.files("data/safety")
            for text in _texts(self.read(path))
        ]

    @cached_property
    def code(self) -> dict[str, frozenset[str]]:
        """The string constants in each Python file."""
        return {
            path: _constants((self.root / path).read_text(encoding="utf-8"))
            for folder in CODE_FOLDERS
            for path in self.files(folder, "*.py")
            if not path.startswith(NOT_LOOKED_AT)
        }

    @cached_property
    def given_by_actions(self) -> frozenset[str]:
        """What the actions hand over with a response: the keywords of utter_message."""
        return frozenset(
            keyword.arg
            for path in self.files("actions", "*.py")
            for node in ast.walk(ast.parse((self.root / path).read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "utter_message"
            for keyword in node.keywords
            if keyword.arg
        )

    @cached_property
    def facts(self) -> facts.Facts:
        """clinic.yml."""
        try:
            return facts.load(self.root / "clinic.yml")
        except facts.ClinicFileError as error:
            raise UnreadableFileError(str(error)) from error

    @cached_property
    def sign_responses(self) -> set[str]:
        """What the table of signs says in place of the answer for the level ("crisis")."""
        found = set()
        for path in self.files("data/safety", "signs_*.yml"):
            signs = (self.read(path) or {}).get("signs") or []
            found |= {str(sign["response"]) for sign in signs if sign.get("response")}
        return found


@lru_cache(maxsize=512)
def _parse(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


@lru_cache(maxsize=512)
def _constants(source: str) -> frozenset[str]:
    return frozenset(
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _texts(content: Any) -> Iterator[str]:
    """Every text in lists and mappings, at any depth; the keys are not texts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)
