"""Checks of what is learnt from and judged by: data/nlu and the messages under tests/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from assistant.checks.project import RETRIEVAL_INTENT, WITHOUT_EXAMPLES, Message, Project
from assistant.labels import LABEL_OF_INTENT, label_of

FEWEST_EXAMPLES_OF_A_TOPIC = 30
SMALL_TALK = ("out_of_scope", "greet", "thank", "goodbye")
FEWEST_EXAMPLES_OF_SMALL_TALK = 150
FEWEST_TESTS = 5


def check_files(project: Project) -> Iterator[str]:
    """One intent a file, and the file has its name, in data/nlu and in tests/nlu."""
    for path in project.files("data/nlu"):
        entries = project.entries(path)
        if len(entries) != 1:
            yield f"{path} has {len(entries)} intents. Write one intent a file."
        for entry in entries:
            yield from _misnamed(path, str(entry["intent"]))
    for path in project.files("tests/nlu"):
        label, _ = project.test_file(path)
        yield from _misnamed(path, label)
        if label not in project.labels:
            yield f"{path} tests {label}, which no file in data/nlu teaches."


def _misnamed(path: str, label: str) -> Iterator[str]:
    folder, _, file = path.rpartition("/")
    name = label.removeprefix(f"{RETRIEVAL_INTENT}/")
    if file != f"{name}.yml":
        yield f"{path} is about {label}. Its place is {folder}/{name}.yml."


def check_examples(project: Project) -> Iterator[str]:
    """Every intent has examples, every topic enough of them, and none is unknown."""
    counts = Counter(message.label for message in project.examples)
    for label, path in project.labels.items():
        if label.partition("/")[0] not in project.intents:
            yield f"{path}: domain.yml has no intent {label.partition('/')[0]}."
        if label in WITHOUT_EXAMPLES:
            yield f"{path}: {label} is never learnt from examples. Delete the file."
        elif not counts[label]:
            yield f"{path}: {label} has no examples."
    for intent in sorted(project.intents - WITHOUT_EXAMPLES - {RETRIEVAL_INTENT}):
        if intent not in project.labels:
            yield f"domain.yml: {intent} has no examples. Write data/nlu/{intent}.yml."
    for topic in sorted(project.topics):
        label = f"{RETRIEVAL_INTENT}/{topic}"
        if 0 < counts[label] < FEWEST_EXAMPLES_OF_A_TOPIC:
            yield (
                f"{project.labels[label]}: {label} has {counts[label]} examples. "
                f"A topic needs at least {FEWEST_EXAMPLES_OF_A_TOPIC}."
            )
    small_talk = sum(counts[label] for label in SMALL_TALK)
    if small_talk < FEWEST_EXAMPLES_OF_SMALL_TALK:
        yield (
            f"data/nlu: {', '.join(SMALL_TALK)} have {small_talk} examples together. "
            f"At least {FEWEST_EXAMPLES_OF_SMALL_TALK} are needed."
        )


def check_tests(project: Project) -> Iterator[str]:
    """Every intent and topic is judged by messages of its own.

    The questions in tests/evaluation count for what they can tell apart: not for a label
    that several intents share.
    """
    asked = Counter(
        label for question in project.questions for label in _as_list(question.get("expected"))
    )
    written = Counter(message.label for message in project.test_messages)
    sharing = Counter(LABEL_OF_INTENT.values())
    for label, path in sorted(project.labels.items()):
        measured = label_of(label)
        named = label == "out_of_scope" or measured != "out_of_scope"
        tests = written[label]
        if named and sharing[measured] <= 1:
            tests += asked[measured]
        if tests < FEWEST_TESTS:
            place = path.replace("data/nlu", "tests/nlu")
            yield (
                f"{place}: {label} is tested by {tests} messages. "
                f"At least {FEWEST_TESTS} are needed."
            )


def check_duplicates(project: Project) -> Iterator[str]:
    """No message stands twice among those to learn from, nor in tests/nlu."""
    for messages in (project.examples, project.test_messages):
        first: dict[str, Message] = {}
        for message in messages:
            if not message.folded:
                yield f"{message.file}: {message.text!r} has no letters or digits."
                continue
            earlier = first.setdefault(message.folded, message)
            if earlier is not message:
                also = "too" if earlier.file != message.file else "twice"
                yield (
                    f"{message.file}: {message.text!r} stands in {earlier.file} {also}. "
                    "Keep it in one place."
                )


def check_leaks(project: Project) -> Iterator[str]:
    """Nothing is judged by a message that it was taught.

    The triage learns from data/safety. That its own tests are kept apart from there is tested
    beside them (tests/unit/test_triage.py), since half of them may be looked at.
    """
    yield from _leaks(project.examples, project.judged_by)
    yield from _leaks(project.signs, project.asked)


def _leaks(taught: list[Message], judged_by: list[Message]) -> Iterator[str]:
    known = {message.folded: message for message in taught if message.folded}
    for message in judged_by:
        if message.folded in known:
            yield (
                f"{message.file}: {message.text!r} is also an example in "
                f"{known[message.folded].file}. Judge by another wording."
            )


def _as_list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
